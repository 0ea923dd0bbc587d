"""Samplers through the service: words at positions, parts of steps, reprocessing, summaries, a model that cannot."""

from dataclasses import replace

import pytest
import torch

from inference_service.engine.plan import complete_settings, plan_of
from inference_service.models.attention import Causal, Full
from inference_service.sampling.noise import Noise
from inference_service.sampling.registry import SAMPLERS, suitable
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import Origin, first_state
from tests.fakes import EOS, MASK, FakeDenoiser
from tests.service.calls import Api, refusal, settings
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import prompt_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb

OPEN, COMMITTED, GIVEN = 1, 2, 3


BOTH_WAYS = [sampler.name for sampler in suitable(Full.offers)]


def create(api, constraints=(), length=8, tokens=(1, 2, 3), model="", sampler="", seed=5, **parameters):
    return api.sessions.CreateSession(pb.CreateSessionRequest(
        model=model, prompt=prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=tokens)), length=length,
        settings=settings(sampler, seed, **parameters), word_constraints=constraints)).session


def word(offset, *ids):
    return pb.WordConstraint(offset=offset, tokens=prompt_pb2.TokenList(ids=ids))


def reprocess(api, session_id, **more):
    return api.sessions.Reprocess(pb.ReprocessRequest(session_id=session_id, **more))


# ---- every sampler ----

@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_every_sampler_runs_to_its_end_and_says_so(api, fake, sampler):
    session = create(api, model=fake().name, sampler=sampler)
    frames = api.step(session.id)
    assert [frame.summary.pending for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert [frame.summary.HasField("tokens_before_end") for frame in frames] == [False] * (len(frames) - 1) + [True]
    end = frames[-1].summary
    assert end.open_count == 0
    assert end.total_forward_count == sum(frame.summary.forward_count for frame in frames)
    walls = [frame.summary.wall_time.ToNanoseconds() for frame in frames]
    assert min(walls) > 0 and end.total_wall_time.ToNanoseconds() == sum(walls)
    now = api.get(session.id)
    assert now.state == session_pb2.Session.STATE_COMPLETE
    generated = list(now.canvas.tokens)[3:]
    assert MASK not in generated
    ends = [index for index, token in enumerate(generated) if token in (EOS, 14)]
    assert end.tokens_before_end == (ends[0] if ends else 8)
    assert refusal(api.step, session.id).reason == "CANVAS_COMPLETE"


@pytest.mark.parametrize("sampler", BOTH_WAYS)
def test_the_same_tokens_after_a_restart_and_with_drafts(serve, sampler, tmp_path):
    """Half of the steps in one server, half in another on the same store, which has no predictions at hand."""
    parameters = {"temperature": 1.0} | ({"iterations": 4} if sampler == "predict_remask" else {})
    store = str(tmp_path / "s.sqlite3")
    with serve(store=store) as server:
        api = Api(server)
        server.library.load("")
        whole = create(api, sampler=sampler, length=12, **parameters)
        steps = len(api.step(whole.id))
        half = create(api, sampler=sampler, length=12, **parameters)
        api.step(half.id, steps // 2 or 1)
    with serve(store=store) as server:
        api = Api(server)
        server.library.load("")
        if api.get(half.id).state != session_pb2.Session.STATE_COMPLETE:
            api.step(half.id, draft=True)
        assert api.tokens(half.id) == api.tokens(whole.id)
        assert moves(api, half.id) == moves(api, whole.id)


def moves(api, session_id):
    """What each frame put where, None for a position opened again."""
    head = api.get(session_id).head_revision
    answers = api.sessions.WatchSession(pb.WatchSessionRequest(session_id=session_id, after_revision=0))
    frames = [next(answers).frame for _ in range(head)]
    answers.cancel()
    return [[(change.position, change.token if change.HasField("token") else None) for change in frame.changes]
            for frame in frames]


# ---- parts of steps ----

def test_predicting_and_remasking_are_frames_of_their_own(api, fake):
    session = create(api, model=fake().name, sampler="predict_remask", iterations=3, rho=0, length=10)
    one, = api.step(session.id, 1)
    assert (one.substep, one.summary.open_count, one.summary.pending) == ("prediction", 0, True)
    assert api.get(session.id).state == session_pb2.Session.STATE_IDLE
    proposed = api.propose(session.id)
    assert proposed.substep == "remasking" and not proposed.commits
    two, = api.step(session.id, 1)
    assert (two.substep, len(two.changes)) == ("remasking", two.summary.open_count)
    assert [change.position for change in two.changes] == sorted(one.position for one in proposed.reopens)
    assert not any(change.HasField("token") for change in two.changes)
    assert two.summary.forward_count == two.summary.reused_forward_count == 1, "what was proposed had been computed"
    rest = api.step(session.id)
    assert [frame.substep for frame in rest] == ["prediction", "remasking", "final"]


def test_a_schedule_goes_on_after_an_edit_and_what_was_picked_stays(api, fake):
    session = create(api, model=fake().name, sampler="predict_remask", iterations=6, rho=1, length=10,
                     start_ratio=1, end_ratio=1)
    api.step(session.id, 2)
    api.select(session.id, {5: 9, 7: 8})
    prediction, = api.step(session.id, 1)
    refused = refusal(api.select, session.id, {6: 3})
    assert prediction.read_only and (refused.code.name, refused.reason) == ("FAILED_PRECONDITION", "READ_ONLY_REVISION")
    remasking, = api.step(session.id, 1)
    assert not remasking.read_only
    api.select(session.id, {6: None})
    frames = api.step(session.id)
    assert [frame.substep for frame in frames][:2] == ["prediction", "remasking"]
    assert [frame.read_only for frame in frames] == [frame.substep == "prediction" for frame in frames]
    tokens = api.tokens(session.id)
    assert (tokens[5], tokens[7]) == (9, 8)
    assert len(frames) == 11 - 4, "as many as the schedule had left"


def test_editing_replaces_tokens_in_place(api, fake):
    session = create(api, model=fake().name, sampler="token_editing", tau_edit=0.2, length=12, block_length=4)
    frames = api.step(session.id)
    standing, edited = {}, 0
    for frame in frames:
        for change in frame.changes:
            assert change.HasField("token")
            edited += change.position in standing
            standing[change.position] = change.token
    assert edited > 0
    assert api.tokens(session.id)[3:] == [standing[position] for position in range(3, 15)]


def test_another_sampler_may_go_on_with_a_finished_canvas(api, fake):
    session = create(api, model=fake().name)
    api.step(session.id)
    assert refusal(api.step, session.id).reason == "CANVAS_COMPLETE"
    frames = api.step(session.id, settings=settings("predict_remask", iterations=2, rho=1))
    assert [frame.substep for frame in frames] == ["remasking", "final"]


# ---- words at positions ----

def test_words_stand_where_they_are_told_to(api, fake):
    made = fake()
    session = create(api, [word(0, 4), word(3, 5, 6)], model=made.name, cfg_scale=1.0)
    assert list(session.canvas.states)[3:] == [GIVEN, OPEN, OPEN, GIVEN, GIVEN, OPEN, OPEN, OPEN]
    assert session.prompt_length == 3
    api.step(session.id)
    tokens = api.tokens(session.id)
    assert (tokens[3], tokens[6], tokens[7]) == (4, 5, 6)
    conditional, unconditional = made.model.calls[0]
    assert unconditional[:3] == [MASK] * 3, "guidance hides the prompt"
    assert (unconditional[3], unconditional[6]) == (4, 5), "and leaves the words"
    assert refusal(api.select, session.id, {6: 9}).fields == {
        "selections.position": "position 6 was given and cannot be selected, only edited; choose from 4 to 5, 8 to 10"}


def test_words_survive_every_sampler_that_revises(api, fake):
    name = fake().name
    for sampler in (sampler for sampler, rule in SAMPLERS.items() if rule.revises):
        session = create(api, [word(2, 7), word(5, 8)], model=name, sampler=sampler, seed=9)
        api.step(session.id)
        tokens = api.tokens(session.id)
        assert (tokens[5], tokens[8]) == (7, 8), sampler


def test_words_as_text(api, words):
    constraint = pb.WordConstraint(offset=1, text=" kite")
    session = create(api, [constraint], model=words, tokens=(10, 11), length=12)
    count = list(session.canvas.states).count(GIVEN) - 2
    ids = list(session.canvas.tokens)[3:3 + count]
    assert api.models.Detokenize(models_pb.DetokenizeRequest(model=words, ids=ids)).text == " kite"


@pytest.mark.parametrize(("constraints", "field", "says"), [
    ([word(8, 1)], "word_constraints[0].offset", "0 to 7"),
    ([word(7, 1, 2)], "word_constraints[0].offset", "0 to 6"),
    ([word(0, 1), word(0, 2)], "word_constraints[1].offset", "has a word already"),
    ([word(0)], "word_constraints[0]", "at least one token"),
    ([word(0, MASK)], "word_constraints[0]", "none that is the mask"),
    ([word(0, 99)], "word_constraints[0].tokens.ids", "0 to 15"),
    ([pb.WordConstraint(offset=1)], "word_constraints[0]", "text or tokens"),
    ([pb.WordConstraint(text="a")], "", "NO_TOKENIZER"),
    ([word(0, *[1] * 8)], "word_constraints", "leave a position open"),
])
def test_wrong_words_are_refused(api, fake, constraints, field, says):
    refused = refusal(create, api, constraints, model=fake().name)
    assert says in (refused.fields.get(field, "") or refused.reason)


# ---- reprocessing ----

def test_reprocessing_needs_no_forward_pass(api, fake):
    made = fake()
    session = create(api, model=made.name)
    before = api.predict(session.id, candidate_positions=[5], candidate_count=16)
    calls = len(made.model.calls)
    answer = reprocess(api, session.id, settings=settings(temperature=2.0, top_k=3), candidate_count=8)
    assert len(made.model.calls) == calls and not answer.recomputed
    assert [one.position for one in answer.candidates] == list(range(3, 11))
    assert dict(answer.settings.parameters.items())["top_k"] == 3
    here = answer.candidates[2]
    base = {one.token: one.p_base for one in before.candidates[0].candidates}
    logits = torch.tensor([one.logit for one in before.candidates[0].candidates if one.token != MASK])
    allowed = [one.token for one in before.candidates[0].candidates if one.token != MASK]
    expected = torch.softmax(logits.topk(3).values.double() / 2, 0)
    shown = {one.token: one for one in here.candidates}
    for token, p in zip([allowed[index] for index in logits.topk(3).indices], expected, strict=True):
        assert shown[token].kept
        assert shown[token].p_final == pytest.approx(p.item(), rel=1e-5)
        assert shown[token].p_base == pytest.approx(base[token], rel=1e-5)
    assert here.kept_count == 3
    assert sum(one.kept for one in here.candidates) == 3, "the others are there to see only"
    assert all(one.p_final == 0 for one in here.candidates if not one.kept)
    assert here.other_p_base == pytest.approx(1 - sum(one.p_base for one in here.candidates), abs=1e-5)
    assert here.chosen == max(shown.values(), key=lambda one: one.p_final).token
    assert api.standing(session.id).head_revision == 0


def test_reprocessing_some_positions(api, fake):
    session = create(api, model=fake().name)
    answer = reprocess(api, session.id, positions=[7, 4])
    assert [one.position for one in answer.candidates] == [7, 4]
    assert "not open" in refusal(reprocess, api, session.id, positions=[0]).fields["positions"]


def test_the_smaller_of_top_k_and_the_nucleus_counts(api, fake):
    session = create(api, model=fake().name)

    def counts(**parameters):
        answer = reprocess(api, session.id, settings=settings(temperature=1.0, **parameters), candidate_count=16)
        return [(one.kept_count, one) for one in answer.candidates]

    nucleus = counts(top_p=0.6)
    for (in_nucleus, candidates), (both, _) in zip(nucleus, counts(top_p=0.6, top_k=2), strict=True):
        assert both == min(2, in_nucleus)
        ranked = sorted((one.p_base for one in candidates.candidates if one.token != MASK), reverse=True)
        mass = [sum(ranked[:n]) / sum(ranked) for n in range(len(ranked) + 1)]
        assert mass[in_nucleus - 1] < 0.6 <= mass[in_nucleus] + 1e-6, "the token that crosses stays"


def test_gumbel_noise_chooses_as_the_step_would(api, fake):
    session = create(api, model=fake().name, temperature=1.5, seed=11)
    chosen = {one.position: one.chosen for one in reprocess(api, session.id, gumbel_noise=True).candidates}
    frame, = api.step(session.id, 1, settings=settings(steps=1))
    assert {change.position: change.token for change in frame.changes} == chosen
    assert refusal(reprocess, api, session.id, gumbel_noise=True, gumbel_temperature=11).fields == {
        "gumbel_temperature": "must be from 0 to 10; got 11"}


def test_evicted_logits_are_computed_again_and_it_says_so(serve):
    with serve(prediction_bytes=0) as server:
        api = Api(server)
        server.library.load("")
        session = create(api)
        api.predict(session.id)
        assert reprocess(api, session.id).recomputed
    with serve() as server:
        api = Api(server)
        server.library.load("")
        session = create(api)
        assert reprocess(api, session.id).recomputed
        assert not reprocess(api, session.id).recomputed


def test_other_guidance_is_other_logits(api, fake):
    session = create(api, model=fake().name)
    api.predict(session.id)
    assert reprocess(api, session.id, settings=settings(cfg_scale=1.0)).recomputed


def test_a_finished_canvas_has_nothing_to_reprocess(api, fake):
    session = create(api, model=fake().name)
    api.step(session.id)
    assert refusal(reprocess, api, session.id).reason == "CANVAS_COMPLETE"
    assert reprocess(api, session.id, revision=2).revision == 2


# ---- early stop and suffix window ----

def test_an_ended_text_is_filled_up_at_no_cost(api, fake):
    made = fake()
    constraint = [word(1, EOS)]
    plain = create(api, constraint, model=made.name, sampler="left_to_right", length=20)
    early = create(api, constraint, model=made.name, sampler="left_to_right", length=20, early_stop=True)
    assert len(api.step(plain.id)) == 19
    frame, = api.step(early.id)
    assert (frame.summary.open_count, frame.summary.pending, frame.summary.tokens_before_end) == (0, False, 1)
    assert api.tokens(early.id)[4:] == [EOS] * 19
    assert [change.HasField("probability") for change in frame.changes] == [True] + [False] * 18


def test_a_suffix_window_is_labelled_and_seen(api, fake):
    made = fake()
    session = create(api, model=made.name, length=16, block_length=4, suffix_window=2)
    frames = api.step(session.id)
    sizes = [len(canvases[0]) for canvases in made.model.calls]
    assert sizes == [3 + 4 + 2] * 4 + [3 + 8 + 2] * 4 + [3 + 12 + 2] * 4 + [3 + 16] * 4
    labels = [list(frame.summary.approximations) for frame in frames]
    assert labels == [["suffix_window"]] * 12 + [[]] * 4
    exact = create(api, model=made.name, length=16, block_length=4)
    assert not any(frame.summary.approximations for frame in api.step(exact.id))


def test_drafts_do_not_change_what_a_window_decides(api, fake):
    name = fake().name
    one, two = (create(api, model=name, length=16, block_length=4, suffix_window=2) for _ in range(2))
    api.step(one.id)
    for frame in api.step(two.id, draft=True):
        assert frame.draft.positions
    assert api.tokens(one.id) == api.tokens(two.id)


# ---- a model that reads from left to right ----

def test_a_sampler_that_the_model_cannot_do_is_named_with_those_that_would_work(api, fake):
    made = fake()
    made.model.info = replace(made.model.info, attention=Causal())
    refused = refusal(create, api, model=made.name, sampler="token_editing")
    assert "must be one of autoregressive" in refused.fields["settings.sampler"]
    session = create(api, model=made.name)
    assert session.settings.sampler == "autoregressive"
    shown = api.models.GetModel(models_pb.GetModelRequest(name=made.name)).model
    assert [sampler.name for sampler in shown.samplers] == ["autoregressive"]
    assert (shown.bidirectional, shown.attention.name, shown.attention.append_only) == (False, "causal", True)
    refused = refusal(api.step, session.id, settings=settings("p2"))
    assert "must be one of autoregressive" in refused.fields["settings.sampler"]


def test_early_stop_needs_an_end(api, fake):
    made = fake()
    made.model.info = replace(made.model.info, eos_token=None)
    refused = refusal(create, api, model=made.name, early_stop=True)
    assert "no end-of-text id" in refused.fields["settings.parameters.early_stop"]


def test_an_unknown_parameter_names_the_samplers_that_have_it(api, fake):
    refused = refusal(create, api, model=fake().name, sampler="llada", tau_edit=0.5)
    assert "token_editing has it" in refused.fields["settings.parameters.tau_edit"]


# ---- what a stranger broke ----

def test_a_session_of_an_earlier_version_goes_on(api, fake):
    """Its frames know no plan of the even schedule, its settings none of the later parameters."""
    made = fake()
    session = create(api, model=made.name, steps=4)
    api.step(session.id, 1)
    live = api.server._sessions.get(session.id)
    frame = live.session.frames[1]
    frame.sampler_state.pop("planned")
    live.session._states.clear()
    old = {name: live.session.frames[0].settings.parameters[name] for name in ("steps", "block_length", "remasking")}
    first = live.session.frame(0)
    live.session.log.add(replace(first, settings=replace(first.settings, parameters=old)))
    assert [len(one.changes) for one in api.step(session.id)] == [2, 2, 2]


def test_early_stop_never_fills_up_with_the_mask(api, fake):
    made = fake()
    made.model.info = replace(made.model.info, eos_token=MASK)
    session = create(api, [word(0, 14)], model=made.name, early_stop=True)
    api.step(session.id)
    assert MASK not in api.tokens(session.id)


def test_an_end_picked_by_hand_fills_the_rest_without_a_pass(api, fake):
    made = fake()
    session = create(api, model=made.name, early_stop=True)
    api.select(session.id, {3: EOS})
    frame, = api.step(session.id)
    assert (len(made.model.calls), frame.summary.forward_count, frame.summary.open_count) == (0, 0, 0)
    assert api.tokens(session.id)[3:] == [EOS] * 8


def test_a_token_confirmed_by_hand_is_protected(api, fake):
    session = create(api, model=fake().name)
    api.step(session.id)
    token = api.tokens(session.id)[5]
    frame, = api.select(session.id, {5: token})
    assert [(change.position, change.token) for change in frame.changes] == [(5, token)]
    api.step(session.id, settings=settings("predict_remask", iterations=3, rho=0.5, start_ratio=1, end_ratio=1))
    assert api.tokens(session.id)[5] == token


def test_p2_on_a_canvas_filled_by_hand_is_done(api, fake):
    session = create(api, model=fake().name, length=4, sampler="p2", steps=8)
    api.step(session.id, 2)
    api.select(session.id, {3: 1, 4: 2, 5: 3, 6: 4})
    assert api.get(session.id).state == session_pb2.Session.STATE_COMPLETE
    assert refusal(api.step, session.id).reason == "CANVAS_COMPLETE"


def test_going_back_says_whether_there_is_more_to_do(api, fake):
    """ReMDM's chance falls anew at every revision."""
    session = create(api, model=fake().name, length=6, sampler="remdm", strategy="rescale", eta=1.0, steps=20, seed=0)
    last = len(api.step(session.id))
    for target in range(last + 1):
        frame, = api.rewind(session.id, target)
        idle = api.get(session.id).state == session_pb2.Session.STATE_IDLE
        assert idle == frame.summary.pending
        refused = not idle and refusal(api.step, session.id, 1).reason
        assert refused == (False if idle else "CANVAS_COMPLETE")


def test_reprocessing_an_early_revision_changes_the_settings_of_then(api, fake):
    session = create(api, model=fake().name, temperature=0.5)
    api.step(session.id, 1, settings=settings("dream", temperature=2.0))
    applied = [reprocess(api, session.id, revision=0, settings=settings(top_k=3)).settings,
               reprocess(api, session.id, revision=0).settings]
    assert [(one.sampler, dict(one.parameters.items())["temperature"]) for one in applied] == [("llada", 0.5)] * 2


def test_every_hole_gets_a_step_of_its_own(api, fake):
    session = create(api, tokens=(1, MASK, 2, MASK, MASK, 3), length=0, model=fake().name)
    assert len(api.step(session.id)) == 3


def test_a_long_schedule_of_chance_holds_nobody_up(monkeypatch):
    """A thousand positions and thousands of steps in which nothing can happen: nothing is drawn for those."""
    drawn = []
    uniform = Noise.uniform
    monkeypatch.setattr(Noise, "uniform", lambda *asked: drawn.append(asked) or uniform(*asked))
    info = FakeDenoiser(context=2048).info
    chosen = complete_settings(Settings("remdm", {"steps": 4096, "strategy": "loop", "eta": 0.0, "t_on": 1.0}, 1), 1024,
                               info)
    origin = Origin("", "", (None,) * 1024, 0, MASK, 0.0, 0.0)
    assert not plan_of(first_state(origin, chosen), 0, chosen, info).finished
    assert 0 < len(drawn) <= 10
