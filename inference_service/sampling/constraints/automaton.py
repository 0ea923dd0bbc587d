"""A regular expression, or a list of texts, as a table over bytes.

States that cannot end in a match go, and states that behave alike become one (Moore, 1956). Making an automaton of a
regular expression can take any time and any memory, and cannot be interrupted: it is made in a child (`proving`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from outlines_core import Index, Vocabulary

from inference_service.sampling.constraints.spec import ConstraintError

STATES = 32_000  # so that a state fits into 16 bits
ROUNDS = 500  # of looking for states that behave alike; an automaton with longer chains is left as it is

# U+10FFFF, no character and in no text. With it behind the expression the automaton goes on past every match; without
# it, it would stop looking where an earlier alternative has matched: a|ab would not take "ab".
END = "\U0010ffff"
# outlines-core makes the automaton that looks for the expression anywhere in a text too, which for a.{20}b has a
# million states. Behind a text that hardly any part of an expression takes as a whole, it begins at one place alone.
BEGIN = "".join(map(chr, range(128))) + END


@dataclass(frozen=True)
class Automaton:
    """moves: where each byte leads from each state, int32 [S, 256]. State 0 is nowhere, and leads nowhere.

    accepts: which states are a match, bool [S]. start: the first state.
    """

    moves: np.ndarray
    accepts: np.ndarray
    start: int

    def matches(self, text: bytes) -> bool:
        state = self.start
        for byte in text:
            state = self.moves[state, byte]
        return bool(self.accepts[state])


def of_regex(pattern: str) -> Automaton:
    """The automaton of a whole match of a pattern that llguidance has accepted and that has no anchors.

    Raises ConstraintError where outlines-core cannot make one, or it has too many states.
    """
    try:
        moves, last = _table(pattern)
    except ConstraintError:
        raise
    except ValueError as error:
        if "Found no transitions" in str(error):
            raise ConstraintError("no text matches it") from None
        raise ConstraintError(f"no automaton can be made of this regular expression: {error}") from None
    return _smallest(Automaton(moves, last, 1))


def _table(pattern: str) -> tuple[np.ndarray, np.ndarray]:
    """Where each byte leads from each state, int32 [S, 256], and which states are a match, bool [S].

    State 0 is none, state 1 the first. Raises ValueError with the reason of outlines-core.
    """
    bytes_alone = Vocabulary(256, {bytes([byte]): [byte] for byte in range(256)})
    begin, end = (("".join(f"\\x{{{ord(character):X}}}" for character in text)) for text in (BEGIN, END))
    try:
        index = Index(f"{begin}(?:{pattern}){end}", bytes_alone)
    except ValueError as error:
        try:  # a comment at the end, where (?x) allows them, takes what follows on its line
            index = Index(f"{begin}(?:{pattern}\n){end}", bytes_alone)
        except ValueError:
            raise error from None
    edges = index.get_transitions()
    first = index.get_initial_state()
    for byte in BEGIN.encode():
        first = edges[first][byte]
    numbers, waiting = {first: 1}, [first]
    while waiting:
        for byte, to in edges.get(waiting.pop(), {}).items():
            if byte < 256 and to not in numbers:
                numbers[to] = len(numbers) + 1
                waiting.append(to)
    if len(numbers) > STATES:
        raise _too_large()
    moves = np.zeros((len(numbers) + 1, 256), np.int32)
    for state, number in numbers.items():
        for byte, to in edges.get(state, {}).items():
            if byte < 256:
                moves[number, byte] = numbers[to]
    last = np.zeros(len(moves), bool)
    last[[numbers[state] for state in index.get_final_states() if state in numbers]] = True
    at = np.arange(len(moves))
    for byte in END.encode():
        at = moves[at, byte]
    return moves, last[at]


def _too_large() -> ConstraintError:
    return ConstraintError(
        "this regular expression is too large for a canvas that is filled in any order: its automaton has more than"
        f" {STATES:,} states; smaller counts in braces help")


def of_texts(texts: Sequence[str]) -> Automaton:
    """The automaton of a choice: a tree of the texts' bytes, whose equal ends are shared."""
    rows, accepts = [[0] * 256, [0] * 256], [False, False]
    for text in texts:
        state = 1
        for byte in text.encode():
            if not rows[state][byte]:
                if len(rows) > STATES:
                    raise ConstraintError(f"the texts are too long together: more than {STATES:,} states")
                rows[state][byte] = len(rows)
                rows.append([0] * 256)
                accepts.append(False)
            state = rows[state][byte]
        accepts[state] = True
    return _smallest(Automaton(np.array(rows, np.int32), np.array(accepts), 1))


def _smallest(one: Automaton) -> Automaton:
    """The same language with the fewest states."""
    moves = np.unique(one.moves, axis=1)  # bytes that move alike, once
    alive = _can_end(moves, one.accepts)
    if not alive[one.start]:
        raise ConstraintError("no text matches it")
    full = np.where(alive[one.moves], one.moves, 0)
    moves = np.where(alive[moves], moves, 0)
    moves[~alive] = 0
    chance = np.random.default_rng(0).integers(1, 1 << 62, moves.shape[1] + 1, np.uint64) | np.uint64(1)
    group, count = one.accepts.astype(np.int64), 2
    for _ in range(ROUNDS):
        numbers = group.astype(np.uint64)
        sums = np.concatenate([(numbers[part] * chance[:-1]).sum(1) for part in _parts(moves)]) + numbers * chance[-1]
        _, first, finer = np.unique(sums, return_index=True, return_inverse=True)
        if len(first) == count:
            break
        group, count = finer, len(first)
    else:  # a long chain; its states differ anyway
        group = finer = first = np.arange(len(moves))
        count = len(moves)
    if not all((group[part] == group[like]).all() for part, like in zip(
            _parts(moves), _parts(moves[first[finer]]), strict=True)):
        raise AssertionError("two sums of different rows were equal")  # 64 bits; then nothing may be shared
    order = np.empty(count, np.int64)  # nowhere is 0 again
    order[group[first]] = np.arange(count)
    nowhere = order[group[0]]
    swap = np.arange(count)
    swap[[0, nowhere]] = swap[[nowhere, 0]]
    number = swap[order[group]]
    table = np.zeros((count, 256), np.int32)
    accepts = np.zeros(count, bool)
    full[~alive] = 0
    table[number[first]] = number[full[first]]
    accepts[number[first]] = one.accepts[first]
    return Automaton(table, accepts, int(number[one.start]))


def _parts(rows, size=2048):
    """A table in pieces, so that what is worked out of it takes little memory."""
    return [rows[begin : begin + size] for begin in range(0, len(rows), size)]


def _can_end(moves, accepts):
    """The states from which a match can be reached, bool [S]."""
    sources, targets = np.repeat(np.arange(len(moves)), moves.shape[1]), moves.reshape(-1)
    order = np.argsort(targets, kind="stable")
    sources, begins = sources[order], np.searchsorted(targets[order], np.arange(len(moves) + 1))
    alive, waiting = accepts.copy(), np.flatnonzero(accepts).tolist()
    while waiting:
        state = waiting.pop()
        before = sources[begins[state] : begins[state + 1]]
        new = np.unique(before[~alive[before]])
        alive[new] = True
        waiting += new.tolist()
    return alive
