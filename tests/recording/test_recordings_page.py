"""docs/recordings.md: its programs run as they are pasted, and the commands say what it says they do."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import unmask
from tests.patience import PATIENCE
from unmask.recording import MOST_BYTES, MOST_POSITIONS, VERSION

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recordings.md").read_text()
CLIENT, FOLDING, READING, CONVERTING = re.findall(r"```python\n(.*?)```", PAGE, re.S)
BARE = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "OMP_NUM_THREADS")}


def run(program: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
                          env=BARE | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


@pytest.fixture(scope="module")
def story(address, tmp_path_factory):
    """A folder with story.json in it, and the canvas that it ends in."""
    folder = tmp_path_factory.mktemp("page")
    with unmask.connect(address) as client:
        session = client.create("Tell me a story.", length=8, steps=4)
        list(session.step())
        list(session.edit(unmask.edits.insert(session.prompt_length, 2), unmask.edits.delete(0, 1)).changes)
        session.rewind(2)
        list(session.step())
        (folder / "story.json").write_bytes(session.export("json"))
        return folder, list(session.get().canvas.tokens)


def test_the_client(address, tmp_path):
    assert run(CLIENT.replace("127.0.0.1:50051", address), tmp_path) == "True [] []\n"


def test_folding_by_hand(story):
    folder, canvas = story
    assert json.loads(run(FOLDING, folder)) == canvas


def test_reading(story):
    folder, canvas = story
    *lines, last = run(READING, folder).splitlines()
    assert lines == ["0 8 open", "1 6 open", "2 4 open", "6 4 open", "7 2 open", "8 0 open"]
    assert json.loads(last) == canvas
    assert (folder / "story.unmask").stat().st_size < (folder / "story.json").stat().st_size


def test_a_published_trajectory_is_converted_and_replayed(tmp_path):
    """A file of that form; the published ones are large."""
    import torch

    torch.save({"x0_history": [torch.tensor([[0, 9, 5, 6], [1, 2, 7, 8]])], "prompt_token_len": 2, "correct": True,
                "true_indices_history": [[torch.tensor([[0, 3]]), torch.tensor([[0, 2]])]]},
               tmp_path / "question_0000_steps_256.pt")
    run(f"prompt_ids = [1, 2]\n{CONVERTING}", tmp_path)
    done = subprocess.run([sys.executable, "-m", "unmask", "replay", tmp_path / "question.json", "--json"], cwd=ROOT,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert json.loads(done.stdout)["tokens"] == [1, 2, 7, 6]


@pytest.mark.parametrize("command", ["record", "replay"])
def test_the_commands_are_described_as_they_describe_themselves(command):
    told = PAGE.split(f"$ unmask {command} --help\n")[1].split("```")[0]
    done = subprocess.run([Path(sys.executable).with_name("unmask"), command, "--help"], capture_output=True, text=True,
                          timeout=PATIENCE, env=BARE | {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})
    lines = [line.rstrip() for line in done.stdout.strip().splitlines()]
    assert lines == told.strip().splitlines()


def test_the_limits_are_those_that_hold():
    assert (MOST_BYTES, VERSION) == (2**28, 1)
    assert f"at most 256 MiB, and a canvas at most {MOST_POSITIONS:,} positions" in PAGE
