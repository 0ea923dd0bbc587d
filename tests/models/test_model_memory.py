"""Will it fit? Arithmetic, and the sentence when it does not."""

import pytest
import torch

from inference_service.errors import Exhausted
from inference_service.models import memory
from inference_service.models.header import Tensor
from inference_service.models.placement import choose_dtype, stored_dtype

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


def test_llada_8b_needs_about_18_gb_in_bfloat16():
    need = memory.bytes_needed(8_015_581_184, 2, 4096, 126_464)
    assert need == int((8_015_581_184 * 2 + 128 * 126_464 * 4) * 1.1)
    assert 17.6e9 < need < 17.8e9


def test_the_refusal_names_both_sides():
    memory.require(10, 10, "m", "this machine")
    with pytest.raises(Exhausted) as caught:
        memory.require(17_700_000_000, 8_000_000_000, "m", "this machine")
    assert caught.value.reason == "OUT_OF_MEMORY"
    assert "17.7 GB" in caught.value.message and "8.0 GB" in caught.value.message
    assert caught.value.metadata == {"need_bytes": "17700000000", "have_bytes": "8000000000"}


def test_a_container_s_limit_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    machine = memory.free_ram()
    assert machine > 0
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert memory.free_ram() == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_ram() > 450


@pytest.mark.parametrize(
    ("asked", "device", "parameters", "expected"),
    [
        ("auto", CPU, 10**6, torch.float32),
        ("", CPU, 10**6, torch.float32),
        ("auto", CPU, 8 * 10**9, torch.bfloat16),
        ("auto", GPU, 8 * 10**9, torch.float16),
        ("float32", GPU, 8 * 10**9, torch.float32),
    ],
)
def test_dtype(asked, device, parameters, expected):
    assert choose_dtype(asked, device, parameters, torch.float16) == expected


def test_the_type_most_weights_are_stored_in():
    tensors = {"norm": Tensor("F32", (8,), "a"), "wide": Tensor("BF16", (8, 8), "a")}
    assert stored_dtype(tensors) == torch.bfloat16
