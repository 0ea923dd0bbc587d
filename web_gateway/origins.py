"""Which Host and Origin headers are let in.

Origin keeps other sites' pages out: a browser says in it whose page is asking,
and applies no same-origin rule of its own to WebSockets. Host keeps out DNS
rebinding, where a site's own name is made to point at this machine and so its
Origin equals Host. What address is bound says nothing about either.
"""

import re
from urllib.parse import urlsplit

from unmask.address import is_loopback, literal

from .config import Settings

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


def refusal(host: str, origin: str | None, settings: Settings) -> str | None:
    """Why a request with these headers is not served; None if it is."""
    if not host_allowed(host, settings):
        return f"Host {host[:200]!r} is not served here; UNMASK_ALLOWED_HOSTS names others."
    if not origin_allowed(origin, host, settings):
        return "Pages of another origin may not call this gateway; UNMASK_ALLOWED_ORIGINS names those that may."
    return None


def host_allowed(host: str, settings: Settings) -> bool:
    """Whether a Host header (host or host:port) may be served.

    An IP address is: no site's name leads there, so nothing was rebound. Of names, localhost is, the one that is bound,
    and those that the settings name.
    """
    parts = HOST.fullmatch(host.lower())
    if parts is None:
        return False
    name = parts[1].removesuffix(".")
    if is_loopback(name) or literal(name) is not None or "*" in settings.allowed_hosts:
        return True
    named = {settings.web_host.lower(), *settings.allowed_hosts}
    return name in named or name in {urlsplit(allowed).hostname for allowed in settings.allowed_origins}


def origin_allowed(origin: str | None, host: str, settings: Settings) -> bool:
    """Whether a page of `origin` may call. None is a program, or the page's own request for a file."""
    if origin is None or origin.lower() in settings.allowed_origins:
        return True
    scheme, _, authority = origin.lower().partition("://")
    return scheme in ("http", "https") and authority == host.lower()
