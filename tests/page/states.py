"""The page in each of its states, one after another, for what has to hold in all of them."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.page.driver import at_revision, cell, choose_model, constrain, open_cell, start, steps


def settled(page: Page) -> None:
    """Half way through a fade, colours are neither the ones nor the others."""
    page.evaluate("""() => Promise.all(document.getAnimations()
        .filter(({ effect, playState }) => playState === "running"
            && effect.getComputedTiming().iterations !== Infinity)
        .map(({ finished }) => finished.catch(() => {})))""")


def press(page: Page, testid: str) -> None:
    page.get_by_test_id(testid).click()


def toured(page: Page) -> None:
    press(page, "watch-tour")
    expect(page.get_by_test_id("tour")).to_be_visible()


def live_again(page: Page) -> None:
    press(page, "tour-close")
    press(page, "go-live")
    expect(page.get_by_test_id("connection")).to_have_text("connected")


def card_open(page: Page) -> None:
    page.locator("um-sampler button.about").first.click()
    expect(page.get_by_test_id("parameter-card")).to_be_visible()


def card_closed(page: Page) -> None:
    page.locator("um-sampler button.about").first.click()


def drawn_as(mode: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_test_id("mode").locator(f'[data-value="{mode}"]').click()


def seen_by(lens: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_test_id("lens").select_option(lens)


def marked(page: Page) -> None:
    cells = page.locator("um-canvas [data-state=committed]")
    cells.first.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_test_id("marked")).to_be_visible()


def brushed(page: Page) -> None:
    press(page, "brush-mask")
    expect(page.get_by_test_id("brush-bar")).to_be_visible()


def compared(page: Page) -> None:
    press(page, "compare-switch")
    expect(page.get_by_test_id("compare")).to_be_visible()


def compared_no_more(page: Page) -> None:
    press(page, "compare-close")
    expect(page.locator("um-canvas [data-position]").first).to_be_visible()


def earlier(page: Page) -> None:
    press(page, "sessions")
    expect(page.get_by_test_id("session-list").locator("li").first).to_be_visible()


def looked_at(page: Page) -> None:
    cell(page, int(page.locator("um-canvas [data-state=committed]").first.get_attribute("data-position"))).click()
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()


def watching(page: Page) -> None:
    for rank in (0, 3):
        page.get_by_test_id("watch-switch").nth(rank).click()
    press(page, "watched-table-switch")
    press(page, "life-table-switch")
    expect(page.get_by_test_id("life-table")).to_be_visible()


def why(page: Page) -> None:
    page.get_by_test_id("why").locator("summary").click()
    press(page, "why-ask")
    expect(page.get_by_test_id("why-answer")).to_be_visible()


def why_no_more(page: Page) -> None:
    page.get_by_test_id("why").locator("summary").click()
    expect(page.get_by_test_id("why-answer")).to_have_count(0)


def scored(page: Page) -> None:
    press(page, "score-and-recover")
    page.get_by_test_id("score-prompt").fill("What is 2 + 3?")
    page.get_by_test_id("score-answer").fill("2 + 3 is 5.")
    press(page, "score-run")
    expect(page.get_by_test_id("score-plot")).to_be_visible()
    expect(page.get_by_test_id("score-run")).to_be_visible()


def restored(page: Page) -> None:
    page.get_by_test_id("inspection-tab").locator('[data-value="recover"]').click()
    page.get_by_test_id("recover-texts").fill("Tom had a red kite. He went to the park.")
    press(page, "recover-run")
    expect(page.get_by_test_id("restored").locator("li")).to_be_visible()
    expect(page.get_by_test_id("recover-run")).to_be_visible()


def branched(page: Page) -> None:
    """A second branch, listed; the order of the run; and something that went wrong."""
    page.keyboard.press("[")
    press(page, "step")
    at_revision(page, 5, 5)
    expect(page.get_by_test_id("branches")).to_be_visible()


def wrong(page: Page) -> None:
    page.get_by_test_id("words").fill("63:a much longer ending than there is room for")
    press(page, "start")
    expect(page.get_by_test_id("error")).to_be_visible()


def misspelt(page: Page) -> None:
    """A constraint that is wrong, with the place in it."""
    page.get_by_test_id("words").fill("")
    constrain(page, "grammar", "start: )")
    press(page, "start")
    expect(page.get_by_test_id("constraint-pointed")).to_be_visible()


def rightwards(page: Page) -> None:
    """A text written from left to right under a constraint, and what may stand next."""
    choose_model(page, "embedded-causal")
    constrain(page, "regex", "[0-9]+")
    start(page, "What is 12+34?", length=12)
    steps(page, 2)
    open_cell(page).click()
    expect(page.get_by_test_id("valid-count")).to_be_visible()


def sheet(page: Page) -> None:
    page.get_by_role("button", name="Keys", exact=True).click()
    expect(page.locator("um-keys dialog")).to_be_visible()


def menu(page: Page) -> None:
    press(page, "takeaway")
    expect(page.get_by_role("menu")).to_be_visible()


def escape(page: Page) -> None:
    page.keyboard.press("Escape")


def nothing(_page: Page) -> None:
    pass


# How to come to each state from the one before, and how to leave it where it must be left.
STATES = [
    ("before anything is started", nothing, nothing),
    ("a tour of a recorded run", toured, live_again),
    ("the models", lambda page: press(page, "model-line"), lambda page: press(page, "model-line")),
    ("what a parameter means", card_open, card_closed),
    ("a session just started", lambda page: start(page, length=64), nothing),
    ("in the middle of a run", lambda page: steps(page, 4), nothing),
    ("a position looked at", looked_at, nothing),
    ("why a token is there", why, why_no_more),
    ("two tokens watched, with tables", watching, nothing),
    ("rows", drawn_as("rows"), nothing),
    ("a grid", drawn_as("grid"), drawn_as("reading")),
    ("colours for entropy", seen_by("entropy"), nothing),
    ("colours for the order", seen_by("order"), seen_by("confidence")),
    ("positions marked", marked, escape),
    ("a brush in hand", brushed, lambda page: press(page, "brush-mask")),
    ("two branches", branched, nothing),
    ("the order of the run", lambda page: press(page, "heat"), nothing),
    ("an error", wrong, nothing),
    ("the sheet of keys", sheet, escape),
    ("what can be taken away", menu, escape),
    ("earlier sessions", earlier, escape),
    ("an answer scored", scored, nothing),
    ("texts restored", restored, escape),
    ("two side by side", compared, compared_no_more),
    ("a constraint that is wrong", misspelt, nothing),
    ("written from left to right under a constraint", rightwards, nothing),
    ("the canvas alone", lambda page: press(page, "maximise-canvas"), lambda page: press(page, "maximise-canvas")),
]
