"""What a checkpoint stores beside its weights: masks, positions and tables that follow from config.json."""

from collections.abc import Container

from inference_service.models.header import Tensor

# What releases of the library stored of them over the years, by the end of the name.
_NAMES = ("inv_freq", "attn.bias", "attention.bias", "masked_bias", "causal_mask", "position_ids", "token_type_ids",
          "cos_cached", "sin_cached")
_COUNTS = ("U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64")


def follows(name: str) -> bool:
    """Whether a tensor of this name, which the stock class has no place for, says nothing that config.json does not."""
    return f".{name}".endswith(tuple(f".{known}" for known in _NAMES))


def is_weight(name: str, tensor: Tensor, own: Container[str] = ()) -> bool:
    """Whether a stored tensor is a weight, quantized or not: no weight is kept as truth values.

    own: names of whole numbers that the stock class itself keeps.
    """
    return tensor.dtype != "BOOL" and not (tensor.dtype in _COUNTS and (name in own or follows(name)))
