"""The character-level masked models of the nanoGPT line, as `unmask import-nanogpt` writes them.

nanoGPT's block is GPT-2's where positions are learned, and GPT-NeoX's with one residual after the
other where they are rotary: layer norm, exact GELU, four times the width in between, the head tied to the
embeddings. Both stock classes compute the same; every position sees every other. Fields: model_args
of the checkpoints of JinxCodesAI/nano_gpt, but that vocab_size counts characters alone and
embedding_size the rows, with the mask and what is reserved behind it.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.errors import DataLoss
from inference_service.models.family import Family
from inference_service.models.fields import require_values, whole

_AS_STOCK = {"attention_type": ("bidirectional",), "use_rope": (True, False)}


def stock_class(config: Mapping[str, Any]) -> str:
    """The class with the model's kind of positions."""
    return "GPTNeoXForCausalLM" if config.get("use_rope", True) else "GPT2LMHeadModel"


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """config.json as keyword arguments of the stock class's config.

    Raises FailedPrecondition for what the stock classes cannot express, DataLoss for a missing or impossible field.
    """
    require_values(config, _AS_STOCK, "GPT")
    width, heads, layers = (whole(config, field) for field in ("n_embd", "n_head", "n_layer"))
    if width % heads:
        raise DataLoss(f"config.json has n_embd = {width}, which is no multiple of n_head = {heads}")
    common = {"vocab_size": whole(config, "embedding_size"), "bos_token_id": None, "eos_token_id": None,
              "tie_word_embeddings": True, "use_cache": False}
    if not config.get("use_rope", True):
        return {**common, "n_embd": width, "n_head": heads, "n_layer": layers,
                "n_positions": whole(config, "block_size"), "activation_function": "gelu", "layer_norm_epsilon": 1e-5}
    return {
        **common, "hidden_size": width, "num_attention_heads": heads, "num_hidden_layers": layers,
        "intermediate_size": 4 * width, "max_position_embeddings": whole(config, "block_size"), "hidden_act": "gelu",
        "layer_norm_eps": 1e-5, "use_parallel_residual": False, "attention_bias": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0},
    }


FAMILY = Family(
    name="nanogpt",
    model_types=("nanogpt",),
    model_class=stock_class,
    settings=settings,
    default_sampler="predict_remask",
    mask_names=("<|mask|>",),
    own_fields=("block_size",),  # its context
)
