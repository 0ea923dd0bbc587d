"""The plain loops that caches are measured against are those of the published code."""

import json

import pytest
import transformers

from benchmarks.peers import fast_dllm
from inference_service.models.loading import load
from tests.conftest import GOLDEN

OF_CODE = json.loads((GOLDEN.with_name("fast_dllm_cache") / "expected.json").read_text())
CASES = [case for case in OF_CODE["generate"] if "factor" not in case and not case.get("masks_left")]


@pytest.fixture(scope="module")
def network():
    body = load(str(GOLDEN)).body
    whole = transformers.LlamaForCausalLM(body.config)
    whole.model, whole.lm_head = body, load(str(GOLDEN)).head
    return fast_dllm.Network(whole)


@pytest.mark.parametrize("cache", [None, "prefix", "dual"])
def test_the_plain_loop_gives_the_published_tokens(network, cache):
    for case in [case for case in CASES if case["cache"] == cache][::3]:
        found = fast_dllm.decode(network, case["prompt"], case["gen_length"], case["block_length"],
                                 OF_CODE["mask_token_id"], cache, case["steps"], case.get("threshold"))
        assert found.tokens[len(case["prompt"]):] == case["expected"]
        assert found.forwards == case["nfe"]
