"""Which Host and Origin headers are let in.

Origin keeps other sites' pages from opening a WebSocket here: browsers do not
apply the same-origin rule to WebSockets. Host keeps out DNS rebinding, where a
site's own name is made to point at this machine and so its Origin equals Host.
"""

from urllib.parse import urlsplit

from .config import Settings, is_loopback


def host_allowed(host: str, settings: Settings) -> bool:
    """Whether a Host header (host or host:port) may be served.

    Bound to loopback, only loopback names and those of allowed_origins are;
    bound elsewhere, any is, because its names are not known here.
    """
    if not is_loopback(settings.web_host):
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name in {urlsplit(origin).hostname for origin in settings.allowed_origins}


def origin_allowed(origin: str | None, host: str, settings: Settings) -> bool:
    """Whether a page of `origin` may open a WebSocket. None is a program: every browser sends the header."""
    if origin is None or origin.lower() in settings.allowed_origins:
        return True
    scheme, _, authority = origin.lower().partition("://")
    return scheme in ("http", "https") and authority == host.lower()
