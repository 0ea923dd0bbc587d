"""A model that attends from block to block, in the same sessions as all others."""

import math

import pytest

from inference_service.engine.decoding import decode, together
from inference_service.sampling.registry import SAMPLERS
from inference_service.sampling.sampler import Need
from inference_service.sessions.frame import Settings
from tests.conftest import GOLDEN
from tests.service.calls import WAIT, refusal, settings
from tests.service.inspecting import inspection
from unmask.v1 import edit_pb2
from unmask.v1 import inspection_service_pb2 as inspect_pb
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb
from unmask.v1.prompt_pb2 import Prompt, TokenList

SDAR = str(GOLDEN.with_name("sdar"))
BLOCK = 4
PROMPT = [405, 15, 108, 11, 161, 171]  # its last two are in one block with what follows


@pytest.fixture(scope="module", autouse=True)
def loaded(api):
    api.server.library.load(SDAR)


def create(api, length=10, **parameters):
    return api.create(PROMPT, length, model=SDAR, **parameters)


def likeliest(api, session_id, position):
    """The likeliest tokens of a position with their probabilities."""
    found, = api.candidates(session_id, [position]).candidates
    return [(one.token, one.p_base) for one in found.candidates]


def test_it_says_how_it_attends_and_which_samplers_suit(api):
    shown = api.models.GetModel(models_pb.GetModelRequest(name=SDAR)).model
    assert (shown.attention.name, shown.attention.block_size, shown.attention.blocks_from_start) == (
        "block_causal", BLOCK, False)
    assert "its block of 4" in shown.attention.summary
    assert not shown.bidirectional and not shown.attention.append_only
    assert shown.attention.settles and not shown.cache_note
    assert [sampler.name for sampler in shown.samplers][0] == "sdar"
    assert {sampler.name for sampler in shown.samplers} == {
        sampler.name for sampler in SAMPLERS.values() if sampler.needs is Need.BLOCKS}


@pytest.mark.parametrize("sampler", sorted(one.name for one in SAMPLERS.values() if one.needs is Need.BLOCKS))
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_every_sampler_that_suits_decides_one_of_its_blocks_after_the_other(api, sampler, temperature):
    session = create(api, 11, sampler=sampler, temperature=temperature)  # the last block is shorter
    frames = api.step(session.id)
    blocks = [{change.position // BLOCK for change in frame.changes} for frame in frames if frame.changes]
    first = [min(block) for block in blocks]
    assert all(len(block) == 1 for block in blocks)
    assert first == sorted(first) and first[0] == 1 and first[-1] == 4
    assert len(api.tokens(session.id)) == len(PROMPT) + 11
    verified = list(api.sessions.Verify(pb.VerifyRequest(session_id=session.id), timeout=WAIT))
    assert verified and not any(answer.HasField("mismatch") for answer in verified)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("draft", [False, True])
def test_going_on_from_earlier_passes_writes_what_whole_passes_write(api, temperature, draft):
    """Two sessions step by step in turn, one of them looked at in between and taken back once."""
    sessions = [create(api, 11, seed=seed, temperature=temperature) for seed in (3, 4)]
    for count in (1, 2, 1, 3):
        for session in sessions:
            api.step(session.id, count, draft=draft)
        api.predict(sessions[1].id)
    api.rewind(sessions[1].id, 4)
    model = api.server.library.get(SDAR)
    for seed, session in zip((3, 4), sessions, strict=True):
        api.step(session.id, draft=draft)
        if seed == 3:
            plain, = together([decode(model, PROMPT, 11, Settings("sdar", {"temperature": temperature}, seed))])
            assert api.tokens(session.id) == plain.tokens
    verified = list(api.sessions.Verify(pb.VerifyRequest(session_id=sessions[1].id), timeout=WAIT))
    assert not any(answer.HasField("mismatch") for answer in verified)
    model.drop_caches()
    verified = list(api.sessions.Verify(pb.VerifyRequest(session_id=sessions[1].id), timeout=WAIT))
    assert not any(answer.HasField("mismatch") for answer in verified)


def test_blocks_that_are_not_its_own_are_refused_and_parts_of_them_are_taken(api):
    refused = refusal(create, api, block_length=3)
    assert "must divide the model's block of 4: one of 1, 2, 4; got 3" in refused.fields[
        "settings.parameters.block_length"]
    assert dict(create(api, block_length=2).settings.parameters)["block_length"] == 2
    assert dict(create(api).settings.parameters)["block_length"] == BLOCK


def test_a_sampler_that_needs_the_whole_canvas_is_refused(api):
    refused = refusal(create, api, sampler="dream")
    assert "in which every position sees every other" in refused.fields["settings.sampler"]
    assert "block_causal: every position sees its block of 4" in refused.fields["settings.sampler"]
    session = create(api)
    refused = refusal(api.step, session.id, settings=settings("p2"))
    assert "must be one of credit" in refused.fields["settings.sampler"]
    assert api.get(session.id).head_revision == 0


def test_an_edit_changes_what_is_said_from_its_block_on_and_nothing_before_it(api):
    session = create(api, 10)
    before = {position: likeliest(api, session.id, position) for position in (6, 8, 12)}
    edit = edit_pb2.Edit(force_token=edit_pb2.ForceToken(position=9, token=33))
    list(api.sessions.Edit(pb.EditRequest(session_id=session.id, edits=[edit]), timeout=WAIT))
    after = {position: likeliest(api, session.id, position) for position in (6, 8, 12)}
    assert [token for token, _ in after[6]] == [token for token, _ in before[6]]
    assert [p for _, p in after[6]] == pytest.approx([p for _, p in before[6]], abs=1e-5)
    assert after[8] != before[8] and after[12] != before[12]
    api.step(session.id)
    api.rewind(session.id, 0)
    assert likeliest(api, session.id, 12) == before[12]


def test_a_turn_and_positions_put_in_keep_its_blocks(api):
    session = create(api, 6)
    api.step(session.id)
    turn = edit_pb2.Edit(append=edit_pb2.AppendTurn(turn=Prompt(tokens=TokenList(ids=[7, 8, 9])), length=7))
    list(api.sessions.Edit(pb.EditRequest(session_id=session.id, edits=[turn]), timeout=WAIT))
    frames = api.step(session.id)
    assert all(len({change.position // BLOCK for change in frame.changes}) == 1 for frame in frames)
    insert = edit_pb2.Edit(insert=edit_pb2.InsertOpen(position=17, count=3))
    list(api.sessions.Edit(pb.EditRequest(session_id=session.id, edits=[insert]), timeout=WAIT))
    frames = api.step(session.id)
    assert all(len({change.position // BLOCK for change in frame.changes}) == 1 for frame in frames)
    assert dict(api.get(session.id).settings.parameters)["block_length"] == BLOCK


def test_holes_in_the_prompt_are_decided_in_their_own_blocks(api):
    prompt = Prompt(tokens=TokenList(ids=[1, 2, 509, 4, 5, 6, 7, 8, 9, 509]))
    session = api.sessions.CreateSession(pb.CreateSessionRequest(
        model=SDAR, prompt=prompt, length=3, settings=settings("sdar", 1)), timeout=WAIT).session
    frames = api.step(session.id)
    assert [sorted({change.position // BLOCK for change in frame.changes}) for frame in frames] == sorted(
        [sorted({change.position // BLOCK for change in frame.changes}) for frame in frames])
    assert frames[0].changes[0].position == 2


# ---- looking inside ----

METHODS = ["ABLATION", "OCCLUSION", "ATTENTION", "SALIENCY", "INPUT_X_GRADIENT", "INTEGRATED_GRADIENTS"]


def attributed(api, tokens, position, method):
    prompt = Prompt(tokens=TokenList(ids=tokens))
    session = api.sessions.CreateSession(pb.CreateSessionRequest(model=SDAR, prompt=prompt, length=4), timeout=WAIT)
    answers = list(inspection(api).Attribute(inspect_pb.AttributeRequest(
        session_id=session.session.id, position=position, token=77,
        method=inspect_pb.AttributeRequest.Method.Value(f"METHOD_{method}")), timeout=WAIT))
    return answers[-1].attribution


@pytest.mark.parametrize("method", METHODS)
def test_what_stands_behind_a_block_has_no_part_in_it(api, method):
    one, other = (attributed(api, [*range(20, 27), *behind], 5, method) for behind in ([40], [41, 42, 43, 44]))
    assert {score.position for score in one.scores} <= set(range(8))
    first = {score.position: score.score for score in one.scores if score.position < 7}
    second = {score.position: score.score for score in other.scores if score.position < 7}
    assert first.keys() == second.keys() and any(first.values())


def test_the_parts_of_a_sum_add_up_under_its_mask(api):
    found = attributed(api, [*range(20, 30)], 5, "INTEGRATED_GRADIENTS")
    assert found.completeness_gap < 0.05
    refused = refusal(inspection(api).Attribute, inspect_pb.AttributeRequest(
        session_id=create(api).id, position=7, sources=[8]))
    assert "sees positions 0 to 7 from there" in refused.fields["sources"]


def test_a_likelihood_is_the_sum_over_its_blocks(api):
    def score(prompt, answer):
        answers = list(inspection(api).Score(inspect_pb.ScoreRequest(
            model=SDAR, prompt=Prompt(tokens=TokenList(ids=prompt)), tokens=TokenList(ids=answer), exact=True),
            timeout=WAIT))
        return answers[-1]

    prompt, answer = PROMPT[:4], [7, 8, 9, 10, 11, 12]
    whole, first, second = score(prompt, answer), score(prompt, answer[:4]), score([*prompt, *answer[:4]], answer[4:])
    assert math.isclose(whole.log_likelihood, first.log_likelihood + second.log_likelihood, rel_tol=1e-5)
    assert second.log_likelihood < 0 and first.log_likelihood < 0
