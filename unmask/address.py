"""Hosts and ports: what only this machine reaches, and how the two are written as one address. No name is looked up."""

import ipaddress
import socket

ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `host` spells out, with or without brackets; None for a name.

    An IPv4 address inside an IPv6 one (::ffff:127.0.0.1) is that IPv4 address. Other spellings that some resolvers take
    (127.1, 0177.0.0.1) are none: what one program reads as this machine another reads as a name.
    """
    try:
        address = ipaddress.ip_address(unbracketed(host))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server bound to `host`. The one name of which that is known is localhost."""
    address = literal(host)
    return address.is_loopback if address is not None else host.lower().removesuffix(".") == "localhost"


def unbracketed(host: str) -> str:
    """An IPv6 address without the brackets that URLs put around it."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def joined(host: str, port: int) -> str:
    """host:port, an IPv6 address in brackets."""
    host = unbracketed(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """The host by which a client on this machine reaches a server bound to `host`."""
    host = unbracketed(host)
    return ANYWHERE.get(host, host)


def listening_error(host: str, port: int) -> OSError | None:
    """Why nothing can listen on the address now; None if it is free."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            unbracketed(host) or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do, so that connections of an earlier run which are still closing do not count as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except UnicodeError:  # a name that cannot be one
        return OSError("not the name of a host")
    except OSError as error:
        return error
    return None
