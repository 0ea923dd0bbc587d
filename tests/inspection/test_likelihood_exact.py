"""The enumerated likelihood, against the reference's numbers, and the chain rule, against the stock class."""

import json

import pytest
import torch
import transformers

from inference_service.errors import InvalidField
from inference_service.inspection import likelihood
from inference_service.inspection.likelihood import score_job
from inference_service.models.attention import Causal
from inference_service.models.cached import Cached
from inference_service.models.denoiser import ModelInfo
from tests.conftest import GOLDEN
from tests.inspection.running_jobs import finished

CASES = json.loads((GOLDEN / "expected.json").read_text())["log_likelihood"]


def exact(model, prompt, answer, **more):
    return finished(score_job(model, prompt, answer, exact=True, **more))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("positions", [1, 100, 8192])
def test_equal_to_the_reference(golden_model, case, positions, monkeypatch):
    monkeypatch.setattr(likelihood, "MOST_TOKENS", positions)  # of a pass: one canvas, a few, all
    monkeypatch.setattr(likelihood, "MOST_DOUBLE", positions * 10)  # at a time: one row, two rows, all
    told = exact(golden_model, case["prompt"], case["answer"])
    assert told.log_likelihood == pytest.approx(case["log_likelihood"], abs=1e-3)
    assert told.exact and told.standard_error is None
    assert told.done == told.total == 2 ** len(case["answer"]) - 1
    assert told.notes == (likelihood.BOUND,)


def test_one_token_is_its_own_log_probability_and_no_bound(golden_model):
    logits = golden_model.logits([[5, 6, golden_model.info.mask_token]], [[2]])[0][0]
    told = finished(score_job(golden_model, [5, 6], [7], samples=50))
    assert told.log_likelihood == pytest.approx(logits.log_softmax(-1)[7].item(), abs=1e-4)
    assert told.exact and told.total == 1 and not told.notes


def test_guidance_is_on_the_logits_of_the_answer_with_and_without_its_prompt(golden_model):
    mask = golden_model.info.mask_token
    seen, unseen = golden_model.logits([[5, 6, mask], [mask, mask, mask]], [[2], [2]])
    guided = (unseen + 2.5 * (seen - unseen)).log_softmax(-1)[0, 7].item()
    told = finished(score_job(golden_model, [5, 6], [7], cfg_scale=1.5))
    assert told.log_likelihood == pytest.approx(guided, abs=1e-4)
    assert told.notes == (likelihood.GUIDED,)
    assert told.log_likelihood != pytest.approx(exact(golden_model, [5, 6], [7]).log_likelihood, abs=1e-3)


def test_a_prompt_may_be_empty(golden_model):
    assert exact(golden_model, [], [7, 8]).log_likelihood < 0


def test_what_is_known_is_told_on_the_way(golden_model, monkeypatch):
    monkeypatch.setattr(likelihood, "MOST_TOKENS", 50)
    told = []
    last = exact(golden_model, [1, 2], [3, 4, 5, 6], emit=told.append)
    assert told[-1] == last
    assert [one.done for one in told] == [8, 15]
    assert [one.exact for one in told] == [False, True]


@pytest.mark.parametrize("answer, more, field", [
    ([], {}, "answer"),
    ([2] * 13, {"exact": True}, "exact"),
    ([511], {}, "answer"),
    ([2] * 510, {}, "answer"),
])
def test_what_cannot_be_scored(golden_model, answer, more, field):
    assert golden_model.info.mask_token == 511
    with pytest.raises(InvalidField) as caught:
        finished(score_job(golden_model, [1, 2, 3], answer, **more))
    assert caught.value.field == field


# ---- left to right ----

@pytest.fixture(scope="module")
def causal():
    torch.manual_seed(3)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64)).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    info = ModelInfo("tiny", "causal", 0, "float32", "cpu", 64, 40, None, None, None, None, (), "", shifted=True,
                     attention=Causal())
    return Cached(info, model)


@pytest.mark.parametrize("numbers", [1, 200, 1 << 26])
def test_the_chain_rule_is_what_the_stock_class_says_of_the_whole(causal, numbers, monkeypatch):
    monkeypatch.setattr(likelihood, "MOST_LOGITS", numbers)  # of a pass: one row, five rows, all
    prompt, answer = [1, 9, 4], [5, 5, 30, 2, 17, 8, 21]
    with torch.inference_mode():
        logs = causal.model(torch.tensor([[*prompt, *answer]])).logits[0].double().log_softmax(-1)
    each = [logs[len(prompt) - 1 + place, token].item() for place, token in enumerate(answer)]
    told = finished(score_job(causal, prompt, answer, samples=9, exact=True))
    assert told.token_log_likelihoods == pytest.approx(each, abs=1e-5)
    assert told.log_likelihood == pytest.approx(sum(each), abs=1e-5)
    assert told.exact and told.standard_error is None and not told.notes
    assert told.done == told.total == len(answer)


@pytest.mark.parametrize("prompt, more, field", [([], {}, "prompt"), ([1], {"cfg_scale": 1.0}, "cfg_scale")])
def test_what_left_to_right_cannot_say(causal, prompt, more, field):
    with pytest.raises(InvalidField) as caught:
        finished(score_job(causal, prompt, [3, 4], **more))
    assert caught.value.field == field
