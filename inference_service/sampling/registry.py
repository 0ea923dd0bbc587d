"""The samplers by name, found in `samplers/`, and their parameters as forms can show them."""

import importlib
import pkgutil
import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from inference_service.sampling import samplers
from inference_service.sampling.parameters import LONGEST_TEXT, MOST_TEXTS, Extent, ParameterError, Parameters, Text
from inference_service.sampling.sampler import AnySampler, Need


def _found() -> dict[str, AnySampler]:
    """Every module of `samplers/`, in the order of their names."""
    modules = (importlib.import_module(f"{samplers.__name__}.{module.name}")
               for module in pkgutil.iter_modules(samplers.__path__))
    return {module.SAMPLER.name: module.SAMPLER for module in modules}


SAMPLERS: dict[str, AnySampler] = _found()


@dataclass(frozen=True)
class ParameterDescription:
    """One parameter. kind: "bool", "integer", "number", "choice" or "texts". default None: follows from the canvas."""

    name: str
    kind: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    default: object
    summary: str


def suitable(offers: Collection[Need], first: str = "") -> list[AnySampler]:
    """The samplers that need no more than a model's attention offers, one of them `first` if it is among them."""
    able = [sampler for sampler in SAMPLERS.values() if sampler.needs in offers]
    return sorted(able, key=lambda sampler: sampler.name != first)


def describe(sampler: AnySampler) -> list[ParameterDescription]:
    """The sampler's parameters: its own as they are declared, then those that it shares with others."""
    described = []
    for name in _order(sampler.parameters):
        info = sampler.parameters.model_fields[name]
        annotation = _without_none(info.annotation)
        choices = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()
        kind = "choice" if choices else {bool: "bool", int: "integer", float: "number", list[Text]: "texts"}[annotation]
        bounds = {key: getattr(item, key) for item in info.metadata for key in ("ge", "le") if hasattr(item, key)}
        described.append(ParameterDescription(name, kind, bounds.get("ge"), bounds.get("le"), choices, info.default,
                                              info.description))
    return described


def _order(record: type[Parameters]) -> list[str]:
    declared = [name for base in record.__mro__ for name in vars(base).get("__annotations__", {})]
    return [name for name in dict.fromkeys(declared) if name in record.model_fields]


def _without_none(annotation):
    """int for int | None."""
    if isinstance(annotation, types.UnionType):
        return next(member for member in typing.get_args(annotation) if member is not type(None))
    return annotation


def parameters_for(sampler: AnySampler, values: Mapping[str, object], length: int, holes: int = 0,
                   block: int = 0, lead: int = 0) -> Parameters:
    """The sampler's record from named values, completed for a canvas of `length` generated positions.

    holes: open positions in its prompt. block, lead: see Extent. A canvas of holes only (length 0) is completed as one
    of length 1: its holes are the first block.
    Raises ParameterError naming the parameter and what it allows.
    """
    try:
        record = sampler.parameters(**values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise ParameterError(name, _range_of(sampler, name, values.get(name))) from None
    return record.resolve(Extent(max(1, length), max(1, length + holes), block, lead))


def _range_of(sampler: AnySampler, name: str, value: object) -> str:
    """What a parameter allows, in words."""
    by_name = {described.name: described for described in describe(sampler)}
    if name not in by_name:
        others = [other.name for other in SAMPLERS.values() if name in other.parameters.model_fields]
        known = f"; {', '.join(others)} {'have' if len(others) > 1 else 'has'} it" if others else ""
        return f"the sampler {sampler.name!r} has no such parameter{known}; its parameters: {', '.join(by_name)}"
    described = by_name[name]
    if described.kind == "bool":
        allows = "true or false"
    elif described.kind == "texts":
        allows = f"a list of at most {MOST_TEXTS} texts of 1 to {LONGEST_TEXT} characters"
    elif described.kind == "choice":
        allows = f"one of {', '.join(described.choices)}"
    else:
        noun = "a whole number" if described.kind == "integer" else "a number"
        allows = f"{noun} from {_bound(described.minimum)} to {_bound(described.maximum)}"
    got = repr(value) if isinstance(value, str | int | float | None) else "a list or a record"
    return f"must be {allows}; got {got}"


def _bound(bound: float | None) -> str:
    """A bound for a message: 1.0 as 1. Every number has both."""
    assert bound is not None
    return str(int(bound) if bound == int(bound) else bound)
