"""LLaDA 8B, 1.5 and their kin: a Llama in which every position sees every other.

The stock class computes the same to the last bit; only names differ. Fields and
tensor names: config.json and model.safetensors.index.json of GSAI-ML/LLaDA-8B-Base.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.errors import DataLoss
from inference_service.models.family import Family
from inference_service.models.fields import require_values, whole

_BLOCK = r"^model\.transformer\.blocks\.(\d+)\."
_LAYER = r"model.layers.\1."

# `ff_out` is the MLP's way out inside a block and the head outside of one.
_KEYS = {
    r"^model\.transformer\.wte\.": "model.embed_tokens.",
    r"^model\.transformer\.ln_f\.": "model.norm.",
    r"^model\.transformer\.ff_out\.": "lm_head.",
    _BLOCK + r"attn_norm\.": _LAYER + "input_layernorm.",
    _BLOCK + r"ff_norm\.": _LAYER + "post_attention_layernorm.",
    _BLOCK + r"q_proj\.": _LAYER + "self_attn.q_proj.",
    _BLOCK + r"k_proj\.": _LAYER + "self_attn.k_proj.",
    _BLOCK + r"v_proj\.": _LAYER + "self_attn.v_proj.",
    _BLOCK + r"attn_out\.": _LAYER + "self_attn.o_proj.",
    _BLOCK + r"ff_proj\.": _LAYER + "mlp.gate_proj.",
    _BLOCK + r"up_proj\.": _LAYER + "mlp.up_proj.",
    _BLOCK + r"ff_out\.": _LAYER + "mlp.down_proj.",
}

# What the stock class has no place for: field -> the values that leave it as Llama is.
_AS_LLAMA = {
    "alibi": (False, None),
    "rope": (True,),
    "rope_scaling": (None,),
    "block_type": ("llama",),
    "block_group_size": (1, None),
    "activation_type": ("silu",),
    "layer_norm_type": ("rms",),
    "layer_norm_with_affine": (True,),
    "bias_for_layer_norm": (False, None),
    "attention_layer_norm": (False, None),
    "input_emb_norm": (False, None),
    "scale_logits": (False, None),
    "clip_qkv": (None,),
    "include_bias": (False, None),
    "include_qkv_bias": (False, None),
    "num_experts": (0, None),
    "quantization_config": (None,),
}


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """LLaDA's config.json as keyword arguments of LlamaConfig.

    Raises FailedPrecondition for what a Llama cannot express, DataLoss for a missing field.
    """
    require_values(config, _AS_LLAMA, "Llama")
    width, heads = whole(config, "d_model"), whole(config, "n_heads")
    keys = config.get("n_kv_heads") or (1 if config.get("multi_query_attention") else heads)
    if heads % keys:
        raise DataLoss(f"config.json has n_heads = {heads}, which is no multiple of n_kv_heads = {keys}")
    return {
        "vocab_size": config.get("embedding_size") or whole(config, "vocab_size"),
        "hidden_size": width,
        "intermediate_size": config.get("mlp_hidden_size") or whole(config, "mlp_ratio") * width,
        "num_hidden_layers": whole(config, "n_layers"),
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "max_position_embeddings": whole(config, "max_sequence_length"),
        "rope_parameters": {"rope_type": "default", "rope_theta": float(config.get("rope_theta") or 10000.0)},
        "rms_norm_eps": config.get("rms_norm_eps", 1e-5),
        "tie_word_embeddings": bool(config.get("weight_tying", False)),
        "use_cache": False,
    }


FAMILY = Family(
    name="llada",
    model_types=("llada",),
    model_class="LlamaForCausalLM",
    settings=settings,
    key_mapping=_KEYS,
    mask_names=("<|mdm_mask|>",),
    eot_names=("<|eot_id|>",),
)
