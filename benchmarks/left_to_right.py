"""What keeping a text's attention keys and values saves: ``python -m benchmarks.left_to_right``.

The causal model that ships writes to the end of its context, token by token, with what it computed kept and with whole
passes; in one run, in turns. Writes benchmarks/results/left_to_right.json; exits with 1 where it saves too little.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from inference_service.embedded import CAUSAL, EMBEDDED_CAUSAL_FOLDER
from inference_service.models.loading import load

RESULTS = Path(__file__).parent / "results" / "left_to_right.json"
ROUNDS = 5
LEAST = 1.5  # times faster, at the end of the context


def main() -> None:
    torch.set_num_threads(1)
    denoiser = load(str(EMBEDDED_CAUSAL_FOLDER), family=CAUSAL)
    size = denoiser.info.context_length
    tokens = [(7 * place) % 500 + 10 for place in range(size)]
    kept: dict[int, list[float]] = {}
    whole: dict[int, list[float]] = {}
    for number in range(ROUNDS):
        for keys, into in (([f"round {number}"], kept), ([], whole)):
            for length in range(16, size):
                begun = time.perf_counter()
                denoiser.logits([[*tokens[:length], 0]], [[length]], keys)
                into.setdefault(length, []).append(time.perf_counter() - begun)
    rows = [(length, median(sum((kept[near] for near in around(length, size)), [])),
             median(sum((whole[near] for near in around(length, size)), []))) for length in (32, 64, 128, size - 8)]
    table = Table("tokens before", "kept, ms", "whole pass, ms", "times faster")
    for length, one, other in rows:
        table.add_row(str(length), f"{one * 1e3:.2f}", f"{other * 1e3:.2f}", f"{other / one:.1f}")
    Console().print(table)
    measured = [{"tokens": length, "kept": round(one * 1e3, 3), "whole": round(other * 1e3, 3)}
                for length, one, other in rows]
    RESULTS.write_text(json.dumps({"threads": 1, "rounds": ROUNDS, "milliseconds": measured}, indent=1) + "\n")
    _, one, other = rows[-1]
    sys.exit(0 if other / one >= LEAST else f"only {other / one:.2f} times faster; at least {LEAST} is kept to")


def around(length: int, size: int) -> range:
    """Lengths that are measured together."""
    return range(max(16, length - 4), min(size, length + 4))


if __name__ == "__main__":
    main()
