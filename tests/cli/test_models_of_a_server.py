"""`unmask models list`, `load` and `unload`: what is in a server's memory."""

import pytest
from typer.testing import CliRunner

from inference_service.config import Config
from inference_service.local import running
from tests.models.tiny_checkpoints import write_checkpoint
from unmask.cli import app


@pytest.fixture(scope="module")
def address():
    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        yield server.address


def models(*arguments):
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_a_model_comes_and_goes(address, tmp_path):
    folder = write_checkpoint(tmp_path / "tiny")
    done = models("load", folder, "--server", address, "--id", "eos=5")
    assert done.exit_code == 0, done.stderr
    assert f"{folder} is in memory: llada, float32-" in done.stdout
    listed = {line.split("  ")[0].strip(): line for line in models("list", "--server", address).stdout.splitlines()}
    assert "ready, float32-" in listed[str(folder)] and "not loaded" in listed["embedded"]
    (folder / "config.json").touch()
    assert "its files have changed since: load it again" in models("list", "--server", address).stdout
    for _ in range(2):  # once more is fine
        done = models("unload", folder, "--server", address)
        assert (done.exit_code, done.stdout) == (0, f"{folder} is not in memory any more\n")
    assert "ready" not in models("list", "--server", address).stdout


@pytest.mark.parametrize("command", ["load", "unload"])
def test_what_is_wrong_is_said_in_a_line(address, command):
    done = models(command, "/nowhere/at/all", "--server", address)
    assert done.exit_code == 1 and done.stderr.strip().startswith("Error:") and "/nowhere/at/all" in done.stderr
