"""One step of a sampler on distributions that a test gives, and whole canvases of every kind."""

import json
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from decoding import run
from hypothesis import strategies as st

from inference_service.engine.plan import complete_settings
from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.registry import parameters_for
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sessions.frame import Settings
from tests.fakes import MASK, FakeDenoiser

MASK_HERE = 4


def logits_of(rows):
    """Logits of rows of four probabilities; the fifth token is the mask id, which is unlikely."""
    p = torch.tensor(rows, dtype=torch.float64)
    return torch.cat([p.log(), torch.full((len(p), 1), -40.0)], -1).float()


def sure(*confidences):
    """Rows of which the likeliest token is 0, with these probabilities; the other three share the rest."""
    return [[c, *[(1 - c) / 3] * 3] for c in confidences]


def moment_of(sampler, count, *, tokens=None, start=0, given=(), by_hand=(), state=None, seed=0, revision=0, **values):
    """The context on a canvas of `count` positions, all open unless there are tokens."""
    tokens = tuple(tokens or [None] * count)
    still_open = tuple(position for position, token in enumerate(tokens) if token is None)
    region = Region(start, count - start, still_open, tokens, frozenset(given), frozenset(by_hand))
    parameters = parameters_for(sampler, values, count - start)
    return SamplingContext(parameters, region, Ids((MASK_HERE,)), Noise(seed, revision), state or {}, revision)


def step(sampler, rows, earlier=None, **more):
    """What the sampler proposes; rows: a distribution for every position of the canvas, earlier: those recalled.

    What is always so is asserted: it does not matter which other positions were predicted, the state is kept
    as it was, and the new one survives the store.
    """
    logits = rows if isinstance(rows, torch.Tensor) else logits_of(rows)
    context = moment_of(sampler, len(logits), **more)
    state = deepcopy(context.state)
    everywhere = list(range(len(logits)))
    proposals = []
    for positions in (sampler.wanted(context), everywhere):
        prediction = Prediction(positions, logits[positions])
        if recalled := sampler.recalls(context):
            then = recalled[1] if positions != everywhere else everywhere
            prediction = replace(prediction, earlier=Prediction(then, logits_of(earlier)[then]))
        proposals.append(sampler.propose(prediction, context))
    lean, rich = proposals
    assert lean == rich, "other positions' rows make no difference"
    assert context.state == state
    assert json.loads(json.dumps(lean.state)) == lean.state
    for told in (lean.commits, lean.edits, lean.reopens):
        scores = [one.score for one in told]
        assert scores == sorted(scores, reverse=True)
    return lean


def positions(proposal):
    return [commit.position for commit in proposal.commits]


class Sharp(FakeDenoiser):
    """The fake's logits times a factor; a steady one's do not depend on the canvas."""

    def __init__(self, factor=3.0, steady=False):
        super().__init__()
        self.factor, self.steady = factor, steady

    def logits(self, canvases, positions, keys=(), starts=()):
        seen = [[0] * len(canvas) for canvas in canvases] if self.steady else canvases
        return [rows * self.factor for rows in super().logits(seen, positions)]


@dataclass(frozen=True)
class Case:
    """A model and a canvas, with the parameters that all samplers share."""

    model: FakeDenoiser
    prompt: list[int]
    length: int
    seed: int
    shared: dict

    def run(self, sampler, **values):
        """Decodes it; run() asserts what must hold in every step."""
        decoded = run(self.model, self.prompt, self.length, sampler, self.seed, **self.shared, **values)
        assert MASK not in decoded.tokens
        assert json.loads(json.dumps([one.state for one in decoded.proposals])) == [
            one.state for one in decoded.proposals]
        return decoded

    @property
    def blocks(self):
        return self.length // self.shared["block_length"]

    @property
    def open(self):
        return self.length + self.prompt.count(MASK)


@st.composite
def cases(draw, max_length=16):
    length = draw(st.integers(1, max_length))
    shared = {
        "block_length": draw(st.sampled_from([n for n in range(1, length + 1) if length % n == 0])),
        "temperature": draw(st.sampled_from([0.0, 0.0, 0.3, 1.0, 10.0])),
        "top_k": draw(st.integers(0, 3)),
        "repetition_penalty": draw(st.sampled_from([1.0, 1.5])),
        "logits_eos_inf": draw(st.booleans()),
        "suffix_window": draw(st.sampled_from([None, 0, 3])),
    }
    model = Sharp(draw(st.sampled_from([0.1, 1.0, 3.0, 40.0])), draw(st.booleans()))
    prompt = draw(st.lists(st.integers(0, MASK), max_size=6))
    return Case(model, prompt, length, draw(st.integers(0, 2**64 - 1)), shared)


def finish(bench, session, sampler, variants):
    """Steps a session with other parameters in every step until no position is open; the number of its steps."""
    live = bench.sessions.get(session).session
    for number in range(200):
        if not live.state().open:
            return number
        chosen = complete_settings(Settings(sampler, variants[number % len(variants)], 5), live.state().length,
                                   bench.denoiser.info)
        bench.step(session, 1, settings=chosen)
    raise AssertionError("it does not end")
