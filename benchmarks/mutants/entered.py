"""A pytest plugin: which functions of the changed folders each test enters, and how long it takes.

Loaded with `-p benchmarks.mutants.entered`. Writes a file into the folder that MUTANTS_MAP names, one for each of
xdist's workers. Threads of this process are looked at too, those of other processes are not. `shared` is what fixtures
of a wider scope entered that the test asks for, when they were made.
"""

import json
import os
import sys
import threading
from pathlib import Path

import pytest

ROOT = f"{Path(__file__).resolve().parents[2]}{os.sep}"
FOLDERS = tuple(os.environ.get("MUTANTS_FOLDERS", "").split(os.pathsep))

_known: dict = {}  # a code object: what it is called here, None for one that is not looked at
_entered: set[str] = set()
_shared: dict[str, set[str]] = {}  # by a fixture's name
_tests: dict[str, dict] = {}


def _look(frame, event, argument):
    """Called where a function begins; answering nothing, it is not called for the lines in it."""
    code = frame.f_code
    name = _known.get(code, ...)
    if name is ...:
        path = code.co_filename.removeprefix(ROOT)
        name = _known[code] = f"{path}:{code.co_firstlineno}" if path.startswith(FOLDERS) else None
    if name is not None:
        _entered.add(name)


def pytest_configure(config):
    threading.settrace(_look)
    sys.settrace(_look)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef, request):
    before = set(_entered)
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function":
            _shared.setdefault(fixturedef.argname, set()).update(_entered - before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    _entered.clear()
    try:
        return (yield)
    finally:
        shared = set().union(*(_shared.get(name, ()) for name in item.fixturenames))
        _tests.setdefault(item.nodeid, {}).update(entered=sorted(_entered), shared=sorted(shared))


def pytest_runtest_logreport(report):
    told = _tests.setdefault(report.nodeid, {})
    told["seconds"] = told.get("seconds", 0.0) + report.duration
    told["passed"] = told.get("passed", True) and not report.failed


def pytest_sessionfinish(session):
    sys.settrace(None)
    threading.settrace(None)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    if any("entered" in told for told in _tests.values()):  # xdist's own process runs none
        Path(os.environ["MUTANTS_MAP"], f"{worker}.json").write_text(json.dumps(_tests))
