"""Positions marked and painted, and what is done to them at once, against what a direct gRPC client sees."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

import unmask
from tests.page.driver import at_revision, canvas_of, cell, run_to_end, start, steps
from unmask.v1 import frame_pb2


@pytest.fixture
def story(page: Page, client: unmask.Client) -> unmask.Session:
    """A short answer, complete."""
    session = client.open(start(page, length=16, seed=3))
    run_to_end(page)
    return session


def marked(page: Page) -> list[int]:
    return page.eval_on_selector_all("um-canvas .listbox [data-marked]",
                                     "cells => cells.map(cell => Number(cell.dataset.position))")


def open_positions(session: unmask.Session) -> list[int]:
    return [at for at, (state, _) in enumerate(canvas_of(session.get())) if state == "open"]


def expect_marked(page: Page, positions: list[int]) -> None:
    expect(page.locator("um-canvas .listbox [data-marked]")).to_have_count(len(positions))
    assert marked(page) == positions
    selected = page.locator("um-canvas .listbox [aria-selected=true]")
    expect(selected).to_have_count(len(positions))


def middle_of(at: Locator) -> tuple[float, float]:
    box = at.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: Locator, end: Locator, release: bool = True) -> None:
    page.mouse.move(*middle_of(start))
    page.mouse.down()
    page.mouse.move(*middle_of(end), steps=8)
    if release:
        page.mouse.up()


def first(session: unmask.Session) -> int:
    """The first position of the answer."""
    return session.prompt_length


def test_a_drag_marks_and_one_edit_opens_all_that_is_marked(page: Page, story: unmask.Session):
    at, head = first(story), story.revision
    drag(page, cell(page, at + 1), cell(page, at + 5))
    expect_marked(page, list(range(at + 1, at + 6)))
    expect(page.get_by_test_id("marked-count")).to_have_text("5 positions")
    expect(page.locator("um-inspector [data-testid=candidates] li")).to_have_count(0)  # a drag looks at nothing
    cell(page, at + 9).focus()
    page.keyboard.press("m")
    at_revision(page, head + 1, head + 1)
    frame = story.history()[-1]
    assert (frame.revision, frame.cause) == (head + 1, frame_pb2.CAUSE_EDIT)
    assert open_positions(story) == list(range(at + 1, at + 6))
    expect_marked(page, list(range(at + 1, at + 6)))
    # Nothing is left to open, and the bar says so; put back, all is as before.
    expect(page.get_by_test_id("marked-mask")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_test_id("marked-mask")).to_have_attribute("title", "This position is open already.")
    page.get_by_test_id("marked-picks").click()
    expect(page.get_by_test_id("tray").locator("li")).to_have_count(5)
    page.get_by_test_id("clear").click()
    page.get_by_test_id("marked-earlier").click()
    at_revision(page, head + 2, head + 2)
    assert story.get().canvas.tokens == story.get(head).canvas.tokens
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("marked")).to_have_count(0)
    expect_marked(page, [])


def test_clicks_and_keys_mark_as_in_any_list(page: Page, story: unmask.Session):
    at = first(story)
    cell(page, at + 2).click()
    cell(page, at + 5).click(modifiers=["Shift"])
    expect_marked(page, [at + 2, at + 3, at + 4, at + 5])
    cell(page, at + 1).click(modifiers=["Shift"])
    expect_marked(page, [at + 1, at + 2])
    cell(page, at + 7).click(modifiers=["Control"])
    cell(page, at + 1).click(modifiers=["Control"])
    expect_marked(page, [at + 2, at + 7])
    page.keyboard.press("Escape")
    expect_marked(page, [])
    expect(cell(page, at + 2)).to_have_attribute("aria-current", "true")  # the inspector is next to close
    cell(page, at + 3).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect_marked(page, [at + 3, at + 4, at + 5])
    page.keyboard.press("Shift+ArrowLeft")
    expect_marked(page, [at + 3, at + 4])
    expect(cell(page, at + 4)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect_marked(page, [at + 3, at + 4])
    page.keyboard.press("Control+a")
    expect_marked(page, list(range(at, at + 16)))


def test_locks_go_on_and_off_all_marked_positions_at_once(page: Page, story: unmask.Session):
    at, head = first(story), story.revision
    drag(page, cell(page, at), cell(page, at + 3))
    page.keyboard.press("l")
    at_revision(page, head + 1, head + 1)
    assert list(story.get().canvas.protected) == [at, at + 1, at + 2, at + 3]
    expect(page.get_by_test_id("marked-lock")).to_have_attribute("title", "All of them are locked.")
    cell(page, at + 5).click(modifiers=["Control"])
    page.get_by_test_id("marked-lock").click()
    at_revision(page, head + 2, head + 2)
    assert list(story.get().canvas.protected) == [at, at + 1, at + 2, at + 3, at + 5]
    page.get_by_test_id("marked-unlock").click()
    at_revision(page, head + 3, head + 3)
    assert not story.get().canvas.protected


def test_marks_move_with_what_is_put_in_before_them(page: Page, story: unmask.Session):
    at, head = first(story), story.revision
    drag(page, cell(page, at + 4), cell(page, at + 6))
    cell(page, at + 1).focus()
    page.keyboard.press("i")
    at_revision(page, head + 1, head + 1)
    expect_marked(page, [at + 5, at + 6, at + 7])
    page.keyboard.press("z")
    at_revision(page, head + 2, head + 2)
    expect_marked(page, [at + 4, at + 5, at + 6])


def test_the_lock_brush_shows_what_it_locks_and_locks_it_when_let_go(page: Page, client: unmask.Client):
    session = client.open(start(page, length=16, seed=3))
    steps(page, 8)
    at = first(session)
    states = [state for state, _ in canvas_of(session.get())]
    line = [position for position in range(at, at + 16)
            if abs(cell(page, position).bounding_box()["y"] - cell(page, at).bounding_box()["y"]) < 4]
    decided = [position for position in line if states[position] == "committed"]
    assert 0 < len(decided) < len(line)
    page.get_by_test_id("brush-lock").click()
    expect(page.get_by_test_id("brush-lock")).to_have_attribute("aria-pressed", "true")
    drag(page, cell(page, line[0]), cell(page, line[-1]), release=False)
    expect(page.locator("um-canvas .listbox [data-locking]")).to_have_count(len(decided))
    expect(page.get_by_test_id("brush-words")).to_have_text(
        re.compile(rf"^would lock {len(decided)} positions?; {len(line) - len(decided)} open already$"))
    assert session.revision == 8
    page.mouse.up()
    at_revision(page, 9, 9)
    assert list(session.get().canvas.protected) == decided
    expect(page.locator("um-canvas .listbox [data-locking]")).to_have_count(0)
    expect(page.get_by_test_id("brush-lock")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("brush-bar")).to_have_count(0)


def test_the_mask_brush_can_be_called_off_and_works_by_keys(page: Page, story: unmask.Session):
    at, head = first(story), story.revision
    cell(page, at + 2).focus()
    page.keyboard.press("x")
    drag(page, cell(page, at + 2), cell(page, at + 4), release=False)
    preview = page.locator("um-canvas .listbox [data-preview]")
    expect(preview).to_have_count(3)
    expect(page.get_by_test_id("brush-words")).to_have_text("would open 3 positions")
    page.keyboard.press("Escape")
    expect(preview).to_have_count(0)
    page.mouse.up()
    cell(page, at + 2).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(preview).to_have_count(3)
    assert story.revision == head, "nothing was done yet"
    page.keyboard.press("Enter")
    at_revision(page, head + 1, head + 1)
    assert open_positions(story) == [at + 2, at + 3, at + 4]
    page.keyboard.press("x")
    expect(page.get_by_test_id("brush-mask")).to_have_attribute("aria-pressed", "false")


def test_brushes_paint_squares_as_they_paint_a_text(page: Page, story: unmask.Session):
    at, head = first(story), story.revision
    page.get_by_test_id("mode").locator('[data-value="rows"]').click()
    expect(page.get_by_test_id("brush-mask")).to_have_attribute(
        "title", "Brushes paint where the canvas is a text or a grid.")
    page.get_by_test_id("mode").locator('[data-value="grid"]').click()
    page.get_by_test_id("brush-mask").click()
    columns = int(page.get_by_test_id("grid").get_attribute("aria-colcount"))
    assert (at + 1) % columns < columns - 3, "the four are of one row"
    drag(page, cell(page, at + 1), cell(page, at + 4), release=False)
    preview = page.locator("um-grid [data-preview]")
    expect(preview).to_have_count(4)
    expect(page.get_by_test_id("brush-words")).to_have_text("would open 4 positions")
    page.mouse.up()
    at_revision(page, head + 1, head + 1)
    assert open_positions(story) == [at + 1, at + 2, at + 3, at + 4]
    expect(page.locator("um-inspector [data-testid=candidates] li")).to_have_count(0)  # a drag looks at nothing
    # By keys, with the other brush.
    cell(page, at + 6).focus()
    page.keyboard.press("Shift+X")
    expect(page.get_by_test_id("brush-lock")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("um-grid [data-locking]")).to_have_count(2)
    page.keyboard.press("Enter")
    at_revision(page, head + 2, head + 2)
    assert list(story.get().canvas.protected) == [at + 6, at + 7]


def test_a_drag_at_the_edge_scrolls_for_as_long_as_it_is_there(page: Page, client: unmask.Client):
    session = client.open(start(page, length=200, seed=3))
    page.set_viewport_size({"width": 400, "height": 600})
    at = first(session)
    cell(page, at).evaluate("cell => cell.scrollIntoView({block: 'center'})")
    page.mouse.move(*middle_of(cell(page, at)))
    page.mouse.down()
    scrolled, seen = page.evaluate("scrollY"), len(marked(page))
    page.mouse.move(200, 597, steps=6)
    page.wait_for_function("before => scrollY > before + 150", arg=scrolled)  # by itself: nothing moves
    page.mouse.move(200, 300, steps=3)
    two_frames = "requestAnimationFrame(() => requestAnimationFrame(() => done(scrollY)))"
    resting = page.evaluate(f"new Promise(done => {two_frames})")
    here = marked(page)
    assert here == list(range(at, here[-1] + 1)) and len(here) > seen + 40
    assert page.evaluate("new Promise(done => setTimeout(() => done(scrollY), 200))") == resting
    page.mouse.up()


def test_a_finger_scrolls_and_held_still_it_marks(chrome, stack, client: unmask.Client):
    context = chrome.new_context(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(stack.page)
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    session = client.open(start(page, length=24, seed=3))
    run_to_end(page)
    at = first(session)
    touch = context.new_cdp_session(page)

    def finger(kind: str, *at_point: float) -> None:
        points = [{"x": at_point[0], "y": at_point[1]}] if at_point else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    cell(page, at).evaluate("cell => cell.scrollIntoView({block: 'center'})")
    x, y = middle_of(cell(page, at))
    finger("touchStart", x, y)
    expect(cell(page, at)).to_have_attribute("data-marked", "")
    scrolled = page.evaluate("scrollY")
    finger("touchMove", *middle_of(cell(page, at + 8)))
    finger("touchMove", *middle_of(cell(page, at + 9)))
    expect(page.get_by_test_id("marked-count")).to_have_text("10 positions")
    finger("touchEnd")
    assert page.evaluate("scrollY") == scrolled
    x, y = middle_of(cell(page, at + 3))
    finger("touchStart", x, y)
    for by in range(8, 121, 8):
        finger("touchMove", x, y - by)
    finger("touchEnd")
    page.wait_for_function("before => scrollY > before + 40", arg=scrolled)
    assert marked(page) == list(range(at, at + 10))
    context.close()
