"""What is kept of a model's passes, and the kinds of cache that it may be kept in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache


@dataclass(frozen=True)
class CacheKind:
    """A way to keep keys and values. make: a new, empty one. window: positions after which it lets go; 0 for never."""

    make: Callable[[], DynamicCache]
    window: int = 0


def kinds_of(config: Any) -> list[CacheKind]:
    """What a model with this config may keep its passes in, the smallest first.

    The first is as the config asks, with windows and the states of layers that have no keys. The second keeps every key
    of every layer: right where a window that is in the config is not one of the class, and for windows too long to try.
    """
    try:
        windows = [getattr(layer, "sliding_window", None) or 0 for layer in DynamicCache(config=config).layers]
    except Exception:  # a config without what the cache looks for
        return [CacheKind(DynamicCache)]
    return [CacheKind(lambda: DynamicCache(config=config), max(windows, default=0)), CacheKind(DynamicCache)]


@dataclass
class Kept:
    """The tokens that a cache has seen, and the cache. start: where the generated part of the canvas starts."""

    tokens: list[int]
    cache: DynamicCache
    start: int = 0

    @property
    def size(self) -> int:
        """Bytes on the device, of whatever its layers hold."""
        return sum(part.numel() * part.element_size() for layer in self.cache.layers for part in _tensors(vars(layer)))


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [part for one in inner for part in _tensors(one)]


def steady_length(config: Any, context: int) -> int:
    """Positions up to which the logits do not depend on the length of the text.

    Some models turn positions otherwise when the text is longer than what they were first trained on. What was kept of
    a pass of a shorter text is void then, and so is a pass beside a longer one.
    """
    ropes = getattr(config, "rope_parameters", None) or {}
    ropes = [ropes] if "rope_type" in ropes else [rope for rope in ropes.values() if isinstance(rope, dict)]
    limits = [rope.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
              for rope in ropes if rope.get("rope_type") in ("dynamic", "longrope")]
    return min([context, *(limit for limit in limits if isinstance(limit, int))])
