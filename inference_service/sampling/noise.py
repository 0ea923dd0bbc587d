"""Counter-based noise: a function of (seed, revision, position), never of what ran before or beside.

Philox is a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC 2011): its stream is addressed, not consumed. So a step draws the same numbers alone or in a
batch, on the first try or after a restart, whether all open positions were computed or one block.
"""

from dataclasses import dataclass

import numpy as np
import torch

TOKEN_STREAM = 0
ORDER_STREAM = 1
REVEAL_STREAM = 2
REOPEN_STREAM = 3
CORRUPTION_STREAM = 4


@dataclass(frozen=True)
class Noise:
    """The noise of one step.

    seed: the session's, 0 to 2**64 - 1. revision: the one that the step starts from.
    """

    seed: int
    revision: int

    def _generator(self, position: int, stream: int) -> np.random.Generator:
        counter = [0, stream, position, self.revision]  # the lowest word counts draws
        key = np.array([self.seed, 0], np.uint64)  # a plain list of large numbers would become floats
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    def gumbel(self, positions: list[int], width: int, stream: int = TOKEN_STREAM) -> torch.Tensor:
        """Standard Gumbel noise, float64 [len(positions), width].

        -ln(E) with E exponential is Gumbel-distributed and, unlike -ln(-ln(U)), has no rounding
        trouble near U = 1.
        """
        rows = [self._generator(position, stream).standard_exponential(width) for position in positions]
        return -torch.from_numpy(np.array(rows).reshape(-1, width)).log()

    def uniform(self, positions: list[int], stream: int = ORDER_STREAM, draw: int = 0) -> torch.Tensor:
        """One uniform number in [0, 1) for each position, float64 [len(positions)].

        draw: numbers further draws of one step, which are as independent as those of other streams.
        """
        if not positions:
            return torch.empty(0, dtype=torch.float64)
        # One stream for all positions, of which each takes the number at its own place.
        numbers = self._generator(0, stream + (draw << 8)).random(max(positions) + 1)
        return torch.from_numpy(numbers[positions])
