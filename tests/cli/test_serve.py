"""`unmask serve` and what it stands on: ports, readiness, and children that start and stop together."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.patience import PATIENCE
from unmask.cli.serve import Progress, cannot_listen

READY = 'import sys, time; open(sys.argv[1], "w").close(); print("hello", flush=True); time.sleep(600)'
# Takes its time to stop, as a service does that brings running steps to their end.
DRAINS = (
    "import signal, sys, time\n"
    "def stop(*_): print('draining', flush=True); time.sleep(0.5); print('drained', flush=True); sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
    "open(sys.argv[1], 'w').close()\n"
    "time.sleep(600)\n"
)
DEAF = (
    "import signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "open(sys.argv[1], 'w').close()\n"
    "time.sleep(600)\n"
)
DIES = "import sys, time; time.sleep(0.5); print('out of luck', flush=True); sys.exit(3)"

# Supervises the scripts given as arguments; each says that it is ready by making a file. The first two arguments are
# the folder for those files and the seconds that a child may take to stop.
PARENT = """
import os, sys
from unmask.cli.supervise import Child, run, say
folder, grace, *scripts = sys.argv[1:]
python = [sys.executable, "-c"]
children = [
    Child(f"child {n}", [*python, script, path], lambda path=path: os.path.exists(path), grace=float(grace))
    for n, script in enumerate(scripts)
    for path in [f"{folder}/{n}"]
]
code = run(children, lambda: say("ALL READY"))
say("pids " + " ".join(str(child.process.pid) for child in children))
sys.exit(code)
"""


def supervise(folder, *scripts, grace=50):
    return start([sys.executable, "-c", PARENT, str(folder), str(grace), *scripts])


def start(command, **variables):
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables},
        start_new_session=True,
    )


def read_until(process, text):
    """The lines up to one that holds the text."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    pytest.fail(f"{text!r} was not printed, but:\n{''.join(lines)}")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_is_a_success(tmp_path, number):
    parent = supervise(tmp_path, DRAINS, READY)
    shown = read_until(parent, "ALL READY")
    parent.send_signal(number)
    rest, _ = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0, shown + rest
    assert "child 0 | drained" in rest
    assert not any(is_alive(int(pid)) for pid in re.search(r"pids (.*)", rest)[1].split())


def test_a_signal_to_the_whole_terminal_reaches_the_children_through_the_parent(tmp_path):
    parent = supervise(tmp_path, DRAINS)
    read_until(parent, "ALL READY")
    os.killpg(parent.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
    rest, _ = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0
    assert rest.count("draining") == 1


def test_a_child_that_dies_is_named_and_takes_the_others_along(tmp_path):
    parent = supervise(tmp_path, READY, DIES)
    out, _ = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 1
    assert "child 1 | out of luck" in out
    assert "The child 1 stopped by itself with exit code 3" in out
    assert "ALL READY" not in out
    assert not any(is_alive(int(pid)) for pid in re.search(r"pids (.*)", out)[1].split())


def test_a_child_that_does_not_stop_is_ended_by_force(tmp_path):
    parent = supervise(tmp_path, DEAF, grace=2)
    read_until(parent, "ALL READY")
    parent.send_signal(signal.SIGTERM)
    out, _ = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0
    assert "did not stop within 2 seconds" in out


def test_a_second_signal_does_not_wait(tmp_path):
    parent = supervise(tmp_path, DRAINS.replace("0.5", "3600"), grace=3600)
    read_until(parent, "ALL READY")
    parent.send_signal(signal.SIGINT)
    read_until(parent, "draining")
    parent.send_signal(signal.SIGINT)
    rest, _ = parent.communicate(timeout=PATIENCE)  # less than the grace, and than the child would take
    assert parent.returncode == 0
    assert "drained" not in rest


@pytest.mark.parametrize(("option", "variable"), [("--port", "UNMASK_WEB_PORT"), ("--grpc-port", "UNMASK_PORT")])
def test_a_taken_port_is_named_in_one_line(option, variable):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        free = {"--port": "--grpc-port", "--grpc-port": "--port"}[option]
        done = subprocess.run(
            [sys.executable, "-m", "unmask", "serve", option, str(taken), free, str(free_port())],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"Port {taken} is taken: choose another with {option} or {variable}.\n"


def test_an_address_of_another_machine_is_refused_by_name():
    assert "192.0.2.1" in cannot_listen("192.0.2.1", 8000)


def test_progress_is_shown_in_tenths_that_take_time():
    now = iter(range(1000))
    slow = Progress(clock=lambda: next(now))
    shown = list(filter(None, (slow(f"UNMASK LOADING loading_weights {n}/290") for n in range(291))))
    assert shown == ["loading weights", *(f"loading weights {n} %" for n in range(10, 101, 10))]

    fast = Progress(clock=lambda: 0)
    assert list(filter(None, (fast(f"UNMASK LOADING loading_weights {n}/290") for n in range(291)))) == shown[:1]
    assert fast("UNMASK LOADING warming_up 0/1") == "warming up"
    assert fast("UNMASK READY 127.0.0.1:50051") == "ready"
    assert fast("a line of the log") == "a line of the log"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_page_comes_up_with_the_embedded_model_and_goes_with_ctrl_c(tmp_path):
    page, grpc = free_port(), free_port()
    serve = start(
        [sys.executable, "-m", "unmask", "serve", "--port", str(page), "--grpc-port", str(grpc)],
        UNMASK_STORE=str(tmp_path / "sessions.sqlite3"),
    )
    try:
        read_until(serve, f"Unmask is ready: http://127.0.0.1:{page}")
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/", timeout=PATIENCE) as answer:
            assert b"<html" in answer.read()
        os.killpg(serve.pid, signal.SIGINT)
        out, _ = serve.communicate(timeout=PATIENCE)
        assert serve.returncode == 0, out
        assert "Traceback" not in out
    finally:
        # Not by force, which would leave its children behind.
        serve.terminate()
        serve.wait()
    assert cannot_listen("127.0.0.1", page) is None
    assert cannot_listen("127.0.0.1", grpc) is None
