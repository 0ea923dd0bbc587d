"""A model in memory is of one set of files, whatever becomes of them: its numbers are its own, known by a digest."""

import threading
from concurrent.futures import Future

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import write_checkpoint

from inference_service.errors import DataLoss
from inference_service.models.leaving import Leaving
from inference_service.models.loading import load

WAIT = 60


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_file_that_is_written_over_in_place_changes_nothing_in_memory(tmp_path, stored, dtype):
    folder = write_checkpoint(tmp_path / "tiny")
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight.to(stored) for name, weight in weights.items()}, folder / "model.safetensors")
    denoiser = load(str(folder), dtype=dtype)
    before, = denoiser.logits([[1, 2, 3, 299]], [[3]])
    with open(folder / "model.safetensors", "r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        file.write(bytes(size))
    assert all(weight.any() for weight in denoiser.body.parameters())
    assert torch.equal(denoiser.logits([[1, 2, 3, 299]], [[3]])[0], before)
    assert denoiser.files.changed()


def test_the_weights_digest_tells_a_single_number_and_its_place(tmp_path):
    weights = load_file(write_checkpoint(tmp_path / "one") / "model.safetensors")

    def digest(folder, change=lambda weights: None, **more):
        other = {name: weight.clone() for name, weight in weights.items()}
        change(other)
        return load(str(write_checkpoint(tmp_path / folder, weights=other)), **more).info.weights

    name = "model.transformer.blocks.1.up_proj.weight"

    def nudge(weights):
        weights[name][7, 3] = torch.nextafter(weights[name][7, 3], torch.tensor(9.0))

    def swap(weights):
        weights[name][[7, 8]] = weights[name][[8, 7]]

    def exchange(weights):
        other = name.replace("up_proj", "ff_proj")
        weights[name], weights[other] = weights[other], weights[name]

    told = [digest("same"), digest("nudged", nudge), digest("swapped", swap), digest("exchanged", exchange),
            digest("half", dtype="bfloat16")]
    assert told[0] == load(str(tmp_path / "one")).info.weights
    assert len(set(told)) == 5
    assert told[0].startswith("float32-") and told[4].startswith("bfloat16-")


def test_files_that_change_while_they_are_read_are_no_model(tmp_path):
    folder = write_checkpoint(tmp_path / "tiny")

    def touched(progress):
        if progress.phase == "warming_up":
            (folder / "config.json").touch()

    with pytest.raises(DataLoss) as refused:
        load(str(folder), progress=touched)
    assert refused.value.reason == "CHANGED_WHILE_READ"
    assert load(str(folder)).info.family == "llada"


def test_a_model_has_left_when_the_last_who_holds_it_lets_it_go(tmp_path):
    held = [load(str(write_checkpoint(tmp_path / "tiny")))]
    held[0].itself = held[0]  # what only a cycle holds is found as well
    leaving = Leaving("tiny", held[0]).begin()
    assert not leaving.gone.done() and not leaving.gone.cancel()
    weight = next(held[0].body.parameters())
    held.clear()
    threading.Event().wait(0.2)
    assert not leaving.gone.done(), "its weights are still in memory"
    del weight
    assert isinstance(leaving.gone, Future) and leaving.gone.result(WAIT) is None
