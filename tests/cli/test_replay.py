"""`unmask replay`: a recording in a terminal and in a pipe, and computed again."""

import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import unmask
from tests.patience import PATIENCE
from unmask.cli import app
from unmask.cli.replay import play
from unmask.cli.showing import Show
from unmask.recording import read, write

ROOT = Path(__file__).parents[2]
HISTORY = {"x0_history": [[7, 8, 3, 4], [6, 5, 3, 4], [6, 5, 3, 4]], "true_indices_history": [[2], [1], [0, 3]],
           "prompt": [1, 2], "mask_token": 0,
           "tokens": {"1": "Fly", "2": "!\n", "3": " kite", "4": ".", "5": " red", "6": "A", "7": "The\n", "8": " big"}}


def run(*arguments: str):
    return CliRunner().invoke(app, ["replay", *map(str, arguments)])


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.json"
    path.write_text(json.dumps(HISTORY))
    return path


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


@pytest.fixture(scope="module")
def story(address, tmp_path_factory):
    """A session with two branches, its first one named."""
    path = tmp_path_factory.mktemp("recordings") / "story.unmask"
    with unmask.connect(address) as client:
        session = client.create("Tell me a story.", length=16, steps=4)
        list(session.step(draft=True))
        session.name("the first ending")
        session.rewind(2)
        list(session.step(draft=True, seed=5, temperature=1.5))
        path.write_bytes(session.export())
        return path, session.text, session.tokens


# ---- in a pipe ----

def test_a_line_for_each_frame_and_the_text(history):
    assert run(history).stdout.splitlines() == [
        "revision 0 of 3 · create · 4 open",
        'revision 1 of 3 · step · 3 open: 4 " kite"',
        'revision 2 of 3 · step · 2 open: 3 " red"',
        'revision 3 of 3 · step · 0 open: 2 "A", 5 "."',
        "",
        "A red kite.",
    ]


def test_one_revision(history):
    assert run(history, "--revision", "2").stdout == 'revision 2 of 3 · step · 2 open: 3 " red"\n\n red kite\n'


def test_as_json(history):
    assert json.loads(run(history, "--json").stdout) == {
        "revision": 3, "tokens": [1, 2, 6, 5, 3, 4], "prompt_length": 2,
        "states": ["given", "given", "committed", "committed", "committed", "committed"], "text": "A red kite."}
    first = json.loads(run(history, "--json", "--revision", "0").stdout)
    assert (first["tokens"], first["text"]) == ([1, 2, None, None, None, None], "")


def test_without_tokens_there_are_ids(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[[1, 2], [3, 2]]")
    done = run(path)
    assert done.stdout.splitlines()[1:] == [
        'revision 1 of 2 · step · 1 open · commit_order_derived: 1 "[2]"',
        'revision 2 of 2 · step · 0 open · commit_order_derived: 0 "[3]"', "", "3,2"]
    assert json.loads(run(path, "--json").stdout)["text"] is None


def test_the_way_to_the_newest_revision_or_every_frame(story):
    path, text, tokens = story
    lines = run(path).stdout.splitlines()
    assert [line.split(" · ")[0] for line in lines[:6]] == [f"revision {n} of 7" for n in (0, 1, 2, 5, 6, 7)]
    assert "rewind · 8 open · back at revision 2" in lines[3]
    assert re.fullmatch(r"revision 6 of 7 · step · 4 open · mean p 0\.\d\d: .*", lines[4])
    every = run(path, "--all").stdout.splitlines()
    assert [line.split(" · ")[0] for line in every[:8]] == [f"revision {n} of 7" for n in range(8)]
    assert '"the first ending"' in every[4]
    facts = json.loads(run(path, "--json").stdout)
    assert facts["tokens"][facts["prompt_length"]:] == tokens
    assert text.startswith(facts["text"])


def test_a_branch_that_no_rewind_led_to(address, tmp_path):
    path = tmp_path / "a.unmask"
    with unmask.connect(address) as client:
        session = client.create("Tell me a story.", length=4, steps=2)
        list(session.step())
        list(session.step(1, from_revision=1))
        path.write_bytes(session.export("json"))
    assert "branches off revision 1" in run(path, "--all").stdout.splitlines()[3]
    assert "branches off" not in run(path).stdout


def test_a_terminal_is_not_told_what_to_do_by_a_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"x0_history": [[1, 2]], "tokens": {"1": "\x1b[2J\x07", "2": "\x9b2J[red]ok"}}))
    made = read(path.read_bytes())
    made.branch_names["[bold]"] = 1
    path.write_bytes(write(made, "json"))
    shown = run(path).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert all(words in shown for words in ("␛[2J␇", "[red]ok", '"[bold]"'))


def test_a_character_of_several_tokens(tmp_path):
    """An open position between its bytes leaves halves."""
    made = read(json.dumps(HISTORY).encode())
    parts = {6: "🪁".encode()[:1], 5: "🪁".encode()[1:3], 3: "🪁".encode()[3:] + b"!"}
    for token in made.tokens:
        if token.id in parts:
            token.bytes, token.text = parts[token.id], "\ufffd"
    path = tmp_path / "a.unmask"
    path.write_bytes(write(made, "binary"))
    lines = run(path).stdout.splitlines()
    assert lines[-1] == "🪁!."
    assert lines[1].endswith('4 "\ufffd!"')


@pytest.mark.parametrize(("content", "arguments", "words"), [
    (None, [], "cannot be read: No such file or directory"),
    (b"", [], "the file is empty"),
    (b"\x1f\x8bwhat", [], "the file is damaged"),
    (b"[[1, 2], [3]]", [], "x0_history[1]: has 1 positions"),
    (b"[[1, 2]]", ["--revision", "2"], "--revision must be from 0 to 1; got 2"),
    (b"[[1, 2]]", ["--server", "a:1"], "--server goes with --verify"),
    (b"[[1, 2]]", ["--verify"], "does not name its model"),
])
def test_what_is_wrong_is_one_line(tmp_path, content, arguments, words):
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    done = run(tmp_path / "file", *arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not done.stdout


# ---- in a terminal ----

def in_terminal(*arguments: str, until: bytes | None = None, size=(24, 80)) -> tuple[int, bytes]:
    """The exit status and all that a terminal was sent; SIGINT once `until` is there."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    theirs_not = ("NO_COLOR", "CI", "LINES", "COLUMNS")  # the last two go before the terminal's own size
    environment = {name: value for name, value in os.environ.items() if name not in theirs_not}
    child = subprocess.Popen([sys.executable, "-m", "unmask", "replay", *map(str, arguments)], cwd=ROOT, stdin=theirs,
                             stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm-256color"})
    os.close(theirs)
    seen, end, stopped = b"", time.monotonic() + PATIENCE, False
    try:
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    read_now = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                if not read_now:
                    break
                seen += read_now
            if until and until in seen and not stopped:
                child.send_signal(signal.SIGINT)
                stopped = True
        return child.wait(timeout=PATIENCE), seen
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def plain(screen: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode()).replace("\r", "")


def test_the_canvas_is_redrawn_in_place(history):
    status, screen = in_terminal(history, "--speed", "0")
    assert status == 0
    text = plain(screen)
    assert list(dict.fromkeys(re.findall(r"revision (\d) of 3", text))) == ["0", "1", "2", "3"]
    assert screen.count(b"\x1b[1A") >= 3  # up again, for the next one
    assert text.rstrip().endswith("Fly!\nA red kite.")
    assert "Fly!\n····" in text
    assert "The↵ big kite." in text  # drafts, whose line breaks are none
    assert re.search(rb"\x1b\[2;3mThe", screen) and re.search(rb"\x1b\[1;30;42m kite", screen)
    assert screen.endswith(b"\x1b[?25h")


@pytest.mark.parametrize(("speed", "waits"), [(4, [0.25] * 3), (0, []), (0.001, [60] * 3)])
def test_frames_come_at_their_speed(history, monkeypatch, speed, waits):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    play(Show(read(history.read_bytes())), [0, 1, 2, 3], speed, Console(file=io.StringIO(), force_terminal=True))
    assert slept == waits


def test_ctrl_c_ends_cleanly(history):
    status, screen = in_terminal(history, "--speed", "0.1", until=b"revision 0")
    assert status == 130
    assert b"Traceback" not in screen
    assert b"\x1b[?25h" in screen  # the cursor is back


def test_a_canvas_that_is_taller_than_the_terminal(tmp_path):
    """What changes is to be seen: behind a long prompt, and far down. In the end all of it is."""
    told = {"x0_history": [[3] * 40] * 2, "true_indices_history": [[39], list(range(39))], "prompt": [1] * 30,
            "mask_token": 0, "tokens": {"1": "Fly\n", "3": "kite\n"}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(told))
    _, screen = in_terminal(path, "--speed", "0", size=(10, 80))
    first, second, third, whole = re.split(r"revision \d of 2", plain(screen))[1:]
    assert first.count("Fly") == 7
    assert second.count("Fly") == 3 and second.count("kite↵") == 39 and "kite\n" in second
    assert (third.count("Fly"), third.count("kite")) == (3, 4)  # it stays where it is while that will do
    assert (whole.count("Fly"), whole.count("kite")) == (30, 40)


def test_one_revision_in_a_terminal(history):
    status, screen = in_terminal(history, "--revision", "1")
    assert (status, set(re.findall(r"revision (\d) of 3", plain(screen)))) == (0, {"1"})


def test_special_tokens_have_their_names(story):
    made = read(story[0].read_bytes())
    names = {token.text for token in made.tokens if token.special}
    shown = plain(in_terminal(story[0], "--speed", "0", size=(50, 200))[1])
    assert names and sum(name in shown for name in names) >= 2
    assert not any(name in run(story[0]).stdout.splitlines()[-1] for name in names)


# ---- computed again ----

def test_every_step_comes_out_the_same(address, story):
    with unmask.connect(address) as client:
        before = [session.id for session in client.sessions()]
        done = run("--verify", story[0], "--server", address)
        assert done.stdout == "all 6 steps came out the same\n"
        assert done.exit_code == 0
        assert [session.id for session in client.sessions()] == before


def test_in_this_process(story):
    assert run("--verify", story[0]).stdout == "all 6 steps came out the same\n"


def test_a_checkpoint_that_was_told_its_ids_is_told_them_again(tmp_path):
    path = tmp_path / "a.unmask"
    arguments = ["--model", str(ROOT / "tests/goldens/llada_tiny"), "--id", "eot=509", "--length", "4", "--set",
                 "steps=2", "--sampler", "llada", "--out", str(path)]
    assert CliRunner().invoke(app, ["record", "--tokens", "5,9,2", *arguments]).exit_code == 0
    assert run("--verify", path).stdout == "all 2 steps came out the same\n"


def test_a_step_that_did_not_come_out_so(address, story, tmp_path):
    made = read(story[0].read_bytes())
    change = made.frames[2].changes[0]
    token = change.token
    change.token = 5 if token != 5 else 6
    path = tmp_path / "a.json"
    path.write_bytes(write(made, "json"))
    done = run("--verify", path, "--server", address)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"\d of 6 steps came out otherwise:", lines[0])
    assert lines[1].startswith(f"revision 2: position {change.position} was {change.token} ")
    assert f" and is {token} " in lines[1]
