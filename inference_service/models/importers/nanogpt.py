"""A checkpoint of the nanoGPT line as a folder of the family `nanogpt`.

What is read, after train_run.py, model.py and data/shakespeare_char of JinxCodesAI/nano_gpt (the branches of its
visualizer, the_mess and diffusion_21_08):

    ckpt.pt   {"model": tensors, perhaps each with "_orig_mod." before its name, "model_args": {...}, ...}
    meta.pkl  {"vocab_size": n, "itos": {0: "\\n", ...}, "stoi": {"\\n": 0, ...}, ...}

The characters have the ids below n, the mask has n, and the embeddings have 1 to 15 rows from there on.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from inference_service.errors import DataLoss, FailedPrecondition
from inference_service.models.checkpoint import listed
from inference_service.models.importers.plain_pickle import plain, weights

MASK = "<|mask|>"
MODE = "model.ModelMode"  # an enumeration of theirs, pickled by name with its value
_COMPILED = "_orig_mod."
_COUNTS = ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")
# model_args that have to have one of these values where they are there.
_ALLOWED = {
    "attention_type": ("bidirectional",),
    "mode": ("language_model", "1"),  # its number where the enumeration counts
    "binary_classification": (False,),
    "use_rope": (True, False),
    "bias": (True, False),
}


def import_nanogpt(checkpoint: Path, meta: Path, out: Path) -> dict[str, Any]:
    """Writes config.json, model.safetensors, tokenizer.json and tokenizer_config.json; returns the config.

    out: a folder that is made, or is empty.
    Raises NotFound, DataLoss and FailedPrecondition, each naming what is wrong; nothing is written then.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FailedPrecondition(f"{out.name} exists and is not an empty folder; name another", reason="OUT_EXISTS")
    stored = weights(checkpoint, checkpoint.name, (MODE,))
    arguments, tensors = _parts(stored, checkpoint.name)
    characters = _characters(plain(meta, meta.name), meta.name)
    config = _config(arguments, tensors, len(characters), checkpoint.name)
    converted = _converted(tensors, config, checkpoint.name)
    out.mkdir(parents=True, exist_ok=True)
    save_file(converted, out / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(out, characters)
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return config


# ---- what was stored ----

def _parts(stored: Any, called: str) -> tuple[Mapping[str, Any], dict[str, torch.Tensor]]:
    """model_args and the tensors, under the names that the model had before it was compiled."""
    for key in ("model", "model_args"):
        if not isinstance(stored, dict) or not isinstance(stored.get(key), dict):
            raise DataLoss(f"{called} is no checkpoint of nanoGPT: it has no {key}", reason="NOT_A_CHECKPOINT")
    tensors = {name.removeprefix(_COMPILED): tensor for name, tensor in stored["model"].items()}
    strange = [name for name, tensor in tensors.items() if not isinstance(tensor, torch.Tensor)]
    if strange:
        raise DataLoss(f"{called} holds under model what is no tensor: {listed(strange)}")
    return stored["model_args"], tensors


def _characters(meta: Any, called: str) -> list[str]:
    """The characters in the order of their ids."""
    itos = meta.get("itos") if isinstance(meta, dict) else None
    if not isinstance(itos, dict) or not itos:
        raise DataLoss(f"{called} has no itos, the characters by their ids")
    if sorted(itos, key=str) != sorted(range(len(itos)), key=str):
        raise DataLoss(f"{called} must give the characters ids from 0 without a gap in itos")
    characters = [itos[id] for id in range(len(itos))]
    longer = [piece for piece in characters if not isinstance(piece, str) or len(piece) != 1]
    if longer:
        raise FailedPrecondition(f"{called} must have a single character for each id in itos; has {longer[0]!r}",
                                 reason="UNSUPPORTED_CHECKPOINT")
    if meta.get("stoi", {piece: id for id, piece in itos.items()}) != {piece: id for id, piece in itos.items()}:
        raise DataLoss(f"{called} has an stoi that does not turn its itos around")
    if meta.get("vocab_size", len(characters)) != len(characters):
        raise DataLoss(f"{called} has vocab_size = {meta['vocab_size']!r} and {len(characters)} characters in itos")
    special = meta.get("special_tokens")
    mask = special.get("mask_token_id", len(characters)) if isinstance(special, dict) else len(characters)
    if mask != len(characters):
        raise FailedPrecondition(f"{called} has the mask at {mask!r}; it must be behind the characters, at"
                                 f" {len(characters)}", reason="UNSUPPORTED_CHECKPOINT")
    return characters


def _config(arguments: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], characters: int, called: str,
            ) -> dict[str, Any]:
    for field in _COUNTS:
        if type(arguments.get(field)) is not int or arguments[field] < 1:
            raise DataLoss(f"{called}: model_args.{field} must be a whole number of at least 1, is"
                           f" {arguments.get(field)!r}")
    told = {"attention_type": "causal", **arguments}  # as their visualizer takes it where it is not said
    for field, values in _ALLOWED.items():
        if field in told and told[field] not in values:
            raise FailedPrecondition(
                f"{called}: model_args.{field} must be {' or '.join(map(repr, values))}, is {told[field]!r}",
                reason="UNSUPPORTED_CHECKPOINT", metadata={"field": f"model_args.{field}"})
    if told["n_embd"] % told["n_head"]:
        raise DataLoss(f"{called}: model_args.n_embd must be a multiple of n_head, {told['n_head']}; is"
                       f" {told['n_embd']}")
    rows = told["vocab_size"]
    if rows <= characters:
        raise FailedPrecondition(f"{called}: model_args.vocab_size must be above {characters}, as many characters as"
                                 f" there are, to have the mask; is {rows}", reason="UNSUPPORTED_CHECKPOINT")
    learned = "transformer.wpe.weight" in tensors
    if told.get("use_rope", not learned) is learned:
        raise DataLoss(f"{called}: model_args.use_rope is {told['use_rope']}, and the weights have"
                       f" {'' if learned else 'no '}learned positions")
    return {
        "model_type": "nanogpt", "vocab_size": characters, "embedding_size": rows, "mask_token_id": characters,
        **{field: told[field] for field in ("n_layer", "n_head", "n_embd", "block_size")},
        "attention_type": "bidirectional", "use_rope": not learned,
    }


# ---- as the stock classes have it ----

_NEOX = {"ln_1": "input_layernorm", "attn.c_attn": "attention.query_key_value", "attn.c_proj": "attention.dense",
         "ln_2": "post_attention_layernorm", "mlp.c_fc": "mlp.dense_h_to_4h", "mlp.c_proj": "mlp.dense_4h_to_h"}


def _converted(tensors: Mapping[str, torch.Tensor], config: Mapping[str, Any], called: str) -> dict[str, torch.Tensor]:
    """The tensors by the stock class's names and in its shapes; a bias that is not there is zero."""
    left = dict(tensors)
    width, rows = config["n_embd"], config["embedding_size"]

    def take(name: str, *shape: int) -> torch.Tensor:
        tensor = left.pop(name, None)
        if tensor is None:
            raise DataLoss(f"{called} lacks the weights {name}", reason="MISSING_TENSORS")
        if tuple(tensor.shape) != shape:
            raise DataLoss(f"{called}: {name} is {list(tensor.shape)}, model_args make it {list(shape)}",
                           reason="SHAPE_MISMATCH")
        return tensor

    def bias(name: str, size: int, like: torch.Tensor) -> torch.Tensor:
        return take(name, size) if name in left else torch.zeros(size, dtype=like.dtype)

    embeddings = take("transformer.wte.weight", rows, width)
    head = take("lm_head.weight", rows, width)
    if not torch.equal(embeddings, head):
        raise FailedPrecondition(f"{called}: lm_head.weight must be transformer.wte.weight, to which it is tied",
                                 reason="UNSUPPORTED_CHECKPOINT")
    rotary = config["use_rope"]
    made = {"gpt_neox.embed_in.weight" if rotary else "transformer.wte.weight": embeddings}
    if not rotary:
        made["transformer.wpe.weight"] = take("transformer.wpe.weight", config["block_size"], width)
    shapes = {"ln_1": (width,), "attn.c_attn": (3 * width, width), "attn.c_proj": (width, width), "ln_2": (width,),
              "mlp.c_fc": (4 * width, width), "mlp.c_proj": (width, 4 * width)}
    for layer in range(config["n_layer"]):
        for part, shape in shapes.items():
            name = f"transformer.h.{layer}.{part}"
            weight = take(f"{name}.weight", *shape)
            shift = bias(f"{name}.bias", shape[0], weight)
            if rotary:
                name = f"gpt_neox.layers.{layer}.{_NEOX[part]}"
                if part == "attn.c_attn":
                    weight, shift = (_by_head(one, config["n_head"]) for one in (weight, shift))
            elif weight.dim() == 2:
                weight = weight.T  # GPT-2 has it the other way round
            made |= {f"{name}.weight": weight, f"{name}.bias": shift}
    last = "gpt_neox.final_layer_norm" if rotary else "transformer.ln_f"
    weight = take("transformer.ln_f.weight", width)
    made |= {f"{last}.weight": weight, f"{last}.bias": bias("transformer.ln_f.bias", width, weight)}
    if left:
        raise FailedPrecondition(f"{called} holds weights that a masked model of nanoGPT has not:"
                                 f" {listed(sorted(left))}", reason="UNSUPPORTED_CHECKPOINT")
    return {name: tensor.clone().contiguous() for name, tensor in made.items()}


def _by_head(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows in the order query, key, value as rows in the order of heads, with the three of each together."""
    size = tensor.shape[0] // 3 // heads
    return tensor.reshape(3, heads, size, -1).transpose(0, 1).reshape(tensor.shape)


def _write_tokenizer(out: Path, characters: list[str]) -> None:
    """One token for each character, the mask behind them; a character that is not there is refused, not dropped."""
    vocabulary = {piece: id for id, piece in enumerate([*characters, MASK])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=""))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([MASK])
    tokenizer.save(str(out / "tokenizer.json"))
    (out / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": MASK, "clean_up_tokenization_spaces": False}))
