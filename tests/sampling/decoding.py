"""The product's loop on one canvas, with what must hold in every step of every sampler asserted."""

from inference_service.engine import decoding
from inference_service.sampling.registry import SAMPLERS
from inference_service.sessions.frame import Settings


def decode(model, prompt, length, sampler="llada", seed=0, **values):
    """The finished canvas and, for each step, the positions that it committed. Mask ids in the prompt are holes."""
    decoded = run(model, prompt, length, sampler, seed, **values)
    return decoded.tokens, [[commit.position for commit in proposal.commits] for proposal in decoded.proposals]


def run(model, prompt, length, sampler="llada", seed=0, **values):
    """All that is known of one decoding."""
    mask = model.info.mask_token
    prompt = [None if token == mask else token for token in prompt]
    decoded, = decoding.together([decoding.decode(model, prompt, length, Settings(sampler, values, seed))])
    check(decoded, prompt, length, model.info, SAMPLERS[sampler].revises)
    return decoded


def check(decoded, prompt, length, info, revises=False):
    """Every step commits what is open, edits and opens what is not; never a mask, never a given position.

    Of a sampler that revises, a step may find that all is well: it changes nothing.
    """
    canvas = [*prompt, *[None] * length]
    for proposal in decoded.proposals:
        commits = [commit.position for commit in proposal.commits]
        edits = [commit.position for commit in proposal.edits]
        reopens = [reopen.position for reopen in proposal.reopens]
        touched = [*commits, *edits, *reopens]
        assert len(set(touched)) == len(touched), "each position at most once"
        assert touched or revises
        assert all(canvas[position] is None for position in commits)
        assert all(canvas[position] is not None for position in (*edits, *reopens))
        assert all(position >= len(prompt) or prompt[position] is None for position in touched), "not the given ones"
        for commit in (*proposal.commits, *proposal.edits):
            assert commit.token not in info.forbidden_tokens
            canvas[commit.position] = commit.token
        for position in reopens:
            canvas[position] = None
    assert canvas == decoded.tokens
    assert None not in canvas, "the canvas is finished"
