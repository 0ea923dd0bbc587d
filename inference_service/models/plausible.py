"""Is a config.json about these weights? Asked of its numbers before anything is built of that size.

A count costs nothing to write: a million layers are eight bytes, and minutes of building their modules. What a count
makes has to be seen in the tensors: a layer has some of its own, a width is a dimension of one.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.errors import DataLoss
from inference_service.models.header import Tensor

_MOST_LAYERS = 1024
_MOST_POSITIONS = 1 << 24
# A number up to here makes nothing large by itself.
_FREE = 1 << 20
# Counts without one of which there is no model.
_NEEDED = ("num_hidden_layers", "max_position_embeddings", "vocab_size", "hidden_size")
_LAYERS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_layers", "n_layers", "n_layer")
_POSITIONS = ("position", "context", "seq_len", "window", "chunk")
# Not sizes.
_ELSE = ("_id", "theta", "base", "seed", "scale", "scaling")


def require_plausible(settings: Mapping[str, Any], names: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
    """Raises DataLoss, naming the field, for a number that the tensors do not bear out.

    settings: what the stock class's config is made of. names: a name of that config -> what its config.json calls it,
    for the fields that the class renames.
    """
    largest = max((length for tensor in tensors.values() for length in tensor.shape), default=0)
    stacked = max((tensor.shape[0] for tensor in tensors.values() if len(tensor.shape) > 2), default=0)
    layers = experts = 0
    alias = {written: name for name, written in names.items()}
    for written, value in settings.items():
        field = alias.get(written, written)
        if type(value) is not int or any(part in field for part in _ELSE):
            continue
        if field in _NEEDED and value < 1:
            raise DataLoss(f"config.json has {written} = {max(value, -10**20)}; it must be at least 1",
                           reason="IMPLAUSIBLE_CONFIG", metadata={"field": written})
        if field in _LAYERS:
            _require(written, value, min(len(tensors), _MOST_LAYERS), f"the weights are {len(tensors)} tensors")
            layers = max(layers, value)
        elif "expert" in field:
            _require(written, value, max(largest, 64), f"the largest dimension of a tensor is {largest}")
            experts = max(experts, value)
        elif any(part in field for part in _POSITIONS):
            _require(written, value, _MOST_POSITIONS, "no model of this kind has more positions")
        else:
            _require(written, value, max(largest, _FREE), f"the largest dimension of a tensor is {largest}")
    # The richest layer of a known model has some 30 tensors, and each of its experts 6.
    if layers and len(tensors) > 64 * layers * max(experts, 1) + 1000:
        raise DataLoss(f"config.json has {layers} layers, and the weights are {len(tensors)} tensors",
                       reason="IMPLAUSIBLE_CONFIG")
    if experts > stacked and layers * experts > max(4 * len(tensors), _FREE >> 8):
        raise DataLoss(f"config.json has {layers} layers of {experts} experts, and the weights are {len(tensors)}"
                       " tensors", reason="IMPLAUSIBLE_CONFIG")


def _require(field: str, value: int, most: int, why: str) -> None:
    if value > most:
        told = str(value) if value < 10**20 else "a number of more than 20 digits"
        raise DataLoss(f"config.json has {field} = {told}; it must be at most {most}: {why}",
                       reason="IMPLAUSIBLE_CONFIG", metadata={"field": field})
