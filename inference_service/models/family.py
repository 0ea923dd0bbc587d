"""What has to be known of one kind of checkpoint to load it into a stock class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inference_service.models.attention import Attention, Full


def no_defaults(config: Mapping[str, Any], generation: Mapping[str, Any]) -> Mapping[str, float | str]:
    """Those of a family whose own code has the sampler's own."""
    return {}


@dataclass(frozen=True)
class Family:
    """An adapter. A family is data: it brings no modelling code.

    name: what ModelInfo.family reports.
    model_types: values of `model_type` in config.json that it takes; none: all that it has a stock class for.
    model_class: name of a class in `transformers`, such as "LlamaForCausalLM", or what gives it for a config.json.
    settings: config.json -> keyword arguments of that class's config; raises a
        ServiceError that names what the stock class cannot express.
    key_mapping: regular expression of a stored tensor's name -> its name in the stock
        class. One key for each name: from_pretrained does not substitute alternations.
    attention: what a position sees of the others.
    shifted: whether row i - 1 of the model's logits predicts position i; position 0 has row 0.
    default_sampler: the sampler that the family's own code decodes with.
    mask_names, eot_names: names under which a vocabulary may hold these tokens.
    tokenizer_class: a stock tokenizer for a checkpoint that has vocab.json and merges.txt
        in place of a tokenizer.json, such as "Qwen2Tokenizer"; "" where there is none.
    block_causal: the name of the family of checkpoints that attend from block to block, where config.json may be the
        same with and without it; "" where there is none. block_causal_names: words in a checkpoint's name that tell.
    own_fields: fields of its config.json that mean something else than they do where they mark another kind.
    own_names: whether the stock class reads its checkpoints under names of its own making; what is missing shows
        only when it has loaded.
    defaults: config.json, generation_config.json -> parameters of the default sampler that the family's own code has
        other defaults for than the sampler.
    """

    name: str
    model_types: tuple[str, ...]
    model_class: str | Callable[[Mapping[str, Any]], str]
    settings: Callable[[Mapping[str, Any]], dict[str, Any]]
    key_mapping: Mapping[str, str] = field(default_factory=dict)
    attention: Attention = Full()
    shifted: bool = False
    default_sampler: str = "llada"
    mask_names: tuple[str, ...] = ()
    eot_names: tuple[str, ...] = ()
    tokenizer_class: str = ""
    block_causal: str = ""
    block_causal_names: tuple[str, ...] = ()
    own_fields: tuple[str, ...] = ()
    own_names: bool = False
    defaults: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, float | str]] = no_defaults

    def stock_class(self, config: Mapping[str, Any]) -> str:
        """The name of the class for a checkpoint with this config.json."""
        return self.model_class if isinstance(self.model_class, str) else self.model_class(config)

    def matches(self, config: Mapping[str, Any]) -> bool:
        """Whether a checkpoint with this config.json is of the family."""
        return config.get("model_type") in self.model_types if self.model_types else bool(self.stock_class(config))
