"""The families this server knows, found in `families/`."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from inference_service.errors import FailedPrecondition
from inference_service.models import families
from inference_service.models.family import Family


def _found() -> tuple[Family, ...]:
    """Every module of `families/`, in the order of their names; those that take any model_type come last."""
    names = sorted(module.name for module in pkgutil.iter_modules(families.__path__))
    found = [importlib.import_module(f"{families.__name__}.{name}").FAMILY for name in names]
    return tuple(sorted(found, key=lambda family: not family.model_types))


FAMILIES: tuple[Family, ...] = _found()


def family_of(config: Mapping[str, Any]) -> Family:
    """The family of a checkpoint with this config.json; FailedPrecondition where none knows it."""
    for family in FAMILIES:
        if family.matches(config):
            return family
    known = ", ".join(sorted(kind for family in FAMILIES for kind in family.model_types))
    known += " and the causal models of transformers"
    found = config.get("model_type")
    told = f"model_type {repr(found)[:200]} is not one this server knows" if found else "config.json has no model_type"
    raise FailedPrecondition(f"{told}; it knows: {known}", reason="UNKNOWN_FAMILY", metadata={"known": known})
