"""What a family's own code generates with where nothing is said."""

import json
import shutil

import pytest
from tiny_checkpoints import DREAM_GOLDEN, GOLDEN

from inference_service import errors
from inference_service.models.loading import load


def dream(folder, config=None, generation=None):
    shutil.copytree(DREAM_GOLDEN, folder, dirs_exist_ok=True)
    told = json.loads((folder / "config.json").read_text()) | (config or {})
    (folder / "config.json").write_text(json.dumps(told))
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    return str(folder)


@pytest.mark.parametrize(("config", "generation", "defaults"), [
    ({}, None, {"top_k": 50}),
    ({"top_k": 7}, None, {"top_k": 7}),
    ({"top_k": None}, None, {}),
    ({"top_k": 7}, {"top_k": 9, "temperature": 0.2}, {"top_k": 9, "temperature": 0.2}),
    ({"top_k": None}, {"top_k": 9}, {"top_k": 9}),
    ({"temperature": 0.4, "top_p": 0.9}, {"top_p": 0.95, "eps": 0.01, "alg": "origin", "steps": 512, "alg_temp": None},
     {"temperature": 0.4, "top_p": 0.95, "eps": 0.01, "alg": "origin", "steps": 512, "top_k": 50}),
    ({}, {"_from_model_config": True, "max_length": 20, "eos_token_id": 509}, {"top_k": 50}),
])
def test_dream_has_what_its_configs_say_and_else_the_library_s_top_k(tmp_path, config, generation, defaults):
    info = load(dream(tmp_path, config, generation)).info
    assert info.defaults_of("dream") == defaults
    assert info.defaults_of("llada") == {}


@pytest.mark.parametrize(("told", "words"), [
    ({"top_k": -1}, "top_k as a default of generation: it must be a whole number from 0"),
    ({"temperature": "warm"}, "temperature as a default of generation: it must be a number from 0"),
    ({"alg": "best"}, "alg as a default of generation: it must be one of origin"),
])
def test_a_default_that_the_sampler_does_not_take_is_refused_by_name(tmp_path, told, words):
    with pytest.raises(errors.DataLoss, match=words):
        load(dream(tmp_path, generation=told))


def test_llada_has_the_sampler_s():
    assert load(str(GOLDEN)).info.defaults == ()
