"""What was refused is let go of at once: a hundred requests of megabytes are not kept until something collects them."""

import gc
import time

import pytest

from tests.patience import PATIENCE
from tests.service.calls import WAIT, refusal
from unmask.v1 import edit_pb2, prompt_pb2
from unmask.v1 import session_service_pb2 as pb

MANY = [1] * 100_000
LARGE = {
    "CreateSession": lambda id: pb.CreateSessionRequest(
        prompt=prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=MANY)), length=4),
    "Edit": lambda id: pb.EditRequest(
        session_id=id, edits=[edit_pb2.Edit(mask=edit_pb2.MaskPositions(positions=MANY))]),
    "GetCandidates": lambda id: pb.GetCandidatesRequest(session_id=id, positions=MANY),
}


def kept(kind):
    return sum(type(one) is kind for one in gc.get_objects())


@pytest.mark.parametrize("name", LARGE)
def test_a_refused_request_is_kept_by_nothing(api, name):
    """The server is in this process, and nothing is collected."""
    request = LARGE[name](api.create(length=4).id)
    method = getattr(api.sessions, name)

    def call():
        answer = method(request, timeout=WAIT)
        return answer if name != "Edit" else list(answer)

    gc.collect()
    before = kept(type(request))
    gc.disable()
    try:
        assert {refusal(call).reason for _ in range(5)} <= {"INVALID_FIELD", "TOO_LARGE"}
        deadline = time.monotonic() + PATIENCE
        while kept(type(request)) > before and time.monotonic() < deadline:
            time.sleep(0.05)  # the client hears of it first
        assert kept(type(request)) <= before
    finally:
        gc.enable()
