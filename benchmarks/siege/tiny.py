"""Checkpoints of a few hundred kilobytes, made on the spot, and what is wrong with them.

Each is written into a folder of the service's own working directory and named relative to it, so that a path in an
answer is one that the service found out by itself.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

from benchmarks.siege.attack import Siege
from benchmarks.siege.processes import ROOT

transformers.utils.logging.disable_progress_bar()
EMBEDDED = ROOT / "embedded_model" / "weights"
SMALL = {"vocab_size": 768, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
         "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}


def place(siege: Siege, name: str) -> tuple[Path, str]:
    """A new folder for a checkpoint, and the name by which to load it."""
    folder = siege.new_folder(name)
    return folder, f"./{folder.name}"


def with_tokenizer(folder: Path, template: str | None = None, pattern: str | None = None) -> None:
    """The embedded model's tokenizer. template: another chat template. pattern: a regex that splits texts first."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(EMBEDDED / name, folder / name)
    if template is not None:
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": template}))
    if pattern is not None:
        path = folder / "tokenizer.json"
        rules = json.loads(path.read_text())
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        rules["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": list(
            filter(None, [split, rules.get("pre_tokenizer")]))}
        path.write_text(json.dumps(rules))


def llada(folder: Path, **changes) -> dict:
    """A masked diffusion model in LLaDA's format; its tensors."""
    config = json.loads((EMBEDDED / "config.json").read_text())
    config |= {"d_model": 32, "n_layers": 2, "n_heads": 4, "n_kv_heads": 4, "mlp_hidden_size": 48} | changes
    (folder / "config.json").write_text(json.dumps(config))
    width, mlp, rows, chance = config["d_model"], 48, config["embedding_size"], torch.Generator().manual_seed(0)
    block = {"attn_norm": (width,), "ff_norm": (width,), "q_proj": (width, width), "k_proj": (width, width),
             "v_proj": (width, width), "attn_out": (width, width), "ff_proj": (mlp, width), "up_proj": (mlp, width),
             "ff_out": (width, mlp)}
    stem = "model.transformer"
    shapes = {f"{stem}.wte.weight": (rows, width), f"{stem}.ln_f.weight": (width,),
              f"{stem}.ff_out.weight": (rows, width)}
    shapes |= {f"{stem}.blocks.{layer}.{name}.weight": shape for layer in range(2) for name, shape in block.items()}
    weights = {name: torch.randn(shape, generator=chance) * 0.1 for name, shape in shapes.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return weights


def large(folder: Path) -> None:
    """A model of 1.2 GB, all zeros, that takes no room on the disk."""
    llada(folder)
    path, rows = folder / "model.safetensors", 4_700_000
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, end = json.loads(data[8:8 + length]), 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["shape"][0] == 768:
            entry["shape"][0] = rows
        size = 4 * math.prod(entry["shape"])
        entry["data_offsets"], end = [end, end + size], end + size
    made = json.dumps(header).encode()
    path.write_bytes(len(made).to_bytes(8, "little") + made)
    os.truncate(path, 8 + len(made) + end)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"vocab_size": rows, "embedding_size": rows}))


def causal(folder: Path, config_class: str, change=lambda weights: None, told: dict | None = None, **fields) -> None:
    """A left-to-right model of a stock class. change: done to its tensors. told: put into config.json afterwards."""
    torch.manual_seed(0)
    config = getattr(transformers, config_class)(**{**SMALL, **fields})
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)
    model.save_pretrained(folder)
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})
    if told:
        config_path = folder / "config.json"
        config_path.write_text(json.dumps(json.loads(config_path.read_text()) | told))
    with_tokenizer(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):  # with a mask it would be one of diffusion
        file = folder / name
        file.write_text(file.read_text().replace("<|mdm_mask|>", "<|spare|>"))
