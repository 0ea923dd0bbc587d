"""Credit decoding: the credits and what they do to probabilities, worked out by hand."""

import pytest
from decoding import decode, run
from hypothesis import given, settings
from hypothesis import strategies as st
from proposing import Sharp, cases, finish, logits_of, positions, step, sure

from inference_service.sampling.samplers.credit import SAMPLER
from inference_service.sampling.samplers.fast_dllm import SAMPLER as FAST_DLLM
from tests.engine.test_jobs import Bench
from tests.fakes import FakeDenoiser

# Of two tokens with 0.6 and 0.4: credit 0.6 ** 0.2 = 0.902880 makes 0.6 into
# 0.6 * 1.902880 ** 0.7 / (0.6 * 1.902880 ** 0.7 + 0.4) = 0.701787; in the next step 0.8 * 0.902880 + 0.902880
# = 1.625185 makes it 0.746697.
A, B = [0.6, 0.4, 0, 0], [0.55, 0.45, 0, 0]


def test_credit_is_given_in_the_step_that_uses_it():
    proposal = step(SAMPLER, [A, B])
    commit, = proposal.commits
    assert (commit.position, commit.token) == (0, 0)
    assert commit.score == pytest.approx(0.701787, abs=1e-6)
    assert commit.probability == pytest.approx(0.6, abs=1e-6), "what the model said"
    assert proposal.state == {"place": [2, 0], "credits": {"1": {"0": pytest.approx(0.887304, abs=1e-6)}}}


def test_credit_grows_and_decays_from_step_to_step():
    tokens, state = [0, None], {"place": [2, 0], "credits": {"1": {"0": 0.9028804514}}}
    kept = step(SAMPLER, [A, A], tokens=tokens, state=state).commits[0]
    assert kept.score == pytest.approx(0.746697, abs=1e-6)
    turned = step(SAMPLER, [A, [0.4, 0.6, 0, 0]], tokens=tokens, state=state)
    # 1.722304 ** 0.7 and 1.902880 ** 0.7 on 0.4 and 0.6
    assert turned.commits[0].token == 1
    assert turned.commits[0].score == pytest.approx(0.616628, abs=1e-6)


def test_a_token_that_fell_behind_keeps_what_is_left_of_its_credit():
    rows = [[0.9, 0.1, 0, 0], [0.45, 0.55, 0, 0], [0.6, 0.4, 0, 0]]
    state = {"place": [3, 0], "credits": {"0": {"0": 1.0}, "1": {"0": 0.5}, "2": {"0": 1.0, "3": 0.25}}}
    after = step(SAMPLER, rows, state=state).state["credits"]
    assert after == {"1": {"0": pytest.approx(0.4), "1": pytest.approx(0.887304, abs=1e-6)},
                     "2": {"0": pytest.approx(1.702880, abs=1e-6), "3": pytest.approx(0.2)}}


@pytest.mark.parametrize(("values", "credit", "score"), [
    ({}, 1.702880, 0.750539),
    ({"credit_alpha": 0.0}, 1.702880, 0.6),
    ({"credit_alpha": 2.0}, 1.702880, 0.916376),
    ({"boost_gamma": 0.0}, 1.8, 0.755137),
    ({"boost_gamma": 1.0}, 1.4, 0.734640),
    ({"decay_beta": 0.0}, 0.902880, 0.701787),
    ({"decay_beta": 1.0}, 1.902880, 0.759777),
])
def test_each_parameter_does_what_it_says(values, credit, score):
    """Credit 1 before and 0.6 now: what a position keeps that stays open, and the score of one that does not."""
    state = {"place": [2, 0], "credits": {"1": {"0": 1.0}}}
    left = step(SAMPLER, [[1, 0, 0, 0], A], state=state, threshold=1.0, **values)
    assert left.state["credits"] == {"1": {"0": pytest.approx(credit, abs=1e-6)}}
    commit, = step(SAMPLER, [A, A], tokens=[0, None], state=state, **values).commits
    assert commit.score == pytest.approx(score, abs=1e-6)


def test_the_threshold_is_asked_of_the_credited_probability():
    rows = sure(0.85, 0.8, 0.5)
    # credited: 0.904, 0.869, 0.6089
    assert positions(step(SAMPLER, rows)) == [0]
    assert positions(step(SAMPLER, rows, threshold=0.86)) == [0, 1]
    assert positions(step(SAMPLER, rows, threshold=0.6)) == [0, 1, 2]
    assert positions(step(SAMPLER, rows, threshold=0.95)) == [0], "the surest in any case"


def test_all_that_are_as_sure_as_the_surest_go_together():
    assert len(step(SAMPLER, sure(0.5, 0.5000001, 0.49)).commits) == 2


def test_without_credit_it_is_the_plain_threshold():
    rows = sure(0.95, 0.5, 0.91, 0.3, 0.89)
    for threshold in (0.0, 0.5, 0.9, 1.0):
        plain = step(SAMPLER, rows, credit_alpha=0.0, threshold=threshold)
        assert plain.commits == step(FAST_DLLM, rows, threshold=threshold).commits


def test_no_credit_for_what_is_never_generated():
    logits = logits_of([[0.5, 0.3, 0.1, 0.1], [1, 0, 0, 0]])
    logits[0, 4] = 5.0
    p = 0.5 / (1 + 2.718281828**5)
    state = step(SAMPLER, logits).state
    assert state["credits"] == {"0": {"0": pytest.approx(p**0.2, abs=1e-6)}}


def test_a_new_block_and_another_block_length_begin_afresh():
    state = {"place": [2, 0], "credits": {"3": {"0": 5.0}}}
    again = {"credits": {"3": {"0": pytest.approx(0.887304, abs=1e-6)}}, "place": [2, 1]}
    assert step(SAMPLER, [A, A, A, B], tokens=[0, 0, None, None], state=state, block_length=2).state == again
    other = step(SAMPLER, [A, A, A, B], tokens=[0, 0, None, None], state=state, block_length=4).state
    assert other == {**again, "place": [4, 0]}


def test_what_was_committed_by_hand_is_forgotten():
    state = {"place": [3, 0], "credits": {"0": {"0": 1.0}, "1": {"0": 1.0}, "2": {"0": 1.0}}}
    assert set(step(SAMPLER, [A, A, B], tokens=[None, 3, None], state=state).state["credits"]) == {"2"}


def test_one_canvas_credits_are_not_anothers():
    """The published code keeps them by the place of the block."""
    alone = [decode(Sharp(2.0), [token, 2], 12, "credit", block_length=6, threshold=0.7) for token in range(4)]
    assert len({tuple(tokens) for tokens, _ in alone}) == 4
    one = Bench(Sharp(2.0))
    try:
        sessions = [one.create([token, 2], 12, sampler="credit", block_length=6, threshold=0.7) for token in range(4)]
        for ticket in [one.begin(session)[0] for session in sessions]:
            ticket.result.result(20)
        assert [list(one.tokens(session)) for session in sessions] == [tokens for tokens, _ in alone]
    finally:
        one.engine.stop()


def test_on_the_fake_model():
    """A steady model's tokens gain credit until they are committed together."""
    _, steps = decode(FakeDenoiser(), [1, 2], 12, "credit", block_length=4, threshold=1.0)
    assert [len(step) for step in steps] == [1] * 12
    steady = Sharp(2.0, steady=True)
    plain = run(steady, [1, 2], 12, "credit", credit_alpha=0.0, threshold=0.8)
    credited = run(steady, [1, 2], 12, "credit", threshold=0.8)
    assert credited.tokens == plain.tokens
    assert len(credited.proposals) < len(plain.proposals)


def test_settings_that_change_on_the_way():
    one = Bench()
    try:
        session = one.create(length=12, sampler="credit")
        finish(one, session, "credit", [{}, {"block_length": 6}, {"decay_beta": 0.0}, {"credit_alpha": 5.0}, {}])
    finally:
        one.engine.stop()


@settings(max_examples=40, deadline=None)
@given(case=cases(), threshold=st.floats(0, 1), credit_alpha=st.floats(0, 10), boost_gamma=st.floats(0, 10),
       decay_beta=st.floats(0, 1), early_stop=st.booleans())
def test_any_settings_finish_within_as_many_steps_as_positions(case, **values):
    decoded = case.run("credit", **values)
    assert len(decoded.proposals) <= case.open
    for proposal in decoded.proposals:
        assert len(proposal.state["credits"]) <= case.shared["block_length"] + case.open - case.length
