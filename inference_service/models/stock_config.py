"""A config.json that already uses the names of the stock classes, as keyword arguments of theirs."""

from collections.abc import Mapping
from typing import Any

from inference_service.models.fields import require_values, whole

_COUNTS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
)
_KEPT = ("num_key_value_heads", "hidden_act", "rms_norm_eps", "tie_word_embeddings")
_AS_STOCK = {"use_sliding_window": (False, None), "use_mrope": (False, None), "quantization_config": (None,)}


def stock_config(config: Mapping[str, Any], stock: str, *more: str) -> dict[str, Any]:
    """The fields that the stock class needs and those that it may have.

    stock: what the class is called in messages, such as "Qwen2". more: further fields kept where they are there.
    Raises DataLoss for a missing count, FailedPrecondition for what the class cannot express.
    """
    require_values(config, _AS_STOCK, stock)
    kept = {field: config[field] for field in (*_KEPT, *more) if config.get(field) is not None}
    counts = {field: whole(config, field) for field in _COUNTS}
    return {"num_key_value_heads": None, **kept, **counts, "rope_parameters": _rope(config), "use_cache": False}


def _rope(config):
    """RoPE in the form of transformers 5, from that form or from the fields of transformers 4."""
    if config.get("rope_parameters"):
        return dict(config["rope_parameters"])
    scaling = dict(config.get("rope_scaling") or {})
    kind = scaling.pop("type", "default")
    return {"rope_type": kind, **scaling, "rope_theta": float(config.get("rope_theta") or 10000.0)}
