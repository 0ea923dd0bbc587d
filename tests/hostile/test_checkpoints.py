"""Checkpoint folders that somebody made to hurt, or that broke: refused by name, without a path, before it is slow."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference_service import errors
from inference_service.models import header as header_module
from inference_service.models import recognise as recognise_module
from inference_service.models.files import without_paths
from inference_service.models.loading import load
from inference_service.rpc.errors import status_of
from tests.models.tiny_checkpoints import write_causal_checkpoint, write_checkpoint, write_tokenizer

MIB = 1 << 20
PATH = re.compile(r"(?<![\w.])/\w+")


@pytest.fixture
def llada(tmp_path):
    return write_tokenizer(write_checkpoint(tmp_path / "model"))


@pytest.fixture
def llama(tmp_path):
    return write_causal_checkpoint(tmp_path / "model", "llama")[0]


@pytest.fixture
def unbuilt(monkeypatch):
    """Nothing of the config's size may be made."""
    def made(*arguments):
        raise AssertionError("a model was built, or its tokenizer read, before the folder was refused")

    monkeypatch.setattr(recognise_module, "building", made)
    monkeypatch.setattr(recognise_module.Text, "read", made)


def refused(folder, *words, kinds=(errors.DataLoss, errors.FailedPrecondition, errors.InvalidField)):
    """The error that loading raises: typed, short enough to travel, about these words, without a path."""
    with pytest.raises(errors.ServiceError) as caught:
        load(str(folder), name="it")
    error = caught.value
    assert isinstance(error, kinds), repr(error)
    told = [error.message, *error.metadata.values(), *(text for field in error.fields for text in field)]
    text = " ".join(told).replace(str(folder), "")
    assert not PATH.search(text.replace("cuda:N", "")), text
    assert "Traceback" not in text and "Error:" not in text
    assert all(word in text for word in words), text
    assert len(status_of(error).SerializeToString()) < 5000, "it has to fit a call's trailers"
    return error


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


# ---- numbers that the weights do not bear out ----

@pytest.mark.parametrize("value", [10**6, 10**9, 10**12, 10**30, 2**63, 0, -1, -(10**9), True, 1.5, "many", [], {}])
@pytest.mark.parametrize("field", ["n_layers", "d_model", "n_heads", "embedding_size", "mlp_hidden_size",
                                   "max_sequence_length", "n_kv_heads"])
def test_a_llada_of_another_size(llada, field, value):
    if (field, value) in (("max_sequence_length", 10**6), ("embedding_size", 0), ("mlp_hidden_size", 0),
                          ("n_kv_heads", 0)) or (field in ("embedding_size", "mlp_hidden_size", "n_kv_heads")
                                                 and value in ([], {})) or (field, value) == ("n_kv_heads", True):
        return  # a long context is nobody's harm, and what is empty is as if it were not there
    edit(llada, **{field: value})
    refused(llada, "config.json")


@pytest.mark.parametrize("value", [10**6, 10**12, 10**30, -1, 1.5, "many", [], {}])
@pytest.mark.parametrize("field", ["num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
                                   "vocab_size", "intermediate_size"])
def test_a_llama_of_another_size(llama, field, value):
    edit(llama, **{field: value})
    refused(llama, "config.json")


@pytest.mark.parametrize(("field", "value"), [("n_layers", 10**6), ("n_layers", 22), ("d_model", 10**12)])
def test_such_a_model_is_not_built_to_find_out(llada, unbuilt, field, value):
    edit(llada, **{field: value})
    assert refused(llada, str(value)).reason == "IMPLAUSIBLE_CONFIG"


def test_a_million_experts_are_not_built(tmp_path, unbuilt):
    folder, _ = write_causal_checkpoint(tmp_path, "qwen3_moe", head_dim=8, num_experts=4, num_experts_per_tok=2,
                                        moe_intermediate_size=16)
    edit(folder, num_experts=10**6)
    assert refused(folder, "num_experts").reason == "IMPLAUSIBLE_CONFIG"


def test_a_vocabulary_below_nothing_makes_no_list(llada):
    """What only rounds the head up is forbidden: the ids from vocab_size on, which may be a very negative number."""
    edit(llada, vocab_size=-(10**12))
    assert load(str(llada)).info.forbidden_tokens[-1] == 299


@pytest.mark.parametrize("value", [[], {}, 3, True, 0.5, ["llada"], {"a": []}, "x" * MIB, "\ud800", "../llama", ""])
def test_a_model_type_of_any_kind(llada, value):
    edit(llada, model_type=value)
    assert refused(llada).reason == "UNKNOWN_FAMILY"


@pytest.mark.parametrize("value", [3, True, "LlamaForCausalLM", {"LlamaForCausalLM": 1}, [["LlamaForCausalLM"]], [1],
                                   ["AutoModel", "\ud800"]])
def test_architectures_of_any_kind(llama, value):
    edit(llama, architectures=value)
    refused(llama)


@pytest.mark.parametrize("settings", [
    {"return_dict": False}, {"output_attentions": True}, {"output_hidden_states": True}, {"use_cache": False},
    {"attn_implementation": "somebody/kernels"}, {"_attn_implementation": "somebody/kernels"},
    {"transformers_weights": "other.safetensors"}, {"name_or_path": "/etc/passwd"}, {"torchscript": True},
    {"auto_map": {"AutoModelForCausalLM": "evil.Model"}, "trust_remote_code": True},
], ids=lambda settings: "-".join(settings))
def test_what_a_config_says_of_how_to_run_it_is_not_heeded(llama, settings):
    before = load(str(llama)).logits([[1, 2, 3]], [[2]])[0]
    edit(llama, **settings)
    assert torch.equal(load(str(llama)).logits([[1, 2, 3]], [[2]])[0], before)


@pytest.mark.parametrize("field", ["mask_token_id", "eos_token_id", "pad_token_id"])
@pytest.mark.parametrize("value", [10**30, -1, "x", {}, 1.5, [[1]]])
def test_ids_of_any_kind(llada, field, value):
    edit(llada, **{field: value})
    refused(llada)


# ---- the files themselves ----

JSON_FILES = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]


@pytest.mark.parametrize("depth", [900, 100_000])
@pytest.mark.parametrize("name", JSON_FILES)
def test_nested_deep(llada, name, depth):
    (llada / name).write_text('{"model_type":' + "[" * depth + "]" * depth + "}")
    refused(llada)


@pytest.mark.parametrize("name", [*JSON_FILES, "special_tokens_map.json", "added_tokens.json", "vocab.json",
                                  "merges.txt", "chat_template.jinja", "tokenizer.4.0.json"])
def test_hundreds_of_megabytes(llada, unbuilt, name):
    with (llada / name).open("wb") as file:
        file.truncate(300 * MIB)
    error = refused(llada, name, "MiB")
    assert error.reason == "FILE_TOO_LARGE"


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"[]", b"3", b'{"a": NaN', b"\xff\xfe{\0",
                                  b'{"a":' + b"9" * 5000 + b"}", b'{"a": "\xff"}'])
def test_a_config_of_something_else(llada, data):
    (llada / "config.json").write_bytes(data)
    refused(llada)


def irregular(path, kind):
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "nowhere":
        path.symlink_to("nothing-here")
    else:
        path.symlink_to(kind)


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "nowhere", "/dev/zero", "/dev/tty", "/proc/self/mem"])
@pytest.mark.parametrize("name", [*JSON_FILES, "model.safetensors", "chat_template.jinja"])
def test_a_file_that_is_none(llada, name, kind):
    """Each is refused unread: a pipe would wait for ever, a device gives without an end."""
    irregular(llada / name, kind)
    refused(llada, name)


@pytest.mark.parametrize("kind", ["pipe", "loop", "/dev/zero", "nowhere"])
def test_a_shard_or_a_template_that_is_none(tmp_path, kind):
    folder = write_checkpoint(tmp_path / "model", shards=2)
    irregular(folder / "model-00001-of-00002.safetensors", kind)
    refused(folder, "model-00001-of-00002.safetensors")
    folder = write_tokenizer(write_checkpoint(tmp_path / "other"))
    (folder / "additional_chat_templates").mkdir()
    irregular(folder / "additional_chat_templates" / "rag.jinja", kind)
    refused(folder, "rag.jinja")


def test_a_folder_of_very_many_files(llada, unbuilt):
    for number in range(10_001):
        (llada / f"{number}").touch()
    refused(llada, "10000")


def test_a_name_that_is_no_text(llada):
    (llada / "model.safetensors").unlink()
    Path(os.fsdecode(os.fsencode(llada) + b"/\xff\xfe.bin")).touch()
    assert refused(llada).reason == "UNSAFE_CHECKPOINT"


def test_a_folder_that_is_a_loop_or_a_file(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path / "loop", kinds=(errors.NotFound,))
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", kinds=(errors.InvalidField,))


# ---- headers ----

def write_header(path, entries, data=b"", length=None):
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header + data)


def entry(begin, end, shape=None, dtype="F32"):
    return {"dtype": dtype, "shape": [(end - begin) // 4] if shape is None else shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize("key", ["data_offsets", "data\\u005foffsets"])
def test_200_000_tensors(llada, unbuilt, monkeypatch, key):
    """Counted before they are parsed, or where their words are written otherwise, before anything is made of them."""
    if "\\" in key:
        monkeypatch.setattr(header_module, "_span", None)
    else:
        monkeypatch.setattr(header_module.json, "loads", only_small(json.loads))
    described = f'":{{"dtype":"F32","shape":[0],"{key}":[0,0]}}'
    entries = ",".join(f'"x{number}{described}' for number in range(200_000))
    write_header(llada / "model.safetensors", f"{{{entries}}}".encode())
    assert refused(llada, "200000").reason == "TOO_MANY_TENSORS"


def only_small(loads):
    def parse(data):
        assert len(data) < MIB, "it was parsed before it was refused"
        return loads(data)

    return parse


def test_more_tensors_than_so_few_layers_have(llada, unbuilt):
    real = load_file(llada / "model.safetensors")
    save_file(real | {f"extra.{index}": torch.zeros(0) for index in range(3000)}, llada / "model.safetensors")
    assert refused(llada, "2 layers", "3021").reason == "IMPLAUSIBLE_CONFIG"


@pytest.fixture
def few(monkeypatch):
    """A bound that can be passed without writing many megabytes."""
    monkeypatch.setattr(header_module, "MOST_TENSORS", 40)


def test_more_tensors_than_any_model_has_beside_the_real_ones(llada, unbuilt, few):
    real = load_file(llada / "model.safetensors")
    save_file(real | {f"extra.{index}": torch.zeros(0) for index in range(20)}, llada / "model.safetensors")
    assert refused(llada, "41").reason == "TOO_MANY_TENSORS"


def test_more_tensors_over_many_files(tmp_path, unbuilt, few):
    folder = write_checkpoint(tmp_path, shards=3)
    for shard in range(3):
        name = f"model-{shard + 1:05}-of-00003.safetensors"
        write_header(folder / name, {f"s{shard}.{index}": entry(0, 0) for index in range(15)})
    assert refused(folder, "45").reason == "TOO_MANY_TENSORS"


def test_an_index_of_more_tensors(tmp_path, unbuilt, few):
    folder = write_checkpoint(tmp_path, shards=2)
    index = {"weight_map": {f"x{number}": "model-00001-of-00002.safetensors" for number in range(41)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert refused(folder, "41").reason == "TOO_MANY_TENSORS"


def test_an_index_of_a_million_tensors(tmp_path, unbuilt):
    folder = write_checkpoint(tmp_path, shards=2)
    name = "model-00001-of-00002.safetensors"
    index = '{"weight_map": {' + ",".join(f'"x{number}": "{name}"' for number in range(1_000_000)) + "}}"
    (folder / "model.safetensors.index.json").write_text(index)
    assert refused(folder, "index").reason == "FILE_TOO_LARGE"


@pytest.mark.parametrize("name", ["x" * 5000 + ".safetensors", "\ud800.safetensors", "a\0b.safetensors", "..", "",
                                  "../model.safetensors", "a/b.safetensors", 3, None, [], ".safetensors"])
def test_an_index_that_names_no_file(tmp_path, name):
    folder = write_checkpoint(tmp_path, shards=2)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    refused(folder)


def test_an_index_that_names_very_many_files(tmp_path, unbuilt):
    folder = write_checkpoint(tmp_path, shards=2)
    index = {"weight_map": {f"x{number}": f"{number}.safetensors" for number in range(100_000)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(folder, "100000")


@pytest.mark.parametrize("entries", [
    {"a": entry(0, 8), "b": entry(4, 12)},
    {"a": entry(0, 8), "b": entry(0, 8)},
    {"a": entry(0, 4), "b": entry(8, 12)},
    {"a": entry(4, 12)},
    {"a": entry(-4, 8)},
    {"a": entry(12, 8)},
    {"a": entry(0, 12, [4])},
    {"a": entry(0, 12, [-3])},
    {"a": entry(0, 12, [-3, -1])},
    {"a": entry(0, 12, [3.0])},
    {"a": entry(0, 12, [True, 3])},
    {"a": entry(0, 12, 3)},
    {"a": entry(0, 12, [2**62, 2**62])},
    {"a": entry(0, 0, [2**70, 0]), "b": entry(0, 12)},
    {"a": entry(0, 12, [1] * 5000 + [3])},
    {"a": entry(0, 12, [3], "X" * 100)},
    {"a": entry(0, 12, [3], 7)},
    {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12, 24]}},
    {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 1e400]}},
    {"a": {"dtype": "F32", "shape": [3]}},
    {"a": None}, {"a": []}, {"a": "x"}, [], 3, None,
    {"x" * 5000: entry(0, 12)}, {"\ud800": entry(0, 12)}, {"a\nb": entry(0, 12)},
    b"[" * 100_000, b'{"a":' * 50_000, b"\xff" * 12, b"",
], ids=lambda entries: repr(entries)[:40])
def test_a_header_that_lies(llada, unbuilt, entries):
    write_header(llada / "model.safetensors", entries, data=bytes(12))
    refused(llada, "model.safetensors")


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40, 13])
def test_a_header_of_another_length(llada, unbuilt, length):
    write_header(llada / "model.safetensors", {"a": entry(0, 12)}, bytes(12), length)
    refused(llada, "model.safetensors")


def test_a_header_of_a_gigabyte(llada, unbuilt):
    with (llada / "model.safetensors").open("wb") as file:
        file.write((1 << 30).to_bytes(8, "little"))
        file.truncate(8 + (1 << 30))
    assert refused(llada, "model.safetensors").reason == "FILE_TOO_LARGE"


def test_a_model_that_its_files_could_not_hold_is_not_allocated(llama, monkeypatch):
    """What a class does not find it fills with random numbers, and complains then."""
    import transformers

    monkeypatch.setattr(transformers.LlamaForCausalLM, "from_pretrained", None)
    edit(llama, num_key_value_heads=4, head_dim=100_000, num_attention_heads=4)
    assert refused(llama).reason in ("SHAPE_MISMATCH", "MISSING_TENSORS")


def test_the_same_folder_mended_is_a_model(llada):
    config = (llada / "config.json").read_bytes()
    edit(llada, n_layers=10**6)
    refused(llada)
    (llada / "config.json").write_bytes(config)
    shutil.copytree(llada, llada.with_name("copy"))
    assert load(str(llada.with_name("copy"))).info.family == "llada"


@pytest.mark.parametrize(("told", "left"), [
    ("cannot open '/srv/models/x/config.json' for reading", "cannot open 'config.json' for reading"),
    ("(/usr/lib/python3/site-packages/transformers/x.py:12)", "(x.py:12)"),
    ("~/.cache/huggingface/hub/x.json is damaged", "x.json is damaged"),
    ("C:\\models\\x.json is damaged", "x.json is damaged"),
    ("3/4 of it and/or all, on cuda:0", "3/4 of it and/or all, on cuda:0"),
])
def test_a_library_s_message_without_its_paths(told, left):
    assert without_paths(told) == left
