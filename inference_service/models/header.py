"""What a safetensors file declares: its tensors by name, read from its header; no weight is read.

A file is 8 bytes of the header's length, little-endian, the header in JSON, then the data.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeGuard

from inference_service.errors import DataLoss
from inference_service.models.files import opened

# The largest published checkpoints have 92,000 tensors, in headers of 14 MB.
MOST_TENSORS = 1 << 17
MOST_HEADER_BYTES = 48 << 20
_LONGEST_NAME = 256
_MOST_DIMENSIONS = 8
_LARGEST_DIMENSION = 1 << 48
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A stored tensor: dtype as safetensors writes it ("BF16"), its shape, the file it is in."""

    dtype: str
    shape: tuple[int, ...]
    file: str

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors that a file declares, where the file is as long as they need.

    Raises DataLoss, naming the file and where it can the tensor: for a file that is cut short or no safetensors file,
    for tensors that overlap, leave room or do not have the bytes of their shape, and for more than MOST_TENSORS.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            start = file.read(8)
            if start == b"version ":
                raise DataLoss(
                    f"{path.name} is a Git LFS pointer, not the weights; fetch them with: git lfs pull",
                    reason="TRUNCATED_FILE",
                )
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > size - 8:
                raise _truncated(path.name)
            if length > MOST_HEADER_BYTES:
                raise DataLoss(f"{path.name} has a header of {length >> 20} MiB; it must be at most"
                               f" {MOST_HEADER_BYTES >> 20}", reason="FILE_TOO_LARGE", metadata={"file": path.name})
            header = file.read(length)
            require_count(header.count(b'"data_offsets"'))  # before they are made of Python
            entries = json.loads(header)
        except OSError as error:
            raise DataLoss(f"{path.name} cannot be read: {error.strerror}", reason="UNREADABLE_FILE") from error
        except (ValueError, RecursionError) as error:
            raise _truncated(path.name) from error
    if not isinstance(entries, dict):
        raise _truncated(path.name)
    entries.pop("__metadata__", None)
    require_count(len(entries))
    spans = sorted((*_span(name, entry, path.name), name) for name, entry in entries.items())
    if size != 8 + length + max((end for _, end, _ in spans), default=0):
        raise _truncated(path.name)
    at = 0
    for begin, end, name in spans:
        if begin != at:
            raise _damaged(path.name, name, "does not begin where the one before it ends")
        at = end
    return {name: Tensor(entry["dtype"], tuple(entry["shape"]), path.name) for name, entry in entries.items()}


def require_count(count: int) -> None:
    """Raises DataLoss for more tensors than any checkpoint has."""
    if count > MOST_TENSORS:
        raise DataLoss(f"the checkpoint declares {count} tensors; it must have at most {MOST_TENSORS}",
                       reason="TOO_MANY_TENSORS")


def _span(name: str, entry: Any, file: str) -> tuple[int, int]:
    """Where a tensor's bytes begin and end; DataLoss where they are not those of its shape."""
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise DataLoss(f"{file} has a tensor whose name is longer than {_LONGEST_NAME} characters or holds others than"
                       " printable ones", reason="DAMAGED_HEADER", metadata={"file": file})
    if not isinstance(entry, Mapping):
        raise _damaged(file, name, "is not described")
    dtype, shape, offsets = (entry.get(part) for part in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or len(dtype) > 16 or not _whole(shape) or not _whole(offsets) or len(offsets) != 2:
        raise _damaged(file, name, "must have a dtype, a shape and two data_offsets")
    if len(shape) > _MOST_DIMENSIONS or max(shape, default=0) > _LARGEST_DIMENSION or offsets[0] > offsets[1]:
        raise _damaged(file, name, "has a shape or data_offsets that no tensor has")
    bits = _BITS.get(dtype)  # of one that is not known nothing can be said; it is refused as quantized
    if bits is not None and prod(shape) * bits != 8 * (offsets[1] - offsets[0]):
        raise _damaged(file, name, "does not have the bytes of its shape")
    return offsets[0], offsets[1]


def _whole(values: Any) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(type(value) is int and value >= 0 for value in values)


def _damaged(file: str, tensor: str, what: str) -> DataLoss:
    return DataLoss(f"{file} is damaged: its tensor {tensor} {what}; download it again", reason="DAMAGED_HEADER",
                    metadata={"file": file, "tensor": tensor})


def _truncated(name: str) -> DataLoss:
    return DataLoss(
        f"{name} is truncated or damaged; download it again", reason="TRUNCATED_FILE", metadata={"file": name}
    )
