"""A whole visit by keyboard alone: no pointer, no focus set by the test."""

import re

from playwright.sync_api import Locator, Page, expect

import unmask
from tests.page.driver import at_revision, session_of, shown_canvas
from unmask import recording

# What has the focus, and whether that can be seen: framed, and within the window.
FOCUSED = """() => {
    const held = document.activeElement;
    if (!held || held === document.body) return { lost: true };
    const framed = [held, held.parentElement].some((each) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(each);
        return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || boxShadow !== "none";
    });
    const { width, height, top, bottom, left, right } = held.getBoundingClientRect();
    const inside = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
    return { lost: false, seen: held.matches(":focus-visible") && framed && width > 0 && height > 0 && inside,
             what: held.outerHTML.slice(0, 200) };
}"""
# What cannot be used now and does not say why, in a sentence.
UNEXPLAINED = """() => [...document.querySelectorAll("[aria-disabled=true], :disabled")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }))
    .filter((each) => {
        const described = (each.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean)
            .map((id) => document.getElementById(id)?.textContent.trim() ?? "").join(" ");
        return ![each.title.trim(), described].some((words) => /[.!?]$/.test(words));
    })
    .map((each) => each.outerHTML.slice(0, 200))"""


def held(page: Page) -> None:
    """The focus is somewhere, and can be seen there."""
    focused = page.evaluate(FOCUSED)
    assert not focused["lost"], "the focus is lost"
    assert focused["seen"], focused["what"]


def tab_to(page: Page, target: Locator, back: bool = False) -> None:
    for _ in range(160):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        held(page)
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not come to {target}")


def explained(page: Page) -> None:
    assert page.evaluate(UNEXPLAINED) == []


def test_the_keyboard_alone_does_all_of_it(page: Page, client: unmask.Client):
    keys, part = page.keyboard, page.get_by_test_id
    explained(page)

    # A prompt, and a session.
    tab_to(page, part("prompt"))
    keys.press("Control+a")
    keys.type("Tell me a story about Anna and a lost key.")
    tab_to(page, part("length"))
    keys.type("32")
    tab_to(page, part("start"))
    keys.press("Enter")
    expect(page.locator("um-canvas [data-state=open]").first).to_be_visible()
    page.wait_for_function("() => location.hash.length > 1")
    session = client.open(session_of(page))
    held(page)
    explained(page)

    # A run. What was pressed makes room for Stop and comes back; the focus stays with it.
    tab_to(page, part("run"))
    keys.press("Enter")
    expect(part("complete")).to_be_visible(timeout=60_000)
    held(page)
    head = session.revision
    explained(page)

    # A position is looked at, and another of its candidates is taken.
    cell = page.locator("um-canvas .cell[tabindex='0']")
    tab_to(page, cell, back=True)
    for _ in range(4):
        keys.press("ArrowRight")
    held(page)
    position = page.evaluate("Number(document.activeElement.dataset.position)")
    keys.press("Enter")
    other = part("candidates").locator("li:not([data-chosen]) .choose").first
    expect(other).to_be_visible()
    token = int(other.locator("xpath=..").get_attribute("data-token"))
    tab_to(page, other)
    keys.press("Enter")
    expect(page.locator(f'um-canvas [data-position="{position}"]')).to_have_attribute("data-token", str(token))
    expect(page.locator(f'um-canvas [data-position="{position}"]')).to_have_attribute("data-hand", "")
    held(page)
    explained(page)
    assert session.history()[head + 1].parent_revision < head

    # Back to an old revision on the slider, and on from there: another branch.
    tab_to(page, part("timeline"))
    keys.press("Home")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    at_revision(page, 2)
    held(page)
    explained(page)
    newest = session.revision
    tab_to(page, part("step"))
    keys.press("Enter")
    at_revision(page, newest + 1, newest + 1)
    held(page)
    assert session.history()[newest + 1].parent_revision == 2
    expect(part("branches").locator("[data-leaf]")).to_have_count(3)

    # The recording.
    tab_to(page, part("takeaway"), back=True)
    keys.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    explained(page)
    while not part("recording").evaluate("element => element === document.activeElement"):
        keys.press("ArrowDown")
        held(page)
    with page.expect_download() as download:
        keys.press("Enter")
    held(page)
    assert recording.read(download.value.path().read_bytes()).frames[-1].revision == newest + 1

    # The keys, and back to where one was.
    keys.press("?")
    expect(part("keys").or_(page.locator("um-keys dialog")).first).to_be_visible()
    held(page)
    keys.press("Escape")
    held(page)
    assert len(shown_canvas(page)) == session.prompt_length + 32
    assert re.search(r"takeaway", page.evaluate("document.activeElement.dataset.testid ?? ''"))
