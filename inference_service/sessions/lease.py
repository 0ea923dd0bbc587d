"""The right to add frames to a session, and why it is refused."""

from collections.abc import Callable

from inference_service.errors import Aborted
from inference_service.sessions.frame import Frame
from inference_service.sessions.session import Session


class Lease:
    """The right to add frames to a session, held by one call at a time. base: the revision to go on from.

    commit: keeps a frame, then shows it to everybody who follows.
    """

    def __init__(self, session: Session, base: int, commit: Callable[[Frame], None]):
        self.session = session
        self.base = base
        self.commit = commit


def busy(session_id: str) -> Aborted:
    """Somebody else has the right."""
    return Aborted("another Step, Select, Edit or Rewind is running on this session; wait for it or cancel it",
                   reason="SESSION_BUSY", metadata={"session_id": session_id})


def check_expected(head: int, expected: int | None) -> None:
    """Raises Aborted where the newest revision is another one than the caller has seen."""
    if expected is not None and expected != head:
        raise Aborted(f"expected_revision: the newest revision is {head}, not {expected}; look at what changed and try"
                      " again", reason="REVISION_MISMATCH", metadata={"actual_revision": head})
