"""What constraints cost on a vocabulary of 150,000 tokens: ``python -m benchmarks.constraints``.

Beside each number that a step pays stands what the same step costs without a constraint: softmax and argmax over the
logits of the positions wanted, on the same thread. The vocabulary is made here, in the manner of a byte-level BPE.
Writes benchmarks/results/constraints.json; exits with 1 where a limit is broken.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median

import torch
from rich.console import Console

from benchmarks.sessions import Result, machine, milliseconds, seconds, table
from inference_service.sampling.constraints.compile import Compiled, compiled
from inference_service.sampling.constraints.spec import Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

OUT = Path(__file__).parent / "results/constraints.json"
TOKENS = 150_000
WANTED = 32  # positions whose logits a step has
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "kind": {"enum": ["person", "company", "place"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 4},
        "where": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "integer"}},
                  "required": ["city"]},
    },
    "required": ["name", "age", "kind"],
}
REGEX = r"[A-Z][a-z]+(?: [A-Z][a-z]+)*, born \d{4}-\d{2}-\d{2}(?:; [^;\n]{1,60}){0,3}\."
GRAMMAR = r'''start: sum
sum: product (("+" | "-") product)*
product: atom (("*" | "/") atom)*
atom: NUMBER | NAME | "(" sum ")"
NUMBER: /[0-9]+(\.[0-9]+)?/
NAME: /[a-z]+/
'''
SPECS = {"JSON schema": Spec("json_schema", json.dumps(SCHEMA)), "regex": Spec("regex", REGEX),
         "choice of 1,000": Spec("choice", tuple(f"option {number}" for number in range(1000)))}


def pieces() -> list[bytes]:
    """Bytes, numbers, runs of signs and spaces, other scripts, and words with and without a space before them."""
    chance, found = random.Random(0), dict.fromkeys(bytes([byte]) for byte in range(256))
    found |= dict.fromkeys(str(number).encode() for number in range(1000))
    found |= dict.fromkeys((b" " * count, b"\n" * count)[count % 2] for count in range(2, 80))
    signs = ".,;:!?\"'()[]{}<>=+-*/\\_#&|@"
    while len(found) < 6_000:
        found[(" " * chance.randrange(2) + "".join(chance.choices(signs, k=chance.randint(2, 4)))).encode()] = None
    scripts = [(0xC0, 0x24F), (0x3B1, 0x3C9), (0x430, 0x44F), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939),
               (0x3041, 0x3096), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3)]
    while len(found) < 45_000:
        low, high = chance.choice(scripts)
        text = "".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 5))).encode()
        found[text if chance.random() < 0.95 else text[: -chance.randint(1, 2)] or text] = None
    heads, tails = "bcdfghjklmnprstvwz", ["a", "e", "i", "o", "u", "an", "er", "ing", "ion", "al", "st", "ea"]
    while len(found) < TOKENS - 10:
        word = "".join(chance.choice(heads) + chance.choice(tails) for _ in range(chance.randint(1, 5)))
        word = chance.choice([word, word, word.capitalize(), word.upper()])
        found[(" " * (chance.random() < 0.6) + word).encode()] = None
    return list(found) + [b""] * 10  # the last are special


def baseline(logits: torch.Tensor) -> float:
    """A step without a constraint. logits: float32 [N, V]."""
    return median(seconds(lambda: torch.softmax(logits, -1).argmax(-1)) for _ in range(7))


def compiling(vocabulary: Vocabulary) -> Iterator[tuple[Result, Compiled]]:
    for name, spec in SPECS.items():
        begun = time.perf_counter()
        found = compiled(spec, vocabulary)
        first = time.perf_counter() - begun
        any_order = seconds(found.any_order)
        table_ = found.any_order()._moves.by_state
        yield Result(f"compile, left to right: {name}", first * 1e3, "ms", 1000), found
        yield Result(f"compile, any order: {name}", any_order * 1e3, "ms", 5000,
                     f"{table_.shape[0] - 1:,} states, {table_.shape[1]:,} classes of tokens"), found


def left_to_right(found: Compiled, name: str, plain: float) -> Iterator[Result]:
    """Along a random text that fits, a step at a time; then back by half and on."""
    chance, tokens, times = random.Random(1), [], []
    for _ in range(2):
        for _step in range(48):
            begun = time.perf_counter()
            after = found.prefixes.after(tokens, "one")
            times.append(time.perf_counter() - begun)
            choices = (after.allowed & ~torch.from_numpy(found.vocabulary.end_mask)).nonzero().flatten().tolist()
            if not choices:
                break
            tokens.append(chance.choice(choices))
        del tokens[len(tokens) // 2 :]
    yield Result(f"next token's mask, left to right: {name}", median(times) / plain, "of a plain step", 2,
                 f"{milliseconds(times)}, at most {max(times) * 1e3:.2f} ms, against {plain * 1e3:.2f} ms for one row")


def any_order(found: Compiled, name: str, length: int, plain: float) -> Iterator[Result]:
    """A canvas from open to full: every step asks what may stand at 32 positions, and commits one token."""
    one, chance = found.any_order(), random.Random(2)
    canvas: list[int | None] = [None] * length
    if not one.feasible(canvas):
        raise SystemExit(f"{name} does not fit {length} positions")
    masks, checks = [], []
    while opened := [place for place, token in enumerate(canvas) if token is None]:
        wanted = chance.sample(opened, min(WANTED, len(opened)))
        begun = time.perf_counter()
        allowed = one.allowed(canvas, wanted)
        if len(wanted) == WANTED:
            masks.append(time.perf_counter() - begun)
        choices = allowed[0].nonzero().flatten()
        token = int(choices[chance.randrange(len(choices))])
        canvas[wanted[0]] = token
        if len(wanted) == WANTED:
            checks.append(seconds(lambda place=wanted[1], token=token: one.allows(canvas, place, token)))
    if not one.feasible(canvas):
        raise SystemExit(f"{name}: a dead end")
    yield Result(f"masks of {WANTED} of {length} positions: {name}", median(masks) / plain, "of a plain step", 4,
                 f"{milliseconds(masks)}, at most {max(masks) * 1e3:.1f} ms, against {plain * 1e3:.1f} ms")
    yield Result(f"one more token checked after a commit, {length} positions: {name}", median(checks) / plain,
                 "of a plain step", 4, f"{milliseconds(checks)}, at most {max(checks) * 1e3:.1f} ms")


def by_witness(vocabulary: Vocabulary, length: int, plain: float) -> Iterator[Result]:
    """A grammar: the first search, and admitting the model's tokens of random logits in random order."""
    found, chance = compiled(Spec("grammar", GRAMMAR), vocabulary).any_order(), random.Random(3)
    torch.manual_seed(0)
    logits = {place: torch.randn(TOKENS) for place in range(length)}
    canvas: list[int | None] = [None] * length
    begun = time.perf_counter()
    witness = found.search(canvas, logits)
    first, times = time.perf_counter() - begun, []
    for place in chance.sample(range(length), 12):
        token = int(logits[place].topk(3).indices[chance.randrange(3)])
        begun = time.perf_counter()
        new = found.admit(canvas, place, token, witness, logits)
        times.append(time.perf_counter() - begun)
        canvas[place], witness = (witness[place], witness) if new is None else (token, new)
    yield Result(f"grammar, {length} positions: the first witness", first * 1e3, "ms", 3000)
    yield Result(f"grammar, {length} positions: asking for one token", median(times) / plain, "of a plain step", 100,
                 f"{milliseconds(times)}, at most {max(times) * 1e3:.0f} ms")


def measure() -> Iterator[Result]:
    torch.set_num_threads(1)
    tokens = pieces()
    ends = [TOKENS - 2, TOKENS - 1]
    begun = time.perf_counter()
    vocabulary = Vocabulary(tokens, ends)
    made = time.perf_counter() - begun
    read = seconds(lambda: vocabulary.for_llguidance)
    yield Result(f"a vocabulary of {TOKENS:,} tokens, once a model", (made + read) * 1e3, "ms", 5000,
                 f"{read * 1e3:.0f} ms of it llguidance's")
    torch.manual_seed(0)
    many, one = baseline(torch.randn(WANTED, TOKENS)), baseline(torch.randn(1, TOKENS))
    made = {}
    for result, found in compiling(vocabulary):
        made[found.spec] = found
        yield result
    for name, spec in SPECS.items():
        yield from left_to_right(made[spec], name, one)
    for name in ("JSON schema", "regex"):
        for length in (64, 256):
            yield from any_order(made[SPECS[name]], name, length, many)
    yield from by_witness(vocabulary, 64, many)


def main() -> int:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    found, begun = machine(), time.monotonic()
    results = list(measure())
    Console().print(table(results))
    print(f"{time.monotonic() - begun:.0f} seconds")
    record = {"machine": found, "results": [asdict(one) | {"kept": one.kept} for one in results]}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if all(one.kept for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
