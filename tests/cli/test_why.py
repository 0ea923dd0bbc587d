"""`unmask why`: on a real server, with the model that ships."""

import json
import re

import pytest
from typer.testing import CliRunner

import unmask
from unmask.cli import app


def why(*arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["why", *map(str, arguments)])


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


@pytest.fixture(scope="module")
def hat(address):
    """A session, where its answer says hat, and where its prompt does."""
    with unmask.connect(address) as client:
        prompt = "Tom has a red kite. Ann has a blue hat. What does Ann have?"
        session = client.create(prompt, length=16, steps=16, seed=1)
        list(session.step())
        tokens, [token] = list(session.get().canvas.tokens), client.tokenize(" hat")
        yield session.id, tokens.index(token.id, session.prompt_length), tokens.index(token.id)


def test_the_strongest_source_comes_first(address, hat):
    session, position, source = hat
    done = why(session, position, "--server", address, "--count", 3)
    assert done.exit_code == 0, done.output
    first, *lines = done.stdout.splitlines()
    assert first.startswith(f"' hat' at {position}: -")
    assert len(lines) == 3
    assert lines[0].split()[1:] == [str(source), "'", "hat'"]
    assert lines[0].strip().startswith("+")
    assert re.search(r"Looking took [1-9]\d* forward passes", done.stderr)
    with unmask.connect(address) as client:
        assert client.open(session).forwards == 16


def test_as_json_and_with_notes(address, hat):
    session, position, source = hat
    found = json.loads(why(session, position, "--server", address, "--json").stdout)
    assert max(found["scores"], key=lambda score: score.get("score", 0))["position"] == source
    assert "not an explanation" in why(session, position, "--server", address, "--method", "attention").stderr


def test_what_is_wrong_is_one_line(address, hat):
    session, position, _ = hat
    for arguments, said in (((session, 999), "position"), ((session, position, "--method", "magic"), "method"),
                            (("nobody", 3), "nobody")):
        done = why(*arguments, "--server", address)
        assert done.exit_code != 0
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
