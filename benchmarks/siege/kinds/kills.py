"""Kills of a service of its own, which the attacked one does not notice."""

import os
import subprocess
import sys

from benchmarks.siege.attack import Broken, Siege, attack
from benchmarks.siege.processes import ROOT


@attack("the store", "every acknowledged frame is there, byte for byte, and what is sent again is done once")
def kill_9_at_200_moments(siege: Siege) -> str:
    """Kill -9 at 200 random moments of a service that four clients work with."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "--capture=no", "tests/service/test_killing.py"], cwd=ROOT,
        env={**os.environ, "KILLS": "200"}, text=True, capture_output=True)
    told = next((line for line in done.stdout.splitlines() if line.startswith("KILLED ")), "")
    if done.returncode or not told:
        raise Broken(done.stdout[-600:])
    return told
