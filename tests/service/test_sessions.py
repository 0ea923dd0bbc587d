"""Every call of SessionService, as it should go."""

import math

import pytest
from google.protobuf.duration_pb2 import Duration

from inference_service.sampling.registry import SAMPLERS
from tests.conftest import EXPECTED
from tests.fakes import MASK
from tests.service.calls import Api, settings
from unmask.v1 import frame_pb2, prompt_pb2, session_pb2
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

OPEN, COMMITTED, GIVEN = 1, 2, 3
GOLDEN_MASK = EXPECTED["mask_token_id"]


def names(message):
    return dict(message.parameters.items())


# ---- creating and reading ----

def test_a_new_session_tells_all_about_itself(api):
    session = api.create((7, GOLDEN_MASK, 9), 4, seed=2**64 - 1, temperature=0.5)
    assert list(session.canvas.tokens) == [7, GOLDEN_MASK, 9] + [GOLDEN_MASK] * 4
    assert list(session.canvas.states) == [GIVEN, OPEN, GIVEN, OPEN, OPEN, OPEN, OPEN]
    assert (session.revision, session.head_revision, session.prompt_length) == (0, 0, 3)
    assert session.state == session_pb2.Session.STATE_IDLE
    assert session.settings.sampler == "llada"
    assert session.settings.seed == 2**64 - 1
    assert names(session.settings) == {
        "steps": 5, "block_length": 4, "temperature": 0.5, "cfg_scale": 0, "remasking": "low_confidence",
        "logits_eos_inf": False, "unnamed_ids": False, "confidence_eos_eot_inf": False, "top_k": 0, "top_p": 1,
        "repetition_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "early_stop": False, "suffix_window": 4}
    assert session.create_time == session.update_time
    assert session.expire_time.seconds > session.create_time.seconds + 86_400
    assert 16 <= len(session.id) <= 64
    assert api.get(session.id).canvas == session.canvas


def test_a_seed_is_drawn_where_none_is_given(api):
    prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[1]))
    seeds = {api.sessions.CreateSession(pb.CreateSessionRequest(prompt=prompt)).session.settings.seed for _ in range(4)}
    assert len(seeds) == 4


def test_the_length_is_64_or_what_is_left(api):
    def length(prompt):
        request = pb.CreateSessionRequest(prompt=prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[1] * prompt)))
        return len(api.sessions.CreateSession(request).session.canvas.tokens) - prompt

    assert [length(0), length(100), length(500), length(511)] == [64, 64, 12, 1]


def test_a_prompt_of_holes_needs_no_length(api):
    session = api.create((1, GOLDEN_MASK, 2), 0)
    api.step(session.id)
    assert GOLDEN_MASK not in api.tokens(session.id)
    assert api.get(session.id).state == session_pb2.Session.STATE_COMPLETE


def test_text_and_chat_become_tokens(api, words):
    text = prompt_pb2.Prompt(text="Tom has a red kite.")
    session = api.sessions.CreateSession(pb.CreateSessionRequest(model=words, prompt=text, length=4)).session
    prompt = list(session.canvas.tokens)[:session.prompt_length]
    tokens = api.models.Tokenize(models_pb.TokenizeRequest(model=words, text="Tom has a red kite.")).tokens
    assert prompt == [token.id for token in tokens]
    assert b"".join(token.bytes for token in tokens) == b"Tom has a red kite."
    assert api.models.Detokenize(models_pb.DetokenizeRequest(model=words, ids=prompt)).text == "Tom has a red kite."

    turns = [prompt_pb2.Message(role="user", content="Tom has a red kite.")]
    chat = prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=turns))
    session = api.sessions.CreateSession(pb.CreateSessionRequest(model=words, prompt=chat, length=4)).session
    assert session.prompt_length > len(prompt)
    frames = api.step(session.id)
    assert frames[-1].summary.open_count == 0


def test_a_request_id_creates_one_session(api):
    first = api.create(request_id="create-once")
    again = api.create((4, 5), request_id="create-once")
    assert again.id == first.id
    assert again.canvas == first.canvas


def test_every_revision_can_be_read(api):
    session = api.create(seed=1, temperature=1)
    frames = api.step(session.id)
    canvas = list(session.canvas.tokens)
    for frame in frames:
        for change in frame.changes:
            canvas[change.position] = change.token
        old = api.get(session.id, frame.revision)
        assert list(old.canvas.tokens) == canvas
        assert (old.revision, old.head_revision) == (frame.revision, frames[-1].revision)
    assert api.get(session.id, 0).canvas == session.canvas
    assert list(api.get(session.id).canvas.states) == [GIVEN] * 3 + [COMMITTED] * 8


def test_a_lease_is_what_was_asked_for(api):
    prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[1]))
    request = pb.CreateSessionRequest(prompt=prompt, ttl=Duration(seconds=90))
    session = api.sessions.CreateSession(request).session
    assert session.expire_time.seconds - session.create_time.seconds == 90


def test_pages_hold_every_session_once(api):
    made = [api.create().id for _ in range(5)]
    api.step(made[0], 1)
    seen, token = [], ""
    while True:
        page = api.sessions.ListSessions(pb.ListSessionsRequest(page_size=2, page_token=token))
        assert len(page.sessions) <= 2
        assert not any(session.HasField("canvas") for session in page.sessions)
        seen += [session.id for session in page.sessions]
        token = page.next_page_token
        if not token:
            break
    assert seen[:5] == [made[0], *reversed(made[1:])]
    assert len(seen) == len(set(seen))


def test_a_deleted_session_is_gone_and_deleting_it_again_is_fine(api):
    session = api.create()
    for _ in range(2):
        api.sessions.DeleteSession(pb.DeleteSessionRequest(session_id=session.id))
    listed = api.sessions.ListSessions(pb.ListSessionsRequest(page_size=200)).sessions
    assert session.id not in [other.id for other in listed]


# ---- stepping ----

def test_goldens_token_for_token(api, golden_case):
    prompt, length, parameters, expected = golden_case
    session = api.create(prompt, length, **parameters)
    frames = api.step(session.id)
    assert api.tokens(session.id) == prompt + expected
    assert len(frames) == parameters["steps"]
    assert frames[-1].summary.total_forward_count == parameters["steps"]


def test_a_frame_is_complete(api):
    session = api.create(steps=4)
    first, second = api.step(session.id, 2, draft=True)
    assert (first.revision, first.parent_revision, second.parent_revision) == (1, 0, 1)
    assert first.cause == frame_pb2.CAUSE_STEP
    assert [change.position for change in first.changes] == sorted(change.position for change in first.changes)
    assert len(first.changes) == 2
    assert first.summary.open_count == 6
    probabilities = [change.probability for change in first.changes]
    assert first.summary.mean_probability == pytest.approx(sum(probabilities) / 2)
    assert first.summary.min_probability == pytest.approx(min(probabilities))
    assert 0 < first.summary.mean_entropy <= math.log(512)
    assert first.summary.compute_time.ToNanoseconds() > 0
    assert not first.HasField("settings")
    draft = first.draft
    assert draft.predicted_at == 0
    assert len(draft.positions) == len(draft.tokens) == len(draft.probabilities) == len(draft.entropies) == 8
    assert set(draft.positions) == set(range(3, 11))
    assert not api.step(session.id, 1)[0].HasField("draft")


def test_the_prediction_after_the_last_frame(api):
    session = api.create()
    frame, prediction = api.step(session.id, 1, predict=True)
    assert prediction.revision == 1
    assert not prediction.cached
    assert set(prediction.draft.positions) == set(range(3, 11)) - {frame.changes[0].position}
    shown = dict(zip(prediction.draft.positions, prediction.draft.tokens, strict=True))
    frame, = api.step(session.id, 1)
    assert frame.summary.forward_count == frame.summary.reused_forward_count == 1
    assert shown[frame.changes[0].position] == frame.changes[0].token
    *_, last = api.step(session.id, predict=True)
    assert last.summary.open_count == 0, "nothing is left to predict"


def test_new_settings_hold_from_the_next_frame_on(api):
    session = api.create(steps=8, seed=3)
    api.step(session.id, 1)
    frames = api.step(session.id, 2, settings=settings(temperature=0.5, steps=4))
    assert names(frames[0].settings)["steps"] == 4
    assert frames[0].settings.seed == 3
    assert not frames[1].HasField("settings")
    assert [len(frame.changes) for frame in frames] == [2, 2]
    assert names(api.get(session.id, 1).settings)["steps"] == 8
    now = api.get(session.id)
    assert (names(now.settings)["steps"], names(now.settings)["temperature"]) == (4, 0.5)
    other, = api.step(session.id, 1, settings=settings("ranked", count=3))
    assert len(other.changes) == 3
    assert set(names(api.get(session.id).settings)) == set(SAMPLERS["ranked"].parameters.model_fields)


# ---- by hand ----

def test_selecting_commits_and_opens_again(api):
    session = api.create()
    frame, = api.select(session.id, {5: 77, 4: 78})
    assert [(change.position, change.token) for change in frame.changes] == [(4, 78), (5, 77)]
    assert not frame.changes[0].HasField("probability")
    assert frame.cause == frame_pb2.CAUSE_SELECT
    assert frame.summary.open_count == 6
    assert list(api.get(session.id).canvas.states)[4:6] == [COMMITTED] * 2
    frame, prediction = api.select(session.id, {5: None, 4: 79}, predict=True)
    assert [change.HasField("token") for change in frame.changes] == [True, False]
    assert frame.summary.open_count == prediction.draft.positions.__len__() == 7
    tokens = api.tokens(session.id)
    assert (tokens[4], tokens[5]) == (79, GOLDEN_MASK)
    known, = api.select(session.id, {5: prediction.draft.tokens[1]})
    assert known.changes[0].position == 5
    assert known.changes[0].probability == pytest.approx(prediction.draft.probabilities[1] / 255, abs=1 / 255)


def test_a_complete_canvas_can_be_opened_again(api):
    session = api.create()
    api.step(session.id)
    assert api.get(session.id).state == session_pb2.Session.STATE_COMPLETE
    api.select(session.id, {3: None, 9: None})
    assert api.get(session.id).state == session_pb2.Session.STATE_IDLE
    frames = api.step(session.id)
    assert {change.position for frame in frames for change in frame.changes} == {3, 9}


def test_going_back_is_a_new_revision_and_loses_nothing(api):
    session = api.create(seed=4, temperature=1)
    api.step(session.id, 5)
    before = [api.get(session.id, revision).canvas for revision in range(6)]
    frame, prediction = api.rewind(session.id, 2, predict=True)
    assert (frame.revision, frame.parent_revision, frame.cause) == (6, 2, frame_pb2.CAUSE_REWIND)
    assert not frame.changes
    assert prediction.cached, "the third step computed it"
    assert prediction.revision == 6
    assert api.get(session.id).canvas == before[2]
    api.step(session.id, 2)
    api.rewind(session.id, 5)  # redo
    assert api.get(session.id).canvas == before[5]
    assert [api.get(session.id, revision).canvas for revision in range(6)] == before


# ---- looking ----

def test_predicting_changes_nothing_and_is_kept(api):
    session = api.create(steps=4)
    before = api.standing(session.id)
    first = api.predict(session.id, candidate_positions=[4, 3], candidate_count=5)
    again = api.predict(session.id)
    assert (first.cached, again.cached) == (False, True)
    assert first.draft == again.draft
    assert first.mean_entropy == again.mean_entropy
    assert list(first.draft.positions) == list(range(3, 11))
    assert [entry.position for entry in first.candidates] == [4, 3]
    assert api.standing(session.id) == before
    api.step(session.id, 1)
    old = api.predict(session.id, revision=0)
    assert old.cached and old.revision == 0


def test_candidates_add_up(api):
    session = api.create(temperature=0.7)
    answer = api.candidates(session.id, [7, 4], count=100)
    assert [entry.position for entry in answer.candidates] == [7, 4]
    assert answer.recomputed
    for entry in answer.candidates:
        base = [candidate.p_base for candidate in entry.candidates]
        assert base == sorted(base, reverse=True)
        assert len(base) == 100
        assert sum(base) + entry.other_p_base == pytest.approx(1, abs=1e-5)
        final = sum(candidate.p_final for candidate in entry.candidates)
        assert final + entry.other_p_final == pytest.approx(1, abs=1e-5)
        assert entry.kept_count == 511
        assert 0 < entry.entropy <= math.log(512)
        for candidate in entry.candidates:
            assert candidate.kept == (candidate.token != GOLDEN_MASK)
            assert (candidate.p_final == 0) <= (not candidate.kept or candidate.p_base < 1e-20)
        first, second = entry.candidates[:2]
        assert math.log(first.p_base / second.p_base) == pytest.approx(first.logit - second.logit, abs=1e-3)
    assert not api.candidates(session.id, [7]).recomputed
    assert len(api.candidates(session.id, [7]).candidates[0].candidates) == 10


def test_kept_means_possible_however_unlikely(api):
    session = api.create(temperature=0.01)
    entry, = api.candidates(session.id, [7], count=100).candidates
    assert entry.kept_count == 511
    assert all(candidate.kept == (candidate.token != GOLDEN_MASK) for candidate in entry.candidates)
    assert entry.candidates[-1].p_final == 0


def test_candidates_at_temperature_0_leave_one(api):
    session = api.create()
    for entry in api.candidates(session.id, [7, 8]).candidates:
        assert entry.kept_count == 1
        assert [candidate.p_final for candidate in entry.candidates].count(1.0) == 1
        assert entry.other_p_final == 0


def test_candidates_of_old_revisions(api):
    session = api.create()
    asked = api.candidates(session.id, [7])
    first = api.step(session.id)[0]
    position = first.changes[0].position
    old = api.candidates(session.id, [position], revision=0)
    assert old.revision == 0
    assert old.candidates[0].candidates[0].token == first.changes[0].token
    assert api.candidates(session.id, [7], revision=0).candidates == asked.candidates


def test_what_was_dropped_is_computed_again_to_the_same(serve):
    with serve(prediction_bytes=0) as server:
        api = Api(server)
        api.load("")
        session = api.create()
        answers = [api.candidates(session.id, [7]) for _ in range(2)]
        assert [answer.recomputed for answer in answers] == [True, True]
        assert answers[0].candidates == answers[1].candidates
        assert not api.predict(session.id).cached


@pytest.mark.parametrize("chosen", [None, settings(temperature=1), settings("ranked", count=3, strategy="random"),
                                    settings(cfg_scale=1.0, steps=4), settings(seed=99, temperature=2)])
def test_what_is_proposed_is_what_a_step_does(api, chosen):
    session = api.create(seed=8, temperature=0.8)
    for revision in range(3):
        proposed = api.propose(session.id, settings=chosen)
        assert proposed.revision == revision
        scores = [commit.score for commit in proposed.commits]
        assert scores == sorted(scores, reverse=True)
        frame, = api.step(session.id, 1, settings=chosen)
        assert frame.summary.forward_count == frame.summary.reused_forward_count == 1
        assert {commit.position: (commit.token, commit.probability) for commit in proposed.commits} == {
            change.position: (change.token, change.probability) for change in frame.changes}


def test_proposing_keeps_no_settings(api):
    session = api.create()
    before = api.standing(session.id)
    api.propose(session.id, settings=settings("ranked", count=5))
    assert api.standing(session.id) == before


def test_the_mask_is_never_committed_nor_shown_as_a_draft(api, fake):
    name = fake().name
    session = api.create(model=name, temperature=10.0, seed=1)
    frames = api.step(session.id, draft=True)
    assert all(MASK not in frame.draft.tokens for frame in frames)
    assert MASK not in api.tokens(session.id)
