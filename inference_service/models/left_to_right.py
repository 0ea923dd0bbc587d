"""A model that reads from left to right, and the attention keys and values it has computed already.

What could stand at a position follows from what stands before it, so a canvas that grew by a token needs the pass of
that token alone; one that was taken back is cropped to where it still agrees. The logits are those of a whole pass.
"""

import inspect
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from transformers import DynamicCache, PreTrainedModel

from inference_service.errors import InvalidField, ServiceError
from inference_service.models.denoiser import Denoiser, ModelInfo, padded
from inference_service.models.kept import Kept, kinds_of, steady_length
from inference_service.models.memory import is_out_of_memory
from inference_service.models.text import Text

CACHE_BYTES = 1 << 30
FAILED = "runs without a cache: going on from an earlier pass failed"
log = logging.getLogger(__name__)


class LeftToRight(Denoiser):
    """A Denoiser of a causal model. Not thread-safe: the thread that owns the device uses it.

    cache_bytes: what the caches of all keys may take; those not used for longest go first.
    batches: whether texts of different lengths go together.
    """

    def __init__(self, info: ModelInfo, model: PreTrainedModel, text: Text | None = None,
                 cache_bytes: int = CACHE_BYTES):
        super().__init__(info, model, text)
        self.model = model
        self.batches = True
        self._budget = cache_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._picks_rows = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._steady = steady_length(model.config, info.context_length)
        self._make: Callable[[], DynamicCache] | None = kinds_of(model.config)[0].make

    def keep_in(self, make: Callable[[], DynamicCache] | None, note: str = "") -> None:
        """What passes are kept in from now on; None for nothing, and then `note` says why. What was kept is dropped."""
        self._make = make
        self._kept.clear()
        self.info = replace(self.info, cache_note=note)

    @torch.inference_mode()
    def logits(self, canvases: Sequence[Sequence[int]], positions: Sequence[Sequence[int]],
               keys: Sequence[str] = (), starts: Sequence[int] = ()) -> list[torch.Tensor]:
        """Logits of the wanted positions; see Denoiser.logits. What stands at and behind the last of them is not seen.

        keys: for each canvas a name under which what was computed is kept for the next pass, "" for none.
        Raises InvalidField as Denoiser.logits does, and for position 0, before which nothing stands.
        """
        self._check(canvases, positions)
        if any(0 in wanted for wanted in positions):
            raise InvalidField("positions", "must be 1 or later: a model that reads from left to right needs a token to"
                                            " go by")
        found: dict[int, torch.Tensor] = {}
        alone = []
        for index, (canvas, wanted) in enumerate(zip(canvases, positions, strict=True)):
            if not len(wanted):
                found[index] = torch.empty(0, self.info.vocabulary_size)
            elif keys and keys[index] and self._make and max(wanted) <= self._steady:
                found[index] = self._continued(keys[index], list(canvas[:max(wanted)]), wanted)
            else:
                alone.append(index)
        for index, rows in zip(alone, self._whole([canvases[i] for i in alone], [positions[i] for i in alone]),
                               strict=True):
            found[index] = rows
        return [found[index] for index in range(len(canvases))]

    def _continued(self, key: str, tokens: list[int], wanted: Sequence[int]) -> torch.Tensor:
        """The rows of a pass that goes on from what is kept; of a whole one where the cache fails in it."""
        try:
            return self.go_on(key, tokens, wanted)
        except (ServiceError, torch.AcceleratorError):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            self._kept.clear()
            rows, = self._whole([tokens], [wanted])  # raises what is no fault of the cache
            log.warning("the cache of %s failed; it runs without one from now on", self.info.name, exc_info=error)
            self.keep_in(None, FAILED)
            return rows

    def go_on(self, key: str, tokens: list[int], wanted: Sequence[int]) -> torch.Tensor:
        """The pass of what the cache has not seen."""
        assert self._make is not None  # who calls this has looked
        kept = self._kept.pop(key, None) or Kept([], self._make())
        seen = min(_common(kept.tokens, tokens), min(wanted) - 1)
        if seen < len(kept.tokens):
            try:
                kept.cache.crop(seen - len(kept.tokens))
            except (ValueError, RuntimeError):  # a window that slides has lost what stood before it
                kept, seen = Kept([], self._make()), 0
        rows = [position - 1 - seen for position in wanted]
        logits = self._pass(torch.tensor([tokens[seen:]], device=self.device), rows, past_key_values=kept.cache,
                            use_cache=True)
        kept.tokens = tokens
        self._keep(key, kept)
        return logits[0]

    def drop_caches(self) -> int:
        size = sum(one.size for one in self._kept.values())
        self._kept.clear()
        return size

    def _keep(self, key: str, kept: Kept) -> None:
        self._kept[key] = kept
        total = sum(one.size for one in self._kept.values())
        while total > self._budget:
            _, dropped = self._kept.popitem(last=False)
            total -= dropped.size

    def _whole(self, canvases, positions) -> list[torch.Tensor]:
        """The passes of whole canvases, together where their lengths do not matter to each other."""
        groups: dict[int, list[int]] = {}
        for index, wanted in enumerate(positions):
            length = max(wanted)
            groups.setdefault(0 if self.batches and length <= self._steady else length, []).append(index)
        found: dict[int, torch.Tensor] = {}
        for group in groups.values():
            rows = self._together([canvases[index] for index in group], [positions[index] for index in group])
            for index, part in zip(group, rows, strict=True):
                found[index] = part
        return [found[index] for index in range(len(canvases))]

    def _together(self, canvases, positions) -> list[torch.Tensor]:
        """One pass, up to the last position that any of them wants."""
        cut = [list(canvas[:max(wanted)]) for canvas, wanted in zip(canvases, positions, strict=True)]
        ids = padded(cut, self.device)
        mask = self.info.attention.mask([len(canvas) for canvas in cut], [0] * len(cut), self.device)
        rows = sorted({position - 1 for wanted in positions for position in wanted})
        place = {row: index for index, row in enumerate(rows)}
        logits = self._pass(ids, rows, attention_mask=mask, use_cache=False)
        return [logits[index, [place[position - 1] for position in wanted]] for index, wanted in enumerate(positions)]

    def _pass(self, ids: torch.Tensor, rows: list[int], **more) -> torch.Tensor:
        """Logits float32 [batch, len(rows), V] of some rows. The model's own head, which may scale or cap them."""
        if self._picks_rows:
            more["logits_to_keep"] = torch.tensor(rows, device=ids.device)
            return self.model(input_ids=ids, **more).logits.float()
        return self.model(input_ids=ids, **more).logits[:, rows].float()


def _common(one: list[int], other: list[int]) -> int:
    """How many tokens at the start two lists share."""
    length = min(len(one), len(other))
    return next((index for index in range(length) if one[index] != other[index]), length)
