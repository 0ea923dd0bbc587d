"""When a device cannot do it: smaller batches, then float32 on the CPU. The failures are injected."""

import pytest
import torch

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.errors import Exhausted
from inference_service.inspection.attribution import fallback, gradients
from inference_service.inspection.attribution.attribute import BATCH_TOKENS, Unusable, attribute
from inference_service.inspection.attribution.question import question
from inference_service.models.cpu_copy import is_plain, on_cpu
from inference_service.models.loading import load
from tests.rounding import assert_same_logits

TOKENS = [3, 17, 42, 9, 120, 77, 8, 61]


@pytest.fixture(scope="module")
def half():
    """The model that ships, in half precision."""
    return load(str(EMBEDDED_FOLDER), dtype="bfloat16")


def test_a_copy_computes_what_a_float32_model_does(half, embedded, left_to_right):
    made = on_cpu(half)
    assert is_plain(made)
    assert not is_plain(half)
    assert made.body.dtype == torch.float32
    assert half.body.dtype == torch.bfloat16, "the original is as it was"
    assert_same_logits(made.logits([TOKENS], [[2, 5]])[0], embedded.logits([TOKENS], [[2, 5]])[0])
    again = on_cpu(left_to_right)
    assert again.body is not left_to_right.body
    assert torch.equal(again.logits([TOKENS], [[2, 5]])[0], left_to_right.logits([TOKENS], [[2, 5]])[0])


def test_half_precision_comes_near_float32(run, half, embedded):
    for method in ("ablation", "input_x_gradient", "integrated_gradients"):
        more = {"steps": 32} if method == "integrated_gradients" else {}
        exact, near = (run(attribute(model, question(TOKENS, model.info, 5, method=method, **more)))
                       for model in (embedded, half))
        assert near.target == pytest.approx(exact.target, abs=0.3)
        one, other = torch.tensor(exact.scores), torch.tensor(near.scores)
        assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.9, method


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), 0.0])
def test_numbers_that_mean_nothing_are_not_answered(run, half, monkeypatch, broken):
    real = gradients.gradient

    def failing(denoiser, *more):
        values, found = real(denoiser, *more)
        return values, found if is_plain(denoiser) else found * broken

    monkeypatch.setattr(gradients, "gradient", failing)
    asked = question(TOKENS, half.info, 5, method="input_x_gradient")
    with pytest.raises(Unusable, match="bfloat16") as caught:
        run(attribute(half, asked))
    copy, batch, why = fallback.after(caught.value, half, BATCH_TOKENS)
    assert (copy.info.device, copy.info.dtype, batch) == ("cpu", "float32", BATCH_TOKENS)
    assert "bfloat16" in why
    assert "float32 on the CPU" in why
    found = run(attribute(copy, asked))
    assert any(found.scores)
    assert found.device == "cpu"


def test_zeros_of_a_float32_model_are_an_answer(run, embedded, monkeypatch):
    real = gradients.gradient
    monkeypatch.setattr(gradients, "gradient", lambda *more: (real(*more)[0], real(*more)[1] * 0.0))
    found = run(attribute(embedded, question(TOKENS, embedded.info, 5, method="input_x_gradient")))
    assert not any(found.scores)
    assert any("Every score is zero" in note for note in found.notes)


def test_memory_that_runs_out_takes_smaller_batches_first(half):
    full = Exhausted("too little memory", reason="OUT_OF_MEMORY")
    same, batch, why = fallback.after(full, half, BATCH_TOKENS)
    assert same is half
    assert batch == 1
    assert "one canvas at a time" in why
    copy, batch, why = fallback.after(full, half, 1)
    assert is_plain(copy)
    assert "ran out of memory" in why


def test_what_cannot_be_mended_is_said(half, embedded):
    busy = Exhausted("too many wait", reason="QUEUE_FULL")
    with pytest.raises(Exhausted):
        fallback.after(busy, half, BATCH_TOKENS)
    with pytest.raises(Unusable):
        fallback.after(Unusable("not finite"), embedded, BATCH_TOKENS)


def test_a_copy_that_does_not_fit_is_refused_before_it_is_made(half, monkeypatch):
    monkeypatch.setattr("inference_service.models.memory.free_ram", lambda: 1000)
    with pytest.raises(Exhausted, match="this machine"):
        on_cpu(half)


def test_a_batch_of_one_canvas_gives_the_same(run, embedded, left_to_right):
    for model in (embedded, left_to_right):
        asked = question(TOKENS, model.info, 5, method="ablation")
        many, few = run(attribute(model, asked)), run(attribute(model, asked, batch_tokens=1))
        assert many.scores == pytest.approx(few.scores, abs=1e-4)
