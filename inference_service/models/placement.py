"""Where the weights go, and in which type."""

from collections.abc import Container, Mapping

import torch

from inference_service.errors import InvalidField
from inference_service.models.buffers import is_weight
from inference_service.models.checkpoint import listed
from inference_service.models.foreign import quantized
from inference_service.models.header import Tensor

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_STORED = {"F64": torch.float32, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
_SMALL = 1_000_000_000


def choose_device(asked: str | None) -> torch.device:
    """The device asked for, else a GPU where there is one, else the CPU. InvalidField for one that is not there."""
    if not asked:
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise InvalidField("device", f"must be cpu or cuda:N, is {asked!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise InvalidField("device", f"must be cpu or cuda:N, is {asked!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidField("device", f"{asked!r} is not there; there are {torch.cuda.device_count()} CUDA devices")
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


def choose_dtype(asked: str, device: torch.device, parameters: int, stored: torch.dtype) -> torch.dtype:
    """The type of the weights in memory.

    asked: a key of DTYPES, "auto" or "". "auto" is the checkpoint's own on a GPU; on a CPU
    float32 below a billion weights, where it is exact and fast enough, and bfloat16 above.
    """
    if asked in DTYPES:
        return DTYPES[asked]
    if asked not in ("", "auto"):
        raise InvalidField("dtype", f"must be auto, {', '.join(DTYPES)}, is {asked!r}")
    if device.type == "cuda":
        return stored
    return torch.float32 if parameters < _SMALL else torch.bfloat16


def stored_in(tensors: Mapping[str, Tensor]) -> set[torch.dtype]:
    """Every type in which some weights are stored as they can be used."""
    as_is = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    return {as_is[tensor.dtype] for tensor in tensors.values() if tensor.dtype in as_is}


def stored_dtype(tensors: Mapping[str, Tensor], own: Container[str] = ()) -> torch.dtype:
    """The type most weights are stored in; FailedPrecondition for quantized ones. own: see is_weight."""
    weights = {name: tensor for name, tensor in tensors.items() if is_weight(name, tensor, own)}
    strange = sorted(name for name, tensor in weights.items() if tensor.dtype not in _STORED)
    if strange:
        raise quantized(tensors[strange[0]].dtype, listed(strange))
    sizes: dict[torch.dtype, int] = {}
    for tensor in weights.values():
        dtype = _STORED[tensor.dtype]
        sizes[dtype] = sizes.get(dtype, 0) + tensor.size
    return max(sizes, key=lambda dtype: sizes[dtype], default=torch.float32)
