"""Dream, Dream-Coder and DiffuCoder: a Qwen2 in which every position sees every other, its logits shifted by one.

They began as left-to-right models and kept that shift: row i - 1 predicts position i. Names
and fields are Qwen2's. Fields: config.json of Dream-org/Dream-v0-Instruct-7B and
apple/DiffuCoder-7B-Instruct. DreamReasoner, which attends from block to block, has a block_size
and is refused for it.
"""

from collections.abc import Mapping
from typing import Any

from inference_service.models.family import Family
from inference_service.models.stock_config import stock_config

# Fields of a generation_config.json that its sampler has as parameters.
_PARAMETERS = ("temperature", "top_p", "top_k", "eps", "steps", "alg", "alg_temp")
# Of PretrainedConfig, transformers 4.52.
_TOP_K = 50


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Dream's config.json as keyword arguments of Qwen2Config; raises as stock_config does."""
    return stock_config(config, "Qwen2")


def defaults(config: Mapping[str, Any], generation: Mapping[str, Any]) -> dict[str, float | str]:
    """What its own code generates with where nothing is said: what generation_config.json says, else config.json.

    Where no generation_config is handed to diffusion_generate, that code makes one of its config, which in
    transformers up to 4 has a top_k of 50 unless config.json says another; one that is null is none.
    """
    told = {name: source[name] for name in _PARAMETERS for source in (config, generation)
            if source.get(name) is not None}
    if "top_k" not in config and generation.get("top_k") is None:
        told["top_k"] = _TOP_K
    return told


FAMILY = Family(
    name="dream",
    model_types=("Dream",),
    model_class="Qwen2ForCausalLM",
    settings=settings,
    shifted=True,
    default_sampler="dream",
    mask_names=("<|mask|>",),
    eot_names=("<|im_end|>",),
    defaults=defaults,
    # The checkpoints bring a tokenizer class of their own, which is Qwen2's, and no tokenizer.json.
    tokenizer_class="Qwen2Tokenizer",
)
