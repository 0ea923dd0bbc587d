import pytest
import torch
from made_tokenizers import MADE, read, written
from safetensors.torch import load_file
from tiny_checkpoints import DREAM_GOLDEN, GOLDEN

from inference_service.models import rendering, text
from inference_service.models.loading import load
from inference_service.models.text import Text


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


@pytest.fixture(scope="module")
def rendered_here():
    """Templates are rendered in this process: hundreds of times, as the child that does it otherwise would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text.processes, "run", lambda task, arguments, **_: rendering.rendered(arguments, [], None))
        yield


@pytest.fixture(scope="module")
def made(rendered_here, tmp_path_factory):
    """Each made tokenizer by its name, read once."""
    found: dict[str, Text] = {}

    def get(name: str) -> Text:
        if name not in found:
            found[name] = read(written(tmp_path_factory.mktemp("made"), MADE[name]()))
        return found[name]

    return get
