"""`unmask import-nanogpt`: a character-level checkpoint of the nanoGPT line as a folder that loads like any other."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape


def import_nanogpt(
    ckpt: Annotated[Path, typer.Argument(help="The checkpoint that training wrote, such as ckpt.pt.")],
    meta: Annotated[Path, typer.Argument(help="The data set's meta.pkl, with its characters.")],
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
):
    """Rewrite a masked model of the nanoGPT line; no code in its files is run."""
    from inference_service.errors import ServiceError  # torch takes seconds to import: only when it is needed
    from inference_service.models.importers.nanogpt import import_nanogpt as rewrite

    try:
        config = rewrite(ckpt, meta, out)
    except (ServiceError, OSError) as error:
        message = escape(str(error))
        Console(stderr=True).print(f"[bold red]Error:[/] {message}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    print(f"{out}: {config['n_layer']} layers, {config['n_embd']} wide, {config['vocab_size']} characters,"
          f" {config['block_size']} positions")
