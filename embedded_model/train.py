"""Train a model that ships, from nothing: ``python -m embedded_model.train [--causal]``.

LLaDA's objective (arXiv:2502.09992): each response token is masked with
probability t, and the cross-entropy of the masked ones counts 1/t. Its causal twin
sees the same text and learns each next token. Muon
(https://kellerjordan.github.io/posts/muon) for the blocks' matrices, AdamW for
the rest. Interrupted, it goes on from its last checkpoint; from the same seed,
on the same machine with the same number of threads, it comes to the same weights.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .data import Batch, batches
from .network import Network, Shape
from .tokenizer import shared

SHIPPED = Shape()
SHIPPED_CAUSAL = Shape(causal=True)
CHECKPOINT = Path("out/embedded_model/checkpoint.pt")
CHECKPOINT_CAUSAL = Path("out/embedded_model/causal.pt")


@dataclass(frozen=True)
class Recipe:
    """What makes the weights; changing any of it makes other weights."""

    batch_tokens: int = 3072
    seed: int = 1
    muon_rate: float = 0.006
    muon_decay: float = 0.02
    adam_rate: float = 2e-3
    adam_betas: tuple[float, float] = (0.9, 0.98)
    # (step, factor) on both rates, linear between; the last step ends the training.
    rates: tuple[tuple[int, float], ...] = (
        (0, 1 / 480),
        (479, 1.0),
        (4_750, 1.0),
        (10_000, 12 / 19),
        (14_000, 12 / 19),
        (21_000, 0.0),
    )
    clip: float = 1.0
    smallest_t: float = 0.05  # 1/t is clamped there: small batches stay steady
    pace: float = 1.0  # batches that one counts for when the mixtures change

    @property
    def steps(self) -> int:
        return self.rates[-1][0]


# Every token of a response is learnt from in every sample, so fewer are needed. All but facts are learnt after
# 8,250 steps; a second rise of the rates, on a mixture of its own, did not bring looking them up.
CAUSAL = Recipe(
    rates=((0, 1 / 480), (479, 1.0), (2_500, 1.0), (8_250, 150 / 5_900), (8_600, 0.5), (11_000, 0.5), (13_000, 0.0)),
    pace=2.5,
)


def rate(recipe: Recipe, step: int) -> float:
    """The factor on both learning rates at a step."""
    steps, factors = zip(*recipe.rates)
    return float(np.interp(step, steps, factors))


def optimizers(network: Network, recipe: Recipe) -> list[torch.optim.Optimizer]:
    matrices = [p for p in network.blocks.parameters() if p.dim() == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in network.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=recipe.muon_decay),
        torch.optim.AdamW(others, lr=recipe.adam_rate, betas=recipe.adam_betas, weight_decay=0.0, fused=True),
    ]


def loss_of(forward, batch: Batch, smallest_t: float) -> torch.Tensor:
    """The weighted cross-entropy of the masked positions, for each open token."""
    wanted = batch.masked.flatten().nonzero().flatten()
    count = len(wanted)
    # Whole multiples of 256 rows, so the head meets few shapes; the surplus is cut off.
    padding = wanted.new_zeros(-count % 256)
    with torch.autocast("cpu", torch.bfloat16):
        logits = forward(batch.tokens, batch.real, torch.cat([wanted, padding]))[:count]
    each = F.cross_entropy(logits.float(), batch.targets.flatten()[wanted], reduction="none")
    weight = (batch.weight / batch.t.clamp(min=smallest_t)).flatten()[wanted]
    return (each * weight).sum() / batch.weight.sum()


def causal_loss_of(forward, batch: Batch) -> torch.Tensor:
    """The weighted cross-entropy of every response token, each predicted from what stands before it."""
    learnt = batch.weight > 0
    learnt[:, 0] = False  # nothing stands before it
    wanted = learnt.flatten().nonzero().flatten()
    padding = wanted.new_ones(-len(wanted) % 256)
    with torch.autocast("cpu", torch.bfloat16):
        logits = forward(batch.targets, None, torch.cat([wanted, padding]) - 1)[: len(wanted)]
    each = F.cross_entropy(logits.float(), batch.targets.flatten()[wanted], reduction="none")
    return (each * batch.weight.flatten()[wanted]).sum() / batch.weight.sum()


def save(path: Path, network: Network, used: list[torch.optim.Optimizer], step: int, recipe: Recipe) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "step": step,
        "recipe": asdict(recipe),
        "shape": asdict(network.shape),
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in used],
    }
    torch.save(state, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)  # a checkpoint is whole or absent


def restore(path: Path, network: Network, used: list[torch.optim.Optimizer], recipe: Recipe) -> int:
    """The step to go on from: 0 without a checkpoint."""
    if not path.exists():
        return 0
    state = torch.load(path)
    if state["recipe"] != asdict(recipe) or state["shape"] != asdict(network.shape):
        raise SystemExit(f"{path} was made with another recipe: move it away to start anew")
    network.load_state_dict(state["network"])
    for optimizer, saved in zip(used, state["optimizers"]):
        optimizer.load_state_dict(saved)
    return state["step"]


@contextmanager
def deterministic() -> Iterator[None]:
    """Sums always in one order: compiled code would add gradients of the embedding as threads come."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


@deterministic()
def train(
    recipe: Recipe,
    path: Path,
    shape: Shape = SHIPPED,
    compiled: bool = True,
    save_every: int = 250,
    stop: int | None = None,
) -> Network:
    """Train to the end of the recipe, or to the step `stop`; the checkpoint is at `path`."""
    torch.manual_seed(recipe.seed)
    network = Network(shape)
    used = optimizers(network, recipe)
    first = restore(path, network, used, recipe)
    last = recipe.steps if stop is None else stop
    peaks = (recipe.muon_rate, recipe.adam_rate)
    forward = torch.compile(network, dynamic=True) if compiled else network
    stream = batches(recipe.seed, shared(), recipe.batch_tokens, shape.context, skip=first, pace=recipe.pace)
    smooth, started = math.nan, time.monotonic()
    with progress() as bar:
        task = bar.add_task("training", total=recipe.steps, completed=first, loss="")
        for step in range(first, last):
            batch = next(stream)
            loss = causal_loss_of(forward, batch) if shape.causal else loss_of(forward, batch, recipe.smallest_t)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            for optimizer, peak in zip(used, peaks):
                for group in optimizer.param_groups:
                    group["lr"] = peak * rate(recipe, step)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            value = loss.item()
            smooth = value if math.isnan(smooth) else 0.98 * smooth + 0.02 * value
            bar.update(task, advance=1, loss=f"loss {smooth:.3f}")
            if (step + 1) % save_every == 0 or step + 1 == last:
                save(path, network, used, step + 1, recipe)
                if not bar.console.is_terminal:  # a log file gets lines instead of a bar
                    print(f"step {step + 1} loss {smooth:.3f} {time.monotonic() - started:.0f} s", flush=True)
    return network


def progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--causal", action="store_true", help="the twin that writes from left to right")
    parser.add_argument("--checkpoint", type=Path, help=f"default: {CHECKPOINT}, or {CHECKPOINT_CAUSAL}")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-compile", action="store_true", help="slower; needs no C++ compiler")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.set_flush_denormal(True)  # for the whole process, so not where a test trains
    compiled = not chosen.no_compile
    if chosen.causal:
        train(CAUSAL, chosen.checkpoint or CHECKPOINT_CAUSAL, SHIPPED_CAUSAL, compiled)
    else:
        train(Recipe(), chosen.checkpoint or CHECKPOINT, SHIPPED, compiled)


if __name__ == "__main__":
    main()
