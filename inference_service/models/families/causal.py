"""Any model that writes from left to right, as the library knows it: Llama, Qwen, Gemma, GPT-2 and their kin.

Its stock class is the one that config.json's `architectures` names, if transformers has it among its causal models,
or else the one that belongs to the model_type. Fields and tensor names are the library's own, so it reads them itself.
"""

from collections.abc import Mapping
from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from inference_service.errors import DataLoss, FailedPrecondition
from inference_service.models.attention import Causal
from inference_service.models.family import Family
from inference_service.models.fields import require_values

# What only its makers' own code, or a quantization library, would read.
_NOT_HERE = {"quantization_config": (None,)}
_LEFT_OUT = ("architectures", "auto_map", "transformers_version", "torch_dtype", "dtype", "model_type")
# What would change how a model is run, not what it is: what it returns, and where its weights or code come from.
_NOT_OURS = ("return_dict", "output_attentions", "output_hidden_states", "use_cache", "attn_implementation",
             "experts_implementation", "transformers_weights", "name_or_path", "torchscript", "trust_remote_code",
             "is_causal")


def stock_class(config: Mapping[str, Any]) -> str:
    """The name of the stock class; "" where transformers has no causal model of this kind."""
    kind = config.get("model_type")
    known = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind, ()) if isinstance(kind, str) else ()
    names = (known,) if isinstance(known, str) else tuple(known)
    told = config.get("architectures") or names
    if not isinstance(told, list | tuple):
        raise DataLoss("config.json must have architectures as a list of names")
    return next((name for name in names if name in told), "")


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """config.json as keyword arguments of the stock class's config."""
    require_values(config, _NOT_HERE, stock_class(config))
    kind = CONFIG_MAPPING[config["model_type"]]
    if any(part is AutoConfig or part.model_type for part in getattr(kind, "sub_configs", {}).values()):
        raise FailedPrecondition(
            f"{config['model_type']!r} is made of several models, such as one that sees and one that writes; this"
            " server loads models of text alone", reason="UNSUPPORTED_CHECKPOINT",
        )
    return {name: value for name, value in config.items()
            if name not in (*_LEFT_OUT, *_NOT_OURS) and not name.startswith("_")}


FAMILY = Family(
    name="causal",
    model_types=(),
    model_class=stock_class,
    settings=settings,
    attention=Causal(),
    shifted=True,
    default_sampler="autoregressive",
    eot_names=("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>"),
    own_names=True,
)
