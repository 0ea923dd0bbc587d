"""What is wrong with a file that should be a recording."""

from typing import Literal

Reason = Literal["NOT_A_RECORDING", "DAMAGED", "LATER_VERSION", "INVALID", "TOO_LARGE"]


class BadRecording(ValueError):
    """reason: a word for programs; the message is one sentence for people."""

    def __init__(self, message: str, reason: Reason):
        super().__init__(message)
        self.reason = reason
