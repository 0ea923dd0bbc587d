"""Run as a program: a regular expression on stdin becomes a table over bytes on stdout, by outlines-core.

Making an automaton of a regular expression can take any time and any memory, and cannot be interrupted; a process can.
Imports nothing of this project. Arguments: seconds of processor time, bytes of memory, states.
"""

import sys

import numpy as np

# U+10FFFF, no character and in no text. With it behind the expression the automaton goes on past every match; without
# it, it would stop looking where an earlier alternative has matched: a|ab would not take "ab".
END = "\U0010ffff"
# outlines-core makes the automaton that looks for the expression anywhere in a text too, which for a.{20}b has a
# million states. Behind a text that hardly any part of an expression takes as a whole, it begins at one place alone.
BEGIN = "".join(map(chr, range(128))) + END


def table(pattern: str, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The automaton: where each byte leads from each state, int32 [S, 256], and which states are a match, bool [S].

    State 0 is none, state 1 the first. Raises ValueError, with the reason of outlines-core or "states".
    """
    from outlines_core import Index, Vocabulary

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
    if len(numbers) > most:
        raise ValueError("states")
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


def main() -> int:
    seconds, memory, most = map(int, sys.argv[1:])
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    except (ImportError, ValueError, OSError):  # not there on every system; the parent's clock is
        pass
    try:
        moves, last = table(sys.stdin.buffer.read().decode(), most)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 3
    np.savez(sys.stdout.buffer, moves=moves.astype(np.int16 if len(moves) < 1 << 15 else np.int32), last=last)
    return 0


if __name__ == "__main__":
    sys.exit(main())
