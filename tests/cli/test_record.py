"""`unmask record`: what was generated, whole, in a file."""

import json
import os
import re

import pytest
from typer.testing import CliRunner

import unmask
from unmask.cli import app
from unmask.cli.record import write
from unmask.recording import canvases, read

STORY = "Tell me a story about Tom and a red kite."


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


def run(*arguments: str):
    return CliRunner().invoke(app, list(map(str, arguments)))


def recorded(path, *arguments: str, passes=r"\d+ forward passes"):
    done = run("record", *arguments, "--out", path)
    assert done.exit_code == 0, done.stderr
    assert re.fullmatch(re.escape(f"{path}: {path.stat().st_size:,} bytes, ") + passes, done.stderr.strip())
    assert not done.stdout
    return read(path.read_bytes())


def test_the_same_as_generate_says(address, tmp_path):
    options = (STORY, "--length", "16", "--set", "steps=8", "--seed", "3", "--server", address)
    made = recorded(tmp_path / "a.unmask", *options)
    said = json.loads(run("generate", *options, "--json").stdout)
    canvas = canvases(made).at(8)
    assert list(canvas.tokens[canvas.prompt_length:]) == said["tokens"]
    assert len(made.frames) == 1 + said["steps"]
    assert (tmp_path / "a.unmask").read_bytes()[:2] == b"\x1f\x8b"


def test_what_the_run_took_and_what_the_candidates_took_is_told_apart(address, tmp_path):
    with unmask.connect(address) as client:
        session = client.create(STORY, length=8, steps=2, block_length=4)
        list(session.step())
    there = ("--session", session.id, "--server", address)
    recorded(tmp_path / "a.unmask", *there, passes="2 forward passes")
    recorded(tmp_path / "b.unmask", *there, "--candidates", "2",  # of the second block too, which no step looked at
             passes="2 forward passes, and 1 more to look into it")


def test_every_step_has_its_draft_and_every_token_its_text(address, tmp_path):
    made = recorded(tmp_path / "a.unmask", STORY, "--length", "8", "--set", "steps=4", "--server", address)
    assert [len(frame.draft.positions) for frame in made.frames] == [0, 8, 6, 4, 2]
    shown = {token.id for token in made.tokens}
    canvas = canvases(made).at(4)
    assert shown >= {*canvas.tokens, *(id for frame in made.frames for id in frame.draft.tokens)}
    assert made.model.vocabulary_size == 768
    assert made.checkpoint.startswith("sha256:")


def test_in_this_process_as_json(tmp_path):
    path = tmp_path / "a.json"
    made = recorded(path, "--tokens", "5,9,2", "--length", "4", "--set", "steps=2")
    assert json.loads(path.read_text())["format"] == made.format == "unmask.recording"
    assert list(made.session.canvas.tokens[:3]) == [5, 9, 2]


def test_candidates(address, tmp_path):
    made = recorded(tmp_path / "a.unmask", STORY, "--length", "4", "--set", "steps=2", "--server", address,
                    "--candidates", "3")
    assert [(prediction.revision, len(prediction.candidates)) for prediction in made.predictions] == [(0, 4), (1, 2)]
    assert all(len(position.candidates) == 3 for prediction in made.predictions for position in prediction.candidates)


def test_a_session_that_the_server_has_stays_there(address, tmp_path):
    with unmask.connect(address) as client:
        session = client.create(STORY, length=8, steps=4)
        list(session.step())
        session.rewind(1)
        made = recorded(tmp_path / "a.unmask", "--session", session.id, "--server", address)
        assert [frame.cause for frame in made.frames] == [1, 2, 2, 2, 2, 4]
        assert session.revision == 5


def test_a_new_session_does_not_stay_on_the_server(address, tmp_path):
    with unmask.connect(address) as client:
        before = [session.id for session in client.sessions()]
        recorded(tmp_path / "a.unmask", "x", "--length", "2", "--set", "steps=1", "--server", address)
        assert [session.id for session in client.sessions()] == before


def test_a_file_that_is_there_is_kept(address, tmp_path):
    path = tmp_path / "a.unmask"
    path.write_bytes(b"mine")
    done = run("record", "x", "--server", address, "--out", path)
    assert (done.exit_code, path.read_bytes()) == (1, b"mine")
    assert "is there already; --force writes over it" in done.stderr
    recorded(path, "x", "--length", "2", "--set", "steps=1", "--server", address, "--force")


def test_what_fails_leaves_the_old_file_and_no_other(address, tmp_path, monkeypatch):
    path = tmp_path / "a.unmask"
    path.write_bytes(b"mine")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("record", "x", "--length", "2", "--set", "steps=1", "--server", address, "--out", path, "--force")
    assert done.exit_code == 1
    assert "cannot be written: No space left on device" in done.stderr
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.unmask", b"mine")]


def test_the_file_has_the_rights_that_any_new_file_has(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    write(tmp_path / "a.unmask", b"x")
    assert (tmp_path / "a.unmask").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(("arguments", "words"), [
    (["x", "--out", "{tmp}/no/a.unmask"], "--out: there is no folder"),
    (["x", "--out", "{tmp}"], "is a folder; name a file"),
    (["--out", "{tmp}/a"], "one of the two"),
    (["--session", "abc", "--out", "{tmp}/a"], "--session needs --server"),
    (["x", "--session", "abc", "--server", "{address}", "--out", "{tmp}/a"], "takes no prompt"),
    (["--seed", "4", "--session", "abc", "--server", "{address}", "--out", "{tmp}/a"], "no option of a new generation"),
    (["--session", "abc", "--server", "{address}", "--out", "{tmp}/a"], "abc"),
    (["x", "--set", "nosuch=1", "--server", "{address}", "--out", "{tmp}/a"], "no such parameter"),
])
def test_what_is_wrong_is_one_line(address, tmp_path, arguments, words):
    done = run("record", *(argument.format(tmp=tmp_path, address=address) for argument in arguments))
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not list(tmp_path.iterdir())
