"""A model once more, in float32 on the CPU: slower, and where a device's memory or numbers do not do."""

import copy
from dataclasses import replace
from typing import cast

import torch

from inference_service.errors import Exhausted
from inference_service.models import memory
from inference_service.models.cached import Cached
from inference_service.models.denoiser import Denoiser
from inference_service.models.shelf import Shelf


def is_plain(denoiser: Denoiser) -> bool:
    """Whether a model is in float32 on the CPU already."""
    return denoiser.info.device == "cpu" and denoiser.info.dtype == "float32"


def on_cpu(denoiser: Denoiser) -> Denoiser:
    """The copy; the original stays as it is. Raises Exhausted where main memory does not hold it."""
    parts = [denoiser.body, denoiser.head]
    weights = {id(tensor): tensor for part in parts for tensor in (*part.parameters(), *part.buffers())}
    if any(tensor.is_meta for tensor in weights.values()):
        raise Exhausted(f"{denoiser.info.name!r} is spread over several memories and cannot be copied to one",
                        reason="OUT_OF_MEMORY")
    need = sum(4 * tensor.numel() for tensor in weights.values())
    memory.require(need, memory.free_ram(), denoiser.info.name, "this machine")
    # What deepcopy finds in its memo it does not copy: so no second copy is made on the device on the way.
    memo = {key: _plain(tensor) for key, tensor in weights.items()}
    info = replace(denoiser.info, dtype="float32", device="cpu")
    if info.attention.settles:
        denoiser = cast(Cached, denoiser)
        plain = Cached(info, copy.deepcopy(denoiser.model, memo), denoiser.text, Shelf(0))
        plain.batches = denoiser.batches
        plain.keep_in(None, denoiser.info.cache_note)
        return plain
    made = copy.copy(denoiser)
    made.body, made.head = (copy.deepcopy(part, memo) for part in parts)
    made.device, made.info, made.shelf = torch.device("cpu"), info, Shelf(0)
    return made


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of its own in main memory, float32 if it holds fractions."""
    kind = torch.float32 if tensor.is_floating_point() else tensor.dtype
    moved = tensor.detach().to("cpu", kind, copy=True)
    return torch.nn.Parameter(moved, requires_grad=False) if isinstance(tensor, torch.nn.Parameter) else moved
