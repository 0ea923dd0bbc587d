"""The programs of docs/scoring.md, docs/recovery.md and docs/caches.md work as they are pasted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parents[1]
PRINTS = {"scoring.md": r"^1284 -0\.\d+ ± 0\.\d+\n1294 -\d+\.\d+ ± \d+\.\d+$",
          "caches.md": r"^1 0 \[\]\n2 0 \['dual_cache'\]\n",
          "recovery.md": r"^embedded \d of 4 right\nmodel,index,corruption,.*\nembedded,0,sticky,"}


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


@pytest.mark.parametrize("name", PRINTS)
def test_a_program_runs_as_pasted(address, name):
    program, = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / name).read_text(), re.S)
    assert "127.0.0.1:50051" in program
    done = subprocess.run([sys.executable, "-c", program.replace("127.0.0.1:50051", address)], cwd=ROOT,
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert re.search(PRINTS[name], done.stdout, re.M), done.stdout


def test_the_commands_have_the_options_that_are_shown():
    for page, command in (("scoring.md", "score"), ("recovery.md", "recover"), ("nanogpt.md", "import-nanogpt")):
        shown = re.findall(rf"^unmask {command} .*", (ROOT / "docs" / page).read_text(), re.M)
        assert shown
        told = subprocess.run([sys.executable, "-m", "unmask", command, "--help"], cwd=ROOT, capture_output=True,
                              text=True, timeout=PATIENCE, env={"COLUMNS": "200", "TERM": "dumb", "PATH": ""}).stdout
        for option in re.findall(r"--[a-z-]+", " ".join(shown)):
            assert option in told, option
