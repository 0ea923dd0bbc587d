"""`unmask models`: what a checkpoint is, told before it is loaded."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from unmask.cli.generate import parse_id

models = typer.Typer(help="Look at checkpoints.", no_args_is_help=True)


@models.command()
def inspect(
    folder: Annotated[str, typer.Argument(help="A checkpoint folder.")],
    id_: Annotated[list[str], typer.Option("--id", help="An id that the checkpoint cannot tell: mask=5.")] = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
):
    """Say what a checkpoint is and what it needs, from its headers alone."""
    from inference_service.errors import ServiceError  # torch takes seconds to import: only when it is needed

    try:
        facts = recognised(folder, dict(map(parse_id, id_)))
    except (ServiceError, ValueError) as error:
        message = escape(str(error))
        Console(stderr=True).print(f"[bold red]Error:[/] {message}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(facts))
        return
    for name, fact in lines(facts):
        print(f"{name:<16}{fact}")


def recognised(folder: str, token_ids: dict[str, int]) -> dict:
    """The facts of `inference_service.models.description`; raises as loading the folder does."""
    from inference_service.errors import NotFound
    from inference_service.models.description import describe
    from inference_service.models.folders import local_folder
    from inference_service.models.recognise import recognise

    path = local_folder(folder)
    if path is None:
        raise NotFound(f"there is no folder {folder!r}; a model of the hub has to be downloaded first")
    return describe(recognise(path, folder, token_ids))


def lines(facts: dict) -> list[tuple[str, str]]:
    """The facts as a person reads them: a name and what is so."""
    ids = facts["token_ids"].items()
    return [
        ("family", facts["family"]),
        ("stock class", facts["stock_class"]),
        ("parameters", f"{facts['parameter_count']:,}, stored as {facts['stored_dtype']}"),
        ("vocabulary", f"{facts['vocabulary_size']:,} ids"),
        ("context", f"{facts['context_length']:,} positions"),
        *((role, "none" if told["id"] is None else f"{told['id']}, {source(told['found'])}") for role, told in ids),
        ("ends", ", ".join(map(str, facts["end_tokens"])) or "none"),
        ("logits", "shifted: row i - 1 predicts position i" if facts["shifted"] else "row i predicts position i"),
        ("attention", "every position sees every other" if facts["bidirectional"] else "left to right"),
        ("tokenizer", "yes" if facts["has_tokenizer"] else "no"),
        ("chat template", "yes" if facts["has_chat_template"] else "no"),
        ("sampler", facts["default_sampler"]),
        *(("memory", f"{size(need)} as {dtype}") for dtype, need in facts["memory_bytes"].items()),
    ]


def source(found: str) -> str:
    """Where an id is from, in a sentence's end."""
    return "as given" if found == "given" else f"from {found}"


def size(count: int) -> str:
    """Bytes in GB, or in MB below one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
