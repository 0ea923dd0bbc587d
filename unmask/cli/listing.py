"""A list of things that the API describes, each with parameters: of a server's model, or all that there are."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Protocol, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

import unmask
from unmask.v1.model_service_pb2 import Model
from unmask.v1.settings_pb2 import ParameterDescription

Server = Annotated[str, typer.Option(help="host:port of a server to ask; without it, all that there are.")]
OfModel = Annotated[str, typer.Option("--model", help="With --server: the model to list them of.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


class Described(Protocol):
    name: str


D = TypeVar("D", bound=Described)


def tell(found: Callable[[], Sequence[D]], name: str | None, as_json: bool, kind: str, line: Callable[[D], str],
         show: Callable[[D], None], facts: Callable[[D], dict]) -> None:
    """Prints a line for each that is found, or one of them whole. kind: what each is called in an error."""
    try:
        described = list(found())
        if name:
            described = [named(described, name, kind)]
    except (unmask.UnmaskError, ValueError) as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        told = [facts(one) for one in described]
        print(json.dumps(told[0] if name else told))
    elif name:
        show(described[0])
    else:
        width = max(len(one.name) for one in described)
        for one in described:
            print(f"{one.name:<{width}}  {line(one)}")


def named(found: Sequence[D], name: str, kind: str) -> D:
    for one in found:
        if one.name == name:
            return one
    raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(one.name for one in found)}")


def model_of(server: str, model: str) -> Model | None:
    """A model of a server; None without one."""
    if server:
        with unmask.connect(server) as client:
            return client.model(model)
    if model:
        raise ValueError("--model needs --server: without one what all models have is listed")
    return None


def show_parameters(parameters: Sequence[ParameterDescription]) -> None:
    width = max((len(parameter.name) for parameter in parameters), default=0) + 2
    console = Console(highlight=False)
    for parameter in parameters:
        facts = f"{range_of(parameter)}; default {default_in_words(parameter)}"
        console.print()
        console.print(f"[bold]{parameter.name:<{width}}[/]{escape(facts)}", soft_wrap=True)
        console.print(Padding(escape(parameter.summary), (0, 0, 0, width)))


def parameter_facts(parameter: ParameterDescription) -> dict:
    """A default of None follows from the canvas."""
    bounds = {bound: number(getattr(parameter, bound)) if parameter.HasField(bound) else None
              for bound in ("minimum", "maximum")}
    return {"name": parameter.name, "type": kind_of(parameter), **bounds, "choices": list(parameter.choices),
            "default": default_of(parameter), "summary": parameter.summary}


def kind_of(parameter: ParameterDescription) -> str:
    return ParameterDescription.Kind.Name(parameter.kind).removeprefix("KIND_").lower()


def range_of(parameter: ParameterDescription) -> str:
    """What a parameter takes, in words."""
    if parameter.kind == ParameterDescription.KIND_BOOL:
        return "true or false"
    if parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    kind = kind_of(parameter)
    low = number(parameter.minimum) if parameter.HasField("minimum") else None
    high = number(parameter.maximum) if parameter.HasField("maximum") else None
    if low is not None and high is not None:
        return f"{kind}, {low} to {high}"
    return f"{kind}, {low} or more" if low is not None else f"{kind}, at most {high}" if high is not None else kind


def default_of(parameter: ParameterDescription) -> object:
    kind = parameter.default.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    value = getattr(parameter.default, kind)
    if kind == "list_value":
        return list(value)
    return number(value) if kind == "number_value" else value


def default_in_words(parameter: ParameterDescription) -> str:
    value = default_of(parameter)
    if value in (None, []):
        return "auto" if value is None else "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(value: float) -> int | float:
    """16.0 as 16: the wire knows doubles only."""
    return int(value) if value.is_integer() else value
