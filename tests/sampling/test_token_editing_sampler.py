"""LLaDA2.1's token editing: both thresholds, block after block, and an end to it."""

import torch
from decoding import run

from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers.token_editing import SAMPLER
from tests.fakes import FakeDenoiser


def at(tokens, state=None, by_hand=(), given=(), length=None, **values):
    opened = tuple(position for position, token in enumerate(tokens) if token is None)
    region = Region(0, len(tokens), opened, tuple(tokens), frozenset(given), frozenset(by_hand))
    return SamplingContext(parameters_for(SAMPLER, values, len(tokens)), region, Ids(()), Noise(0, 0), state or {})


def propose(context, p):
    wanted = SAMPLER.wanted(context)
    proposal = SAMPLER.propose(Prediction(wanted, p[wanted].log()), context)
    return ([commit.position for commit in proposal.commits],
            [(edit.position, edit.token) for edit in proposal.edits], proposal.state)


def peaked(*peaks):
    """Rows whose likeliest token has a probability: (token, p)."""
    p = torch.zeros(len(peaks), 8)
    for row, (token, chance) in enumerate(peaks):
        p[row] = (1 - chance) / 7
        p[row, token] = chance
    return p


def test_both_thresholds():
    """Open: .96 is over tau_mask, .90 is not. Committed: .95 for another token is over tau_edit, .85 is not."""
    p = peaked((1, 0.96), (2, 0.90), (3, 0.95), (4, 0.85), (5, 0.99))
    commits, edits, state = propose(at([None, None, 7, 7, 5]), p)
    assert commits == [0]
    assert edits == [(2, 3)]
    assert not state["settled"]


def test_the_surest_is_committed_when_none_is_sure():
    p = peaked((1, 0.4), (2, 0.6), (3, 0.5))
    assert propose(at([None] * 3), p)[0] == [1]
    assert propose(at([None] * 3, num_to_transfer=2), p)[0] == [1, 2]


def test_tau_edit_of_one_never_edits():
    assert propose(at([None, 7], tau_edit=1), peaked((1, 0.5), (3, 1.0)))[1] == []


def test_given_and_hand_picked_tokens_are_not_edited():
    p = peaked((1, 0.5), (2, 0.99), (3, 0.99))
    assert propose(at([None, 7, 7], given=[1], by_hand=[2]), p)[1] == []
    assert propose(at([None, 7, 7], given=[1], by_hand=[2], protect_edits=False), p)[1] == [(2, 3)]


def test_a_block_is_settled_when_a_look_at_it_edits_nothing():
    p = peaked((1, 0.99), (2, 0.99))
    state = propose(at([None, None]), p)[2]
    assert not state["settled"], "the last masks were committed in this step: nobody has looked at the whole yet"
    context = at([1, 2], state)
    assert not SAMPLER.finished(context)
    commits, edits, state = propose(context, p)
    assert (commits, edits, state["settled"]) == ([], [], True)
    assert SAMPLER.finished(at([1, 2], state))


def test_editing_ends_after_max_post_steps():
    class Fickle(FakeDenoiser):
        """Always sure of another token than the one that stands."""

        def logits(self, canvases, positions, keys=(), starts=()):
            return [torch.stack([20.0 * torch.eye(16)[(canvas[position] + 1) % 12] for position in wanted])
                    for canvas, wanted in zip(canvases, positions, strict=True)]

    for most in (0, 1, 5):
        decoded = run(Fickle(), [1], 4, "token_editing", max_post_steps=most)
        assert decoded.forwards == 1 + most


def test_blocks_one_after_the_other_and_earlier_ones_edited_on_request():
    decoded = run(FakeDenoiser(), [1, 2], 12, "token_editing", block_length=4, tau_edit=0.3)
    blocks = [[(commit.position - 2) // 4 for commit in (*proposal.commits, *proposal.edits)]
              for proposal in decoded.proposals]
    flat = [block for step in blocks for block in step]
    assert flat == sorted(flat)
    p = peaked((3, 0.99), (3, 0.99), (1, 0.99), (1, 0.99))
    here = at([7, 7, 7, None], block_length=2)
    assert propose(here, p)[1] == [(2, 1)]
    assert sorted(propose(at([7, 7, 7, None], block_length=2, multi_block=True), p)[1]) == [(0, 3), (1, 3), (2, 1)]


def test_a_text_of_another_sampler_is_edited_as_a_whole():
    context = at([7, 7, 2], block_length=1)
    assert not SAMPLER.finished(context)
    assert propose(context, peaked((3, 0.99), (7, 0.99), (1, 0.5)))[1] == [(0, 3)]


def test_what_cannot_edit_takes_no_pass_to_look():
    never = run(FakeDenoiser(), [1, 2], 8, "token_editing", tau_edit=1, block_length=2, num_to_transfer=2)
    assert [len(proposal.commits) for proposal in never.proposals] == [2, 2, 2, 2]
    assert SAMPLER.finished(at([7, 7, 2], max_post_steps=0))


def test_other_thresholds_look_again():
    settled = {"block": 0, "place": [3, 0.9, False], "post": 1, "settled": True}
    assert SAMPLER.finished(at([7, 7, 2], settled))
    assert not SAMPLER.finished(at([7, 7, 2], settled, tau_edit=0.5))
