"""Checkpoints small enough to make on the spot, in LLaDA's format and in that of the stock classes."""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

GOLDEN = Path(__file__).parent.parent / "goldens" / "llada_tiny"
DREAM_GOLDEN = GOLDEN.parent / "dream_tiny"
TEMPLATE = (
    "{% for m in messages %}{% if m['role'] not in ['user', 'assistant'] %}"
    "{% if m['role'] != 'system' %}{{ raise_exception('roles are user and assistant') }}{% endif %}{% else %}"
    "<|start_header_id|>{{ m['role'] }}<|end_header_id|>{{ m['content'] }}<|eot_id|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|mdm_mask|>"]


def llada_config(**changes):
    config = json.loads((GOLDEN / "config.json").read_text())
    config |= {"d_model": 32, "n_heads": 4, "n_kv_heads": 4, "mlp_hidden_size": 48, "vocab_size": 300}
    config |= {"embedding_size": 300, "mask_token_id": 299, "eos_token_id": 298, "pad_token_id": 298}
    return config | changes


def random_weights(config, seed=0):
    """A LLaDA's tensors, under the names it stores them by."""
    generator = torch.Generator().manual_seed(seed)
    width, mlp = config["d_model"], config["mlp_hidden_size"]
    keys = width // config["n_heads"] * config["n_kv_heads"]
    rows = config["embedding_size"] or config["vocab_size"]
    shapes = {"model.transformer.wte.weight": (rows, width), "model.transformer.ln_f.weight": (width,)}
    if not config["weight_tying"]:
        shapes["model.transformer.ff_out.weight"] = (rows, width)
    for i in range(config["n_layers"]):
        block = {
            "attn_norm": (width,),
            "ff_norm": (width,),
            "q_proj": (width, width),
            "k_proj": (keys, width),
            "v_proj": (keys, width),
            "attn_out": (width, width),
            "ff_proj": (mlp, width),
            "up_proj": (mlp, width),
            "ff_out": (width, mlp),
        }
        shapes |= {f"model.transformer.blocks.{i}.{name}.weight": shape for name, shape in block.items()}
    return {name: torch.randn(shape, generator=generator) * 0.3 for name, shape in shapes.items()}


def write_checkpoint(folder, *, weights=None, shards=1, **changes):
    """Writes a checkpoint, in as many files as asked; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = llada_config(**changes)
    (folder / "config.json").write_text(json.dumps(config))
    weights = weights if weights is not None else random_weights(config)
    if shards == 1:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return folder
    names = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
    mapping = {key: names[i % shards] for i, key in enumerate(sorted(weights))}
    for name in names:
        part = {key: weights[key] for key in weights if mapping[key] == name}
        save_file(part, folder / name, metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": mapping}))
    return folder


STOCK = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-6,
    "rope_theta": 5000.0,
    "tie_word_embeddings": False,
}


def write_stock_checkpoint(folder, model_class, seed=0, store_head=None, **fields):
    """Writes a checkpoint in a stock class's own names; returns its folder and the stock model, left to right.

    model_class: such as "Qwen2ForCausalLM". fields: of config.json; model_type among them.
    store_head: whether the file holds a head; as the class would write it where that is not said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = STOCK | fields
    (folder / "config.json").write_text(json.dumps(config))
    kind = getattr(transformers, model_class)
    own = {name: value for name, value in config.items() if name not in ("model_type", "rope_theta")}
    rope = {"rope_type": "default", "rope_theta": config["rope_theta"]}
    torch.manual_seed(seed)
    model = kind(kind.config_class(**own, rope_parameters=rope)).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    if not (store_head if store_head is not None else not config["tie_word_embeddings"]):
        del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder, model


CAUSAL = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "intermediate_size": 48, "max_position_embeddings": 128,
          "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}


def write_causal_checkpoint(folder, kind, written=None, **fields):
    """Writes a checkpoint as the library does; returns its folder and the model.

    kind: a model_type. fields: of its config, None for one of CAUSAL that it has not. written: what config.json says
    and the model was not made with.
    """
    config_class = transformers.CONFIG_MAPPING[kind]
    torch.manual_seed(0)
    fields = {name: value for name, value in (CAUSAL | fields).items() if value is not None}
    model = transformers.AutoModelForCausalLM.from_config(config_class(**fields)).eval()
    for weight in model.parameters():  # so large that rounding is far below what tokens differ by
        if weight.dim() > 1:
            weight.data.mul_(4)
    model.save_pretrained(folder)
    if written:
        config = json.loads((folder / "config.json").read_text()) | written
        (folder / "config.json").write_text(json.dumps(config))
    return folder, model


@torch.inference_mode()
def seen_both_ways(model, ids):
    """Logits [length, vocabulary] of a stock left-to-right model under a mask of ours that hides nothing."""
    mask = torch.zeros(1, 1, len(ids), len(ids))
    return model(input_ids=torch.tensor([ids]), attention_mask=mask, use_cache=False).logits[0]


def write_tokenizer(folder, template=TEMPLATE, mask_named=True, first=(), special=SPECIAL):
    """A byte-level tokenizer without merges: the tokens of `first`, 256 bytes, then the special tokens."""
    alphabet = [*first, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([*first, *(special if mask_named else special[:-1])])
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    if template:
        told["chat_template"] = template
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder
