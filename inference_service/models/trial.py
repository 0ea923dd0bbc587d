"""A model is tried the way it will be used before anybody may use it.

Two texts of different length, alone and in one batch; of a model that reads from left to right also whether it does,
and whether going on from an earlier pass gives what a whole pass gives: grown by a token and by several, taken back,
changed. Of one that attends from block to block the same, block by block.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import torch

from inference_service.errors import DataLoss, FailedPrecondition, ServiceError
from inference_service.models.cached import Cached
from inference_service.models.denoiser import Asked, Denoiser, ModelInfo
from inference_service.models.kept import CacheKind, kinds_of, steady_length
from inference_service.models.key_values import Read
from inference_service.models.memory import is_out_of_memory

log = logging.getLogger(__name__)

# Passes of different shape sum in different order. What that may change, as a share of the logits' own spread over the
# vocabulary, follows from the number format: float32 keeps 24 bits, float16 11, bfloat16 8. Through many layers a few
# times the last bit add up; a cache that is wrong changes the logits by about their whole spread.
TOLERANCE = {"float32": 1e-3, "float16": 0.03, "bfloat16": 0.15}
_SHORT = 24
_LONGEST = 1100
# Weights times positions of a pass that takes seconds.
_WORK = {"cpu": 1e11, "cuda": 1e13}
_KEY = "trial"

NOT_RIGHT = "runs without a cache: going on from an earlier pass gave other logits than a whole pass"
NOT_TAKEN = "runs without a cache: its class cannot go on from an earlier pass"
STATE = "runs without a cache: it keeps a state that runs along and cannot be taken back"
TOO_LONG = "runs without a cache: its window of {window} positions is longer than what was tried"
TOO_SHORT = "runs without a cache: its context is too short to try one"
SCALED = "keeps nothing of a canvas of more than {steady} positions: from there on its length changes every logit"


def trial(denoiser: Denoiser, report: Callable[[], None]) -> None:
    """Raises DataLoss or FailedPrecondition where the model must not be used; decides what a causal one is kept in.

    report: called before each pass; raises to give up.
    """
    with torch.inference_mode():
        if denoiser.info.attention.append_only:
            _try_left_to_right(cast(Cached, denoiser), report)
            return
        _try_both_ways(denoiser, report)
        if not denoiser.info.attention.settles:
            _try_windows(denoiser, report)
        if denoiser.info.attention.settles:
            _try_blocks(cast(Cached, denoiser), report)


def _try_both_ways(denoiser: Denoiser, report: Callable[[], None]) -> None:
    length = min(_SHORT, denoiser.info.context_length)
    one, two = _texts(denoiser.info.vocabulary_size, length, length // 2)
    wanted = [sorted({0, len(text) // 2, len(text) - 1}) for text in (one, two)]
    alone = [_rows(denoiser, text, rows, report) for text, rows in zip((one, two), wanted, strict=True)]
    report()
    together = denoiser.logits([one, two], wanted)
    if _off(together, alone) > TOLERANCE[denoiser.info.dtype]:
        raise FailedPrecondition("the model's logits change with what stands beside a canvas in a batch",
                                 reason="UNSUPPORTED_CHECKPOINT")


def _try_windows(denoiser: Denoiser, report: Callable[[], None]) -> None:
    """Whether rows computed beside the kept keys and values of the same canvas are those of a whole pass."""
    info = denoiser.info
    length = min(_SHORT, info.context_length)
    canvas, _ = _texts(info.vocabulary_size, length, length)
    window = (length // 4, max(length // 2, length // 4 + 1))
    wanted = [place for place in range(length) if window[0] <= info.attention.row(place, info.shifted) < window[1]]
    whole = _rows(denoiser, canvas, wanted, report)
    read = Read(tuple(canvas), window)
    asked = Asked(0, canvas, wanted, 0, _KEY, read)
    report()
    right = False
    with _able(denoiser, "reads no keys and values"):
        anew = denoiser.logits([canvas], [wanted], [_KEY], reads=[read])
        beside = denoiser.windows([asked], {0: denoiser.kept(_KEY, read)})
        right = _off([*anew, *beside], [whole, whole]) <= TOLERANCE[info.dtype]
    denoiser.drop_caches()
    if not right:
        denoiser.info = replace(info, cache_note=NOT_RIGHT)


def _try_blocks(denoiser: Cached, report: Callable[[], None]) -> None:
    """Whether blocks go on from each other as a session does: one is decided, then the next; changed; taken back."""
    info, block, mask = denoiser.info, denoiser.info.attention.block_size, denoiser.info.mask_token or 0
    length = 3 * block
    if length > min(info.context_length, _affordable(info)):
        denoiser.keep_in(None, TOO_LONG.format(window=block))
        return
    text, other = _texts(info.vocabulary_size, length, block + block // 2)
    end = [*range(2 * block, length)]
    way = [
        ([*text[:block], *[mask] * (2 * block)], [*range(block, 2 * block)]),
        ([*text[:2 * block], *[mask] * block], end),
        ([*text[:block], *other[block:2 * block], *[mask] * block][:length], end),
        ([*text[:block], *[mask] * (2 * block)], [2 * block - 1]),
        ([*text[:2 * block], *[mask] * (block - 1), text[-1]], end),
    ]
    denoiser.keep_in(None)
    expected = []
    for canvas, wanted in way:
        report()
        expected += denoiser.logits([canvas], [wanted], starts=[block])
    for kind in kinds_of(denoiser.model.config):
        denoiser.keep_in(kind.make)
        off = 0.0
        for (canvas, wanted), rows in zip(way, expected, strict=True):
            report()
            off = max(off, _off([denoiser.go_on(_KEY, denoiser.in_sight(canvas, wanted, block), wanted, block)],
                                [rows]))
        if off <= TOLERANCE[info.dtype]:
            denoiser.keep_in(kind.make)
            _try_going_on_together(denoiser, [(*way[0], *way[1]), (*way[0], *way[2])], expected[1:3], report, block)
            return
    denoiser.keep_in(None, NOT_RIGHT)


def _try_going_on_together(denoiser: Cached, texts: Sequence[tuple[list[int], list[int], list[int], list[int]]],
                           expected: Sequence[torch.Tensor], report: Callable[[], None], start: int = 0) -> None:
    """Whether texts that go on from what is kept may do so in one pass.

    texts: of each a canvas with positions to begin with, then one with positions whose rows are `expected`.
    """
    if not denoiser.continues_together:
        return
    keys, starts = [f"{_KEY} {number}" for number in range(len(texts))], [start] * len(texts)
    right = False
    with _able(denoiser, "takes turns: several texts do not go on in one pass"):
        report()
        denoiser.logits([canvas for canvas, *_ in texts], [wanted for _, wanted, *_ in texts], keys, starts)
        report()
        found = denoiser.logits([canvas for *_, canvas, _ in texts], [wanted for *_, wanted in texts], keys, starts)
        right = _off(found, expected) <= TOLERANCE[denoiser.info.dtype]
    denoiser.drop_caches()
    denoiser.continues_together = right


def _try_left_to_right(denoiser: Cached, report: Callable[[], None]) -> None:
    info, tolerance = denoiser.info, TOLERANCE[denoiser.info.dtype]
    kinds = kinds_of(denoiser.model.config)
    length, changed = _lengths(denoiser, kinds[0].window)
    if length < 1:
        raise DataLoss("config.json gives the model a single position, and what stands at the first is never predicted",
                       reason="IMPLAUSIBLE_CONFIG")
    one, two = _texts(info.vocabulary_size, length, changed)
    wanted = _wanted(len(one), changed), _wanted(len(two), changed)
    denoiser.keep_in(None)
    alone = [_rows(denoiser, [*text, 0], rows, report) for text, rows in zip((one, two), wanted, strict=True)]
    before = sum(row <= changed for row in wanted[0])
    if before and _off([alone[0][:before]], [alone[1][:before]]) > tolerance:
        raise FailedPrecondition("what stands behind a position changes its logits: this model does not read from left"
                                 " to right, and this server knows no mask to decode it with",
                                 reason="UNSUPPORTED_CHECKPOINT")
    report()
    denoiser.batches = _batches(denoiser, one, two, wanted, alone, tolerance)
    denoiser.keep_in(*_kind(denoiser, kinds, (one, two), changed, report))
    canvases = [[*text, 0] for text in (one, two)]
    _try_going_on_together(denoiser, [(canvas[:places[0] + 1], places[:1], canvas, places[-1:])
                                      for canvas, places in zip(canvases, wanted, strict=True)],
                           [rows[-1:] for rows in alone], report)


@contextmanager
def _able(denoiser: Denoiser, otherwise: str) -> Iterator[None]:
    """A block that a model's class may be unable to do, which is not an error: `otherwise` is logged."""
    try:
        yield
    except (ServiceError, torch.AcceleratorError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        log.info("%s %s", denoiser.info.name, otherwise, exc_info=error)


def _affordable(info: ModelInfo) -> int:
    """Positions of a pass that takes seconds."""
    work = _WORK["cpu" if info.device == "cpu" else "cuda"]
    return min(_LONGEST, int(work / max(info.parameter_count, 1)))


def _lengths(denoiser: Cached, window: int) -> tuple[int, int]:
    """How long the texts are, and where they part: behind the window, where that is affordable."""
    info = denoiser.info
    affordable = _affordable(info)
    most = min(info.context_length - 1, steady_length(denoiser.model.config, info.context_length))
    length = min(most, max(window + 10 if window + 10 <= affordable else 0, _SHORT))
    return length, max(length - 8, 0)


def _texts(vocabulary: int, length: int, changed: int) -> tuple[list[int], list[int]]:
    """Two texts that part after `changed` tokens, the other one shorter where there is room."""
    one = [(7919 * place * place + 31 * place + 5) % vocabulary for place in range(length)]
    two = [*one[:changed], *((token + 1 + vocabulary // 2) % vocabulary for token in one[changed:])]
    return one, two[:max(length - 3, changed + 1, 1)]


def _wanted(length: int, changed: int) -> list[int]:
    """Positions whose logits are compared, some before the texts part and all behind."""
    return sorted({place for place in (2, changed // 2, changed) if 1 <= place <= changed}
                  | set(range(changed + 1, length + 1)))


def _rows(denoiser: Denoiser, canvas: Sequence[int], wanted: Sequence[int], report: Callable[[], None]) -> torch.Tensor:
    """The logits of a canvas by itself. Raises DataLoss where one is not finite, or where they are not one for each id.
    """
    report()
    rows, = denoiser.logits([canvas], [wanted])
    if rows.shape[-1] != denoiser.info.vocabulary_size:
        raise DataLoss(f"config.json makes a vocabulary of {denoiser.info.vocabulary_size}, and the model's logits are"
                       f" {rows.shape[-1]}", reason="SHAPE_MISMATCH")
    if not bool(torch.isfinite(rows).all()):
        told = "load it as float32" if denoiser.info.dtype == "float16" else "its config.json or weights are damaged"
        raise DataLoss(f"the model's logits are not finite in {denoiser.info.dtype}, though each weight is; {told}",
                       reason="LOGITS_NOT_FINITE")
    return rows


def _off(found: Sequence[torch.Tensor], expected: Sequence[torch.Tensor]) -> float:
    """How far rows are from what they should be, the mean over them, in units of the spread of each.

    The mean: in a mixture of experts rounding may send a token elsewhere, which changes its row alone.
    """
    shares = []
    for have, want in zip(found, expected, strict=True):
        spread = (want - want.mean(-1, keepdim=True)).pow(2).mean(-1).sqrt()
        shares.append((have - want).pow(2).mean(-1).sqrt() / spread.clamp_min(1e-9))
    off = torch.cat(shares).mean().item()
    return off if off == off else float("inf")


def _batches(denoiser: Cached, one, two, wanted, alone, tolerance: float) -> bool:
    """Whether texts of different lengths may go together."""
    with _able(denoiser, "takes no texts of different lengths in a batch"):
        return _off(denoiser.logits([[*one, 0], [*two, 0]], wanted), alone) <= tolerance
    return False


def _kind(denoiser: Cached, kinds: Sequence[CacheKind], texts: tuple[list[int], list[int]], changed: int,
          report: Callable[[], None]) -> tuple[Callable | None, str]:
    """What to keep passes in, and what is to be said of it."""
    info, config = denoiser.info, denoiser.model.config
    if getattr(denoiser.model, "_is_stateful", False):
        return None, STATE
    if changed < 4:
        return None, TOO_SHORT
    way, expected = _way(denoiser, texts, changed, report)
    why = NOT_TAKEN
    for kind in kinds:
        if kind.window > changed:
            why = TOO_LONG.format(window=kind.window)
            continue
        off = None
        with _able(denoiser, "fails with a kind of cache"):
            off = _off_when_kept(denoiser, kind, way, expected, report)
        if off is None:
            continue
        if off <= TOLERANCE[info.dtype]:
            steady = steady_length(config, info.context_length)
            return kind.make, SCALED.format(steady=steady) if steady < info.context_length else ""
        why = NOT_RIGHT
    return None, why


def _way(denoiser: Cached, texts: tuple[list[int], list[int]], changed: int, report: Callable[[], None]):
    """Canvases and positions as a session asks for them in turn, and the rows that whole passes have there."""
    one, two = ([*text, 0] for text in texts)
    end, other = len(one) - 1, len(two) - 1
    way = [
        (one, [end - 3]), (one, [end - 2]), (one, [end - 1, end]),  # read, grown by a token, by two
        (two, list(range(changed + 1, other + 1))),  # taken back to where it parts, and changed
        (two, [other]),  # its last token once more
        (one, [3]), (one, [changed, changed + 1]),  # taken back nearly to its start, and gone on from there
    ]
    rows = {}
    for text in (one, two):
        places = sorted({place for canvas, wanted in way if canvas is text for place in wanted})
        found = _rows(denoiser, text, places, report)
        rows |= {(id(text), place): row for place, row in zip(places, found, strict=True)}
    return way, [torch.stack([rows[id(canvas), place] for place in wanted]) for canvas, wanted in way]


def _off_when_kept(denoiser: Cached, kind: CacheKind, way, expected: Sequence[torch.Tensor],
                   report: Callable[[], None]) -> float:
    """How far from whole passes those are that go on from each other."""
    denoiser.keep_in(kind.make)
    off = 0.0
    for (canvas, wanted), rows in zip(way, expected, strict=True):
        report()
        off = max(off, _off([denoiser.go_on(_KEY, canvas[:max(wanted)], wanted)], [rows]))
    return off
