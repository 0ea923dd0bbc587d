"""Training is deterministic, goes on where it stopped, and its result loads as a LLaDA checkpoint."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from embedded_model import corpus
from embedded_model import train as training
from embedded_model.data import batches
from embedded_model.export import export
from embedded_model.network import Network, Shape
from embedded_model.tokenizer import shared
from embedded_model.train import Recipe, causal_loss_of, loss_of, rate, train
from inference_service.models.attention import Causal
from tests.rounding import assert_same_logits

SMALL = Shape(width=32, layers=1, heads=2, mlp=32)
SHORT = Recipe(rates=((0, 1.0), (6, 0.0)), batch_tokens=512)


def run(path, stop=None):
    return train(SHORT, path, SMALL, compiled=False, save_every=3, stop=stop).state_dict()


def test_the_rates_are_linear_between_their_knots():
    recipe = Recipe(rates=((0, 0.0), (10, 1.0), (20, 1.0), (40, 0.0)))
    assert recipe.steps == 40
    assert [rate(recipe, step) for step in (0, 5, 10, 15, 30, 40)] == pytest.approx([0, 0.5, 1, 1, 0.5, 0])


def test_the_same_seed_gives_the_same_weights_also_after_a_stop(tmp_path):
    whole = run(tmp_path / "whole.pt")
    run(tmp_path / "halves.pt", stop=3)
    halves = run(tmp_path / "halves.pt")
    for name, tensor in whole.items():
        assert torch.equal(tensor, halves[name]), name


def test_sums_are_kept_in_one_order_and_only_while_it_trains(tmp_path, monkeypatch):
    """Compiled code adds the embedding's gradients as threads come unless it is told not to."""
    seen = []

    def watched(*arguments):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return loss_of(*arguments)

    monkeypatch.setattr(training, "loss_of", watched)
    run(tmp_path / "one.pt")
    assert seen == [True] * SHORT.steps
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    run(tmp_path / "one.pt", stop=3)
    with pytest.raises(SystemExit, match="another recipe"):
        train(Recipe(rates=((0, 1.0), (9, 0.0))), tmp_path / "one.pt", SMALL, compiled=False)


def test_the_export_is_a_llada_checkpoint(tmp_path):
    run(tmp_path / "one.pt", stop=3)
    export(tmp_path / "one.pt", tmp_path / "weights")
    config = json.loads((tmp_path / "weights/config.json").read_text())
    assert config["model_type"] == "llada" and "auto_map" not in config
    tensors = load_file(tmp_path / "weights/model.safetensors")
    assert {name.removeprefix("model.transformer.") for name in tensors} == set(Network(SMALL).state_dict())
    assert all(tensor.dtype == torch.bfloat16 for tensor in tensors.values())


def test_the_export_goes_through_the_service_s_loader(tmp_path):
    from inference_service.models.loading import load

    run(tmp_path / "one.pt", stop=3)
    export(tmp_path / "one.pt", tmp_path / "weights")
    denoiser = load(str(tmp_path / "weights"))
    prompt = denoiser.text.chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}])
    assert denoiser.text.decode(prompt).split("\n\n") == ["system", "Be brief.user", "Helloassistant", ""]
    network = Network(SMALL)
    network.load_state_dict(torch.load(tmp_path / "one.pt")["network"])
    for parameter in network.parameters():
        parameter.data = parameter.data.bfloat16().float()
    with torch.inference_mode():
        ours = network(torch.tensor([prompt]))
    (theirs,) = denoiser.logits([prompt], [list(range(len(prompt)))])
    assert_same_logits(ours, theirs)


# ---- the twin that writes from left to right ----

LEFT_TO_RIGHT = Shape(width=32, layers=1, heads=2, mlp=32, causal=True)


def test_its_loss_is_the_cross_entropy_of_the_next_token():
    """Against a plain loop over the learnt positions."""
    torch.manual_seed(0)
    network = Network(LEFT_TO_RIGHT)
    batch = next(batches(3, shared(), 512, LEFT_TO_RIGHT.context))
    loss = causal_loss_of(network, batch)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(batch.targets).float().view(*batch.targets.shape, -1)
    total = 0.0
    for sample, weights in enumerate(batch.weight):
        for position in range(1, len(weights)):
            if weights[position] > 0:
                token = batch.targets[sample, position]
                total -= weights[position] * logits[sample, position - 1].log_softmax(-1)[token]
    torch.testing.assert_close(loss, total / batch.weight.sum(), atol=1e-3, rtol=1e-3)


def test_the_mixtures_come_as_fast_as_the_pace_says(monkeypatch):
    """At a pace of 1,000 the second mixture, from batch 6,000 on, is there within a few batches."""
    asked = []
    mixture = corpus.mixture
    monkeypatch.setattr(corpus, "mixture", lambda batch: asked.append(batch) or mixture(batch))
    stream = batches(1, shared(), 512, 256, pace=1000.0)
    for _ in range(400):
        next(stream)
    assert asked[0] == 0 and max(asked) > 6_000
    assert all(batch % 1000 == 0 for batch in asked)


def test_its_export_is_a_plain_llama_that_writes(tmp_path):
    from inference_service.models.loading import load

    state = train(SHORT, tmp_path / "one.pt", LEFT_TO_RIGHT, compiled=False, stop=3).state_dict()
    export(tmp_path / "one.pt", tmp_path / "weights")
    denoiser = load(str(tmp_path / "weights"), family="causal")
    assert (denoiser.info.family, denoiser.info.attention) == ("causal", Causal())
    network = Network(LEFT_TO_RIGHT)
    network.load_state_dict(state)
    for parameter in network.parameters():
        parameter.data = parameter.data.bfloat16().float()
    tokens = denoiser.text.chat([{"role": "user", "content": "Hello"}])
    with torch.inference_mode():
        ours = network(torch.tensor([tokens]))
    (theirs,) = denoiser.logits([[*tokens, 0]], [list(range(1, len(tokens) + 1))])
    assert_same_logits(ours, theirs)
