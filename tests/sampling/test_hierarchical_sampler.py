"""Hierarchical decoding: one from every run, and what is opened again when it has become doubtful."""

import pytest
from decoding import decode, run
from hypothesis import given, settings
from hypothesis import strategies as st
from proposing import Sharp, cases, finish, moment_of, positions, step, sure

from inference_service.sampling.parameters import ParameterError
from inference_service.sampling.sampler import Reopen
from inference_service.sampling.samplers.hierarchical import SAMPLER
from tests.engine.test_jobs import Bench
from tests.fakes import MASK, FakeDenoiser

# Three runs of open positions: 0 to 2, 4 to 6, 8 and 9.
ROWS = sure(0.5, 0.6, 0.45, 0.9, 0.35, 0.39, 0.3, 0.9, 0.95, 0.92)
TOKENS = [None, None, None, 0, None, None, None, 0, None, None]


@pytest.mark.parametrize(("values", "expected"), [
    ({}, [8, 9, 1]),  # the best of the first and the last run, and 9 above 0.9
    ({"low_threshold": 0.38}, [8, 9, 1, 5]),
    ({"low_threshold": 0.7}, [8, 9]),
    ({"threshold": 0.93}, [8, 1]),
    ({"threshold": 0.93, "low_threshold": 1.0}, [8]),
    ({"threshold": 0.47}, [8, 9, 1, 0]),
    ({"threshold": 1.0, "low_threshold": 1.0}, [8]),  # the surest of all in any case
    ({"threshold": 0.0}, [8, 9, 1, 0, 2, 5, 4, 6]),
    ({"block_length": 5}, [1]),  # the surest of the block
])
def test_one_of_every_run_and_all_that_are_sure(values, expected):
    proposal = step(SAMPLER, ROWS, tokens=TOKENS, **values)
    assert positions(proposal) == expected
    assert not proposal.edits and not proposal.reopens
    for commit in proposal.commits:
        assert commit.score == commit.probability == pytest.approx(ROWS[commit.position][0], abs=1e-6)


def test_runs_are_those_of_the_canvas():
    """Holes in the prompt are runs of their own, and one at its end goes on into the generated part."""
    rows = sure(0.9, 0.5, 0.9, 0.6, 0.45, 0.9, 0.55, 0.7)
    tokens = [0, None, 0, None, None, 0, None, None]
    proposal = step(SAMPLER, rows, tokens=tokens, start=4, given=[0, 2, 5])
    assert positions(proposal) == [7, 3, 1]


# Token 1 has a third of what token 0 leaves.
HELD = {"tokens": [0, 1, None, None], "remask_threshold": 0.4}


def test_a_doubtful_token_is_written_anew_where_another_is_sure():
    """1 has 0.0667 now. Of the run 1 to 3 it is the surest; one more than was opened is decided: 2."""
    proposal = step(SAMPLER, sure(0.9, 0.8, 0.6, 0.5), **HELD)
    assert positions(proposal) == [2]
    edit, = proposal.edits
    assert (edit.position, edit.token) == (1, 0)
    assert edit.score == edit.probability == pytest.approx(0.8, abs=1e-6)
    assert not proposal.reopens


def test_a_doubtful_token_is_opened_again_where_none_is_sure():
    """The surest of the run is 2; another is decided for the one that is opened."""
    proposal = step(SAMPLER, sure(0.9, 0.28, 0.6, 0.5), **HELD)
    assert positions(proposal) == [2, 3]
    assert proposal.reopens == [Reopen(1, pytest.approx(-0.24, abs=1e-6))]
    assert not proposal.edits


def test_a_doubtful_token_that_is_chosen_again_stays():
    proposal = step(SAMPLER, sure(0.9, 0.35, 0.3, 0.28), tokens=[0, 0, None, None], remask_threshold=0.4)
    assert positions(proposal) == [2]
    assert not proposal.edits and not proposal.reopens


@pytest.mark.parametrize(("remask_threshold", "opened"), [(0.0, []), (0.05, []), (0.2, [1]), (0.32, [1, 0])])
def test_the_remask_threshold_is_asked_of_the_token_that_stands(remask_threshold, opened):
    rows = [[0.31, 0.3, 0.2, 0.19], [0.3, 0.1, 0.3, 0.3], [0.99, 0.01, 0, 0], [0.98, 0.02, 0, 0], [0.97, 0.03, 0, 0]]
    proposal = step(SAMPLER, rows, tokens=[0, 1, None, None, None], remask_threshold=remask_threshold)
    assert [reopen.position for reopen in proposal.reopens] == opened
    assert positions(proposal) == [2, 3, 4]


@pytest.mark.parametrize("protected", ["given", "by_hand"])
def test_what_was_given_or_chosen_by_hand_stays(protected):
    proposal = step(SAMPLER, sure(0.9, 0.28, 0.6, 0.5), **HELD, **{protected: [1]})
    assert positions(proposal) == [2]
    assert not proposal.edits and not proposal.reopens


def test_only_the_blocks_own_tokens_are_looked_at():
    tokens = [3, 0, None, 0, 0, None, 0, 0]  # two of prompt, of which 1 was a hole
    more = {"tokens": tokens, "start": 2, "given": [0], "block_length": 2}
    assert SAMPLER.wanted(moment_of(SAMPLER, 8, **more)) == [2]
    assert SAMPLER.wanted(moment_of(SAMPLER, 8, **more, remask_threshold=0.1)) == [1, 2, 3]
    more["tokens"] = [3, 0, 0, 0, 0, None, 0, 0]
    assert SAMPLER.wanted(moment_of(SAMPLER, 8, **more, remask_threshold=0.1)) == [4, 5]


def test_an_end_that_may_be_opened_again_stops_nothing_early():
    with pytest.raises(ParameterError) as caught:
        step(SAMPLER, ROWS, remask_threshold=0.4, early_stop=True)
    assert caught.value.name == "early_stop"
    step(SAMPLER, ROWS, early_stop=True)


def test_on_the_fake_model():
    _, steps = decode(FakeDenoiser(), [1, 2], 12, "hierarchical", block_length=4, threshold=1.0, low_threshold=1.0)
    assert [len(step) for step in steps] == [1] * 12
    _, steps = decode(FakeDenoiser(), [1, 2], 16, "hierarchical", low_threshold=0.0)
    assert len(steps) < 10, "runs are divided: about log2(16) steps"
    remasked = run(FakeDenoiser(), [1, 2, MASK], 16, "hierarchical", low_threshold=0.0, remask_threshold=0.4)
    assert any(proposal.reopens for proposal in remasked.proposals)
    assert any(proposal.edits for proposal in remasked.proposals)
    assert len(remasked.proposals) <= 17


def test_settings_that_change_on_the_way():
    one = Bench(Sharp(2.0))
    try:
        session = one.create(length=12, sampler="hierarchical")
        steps = finish(one, session, "hierarchical", [{"remask_threshold": 1.0}, {"block_length": 4}, {
            "remask_threshold": 0.4, "block_length": 6}, {"low_threshold": 1.0, "threshold": 1.0}])
        assert steps <= 12
    finally:
        one.engine.stop()


@settings(max_examples=60, deadline=None)
@given(case=cases(), threshold=st.floats(0, 1), low_threshold=st.floats(0, 1), remask_threshold=st.floats(0, 1))
def test_any_settings_finish_within_as_many_steps_as_positions(case, **values):
    decoded = case.run("hierarchical", **values)
    assert len(decoded.proposals) <= case.open
    for proposal in decoded.proposals:
        assert len(proposal.commits) > len(proposal.reopens)


@settings(max_examples=20, deadline=None)
@given(case=cases(), threshold=st.floats(0, 1), low_threshold=st.floats(0, 1))
def test_with_an_early_stop_too(case, **values):
    assert not any(proposal.reopens or proposal.edits
                   for proposal in case.run("hierarchical", early_stop=True, **values).proposals)
