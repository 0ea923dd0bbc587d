"""Names of branches: each is given to a revision, and a revision has one."""

from inference_service.errors import InvalidField, NotFound
from inference_service.sessions.live import LiveSession
from inference_service.sessions.store import Missing, Store

MOST_NAMES = 1000


def give(store: Store, live: LiveSession, name: str, revision: int | None) -> int:
    """Names a revision, the newest if None; returns it. A name that it or another one had is replaced."""
    session_id = live.row.session_id
    place = live.session.tree.place(live.session.check_revision(revision))
    others = [other for other, at in store.names(session_id).items() if other != name and at != place]
    if len(others) >= MOST_NAMES:
        raise InvalidField("name", f"a session has at most {MOST_NAMES} names; delete one")
    try:
        store.name(session_id, name, place)
    except Missing:
        raise NotFound("the session was deleted", reason="SESSION_NOT_FOUND") from None
    _tell(live)
    return place


def take(store: Store, live: LiveSession, name: str) -> None:
    """Takes a name away; one that is not there is fine."""
    if store.unname(live.row.session_id, name):
        _tell(live)


def _tell(live: LiveSession) -> None:
    live.names_version += 1
    live.tell()
