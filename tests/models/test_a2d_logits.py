"""Tiny-A2D in the stock Qwen classes; what attends from block to block is taken so where it can be told."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import seen_both_ways, write_stock_checkpoint, write_tokenizer

from inference_service import errors
from inference_service.models.attention import BlockCausal, Full
from inference_service.models.loading import load
from tests.rounding import assert_same_logits

KINDS = {"a2d-qwen2": "Qwen2ForCausalLM", "a2d-qwen3": "Qwen3ForCausalLM"}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|mask|>"]
CANVAS = [7, 259, 259, 30, 299, 259]
kinds = pytest.mark.parametrize("kind", KINDS)


def write_a2d(folder, kind, **fields):
    own = {"head_dim": 16} if kind == "a2d-qwen3" else {}
    folder, model = write_stock_checkpoint(folder, KINDS[kind], model_type=kind, **own, **fields)
    return write_tokenizer(folder, special=SPECIAL), model


@kinds
@pytest.mark.parametrize("tied", [False, True])
def test_equal_to_the_stock_class_that_sees_both_ways(tmp_path, kind, tied):
    folder, model = write_a2d(tmp_path, kind, tie_word_embeddings=tied)
    denoiser = load(str(folder))
    logits = denoiser.logits([CANVAS, CANVAS[:2]], [range(6), [1]])
    assert_same_logits(logits[0], seen_both_ways(model, CANVAS))
    assert_same_logits(logits[1], seen_both_ways(model, CANVAS[:2])[[1]])
    assert denoiser.info.parameter_count == sum(weight.numel() for weight in model.parameters())


@kinds
def test_a_head_that_is_stored_is_used_whatever_the_config_says(tmp_path, kind):
    folder, model = write_a2d(tmp_path, kind, tie_word_embeddings=True, store_head=True)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = torch.randn(300, 32, generator=torch.Generator().manual_seed(1))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    model.lm_head.weight = torch.nn.Parameter(weights["lm_head.weight"])
    denoiser = load(str(folder))
    assert_same_logits(denoiser.logits([CANVAS], [range(6)])[0], seen_both_ways(model, CANVAS))
    assert denoiser.info.parameter_count == sum(weight.numel() for weight in weights.values())


@kinds
def test_ids_come_from_the_tokenizer(tmp_path, kind):
    info = load(str(write_a2d(tmp_path, kind)[0])).info
    assert (info.mask_token, info.eos_token, info.eot_token, info.pad_token) == (259, 256, 258, 256)
    assert (info.family, info.shifted, info.attention, info.default_sampler) == (kind, False, Full(), "llada")


@kinds
def test_no_mask_anywhere(tmp_path, kind):
    folder, _ = write_a2d(tmp_path, kind)
    write_tokenizer(folder, special=SPECIAL, mask_named=False)
    with pytest.raises(errors.InvalidField) as caught:
        load(str(folder))
    assert caught.value.field == "token_ids.mask"
    for place in ("config.json", "generation_config.json", "tokenizer", "<|mask|>"):
        assert place in caught.value.message
    assert load(str(folder), token_ids={"mask": 259}).info.mask_token == 259


def test_no_mask_and_no_tokenizer(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen3ForCausalLM", model_type="a2d-qwen3", head_dim=8)
    with pytest.raises(errors.InvalidField, match="no tokenizer to ask"):
        load(str(folder))
    assert load(str(folder), token_ids={"mask": 299}).info.mask_token == 299


@kinds
def test_block_causal_by_its_config(tmp_path, kind):
    folder, _ = write_a2d(tmp_path, kind)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"block_size": 16}))
    info = load(str(folder)).info
    assert (info.family, info.attention, info.default_sampler) == (f"{kind}-bd3lm", BlockCausal(16, True), "dllm")
    assert load(str(folder), family=kind).info.attention == Full(), "whoever names the other kind is obeyed"


@kinds
def test_block_causal_by_its_name(tmp_path, kind):
    folder, _ = write_a2d(tmp_path / "Qwen3-0.6B-diffusion-BD3LM-v0.1", kind)
    (tmp_path / "linked").symlink_to(folder)
    for source in (folder, tmp_path / "linked"):
        info = load(str(source)).info
        assert (info.family, info.attention) == (f"{kind}-bd3lm", BlockCausal(32, True))
    (tmp_path / "bd3lm").mkdir()
    folder.rename(tmp_path / "bd3lm" / "mdlm")
    assert load(str(tmp_path / "bd3lm" / "mdlm")).info.family == kind
