"""All sessions of a server: who may change one, who follows it, and when it is dropped.

Thread-safe. What each call says is here; how it is done is told by idea: live.py (those in memory), stored.py (those in
the store), room.py, expiry.py, lease.py, commits.py, trimming.py, branch_names.py.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from time import time
from types import MappingProxyType

from inference_service.errors import ServiceError
from inference_service.sessions import branch_names, expiry
from inference_service.sessions.commits import Commits
from inference_service.sessions.frame import Frame, Settings
from inference_service.sessions.lease import Lease, busy, check_expected
from inference_service.sessions.limits import DEFAULTS, Limits
from inference_service.sessions.live import LiveSession, LiveSessions
from inference_service.sessions.locks import Locks
from inference_service.sessions.room import Room
from inference_service.sessions.session import Session, first_frame
from inference_service.sessions.state import Origin
from inference_service.sessions.store import Conflict, Missing, Row, Store
from inference_service.sessions.stored import Codec, StoredSessions

NONE_FIXED: Mapping[int, int] = MappingProxyType({})


class Sessions:
    """The sessions of one server."""

    def __init__(self, store: Store, codec: Codec, limits: Limits = DEFAULTS, clock: Callable[[], float] = time):
        self._store = store
        self._limits = limits
        self._clock = clock
        self._locks = Locks()
        self._live = LiveSessions(limits.live)
        self._stored = StoredSessions(store, codec)
        self._room = Room(store, limits.sessions)
        self._commits = Commits(self._stored, self._locks, limits, clock)

    # ---- creating ----

    def create(self, model: str, prompt: tuple[int | None, ...], length: int, mask_token: int | None,
               settings: Settings, ttl: float | None = None, request_id: str = "",
               fixed: Mapping[int, int] = NONE_FIXED, weights: str = "") -> LiveSession:
        """Opens a session; with a request id seen before, returns the session that it opened.

        prompt: None where it leaves a position open. fixed: offset from the prompt's end to the token given there.
        weights: see Origin.
        """
        def made() -> LiveSession:
            now = self._clock()
            given = (*prompt, *(fixed.get(offset) for offset in range(length)))
            origin = Origin(new_id(), model, given, len(prompt), mask_token, now, expiry.ttl(ttl, self._limits),
                            weights)
            frame = first_frame(origin, settings)
            with self._room.for_one(now):
                row = self._stored.create(origin, frame, request_id)
            return self._stored.created(origin, frame, row)

        return self._once(request_id, made)

    def add(self, made: Session, names: Mapping[str, int], request_id: str = "") -> LiveSession:
        """Keeps a session that was made elsewhere, under an id of its own; see create for the request id."""
        def added() -> LiveSession:
            now = self._clock()
            origin = replace(made.origin, session_id=new_id(), ttl=expiry.ttl(made.origin.ttl, self._limits))
            bases = self._stored.bases_of(made, origin)
            with self._room.for_one(now):
                self._stored.add(origin, made, bases, names, now, request_id)
            return self._stored.load(origin.session_id)

        return self._once(request_id, added)

    def _once(self, request_id: str, make: Callable[[], LiveSession]) -> LiveSession:
        """The session that a request has opened already, or a new one."""
        with self._locks.alone(f"request {request_id or new_id()}"):
            known = self._store.created_by(request_id) if request_id else None
            if known:
                return self.get(known)
            try:
                return self._live.keep(make())
            except Conflict:  # another server was faster with this very request
                return self.get(self._store.created_by(request_id) or "")

    # ---- finding, listing, deleting ----

    def get(self, session_id: str, renew: bool = True) -> LiveSession:
        """A session, from memory or the store; renews its lease unless told not to. Raises NotFound."""
        with self._locks.alone(session_id):
            live = self._caught_up(session_id) or self._stored.load(session_id)
            now, ttl = self._clock(), live.session.origin.ttl
            expiry.check_not_expired(live.row, now)
            if renew and expiry.renewal_due(live.row, ttl, now):
                with suppress(ServiceError):  # a session can be read while nothing can be written
                    self._store.extend(session_id, now + ttl)
                live.row = replace(live.row, expire_time=now + ttl)
            return self._live.keep(live)

    def _caught_up(self, session_id: str) -> LiveSession | None:
        """The session in memory, with what other servers on the same store have added to it."""
        live = self._live.get(session_id)
        if live is None or live.busy:
            return live
        try:
            self._stored.catch_up(live)
        except Missing:
            self._live.drop(session_id)
            return None
        return live

    def page(self, limit: int, before: tuple[float, str] | None) -> list[Row]:
        """Rows of live sessions, the latest changed first."""
        return self._store.page(self._clock(), limit, before)

    def delete(self, session_id: str) -> None:
        """Deletes a session; deleting a deleted one is fine. Raises Aborted while a call runs on it."""
        with self._locks.alone(session_id):
            live = self._live.get(session_id)
            if live and live.busy:
                raise busy(session_id)
            self._store.delete(session_id)
            self._live.drop(session_id)

    def sweep(self) -> None:
        """Deletes what expired longer ago than the grace."""
        for session_id in self._store.expire(self._clock() - self._limits.grace):
            self._live.drop(session_id)

    # ---- changing ----

    def replay(self, session_id: str, request_id: str) -> list[Frame] | None:
        """The frames that a request made when it was first sent, or None if it is new."""
        with self._locks.alone(session_id):
            live = self.get(session_id)
            made = self._store.request(session_id, request_id) if request_id else None
            if made and live.busy:  # perhaps with this very request
                raise busy(session_id)
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
        with self._locks.alone(session_id):
            live = self.get(session_id)
            if live.busy:
                raise busy(session_id)
            if request_id and self._store.request(session_id, request_id):
                raise busy(session_id)  # the same request was first since the caller looked for a replay
            check_expected(live.session.head, expected_revision)
            base = live.session.check_revision(from_revision, "from_revision")
            live.busy = True
            self._live.keep(live)  # it may have been dropped from memory since `get`, when it was idle
        try:
            yield Lease(live.session, base, partial(self._commits.commit, live, request_id))
        finally:
            live.busy = False  # takes no lock: it may be done on the event loop
            live.tell()

    # ---- names of branches ----

    def names(self, session_id: str) -> dict[str, int]:
        """The revision that each name was given to."""
        return self._store.names(session_id)

    def name(self, session_id: str, name: str, revision: int | None) -> int:
        """Names a revision, the newest if None; returns it. A name that it or another one had is replaced."""
        with self._locks.alone(session_id):
            return branch_names.give(self._store, self.get(session_id), name, revision)

    def unname(self, session_id: str, name: str) -> None:
        """Takes a name away; one that is not there is fine."""
        with self._locks.alone(session_id):
            branch_names.take(self._store, self.get(session_id), name)

    # ---- following ----

    def bodies(self, session_id: str, first: int, last: int) -> list[bytes]:
        """The frames of the revisions from the first to the last as they are kept."""
        return self._stored.bodies(session_id, first, last)

    def follow(self, session_id: str, listener: Callable[[], None]) -> LiveSession:
        """Calls the listener, from any thread, whenever the session changes. The caller reads its frames."""
        with self._locks.alone(session_id):
            live = self.get(session_id)
            live.listeners.add(listener)
            return self._live.keep(live)  # see lease

    def unfollow(self, live: LiveSession, listener: Callable[[], None]) -> None:
        live.listeners.discard(listener)  # takes no lock: it may be done on the event loop


def new_id() -> str:
    """Opaque and URL-safe; a command line does not take it for an option."""
    made = secrets.token_urlsafe(16)
    return new_id() if made.startswith("-") else made
