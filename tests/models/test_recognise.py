"""What a checkpoint is, told without its weights."""

import json
import math

import pytest
import torch
import transformers
from tiny_checkpoints import DREAM_GOLDEN, GOLDEN, write_checkpoint, write_tokenizer

from inference_service import errors
from inference_service.models.description import describe
from inference_service.models.loading import load
from inference_service.models.memory import bytes_needed
from inference_service.models.recognise import recognise

# Of the size that its card gives: 7.62 billion weights, 8 key heads, a tied head.
ILLADA_8B = {
    "model_type": "illada",
    "vocab_size": 155_136,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "rope_theta": 500_000.0,
    "tie_word_embeddings": True,
}


def write_hollow_8b(folder):
    """A checkpoint of iLLaDA's size: a header, then 15 GB that the file claims and the disk does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(ILLADA_8B))
    own = {key: value for key, value in ILLADA_8B.items() if key not in ("model_type", "rope_theta")}
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**own))
    end, entries = 0, {}
    for name, weight in model.named_parameters():
        start, end = end, end + 2 * math.prod(weight.shape)
        entries[name] = {"dtype": "BF16", "shape": list(weight.shape), "data_offsets": [start, end]}
    header = json.dumps(entries).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + end)
    return folder


def test_an_8b_model_from_its_header(tmp_path):
    known = recognise(write_hollow_8b(tmp_path), "hollow", {"mask": 5})
    facts = describe(known)
    assert round(facts["parameter_count"] / 1e9, 2) == 7.62
    assert (facts["stored_dtype"], facts["context_length"], facts["vocabulary_size"]) == ("bfloat16", 8192, 155_136)
    assert facts["token_ids"]["mask"] == {"id": 5, "found": "given"}
    for name, each in (("float32", 4), ("bfloat16", 2), ("float16", 2)):
        assert facts["memory_bytes"][name] == bytes_needed(facts["parameter_count"], each, 8192, 155_136)


@pytest.mark.parametrize("folder", [GOLDEN, DREAM_GOLDEN], ids=lambda folder: folder.name)
def test_it_tells_what_loading_finds(folder):
    facts, info = describe(recognise(folder, str(folder), {})), load(str(folder)).info
    for name in ("family", "parameter_count", "context_length", "vocabulary_size", "shifted", "default_sampler"):
        assert facts[name] == getattr(info, name)
    assert facts["attention"] == {"kind": info.attention.name, "summary": info.attention.summary}
    assert {role: told["id"] for role, told in facts["token_ids"].items()} == {
        role: getattr(info, f"{role}_token") for role in ("mask", "eos", "eot", "pad")
    }
    assert json.loads(json.dumps(facts)) == facts


def test_where_ids_were_found(tmp_path):
    folder = write_tokenizer(write_checkpoint(tmp_path))
    config = json.loads((folder / "config.json").read_text())
    del config["mask_token_id"], config["eos_token_id"], config["pad_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps({"pad_token_id": 256}))
    facts = describe(recognise(folder, "x", {"eot": 7}))
    assert facts["token_ids"] == {
        "mask": {"id": 260, "found": "the tokenizer's <|mdm_mask|>"},
        "eos": {"id": 256, "found": "the tokenizer's eos_token"},
        "eot": {"id": 7, "found": "given"},
        "pad": {"id": 256, "found": "generation_config.json"},
    }
    assert facts["has_tokenizer"] and facts["has_chat_template"]


def test_experts_are_no_llada_of_ours(tmp_path):
    with pytest.raises(errors.FailedPrecondition, match="num_experts"):
        recognise(write_checkpoint(tmp_path, num_experts=64), "x", {})
