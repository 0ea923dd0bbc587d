"""A real server on a real socket, in this process."""

from types import SimpleNamespace

import pytest

from inference_service.config import Config
from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.local import running
from inference_service.models import library
from tests.conftest import EXPECTED, GOLDEN
from tests.fakes import FakeDenoiser
from tests.service.calls import WAIT, Api
from tests.service.process import Process

FAKES = {}  # source -> a FakeDenoiser, or a function of (progress, cancelled)


@pytest.fixture(scope="session")
def made_up_models():
    """What else is loaded is loaded as before: by the real one, or as this same fixture has it for another folder."""
    before = library.load

    def load(source, *, progress, cancelled, **more):
        fake = FAKES.get(source)
        if fake is None:
            return before(source, progress=progress, cancelled=cancelled, **more)
        return fake if isinstance(fake, FakeDenoiser) else fake(progress, cancelled)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "load", load)
        yield FAKES


@pytest.fixture(scope="session")
def serve(made_up_models, tmp_path_factory):
    """Starts servers in this process: serve(**config) is a context manager with an Api."""

    def start(**config):
        path = tmp_path_factory.mktemp("store") / "sessions.sqlite3"
        return running(Config(**{"port": 0, "store": str(path), "model": str(GOLDEN), **config}))

    return start


@pytest.fixture(scope="session")
def api(serve):
    """One server for the tests that leave it working. Its default model is the golden one."""
    with serve() as server:
        api = Api(server)
        server.library.load("", token_ids={"eot": EXPECTED["eot_token_id"]})  # however long a busy machine takes
        yield api
        assert api.create().id, "the server answers after all that the tests did to it"
        api.channel.close()


@pytest.fixture(scope="session")
def words(api):
    """The name of a model with a tokenizer and a chat template: the one that ships."""
    assert (EMBEDDED_FOLDER / "tokenizer.json").is_file()
    return api.load("embedded")[-1].model.name


@pytest.fixture
def fake(api):
    """Loads a made-up model: fake(before=...) has .name and .model."""

    def make(**options):
        name = f"made-up-{len(FAKES)}"
        FAKES[name] = FakeDenoiser(name, **options)
        api.server.library.load(name)
        return SimpleNamespace(name=name, model=FAKES[name])

    return make


@pytest.fixture
def start(tmp_path):
    processes = []

    def start(**variables):
        processes.append(Process(tmp_path / "sessions.sqlite3", **variables))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait(WAIT)
