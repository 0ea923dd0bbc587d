"""What the colours of the canvas say, against the numbers that a direct gRPC client is told."""

import math
import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import canvas_of, cell, go_to, start, steps
from unmask.v1 import frame_pb2

HALF_A_SHADE = 0.026  # colours come in twentieths of the full one
LENSES = ("none", "confidence", "entropy", "margin", "order", "flips")

# Colours as the screen shows them: a style sheet's may be written in any way.
MEASURE = """lens => {
  const pixel = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
  const context = pixel.getContext('2d', {willReadFrequently: true})
  const paint = (...colours) => {
    context.clearRect(0, 0, 1, 1)
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1) }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const card = getComputedStyle(document.querySelector('.card.canvas')).backgroundColor
  const lightness = colour => {
    const [, l] = /^oklch\\(([\\d.]+)/.exec(colour) ?? []
    return l === undefined ? null : Number(l)
  }
  const ramp = [...document.querySelectorAll('um-legend .ramp i')]
    .map(i => lightness(getComputedStyle(i).backgroundColor))
  const end = name => document.querySelector(`[data-testid=scale-${name}]`)?.textContent
  const cells = [...document.querySelectorAll('um-canvas .answer .cell')].map(cell => {
    const style = getComputedStyle(cell)
    return {position: Number(cell.dataset.position), state: cell.dataset.state, unknown: 'unknown' in cell.dataset,
            lightness: lightness(style.backgroundColor), bar: parseFloat(style.backgroundSize),
            title: cell.title, label: cell.ariaLabel, blank: !cell.textContent.trim() || 'repeat' in cell.dataset,
            ink: paint(card, style.backgroundColor, style.color),
            ground: paint(card, style.backgroundColor)}
  })
  return {ramp, cells, low: end('low'), high: end('high')}
}"""


@pytest.fixture
def middle(page: Page, client: unmask.Client) -> unmask.Session:
    """The middle of a run, with a prediction of its own."""
    page.emulate_media(reduced_motion="reduce", color_scheme="light")  # colours do not fade
    session = client.open(start(page, length=24, seed=5))
    steps(page, 9)
    page.get_by_test_id("forward").click()
    expect(page.locator(".draft-note")).to_contain_text("drafts of this revision")
    return session


def look_through(page: Page, lens: str) -> dict:
    page.get_by_test_id("lens").select_option(lens)
    expect(page.locator("um-canvas .listbox")).to_have_attribute("data-lens", lens)
    expect(page.get_by_test_id("lens-note")).to_have_count(0)
    return page.evaluate(MEASURE)


def shares(seen: dict) -> dict[int, float]:
    """How far each coloured cell is along the legend's ramp."""
    palest, fullest = seen["ramp"][0], seen["ramp"][-1]
    return {cell["position"]: (palest - cell["lightness"]) / (palest - fullest)
            for cell in seen["cells"] if cell["lightness"] is not None and not cell["unknown"]}


def committed_from(session: unmask.Session) -> dict[int, tuple[int, int]]:
    """By position: the token, and the revision that it was committed from."""
    return {change.position: (change.token, frame.parent_revision)
            for frame in session.history() if frame.cause == frame_pb2.CAUSE_STEP for change in frame.changes}


def open_positions(session: unmask.Session) -> list[int]:
    return [at for at, (state, _) in enumerate(canvas_of(session.get())) if state == "open"]


def test_the_usual_colours_are_confidences_and_committed_tokens_have_a_bar(page: Page, middle: unmask.Session):
    expect(page.get_by_test_id("lens")).to_have_value("confidence")
    seen = look_through(page, "confidence")
    assert (seen["low"], seen["high"]) == ("0", "1")
    drafts = {entry.position: entry.candidates[0].p_base for entry in middle.candidates(open_positions(middle), 1)}
    tinted = shares(seen)
    assert len(drafts) == 15
    for position, p in drafts.items():
        assert tinted[position] == pytest.approx(p, abs=HALF_A_SHADE), position
    bars = {cell["position"]: cell for cell in seen["cells"] if cell["state"] == "committed"}
    assert len(bars) == 9
    for position, (token, revision) in committed_from(middle).items():
        [weighed] = middle.candidates([position], 50, revision=revision)
        p = next(candidate.p_base for candidate in weighed.candidates if candidate.token == token)
        assert bars[position]["bar"] == pytest.approx(100 * p, abs=100 * HALF_A_SHADE)
        assert bars[position]["title"] == f"p_base {p:.2f}"


def test_entropy_colours_open_and_committed_cells_alike(page: Page, client: unmask.Client, middle: unmask.Session):
    most = math.log(client.model().vocabulary_size)
    wanted = {entry.position: entry.entropy / most for entry in middle.candidates(open_positions(middle), 1)}
    for position, (_, revision) in committed_from(middle).items():
        wanted[position] = middle.candidates([position], 1, revision=revision)[0].entropy / most
    seen = look_through(page, "entropy")
    top = next(end for end in (0.25, 0.5, 1) if max(wanted.values()) <= end + 0.002)
    assert seen["low"] == "0"
    assert seen["high"] == f"{'' if top == 1 else f'{top} '}ln V ({top * most:.1f} nats)"
    tinted = shares(seen)
    assert tinted.keys() == wanted.keys()
    assert max(wanted.values()) > 4 * min(wanted.values())
    for position, value in wanted.items():
        assert tinted[position] == pytest.approx(value / top, abs=HALF_A_SHADE + 1 / 255 / top), position
    titles = {cell["position"]: cell["title"] for cell in seen["cells"]}
    for position, value in wanted.items():
        told = float(re.fullmatch(r"entropy ([\d.]+) of ln V", titles[position]).group(1))
        assert told == pytest.approx(value, abs=0.008)
    assert all(cell["title"] in cell["label"] for cell in seen["cells"])


def test_margins_are_asked_for_when_they_are_looked_at(page: Page, middle: unmask.Session):
    seen = look_through(page, "margin")
    wanted = {entry.position: entry.margin for entry in middle.candidates(open_positions(middle), 2)}
    tinted = shares(seen)
    assert tinted.keys() == wanted.keys()
    for position, value in wanted.items():
        assert tinted[position] == pytest.approx(value, abs=HALF_A_SHADE), position
    unknown = [cell["position"] for cell in seen["cells"] if cell["unknown"]]
    assert sorted(unknown) == sorted(committed_from(middle))
    expect(page.get_by_test_id("scale")).to_contain_text("not known")
    # One step on, the margin of what it committed is known: it was open when it was asked for.
    page.get_by_test_id("step").click()
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(r"^10\s"))
    [change] = middle.history()[10].changes
    expect(cell(page, change.position)).to_have_attribute("title", f"margin {wanted[change.position]:.2f}")
    # And what the inspector is told of an older one is known as well.
    position, (_, revision) = next(iter(committed_from(middle).items()))
    cell(page, position).click()
    margin = middle.candidates([position], 2, revision=revision)[0].margin
    expect(cell(page, position)).to_have_attribute("title", f"margin {margin:.2f}")


def test_order_and_flips_tell_of_the_way_here(page: Page, middle: unmask.Session):
    seen = look_through(page, "order")
    assert (seen["low"], seen["high"]) == ("revision 1", "revision 9")
    tinted = shares(seen)
    for position, (_, revision) in committed_from(middle).items():
        assert tinted[position] == pytest.approx((revision + 1) / 9, abs=HALF_A_SHADE)
        expect(cell(page, position)).to_have_attribute("title", f"committed at revision {revision + 1}")
    drafts = [dict(zip(draft.positions, draft.tokens, strict=True))
              for draft in (middle.predict(revision).draft for revision in range(10))]
    flips = {at: sum(before[at] != after[at] for before, after in pairwise(drafts) if at in after) for at in drafts[0]}
    assert max(flips.values()) > 1
    seen = look_through(page, "flips")
    assert (seen["low"], seen["high"]) == ("0", f"{max(flips.values())} flips")
    tinted = shares(seen)
    for position, count in flips.items():
        assert tinted[position] == pytest.approx(count / max(flips.values()), abs=HALF_A_SHADE), position
        told = f"flipped {count} time{'s' if count > 1 else ''}, last at revision" if count else "never flipped"
        expect(cell(page, position)).to_have_attribute("title", re.compile(f"^{told}"))
    go_to(page, 0)
    expect(page.get_by_test_id("scale-high")).to_have_text("1 flip")
    assert max(shares(page.evaluate(MEASURE)).values()) == pytest.approx(0, abs=0.01)


def contrast(one: list[int], other: list[int]) -> float:
    def luminance(colour):
        linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_can_be_read_on_every_colour(page: Page, middle: unmask.Session):
    for scheme, least in (("light", 7.2), ("dark", 6.2)):
        page.emulate_media(reduced_motion="reduce", color_scheme=scheme)
        for lens in LENSES:
            seen = look_through(page, lens)
            for at in seen["cells"]:
                if not at["blank"]:
                    assert contrast(at["ink"], at["ground"]) >= least, (scheme, lens, at)


def test_the_key_goes_round_the_colours_and_the_choice_stays(page: Page, middle: unmask.Session):
    page.locator("um-canvas .answer .cell").first.focus()
    for lens in ("entropy", "margin", "order", "flips", "none"):
        page.keyboard.press("c")
        expect(page.get_by_test_id("lens")).to_have_value(lens)
    seen = page.evaluate(MEASURE)
    assert seen["ramp"] == []
    assert len({at["lightness"] for at in seen["cells"] if at["state"] == "open"}) == 1
    page.get_by_test_id("lens").select_option("order")
    page.reload()
    expect(page.locator("um-canvas .listbox")).to_have_attribute("data-lens", "order")


def test_the_legend_shows_the_signs_there_are_and_all_on_demand(page: Page, middle: unmask.Session):
    signs = page.locator("um-legend [data-sign]")
    expect(page.locator("um-legend [data-sign=draft]")).to_be_visible()
    expect(page.locator("um-legend [data-sign=locked]")).to_have_count(0)
    few = signs.count()
    page.get_by_test_id("all-signs").click()
    expect(page.get_by_test_id("all-signs")).to_have_attribute("aria-expanded", "true")
    expect(page.locator("um-legend [data-sign=locked]")).to_be_visible()
    assert signs.count() > 2 * few
    page.get_by_test_id("all-signs").click()
    expect(signs).to_have_count(few)


def test_special_tokens_are_hidden_on_demand_and_counted(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24, seed=5))
    page.get_by_test_id("run").click()
    expect(page.get_by_test_id("complete")).to_be_visible()
    special = page.locator("um-canvas .listbox [data-special]")
    count = special.count()
    assert count > 3
    at = int(special.last.get_attribute("data-position"))
    page.get_by_text("Specials", exact=True).click()
    expect(page.get_by_test_id("specials-hidden")).to_have_text(f"{count} hidden")
    expect(cell(page, at)).to_be_hidden()
    # The keyboard passes them by.
    visible = page.locator("um-canvas .listbox .cell:visible")
    visible.first.focus()
    page.keyboard.press("End")
    expect(visible.last).to_be_focused()
    page.get_by_text("Specials").click()
    cell(page, at).click()
    page.get_by_text("Specials", exact=True).click()
    expect(page.get_by_test_id("specials-hidden")).to_have_text(f"{count - 1} hidden")
    expect(cell(page, at)).to_be_visible()
    assert canvas_of(session.get())[at][0] == "committed"
