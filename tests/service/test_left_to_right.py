"""A model that reads from left to right, in the same sessions: one open position, at the end of a canvas that grows."""

import pytest
import torch

from inference_service.embedded import EMBEDDED_CAUSAL
from tests.rounding import assert_same_logits
from tests.service.calls import refusal, settings
from unmask.v1 import edit_pb2, frame_pb2, prompt_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb

OPEN = session_pb2.Canvas.POSITION_STATE_OPEN
STEP, SELECT, EDIT = frame_pb2.CAUSE_STEP, frame_pb2.CAUSE_SELECT, frame_pb2.CAUSE_EDIT


@pytest.fixture(scope="module")
def causal(api):
    """The denoiser of the causal model that ships, in the server."""
    api.load(EMBEDDED_CAUSAL)
    return api.server.library.get(EMBEDDED_CAUSAL)


@pytest.fixture
def ask(api, causal):
    """Opens a session on a user's message."""

    def opened(text="What is 12+34?", length=32, seed=5, request=None, **parameters):
        chat = prompt_pb2.Chat(messages=[prompt_pb2.Message(role="user", content=text)])
        return api.sessions.CreateSession(pb.CreateSessionRequest(
            model=EMBEDDED_CAUSAL, prompt=prompt_pb2.Prompt(chat=chat), length=length,
            settings=settings(seed=seed, **parameters))).session

    return opened


def edit(api, session_id, *edits, **more):
    answers = api.sessions.Edit(pb.EditRequest(session_id=session_id, edits=edits, **more))
    return [getattr(answer, answer.WhichOneof("event")) for answer in answers]


def written(api, session):
    """The generated tokens of the newest revision, None where one is open."""
    now = api.get(session.id)
    return [None if state == OPEN else token
            for token, state in zip(now.canvas.tokens, now.canvas.states, strict=True)][now.prompt_length:]


def greedy(causal, tokens, count):
    """What a plain loop over the model writes, without a cache."""
    tokens = list(tokens)
    for _ in range(count):
        logits = causal.logits([[*tokens, 0]], [[len(tokens)]])[0][0].clone()
        logits[list(causal.info.forbidden_tokens)] = -torch.inf
        tokens.append(int(logits.argmax()))
    return tokens


def test_it_writes_what_a_plain_loop_over_the_model_writes(api, causal, ask):
    session = ask()
    assert session.settings.sampler == "autoregressive"
    assert list(session.canvas.states).count(OPEN) == 1 and session.canvas.states[-1] == OPEN
    frames = api.step(session.id)
    tokens = written(api, session)
    assert tokens == greedy(causal, session.canvas.tokens[:-1], len(tokens))[session.prompt_length:]
    assert tokens[-1] == causal.info.eot_token
    assert frames[-1].summary.stop_reason == frame_pb2.STOP_REASON_END
    assert api.get(session.id).state == session_pb2.Session.STATE_COMPLETE
    assert all(len(frame.changes) == 1 for frame in frames)
    assert [len(frame.splices) for frame in frames] == [1] * (len(frames) - 1) + [0]
    assert {frame.summary.stop_reason for frame in frames[:-1]} == {frame_pb2.STOP_REASON_UNSPECIFIED}


def test_the_length_asked_for_is_where_it_stops_at_the_latest(api, ask):
    session = ask("Tell me a story.", length=5)
    assert dict(session.settings.parameters)["max_tokens"] == 5
    assert api.step(session.id)[-1].summary.stop_reason == frame_pb2.STOP_REASON_MAX_TOKENS
    assert len(written(api, session)) == 5
    assert refusal(api.step, session.id).reason == "CANVAS_COMPLETE"


def test_a_text_that_has_stopped_can_be_opened_at_its_end_and_goes_on(api, ask):
    session = ask("Tell me a story.", length=5)
    whole = ask("Tell me a story.", length=9)
    api.step(session.id)
    size = len(api.tokens(session.id))
    frame = edit(api, session.id, edit_pb2.Edit(insert=edit_pb2.InsertOpen(position=size, count=1)))[0]
    assert dict(frame.settings.parameters)["max_tokens"] == 5 + 64
    api.step(session.id, count=4)
    api.step(whole.id)
    assert written(api, session)[:9] == written(api, whole)[:9]


def test_a_stop_sequence_stops_it_and_stays_in_the_text(api, causal, ask):
    session = ask("Tell me a story.", length=60, stop=["!", "."])
    frames = api.step(session.id)
    assert frames[-1].summary.stop_reason == frame_pb2.STOP_REASON_STOP_SEQUENCE
    text = causal.text.decode(written(api, session))
    assert "." in text and not text.partition(".")[2].strip('"')


def test_the_context_is_where_it_stops(api, causal, ask):
    session = ask("Tell me a story.", length=1)
    free = causal.info.context_length - session.prompt_length
    text = " a" * free
    tokens = causal.text.encode(text)[:free - 1]
    force = [edit_pb2.Edit(replace=edit_pb2.ReplaceSpan(position=session.prompt_length, count=0,
                                                        tokens=prompt_pb2.TokenList(ids=tokens)))]
    edit(api, session.id, *force)
    frame = api.step(session.id, count=1)[0]
    assert frame.summary.stop_reason in (frame_pb2.STOP_REASON_CONTEXT, frame_pb2.STOP_REASON_END)
    assert len(api.tokens(session.id)) == causal.info.context_length


def test_the_same_seed_writes_the_same_and_another_one_does_not(api, ask):
    def run(seed, pieces):
        session = ask("Tell me a story.", seed=seed, temperature=1.5)
        for count in pieces:
            api.step(session.id, count=count)
        return written(api, session)[:12]

    assert run(1, [12]) == run(1, [1, 3, 8])
    assert run(1, [12]) != run(2, [12])


def test_the_cache_is_cropped_on_rewind_and_changes_no_logit(api, causal, ask):
    """What a session's steps keep is used after a rewind, and says what a pass without it says."""
    session = ask("Tell me a story.", length=40)
    api.step(session.id, count=20)
    api.rewind(session.id, 7)
    api.step(session.id, count=5, settings=settings(temperature=2.0))
    for revision in (3, 7, 11, 26):
        at = api.get(session.id, revision)
        tokens = list(at.canvas.tokens)
        kept = causal.logits([tokens], [[len(tokens) - 1]], [session.id])[0]
        plain = causal.logits([tokens], [[len(tokens) - 1]])[0]
        assert_same_logits(kept, plain)
        assert kept.argmax() == plain.argmax()


def test_a_cache_saves_the_passes_it_is_for(causal):
    """Only what was not seen goes through the body again."""
    seen = []
    watch = causal.body.register_forward_pre_hook(
        lambda body, args, kwargs: seen.append(kwargs["input_ids"].shape[1]), with_kwargs=True)
    try:
        tokens = causal.text.encode("One day it was the birthday of Nora.")
        causal.logits([[*tokens, 0]], [[len(tokens)]], ["counting"])
        causal.logits([[*tokens, 7, 0]], [[len(tokens) + 1]], ["counting"])
        causal.logits([[*tokens[:4], 9, 0]], [[5]], ["counting"])
    finally:
        watch.remove()
    assert seen == [len(tokens), 1, 1]


def test_another_token_in_the_past_is_a_branch_that_goes_on_from_there(api, causal, ask):
    session = ask("Tell me a story.", length=20)
    api.step(session.id, count=6)
    place = session.prompt_length + 2
    weighed = api.candidates(session.id, [place], revision=2, count=5).candidates[0]
    stood = api.tokens(session.id)[place]
    other = next(candidate.token for candidate in weighed.candidates if candidate.token != stood)
    frame = edit(api, session.id, edit_pb2.Edit(force_token=edit_pb2.ForceToken(position=place, token=other)),
                 from_revision=2)[0]
    assert frame.parent_revision == 2
    assert written(api, session)[2:] == [other, None]
    api.step(session.id, count=2)
    tokens = api.tokens(session.id)[:-1]
    assert tokens == greedy(causal, tokens[:place + 1], 2)


def test_text_can_be_forced_and_taken_back_at_the_end(api, causal, ask):
    session = ask("Tell me a story.")
    size = len(session.canvas.tokens)
    edit(api, session.id, edit_pb2.Edit(force_text=edit_pb2.ForceText(position=size - 1, text="One day Nora")))
    words = causal.text.encode("One day Nora")
    assert written(api, session) == [*words, None]
    assert list(api.get(session.id).canvas.by_hand) == list(range(size - 1, size - 1 + len(words)))
    edit(api, session.id, edit_pb2.Edit(delete_last=edit_pb2.DeleteLast(count=1)))
    assert written(api, session) == [*words[:-1], None]


def test_a_token_picked_by_hand_has_its_probability_and_opens_the_next(api, ask):
    session = ask("Tell me a story.")
    place = session.prompt_length
    prediction = api.predict(session.id, candidate_positions=[place], candidate_count=3)
    second = prediction.candidates[0].candidates[1]
    frame = api.select(session.id, {place: second.token})[0]
    assert (frame.cause, len(frame.splices)) == (SELECT, 1)
    assert frame.changes[0].probability == pytest.approx(second.p_base)
    assert written(api, session) == [second.token, None]


def test_opening_a_position_takes_out_what_stands_behind_it(api, ask):
    session = ask("Tell me a story.")
    api.step(session.id, count=6)
    before = written(api, session)
    edit(api, session.id, edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=[session.prompt_length + 3])))
    assert written(api, session) == [*before[:3], None]
    api.select(session.id, {session.prompt_length + 1: None})
    assert written(api, session) == [*before[:1], None]
    refused = refusal(edit, api, session.id, edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=[1])))
    assert "behind the prompt" in refused.fields["edits[0].mask.positions"]
    assert written(api, session) == [*before[:1], None]


def test_a_conversation_goes_on_with_a_turn_and_a_length_of_its_own(api, causal, ask):
    session = ask("What is 12+34?")
    api.step(session.id)
    turn = prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=[prompt_pb2.Message(role="user", content="10+10=")]))
    frame = edit(api, session.id, edit_pb2.Edit(append=edit_pb2.AppendTurn(turn=turn, length=7)))[0]
    assert dict(frame.settings.parameters)["max_tokens"] == 7
    now = api.get(session.id)
    assert now.canvas.states[-1] == OPEN and list(now.canvas.states).count(OPEN) == 1
    tokens = list(now.canvas.tokens)[:-1]
    api.step(session.id, count=3)
    assert api.tokens(session.id)[:len(tokens) + 3] == greedy(causal, tokens, 3)


def test_penalties_and_forbidden_ends_are_those_of_every_sampler(api, causal, ask):
    plain = ask("12+34=", length=30)
    penalized = ask("12+34=", length=30, presence_penalty=2.0, frequency_penalty=2.0, repetition_penalty=2.0)
    api.step(plain.id)
    api.step(penalized.id)
    assert written(api, plain) != written(api, penalized)
    endless = ask("12+34=", length=30, logits_eos_inf=True)
    api.step(endless.id)
    assert causal.info.eos_token not in written(api, endless)


def test_what_such_a_model_cannot_do_is_said(api, causal, ask):
    def create(prompt, **more):
        return api.sessions.CreateSession(pb.CreateSessionRequest(model=EMBEDDED_CAUSAL, prompt=prompt, **more))

    holes = refusal(create, prompt_pb2.Prompt(text="One [[mask:2]] day"))
    assert "no holes" in holes.fields["prompt.text"]
    nothing = refusal(create, prompt_pb2.Prompt(text=""))
    assert "at least one token" in nothing.fields["prompt"]
    words = refusal(create, prompt_pb2.Prompt(text="One"), word_constraints=[pb.WordConstraint(offset=1, text=" a")])
    assert "must be empty" in words.fields["word_constraints"]
    sampler = refusal(create, prompt_pb2.Prompt(text="One"), settings=settings("llada"))
    assert sampler.fields["settings.sampler"].endswith("must be one of autoregressive")
    guided = refusal(create, prompt_pb2.Prompt(text="One"), settings=settings(cfg_scale=1.0))
    assert "no such parameter" in guided.fields["settings.parameters.cfg_scale"]
    stop = refusal(create, prompt_pb2.Prompt(text="One"), settings=settings(stop=[""]))
    assert "a list of at most 16 texts" in stop.fields["settings.parameters.stop"]
    session = ask()
    inside = refusal(edit, api, session.id, edit_pb2.Edit(insert=edit_pb2.InsertOpen(position=2, count=1)))
    assert "left to right" in inside.fields["edits[0].insert"]


def test_a_recording_of_it_comes_back_whole(api, ask):
    session = ask("Tell me a story.", temperature=1.0)
    api.step(session.id, count=8)
    api.rewind(session.id, 4)
    api.step(session.id, count=3)
    file = b"".join(answer.chunk for answer in api.sessions.Export(pb.ExportRequest(session_id=session.id)))
    made = api.sessions.Import(iter([pb.ImportRequest(chunk=file)]))
    assert not made.notes
    assert api.tokens(made.session.id) == api.tokens(session.id)
    for one in (session.id, made.session.id):
        told = list(api.sessions.Verify(pb.VerifyRequest(session_id=one)))
        assert told and not any(answer.HasField("mismatch") for answer in told)
    api.step(session.id, count=2)
    api.step(made.session.id, count=2)
    assert api.tokens(made.session.id) == api.tokens(session.id)


def test_sessions_beside_each_other_write_what_each_writes_alone(api, ask):
    from concurrent.futures import ThreadPoolExecutor

    alone = []
    for seed in range(4):
        session = ask("Tell me a story.", seed=seed, temperature=1.0, length=20)
        api.step(session.id)
        alone.append(written(api, session))
    sessions = [ask("Tell me a story.", seed=seed, temperature=1.0, length=20) for seed in range(4)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda session: api.step(session.id), sessions))
    assert [written(api, session) for session in sessions] == alone


# ---- what a person's change does not do ----

def test_a_text_that_has_stopped_stays_so_whatever_is_done_before_its_end(api, ask):
    session = ask("Tell me a story.", length=4)
    api.step(session.id)
    place = session.prompt_length
    for one in (edit_pb2.Edit(protect=edit_pb2.ProtectPositions(positions=[place])),
                edit_pb2.Edit(unprotect=edit_pb2.UnprotectPositions(positions=[place])),
                edit_pb2.Edit(force_token=edit_pb2.ForceToken(position=5, token=300)),
                edit_pb2.Edit(delete=edit_pb2.DeleteSpan(position=6, count=1))):
        frame = edit(api, session.id, one)[0]
        assert frame.summary.stop_reason == frame_pb2.STOP_REASON_MAX_TOKENS
        now = api.get(session.id)
        assert OPEN not in now.canvas.states and now.state == session_pb2.Session.STATE_COMPLETE
        assert dict(now.settings.parameters)["max_tokens"] == 4
        assert now.summary.stop_reason == frame_pb2.STOP_REASON_MAX_TOKENS
    assert refusal(api.step, session.id).message.endswith("insert one position at the end, with more max_tokens")
    edit(api, session.id, edit_pb2.Edit(delete_last=edit_pb2.DeleteLast(count=2)))
    assert written(api, session)[2:] == [None], "what is taken back can be written again"


def test_text_by_hand_goes_no_further_than_what_may_be_written(api, causal, ask):
    words = causal.text.encode(" Sam and")
    session = ask("Tell me a story.", length=2 + len(words))
    api.step(session.id, count=2)
    force = edit_pb2.ForceText(position=session.prompt_length + 2, text=" Sam and")
    frame = edit(api, session.id, edit_pb2.Edit(force_text=force))[0]
    assert written(api, session)[2:] == words
    assert (frame.summary.stop_reason, frame.HasField("settings")) == (frame_pb2.STOP_REASON_MAX_TOKENS, False)


def test_an_end_by_hand_ends_it(api, causal, ask):
    session = ask("Tell me a story.")
    force = edit_pb2.ForceToken(position=session.prompt_length, token=causal.info.eot_token)
    frame = edit(api, session.id, edit_pb2.Edit(force_token=force))[0]
    assert frame.summary.stop_reason == frame_pb2.STOP_REASON_END
    assert api.get(session.id).state == session_pb2.Session.STATE_COMPLETE


def test_fewer_tokens_than_there_are_write_none(api, ask):
    session = ask("Tell me a story.", length=20)
    api.step(session.id, count=5)
    assert refusal(api.step, session.id, settings=settings(max_tokens=2)).reason == "CANVAS_COMPLETE"
    assert len(api.step(session.id, count=1)) == 1


def test_no_way_of_saying_it_makes_a_hole(api, causal, ask):
    """The mask's id among tokens, and a span that is not filled, are holes as well."""
    mask = causal.info.mask_token

    def create(*ids):
        prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=ids))
        return api.sessions.CreateSession(pb.CreateSessionRequest(model=EMBEDDED_CAUSAL, prompt=prompt))

    assert "no holes" in refusal(create, 0, mask, 5).fields["prompt.tokens.ids"]
    session = ask("Tell me a story.")
    api.step(session.id, count=2)
    before = api.tokens(session.id)
    keep = edit_pb2.ReplaceSpan(position=5, count=3, text=" Sam", fit=edit_pb2.ReplaceSpan.FIT_KEEP_LENGTH)
    holed = edit_pb2.ReplaceSpan(position=5, count=1, tokens=prompt_pb2.TokenList(ids=[23, mask]))
    for one, field in ((keep, "edits[0].replace"), (holed, "edits[0].replace.tokens.ids")):
        assert field in refusal(edit, api, session.id, edit_pb2.Edit(replace=one)).fields
    everything = edit_pb2.DeleteSpan(position=0, count=len(before) - 1)
    assert "leave a token" in refusal(edit, api, session.id, edit_pb2.Edit(delete=everything)).fields["edits[0].delete"]
    assert api.tokens(session.id) == before
