"""Requests that are nearly right, to every method that the API has: each is answered, or refused in plain words.

`make siege` sends 5,000 to each method; here it is a few hundred. A fault names its seed: the same seed makes the same
request again, but for the ids of sessions.
"""

import pytest

from benchmarks.siege.ended import Ended, fault, hidden_paths
from benchmarks.siege.mutate import methods
from benchmarks.siege.processes import Service, rss
from benchmarks.siege.volley import Sender, volley

REQUESTS = 200
METHODS = {method.full_name.removeprefix("unmask.v1."): method for method in methods()}
# 128 MiB that the service may keep by its settings here, as much again as the largest recording takes unpacked, and
# 128 MiB for what an allocator does not give back.
GROWTH = 512 << 20


class Attacked:
    """A service as a process, and a client that sends it what is wrong."""

    def __init__(self, folder):
        self.service = Service(folder)
        self.sender = Sender(self.service.address)
        self.recording = self.sender.recording()
        self.before = rss(self.service.pid)
        self.hidden = hidden_paths([folder])


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    attacked = Attacked(tmp_path_factory.mktemp("attacked"))
    yield attacked
    attacked.sender.close()
    assert attacked.service.stop() == 0, attacked.service.said()


@pytest.mark.parametrize("name", METHODS)
def test_mutated_requests_are_answered_or_refused_in_its_own_words(attacked, name):
    found = volley(attacked.sender, METHODS[name], range(REQUESTS), attacked.recording, attacked.hidden)
    assert attacked.service.alive, attacked.service.said()
    assert not found.faults, "\n".join(f"seed {seed}: {wrong}" for seed, wrong in found.faults[:5])
    assert found.ends["INVALID_ARGUMENT MALFORMED_REQUEST"], "what could not be read was among them"
    assert found.ends["OK"], "some were right: the others were not all stopped by the first check"
    assert rss(attacked.service.pid) - attacked.before < GROWTH


@pytest.mark.parametrize("end", [
    Ended("INTERNAL", "INTERNAL", "the server failed", typed=True),
    Ended("UNKNOWN", message="Unexpected"),
    Ended("RESOURCE_EXHAUSTED", "QUEUE_FULL", "later", typed=True),
    Ended("RESOURCE_EXHAUSTED", message="Concurrent RPC limit exceeded!", retry=1.0),
    Ended("INVALID_ARGUMENT", message="no reason"),
    Ended("DATA_LOSS", "STORE_DAMAGED", "cannot open /hidden/place/store", typed=True),
    Ended("DATA_LOSS", "STORE_DAMAGED", "it is damaged", "in /hidden/place", typed=True),
    Ended("INVALID_ARGUMENT", "INVALID_FIELD", "<class 'KeyError'>", typed=True),
    Ended("INVALID_ARGUMENT", "INVALID_FIELD", "Traceback (most recent call last)", typed=True),
    Ended("CANCELLED", message="OperationalError"),
], ids=str)
def test_a_wrong_end_is_noticed(end):
    assert fault(end, ["/hidden/place"])


@pytest.mark.parametrize("end", [
    Ended("OK"),
    Ended("DEADLINE_EXCEEDED", message="Deadline Exceeded"),
    Ended("INVALID_ARGUMENT", "INVALID_FIELD", "count: must be from 0 to 9", typed=True),
    Ended("RESOURCE_EXHAUSTED", "QUEUE_FULL", "later", typed=True, retry=1.0),
], ids=str)
def test_a_right_end_is_left_alone(end):
    assert fault(end, ["/hidden/place"]) is None


def test_every_service_of_the_api_is_attacked():
    """Found by descriptors; were none found, nothing would fail."""
    assert {name.split(".")[0] for name in METHODS} >= {"SessionService", "ModelService", "InspectionService"}
    assert "SessionService.Import" in METHODS
