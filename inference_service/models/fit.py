"""Do the stored tensors fit the stock class? Compared by name and shape before anything is allocated."""

import re
from collections.abc import Mapping

import torch
from transformers import PreTrainedModel

from inference_service.errors import DataLoss, FailedPrecondition
from inference_service.models.buffers import follows
from inference_service.models.checkpoint import listed
from inference_service.models.files import joined
from inference_service.models.header import Tensor

_MANY = 1_000_000


def stock_name(stored: str, key_mapping: Mapping[str, str]) -> str:
    """The name a stored tensor has in the stock class."""
    for pattern, replacement in key_mapping.items():
        name, hits = re.subn(pattern, replacement, stored)
        if hits:
            return name
    return stored


def require_near(model: torch.nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raises DataLoss where `model` cannot be what is stored, though its class has other names for some of it.

    model: on the meta device, of a class that reads its checkpoints itself. What it would not find it would fill with
    random numbers first, however many those are, and complain then.
    """
    weights = model.state_dict()
    _require_shapes({name: (name, weight) for name, weight in weights.items() if name in tensors}, tensors)
    wanted = sum(weight.numel() for weight in model.parameters())
    stored = sum(tensor.size for tensor in tensors.values())
    if wanted > 2 * stored + _MANY:
        raise DataLoss(f"the checkpoint lacks weights: config.json makes a model of {wanted} and the files hold"
                       f" {stored}", reason="MISSING_TENSORS")


def require_head(model: PreTrainedModel, tensors: Mapping[str, Tensor]) -> None:
    """Raises DataLoss where the head that makes tokens of what the body computes is not stored, and is none of its own.

    model: as in require_near. Whatever the names, a model with a head beside its embeddings has two weights of their
    shape.
    """
    head, embeddings = (getattr(part, "weight", None)
                        for part in (model.get_output_embeddings(), model.get_input_embeddings()))
    if not isinstance(head, torch.Tensor) or head is embeddings:
        return
    name = next((name for name, weight in model.named_parameters() if weight is head), "lm_head.weight")
    wanted = sum(weight.shape == head.shape for weight in model.parameters())
    stored = sum(tensor.shape == tuple(head.shape) for tensor in tensors.values())
    if name not in tensors and stored < wanted:
        raise DataLoss(f"the checkpoint lacks weights: {name}, the head, and config.json does not say that it is the"
                       " embeddings (tie_word_embeddings). Save the whole model, not its body alone",
                       reason="MISSING_TENSORS", metadata={"tensors": name})


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
            metadata={"tensors": joined(missing)},
        )
    _require_shapes({name: (found[name], weight) for name, weight in wanted.items()}, tensors)
    known = model.state_dict().keys()
    extra = sorted(stored for name, stored in found.items() if name not in known and not follows(name))
    if extra:
        raise FailedPrecondition(
            f"the checkpoint holds weights that {type(model).__name__} has no place for: {listed(extra)}",
            reason="UNSUPPORTED_CHECKPOINT",
            metadata={"tensors": joined(extra)},
        )


def _require_shapes(pairs, tensors):
    """pairs: by its name in the stock class, the name a weight is stored under and the weight."""
    misshapen = [
        f"{stored} is {list(tensors[stored].shape)}, config.json makes it {list(weight.shape)}"
        for stored, weight in pairs.values()
        if tensors[stored].shape != tuple(weight.shape)
    ]
    if misshapen:
        raise DataLoss(f"config.json does not fit the weights: {listed(misshapen)}", reason="SHAPE_MISMATCH")
