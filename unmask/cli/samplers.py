"""`unmask samplers`: the rules that decide what a step commits, and their parameters."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

import unmask
from unmask.v1.settings_pb2 import ParameterDescription, SamplerDescription


def samplers(
    name: Annotated[str | None, typer.Argument(help="A sampler, to see its parameters.")] = None,
    server: Annotated[str, typer.Option(help="host:port of a server to ask; without it, all that there are.")] = "",
    model: Annotated[str, typer.Option(help="With --server: the model whose samplers to list.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
):
    """List the samplers, or the parameters of one."""
    try:
        found = samplers_of(server, model)
        if name:
            found = [named(found, name)]
    except (unmask.UnmaskError, ValueError) as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        facts = [facts_of(sampler) for sampler in found]
        print(json.dumps(facts[0] if name else facts))
    elif name:
        show(found[0])
    else:
        width = max(len(sampler.name) for sampler in found)
        for sampler in found:
            print(f"{sampler.name:<{width}}  {sampler.summary}")


def samplers_of(server: str, model: str) -> list[SamplerDescription]:
    """A model's samplers from a server, or every one that this installation has."""
    if server:
        with unmask.connect(server) as client:
            return list(client.model(model).samplers)
    if model:
        raise ValueError("--model needs --server: without one the samplers of all models are listed")
    from inference_service.rpc.convert import sampler_to_proto  # torch takes seconds to import: only when needed
    from inference_service.sampling.registry import SAMPLERS

    return [sampler_to_proto(sampler, {}) for sampler in SAMPLERS.values()]


def named(found: list[SamplerDescription], name: str) -> SamplerDescription:
    for sampler in found:
        if sampler.name == name:
            return sampler
    raise ValueError(f"there is no sampler {name!r}; there are {', '.join(sampler.name for sampler in found)}")


def show(sampler: SamplerDescription) -> None:
    """What each parameter takes and its default in a line, its meaning below."""
    print(f"{sampler.name}: {sampler.summary}")
    print(f"Source: {sampler.source}")
    if sampler.revises:
        print("It may open or edit what is committed.")
    show_parameters(sampler.parameters)


def show_parameters(parameters: Sequence[ParameterDescription]) -> None:
    width = max((len(parameter.name) for parameter in parameters), default=0) + 2
    console = Console(highlight=False)
    for parameter in parameters:
        facts = f"{range_of(parameter)}; default {default_in_words(parameter)}"
        console.print()
        console.print(f"[bold]{parameter.name:<{width}}[/]{escape(facts)}", soft_wrap=True)
        console.print(Padding(escape(parameter.summary), (0, 0, 0, width)))


def facts_of(sampler: SamplerDescription) -> dict:
    return {"name": sampler.name, "summary": sampler.summary, "source": sampler.source, "revises": sampler.revises,
            "parameters": [parameter_facts(parameter) for parameter in sampler.parameters]}


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
