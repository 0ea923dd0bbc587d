"""Every weight is a number: one that is not makes every logit that it reaches none, and says nothing of it."""

import math

import safetensors
import torch

from inference_service.errors import DataLoss
from inference_service.models.fit import stock_name
from inference_service.models.progress import Reporter
from inference_service.models.recognise import Recognised

_SLICE = 1 << 24  # numbers


def require_finite(model: torch.nn.Module, known: Recognised, report: Reporter) -> None:
    """Raises DataLoss, naming the tensor as it is stored, where a weight in memory is infinite or not a number.

    model: with its weights, in their type in memory: a number that is finite in bfloat16 may not be so in float16.
    Reports "warming_up" in tensors.
    """
    stored = {stock_name(name, known.family.key_mapping): name for name in known.checkpoint.tensors}
    weights = dict(model.named_parameters())
    # Of the buffers only what the checkpoint brought: a mask of the library's own may well hold -inf.
    weights |= {name: buffer for name, buffer in model.named_buffers() if name in stored}
    for done, (name, weight) in enumerate(weights.items()):
        report("warming_up", done, len(weights))
        if not weight.is_meta and not _finite(weight):
            raise _broken(stored.get(name, name), weight.dtype)
    if any(weight.is_meta for weight in weights.values()):  # on the disk until it is used
        _require_finite_files(known, report)


def _require_finite_files(known, report):
    files = {}
    for name, tensor in known.checkpoint.tensors.items():
        files.setdefault(tensor.file, []).append(name)
    for file, names in files.items():
        with safetensors.safe_open(known.checkpoint.folder / file, framework="pt") as opened:
            for name in names:
                report("warming_up")
                weight = opened.get_tensor(name)
                if not _finite(weight):
                    raise _broken(name, weight.dtype)


def _finite(weight: torch.Tensor) -> bool:
    if not weight.is_floating_point():
        return True
    for part in weight.detach().reshape(-1).split(_SLICE):
        # The least and the most are not finite where any is not; unlike isfinite it takes no memory.
        if part.numel() and not all(math.isfinite(end.item()) for end in torch.aminmax(part)):
            return False
    return True


def _broken(name: str, dtype: torch.dtype) -> DataLoss:
    kind = str(dtype).removeprefix("torch.")
    told = "another dtype may hold it" if dtype == torch.float16 else "download it again"
    return DataLoss(f"the weights are damaged: {name} holds a number that is infinite or not a number in {kind};"
                    f" {told}", reason="WEIGHT_NOT_FINITE", metadata={"tensor": name})
