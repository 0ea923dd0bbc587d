"""`unmask caches`: what may be kept between forward passes, what it saves and what it costs."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import unmask
from unmask.cli.samplers import parameter_facts, show_parameters
from unmask.v1.settings_pb2 import CacheDescription


def caches(
    name: Annotated[str | None, typer.Argument(help="A cache policy, to see its parameters.")] = None,
    server: Annotated[str, typer.Option(help="host:port of a server to ask; without it, all that there are.")] = "",
    model: Annotated[str, typer.Option(help="With --server: the model whose policies to list.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
):
    """List the cache policies, or the parameters of one."""
    try:
        found = caches_of(server, model)
        if name:
            found = [named(found, name)]
    except (unmask.UnmaskError, ValueError) as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        facts = [facts_of(cache) for cache in found]
        print(json.dumps(facts[0] if name else facts))
    elif name:
        show(found[0])
    else:
        width = max(len(cache.name) for cache in found)
        for cache in found:
            print(f"{cache.name:<{width}}  {cache.summary} {cache.costs}")


def caches_of(server: str, model: str) -> list[CacheDescription]:
    """A model's cache policies from a server, or every one that this installation has."""
    if server:
        with unmask.connect(server) as client:
            return list(client.model(model).caches)
    if model:
        raise ValueError("--model needs --server: without one the policies of all models are listed")
    from inference_service.caches.registry import POLICIES  # torch takes seconds to import: only when needed
    from inference_service.rpc.convert import cache_to_proto
    from inference_service.sampling.registry import SAMPLERS

    return [cache_to_proto(policy, SAMPLERS.values()) for policy in POLICIES.values()]


def named(found: list[CacheDescription], name: str) -> CacheDescription:
    for cache in found:
        if cache.name == name:
            return cache
    raise ValueError(f"there is no cache policy {name!r}; there are {', '.join(cache.name for cache in found)}")


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
