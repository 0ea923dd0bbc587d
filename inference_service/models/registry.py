"""The families this server knows, found in `families/`."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models import families
from inference_service.models.family import Family
from inference_service.models.files import shown


def _found() -> tuple[Family, ...]:
    """Every module of `families/`, in the order of their names; those that take any model_type come last."""
    names = sorted(module.name for module in pkgutil.iter_modules(families.__path__))
    found = [importlib.import_module(f"{families.__name__}.{name}").FAMILY for name in names]
    return tuple(sorted(found, key=lambda family: not family.model_types))


FAMILIES: tuple[Family, ...] = _found()
# Those that another one's checkpoints may be of, which says so; config.json is the same.
_TOLD_APART = {family.block_causal for family in FAMILIES}

BY_NAME: Mapping[str, Family] = {family.name: family for family in sorted(FAMILIES, key=lambda one: one.name)}


def family_named(name: str) -> Family:
    """The family of that name. Raises InvalidField."""
    if name not in BY_NAME:
        raise InvalidField("family", f"must be one of {', '.join(BY_NAME)}, is {name[:80]!r}")
    return BY_NAME[name]


def family_of(config: Mapping[str, Any]) -> Family:
    """The family of a checkpoint with this config.json; FailedPrecondition where none knows it."""
    for family in FAMILIES:
        if family.matches(config) and family.name not in _TOLD_APART:
            return family
    known = ", ".join(sorted(kind for family in FAMILIES for kind in family.model_types))
    known += " and the causal models of transformers"
    raise FailedPrecondition(f"{_unknown(config)}; it knows: {known}", reason="UNKNOWN_FAMILY",
                             metadata={"known": known})


def _unknown(config: Mapping[str, Any]) -> str:
    """What nobody here knows of a config.json: its model_type, or the architecture that it names for one that is."""
    kind, names = config.get("model_type"), config.get("architectures")
    if not kind:
        return "config.json has no model_type"
    stock = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind) if isinstance(kind, str) else None
    if not stock or not names:
        return f"model_type {repr(kind)[:200]} is not one this server knows"
    asked = ", ".join(map(str, names)) if isinstance(names, list) else str(names)
    whose = ("it is a class of transformers, and none that writes texts: a body without a head, or of another use"
             if all(hasattr(transformers, str(name)) for name in names) else
             "only its makers' own code could read it, which is never run")
    one = stock if isinstance(stock, str) else stock[0]
    return (f"the architecture {shown(asked)} that config.json names is not one this server knows: of model_type"
            f" {kind!r} it knows {one}, and {whose}")
