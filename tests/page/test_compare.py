"""Two runs or branches side by side, checked against what a direct client gets for each."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import (
    STORY,
    answer_of,
    at_revision,
    canvas_of,
    cell,
    go_to,
    run_comparison,
    run_to_end,
    shown_side,
    side,
    start,
    steps,
)

LENGTH = 16


def marked(page: Page, which: str, sign: str = "differs") -> set[int]:
    return set(side(page, which).locator(f"[data-{sign}]").evaluate_all(
        "cells => cells.map(({dataset}) => Number(dataset.position))"))


def to_step(page: Page, wanted: int) -> None:
    """Moves the slider with the keyboard, from the beginning."""
    page.get_by_test_id("compare-slider").focus()
    page.keyboard.press("Home")
    for _ in range(wanted):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("compare-index")).to_have_text(re.compile(rf"^{wanted}\s*/"))


def facts(page: Page, which: str) -> dict[str, str]:
    return dict(page.get_by_test_id(f"facts-{which}").evaluate(
        "list => [...list.children].map(fact => [...fact.children].map(part => part.textContent))"))


def test_two_samplers_on_one_prompt_walk_in_lockstep(page: Page, client: unmask.Client):
    page.get_by_test_id("prompt").fill(STORY)
    page.get_by_test_id("length").fill(str(LENGTH))
    page.get_by_test_id("seed").fill("7")
    page.keyboard.press("Tab")
    page.get_by_test_id("compare-switch").click()
    # Without a session both are runs; the sampler of B is another one by itself.
    assert page.get_by_test_id("sampler-a").input_value() != page.get_by_test_id("sampler-b").input_value()
    page.get_by_test_id("sampler-b").select_option("predict_remask")
    run_comparison(page)
    direct = {"a": client.create(STORY, length=LENGTH, seed=7),
              "b": client.create(STORY, length=LENGTH, seed=7, sampler="predict_remask")}
    heads = {}
    for which, session in direct.items():
        heads[which] = len(list(session.step()))
        made = client.open(side(page, which).get_attribute("data-session"))
        assert made.tokens == session.tokens
        assert list(made.get(0).canvas.tokens) == list(session.get(0).canvas.tokens)  # the very same prompt
    assert heads["a"] != heads["b"]
    last = max(heads.values())
    expect(page.get_by_test_id("compare-index")).to_have_text(f"{last} / {last}")
    for index in (0, 3, min(heads.values()) + 1, last):
        to_step(page, index)
        wanted = {which: answer_of(session, min(index, heads[which])) for which, session in direct.items()}
        assert {which: shown_side(page, which) for which in "ab"} == wanted
        start_at = direct["a"].prompt_length
        pairs = list(enumerate(zip(wanted["a"], wanted["b"], strict=True), start_at))
        alone = {at for at, (one, other) in pairs if one[0] != other[0]}
        differing = {at for at, (one, other) in pairs if one != other} - alone
        assert marked(page, "a") == marked(page, "b") == differing
        assert marked(page, "a", "alone") == marked(page, "b", "alone") == alone
        expect(page.get_by_test_id("difference")).to_contain_text(f"{len(differing)} of {LENGTH} positions differ")
        if alone:
            expect(page.get_by_test_id("difference")).to_contain_text(f", {len(alone)} decided on one side")
        for which, session in direct.items():
            summary = session.history()[min(index, heads[which])].summary
            told = facts(page, which)
            assert told["Forwards"] == str(summary.total_forward_count if index else 0)
            assert told["Open"] == str(sum(state == "open" for state, _ in wanted[which]))
    assert any(state == "open" for state, _ in answer_of(direct["b"], 2))  # what was remasked was seen open again
    told = re.compile(rf"^Step {last} of {last}: A complete, B complete, \d+ of {LENGTH} positions? differ")
    expect(page.get_by_test_id("compare-slider")).to_have_attribute("aria-valuetext", told)
    expect(page.get_by_test_id("compare-settings")).to_contain_text("LLaDA / Predict remask")


def test_another_seed_beside_the_session_in_view(page: Page, client: unmask.Client):
    session = client.open(start(page, length=LENGTH))
    page.keyboard.press("Tab")
    page.get_by_test_id("compare-switch").click()
    page.get_by_test_id("seed-b").fill("two")
    expect(page.get_by_test_id("compare-run")).to_be_disabled()
    expect(page.get_by_test_id("compare-run")).to_have_attribute("title", re.compile("^B: seed"))
    page.get_by_test_id("seed-b").fill("2")
    expect(page.get_by_test_id("sampler-b")).to_have_value("llada")  # a seed alone is varied
    run_comparison(page)  # what was not begun yet runs too
    assert session.get().state != session.get().STATE_RUNNING and None not in session.tokens
    other = client.open(side(page, "b").get_attribute("data-session"))
    assert other.get().settings.seed == 2
    assert [token for _, token in shown_side(page, "a")] == session.tokens
    assert [token for _, token in shown_side(page, "b")] == other.tokens
    expect(page.get_by_test_id("compare-settings")).to_have_text("seed 7 / 2")
    # B becomes the session in view; what it was compared with stays.
    page.get_by_test_id("open-b").click()
    page.wait_for_function("id => document.querySelector('um-canvas').dataset.session === id", arg=other.id)
    page.get_by_test_id("compare-switch").click()
    expect(side(page, "a")).to_have_attribute("data-session", session.id)


def test_two_branches_side_by_side_and_spliced_ones_are_paired_by_the_service(page: Page, client: unmask.Client):
    session = client.open(start(page, length=LENGTH))
    steps(page, 3)
    go_to(page, 1)
    first = session.prompt_length
    open_one = next(at for at, (state, _) in enumerate(canvas_of(session.get(1))) if at > first and state == "open")
    cell(page, open_one).focus()
    page.keyboard.press("u")
    at_revision(page, 4, 4)
    page.keyboard.press("=")
    expect(side(page, "a")).to_have_attribute("data-revision", "4")
    expect(side(page, "b")).to_have_attribute("data-revision", "3")
    expect(page.get_by_test_id("compare-settings")).to_have_text("parted at revision 1")
    one, other = canvas_of(session.get(4)), canvas_of(session.get(3))
    pairs = list(enumerate(zip(one, other, strict=True)))
    alone = {at for at, pair in pairs if pair[0][0] != pair[1][0]}
    assert marked(page, "a", "alone") == alone != set()
    assert marked(page, "a") == {at for at, pair in pairs if pair[0] != pair[1]} - alone
    # A position more on one side: the service pairs them.
    page.keyboard.press("s")
    expect(page.get_by_test_id("compare-refused")).to_have_text("Close the comparison first (=).")
    page.keyboard.press("=")
    expect(page.get_by_test_id("compare")).to_have_count(0)
    cell(page, first).focus()
    page.keyboard.press("i")
    at_revision(page, 5, 5)
    page.keyboard.press("=")
    difference = page.get_by_test_id("difference")
    expect(difference).to_have_attribute("data-by", "origin")
    spans = session.compare(5, 3).spans
    assert marked(page, "a") | marked(page, "a", "alone") == {
        at for span in spans if not span.equal for at in range(span.position, span.position + span.count)}
    assert first in marked(page, "a")
    expect(difference).to_contain_text("paired by where they came from")


def test_the_steps_of_a_comparison_are_played_on_a_narrow_screen(page: Page, client: unmask.Client):
    page.set_viewport_size({"width": 400, "height": 800})
    session = client.open(start(page, length=LENGTH))
    run_to_end(page)
    page.get_by_test_id("delay").select_option("100")
    page.get_by_test_id("compare-switch").click()
    run_comparison(page)
    a, b = side(page, "a").bounding_box(), side(page, "b").bounding_box()
    assert b["y"] >= a["y"] + a["height"] and a["x"] == b["x"]  # stacked
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_test_id("compare-slider").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("compare-play")).to_have_attribute("aria-label", "Pause")
    expect(page.get_by_test_id("compare-index")).to_have_text(re.compile(r"^([2-9]|\d\d)\s*/"))
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("compare-play")).to_have_attribute("aria-label", "Play")
    paused = page.get_by_test_id("compare-index").inner_text()
    index = int(paused.split("/")[0])
    assert shown_side(page, "a") == answer_of(session, min(index, session.revision))
    page.wait_for_timeout(300)  # three steps' time
    assert page.get_by_test_id("compare-index").inner_text() == paused


def test_two_unfinished_branches_of_one_session_are_run_one_after_the_other(page: Page, client: unmask.Client):
    session = client.open(start(page, length=LENGTH))
    steps(page, 2)
    go_to(page, 1)
    page.get_by_test_id("seed").fill("8")
    page.keyboard.press("Tab")
    page.get_by_test_id("step").click()
    at_revision(page, 3, 3)
    page.get_by_test_id("compare-switch").click()
    expect(page.get_by_test_id("compare-run")).to_have_attribute("title", re.compile("one after the other"))
    run_comparison(page)
    for which in "ab":
        assert all(state != "open" for state, _ in shown_side(page, which))
        assert shown_side(page, which) == answer_of(session, int(side(page, which).get_attribute("data-revision")))


def test_a_stopped_run_goes_on_outlasts_a_reload_and_its_deletion_is_told(page: Page, client: unmask.Client):
    session = client.open(start(page, length=96))
    page.keyboard.press("Tab")
    page.get_by_test_id("compare-switch").click()
    page.get_by_test_id("seed-b").fill("99")  # with A's sampler: one position a step
    page.get_by_test_id("compare-run").click()
    expect(side(page, "b")).to_have_attribute("data-session", re.compile("."))
    page.get_by_test_id("compare-stop").click()
    expect(page.get_by_test_id("compare-run")).to_be_visible()
    made = side(page, "b").get_attribute("data-session")
    assert None in client.open(made).tokens
    page.reload()
    expect(side(page, "b")).to_have_attribute("data-session", made)
    expect(side(page, "a")).to_have_attribute("data-session", session.id)
    run_comparison(page)
    assert side(page, "b").get_attribute("data-session") == made
    assert None not in client.open(made).tokens
    client.open(made).delete()
    expect(page.get_by_test_id("gone-b")).to_contain_text("deleted")
    expect(page.get_by_test_id("open-b")).to_be_disabled()
