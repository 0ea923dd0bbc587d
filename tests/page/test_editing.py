"""What a person changes by hand on the page, checked against what a direct gRPC client sees."""

import re
from contextlib import suppress
from random import Random

import grpc
import pytest
from playwright.sync_api import Page, expect

import unmask
from tests.page.driver import (
    at_revision,
    canvas_of,
    cell,
    go_to,
    run_to_end,
    shown_canvas,
    start,
    steps,
)
from tests.page.stack import Stack
from unmask.v1 import edit_pb2, frame_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.session_service_pb2_grpc import SessionServiceStub


@pytest.fixture
def service(stack):
    with grpc.insecure_channel(stack.grpc) as channel:
        yield SessionServiceStub(channel)


def first_committed(page: Page) -> int:
    return int(page.locator('um-canvas .answer [data-state="committed"]').first.get_attribute("data-position"))


def open_positions(session: unmask.Session) -> list[int]:
    return [at for at, (state, _) in enumerate(canvas_of(session.get())) if state == "open"]


def test_a_position_is_opened_filled_and_undone_by_keys(page: Page, client: unmask.Client):
    session = client.open(start(page))
    steps(page, 3)
    position = first_committed(page)
    token = session.get().canvas.tokens[position]
    before = shown_canvas(page)
    cell(page, position).focus()
    page.keyboard.press("m")
    at_revision(page, 4)
    expect(cell(page, position)).to_have_attribute("data-state", "open")
    expect(cell(page, position)).to_be_focused()
    page.keyboard.press("Shift+U")
    at_revision(page, 5)
    expect(cell(page, position)).to_have_attribute("data-token", str(token))
    expect(cell(page, position)).to_have_attribute("data-hand", "")
    page.keyboard.press("z")  # to where it was open
    at_revision(page, 6)
    expect(cell(page, position)).to_have_attribute("data-state", "open")
    draft = session.predict().draft
    page.keyboard.press("u")
    at_revision(page, 7)
    expected = dict(zip(draft.positions, draft.tokens, strict=True))[position]
    expect(cell(page, position)).to_have_attribute("data-token", str(expected))
    assert shown_canvas(page) == canvas_of(session.get())
    page.keyboard.press("z")
    at_revision(page, 8)
    page.keyboard.press("z")
    at_revision(page, 9)
    assert shown_canvas(page) == before == canvas_of(session.get())
    page.keyboard.press("Shift+Z")
    at_revision(page, 10)
    expect(cell(page, position)).to_have_attribute("data-state", "open")
    page.keyboard.press("Shift+Z")  # the filling that was made last
    at_revision(page, 11)
    expect(page.get_by_test_id("redo")).to_be_disabled()
    expect(page.get_by_test_id("redo")).to_have_attribute("title", "There is nothing to redo.")
    assert shown_canvas(page) == canvas_of(session.get())
    causes = [frame.cause for frame in session.history()[4:]]
    edit, rewind = frame_pb2.CAUSE_EDIT, frame_pb2.CAUSE_REWIND
    assert causes == [edit, edit, rewind, edit, rewind, rewind, rewind, rewind]
    assert session.get().undo_revision == 4  # the page's own reckoning is the service's


def test_positions_are_inserted_and_deleted(page: Page, client: unmask.Client):
    session = client.open(start(page))
    steps(page, 3)
    position = first_committed(page)
    before = shown_canvas(page)
    cell(page, position).click()
    page.keyboard.press("i")
    at_revision(page, 4)
    assert shown_canvas(page) == [*before[:position], ("open", None), *before[position:]] == canvas_of(session.get())
    expect(cell(page, position)).to_have_attribute("data-new", "inserted")
    page.keyboard.press("Delete")
    at_revision(page, 5)
    assert shown_canvas(page) == before == canvas_of(session.get())
    last = len(before) - 1
    cell(page, last).click()
    page.keyboard.press("Delete")
    at_revision(page, 6)
    expect(cell(page, last)).to_have_count(0)
    expect(cell(page, last - 1)).to_be_focused()
    expect(page.get_by_test_id("inspector")).to_have_attribute("data-position", str(last - 1))
    assert shown_canvas(page) == canvas_of(session.get())


def test_text_takes_the_place_of_a_token_and_the_rest_moves(page: Page, client: unmask.Client):
    session = client.open(start(page))
    steps(page, 4)
    position = first_committed(page)
    before = shown_canvas(page)
    ids = [token.id for token in client.tokenize(" a big old story about")]
    assert len(ids) > 2
    cell(page, position).click()
    expect(page.get_by_test_id("edit-replace")).to_be_disabled()
    page.get_by_test_id("write").fill(" a big old story about")
    page.get_by_test_id("edit-replace").click()
    at_revision(page, 5)
    put = [("committed", token) for token in ids]
    assert shown_canvas(page) == [*before[:position], *put, *before[position + 1:]] == canvas_of(session.get())
    expect(page.get_by_test_id("write")).to_have_value("")
    # The drafts of before are still seen where their positions are now.
    expect(page.locator("um-canvas [data-position][data-ghost]")).to_have_count(len(open_positions(session)))
    # Text that is written over what stands there moves nothing.
    end = position + len(ids)
    cell(page, end).click()
    page.get_by_test_id("write").fill(" kite")
    page.keyboard.press("Enter")
    at_revision(page, 6)
    kite = [("committed", token.id) for token in client.tokenize(" kite")]
    after = shown_canvas(page)
    assert after[end:end + len(kite)] == kite
    assert len(after) == len(before) + len(ids) - 1
    assert after == canvas_of(session.get())
    go_to(page, 4)
    assert shown_canvas(page) == before
    page.get_by_test_id("newest").click()
    run_to_end(page)
    assert shown_canvas(page) == canvas_of(session.get())


def test_what_is_locked_no_step_changes(page: Page, client: unmask.Client):
    page.get_by_test_id("sampler").select_option("predict_remask")
    page.locator("#parameter-iterations").fill("4")
    session = client.open(start(page))
    steps(page, 2)  # prediction, remasking
    position = first_committed(page)
    token = session.get().canvas.tokens[position]
    cell(page, position).click()
    expect(page.get_by_test_id("edit-lock")).to_contain_text("Lock")
    page.get_by_test_id("edit-lock").click()
    at_revision(page, 3)
    expect(cell(page, position)).to_have_attribute("data-locked", "")
    expect(cell(page, position)).to_have_attribute("aria-label", re.compile("locked"))
    expect(page.get_by_test_id("inspector")).to_contain_text("Locked: no step changes it.")
    assert list(session.get().canvas.protected) == [position]
    run_to_end(page)
    expect(cell(page, position)).to_have_attribute("data-token", str(token))
    expect(cell(page, position)).to_have_attribute("data-locked", "")
    cell(page, position).focus()
    head = session.revision
    page.keyboard.press("l")
    at_revision(page, head + 1)
    expect(cell(page, position)).not_to_have_attribute("data-locked", "")
    assert list(session.get().canvas.protected) == []


def test_the_first_part_of_a_step_can_only_be_opened(page: Page, client: unmask.Client):
    page.get_by_test_id("sampler").select_option("predict_remask")
    session = client.open(start(page))
    steps(page, 1)
    assert session.get().read_only
    position = first_committed(page)
    cell(page, position).click()
    page.get_by_test_id("write").fill(" kite")
    for button in ("edit-lock", "edit-delete", "edit-insert", "edit-write", "edit-replace"):
        expect(page.get_by_test_id(button)).to_be_disabled()
        expect(page.get_by_test_id(button)).to_have_attribute("title", re.compile("positions can be opened here, and"))
    cell(page, position).focus()
    page.keyboard.press("Delete")
    page.keyboard.press("m")
    at_revision(page, 2)
    assert open_positions(session) == [position]


def test_masking_again_is_seen_before_it_is_done(page: Page, client: unmask.Client, service: SessionServiceStub):
    session = client.open(start(page))
    run_to_end(page)
    head = session.revision
    page.get_by_test_id("remask").locator("summary").click()
    marked = page.locator("um-canvas [data-position][data-preview]")

    def previewed(ratio: float) -> pb.ProposeResponse:
        return service.Propose(pb.ProposeRequest(
            session_id=session.id, remasking=pb.Remasking(ratio=ratio, rho=0)))

    share = page.get_by_test_id("remask-share")
    expect(share).to_be_visible()  # what is folded takes no focus
    share.focus()
    expect(share).to_be_focused()
    for ratio, key in ((0.26, "ArrowRight"), (0.27, "ArrowRight"), (1.0, "End"), (0.99, "ArrowLeft")):
        page.keyboard.press(key)
        answer = previewed(ratio)
        reopens = {reopen.position for reopen in answer.reopens}
        expect(marked).to_have_count(len(reopens))
        assert {int(one.get_attribute("data-position")) for one in marked.all()} == reopens
        expect(page.get_by_test_id("remask-words")).to_have_text(
            f"would open {len(reopens)} of {len(answer.ranked)} positions, cut-off {answer.cutoff:.2f}")
    page.get_by_test_id("remask-rho").focus()
    page.keyboard.press("End")  # chance
    expect(page.get_by_test_id("remask-words")).to_contain_text("would open")
    page.keyboard.press("Home")
    page.get_by_test_id("remask-share").fill("0.25")
    reopens = sorted(reopen.position for reopen in previewed(0.25).reopens)
    assert reopens
    expect(marked).to_have_count(len(reopens))
    assert session.revision == head  # nothing has changed
    page.get_by_test_id("mask-these").click()
    at_revision(page, head + 1)
    assert open_positions(session) == reopens
    assert shown_canvas(page) == canvas_of(session.get())
    # The open ones count towards the share.
    expect(page.get_by_test_id("remask-words")).to_have_text(
        f"{len(reopens)} of 32 are open already; this share opens no more")
    expect(page.get_by_test_id("mask-these")).to_be_disabled()


def test_an_edit_of_an_older_revision_is_a_branch_that_can_be_named(
        page: Page, client: unmask.Client, service: SessionServiceStub):
    session = client.open(start(page))
    steps(page, 5)
    newest = shown_canvas(page)
    go_to(page, 2)
    position = first_committed(page)
    cell(page, position).focus()
    page.keyboard.press("m")
    at_revision(page, 6, 6)
    assert session.history()[-1].parent_revision == 2  # no rewind between
    branched = shown_canvas(page)
    assert branched == canvas_of(session.get())
    branches = page.get_by_test_id("branches").locator("li")
    expect(branches).to_have_count(2)
    # To the other branch, and a name for it.
    page.locator('um-branches li[data-leaf="5"] .branch-go').click()
    at_revision(page, 5)
    assert shown_canvas(page) == newest
    page.get_by_role("button", name="Name the branch of revision 5").click()
    page.get_by_test_id("branch-name").fill("with kite")
    page.keyboard.press("Enter")
    expect(page.locator('um-branches li[data-leaf="5"]')).to_contain_text("with kite")
    told = service.ListBranches(pb.ListBranchesRequest(session_id=session.id)).branches
    assert {(branch.leaf_revision, branch.fork_revision, branch.name) for branch in told} == {
        (6, 2, ""), (5, 0, "with kite")}
    # Names from elsewhere come by themselves.
    service.NameBranch(pb.NameBranchRequest(session_id=session.id, name="without"))
    expect(page.locator('um-branches li[data-leaf="6"]')).to_contain_text("without")
    page.get_by_role("button", name="Take the name with kite away").click()
    expect(page.locator('um-branches li[data-leaf="5"]')).not_to_contain_text("with kite")
    # A step and a selection go on from what is looked at, too.
    at_revision(page, 5)
    page.get_by_test_id("step").click()
    at_revision(page, 7, 7)
    assert session.history()[-1].parent_revision == 5
    go_to(page, 6)
    page.get_by_test_id("auto-select").click()
    expect(page.get_by_test_id("tray").locator("li").first).to_be_visible()
    page.get_by_test_id("apply").click()
    at_revision(page, 8, 8)
    assert session.history()[-1].parent_revision == 6
    assert shown_canvas(page) == canvas_of(session.get())


def test_a_turn_is_appended_to_a_finished_answer(page: Page, client: unmask.Client):
    session = client.open(start(page, length=24))
    expect(page.get_by_test_id("say")).to_have_count(0)  # not before the answer is finished
    run_to_end(page)
    first = session.get()
    said = "What does Ann have?"
    page.get_by_test_id("say").fill(said)
    page.get_by_test_id("length").fill("16")
    page.get_by_test_id("say-more").click()
    expect(page.get_by_test_id("did")).to_have_text("a turn appended")
    turned = session.get()
    assert turned.prompt_length > first.prompt_length
    assert shown_canvas(page) == canvas_of(turned)
    expect(page.locator("um-canvas .answer [data-position]")).to_have_count(16)
    words = client.detokenize([token for state, token in shown_canvas(page) if state == "given"])
    assert said in words
    expect(page.get_by_test_id("say")).to_have_count(0)
    run_to_end(page)
    assert shown_canvas(page) == canvas_of(session.get())
    # What was said before the turn can still be looked at, and what the model weighed there.
    go_to(page, first.revision)
    assert shown_canvas(page) == canvas_of(first)
    page.get_by_test_id("newest").click()
    at_revision(page, session.revision)
    cell(page, first.prompt_length).click()
    expect(page.get_by_test_id("candidates").locator("li").first).to_be_visible()
    weighed = session.candidates([first.prompt_length], revision=next(
        frame.parent_revision for frame in session.history()
        if any(change.position == first.prompt_length for change in frame.changes)))[0].candidates
    rows = page.get_by_test_id("candidates").locator("li")
    assert [int(row.get_attribute("data-token")) for row in rows.all()] == [c.token for c in weighed]


def test_a_hole_in_the_prompt_is_filled(page: Page, client: unmask.Client):
    page.get_by_test_id("length").fill("0")
    expect(page.get_by_test_id("start")).to_be_disabled()
    prompt = "Tom has a [[mask:2]]. Ann has a blue ball. What does Ann have?"
    session = client.open(start(page, prompt=prompt, length=0))
    assert len(open_positions(session)) == 2
    assert shown_canvas(page) == canvas_of(session.get())
    run_to_end(page)
    assert open_positions(session) == []
    assert shown_canvas(page) == canvas_of(session.get())


def random_edit(chance: Random, now: session_pb2.Session) -> edit_pb2.Edit:
    """Any edit; the service refuses some of them."""
    canvas = canvas_of(now)
    at = chance.choice((chance.randrange(len(canvas)), min(now.prompt_length, len(canvas) - 1)))
    some = sorted(chance.sample(range(len(canvas)), min(3, len(canvas))))
    committed = [position for position, (state, _) in enumerate(canvas) if state == "committed"] or some
    decided = chance.sample(committed, min(2, len(committed)))
    tokens = [chance.randrange(40, 60) for _ in range(chance.randrange(4))]
    count = chance.randrange(3)
    return chance.choice([
        lambda: edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=chance.choice((some, decided)))),
        lambda: edit_pb2.Edit(unmask=edit_pb2.UnmaskPositions(positions=[at], source=chance.randrange(3))),
        lambda: edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=at, count=count, tokens={"ids": tokens})),
        lambda: edit_pb2.Edit(force_token=edit_pb2.ForceToken(position=at, token=chance.randrange(40, 60))),
        lambda: edit_pb2.Edit(protect=edit_pb2.ProtectPositions(positions=decided)),
        lambda: edit_pb2.Edit(unprotect=edit_pb2.UnprotectPositions(positions=decided)),
        lambda: edit_pb2.Edit(insert=edit_pb2.InsertOpen(position=at, count=1 + count)),
        lambda: edit_pb2.Edit(delete=edit_pb2.DeleteSpan(position=at, count=1 + count)),
        lambda: edit_pb2.Edit(delete_last=edit_pb2.DeleteLast(count=1)),
    ])()


def random_calls(service: SessionServiceStub, session_id: str, chance: Random, count: int):
    """Changes of every kind, from the newest revision and from older ones."""
    turn = edit_pb2.Edit(append=edit_pb2.AppendTurn(turn={"text": " Ann"}, length=8))
    for _ in range(count):
        now = service.GetSession(pb.GetSessionRequest(session_id=session_id)).session
        place = {"session_id": session_id}
        if not chance.randrange(4):
            place["from_revision"] = chance.randrange(now.head_revision + 1)
            now = service.GetSession(pb.GetSessionRequest(
                session_id=session_id, revision=place["from_revision"])).session
        kind = chance.randrange(20)
        with suppress(grpc.RpcError):  # not every edit fits the canvas it is made for
            if kind < 2:
                list(service.Step(pb.StepRequest(count=2, **place)))
            elif kind < 5:
                direction = chance.choice((pb.RewindRequest.DIRECTION_UNDO, pb.RewindRequest.DIRECTION_REDO))
                list(service.Rewind(pb.RewindRequest(session_id=session_id, direction=direction)))
            elif kind == 5:  # a whole answer, and what follows
                list(service.Step(pb.StepRequest(**place)))
                list(service.Edit(pb.EditRequest(session_id=session_id, edits=[turn])))
            else:
                edits = [random_edit(chance, now) for _ in range(1 + chance.randrange(3))]
                list(service.Edit(pb.EditRequest(edits=edits, **place)))


def test_whatever_is_done_elsewhere_the_page_shows_what_the_service_tells(
        page: Page, client: unmask.Client, service: SessionServiceStub):
    session = client.open(start(page, length=12))
    random_calls(service, session.id, Random(4), 80)
    head = session.revision
    assert {frame.cause for frame in session.history()} == set(range(1, 6)) - {frame_pb2.CAUSE_SELECT}
    assert any(frame.HasField("prompt_length") for frame in session.history())
    assert sum(len(frame.splices) for frame in session.history()) > 10
    at_revision(page, head, head)
    now = session.get()
    for way in ("undo", "redo"):
        button = page.get_by_test_id(way)
        if now.HasField(f"{way}_revision"):
            expect(button).to_have_attribute("title", re.compile(f"revision {getattr(now, f'{way}_revision')} "))
        else:
            expect(button).to_be_disabled()
    for revision in range(head, -1, -1):
        at_revision(page, revision, head)
        told = session.get(revision)
        assert shown_canvas(page) == canvas_of(told), revision
        for attribute, positions in (("data-hand", told.canvas.by_hand), ("data-locked", told.canvas.protected)):
            marked = page.locator(f"um-canvas [data-position][{attribute}]")
            assert [int(one.get_attribute("data-position")) for one in marked.all()] == list(positions), revision
        inside = page.locator("um-canvas .prompt [data-position]").count()
        assert inside == told.prompt_length, revision
        page.keyboard.press("[")
    told = service.ListBranches(pb.ListBranchesRequest(session_id=session.id)).branches
    leaves = page.locator("um-branches li[data-leaf]").evaluate_all("rows => rows.map(row => Number(row.dataset.leaf))")
    assert sorted(leaves, reverse=True) == [branch.leaf_revision for branch in told]
    current = page.locator("um-branches li[data-current]")
    expect(current).to_have_attribute("data-leaf", str(next(branch.leaf_revision for branch in told if branch.current)))


def test_a_session_that_lost_its_oldest_revisions_opens_and_says_so(chrome, tmp_path):
    stack = Stack(tmp_path, UNMASK_SESSION_BYTES="65536")
    context = chrome.new_context(viewport={"width": 1440, "height": 900})
    try:
        with unmask.connect(stack.grpc) as client:
            session = client.create("Tell me a story about Tom and a red kite.", length=32, seed=7)
            list(session.step(3))
            page = context.new_page()
            page.goto(f"{stack.page}#session={session.id}")
            at_revision(page, 3)
            go_to(page, 0)
            while session.get().first_revision == 0:
                list(session.step(draft=True))
                session.rewind(session.revision - 20)
            expect(page.get_by_test_id("news").first).to_contain_text("The oldest revisions were dropped.")
            expect(page.get_by_test_id("news")).to_have_count(1)
            first, head = session.get().first_revision, session.revision
            at_revision(page, first, head)  # what was looked at is gone
            page.get_by_test_id("newest").click()
            at_revision(page, head, head)
            assert shown_canvas(page) == canvas_of(session.get())
            # Afresh, from what is kept.
            page.reload()
            expect(page.get_by_test_id("connection")).to_have_text("connected")
            at_revision(page, head, head)
            assert shown_canvas(page) == canvas_of(session.get())
            expect(page.get_by_test_id("timeline")).to_have_attribute("min", str(first))
            page.get_by_test_id("timeline").focus()
            page.keyboard.press("Home")
            at_revision(page, first, head)
            assert shown_canvas(page) == canvas_of(session.get(first))
            expect(page.get_by_test_id("did")).to_have_text("the oldest revision kept")
    finally:
        context.close()
        stack.stop()
