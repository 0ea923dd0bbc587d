"""iLLaDA: LLaDA's successor, a Llama in Llama's own names in which every position sees every other.

Grouped-query heads, a head tied to the embeddings, and a mask that only the tokenizer
names. Fields and tensor names: configuration and modelling code of GSAI-ML/iLLaDA-8B-Base.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.models.family import Family
from inference_service.models.fields import require_values
from inference_service.models.stock_config import stock_config

# With a layer_norm_eps its norms are LayerNorms.
_AS_LLAMA = {"layer_norm_eps": (None,)}


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """iLLaDA's config.json as keyword arguments of LlamaConfig; raises as stock_config does."""
    require_values(config, _AS_LLAMA, "Llama")
    return {"tie_word_embeddings": True} | stock_config(config, "Llama", "attention_bias", "mlp_bias")


FAMILY = Family(
    name="illada",
    model_types=("illada",),
    model_class="LlamaForCausalLM",
    settings=settings,
    mask_names=("<[MASK]>",),
)
