"""What a person does on the page, again and again."""

import re

from playwright.sync_api import Locator, Page, expect

import unmask
from tests.patience import PATIENCE
from unmask.v1 import session_pb2

STORY = "Tell me a story about Tom and a red kite."


def start(page: Page, prompt: str = STORY, length: int = 32, seed: int = 7, **parameters: str) -> str:
    """Fills in the form and starts; the session's id."""
    page.get_by_test_id("prompt").fill(prompt)
    page.get_by_test_id("length").fill(str(length))
    page.get_by_test_id("seed").fill(str(seed))
    for name, value in parameters.items():
        field = page.get_by_label(name, exact=False).first
        field.fill(value)
    before = page.evaluate("location.hash")
    page.get_by_test_id("start").click()
    expect(page.locator('um-canvas [data-state="open"]').first).to_be_visible()
    page.wait_for_function("before => location.hash && location.hash !== before", arg=before)
    return session_of(page)


def session_of(page: Page) -> str:
    return re.search(r"session=([\w-]+)|#([\w-]+)$", page.url).group(1) or page.url.rsplit("#", 1)[1]


def shown_tokens(page: Page) -> list[int | None]:
    """The tokens of the cells after the prompt, None for an open one."""
    return page.eval_on_selector_all(
        "um-canvas [data-position]",
        "cells => cells.filter(cell => cell.dataset.state !== 'given')"
        ".map(cell => cell.dataset.state === 'open' ? null : Number(cell.dataset.token))")


def revision(page: Page) -> int:
    return int(page.get_by_test_id("revision").inner_text().split("/")[0])


def go_to(page: Page, wanted: int) -> None:
    """Moves the timeline with the keyboard, as a person would."""
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("Home")
    for _ in range(wanted):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{wanted}\s*/"))


def notes(page: Page, words: str) -> None:
    """Looks out for words that stay for a moment only."""
    page.evaluate("""words => {
      window.noted = false;
      new MutationObserver(() => (window.noted ||= document.body.innerText.includes(words)))
        .observe(document.body, { subtree: true, childList: true, characterData: true });
    }""", words)


def noted(page: Page) -> None:
    """Waits until the words have been there."""
    page.wait_for_function("() => window.noted")


def run_to_end(page: Page) -> None:
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("complete")).to_be_visible(timeout=PATIENCE * 1000)


def at_revision(page: Page, wanted: int, head: int | None = None) -> None:
    """Waits until a revision is shown."""
    last = rf"\s*/\s*{head}$" if head is not None else r"\s*/"
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"^{wanted}{last}"))


def steps(page: Page, count: int) -> None:
    """So many more steps from the newest revision, which is shown, one after the other."""
    first = revision(page)
    for wanted in range(first + 1, first + count + 1):
        page.get_by_test_id("step").click()
        at_revision(page, wanted)


def choose_model(page: Page, name: str) -> None:
    """Takes a model for the next session, loaded if it has to be."""
    page.get_by_test_id("model-line").click()
    page.locator(f'[data-model="{name}"]').click()
    expect(page.locator(f'[data-model="{name}"][aria-pressed=true]')).to_be_visible(timeout=PATIENCE * 1000)
    page.get_by_test_id("model-line").click()


def constrain(page: Page, kind: str, pattern: str | None = None) -> None:
    """Chooses a kind of constraint, "" for none, and writes its pattern."""
    if page.get_by_test_id("constraint").get_attribute("open") is None:
        page.get_by_test_id("constraint").locator("summary").click()
    page.get_by_test_id("constraint-kind").select_option(kind)
    if kind:
        expect(page.get_by_test_id("constraint-pattern")).to_have_attribute("data-kind", kind)
    if pattern is not None:
        page.get_by_test_id("constraint-pattern").fill(pattern)


def open_cell(page: Page) -> Locator:
    """The open position of a text that is written from left to right."""
    return page.locator("um-canvas .answer [data-state=open]")


def cell(page: Page, position: int) -> Locator:
    return page.locator(f'um-canvas [data-position="{position}"]')


def shown_canvas(page: Page) -> list[tuple[str, int | None]]:
    """Every cell: its state, and its token where it has one that is not a draft."""
    return [tuple(seen) for seen in page.eval_on_selector_all(
        "um-canvas [data-position]",
        "cells => cells.map(({dataset: {state, token}}) => [state, state === 'open' ? null : Number(token)])")]


def canvas_of(session: session_pb2.Session) -> list[tuple[str, int | None]]:
    """The same of a session as the service tells it."""
    names = {1: "open", 2: "committed", 3: "given"}
    return [(names[state], None if state == 1 else token)
            for token, state in zip(session.canvas.tokens, session.canvas.states, strict=True)]


def side(page: Page, which: str) -> Locator:
    """One of the two that are compared: a or b."""
    return page.get_by_test_id(f"side-{which}")


def shown_side(page: Page, which: str) -> list[tuple[str, int | None]]:
    """Every cell of a side behind the prompt: its state, and its token where that is no draft."""
    return [tuple(cell) for cell in side(page, which).locator(".answer .cell").evaluate_all(
        "cells => cells.map(({dataset: {state, token}}) => [state, state === 'open' ? null : Number(token)])")]


def run_comparison(page: Page) -> None:
    """Both sides to their ends."""
    page.get_by_test_id("compare-run").click()
    expect(page.get_by_test_id("compare-stop")).to_be_visible()
    expect(page.get_by_test_id("compare-run")).to_be_visible(timeout=PATIENCE * 1000)


def answer_of(session: unmask.Session, revision: int) -> list[tuple[str, int | None]]:
    """The canvas behind the prompt, as the service tells it."""
    return canvas_of(session.get(revision))[session.prompt_length:]
