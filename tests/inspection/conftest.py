"""Models to look into: the one that ships, a shifted one, and one that reads from left to right."""

import pytest

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.engine.engine import Engine
from inference_service.models.loading import load
from tests.models.tiny_checkpoints import DREAM_GOLDEN, write_stock_checkpoint
from tests.patience import PATIENCE


@pytest.fixture(scope="session")
def embedded():
    return load(str(EMBEDDED_FOLDER))


@pytest.fixture(scope="session")
def left_to_right(tmp_path_factory):
    """A Llama with random weights and 300 tokens, as its own class has it."""
    folder, _ = write_stock_checkpoint(tmp_path_factory.mktemp("causal") / "tiny", "LlamaForCausalLM",
                                       model_type="llama", architectures=["LlamaForCausalLM"])
    return load(str(folder))


@pytest.fixture(scope="session")
def shifted():
    return load(str(DREAM_GOLDEN))


@pytest.fixture(scope="session")
def run():
    """run(job) is what the job returns, from a real engine."""
    engine = Engine()
    yield lambda job: engine.submit(job, interactive=True).result.result(timeout=PATIENCE)
    engine.stop()
