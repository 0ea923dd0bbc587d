"""Write the checkpoint folders that ship.

``python -m embedded_model.export`` turns a training checkpoint into config.json,
model.safetensors (bf16) and the tokenizer, with the tensor names of
GSAI-ML/LLaDA-8B, so the model goes through the same loader as the 8B; with
``--causal`` the twin becomes a plain Llama. There is no auto_map: nothing here asks
for remote code.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from .network import Shape
from .tokenizer import BOS, EOS, EOT, MASK, save, shared
from .train import CHECKPOINT, CHECKPOINT_CAUSAL

WEIGHTS = Path(__file__).parent / "weights"
CAUSAL_WEIGHTS = Path(__file__).parent / "causal_weights"

# The names that the parts of a block have in a plain Llama; the twin's network has LLaDA's.
LLAMA = {
    "wte": "model.embed_tokens",
    "ln_f": "model.norm",
    "ff_out": "lm_head",
    "attn_norm": "input_layernorm",
    "ff_norm": "post_attention_layernorm",
    "q_proj": "self_attn.q_proj",
    "k_proj": "self_attn.k_proj",
    "v_proj": "self_attn.v_proj",
    "attn_out": "self_attn.o_proj",
    "ff_proj": "mlp.gate_proj",
    "up_proj": "mlp.up_proj",
}


def llama_name(name: str) -> str:
    """A tensor's name in the network as a plain Llama calls it."""
    *block, part, kind = name.split(".")
    if not block:
        return f"{LLAMA[part]}.{kind}"
    inside = "mlp.down_proj" if part == "ff_out" else LLAMA[part]
    return f"model.layers.{block[-1]}.{inside}.{kind}"


def llama_config(shape: Shape, ids: dict[str, int]) -> dict:
    """A plain Llama's configuration; ids: by token name."""
    return {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "intermediate_size": shape.mlp,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": shape.context,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "rms_norm_eps": shape.norm_eps,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "bos_token_id": ids[BOS],
        "eos_token_id": ids[EOS],
        "pad_token_id": ids[EOS],
        "eot_token_id": ids[EOT],
        "dtype": "bfloat16",
    }


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
    named = llama_name if shape.causal else "model.transformer.{}".format
    tensors = {named(name): tensor.to(torch.bfloat16).contiguous() for name, tensor in state["network"].items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    ids = {name: tokenizer.token_to_id(name) for name in (BOS, EOS, EOT, MASK)}
    settings = llama_config(shape, ids) if shape.causal else config(shape, ids[MASK], ids[EOS])
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    save(tokenizer, folder, shape.context)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--causal", action="store_true", help="the twin that writes from left to right")
    parser.add_argument("--checkpoint", type=Path, help="default: where train leaves it")
    parser.add_argument("--folder", type=Path, help=f"default: {WEIGHTS.name}/ or {CAUSAL_WEIGHTS.name}/ here")
    chosen = parser.parse_args()
    folder = chosen.folder or (CAUSAL_WEIGHTS if chosen.causal else WEIGHTS)
    export(chosen.checkpoint or (CHECKPOINT_CAUSAL if chosen.causal else CHECKPOINT), folder)
    print(f"wrote {folder}")


if __name__ == "__main__":
    main()
