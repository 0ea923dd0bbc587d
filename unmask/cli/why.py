"""`unmask why`: what spoke for a token of a session that a server has."""

import json
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.progress import Progress

import unmask
from unmask.cli import options
from unmask.cli.generate import one_line
from unmask.client import DEFAULT_ADDRESS
from unmask.v1.inspection_service_pb2 import Attribution


def why(
    session: Annotated[str, typer.Argument(help="The session's id.")],
    position: Annotated[int, typer.Argument(min=0, max=options.MAX_ID, help="The position, from the canvas's start.")],
    server: Annotated[str, typer.Option(help="host:port of the server that has it.")] = DEFAULT_ADDRESS,
    token: Annotated[int | None, typer.Option(min=0, max=options.MAX_ID, help="Another token's id.")] = None,
    contrast: Annotated[int | None, typer.Option(min=0, max=options.MAX_ID, help="Why not this one, by id.")] = None,
    method: Annotated[str, typer.Option(help="ablation, occlusion, attention, saliency, input_x_gradient or"
                                             " integrated_gradients.")] = "ablation",
    revision: Annotated[int | None, typer.Option(min=0, help="The canvas looked at; the newest if left out.")] = None,
    count: Annotated[int, typer.Option(min=1, help="How many sources to list, the strongest first.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known of it as JSON.")] = False,
):
    """Say which positions spoke for a token, and which against it."""
    errors = Console(stderr=True)
    with one_line(errors), unmask.connect(server) as client:
        asked = client.open(session)
        with Progress(console=errors, transient=True) as bar:
            task = bar.add_task(method, total=None)
            before = asked.looking_forwards
            found = asked.attribute(position, token, contrast, method, revision=revision,
                                    progress=lambda done, total: bar.update(task, completed=done, total=total))
        if as_json:
            print(json.dumps(MessageToDict(found, preserving_proto_field_name=True)))
            return
        passes = asked.looking_forwards - before
        canvas = asked.get(found.revision).canvas.tokens
        named = client.model(asked.model).has_tokenizer
        ids = sorted({found.token, *canvas})
        texts = dict(zip(ids, client.pieces(ids, asked.model), strict=True)) if named else {}
    words = {id: repr(texts[id].text) if id in texts else str(id) for id in ids}
    print(f"{words[found.token]} at {position}: {found.target:.4f} nats")
    for line in lines(found, list(canvas), words, count):
        print(line)
    took = [] if found.cached else [f"Looking took {passes:,} forward passes; they are not the run's."]
    for note in [*found.notes, *filter(None, [found.fallback_reason]), *took]:
        errors.print(note, highlight=False, markup=False, soft_wrap=True)


def lines(found: Attribution, canvas: list[int], words: dict[int, str], count: int) -> list[str]:
    """The strongest sources, for it or against it, one a line."""
    strongest = sorted(found.scores, key=lambda score: -abs(score.score))[:count]
    return [f"{score.score:+10.4f}  {score.position:4}  "
            + " ".join(words[id] for id in canvas[score.position:score.position + score.count]) for score in strongest]
