"""What older releases stored beside the weights is no weight: a checkpoint that has it is not quantized."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import write_causal_checkpoint, write_stock_checkpoint

from inference_service import errors
from inference_service.models.loading import load
from tests.rounding import assert_same_logits

TOKENS = list(range(3, 20))
MASK = torch.ones(1, 1, 128, 128, dtype=torch.bool).tril()
# Of two layers, under the names that public checkpoints have: a model_type, its fields, and tensors of a layer.
STORED = {
    "gpt_neox": ({"num_key_value_heads": None}, "gpt_neox.layers.{}.attention.", {
        "bias": MASK, "masked_bias": torch.tensor(-1e9, dtype=torch.float16), "rotary_emb.inv_freq": torch.ones(2)}),
    "gpt_neo": ({"num_key_value_heads": None, "num_layers": 2, "num_hidden_layers": None, "num_heads": 4,
                 "num_attention_heads": None, "attention_types": [[["global"], 2]]},
                "transformer.h.{}.attn.attention.", {
        "bias": MASK.to(torch.uint8), "masked_bias": torch.tensor(-1e9)}),
    "gptj": ({"num_key_value_heads": None, "rotary_dim": 4}, "transformer.h.{}.attn.", {
        "bias": MASK.to(torch.uint8), "masked_bias": torch.tensor(-1e9)}),
    "codegen": ({"num_key_value_heads": None, "rotary_dim": 4, "num_attention_heads": 4}, "transformer.h.{}.attn.", {
        "causal_mask": MASK}),
    "gpt2": ({"num_key_value_heads": None, "intermediate_size": None}, "transformer.h.{}.attn.", {
        "bias": MASK.float()}),
}


def with_tensors(folder, more):
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | more, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("kind", STORED)
def test_masks_and_tables_that_a_checkpoint_stores_change_nothing(tmp_path, kind):
    fields, prefix, stored = STORED[kind]
    folder, _ = write_causal_checkpoint(tmp_path, kind, **fields)
    plain = load(str(folder))
    with_tensors(folder, {prefix.format(layer) + name: tensor.clone()
                          for layer in range(2) for name, tensor in stored.items()})
    full = load(str(folder))
    assert full.info.parameter_count == plain.info.parameter_count
    canvas, wanted = [[*TOKENS, 0]], [[1, 9, len(TOKENS)]]
    assert_same_logits(full.logits(canvas, wanted)[0], plain.logits(canvas, wanted)[0])


def test_so_of_the_families_that_name_their_tensors(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream", mask_token_id=5)
    with_tensors(folder, {"model.layers.0.self_attn.rotary_emb.cos_cached": torch.ones(4),
                          "model.position_ids": torch.arange(64), "model.layers.0.attention.bias": MASK.clone()})
    assert load(str(folder)).info.family == "dream"


@pytest.mark.parametrize(("name", "tensor"), [
    ("model.layers.0.self_attn.q_proj.qweight", torch.ones(8, 8, dtype=torch.int32)),
    ("model.layers.0.self_attn.q_proj.weight_packed", torch.ones(8, 8, dtype=torch.uint8)),
    ("model.layers.0.mlp.up_proj.qzeros", torch.ones(8, 8, dtype=torch.int32)),
])
def test_whole_numbers_in_the_place_of_a_weight_are_quantized_ones(tmp_path, name, tensor):
    folder, _ = write_causal_checkpoint(tmp_path, "llama")
    with_tensors(folder, {name: tensor})
    with pytest.raises(errors.FailedPrecondition, match="quantized"):
        load(str(folder))


def test_a_mask_of_another_name_is_named(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama")
    with_tensors(folder, {"model.layers.0.self_attn.odd": MASK.clone()})
    with pytest.raises(errors.FailedPrecondition, match="no place for: model.layers.0.self_attn.odd"):
        load(str(folder))
