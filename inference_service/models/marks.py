"""Marks of diffusion in a checkpoint, and of attention from block to block: what a family would decode wrongly.

A model that fills in masks may have all the fields and tensors of one that writes from left to right; its logits are
those of another question then, and nothing says so. So one that carries a mark is taken as causal only where a
person says that it is, and one that attends from block to block as one that sees everything only so too.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING

from inference_service.errors import FailedPrecondition
from inference_service.models.attention.block_causal import SIZE_FIELDS
from inference_service.models.family import Family
from inference_service.models.files import shown
from inference_service.models.text import Text
from inference_service.sampling.sampler import Need

# Of config.json: the mask, under the names there are for it.
_MASKS = ("mask_token_id", "mask_token", "mask_id", "mask_index")
# Of generation_config.json: what samplers of masked models are told.
_SAMPLERS = (*_MASKS, *SIZE_FIELDS, "alg", "alg_temp", "remasking", "denoising_steps")
# In the name of a field, or of a class in `architectures` and `auto_map`.
_WORDS = re.compile(r"diffu(?!sers)|diffcoder|denois|dllm|mdlm|bd3lm|^a2d|llada|dream|sdar|dflash|maskedlm",
                    re.IGNORECASE)


def marks_of_diffusion(config: Mapping[str, Any], generation: Mapping[str, Any]) -> list[str]:
    """What a config.json and a generation_config.json tell of diffusion, each in words for a message."""
    own = _own_fields(config.get("model_type"))
    told = [*_fields(config, "config.json", (*_MASKS, *SIZE_FIELDS), own),
            *_fields(generation, "generation_config.json", _SAMPLERS, frozenset())]
    if config.get("is_causal") is False and "is_causal" not in own:
        told.append("its config.json has is_causal = False")
    classes = [name for name in _classes(config) if _WORDS.search(name)]
    return [*told, *(f"its config.json names a class {shown(name)}" for name in classes)]


def require_no_mask_token(family: Family, text: Text | None, choices: Mapping[str, Family], called: str) -> None:
    """Raises FailedPrecondition where a family that reads from left to right has a tokenizer with a mask of diffusion.

    choices: the families that may be named instead.
    """
    if not family.attention.append_only or text is None:
        return
    names = dict.fromkeys(name for other in choices.values() for name in other.mask_names)
    told = [f"its tokenizer has a token {name}" for name in names if text.id_of(name) is not None]
    if told:
        raise refusal(told, choices, called)


def refusal(marks: list[str], choices: Mapping[str, Family], called: str) -> FailedPrecondition:
    """That a checkpoint looks like one of diffusion and no family here takes it by itself."""
    names = ", ".join(choices)
    return FailedPrecondition(
        f"{called!r} looks like a diffusion model: {'; '.join(marks[:3])}. Decoded as another kind than it is, it would"
        f" write nonsense; name the family to decode it as, one of {names} (--family, or family)",
        reason="FAMILY_NEEDED", metadata={"families": names}, fields=[("family", f"must be given: one of {names}")],
    )


def by_attention(family: Family, config: Mapping[str, Any], folder: Path, called: str,
                 families: Mapping[str, Family]) -> Family:
    """The family, or that of the same config.json whose checkpoints attend from block to block, where this is one.

    Its config.json or its name says so. families: by name. Raises FailedPrecondition where there is no such family.
    """
    if Need.WHOLE not in family.attention.offers:
        return family
    told = any(config.get(field) is not None and field not in family.own_fields for field in SIZE_FIELDS)
    names = (Path(called).name.lower(), folder.resolve().name.lower())
    if family.block_causal and (told or any(word in name for word in family.block_causal_names for name in names)):
        return families[family.block_causal]
    instead = (" this server lets every position see every other, which would decode it wrongly; to do so all the"
               f" same, name the family {family.name} (--family, or family)")
    for field in SIZE_FIELDS:
        if config.get(field) is not None and field not in family.own_fields:
            raise FailedPrecondition(
                f"config.json has {field} = {shown(repr(config[field]))}: this model attends from block to block, and"
                + instead, reason="UNSUPPORTED_CHECKPOINT", metadata={"field": field})
    return family


def _fields(told: Mapping[str, Any], where: str, names: tuple[str, ...], own: frozenset[str]) -> Iterator[str]:
    for field, value in told.items():
        if value is None or value is False or field in own or not (field in names or _WORDS.search(field)):
            continue
        short = f" = {value!r}" if isinstance(value, int | float | str) else ""
        yield shown(f"its {where} has {field}{short}")


def _own_fields(kind: Any) -> frozenset[str]:
    """The fields that the stock class of a model_type has for itself: a block_size of BigBird's is no mark."""
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        return frozenset()
    return frozenset(name for base in CONFIG_MAPPING[kind].__mro__ for name in vars(base).get("__annotations__", {}))


def _classes(config: Mapping[str, Any]) -> Iterator[str]:
    """The names of classes in `architectures` and `auto_map`, modules left out."""
    named, mapped = config.get("architectures"), config.get("auto_map")
    found = [*(named if isinstance(named, list) else ()), *(mapped.values() if isinstance(mapped, dict) else ())]
    yield from dict.fromkeys(name.rsplit(".", 1)[-1] for name in found if isinstance(name, str))
