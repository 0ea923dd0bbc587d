"""What the engine runs: generators that yield the forward passes they need.

A job reads as straight-line code; the engine collects the passes that all jobs wait for, runs them
as one batch and sends each job its logits. Closing a generator is how a job is cancelled: nothing
of a step is kept before its frame is committed.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from time import perf_counter, time
from typing import Any

import torch

from inference_service.engine.active_constraint import Active
from inference_service.engine.constraining import active
from inference_service.engine.constraint_checking import WITNESS
from inference_service.engine.growing import grown, stop_reason
from inference_service.engine.plan import Plan, plan_for, plan_of, recallable
from inference_service.engine.predictions import Kept, Predictions
from inference_service.engine.reading import Reading, reading_of
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser
from inference_service.models.key_values import Read
from inference_service.sampling import distribution, remasking
from inference_service.sampling.sampler import Prediction, Proposal, Reopen, SamplingContext
from inference_service.sessions.frame import (
    Change,
    ConstraintProgress,
    Draft,
    Frame,
    Settings,
    Summary,
)
from inference_service.sessions.lease import Lease
from inference_service.sessions.session import Session, totalled
from inference_service.sessions.state import State


@dataclass(frozen=True)
class Forward:
    """A pass that a job waits for: the logits of `positions` of each canvas (two of them with guidance).

    start: where the generated part of the canvases starts. key: under which what was computed is kept, "" for not at
    all. reads: what of each canvas is read and not computed, see Denoiser.logits; empty where all is computed.
    """

    denoiser: Denoiser
    canvases: list[list[int]]
    positions: list[int]
    start: int = 0
    key: str = ""
    reads: tuple[Read, ...] = ()

    @property
    def keys(self) -> list[str]:
        """Of each canvas the name under which what was computed of it is kept: each has a text of its own."""
        return [self.key and f"{self.key}/{place}" for place in range(len(self.canvases))]

    @property
    def rebuilds(self) -> bool:
        """Whether what it reads is another canvas's and has to be computed first."""
        return any(read.base != tuple(canvas) and self.denoiser.kept(key, read) is None
                   for canvas, key, read in zip(self.canvases, self.keys, self.reads, strict=bool(self.reads)))

    @property
    def tokens(self) -> int:
        """Rows that go through the body at once."""
        if not self.reads or self.rebuilds or self.reads[0].base == tuple(self.canvases[0]):
            return sum(map(len, self.canvases))
        return sum(end - first for first, end in (read.window for read in self.reads))


@dataclass(frozen=True)
class DeviceWork:
    """Work on the device that is batched with nothing, such as a pass with gradients: what `run` returns is sent back.

    tokens: positions that it takes at once.
    """

    run: Callable[[], object]
    tokens: int = 1


@dataclass(frozen=True)
class Passed:
    """What comes back: one float32 tensor [N, V] for each canvas, and the device time in seconds."""

    logits: list[torch.Tensor]
    seconds: float


# What is sent to it is a Passed, or what its Alone's `run` returned.
Job = Generator[Forward | DeviceWork, Any, Any]


@dataclass(frozen=True)
class Predicted:
    """A prediction at a revision. forwards: the passes it took, 0 when it was still at hand.

    reach: how much of the canvas the model saw, from its start. reading: see engine/reading.py.
    """

    revision: int
    prediction: Prediction
    seconds: float
    forwards: int
    reach: int
    reading: Reading | None = None

    @property
    def cached(self) -> bool:
        return self.forwards == 0


def forward_for(denoiser: Denoiser, state: State, positions: list[int], cfg_scale: float, reach: int | None = None,
                key: str = "", base: State | None = None, window: tuple[int, int] = (0, 0)) -> Forward:
    """The pass over a state's canvas, as far as `reach`; with guidance a second one without the prompt.

    key: see Forward. base: the state whose keys and values are read outside of the window.
    """
    mask = denoiser.info.mask_token or 0  # a model that reads from left to right has none, and does not see it
    reads = [Read(tuple(canvas), window) for canvas in _canvases(base, cfg_scale, reach, mask)] if base else []
    return Forward(denoiser, _canvases(state, cfg_scale, reach, mask), positions, state.start, key, tuple(reads))


def _canvases(state: State, cfg_scale: float, reach: int | None, mask: int) -> list[list[int]]:
    """What the model is shown of a state; with guidance also without the given positions of the prompt."""
    canvas = [mask if token is None else token for token in state.tokens[:reach]]
    if not cfg_scale:
        return [canvas]
    prompt = state.given_in_prompt
    return [canvas, [mask if position in prompt else token for position, token in enumerate(canvas)]]


def logits_of(passed: Passed, cfg_scale: float) -> torch.Tensor:
    """The logits, guided where there is guidance."""
    return distribution.guide(passed.logits[0], passed.logits[1], cfg_scale) if cfg_scale else passed.logits[0]


def predict(session: Session, revision: int, positions: list[int], plan: Plan, denoiser: Denoiser,
            predictions: Predictions, reach: int | None = None, reading: Reading | None = None,
            name: str = "") -> Generator[Forward, Passed, Predicted]:
    """The prediction at a revision covering the positions asked for, computed only if it must be.

    reach: how much of the canvas the model sees, from its start; None shows it all. reading: what is not computed anew.
    name: under which passes keep what they computed, by default the session's.
    """
    state = session.state(revision)
    size = state.size
    reach = size if reach is None else reach
    if not positions:
        nothing = Prediction([], torch.empty(0, denoiser.info.vocabulary_size))
        return Predicted(revision, nothing, 0.0, 0, size)
    cfg_scale = plan.cfg_scale
    key = (session.origin.session_id, session.canvas_revision(revision), cfg_scale, reach, reading, denoiser.info)
    kept = predictions.get(key, positions)
    if kept:
        # Only what was asked for: what else is at hand must not show.
        return Predicted(revision, Prediction(positions, kept.prediction.rows(positions)), kept.compute_seconds, 0,
                         reach, reading)
    name = name or session.origin.session_id
    if reading:
        forward = forward_for(denoiser, state, positions, cfg_scale, reach, f"{name}/{reading}",
                              session.state(reading.revision), reading.window)
    else:
        forward = forward_for(denoiser, state, positions, cfg_scale, reach,
                              name if denoiser.info.attention.settles and plan.policy.keeps else "")
    passes = 1 + forward.rebuilds
    passed = yield forward
    prediction = Prediction(positions, logits_of(passed, cfg_scale))
    predictions.put(key, Kept(prediction, passed.seconds))
    return Predicted(revision, prediction, passed.seconds, passes, reach, reading)


def predict_job(session: Session, revision: int, settings: Settings | None, denoiser: Denoiser,
                predictions: Predictions) -> Generator[Forward, Passed, tuple[Plan, Predicted]]:
    """A prediction by itself, of every open position and of all that the sampler wants, with its plan."""
    plan = plan_for(session, revision, settings, denoiser.info).constrained(denoiser, session.origin.session_id)
    wanted = [] if plan.finished else plan.wanted()
    positions = sorted({*plan.open, *wanted})
    return plan, (yield from predict(session, revision, positions, plan, denoiser, predictions))


def propose_job(session: Session, revision: int, settings: Settings | None, draft: bool, denoiser: Denoiser,
                predictions: Predictions, drawn_at: int | None = None, name: str = "",
                ) -> Generator[Forward, Passed, tuple[Plan, Predicted, Proposal]]:
    """What the sampler would do at a revision, changing nothing; the plan must not be finished.

    draft: every open position is predicted, not only those that the sampler wants; of an approximation those that are
    computed. drawn_at: see plan_for. name: see predict.
    """
    plan = plan_for(session, revision, settings, denoiser.info, drawn_at).constrained(denoiser,
                                                                                     session.origin.session_id)
    reach, positions, info = plan.reach(), plan.wanted(), denoiser.info
    reading = reading_of(session, revision, plan, info)
    if draft:
        beside = reading if reading and reading.revision != session.canvas_revision(revision) else None
        positions = sorted({*positions, *(position for position in plan.open if position < reach and (
            beside is None or beside.covers([position], info)))})
    predicted = yield from predict(session, revision, positions, plan, denoiser, predictions, reach, reading, name)
    prediction, recalled = predicted.prediction, plan.recalls()
    if recalled:
        then, earlier_positions = recalled
        reading = reading_of(session, then, plan_of(session.state(then), then, plan.settings, info), info)
        if reading and not reading.covers(earlier_positions, info):
            reading = None
        earlier = yield from predict(session, then, earlier_positions, plan, denoiser, predictions, reach, reading,
                                     name)
        prediction = replace(prediction, earlier=earlier.prediction)
        predicted = replace(predicted, forwards=predicted.forwards + earlier.forwards)
    return plan, predicted, plan.propose(prediction)


def remask_job(session: Session, revision: int, rho: float, protect_edits: bool, denoiser: Denoiser,
               predictions: Predictions) -> Generator[Forward, Passed, tuple[Predicted, list[Reopen]]]:
    """Every decided position that may be masked again, the one to go first at the front; changes nothing."""
    plan = plan_for(session, revision, None, denoiser.info, session.head)
    positions = plan.context.region.committed(protect_edits)
    # The open ones too: a canvas that is looked at is asked for them next.
    wanted = sorted({*positions, *plan.open}) if rho < 1 else []
    predicted = yield from predict(session, revision, wanted, plan, denoiser, predictions)
    return predicted, remasking.ranked(predicted.prediction, plan.context, positions, rho)


def looking(job: Job, session: Session) -> Job:
    """The job of a call that changes nothing: its passes are counted as the session's, apart from those of its run."""
    passed = None
    try:
        while True:
            wanted = job.send(passed)
            passed = yield wanted
            session.looking_forwards += 1
    except StopIteration as end:
        return end.value
    finally:
        job.close()


def step_job(lease: Lease, denoiser: Denoiser, predictions: Predictions, count: int, settings: Settings | None,
             draft: bool, emit: Callable[[Frame], None]) -> Generator[Forward, Passed, None]:
    """`count` denoising steps (0: until the sampler is finished), each committed, then emitted as a frame."""
    session, base = lease.session, lease.base
    while not plan_for(session, base, settings, denoiser.info, session.head).finished:
        begun = perf_counter()
        plan, predicted, proposal = yield from propose_job(session, base, settings, draft, denoiser, predictions,
                                                           session.head)
        frame = step_frame(session, plan, predicted, proposal, draft, begun, denoiser, base)
        lease.commit(frame)
        emit(frame)
        base = frame.revision
        count -= 1
        if count == 0:
            return


def verify_job(session: Session, frame: Frame, denoiser: Denoiser,
               ) -> Generator[Forward, Passed, list[Change] | None]:
    """What comes of a recorded step when it is computed again; nothing at hand is used.

    None where it went by the prediction of a canvas that was trimmed, or read its keys and values.
    """
    parent, predictions = frame.parent, Predictions(0)
    settings = frame.settings or session.state(parent).settings
    state = session.state(parent)
    if frame.cache_revision is not None and not session.can_tell(frame.cache_revision):
        return None
    if not recallable(session, plan_of(state, parent, settings, denoiser.info, frame.revision - 1)):
        return None
    plan = plan_for(session, parent, settings, denoiser.info, frame.revision - 1).constrained(
        denoiser, session.origin.session_id)
    if plan.finished:
        return []
    try:
        # Keys and values too are computed again: those that the session's own steps left have another name.
        _, _, proposal = yield from propose_job(session, parent, settings, frame.draft is not None, denoiser,
                                                predictions, frame.revision - 1,
                                                f"verify/{session.origin.session_id}")
    except FailedPrecondition as error:
        if error.reason != "CONSTRAINT_STUCK":
            raise
        return []  # what is recorded does not meet its constraint, so no step comes of it
    return sorted(changes_of(proposal), key=lambda change: change.position)


def changes_of(proposal: Proposal) -> list[Change]:
    """What a proposal does to the canvas."""
    told = [*proposal.commits, *proposal.edits]
    return [*(Change(commit.position, commit.token, commit.probability) for commit in told),
            *(Change(reopen.position, None) for reopen in proposal.reopens)]


def step_frame(session: Session, plan: Plan, predicted: Predicted, proposal: Proposal, draft: bool, begun: float,
               denoiser: Denoiser, base: int | None = None) -> Frame:
    """The frame of one step. begun: when it was, by the process's clock. base: the revision that it starts from."""
    base = session.head if base is None else base
    state = session.state(base)
    told = [*proposal.commits, *proposal.edits]
    probabilities = [commit.probability for commit in told if commit.probability is not None]
    taken = 1 if plan.wanted() else 0
    reading = predicted.reading
    late = reading and reading.revision != session.canvas_revision(base)  # read out of its time
    # A draft where the sampler wants nothing, and an earlier prediction that was not at hand any more.
    session.looking_forwards += max(0, predicted.forwards - taken)
    summary = Summary(
        forward_count=taken,
        mean_probability=sum(probabilities) / len(probabilities) if probabilities else None,
        min_probability=min(probabilities, default=None),
        mean_entropy=mean_entropy(predicted.prediction),
        compute_seconds=predicted.seconds,
        approximations=(*(["suffix_window"] if predicted.reach < state.size else []),
                        *([f"{plan.policy.name}_cache"] if late else [])),
        reused_forward_count=max(0, taken - predicted.forwards),
    )
    settings = plan.settings
    frame = session.step_frame(
        changes_of(proposal), summary, time(), base, sampler_state=proposal.state, substep=proposal.substep,
        read_only=proposal.read_only, settings=settings if settings != state.settings else None,
        cache_revision=reading.revision if reading else None,
        draft=_step_draft(plan, predicted) if draft else None)
    if plan.sampler.appends:
        frame = grown(session, frame, plan, denoiser)
    frame = with_pending(session, frame, denoiser)
    left = None if frame.summary.pending else before_end(session, frame, plan)
    summary = replace(frame.summary, tokens_before_end=left, wall_seconds=perf_counter() - begun)
    return replace(frame, summary=totalled(summary, state))


def with_pending(session: Session, frame: Frame, denoiser: Denoiser) -> Frame:
    """A frame about to be committed, with whether its sampler has more to do, and how its constraint stands."""
    after = session.after(frame)
    try:
        plan = plan_of(after, frame.revision, after.settings, denoiser.info)
        pending = not plan.finished
    except (InvalidField, FailedPrecondition):  # another program's: what is left to do is not known
        plan, pending = None, None in after.tokens
    stands = constraint_at(session, after, denoiser)
    progress = stands.progress(after.tokens) if stands else ConstraintProgress.NONE
    summary = replace(frame.summary, pending=pending, constraint=progress)
    if plan and plan.sampler.appends and None not in after.tokens and not summary.stop_reason:
        summary = replace(summary, stop_reason=stop_reason(after.tokens, after.start, plan, denoiser, stands))
    return replace(frame, summary=summary)


def by_hand(session: Session, frame: Frame, denoiser: Denoiser, field: str) -> Frame:
    """A frame that a person's change makes, about to be committed.

    Raises InvalidField, naming `field`, where the text could be completed before and cannot be any more.
    """
    before, after = session.state(frame.parent), session.after(frame)
    known = before.sampler_state.get(WITNESS)
    stands = constraint_at(session, after, denoiser, known)
    if stands:
        if not stands.feasible(after.tokens):
            stood = constraint_at(session, before, denoiser)
            if stood is None or stood.feasible(before.tokens):
                raise InvalidField(field, f"the constraint does not allow it: {stands.refusal}",
                                   reason="CONSTRAINT_VIOLATED")
        if known and stands.rule.keeps_witness:  # it may still agree, and a search may not find it again
            frame = replace(frame, sampler_state={**frame.sampler_state, WITNESS: known})
    return with_pending(session, frame, denoiser)


def constraint_at(session: Session, state: State, denoiser: Denoiser, known: object = None) -> Active | None:
    """The constraint in force at a state. known: a witness that may still hold, the state's own if None."""
    if state.settings.constraint is None:
        return None
    return active(state.settings.constraint, denoiser, state.start, session.origin.session_id,
                  known or state.sampler_state.get(WITNESS))


def before_end(session: Session, frame: Frame, plan: Plan) -> int:
    """How many generated tokens stand before the first that ends the turn or the text."""
    after = session.after(frame)
    generated, ends = after.tokens[after.start:], plan.context.ids.ends
    return next((index for index, token in enumerate(generated) if token in ends), len(generated))


def _step_draft(plan: Plan, predicted: Predicted) -> Draft:
    predicted_open = set(predicted.prediction.positions)
    return draft_of(predicted, [position for position in plan.open if position in predicted_open], plan.context)


def draft_of(predicted: Predicted, positions: list[int], context: SamplingContext) -> Draft:
    """The likeliest token that may stand at each of the positions, packed."""
    if not positions:
        return Draft((), (), b"", b"", predicted.revision)
    logits = predicted.prediction.rows(positions)
    p = distribution.p_base(logits)
    tokens = _allowed(distribution.forbid(logits, context.forbidden), positions, context).argmax(-1)
    return Draft(tuple(positions), tuple(tokens.tolist()), _bytes(distribution.probability_of(p, tokens)),
                 _bytes(distribution.entropy(p) / math.log(p.shape[-1])), predicted.revision)


def _allowed(logits: torch.Tensor, positions: list[int], context: SamplingContext) -> torch.Tensor:
    """Without what the constraint does not let stand, where that is known beforehand."""
    allowed = context.allowed(positions) if context.allowed else None
    return logits if allowed is None else logits.masked_fill(~allowed.to(logits.device), -torch.inf)


def _bytes(shares: torch.Tensor) -> bytes:
    """Numbers from 0 to 1 as one byte each."""
    return bytes((shares * 255).round().clamp(0, 255).to(torch.uint8).tolist())


def mean_entropy(prediction: Prediction) -> float | None:
    """Mean entropy of p_base over the prediction's positions, in nats; None where there are none."""
    if not prediction.positions:
        return None
    return distribution.entropy(distribution.p_base(prediction.logits)).mean().item()
