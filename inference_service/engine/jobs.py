"""What the engine runs: generators that yield the forward passes they need.

A job reads as straight-line code; the engine collects the passes that all jobs wait for, runs them
as one batch and sends each job its logits. Closing a generator is how a job is cancelled: nothing
of a step is kept before its frame is committed.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from time import time

import torch

from inference_service.engine.plan import Plan, plan_for
from inference_service.engine.predictions import Kept, Predictions
from inference_service.models.denoiser import Denoiser
from inference_service.sampling import distribution
from inference_service.sampling.sampler import Prediction, Proposal
from inference_service.sessions.collection import Turn
from inference_service.sessions.frame import Change, Draft, Frame, Settings, Summary
from inference_service.sessions.session import Session


@dataclass(frozen=True)
class Forward:
    """A pass that a job waits for: the logits of `positions` of each canvas (two of them with guidance)."""

    denoiser: Denoiser
    canvases: list[list[int]]
    positions: list[int]

    @property
    def tokens(self) -> int:
        return sum(map(len, self.canvases))


@dataclass(frozen=True)
class Passed:
    """What comes back: one float32 tensor [N, V] for each canvas, and the device time in seconds."""

    logits: list[torch.Tensor]
    seconds: float


Job = Generator[Forward, Passed, object]


@dataclass(frozen=True)
class Predicted:
    """A prediction at a revision, and whether it was still at hand."""

    revision: int
    prediction: Prediction
    seconds: float
    cached: bool


def predict(session: Session, revision: int, positions: list[int], cfg_scale: float, denoiser: Denoiser,
            predictions: Predictions) -> Generator[Forward, Passed, Predicted]:
    """The prediction at a revision covering the open positions asked for, computed only if it must be."""
    key = (session.origin.session_id, session.canvas_revision(revision), cfg_scale, denoiser.info)
    kept = predictions.get(key, positions)
    if kept:
        return Predicted(revision, kept.prediction, kept.compute_seconds, cached=True)
    mask = denoiser.info.mask_token
    canvas = [mask if token is None else token for token in session.state(revision).tokens]
    canvases = [canvas]
    if cfg_scale:
        origin = session.origin
        canvases.append([mask if origin.is_given(position) else token for position, token in enumerate(canvas)])
    passed = yield Forward(denoiser, canvases, positions)
    logits = distribution.guide(*passed.logits, cfg_scale) if cfg_scale else passed.logits[0]
    prediction = Prediction(positions, logits)
    predictions.put(key, Kept(prediction, passed.seconds))
    return Predicted(revision, prediction, passed.seconds, cached=False)


def predict_job(session: Session, revision: int, settings: Settings | None, every_position: bool, denoiser: Denoiser,
                predictions: Predictions) -> Generator[Forward, Passed, tuple[Plan, Predicted]]:
    """A prediction by itself, of every open position or of those that the sampler wants, with its plan."""
    plan = plan_for(session, revision, settings, denoiser.info)
    positions = list(plan.region.open) if every_position else plan.wanted()
    return plan, (yield from predict(session, revision, positions, plan.cfg_scale, denoiser, predictions))


def step_job(turn: Turn, denoiser: Denoiser, predictions: Predictions, count: int, settings: Settings | None,
             draft: bool, emit: Callable[[Frame], None]) -> Generator[Forward, Passed, None]:
    """`count` denoising steps (0: until no position is open), each committed, then emitted as a frame."""
    session = turn.session
    while session.state().open:
        plan, predicted = yield from predict_job(session, session.head, settings, draft, denoiser, predictions)
        proposal = plan.propose(predicted.prediction)
        frame = step_frame(session, plan, predicted, proposal)
        if draft:
            frame = replace(frame, draft=draft_of(predicted, list(plan.region.open), plan.forbidden))
        if settings and settings != session.state().settings:
            frame = replace(frame, settings=settings)
        turn.commit(frame)
        emit(frame)
        count -= 1
        if count == 0:
            return


def step_frame(session: Session, plan: Plan, predicted: Predicted, proposal: Proposal) -> Frame:
    """The frame of one step."""
    probabilities = [commit.probability for commit in proposal.commits]
    summary = Summary(
        open_count=len(plan.region.open) - len(proposal.commits),
        forward_count=0 if predicted.cached else 1,
        mean_probability=sum(probabilities) / len(probabilities),
        min_probability=min(probabilities),
        mean_entropy=mean_entropy(predicted.prediction),
        compute_seconds=0.0 if predicted.cached else predicted.seconds,
    )
    changes = [Change(commit.position, commit.token, commit.probability) for commit in proposal.commits]
    return session.step_frame(changes, summary, time(), sampler_state=proposal.state)


def draft_of(predicted: Predicted, positions: list[int], forbidden: tuple[int, ...]) -> Draft:
    """The likeliest allowed token at each of the positions, packed."""
    if not positions:
        return Draft((), (), b"", b"", predicted.revision)
    logits = predicted.prediction.rows(positions)
    p = distribution.p_base(logits)
    tokens = distribution.forbid(logits, forbidden).argmax(-1)
    return Draft(tuple(positions), tuple(tokens.tolist()), _bytes(distribution.probability_of(p, tokens)),
                 _bytes(distribution.entropy(p) / math.log(p.shape[-1])), predicted.revision)


def _bytes(shares: torch.Tensor) -> bytes:
    """Numbers from 0 to 1 as one byte each."""
    return bytes((shares * 255).round().clamp(0, 255).to(torch.uint8).tolist())


def mean_entropy(prediction: Prediction) -> float:
    """Mean entropy of p_base over the prediction's positions, in nats."""
    return distribution.entropy(distribution.p_base(prediction.logits)).mean().item()
