"""Folders that are whole and that this server does not load: each is told what it is, and what to do instead."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import write_causal_checkpoint, write_checkpoint

from inference_service.errors import DataLoss, FailedPrecondition, NotFound, ServiceError
from inference_service.models.loading import load
from inference_service.models.recognise import recognise
from tests.rounding import assert_same_logits

TOKENS = [5, 17, 33, 2, 71, 8]


def refused(folder, called="mine"):
    """How it is refused before a weight is read, as `unmask models inspect` and a load have it."""
    with pytest.raises(ServiceError) as caught:
        recognise(folder, called, {})
    assert str(folder) not in caught.value.message
    return caught.value


def told(folder, **config):
    """The folder with other fields in its config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return folder


@pytest.fixture
def llama(tmp_path):
    return write_causal_checkpoint(tmp_path / "llama", "llama", tie_word_embeddings=False)[0]


def test_an_architecture_of_its_makers_own_is_named_and_not_the_model_type(llama):
    error = refused(told(llama, architectures=["StableDiffcoderForCausalLM"]))
    assert error.reason == "UNKNOWN_FAMILY"
    assert "the architecture StableDiffcoderForCausalLM" in error.message and "makers' own code" in error.message
    assert "it knows LlamaForCausalLM" in error.message
    assert "model_type 'llama' is not one" not in error.message


def test_a_body_without_a_head_is_called_one(llama):
    error = refused(told(llama, architectures=["LlamaModel"]))
    assert "the architecture LlamaModel" in error.message and "a body without a head" in error.message


@pytest.mark.parametrize("kind", ["mpt", "dbrx"])
def test_parts_of_one_model_are_not_several_models(tmp_path, kind):
    none = dict.fromkeys(("num_key_value_heads", "intermediate_size", "max_position_embeddings", "hidden_size",
                          "num_attention_heads", "num_hidden_layers"))
    sizes = {"d_model": 32, "n_heads": 4, "n_layers": 2}
    own = {"mpt": {**none, **sizes, "attn_config": {"attn_type": "multihead_attention"}},
           "dbrx": {**none, **sizes, "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 1e4},
                    "ffn_config": {"ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 2}}}[kind]
    folder, stock = write_causal_checkpoint(tmp_path / kind, kind, max_seq_len=64, **own)
    denoiser = load(str(folder))
    assert denoiser.info.context_length == 64
    with torch.inference_mode():
        expected = stock(input_ids=torch.tensor([TOKENS])).logits[0]
    rows, = denoiser.logits([[*TOKENS, 0]], [[3, 6]])
    assert_same_logits(rows, expected[[2, 5]])


@pytest.mark.parametrize(("kind", "config"), [("gemma3", {}), ("llama4", {}), ("qwen3_5", {})])
def test_several_models_are(kind, config):
    from inference_service.models.families.causal import settings

    with pytest.raises(FailedPrecondition, match="made of several models"):
        settings({"model_type": kind, "architectures": [], **config})


@pytest.mark.parametrize(("config", "words"), [
    ({"quantization": {"group_size": 64, "bits": 4}}, "by MLX, to 4 bits"),
    ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "by gptq, to 4 bits"),
    ({"quantization_config": {"quant_method": "awq", "bits": 4, "version": "gemm"}}, "by awq, to 4 bits"),
    ({"quantization_config": {"load_in_4bit": True}}, "by bitsandbytes, to 4 bits"),
    ({"quantization_config": {"quant_method": "fp8"}}, "by fp8 "),
    ({"quantization_config": "made up"}, "in a way of its own"),
])
@pytest.mark.parametrize("family", ["llada", "llama"])
def test_what_is_quantized_says_how_and_what_to_take(tmp_path, llama, config, words, family):
    folder = told(llama if family == "llama" else write_checkpoint(tmp_path / "llada"), **config)
    error = refused(folder)
    assert isinstance(error, FailedPrecondition) and error.reason == "UNSUPPORTED_CHECKPOINT"
    assert words in error.message and "Take the checkpoint that it was made from" in error.message
    assert "download it again" not in error.message and next(iter(config)) in error.message


def test_nothing_said_of_quantization_is_none(llama):
    assert recognise(told(llama, quantization_config=None, quantization={}), "mine", {}).family.name == "causal"


@pytest.mark.parametrize("beside", ["alone", "a config of the base"])
def test_an_adapter_names_itself_and_its_base(tmp_path, llama, beside):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "base_model_name_or_path": "org/base-8B", "r": 8}))
    save_file({"base_model.model.lm_head.lora_A.weight": torch.zeros(2, 2)}, folder / "adapter_model.safetensors")
    if beside != "alone":
        (folder / "config.json").write_bytes((llama / "config.json").read_bytes())
    error = refused(folder)
    assert error.reason == "NOT_A_CHECKPOINT" and error.metadata == {"base": "org/base-8B"}
    assert "LORA adapter for 'org/base-8B'" in error.message and "merge_and_unload" in error.message


@pytest.mark.parametrize("adapter", ["{}", '{"peft_type": 3, "base_model_name_or_path": ["x"]}', "[", '"x"'])
def test_an_adapter_that_tells_nothing(tmp_path, adapter):
    (tmp_path / "adapter_config.json").write_text(adapter)
    error = refused(tmp_path)
    assert error.reason in ("NOT_A_CHECKPOINT", "UNREADABLE_FILE")


def test_a_head_that_is_not_stored_is_missed_from_the_headers_alone(llama):
    weights = load_file(llama / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, llama / "model.safetensors", metadata={"format": "pt"})
    error = refused(llama)
    assert isinstance(error, DataLoss) and error.reason == "MISSING_TENSORS"
    assert "lm_head.weight" in error.message and "tie_word_embeddings" in error.message
    assert recognise(told(llama, tie_word_embeddings=True), "mine", {}).parameters > 0


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "qwen2", "gemma2", "bloom"])
def test_models_whose_head_is_stored_elsewhere_or_is_the_embeddings_are_taken(tmp_path, kind):
    none = {name: None for name in ("num_key_value_heads", "intermediate_size", "max_position_embeddings")
            if kind in ("gpt2", "bloom")}
    folder, _ = write_causal_checkpoint(tmp_path / kind, kind, **none)
    assert recognise(folder, "mine", {}).family.name == "causal"


def test_a_gguf_file_says_what_to_take(tmp_path):
    folder = write_checkpoint(tmp_path / "gguf")
    (folder / "model.safetensors").rename(folder / "model-Q4_K_M.gguf")
    assert "Take the safetensors checkpoint" in refused(folder).message


@pytest.mark.parametrize("name", ["org/name@", "org/name@a..b", "org/name@/x", "org/name@a b", "@main", "a@b@c"])
def test_a_revision_is_spelt_as_one(name):
    with pytest.raises(NotFound) as caught:
        load(name)
    assert "not a hub id" in caught.value.message
