"""iLLaDA: grouped-query heads and a tied head in the stock Llama class, and a mask that the tokenizer alone names."""

import json

import pytest
from tiny_checkpoints import (
    llada_config,
    random_weights,
    seen_both_ways,
    write_checkpoint,
    write_stock_checkpoint,
    write_tokenizer,
)

from inference_service import errors
from inference_service.models.loading import load
from tests.rounding import assert_same_logits

FIRST = ["<s>", "<pad>", "</s>", "<unk>", "<sep>", "<[MASK]>"]
CANVAS = [6, 5, 5, 40, 5, 299]


def write_illada(folder, **fields):
    fields = {"tie_word_embeddings": True, "eos_token_id": 2, "pad_token_id": 1} | fields
    return write_stock_checkpoint(folder, "LlamaForCausalLM", model_type="illada", **fields)


def test_equal_to_a_stock_llama_that_sees_both_ways(tmp_path):
    folder, model = write_illada(tmp_path)
    denoiser = load(str(write_tokenizer(folder, first=FIRST, special=["<end>"])))
    logits = denoiser.logits([CANVAS, CANVAS[:4]], [range(6), range(4)])
    assert_same_logits(logits[0], seen_both_ways(model, CANVAS))
    assert_same_logits(logits[1], seen_both_ways(model, CANVAS[:4]))
    assert denoiser.head.weight is denoiser.body.embed_tokens.weight
    assert denoiser.info.parameter_count == sum(weight.numel() for weight in model.parameters())


def test_ids_are_the_checkpoint_s_own(tmp_path):
    folder, _ = write_illada(tmp_path)
    info = load(str(write_tokenizer(folder, first=FIRST, special=["<end>"]))).info
    assert (info.mask_token, info.eos_token, info.pad_token) == (5, 2, 1)
    assert info.forbidden_tokens == (5, *info.unnamed_tokens)
    assert (info.family, info.shifted, info.default_sampler) == ("illada", False, "llada")


def test_a_config_that_does_not_say_that_the_head_is_tied(tmp_path):
    folder, model = write_illada(tmp_path, mask_token_id=5)
    config = json.loads((folder / "config.json").read_text())
    del config["tie_word_embeddings"]
    (folder / "config.json").write_text(json.dumps(config))
    assert_same_logits(load(str(folder)).logits([CANVAS], [range(6)])[0], seen_both_ways(model, CANVAS))


def test_other_norms_are_refused(tmp_path):
    folder, _ = write_illada(tmp_path, mask_token_id=5, layer_norm_eps=1e-5)
    with pytest.raises(errors.FailedPrecondition, match="layer_norm_eps"):
        load(str(folder))


def test_llada_s_own_names_with_grouped_heads_a_tied_head_and_another_mask(tmp_path):
    changes = {"n_kv_heads": 2, "weight_tying": True, "mask_token_id": 5}
    weights = random_weights(llada_config(**changes))
    assert "model.transformer.ff_out.weight" not in weights
    folder = write_checkpoint(tmp_path / "llada", weights=weights, **changes)
    _, model = write_stock_checkpoint(
        tmp_path / "llama", "LlamaForCausalLM", model_type="llama", tie_word_embeddings=True,
        rms_norm_eps=llada_config()["rms_norm_eps"], rope_theta=llada_config()["rope_theta"],
    )  # fmt: skip
    own = {"wte": "embed_tokens", "ln_f": "norm", "attn_norm": "input_layernorm", "attn_out": "self_attn.o_proj",
           "ff_norm": "post_attention_layernorm", "ff_proj": "mlp.gate_proj", "up_proj": "mlp.up_proj",
           "ff_out": "mlp.down_proj", "blocks": "layers"}  # fmt: skip
    own |= {f"{letter}_proj": f"self_attn.{letter}_proj" for letter in "qkv"}
    renamed = {
        ".".join(own.get(part, part) for part in name.replace("transformer.", "").split(".")): weight
        for name, weight in weights.items()
    }
    model.load_state_dict(renamed | {"lm_head.weight": renamed["model.embed_tokens.weight"]})
    denoiser = load(str(folder))
    assert_same_logits(denoiser.logits([CANVAS], [range(6)])[0], seen_both_ways(model, CANVAS))
    assert denoiser.info.mask_token == 5 and denoiser.info.parameter_count == sum(w.numel() for w in weights.values())
