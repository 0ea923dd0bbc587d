"""LLaDA in the stock Llama class computes what the public reference computes."""

import pytest
import torch
import torch.nn.functional as F
from tiny_checkpoints import llada_config, random_weights, write_checkpoint

from inference_service.errors import InvalidField
from inference_service.models.loading import load
from tests.rounding import assert_same_logits


@pytest.fixture(params=["golden", "exact_golden"])
def model(request):
    """As it is served, and in float64."""
    return request.getfixturevalue(request.param)


def test_equal_to_the_reference(model, golden_logits):
    ids = golden_logits["input_ids"].tolist()
    for logits, expected in zip(model.logits(ids, [range(24)] * 2), golden_logits["logits"], strict=True):
        assert logits.dtype == torch.float32
        assert_same_logits(logits, expected)


def test_equal_to_the_reference_left_padded(model, golden_logits):
    with torch.inference_mode():
        hidden = model.body(
            input_ids=golden_logits["input_ids"], attention_mask=golden_logits["attention_mask"], use_cache=False
        ).last_hidden_state
        logits = model.head(hidden)
    assert_same_logits(logits, golden_logits["logits_left_padded"])


def test_canvases_of_different_length_go_together(golden, golden_logits):
    long, short = golden_logits["input_ids"].tolist()
    logits = golden.logits([long, short[6:]], [range(24), range(18)])
    assert_same_logits(logits[0], golden_logits["logits_left_padded"][0])
    assert_same_logits(logits[1], golden_logits["logits_left_padded"][1, 6:])


def test_only_the_wanted_rows_pass_the_head(golden, golden_logits):
    ids = golden_logits["input_ids"].tolist()
    rows = []
    watch = golden.head.register_forward_hook(lambda head, inputs, output: rows.append(inputs[0].shape[0]))
    few = golden.logits(ids, [[7, 3], []])
    watch.remove()
    assert rows == [2]
    assert few[1].shape == (0, 512)
    assert_same_logits(few[0], golden_logits["logits"][0, [7, 3]])


def test_nothing_wanted_needs_no_forward_pass(golden):
    assert [tuple(rows.shape) for rows in golden.logits([[1, 2], [3]], [[], []])] == [(0, 512), (0, 512)]
    assert golden.logits([], []) == []


def test_every_position_sees_every_other(golden):
    canvas = [5, 6, 7, 8, 9]
    first = golden.logits([canvas, [*canvas[:-1], 10]], [[0], [0]])
    assert (first[0] - first[1]).abs().max() > 0.01


@pytest.mark.parametrize(
    ("canvases", "positions", "field"),
    [
        ([[]], [[]], "canvas"),
        ([[1] * 513], [[0]], "canvas"),
        ([[512]], [[0]], "canvas"),
        ([[-1]], [[0]], "canvas"),
        ([[1, 2]], [[2]], "positions"),
        ([[1, 2]], [[-1]], "positions"),
        ([[1, 2]], [], "positions"),
    ],
)
def test_what_the_model_does_not_have_is_refused(golden, canvases, positions, field):
    with pytest.raises(InvalidField) as caught:
        golden.logits(canvases, positions)
    assert caught.value.field == field


def plain_llada(config, weights, ids):
    """LLaDA's forward pass written out, as a second opinion where there is no golden."""
    heads, keys = config["n_heads"], config["n_kv_heads"]
    size = config["d_model"] // heads
    x = weights["model.transformer.wte.weight"][ids]
    angles = torch.arange(len(ids))[:, None] * config["rope_theta"] ** (-torch.arange(0, size, 2) / size)
    cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)

    def norm(x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + config["rms_norm_eps"]) * weights[name]

    def turned(x):
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat([-b, a], -1) * sin

    for i in range(config["n_layers"]):
        block = f"model.transformer.blocks.{i}."
        n = norm(x, block + "attn_norm.weight")
        q, k, v = (
            (n @ weights[f"{block}{name}.weight"].T).view(len(ids), count, size).transpose(0, 1)
            for name, count in (("q_proj", heads), ("k_proj", keys), ("v_proj", keys))
        )
        k, v = (part.repeat_interleave(heads // keys, 0) for part in (turned(k), v))
        mixed = (turned(q) @ k.transpose(1, 2) / size**0.5).softmax(-1) @ v
        x = x + mixed.transpose(0, 1).reshape(len(ids), -1) @ weights[block + "attn_out.weight"].T
        n = norm(x, block + "ff_norm.weight")
        gate, up = (n @ weights[f"{block}{name}.weight"].T for name in ("ff_proj", "up_proj"))
        x = x + (F.silu(gate) * up) @ weights[block + "ff_out.weight"].T
    head = "wte" if config["weight_tying"] else "ff_out"
    return norm(x, "model.transformer.ln_f.weight") @ weights[f"model.transformer.{head}.weight"].T


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_kv_heads": 2},
        {"n_kv_heads": 1},
        {"weight_tying": True},
        {"n_kv_heads": 2, "weight_tying": True, "rope_theta": 10000.0, "rms_norm_eps": 1e-6},
        {"embedding_size": None},
    ],
)
def test_variants_equal_the_written_out_forward_pass(tmp_path, changes):
    config = llada_config(**changes)
    weights = random_weights(config)
    denoiser = load(str(write_checkpoint(tmp_path, weights=weights, **changes)))
    ids = [3, 299, 17, 250, 4, 299]
    logits = denoiser.logits([ids], [range(6)])[0]
    assert_same_logits(logits, plain_llada(config, weights, ids))
    assert denoiser.info.parameter_count == sum(weight.numel() for weight in weights.values())


def test_rows_that_only_round_up_the_head_are_forbidden(tmp_path):
    denoiser = load(str(write_checkpoint(tmp_path, embedding_size=304)))
    assert denoiser.info.vocabulary_size == 304
    assert denoiser.info.forbidden_tokens == (299, 300, 301, 302, 303)
