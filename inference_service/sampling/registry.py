"""The samplers by name, and their parameters as forms can show them."""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from inference_service.sampling import llada, ranked
from inference_service.sampling.sampler import ParameterError, Parameters, Sampler

SAMPLERS: dict[str, Sampler] = {module.SAMPLER.name: module.SAMPLER for module in (llada, ranked)}


@dataclass(frozen=True)
class ParameterDescription:
    """One parameter. kind: "bool", "integer", "number" or "choice". default None: follows from the canvas."""

    name: str
    kind: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    default: object
    summary: str


def describe(sampler: Sampler) -> list[ParameterDescription]:
    """The sampler's parameters in the order in which they are declared."""
    described = []
    for name, info in sampler.parameters.model_fields.items():
        annotation = _without_none(info.annotation)
        choices = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()
        kind = "choice" if choices else {bool: "bool", int: "integer", float: "number"}[annotation]
        bounds = {key: getattr(item, key) for item in info.metadata for key in ("ge", "le") if hasattr(item, key)}
        described.append(ParameterDescription(name, kind, bounds.get("ge"), bounds.get("le"), choices, info.default,
                                              info.description))
    return described


def _without_none(annotation):
    """int for int | None."""
    if isinstance(annotation, types.UnionType):
        return next(member for member in typing.get_args(annotation) if member is not type(None))
    return annotation


def parameters_for(sampler: Sampler, values: Mapping[str, object], length: int) -> Parameters:
    """The sampler's record from named values, completed for a canvas of `length` generated positions.

    A canvas of holes only (length 0) is completed as one of length 1: its holes are the first block.
    Raises ParameterError naming the parameter and what it allows.
    """
    try:
        record = sampler.parameters(**values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise ParameterError(name, _range_of(sampler, name, values.get(name))) from None
    return sampler.resolve(record, max(1, length))


def _range_of(sampler: Sampler, name: str, value: object) -> str:
    """What a parameter allows, in words."""
    by_name = {described.name: described for described in describe(sampler)}
    if name not in by_name:
        return f"the sampler {sampler.name!r} has no such parameter; it has {', '.join(by_name)}"
    described = by_name[name]
    if described.kind == "bool":
        allows = "true or false"
    elif described.kind == "choice":
        allows = f"one of {', '.join(described.choices)}"
    else:
        noun = "a whole number" if described.kind == "integer" else "a number"
        allows = f"{noun} from {described.minimum:g} to {described.maximum:g}"
    return f"must be {allows}; got {value!r}"
