"""What `benchmarks.samplers` found, as a page with its plot."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import mean

from inference_service.models.attention import Full
from inference_service.models.denoiser import ModelInfo
from inference_service.sampling.registry import suitable


def grouped(cells: Iterable) -> dict[tuple[str, int], list]:
    """Cells by sampler and number of its setting; the tasks of one setting together."""
    found: dict[tuple[str, int], list] = {}
    seen: dict[tuple[str, str], int] = {}
    for cell in cells:
        number = seen[cell.label, cell.task] = seen.get((cell.label, cell.task), -1) + 1
        found.setdefault((cell.label, number), []).append(cell)
    return found


def told(cells: list) -> str:
    """A setting in words; a number of steps that follows the task's length is a share of it."""
    first, names = cells[0].setting, []
    for name, value in first.items():
        values = sorted({cell.setting[name] for cell in cells}, key=str)
        shown = f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
        names.append(f"{name} {shown}" if len(values) == 1 else f"{name} {min(values)} to {max(values)}")
    return ", ".join(names)


def summary(cells: list) -> str:
    """One line for each sampler and setting, means over the tasks."""
    lines = ["| sampler | setting | right | forward passes | tokens a pass |", "| --- | --- | --- | --- | --- |"]
    for (label, _), group in grouped(cells).items():
        right, forwards = mean(cell.right for cell in group), mean(cell.forwards for cell in group)
        tokens = mean(cell.tokens for cell in group)
        lines.append(f"| {label} | {told(group)} | {right:.2f} | {forwards:.1f} | {tokens / forwards:.1f} |")
    return "\n".join(lines) + "\n"


def by_task(cells: list) -> str:
    """One line for each sampler and setting, a column for each task: right, and at how many passes."""
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    lines = ["| sampler | setting | " + " | ".join(tasks) + " |", "| --- | --- |" + " --- |" * len(tasks)]
    best = {task: max(cell.right for cell in cells if cell.task == task) for task in tasks}
    for (label, _), group in grouped(cells).items():
        columns = []
        for cell in group:
            right = f"**{cell.right:.2f}**" if cell.right == best[cell.task] else f"{cell.right:.2f}"
            columns.append(f"{right} at {cell.forwards:.1f}")
        lines.append(f"| {label} | {told(group)} | " + " | ".join(columns) + " |")
    return "\n".join(lines) + "\n"


def page(cells: list, samples: int, info: ModelInfo) -> str:
    """docs/samplers.md."""
    tasks = list(dict.fromkeys(cell.task for cell in cells))
    sources = "\n".join(f"| `{sampler.name}` | {sampler.summary} | {sampler.source} |"
                        for sampler in sorted(suitable(Full.offers), key=lambda sampler: sampler.name))
    error = 0.5 / (samples * len(tasks)) ** 0.5
    return f"""# Samplers, compared

<!-- Written by `make bench-samplers`; change benchmarks/report.py instead. -->

Every sampler of Unmask on the tasks of the embedded model whose answers depend on how it is decoded:
{"; ".join(tasks)}. {samples} samples a cell, each with a seed of its own.

**Read this with the model's size in mind.** It has {info.parameter_count / 1e6:.2f} million parameters and knows a
small world of short answers (16 to 64 tokens). What it shows is how the rules work: that orders differ, that more
passes help up to a point, that mistakes can be mended. How much a rule saves on an 8B model and real text it does not
show. A mean over the tasks has a standard error of up to {error:.3f}.

![Share of right answers against forward passes, one line a sampler](images/samplers.svg)

*right*: share of answers that the task's own checker accepts. *forward passes*: those computed, counted by the engine,
mean over samples and tasks. *tokens a pass*: generated tokens before the end of the answer, for each forward pass; what
is filled up behind the end counts nothing.

{summary(cells)}
## Each task

Right answers, and the forward passes they took. Bold: the best of a task.

{by_task(cells)}
## What they are

`unmask samplers NAME` lists a sampler's parameters.

| sampler | rule | source |
| --- | --- | --- |
{sources}
"""


def plot(cells: list, path: Path) -> None:
    """Accuracy against forward passes, means over the tasks, one line a sampler; one panel a kind of rule."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "unmask"  # the same picture from the same numbers
    from matplotlib import pyplot

    curves: dict[str, list[tuple[float, float]]] = {}
    for (label, _), group in grouped(cells).items():
        curves.setdefault(label, []).append((mean(cell.forwards for cell in group), mean(cell.right for cell in group)))
    revising = [label for label in curves if any(cell.revised for cell in cells if cell.label == label)]
    kinds = {
        "a number of steps": [label for label in curves if label not in revising
                              and _names(cells, label) & {"steps", "count"}],
        "as many as are sure": [label for label in curves if label not in revising
                                and not _names(cells, label) & {"steps", "count"}],
        "revising": revising,
    }
    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4.6), sharey=True, sharex=True)
    markers = "osD^vP*X<>"
    for axis, (title, labels) in zip(axes, kinds.items(), strict=True):
        for label, points in curves.items():
            if label not in labels:
                axis.plot(*zip(*sorted(points)), color="#d7dae0", linewidth=1, zorder=1)
        for number, label in enumerate(labels):
            points = sorted(curves[label])
            axis.plot(*zip(*points), marker=markers[number % len(markers)], label=label, linewidth=1.8, markersize=5)
        axis.set_title(title, fontsize=11)
        axis.set_xscale("log", base=2)
        axis.set_xlabel("forward passes")
        axis.grid(color="#eceef2", zorder=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=8, frameon=False, loc="lower right")
        axis.xaxis.set_major_formatter("{x:g}")
    axes[0].set_ylabel("share of right answers")
    axes[0].set_ylim(0, 1)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _names(cells: list, label: str) -> set[str]:
    return {name for cell in cells if cell.label == label for name in cell.setting}
