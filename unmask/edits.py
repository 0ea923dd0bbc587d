"""What a person can do to a canvas, as `Session.edit` takes it.

Positions count from the start of the canvas, as the edits before in the same call have left it. What each does to
given and protected positions, and what errors there are, is in proto/unmask/v1/edit.proto.
"""

from collections.abc import Sequence
from typing import Any

from unmask.v1 import edit_pb2 as pb
from unmask.v1.edit_pb2 import Edit
from unmask.v1.prompt_pb2 import Prompt, TokenList


def mask(*positions: int) -> Edit:
    """Opens positions, whatever stands there."""
    return Edit(mask=pb.MaskPositions(positions=positions))


def unmask(*positions: int, earlier: bool = False) -> Edit:
    """Fills open positions with the draft, or with what last stood there."""
    source = pb.UnmaskPositions.SOURCE_EARLIER if earlier else pb.UnmaskPositions.SOURCE_DRAFT
    return Edit(unmask=pb.UnmaskPositions(positions=positions, source=source))


def replace(position: int, count: int, content: str | Sequence[int], keep_length: bool = False, *,
            special_tokens: bool = False) -> Edit:
    """Puts text or token ids in the place of `count` positions; what stands behind moves, unless the length is kept.

    special_tokens: takes names of control tokens in the text as these tokens.
    """
    fit = pb.ReplaceSpan.FIT_KEEP_LENGTH if keep_length else pb.ReplaceSpan.FIT_SHIFT
    what: dict[str, Any] = {"text": content} if isinstance(content, str) else {"tokens": TokenList(ids=content)}
    return Edit(replace=pb.ReplaceSpan(position=position, count=count, fit=fit, special_tokens=special_tokens, **what))


def force(position: int, content: int | str, *, special_tokens: bool = False) -> Edit:
    """Commits a token, or text from the position on, by hand; nothing moves.

    special_tokens: takes names of control tokens in the text as these tokens.
    """
    if isinstance(content, str):
        return Edit(force_text=pb.ForceText(position=position, text=content, special_tokens=special_tokens))
    return Edit(force_token=pb.ForceToken(position=position, token=content))


def protect(*positions: int) -> Edit:
    """Keeps samplers away from decided positions."""
    return Edit(protect=pb.ProtectPositions(positions=positions))


def unprotect(*positions: int) -> Edit:
    """Lets samplers at positions again, picked by hand or not."""
    return Edit(unprotect=pb.UnprotectPositions(positions=positions))


def insert(position: int, count: int = 1) -> Edit:
    """Puts open positions in."""
    return Edit(insert=pb.InsertOpen(position=position, count=count))


def delete(position: int, count: int = 1) -> Edit:
    """Takes positions out."""
    return Edit(delete=pb.DeleteSpan(position=position, count=count))


def delete_last(count: int = 1) -> Edit:
    """Takes the last decided tokens of the generated part out."""
    return Edit(delete_last=pb.DeleteLast(count=count))


def append(turn: Prompt, length: int | None = None) -> Edit:
    """Goes on after a finished answer: a turn of the user, then `length` open positions; see Session.say."""
    return Edit(append=pb.AppendTurn(turn=turn, length=length))
