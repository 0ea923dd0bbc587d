"""`unmask replay --verify`: what a recording says, computed again."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from unmask.cli.generate import client_for, load
from unmask.cli.showing import Show
from unmask.recording.text import pieces, printable
from unmask.v1.frame_pb2 import CAUSE_STEP, Change
from unmask.v1.session_service_pb2 import Mismatch

MOST_SHOWN = 10
ROLES = ("mask", "eos", "eot")


def verify(data: bytes, show: Show, server: str, errors: Console) -> bool:
    """Imports the file where its model is, has every step computed again and says what came of it. Whether all agree.

    server: host:port; empty runs one in this process. The session is deleted there afterwards. Raises ValueError and
    UnmaskError where it cannot be done.
    """
    model = show.recording.model
    steps = sum(frame.cause == CAUSE_STEP for frame in show.recording.frames[1:])
    if not steps:
        raise ValueError("there is no step in the recording that could be computed again")
    if not (model.name or show.recording.session.model):
        raise ValueError("the recording does not name its model, so nothing can be computed again")
    ids = {role: getattr(model, f"{role}_token") for role in ROLES if model.HasField(f"{role}_token")}
    with client_for(server) as client:
        # A server has its model as it has it; here it is loaded as it was then.
        dtype, token_ids, family = ("", {}, "") if server else (model.dtype, ids, model.family)
        load(client, model.name or show.recording.session.model, dtype, token_ids, errors, family)
        session, notes = client.import_recording(data)
        for note in notes:
            errors.print(note, highlight=False, markup=False, soft_wrap=True)
        try:
            with Progress(console=errors, transient=True) as bar:
                task = bar.add_task("computing again", total=steps)
                wrong = session.verify(lambda done, total: bar.update(task, completed=done, total=total))
        finally:
            session.delete()
    if not wrong:
        print("the one step came out the same" if steps == 1 else f"all {steps} steps came out the same")
        return True
    print(f"{len(wrong)} of {steps} steps came out otherwise:")
    for mismatch in wrong[:MOST_SHOWN]:
        print(f"revision {mismatch.revision}: {difference(show, mismatch)}")
    if len(wrong) > MOST_SHOWN:
        print(f"and {len(wrong) - MOST_SHOWN} more")
    return False


def difference(show: Show, mismatch: Mismatch) -> str:
    """position 12 was 41 " Tom" and is 52 " Ann" now, ..."""
    recorded, computed = at(mismatch.recorded), at(mismatch.computed)
    positions = [position for position in sorted(recorded | computed)
                 if recorded.get(position, "unchanged") != computed.get(position, "unchanged")]
    return ", ".join(f"position {position} was {told(show, recorded, position)} and is"
                     f" {told(show, computed, position)} now" for position in positions)


def at(changes: Sequence[Change]) -> dict[int, int | None]:
    return {change.position: change.token if change.HasField("token") else None for change in changes}


def told(show: Show, tokens: dict[int, int | None], position: int) -> str:
    if position not in tokens:
        return "left as it was"
    id = tokens[position]
    if id is None:
        return "opened"
    return f'{id} "{printable(pieces([id], show.known)[0])}"' if id in show.known else str(id)
