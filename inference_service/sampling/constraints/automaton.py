"""A regular expression, or a list of texts, as a table over bytes.

The expression becomes an automaton in a process of its own (`regex_child`), which is stopped when it takes too much;
then states that cannot end in a match go, and states that behave alike become one (Moore, 1956).

Two such processes run at a time, one for what is quick and one for what is not: an expression that counts far, or that
takes more than a second, waits for others of that kind and no other for it.
"""

import io
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference_service.sampling.constraints.spec import ConstraintError

SECONDS = 5  # of processor time
MEMORY = 1 << 30  # bytes
STATES = 32_000  # so that a state fits into 16 bits
ROUNDS = 500  # of looking for states that behave alike; an automaton with longer chains is left as it is
SOON = 1  # second of processor time, the start of the process (a third) included: what takes more is not quick
FAR = 64  # counts in braces, multiplied; it says who waits for whom, no more
STOPPED = (24, 9)  # SIGXCPU and SIGKILL, which a limit of processor time ends in
CHILD = Path(__file__).with_name("regex_child.py")
_COUNT = re.compile(r"\{(?:\d*,)?(\d+),?\}")
_quick, _slow = threading.Lock(), threading.Lock()  # one process each


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

    Raises ConstraintError where outlines-core cannot make one, or it would take more than the limits above.
    """
    if math.prod(max(int(count[1]), 1) for count in _COUNT.finditer(pattern)) < FAR:
        with _quick:
            done = _child(pattern, SOON)
        if done is not None:
            return _smallest(_read(done))
    with _slow:
        done = _child(pattern, SECONDS)
        if done is None:
            raise _too_large()
        return _smallest(_read(done))  # takes as long again for a large one, and has the interpreter's lock


def _child(pattern, seconds):
    """The process when it has ended, None where it took too long."""
    quiet = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # threads' stacks count as memory
    try:
        done = subprocess.run([sys.executable, "-P", str(CHILD), str(seconds), str(MEMORY), str(STATES)], env=quiet,
                              input=pattern.encode(), capture_output=True, timeout=2 * SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return None if -done.returncode in STOPPED else done


def _read(done):
    if done.returncode == 3 and (reason := done.stderr.decode(errors="replace").strip()) != "states":
        if "Found no transitions" in reason:
            raise ConstraintError("no text matches it")
        raise ConstraintError(f"no automaton can be made of this regular expression: {reason}")
    if done.returncode:
        raise _too_large()
    with np.load(io.BytesIO(done.stdout)) as found:
        return Automaton(found["moves"], found["last"], 1)


def _too_large():
    return ConstraintError(
        f"this regular expression is too large for a canvas that is filled in any order: its automaton takes more than"
        f" {SECONDS} seconds, {MEMORY >> 30} GiB or {STATES:,} states; smaller counts in braces help")


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
