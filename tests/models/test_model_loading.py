"""Folders become models, or a sentence that says why not."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import GOLDEN, llada_config, random_weights, write_checkpoint, write_tokenizer

from inference_service import errors
from inference_service.models import loading
from inference_service.models.loading import load
from inference_service.models.progress import LoadCancelled


def refused(kind, source, **more):
    """The error that loading raises; it must not tell where on the server the folder is."""
    with pytest.raises(kind) as caught:
        load(str(source), **more)
    told = caught.value.message.replace(str(source), "")
    assert "/" not in told.replace("cuda:N", "").replace("org/name", ""), told
    assert "Traceback" not in told
    return caught.value


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def drop(folder, *fields):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({key: config[key] for key in config if key not in fields}))


def test_what_is_known_of_a_loaded_model():
    info = load(str(GOLDEN), token_ids={"eot": 509}).info
    assert (info.name, info.family, info.parameter_count) == ("llada_tiny", "llada", 172_352)
    assert (info.dtype, info.device, info.context_length, info.vocabulary_size) == ("float32", "cpu", 512, 512)
    assert (info.mask_token, info.eos_token, info.eot_token, info.pad_token) == (511, 508, 509, 508)
    assert info.forbidden_tokens == (511,)
    assert load(str(GOLDEN), name="mine").info.name == "mine"


def test_without_a_tokenizer_there_is_no_text(golden):
    assert golden.text is None
    assert golden.info.eot_token is None


def test_shards_are_the_same_model(tmp_path):
    one = load(str(write_checkpoint(tmp_path / "one")))
    three = load(str(write_checkpoint(tmp_path / "three", shards=3)))
    canvas = [[1, 299, 2]]
    assert torch.equal(one.logits(canvas, [[1]])[0], three.logits(canvas, [[1]])[0])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", ""])
def test_dtype(tmp_path, dtype):
    denoiser = load(str(write_checkpoint(tmp_path)), dtype=dtype)
    assert denoiser.info.dtype == (dtype or "float32")
    assert denoiser.logits([[1, 2]], [[0]])[0].dtype == torch.float32


def test_the_hash_tells_checkpoints_apart(tmp_path):
    first = load(str(write_checkpoint(tmp_path / "a"))).info.checkpoint_hash
    assert load(str(write_checkpoint(tmp_path / "b"))).info.checkpoint_hash == first
    other = random_weights(llada_config(), seed=1)
    assert load(str(write_checkpoint(tmp_path / "c", weights=other))).info.checkpoint_hash != first
    assert load(str(write_checkpoint(tmp_path / "d", rope_theta=1e4))).info.checkpoint_hash != first


def test_code_that_the_checkpoint_names_is_not_run(tmp_path):
    folder = write_checkpoint(tmp_path)
    for name in ("configuration_llada", "modeling_llada"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    write_tokenizer(folder)
    told = json.loads((folder / "tokenizer_config.json").read_text())
    told["auto_map"] = {"AutoTokenizer": ["modeling_llada.Tokenizer", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    assert load(str(folder)).info.family == "llada"
    assert not (tmp_path / "ran").exists()


# Progress and cancelling


def test_progress_comes_in_order(tmp_path):
    seen = []
    load(str(write_checkpoint(tmp_path)), progress=seen.append)
    phases = list(dict.fromkeys(step.phase for step in seen))
    assert phases == ["inspecting", "loading_weights", "warming_up"]
    weights = [(step.done, step.total) for step in seen if step.phase == "loading_weights"]
    assert weights[0] == (0, 21) and weights[-1] == (21, 21)
    assert weights == sorted(weights) and len(weights) > 20


@pytest.mark.parametrize("after", [0, 1, 2, 8, 20])
def test_cancelling_stops_at_once(tmp_path, after):
    seen = []
    folder = write_checkpoint(tmp_path)
    with pytest.raises(LoadCancelled) as caught:
        load(str(folder), progress=seen.append, cancelled=lambda: len(seen) >= after)
    assert len(seen) == after
    assert caught.value.reason == "LOAD_CANCELLED"
    assert isinstance(caught.value, errors.ServiceError)
    assert load(str(folder)).info.family == "llada"  # the way is free again


# What is wrong, in words


def test_no_such_folder(tmp_path):
    error = refused(errors.NotFound, tmp_path / "nowhere")
    assert error.reason == "MODEL_NOT_FOUND" and "no folder" in error.message


def test_a_file_is_not_a_folder():
    assert "name the folder" in refused(errors.InvalidField, GOLDEN / "model.safetensors").message


def test_no_name():
    assert refused(errors.InvalidField, "").field == "name"


def test_an_empty_folder(tmp_path):
    error = refused(errors.FailedPrecondition, tmp_path)
    assert error.reason == "NOT_A_CHECKPOINT" and "config.json" in error.message


def test_a_config_that_is_not_json(tmp_path):
    folder = write_checkpoint(tmp_path)
    (folder / "config.json").write_text('{"model_type": "lla')
    assert "config.json" in refused(errors.DataLoss, folder).message


@pytest.mark.parametrize("kind", ["gpt_neverheard", None])
def test_an_unknown_family_names_the_known_ones(tmp_path, kind):
    error = refused(errors.FailedPrecondition, write_checkpoint(tmp_path, model_type=kind))
    assert error.reason == "UNKNOWN_FAMILY" and "llada" in error.message


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "model.ckpt"])
def test_pickles_are_refused_unread(tmp_path, name):
    folder = write_checkpoint(tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"cos\nsystem\n")
    error = refused(errors.FailedPrecondition, folder)
    assert error.reason == "UNSAFE_CHECKPOINT"
    assert name in error.message and "safetensors" in error.message and "save_pretrained" in error.message


def test_other_formats_are_named(tmp_path):
    folder = write_checkpoint(tmp_path)
    (folder / "model.safetensors").rename(folder / "model.gguf")
    assert "model.gguf" in refused(errors.FailedPrecondition, folder).message


def test_no_weights_at_all(tmp_path):
    folder = write_checkpoint(tmp_path)
    (folder / "model.safetensors").unlink()
    assert refused(errors.DataLoss, folder).reason == "MISSING_WEIGHTS"


def test_a_missing_shard_is_named(tmp_path):
    folder = write_checkpoint(tmp_path, shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    error = refused(errors.DataLoss, folder)
    assert error.reason == "MISSING_SHARD" and "model-00002-of-00003.safetensors" in error.message


def test_an_index_may_not_reach_outside(tmp_path):
    folder = write_checkpoint(tmp_path / "inside", shards=2)
    (tmp_path / "model.safetensors").write_bytes((GOLDEN / "model.safetensors").read_bytes())
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../model.safetensors"}}))
    with pytest.raises(errors.DataLoss) as caught:
        load(str(folder))
    assert caught.value.reason == "DAMAGED_INDEX"


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_a_truncated_file_is_named(tmp_path, keep):
    folder = write_checkpoint(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:keep])
    error = refused(errors.DataLoss, folder)
    assert error.reason == "TRUNCATED_FILE" and "model.safetensors" in error.message


@pytest.mark.parametrize("start", [b"\xff" * 64, b"\x00" * 64, b"\x02" + b"\x00" * 7 + b"[]", b"no weights at all" * 9])
def test_a_file_of_something_else(tmp_path, start):
    folder = write_checkpoint(tmp_path)
    (folder / "model.safetensors").write_bytes(start)
    assert refused(errors.DataLoss, folder).reason == "TRUNCATED_FILE"


def test_a_git_lfs_pointer_says_what_to_do(tmp_path):
    folder = write_checkpoint(tmp_path)
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    assert "git lfs pull" in refused(errors.DataLoss, folder).message


def test_missing_tensors_are_named(tmp_path):
    weights = random_weights(llada_config())
    del weights["model.transformer.blocks.1.up_proj.weight"]
    error = refused(errors.DataLoss, write_checkpoint(tmp_path, weights=weights))
    assert error.reason == "MISSING_TENSORS" and "layers.1.mlp.up_proj.weight" in error.message


def test_an_index_that_promises_too_much(tmp_path):
    folder = write_checkpoint(tmp_path, shards=2)
    name = "model-00001-of-00002.safetensors"
    kept = load_file(folder / name)
    lost = sorted(kept)[0]
    del kept[lost]
    save_file(kept, folder / name)
    assert lost in refused(errors.DataLoss, folder).message


def test_tensors_without_a_place_are_named(tmp_path):
    weights = random_weights(llada_config()) | {"model.transformer.blocks.0.q_proj.bias": torch.zeros(32)}
    error = refused(errors.FailedPrecondition, write_checkpoint(tmp_path, weights=weights))
    assert "blocks.0.q_proj.bias" in error.message


def test_a_config_that_does_not_fit_the_weights(tmp_path):
    folder = write_checkpoint(tmp_path)
    edit(folder, mlp_hidden_size=64)
    error = refused(errors.DataLoss, folder)
    assert error.reason == "SHAPE_MISMATCH" and "ff_out" in error.message and "64" in error.message


@pytest.mark.parametrize("field", ["d_model", "n_heads", "n_layers", "max_sequence_length"])
def test_a_config_that_lacks_a_field(tmp_path, field):
    folder = write_checkpoint(tmp_path)
    drop(folder, field)
    assert field in refused(errors.DataLoss, folder).message


def test_a_config_that_contradicts_itself(tmp_path):
    folder = write_checkpoint(tmp_path)
    edit(folder, n_heads=5)
    refused(errors.DataLoss, folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alibi", True),
        ("rope", False),
        ("layer_norm_type", "default"),
        ("block_type", "sequential"),
        ("include_bias", True),
        ("include_qkv_bias", True),
        ("scale_logits", True),
        ("activation_type", "swiglu"),
        ("input_emb_norm", True),
        ("attention_layer_norm", True),
        ("block_group_size", 2),
        ("rope_scaling", {"type": "linear", "factor": 2}),
        ("quantization_config", {"bits": 4}),
    ],
)
def test_what_a_llama_cannot_express_is_refused(tmp_path, field, value):
    error = refused(errors.FailedPrecondition, write_checkpoint(tmp_path, **{field: value}))
    assert error.reason == "UNSUPPORTED_CHECKPOINT" and field in error.message


def test_quantized_weights_are_refused(tmp_path):
    weights = {name: weight.to(torch.int8) for name, weight in random_weights(llada_config()).items()}
    assert "I8" in refused(errors.FailedPrecondition, write_checkpoint(tmp_path, weights=weights)).message


def test_a_damaged_tokenizer(tmp_path):
    folder = write_tokenizer(write_checkpoint(tmp_path))
    (folder / "tokenizer.json").write_text("{")
    assert refused(errors.DataLoss, folder).reason == "UNREADABLE_TOKENIZER"


@pytest.mark.parametrize(("field", "value"), [("dtype", "int3"), ("device", "tpu"), ("device", "cuda:99")])
def test_settings_are_checked(field, value):
    assert refused(errors.InvalidField, GOLDEN, **{field: value}).field == field


# Ids


@pytest.mark.parametrize(
    ("given", "field"),
    [({"mask": 512}, "token_ids.mask"), ({"eos": -1}, "token_ids.eos"), ({"bos": 1}, "token_ids"),
     ({"eos": 511}, "token_ids.eos"), ({"eot": 511}, "token_ids.eot")],
)
def test_given_ids_are_checked(given, field):
    assert refused(errors.InvalidField, GOLDEN, token_ids=given).field == field


def test_given_ids_go_first():
    info = load(str(GOLDEN), token_ids={"mask": 510, "eos": 1, "eot": 2, "pad": 3}).info
    assert (info.mask_token, info.eos_token, info.eot_token, info.pad_token) == (510, 1, 2, 3)
    assert info.forbidden_tokens == (510,)


def test_ids_come_from_the_tokenizer_where_the_config_has_none(tmp_path):
    folder = write_tokenizer(write_checkpoint(tmp_path))
    drop(folder, "mask_token_id", "eos_token_id", "pad_token_id")
    info = load(str(folder)).info
    assert (info.mask_token, info.eos_token, info.eot_token, info.pad_token) == (260, 256, 259, 256)


def test_no_mask_anywhere_says_how_to_give_one(tmp_path):
    folder = write_tokenizer(write_checkpoint(tmp_path), mask_named=False)
    drop(folder, "mask_token_id")
    error = refused(errors.InvalidField, folder)
    assert error.field == "token_ids.mask" and "mask_token_id" in error.message and "<|mdm_mask|>" in error.message
    assert load(str(folder), token_ids={"mask": 299}).info.mask_token == 299


def test_an_id_of_the_checkpoint_that_does_not_exist(tmp_path):
    assert "777" in refused(errors.DataLoss, write_checkpoint(tmp_path, mask_token_id=777)).message


def test_generation_config_is_asked_for_the_end_of_turn(tmp_path):
    folder = write_checkpoint(tmp_path)
    (folder / "generation_config.json").write_text(json.dumps({"eot_token_id": 297}))
    assert load(str(folder)).info.eot_token == 297


# Memory


def test_too_large_for_this_machine_is_refused_before_loading(monkeypatch):
    monkeypatch.setattr(loading.memory, "free_ram", lambda: 500_000)
    seen = []
    error = refused(errors.Exhausted, GOLDEN, progress=seen.append)
    assert error.reason == "OUT_OF_MEMORY" and "GB" in error.message
    assert all(step.phase == "inspecting" for step in seen)


def test_a_link_to_a_folder_is_a_folder(tmp_path):
    (tmp_path / "link").symlink_to(GOLDEN)
    assert load(str(tmp_path / "link")).info.name in ("link", GOLDEN.name)


def test_a_copy_elsewhere_is_the_same_checkpoint(tmp_path, golden):
    shutil.copytree(GOLDEN, tmp_path / "copy")
    assert load(str(tmp_path / "copy")).info.checkpoint_hash == golden.info.checkpoint_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"mlp_hidden_size": "wide"},
        {"embedding_size": -3},
        {"rms_norm_eps": "small"},
        {"rope_theta": "high"},
        {"n_kv_heads": 3},
        {"mask_token_id": "<mask>"},
        {"n_layers": True},
        {"d_model": 4.5},
    ],
)
def test_nonsense_in_the_config(tmp_path, changes):
    folder = write_checkpoint(tmp_path)
    edit(folder, **changes)
    refused(errors.DataLoss, folder)
