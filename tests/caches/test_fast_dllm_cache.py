"""Prefix and dual caches as Fast-dLLM's own code has them, token for token and pass for pass."""

import json

import pytest

from inference_service.engine import decoding
from inference_service.models.loading import load
from inference_service.sampling.samplers import fast_dllm
from inference_service.sessions.frame import CacheChoice, Settings
from tests.conftest import GOLDEN

OF_CODE = json.loads((GOLDEN.with_name("fast_dllm_cache") / "expected.json").read_text())
# Its dual loop ends with a block's steps, however few positions they have decided: those masks are not left here.
CASES = [case for case in OF_CODE["generate"] if not case.get("masks_left")]


@pytest.fixture(scope="module")
def model():
    return load(str(GOLDEN), token_ids={"mask": OF_CODE["mask_token_id"]})


def settings_of(case) -> Settings:
    block = {"block_length": case["block_length"]}
    cache = CacheChoice(case["cache"], {}) if case["cache"] else None
    if "threshold" in case:
        return Settings("fast_dllm", {**block, "threshold": case["threshold"]}, 0, cache=cache)
    if "factor" in case:
        return Settings("fast_dllm", {**block, "rule": "factor", "factor": case["factor"]}, 0, cache=cache)
    return Settings("llada", {**block, "steps": case["steps"]}, 0, cache=cache)


def decoded(model, *cases):
    return decoding.together(decoding.decode(model, case["prompt"], case["gen_length"], settings_of(case))
                             for case in cases)



@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(
    f"{name}={case[name]}" for name in ("cache", "gen_length", "block_length", "steps", "threshold", "factor")
    if name in case))
def test_the_tokens_and_the_passes_are_those_of_the_code(model, case, monkeypatch):
    if "note" in case:
        rule = fast_dllm.accepted
        monkeypatch.setattr(fast_dllm, "accepted", lambda ranked, factor: rule(ranked, factor) + (
            rule(ranked, factor) == len(ranked) - 1))
    found, = decoded(model, case)
    assert found.tokens[len(case["prompt"]):] == case["expected"]
    assert found.forwards == case["nfe"]


@pytest.mark.parametrize("cache", ["prefix", "dual"])
def test_canvases_of_different_lengths_go_together(model, cache):
    cases = [case for case in CASES if case["cache"] == cache and "note" not in case]
    lengths = {}
    for case in cases:
        lengths.setdefault(len(case["prompt"]) + case["gen_length"], case)
    some = [*lengths.values(), *cases][:5]
    assert len({len(case["prompt"]) + case["gen_length"] for case in some}) > 1
    for case, found in zip(some, decoded(model, *some), strict=True):
        assert found.tokens[len(case["prompt"]):] == case["expected"]
