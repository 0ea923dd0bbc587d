"""What a server allows its sessions."""

from dataclasses import dataclass


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


DEFAULTS = Limits()
