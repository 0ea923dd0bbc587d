"""axe in real Chromium, over every state of the page that there is a line for here; and contrast, worked out again."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from tests.page.driver import start
from tests.page.states import STATES, settled

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]},
         "resultTypes": ["violations"]}
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
PLACES = {**RULES, "rules": {rule: {"enabled": False} for rule in COLOURS["runOnly"]}}


def violations(page: Page, rules: dict) -> list[str]:
    """What axe finds by some rules, each with the first elements that it is about."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # a script element would be against the page's policy
    found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
    for rule in found:
        if rule["id"] == "target-size":
            rule["nodes"] = [node for node in rule["nodes"] if not large_enough_in_the_middle(page, node["target"][0])]
    return [f"{rule['id']} ({rule['impact']}): {node['html'][:160]} {node['failureSummary'].splitlines()[1:2]}"
            for rule in found for node in rule["nodes"][:3]]


def large_enough_in_the_middle(page: Page, target: str) -> bool:
    """Whether a target is only cut where it scrolls under the bar: in the middle of the view it is large enough."""
    return page.evaluate("""async target => {
        const from = scrollY;
        document.querySelector(target).scrollIntoView({ block: "center" });
        const { violations } = await axe.run(target, { runOnly: ["target-size"] });
        scrollTo(0, from);
        return violations.length === 0;
    }""", target)


def test_axe_finds_nothing_wrong(page: Page):
    """In both themes, and on a phone; the themes differ in colours alone, the phone in what stands where."""
    wrong: dict[str, str] = {}  # the same thing is told once, where it was first seen
    for name, come, leave in STATES:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        come(page)
        for scheme, width, height, rules in (
                ("light", 1440, 900, RULES), ("dark", 1440, 900, COLOURS), ("light", 400, 800, PLACES)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size({"width": width, "height": height})
            settled(page)
            for what in violations(page, rules):
                wrong.setdefault(what, f"{name}, {scheme}, {width} wide: {what}")
        page.set_viewport_size({"width": 1440, "height": 900})
        leave(page)
    assert not wrong, "\n".join(wrong.values())


# Of what is drawn, so that colours given in any way and those that let others through are compared as they are seen.
CONTRAST = """(cell, p) => {
    cell.dataset.share = String(20 * p);  // in twentieths, as the style sheet has them
    const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const painted = (colour) => {
        brush.fillStyle = colour;
        brush.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3)
            .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const grounds = [];
    for (let at = cell; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const ground = grounds.map(painted).at(-1);
    const ink = painted(getComputedStyle(cell).color);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
}"""


@pytest.mark.parametrize(("scheme", "least"), [("light", 7.2), ("dark", 6.2)])
def test_however_probable_a_draft_is_it_can_be_read(page: Page, scheme: str, least: float):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    start(page)
    page.get_by_test_id("forward").click()
    draft = page.locator("um-canvas [data-ghost]:not([data-special])").first
    expect(draft).to_be_visible()
    measured = {p: draft.evaluate(CONTRAST, p) for p in (0, 0.5, 1)}
    assert min(measured.values()) >= least, measured
    assert len(set(measured.values())) == 3, "the tint says how probable"
