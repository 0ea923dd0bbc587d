"""See, steer and serve diffusion language models: client library and command line."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unmask import edits
    from unmask.client import Client, connect
    from unmask.errors import UnmaskError
    from unmask.session import Session

__version__ = "0.1.0"  # pyproject.toml's; a container has no installed package to ask

__all__ = ["Client", "Session", "UnmaskError", "connect", "edits"]

_HOMES = {"Client": "unmask.client", "connect": "unmask.client", "UnmaskError": "unmask.errors",
          "Session": "unmask.session"}


def __getattr__(name: str):
    """The client when it is first asked for: who imports only `unmask.frames` needs no gRPC."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in __all__:
        return import_module(f"unmask.{name}")
    raise AttributeError(f"module 'unmask' has no attribute {name!r}")
