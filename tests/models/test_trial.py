"""READY means tried: what a model cannot do is found before anybody uses it, and said."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_checkpoints import write_causal_checkpoint, write_checkpoint, write_stock_checkpoint

from inference_service.errors import DataLoss, FailedPrecondition
from inference_service.models import trial
from inference_service.models.cached import FAILED
from inference_service.models.loading import load

TEXT = [(5 * place * place + place + 3) % 97 for place in range(60)]
OTHER = [*TEXT[:6], *TEXT[12:]]
# Read, grown by one and by several, taken back, changed, far beyond, back again.
WAY = [(TEXT, 4), (TEXT, 5), (TEXT, 12), (TEXT, 13), (TEXT, 40), (TEXT, 41), (TEXT, 8), (OTHER, 20), (OTHER, 21),
       (TEXT, 3), (TEXT, 50)]
MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1, "mamba_chunk_size": 4}
LONGROPE = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4,
            "long_factor": [4.0, 3.0, 2.0, 8.0], "original_max_position_embeddings": 32}
KINDS = {
    "llama": ("llama", {}, ""),
    "a window that its class has not": ("llama", {"written": {"sliding_window": 6}}, ""),
    "a window of its class": ("mistral", {"sliding_window": 6}, ""),
    "a window too wide to try": ("mistral", {"sliding_window": 4096}, ""),
    "windows and chunks": ("gemma3_text", {"head_dim": 8, "sliding_window": 6,
                                           "layer_types": ["sliding_attention", "full_attention"]}, ""),
    "sinks": ("gpt_oss", {"head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 6}, ""),
    "a state of convolutions in the cache": ("lfm2", {"layer_types": ["conv", "full_attention"]}, ""),
    "a state": ("mamba", {"state_size": 8, "num_attention_heads": None, "num_key_value_heads": None}, trial.STATE),
    "a state beside attention": ("jamba", {"attn_layer_period": 2, "attn_layer_offset": 1, "mamba_d_state": 8,
                                           "num_experts": 4}, trial.STATE),
    "a state and attention in a layer": ("falcon_h1", {"head_dim": 8, **MAMBA, "mamba_d_ssm": 64}, trial.STATE),
    "a state and experts": ("granitemoehybrid", {
        "layer_types": ["mamba", "attention"], **MAMBA, "num_local_experts": 4, "num_experts_per_tok": 2,
        "shared_intermediate_size": 48}, trial.STATE),
    "gated deltas": ("qwen3_next", {"head_dim": 8, "layer_types": ["linear_attention", "full_attention"],
                                    "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
                     trial.STATE),
    "one that takes no cache": ("minimax", {"head_dim": 8, "num_local_experts": 4}, trial.NOT_TAKEN),
    "one that ignores its cache": ("openai-gpt", {"n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4,
                                                  **dict.fromkeys(("num_key_value_heads", "intermediate_size",
                                                                   "hidden_size", "num_hidden_layers",
                                                                   "num_attention_heads", "max_position_embeddings"))},
                                   trial.NOT_RIGHT),
    "positions that turn with the length": ("phi3", {"rope_parameters": LONGROPE,
                                                     "original_max_position_embeddings": 32},
                                            trial.SCALED.format(steady=32)),
}


@pytest.fixture(scope="module", params=KINDS)
def tried(request, tmp_path_factory):
    """A loaded checkpoint of a kind, the model that it was made from, and what is to be said of its cache."""
    kind, fields, note = KINDS[request.param]
    folder, model = write_causal_checkpoint(tmp_path_factory.mktemp("kind"), kind, **fields)
    return load(str(folder)), model, note


@torch.inference_mode()
def whole(model, tokens):
    return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1]


def test_what_is_ready_is_right_whatever_way_a_text_goes(tried):
    denoiser, model, note = tried
    assert denoiser.info.cache_note == note
    for text, length in WAY:
        found = denoiser.logits([[*text[:length], 0]], [[length]], ["one"])[0][0]
        torch.testing.assert_close(found, whole(model, text[:length]), atol=2e-3, rtol=2e-3)
    assert denoiser.info.cache_note == note, "nothing failed on the way"


def test_texts_of_different_lengths_are_right_together(tried):
    denoiser, model, _ = tried
    lengths = [9, 20, 45]
    found = denoiser.logits([TEXT[:length + 1] for length in lengths], [[length] for length in lengths])
    for rows, length in zip(found, lengths, strict=True):
        torch.testing.assert_close(rows[0], whole(model, TEXT[:length]), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("kind", ["bert", "roberta", "xlnet"])
def test_what_looks_ahead_does_not_read_from_left_to_right(tmp_path, kind):
    fields = {"num_key_value_heads": None}
    if kind == "xlnet":
        fields = {**dict.fromkeys(("num_key_value_heads", "intermediate_size", "hidden_size", "num_hidden_layers",
                                   "num_attention_heads", "max_position_embeddings")),
                  "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}
    with pytest.raises(FailedPrecondition, match="stands behind a position"):
        load(str(write_causal_checkpoint(tmp_path, kind, **fields)[0]))


def spoil(folder, name, value, place=-1):
    tensors = load_file(folder / "model.safetensors")
    tensors[name].view(-1)[place] = value
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["model.layers.1.mlp.down_proj.weight", "model.embed_tokens.weight"])
def test_a_weight_that_is_no_number_is_named(tmp_path, name, value):
    """Also one that no text of a trial would reach, such as the last row of the embeddings."""
    folder, _ = write_causal_checkpoint(tmp_path, "llama")
    spoil(folder, name, value)
    with pytest.raises(DataLoss, match=name) as caught:
        load(str(folder))
    assert (caught.value.reason, caught.value.metadata["tensor"]) == ("WEIGHT_NOT_FINITE", name)


def test_it_is_named_as_it_is_stored(tmp_path):
    folder = write_checkpoint(tmp_path)
    spoil(folder, "model.transformer.blocks.1.ff_out.weight", float("nan"))
    with pytest.raises(DataLoss, match=r"model\.transformer\.blocks\.1\.ff_out\.weight"):
        load(str(folder))


def test_a_weight_that_the_type_in_memory_does_not_hold(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama")
    spoil(folder, "model.norm.weight", 1e6)
    assert load(str(folder), dtype="bfloat16").info.dtype == "bfloat16"
    with pytest.raises(DataLoss, match=r"model\.norm\.weight .* in float16; another dtype"):
        load(str(folder), dtype="float16")


@pytest.mark.parametrize("written", [{"rms_norm_eps": float("nan")}, {"rope_theta": -1.0, "rope_parameters": None}])
def test_logits_that_are_no_numbers_are_refused(tmp_path, written):
    folder, _ = write_causal_checkpoint(tmp_path, "llama", written=written)
    with pytest.raises(DataLoss, match="not finite"):
        load(str(folder))


def test_fewer_layers_than_are_stored_are_no_model(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama", written={"num_hidden_layers": 1})
    with pytest.raises(FailedPrecondition, match=r"no place for: model\.layers\.1\."):
        load(str(folder))


@pytest.mark.parametrize("kind", ["llada", "llama"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rounding_is_no_fault(tmp_path, kind, dtype):
    folder = write_checkpoint(tmp_path) if kind == "llada" else write_causal_checkpoint(tmp_path, "llama")[0]
    assert load(str(folder), dtype=dtype).info.cache_note == ""


@pytest.mark.parametrize("context", [2, 3, 8, 13])
def test_a_context_of_a_few_positions(tmp_path, context):
    folder, model = write_causal_checkpoint(tmp_path / "causal", "llama", max_position_embeddings=context)
    denoiser = load(str(folder))
    assert (denoiser.info.cache_note == trial.TOO_SHORT) == (context < 13)
    found = denoiser.logits([TEXT[:context]], [[context - 1]], ["one"])[0][0]
    torch.testing.assert_close(found, whole(model, TEXT[:context - 1]), atol=2e-3, rtol=2e-3)
    assert load(str(write_checkpoint(tmp_path / "both", max_sequence_length=context))).info.context_length == context


def test_a_cache_that_fails_while_it_serves_is_done_without(tmp_path, caplog):
    """One that passed its trial, and fails later: the step is answered, and the rest goes on without a cache."""
    folder, model = write_causal_checkpoint(tmp_path, "llama")
    denoiser = load(str(folder))
    denoiser.logits([[*TEXT[:5], 0]], [[5]], ["other"])

    class Broken(transformers.DynamicCache):
        def update(self, *args, **kwargs):
            raise AttributeError("the layer has no such state")

    denoiser.keep_in(Broken)
    for length in (5, 6, 7):
        found = denoiser.logits([[*TEXT[:length], 0]], [[length]], ["one"])[0][0]
        torch.testing.assert_close(found, whole(model, TEXT[:length]), atol=2e-3, rtol=2e-3)
    assert denoiser.info.cache_note == FAILED
    assert len([record for record in caplog.records if "runs without one" in record.message]) == 1


def test_memory_that_runs_out_is_not_the_cache_s_fault(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama")
    denoiser = load(str(folder))
    made = []

    class Large(transformers.DynamicCache):
        def update(self, *args, **kwargs):
            made.append(self)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte")

    denoiser.keep_in(Large)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="can't allocate"):
            denoiser.logits([[*TEXT[:5], 0]], [[5]], ["one"])
    assert denoiser.info.cache_note == "" and len(made) == 2


def test_the_logits_have_to_be_as_many_as_the_ids(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "LlamaForCausalLM", model_type="llama", eos_token_id=1)
    config = json.loads((folder / "config.json").read_text()) | {"vocab_size": 299}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataLoss, match="vocab|embed_tokens"):
        load(str(folder))
