"""Keys and values of a whole canvas, and passes that read them beside rows of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer


@dataclass(frozen=True)
class Read:
    """What a pass reads. base: the canvas whose keys and values they are. window: the rows (first, end) that go through
    the body instead, and are read as they are now.
    """

    base: tuple[int, ...]
    window: tuple[int, int]


@dataclass(frozen=True)
class KeyValues:
    """What the layers keep of one canvas. layers: keys and values, each [H, L, D], of every layer.

    Rows that a pass alone computes anew are written over: nobody reads them before they are written again.
    """

    tokens: tuple[int, ...]
    layers: list[tuple[torch.Tensor, torch.Tensor]]

    @property
    def size(self) -> int:
        """Bytes on the device."""
        return sum(part.numel() * part.element_size() for layer in self.layers for part in layer)


def taken(cache: DynamicCache, canvases: Sequence[Sequence[int]]) -> list[KeyValues]:
    """What a pass of canvases, padded on the right, has left in a cache, of each its own."""
    layers = [(layer.keys, layer.values) for layer in cast(list[DynamicLayer], cache.layers)]
    part = (lambda whole, index, size: whole[index, :, :size]) if len(canvases) == 1 else (
        lambda whole, index, size: whole[index, :, :size].clone())  # so that each is free without the others
    return [KeyValues(tuple(canvas), [(part(keys, index, len(canvas)), part(values, index, len(canvas)))
                                      for keys, values in layers]) for index, canvas in enumerate(canvases)]


def window_mask(sizes: Sequence[int], longest: int, device: torch.device) -> torch.Tensor | None:
    """Which keys the rows of a window may look at, bool [B, 1, longest, max(sizes)]; None where they may at all."""
    widest = max(sizes)
    if min(sizes) == widest:
        return None
    inside = torch.arange(widest, device=device) < torch.tensor(sizes, device=device)[:, None]
    return inside[:, None, None, :].expand(-1, 1, longest, -1)


class _Layer(DynamicLayer):
    """One layer of a pass over windows: the rows that it computes, among those that are kept."""

    def __init__(self, kept: list[tuple[torch.Tensor, torch.Tensor]], windows: Sequence[tuple[int, int]]):
        super().__init__()
        self._kept, self._windows = kept, windows

    def update(self, key_states, value_states, *args, **kwargs):
        return self._among(0, key_states), self._among(1, value_states)

    def _among(self, which: int, fresh: torch.Tensor) -> torch.Tensor:
        """[B, H, widest, D] of fresh rows [B, H, longest window, D] written over the kept ones."""
        if len(self._kept) == 1:
            alone, ((first, end),) = self._kept[0][which][None], self._windows
            alone[:, :, first:end] = fresh
            return alone
        widest = max(part[which].shape[1] for part in self._kept)
        together = fresh.new_zeros(len(self._kept), fresh.shape[1], widest, fresh.shape[-1])
        for index, (part, (first, end)) in enumerate(zip(self._kept, self._windows, strict=True)):
            together[index, :, :part[which].shape[1]] = part[which]
            together[index, :, first:end] = fresh[index, :, :end - first]  # two may read the same
        return together

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return max(part[0].shape[1] for part in self._kept), 0

    def get_seq_length(self) -> int:
        return 0


class Windows(Cache):
    """What a pass over the windows of some canvases reads and writes."""

    def __init__(self, kept: Sequence[KeyValues], windows: Sequence[tuple[int, int]]):
        super().__init__(layers=[_Layer([one.layers[layer] for one in kept], windows)
                                 for layer in range(len(kept[0].layers))])


class _Grown(DynamicLayer):
    """One layer of a pass over what several texts have new: each grows its own layer by it."""

    def __init__(self, own: Sequence[DynamicLayer], firsts: Sequence[int], sizes: Sequence[int]):
        super().__init__()
        self._own, self._firsts, self._sizes = own, firsts, sizes

    def update(self, key_states, value_states, *args, **kwargs):
        widest = max(self._sizes)
        keys, values = (part.new_zeros(len(self._own), part.shape[1], widest, part.shape[-1])
                        for part in (key_states, value_states))
        for index, (own, first, size) in enumerate(zip(self._own, self._firsts, self._sizes, strict=True)):
            one = slice(index, index + 1)
            grown = own.update(key_states[one, :, :size - first], value_states[one, :, :size - first])
            keys[one, :, :size], values[one, :, :size] = grown
        return keys, values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return max(self._sizes), 0

    def get_seq_length(self) -> int:
        return 0


class Together(Cache):
    """The caches of several texts in one pass over what each has new, its rows `firsts` to `sizes`."""

    def __init__(self, caches: Sequence[DynamicCache], firsts: Sequence[int], sizes: Sequence[int]):
        layers = [cast(list[DynamicLayer], cache.layers) for cache in caches]
        super().__init__(layers=[_Grown(own, firsts, sizes) for own in zip(*layers, strict=True)])


def keeps_all(cache: DynamicCache) -> bool:
    """Whether every layer of a new cache keeps every key and value, and nothing else."""
    return bool(cache.layers) and all(type(layer) is DynamicLayer for layer in cache.layers)
