"""`unmask samplers`: what the registry says, from here or from a server."""

import json

import pytest
from typer.testing import CliRunner

from unmask.cli import app


def samplers(*arguments: str):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["samplers", *arguments])


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


def test_one_line_for_each():
    from inference_service.sampling.registry import SAMPLERS

    lines = samplers().stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(SAMPLERS)
    assert all(line.endswith(sampler.summary) for line, sampler in zip(lines, SAMPLERS.values(), strict=True))


def test_one_with_its_parameters():
    from inference_service.sampling.registry import SAMPLERS, describe

    sampler = SAMPLERS["llada"]
    shown = samplers("llada").stdout
    assert sampler.summary in shown
    assert f"Source: {sampler.source}" in shown
    rows = [line.split() for line in shown.splitlines() if line and not line.startswith(" ")]
    assert [row[0] for row in rows[2:]] == [described.name for described in describe(sampler)]
    assert "integer, 1 to 4096; default auto" in shown
    assert "true or false; default false" in shown
    assert "one of low_confidence, random; default low_confidence" in shown
    assert "0 to 1000000" in shown  # whole, not 1e+06


def test_json_keeps_types():
    answer = json.loads(samplers("llada", "--json").stdout)
    by_name = {parameter["name"]: parameter for parameter in answer["parameters"]}
    assert (answer["name"], answer["revises"]) == ("llada", False)
    assert by_name["steps"] == {
        "name": "steps", "type": "integer", "minimum": 1, "maximum": 4096, "choices": [], "default": None,
        "summary": by_name["steps"]["summary"]}
    assert by_name["remasking"]["choices"] == ["low_confidence", "random"]
    assert by_name["logits_eos_inf"]["default"] is False
    assert by_name["top_p"]["minimum"] == 0.01


def test_a_server_tells_the_same(address):
    local, remote = (json.loads(samplers("--json", *server).stdout) for server in ([], ["--server", address]))
    told = {sampler["name"]: sampler for sampler in remote}
    assert {sampler["name"]: sampler for sampler in local if sampler["name"] in told} == told
    assert {sampler["name"] for sampler in local} - set(told) == {"autoregressive"}  # for the other kind of model
    assert remote[0]["name"] == "llada"  # the model's own comes first
    assert samplers("llada", "--server", address).stdout == samplers("llada").stdout


@pytest.mark.parametrize(("arguments", "words"), [
    (["nosuch"], "there is no sampler 'nosuch'; there are"),
    (["--model", "embedded"], "--model needs --server"),
])
def test_what_is_wrong_is_one_line(arguments, words):
    done = samplers(*arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not done.stdout


def test_a_model_that_the_server_does_not_have(address):
    done = samplers("--server", address, "--model", "nosuch")
    assert done.exit_code == 1
    assert "nosuch" in done.stderr
