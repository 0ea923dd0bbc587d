"""Every weight is a number, and all of them together are known by a digest.

One that is no number makes every logit that it reaches none, and says nothing of it. The digest tells two models of one
architecture apart that differ in a single weight; what a checkpoint's files hold at their ends does not.
"""

import hashlib
import math

import safetensors
import torch

from inference_service.errors import DataLoss
from inference_service.models.fit import stock_name
from inference_service.models.progress import Reporter
from inference_service.models.recognise import Recognised

_SLICE = 1 << 24  # numbers
_WORDS_SLICE = 1 << 22  # what is put beside them takes four times as much


def require_finite(model: torch.nn.Module, known: Recognised, report: Reporter) -> str:
    """Raises DataLoss, naming the tensor as it is stored, where a weight in memory is infinite or not a number.

    model: with its weights, in their type in memory: a number that is finite in bfloat16 may not be so in float16.
    Reports "warming_up" in tensors. Returns the digest of all weights, 16 hexadecimal digits: the same on every device.
    """
    stored = {stock_name(name, known.family.key_mapping): name for name in known.checkpoint.tensors}
    weights = dict(model.named_parameters())
    # Of the buffers only what the checkpoint brought: a mask of the library's own may well hold -inf.
    weights |= {name: buffer for name, buffer in model.named_buffers() if name in stored}
    digest = hashlib.sha256(known.checkpoint.hash.encode())
    for done, name in enumerate(sorted(weights)):
        report("warming_up", done, len(weights))
        weight = weights[name]
        if weight.is_meta:
            continue
        if not _finite(weight):
            raise _broken(stored.get(name, name), weight.dtype)
        _add(digest, name, weight)
    if any(weight.is_meta for weight in weights.values()):  # on the disk until it is used
        _require_finite_files(known, report, digest)
    return digest.hexdigest()[:16]


def _require_finite_files(known, report, digest):
    files = {}
    for name, tensor in known.checkpoint.tensors.items():
        files.setdefault(tensor.file, []).append(name)
    for file, names in sorted(files.items()):
        with safetensors.safe_open(known.checkpoint.folder / file, framework="pt") as opened:
            for name in sorted(names):
                report("warming_up")
                weight = opened.get_tensor(name)
                if not _finite(weight):
                    raise _broken(name, weight.dtype)
                _add(digest, name, weight)


def _finite(weight: torch.Tensor) -> bool:
    if not weight.is_floating_point():
        return True
    for part in weight.detach().reshape(-1).split(_SLICE):
        # The least and the most are not finite where any is not; unlike isfinite it takes no memory.
        if part.numel() and not all(math.isfinite(end.item()) for end in torch.aminmax(part)):
            return False
    return True


@torch.inference_mode()
def _add(digest: "hashlib._Hash", name: str, weight: torch.Tensor) -> None:
    """Adds a tensor to a digest by what its bits sum up to, each by its place: exact, and at the device's speed."""
    digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
    for part in weight.detach().reshape(-1).split(_WORDS_SLICE):
        words = _words(part)
        places = torch.arange(1, 2 * len(words), 2, device=words.device)  # odd ones, which lose no bit of a word
        digest.update(str((words * places).sum().item()).encode())


def _words(part: torch.Tensor) -> torch.Tensor:
    """The bytes of a one-dimensional tensor as int64, the last one filled up with zeros."""
    raw = part.clone().view(torch.uint8)  # of its own, so that it begins where a word may
    return torch.nn.functional.pad(raw, (0, -len(raw) % 8)).view(torch.int64)


def _broken(name: str, dtype: torch.dtype) -> DataLoss:
    kind = str(dtype).removeprefix("torch.")
    told = "another dtype may hold it" if dtype == torch.float16 else "download it again"
    return DataLoss(f"the weights are damaged: {name} holds a number that is infinite or not a number in {kind};"
                    f" {told}", reason="WEIGHT_NOT_FINITE", metadata={"tensor": name})
