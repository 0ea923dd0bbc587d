"""A session that has grown too large loses its oldest frames."""

from collections.abc import Sequence

from inference_service.sessions.live import LiveSession
from inference_service.sessions.locks import Locks
from inference_service.sessions.stored import StoredSessions

TRIM_TO = 0.75  # the share of the limit that trimming leaves


def first_left(sizes: Sequence[int], first: int, head: int, most: int) -> int:
    """The oldest revision to keep, so that what is left is small enough; the newest stays whatever it takes.

    sizes: bytes of each revision's frame. first: the oldest that is kept so far. most: bytes that are allowed.
    """
    over = sum(sizes) - most * TRIM_TO
    while over > 0 and first < head:
        over -= sizes[first]
        first += 1
    return first


def trim(live: LiveSession, stored: StoredSessions, locks: Locks, most: int) -> None:
    """Drops the oldest frames of a session, but keeps the states that later ones were made from.

    Raises Conflict, Missing where another server was faster.
    """
    session, session_id = live.session, live.row.session_id
    first = first_left(stored.sizes(session_id), session.first, session.head, most)
    with locks.alone(session_id), session.lock:
        roots = session.roots(first)
        live.row = stored.trim(session, first, roots)
        session.based(first, roots)
