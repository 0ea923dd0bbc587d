"""See, steer and serve diffusion language models: client library and command line."""

from unmask.client import Client, Session, connect
from unmask.errors import UnmaskError

__all__ = ["Client", "Session", "UnmaskError", "connect"]
