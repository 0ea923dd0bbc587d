"""What is typed, picked, focused or told is not lost by the next thing one does."""

import json

from playwright.sync_api import Page, expect

from tests.page.driver import run_to_end, start, steps

WHERE = """() => document.activeElement.closest("um-canvas [data-position]")?.dataset.position
    ?? document.activeElement.dataset.testid ?? document.activeElement.tagName"""


def focused(page: Page, where: str):
    page.wait_for_function(f"(where) => ({WHERE})() === where", arg=where)


def test_an_example_that_replaces_what_was_typed_can_be_undone(page: Page):
    prompt, length = page.get_by_test_id("prompt"), page.get_by_test_id("length")
    prompt.fill("my own words")
    length.fill("40")
    page.get_by_role("button", name="Holes").click()
    expect(length).to_have_value("0")
    expect(page.get_by_test_id("chat")).not_to_be_checked()
    page.get_by_test_id("news").get_by_role("button", name="Undo").click()
    expect(prompt).to_have_value("my own words")
    expect(length).to_have_value("40")
    expect(page.get_by_test_id("chat")).to_be_checked()
    expect(page.get_by_test_id("news")).to_have_count(0)


def test_a_field_that_the_server_refuses_is_marked_until_it_is_changed(page: Page):
    length = page.get_by_test_id("length")
    length.fill("250")
    page.get_by_test_id("start").click()
    expect(length).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#length-note")).to_contain_text("the prompt takes")
    length.fill("25")
    expect(length).not_to_have_attribute("aria-invalid", "true")


def test_the_focus_stays_at_its_position_when_the_view_changes(page: Page):
    start(page, length=24)
    steps(page, 1)
    cell = page.locator("um-canvas .cell[data-state=open]").nth(3)
    position = cell.get_attribute("data-position")
    cell.focus()
    for view in ("um-rows", "um-grid", ".listbox"):
        page.keyboard.press("v")
        page.locator(view).wait_for()
        focused(page, position)
    page.keyboard.press("=")
    focused(page, "compare-slider")
    page.keyboard.press("=")
    focused(page, position)


def test_picks_wait_at_their_revision_and_outlast_a_reload(page: Page):
    start(page, length=24)
    steps(page, 1)
    page.locator("um-canvas .cell[data-state=open][data-ghost]").nth(2).focus()
    page.keyboard.press("Space")
    tray = page.get_by_test_id("tray")
    expect(tray).to_be_visible()
    told = tray.inner_text()
    page.keyboard.press("[")
    expect(tray).to_have_count(0)
    page.keyboard.press("]")
    expect(tray).to_be_visible()
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    page.reload()
    expect(tray).to_be_visible()
    expect(tray).to_have_text(told, use_inner_text=True)


def test_in_forced_colours_the_values_have_bars_and_the_slider_a_groove(page: Page):
    start(page, length=24)
    steps(page, 1)
    cell = page.locator("um-canvas .cell[data-state=open][data-share]").first
    cell.click()
    page.emulate_media(forced_colors="active")
    style = "(e, [name, pseudo]) => getComputedStyle(e, pseudo)[name]"
    assert "linear-gradient" in cell.evaluate(style, ["backgroundImage", None])
    assert cell.evaluate(style, ["boxShadow", None]) != "none", "the position looked at has its frame"
    page.wait_for_selector(".candidate .bar")
    canvas = page.locator("body").evaluate(style, ["backgroundColor", None])
    assert page.locator(".candidate .bar").first.evaluate(style, ["backgroundColor", "::before"]) != canvas
    assert page.locator(".track").evaluate(style, ["forcedColorAdjust", None]) == "none"
    assert "radial-gradient" in page.get_by_test_id("chat").evaluate(style, ["backgroundImage", None])


def test_what_was_typed_to_be_said_next_outlasts_a_reload(page: Page):
    start(page, length=8)
    run_to_end(page)
    say = page.get_by_test_id("say")
    say.fill("And then?\nWho came?")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    page.reload()
    expect(say).to_have_value("And then?\nWho came?")
    expect(page.get_by_test_id("say-more")).to_be_enabled()


def test_the_settings_of_the_page_before_this_one_are_taken_over_once(page: Page, stack, chrome):
    left = {"llmDemo.modelId": "Qwen/Qwen2.5-0.5B-Instruct", "llmDemo.stepSpeedMs": "650", "llmDemo.topK": "junk",
            "llmDemo.llmEnabled": "1", "llmDemo.params": json.dumps({"preset": "custom", "params": {
                "greedy": False, "temperature": 0.7, "top_p": "junk", "repetition_penalty": 1.05, "seed": 42}})}
    context = chrome.new_context()
    try:
        other = context.new_page()
        other.goto(stack.page + "readyz")
        other.evaluate("left => Object.entries(left).forEach(([key, value]) => localStorage.setItem(key, value))", left)
        other.goto(stack.page)
        expect(other.get_by_test_id("news")).to_contain_text("temperature 0.7, repetition penalty 1.05, seed 42")
        expect(other.get_by_test_id("seed")).to_have_value("42")
        expect(other.get_by_test_id("delay")).to_have_value("500")
        expect(other.locator("#parameter-temperature")).to_have_value("0.7")
        expect(other.locator("#parameter-top_p")).to_have_value("")
        other.get_by_test_id("seed").fill("5")
        other.evaluate("dispatchEvent(new Event('pagehide'))")
        other.reload()
        expect(other.get_by_test_id("connection")).to_have_text("connected")
        expect(other.get_by_test_id("seed")).to_have_value("5")
        expect(other.get_by_test_id("news")).to_have_count(0)
        assert other.evaluate("keys => Object.fromEntries(keys.map(key => [key, localStorage.getItem(key)]))",
                              list(left)) == left
    finally:
        context.close()
