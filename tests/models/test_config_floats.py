"""Numbers that JSON has none for, as releases of transformers write them."""

import json
import math

import pytest
from tiny_checkpoints import write_causal_checkpoint, write_checkpoint

from inference_service.models.checkpoint import inspect
from inference_service.models.fields import with_floats
from inference_service.models.loading import load


@pytest.mark.parametrize(("written", "read"), [
    ({"__float__": "Infinity"}, math.inf),
    ({"__float__": "-Infinity"}, -math.inf),
    ([0.0, {"__float__": "Infinity"}], [0.0, math.inf]),
    ({"a": {"b": [{"__float__": "-Infinity"}]}}, {"a": {"b": [-math.inf]}}),
    ({"__float__": "Infinity", "more": 1}, {"__float__": "Infinity", "more": 1}),
    ({"__float__": "huge"}, {"__float__": "huge"}),
    ({"__float__": [1]}, {"__float__": [1]}),
])
def test_what_stands_for_a_float_is_read_as_it(written, read):
    assert with_floats(written) == read


def test_not_a_number_is_none():
    assert math.isnan(with_floats({"__float__": "NaN"}))


@pytest.mark.parametrize("text", ['{"__float__": "Infinity"}', "Infinity"], ids=["transformers 5", "transformers 4"])
def test_of_every_family_and_of_both_configs(tmp_path, text):
    folder = write_checkpoint(tmp_path)
    for name in ("config.json", "generation_config.json"):
        told = json.loads((folder / name).read_text()) if name == "config.json" else {}
        (folder / name).write_text(json.dumps({**told, "odd": 0}).replace('"odd": 0', f'"odd": {text}'))
    checkpoint = inspect(folder, "x")
    assert checkpoint.config["odd"] == checkpoint.generation["odd"] == math.inf
    assert load(str(folder)).info.family == "llada"


def test_as_the_library_itself_writes_one(tmp_path):
    folder, model = write_causal_checkpoint(
        tmp_path, "mamba2", num_key_value_heads=None, num_attention_heads=None, intermediate_size=None,
        max_position_embeddings=None, num_heads=8, head_dim=8, state_size=16, n_groups=1, expand=2, chunk_size=8)
    assert math.inf in model.config.time_step_limit
    assert "__float__" in (folder / "config.json").read_text()
    assert list(load(str(folder)).model.config.time_step_limit) == list(model.config.time_step_limit)
