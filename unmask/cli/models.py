"""`unmask models`: what a checkpoint is, told before it is loaded, and the models of a server."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

import unmask
from unmask.cli import options
from unmask.cli.generate import load as loaded
from unmask.cli.generate import parse_id
from unmask.client import DEFAULT_ADDRESS
from unmask.v1.model_service_pb2 import Model

models = typer.Typer(help="Look at checkpoints, and at the models of a server.", no_args_is_help=True)
Server = Annotated[str, typer.Option(help="host:port of the server.")]
Name = Annotated[str, typer.Argument(help="A name, a checkpoint folder or a hub id, which may end in @revision.")]
STATES = {Model.STATE_UNLOADED: "not loaded", Model.STATE_LOADING: "loading", Model.STATE_READY: "ready"}


@models.command()
def inspect(
    folder: Annotated[str, typer.Argument(help="A checkpoint folder, or a hub id that was downloaded.")],
    id_: Annotated[list[str], typer.Option("--id", help="An id that the checkpoint cannot tell: mask=5.")] = [],  # noqa: B006
    family: options.Family = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
):
    """Say what a checkpoint is and what it needs, from its headers alone."""
    from inference_service.errors import ServiceError  # torch takes seconds to import: only when it is needed

    try:
        facts = recognised(folder, dict(map(parse_id, id_)), family)
    except (ServiceError, ValueError) as error:
        raise failed(error) from None
    if as_json:
        print(json.dumps(facts))
        return
    for name, fact in lines(facts):
        print(f"{name:<16}{fact}")


@models.command("list")
def list_(server: Server = DEFAULT_ADDRESS):
    """List a server's models, and which are in its memory."""
    try:
        with unmask.connect(server) as client:
            found = client.models()
    except unmask.UnmaskError as error:
        raise failed(error) from None
    width = max(len(model.name) for model in found)
    for model in found:
        more = [STATES.get(model.state, "unknown"), *([model.weights] if model.weights else []),
                *(["its files have changed since: load it again"] if model.changed else [])]
        print(f"{model.name:<{width}}  {', '.join(more)}")


@models.command()
def load(
    name: Name,
    server: Server = DEFAULT_ADDRESS,
    dtype: options.Dtype = "",
    id_: options.Id = [],  # noqa: B006
    family: options.Family = "",
):
    """Bring a model into a server's memory; one that is there is read again where its files have changed."""
    try:
        with unmask.connect(server) as client:
            model = loaded(client, name, dtype, dict(map(parse_id, id_)), Console(stderr=True), family)
    except (unmask.UnmaskError, ValueError) as error:
        raise failed(error) from None
    print(f"{model.name} is in memory: {model.family}, {model.weights} on {model.device}")
    for note in (model.weights_note, model.cache_note):
        if note:
            print(note)


@models.command()
def unload(name: Name, server: Server = DEFAULT_ADDRESS):
    """Take a model out of a server's memory. What runs with it ends first; nothing new begins."""
    try:
        with unmask.connect(server) as client:
            model = client.unload(name)
    except unmask.UnmaskError as error:
        raise failed(error) from None
    print(f"{model.name} is not in memory any more")


def failed(error: Exception) -> typer.Exit:
    """Prints what went wrong; the exit to raise."""
    Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
    return typer.Exit(1)


def recognised(folder: str, token_ids: dict[str, int], family: str = "") -> dict:
    """The facts of `inference_service.models.description`; raises as loading the folder does."""
    from inference_service.errors import NotFound
    from inference_service.models.description import describe
    from inference_service.models.folders import local_folder
    from inference_service.models.hub import downloaded
    from inference_service.models.recognise import recognise

    path = local_folder(folder) or downloaded(folder)
    if path is None:
        raise NotFound(f"there is no folder {folder!r}; a model of the hub has to be downloaded first")
    return describe(recognise(path, folder, token_ids, family=family))


def lines(facts: dict) -> list[tuple[str, str]]:
    """The facts as a person reads them: a name and what is so."""
    ids = facts["token_ids"].items()
    unnamed = f", {facts['unnamed_count']:,} of them without a token" if facts["unnamed_count"] else ""
    return [
        ("family", facts["family"]),
        ("stock class", facts["stock_class"]),
        *((("weights", facts["weights_note"]),) if facts["weights_note"] else ()),
        ("parameters", f"{facts['parameter_count']:,}, stored as {facts['stored_dtype']}"),
        ("vocabulary", f"{facts['vocabulary_size']:,} ids{unnamed}"),
        ("context", f"{facts['context_length']:,} positions"),
        *((role, "none" if told["id"] is None else f"{told['id']}, {source(told['found'])}") for role, told in ids),
        ("ends", ", ".join(map(str, facts["end_tokens"])) or "none"),
        ("logits", "shifted: row i - 1 predicts position i" if facts["shifted"] else "row i predicts position i"),
        ("attention", facts["attention"]["summary"]),
        ("tokenizer", "yes" if facts["has_tokenizer"] else "no"),
        ("chat template", "yes" if facts["has_chat_template"] else "no"),
        ("sampler", facts["default_sampler"] + "".join(f", {name} = {is_}" for name, is_ in facts["defaults"].items())),
        *(("memory", f"{size(need)} as {dtype}") for dtype, need in facts["memory_bytes"].items()),
    ]


def source(found: str) -> str:
    """Where an id is from, in a sentence's end."""
    return "as given" if found == "given" else f"from {found}"


def size(count: int) -> str:
    """Bytes in GB, or in MB below one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
