"""A frame is kept in the store first and shown to anybody second, so that what was sent is never lost."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from inference_service.errors import Aborted, Exhausted, NotFound, ServiceError
from inference_service.sessions.frame import Frame
from inference_service.sessions.limits import Limits
from inference_service.sessions.live import LiveSession
from inference_service.sessions.locks import Locks
from inference_service.sessions.store import Conflict, Missing
from inference_service.sessions.stored import StoredSessions
from inference_service.sessions.trimming import trim


class Commits:
    """How frames get into sessions whose lease is held."""

    def __init__(self, stored: StoredSessions, locks: Locks, limits: Limits, clock: Callable[[], float]):
        self._stored = stored
        self._locks = locks
        self._limits = limits
        self._clock = clock

    def commit(self, live: LiveSession, request_id: str, frame: Frame) -> None:
        """Keeps the frame, then shows it to everybody who follows. request_id: of the call that makes it, or empty."""
        session, now = live.session, self._clock()
        if frame.revision >= self._limits.revisions:
            raise Exhausted(f"a session has at most {self._limits.revisions} revisions; export this one and go on in"
                            " a new one", reason="SESSION_FULL")
        state = session.after(frame)  # before it is kept: what it is made from may be damaged
        base = state if self._stored.base_due(session, frame) else None
        try:
            row = self._stored.append(session, frame, base, now, request_id)
        except Conflict:
            with self._locks.alone(live.row.session_id), suppress(Missing):
                self._stored.catch_up(live)
            raise Aborted("another server changed the session; try again", reason="REVISION_MISMATCH") from None
        except Missing:
            raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND") from None
        with self._locks.alone(live.row.session_id):
            if row.first > session.first:  # another server has trimmed it
                session.based(row.first, self._stored.based(row.session_id, row.head))
            session.append(frame, state)
            if base is not None:
                session.keeps_base(frame.revision)
            live.row = replace(row, expire_time=live.row.expire_time)
        if row.size > self._limits.session_bytes:
            # Whoever was faster trims it: what it needs may be gone, or it may need more. A store that cannot be
            # written now will be with one of the next frames; this one is kept.
            with suppress(Conflict, Missing, ServiceError):
                trim(live, self._stored, self._locks, self._limits.session_bytes)
        live.tell()
