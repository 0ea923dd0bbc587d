"""See, steer and serve diffusion language models: client library and command line."""

from unmask import edits
from unmask.client import Client, connect
from unmask.errors import UnmaskError
from unmask.session import Session

__version__ = "0.1.0"  # pyproject.toml's; a container has no installed package to ask

__all__ = ["Client", "Session", "UnmaskError", "connect", "edits"]
