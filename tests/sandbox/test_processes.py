"""What a child may do, and how it ends: each way is a typed answer, and leaves nothing behind."""

import os
import signal
import threading
import time

import pytest

from inference_service.errors import Cancelled, DeadlineExceeded, Exhausted, Unavailable
from inference_service.sandbox import lanes, processes, scope
from inference_service.sandbox.limits import MIB, Limits, Refused, Stopped

TASK = "tests.sandbox.tasks:"
SMALL = Limits(seconds=1, memory=96 * MIB, output=MIB, wall=60)


def run(name, arguments=None, blobs=(), base=None, **more):
    return processes.run(TASK + name, arguments or {}, blobs, base, quick_limits=SMALL, slow_limits=SMALL, **more)


def gone(pid):
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_json_and_bytes_go_there_and_back():
    answer, blobs = run("echo", {"a": [1, "é", None]}, [b"abc", b"", bytes(300_000)])
    assert answer == {"got": {"a": [1, "é", None]}, "state": None}
    assert blobs == [b"cba", b"", bytes(300_000)]


@pytest.mark.parametrize(("name", "limit"), [
    ("spins", "time"), ("fills_memory", "memory"), ("answers_much", "output"), ("crashes", "crash"),
    ("raises", "crash"), ("recurses", "crash")])
def test_what_does_not_end_well_says_which_limit_it_met(name, limit):
    with pytest.raises(Stopped) as stopped:
        run(name)
    assert stopped.value.limit == limit
    assert run("echo")


def test_what_is_not_quick_is_begun_again_with_more():
    more = Limits(seconds=30, memory=256 * MIB, wall=120)
    answer, _ = processes.run(TASK + "takes", {"bytes": 128 * MIB}, quick_limits=SMALL, slow_limits=more)
    assert answer == {"took": 128 * MIB}


def test_a_refusal_comes_as_it_was_said():
    with pytest.raises(Refused) as refused:
        run("refuses")
    assert refused.value.told == {"message": "no", "line": 3}


def test_a_child_has_nothing_of_the_process_it_runs_for(tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_TEST_SECRET", "x")
    with open(tmp_path / "open", "w"):
        found, _ = run("looks", {"path": str(tmp_path / "written")})
    assert found["files"] <= 6  # three of nothing, its socket, and the folder that is listed
    assert found["core"] == [0, 0] and found["threads"] == 1 and not found["wrote"]
    assert "UNMASK_TEST_SECRET" not in found["env"]
    assert found["parent"] != os.getpid() and gone(found["pid"])


def test_the_deadline_of_the_call_ends_it():
    with scope.entered(scope.Scope(time.monotonic() + 0.2)), pytest.raises(DeadlineExceeded):
        run("sleeps", {"seconds": 3600})


def test_the_end_of_the_call_ends_it():
    call, found = scope.Scope(), []

    def work():
        with scope.entered(call):
            try:
                run("tells_and_sleeps", {"path": path})
            except Cancelled as error:
                found.append(error)

    read, write = os.pipe()
    path = f"/proc/{os.getpid()}/fd/{write}"
    thread = threading.Thread(target=work)
    thread.start()
    pid = int(os.read(read, 100))  # the child is at work
    call.cancelled.set()
    thread.join(60)
    os.close(read)
    os.close(write)
    assert found and gone(pid)


def test_what_a_base_has_prepared_every_child_of_it_has():
    base = processes.Base("one", TASK + "prepares", {"what": "v"})
    states = [run("echo", base=base)[0]["state"] for _ in range(3)]
    assert states[0]["prepared"] == "v" and states[0] == states[1] == states[2]
    os.kill(states[0]["pid"], signal.SIGKILL)
    assert gone(states[0]["pid"])
    again = run("echo", base=base)[0]["state"]
    assert again["prepared"] == "v" and again["pid"] != states[0]["pid"]


def test_a_base_that_cannot_be_prepared_says_so():
    with pytest.raises(Stopped):
        run("echo", base=processes.Base("dies", TASK + "dies", {}))


def test_the_last_used_bases_stay(monkeypatch):
    monkeypatch.setattr(processes, "BASES_KEPT", 2)
    bases = [processes.Base(f"base {number}", TASK + "prepares", {"what": number}) for number in range(3)]
    pids = [run("echo", base=base)[0]["state"]["pid"] for base in bases]
    assert gone(pids[0])
    assert run("echo", base=bases[2])[0]["state"]["pid"] == pids[2]


def test_all_of_it_goes_with_the_service_and_comes_back():
    own = processes.Processes()
    base = processes.Base("own", TASK + "prepares", {"what": 1})
    found = own.run(TASK + "looks", {"path": ""}, [], base, SMALL)[0]
    own._root.main.close()
    own._bases["own"].main.close()
    assert gone(found["parent"])
    own._root.alive = False
    assert own.run(TASK + "echo", {}, [], base, SMALL)[0]["state"]["prepared"] == 1


def test_a_zygote_that_is_killed_is_made_anew():
    own = processes.Processes()
    zygote = own.run(TASK + "looks", {"path": ""}, [], None, SMALL)[0]["parent"]
    os.kill(zygote, signal.SIGKILL)
    assert gone(zygote)
    assert own.run(TASK + "looks", {"path": ""}, [], None, SMALL)[0]["parent"] != zygote
    own._root.close()


def test_a_zygote_that_is_killed_with_all_it_has_prepared_is_made_anew():
    own = processes.Processes()
    base = processes.Base("own", TASK + "prepares", {"what": 1})
    prepared = own.run(TASK + "echo", {}, [], base, SMALL)[0]["state"]["pid"]
    zygote = own.run(TASK + "looks", {"path": ""}, [], None, SMALL)[0]["parent"]
    os.kill(zygote, signal.SIGKILL)
    assert gone(zygote) and gone(prepared)
    assert own.run(TASK + "echo", {}, [], base, SMALL)[0]["state"]["prepared"] == 1
    own._root.close()


def test_a_slow_one_keeps_no_other_waiting():
    """Every place of the slow ones is taken, and held at a gate; what is quick is done all the same."""
    with processes.slow.place(), processes.slow.place():
        assert run("echo")
        with scope.entered(scope.Scope(time.monotonic() + 0.1)), pytest.raises(DeadlineExceeded):
            run("echo", heavy=True)


def test_places_go_to_those_who_have_waited_longest_and_too_many_are_refused(monkeypatch):
    lane, order, waiting = lanes.Lane(1), [], []

    def wait(number):
        with lane.place():
            order.append(number)

    monkeypatch.setattr(lanes, "MOST_WAITING", 3)
    with lane.place():
        for number in range(3):
            waiting.append(threading.Thread(target=wait, args=(number,)))
            waiting[-1].start()
            while len(lane._waiting) <= number:
                time.sleep(0.001)
        with pytest.raises(Exhausted) as refused, lane.place():
            pass
        assert refused.value.reason == "COMPILER_BUSY" and refused.value.retry_after > 0
    for thread in waiting:
        thread.join(60)
    assert order == [0, 1, 2]


def test_a_connection_that_asks_for_much_keeps_no_other_waiting(monkeypatch):
    lane, order, waiting = lanes.Lane(2), [], []

    def wait(whose):
        scope.connection.set(whose)
        with lane.place():
            order.append(whose)

    monkeypatch.setattr(lanes, "MOST_WAITING", 3)
    scope.connection.set("greedy")
    with lane.place():
        with lane.place():
            for number, whose in enumerate(["greedy", "greedy", "greedy", "modest"]):
                waiting.append(threading.Thread(target=wait, args=(whose,)))
                waiting[-1].start()
                while len(lane._waiting) <= number:
                    time.sleep(0.001)
            with pytest.raises(Exhausted), lane.place():
                pass
        for thread in waiting:
            thread.join(60)
    scope.connection.set("")
    assert order == ["greedy", "modest", "greedy", "greedy"] and lane._free == 2 and not lane._turns


def test_one_that_waits_leaves_with_its_call():
    lane, call, found = lanes.Lane(1), scope.Scope(), []

    def wait():
        with scope.entered(call):
            try:
                with lane.place():
                    found.append("in")
            except Cancelled:
                found.append("out")

    with lane.place():
        thread = threading.Thread(target=wait)
        thread.start()
        while not lane._waiting:
            time.sleep(0.001)
        call.cancelled.set()
        thread.join(60)
    assert found == ["out"]
    with lane.place():
        pass


def test_a_thread_that_may_not_wait_does_not():
    found = []

    def work():
        processes.bar()
        try:
            run("echo")
        except Unavailable as error:
            found.append(error.reason)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert found == ["SANDBOX_UNAVAILABLE"]
