import pytest
import torch
from safetensors.torch import load_file
from tiny_checkpoints import DREAM_GOLDEN, GOLDEN

from inference_service.models.loading import load


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def golden_logits():
    return load_file(GOLDEN / "expected_logits.safetensors")


@pytest.fixture(scope="session")
def golden():
    return load(str(GOLDEN))


@pytest.fixture(scope="session")
def exact_golden():
    return in_float64(load(str(GOLDEN)))


@pytest.fixture(scope="session")
def dream_logits():
    return load_file(DREAM_GOLDEN / "expected_logits.safetensors")


@pytest.fixture(scope="session")
def dream():
    return load(str(DREAM_GOLDEN))


@pytest.fixture(scope="session")
def exact_dream():
    return in_float64(load(str(DREAM_GOLDEN)))


def in_float64(denoiser):
    """The same weights, computed so exactly that only the stored numbers' own rounding is left."""
    denoiser.body.double()
    denoiser.head.double()
    return denoiser
