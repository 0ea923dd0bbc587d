"""`unmask samplers`: the rules that decide what a step commits, and their parameters."""

from typing import Annotated

import typer

from unmask.cli.listing import AsJson, OfModel, Server, model_of, parameter_facts, show_parameters, tell
from unmask.v1.settings_pb2 import SamplerDescription


def samplers(
    name: Annotated[str | None, typer.Argument(help="A sampler, to see its parameters.")] = None,
    server: Server = "",
    model: OfModel = "",
    as_json: AsJson = False,
):
    """List the samplers, or the parameters of one."""
    tell(lambda: samplers_of(server, model), name, as_json, "sampler", lambda sampler: sampler.summary, show, facts_of)


def samplers_of(server: str, model: str) -> list[SamplerDescription]:
    """A model's samplers from a server, or every one that this installation has."""
    if of := model_of(server, model):
        return list(of.samplers)
    from inference_service.rpc.convert import sampler_to_proto  # torch takes seconds to import: only when needed
    from inference_service.sampling.registry import SAMPLERS

    return [sampler_to_proto(sampler, {}) for sampler in SAMPLERS.values()]


def show(sampler: SamplerDescription) -> None:
    """What each parameter takes and its default in a line, its meaning below."""
    print(f"{sampler.name}: {sampler.summary}")
    print(f"Source: {sampler.source}")
    if sampler.revises:
        print("It may open or edit what is committed.")
    show_parameters(sampler.parameters)


def facts_of(sampler: SamplerDescription) -> dict:
    return {"name": sampler.name, "summary": sampler.summary, "source": sampler.source, "revises": sampler.revises,
            "parameters": [parameter_facts(parameter) for parameter in sampler.parameters]}
