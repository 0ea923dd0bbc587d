"""Do the stored tensors fit the stock class? Compared by name and shape before anything is allocated."""

import re
from collections.abc import Mapping

import torch

from inference_service.errors import DataLoss, FailedPrecondition
from inference_service.models.checkpoint import Tensor, listed


def stock_name(stored: str, key_mapping: Mapping[str, str]) -> str:
    """The name a stored tensor has in the stock class."""
    for pattern, replacement in key_mapping.items():
        name, hits = re.subn(pattern, replacement, stored)
        if hits:
            return name
    return stored


def require_fit(model: torch.nn.Module, tensors: Mapping[str, Tensor], key_mapping: Mapping[str, str]) -> None:
    """Raises unless each weight of `model` is stored, in its shape, and nothing else is.

    model: may be on the meta device. tensors: by stored name.
    DataLoss names missing and misshapen tensors by the name they should be stored under
    where it can be told; FailedPrecondition names those that the stock class has no place for.
    """
    found = {stock_name(stored, key_mapping): stored for stored in tensors}
    wanted = dict(model.named_parameters())  # a tied weight appears once
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise DataLoss(
            f"the checkpoint lacks weights: {listed(missing)}; download it again",
            reason="MISSING_TENSORS",
            metadata={"tensors": ",".join(missing[:20])},
        )
    misshapen = [
        f"{found[name]} is {list(tensors[found[name]].shape)}, config.json makes it {list(weight.shape)}"
        for name, weight in wanted.items()
        if tensors[found[name]].shape != tuple(weight.shape)
    ]
    if misshapen:
        raise DataLoss(f"config.json does not fit the weights: {listed(misshapen)}", reason="SHAPE_MISMATCH")
    known = model.state_dict().keys()
    extra = sorted(stored for name, stored in found.items() if name not in known and not name.endswith(".inv_freq"))
    if extra:
        raise FailedPrecondition(
            f"the checkpoint holds weights that {type(model).__name__} has no place for: {listed(extra)}",
            reason="UNSUPPORTED_CHECKPOINT",
            metadata={"tensors": ",".join(extra[:20])},
        )
