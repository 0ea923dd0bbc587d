"""The order of unmasking, drawn; and the strip above the slider."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, cell, run_to_end, shown_canvas, start, steps
from unmask.frames import OPEN

# The kinds of the drawn cells, row by row; the legend's samples say which colour is which.
KINDS = """() => {
  const canvas = document.querySelector('[data-testid="heat-canvas"]');
  const scratch = new OffscreenCanvas(1, 1).getContext('2d');
  const named = new Map();
  for (const sample of document.querySelectorAll('.heat-sample')) {
    if (sample.dataset.kind === 'low' || sample.dataset.kind === 'high') continue;
    scratch.fillStyle = getComputedStyle(sample).backgroundColor;
    scratch.fillRect(0, 0, 1, 1);
    named.set(String(scratch.getImageData(0, 0, 1, 1).data), sample.dataset.kind);
  }
  const rows = Number(document.querySelector('.heat-plot').getAttribute('aria-rowcount'));
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, rows);
  return Array.from({ length: rows }, (_, row) => Array.from({ length: canvas.width }, (_, column) => {
    const at = 4 * (row * canvas.width + column);
    if (data[at + 3] === 0) return 'background';
    return named.get(String(data.slice(at, at + 4))) ?? 'draft';
  }));
}"""


def unfold(page: Page) -> None:
    page.get_by_text("Order of unmasking", exact=True).click()
    expect(page.get_by_test_id("heat-canvas")).to_be_visible()


def at_cell(page: Page, row: int, column: int) -> tuple[float, float]:
    """The middle of a drawn cell, in the plot."""
    return page.evaluate("""([row, column]) => {
      const plot = document.querySelector('.heat-plot');
      const { width, height } = plot.getBoundingClientRect();
      return [(column + 0.5) * width / plot.getAttribute('aria-colcount'),
              (row + 0.5) * height / plot.getAttribute('aria-rowcount')];
    }""", [row, column])


def click(page: Page, row: int, column: int) -> None:
    x, y = at_cell(page, row, column)
    page.locator(".heat-plot").click(position={"x": x, "y": y})


def test_a_run_is_drawn_as_it_went(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    unfold(page)
    page.wait_for_function(f"() => ({KINDS})()[0].every(kind => kind === 'bare')")
    run_to_end(page)
    first = session.get().prompt_length
    frames = session.history()
    page.wait_for_function(f"() => ({KINDS})().length === {len(frames)}")
    expected = [["draft"] * 24]
    for frame in frames[1:]:
        row = ["committed" if kind == "new" else kind for kind in expected[-1]]
        for change in frame.changes:
            row[change.position - first] = "new"
        expected.append(row)
    assert page.evaluate(KINDS) == expected
    # In both themes, with the colours of each.
    light = page.evaluate("document.querySelector('[data-testid=heat-canvas]').toDataURL()")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(
        "light => document.querySelector('[data-testid=heat-canvas]').toDataURL() !== light", arg=light)
    assert page.evaluate(KINDS) == expected


def test_a_click_goes_to_the_revision_and_position(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    run_to_end(page)
    unfold(page)
    first = session.get().prompt_length
    change = session.history()[9].changes[0]
    x, y = at_cell(page, 9, change.position - first)
    page.locator(".heat-plot").hover(position={"x": x, "y": y})
    words = page.get_by_test_id("heat-words")
    expect(words).to_have_text(re.compile(rf"^Revision 9: .*percent, new, position {change.position}$"))
    expect(words).to_contain_text(client.detokenize([change.token]).strip())
    click(page, 9, change.position - first)
    at_revision(page, 9, session.revision)
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", str(change.position))
    expect(page.get_by_test_id("heat-here")).to_have_attribute("data-revision", "9")
    expect(page.locator(".heat-plot")).to_have_attribute("aria-rowcount", str(session.revision + 1))
    # The slider moves the mark, and nothing is left out.
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("heat-here")).to_have_attribute("data-revision", "8")
    assert session.revision == len(session.history()) - 1  # looking changes nothing


def test_the_keyboard_moves_over_the_grid(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    steps(page, 4)
    unfold(page)
    first = session.get().prompt_length
    grid = page.get_by_role("grid")
    assert grid.locator("[tabindex]").count() == 1
    held = page.get_by_test_id("heat-cell")
    held.focus()
    for key in ("Control+Home", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    expect(held).to_be_focused()
    expect(held).to_have_attribute("aria-colindex", "2")
    expect(held).to_have_attribute("aria-label", re.compile(rf"^Revision 1: .*position {first + 1}$"))
    expect(page.get_by_test_id("heat-said")).to_have_text(held.get_attribute("aria-label"))
    at_revision(page, 4, 4)
    page.keyboard.press("Enter")
    at_revision(page, 1, 4)
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", str(first + 1))
    expect(held).to_be_focused()
    page.keyboard.press("End")
    expect(held).to_have_attribute("aria-colindex", "24")
    # With the mouse somewhere else first, too: what the keys point at is told.
    page.keyboard.press("Control+End")
    expect(page.get_by_test_id("heat-words")).to_have_text(re.compile(rf"^Revision 4: .*position {first + 23}$"))


def test_columns_follow_what_moved(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    steps(page, 2)
    unfold(page)
    first = session.get().prompt_length
    cell(page, first).focus()
    page.keyboard.press("i")
    at_revision(page, 3)
    page.wait_for_function(f"() => ({KINDS})()[2].length === 25")
    kinds = page.evaluate(KINDS)
    assert [row[0] == "background" for row in kinds] == [True, True, True, False]
    committed = {change.position for change in session.history()[1].changes}
    assert {first + column - 1 for column, kind in enumerate(kinds[1]) if kind == "new"} == committed


def test_the_table_is_made_on_demand_and_the_fold_is_remembered(page: Page):
    start(page, length=80)
    run_to_end(page)
    expect(page.get_by_test_id("heat-canvas")).to_have_count(0)
    unfold(page)
    table = page.get_by_test_id("heat-table")
    expect(table).to_have_count(0)
    page.get_by_test_id("heat-table-switch").click()
    expect(table.locator("tbody tr")).to_have_count(17)  # 64 to 80
    page.get_by_role("button", name="Earlier", exact=True).click()
    expect(table.locator("tbody tr")).to_have_count(64)
    expect(table.locator("tbody tr").nth(1)).to_contain_text("percent, position")
    page.reload()
    expect(page.get_by_test_id("heat-canvas")).to_be_visible()
    expect(table).to_have_count(0)


def test_a_frame_draws_its_own_rows_only(page: Page):
    page.evaluate("""() => {
      const put = CanvasRenderingContext2D.prototype.putImageData;
      window.drawn = [];
      CanvasRenderingContext2D.prototype.putImageData = function (image, x, y) {
        for (let row = 0; row < image.height; row++) window.drawn.push(y + row);
        return put.call(this, image, x, y);
      };
    }""")
    start(page, length=64)
    unfold(page)
    steps(page, 20)
    page.wait_for_function("() => document.querySelector('.heat-plot').getAttribute('aria-rowcount') === '21'")
    page.evaluate("window.drawn.length = 0")
    page.get_by_test_id("step").click()
    at_revision(page, 21)
    page.wait_for_function("() => document.querySelector('.heat-plot').getAttribute('aria-rowcount') === '22'")
    # Its own, and that of the revision which its draft is of.
    assert set(page.evaluate("window.drawn")) == {20, 21}
    page.evaluate("window.drawn.length = 0")
    page.keyboard.press("[")
    expect(page.get_by_test_id("heat-here")).to_have_attribute("data-revision", "20")
    assert page.evaluate("window.drawn") == []  # a mark moved


def test_the_strip_stands_above_the_slider(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    steps(page, 2)
    expect(page.get_by_test_id("confidence")).to_have_count(0)
    page.get_by_test_id("step").click()
    at_revision(page, 3)
    expect(page.get_by_test_id("confidence")).to_be_visible()
    summary = session.history()[3].summary
    words = page.get_by_test_id("confidence-words")
    left = sum(state == "open" for state, _ in shown_canvas(page))
    expect(words).to_have_text(
        f"mean p {summary.mean_probability:.2f}, gate {summary.min_probability:.2f}, {left} open")
    assert left == list(session.get().canvas.states).count(OPEN)
    page.keyboard.press("[")
    expect(words).to_contain_text("22 open")
    # A mark and its place in the strip are one above the other.
    gap = page.evaluate("""() => {
      const middle = (e) => { const box = e.getBoundingClientRect(); return box.left + box.width / 2; };
      const [mark, line] = ['.mark[data-here]', '.confidence-here'].map((s) => middle(document.querySelector(s)));
      return Math.abs(mark - line);
    }""")
    assert gap < 1.5
