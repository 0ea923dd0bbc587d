"""The canvas as rows and as a grid: the same positions, seen otherwise."""

import re

from playwright.sync_api import Locator, Page, expect

import unmask
from tests.page.driver import at_revision, canvas_of, cell, run_to_end, shown_canvas, start, steps


def draw_as(page: Page, mode: str) -> None:
    page.get_by_test_id("mode").locator(f'[data-value="{mode}"]').click()


def cards(page: Page, position: int) -> Locator:
    return cell(page, position).locator(".candidate-card")


def test_only_the_rows_in_view_are_drawn_and_their_candidates_are_the_models(page: Page, client: unmask.Client):
    session = client.open(start(page, length=200))
    draw_as(page, "rows")
    page.get_by_test_id("rows-filter").locator('[data-value="all"]').click()
    rows = page.locator("um-rows .row")
    length = len(session.get().canvas.tokens)
    grid = page.get_by_role("grid", name="Positions and their candidates")
    expect(grid).to_have_attribute("aria-rowcount", str(length))
    expect(rows.first).to_be_visible()
    assert 5 < rows.count() < 40
    # At the end of the list others are drawn, and asked about.
    page.get_by_test_id("rows").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    last = length - 1
    expect(cards(page, last).first).to_be_visible()
    assert rows.count() < 40
    weighed = session.candidates([last], 10, revision=0)[0].candidates
    shown = [int(card.get_attribute("data-token")) for card in cards(page, last).all()]
    assert len(shown) > 1
    assert shown == [one.token for one in weighed][:len(shown)]


def test_a_card_commits_its_token_and_its_plus_puts_it_into_the_selection(page: Page, client: unmask.Client):
    session = client.open(start(page))
    draw_as(page, "rows")
    first, second = (session.prompt_length + offset for offset in (1, 3))
    expect(cards(page, second).nth(1)).to_be_visible()
    waiting = int(cards(page, second).nth(1).get_attribute("data-token"))
    cards(page, second).nth(1).locator(".add").click()
    expect(cell(page, second).locator(".cell")).to_have_attribute("data-picked", "")
    assert session.revision == 0  # nothing is decided yet
    page.get_by_test_id("apply").click()
    at_revision(page, 1)
    assert session.get().canvas.tokens[second] == waiting
    # By keyboard: down the list, across its cards, and Enter.
    page.locator(f"#cell-{session.prompt_length}").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"#cell-{first}")).to_be_focused()
    expect(cell(page, first).locator(".cards:not([data-stale])")).to_be_visible()
    chosen = int(cards(page, first).nth(1).get_attribute("data-token"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    at_revision(page, 2)
    assert session.get().canvas.tokens[first] == chosen
    page.get_by_test_id("rows-filter").locator('[data-value="changed"]').click()
    expect(page.locator("um-rows .row")).to_have_count(1)
    expect(cell(page, first)).to_have_attribute("data-token", str(chosen))


def test_a_finished_canvas_lists_what_was_weighed_when_each_was_open(page: Page, client: unmask.Client):
    session = client.open(start(page, length=16))
    run_to_end(page)
    draw_as(page, "rows")
    expect(page.get_by_text("The canvas is complete: no position is open.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    frame = next(frame for frame in session.history() if frame.changes)
    position, token = frame.changes[0].position, frame.changes[0].token
    page.get_by_test_id("rows").evaluate(
        "(box, index) => box.scrollTo(0, index * box.querySelector('.row').offsetHeight)", position)
    expect(cards(page, position).first).to_be_visible()
    weighed = session.candidates([position], 10, revision=frame.parent_revision)[0].candidates
    shown = [int(card.get_attribute("data-token")) for card in cards(page, position).all()]
    assert shown == [one.token for one in weighed][:len(shown)]
    expect(cell(page, position).locator(f'.candidate-card[data-token="{token}"]')).to_have_attribute("data-chosen", "")


def test_the_grid_has_every_position_and_says_a_square_in_words(page: Page, client: unmask.Client):
    session = client.open(start(page, length=200))
    page.locator("body").press("v")
    page.locator("body").press("v")
    squares = page.get_by_test_id("grid").locator(".square")
    length = len(session.get().canvas.tokens)
    expect(squares).to_have_count(length)
    steps(page, 2)
    assert shown_canvas(page) == canvas_of(session.get())
    change = session.history()[-1].changes[0]
    new = cell(page, change.position)
    expect(new).to_have_attribute("data-new", "committed")
    assert page.locator("um-grid [data-new]").count() == len(session.history()[-1].changes)
    new.hover()
    expect(page.get_by_test_id("grid-words")).to_have_text(re.compile(rf"new, position {change.position}$"))
    # All of it is in view at once.
    assert squares.last.evaluate("square => square.getBoundingClientRect().bottom < innerHeight")
    new.focus()
    page.keyboard.press("Control+Home")
    expect(page.locator("#cell-0")).to_be_focused()
    page.keyboard.press("ArrowDown")
    below = int(page.evaluate("document.activeElement.dataset.position"))
    assert below == int(page.get_by_test_id("grid").get_attribute("aria-colcount"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", str(below))


def test_the_blocks_of_the_sampler_are_parted_and_nothing_moves_for_it(page: Page, client: unmask.Client):
    def boxes() -> list:
        # From the first cell: what stands above the canvas may still be on its way.
        return page.eval_on_selector_all(
            "um-canvas .answer .cell",
            "cells => cells.map(cell => [cell.offsetLeft, cell.offsetTop - cells[0].offsetTop])")

    session = client.open(start(page, length=32, seed=3))
    expect(page.locator("um-canvas [data-sign=block]")).to_have_count(0)
    whole = boxes()
    session = client.open(start(page, length=32, seed=3, **{"Block length": "8"}))
    at = session.prompt_length
    ticks = page.locator("um-canvas .listbox .block-start")
    expect(ticks).to_have_count(3)
    assert boxes() == whole
    expect(page.locator("um-canvas [data-sign=block]")).to_be_visible()
    expect(cell(page, at + 16)).to_have_accessible_name(re.compile(f"starts block 3, position {at + 16}$"))
    tick, of = ticks.nth(1).bounding_box(), cell(page, at + 16).bounding_box()
    assert tick["height"] > of["height"] and abs(tick["x"] - of["x"]) < 3
    draw_as(page, "rows")
    expect(page.locator("um-rows .row[data-block]").first).to_have_attribute("data-position", str(at + 8))
    draw_as(page, "grid")
    expect(page.locator("um-grid .block-start")).to_have_count(3)
    tick, square = page.locator("um-grid .block-start").nth(1).bounding_box(), cell(page, at + 16).bounding_box()
    assert abs(tick["x"] + tick["width"] - square["x"]) < 2 and abs(tick["y"] - square["y"]) < 4


def test_the_way_the_canvas_is_drawn_is_kept_over_a_reload(page: Page, client: unmask.Client):
    client.open(start(page))
    draw_as(page, "rows")
    page.get_by_test_id("rows-filter").locator('[data-value="all"]').click()
    expect(page.locator("um-rows .row").first).to_have_attribute("data-position", "0")
    page.reload()
    expect(page.locator("um-rows .row").first).to_have_attribute("data-position", "0")
    expect(page.get_by_test_id("mode").get_by_role("radio", name="Rows")).to_be_checked()
    draw_as(page, "grid")
    page.reload()
    expect(page.locator("um-grid .square").first).to_be_visible()
