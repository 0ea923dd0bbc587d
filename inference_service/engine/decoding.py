"""Whole canvases decoded in lockstep, without sessions: for measuring and for tests.

The same plans and passes as a session's steps; what an approximation reads is kept, and nothing else.
"""

import itertools
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from inference_service.engine.engine import forward
from inference_service.engine.growing import stop_reason
from inference_service.engine.jobs import Forward, Passed, forward_for, logits_of
from inference_service.engine.plan import Plan, complete_settings, plan_of
from inference_service.engine.reading import Reading, reading
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.sampling.sampler import Prediction, Proposal
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import Origin, State, first_state

_names = itertools.count(1)


@dataclass(frozen=True)
class Decoded:
    """A finished canvas. proposals: of its steps, in order.

    forwards: passes that a session would take, which has an earlier prediction still at hand.
    """

    tokens: list[int]
    forwards: int
    proposals: list[Proposal]


def decode(denoiser: Denoiser, prompt: Sequence[int | None], length: int, settings: Settings,
           ) -> Generator[Forward, Passed, Decoded]:
    """One canvas, from its prompt (None where it is open) to the end. Raises InvalidField for wrong settings."""
    info = denoiser.info
    settings = complete_settings(settings, length, info, list(prompt).count(None), len(prompt))
    opened = 1 if info.attention.append_only else length
    origin = Origin("", info.name, (*prompt, *[None] * opened), len(prompt), info.mask_token, 0.0, 0.0)
    states = [first_state(origin, settings)]
    proposals, forwards, name = [], 0, f"decode/{next(_names)}"
    while not (plan := plan_of(states[-1], len(proposals), settings, info)).finished:
        plan = plan.constrained(denoiser, "")
        prediction = Prediction([], torch.empty(0, info.vocabulary_size))
        read = _reading(states, len(proposals), plan, info)
        if wanted := plan.wanted():
            prediction = yield from _predict(denoiser, states, states[-1], plan, wanted, read, name)
            forwards += 1
        if recalled := plan.recalls():
            revision, positions = recalled
            then = _reading(states, revision, plan_of(states[revision], revision, settings, info), info)
            earlier = yield from _predict(denoiser, states, states[revision], plan, positions, then, name)
            prediction = replace(prediction, earlier=earlier)
        proposal = plan.propose(prediction)
        tokens = list(states[-1].tokens)
        for commit in (*proposal.commits, *proposal.edits):
            tokens[commit.position] = commit.token
        for reopen in proposal.reopens:
            tokens[reopen.position] = None
        if plan.sampler.appends and None not in tokens and not stop_reason(
                tokens, len(prompt), plan, denoiser, plan.active):
            tokens.append(None)
        states.append(replace(states[0], canvas=replace(states[0].canvas, tokens=tuple(tokens)),
                              sampler_state=proposal.state, cache_revision=read.revision if read else None))
        proposals.append(proposal)
    return Decoded([token for token in states[-1].tokens if token is not None], forwards, proposals)


def _reading(states: Sequence[State], revision: int, plan: Plan, info: ModelInfo) -> Reading | None:
    state = states[revision]
    since = None if state.cache_revision is None else revision - state.cache_revision
    return reading(state, revision, plan, info, states.__getitem__, since)


def _predict(denoiser: Denoiser, states: Sequence[State], state: State, plan: Plan, positions: list[int],
             read: Reading | None, name: str) -> Generator[Forward, Passed, Prediction]:
    beside = (f"{name}/{read}", states[read.revision], read.window) if read else ("", None, (0, 0))
    passed = yield forward_for(denoiser, state, positions, plan.cfg_scale, plan.reach(), *beside)
    return Prediction(positions, logits_of(passed, plan.cfg_scale))


def together(jobs: Iterable[Generator[Forward, Passed, Decoded]]) -> list[Decoded]:
    """Runs jobs of one model side by side, each pass a batch of all that are still at work."""
    jobs = list(jobs)
    results: dict[int, Decoded] = {}
    waiting: list[tuple[int, Forward]] = []

    def advance(number, passed):
        try:
            waiting.append((number, jobs[number].send(passed)))
        except StopIteration as end:
            results[number] = end.value

    for number in range(len(jobs)):
        advance(number, None)
    while waiting:
        batch, waiting[:] = list(waiting), []
        for (number, _), passed in zip(batch, forward([wanted for _, wanted in batch]), strict=True):
            advance(number, passed)
    return [results[number] for number in range(len(jobs))]
