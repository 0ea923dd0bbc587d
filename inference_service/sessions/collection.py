"""All sessions of a server: who may change one, who follows it, and when it is dropped.

Thread-safe. Frames are kept in the store first and shown to anybody second, so that what was sent
is never lost.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time
from types import MappingProxyType
from typing import Protocol

from inference_service.errors import Aborted, Exhausted, NotFound
from inference_service.sessions.frame import Frame, Settings
from inference_service.sessions.session import Origin, Session, first_frame
from inference_service.sessions.store import Conflict, Missing, Row, Store

NONE_FIXED: Mapping[int, int] = MappingProxyType({})
EXTEND_SHARE = 0.1  # a lease is written again when this share of it is used up


class Codec(Protocol):
    """Frames and origins as bytes and back."""

    def origin_to_bytes(self, origin: Origin) -> bytes: ...
    def origin_from_bytes(self, data: bytes) -> Origin: ...
    def frame_to_bytes(self, frame: Frame) -> bytes: ...
    def frame_from_bytes(self, data: bytes) -> Frame: ...


@dataclass(frozen=True)
class Limits:
    """sessions: how many a server keeps. live: how many it holds in memory. Times in seconds.

    grace: how long an expired session is still known to have expired, and kept on disk.
    """

    sessions: int = 100_000
    live: int = 256
    default_ttl: float = 30 * 86_400
    max_ttl: float = 365 * 86_400
    grace: float = 7 * 86_400


@dataclass(eq=False)
class Live:
    """A session in memory. busy: one of Step, Select and Rewind is running on it."""

    session: Session
    row: Row
    busy: bool = False
    deleted: bool = False
    listeners: set[Callable[[], None]] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        return not self.busy and not self.listeners


class Turn:
    """The right to add frames to a session, held by one call at a time."""

    def __init__(self, sessions: "Sessions", live: Live, request_id: str):
        self._sessions = sessions
        self._live = live
        self._request_id = request_id
        self.session = live.session

    def commit(self, frame: Frame) -> None:
        """Keeps the frame, then shows it to everybody who follows."""
        self._sessions._commit(self._live, frame, self._request_id)


class Sessions:
    """The sessions of one server."""

    def __init__(self, store: Store, codec: Codec, limits: Limits = Limits(), clock: Callable[[], float] = time):
        self._store = store
        self._codec = codec
        self._limits = limits
        self._clock = clock
        self._lock = threading.RLock()
        self._live: OrderedDict[str, Live] = OrderedDict()

    # ---- creating, finding, listing, deleting ----

    def ttl(self, asked: float | None) -> float:
        """The lease in seconds for one that was asked for."""
        return min(asked or self._limits.default_ttl, self._limits.max_ttl)

    def create(self, model: str, prompt: tuple[int | None, ...], length: int, mask_token: int, settings: Settings,
               ttl: float | None = None, request_id: str = "", fixed: Mapping[int, int] = NONE_FIXED) -> Live:
        """Opens a session; with a request id seen before, returns the session that it opened.

        prompt: None where it leaves a position open. fixed: offset from the prompt's end to the token given there.
        """
        with self._lock:
            known = self._store.created_by(request_id) if request_id else None
            if known:
                return self.get(known)
            now = self._clock()
            if self._store.count(now) >= self._limits.sessions:
                raise Exhausted(f"the server keeps at most {self._limits.sessions} sessions; delete some",
                                reason="SESSION_LIMIT")
            given = (*prompt, *(fixed.get(offset) for offset in range(length)))
            origin = Origin(secrets.token_urlsafe(16), model, given, len(prompt), mask_token, now, self.ttl(ttl))
            frame = first_frame(origin, settings)
            self._store.create(origin.session_id, self._codec.origin_to_bytes(origin),
                               self._codec.frame_to_bytes(frame), now, now + origin.ttl, request_id)
            return self._keep(Live(Session(origin, [frame]), Row(origin.session_id, 0, now, now + origin.ttl)))

    def get(self, session_id: str, renew: bool = True) -> Live:
        """A session, from memory or the store; renews its lease unless told not to. Raises NotFound."""
        with self._lock:
            live = self._caught_up(session_id) or self._load(session_id)
            now = self._clock()
            if now >= live.row.expire_time:
                raise NotFound(f"session {session_id} expired; open a new one", reason="SESSION_EXPIRED",
                               metadata={"session_id": session_id})
            ttl = live.session.origin.ttl
            if renew and live.row.expire_time < now + ttl * (1 - EXTEND_SHARE):
                self._store.extend(session_id, now + ttl)
                live.row = Row(session_id, live.row.head, live.row.update_time, now + ttl)
            return self._keep(live)

    def _caught_up(self, session_id: str) -> Live | None:
        """The session in memory, with what other servers on the same store have added to it."""
        live = self._live.get(session_id)
        if live is None or live.busy:
            return live
        try:
            row = self._store.row(session_id)
        except Missing:
            del self._live[session_id]
            live.deleted = True
            _tell(live)
            return None
        if row.head > live.session.head:
            _, frames, live.row = self._store.load(session_id)
            for frame in frames[live.session.head + 1:]:
                live.session.append(self._codec.frame_from_bytes(frame))
            _tell(live)
        return live

    def _load(self, session_id: str) -> Live:
        try:
            origin, frames, row = self._store.load(session_id)
        except Missing:
            raise NotFound(f"no session {session_id!r}", reason="SESSION_NOT_FOUND",
                           metadata={"session_id": session_id}) from None
        decode = self._codec.frame_from_bytes
        return Live(Session(self._codec.origin_from_bytes(origin), map(decode, frames)), row)

    def _keep(self, live: Live) -> Live:
        self._live[live.row.session_id] = live
        self._live.move_to_end(live.row.session_id)
        surplus = len(self._live) - self._limits.live
        idle = [key for key, other in self._live.items() if other.idle and other is not live]
        for session_id in idle[:max(0, surplus)]:
            del self._live[session_id]
        return live

    def page(self, limit: int, before: tuple[float, str] | None) -> list[Row]:
        """Rows of live sessions, the latest changed first."""
        return self._store.page(self._clock(), limit, before)

    def delete(self, session_id: str) -> None:
        """Deletes a session; deleting a deleted one is fine. Raises Aborted while a call runs on it."""
        with self._lock:
            live = self._live.get(session_id)
            if live and live.busy:
                raise _busy(session_id)
            self._store.delete(session_id)
            if live:
                del self._live[session_id]
                live.deleted = True
                _tell(live)

    def sweep(self) -> None:
        """Deletes what expired longer ago than the grace."""
        with self._lock:
            for session_id in self._store.expire(self._clock() - self._limits.grace):
                live = self._live.pop(session_id, None)
                if live:
                    live.deleted = True
                    _tell(live)

    # ---- changing ----

    def replay(self, session_id: str, request_id: str) -> list[Frame] | None:
        """The frames that a request made when it was first sent, or None if it is new."""
        with self._lock:
            live = self.get(session_id)
            made = self._store.request(session_id, request_id) if request_id else None
            if made and live.busy:  # perhaps with this very request
                raise _busy(session_id)
            return live.session.frames[made[0]:made[1] + 1] if made else None

    @contextmanager
    def turn(self, session_id: str, expected_revision: int | None = None, request_id: str = "") -> Iterator[Turn]:
        """Holds the right to change a session. Raises Aborted if somebody else has it or was there before."""
        with self._lock:
            live = self.get(session_id)
            if live.busy:
                raise _busy(session_id)
            if request_id and self._store.request(session_id, request_id):
                raise _busy(session_id)  # the same request was first since the caller looked for a replay
            head = live.session.head
            if expected_revision is not None and expected_revision != head:
                raise Aborted(f"expected_revision: the newest revision is {head}, not {expected_revision};"
                              " look at what changed and try again", reason="REVISION_MISMATCH",
                              metadata={"actual_revision": head})
            live.busy = True
        try:
            yield Turn(self, live, request_id)
        finally:
            with self._lock:
                live.busy = False
            _tell(live)

    def _commit(self, live: Live, frame: Frame, request_id: str) -> None:
        now = self._clock()
        try:
            self._store.append(live.row.session_id, live.session.head, [self._codec.frame_to_bytes(frame)], now,
                               request_id)
        except Conflict:
            with self._lock:  # another server went on with it: what is in memory is stale
                self._live.pop(live.row.session_id, None)
            raise Aborted("another server changed the session; try again", reason="REVISION_MISMATCH") from None
        except Missing:
            raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND") from None
        with self._lock:
            live.session.append(frame)
            live.row = Row(live.row.session_id, frame.revision, now, live.row.expire_time)
        _tell(live)

    # ---- following ----

    def follow(self, session_id: str, listener: Callable[[], None]) -> Live:
        """Calls the listener, from any thread, whenever the session changes. The caller reads its frames."""
        with self._lock:
            live = self.get(session_id)
            live.listeners.add(listener)
            return live

    def unfollow(self, live: Live, listener: Callable[[], None]) -> None:
        with self._lock:
            live.listeners.discard(listener)


def _busy(session_id: str) -> Aborted:
    return Aborted("another Step, Select or Rewind is running on this session; wait for it or cancel it",
                   reason="SESSION_BUSY", metadata={"session_id": session_id})


def _tell(live: Live) -> None:
    for listener in tuple(live.listeners):
        listener()
