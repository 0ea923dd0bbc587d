"""Any causal model of transformers: its logits are its own class's, with what was computed before kept and without."""

import pytest
import torch
import transformers

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.attention import Causal
from inference_service.models.cached import Cached
from inference_service.models.loading import load
from inference_service.models.registry import family_of
from inference_service.models.shelf import Shelf
from tests.rounding import assert_same_logits

SMALL = {"vocab_size": 61, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 48, "max_position_embeddings": 64}
KINDS = {
    "llama": (transformers.LlamaConfig, {"num_key_value_heads": 2}),
    "qwen2": (transformers.Qwen2Config, {"num_key_value_heads": 2, "tie_word_embeddings": True}),
    "qwen3": (transformers.Qwen3Config, {"num_key_value_heads": 2, "head_dim": 8}),
    "mistral, which sees a window": (transformers.MistralConfig, {"num_key_value_heads": 2, "sliding_window": 6}),
    "gemma2, which caps its logits": (transformers.Gemma2Config, {
        "num_key_value_heads": 2, "head_dim": 8, "final_logit_softcapping": 5.0, "sliding_window": 6}),
    "granite, which scales them": (transformers.GraniteConfig, {"num_key_value_heads": 2, "logits_scaling": 4.0}),
    "gpt2": (transformers.GPT2Config, {}),
    "gpt_neox, with a head of another name": (transformers.GPTNeoXConfig, {}),
}
TOKENS = list(range(3, 25))


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    """A Denoiser of a tiny checkpoint, and the same checkpoint in its own class."""
    config_class, more = KINDS[request.param]
    names = SMALL if config_class is not transformers.GPT2Config else {
        "vocab_size": 61, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "n_inner": 48}
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("causal")
    ids = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    made = transformers.AutoModelForCausalLM.from_config(config_class(**names, **ids, **more))
    for weight in made.parameters():  # so large that rounding is far below what tokens differ by
        weight.data.mul_(4)
    made.save_pretrained(folder)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return load(str(folder)), plain


def whole(plain, tokens):
    with torch.inference_mode():
        return plain(input_ids=torch.tensor([tokens])).logits[0]


def test_the_logits_are_its_own_class_s(pair):
    denoiser, plain = pair
    info = denoiser.info
    assert isinstance(denoiser, Cached)
    assert (info.family, info.attention, info.default_sampler, info.context_length) == (
        "causal", Causal(), "autoregressive", 64)
    wanted = [1, 5, len(TOKENS)]
    found = denoiser.logits([[*TOKENS, 0]], [wanted])[0]
    assert_same_logits(found, whole(plain, TOKENS)[[position - 1 for position in wanted]])


def test_what_is_kept_changes_no_logit_whatever_way_a_text_goes(pair):
    """Grown by one, by several, taken back, changed in the middle, another text: cropped wherever it differs."""
    denoiser, plain = pair
    way = [TOKENS[:4], TOKENS[:5], TOKENS[:12], TOKENS[:13], TOKENS[:7], [*TOKENS[:3], 50, *TOKENS[4:20]],
           TOKENS, TOKENS[:2], [9], TOKENS[:21]]
    for tokens in way:
        found = denoiser.logits([[*tokens, 0]], [[len(tokens)]], ["one"])[0][0]
        expected = whole(plain, tokens)[-1]
        assert_same_logits(found, expected)
        assert found.argmax() == expected.argmax()


def test_texts_of_different_lengths_go_together(pair):
    denoiser, plain = pair
    texts = [TOKENS[:3], TOKENS[:9], TOKENS]
    together = denoiser.logits([[*text, 0] for text in texts], [[len(text)] for text in texts])
    for text, found in zip(texts, together, strict=True):
        assert_same_logits(found[0], whole(plain, text)[-1])


def test_nothing_stands_before_the_first_position(pair):
    with pytest.raises(InvalidField, match="positions: must be 1 or later"):
        pair[0].logits([[1, 2]], [[0]])


def test_what_is_kept_stays_within_its_budget(tmp_path):
    made = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL, eos_token_id=1))
    made.save_pretrained(tmp_path)
    denoiser = load(str(tmp_path))
    once = Cached(denoiser.info, denoiser.model, shelf=Shelf(0))
    for key in "abc":
        once.logits([[*TOKENS, 0]], [[len(TOKENS)]], [key])
    assert once.shelf.size == 0
    few = Cached(denoiser.info, denoiser.model, shelf=Shelf(100_000))
    for key in range(20):
        few.logits([[*TOKENS, 0]], [[len(TOKENS)]], [str(key)])
    number = denoiser.info.load_number
    assert 0 < few.shelf.size <= 100_000
    assert few.shelf.get(number, "19") and few.shelf.get(number, "0") is None


@pytest.mark.parametrize(("config", "words"), [
    ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "is not one this server knows"),
    ({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}, "is not one this server knows"),
    ({"model_type": "made-up"}, "and the causal models of transformers"),
])
def test_what_does_not_write_from_left_to_right_is_none(config, words):
    with pytest.raises(FailedPrecondition, match=words):
        family_of(config)


def test_one_of_several_models_is_refused(tmp_path):
    from inference_service.models.families.causal import settings

    with pytest.raises(FailedPrecondition, match="made of several models"):
        settings({"model_type": "gemma3", "architectures": ["Gemma3ForCausalLM"]})


def test_missing_weights_are_named(tmp_path):
    from safetensors.torch import load_file, save_file

    from inference_service.errors import DataLoss

    transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL)).save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataLoss, match="model.layers.1.mlp.up_proj.weight"):
        load(str(tmp_path))
