"""Edits as they came in, checked: messages to what the core takes."""

from collections.abc import Callable

from inference_service.errors import InvalidField
from inference_service.models.denoiser import Denoiser
from inference_service.rpc import prompts, requests
from inference_service.sessions import edit_kinds as core
from unmask.v1 import edit_pb2
from unmask.v1 import session_service_pb2 as pb

MOST_EDITS = 1024
MOST_CELLS = 4 << 20  # positions that the edits of one request may go over, all together
LISTING = ("mask", "unmask", "protect", "unprotect")  # edits that name positions
EARLIER = edit_pb2.UnmaskPositions.SOURCE_EARLIER
KEEP_LENGTH = edit_pb2.ReplaceSpan.FIT_KEEP_LENGTH


def checked(request: pb.EditRequest, denoiser: Denoiser, size: int) -> list[tuple[str, core.Edit]]:
    """The edits with the names of their fields. size: positions in the canvas.

    Positions are checked by the core, which knows what the edits before have left.
    """
    most = min(MOST_EDITS, max(1, MOST_CELLS // max(1, size)))
    if not 1 <= len(request.edits) <= most:
        raise InvalidField("edits", f"must be 1 to {most} edits of a canvas of {size} positions; got"
                                    f" {len(request.edits)}")
    found = []
    for index, edit in enumerate(request.edits):
        kind = edit.WhichOneof("operation")
        if kind is None:
            raise InvalidField(f"edits[{index}]", f"must have one of {', '.join(READ)}")
        field = f"edits[{index}].{kind}"
        content = getattr(edit, kind)
        if kind in LISTING:
            requests.check_count(f"{field}.positions", len(content.positions), denoiser.info.context_length,
                                 "positions")
        found.append((field, READ[kind](content, field, denoiser)))
    return found


def takes_drafts(edits: list[tuple[str, core.Edit]]) -> bool:
    """Whether a prediction is needed to do the edits."""
    return any(isinstance(edit, core.Unmask) and not edit.earlier for _, edit in edits)


def _replace(edit: edit_pb2.ReplaceSpan, field: str, denoiser: Denoiser) -> core.Replace:
    content = edit.WhichOneof("content")
    if content is None:
        raise InvalidField(field, "must have text or tokens")
    if content == "tokens":
        tokens = prompts.listed_tokens(edit.tokens.ids, f"{field}.tokens.ids", denoiser)
    else:
        tokens = prompts.text_tokens(edit.text, f"{field}.text", denoiser, special=edit.special_tokens,
                                      within=edit.position > 0)
    _check_enum(f"{field}.fit", edit.fit, edit_pb2.ReplaceSpan.Fit)
    return core.Replace(edit.position, edit.count, tokens, edit.fit == KEEP_LENGTH)


def _unmask(edit: edit_pb2.UnmaskPositions, field: str, denoiser: Denoiser) -> core.Unmask:
    _check_enum(f"{field}.source", edit.source, edit_pb2.UnmaskPositions.Source)
    return core.Unmask(edit.positions, edit.source == EARLIER)


def _check_enum(field: str, value: int, kind) -> None:
    if value not in kind.values():
        raise InvalidField(field, f"must be one of {', '.join(kind.keys()[1:])}; got {value}")


def _force_token(edit: edit_pb2.ForceToken, field: str, denoiser: Denoiser) -> core.Force:
    requests.check_committed(f"{field}.token", edit.token, denoiser)
    return core.Force(edit.position, [edit.token])


def _force_text(edit: edit_pb2.ForceText, field: str, denoiser: Denoiser) -> core.Force:
    tokens = prompts.encoded(f"{field}.text", edit.text, denoiser, special=edit.special_tokens,
                              within=edit.position > 0)
    if not tokens:
        raise InvalidField(f"{field}.text", "must have at least one token")
    for token in tokens:
        requests.check_committed(f"{field}.text", token, denoiser)
    return core.Force(edit.position, tokens)


def _append(edit: edit_pb2.AppendTurn, field: str, denoiser: Denoiser) -> core.Append:
    turn = prompts.turn_tokens(edit.turn, f"{field}.turn", denoiser)
    asked = edit.HasField("length")
    return core.Append(turn, edit.length if asked else prompts.DEFAULT_LENGTH, capped=not asked)


READ: dict[str, Callable[..., core.Edit]] = {
    "mask": lambda edit, *_: core.Mask(edit.positions),
    "unmask": _unmask,
    "replace": _replace,
    "force_token": _force_token,
    "force_text": _force_text,
    "protect": lambda edit, *_: core.Protect(edit.positions),
    "unprotect": lambda edit, *_: core.Unprotect(edit.positions),
    "insert": lambda edit, *_: core.Insert(edit.position, edit.count),
    "delete": lambda edit, *_: core.Delete(edit.position, edit.count),
    "delete_last": lambda edit, *_: core.DeleteLast(edit.count or 1),
    "append": _append,
}
