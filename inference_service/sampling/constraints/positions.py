"""A canvas filled in any order under a regular constraint: exactly the tokens with which it can still be completed.

A canvas of L positions is a match, then, if room is left, one of the tokens that end a text and nothing but those to
the last position. F_i is the set of states that can be reached from the left before position i, B_i the set from which
a full canvas can be reached on the right; an open position takes every token's moves, a decided one its own token's. A
token may stand at i when it leads from a state in F_i to one in B_{i+1}, whatever the other positions hold. Checked
anew after each commit, that is never a dead end; and no token with a completion is refused.

The idea is DINGO's (Suresh et al., 2025, arXiv 2505.23061), which decodes a block by it; here it filters any sampler.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inference_service.sampling.constraints import effort
from inference_service.sampling.constraints.classes import DEAD, END, SPECIAL, Moves
from inference_service.sampling.constraints.spec import Progress
from inference_service.sampling.constraints.vocabulary import Vocabulary


@dataclass(frozen=True)
class _Sets:
    """Of one canvas: from_left and to_right, each L + 1 boolean vectors of the states."""

    tokens: tuple[int | None, ...]
    from_left: list[np.ndarray]
    to_right: list[np.ndarray]


class Positions:
    """A regular constraint on canvases of any length. Safe to share between threads: it keeps only its last answer."""

    exact = True

    def __init__(self, moves: Moves, vocabulary: Vocabulary):
        self._moves = moves
        self._vocabulary = vocabulary
        self._last: _Sets | None = None

    @property
    def size(self) -> int:
        """Bytes of its tables."""
        moves = self._moves
        return sum(table.nbytes for table in (moves.by_state, moves.class_of, moves.sources, moves.targets))

    def feasible(self, tokens: Sequence[int | None]) -> bool:
        """Whether the canvas can be completed. tokens: the generated part, None where open."""
        return bool((self._sets(tokens).from_left[-1] & self._moves.accepts).any())

    def allowed(self, tokens: Sequence[int | None], positions: Sequence[int]) -> torch.Tensor:
        """What may stand at some positions, each with all others as they are: bool [N, V].

        positions: indices into tokens; a decided one is answered as if it were open. Special tokens that end no text
        are never allowed. All False where the canvas cannot be completed.
        """
        sets, rows = self._sets(tokens), {}
        out = np.empty((len(positions), self._vocabulary.width), bool)
        for row, position in enumerate(positions):
            left, right = sets.from_left[position], sets.to_right[position + 1]
            key = left.tobytes(), right.tobytes()
            if key in rows:
                out[row] = out[rows[key]]
                continue
            rows[key] = row
            np.take(self._classes(left, right), self._moves.class_of, out=out[row], mode="clip")
        return torch.from_numpy(out)

    def allows(self, tokens: Sequence[int | None], position: int, token: int) -> bool:
        """`allowed` for one token: what to ask before each of several commits."""
        sets, kind = self._sets(tokens), self._moves.class_of[token]
        if kind in (DEAD, SPECIAL):
            return False
        after = self._moves.by_state[sets.from_left[position], kind]
        return bool(sets.to_right[position + 1][after].any())

    def progress(self, tokens: Sequence[int | None]) -> Progress:
        """Where the canvas stands. Matched: what stands before the first open position is, and nothing after it."""
        if not self.feasible(tokens):
            return Progress.VIOLATED
        first_open = next((i for i, token in enumerate(tokens) if token is None), len(tokens))
        if first_open == len(tokens) or any(token in self._vocabulary.ends for token in tokens[:first_open]):
            return Progress.COMPLETE
        alone = all(token is None for token in tokens[first_open:])
        matched = (self._sets(tokens).from_left[first_open] & self._moves.accepts).any()
        return Progress.MATCHED if alone and matched else Progress.INCOMPLETE

    def _classes(self, left, right):
        """Which classes lead from a state of one set into the other, bool [C]."""
        found = right[self._moves.by_state[left]].any(0)
        found[[DEAD, SPECIAL]] = False
        if not self._vocabulary.ends:
            found[END] = False
        return found

    def _sets(self, tokens):
        """Both rows of sets; what the last canvas had in common with this one is taken from there."""
        tokens = tuple(None if token is None else int(token) for token in tokens)
        last = self._last
        if last and last.tokens == tokens:
            return last
        length, moves = len(tokens), self._moves
        same_left = same_right = 0
        if last and len(last.tokens) == length:
            while last.tokens[same_left] == tokens[same_left]:
                same_left += 1
            while last.tokens[length - 1 - same_right] == tokens[length - 1 - same_right]:
                same_right += 1
        from_left = list(last.from_left[: same_left + 1]) if last and same_left else [self._only(moves.start)]
        to_right = list(last.to_right[length - same_right :]) if last and same_right else [self._full()]
        to_right.reverse()  # from the right end
        for position in range(same_left, length):
            effort.check()
            from_left.append(self._forward(from_left[-1], tokens[position]))
        for position in range(length - 1 - same_right, -1, -1):
            effort.check()
            to_right.append(self._backward(to_right[-1], tokens[position]))
        to_right.reverse()
        self._last = made = _Sets(tokens, from_left, to_right)  # another thread may put its own there at any time
        return made

    def _only(self, state):
        one = np.zeros(len(self._moves.accepts), bool)
        one[state] = True
        return one

    def _full(self):
        return self._moves.accepts.copy()

    def _forward(self, before, token):
        after = np.zeros_like(before)
        if token is None:
            after[self._moves.targets[before[self._moves.sources]]] = True
        else:
            after[self._moves.by_state[before, self._moves.class_of[token]]] = True
        after[0] = False
        return after

    def _backward(self, after, token):
        if token is not None:
            return after[self._moves.by_state[:, self._moves.class_of[token]]]
        before = np.zeros_like(after)
        before[self._moves.sources[after[self._moves.targets]]] = True
        return before
