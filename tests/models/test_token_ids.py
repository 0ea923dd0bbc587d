"""Every id that ends a text or a turn, wherever a checkpoint lists it."""

import json

import pytest
from tiny_checkpoints import write_checkpoint, write_tokenizer

from inference_service import errors
from inference_service.models.families.llada import FAMILY
from inference_service.models.loading import load
from inference_service.models.token_ids import find_token_ids

VOCABULARY = 300


def found(config=None, generation=None, given=None):
    return find_token_ids({"mask_token_id": 299, **(config or {})}, generation or {}, None, given or {}, FAMILY,
                          VOCABULARY)


@pytest.mark.parametrize(("config", "generation", "ends"), [
    ({"eos_token_id": [7, 8, 9]}, {}, (7, 8, 9)),
    ({"eos_token_id": 7}, {"eos_token_id": [8, 7, 9]}, (7, 8, 9)),
    ({}, {"eos_token_id": [9, 8]}, (9, 8)),
    ({"eos_token_id": []}, {"eos_token_id": 8}, (8,)),
    ({"eos_token_id": None}, {}, ()),
    ({"eos_token_id": [7, 8], "eot_token_id": [8, 6]}, {"eot_token_id": 5}, (7, 8, 6, 5)),
])
def test_all_that_are_listed_count_once_and_the_first_of_a_role_is_its_id(config, generation, ends):
    ids = found(config, generation)
    assert ids.ends == ends
    assert ids.eos == (ends[0] if ends else None)


def test_an_id_that_was_given_goes_before_those_listed_for_its_role_or_takes_their_place():
    told = {"eos_token_id": [7, 8], "eot_token_id": 6}
    ids = found(told, given={"eos": 8})
    assert (ids.eos, ids.ends, ids.found["eos"]) == (8, (8, 7, 6), "given")
    assert found(told, given={"eos": 3}).ends == (3, 6)
    assert found(told, given={"eot": 3}).ends == (7, 8, 3)


@pytest.mark.parametrize("field", ["eos_token_id", "eot_token_id"])
def test_a_mask_among_the_ends_is_refused_and_giving_the_ids_helps(field):
    with pytest.raises(errors.InvalidField, match="must not be the mask's id, 299"):
        found({field: [7, 299]})
    assert found({field: [7, 299]}, given={field[:3]: 7}).ends == (7,)


@pytest.mark.parametrize("listed", [[7, VOCABULARY], [7, -1], [7, "8"], [7, True], [7, [8]], [7, 8.5], {"a": 1}])
def test_an_end_that_is_no_id_is_refused(listed):
    with pytest.raises(errors.DataLoss, match="as its eos token"):
        found(generation={"eos_token_id": listed})


def test_no_checkpoint_lists_more_ends_than_a_model_may_tell():
    assert len(found({"eos_token_id": list(range(64))}).ends) == 64
    with pytest.raises(errors.DataLoss, match="lists 65 ids that end a text; it must list at most 64"):
        found({"eos_token_id": list(range(65))})


def test_a_loaded_model_has_the_tokenizer_s_end_too(tmp_path):
    folder = write_tokenizer(write_checkpoint(tmp_path, eos_token_id=[20, 21]))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [22, 21]}))
    info = load(str(folder)).info
    assert (info.eos_token, info.eot_token, info.end_tokens) == (20, 259, (20, 259, 21, 22, 256))
