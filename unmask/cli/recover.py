"""`unmask recover`: texts corrupted and restored, and how much of them came back."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from unmask.cli import options
from unmask.cli.generate import client_for, load, one_line, parse_id, parse_parameter
from unmask.recovered import Recovered
from unmask.v1.inspection_service_pb2 import RecoverResponse


def recover(
    texts: Annotated[list[str] | None, typer.Argument(help="The texts.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with a text on each line; \\n in it is a new line.")] = None,
    model: Annotated[list[str], typer.Option(help="As generate takes it; repeatable, in turn.")] = [],  # noqa: B006
    prompt: Annotated[str, typer.Option(help="Stands before each text and is never masked.")] = "",
    raw: options.Raw = False,
    special_tokens: options.SpecialTokens = None,
    add_special_tokens: options.AddSpecialTokens = None,
    corruption: Annotated[str, typer.Option(help="random, sticky, fragment or mixed.")] = "random",
    ratio: Annotated[float | None, typer.Option(help="The share that is masked, up to 1; 0.4 if left out.")] = None,
    rounds: Annotated[int, typer.Option(min=0, max=options.MAX_ID, help="Of sticky; 0 takes 8.")] = 0,
    sampler: options.Sampler = "",
    set_: options.Set = [],  # noqa: B006
    seed: options.Seed = None,
    id_: options.Id = [],  # noqa: B006
    family: options.Family = "",
    dtype: options.Dtype = "",
    server: options.Server = "",
    csv: Annotated[Path | None, typer.Option(help="Write a table of all texts to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print texts and totals as JSON.")] = False,
):
    """Mask a share of some texts, restore them, and count what came back."""
    errors = Console(stderr=True)
    with one_line(errors):
        wanted = texts_from(texts or [], file)
        parameters, token_ids = dict(map(parse_parameter, set_)), dict(map(parse_id, id_))
        with client_for(server) as client:
            loaded = [load(client, name, dtype, token_ids, errors, family).name for name in model or [""]]
            with Progress(console=errors, transient=True) as bar:
                task = bar.add_task("restoring", total=None)

                def show(response: RecoverResponse) -> None:
                    if response.HasField("progress"):
                        bar.update(task, total=response.progress.total, completed=response.progress.done)

                recovered = client.recover(
                    wanted, models=loaded, prompt=prompt, raw=raw, corruption=corruption, ratio=ratio, rounds=rounds,
                    sampler=sampler, seed=seed, parameters=parameters, special_tokens=special_tokens,
                    add_special_tokens=add_special_tokens, progress=show)
        if csv:
            write(csv, recovered.csv())
    if as_json:
        print(json.dumps(facts(recovered)))
    else:
        Console().print(table(recovered))


def texts_from(texts: list[str], file: Path | None) -> list[str]:
    """The texts of the command line, then those of the file's lines; empty lines are none."""
    if file is None:
        return texts
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"--file {file} cannot be read: {error}") from None
    return [*texts, *(line.replace("\\n", "\n") for line in lines if line)]


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"--csv {path} cannot be written: {error.strerror}") from None


def facts(recovered: Recovered) -> dict:
    return {
        "texts": [{**row, "original": list(text.original), "restored": list(text.restored),
                   "masked_positions": list(text.masked)}
                  for row, text in zip(recovered.rows(), recovered.ordered(), strict=True)],
        "totals": [{"model": total.model, "texts": total.texts, "masked": total.masked, "right": total.right,
                    "accuracy": total.accuracy} for total in recovered.totals],
    }


def table(recovered: Recovered) -> Table:
    shown = Table("model", "texts", "masked", "right", "accuracy")
    for total in recovered.totals:
        shown.add_row(total.model, str(total.texts), str(total.masked), str(total.right), f"{total.accuracy:.1%}")
    return shown
