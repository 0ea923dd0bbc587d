"""A corrupted text restored: what is given stays, what is masked is filled, and it is counted right."""

import pytest

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.engine.decoding import decode
from inference_service.engine.jobs import Forward
from inference_service.errors import InvalidField
from inference_service.inspection.recovery import Recovered, recover_job
from inference_service.models.attention import Full
from inference_service.models.loading import load
from inference_service.sampling.registry import SAMPLERS, suitable
from inference_service.sessions.frame import Settings
from tests.fakes import MASK, FakeDenoiser
from tests.inspection.running_jobs import finished

TEXT = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]
MASKED = [1, 2, 6, 9]


@pytest.mark.parametrize("sampler", [sampler.name for sampler in suitable(Full.offers)])
def test_every_sampler_fills_what_was_masked_and_nothing_else(sampler):
    model = FakeDenoiser()
    recovered = finished(recover_job(model, [7, 8], TEXT, MASKED, Settings(sampler, {}, 3)))
    assert (recovered.original, recovered.masked) == (TEXT, MASKED)
    assert len(recovered.restored) == len(TEXT) and MASK not in recovered.restored
    kept = [position for position in range(len(TEXT)) if position not in MASKED]
    assert [recovered.restored[position] for position in kept] == [TEXT[position] for position in kept]
    assert recovered.right == sum(TEXT[position] == recovered.restored[position] for position in MASKED)
    assert 0 < recovered.mean_probability <= 1
    assert 1 <= recovered.forward_count <= len(model.calls)


def test_it_is_what_a_prompt_with_holes_decodes_to():
    model, settings = FakeDenoiser(), Settings("llada", {"temperature": 1.0}, 3)
    canvas = [None if place in MASKED else token for place, token in enumerate(TEXT)]
    decoded = finished(decode(model, [7, 8, *canvas], 0, settings))
    recovered = finished(recover_job(model, [7, 8], TEXT, MASKED, settings))
    assert recovered.restored == decoded.tokens[2:]
    commits = [commit.probability for proposal in decoded.proposals for commit in proposal.commits]
    assert recovered.mean_probability == pytest.approx(sum(commits) / 4)
    assert recovered.forward_count == decoded.forwards == 4


def test_only_masked_positions_count():
    recovered = Recovered([1, 2, 3, 4], [1, 9, 3, 4], [1, 3], 0.5, 2)
    assert (recovered.right, recovered.accuracy) == (1, 0.5)


def test_the_job_waits_for_passes_and_closes():
    job = recover_job(FakeDenoiser(), [], TEXT, MASKED, Settings("llada", {}, 0))
    assert isinstance(next(job), Forward)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


def test_a_setting_that_does_not_fit():
    with pytest.raises(InvalidField) as caught:
        finished(recover_job(FakeDenoiser(), [], TEXT, MASKED, Settings("llada", {"steps": 0}, 0)))
    assert caught.value.field == "settings.parameters.steps"
    assert "low_confidence" in SAMPLERS["llada"].parameters.model_fields["remasking"].annotation.__args__


def test_the_model_that_ships_restores_what_it_knows():
    model = load(str(EMBEDDED_FOLDER))
    prompt = model.text.chat([{"role": "user", "content": "Reverse the digits 482135."}])
    text = model.text.encode("531284")
    recovered = finished(recover_job(model, prompt, text, [0, 2, 3, 5], Settings("llada", {}, 0)))
    assert recovered.restored == text and recovered.accuracy == 1.0
    assert recovered.mean_probability > 0.8
