"""What stands at each position."""

from dataclasses import dataclass

OPEN, COMMITTED, GIVEN = 1, 2, 3  # the numbers are those of the API's PositionState


@dataclass(frozen=True, slots=True)
class Canvas:
    """A canvas at one revision. tokens: one a position, None where it is open.

    prompt_length: how many of the positions, from the first on, are the prompt. given: positions supplied by the user.
    by_hand: positions whose token a person chose. protected: others that samplers may not touch.
    """

    tokens: tuple[int | None, ...]
    prompt_length: int
    given: frozenset[int] = frozenset()
    by_hand: frozenset[int] = frozenset()
    protected: frozenset[int] = frozenset()

    @property
    def states(self) -> tuple[int, ...]:
        """OPEN, COMMITTED or GIVEN, one a position."""
        return tuple(OPEN if token is None else GIVEN if position in self.given else COMMITTED
                     for position, token in enumerate(self.tokens))
