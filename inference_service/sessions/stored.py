"""Sessions as the store has them: here bytes become frames, states and sessions, and frames and states bytes."""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from inference_service.errors import NotFound
from inference_service.sessions.faults import damaged
from inference_service.sessions.frame import Cause, Frame
from inference_service.sessions.live import LiveSession
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session, trimmed
from inference_service.sessions.state import Origin, State
from inference_service.sessions.store import Entry, Missing, Row, Store
from inference_service.sessions.tree import Tree

log = logging.getLogger(__name__)

BASE_EVERY = 256  # frames on the way between two kept states: what a state takes at most to fold


class Codec(Protocol):
    """Frames, origins and states as bytes and back."""

    def origin_to_bytes(self, origin: Origin) -> bytes: ...
    def origin_from_bytes(self, data: bytes) -> Origin: ...
    def frame_to_bytes(self, frame: Frame) -> bytes: ...
    def frame_from_bytes(self, data: bytes) -> Frame: ...
    def state_to_bytes(self, origin: Origin, revision: int, state: State) -> bytes: ...
    def state_from_bytes(self, data: bytes) -> State: ...


class StoredSessions:
    """A store whose bytes are understood."""

    def __init__(self, store: Store, codec: Codec):
        self._store = store
        self._codec = codec

    # ---- reading ----

    def load(self, session_id: str) -> LiveSession:
        """A session, without its frames. Raises NotFound."""
        try:
            kept = self._store.load(session_id)
        except Missing:
            raise NotFound(f"no session {session_id!r}", reason="SESSION_NOT_FOUND",
                           metadata={"session_id": session_id}) from None
        tree = self._decoded(lambda rows: Tree((parent, Cause(cause)) for parent, cause in rows), kept.tree, session_id)
        origin = self._decoded(self._codec.origin_from_bytes, kept.origin, session_id)
        session = Session(origin, self._log(session_id), tree, kept.row.first, kept.bases, self._base(session_id))
        return LiveSession(session, kept.row)

    def catch_up(self, live: LiveSession) -> None:
        """Takes over what another server has added, or dropped. Raises Missing."""
        session, row = live.session, self._store.row(live.row.session_id)
        if row.head > session.head or row.first > session.first:
            kept = self._store.load(row.session_id, session.head)
            for parent, cause in kept.tree:
                session.tree.add(parent, Cause(cause))
            session.based(kept.row.first, kept.bases)
            live.row = kept.row
            live.tell()

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

    # ---- writing ----

    def create(self, origin: Origin, frame: Frame, request_id: str) -> Row:
        """Keeps a session at its beginning. Raises Conflict for a request that has opened one."""
        return self._store.create(origin.session_id, self._codec.origin_to_bytes(origin), [self._entry(frame)],
                                  origin.create_time, origin.create_time + origin.ttl, request_id)

    def created(self, origin: Origin, frame: Frame, row: Row) -> LiveSession:
        """The session that `create` has kept."""
        session = Session(origin, self._log(origin.session_id), Tree(), read_base=self._base(origin.session_id))
        session.append(frame)
        return LiveSession(session, row)

    def add(self, origin: Origin, made: Session, bases: Mapping[int, bytes], names: Mapping[str, int], now: float,
            request_id: str) -> None:
        """Keeps a session that was made elsewhere under an origin of its own. bases: see `bases_of`. Raises as create.
        """
        gone = [Entry(made.tree.parent(revision), int(Cause.STEP), b"") for revision in range(made.first)]
        self._store.create(origin.session_id, self._codec.origin_to_bytes(origin),
                           [*gone, *map(self._entry, made.frames)], now, now + origin.ttl, request_id, made.first,
                           bases, names)

    def bases_of(self, made: Session, origin: Origin) -> dict[int, bytes]:
        """The states that have to be kept with the frames of a session that was made elsewhere."""
        return self._states(made, origin, made.bases_for(BASE_EVERY))

    def append(self, session: Session, frame: Frame, base: State | None, now: float, request_id: str) -> Row:
        """Keeps a frame. base: the state that it makes, where `base_due`. Raises Conflict, Missing."""
        bases = {} if base is None else {
            frame.revision: self._codec.state_to_bytes(session.origin, frame.revision, base)}
        return self._store.append(session.origin.session_id, session.head, [self._entry(frame)], now, request_id, bases)

    def base_due(self, session: Session, frame: Frame) -> bool:
        """Whether the state that a frame makes has to be kept with it."""
        return session.base_due(frame.parent, BASE_EVERY)

    def based(self, session_id: str, head: int) -> list[int]:
        """The revisions whose states are kept. head: the newest one, which says that no tree is asked for."""
        return self._store.load(session_id, head).bases

    def sizes(self, session_id: str) -> list[int]:
        """The bytes of each revision's frame."""
        return self._store.sizes(session_id)

    def trim(self, session: Session, first: int, roots: list[int]) -> Row:
        """Drops the frames before a revision, and keeps the states of `roots`. Raises Conflict, Missing."""
        return self._store.trim(session.origin.session_id, session.head, first,
                                self._states(session, session.origin, roots))

    def _entry(self, frame: Frame) -> Entry:
        return Entry(frame.parent, int(frame.cause), self._codec.frame_to_bytes(frame))

    def _states(self, session: Session, origin: Origin, revisions: list[int]) -> dict[int, bytes]:
        """The states of some revisions as they are kept."""
        return {revision: self._codec.state_to_bytes(origin, revision, session.state(revision))
                for revision in revisions}
