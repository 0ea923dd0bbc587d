"""Why a token: what each decided position had to do with its probability, as a job of the engine."""

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch

from inference_service.engine.jobs import DeviceWork, Forward, Job
from inference_service.errors import FailedPrecondition, Internal, InvalidField
from inference_service.inspection.attribution import gradients
from inference_service.inspection.attribution.ablation import ablation, batches
from inference_service.inspection.attribution.question import MOST_STEPS, STEPS, Question, View
from inference_service.inspection.attribution.target import Target
from inference_service.models.denoiser import Denoiser
from inference_service.models.from_embeddings import embeddings_of, row_attention, row_logits
from inference_service.sampling import distribution

log = logging.getLogger(__name__)

BATCH_TOKENS = 4096
CLOSE = 0.01  # of the difference: what integrated gradients may miss before more points are taken
Told = Callable[[int, int], None]  # passes done, and in all


class Unusable(Internal):
    """The numbers that came out mean nothing, such as those that a small number format cannot hold."""

    default_reason = "NUMBERS_LOST"


@dataclass(frozen=True)
class Attribution:
    """The answer. scores: one for each part of the question. target, baseline: in nats; see Target.

    gap: how much of target - baseline the scores' sum misses, as a share of it. device: what did it. seconds: wall
    time. fallback: why it was not done as first tried, empty where it was. notes: what to know of the numbers.
    """

    token: int
    target: float
    scores: tuple[float, ...]
    device: str
    seconds: float
    baseline: float | None = None
    gap: float | None = None
    fallback: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class _Work:
    """What the methods share while one question is answered."""

    denoiser: Denoiser
    question: Question
    told: Told
    batch_tokens: int
    total: int
    done: int = 0
    notes: list[str] = field(default_factory=list)

    def more(self, passes: int) -> None:
        self.done += passes
        self.told(self.done, self.total)


@dataclass(frozen=True)
class _Found:
    token: int
    target: float
    scores: list[float]
    baseline: float | None = None

    @property
    def gap(self) -> float | None:
        """See Attribution; None without a baseline, or where it changes nothing."""
        way = 0.0 if self.baseline is None else self.target - self.baseline
        return abs(sum(self.scores) - way) / abs(way) if way else None


def attribute(denoiser: Denoiser, question: Question, told: Told = lambda done, total: None,
              batch_tokens: int = BATCH_TOKENS) -> Generator[Forward | DeviceWork, Any, Attribution]:
    """A job that answers a question. told: is called on the engine's thread with how far it is.

    batch_tokens: positions in one pass. Raises Unusable where the scores are not finite, or all zero in a number
    format smaller than float32.
    """
    begun = perf_counter()
    work = _Work(denoiser, question, told, batch_tokens, TOTALS[question.method](question))
    work.told(0, work.total)
    found: _Found = yield from METHODS[question.method](work)
    _check(found, work)
    return Attribution(found.token, found.target, tuple(found.scores), denoiser.info.device, perf_counter() - begun,
                       found.baseline, found.gap, notes=tuple(work.notes))


def _check(found: _Found, work: _Work) -> None:
    numbers = torch.tensor([*found.scores, found.target, found.baseline or 0.0], dtype=torch.float64)
    kind = work.denoiser.info.dtype
    if not numbers.isfinite().all():
        raise Unusable(f"the scores are not finite in {kind}")
    if not any(found.scores):
        if kind != "float32":
            raise Unusable(f"every score is zero in {kind}")
        work.notes.append("Every score is zero: nothing that was asked for changes the target.")


# ---- methods ----

def _taken_away(work: _Work) -> Job:
    token, full = yield from _first_look(work)
    target = Target(token, work.question.contrast)
    scores = yield from ablation(work.denoiser, work.question, target, full, work.batch_tokens, work.more)
    if work.denoiser.info.attention.append_only:
        work.notes.append("The model knows no open positions: what is taken away is hidden from attention.")
    return _Found(token, full, scores)


def _attention(work: _Work) -> Job:
    view = work.question.view
    weights, logits = yield _alone(lambda: row_attention(work.denoiser, view.ids, view.row, view.start), len(view.ids))
    token = _token(work, logits)
    work.more(1)
    work.notes.append("Attention is not an explanation: it shows where the model looked, not what made it choose."
                      " It is the same whatever the token.")
    return _Found(token, Target(token)(logits[None]).item(), _at_sources(work, weights))


def _saliency(work: _Work) -> Job:
    token, full, _, found = yield from _one_gradient(work)
    work.notes.append("Saliency has no sign: how much a small change there would matter, not for which side it speaks.")
    return _Found(token, full, _at_sources(work, gradients.saliency(found)))


def _input_x_gradient(work: _Work) -> Job:
    token, full, embeddings, found = yield from _one_gradient(work)
    return _Found(token, full, _at_sources(work, gradients.input_x_gradient(embeddings, found)))


def _integrated(work: _Work) -> Job:
    denoiser, question = work.denoiser, work.question
    view, parts = question.view, [first for first, _ in question.parts]
    token, full = yield from _first_look(work)
    target = Target(token, question.contrast)

    def ends() -> tuple[torch.Tensor, torch.Tensor, float]:
        start = gradients.baseline_of(denoiser, view.ids, parts)
        return start, embeddings_of(denoiser, view.ids), target(_logits(denoiser, start, view)[None]).item()

    start, end, base = yield _alone(ends, len(view.ids))
    work.more(1)
    steps = question.steps or STEPS
    while True:
        whole = torch.zeros_like(start, dtype=torch.float32)
        for batch in batches(gradients.nodes(steps), len(view.ids), work.batch_tokens):
            whole += yield _alone(
                lambda batch=batch: gradients.on_the_way(denoiser, start, end, view.row, batch, target,
                                                          view.start),
                len(view.ids) * len(batch))
            work.more(len(batch))
        found = _Found(token, full, _at_sources(work, ((end.float() - start.float()) * whole).sum(-1)), base)
        near = (found.gap or 0.0) <= CLOSE
        if near or question.steps or steps >= MOST_STEPS:
            break
        steps *= 2
        work.total += steps
    work.notes.append(f"{steps} points on the way." if near else
                      f"{steps} points on the way were too few for the scores to add up within {CLOSE:.0%}.")
    return found


METHODS: dict[str, Callable[[_Work], Job]] = {
    "ablation": _taken_away, "occlusion": _taken_away, "attention": _attention, "saliency": _saliency,
    "input_x_gradient": _input_x_gradient, "integrated_gradients": _integrated,
}
# Passes that each takes.
TOTALS: dict[str, Callable[[Question], int]] = {
    "ablation": lambda question: 1 + len(question.parts), "occlusion": lambda question: 1 + len(question.parts),
    "attention": lambda question: 1, "saliency": lambda question: 2, "input_x_gradient": lambda question: 2,
    "integrated_gradients": lambda question: 2 + (question.steps or STEPS),
}


# ---- what they share ----

def _alone(run: Callable[[], object], tokens: int) -> DeviceWork:
    """Work that looks inside a model, whose class may not let it: that is the model's fault, and no broken device."""
    def guarded() -> object:
        try:
            return run()
        except (AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
            log.exception("a model cannot be looked into")
            raise FailedPrecondition("this kind of model cannot be looked into by this method; take another one",
                                     reason="METHOD_NOT_SUPPORTED") from error
    return DeviceWork(guarded, tokens)


def _first_look(work: _Work) -> Generator[Forward | DeviceWork, Any, tuple[int, float]]:
    """The token explained, and the target with everything there."""
    denoiser, view = work.denoiser, work.question.view
    if not denoiser.info.attention.append_only:
        passed = yield Forward(denoiser, [list(view.ids)], [work.question.position], view.start)
        logits = passed.logits[0][0]
    else:
        logits = yield _alone(lambda: _logits(denoiser, embeddings_of(denoiser, view.ids), view), len(view.ids))
    token = _token(work, logits)
    work.more(1)
    return token, Target(token, work.question.contrast)(logits[None]).item()


def _one_gradient(work: _Work) -> Generator[Forward | DeviceWork, Any, tuple[int, float, torch.Tensor, torch.Tensor]]:
    """The token, the target, the embeddings [L, D] and the target's gradient at them."""
    view = work.question.view
    token, full = yield from _first_look(work)
    target = Target(token, work.question.contrast)

    def run() -> tuple[torch.Tensor, torch.Tensor]:
        embeddings = embeddings_of(work.denoiser, view.ids)
        return embeddings, gradients.gradient(work.denoiser, embeddings[None], view.row, target, view.start)[1][0]

    embeddings, found = yield _alone(run, len(view.ids))
    work.more(1)
    return token, full, embeddings, found


@torch.inference_mode()
def _logits(denoiser: Denoiser, embeddings: torch.Tensor, view: View) -> torch.Tensor:
    return row_logits(denoiser, embeddings[None], view.row, start=view.start)[0]


def _token(work: _Work, logits: torch.Tensor) -> int:
    """The token asked for, or the likeliest that can stand there. Raises InvalidField if that is the contrast."""
    if work.question.token is not None:
        return work.question.token
    token = int(distribution.forbid(logits, work.denoiser.info.forbidden_tokens).argmax())
    if token == work.question.contrast:
        raise InvalidField("contrast", f"must be another token than the one explained; the likeliest there is {token}")
    return token


def _at_sources(work: _Work, values: torch.Tensor) -> list[float]:
    return values.double().cpu()[[first for first, _ in work.question.parts]].tolist()
