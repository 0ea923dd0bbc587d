"""`unmask caches`, and a cache asked for in `unmask generate` and `unmask record`."""

import json

import pytest
from typer.testing import CliRunner

import unmask
from inference_service.caches.registry import POLICIES
from unmask.cli import app


def run(*arguments: str):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


def test_one_line_for_each_and_one_with_its_parameters():
    lines = run("caches").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(POLICIES)
    assert all(policy.costs in line for line, policy in zip(lines, POLICIES.values(), strict=True))
    shown = run("caches", "dual").stdout
    assert POLICIES["dual"].summary in shown and "fast_dllm" in shown and "remdm" not in shown
    assert "integer, 1 to 4096; default auto" in shown
    told = json.loads(run("caches", "prefix", "--json").stdout)
    assert told["exact"] is False and [parameter["name"] for parameter in told["parameters"]] == ["interval"]
    refused = run("caches", "none-such")
    assert refused.exit_code == 1 and "there are block, causal, dual, none, prefix" in refused.stderr


def test_a_server_tells_its_models(address):
    assert [line.split()[0] for line in run("caches", "--server", address).stdout.splitlines()] == [
        "none", "dual", "prefix"]
    assert "needs --server" in run("caches", "--model", "embedded").stderr


def test_a_generation_is_recorded_with_the_cache_that_was_asked_for(address, tmp_path):
    out = tmp_path / "run.unmask"
    done = run("record", "--out", str(out), "--server", address, "--sampler", "llada", "--set", "block_length=8",
               "--length", "16", "--cache", "dual", "--cache-set", "interval=2", "Hello")
    assert done.exit_code == 0, done.stderr
    with unmask.connect(address) as client:
        session, _ = client.import_recording(out.read_bytes())
        cache = session.get().settings.cache
        assert cache.name == "dual" and cache.parameters["interval"] == 2
        assert sum(bool(frame.summary.approximations) for frame in session.history()) == 8
        assert session.verify() == []
    replayed = run("replay", str(out), "--verify", "--server", address)
    assert replayed.exit_code == 0, replayed.stderr


def test_a_generation_says_what_it_approximated(address):
    said = ["generate", "--server", address, "--sampler", "llada", "--set", "block_length=8", "--length", "16", "Hello",
            "--json"]
    assert json.loads(run(*said).stdout)["approximations"] == []
    assert json.loads(run(*said, "--cache", "dual").stdout)["approximations"] == ["dual_cache"]


@pytest.mark.parametrize(("arguments", "says"), [
    (["--cache-set", "interval=2"], "--cache-set needs --cache"),
    (["--cache", "dual", "--cache-set", "interval"], "--cache-set must be name=value"),
    (["--cache", "triple"], "settings.cache.name: must be one of none, dual, prefix"),
    (["--cache", "dual", "--sampler", "remdm"], "must be one of none, or take another sampler"),
])
def test_a_wrong_cache_is_told_in_a_line(address, arguments, says):
    refused = run("generate", "--server", address, "Hello", *arguments)
    assert refused.exit_code == 1 and says in " ".join(refused.stderr.split())
