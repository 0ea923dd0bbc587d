"""A plain history of token grids as a recording.

The form of the trajectories of "Diffusion Language Models Know the Answer Before Decoding" (arXiv 2508.19982, Prophet):
x0, what the model would write at every position, for each step, and the positions that the step decided.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from reprlib import repr as shown

from unmask.recording import grids
from unmask.recording.checks import FORMAT, VERSION
from unmask.recording.grids import Grid
from unmask.recording.values import invalid
from unmask.v1.frame_pb2 import CAUSE_CREATE, CAUSE_STEP, Change, Draft, Frame, Summary
from unmask.v1.model_service_pb2 import Model, Token
from unmask.v1.recording_pb2 import Recording
from unmask.v1.session_pb2 import Canvas, Session
from unmask.v1.settings_pb2 import Settings

SAMPLER = "imported"
DERIVED = "commit_order_derived"
Cells = list[int | None]  # a canvas; None is open


@dataclass
class Step:
    """What one grid tells. changes: position to token, None where it is open again. drafted: position to token."""

    changes: dict[int, int | None]
    drafted: dict[int, int] = field(default_factory=dict)


def is_history(content: object) -> bool:
    return isinstance(content, list) or (isinstance(content, dict) and grids.FIELD in content)


def recording_of(content: list | dict) -> Recording:
    """The recording that a history makes, with a frame for each grid. Raises BadRecording."""
    told = content if isinstance(content, dict) else {grids.FIELD: content}
    history, names, groups = grids.flat(told[grids.FIELD])
    check_vocabulary(history, names, number(told, "vocabulary_size"))
    mask, size = number(told, "mask_token"), len(history[0])
    begun = beginning(told, history, mask)
    before = len(begun.cells) - size  # positions of a prompt that is not in the grids
    history = [[*begun.cells[:before], *grid] for grid in history]
    if mask is not None and any(mask in grid for grid in history):
        return recording(told, begun, canvas_steps(history, names, begun, mask, before), Summary())
    if grids.DECIDED in told:
        order = [[before + position for position in positions]
                 for positions in grids.decided(told[grids.DECIDED], groups, size)]
        return recording(told, begun, prediction_steps(history, order, begun), Summary(forward_count=1))
    if "mask_token" not in told:
        check_no_mask(history)
    steps = prediction_steps(history, derived_order(history, begun), begun)
    return recording(told, begun, steps, Summary(forward_count=1, approximations=[DERIVED]))


# ---- how it began ----

@dataclass
class Beginning:
    """The canvas before the first step: the prompt, and the rest open."""

    cells: Cells
    prompt_length: int


def beginning(told: dict, history: list[Grid], mask: int | None) -> Beginning:
    """The prompt's ids stand before the grids, unless its length says that the grids begin with it."""
    lengths = [number(told, name) for name in ("prompt_length", "prompt_token_len")]
    length = next((length for length in lengths if length is not None), None)
    size = len(history[0])
    prompt: Cells | None = told.get("prompt")
    if prompt is not None:
        if not isinstance(prompt, list):
            raise invalid(f"prompt: must be a list of token ids; got {shown(prompt)}")
        grids.ids_of(prompt, "prompt")
    if length is None:
        prompt = prompt or []
        size += len(prompt)
    elif length > size:
        raise invalid(f"prompt_length: must be at most {size}, the positions of a grid; got {length}")
    elif prompt is None:
        prompt = [*history[0][:length]]
        for position, id in enumerate(prompt):
            if id != mask and any(grid[position] != id for grid in history):
                raise invalid(f"prompt_length: the grids differ at position {position} of the prompt, so it is not in"
                              " them; give its ids as \"prompt\"")
    elif len(prompt) != length:
        raise invalid(f"prompt: has {len(prompt)} ids, and prompt_length is {length}; leave out prompt_length where the"
                      " grids do not begin with the prompt")
    known = [None if id == mask else id for id in prompt]
    return Beginning([*known, *[None] * (size - len(known))], len(known))


def check_no_mask(history: list[Grid]) -> None:
    """Raises BadRecording where one id looks like the mask: every change begins or ends with it."""
    changes = [(old, new) for before, after in pairwise(history) for old, new in zip(before, after) if old != new]
    moved = {position for position, ids in enumerate(zip(*history)) if len(set(ids)) > 1}
    begun = {history[0][position] for position in moved}
    if len(moved) > 1 and len(begun) == 1 and all(begun & {old, new} for old, new in changes):
        id = begun.pop()
        raise invalid(f"every position that changes begins as {id}, which looks like the mask; say so with"
                      f' {{"{grids.FIELD}": [...], "mask_token": {id}}}, or "mask_token": null if no position is open')


def check_vocabulary(history: list[Grid], names: list[str], vocabulary: int | None) -> None:
    for name, grid in zip(names, history, strict=True):
        if vocabulary and max(grid) >= vocabulary:
            raise invalid(f"{name}[{grid.index(max(grid))}]: the vocabulary's ids are 0 to {vocabulary - 1};"
                          f" got {max(grid)}")


# ---- its steps ----

def canvas_steps(history: list[Grid], names: list[str], begun: Beginning, mask: int, before: int) -> list[Step]:
    """Grids that are canvases: each step is the difference. A first one that is all open is how it began."""
    last, steps = begun.cells, []
    for name, grid in zip(names, history, strict=True):
        cells = [None if id == mask else id for id in grid]
        changes = {position: cell for position, cell in enumerate(cells) if cell != last[position]}
        for position in changes:
            if begun.cells[position] is not None:
                raise invalid(f"{name}[{position - before}]: must be {begun.cells[position]}, the prompt's;"
                              f" got {grid[position]}")
        steps.append(Step(changes))
        last = cells
    return steps if steps[0].changes else steps[1:]


def prediction_steps(history: list[Grid], order: list[list[int]], begun: Beginning) -> list[Step]:
    """Grids of x0: each step decides the positions that are its turn, and its draft is x0 at those open before it."""
    cells, steps = list(begun.cells), []
    for index, (grid, positions) in enumerate(zip(history, order, strict=True)):
        drafted = {position: grid[position] for position, cell in enumerate(cells)
                   if cell is None and grid[position] is not None}  # a hole of a prompt that is not in the grids
        changes: dict[int, int | None] = {
            position: grid[position] for position in positions if cells[position] != grid[position]}
        for position, token in changes.items():
            if begun.cells[position] is not None:
                raise invalid(f"{grids.DECIDED}: step {index + 1} decides position {position}, which is the prompt's")
            cells[position] = token
        steps.append(Step(changes, drafted))
    return steps


def derived_order(history: list[Grid], begun: Beginning) -> list[list[int]]:
    """The positions by the step after which they do not change any more."""
    order: list[list[int]] = [[] for _ in history]
    for position, ids in enumerate(zip(*history)):
        if begun.cells[position] is None:
            changed = [step for step, (one, other) in enumerate(pairwise(ids), 1) if one != other]
            order[changed[-1] if changed else 0].append(position)
    return order


# ---- as a recording ----

def recording(told: dict, begun: Beginning, steps: list[Step], summary: Summary) -> Recording:
    """summary: what every step's begins with."""
    mask = number(told, "mask_token")
    shows = mask if mask is not None else unused(begun, steps)
    settings = Settings(sampler=SAMPLER)
    model = Model(name=text(told.get("model") or "", "model"), vocabulary_size=number(told, "vocabulary_size"),
                  mask_token=mask)
    states = [Canvas.POSITION_STATE_OPEN if cell is None else Canvas.POSITION_STATE_GIVEN for cell in begun.cells]
    canvas = Canvas(tokens=[shows if cell is None else cell for cell in begun.cells], states=states)
    created = Summary(open_count=begun.cells.count(None), pending=bool(steps))
    session = Session(model=model.name, head_revision=len(steps), canvas=canvas, prompt_length=begun.prompt_length,
                      settings=settings, summary=created, mask_token=shows)
    frames = [Frame(parent_revision=-1, cause=CAUSE_CREATE, settings=settings, summary=created)]
    cells = dict(enumerate(begun.cells))
    for revision, step in enumerate(steps, 1):
        cells |= step.changes
        frames.append(frame(revision, step, Summary(
            open_count=sum(cell is None for cell in cells.values()), forward_count=summary.forward_count,
            total_forward_count=revision * summary.forward_count, approximations=summary.approximations,
            pending=revision < len(steps))))
    return Recording(format=FORMAT, version=VERSION, model=model, session=session, frames=frames, tokens=tokens(told))


def frame(revision: int, step: Step, summary: Summary) -> Frame:
    changes = [Change(position=position, token=token) for position, token in sorted(step.changes.items())]
    draft = Draft(positions=step.drafted, tokens=step.drafted.values(), predicted_at=revision - 1)
    return Frame(revision=revision, parent_revision=revision - 1, cause=CAUSE_STEP, changes=changes, summary=summary,
                 draft=draft if step.drafted else None)


def unused(begun: Beginning, steps: list[Step]) -> int:
    """The smallest id that occurs nowhere: it stands for the mask where that is not known."""
    used = {*begun.cells, *(id for step in steps for ids in (step.changes, step.drafted) for id in ids.values())}
    return next(id for id in range(len(used) + 1) if id not in used)


def tokens(told: dict) -> list[Token]:
    named = told.get("tokens") or {}
    if not isinstance(named, dict):
        raise invalid(f'tokens: must be an object such as {{"5": " red"}}; got {shown(named)}')
    for id in named:
        if not (id.isascii() and id.isdecimal() and len(id) <= 10) or int(id) > grids.MOST_ID:
            raise invalid(f"tokens: must be named by token ids; got {shown(id)}")
    shows = [(int(id), text(content, f"tokens[{id}]")) for id, content in named.items()]
    return [Token(id=id, text=content, bytes=content.encode()) for id, content in shows]


def number(told: dict, name: str) -> int | None:
    value = told.get(name)
    if value is not None and not (grids.is_id(value) and 0 <= value <= grids.MOST_ID):
        raise invalid(f"{name}: must be a whole number from 0 to {grids.MOST_ID}; got {shown(value)}")
    return value


def text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name}: must be text; got {shown(value)}")
    return value.encode("utf-8", "replace").decode()  # JSON can carry half a character, protobuf cannot
