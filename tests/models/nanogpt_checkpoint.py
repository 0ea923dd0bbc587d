"""Checkpoints of the nanoGPT line as its train_run.py writes them, and what its model computes, in a few lines."""

import math
import pickle
from enum import Enum

import torch
from torch.nn import functional

TEXT = "To be, or not to be:\nthat is the question!  $&3"
CHARACTERS = sorted(set(TEXT))
ARGUMENTS = {"n_layer": 2, "n_head": 3, "n_embd": 24, "block_size": 32, "bias": False,
             "vocab_size": len(CHARACTERS) + 15, "dropout": 0.2, "attention_type": "bidirectional", "use_rope": True}


class ModelMode(Enum):
    """Pickled by its name in their module, `model`."""

    LANGUAGE_MODEL = "language_model"
    TOKEN_CLASSIFIER = "token_classifier"


def tensors(arguments, prefix="", seed=0):
    """A state dict; the head is the embeddings."""
    generator = torch.Generator().manual_seed(seed)
    width, made = arguments["n_embd"], {}

    def make(name, *shape, around=0.0):
        made[prefix + name + ".weight"] = around + 0.4 * torch.randn(shape, generator=generator)
        if arguments["bias"] and not name.endswith(("wte", "wpe")):
            made[prefix + name + ".bias"] = 0.4 * torch.randn(shape[0], generator=generator)

    make("transformer.wte", arguments["vocab_size"], width)
    if not arguments.get("use_rope", True):
        make("transformer.wpe", arguments["block_size"], width)
    for layer in range(arguments["n_layer"]):
        block = f"transformer.h.{layer}."
        make(block + "ln_1", width, around=1.0)
        make(block + "attn.c_attn", 3 * width, width)
        make(block + "attn.c_proj", width, width)
        make(block + "ln_2", width, around=1.0)
        make(block + "mlp.c_fc", 4 * width, width)
        make(block + "mlp.c_proj", width, 4 * width)
    make("transformer.ln_f", width, around=1.0)
    made[prefix + "lm_head.weight"] = made[prefix + "transformer.wte.weight"]
    return made


def logits(weights, arguments, ids):
    """What their model says of all positions: [length, rows]."""
    width, heads, length = arguments["n_embd"], arguments["n_head"], len(ids)

    def norm(x, name):
        return functional.layer_norm(x, (width,), weights[name + ".weight"], weights.get(name + ".bias"), 1e-5)

    def linear(x, name):
        return functional.linear(x, weights[name + ".weight"], weights.get(name + ".bias"))

    x = weights["transformer.wte.weight"][ids]
    rotary = arguments.get("use_rope", True)
    if not rotary:
        x = x + weights["transformer.wpe.weight"][:length]
    for layer in range(arguments["n_layer"]):
        name = f"transformer.h.{layer}."
        q, k, v = (part.view(length, heads, -1).transpose(0, 1)
                   for part in linear(norm(x, name + "ln_1"), name + "attn.c_attn").split(width, dim=-1))
        if rotary:
            q, k = turned(q), turned(k)
        attended = (q @ k.transpose(1, 2) / math.sqrt(width // heads)).softmax(-1) @ v
        x = x + linear(attended.transpose(0, 1).reshape(length, width), name + "attn.c_proj")
        x = x + linear(functional.gelu(linear(norm(x, name + "ln_2"), name + "mlp.c_fc")), name + "mlp.c_proj")
    return norm(x, "transformer.ln_f") @ weights["lm_head.weight"].T


def turned(x):
    """Rotary positions: pairs (i, i + half) turned by position / 10000^(i / half)."""
    length, half = x.shape[1], x.shape[2] // 2
    angles = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(half) / half)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], -1)


def write(folder, model=None, arguments=ARGUMENTS, meta=None, **more):
    """Writes ckpt.pt and meta.pkl; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    model = tensors(arguments) if model is None else model
    step = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))])
    torch.save({"model": model, "optimizer": step.state_dict(), "model_args": arguments, "iter_num": 8000,
                "best_val_loss": torch.tensor(1.25), "config": {"dataset": "shakespeare_char", "dropout": 0.2},
                "training_context": {"current_stage": 3, "entropy_multiplier_ema": 1.0}, **more}, folder / "ckpt.pt")
    if meta is None:
        meta = {"vocab_size": len(CHARACTERS), "itos": dict(enumerate(CHARACTERS)),
                "stoi": {piece: id for id, piece in enumerate(CHARACTERS)}}
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta))
    return folder / "ckpt.pt", folder / "meta.pkl"
