"""How long a session is kept that nobody uses: its lease, which every use renews."""

from inference_service.errors import NotFound
from inference_service.sessions.limits import Limits
from inference_service.sessions.store import Row

EXTEND_SHARE = 0.1  # a lease is written again when this share of it is used up


def ttl(asked: float | None, limits: Limits) -> float:
    """The lease in seconds for one that was asked for."""
    return min(asked or limits.default_ttl, limits.max_ttl)


def check_not_expired(row: Row, now: float) -> None:
    """Raises NotFound."""
    if now >= row.expire_time:
        raise NotFound(f"session {row.session_id} expired; open a new one", reason="SESSION_EXPIRED",
                       metadata={"session_id": row.session_id})


def renewal_due(row: Row, ttl: float, now: float) -> bool:
    return row.expire_time < now + ttl * (1 - EXTEND_SHARE)
