"""`unmask record`: a generation, or a session that a server has, as a file."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

import unmask
from unmask.cli import options
from unmask.cli.generate import Asked, one_line, run, started


def record(
    out: Annotated[Path, typer.Option(help="The file to write: JSON if it ends in .json, else compressed.")],
    prompt: options.Prompt = None,
    tokens: options.Tokens = None,
    raw: options.Raw = False,
    special_tokens: options.SpecialTokens = None,
    add_special_tokens: options.AddSpecialTokens = None,
    model: options.Model = "",
    length: options.Length = None,
    word: options.Word = [],  # noqa: B006
    sampler: options.Sampler = "",
    set_: options.Set = [],  # noqa: B006
    constraint: options.Constraint = "",
    cache: options.Cache = "",
    cache_set: options.CacheSet = [],  # noqa: B006
    seed: options.Seed = None,
    id_: options.Id = [],  # noqa: B006
    family: options.Family = "",
    dtype: options.Dtype = "",
    server: options.Server = "",
    session: Annotated[str, typer.Option(help="Record this session of the server instead of a new one.")] = "",
    candidates: Annotated[int, typer.Option(min=0, max=100, help=(
        "Put so many candidates of every open position into the file."))] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
):
    """Generate once and keep every step in a file, which `unmask replay` shows."""
    errors = Console(stderr=True)
    asked = Asked(prompt, tokens, raw, model, length, word, sampler, set_, seed, id_, dtype, server,
                  constraint, special_tokens, add_special_tokens, family, cache, tuple(cache_set))
    with one_line(errors):
        check_place(out, force)
        if session:
            data, passes = exported_from(session, asked, out, candidates, errors)
        else:
            with started(asked, errors) as (_, _, new):
                run(new, errors, draft=True)
                data, passes = exported(new, out, candidates, errors)
        write(out, data)
    errors.print(f"{out}: {len(data):,} bytes, {passes}", highlight=False, markup=False, soft_wrap=True)


def check_place(out: Path, force: bool) -> None:
    """Raises ValueError where the file cannot be written, before anything is computed for it."""
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out: there is no folder {str(out.absolute().parent)!r}")
    if out.is_dir():
        raise ValueError(f"--out: {str(out)!r} is a folder; name a file")
    if out.exists() and not force:
        raise ValueError(f"--out: {str(out)!r} is there already; --force writes over it")


def exported_from(session_id: str, asked: Asked, out: Path, candidates: int,
                  errors: Console) -> tuple[bytes, str]:
    """The file of a session that the server has, which stays there; see exported."""
    if not asked.server:
        raise ValueError("--session needs --server, the server that has it")
    if asked != Asked(None, None, False, "", None, [], "", [], None, [], "", asked.server):
        raise ValueError("--session records what is there: it takes no prompt, and no option of a new generation")
    with unmask.connect(asked.server) as client:
        return exported(client.open(session_id), out, candidates, errors)


def exported(session: unmask.Session, out: Path, candidates: int, errors: Console) -> tuple[bytes, str]:
    """The file of a session, in the form that its name asks for; and the passes of its run and of looking, in words."""
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("recording", total=None)
        data = session.export("json" if out.suffix == ".json" else "binary", candidates,
                              lambda done, total: bar.update(task, completed=done, total=total))
    took = f"{session.forwards:,} forward passes"
    return data, took + (f", and {session.looking_forwards:,} more to look into it" if session.looking_forwards else "")


def write(out: Path, data: bytes) -> None:
    """The whole file or none. Raises ValueError where the system does not let it be written."""
    out = out.resolve()  # what a link leads to
    if out.exists() and not out.is_file():  # a device or a pipe takes the bytes as they come
        return write_into(out, data)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        raise ValueError(f"--out: {str(out)!r} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_into(out: Path, data: bytes) -> None:
    try:
        with out.open("wb") as file:
            file.write(data)
    except OSError as error:
        raise ValueError(f"--out: {str(out)!r} cannot be written: {error.strerror}") from None
