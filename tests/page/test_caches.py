"""What is kept between passes, chosen on the page."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, choose_model, go_to, open_cell, run_to_end, session_of, start, steps

APPROXIMATE = re.compile("approximate")


def chosen(page: Page, cache: str, interval: str = "") -> None:
    page.get_by_test_id("sampler").select_option("llada")
    page.locator("#parameter-block_length").fill("8")
    page.get_by_test_id("cache").select_option(cache)
    if interval:
        page.locator("#cache-interval").fill(interval)


def frames_of(client: unmask.Client, page: Page) -> list:
    return list(client.open(session_of(page)).history())


def test_an_approximate_cache_is_run_rewound_edited_and_compared(page: Page, client):
    chosen(page, "dual", "4")
    expect(page.get_by_test_id("cache-note")).to_contain_text("An approximation")
    start(page, length=24)
    steps(page, 2)
    expect(page.locator(".badge", has_text=APPROXIMATE)).to_have_text("approximate: dual_cache")
    go_to(page, 1)
    expect(page.locator(".badge", has_text=APPROXIMATE)).to_have_count(0)  # where the block began all was computed
    go_to(page, 2)
    run_to_end(page)
    frames = frames_of(client, page)
    assert frames[0].settings.cache.name == "dual" and frames[0].settings.cache.parameters["interval"] == 4
    taken = [frame for frame in frames if frame.HasField("cache_revision")]
    assert len(taken) == 24
    assert max(frame.parent_revision - frame.cache_revision for frame in taken) == 3
    assert client.open(session_of(page)).verify() == []
    # Gone back and on: a branch that is computed with the form's cache again.
    go_to(page, 5)
    page.get_by_test_id("cache").select_option("prefix")
    page.get_by_test_id("step").click()
    at_revision(page, 25, 25)
    last = frames_of(client, page)[-1]
    assert last.settings.cache.name == "prefix" and last.cache_revision == last.parent_revision
    page.get_by_test_id("compare-switch").click()
    expect(page.get_by_test_id("compare")).to_be_visible()


def test_a_sampler_that_revises_leaves_what_is_exact(page: Page):
    chosen(page, "dual")
    page.get_by_test_id("sampler").select_option("remdm")
    expect(page.get_by_test_id("cache")).to_have_value("none")
    expect(page.get_by_test_id("cache-note")).to_contain_text("Dual does not suit this sampler.")
    expect(page.locator("#cache option[value=dual]")).to_be_disabled()
    page.get_by_test_id("sampler").select_option("llada")
    expect(page.get_by_test_id("cache")).to_have_value("dual")


def test_two_choices_in_one_moment_are_shown_as_they_count(page: Page):
    """The second one undoes the first before anything was drawn; what the hand left in the list does not stay."""
    expect(page.get_by_test_id("cache")).to_have_value("none")
    page.evaluate("""() => {
        for (const [id, value] of [["cache", "dual"], ["sampler", "remdm"]]) {
            const select = document.getElementById(id);
            select.value = value;
            select.dispatchEvent(new Event("change", { bubbles: true }));
        }
    }""")
    expect(page.get_by_test_id("cache-note")).to_contain_text("Dual does not suit this sampler.")
    expect(page.get_by_test_id("cache")).to_have_value("none")


def test_a_wrong_interval_is_said_at_its_field(page: Page):
    chosen(page, "prefix", "0")
    expect(page.locator("#cache-interval")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_test_id("start")).to_have_attribute("aria-disabled", "true")


def test_a_left_to_right_model_keeps_what_it_wrote_or_nothing(page: Page, client):
    choose_model(page, "embedded-causal")
    expect(page.get_by_test_id("cache")).to_have_value("causal")
    page.get_by_test_id("cache").select_option("none")
    start(page, "What is 12+34?", length=6)
    page.get_by_test_id("step").click()
    at_revision(page, 1)
    expect(open_cell(page)).to_be_visible()
    assert frames_of(client, page)[0].settings.cache.name == "none"
