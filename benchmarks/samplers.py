"""Every sampler on the embedded model's checkable tasks: ``python -m benchmarks.samplers``.

Each sampler x setting x task: the share of right answers, as the task's own checker judges them, and what it cost in
forward passes. The canvases go through the plans and passes of the service (`inference_service.engine.decoding`).
Writes docs/samplers.md, its plot, and benchmarks/results/samplers.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

import torch
from rich.console import Console
from rich.progress import Progress

from benchmarks import report
from embedded_model.evaluate import TASKS as ALL_TASKS
from embedded_model.evaluate import Task, answer
from embedded_model.export import WEIGHTS
from inference_service.engine.decoding import decode, together
from inference_service.models.attention import Full
from inference_service.models.denoiser import Denoiser
from inference_service.models.loading import load
from inference_service.sampling.registry import suitable
from inference_service.sessions.frame import Settings

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"

# Those on which orders and numbers of steps differ; on the others the model is right whatever the sampler does.
TASKS = tuple(task for task in ALL_TASKS
              if task.name in ("story", "sudoku, solve", "sums that make N, T=1", "palindrome, T=1", "JSON, free, T=1"))


def shares(name: str, *parts: float, **more: object) -> list[dict]:
    """Settings in which a parameter is a share of the length: 1 is one step a token."""
    return [{name: ("share", part), **more} for part in parts]


def each(name: str, *values: object, **more: object) -> list[dict]:
    return [{name: value, **more} for value in values]


# From few forward passes to many.
SETTINGS: dict[str, list[dict]] = {
    "llada": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "llada, random": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1, remasking="random"),
    "left_to_right": each("count", 8, 4, 2, 1),
    "dream": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "dream, origin": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1, alg="origin"),
    "fast_dllm": each("threshold", 0.5, 0.7, 0.9, 0.99),
    "fast_dllm, factor": each("factor", 2.0, 1.0, 0.5, 0.1, rule="factor"),
    "hierarchical": each("threshold", 0.5, 0.7, 0.9, 0.99),
    "hierarchical, remask": each("threshold", 0.5, 0.7, 0.9, 0.99, remask_threshold=0.4),
    "credit": each("threshold", 0.5, 0.7, 0.9, 0.99),
    "entropy_bound": each("gamma", 1.0, 0.3, 0.1, 0.01),
    "sdar": each("threshold", 0.5, 0.7, 0.9, 0.99),
    "dllm": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "klass": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "local_leap": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "token_editing": each("tau_mask", 0.5, 0.7, 0.9, 0.99),
    "predict_remask": each("iterations", 2, 4, 8, 16, rho=0.2),
    "remdm": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "p2": shares("steps", 1 / 8, 1 / 4, 1 / 2, 1),
    "ranked, margin": each("count", 8, 4, 2, 1, strategy="margin"),
}


@dataclass(frozen=True)
class Cell:
    """What one sampler did on one task in one setting. Means over the samples.

    right: share of right answers. forwards: passes. tokens: generated before the end. revised: positions opened
    again or edited. seconds: of the whole cell.
    """

    label: str
    setting: dict
    task: str
    right: float
    forwards: float
    tokens: float
    revised: float
    seconds: float


def settings_for(label: str, setting: dict, task: Task) -> dict:
    """The sampler's parameters for a task: shares become numbers, the temperature is the task's."""
    values = {name: max(1, round(value[1] * task.length)) if isinstance(value, tuple) else value
              for name, value in setting.items()}
    return {"temperature": task.temperature, **values}


def run(denoiser: Denoiser, task: Task, label: str, setting: dict, samples: int) -> Cell:
    """One cell: `samples` prompts of the task, each with a seed of its own, decoded in lockstep."""
    started = time.monotonic()
    rng = Random(f"evaluate/{task.name}")
    prompts = [task.make(rng)[0] for _ in range(samples)]
    sampler = label.partition(",")[0]
    values = settings_for(label, setting, task)
    befores = [denoiser.text.chat([{"role": "user", "content": prompt}]) for prompt in prompts]
    decoded = together(decode(denoiser, before, task.length, Settings(sampler, values, seed))
                       for seed, before in enumerate(befores))
    right = tokens = 0
    ends = denoiser.info.end_tokens
    for prompt, before, one in zip(prompts, befores, decoded, strict=True):
        made = one.tokens[len(before):]
        right += task.check(prompt, answer(made, denoiser.info, denoiser.text))
        tokens += next((at for at, token in enumerate(made) if token in ends), len(made))
    forwards = sum(one.forwards for one in decoded)
    revised = sum(len(proposal.reopens) + len(proposal.edits) for one in decoded for proposal in one.proposals)
    shown = {name: value for name, value in values.items() if name != "temperature"}
    return Cell(label, shown, task.name, right / samples, forwards / samples, tokens / samples,
                revised / samples, time.monotonic() - started)


_denoiser: Denoiser | None = None  # of this worker process


def _start() -> None:
    """Prepare a worker: one thread each, for much of the time goes into the samplers."""
    global _denoiser
    torch.set_num_threads(1)
    _denoiser = load(str(WEIGHTS))


def _cell(label: str, number: int, task: int, samples: int) -> Cell:
    return run(_denoiser, TASKS[task], label, SETTINGS[label][number], samples)


def measure(only: str, samples: int, processes: int) -> list[Cell]:
    """All cells of the samplers whose label starts with `only`, in the order of SETTINGS."""
    wanted = [(label, number, task) for label in SETTINGS if label.startswith(only)
              for number in range(len(SETTINGS[label])) for task in range(len(TASKS))]
    found: dict[tuple, Cell] = {}
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start)
    with pool, Progress() as bar:
        line = bar.add_task("measuring", total=len(wanted))
        # The ones with most steps first, so that no worker is left with one at the end.
        waiting = {pool.submit(_cell, *key, samples): key for key in sorted(wanted, key=lambda key: -key[1])}
        for number, done in enumerate(as_completed(waiting), 1):
            found[waiting[done]] = done.result()
            bar.advance(line)
            if not bar.console.is_terminal and number % 20 == 0:  # a log file gets lines instead of a bar
                print(f"{number} of {len(wanted)} cells", flush=True)
    return [found[key] for key in wanted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="samplers whose label starts so; prints, writes no files")
    chosen = parser.parse_args()
    known = {sampler.name for sampler in suitable(Full.offers)}
    missing = known - {label.partition(",")[0] for label in SETTINGS}
    if missing:
        raise SystemExit(f"no settings for {', '.join(sorted(missing))}: add them to SETTINGS")
    started = time.monotonic()
    cells = measure(chosen.only, chosen.samples, chosen.processes)
    Console().print(report.summary(cells), markup=False, soft_wrap=True)
    Console().print(f"{time.monotonic() - started:.0f} seconds")
    if not chosen.only:
        (HERE / "results").mkdir(exist_ok=True)
        record = {"samples": chosen.samples, "cells": [asdict(cell) for cell in cells]}
        (HERE / "results/samplers.json").write_text(json.dumps(record, indent=1) + "\n")
        report.plot(cells, DOCS / "images/samplers.svg")
        (DOCS / "samplers.md").write_text(report.page(cells, chosen.samples, load(str(WEIGHTS)).info))


if __name__ == "__main__":
    main()
