"""The programs of README and docs work as they are pasted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.S)
SESSIONS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sessions.md").read_text(), re.S)
LEFT_TO_RIGHT = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "left-to-right.md").read_text(), re.S)
WHY = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "attribution.md").read_text(), re.S)
PRINTS = {
    **dict(zip(PROGRAMS, [r"^64 \[\(\d+, \d+\)\]$", r"^32 0 open$", r"2 branches$"], strict=True)),
    **dict(zip(SESSIONS, [r"^\d+ positions differ$", r"^Last winter .*\.$", r"^One day Tom and .*\w.*",
                          r"^\d+ positions, cut-off 0\.\d+$"], strict=True)),
    **dict(zip(LEFT_TO_RIGHT, [r"^2 branches$"], strict=True)),
    **dict(zip(WHY, [r"^ *hat \d+ \+\d.*\n *kite \d+ -\d"], strict=True)),
}


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


@pytest.mark.parametrize("program", PRINTS, ids=range(len(PRINTS)))
def test_a_program_runs_as_pasted(address, program):
    assert "127.0.0.1:50051" in program
    done = subprocess.run([sys.executable, "-c", program.replace("127.0.0.1:50051", address)], cwd=ROOT,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert re.search(PRINTS[program], done.stdout, re.M), done.stdout


def test_the_quick_start_is_ten_lines():
    assert len([line for line in PROGRAMS[0].splitlines() if line.strip()]) <= 10


def test_the_accuracies_are_those_that_were_measured():
    measured = [line for line in (ROOT / "embedded_model" / "RESULTS.md").read_text().splitlines() if line.strip()]
    shown = README.split("<!-- accuracies: begin -->")[1].split("<!-- accuracies: end -->")[0]
    assert len(measured) > 60
    assert all(line in shown for line in measured)
