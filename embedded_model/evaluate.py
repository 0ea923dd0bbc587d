"""Measure the shipped weights: ``python -m embedded_model.evaluate``.

Each task x strategy x number of steps: the share of right answers, as the task's
own checker judges them. Prints a table, writes results.json and RESULTS.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file
from tokenizers import Tokenizer

from .corpus import arithmetic, help, lists, questions, records, stories, sudoku
from .decode import STRATEGIES, decode
from .export import WEIGHTS
from .network import Network, Shape
from .tokenizer import EOT, MASK, chat

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Task:
    name: str
    make: Callable[[Random], tuple[str, str]]
    check: Callable[[str, str], bool]
    length: int  # tokens generated
    temperature: float
    target: float | None = None  # what its best setting should reach


# Free tasks have many right answers and are drawn at temperature 1.
TASKS = (
    Task("story", stories.make_full, stories.check, 64, 0.0, 0.85),
    Task("arithmetic, one", arithmetic.make_single, arithmetic.check, 16, 0.0, 0.90),
    Task("arithmetic, four", lambda rng: arithmetic.make_several(rng, 4), arithmetic.check, 36, 0.0),
    Task("sums that make N, T=1", arithmetic.make_inverse, arithmetic.check, 48, 1.0),
    Task("sudoku, solve", sudoku.make_solve, sudoku.check, 20, 0.0, 0.98),
    Task("sudoku, free, T=1", sudoku.make_free, sudoku.check, 20, 1.0),
    Task("questions, one", questions.make_single, questions.check, 16, 0.0, 0.90),
    Task("questions, several", questions.make_several, questions.check, 32, 0.0),
    Task("sort and reverse", lists.make_order, lists.check, 16, 0.0, 0.95),
    Task("palindrome, T=1", lists.make_palindrome, lists.check, 16, 1.0),
    Task("JSON from a sentence", records.make_given, records.check, 32, 0.0, 0.95),
    Task("JSON, free, T=1", records.make_free, records.check, 32, 1.0),
    Task("help", help.make, help.check, 48, 0.0),
)
STEPS = (1, 2, 4, 8, 16, 32, 64)


def load(folder: Path) -> tuple[Network, Tokenizer]:
    """The checkpoint folder as training's own network."""
    c = json.loads((folder / "config.json").read_text())
    shape = Shape(
        vocab=c["embedding_size"],
        width=c["d_model"],
        layers=c["n_layers"],
        heads=c["n_heads"],
        mlp=c["mlp_hidden_size"],
        context=c["max_sequence_length"],
        rope_theta=c["rope_theta"],
        norm_eps=c["rms_norm_eps"],
    )
    network = Network(shape)
    tensors = load_file(folder / "model.safetensors")
    network.load_state_dict({name.removeprefix("model.transformer."): t.float() for name, t in tensors.items()})
    return network.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


def steps_for(task: Task) -> list[int]:
    """Powers of two up to the length, and the length itself: one position a step."""
    return [*(s for s in STEPS if s < task.length), task.length]


def answers(network: Network, tokenizer: Tokenizer, prompts: list[str], task: Task, steps: int, strategy: str) -> list[str]:
    eot = tokenizer.token_to_id(EOT)

    def forward(tokens: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return network(tokens, real).view(*tokens.shape, -1)

    ids = [tokenizer.encode(chat(prompt)).ids for prompt in prompts]
    mask_id = tokenizer.token_to_id(MASK)
    rows = decode(forward, ids, task.length, steps, strategy, task.temperature, mask_id)
    return [tokenizer.decode(row[: row.index(eot)] if eot in row else row) for row in rows]


def measure(network: Network, tokenizer: Tokenizer, samples: int, tasks=TASKS, strategies=STRATEGIES) -> dict:
    """{task: {strategy: {steps: share right}}}"""
    results: dict = {}
    total = sum(sum(steps_for(task)) for task in tasks) * len(strategies)
    with Progress() as bar:
        line = bar.add_task("measuring", total=total)
        for task in tasks:
            rng = Random(f"evaluate/{task.name}")
            prompts = [task.make(rng)[0] for _ in range(samples)]
            for strategy in strategies:
                row = results.setdefault(task.name, {}).setdefault(strategy, {})
                for steps in steps_for(task):
                    texts = answers(network, tokenizer, prompts, task, steps, strategy)
                    right = [task.check(prompt, text) for prompt, text in zip(prompts, texts)]
                    row[str(steps)] = round(sum(right) / samples, 3)
                    bar.advance(line, steps)
    return results


def best(rows: dict) -> tuple[float, str, str]:
    return max(
        (share, strategy, steps)
        for strategy, row in rows.items()
        for steps, share in sorted(row.items(), key=lambda item: -int(item[0]))
    )


def spread(rows: dict) -> tuple[float, str]:
    """The largest difference between two orders at one number of steps, and that number."""
    steps = next(iter(rows.values()))
    return max((max(r[s] for r in rows.values()) - min(r[s] for r in rows.values()), s) for s in steps)


def markdown(results: dict, samples: int) -> str:
    """One table of all cells, and one line of facts for each task."""
    columns = sorted({int(s) for rows in results.values() for row in rows.values() for s in row})
    lines = [
        f"Share of right answers, {samples} samples a cell; bold: the best of a task.",
        "",
        "| task | order | " + " | ".join(f"{c} steps" if c == 1 else str(c) for c in columns) + " |",
        "| --- | --- |" + " --- |" * len(columns),
    ]
    for name, rows in results.items():
        top = best(rows)[0]
        for strategy, row in rows.items():
            cells = []
            for column in columns:
                share = row.get(str(column))
                text = "" if share is None else f"{share:.2f}".removeprefix("0")
                cells.append(f"**{text}**" if share == top else text)
            lines.append(f"| {name} | {strategy.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines += ["", "| task | target | best | with | orders differ by |", "| --- | --- | --- | --- | --- |"]
    targets = {task.name: task.target for task in TASKS}
    for name, rows in results.items():
        share, strategy, steps = best(rows)
        apart, at = spread(rows)
        target = "" if targets[name] is None else f"{targets[name]:.2f}"
        lines.append(
            f"| {name} | {target} | {share:.2f} | {strategy.replace('_', ' ')}, {steps} steps | {apart:.2f} at {at} steps |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--output", type=Path, default=HERE, help="folder of results.json and RESULTS.md")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--task", action="append", help="only tasks whose name starts so")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    tasks = [t for t in TASKS if not chosen.task or t.name.startswith(tuple(chosen.task))]
    started = time.monotonic()
    results = measure(*load(chosen.weights), chosen.samples, tasks)
    text = markdown(results, chosen.samples)
    Console().print(text, markup=False, soft_wrap=True)
    Console().print(f"{time.monotonic() - started:.0f} seconds")
    if not chosen.task:
        chosen.output.mkdir(parents=True, exist_ok=True)
        record = {"samples": chosen.samples, "share_right": results}
        (chosen.output / "results.json").write_text(json.dumps(record, indent=1) + "\n")
        (chosen.output / "RESULTS.md").write_text(text)


if __name__ == "__main__":
    main()
