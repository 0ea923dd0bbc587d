"""What all tests share: one thread for the model, the golden checkpoint, and a stand-in for a model."""

import json
import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Before torch is imported, here and in every child process: tests run beside each other and beside other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell runs in the background ignores Ctrl-C, and so would the programs that tests send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile("anywhere", deadline=None,
                                     suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("anywhere")

GOLDEN = Path(__file__).parent / "goldens" / "llada_tiny"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())

# Begun first, that no worker is left with one of them when all others have nothing to do; the longest first.
LONGEST = ("service/test_killing.py", "service/test_process.py", "hostile/test_engine_ending.py",
           "inspection/test_planted_dependency.py", "sessions/test_session_machine.py", "page/test_accessibility.py",
           "page/test_editing.py", "page/test_why.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than there are processors: tests wait for each other's processes too."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items):
    order = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session")
def golden_model():
    """The golden checkpoint with the end-of-turn id that the goldens were made with."""
    from inference_service.models.loading import load

    return load(str(GOLDEN), token_ids={"eot": EXPECTED["eot_token_id"]})


def pytest_generate_tests(metafunc):
    """`golden_case`: each generate case of the goldens as (prompt, length, parameters, expected tokens)."""
    if "golden_case" in metafunc.fixturenames:
        cases = []
        for case in EXPECTED["generate"]:
            rest = {key: value for key, value in case.items() if key not in ("prompt", "gen_length", "expected")}
            cases.append((case["prompt"], case["gen_length"], rest, case["expected"]))
        metafunc.parametrize("golden_case", cases, ids=[f"case{n}" for n in range(len(cases))])
