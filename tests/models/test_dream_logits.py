"""Dream in the stock Qwen2 class computes what the public reference computes; its shift is undone for callers."""

import json

import pytest
import torch
from tiny_checkpoints import DREAM_GOLDEN, seen_both_ways, write_stock_checkpoint

from inference_service import errors
from inference_service.models.attention import Full
from inference_service.models.loading import load
from inference_service.models.text import Text
from tests.rounding import assert_same_logits


def raw(denoiser, ids):
    """Logits as the model emits them."""
    with torch.inference_mode():
        return denoiser.head(denoiser.body(input_ids=ids, use_cache=False).last_hidden_state)


@pytest.mark.parametrize("model", ["dream", "exact_dream"])  # as it is served, and in float64
def test_raw_logits_equal_the_reference(request, model, dream_logits):
    logits = raw(request.getfixturevalue(model), dream_logits["input_ids"])
    assert_same_logits(logits, dream_logits["raw_logits"])


def test_a_position_is_predicted_by_the_row_before_it(dream, dream_logits):
    ids, expected = dream_logits["input_ids"][0].tolist(), dream_logits["raw_logits"][0]
    logits = dream.logits([ids], [range(24)])[0]
    assert_same_logits(logits, expected[[0, *range(23)]])
    few = dream.logits([ids], [[23, 0, 1]])[0]
    assert_same_logits(few, expected[[22, 0, 0]])


def test_padding_changes_nothing(dream, dream_logits):
    ids = dream_logits["input_ids"][0].tolist()
    short = dream.logits([ids[:15]], [range(15)])[0]
    together = dream.logits([ids, ids[:15]], [range(24), range(15)])
    assert_same_logits(together[0], dream_logits["raw_logits"][0][[0, *range(23)]])
    assert_same_logits(together[1], short)


def test_only_the_wanted_rows_pass_the_head(dream, dream_logits):
    rows = []
    watch = dream.head.register_forward_hook(lambda head, inputs, output: rows.append(inputs[0].shape[0]))
    dream.logits(dream_logits["input_ids"].tolist(), [[5, 9, 0]])
    watch.remove()
    assert rows == [3]


def test_what_is_known_of_it(dream):
    info = dream.info
    expected = json.loads((DREAM_GOLDEN / "expected.json").read_text())
    assert (info.family, info.shifted, info.attention, info.default_sampler) == ("dream", True, Full(), "dream")
    for role in ("mask", "eos", "pad"):
        assert getattr(info, f"{role}_token") == expected[f"{role}_token_id"]
    assert info.forbidden_tokens == (expected["mask_token_id"],)
    assert (info.vocabulary_size, info.context_length, info.parameter_count) == (512, 512, 164_416)


def test_llada_is_not_shifted(golden):
    assert (golden.info.shifted, golden.info.default_sampler) == (False, "llada")


@pytest.mark.parametrize(
    ("scaling", "rope"),
    [
        ({"rope_type": "linear", "factor": 4.0}, {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0}),
        ({"type": "linear", "factor": 4.0}, {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0}),
    ],
)
def test_rope_of_older_configs(tmp_path, scaling, rope):
    folder, model = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream", mask_token_id=299)
    config = json.loads((folder / "config.json").read_text())
    plain = load(str(folder)).logits([[1, 2, 3, 4]], [[3]])[0]
    (folder / "config.json").write_text(json.dumps(config | {"rope_scaling": scaling}))
    old = load(str(folder)).logits([[1, 2, 3, 4]], [[3]])[0]
    (folder / "config.json").write_text(json.dumps(config | {"rope_parameters": rope, "rope_theta": None}))
    new = load(str(folder)).logits([[1, 2, 3, 4]], [[3]])[0]
    assert torch.equal(old, new) and not torch.allclose(old, plain, atol=1e-3)
    assert_same_logits(plain[0], seen_both_ways(model, [1, 2, 3, 4])[2])


@pytest.mark.parametrize(
    ("field", "value"),
    [("block_size", 32), ("bd_size", 32), ("use_sliding_window", True), ("quantization_config", {"bits": 4})],
)
def test_what_would_be_decoded_wrongly_is_refused(tmp_path, field, value):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream", mask_token_id=299)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {field: value}))
    with pytest.raises(errors.FailedPrecondition) as caught:
        load(str(folder))
    assert caught.value.reason == "UNSUPPORTED_CHECKPOINT" and f"{field} = {value!r}" in caught.value.message


@pytest.mark.parametrize("field", ["hidden_size", "num_hidden_layers", "max_position_embeddings"])
def test_a_config_that_lacks_a_field(tmp_path, field):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream", mask_token_id=299)
    config = json.loads((folder / "config.json").read_text())
    del config[field]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(errors.DataLoss, match=field):
        load(str(folder))


def write_parts(folder):
    """A tokenizer as Dream brings it: vocab.json, merges.txt, special tokens and a class that is not looked for."""
    characters = [*"abcd", "\u0120", "ab", "\u0120ab"]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(characters)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b\n\u0120 ab\n")
    added = {str(i): {"content": name, "special": True, "lstrip": False, "rstrip": False, "normalized": False,
                      "single_word": False} for i, name in ((7, "<|endoftext|>"), (8, "<|im_end|>"), (9, "<|mask|>"))}
    told = {"tokenizer_class": "DreamTokenizer", "mask_token": "<|mask|>", "eos_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>", "added_tokens_decoder": added, "chat_template": "{{ messages[0].content }}",
            "auto_map": {"AutoTokenizer": ["tokenization_dream.DreamTokenizer", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


def test_a_tokenizer_in_parts(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream")
    (write_parts(folder) / "tokenization_dream.py").write_text("raise SystemExit('run')\n")
    denoiser = load(str(folder))
    assert denoiser.text.encode("ab ab<|mask|>d") == [5, 6, 9, 3]
    assert denoiser.text.decode([5, 6, 9, 3]) == "ab abd"
    assert denoiser.text.token(6).bytes == b" ab" and denoiser.text.has_chat_template
    info = denoiser.info
    assert (info.mask_token, info.eos_token, info.eot_token, info.pad_token) == (9, 7, 8, 7)


def test_parts_are_read_only_for_a_family_that_has_them(tmp_path):
    assert Text.read(write_parts(tmp_path)) is None


def test_a_damaged_part(tmp_path):
    (write_parts(tmp_path) / "vocab.json").write_text("{")
    with pytest.raises(errors.DataLoss, match="vocab.json"):
        Text.read(tmp_path, "Qwen2Tokenizer")
