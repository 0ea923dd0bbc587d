"""All sessions of a server: who may change one, who follows it, and when it is dropped.

Thread-safe. Frames are kept in the store first and shown to anybody second, so that what was sent
is never lost.
"""

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from time import time
from types import MappingProxyType
from typing import Protocol

from inference_service.errors import Aborted, Exhausted, InvalidField, NotFound, ServiceError
from inference_service.sessions.faults import damaged
from inference_service.sessions.frame import Cause, Frame, Settings
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session, first_frame, trimmed
from inference_service.sessions.state import Origin, State
from inference_service.sessions.store import Conflict, Entry, Missing, Row, Store
from inference_service.sessions.tree import Tree

log = logging.getLogger(__name__)

NONE_FIXED: Mapping[int, int] = MappingProxyType({})
NONE_KEPT: Mapping = MappingProxyType({})
EXTEND_SHARE = 0.1  # a lease is written again when this share of it is used up
BASE_EVERY = 256  # frames on the way between two kept states: what a state takes at most to fold
TRIM_TO = 0.75  # the share of the limit that trimming leaves
MOST_NAMES = 1000
SESSION_RETRY = 60.0  # seconds after which a session may have been deleted, or have expired


class Codec(Protocol):
    """Frames, origins and states as bytes and back."""

    def origin_to_bytes(self, origin: Origin) -> bytes: ...
    def origin_from_bytes(self, data: bytes) -> Origin: ...
    def frame_to_bytes(self, frame: Frame) -> bytes: ...
    def frame_from_bytes(self, data: bytes) -> Frame: ...
    def state_to_bytes(self, origin: Origin, revision: int, state: State) -> bytes: ...
    def state_from_bytes(self, data: bytes) -> State: ...


@dataclass(frozen=True)
class Limits:
    """sessions: how many a server keeps. live: how many it holds in memory. Times in seconds.

    grace: how long an expired session is still known to have expired, and kept on disk. session_bytes: how large a
    session's frames may grow before the oldest are dropped. revisions: how many a session may have.
    """

    sessions: int = 100_000
    live: int = 256
    default_ttl: float = 30 * 86_400
    max_ttl: float = 365 * 86_400
    grace: float = 7 * 86_400
    session_bytes: int = 64 << 20
    revisions: int = 1_000_000


@dataclass(eq=False)
class LiveSession:
    """A session in memory. busy: one of Step, Select, Edit and Rewind is running on it.

    names_version: counts the changes of its branches' names.
    """

    session: Session
    row: Row
    busy: bool = False
    deleted: bool = False
    names_version: int = 0
    listeners: set[Callable[[], None]] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        return not self.busy and not self.listeners


class Lease:
    """The right to add frames to a session, held by one call at a time. base: the revision to go on from."""

    def __init__(self, sessions: "Sessions", live: LiveSession, request_id: str, base: int):
        self._sessions = sessions
        self._live = live
        self._request_id = request_id
        self.session = live.session
        self.base = base

    def commit(self, frame: Frame) -> None:
        """Keeps the frame, then shows it to everybody who follows."""
        self._sessions._commit(self._live, frame, self._request_id)


@dataclass(eq=False)
class _Holders:
    """A lock, and how many threads have it or wait for it."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    count: int = 0


class Sessions:
    """The sessions of one server."""

    def __init__(self, store: Store, codec: Codec, limits: Limits = Limits(), clock: Callable[[], float] = time):
        self._store = store
        self._codec = codec
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()  # of what follows; held for no read and no fold: nobody waits for another's
        self._live: OrderedDict[str, LiveSession] = OrderedDict()
        self._holders: dict[str, _Holders] = {}
        self._coming = 0  # sessions that are being created

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Holds one session, or one request id, against other threads: what is slow about one is slow for it alone."""
        with self._lock:
            holders = self._holders.setdefault(key, _Holders())
            holders.count += 1
        try:
            with holders.lock:
                yield
        finally:
            with self._lock:
                holders.count -= 1
                if not holders.count:
                    del self._holders[key]

    # ---- creating, finding, listing, deleting ----

    def ttl(self, asked: float | None) -> float:
        """The lease in seconds for one that was asked for."""
        return min(asked or self._limits.default_ttl, self._limits.max_ttl)

    def create(self, model: str, prompt: tuple[int | None, ...], length: int, mask_token: int | None,
               settings: Settings, ttl: float | None = None, request_id: str = "",
               fixed: Mapping[int, int] = NONE_FIXED, weights: str = "") -> LiveSession:
        """Opens a session; with a request id seen before, returns the session that it opened.

        prompt: None where it leaves a position open. fixed: offset from the prompt's end to the token given there.
        weights: see Origin.
        """
        with self._alone(f"request {request_id or new_id()}"):
            known = self._store.created_by(request_id) if request_id else None
            if known:
                return self.get(known)
            now = self._clock()
            given = (*prompt, *(fixed.get(offset) for offset in range(length)))
            origin = Origin(new_id(), model, given, len(prompt), mask_token, now, self.ttl(ttl), weights)
            frame = first_frame(origin, settings)
            try:
                with self._room(now):
                    row = self._store.create(origin.session_id, self._codec.origin_to_bytes(origin),
                                             [self._entry(frame)], now, now + origin.ttl, request_id)
            except Conflict:  # another server was faster with this very request
                return self.get(self._store.created_by(request_id) or "")
            session = Session(origin, self._log(origin.session_id), Tree(), read_base=self._base(origin.session_id))
            session.append(frame)
            return self._keep(LiveSession(session, row))

    def add(self, made: Session, names: Mapping[str, int], request_id: str = "") -> LiveSession:
        """Keeps a session that was made elsewhere, under an id of its own; see create for the request id."""
        with self._alone(f"request {request_id or new_id()}"):
            known = self._store.created_by(request_id) if request_id else None
            if known:
                return self.get(known)
            now = self._clock()
            session_id = new_id()
            origin = replace(made.origin, session_id=session_id, ttl=self.ttl(made.origin.ttl))
            gone = [Entry(made.tree.parent(revision), int(Cause.STEP), b"") for revision in range(made.first)]
            bases = {revision: self._codec.state_to_bytes(origin, revision, made.state(revision))
                     for revision in made.bases_for(BASE_EVERY)}
            try:
                with self._room(now):
                    self._store.create(session_id, self._codec.origin_to_bytes(origin),
                                       [*gone, *map(self._entry, made.frames)], now, now + origin.ttl, request_id,
                                       made.first, bases, names)
            except Conflict:
                return self.get(self._store.created_by(request_id) or "")
            return self._keep(self._load(session_id))

    @contextmanager
    def _room(self, now: float) -> Iterator[None]:
        """Room for one more session, kept until it is in the store. Raises Exhausted."""
        with self._lock:
            self._coming += 1
        try:
            if self._store.count(now) + self._coming > self._limits.sessions:
                raise Exhausted(f"the server keeps at most {self._limits.sessions} sessions; delete some",
                                reason="SESSION_LIMIT", retry_after=SESSION_RETRY)
            yield
        finally:
            with self._lock:
                self._coming -= 1

    def _entry(self, frame: Frame) -> Entry:
        return Entry(frame.parent, int(frame.cause), self._codec.frame_to_bytes(frame))

    def _log(self, session_id: str) -> Log:
        """The frames of a session as the store has them."""
        def read(first: int, last: int) -> list[Frame]:
            return [self._decoded(self._codec.frame_from_bytes, body, session_id, revision)
                    for revision, body in enumerate(self.bodies(session_id, first, last), first)]

        return Log(read)

    def _base(self, session_id: str) -> Callable[[int], State]:
        """Reads the kept states of a session."""
        return lambda revision: self._decoded(self._codec.state_from_bytes, self._store.base(session_id, revision),
                                              session_id, revision)

    def _decoded(self, decode: Callable, data: object, session_id: str, revision: int | None = None):
        """What something of the store means. Those from before there were checksums may be damaged."""
        try:
            return decode(data)
        except Exception as error:
            log.error("session %s: revision %s cannot be decoded", session_id, revision, exc_info=error)
            raise damaged(session_id, revision) from error

    def get(self, session_id: str, renew: bool = True) -> LiveSession:
        """A session, from memory or the store; renews its lease unless told not to. Raises NotFound."""
        with self._alone(session_id):
            live = self._caught_up(session_id) or self._load(session_id)
            now = self._clock()
            if now >= live.row.expire_time:
                raise NotFound(f"session {session_id} expired; open a new one", reason="SESSION_EXPIRED",
                               metadata={"session_id": session_id})
            ttl = live.session.origin.ttl
            if renew and live.row.expire_time < now + ttl * (1 - EXTEND_SHARE):
                with suppress(ServiceError):  # a session can be read while nothing can be written
                    self._store.extend(session_id, now + ttl)
                live.row = replace(live.row, expire_time=now + ttl)
            return self._keep(live)

    def _caught_up(self, session_id: str) -> LiveSession | None:
        """The session in memory, with what other servers on the same store have added to it."""
        live = self._live.get(session_id)
        if live is None or live.busy:
            return live
        try:
            self._catch_up(live)
        except Missing:
            self._drop(session_id)
            return None
        return live

    def _drop(self, session_id: str) -> None:
        """Forgets a session that is not kept any more."""
        with self._lock:
            live = self._live.pop(session_id, None)
        if live:
            live.deleted = True
            _tell(live)

    def _catch_up(self, live: LiveSession) -> None:
        """Takes over what another server has added, or dropped. Raises Missing."""
        session, row = live.session, self._store.row(live.row.session_id)
        if row.head > session.head or row.first > session.first:
            kept = self._store.load(row.session_id, session.head)
            for parent, cause in kept.tree:
                session.tree.add(parent, Cause(cause))
            session.based(kept.row.first, kept.bases)
            live.row = kept.row
            _tell(live)

    def _load(self, session_id: str) -> LiveSession:
        try:
            kept = self._store.load(session_id)
        except Missing:
            raise NotFound(f"no session {session_id!r}", reason="SESSION_NOT_FOUND",
                           metadata={"session_id": session_id}) from None
        tree = self._decoded(lambda rows: Tree((parent, Cause(cause)) for parent, cause in rows), kept.tree, session_id)
        origin = self._decoded(self._codec.origin_from_bytes, kept.origin, session_id)
        session = Session(origin, self._log(session_id), tree, kept.row.first, kept.bases, self._base(session_id))
        return LiveSession(session, kept.row)

    def _keep(self, live: LiveSession) -> LiveSession:
        with self._lock:
            self._live[live.row.session_id] = live
            self._live.move_to_end(live.row.session_id)
            surplus = len(self._live) - self._limits.live
            if surplus > 0:
                idle = (key for key, other in self._live.items() if other.idle and other is not live)
                for session_id in list(islice(idle, surplus)):
                    del self._live[session_id]
        return live

    def page(self, limit: int, before: tuple[float, str] | None) -> list[Row]:
        """Rows of live sessions, the latest changed first."""
        return self._store.page(self._clock(), limit, before)

    def delete(self, session_id: str) -> None:
        """Deletes a session; deleting a deleted one is fine. Raises Aborted while a call runs on it."""
        with self._alone(session_id):
            live = self._live.get(session_id)
            if live and live.busy:
                raise _busy(session_id)
            self._store.delete(session_id)
            self._drop(session_id)

    def sweep(self) -> None:
        """Deletes what expired longer ago than the grace."""
        for session_id in self._store.expire(self._clock() - self._limits.grace):
            self._drop(session_id)

    # ---- changing ----

    def replay(self, session_id: str, request_id: str) -> list[Frame] | None:
        """The frames that a request made when it was first sent, or None if it is new."""
        with self._alone(session_id):
            live = self.get(session_id)
            made = self._store.request(session_id, request_id) if request_id else None
            if made and live.busy:  # perhaps with this very request
                raise _busy(session_id)
            if made is None:
                return None
            live.session.check_revision(made[0], "request_id")
            return live.session.log.between(*made)

    @contextmanager
    def lease(self, session_id: str, expected_revision: int | None = None, request_id: str = "",
              from_revision: int | None = None) -> Iterator[Lease]:
        """Holds the right to change a session. Raises Aborted if somebody else has it or was there before.

        from_revision: the one to go on from, the newest if None.
        """
        with self._alone(session_id):
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
            base = live.session.check_revision(from_revision, "from_revision")
            live.busy = True
            self._keep(live)  # it may have been dropped from memory since `get`, when it was idle
        try:
            yield Lease(self, live, request_id, base)
        finally:
            live.busy = False  # takes no lock: it may be done on the event loop
            _tell(live)

    def _commit(self, live: LiveSession, frame: Frame, request_id: str) -> None:
        session, now = live.session, self._clock()
        if frame.revision >= self._limits.revisions:
            raise Exhausted(f"a session has at most {self._limits.revisions} revisions; export this one and go on in"
                            " a new one", reason="SESSION_FULL")
        bases, state = {}, session.after(frame)  # before it is kept: what it is made from may be damaged
        if session.base_due(frame.parent, BASE_EVERY):
            bases[frame.revision] = self._codec.state_to_bytes(session.origin, frame.revision, state)
        try:
            row = self._store.append(live.row.session_id, session.head, [self._entry(frame)], now, request_id, bases)
        except Conflict:
            with self._alone(live.row.session_id), suppress(Missing):
                self._catch_up(live)
            raise Aborted("another server changed the session; try again", reason="REVISION_MISMATCH") from None
        except Missing:
            raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND") from None
        with self._alone(live.row.session_id):
            if row.first > session.first:  # another server has trimmed it
                session.based(row.first, self._store.load(row.session_id, row.head).bases)
            session.append(frame, state)
            for revision in bases:
                session.keeps_base(revision)
            live.row = replace(row, expire_time=live.row.expire_time)
        if row.size > self._limits.session_bytes:
            # Whoever was faster trims it: what it needs may be gone, or it may need more. A store that cannot be
            # written now will be with one of the next frames; this one is kept.
            with suppress(Conflict, Missing, ServiceError):
                self._trim(live)
        _tell(live)

    def _trim(self, live: LiveSession) -> None:
        """Drops the oldest frames of a session that has grown too large."""
        session, session_id = live.session, live.row.session_id
        sizes, first, over = self._store.sizes(session_id), session.first, 0
        over = sum(sizes) - self._limits.session_bytes * TRIM_TO
        while over > 0 and first < session.head:
            over -= sizes[first]
            first += 1
        with self._alone(session_id), session.lock:
            roots = session.roots(first)
            bases = {revision: self._codec.state_to_bytes(session.origin, revision, session.state(revision))
                     for revision in roots}
            live.row = self._store.trim(session_id, session.head, first, bases)
            session.based(first, roots)

    # ---- names of branches ----

    def names(self, session_id: str) -> dict[str, int]:
        """The revision that each name was given to."""
        return self._store.names(session_id)

    def name(self, session_id: str, name: str, revision: int | None) -> int:
        """Names a revision, the newest if None; returns it. A name that it or another one had is replaced."""
        with self._alone(session_id):
            live = self.get(session_id)
            place = live.session.tree.place(live.session.check_revision(revision))
            others = [other for other, at in self.names(session_id).items() if other != name and at != place]
            if len(others) >= MOST_NAMES:
                raise InvalidField("name", f"a session has at most {MOST_NAMES} names; delete one")
            try:
                self._store.name(session_id, name, place)
            except Missing:
                raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND") from None
            live.names_version += 1
            _tell(live)
            return place

    def unname(self, session_id: str, name: str) -> None:
        """Takes a name away; one that is not there is fine."""
        with self._alone(session_id):
            live = self.get(session_id)
            if self._store.unname(session_id, name):
                live.names_version += 1
                _tell(live)

    # ---- following ----

    def bodies(self, session_id: str, first: int, last: int) -> list[bytes]:
        """The frames of the revisions from the first to the last as they are kept."""
        bodies = self._store.frames(session_id, first, last)
        if len(bodies) > last - first and all(bodies):
            return bodies
        try:
            row = self._store.row(session_id)
        except Missing:
            raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND") from None
        if row.first > first:  # dropped since the caller looked
            raise trimmed("revision", first, row.first)
        raise damaged(session_id, first + (bodies.index(b"") if b"" in bodies else len(bodies)))

    def follow(self, session_id: str, listener: Callable[[], None]) -> LiveSession:
        """Calls the listener, from any thread, whenever the session changes. The caller reads its frames."""
        with self._alone(session_id):
            live = self.get(session_id)
            live.listeners.add(listener)
            return self._keep(live)  # see lease

    def unfollow(self, live: LiveSession, listener: Callable[[], None]) -> None:
        live.listeners.discard(listener)  # takes no lock: it may be done on the event loop


def new_id() -> str:
    """Opaque and URL-safe; a command line does not take it for an option."""
    made = secrets.token_urlsafe(16)
    return new_id() if made.startswith("-") else made


def _busy(session_id: str) -> Aborted:
    return Aborted("another Step, Select, Edit or Rewind is running on this session; wait for it or cancel it",
                   reason="SESSION_BUSY", metadata={"session_id": session_id})


def _tell(live: LiveSession) -> None:
    for listener in tuple(live.listeners):
        listener()
