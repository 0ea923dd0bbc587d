"""A model whose keys and values settle, and those that it has computed already.

What a model keeps of the first positions may depend on them alone: of a causal model on every token, of a block-causal
one on every whole block (`Attention.settled`). So a canvas that agrees with the one before up to some place needs the
pass of what comes behind that alone; one that was taken back or edited is cropped to where it still agrees. The logits
are those of a whole pass.
"""

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from transformers import DynamicCache, PreTrainedModel

from inference_service.errors import InvalidField, ServiceError
from inference_service.models.denoiser import Asked, Denoiser, ModelInfo, padded
from inference_service.models.kept import Kept, kinds_of, steady_length
from inference_service.models.key_values import Read, Together, keeps_all
from inference_service.models.memory import is_out_of_memory
from inference_service.models.shelf import Shelf
from inference_service.models.text import Text

FAILED = "runs without a cache: going on from an earlier pass failed"
log = logging.getLogger(__name__)


class Cached(Denoiser):
    """A Denoiser of a model whose attention settles. Not thread-safe: the thread that owns the device uses it.

    batches: whether canvases of different lengths go together. continues_together: whether those do that go on from
    what is kept.
    """

    def __init__(self, info: ModelInfo, model: PreTrainedModel, text: Text | None = None,
                 shelf: Shelf | None = None):
        super().__init__(info, model, text, shelf)
        self.model = model
        self.batches = True
        self._picks_rows = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._steady = steady_length(model.config, info.context_length)
        self.keep_in(kinds_of(model.config)[0].make, info.cache_note)

    def keep_in(self, make: Callable[[], DynamicCache] | None, note: str = "") -> None:
        """What passes are kept in from now on; None for nothing, and then `note` says why. What was kept is dropped."""
        self._make = make
        # Another implementation takes masks of another kind.
        self.continues_together = self.model.config._attn_implementation == "sdpa" and bool(make) and keeps_all(make())
        self.drop_caches()
        self.info = replace(self.info, cache_note=note)

    @torch.inference_mode()
    def logits(self, canvases: Sequence[Sequence[int]], positions: Sequence[Sequence[int]],
               keys: Sequence[str] = (), starts: Sequence[int] = (),
               reads: Sequence[Read | None] = ()) -> list[torch.Tensor]:
        """Logits of the wanted positions; see Denoiser.logits. What the last of them does not see is not looked at.

        keys: for each canvas a name under which what was computed is kept for the next pass, "" for none. reads: none.
        Raises InvalidField as Denoiser.logits does, and for a position before which nothing stands where that is all
        that is seen.
        """
        self._check(canvases, positions)
        if self.info.attention.append_only and any(0 in wanted for wanted in positions):
            raise InvalidField("positions", "must be 1 or later: a model that reads from left to right needs a token to"
                                            " go by")
        starts = starts or [0] * len(canvases)
        found: dict[int, torch.Tensor] = {}
        alone, going_on = [], []
        for index, (canvas, wanted, start) in enumerate(zip(canvases, positions, starts, strict=True)):
            if not len(wanted):
                found[index] = torch.empty(0, self.info.vocabulary_size)
                continue
            seen = self.in_sight(canvas, wanted, start)
            if keys and keys[index] and self._make and len(seen) <= self._steady:
                going_on.append(Asked(index, seen, wanted, start, keys[index]))
            else:
                alone.append(Asked(index, seen, wanted, start))
        if len(going_on) > 1 and self.continues_together:
            found |= zip([one.index for one in going_on], self.go_on_together(going_on), strict=True)
        else:
            found |= {one.index: self._continued(one) for one in going_on}
        for index, rows in self._apart(alone):
            found[index] = rows
        return [found[index] for index in range(len(canvases))]

    def in_sight(self, canvas: Sequence[int], wanted: Sequence[int], start: int) -> list[int]:
        """The tokens that the wanted positions are predicted from, and perhaps others before them."""
        last = max(wanted)
        if self.info.attention.append_only:  # its own token is not seen
            return list(canvas[:last])
        return list(canvas[:self.info.attention.reach(last, len(canvas), start)])

    def _continued(self, one: Asked) -> torch.Tensor:
        """The rows of a pass that goes on from what is kept; of a whole one where the cache fails in it."""
        try:
            return self.go_on(one.key, list(one.canvas), one.wanted, one.start)
        except (ServiceError, torch.AcceleratorError):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            self.drop_caches()
            (_, rows), = self._apart([one])  # raises what is no fault of the cache
            log.warning("the cache of %s failed; it runs without one from now on", self.info.name, exc_info=error)
            self.keep_in(None, FAILED)
            return rows

    def go_on(self, key: str, tokens: list[int], wanted: Sequence[int], start: int = 0) -> torch.Tensor:
        """The pass of what the cache has not seen, or cannot have seen as it is now."""
        kept, seen = self._resumed(key, tokens, wanted, start)
        mask = self.info.attention.mask([len(tokens)], [start], self.device)
        logits, = self._pass(torch.tensor([tokens[seen:]], device=self.device),
                             [[row - seen for row in self._rows(wanted)]],
                             attention_mask=None if mask is None else mask[:, :, seen:], past_key_values=kept.cache,
                             use_cache=True)
        kept.tokens = tokens
        self.shelf.put(self.info.load_number, key, kept)
        return logits

    def go_on_together(self, asked: Sequence[Asked]) -> list[torch.Tensor]:
        """The same for several canvases in one pass."""
        resumed = [self._resumed(one.key, list(one.canvas), one.wanted, one.start) for one in asked]
        firsts, sizes = [seen for _, seen in resumed], [len(one.canvas) for one in asked]
        ids = padded([one.canvas[seen:] for one, seen in zip(asked, firsts, strict=True)], self.device)
        # What stands in the padding is at the last place, and sees what that one sees.
        places = [[min(first + row, size - 1) for row in range(ids.shape[1])]
                  for first, size in zip(firsts, sizes, strict=True)]
        reach = torch.tensor([[self.info.attention.reach(place, size, one.start) for place in row]
                              for row, size, one in zip(places, sizes, asked, strict=True)], device=self.device)
        rows = [[row - seen for row in self._rows(one.wanted)] for one, seen in zip(asked, firsts, strict=True)]
        found = self._pass(ids, rows, position_ids=torch.tensor(places, device=self.device),
                           attention_mask=(torch.arange(max(sizes), device=self.device) < reach[..., None])[:, None],
                           past_key_values=Together([kept.cache for kept, _ in resumed], firsts, sizes), use_cache=True)
        for one, (kept, _) in zip(asked, resumed, strict=True):
            kept.tokens = list(one.canvas)
            self.shelf.put(self.info.load_number, one.key, kept)
        return found

    def _resumed(self, key: str, tokens: list[int], wanted: Sequence[int], start: int) -> tuple[Kept, int]:
        """What is kept of some tokens, cropped to where it holds and off the shelf; and how many it has of them."""
        assert self._make is not None  # who calls this has looked
        kept = self.shelf.take(self.info.load_number, key) or Kept([], self._make(), start)
        if kept.start != start:  # blocks may be counted from there
            kept = Kept([], self._make(), start)
        settled = self.info.attention.settled(_common(kept.tokens, tokens), start)
        seen = min(settled, *self._rows(wanted))
        if seen < len(kept.tokens):
            try:
                kept.cache.crop(seen - len(kept.tokens))
            except (ValueError, RuntimeError):  # a window that slides has lost what stood before it
                kept, seen = Kept([], self._make(), start), 0
        return kept, seen

    def _apart(self, asked: Sequence[Asked]) -> Iterator[tuple[int, torch.Tensor]]:
        """Passes of whole canvases, together where their lengths do not matter to each other; each with its index."""
        groups: dict[int, list[Asked]] = {}
        for one in asked:
            length = len(one.canvas)
            groups.setdefault(0 if self.batches and length <= self._steady else length, []).append(one)
        for group in groups.values():
            yield from zip([one.index for one in group], self._whole(group), strict=True)

    def _pass(self, ids: torch.Tensor, rows: Sequence[Sequence[int]], **more) -> list[torch.Tensor]:
        if not self.info.attention.append_only:
            return super()._pass(ids, rows, **more)
        # Through the whole model: the head of a causal one may scale or cap its logits.
        union = sorted({row for each in rows for row in each})
        place = {row: index for index, row in enumerate(union)}
        if self._picks_rows:
            more["logits_to_keep"] = torch.tensor(union, device=ids.device)
            logits = self.model(input_ids=ids, **more).logits.float()
        else:
            logits = self.model(input_ids=ids, **more).logits[:, union].float()
        return [logits[index, [place[row] for row in each]] for index, each in enumerate(rows)]


def _common(one: list[int], other: list[int]) -> int:
    """How many tokens at the start two lists share."""
    length = min(len(one), len(other))
    return next((index for index in range(length) if one[index] != other[index]), length)
