"""What an attribution is asked, checked against a canvas. Positions and token ids only; nothing goes through text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import ModelInfo

METHODS = ("ablation", "occlusion", "attention", "saliency", "input_x_gradient", "integrated_gradients")
WINDOW, MOST_WINDOW = 4, 64
STEPS, LEAST_STEPS, MOST_STEPS = 32, 2, 512

Part = tuple[int, int]  # its first position, and how many


@dataclass(frozen=True)
class View:
    """What the model sees when a position is to be explained.

    ids: the canvas with the position open, or, for a model that reads from left to right, what stands before it.
    row: of the body's output, which the prediction is read from. sources: decided positions among them.
    start: where the generated part of the canvas starts.
    """

    ids: tuple[int, ...]
    row: int
    sources: tuple[int, ...]
    start: int = 0


@dataclass(frozen=True)
class Question:
    """Why a token, and perhaps not another, is at a position.

    token: None takes the likeliest. contrast: the token that it is compared with, or None. method: one of METHODS.
    parts: what is answered for, in order. steps: points of integrated gradients, 0 for as many as it takes.
    """

    view: View
    position: int
    token: int | None
    contrast: int | None
    method: str
    parts: tuple[Part, ...]
    steps: int = 0


def question(tokens: Sequence[int | None], info: ModelInfo, position: int, token: int | None = None,
             contrast: int | None = None, method: str = "ablation", sources: Sequence[int] = (),
             spans: Sequence[Part] = (), window: int = 0, steps: int = 0, start: int = 0) -> Question:
    """The question about a canvas, None where it is open, with its generated part from `start` on.

    Zeros and empty lists take what is usual.

    Raises InvalidField, or FailedPrecondition where nothing decided is in sight.
    """
    view = seen(tokens, info, position, start)
    token = tokens[position] if token is None else token
    for field, id in (("token", token), ("contrast", contrast)):
        _check_token(field, id, info)
    if contrast is not None and contrast == token:
        raise InvalidField("contrast", f"must be another token than the one explained; both are {token}")
    if contrast is not None and method == "attention":
        raise InvalidField("contrast", "must be left out with attention, which is the same whatever the token")
    for field, given, needs in (("spans", spans, "occlusion"), ("window", window, "occlusion"),
                                ("steps", steps, "integrated_gradients")):
        if given and method != needs:
            raise InvalidField(field, f"must be left out with {method}; {needs} takes it")
    if window and spans:
        raise InvalidField("window", "must be left out with spans")
    if window > MOST_WINDOW:
        raise InvalidField("window", f"must be from 1 to {MOST_WINDOW}, or 0 for {WINDOW}; got {window}")
    if steps and not LEAST_STEPS <= steps <= MOST_STEPS:
        raise InvalidField("steps", f"must be from {LEAST_STEPS} to {MOST_STEPS}, or 0 for as many as it"
                                    f" takes; got {steps}")
    if sources and spans:
        raise InvalidField("sources", "must be left out with spans")
    asked = _asked(sources, tokens, view, position)
    parts = (_spans(spans, tokens, view, position) if spans else windows(asked, window or WINDOW)
             if method == "occlusion" else tuple((source, 1) for source in asked))
    return Question(view, position, token, contrast, method, parts, steps)


def seen(tokens: Sequence[int | None], info: ModelInfo, position: int, start: int) -> View:
    """What the model sees when it predicts a position. Raises InvalidField or FailedPrecondition."""
    size, attention = len(tokens), info.attention
    least = 1 if attention.append_only else 0
    if not least <= position < size:
        why = ", as the model reads from left to right and needs something to read" if least else ""
        raise InvalidField("position", f"must be from {least} to {size - 1}{why}; got {position}")
    row = attention.row(position, info.shifted)
    if attention.append_only:
        shown = tuple(tokens[:position])
        if None in shown:
            raise InvalidField("position", f"must have no open position before it; {shown.index(None)} is open")
    else:
        shown = tuple(None if place == position else token
                      for place, token in enumerate(tokens[:attention.reach(position, size, start)]))
    sources = tuple(place for place, token in enumerate(shown) if token is not None)
    if not sources:
        raise FailedPrecondition("nothing but the position itself is decided, so nothing can have spoken for a token",
                                 reason="NO_SOURCES")
    mask = info.mask_token or 0  # open positions are seen by models alone that have one
    return View(tuple(mask if token is None else token for token in shown), row, sources, start)


def windows(sources: Sequence[int], width: int) -> tuple[Part, ...]:
    """Every run of `width` neighbours among ascending positions; a shorter run between gaps is one by itself."""
    parts, start = [], 0
    ends = [index for index, (one, next) in enumerate(pairwise(sources)) if next != one + 1]
    for end in [*ends, len(sources) - 1]:
        run = sources[start:end + 1]
        taken = min(width, len(run))
        parts += [(first, taken) for first in run[:len(run) - taken + 1]]
        start = end + 1
    return tuple(parts)


def _check_token(field: str, id: int | None, info: ModelInfo) -> None:
    if id is None:
        return
    if not 0 <= id < info.vocabulary_size:
        raise InvalidField(field, f"token ids of {info.name!r} run from 0 to {info.vocabulary_size - 1}; got {id}")
    if id in info.barred_tokens:
        what = "the mask id" if id == info.mask_token else "an id without a token"
        raise InvalidField(field, f"must be a token that can stand there; {id} is {what}, which is never generated")


def _asked(sources: Sequence[int], tokens: Sequence[int | None], view: View, position: int) -> tuple[int, ...]:
    """The sources asked for, ascending; all of them where none is named."""
    if not sources:
        return view.sources
    twice = next((source for source, count in Counter(sources).items() if count > 1), None)
    if twice is not None:
        raise InvalidField("sources", f"each may be named once; {twice} is there twice")
    for source in sources:
        _check_source("sources", source, tokens, view, position)
    return tuple(sorted(sources))


def _spans(spans: Sequence[Part], tokens: Sequence[int | None], view: View, position: int) -> tuple[Part, ...]:
    ordered, end = sorted(spans), 0
    for first, count in ordered:
        if not 1 <= count <= len(tokens):
            raise InvalidField("spans.count", f"must be from 1 to {len(tokens)}; got {count}")
        if first < end:
            raise InvalidField("spans.position", f"spans must not overlap; the one before ends at {end - 1}, this one"
                                                 f" begins at {first}")
        end = first + count
        for source in range(first, end):
            _check_source("spans", source, tokens, view, position)
    return tuple(ordered)


def _check_source(field: str, source: int, tokens: Sequence[int | None], view: View, position: int) -> None:
    if not 0 <= source < len(tokens):
        raise InvalidField(field, f"positions run from 0 to {len(tokens) - 1}; got {source}")
    if source == position:
        raise InvalidField(field, f"position {source} is the one that is explained")
    if source >= len(view.ids):
        raise InvalidField(field, f"the model sees positions 0 to {len(view.ids) - 1} from there; got {source}")
    if tokens[source] is None:
        raise InvalidField(field, f"position {source} is open; only what is decided can have spoken for a token")
