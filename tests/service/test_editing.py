"""Edits, branches, names, previews of remasking, holes and turns on a real server."""

import math

import pytest
from grpc import StatusCode as Code

from inference_service.models.attention import Full
from inference_service.sampling.noise import REOPEN_STREAM, Noise
from inference_service.sampling.registry import suitable
from tests.conftest import EXPECTED
from tests.fakes import EOT, MASK, FakeDenoiser
from tests.service.calls import WAIT, Api, refusal, settings
from tests.service.test_running import Watcher
from unmask.v1 import edit_pb2, frame_pb2, prompt_pb2, session_pb2
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

OPEN, COMMITTED, GIVEN = 1, 2, 3
BOTH_WAYS = [sampler.name for sampler in suitable(Full.offers)]
GOLDEN_MASK = EXPECTED["mask_token_id"]
EARLIER = edit_pb2.UnmaskPositions.SOURCE_EARLIER
KEEP = edit_pb2.ReplaceSpan.FIT_KEEP_LENGTH


# ---- edits, short ----

def mask(*positions):
    return edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=positions))


def unmask(*positions, source=0):
    return edit_pb2.Edit(unmask=edit_pb2.UnmaskPositions(positions=positions, source=source))


def replace(position, count, content, fit=0):
    named = {"text": content} if isinstance(content, str) else {"tokens": prompt_pb2.TokenList(ids=content)}
    return edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=position, count=count, fit=fit, **named))


def force(position, token):
    return edit_pb2.Edit(force_token=edit_pb2.ForceToken(position=position, token=token))


def force_text(position, text):
    return edit_pb2.Edit(force_text=edit_pb2.ForceText(position=position, text=text))


def protect(*positions):
    return edit_pb2.Edit(protect=edit_pb2.ProtectPositions(positions=positions))


def unprotect(*positions):
    return edit_pb2.Edit(unprotect=edit_pb2.UnprotectPositions(positions=positions))


def insert(position, count):
    return edit_pb2.Edit(insert=edit_pb2.InsertOpen(position=position, count=count))


def delete(position, count):
    return edit_pb2.Edit(delete=edit_pb2.DeleteSpan(position=position, count=count))


def delete_last(count=0):
    return edit_pb2.Edit(delete_last=edit_pb2.DeleteLast(count=count))


def append(turn, length=None):
    if isinstance(turn, str):
        turn = said(("user", turn))
    elif not isinstance(turn, prompt_pb2.Prompt):
        turn = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=turn))
    return edit_pb2.Edit(append=edit_pb2.AppendTurn(turn=turn, length=length))


def said(*turns):
    messages = [prompt_pb2.Message(role=role, content=content) for role, content in turns]
    return prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=messages))


def edit(api, session_id, *edits, **more):
    """The frame, and the prediction behind it where one was asked for."""
    answers = api.sessions.Edit(pb.EditRequest(session_id=session_id, edits=edits, **more), timeout=WAIT)
    return [getattr(answer, answer.WhichOneof("event")) for answer in answers]


def go(api, session_id, direction, **more):
    answers = api.sessions.Rewind(pb.RewindRequest(session_id=session_id, direction=direction, **more))
    return [getattr(answer, answer.WhichOneof("event")) for answer in answers]


UNDO, REDO = pb.RewindRequest.DIRECTION_UNDO, pb.RewindRequest.DIRECTION_REDO


def branches(api, session_id):
    return api.sessions.ListBranches(pb.ListBranchesRequest(session_id=session_id)).branches


def name(api, session_id, text, revision=None):
    return api.sessions.NameBranch(pb.NameBranchRequest(session_id=session_id, name=text, revision=revision)).branch


def compare(api, session_id, revision=None, other=None, other_session=""):
    return api.sessions.CompareRevisions(pb.CompareRevisionsRequest(
        session_id=session_id, revision=revision, other_revision=other, other_session_id=other_session))


def canvas(api, session_id, revision=None):
    """Tokens with None where it is open, the states, and the two lists."""
    session = api.get(session_id, revision)
    shown = session.canvas
    tokens = [None if state == OPEN else token for token, state in zip(shown.tokens, shown.states, strict=True)]
    return tokens, list(shown.states), list(shown.by_hand), list(shown.protected), session.prompt_length


def named(message):
    return dict(message.parameters.items())


@pytest.fixture
def session(api):
    """Prompt 1 2 3 and eight open positions, two steps in."""
    made = api.create(seed=3)
    api.step(made.id, 2)
    return made.id


@pytest.fixture
def blank(api):
    return api.create(seed=3).id


# ---- every operation ----

def test_masking_and_unmasking(api, session):
    before, *_ = canvas(api, session)
    done = [position for position in range(3, 11) if before[position] is not None]
    frame, = edit(api, session, mask(0, *done))
    assert frame.cause == frame_pb2.CAUSE_EDIT
    assert [change.position for change in frame.changes] == [0, *done]
    assert not any(change.HasField("token") for change in frame.changes)
    assert frame.summary.open_count == 9
    frame, = edit(api, session, unmask(0, *done, source=EARLIER))
    tokens, states, by_hand, *_ = canvas(api, session)
    assert tokens == before
    assert states[0] == GIVEN
    assert by_hand == done


def test_the_draft_that_is_shown_is_the_one_put_in(api, session):
    shown = api.predict(session).draft
    position = shown.positions[2]
    frame, = edit(api, session, unmask(position))
    assert [(change.position, change.token) for change in frame.changes] == [(position, shown.tokens[2])]
    assert frame.changes[0].probability == pytest.approx(shown.probabilities[2] / 255, abs=1 / 255)
    assert frame.summary.forward_count == 0
    everything = list(api.predict(session).draft.positions)
    drafted = dict(zip(everything, api.predict(session).draft.tokens, strict=True))
    frame, = edit(api, session, unmask(*everything))
    assert {change.position: change.token for change in frame.changes} == drafted
    assert api.get(session).state == session_pb2.Session.STATE_COMPLETE


def test_replacing_forcing_inserting_and_deleting(api, blank):
    edit(api, blank, replace(3, 2, [20, GOLDEN_MASK, 21]), force(10, 22), insert(0, 1), delete(2, 1))
    tokens, states, by_hand, _, prompt = canvas(api, blank)
    assert tokens == [None, 1, 3, 20, None, 21, None, None, None, None, 22, None]
    assert (by_hand, prompt) == ([3, 5, 10], 3)
    assert states == [OPEN, GIVEN, GIVEN, COMMITTED, OPEN, COMMITTED, *[OPEN] * 4, COMMITTED, OPEN]
    edit(api, blank, replace(3, 3, [30], fit=KEEP), delete_last())
    assert canvas(api, blank)[0] == [None, 1, 3, 30, None, None, None, None, None, None, None]
    edit(api, blank, replace(1, 2, [40, 41, 42]))
    assert canvas(api, blank)[0][:5] == [None, 40, 41, 42, 30]
    assert (canvas(api, blank)[1][1:5], api.get(blank).prompt_length) == ([GIVEN] * 3 + [COMMITTED], 4)


def test_text_goes_in_as_it_is_tokenized(api, words):
    def ids(text):
        return [token.id for token in api.models.Tokenize(models_pb.TokenizeRequest(model=words, text=text)).tokens]

    id = api.create((10, 11), 8, model=words).id
    edit(api, id, replace(2, 1, "Tom has [[mask:2]] kite."), force_text(0, "Ann has"))
    has, kite = ids("Tom has"), ids(" kite.")
    assert canvas(api, id)[0][:len(has) + 2 + len(kite) + 2] == [*ids("Ann has"), *has, None, None, *kite]
    refused = refusal(edit, api, id, force_text(0, "Tom has a red kite. " * 9))
    assert list(refused.fields) == ["edits[0].force_text.position"]
    assert list(refusal(edit, api, id, force_text(0, "")).fields) == ["edits[0].force_text.text"]
    named = edit_pb2.Edit(force_text=edit_pb2.ForceText(position=0, text="Tom<|mdm_mask|>", special_tokens=True))
    assert list(refusal(edit, api, id, named).fields) == ["edits[0].force_text.text"]


def test_protected_positions_are_left_alone_by_every_step(api, fake):
    id = api.create(model=fake().name, sampler="predict_remask", iterations=6, rho=1, temperature=1).id
    api.step(id, 1)
    edit(api, id, mask(3))
    api.step(id)
    kept = dict(enumerate(canvas(api, id)[0]))
    frame, = edit(api, id, protect(4, 6, 0))
    assert list(frame.protected) == [4, 6], "a given one is protected anyway"
    edit(api, id, mask(5, 7, 8))
    for seed in range(6):
        api.rewind(id, frame.revision)
        edit(api, id, mask(5))
        for made in api.step(id, settings=settings("predict_remask", seed, iterations=6, rho=1, start_ratio=1)):
            assert not {4, 6} & {change.position for change in made.changes}
    assert [canvas(api, id)[0][at] for at in (4, 6)] == [kept[4], kept[6]]
    edit(api, id, unprotect(4, 6))
    assert canvas(api, id)[3] == []
    assert refusal(edit, api, id, unprotect(0)).fields


def test_a_prediction_follows_where_it_is_asked_for(api, session):
    frame, prediction = edit(api, session, insert(11, 2), predict=True)
    assert prediction.revision == frame.revision
    assert {11, 12} <= set(prediction.draft.positions)
    assert len(prediction.draft.positions) == frame.summary.open_count
    draft = {change.position for change in api.step(session, 1)[0].changes}
    assert draft <= set(prediction.draft.positions)


# ---- all or none ----

@pytest.mark.parametrize(("wrong", "field"), [
    (mask(), "mask.positions"), (mask(11), "mask.positions"), (unmask(0), "unmask.positions"),
    (unmask(10, source=EARLIER), "unmask.positions"), (replace(11, 1, [1]), "replace.position"),
    (replace(3, 1, [1, 2], fit=KEEP), "replace"), (replace(3, 1, [512]), "replace.tokens.ids"),
    (force(11, 1), "force_token.position"), (force(3, GOLDEN_MASK), "force_token.token"),
    (force(3, 512), "force_token.token"), (protect(10), "protect.positions"), (unprotect(0), "unprotect.positions"),
    (insert(12, 1), "insert.position"), (insert(0, 0), "insert.count"), (insert(0, 502), "insert.count"),
    (delete(0, 12), "delete.position"), (delete(0, 0), "delete.count"), (delete(0, 11), "delete"),
    (delete_last(9), "delete_last.count"), (append([512]), "append.turn.tokens.ids"),
    (edit_pb2.Edit(), ""), (edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=3)), "replace"),
    (edit_pb2.Edit(append=edit_pb2.AppendTurn()), "append.turn")])
def test_one_wrong_edit_among_good_ones_changes_nothing(api, session, wrong, field):
    before = api.standing(session)
    refused = refusal(edit, api, session, force(0, 9), wrong, force(1, 9), request_id="again")
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert list(refused.fields) == [f"edits[1].{field}".rstrip(".")]
    assert api.standing(session) == before
    frame, = edit(api, session, force(0, 9), request_id="again")
    assert frame.revision == before.head_revision + 1, "a refused request can be sent again"


def test_how_many_edits_there_may_be(api, blank):
    assert list(refusal(edit, api, blank).fields) == ["edits"]
    assert list(refusal(edit, api, blank, *[force(0, 1)] * 1025).fields) == ["edits"]
    frame, = edit(api, blank, *[force(0, token % 500) for token in range(1024)])
    assert [(change.position, change.token, change.given) for change in frame.changes] == [(0, 1023 % 500, True)]


def test_a_turn_cannot_be_appended_to_an_unfinished_answer(api, session):
    before = api.standing(session)
    refused = refusal(edit, api, session, append([4]))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "CANVAS_OPEN")
    assert refused.metadata["open_count"] == "6"
    assert api.standing(session) == before


def test_a_repeated_edit_answers_as_the_first(api, session):
    first = edit(api, session, insert(4, 1), unmask(10), request_id="once")
    assert edit(api, session, insert(4, 1), unmask(10), request_id="once") == first
    assert edit(api, session, delete(0, 1), request_id="once", expected_revision=0) == first
    *again, prediction = edit(api, session, insert(4, 1), request_id="once", predict=True)
    assert (again, prediction.revision) == (first, first[0].revision)
    assert api.get(session).head_revision == first[0].revision


def test_the_newest_revision_can_be_expected(api, session):
    for wrong in (1, 3):
        refused = refusal(edit, api, session, force(0, 1), expected_revision=wrong)
        assert (refused.code, refused.reason) == (Code.ABORTED, "REVISION_MISMATCH")
        assert refused.metadata == {"actual_revision": "2"}
    frame, = edit(api, session, force(0, 9), expected_revision=2, from_revision=1)
    assert (frame.revision, frame.parent_revision) == (3, 1)


# ---- branches from any revision ----

def test_a_branch_with_other_settings_leaves_the_original_as_it_was(api):
    id = api.create(seed=4, temperature=1).id
    api.step(id)
    kept = [api.get(id, revision) for revision in range(9)]
    one = api.step(id, from_revision=3, settings=settings(seed=99))
    two = api.step(id, from_revision=3, settings=settings("predict_remask", iterations=3))
    three = api.select(id, {9: 7}, from_revision=2)
    four = edit(api, id, delete(0, 1), from_revision=5)
    for frames, parent in ((one, 3), (two, 3), (three, 2), (four, 5)):
        assert frames[0].parent_revision == parent
    assert named(two[0].settings)["iterations"] == 3
    for revision, session in enumerate(kept):
        now = api.get(id, revision)
        assert (now.canvas, now.settings, now.prompt_length) == (session.canvas, session.settings, 3)
    assert api.get(id, one[-1].revision).settings.seed == 99
    assert [branch.fork_revision for branch in branches(api, id)] == [5, 2, 3, 3, 0]


def test_an_unknown_revision_is_no_beginning(api, session):
    for revision in (-1, 3):
        for call in (api.step, lambda id, **more: api.select(id, {9: 1}, **more),
                     lambda id, **more: edit(api, id, force(0, 1), **more)):
            refused = refusal(call, session, from_revision=revision)
            assert (refused.code, refused.reason) == (Code.OUT_OF_RANGE, "REVISION_OUT_OF_RANGE")
            assert list(refused.fields) == ["from_revision"]


def test_a_revision_in_the_middle_of_a_step_is_read_only(api, fake):
    id = api.create(model=fake().name, sampler="predict_remask", iterations=4, temperature=1).id
    first, = api.step(id, 1)
    assert (first.substep, first.read_only, api.get(id).read_only) == ("prediction", True, True)
    before = api.standing(id)
    for call in (lambda: edit(api, id, force(3, 1)), lambda: edit(api, id, mask(3), insert(4, 1)),
                 lambda: api.select(id, {3: 1}), lambda: edit(api, id, protect(3))):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "READ_ONLY_REVISION")
        assert refused.metadata == {"revision": "1"}
    assert api.standing(id) == before
    frame, = edit(api, id, mask(3, 5))
    assert not frame.read_only and frame.summary.pending
    assert edit(api, id, force(3, 1), from_revision=0)
    back, = api.rewind(id, 1)
    assert back.read_only
    assert refusal(edit, api, id, force(3, 1)).metadata == {"revision": str(back.revision)}


# ---- undo and redo ----

def test_undo_and_redo(api, session):
    begun = canvas(api, session)
    frame, = edit(api, session, insert(4, 2))
    longer = canvas(api, session)
    back, prediction = go(api, session, UNDO, predict=True)
    assert (back.parent_revision, back.cause, back.changes, back.splices) == (2, frame_pb2.CAUSE_REWIND, [], [])
    assert canvas(api, session) == begun
    assert prediction.revision == back.revision
    assert (api.get(session).undo_revision, api.get(session).redo_revision) == (1, frame.revision)
    again, = go(api, session, REDO, request_id="r")
    assert go(api, session, REDO, request_id="r") == [again]
    assert canvas(api, session) == longer
    assert not api.get(session).HasField("redo_revision")
    for _ in range(3):
        go(api, session, UNDO)
    assert canvas(api, session) == canvas(api, session, 0)
    assert not api.get(session).HasField("undo_revision")
    for _ in range(3):
        go(api, session, REDO)
    assert canvas(api, session) == longer


def test_nothing_to_undo_and_nothing_to_redo(api, session):
    refused = refusal(go, api, session, REDO)
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "NOTHING_TO_REDO")
    go(api, session, UNDO), go(api, session, UNDO)
    before = api.standing(session)
    refused = refusal(go, api, session, UNDO)
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "NOTHING_TO_UNDO")
    assert list(refusal(go, api, session, UNDO, revision=1).fields) == ["revision"]
    assert list(refusal(go, api, session, 7).fields) == ["direction"]
    assert refusal(go, api, session, REDO, expected_revision=1).reason == "REVISION_MISMATCH"
    assert api.standing(session) == before


# ---- names and branches ----

def test_names_of_branches(api, session):
    api.step(session, 2, from_revision=1)  # 3 and 4
    assert [(branch.leaf_revision, branch.fork_revision, branch.name, branch.current, branch.HasField("named_revision"))
            for branch in branches(api, session)] == [(4, 1, "", True, False), (2, 0, "", False, False)]
    branch = name(api, session, "the second")
    assert (branch.leaf_revision, branch.name, branch.named_revision) == (4, "the second", 4)
    api.step(session, 1)
    now, old = branches(api, session)
    assert (now.leaf_revision, now.name, now.named_revision, now.length) == (5, "the second", 4, 3)
    api.step(session, 1, from_revision=4)
    late, now, old = branches(api, session)
    assert (late.fork_revision, late.name, now.name) == (4, "", "the second"), "it stays with what was there first"
    assert name(api, session, "the second", 2).leaf_revision == 2, "it moves"
    assert [branch.name for branch in branches(api, session)][-1] == "the second"
    assert name(api, session, "renamed", 2).name == "renamed"
    assert {branch.name for branch in branches(api, session)} == {"", "renamed"}
    for _ in range(2):
        api.sessions.DeleteBranchName(pb.DeleteBranchNameRequest(session_id=session, name="renamed"))
    assert {branch.name for branch in branches(api, session)} == {""}
    assert api.get(session).head_revision == 6, "names add no frames"


def test_branches_come_in_pages(api, session):
    for _ in range(4):
        api.step(session, 1, from_revision=1)
    token, pages = "", []
    while not pages or token:
        page = api.sessions.ListBranches(pb.ListBranchesRequest(session_id=session, page_size=2, page_token=token))
        pages.append([branch.leaf_revision for branch in page.branches])
        token = page.next_page_token
    assert pages == [[6, 5], [4, 3], [2]]


@pytest.mark.parametrize(("fields", "field"), [({"page_size": 201}, "page_size"), ({"page_token": "?"}, "page_token"),
                                               ({"page_token": "YQ=="}, "page_token")])
def test_a_page_of_branches_that_cannot_be(api, session, fields, field):
    refused = refusal(api.sessions.ListBranches, pb.ListBranchesRequest(session_id=session, **fields))
    assert (refused.code, list(refused.fields)) == (Code.INVALID_ARGUMENT, [field])


@pytest.mark.parametrize("bad", ["", " ", "a\nb", "x" * 81, "\x00"])
def test_what_a_name_is(api, session, bad):
    assert list(refusal(name, api, session, bad).fields) == ["name"]
    assert name(api, session, "x" * 80).name == "x" * 80
    assert refusal(name, api, session, "a", 9).reason == "REVISION_OUT_OF_RANGE"


def test_a_branch_tells_its_settings_and_totals(api):
    id = api.create(seed=1).id
    api.step(id, 2)
    last = api.step(id, 3, from_revision=1, settings=settings("ranked", seed=7, count=2))[-1]
    branch, first = branches(api, id)
    assert (branch.leaf_revision, branch.length, branch.current) == (5, 3, True)
    assert branch.settings == api.get(id).settings
    assert branch.summary == last.summary
    assert branch.update_time == last.create_time
    assert (first.leaf_revision, first.settings.seed, first.current) == (2, 1, False)


# ---- comparing ----

def test_comparing_two_revisions(api, session):
    edit(api, session, insert(5, 2), force(0, 9))
    found = compare(api, session, 2, 3)
    assert (found.exact, found.common_revision) == (True, 2)
    one, other = canvas(api, session, 2)[0], canvas(api, session, 3)[0]
    spans = [(span.equal, span.position, span.count, span.other_position, span.other_count) for span in found.spans]
    assert spans == [(False, 0, 1, 0, 1), (True, 1, 4, 1, 4), (False, 5, 0, 5, 2), (True, 5, 6, 7, 6)]
    assert found.equal_count == 10 == sum(left == right for left, right in zip(one[1:], other[1:5] + other[7:],
                                                                               strict=True))
    same = compare(api, session, 2, 2)
    assert [(span.equal, span.count) for span in same.spans] == [(True, 11)]
    api.step(session, 1, from_revision=1)
    assert compare(api, session, 3).common_revision == 1


def test_comparing_two_sessions(api, session, fake):
    other, longer = api.create(seed=3).id, api.create((1, 2, 3), 9).id
    found = compare(api, session, other_session=other)
    assert found.exact and not found.HasField("common_revision")
    assert found.equal_count == 9
    found = compare(api, session, 0, 0, longer)
    assert not found.exact
    assert (found.equal_count, found.spans[-1].other_count) == (11, 1)
    refused = refusal(compare, api, session, None, None, api.create((1,), model=fake().name).id)
    assert list(refused.fields) == ["other_session_id"]
    assert list(refusal(compare, api, session, 0, 9).fields) == ["other_revision"]
    assert refusal(compare, api, session, other_session="nobody").reason == "SESSION_NOT_FOUND"


# ---- holes ----

def of_text(api, model, text, length=None, **more):
    request = pb.CreateSessionRequest(model=model, prompt=prompt_pb2.Prompt(text=text), length=length, **more)
    return api.sessions.CreateSession(request).session


def test_holes_in_a_text_are_filled_and_what_stands_around_them_stays(api, words):
    made = of_text(api, words, "Tom has a [[mask]] kite. Ann has [[mask:3]] ball.", 0)
    tokens, states, *_ = canvas(api, made.id)
    assert (states.count(OPEN), made.prompt_length) == (4, len(tokens))
    frames = api.step(made.id)
    after = canvas(api, made.id)[0]
    assert None not in after
    assert [new for new, old in zip(after, tokens, strict=True) if old is not None] == [
        old for old in tokens if old is not None]
    assert {change.position for frame in frames for change in frame.changes} == {
        position for position, token in enumerate(tokens) if token is None}
    assert api.get(made.id).state == session_pb2.Session.STATE_COMPLETE


def test_a_hole_before_given_text_with_a_part_to_generate_behind(api, words):
    made = of_text(api, words, "[[mask:2]] has a red kite.", 4)
    tokens, states, *_ = canvas(api, made.id)
    assert states[:2] == [OPEN, OPEN] and states[-4:] == [OPEN] * 4
    assert made.prompt_length == len(tokens) - 4
    api.step(made.id)
    assert canvas(api, made.id)[0][2:-4] == tokens[2:-4]


def test_a_hole_in_what_is_said(api, words):
    question = said(("user", "Tom has a [[mask:1]] kite. What does Tom have?"))
    request = pb.CreateSessionRequest(model=words, prompt=question, length=8)
    made = api.sessions.CreateSession(request).session
    opened = [position for position, state in enumerate(made.canvas.states) if state == OPEN]
    assert len(opened) == 9 and opened[0] < made.prompt_length <= opened[1]
    api.step(made.id)
    assert None not in canvas(api, made.id)[0]


@pytest.mark.parametrize("hole", ["[[mask:0]]", "[[mask:x]]", "[[mask:9999]]", "[[mask:-1]]", "[[mask:]]",
                                  "[[mask:1.5]]", "[[mask:٣]]"])
def test_bad_holes_are_refused(api, words, hole):
    refused = refusal(of_text, api, words, f"Tom {hole} kite.", 4)
    assert (refused.code, list(refused.fields)) == (Code.INVALID_ARGUMENT, ["prompt.text"])
    assert hole in refused.message and "1 to 256" in refused.message
    request = pb.CreateSessionRequest(model=words, prompt=said(("user", hole)), length=8)
    assert list(refusal(api.sessions.CreateSession, request).fields) == ["prompt.chat.messages"]
    id = api.create((10,), 4, model=words).id
    assert list(refusal(edit, api, id, replace(1, 1, hole)).fields) == ["edits[0].replace.text"]


def test_a_hole_too_large_for_the_context_and_no_length_without_a_hole(api, words):
    assert list(refusal(of_text, api, words, "Tom [[mask:256]]", 0).fields) == ["prompt"]
    assert list(refusal(of_text, api, words, "Tom", 0).fields) == ["length"]


# ---- turns ----

def ids_of(api, model, text):
    return [token.id for token in api.models.Tokenize(models_pb.TokenizeRequest(model=model, text=text)).tokens]


def asked(api, model, question, length=16):
    request = pb.CreateSessionRequest(model=model, prompt=said(("user", question)), length=length,
                                      settings=settings("llada", 1, steps=length))
    id = api.sessions.CreateSession(request).session.id
    api.step(id)
    return id


def answer(api, model, id):
    """The generated part's text up to its end."""
    session = api.get(id)
    info = next(entry for entry in api.models.ListModels(models_pb.ListModelsRequest()).models if entry.name == model)
    generated = list(session.canvas.tokens)[session.prompt_length:]
    end = next((at for at, token in enumerate(generated) if token in (info.eos_token, info.eot_token)), len(generated))
    return api.models.Detokenize(models_pb.DetokenizeRequest(model=model, ids=generated[:end])).text


def test_questions_one_after_the_other_are_answered(api, words):
    """And the canvas is, token by token, what the template makes of the whole conversation."""
    turns = [("user", "What is 23+45?")]
    id = asked(api, words, turns[0][1])
    for question, right in (("What is 61-17?", "61-17=44"), ("Work out 12+34.", "12+34=46")):
        turns += [("assistant", answer(api, words, id)), ("user", question)]
        before = api.get(id)
        frame, = edit(api, id, append(question, 16))
        now = api.get(id)
        request = pb.CreateSessionRequest(model=words, prompt=said(*turns), length=16)
        whole = api.sessions.CreateSession(request).session
        assert now.canvas.tokens == whole.canvas.tokens
        assert now.canvas.states == whole.canvas.states
        assert now.prompt_length == whole.prompt_length == frame.prompt_length
        assert now.state == session_pb2.Session.STATE_IDLE
        assert frame.splices and api.get(id, before.revision).canvas == before.canvas
        api.step(id)
        assert answer(api, words, id) == right
    assert turns[1] == ("assistant", "23+45=68")


def test_a_turn_can_be_taken_back_and_another_question_asked(api, words):
    id = asked(api, words, "What is 23+45?")
    head = api.get(id).revision
    edit(api, id, append("What is 61-17?", 16))
    api.step(id)
    edit(api, id, append("What is 50+12?", 16), from_revision=head)
    api.step(id)
    assert answer(api, words, id) == "50+12=62"
    assert len(branches(api, id)) == 2


def test_how_much_follows_a_turn(api, words):
    id = asked(api, words, "What is 23+45?")
    edit(api, id, append("What is 61-17?"))
    session = api.get(id)
    assert len(session.canvas.tokens) - session.prompt_length == 64
    edit(api, id, replace(session.prompt_length, 64, [10] * 150), append("Hi."))
    session = api.get(id)
    assert len(session.canvas.tokens) == 256, "what is left, where that is less"
    assert 0 < len(session.canvas.tokens) - session.prompt_length < 64
    refused = refusal(edit, api, asked(api, words, "Hi"), append("Hi.", 300))
    assert list(refused.fields) == ["edits[0].append.length"]


def test_a_turn_is_the_users(api, words):
    id = asked(api, words, "What is 23+45?")
    for turn in (said(("user", "Hi"), ("assistant", "Hello")), said()):
        assert list(refusal(edit, api, id, append(turn)).fields) == ["edits[0].append.turn.chat.messages"]
    refused = refusal(edit, api, id, append(said(("nobody", "Hi"))))
    assert list(refused.fields) == ["edits[0].append.turn.chat.messages[0].role"]


def test_a_turn_of_tokens_cuts_the_answer_at_its_end(api, fake):
    id = api.create(model=fake().name, length=6).id
    edit(api, id, replace(3, 6, [4, EOT, 5, 6, 7, 8]), append([EOT, 9, MASK], 3))
    tokens, states, by_hand, _, prompt = canvas(api, id)
    assert tokens == [1, 2, 3, 4, EOT, 9, None, None, None, None]
    assert (states, by_hand, prompt) == ([GIVEN] * 6 + [OPEN] * 4, [], 7)
    api.step(id)
    assert canvas(api, id)[0][:6] == tokens[:6]


# ---- edits that change the length ----

GROW = {"llada": {"steps": 8, "block_length": 4}, "predict_remask": {"iterations": 3}, "token_editing": {
    "block_length": 4}, "credit": {"block_length": 4}}
LENGTHS = {"longer": [insert(11, 3)], "by one in the middle": [insert(5, 1)], "shorter": [delete(9, 2)],
           "by one": [delete(3, 1)], "the prompt alone": [delete(0, 2)], "one left": [delete(4, 7)],
           "none left": [delete(3, 8), mask(0)], "a turn": [replace(3, 8, [4] * 8), append([5, 6], 5)]}


@pytest.mark.parametrize("edits", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("sampler", BOTH_WAYS)
@pytest.mark.parametrize("steps_before", [0, 3])
def test_every_sampler_goes_on_at_another_length(api, fake, sampler, edits, steps_before):
    id = api.create(model=fake().name, sampler=sampler, **GROW.get(sampler, {})).id
    if steps_before:
        api.step(id, steps_before)
    if api.get(id).read_only:
        assert refusal(edit, api, id, *edits).reason == "READ_ONLY_REVISION"
        edit(api, id, mask(4))  # as the second part does; then everything can be edited
    frame, = edit(api, id, *edits)
    session = api.get(id)
    length = len(session.canvas.tokens) - session.prompt_length
    parameters = named(session.settings)
    if length:
        for key in ("block_length", "suffix_window"):
            assert key not in parameters or parameters[key] <= length
        if "block_length" in parameters:
            assert length % parameters["block_length"] == 0
            if "steps" in parameters:
                assert parameters["steps"] % (length // parameters["block_length"]) == 0
    assert (session.settings.sampler, session.settings.seed) == (sampler, 5)
    given = {position: token for position, token in enumerate(session.canvas.tokens)
             if session.canvas.states[position] == GIVEN}
    if frame.summary.open_count:
        frames = api.step(id)
        assert not frames[-1].summary.pending
    after = api.get(id)
    assert after.state == session_pb2.Session.STATE_COMPLETE
    assert OPEN not in after.canvas.states and MASK not in after.canvas.tokens
    assert all(after.canvas.tokens[position] == token for position, token in given.items())
    assert len(after.canvas.tokens) == len(session.canvas.tokens)


def test_settings_that_followed_the_length_follow_it_still(api, blank):
    edit(api, blank, insert(11, 4))
    frame, = edit(api, blank, force(0, 2))
    assert not frame.HasField("settings")
    parameters = named(api.get(blank).settings)
    assert (parameters["block_length"], parameters["suffix_window"]) == (12, 12)
    assert named(api.get(blank, 0).settings)["block_length"] == 8


# ---- the same again ----

@pytest.mark.parametrize("sampler", ["llada", "ranked", "predict_remask", "remdm", "klass"])
def test_a_branch_is_continued_the_same_alone_and_on_a_restarted_server(serve, tmp_path, sampler):
    """The same revision, the same seed, the same number of the newest revision: the same tokens."""
    store = str(tmp_path / "s.sqlite3")
    more = {"predict_remask": {"iterations": 4}}.get(sampler, {})
    ran = []
    for number in range(3):
        with serve(store=store) as server:
            api = Api(server)
            api.load("")
            id = api.create(seed=8, sampler=sampler, temperature=1, **more).id
            api.step(id, 2)
            edit(api, id, insert(7, 2), from_revision=0)
            if number == 1:  # in another server, between two calls
                api.channel.close()
                continue_in = id
        with serve(store=store, prediction_bytes=0) if number else serve(store=store) as server:
            api = Api(server)
            api.load("")
            id = continue_in if number == 1 else id
            frames = api.step(id, from_revision=3, settings=settings(seed=9))
            ran.append((api.tokens(id), [[(change.position, change.token) for change in frame.changes]
                                         for frame in frames]))
            assert frames[0].revision == 4
            api.channel.close()
    assert ran[0] == ran[1] == ran[2]


# ---- watching ----

def test_watchers_see_edits_and_names(api, session):
    name(api, session, "before")
    watcher = Watcher(api, session, 2)
    assert dict(watcher.next(1)[0].revisions) == {"before": 2}
    made = edit(api, session, insert(4, 1), protect(3) if canvas(api, session)[0][3] is not None else force(3, 9))
    made += go(api, session, UNDO) + api.step(session, 1, from_revision=1)
    assert watcher.next(3) == made
    name(api, session, "after")
    assert dict(watcher.next(1)[0].revisions) == {"before": 2, "after": 5}
    api.sessions.DeleteBranchName(pb.DeleteBranchNameRequest(session_id=session, name="before"))
    assert dict(watcher.next(1)[0].revisions) == {"after": 5}
    assert watcher.seen.empty()
    watcher.call.cancel()


def test_a_session_that_outgrows_the_limit_loses_its_oldest_frames(serve, made_up_models):
    made_up_models["small"] = FakeDenoiser("small", context=512)
    with serve(model="small", session_bytes=65_536) as server:
        api = Api(server)
        server.library.load("")
        id = api.create(length=400).id
        name(api, id, "the first", 0)
        watcher = Watcher(api, id, 0)
        kept = {}
        while not api.get(id).first_revision:
            for frame in api.step(id, 100, draft=True, from_revision=0):
                kept[frame.revision] = frame
        first = api.get(id).first_revision
        head = api.get(id).head_revision
        for call, field in ((lambda: api.get(id, first - 1), "revision"), (lambda: api.rewind(id, 0), "revision"),
                            (lambda: api.step(id, from_revision=first - 1), "from_revision"),
                            (lambda: edit(api, id, force(5, 1), from_revision=0), "from_revision"),
                            (lambda: api.predict(id, revision=0), "revision"),
                            (lambda: compare(api, id, None, 0), "other_revision"),
                            (lambda: list(api.sessions.WatchSession(pb.WatchSessionRequest(
                                session_id=id, after_revision=0), timeout=WAIT)), "after_revision")):
            refused = refusal(call)
            assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "HISTORY_TRIMMED")
            assert list(refused.fields) == [field]
            assert refused.metadata == {"first_revision": str(first), "head_revision": str(head)}
        seen, trimmed = [], []
        while len(seen) < head:
            event, = watcher.next(1)
            (seen if isinstance(event, frame_pb2.Frame) else trimmed).append(event)
        if not any(isinstance(event, pb.HistoryTrimmed) for event in trimmed):
            trimmed += watcher.next(1)
        assert [frame.revision for frame in seen] == list(range(1, head + 1))
        assert [event.first_revision for event in trimmed if isinstance(event, pb.HistoryTrimmed)][-1] <= first
        late = Watcher(api, id)
        roots = []
        while isinstance(event := late.next(1)[0], session_pb2.Session):
            roots.append(event)
        assert roots[0].revision == first
        frames = [event, *late.next(head - first)]
        assert frames == seen[first - 1:], "what it has, it has whole"
        known = {session.revision for session in roots} | {frame.revision for frame in frames}
        assert all(frame.parent_revision in known for frame in frames[1:]), "the canvases to fold from are there"
        assert api.step(id, 1)
        watcher.call.cancel(), late.call.cancel()


# ---- previews of masking again ----

def remask(api, session_id, revision=None, **more):
    return api.propose(session_id, revision=revision, remasking=pb.Remasking(**more))


@pytest.fixture
def done(api):
    """A finished canvas with a token by hand, a protected one and given ones."""
    id = api.create(seed=6, temperature=1, length=12).id
    api.step(id)
    api.select(id, {5: 7})
    edit(api, id, protect(7))
    return id


def scores(api, model, id, rho, skipped):
    """By brute force, from the model itself: position to score."""
    session = api.get(id)
    tokens = list(session.canvas.tokens)
    positions = [position for position, state in enumerate(session.canvas.states)
                 if state == COMMITTED and position not in skipped]
    denoiser = api.server.library.get(model)
    logits, = denoiser.logits([tokens], [positions])
    p = logits.double().softmax(-1)
    u = Noise(session.settings.seed, session.head_revision).uniform(positions, REOPEN_STREAM)
    return {position: rho * u[row].item() + (1 - rho) * (1 - p[row, tokens[position]].item())
            for row, position in enumerate(positions)}


@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("hand", [True, False])
def test_masking_again_is_ranked_as_by_brute_force(api, done, rho, hand):
    before = api.standing(done)
    found = remask(api, done, count=4, rho=rho, protect_edits=hand)
    assert found.cached == (rho == 1), "random ones take no forward pass"
    expected = scores(api, "", done, rho, {7, 5} if hand else {7})
    assert {entry.position: pytest.approx(entry.score, abs=1e-5) for entry in found.ranked} == expected
    ranked = [entry.score for entry in found.ranked]
    assert ranked == sorted(ranked, reverse=True)
    assert list(found.reopens) == list(found.ranked)[:4]
    assert found.cutoff == found.reopens[-1].score
    assert api.standing(done) == before
    assert remask(api, done, count=4, rho=rho, protect_edits=hand).cached


@pytest.mark.parametrize(("ratio", "opened"), [(0, 0), (0.15, 0), (0.25, 2), (0.5, 5), (1, 9)])
def test_a_ratio_counts_what_is_not_given_and_what_is_open_already(api, done, ratio, opened):
    """12 are not given, one of them is open: floor(12 ratio) - 1, of ten that may be opened."""
    edit(api, done, mask(9))
    found = remask(api, done, ratio=ratio)
    assert len(found.ranked) == 9
    assert len(found.reopens) == min(9, max(0, math.floor(12 * ratio + 1e-9) - 1)) == opened
    assert found.HasField("cutoff") == bool(opened)


def test_what_a_preview_of_masking_again_takes(api, done):
    assert len(remask(api, done, count=15).reopens) == 10, "no more than there are"
    for wrong, field in (({"count": 16}, "count"), ({"ratio": 1.5}, "ratio"), ({"ratio": math.nan}, "ratio"),
                         ({"count": 1, "rho": 2.0}, "rho"), ({"count": 1, "rho": -0.1}, "rho"), ({}, "amount")):
        assert list(refusal(remask, api, done, **wrong).fields) == [f"remasking.{field}"]
    refused = refusal(api.propose, done, settings=settings("ranked"), remasking=pb.Remasking(count=1))
    assert list(refused.fields) == ["settings"]


def test_a_canvas_of_nothing_decided_has_nothing_to_mask_again(api, blank):
    found = remask(api, blank, count=3)
    assert not found.ranked and not found.reopens and not found.HasField("cutoff")


@pytest.mark.parametrize("rho", [0.0, 0.4, 1.0])
def test_masking_again_is_what_predict_remask_does_next(api, fake, rho):
    fields = {"iterations": 5, "rho": rho, "temperature": 1, "start_ratio": 0.9, "end_ratio": 0.2}
    id = api.create(model=fake().name, length=12, sampler="predict_remask", **fields).id
    for iteration in range(1, 5):
        api.step(id, 1)
        assert api.get(id).read_only
        ratio = 0.9 + (0.2 - 0.9) * iteration / 4
        asked = remask(api, id, ratio=ratio)
        assert asked.cached == (rho == 1)
        own = api.propose(id)
        assert own.substep == "remasking"
        assert [(entry.position, entry.score) for entry in asked.reopens] == [
            (entry.position, entry.score) for entry in own.reopens]
        frame, = api.step(id, 1)
        assert frame.substep == "remasking"
        assert sorted(entry.position for entry in asked.reopens) == [change.position for change in frame.changes]
        assert frame.summary.forward_count == frame.summary.reused_forward_count == (rho < 1)
