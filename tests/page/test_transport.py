"""Replaying what is there, whole steps, panels that take the page, the sheet of keys, the narrow screen."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, cell, go_to, revision, run_to_end, shown_canvas, start, steps

LENGTH = 16


def test_a_replay_walks_what_is_there_and_stops(page: Page, client: unmask.Client):
    session = client.open(start(page, length=LENGTH))
    run_to_end(page)
    head = session.revision
    page.get_by_test_id("delay").select_option("50")
    page.evaluate("""() => {
      window.walked = [];
      const canvas = document.querySelector("um-canvas");
      const note = () => walked.push(Number(canvas.dataset.revision));
      new MutationObserver(note).observe(canvas, { attributeFilter: ["data-revision"] });
    }""")
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("Space")  # at the end: from the beginning
    expect(page.get_by_test_id("play")).to_have_text("Pause")
    expect(page.get_by_test_id("play")).to_have_text("Play")
    at_revision(page, head, head)
    walked = page.evaluate("walked")
    # Drawn once a frame: on a busy machine two revisions can fall into one.
    assert walked == sorted(set(walked)) and (walked[0], walked[-1]) == (0, head) and len(walked) > head / 2
    assert session.revision == head  # the model was not asked
    # Paused where it is by Escape; frames that come meanwhile do not move it.
    page.get_by_test_id("delay").select_option("500")
    page.keyboard.press("Tab")
    go_to(page, 2)
    page.get_by_test_id("play").click()
    list(session.step(1, from_revision=1))
    expect(page.get_by_test_id("revision")).to_have_text(re.compile(rf"/ {head + 1}$"))
    assert 2 <= revision(page) <= head  # on its way, or there; not at the frame that came
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("play")).to_have_text("Play")
    paused = revision(page)
    page.wait_for_timeout(700)  # longer than a step stays
    assert revision(page) == paused
    # Whatever a person does pauses it as well.
    page.get_by_test_id("play").click()
    page.keyboard.press("[")
    expect(page.get_by_test_id("play")).to_have_text("Play")


def test_whole_steps_and_the_ends_of_the_timeline(page: Page):
    page.get_by_test_id("sampler").select_option("predict_remask")
    start(page, length=LENGTH)
    steps(page, 4)
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("PageDown")
    at_revision(page, 2)  # a prediction with what was masked again of it
    page.keyboard.press("[")
    at_revision(page, 1)
    page.keyboard.press("}")
    at_revision(page, 2)
    page.keyboard.press("}")
    at_revision(page, 4)
    page.get_by_test_id("first").click()
    at_revision(page, 0)
    expect(page.get_by_test_id("first")).to_be_disabled()
    page.get_by_test_id("last").click()
    at_revision(page, 4)
    expect(page.get_by_test_id("revision")).to_have_attribute(
        "title", re.compile(rf"^Revision 4 of 4: \d+ of {LENGTH} positions committed"))


def test_a_panel_takes_the_page_and_gives_it_back(page: Page):
    start(page, length=LENGTH)
    steps(page, 1)
    button = page.get_by_test_id("maximise-canvas")
    before = page.locator("um-canvas").bounding_box()["width"]
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("um-settings")).to_be_hidden()
    expect(button).to_be_focused()
    assert page.locator("um-canvas").bounding_box()["width"] > 1.5 * before
    page.keyboard.press("Escape")
    expect(page.locator("um-settings")).to_be_visible()
    expect(button).to_be_focused()
    assert page.locator("um-canvas").bounding_box()["width"] == before
    # The inspector: the first Escape gives the page back, the second closes it.
    cell(page, 30).click()
    page.get_by_test_id("maximise-inspector").click()
    expect(page.locator("um-canvas")).to_be_hidden()
    expect(page.get_by_test_id("inspector")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("um-canvas")).to_be_visible()
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", "30")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("inspector")).not_to_have_attribute("data-position", "30")


def test_single_key_shortcuts_can_be_turned_off(page: Page):
    start(page, length=LENGTH)
    page.get_by_test_id("timeline").press("?")
    sheet = page.get_by_test_id("keys")
    expect(sheet).to_be_visible()
    for part in ("Run", "Go", "Change", "View", "In the canvas", "On a slider", "In the heatmap"):
        expect(sheet.get_by_role("heading", name=part, exact=True)).to_be_visible()
    sheet.get_by_test_id("single-keys").click()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.get_by_test_id("step").focus()
    page.keyboard.press("s")
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Enter")  # the button itself still works
    at_revision(page, 1, 1)  # one step, not two
    page.reload()
    page.get_by_role("button", name="Keys").click()
    expect(sheet.get_by_test_id("single-keys")).not_to_be_checked()
    sheet.get_by_test_id("single-keys").click()
    page.keyboard.press("Escape")
    page.get_by_test_id("step").focus()
    page.keyboard.press("s")
    at_revision(page, 2, 2)


def test_a_name_given_again_says_where_it_comes_from(page: Page, client: unmask.Client):
    session = client.open(start(page, length=LENGTH))
    steps(page, 2)
    list(session.step(1, from_revision=1))
    session.name("kite", 2)
    page.get_by_role("button", name="Name the branch of revision 3").click()
    field = page.get_by_test_id("branch-name")
    field.fill("kit")
    expect(page.get_by_test_id("name-taken")).to_have_count(0)
    field.press("e")
    expect(page.get_by_test_id("name-taken")).to_have_text("moves the name from revision 2")
    expect(field).to_have_attribute("aria-describedby", "branch-taken")
    field.press("Enter")
    expect(page.locator('um-branches li[data-leaf="3"]')).to_contain_text("kite")
    assert [branch.leaf_revision for branch in session.branches() if branch.name == "kite"] == [3]
    # A name too long stays as it was typed; an emptied one is taken away.
    page.get_by_role("button", name="Name the branch of revision 3").click()
    field.fill("é" * 81)
    field.press("Enter")
    expect(field).to_have_value("é" * 81)
    expect(page.get_by_test_id("name-taken")).to_have_text("81 of at most 80 characters")
    field.press("Backspace")
    field.press("Enter")
    expect(page.locator('um-branches li[data-leaf="3"] .branch-name')).to_have_text("é" * 80)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.get_by_role("button", name="Name the branch of revision 3").click()
    field.fill("")
    field.press("Enter")
    expect(page.locator('um-branches li[data-leaf="3"] .branch-name')).not_to_contain_text("é")
    assert not [branch for branch in session.branches() if branch.name]


def test_a_narrow_screen_leaves_room_for_the_text(page: Page):
    page.set_viewport_size({"width": 400, "height": 800})
    start(page, length=64)
    run_to_end(page)
    transport = page.locator("um-transport").bounding_box()
    assert transport["height"] <= 140
    tops = page.eval_on_selector_all(
        "um-canvas .listbox .cell",
        "(cells, bottom) => cells.map(cell => cell.getBoundingClientRect())"
        ".filter(box => box.top >= 0 && box.bottom <= bottom).map(box => Math.round(box.top + box.height / 2))",
        transport["y"])
    lines = [top for at, top in enumerate(sorted(tops)) if at == 0 or top - sorted(tops)[at - 1] > 8]
    assert len(lines) >= 8
    # Signs alone, but each has its name, and is large enough for a finger.
    for name in ("Forward pass", "Step", "Run", "Play", "Revision before", "Revision after", "Undo", "Redo"):
        box = page.locator("um-transport").get_by_role("button", name=name, exact=True).bounding_box()
        assert min(box["width"], box["height"]) >= 24, name
    row = {round(page.get_by_test_id(name).bounding_box()["y"] / 24) for name in ("forward", "step", "run", "undo")}
    assert len(row) == 1
    assert shown_canvas(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
