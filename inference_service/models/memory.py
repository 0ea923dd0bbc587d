"""Will it fit? Asked before loading, because running out of memory half way kills the server."""

from pathlib import Path

import psutil
import torch

from inference_service.errors import Exhausted

_WANTED_ROWS = 128
# How allocators say it that have no exception of their own: torch's on the CPU, cuBLAS, oneDNN, C++.
_RAN_OUT = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "alloc_failed",
            "bad_alloc")
_CGROUP = Path("/sys/fs/cgroup")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, of the accelerator's memory or the machine's."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower() if isinstance(error, RuntimeError) else ""
    return any(words in text for words in _RAN_OUT)


def bytes_needed(parameters: int, bytes_each: int, context: int, vocabulary: int) -> int:
    """Bytes to serve a model: weights, float32 logits of up to 128 positions, and a tenth on top.

    parameters: number of weights. bytes_each: bytes of one in memory.
    """
    return int((parameters * bytes_each + min(context, _WANTED_ROWS) * vocabulary * 4) * 1.1)


def require(need: int, have: int, called: str, where: str) -> None:
    """Raises Exhausted where a model needs more bytes than there are.

    where: whose memory it is, for the message, such as "this machine".
    """
    if need <= have:
        return
    raise Exhausted(
        f"{called!r} needs {need / 1e9:.1f} GB of memory and {where} has {have / 1e9:.1f} GB free;"
        " take a smaller dtype or a smaller model",
        reason="OUT_OF_MEMORY",
        retry_after=30.0,
        metadata={"need_bytes": need, "have_bytes": have},
    )


def free_ram() -> int:
    """Bytes of main memory that can be taken, within the container's limit where there is one."""
    available = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        counts = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no limit, which reads "max", or no cgroup v2
        return available
    # Pages that only cache files give way at once.
    return min(available, limit - used + int(counts.get("inactive_file", 0)))


def free_gpu(device: torch.device) -> int:
    """Bytes free on a CUDA device."""
    return torch.cuda.mem_get_info(device)[0]
