"""What goes wrong between the calls: typing while frames come, focus, refused keys, lost connections."""

import re

from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import at_revision, canvas_of, cell, noted, notes, run_to_end, shown_canvas, start, steps


def listed(page: Page, began: int):
    """The branch that began with a revision."""
    return page.locator(f'um-branches li[data-start="{began}"]')


def name_branch(page: Page, began: int) -> None:
    listed(page, began).get_by_role("button", name=re.compile("^Name the branch")).click()
    expect(page.get_by_test_id("branch-name")).to_be_focused()


def branched(page: Page, session: unmask.Session) -> None:
    """Revision 4 leaves the line of revisions 0 to 3 at revision 1."""
    steps(page, 3)
    list(session.step(1, from_revision=1))
    at_revision(page, 4, 4)
    expect(listed(page, 4)).to_be_visible()


def test_a_name_is_typed_while_frames_come(page: Page, client: unmask.Client):
    session = client.open(start(page))
    branched(page, session)
    name_branch(page, 4)
    page.keyboard.type("my fil")
    list(session.step(1))
    list(session.step(1, from_revision=0))  # a branch more
    expect(listed(page, 6)).to_be_visible()
    page.keyboard.type("mild story")
    expect(page.get_by_test_id("branch-name")).to_have_value("my film" + "ild story")
    page.keyboard.press("Enter")
    expect(listed(page, 4)).to_contain_text("my filmild story")
    assert session.revision == 6  # no letter was a command
    expect(listed(page, 4).locator(".branch-go")).to_be_focused()
    expect(listed(page, 4).locator(".branch-go")).to_have_attribute("title", re.compile("my filmild story"))


def test_the_focus_stays_with_a_branch(page: Page, client: unmask.Client):
    session = client.open(start(page))
    branched(page, session)
    pill = listed(page, 0).locator(".branch-go")
    name_branch(page, 0)
    page.keyboard.press("Escape")
    expect(pill).to_be_focused()
    name_branch(page, 0)
    page.keyboard.type("first one")
    page.keyboard.press("Enter")
    expect(pill).to_contain_text("first one")
    page.get_by_role("button", name="Take the name first one away").focus()
    page.keyboard.press("Enter")
    expect(pill).not_to_contain_text("first one")
    expect(pill).to_be_focused()


def test_a_refused_name_stays_in_its_field(page: Page, client: unmask.Client):
    session = client.open(start(page))
    branched(page, session)
    name_branch(page, 4)
    refused = "a\u2028b"  # no name has a line of its own in it
    page.get_by_test_id("branch-name").fill(refused)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("error")).to_contain_text("Naming the branch did not work.")
    expect(page.get_by_test_id("branch-name")).to_have_value(refused)
    expect(page.get_by_test_id("branch-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(listed(page, 4)).to_contain_text("from 1")


def test_many_branches_are_folded_and_said_so(page: Page, client: unmask.Client):
    session = client.open(start(page))
    run_to_end(page)
    for revision in range(12):
        list(session.step(1, from_revision=revision, seed=revision))
    rows = page.locator("um-branches li[data-leaf]:visible")
    more = page.get_by_test_id("more-branches")
    expect(more).to_have_text("and 5 more")
    expect(rows).to_have_count(8)
    more.click()
    expect(rows).to_have_count(13)
    more.click()
    expect(rows).to_have_count(8)


def test_after_an_undo_the_branch_one_is_on_is_marked(page: Page, client: unmask.Client):
    session = client.open(start(page))
    branched(page, session)
    list(session.step(1))
    at_revision(page, 5, 5)
    page.get_by_test_id("undo").click()
    at_revision(page, 6, 6)
    expect(listed(page, 4)).to_have_attribute("data-here", "")
    expect(page.locator("um-branches [data-here]")).to_have_count(1)


class Gate:
    """Holds back what the service says until it is opened."""

    def __init__(self, page: Page):
        self._held: list = []
        self._open = True
        page.route_web_socket(re.compile(r"/ws$"), self._join)
        page.reload()
        expect(page.get_by_test_id("connection")).to_have_text("connected")

    def _join(self, near):
        far = near.connect_to_server()
        near.on_message(far.send)
        far.on_message(lambda message: near.send(message) if self._open else self._held.append((near, message)))

    def shut(self) -> None:
        self._open = False

    def open(self) -> None:
        self._open = True
        for near, message in self._held:
            near.send(message)
        self._held.clear()


def test_what_is_typed_during_a_call_stays(page: Page, client: unmask.Client):
    gate = Gate(page)
    session = client.open(start(page, length=24))
    run_to_end(page)
    head = session.revision
    position = session.get().prompt_length
    cell(page, position).click()
    field = page.get_by_test_id("write")
    field.fill(" kite")
    gate.shut()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("edit-write")).to_be_disabled()
    page.keyboard.type(" flies")
    gate.open()
    at_revision(page, head + 1)
    expect(field).to_have_value(" flies")
    # It outlasts the inspector, too.
    page.get_by_role("button", name="Close the inspector").click()
    expect(cell(page, position)).to_be_focused()
    expect(field).to_have_count(0)
    page.keyboard.press("Enter")
    expect(field).to_have_value(" flies")
    # The same of a turn.
    say = page.get_by_test_id("say")
    say.fill("What?")
    gate.shut()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("say-more")).to_be_disabled()
    page.keyboard.type(" And who?")
    gate.open()
    expect(page.get_by_test_id("did")).to_have_text("a turn appended")
    expect(say).to_have_value(" And who?")
    expect(say).to_be_focused()
    expect(page.get_by_test_id("say-more")).to_have_attribute("title", "The answer is not finished.")


def test_a_name_is_kept_while_the_server_is_gone(page: Page, stack, client: unmask.Client):
    gate = Gate(page)
    session = client.open(start(page))
    branched(page, session)
    name_branch(page, 4)
    page.keyboard.type("kept")
    gate.shut()
    stack.kill_service()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("save-name")).to_be_disabled()
    gate.open()
    expect(page.get_by_test_id("disconnected")).to_be_visible()
    field = page.get_by_test_id("branch-name")
    expect(field).to_have_value("kept")
    expect(page.get_by_test_id("save-name")).to_have_attribute("title", "Not connected.")
    pencil = listed(page, 0).get_by_role("button", name=re.compile("^Name the branch"))
    expect(pencil).to_be_disabled()
    expect(pencil).to_have_attribute("title", "Not connected.")
    expect(page.locator("um-notices")).not_to_contain_text("tries again by itself")
    stack.start_service()
    expect(page.get_by_test_id("connection")).to_have_text("connected")
    field.focus()
    page.keyboard.press("Enter")
    expect(listed(page, 4)).to_contain_text("kept")


def test_end_goes_to_the_last_position(page: Page, client: unmask.Client):
    start(page)
    first = page.locator("um-canvas .listbox .cell").first
    first.focus()
    page.keyboard.press("End")
    expect(page.locator("um-canvas .listbox .cell").last).to_be_focused()
    page.keyboard.press("Home")
    expect(first).to_be_focused()


def test_the_focus_goes_where_a_person_goes_on(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    page.get_by_test_id("delay").select_option("1000")
    page.get_by_test_id("run").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stop")).to_be_focused()
    at_revision(page, 1)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("run")).to_be_focused()
    page.get_by_test_id("delay").select_option("0")
    page.keyboard.press("[")
    page.get_by_test_id("newest").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("run")).to_be_focused()
    page.keyboard.press("[")
    page.get_by_test_id("continue").focus()
    head = session.revision
    page.keyboard.press("Enter")
    at_revision(page, head + 1)
    expect(page.get_by_test_id("run")).to_be_focused()
    run_to_end(page)
    page.get_by_test_id("say").fill("What?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("did")).to_have_text("a turn appended")
    expect(page.get_by_test_id("run")).to_be_focused()
    position = session.get().prompt_length
    cell(page, position).click()
    page.get_by_test_id("write").focus()
    page.get_by_role("button", name="Close the inspector").focus()
    page.keyboard.press("Enter")
    expect(cell(page, position)).to_be_focused()


def test_the_inspector_moves_with_its_token(page: Page, client: unmask.Client):
    session = client.open(start(page))
    steps(page, 3)
    position = session.get().prompt_length + 4
    cell(page, position).click()
    cell(page, position - 2).focus()
    page.keyboard.press("i")
    at_revision(page, 4)
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", str(position + 1))
    page.keyboard.press("Delete")
    at_revision(page, 5)
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", str(position))


def test_keys_pressed_while_an_edit_is_being_done_are_done_after_it(page: Page, client: unmask.Client):
    session = client.open(start(page))
    length = len(session.tokens)
    cell(page, session.prompt_length + 4).focus()
    for key in ("i", "i", "Delete", "i"):
        page.keyboard.press(key)
    at_revision(page, 4)
    assert [frame.splices[0].inserted for frame in session.history()[1:]] == [1, 1, 0, 1]
    assert len(session.tokens) == length + 2


def test_keys_that_wait_are_for_the_place_they_were_pressed_at(page: Page, client: unmask.Client):
    session = client.open(start(page))
    steps(page, 2)
    cell(page, session.prompt_length + 4).focus()
    page.keyboard.press("i")
    page.keyboard.press("i")
    page.keyboard.press("i")
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("refused").or_(page.locator('um-canvas[data-head="5"]'))).to_be_visible()
    page.get_by_test_id("newest").click()
    # As many as there was time for, each behind the one before; none at the beginning.
    assert [frame.parent_revision for frame in session.history()[3:]] == list(range(2, session.revision))


def test_escape_drops_the_keys_that_wait(page: Page, client: unmask.Client):
    session = client.open(start(page))
    cell(page, session.prompt_length + 4).focus()
    for key in "iiiiiiiiiiii":
        page.keyboard.press(key)
    notes(page, "not done.")
    page.keyboard.press("Escape")
    noted(page)
    page.wait_for_function("() => document.querySelector('[data-testid=edit-insert]')?.ariaDisabled !== 'true'")
    assert session.revision < 12


def test_a_run_with_a_pause_stays_with_its_session_and_its_branch(page: Page, client: unmask.Client):
    other = client.open(start(page))
    page.get_by_test_id("delay").select_option("500")
    session = client.open(start(page, seed=8))
    page.get_by_test_id("run").click()
    at_revision(page, 2)
    # Somebody else begins a branch; the run goes on with its own.
    next(iter(session.step(1, from_revision=0)))
    page.wait_for_function("() => Number(document.querySelector('um-canvas').dataset.head) >= 5")
    parents = {frame.revision: frame.parent_revision for frame in session.history()}
    theirs = next(revision for revision in parents if revision > 1 and parents[revision] == 0)
    assert parents[theirs + 1] == theirs - 1
    page.go_back()
    expect(page.locator("um-canvas")).to_have_attribute("data-session", other.id)
    expect(page.get_by_test_id("news")).to_contain_text("The run was stopped.")
    expect(page.get_by_test_id("run")).to_have_attribute("aria-disabled", "false")
    assert other.revision == 0


def test_a_sampler_that_only_fills_cannot_go_on_with_a_full_canvas(page: Page):
    page.get_by_test_id("sampler").select_option("predict_remask")
    start(page)
    steps(page, 1)
    page.get_by_test_id("sampler").select_option("llada")
    for control in ("run", "step"):
        expect(page.get_by_test_id(control)).to_be_disabled()
        expect(page.get_by_test_id(control)).to_have_attribute("title", re.compile("LLaDA only fills open ones"))
    page.get_by_test_id("sampler").select_option("predict_remask")
    expect(page.get_by_test_id("run")).to_be_enabled()


def test_saying_more_takes_a_length_as_starting_does(page: Page):
    start(page, length=24)
    run_to_end(page)
    page.get_by_test_id("say").fill("What?")
    for length in ("9999", "-3", "many"):
        page.get_by_test_id("length").fill(length)
        expect(page.get_by_test_id("say-more")).to_be_disabled()
        expect(page.get_by_test_id("say-more")).to_have_attribute("title", re.compile(r"^length: 1 to \d+\.$"))
    page.get_by_test_id("length").fill("16")
    expect(page.get_by_test_id("say-more")).to_be_enabled()


def test_text_that_does_not_fit_is_told_in_words(page: Page, client: unmask.Client):
    session = client.open(start(page))
    last = len(shown_canvas(page)) - 1
    cell(page, last).click()
    page.get_by_test_id("write").fill(" a big old story about a kite")
    page.get_by_test_id("edit-write").click()
    count = len(client.tokenize(" a big old story about a kite"))
    expect(page.get_by_test_id("error")).to_contain_text(f"{count} tokens do not fit: 1 position is left from here")
    expect(page.get_by_test_id("error").locator("p").first).not_to_contain_text("edits[")
    assert session.revision == 0
    expect(page.get_by_test_id("write")).to_have_value(" a big old story about a kite")


def test_what_filled_holes_is_copied(page: Page, client: unmask.Client):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    session = client.open(start(page, prompt="Tom has a [[mask:2]]. Ann has a blue ball.", length=0))
    run_to_end(page)
    notes(page, "Copied")
    page.get_by_role("button", name="Copy", exact=True).click()
    noted(page)
    copied = page.evaluate("navigator.clipboard.readText()")
    filled = client.detokenize([token for state, token in canvas_of(session.get()) if state == "committed"])
    assert "Tom has a" in copied and "blue ball" in copied and filled.strip() in copied
    expect(page.get_by_test_id("status")).not_to_contain_text("Before end")


def test_a_key_that_is_refused_says_why(page: Page, client: unmask.Client):
    session = client.open(start(page))
    refused, said = page.get_by_test_id("refused"), page.get_by_test_id("said")
    place = page.locator('um-canvas .answer [data-state="open"]').first
    place.focus()
    page.keyboard.press("m")
    for told in (refused, said):
        expect(told).to_have_text("This position is open already.")
    page.keyboard.press("z")
    expect(refused).to_have_text("There is nothing to undo.")
    page.keyboard.press(" ")
    expect(refused).to_have_text("Only an open position that has a draft can be picked.")
    page.keyboard.press("]")
    expect(refused).to_have_text("This is the newest revision.")
    page.keyboard.press("s")
    at_revision(page, 1)
    expect(refused).to_have_count(0)
    # A slider is no place to edit from.
    cell(page, session.get().prompt_length).click()
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("m")
    page.keyboard.press("s")
    at_revision(page, 2, 2)
    assert [frame.cause for frame in session.history()[1:]] == [2, 2]


def test_undo_is_pressed_faster_than_it_is_done(page: Page, client: unmask.Client):
    session = client.open(start(page))
    steps(page, 5)
    expect(page.get_by_test_id("undo")).to_be_enabled()  # the last step's call has ended
    for _ in range(4):
        page.keyboard.press("z")
    at_revision(page, 9, 9)
    assert session.get().canvas == session.get(1).canvas
