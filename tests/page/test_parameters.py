"""The settings of the sampler: presets, and a card for each parameter."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import start


def geometry(page: Page) -> list[str]:
    """All that says how the plot is drawn."""
    return page.eval_on_selector_all(
        ".plot :is(rect, path)",
        "shapes => shapes.map(it => it.getAttribute('d') ?? `${it.getAttribute('y')} ${it.getAttribute('height')}`)")


def test_cards_open_by_keyboard_one_at_a_time_and_escape_closes_them(page: Page):
    card = page.get_by_test_id("parameter-card")
    page.locator("#parameter-steps").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="About Steps")).to_be_focused()
    expect(card).to_have_count(0)
    page.keyboard.press("Enter")
    expect(card).to_have_attribute("data-parameter", "steps")
    expect(card.get_by_test_id("formula")).to_contain_text("k = ⌈open / steps left⌉")
    expect(card).to_contain_text("1 to 4096")
    page.get_by_role("button", name="About Block length").press("Enter")
    expect(card).to_have_count(1)
    expect(card).to_have_attribute("data-parameter", "block_length")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(page.get_by_role("button", name="About Block length")).to_be_focused()


def test_a_plot_follows_what_is_typed_and_keeps_the_last_value_that_fits(page: Page):
    page.get_by_test_id("sampler").select_option("fast_dllm")
    page.get_by_role("button", name="About Threshold").click()
    words = page.get_by_test_id("plot-words")
    expect(page.get_by_test_id("plot-source")).to_have_text("example")
    expect(words).to_contain_text("commit 5 of 12 open positions")
    before = geometry(page)
    page.locator("#parameter-threshold").fill("0.95")
    expect(words).to_contain_text("commit 3 of 12 open positions")
    after = geometry(page)
    assert after != before
    page.locator("#parameter-threshold").fill("7")
    expect(page.get_by_test_id("stands-in")).to_contain_text("drawn with 0.95")
    expect(words).to_contain_text("commit 3 of 12 open positions")
    assert geometry(page) == after


def test_a_plot_is_of_the_models_own_numbers_once_there_are_some(page: Page, client: unmask.Client):
    session = client.open(start(page))
    page.get_by_test_id("forward").click()
    cell = page.locator("um-canvas [data-ghost]").nth(4)
    position = int(cell.get_attribute("data-position"))
    cell.click()
    expect(page.get_by_test_id("candidates").locator("li")).to_have_count(10)
    page.get_by_test_id("common").locator("summary").click()
    page.get_by_role("button", name="About Temperature").click()
    expect(page.get_by_test_id("plot-source")).to_have_text(f"position {position} at revision {session.revision}")
    expect(page.get_by_test_id("plot-words")).to_contain_text("1 of 10 can be drawn")
    page.locator("#parameter-temperature").fill("1")
    expect(page.get_by_test_id("plot-words")).to_contain_text("10 of 10 can be drawn")


def test_presets_set_sampler_and_parameters_and_give_way_to_custom(page: Page, client: unmask.Client):
    preset, chosen = page.get_by_test_id("preset"), page.locator("#preset option:checked")
    page.get_by_test_id("seed").fill("5")
    expect(chosen).to_have_text("Default")
    expect(page.get_by_test_id("reset")).to_have_count(0)
    preset.select_option("Fast")
    expect(page.get_by_test_id("sampler")).to_have_value("fast_dllm")
    expect(page.locator("#parameter-factor")).to_have_value("2")
    expect(page.locator("#preset-note")).to_contain_text("0.84 right in 7.0 forward passes")
    expect(page.get_by_test_id("seed")).to_have_value("5")
    page.locator("#parameter-factor").fill("1.5")
    expect(chosen).to_have_text("Custom")
    expect(page.get_by_test_id("preset-undo")).to_have_count(0)
    page.locator("#parameter-factor").fill("2")
    expect(chosen).to_have_text("Fast")
    preset.select_option("Careful")
    expect(page.get_by_test_id("sampler")).to_have_value("p2")
    page.get_by_test_id("preset-undo").click()
    expect(page.get_by_test_id("sampler")).to_have_value("fast_dllm")
    expect(chosen).to_have_text("Fast")
    expect(preset).to_be_focused()
    settings = client.open(start(page)).get().settings
    assert settings.sampler == "fast_dllm"
    assert settings.parameters["rule"] == "factor" and settings.parameters["factor"] == 2
    page.get_by_test_id("reset").click()
    expect(page.locator("#parameter-rule")).to_have_value("threshold")
    expect(page.get_by_test_id("reset")).to_have_count(0)
    expect(chosen).to_have_text(re.compile("Custom"))
