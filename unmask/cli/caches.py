"""`unmask caches`: what may be kept between forward passes, what it saves and what it costs."""

from typing import Annotated

import typer

from unmask.cli.listing import AsJson, OfModel, Server, model_of, parameter_facts, show_parameters, tell
from unmask.v1.settings_pb2 import CacheDescription


def caches(
    name: Annotated[str | None, typer.Argument(help="A cache policy, to see its parameters.")] = None,
    server: Server = "",
    model: OfModel = "",
    as_json: AsJson = False,
):
    """List the cache policies, or the parameters of one."""
    tell(lambda: caches_of(server, model), name, as_json, "cache policy",
         lambda cache: f"{cache.summary} {cache.costs}", show, facts_of)


def caches_of(server: str, model: str) -> list[CacheDescription]:
    """A model's cache policies from a server, or every one that this installation has."""
    if of := model_of(server, model):
        return list(of.caches)
    from inference_service.caches.registry import POLICIES  # torch takes seconds to import: only when needed
    from inference_service.rpc.convert import cache_to_proto
    from inference_service.sampling.registry import SAMPLERS

    return [cache_to_proto(policy, SAMPLERS.values()) for policy in POLICIES.values()]


def show(cache: CacheDescription) -> None:
    print(f"{cache.name}: {cache.summary}\n{cache.costs}")
    if cache.source:
        print(f"Source: {cache.source}")
    print(f"Samplers: {', '.join(cache.samplers)}")
    show_parameters(cache.parameters)


def facts_of(cache: CacheDescription) -> dict:
    return {"name": cache.name, "summary": cache.summary, "source": cache.source, "costs": cache.costs,
            "exact": cache.exact, "samplers": list(cache.samplers),
            "parameters": [parameter_facts(parameter) for parameter in cache.parameters]}
