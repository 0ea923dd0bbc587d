"""Measure the shipped weights: ``python -m embedded_model.evaluate``.

Each task x strategy x number of steps: the share of right answers, as the task's
own checker judges them. The weights go through the service's loader and its `ranked`
sampler. Prints a table, writes results.json and RESULTS.md. With ``--causal`` the twin,
which has one order and one number of steps: causal.json and CAUSAL.md.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

import torch
from rich.console import Console
from rich.progress import Progress

from inference_service.engine.decoding import decode, together
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.models.loading import load
from inference_service.models.text import Text
from inference_service.sampling.noise import Noise
from inference_service.sampling.region import Region
from inference_service.sampling.sampler import Ids, Prediction, SamplingContext
from inference_service.sampling.samplers import ranked
from inference_service.sampling.schedules import quota
from inference_service.sessions.frame import Settings

from .corpus import arithmetic, lists, questions, records, stories, sudoku
from .export import CAUSAL_WEIGHTS, WEIGHTS

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
    Task("sums that make N, T=1", arithmetic.make_inverse, arithmetic.check, 36, 1.0),
    Task("sudoku, solve", sudoku.make_solve, sudoku.check, 20, 0.0, 0.98),
    Task("sudoku, free, T=1", sudoku.make_free, sudoku.check, 20, 1.0),
    Task("questions, one", questions.make_single, questions.check, 16, 0.0, 0.90),
    Task("questions, several", questions.make_several, questions.check, 32, 0.0),
    Task("sort and reverse", lists.make_order, lists.check, 16, 0.0, 0.95),
    Task("palindrome, T=1", lists.make_palindrome, lists.check, 16, 1.0),
    Task("JSON from a sentence", records.make_given, records.check, 32, 0.0, 0.95),
    Task("JSON, free, T=1", records.make_free, records.check, 32, 1.0),
)
# The sampler's names; the first is what LLaDA's code calls low_confidence remasking.
STRATEGIES = ("high_confidence", "low_entropy", "margin", "random", "left_to_right")
STEPS = (1, 2, 4, 8, 16, 32)


def steps_for(task: Task) -> list[int]:
    """Powers of two well below the length, and the length itself: one position a step."""
    return [*(steps for steps in STEPS if 1.5 * steps <= task.length), task.length]


def generate(
    denoiser: Denoiser, prompts: list[str], length: int, steps: int, strategy: str, temperature: float
) -> list[str]:
    """Answers to the prompts, `length` tokens each, decided in so many steps in a batch.

    Steps share the positions as LLaDA's schedule does: evenly, the first ones taking the remainder.
    """
    info, text = denoiser.info, denoiser.text
    befores = [text.chat([{"role": "user", "content": prompt}]) for prompt in prompts]
    canvases = [before + [info.mask_token] * length for before in befores]
    still = [list(range(len(before), len(before) + length)) for before in befores]
    ids = Ids(info.forbidden_tokens, info.eos_token, info.eot_token, info.more_ends)
    for step in range(steps):
        parameters = ranked.RankedParameters(
            strategy=strategy, count=quota(len(still[0]), steps - step), temperature=temperature, block_length=length
        )
        for seed, (canvas, logits) in enumerate(zip(canvases, denoiser.logits(canvases, still))):
            region = Region(len(befores[seed]), length, tuple(still[seed]))
            proposal = ranked.propose(
                Prediction(still[seed], logits), SamplingContext(parameters, region, ids, Noise(seed, step))
            )
            for commit in proposal.commits:
                canvas[commit.position] = commit.token
                still[seed].remove(commit.position)
    return [answer(canvas[len(before) :], info, text) for canvas, before in zip(canvases, befores)]


def write(denoiser: Denoiser, prompts: list[str], length: int, temperature: float) -> list[str]:
    """The twin's answers to the prompts: one token after the other, `length` at most."""
    text = denoiser.text
    befores = [text.chat([{"role": "user", "content": prompt}]) for prompt in prompts]
    settings = [Settings("autoregressive", {"temperature": temperature}, seed) for seed in range(len(prompts))]
    made = together(decode(denoiser, before, length, chosen) for before, chosen in zip(befores, settings))
    return [answer(one.tokens[len(before) :], denoiser.info, text) for one, before in zip(made, befores)]


def answer(tokens: list[int], info: ModelInfo, text: Text) -> str:
    """What stands before the end of the turn."""
    ends = [at for at, token in enumerate(tokens) if token in info.end_tokens]
    return text.decode(tokens[: ends[0]] if ends else tokens)


_denoiser: Denoiser | None = None  # of this worker process


def _start(weights: str, family: str) -> None:
    """Prepare a worker: one thread each, for much of the time goes into the samplers."""
    global _denoiser
    torch.set_num_threads(1)
    _denoiser = load(weights, family=family)


def _cell(number: int, strategy: str, steps: int, samples: int) -> float:
    """The share of right answers of task `number` in one setting."""
    task = TASKS[number]
    rng = Random(f"evaluate/{task.name}")
    prompts = [task.make(rng)[0] for _ in range(samples)]
    if not _denoiser.info.attention.append_only:
        texts = generate(_denoiser, prompts, task.length, steps, strategy, task.temperature)
    else:
        texts = write(_denoiser, prompts, task.length, task.temperature)
    return sum(task.check(prompt, text) for prompt, text in zip(prompts, texts)) / samples


def measure(weights: Path, samples: int, only: tuple[str, ...], processes: int, causal: bool = False) -> dict:
    """{task: {strategy: {steps: share right}}} of the tasks whose names start with one of `only`."""
    cells = [
        (number, strategy, steps)
        for number, task in enumerate(TASKS)
        if task.name.startswith(only)
        for strategy in (("left_to_right",) if causal else STRATEGIES)
        for steps in (steps_for(task)[-1:] if causal else steps_for(task))
    ]
    shares = {}
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start, (str(weights), "causal" if causal else ""))
    with pool, Progress() as bar:
        line = bar.add_task("measuring", total=sum(steps for _, _, steps in cells))
        # The longest first, so that no worker is left with one at the end.
        waiting = {pool.submit(_cell, *cell, samples): cell for cell in sorted(cells, key=lambda cell: -cell[2])}
        for done in as_completed(waiting):
            shares[waiting[done]] = done.result()
            bar.advance(line, waiting[done][2])
    results: dict = {}
    for number, strategy, steps in cells:
        row = results.setdefault(TASKS[number].name, {}).setdefault(strategy, {})
        row[str(steps)] = round(shares[number, strategy, steps], 3)
    return results


def best(rows: dict) -> tuple[float, str, str]:
    """The largest share, and where it is reached with the fewest steps."""
    cells = [(share, strategy, steps) for strategy, row in rows.items() for steps, share in row.items()]
    return max(cells, key=lambda cell: (cell[0], -int(cell[2])))


def spread(rows: dict) -> tuple[float, str]:
    """The largest difference between two orders at one number of steps, and that number."""
    gaps = [
        (max(row[steps] for row in rows.values()) - min(row[steps] for row in rows.values()), steps)
        for steps in next(iter(rows.values()))
    ]
    return max(gaps, key=lambda gap: gap[0])


def markdown(results: dict, samples: int) -> str:
    """One table of all cells, and one line of facts for each task."""
    lines = [
        f"Share of right answers, {samples} samples a cell, by the number of steps; in the last column every",
        "step decides one position. Bold: the best of a task.",
        "",
        "| task | order | " + " | ".join(map(str, STEPS)) + " | one each |",
        "| --- | --- |" + " --- |" * (len(STEPS) + 1),
    ]
    for name, rows in results.items():
        top = best(rows)[0]
        for strategy, row in rows.items():
            *shares, each = row.values()
            shares += [None] * (len(STEPS) - len(shares)) + [each]
            texts = ["" if share is None else f"{share:.2f}" for share in shares]
            texts = [f"**{text}**" if share == top else text for text, share in zip(texts, shares)]
            lines.append(f"| {name} | {strategy.replace('_', ' ')} | " + " | ".join(texts) + " |")
    lines += ["", "| task | target | best | with | orders differ by, at steps |", "| --- | --- | --- | --- | --- |"]
    targets = {task.name: task.target for task in TASKS}
    for name, rows in results.items():
        share, strategy, steps = best(rows)
        apart, at = spread(rows)
        target = "" if targets[name] is None else f"{targets[name]:.2f}"
        setting = f"{strategy.replace('_', ' ')}, {steps} step{'s' * (steps != '1')}"
        lines.append(f"| {name} | {target} | {share:.2f} | {setting} | {apart:.2f} at {at} |")
    return "\n".join(lines) + "\n"


def causal_markdown(results: dict, samples: int) -> str:
    """One line for each task."""
    lines = [f"Share of right answers, {samples} samples a task.", "", "| task | right |", "| --- | --- |"]
    lines += [f"| {name} | {best(rows)[0]:.2f} |" for name, rows in results.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--causal", action="store_true", help="the twin that writes from left to right")
    parser.add_argument("--weights", type=Path, help="default: those that ship")
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--output", type=Path, default=HERE, help="folder of results.json and RESULTS.md")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--task", action="append", help="only tasks whose name starts so; writes no files")
    chosen = parser.parse_args()
    started = time.monotonic()
    weights = chosen.weights or (CAUSAL_WEIGHTS if chosen.causal else WEIGHTS)
    results = measure(weights, chosen.samples, tuple(chosen.task or [""]), chosen.processes, chosen.causal)
    text = (causal_markdown if chosen.causal else markdown)(results, chosen.samples)
    Console().print(text, markup=False, soft_wrap=True)
    Console().print(f"{time.monotonic() - started:.0f} seconds")
    if not chosen.task:
        chosen.output.mkdir(parents=True, exist_ok=True)
        record = {"samples": chosen.samples, "share_right": results}
        names = ("causal.json", "CAUSAL.md") if chosen.causal else ("results.json", "RESULTS.md")
        (chosen.output / names[0]).write_text(json.dumps(record, indent=1) + "\n")
        (chosen.output / names[1]).write_text(text)


if __name__ == "__main__":
    main()
