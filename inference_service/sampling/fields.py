"""The fields of a record of parameters, as forms and error messages show them."""

import types
import typing
from dataclasses import dataclass

from pydantic import BaseModel

from inference_service.sampling.parameters import LONGEST_TEXT, MOST_TEXTS, Text


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


def fields_of(record: type[BaseModel]) -> list[ParameterDescription]:
    """A record's own fields as they are declared, then those that it shares with others."""
    described = []
    for name in _order(record):
        info = record.model_fields[name]
        annotation = _without_none(info.annotation)
        choices = typing.get_args(annotation) if typing.get_origin(annotation) is typing.Literal else ()
        kind = "choice" if choices else {bool: "bool", int: "integer", float: "number", list[Text]: "texts"}[annotation]
        bounds = {key: getattr(item, key) for item in info.metadata for key in ("ge", "le") if hasattr(item, key)}
        described.append(ParameterDescription(name, kind, bounds.get("ge"), bounds.get("le"), choices, info.default,
                                              info.description or ""))
    return described


def allowed(described: ParameterDescription, value: object) -> str:
    """What a parameter allows, in words, and that a value is not it."""
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


def _order(record: type[BaseModel]) -> list[str]:
    declared = [name for base in record.__mro__ for name in vars(base).get("__annotations__", {})]
    return [name for name in dict.fromkeys(declared) if name in record.model_fields]


def _without_none(annotation):
    """int for int | None."""
    if isinstance(annotation, types.UnionType):
        return next(member for member in typing.get_args(annotation) if member is not type(None))
    return annotation


def _bound(bound: float | None) -> str:
    """A bound for a message: 1.0 as 1. Every number has both."""
    assert bound is not None
    return str(int(bound) if bound == int(bound) else bound)
