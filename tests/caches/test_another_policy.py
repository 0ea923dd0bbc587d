"""A policy is one file: whoever adds one has it in the API and on the command line."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
POLICY = '''
"""A stranger's: as dual, and a few rows on both sides of the block as well."""

from pydantic import Field

from inference_service.caches.policy import Policy, Refreshed


class VicinityParameters(Refreshed):
    interval: int | None = Field(8, ge=1, le=64, description="Steps between two passes over all.")


CACHE = Policy(
    name="vicinity", summary="Rows near the block are computed too.", source="a paper", costs="An approximation.",
    exact=False, fits=lambda attention: not attention.settles, parameters=VicinityParameters,
    window=lambda first, end, size: (max(0, first - 4), min(size, end + 4)))
'''
PROGRAM = """
import sys
import inference_service.caches as caches
caches.__path__.append(sys.argv[1])

import unmask
from inference_service.config import Config
from inference_service.local import running
from unmask.cli import app
from typer.testing import CliRunner

with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
    server.library.load("")
    print(CliRunner().invoke(app, ["caches", "--server", server.address]).stdout)
    with unmask.connect(server.address) as client:
        session = client.create("Hello", length=16, sampler="llada", block_length=8, cache="vicinity")
        frames = list(session.step())
        print(session.get().settings.cache.parameters["interval"], len(frames), session.verify(),
              {name for frame in frames for name in frame.summary.approximations})
"""


def test_one_file_is_enough(tmp_path):
    (tmp_path / "vicinity.py").write_text(POLICY)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "vicinity  Rows near the block are computed too." in done.stdout
    assert "8.0 16 [] {'vicinity_cache'}" in done.stdout
