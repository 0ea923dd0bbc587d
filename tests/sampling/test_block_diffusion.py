"""Block diffusion as the public code decodes it: SDAR's dense models and dllm's bd3lm, token for token."""

import json
from dataclasses import replace

import pytest
import torch
from decoding import run
from safetensors.torch import load_file

from inference_service.models.attention import BlockCausal, Full
from inference_service.models.loading import load
from inference_service.sampling.samplers.dllm import due
from inference_service.sampling.samplers.sdar import share
from tests.conftest import GOLDEN
from tests.rounding import assert_same_logits

SDAR, BD3LM = (GOLDEN.with_name(name) for name in ("sdar", "a2d_bd3lm"))
OF_SDAR, OF_BD3LM = (json.loads((folder / "expected.json").read_text()) for folder in (SDAR, BD3LM))


@pytest.fixture(scope="module")
def sdar():
    return load(str(SDAR))


@pytest.fixture(scope="module")
def mdlm():
    return load(str(BD3LM), token_ids={"mask": OF_BD3LM["mask_token_id"]}, family="a2d-qwen3")


@pytest.fixture
def blocks(mdlm):
    """The same weights as a bd3lm: blocks(size, shifted)."""
    info = mdlm.info

    def blocks(size, shifted=False):
        mdlm.info = replace(info, attention=BlockCausal(size, blocks_from_start=True), shifted=shifted)
        return mdlm

    yield blocks
    mdlm.info = info


def logits_of(model, folder, name="logits"):
    stored = load_file(folder / "expected_logits.safetensors")
    ids = stored["input_ids"].tolist()
    return model.logits(ids, [range(len(row)) for row in ids]), stored[name]


# ---- what the models say ----

def test_sdar_s_logits(sdar):
    assert (sdar.info.family, sdar.info.attention, sdar.info.shifted) == ("sdar", BlockCausal(4), False)
    assert (sdar.info.default_sampler, sdar.info.mask_token, sdar.info.end_tokens) == ("sdar", 509, (284,))
    for found, expected in zip(*logits_of(sdar, SDAR), strict=True):
        assert_same_logits(found, expected)


def test_bd3lm_s_logits_are_those_of_its_weights_under_another_mask(mdlm, blocks):
    assert (mdlm.info.family, mdlm.info.attention) == ("a2d-qwen3", Full())
    for found, expected in zip(*logits_of(mdlm, BD3LM, "logits_bidirectional"), strict=True):
        assert_same_logits(found, expected)
    for found, expected in zip(*logits_of(blocks(OF_BD3LM["logits_block_size"]), BD3LM), strict=True):
        assert_same_logits(found, expected)


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("from_start", [False, True])
def test_what_stands_behind_a_block_changes_nothing_in_it_and_neither_do_others_in_the_batch(mdlm, blocks, size,
                                                                                             from_start):
    model = blocks(size)
    model.info = replace(model.info, attention=BlockCausal(size, from_start))
    start, canvas = 3, [*range(20, 40)]
    edges = [model.info.attention.reach(position, 20, start) for position in range(20)]
    whole, = model.logits([canvas], [range(20)], starts=[start])
    for edge in sorted(set(edges)):
        inside = range(edge)
        cut, = model.logits([canvas[:edge]], [inside], starts=[start])
        changed = [*canvas[:edge], *[7] * (20 - edge)]
        both = model.logits([changed, canvas[:5]], [inside, [4]], starts=[start, 0])
        assert_same_logits(cut, whole[:edge])
        assert_same_logits(both[0], whole[:edge])
    assert len(set(edges)) >= 4


# ---- what they write ----

def with_the_fault(model, case):
    """The answer by a plain loop over blocks that, as the public code, takes the best positions of a block also where
    fewer are open than a step asks for: then it decides decided ones again."""
    canvas = [*case["prompt"]]
    whole = -(-(len(canvas) + case["gen_length"]) // 4) * 4
    canvas += [None] * (whole - len(canvas))
    threshold = case.get("confidence_threshold", 1.0)
    for block in range(len(case["prompt"]) // 4, whole // 4):
        places, step = range(4 * block, 4 * block + 4), 0
        while None in canvas[places.start:places.stop]:
            ids = [model.info.mask_token if token is None else token for token in canvas[:places.stop]]
            p = model.logits([ids], [places])[0].softmax(-1)
            best, tokens = p.max(-1)
            opened = torch.tensor([canvas[place] is None for place in places])
            ranked = torch.where(opened, best, -torch.inf)
            count, sure = share(4, case["denoising_steps"], step), int((ranked > threshold).sum())
            dynamic = case["remasking_strategy"] == "low_confidence_dynamic" and sure >= count
            for row in ranked.topk(sure if dynamic else count).indices.tolist():
                canvas[places[row]] = int(tokens[row])
            step += 1
    return canvas[len(case["prompt"]):]


def as_sdar(model, case):
    """Ours by a case's arguments, on a canvas of whole blocks, as theirs is."""
    length = -(-(len(case["prompt"]) + case["gen_length"]) // 4) * 4 - len(case["prompt"])
    more = {"threshold": case["confidence_threshold"]} if "confidence_threshold" in case else {}
    return run(model, case["prompt"], length, "sdar", remasking=case["remasking_strategy"],
               denoising_steps=case["denoising_steps"], **more)


# Of the cases: a step asks for more positions than are open in its block, and a decided one gets another token.
OVERWRITTEN = [7, 8, 35, 38]


@pytest.mark.parametrize("number", range(len(OF_SDAR["generate"])))
def test_sdar_writes_what_its_own_code_writes(sdar, number):
    """Theirs ends after the block with the stop token; ours goes on."""
    case = OF_SDAR["generate"][number]
    decoded = as_sdar(sdar, case).tokens[len(case["prompt"]):][:len(case["expected"])]
    if number in OVERWRITTEN:
        assert with_the_fault(sdar, case)[:len(case["expected"])] == case["expected"] != decoded
    else:
        assert decoded == case["expected"]


@pytest.mark.parametrize("number", range(len(OF_SDAR["reference_faults"])))
def test_sdar_s_faults_are_not_ours(sdar, number):
    """Given tokens stay; a nearly sure block is not filled at once because only one candidate was let through."""
    case = OF_SDAR["reference_faults"][number]
    more = {"top_k": 1} if case.get("top_k") else {}
    decoded = run(sdar, case["prompt"], 4 * 4 - len(case["prompt"]) % 4, "sdar", remasking=case["remasking_strategy"],
                  denoising_steps=case["denoising_steps"], **more)
    assert decoded.tokens[:len(case["prompt"])] == case["prompt"]


@pytest.mark.parametrize("number", range(len(OF_BD3LM["generate"])))
def test_bd3lm_writes_what_its_own_code_writes(blocks, number):
    case = OF_BD3LM["generate"][number]
    decoded = run(blocks(case["block_size"], case["right_shift_logits"]), case["prompt"], case["max_new_tokens"],
                  "dllm", steps=case["steps"], remasking=case["remasking"])
    assert decoded.tokens[len(case["prompt"]):] == case["expected"]


@pytest.mark.parametrize("number", range(len(OF_BD3LM["generate_mdlm"])))
def test_mdlm_writes_what_its_own_code_writes(mdlm, number):
    case = OF_BD3LM["generate_mdlm"][number]
    decoded = run(mdlm, case["prompt"], case["max_new_tokens"], "dllm", steps=case["steps"],
                  remasking=case["remasking"], block_length=case["block_size"])
    assert decoded.tokens[len(case["prompt"]):] == case["expected"]


def test_bd3lm_leaves_no_mask_where_its_own_code_does(blocks):
    case, = OF_BD3LM["reference_faults"]
    decoded = run(blocks(case["block_size"], case["right_shift_logits"]), case["prompt"], case["max_new_tokens"],
                  "dllm", steps=case["steps"], remasking=case["remasking"])
    written = decoded.tokens[len(case["prompt"]):]
    first = case["expected"].index(OF_BD3LM["mask_token_id"])
    assert case["masks_left"] and OF_BD3LM["mask_token_id"] not in written
    assert written[:first] == case["expected"][:first]


# ---- the schedules ----

def test_sdar_shares_a_block_evenly_the_first_steps_the_remainder():
    assert [[share(4, steps, step) for step in range(steps)] for steps in (1, 2, 3, 4)] == [
        [4], [2, 2], [2, 1, 1], [1, 1, 1, 1]]


def test_dllm_shares_what_is_left_and_leaves_out_steps_without_a_position():
    def plan(positions, steps):
        step, counts = 0, []
        while positions:
            step, count, positions = due(positions, step, steps)
            counts.append(count)
        return counts

    assert plan(8, 8) == [1] * 8
    assert plan(5, 2) == [2, 3]  # a half to the even number
    assert plan(7, 2) == [4, 3]
    assert plan(16, 3) == [5, 5, 6]  # where thirds leave a little less than a half
    assert plan(3, 10) == [1, 1, 1]
    assert plan(8, 3) == [3, 2, 3]  # 8/3, 5/2, 3
