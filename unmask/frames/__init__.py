"""How the canvas after a frame follows from its parent's. Known to the service, the recordings and the client alike.

Pure Python, of values and not of messages: whoever folds brings frames of their own, the service its records, the
others the API's messages. proto/unmask/v1/frame.proto and docs/recordings.md say the same rule in words.
"""

from unmask.frames.canvas import COMMITTED, GIVEN, OPEN, Canvas
from unmask.frames.cause import BY_HAND, Cause
from unmask.frames.folding import fold
from unmask.frames.splicing import carried

__all__ = ["BY_HAND", "COMMITTED", "GIVEN", "OPEN", "Canvas", "Cause", "carried", "fold"]
