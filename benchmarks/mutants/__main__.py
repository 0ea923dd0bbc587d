"""A seeded sample of small changes, each given to the tests that enter its function: ``python -m benchmarks.mutants``.

    --count N     how many changes (100)
    --seed N      which of them (1)
    --jobs N      at once (2)
    --only TEXT   those whose place holds a text, such as a file's name
    --tests PATH  the tests to choose from, by default those of the folders below
    --list        say which they are and run nothing

First all these tests run once, to learn which functions each enters. Then, for each change, in a copy
of the tree: the tests that enter its function, the quickest of each kind first, up to a bound of seconds, until one
fails. Prints a line for each change and writes benchmarks/results/mutants.json. Exits with 1 where fewer than 95 of 100
were noticed, and at once where a test fails on the code as it is.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from benchmarks.mutants.changes import Change, changes

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"
FOLDERS = ("inference_service/sampling/", "inference_service/sessions/", "inference_service/engine/",
           "inference_service/caches/", "unmask/frames/")
TESTS = ("tests/sampling", "tests/caches", "tests/sessions", "tests/engine", "tests/inspection", "tests/service",
         *(f"tests/hostile/test_store_{name}.py" for name in ("damaged", "full", "unwritable")))
# Of those, what takes minutes and tells little: the service as a process of its own, and the models' answers.
LEFT_OUT = tuple(f"tests/{name}.py" for name in (
    "service/test_killing", "service/test_process", "service/test_foreign_recordings",
    "inspection/test_planted_dependency"))
SECONDS = 90  # of tests for one change, as long as they took when they were looked at
START = 120  # seconds that a process may take before its first test
LEAST = 0.95


def candidates(root: Path) -> list[Change]:
    """Every change of the folders, in the order of their places."""
    files = sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py"))
    return [change for file in files for change in changes(str(file.relative_to(root)), file.read_bytes())]


def looked_at(tests: Sequence[str], jobs: int) -> dict[str, dict]:
    """Each test on the code as it is: its seconds, whether it passed, and the functions that it enters."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "benchmarks.mutants.entered", "-p",
             "no:cacheprovider", "--numprocesses", str(jobs), "--dist", "loadfile",
             *(f"--ignore={file}" for file in LEFT_OUT), *tests], cwd=ROOT, check=False,
            env={**os.environ, "MUTANTS_MAP": folder, "MUTANTS_FOLDERS": os.pathsep.join(FOLDERS)},
            stdout=subprocess.DEVNULL)
        found: dict[str, dict] = {}
        for file in Path(folder).glob("gw*.json"):
            found |= json.loads(file.read_text())
    return {name: told for name, told in found.items() if "entered" in told}


def given(change: Change, known: dict[str, dict]) -> tuple[list[str], float]:
    """The tests that enter the change's function, at least one where there is any; and their seconds.

    Of each test function the quickest case comes before second cases of any, so that the sample is of many kinds. Those
    that only have a fixture which does enter it come after the others.
    """
    place = f"{change.path}:{change.function}"
    cases: Counter[str] = Counter()
    fit = []
    for outside, seconds, name in sorted((place not in told["entered"], told["seconds"], name)
                                         for name, told in known.items()
                                         if place in told["entered"] or place in told["shared"]):
        function = name.partition("[")[0]
        fit.append((outside, cases[function], seconds, name))
        cases[function] += 1
    chosen, total = [], 0.0
    for *_, seconds, name in sorted(fit):
        if chosen and total + seconds > SECONDS:
            break
        chosen.append(name)
        total += seconds
    return chosen, total


def copied() -> Path:
    """A copy of the tree, as git knows it with what is changed, that the tests run in."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def outcome(change: Change, tests: list[str], seconds: float, tree: Path) -> str:
    """What comes of a change: "noticed", "out of time" or "survived"."""
    if not tests:
        return "survived"
    file = tree / change.path
    before = file.read_bytes()
    file.write_bytes(change.applied(before))
    try:
        (tree / ".tests").write_text("\n".join(tests))
        run = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "@.tests"], cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return "noticed" if run.wait(START + 3 * seconds) else "survived"
        except subprocess.TimeoutExpired:
            return "out of time"
        finally:
            _end(run)
    finally:
        file.write_bytes(before)


def _end(run: subprocess.Popen) -> None:
    """The tests and whatever they started, which has their process group."""
    try:
        os.killpg(run.pid, 9)
    except ProcessLookupError:
        pass
    run.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.mutants")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    every = [change for change in candidates(ROOT) if asked.only in str(change)]
    sample = random.Random(asked.seed).sample(every, min(asked.count, len(every)))
    print(f"{len(sample)} of {len(every)} changes", flush=True)
    if asked.list:
        print(*sample, sep="\n")
        return 0
    begun = time.monotonic()
    known = looked_at(asked.tests, asked.jobs)
    if failed := [name for name, told in known.items() if not told["passed"]]:
        print("These fail on the code as it is, so nothing can be told of changes:", *failed, sep="\n")
        return 1
    print(f"{len(known)} tests were looked at, in {time.monotonic() - begun:.0f} s", flush=True)
    trees: SimpleQueue[Path] = SimpleQueue()
    folders = [copied() for _ in range(asked.jobs)]
    for folder in folders:
        trees.put(folder)
    results: dict[str, str] = {}

    def judge(change: Change) -> None:
        tests, seconds = given(change, known)
        tree = trees.get()
        try:
            results[str(change)] = found = outcome(change, tests, seconds, tree)
        finally:
            trees.put(tree)
        print(f"{found:12} {change}" + ("" if tests else " (no test enters it)"), flush=True)

    try:
        with ThreadPoolExecutor(asked.jobs) as pool:
            list(pool.map(judge, sample))
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    counts = {kind: list(results.values()).count(kind) for kind in ("noticed", "out of time", "survived")}
    minutes = (time.monotonic() - begun) / 60
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()), f"in {minutes:.1f} minutes")
    RESULTS.write_text(json.dumps({"seed": asked.seed, "changes": len(every), "minutes": round(minutes, 1), **counts,
                                   "results": dict(sorted(results.items()))}, indent=1) + "\n")
    return int(counts["survived"] > (1 - LEAST) * len(sample))


if __name__ == "__main__":
    sys.exit(main())
