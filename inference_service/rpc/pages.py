"""Lists in pages: how long one is, and the token that the next one is asked for with."""

import base64
import binascii
import math

from inference_service.errors import InvalidField
from inference_service.sessions.store import Row

# Of what is on a page, after which it ends: the last may bring a constraint more, and clients of gRPC take 4 MiB.
PAGE_BYTES = 1 << 20


def page_size(asked: int, default: int = 50) -> int:
    if asked > 200:
        raise InvalidField("page_size", f"must be from 0 to 200; got {asked}")
    return asked or default


def page_token(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{row.update_time!r} {row.session_id}".encode()).decode()


def after_page(token: str) -> tuple[float, str] | None:
    """What a page token says: where the page before ended."""
    if not token:
        return None
    try:
        time, session_id = base64.urlsafe_b64decode(token.encode()).decode().split(" ")
        if not math.isfinite(float(time)):
            raise ValueError(time)
        return float(time), session_id
    except (ValueError, binascii.Error):
        raise InvalidField("page_token", "must be the next_page_token of an earlier answer") from None


def branch_token(leaf: int) -> str:
    return base64.urlsafe_b64encode(str(leaf).encode()).decode()


def before_branch(token: str) -> int | None:
    """What a page token of branches says: the newest revision of the last branch on the page before."""
    if not token:
        return None
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except (ValueError, binascii.Error):
        raise InvalidField("page_token", "must be the next_page_token of an earlier answer") from None
