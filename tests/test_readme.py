"""The README's programs work as they are pasted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_runs_as_pasted(address, number):
    assert "127.0.0.1:50051" in PROGRAMS[number]
    program = PROGRAMS[number].replace("127.0.0.1:50051", address)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    last = {0: r"^64 \[\(\d+, \d+\)\]$", 1: r"^32 0 open$"}[number]
    assert re.search(last, done.stdout, re.M), done.stdout


def test_the_quick_start_is_ten_lines():
    assert len([line for line in PROGRAMS[0].splitlines() if line.strip()]) <= 10


def test_the_accuracies_are_those_that_were_measured():
    measured = [line for line in (ROOT / "embedded_model" / "RESULTS.md").read_text().splitlines() if line.strip()]
    shown = README.split("<!-- accuracies: begin -->")[1].split("<!-- accuracies: end -->")[0]
    assert len(measured) > 60
    assert all(line in shown for line in measured)
