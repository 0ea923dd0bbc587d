"""A kind of attention is one file: whoever adds one, and names it for a family, has it in the API and on the command
line, with the cache of its keys and values."""

import shutil
import subprocess
import sys
from pathlib import Path

import torch

from tests.models.tiny_checkpoints import write_stock_checkpoint

ROOT = Path(__file__).parents[2]
PROMPT, LENGTH, SEED = [5, 17, 203, 8, 44, 9], 12, 18
KIND = '''
"""A stranger's: the prompt sees all of itself, what follows is written from left to right (T5's prefix LM)."""

from dataclasses import dataclass

import torch

from inference_service.models.attention.kind import Attention
from inference_service.sampling.sampler import Need


@dataclass(frozen=True)
class PrefixLM(Attention):
    name = "prefix_lm"
    offers = frozenset({Need.END})
    append_only = True

    @property
    def summary(self):
        return "the prompt sees all of itself, the rest what stands before it"

    def reach(self, position, size, start):
        return min(size, max(position + 1, start))

    def settled(self, count, start):
        return count if count >= start else 0

    def row(self, position, shifted):
        return position - 1

    def mask(self, sizes, starts, device):
        places = torch.arange(max(sizes), device=device)
        reach = torch.stack([torch.clamp(places + 1, min=start) for start in starts])
        return (places < reach[..., None])[:, None]
'''
FAMILY = '''
from inference_service.models.attention import KINDS
from inference_service.models.family import Family
from inference_service.models.stock_config import stock_config

FAMILY = Family(
    name="prefix-qwen2", model_types=("prefix-qwen2",), model_class="Qwen2ForCausalLM",
    settings=lambda config: stock_config(config, "Qwen2"), attention=KINDS["prefix_lm"](),
    default_sampler="autoregressive")
'''
PROGRAM = """
import sys
import unmask
from inference_service.config import Config
from inference_service.local import running
from unmask.cli import app
from typer.testing import CliRunner

folder, length, *prompt = sys.argv[1], *map(int, sys.argv[2:])
with running(Config(host="127.0.0.1", port=0, store=":memory:", model=folder, threads=1)) as server:
    server.library.load("")
    with unmask.connect(server.address) as client:
        model = client.model(folder)
        print(model.attention.name, model.cache_note or "trusted", *(cache.name for cache in model.caches))
        for cache in ("none", "causal"):
            session = client.create(prompt, length=length, model=folder, cache=cache, temperature=0.0)
            list(session.step())
            assert session.verify() == []
            print(*session.get().canvas.tokens)
    print(CliRunner().invoke(app, ["models", "inspect", folder]).stdout)
"""


def test_one_file_is_enough(tmp_path):
    """In a copy of the tree. What it writes is what the stock class writes under such a mask."""
    clone = tmp_path / "clone"
    for package in ("inference_service", "unmask"):
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "inference_service/models/attention/prefix_lm.py").write_text(KIND)
    (clone / "inference_service/models/families/prefix_qwen2.py").write_text(FAMILY)
    folder, model = write_stock_checkpoint(tmp_path / "model", "Qwen2ForCausalLM", model_type="prefix-qwen2", seed=SEED)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder), str(LENGTH), *map(str, PROMPT)],
                          cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    about, plain, kept, told = done.stdout.split("\n", 3)
    assert about == "prefix_lm trusted causal none"
    assert plain.split() == kept.split() == [str(token) for token in written(model, sees_all=len(PROMPT))]
    assert written(model, sees_all=len(PROMPT)) != written(model, sees_all=0)
    assert "the prompt sees all of itself" in told


@torch.inference_mode()
def written(model, sees_all):
    """The likeliest tokens by the stock class, where the first so many positions see each other."""
    tokens = list(PROMPT)
    for _ in range(LENGTH):
        places = torch.arange(len(tokens))
        hidden = places >= torch.clamp(places + 1, min=sees_all)[:, None]
        mask = torch.zeros(hidden.shape).masked_fill(hidden, -torch.inf)[None, None]
        tokens.append(int(model(input_ids=torch.tensor([tokens]), attention_mask=mask).logits[0, -1].argmax()))
    return tokens
