"""Recordings: sessions as files. Known to the client and the service alike.

`read` takes a file's bytes, whatever it is; `write` makes them; `check` holds a recording to what its readers rely on;
`canvases` folds its frames. docs/recordings.md describes the format.
"""

from unmask.frames import Canvas
from unmask.recording.bad import BadRecording
from unmask.recording.checks import FORMAT, MOST_POSITIONS, VERSION, check
from unmask.recording.files import MOST_BYTES, read, write
from unmask.recording.folding import Canvases, canvases

__all__ = ["FORMAT", "MOST_BYTES", "MOST_POSITIONS", "VERSION", "BadRecording", "Canvas", "Canvases", "canvases",
           "check", "read", "write"]
