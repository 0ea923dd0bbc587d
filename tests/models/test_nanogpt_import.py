"""Checkpoints of the nanoGPT line become folders that load like any other and compute the same."""

import os
import sys
from types import ModuleType

import nanogpt_checkpoint as made
import pytest
import torch

from inference_service.errors import DataLoss, FailedPrecondition, InvalidField, NotFound, ServiceError
from inference_service.models.attention import Full
from inference_service.models.importers.nanogpt import import_nanogpt
from inference_service.models.loading import load
from tests.rounding import assert_same_logits

WITH_BIAS = made.ARGUMENTS | {"bias": True}
LEARNED = made.ARGUMENTS | {"use_rope": False}
ONLY_THE_MASK = made.ARGUMENTS | {"vocab_size": len(made.CHARACTERS) + 1}
OLD = {name: value for name, value in LEARNED.items() if name != "use_rope"}


@pytest.mark.parametrize("arguments, prefix", [
    (made.ARGUMENTS, ""), (made.ARGUMENTS, "_orig_mod."), (WITH_BIAS, ""), (LEARNED, ""),
    (LEARNED | {"bias": True}, "_orig_mod."), (ONLY_THE_MASK, ""),
])
def test_the_logits_are_those_of_their_model(tmp_path, arguments, prefix):
    weights = made.tensors(arguments)
    stored = {prefix + name: tensor for name, tensor in weights.items()}
    import_nanogpt(*made.write(tmp_path, stored, arguments), tmp_path / "out")
    model = load(str(tmp_path / "out"))
    mask = model.info.mask_token
    ids = [*model.text.encode("or not"), mask, mask, 3, mask]
    wanted = made.logits(weights, arguments, ids)
    alone = model.logits([ids], [list(range(len(ids)))])[0]
    padded = model.logits([ids, ids[:4]], [list(range(len(ids))), [0]])[0]
    assert wanted.abs().max() > 1
    assert_same_logits(alone, wanted)
    assert_same_logits(padded, wanted)


def test_every_position_sees_every_other(tmp_path):
    for name, arguments in (("rotary", made.ARGUMENTS), ("learned", LEARNED)):
        import_nanogpt(*made.write(tmp_path / name, arguments=arguments), tmp_path / name / "out")
        model = load(str(tmp_path / name / "out"))
        one, other = model.logits([[1, 2, 3, 4], [1, 2, 3, 5]], [[0], [0]])
        assert (one - other).abs().max() > 1e-3


def test_what_is_known_of_it(tmp_path):
    import_nanogpt(*made.write(tmp_path), tmp_path / "out")
    info = load(str(tmp_path / "out")).info
    count = len(made.CHARACTERS)
    assert (info.family, info.context_length, info.vocabulary_size) == ("nanogpt", 32, count + 15)
    assert info.mask_token == count and info.eos_token is None
    assert info.forbidden_tokens == tuple(range(count, count + 15))
    assert info.attention == Full() and not info.shifted and info.default_sampler == "predict_remask"


def test_text_there_and_back(tmp_path):
    import_nanogpt(*made.write(tmp_path), tmp_path / "out")
    text = load(str(tmp_path / "out")).text
    assert text.encode(made.TEXT) == [made.CHARACTERS.index(piece) for piece in made.TEXT]
    assert text.decode(text.encode(made.TEXT)) == made.TEXT
    for id, piece in enumerate(made.CHARACTERS):
        assert text.token(id).bytes == piece.encode() and not text.token(id).special
    assert text.token(len(made.CHARACTERS)).special
    assert text.encode("o<|mask|>\n") == [made.CHARACTERS.index("o"), len(made.CHARACTERS), made.CHARACTERS.index("\n")]
    assert text.encode_with_holes("be[[mask:2]]", 32, "text")[2:] == [None, None]
    with pytest.raises(InvalidField, match="'Z', 'é'"):
        text.encode("To Zé Z")


def test_a_checkpoint_before_rotary_positions_came(tmp_path):
    arguments = OLD
    weights = made.tensors(arguments | {"use_rope": False})
    config = import_nanogpt(*made.write(tmp_path, weights, arguments), tmp_path / "out")
    assert config["use_rope"] is False


@pytest.fixture
def their_module(monkeypatch):
    """`model`, as it is where their checkpoints are made."""
    module = ModuleType("model")
    module.ModelMode = made.ModelMode
    monkeypatch.setitem(sys.modules, "model", module)
    monkeypatch.setattr(made.ModelMode, "__module__", "model")


def test_a_later_checkpoint_with_their_enumeration(tmp_path, their_module, monkeypatch):
    arguments = made.ARGUMENTS | {"mode": made.ModelMode.LANGUAGE_MODEL, "num_token_classes": 2, "cls_token_id": None}
    meta = {"vocab_size": len(made.CHARACTERS), "itos": dict(enumerate(made.CHARACTERS)),
            "special_tokens": {"mask_token_id": len(made.CHARACTERS)}, "training_stages": 4}
    files = made.write(tmp_path, arguments=arguments, meta=meta)
    other = made.write(tmp_path / "other", arguments=arguments | {"mode": made.ModelMode.TOKEN_CLASSIFIER})
    monkeypatch.delitem(sys.modules, "model")  # their code is not needed
    import_nanogpt(*files, tmp_path / "out")
    assert load(str(tmp_path / "out")).info.family == "nanogpt"
    with pytest.raises(FailedPrecondition, match="mode must be 'language_model' or '1', is 'token_classifier'"):
        import_nanogpt(*other, tmp_path / "second")


# ---- what is refused ----

class Evil:
    """Makes a folder where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def refused(kind, tmp_path, checkpoint, meta):
    with pytest.raises(kind) as caught:
        import_nanogpt(checkpoint, meta, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "nothing is written"
    assert str(tmp_path) not in str(caught.value)
    return caught.value


def test_code_in_either_file_is_refused_by_name_and_not_run(tmp_path):
    trap = tmp_path / "trap"
    good = made.write(tmp_path / "good")
    # What unpickling calls, and with what: that the trap works is what makes the rest a test.
    call, arguments = Evil(trap).__reduce__()
    call(*arguments)
    assert trap.is_dir(), "it would have run"
    trap.rmdir()
    evil = made.write(tmp_path / "evil", training_context=Evil(trap),
                      meta={"vocab_size": 1, "itos": {0: Evil(trap)}, "stoi": {}})
    for checkpoint, meta in ((evil[0], good[1]), (good[0], evil[1])):
        error = refused(FailedPrecondition, tmp_path, checkpoint, meta)
        assert error.reason == "UNSAFE_CHECKPOINT" and "posix.mkdir" in error.message
        assert not trap.exists()


def test_a_builtin_that_runs_code_is_refused_too(tmp_path):
    checkpoint, meta = made.write(tmp_path)
    meta.write_bytes(b"c__builtin__\neval\n(V1+1\ntR.")
    assert "eval" in refused(FailedPrecondition, tmp_path, checkpoint, meta).message


@pytest.mark.parametrize("change, kind, told", [
    ({"attention_type": "causal"}, FailedPrecondition, "attention_type must be 'bidirectional', is 'causal'"),
    ({"attention_type": None}, FailedPrecondition, "model_args.attention_type"),
    ({"binary_classification": True}, FailedPrecondition, "model_args.binary_classification must be False, is True"),
    ({"n_layer": None}, DataLoss, "model_args.n_layer must be a whole number of at least 1, is None"),
    ({"n_head": 5}, DataLoss, "model_args.n_embd must be a multiple of n_head, 5"),
    ({"use_rope": False}, DataLoss, "model_args.use_rope is False, and the weights have no learned positions"),
    ({"vocab_size": len(made.CHARACTERS)}, FailedPrecondition, "model_args.vocab_size must be above"),
    ({"vocab_size": len(made.CHARACTERS) + 2}, DataLoss, "transformer.wte.weight is"),
    ({"n_layer": 1}, FailedPrecondition, "has not: transformer.h.1."),
    ({"n_layer": 3}, DataLoss, "lacks the weights transformer.h.2.ln_1.weight"),
    ({"mode": "sequence_scorer"}, FailedPrecondition, "model_args.mode must be 'language_model'"),
])
def test_arguments_that_cannot_be_served(tmp_path, change, kind, told):
    files = made.write(tmp_path / "in", made.tensors(made.ARGUMENTS), made.ARGUMENTS | change)
    assert told in refused(kind, tmp_path, *files).message


def test_attention_that_is_not_named_is_causal(tmp_path):
    arguments = {name: value for name, value in made.ARGUMENTS.items() if name != "attention_type"}
    files = made.write(tmp_path / "in", arguments=arguments)
    assert "is 'causal'" in refused(FailedPrecondition, tmp_path, *files).message


def test_a_head_that_is_not_the_embeddings(tmp_path):
    weights = made.tensors(made.ARGUMENTS)
    weights["lm_head.weight"] = weights["lm_head.weight"] + 1
    assert "tied" in refused(FailedPrecondition, tmp_path, *made.write(tmp_path / "in", weights)).message


ITOS = dict(enumerate(made.CHARACTERS))


@pytest.mark.parametrize("meta, told", [
    ([], "has no itos"),
    ({"itos": {}}, "has no itos"),
    ({"itos": {0: "a", 2: "b"}}, "without a gap"),
    ({"itos": {0: "ab"}}, "a single character for each id in itos; has 'ab'"),
    ({"itos": ITOS, "vocab_size": 7}, "vocab_size = 7"),
    ({"itos": ITOS, "stoi": {"a": 0}}, "does not turn its itos around"),
    ({"itos": ITOS, "special_tokens": {"mask_token_id": 3}}, "has the mask at 3"),
])
def test_a_meta_file_that_is_none(tmp_path, meta, told):
    assert told in refused(ServiceError, tmp_path, *made.write(tmp_path / "in", meta=meta)).message


def test_damaged_and_missing_files(tmp_path):
    checkpoint, meta = made.write(tmp_path / "in")
    assert "nothing.pt" in refused(NotFound, tmp_path, tmp_path / "nothing.pt", meta).message
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2])
    assert "ckpt.pt is damaged" in refused(DataLoss, tmp_path, checkpoint, meta).message
    torch.save({"weights": {}}, checkpoint)
    assert "has no model" in refused(DataLoss, tmp_path, checkpoint, meta).message
    checkpoint.write_bytes(whole)
    meta.write_bytes(b"not a pickle")
    assert "meta.pkl is damaged" in refused(DataLoss, tmp_path, checkpoint, meta).message


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    files = made.write(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(FailedPrecondition, match="out exists and is not an empty folder"):
        import_nanogpt(*files, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
