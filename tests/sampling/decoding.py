"""The loop of a session, without the session: a model, a sampler, a canvas."""

from inference_service.sampling import distribution
from inference_service.sampling.noise import Noise
from inference_service.sampling.registry import SAMPLERS, parameters_for
from inference_service.sampling.sampler import Ids, Prediction, Region


def decode(model, prompt, length, sampler="llada", seed=0, **values):
    """The finished canvas and, for each step, the positions that it committed. Mask ids in the prompt are holes."""
    rule, info = SAMPLERS[sampler], model.info
    parameters = parameters_for(rule, values, length)
    mask = info.mask_token
    ids = Ids(info.forbidden_tokens, info.eos_token, info.eot_token)
    given = [position for position, token in enumerate(prompt) if token != mask]
    canvas = [*prompt, *[mask] * length]
    state, steps = {}, []
    while mask in canvas:
        is_open = [position for position, token in enumerate(canvas) if token == mask]
        region = Region(len(prompt), length, tuple(is_open))
        wanted = rule.wanted(parameters, region, state)
        canvases = [canvas]
        if scale := getattr(parameters, "cfg_scale", 0):
            canvases.append([mask if position in given else token for position, token in enumerate(canvas)])
        logits = model.logits(canvases, [wanted] * len(canvases))
        logits = distribution.guide(*logits, scale) if scale else logits[0]
        noise = Noise(seed, len(steps))
        proposal = rule.propose(parameters, Prediction(wanted, logits), region, state, ids, noise)
        state = proposal.state
        positions = [commit.position for commit in proposal.commits]
        assert positions and set(positions) <= set(is_open), "commits something, and only what is open"
        assert len(set(positions)) == len(positions)
        for commit in proposal.commits:
            assert commit.token not in info.forbidden_tokens
            canvas[commit.position] = commit.token
        steps.append(positions)
    return canvas, steps
