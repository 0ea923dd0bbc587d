"""Attribution by taking away: how much of the target is lost without a source, or without several at once.

A model that knows open positions sees the mask in a source's place, as in any canvas that it was trained on (the
"native" occlusion of masked diffusion). A model that reads from left to right has no such token: the source is hidden
from the attention of all other positions, which keep their places. The last one, which the prediction is read from,
loses its embedding too, because nobody else's attention carries it. Zeiler and Fergus, "Visualizing and Understanding
Convolutional Networks", 2013, for occlusion; forward passes only, nothing is approximated.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import torch

from inference_service.engine.jobs import DeviceWork, Forward, Job
from inference_service.inspection.attribution.question import Part, Question
from inference_service.inspection.attribution.target import Target
from inference_service.models.denoiser import Denoiser
from inference_service.models.from_embeddings import embeddings_of, row_logits

MOST_CANVASES = 64


def ablation(denoiser: Denoiser, question: Question, target: Target, full: float, batch_tokens: int,
             told: Callable[[int], None]) -> Generator[Forward | DeviceWork, Any, list[float]]:
    """The loss of the target without each part of the question, in nats.

    full: the target with everything there. batch_tokens: positions in one pass. told: is called with how many parts
    are done more.
    """
    scores: list[float] = []
    for batch in batches(question.parts, len(question.view.ids), batch_tokens):
        logits = yield from _without(denoiser, question, batch)
        scores += (full - target(logits)).tolist()
        told(len(batch))
    return scores


def batches(items: Sequence, length: int, batch_tokens: int) -> Iterator[Sequence]:
    """Items in as many at a time as canvases of a length go together."""
    size = max(1, min(MOST_CANVASES, batch_tokens // length))
    return (items[start:start + size] for start in range(0, len(items), size))


def _without(denoiser: Denoiser, question: Question, parts: Sequence[Part]) -> Job:
    """Logits [B, V] at the position, each row without one part."""
    ids, mask = question.view.ids, denoiser.info.mask_token
    if not denoiser.info.attention.append_only:
        canvases = [[*ids[:first], *[mask] * count, *ids[first + count:]] for first, count in parts]
        passed = yield Forward(denoiser, canvases, [question.position], question.view.start)
        return torch.cat(passed.logits)
    return (yield DeviceWork(lambda: hidden_logits(denoiser, ids, question.view.row, parts), len(ids) * len(parts)))


@torch.inference_mode()
def hidden_logits(denoiser: Denoiser, ids: Sequence[int], row: int, parts: Sequence[Part]) -> torch.Tensor:
    """Logits [B, V] of a row with the positions of each part hidden from attention."""
    visible = torch.ones(len(parts), len(ids), dtype=torch.bool)
    for number, (first, count) in enumerate(parts):
        visible[number, first:first + count] = False
    embeddings = embeddings_of(denoiser, ids).expand(len(parts), -1, -1)
    return row_logits(denoiser, embeddings * visible[..., None].to(embeddings.device), row, visible)
