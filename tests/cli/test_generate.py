"""`unmask generate`: the reference's tokens, and one line for what is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unmask.cli import app

GOLDEN = Path(__file__).parents[1] / "goldens" / "llada_tiny"
CASES = json.loads((GOLDEN / "expected.json").read_text())["generate"]


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


def generate(*arguments: str):
    return CliRunner().invoke(app, ["generate", *arguments])


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_golden_case_token_for_token(address, number):
    case = CASES[number]
    own = ("prompt", "gen_length", "expected")
    sets = [part for name, value in case.items() if name not in own for part in ("--set", f"{name}={value}")]
    done = generate("--server", address, "--model", str(GOLDEN), "--id", "eot=509", "--length", str(case["gen_length"]),
                    "--tokens", ",".join(map(str, case["prompt"])), "--sampler", "llada", *sets, "--json")
    answer = json.loads(done.stdout)
    assert answer == {"tokens": case["expected"], "text": None, "forwards": case["steps"]}


def test_in_this_process():
    done = generate("Work out 23+45.", "--length", "16", "--set", "steps=8", "--json")
    answer = json.loads(done.stdout)
    assert (len(answer["tokens"]), answer["forwards"]) == (16, 8)
    assert "68" in answer["text"]


@pytest.mark.parametrize(("arguments", "words"), [
    (["x", "--set", "steps=7", "--set", "block_length=16"], "steps"),
    (["x", "--set", "length=5"], "no such parameter"),
    (["x", "--set", "nosuch=1"], "no such parameter"),
    (["x", "--set", "[/x]=1"], "[/x]"),
    (["x", "--set", "remasking=[bold]y"], "got '[bold]y'"),
    (["x", "--set", "steps"], "name=value"),
    (["x", "--sampler", "nosuch"], "llada"),
    (["x", "--length", "5000"], "length: must be from 1 to"),
    (["x", "--model", "/nowhere/at/all"], "/nowhere/at/all"),
    (["--tokens", "5,-3"], "--tokens"),
    (["--tokens", "5,999"], "0 to 767"),
    (["x", "--tokens", "5"], "one of the two"),
    ([], "one of the two"),
    (["x", "--id", "eot=99999999999999999999"], "--id"),
])
def test_what_is_wrong_is_one_line(address, arguments, words):
    done = generate(*arguments, "--server", address)
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not done.stdout
