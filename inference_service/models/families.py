"""The families this server knows, the first that matches wins. Adding one: its file, its line here."""

from collections.abc import Mapping
from typing import Any

from inference_service.errors import FailedPrecondition
from inference_service.models.family import Family
from inference_service.models.llada import LLADA

FAMILIES: tuple[Family, ...] = (LLADA,)


def family_of(config: Mapping[str, Any]) -> Family:
    """The family of a checkpoint with this config.json; FailedPrecondition where none knows it."""
    for family in FAMILIES:
        if family.matches(config):
            return family
    known = ", ".join(sorted(kind for family in FAMILIES for kind in family.model_types))
    found = config.get("model_type")
    told = f"model_type {found!r} is not one this server knows" if found else "config.json has no model_type"
    raise FailedPrecondition(f"{told}; it knows: {known}", reason="UNKNOWN_FAMILY", metadata={"known": known})
