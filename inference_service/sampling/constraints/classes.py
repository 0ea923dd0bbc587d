"""The vocabulary over an automaton: tokens that move alike are one class.

A token is a function from state to state. Of 150,000 tokens most do the same: nearly all lead nowhere, and inside a
free string those with as many characters are alike. So the functions are made byte by byte for all tokens at once,
equal ones kept once, and what is asked later is asked of a few hundred classes. Exact: no token is left out.
"""

from dataclasses import dataclass

import numpy as np

from inference_service.sampling.constraints.automaton import Automaton
from inference_service.sampling.constraints.spec import ConstraintError
from inference_service.sampling.constraints.vocabulary import Vocabulary

ENTRIES = 1 << 26  # classes times states, two bytes each
PAIRS = 1 << 22  # states that some token joins; each open position goes through all of them
CHUNK = 1 << 22  # entries made at a time

DEAD, SPECIAL, END, FIRST = 0, 1, 2, 3  # the classes with a meaning of their own


@dataclass(frozen=True)
class Moves:
    """The automaton over tokens. The last state stands behind the end of the text.

    by_state: where each class leads from each state, int16 [S, C]; 0 is nowhere.
    class_of: the class of each token, int32 [V]. DEAD: leads nowhere. SPECIAL: is no part of the text, moves nothing.
    END: from a match, or from behind the end, to behind the end.
    accepts: states in which a canvas may be full, bool [S]. start: the first.
    sources, targets: the pairs of states that some allowed token joins.
    """

    by_state: np.ndarray
    class_of: np.ndarray
    accepts: np.ndarray
    start: int
    sources: np.ndarray
    targets: np.ndarray


def moves_of(automaton: Automaton, vocabulary: Vocabulary) -> Moves:
    """Every token's class. Raises ConstraintError where the classes would take more than the limit."""
    states = len(automaton.moves)
    functions, class_of = _functions(automaton.moves.astype(np.int16), vocabulary)
    behind = states
    table = np.zeros((FIRST + len(functions) - 1, states + 1), np.int16)
    table[SPECIAL] = np.arange(states + 1)
    table[END, :states] = np.where(automaton.accepts, behind, 0)
    table[END, behind] = behind
    table[FIRST:, :states] = functions[1:]
    classes = np.where(class_of == 0, DEAD, class_of + FIRST - 1).astype(np.int32)
    classes[~vocabulary.ordinary] = SPECIAL
    classes[vocabulary.end_mask] = END
    used = np.arange(len(table)) != SPECIAL
    if not vocabulary.ends:
        used[END] = False
    by_state = np.ascontiguousarray(table.T)
    sources, targets, joined = [], [], 0
    for state in range(1, states + 1):
        there = np.unique(by_state[state, used])
        there = there[there > 0]
        targets.append(there.astype(np.int32))
        sources.append(np.full(len(there), state, np.int32))
        if (joined := joined + len(there)) > PAIRS:
            raise ConstraintError("this constraint is too large for a canvas that is filled in any order: its tokens"
                                  f" join more than {PAIRS:,} pairs of states; smaller counts help")
    return Moves(by_state, classes, np.append(automaton.accepts, True), automaton.start,
                 np.concatenate(sources), np.concatenate(targets))


def _functions(moves: np.ndarray, vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The different functions of the ordinary tokens, [C, S], the first of which leads nowhere; each token's, [V]."""
    states = len(moves)
    columns, byte_class = np.unique(moves, axis=1, return_inverse=True)
    columns, byte_class = np.ascontiguousarray(columns.T), byte_class.reshape(-1)  # [K, S], [256]
    kinds = len(columns)
    nothing = np.zeros((1, states), np.int16)
    known = {nothing[0].tobytes(): 0, (same := np.arange(states, dtype=np.int16)).tobytes(): 1}
    rows = [nothing[0], same]
    flat, starts = vocabulary.flat
    tokens = np.flatnonzero(vocabulary.ordinary)
    at, found = np.ones(len(tokens), np.int64), np.zeros(vocabulary.width, np.int64)
    for depth in range(int(vocabulary.lengths.max(initial=0))):
        pairs = at * kinds + byte_class[flat[starts[tokens] + depth]]
        seen = np.zeros(len(rows) * kinds, bool)
        seen[pairs] = True
        wanted = np.flatnonzero(seen)
        made = np.empty(len(wanted), np.int64)
        for begin in range(0, len(wanted), size := max(1, CHUNK // states)):
            part = wanted[begin : begin + size]
            before = np.stack([rows[row] for row in part // kinds])
            after = columns[part % kinds][np.arange(len(part))[:, None], before]
            for place, row in enumerate(after, begin):
                number = known.setdefault(row.tobytes(), len(rows))
                if number == len(rows):
                    rows.append(row)
                made[place] = number
            if len(rows) * states > ENTRIES:
                raise ConstraintError(
                    "this constraint is too large for a canvas that is filled in any order: its tokens move between"
                    f" {states:,} states in more than {ENTRIES // states:,} ways; smaller counts help")
        number_of = np.zeros(len(seen), np.int64)
        number_of[wanted] = made
        at = number_of[pairs]
        done = vocabulary.lengths[tokens] == depth + 1
        found[tokens[done]] = at[done]
        going = ~done & (at > 0)
        tokens, at = tokens[going], at[going]
        if not len(tokens):
            break
    kept, class_of = np.unique(np.append(found, 0), return_inverse=True)  # those that whole tokens have, and nowhere
    return np.stack([rows[row] for row in kept]), class_of[:-1]
