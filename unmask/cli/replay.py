"""`unmask replay`: a recording in the terminal, without a server and without the model."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from unmask.cli import options
from unmask.cli.generate import one_line, until_end
from unmask.cli.showing import Show, drawn, fitted, lines, view
from unmask.cli.verify import verify
from unmask.frames import GIVEN, OPEN
from unmask.recording import read
from unmask.recording.text import printable, text_of

SLOWEST = 60  # seconds a frame
STATES: dict[int, str] = {OPEN: "open", GIVEN: "given"}


def replay(
    file: Annotated[Path, typer.Argument(help="A recording, or the JSON of a plain history.")],
    speed: Annotated[float, typer.Option(min=0, help="Frames a second; 0: as fast as it can.")] = 12,
    revision: Annotated[int | None, typer.Option(help="Show this revision and end.")] = None,
    every: Annotated[bool, typer.Option("--all/--path", help=(
        "Every frame in the order they were made, or those on the way to the newest."))] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the last canvas and its text as JSON.")] = False,
    verified: Annotated[bool, typer.Option("--verify", help=(
        "Have the model compute every step again, and say whether the same comes of it."))] = False,
    server: options.Server = "",
):
    """Show a recording. Into a pipe goes a line for each frame, and the text."""
    errors = Console(stderr=True)
    with one_line(errors):
        if server and not verified:
            raise ValueError("--server goes with --verify; a recording shows without one")
        data = content(file)
        show = Show(read(data))
        if verified:
            same = verify(data, show, server, errors)
            raise typer.Exit(0 if same else 1)
        revisions = revisions_of(show, revision, every)
    if as_json:
        print(json.dumps(facts(show, revisions[-1])))
        return
    console = Console()
    try:
        if console.is_terminal:
            play(show, revisions, speed, console)
        else:
            tell(show, revisions)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{str(file)!r} cannot be read: {error.strerror}") from None


def revisions_of(show: Show, revision: int | None, every: bool) -> list[int]:
    """The revisions to show, in order. Raises ValueError for one that is not recorded."""
    if revision is None:
        return [frame.revision for frame in show.recording.frames] if every else show.canvases.way(show.head)
    if revision not in show.canvases.frames:
        raise ValueError(f"--revision must be from {show.recording.frames[0].revision} to {show.head}; got {revision}")
    return [revision]


def play(show: Show, revisions: list[int], speed: float, console: Console) -> None:
    """Redraws the canvas in place, `speed` times a second; the last one stays there whole."""
    top = 0
    with Live(console=console, auto_refresh=False) as live:
        for index, revision in enumerate(revisions):
            if index and speed > 0:
                time.sleep(min(1 / speed, SLOWEST))
            seen = view(show, revision, revisions[index - 1] if index else None)
            text, top = fitted(seen, console, top)
            live.update(text, refresh=True)
        live.update(drawn(seen))


def tell(show: Show, revisions: list[int]) -> None:
    """A line for each revision, then the text of the last."""
    for index, revision in enumerate(revisions):
        print(lines(view(show, revision, revisions[index - 1] if index else None)))
    print(f"\n{printable(answer(show, revisions[-1]))}")


def answer(show: Show, revision: int) -> str:
    """The generated text before its end; ids where the recording has no tokens."""
    canvas = show.canvases.at(revision)
    made = list(canvas.tokens[canvas.prompt_length:])
    if not show.recording.tokens:
        return ",".join(str(token) for token in made if token is not None)
    return text_of(until_end(made, show.recording.model), show.known)


def facts(show: Show, revision: int) -> dict:
    """A revision as a program reads it. An open position's token is null; so is a text that is not known."""
    canvas = show.canvases.at(revision)
    return {"revision": revision, "tokens": canvas.tokens, "prompt_length": canvas.prompt_length,
            "states": [STATES.get(state, "committed") for state in canvas.states],
            "text": answer(show, revision) if show.recording.tokens else None}
