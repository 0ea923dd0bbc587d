"""What made a frame, and whose choice its tokens are."""

from enum import IntEnum


class Cause(IntEnum):
    """What made a revision. The numbers are those of the API."""

    CREATE = 1
    STEP = 2
    SELECT = 3
    REWIND = 4
    EDIT = 5

    @property
    def by_hand(self) -> bool:
        """Whether the tokens of such a revision are a person's choice."""
        return self in BY_HAND


BY_HAND = (Cause.SELECT, Cause.EDIT)
