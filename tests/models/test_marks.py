"""A diffusion checkpoint is never decoded as a causal one in silence, and whoever names the family is obeyed."""

import json

import pytest
from tiny_checkpoints import write_causal_checkpoint, write_stock_checkpoint, write_tokenizer

from inference_service import errors
from inference_service.models.attention import Causal, Full
from inference_service.models.library import Library, Source, read_catalog
from inference_service.models.loading import load
from inference_service.models.marks import marks_of_diffusion
from inference_service.models.recognise import recognise
from inference_service.models.registry import BY_NAME

# What public checkpoints of diffusion carry in a config.json that is otherwise a Llama's or a Qwen's.
MARKED = [
    {"mask_token_id": 96},
    {"mask_token_id": 0},
    {"mask_id": 96},
    {"block_size": 4},
    {"bd_size": 32},
    {"block_length": 32},
    {"is_causal": False},
    {"diffusion_steps": 64},
    {"dflash_config": {"mask_token_id": 96}},
    {"auto_map": {"AutoModelForCausalLM": "modeling_it.ItDiffusionModel"}},
    {"auto_map": {"AutoModel": "modeling_dream.DreamModel"}},
    {"architectures": ["StableDiffcoderForCausalLM"],
     "auto_map": {"AutoModelForCausalLM": "modeling_stable_diffcoder.StableDiffcoderForCausalLM"}},
    {"architectures": ["LlamaForCausalLM", "LlamaForMaskedLM"]},
]


def refused(folder, **more):
    with pytest.raises(errors.FailedPrecondition) as caught:
        load(str(folder), **more)
    error = caught.value
    assert error.reason in ("FAMILY_NEEDED", "UNKNOWN_FAMILY")
    assert [field for field, _ in error.fields] == ["family"]
    for name in BY_NAME:
        assert name in error.message
    return error.message


@pytest.mark.parametrize("marks", MARKED, ids=lambda marks: json.dumps(marks)[:40])
def test_a_config_with_marks_of_diffusion_is_refused_naming_the_choices_and_taken_as_the_one_named(tmp_path, marks):
    folder, _ = write_causal_checkpoint(tmp_path, "llama", written=marks)
    assert "looks like a diffusion model: its config.json " in refused(folder)
    info = load(str(folder), family="causal").info
    assert (info.family, info.attention) == ("causal", Causal())


@pytest.mark.parametrize("told", [{"mask_token_id": 96}, {"alg": "entropy"}, {"block_length": 8},
                                  {"remasking": "low_confidence"}])
def test_so_is_one_whose_generation_config_has_them(tmp_path, told):
    folder, _ = write_causal_checkpoint(tmp_path, "llama")
    (folder / "generation_config.json").write_text(json.dumps(told))
    assert f"its generation_config.json has {next(iter(told))} = " in refused(folder)


def test_so_is_one_whose_tokenizer_has_a_mask_of_a_family_s(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama", vocab_size=300)
    write_tokenizer(folder, mask_named=False)
    assert load(str(folder)).info.family == "causal"
    write_tokenizer(folder)
    assert "its tokenizer has a token <|mdm_mask|>" in refused(folder)
    assert load(str(folder), family="causal").info.family == "causal"


@pytest.mark.parametrize("config", [
    {"model_type": "llama", "mask_token_id": None, "block_size": None, "is_causal": True},
    {"model_type": "big_bird", "block_size": 64},
    {"model_type": "minimax", "block_size": 256},
    {"model_type": "xlm", "mask_token_id": 0, "mask_index": 5},
    {"model_type": "gemma2", "_diffusers_version": "0.33.1"},
    {"model_type": "phi3", "auto_map": {"AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"}},
    {"model_type": ["odd"], "auto_map": [1], "architectures": {"a": 1}},
])
def test_what_a_class_has_for_itself_is_no_mark(config):
    assert marks_of_diffusion(config, {"temperature": 0.7, "top_k": 20, "eos_token_id": [1, 2]}) == []


def test_a_stock_checkpoint_is_decoded_as_the_family_that_was_named(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="qwen2", mask_token_id=5)
    refused(folder)
    info = load(str(folder), family="dream").info
    assert (info.family, info.attention, info.shifted, info.mask_token) == ("dream", Full(), True, 5)
    assert load(str(folder), family="a2d-qwen2").info.shifted is False


def test_one_that_goes_from_block_to_block_says_how_to_have_it_all_the_same(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream", mask_token_id=5, block_size=4)
    with pytest.raises(errors.FailedPrecondition, match="from block to block.* name the family dream"):
        load(str(folder))
    assert load(str(folder), family="dream").info.family == "dream"


def test_a_family_that_is_none_or_has_no_class_for_it_is_refused_by_name(tmp_path):
    folder, _ = write_stock_checkpoint(tmp_path, "Qwen2ForCausalLM", model_type="Dream", mask_token_id=5)
    with pytest.raises(errors.InvalidField, match=f"family: must be one of {', '.join(BY_NAME)}, is 'qwen'"):
        load(str(folder), family="qwen")
    with pytest.raises(errors.InvalidField, match="family: 'causal' has no stock class for a model_type 'Dream'"):
        recognise(folder, "x", {}, family="causal")


def test_a_catalog_names_the_family_and_a_server_that_of_its_default_model(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path / "model", "llama", written={"mask_token_id": 96})
    (tmp_path / "models.toml").write_text(f'[mine]\nsource = "{folder}"\nfamily = "causal"\n')
    catalog = read_catalog(tmp_path / "models.toml")
    assert catalog["mine"] == Source(str(folder), family="causal")
    assert Library(catalog=catalog).load("mine").info.family == "causal"
    library = Library(str(folder), family="causal")
    assert library.load("").info.family == library.load("", family="causal").info.family == "causal"
    with pytest.raises(errors.FailedPrecondition, match="in memory as causal") as caught:
        library.load("", family="illada")
    assert caught.value.reason == "MODEL_LOADED"
