"""Write the checkpoint folder that ships, in LLaDA's own format.

``python -m embedded_model.export`` turns a training checkpoint into config.json,
model.safetensors (bf16) and the tokenizer, with the tensor names of
GSAI-ML/LLaDA-8B, so the model goes through the same loader as the 8B. There is
no auto_map: nothing here asks for remote code.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from .network import Shape
from .tokenizer import EOS, MASK, save, shared
from .train import CHECKPOINT

WEIGHTS = Path(__file__).parent / "weights"


def config(shape: Shape, mask_id: int, eos_id: int) -> dict:
    """The fields of LLaDA's configuration, as its public checkpoints have them."""
    return {
        "model_type": "llada",
        "architectures": ["LLaDAModelLM"],
        "d_model": shape.width,
        "n_layers": shape.layers,
        "n_heads": shape.heads,
        "n_kv_heads": shape.heads,
        "mlp_hidden_size": shape.mlp,
        "mlp_ratio": 4,
        "vocab_size": shape.vocab,
        "embedding_size": shape.vocab,
        "max_sequence_length": shape.context,
        "rope": True,
        "rope_theta": shape.rope_theta,
        "rope_full_precision": True,
        "alibi": False,
        "block_type": "llama",
        "block_group_size": 1,
        "activation_type": "silu",
        "layer_norm_type": "rms",
        "layer_norm_with_affine": True,
        "rms_norm_eps": shape.norm_eps,
        "include_bias": False,
        "include_qkv_bias": False,
        "bias_for_layer_norm": False,
        "weight_tying": False,
        "attention_dropout": 0.0,
        "residual_dropout": 0.0,
        "embedding_dropout": 0.0,
        "attention_layer_norm": False,
        "multi_query_attention": None,
        "scale_logits": False,
        "input_emb_norm": False,
        "flash_attention": False,
        "init_fn": "mitchell",
        "init_std": 0.02,
        "eos_token_id": eos_id,
        "pad_token_id": eos_id,
        "mask_token_id": mask_id,
        "use_cache": False,
        "torch_dtype": "bfloat16",
    }


def export(checkpoint: Path, folder: Path) -> None:
    state = torch.load(checkpoint)
    shape = Shape(**state["shape"])
    tokenizer = shared()
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"model.transformer.{name}": tensor.to(torch.bfloat16).contiguous()
        for name, tensor in state["network"].items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    settings = config(shape, tokenizer.token_to_id(MASK), tokenizer.token_to_id(EOS))
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    save(tokenizer, folder, shape.context)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--folder", type=Path, default=WEIGHTS)
    chosen = parser.parse_args()
    export(chosen.checkpoint, chosen.folder)
    print(f"wrote {chosen.folder}")


if __name__ == "__main__":
    main()
