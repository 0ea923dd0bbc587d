"""The pictures of README and docs, taken from the real page: python -m tests.page.screenshots docs/images"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.page.driver import choose_model, constrain, run_to_end, start, steps
from tests.page.stack import PATIENCE, Stack, chromium

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 400, "height": 800}


def run(page: Page) -> None:
    """The middle of a run, and what the model weighs at one position."""
    start(page, length=64, seed=1)
    steps(page, 30)
    look(page)


def order(page: Page) -> None:
    """Which position was filled in when, and how often the drafts there were others."""
    start(page, length=64, seed=1)
    run_to_end(page)
    page.get_by_test_id("lens").select_option("flips")
    page.get_by_test_id("heat").locator("summary").click()
    expect(page.get_by_test_id("heat-canvas")).to_be_visible()
    page.get_by_test_id("heat-canvas").scroll_into_view_if_needed()


def rows(page: Page) -> None:
    """Every open position with its candidates."""
    start(page, length=64, seed=1)
    steps(page, 12)
    page.get_by_test_id("mode").locator('[data-value="rows"]').click()
    expect(page.locator("um-rows .cards:not([data-stale])").first).to_be_visible()


def compare(page: Page) -> None:
    """Two samplers on one prompt, in lockstep."""
    start(page, length=48, seed=1)
    run_to_end(page)
    page.get_by_test_id("compare-switch").click()
    page.get_by_test_id("sampler-b").select_option("left_to_right")
    page.get_by_test_id("compare-run").click()
    expect(page.get_by_test_id("difference")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("compare-run")).to_be_visible(timeout=60_000)


def settings(page: Page) -> None:
    """A parameter's card, with its formula and a plot of what it does."""
    start(page, length=64, seed=1)
    steps(page, 12)
    look(page)
    page.get_by_test_id("common").locator("summary").click()
    page.locator("#parameter-temperature").fill("0.8")
    page.get_by_role("button", name="About Temperature").click()
    page.locator("um-parameter-card .plot").first.scroll_into_view_if_needed()


RECORD = {"type": "object", "properties": {"name": {"enum": ["Mia", "Max", "Tom"]}, "age": {"type": "integer",
          "minimum": 1, "maximum": 99}, "place": {"type": "string"}}, "required": ["name", "age", "place"]}
FACTS = "Zoe has a brown boat. Nora has a gold ball. Sam has a blue lamp. Ann has a red cup. Who has the ball?"


def why(page: Page) -> None:
    """Which words of the question spoke for a word of the answer."""
    start(page, FACTS, length=16, seed=1)
    run_to_end(page)
    page.locator("um-canvas .answer [data-state=committed]").first.click()
    page.get_by_test_id("why").locator("summary").click()
    page.get_by_test_id("why-ask").click()
    expect(page.get_by_test_id("why-answer")).to_be_visible()
    page.get_by_test_id("why-ask").scroll_into_view_if_needed()


def both(page: Page) -> None:
    """The two kinds of model on one prompt, in lockstep."""
    for name in ("embedded-causal", "embedded"):
        choose_model(page, name)
    page.get_by_test_id("length").fill("48")
    page.get_by_test_id("compare-switch").click()
    page.get_by_test_id("model-b").select_option("embedded-causal")
    expect(page.get_by_test_id("sampler-b")).to_have_value("autoregressive")
    page.get_by_test_id("compare-run").click()
    expect(page.get_by_test_id("compare-stop")).to_be_visible()
    expect(page.get_by_test_id("compare-run")).to_be_visible(timeout=60_000)
    page.get_by_test_id("compare-slider").focus()
    for _ in range(24):
        page.keyboard.press("ArrowLeft")


def constraint(page: Page) -> None:
    """A record by a JSON schema, and what may stand at a position."""
    constrain(page, "json_schema", json.dumps(RECORD, indent=1))
    start(page, "Write a JSON record.", length=32, seed=2)
    steps(page, 13)
    page.locator('um-canvas .answer [data-state="open"]').nth(3).click()
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()


def look(page: Page) -> None:
    page.locator('um-canvas [data-position][data-state="open"]').nth(8).click()
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()


def narrow(page: Page) -> None:
    """The same on a phone."""
    start(page, length=48, seed=1)
    steps(page, 16)
    page.evaluate("document.querySelector('um-canvas').scrollIntoView()")


PICTURES: list[tuple[str, Callable[[Page], None], str, dict]] = [
    ("run-light", run, "light", WIDE),
    ("run-dark", run, "dark", WIDE),
    ("order-light", order, "light", WIDE),
    ("rows-dark", rows, "dark", WIDE),
    ("compare-light", compare, "light", WIDE),
    ("settings-light", settings, "light", WIDE),
    ("why-light", why, "light", WIDE),
    ("both-dark", both, "dark", WIDE),
    ("constraint-light", constraint, "light", WIDE),
    ("narrow-light", narrow, "light", NARROW),
]


def take(browser: Browser, address: str, file: Path, prepare: Callable[[Page], None], scheme: str, size: dict) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_test_id("connection")).to_have_text("connected", timeout=PATIENCE * 1000)
    prepare(page)
    page.mouse.move(5, 5)
    page.screenshot(path=file)
    context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        stack = Stack(Path(scratch))
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
            for name, prepare, scheme, size in PICTURES:
                take(browser, stack.page, folder / f"{name}.png", prepare, scheme, size)
                print(folder / f"{name}.png")
        finally:
            stack.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
