"""Where the service may listen, and why it cannot: told before anything slow is begun."""

import errno

from inference_service.config import Config
from inference_service.errors import PermissionDenied, Unavailable
from unmask.address import joined, listening_error


def require_address(config: Config) -> None:
    """Raises PermissionDenied for an open address nobody asked for, Unavailable for one that is taken or is none."""
    require_private(config)
    if listening_error(config.host, config.port) is not None:
        raise cannot_listen(config.host, config.port)


def require_private(config: Config) -> None:
    """Raises PermissionDenied where other machines could call and nothing asks who does."""
    if not config.is_loopback and not config.insecure:
        raise PermissionDenied(f"host: {config.host} can be reached from other machines and nothing asks who calls;"
                               " listen on 127.0.0.1, or set UNMASK_INSECURE=1 to do it all the same",
                               reason="INSECURE_BIND")


def cannot_listen(host: str, port: int) -> Unavailable:
    """Why the address was refused: gRPC itself does not say."""
    error = listening_error(host, port)
    if error is not None and error.errno == errno.EADDRINUSE:
        return Unavailable(f"port {port} of {host} is taken; set UNMASK_PORT to another", reason="PORT_TAKEN")
    why = "gRPC cannot resolve it" if error is None else error.strerror or error
    return Unavailable(f"cannot listen on {joined(host, port)}: {why}; UNMASK_HOST and UNMASK_PORT choose another"
                       " address", reason="CANNOT_LISTEN")
