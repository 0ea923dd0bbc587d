"""Recordings that nobody's server made like this: what is refused, what is taken, and what they cannot do."""

import json

import grpc
import pytest

import unmask
from inference_service.config import Config
from inference_service.local import running
from inference_service.sessions.log import Log
from tests.service.calls import Api, refusal
from unmask import edits
from unmask.errors import InvalidField
from unmask.v1 import session_service_pb2 as pb

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def small():
    """The embedded model on a server whose sessions may not grow beyond 64 kB."""
    with running(Config(host="127.0.0.1", port=0, store=":memory:", session_bytes=65_536)) as server:
        server.library.load("")
        with unmask.connect(server.address) as client:
            yield client


@pytest.fixture(scope="module")
def server():
    with running(Config(host="127.0.0.1", port=0, store=":memory:")) as server:
        server.library.load("")
        yield server


@pytest.fixture(scope="module")
def client(server):
    with unmask.connect(server.address) as client:
        yield client


@pytest.fixture(scope="module")
def api(server):
    return Api(server)


def brought(api, content):
    return refusal(api.sessions.Import, iter([pb.ImportRequest(chunk=json.dumps(content).encode())]))


def trimmed(client, sampler="llada", **parameters):
    session = client.create("Tell me a story about Tom and a red kite.", length=200, sampler=sampler, seed=1, steps=50,
                            **parameters)
    while not session.get().first_revision:
        list(session.step(20, draft=True, from_revision=session.get().first_revision))
        list(session.step(1, draft=True, from_revision=0 if not session.get().first_revision else None))
    return session


def test_a_trimmed_session_is_taken_elsewhere_and_gone_on_with(small, client):
    session = trimmed(small)
    first = session.get().first_revision
    made, notes = client.import_recording(session.export())
    assert notes == [] and made.get().first_revision == first > 0
    assert made.get().canvas == session.get().canvas
    assert made.id in [listed.id for listed in client.sessions()]
    assert made.verify() == []
    again, _ = client.import_recording(made.export())
    assert [frame.revision for frame in again.history()] == list(range(first, made.revision + 1))
    for one in (session, made, again):
        list(one.step(from_revision=first))
        assert one.get().summary.open_count == 0


def test_a_sampler_whose_memory_was_trimmed_begins_afresh(small):
    session = trimmed(small, "klass", conf_threshold=1.0)
    first = session.get().first_revision
    assert session.verify() == []
    list(session.step(3, from_revision=first))
    copy, _ = small.import_recording(session.export())
    list(copy.step(from_revision=first))
    assert copy.get().summary.open_count == 0


@pytest.fixture
def content(client):
    session = client.create("Hello", length=8, sampler="remdm", seed=1, steps=8)
    list(session.step())
    return json.loads(session.export("json"))


@pytest.mark.parametrize("state", ['{"step":-1000000000000}', '{"step":1e300}', "[1]", "no json", '{"revision":99}',
                                   '{"revision":"x"}', "[" * 5000])
def test_a_state_that_no_sampler_leaves_is_refused(api, client, content, state):
    content["frames"][-1]["samplerState"] = state
    before = len(list(client.sessions()))
    refused = brought(api, content)
    assert refused.code == Code.INVALID_ARGUMENT and "sampler_state" in refused.message
    assert len(list(client.sessions())) == before


@pytest.mark.parametrize("sampler", ["llada", "credit", "dream", "klass", "local_leap", "p2", "predict_remask",
                                     "remdm"])
@pytest.mark.parametrize("value", [None, "x", [], {}])
def test_a_state_of_wrong_types_is_an_error_that_says_so(client, sampler, value):
    session = client.create("Hello", length=8, sampler=sampler, seed=1)
    list(session.step(3))
    content = json.loads(session.export("json"))
    state = json.loads(content["frames"][-1].get("samplerState", "{}"))
    content["frames"][-1]["samplerState"] = json.dumps(dict.fromkeys(state, value) or {"step": value})
    try:
        made, _ = client.import_recording(json.dumps(content).encode())
    except InvalidField as error:
        assert sampler == "klass" and "sampler_state" in str(error), "it names a revision to recall"
        return
    for call in (lambda: list(made.step(1)), lambda: made.proposal(), lambda: made.rewind(made.revision)):
        try:
            call()
        except unmask.UnmaskError as error:
            assert error.reason in ("SAMPLER_STATE_UNFIT", "CANVAS_COMPLETE"), error
    if made.get().summary.open_count:
        list(made.step(sampler="left_to_right"))
    assert made.get().summary.open_count == 0


def test_any_number_of_trimmed_frames_costs_nothing(api, content):
    """So many that one look at each of them would never end."""
    trimmed = 3 * 10**15
    for frame in content["frames"]:
        frame["revision"] = str(int(frame.get("revision", 0)) + trimmed)
        frame["parentRevision"] = str(int(frame.get("parentRevision", 0)) + trimmed)
    content["session"]["revision"] = content["session"]["firstRevision"] = str(trimmed)
    content["session"]["headRevision"] = content["frames"][-1]["revision"]
    content["frames"][0] |= {"cause": "CAUSE_STEP"}
    assert brought(api, content).code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize("history", [
    {"x0_history": [[7, 8], [7, 9]], "prompt": [3, 2], "mask_token": 2},
    {"x0_history": [[7]], "tokens": {"9" * 5000: "x"}},
])
def test_a_history_is_taken_or_refused_and_never_breaks_the_server(api, client, history):
    try:
        made, _ = client.import_recording(json.dumps(history).encode())
        made.history()
    except InvalidField as error:
        assert error.reason == "INVALID"


def test_a_history_with_another_mask_comes_back_as_it_went(client):
    made, notes = client.import_recording(b'{"x0_history": [[9, 9, 6], [7, 9, 6]], "mask_token": 9}')
    assert any("names no model" in note for note in notes)
    made.edit(edits.force(1, 9))
    again, _ = client.import_recording(made.export())
    assert list(again.get().canvas.tokens) == [7, 9, 6]
    assert made.predict(0).draft.positions
    refused = refusal(lambda: list(made._sessions.Verify(pb.VerifyRequest(session_id=made.id))))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "NOT_COMPUTABLE")


def test_a_history_with_this_models_mask_as_a_token_is_refused(api, client):
    mask = client.model().mask_token
    refused = brought(api, {"x0_history": [[9, mask], [7, mask]], "mask_token": 9})
    assert refused.reason == "OTHER_MODEL"


def test_long_canvases_are_not_weighed_token_by_token(client):
    """That would be 64 million pairs."""
    one, _ = client.import_recording(json.dumps({"x0_history": [[10 + i % 7 for i in range(8000)]] * 2}).encode())
    other, _ = client.import_recording(json.dumps({"x0_history": [[10 + i % 5 for i in range(8001)]] * 2}).encode())
    found = one.compare(other=other)
    assert not found.exact and not any(span.equal for span in found.spans[1:])
    assert sum(span.count for span in found.spans) == 8000 and sum(span.other_count for span in found.spans) == 8001


def test_names_of_every_script(client):
    session = client.create("Hello", length=4)
    for name in ("\U0001f469\u200d\U0001f467", "a\u00a0b", "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"):
        assert session.name(name).name == name
    for name in ("a\nb", "\x00", "\u2028", " "):
        with pytest.raises(InvalidField):
            session.name(name)


def test_what_stood_long_ago_is_found_in_one_look_back(client, monkeypatch):
    """For a hundred positions each revision is read once, not a hundred times."""
    looked_at = []
    at = Log.at
    monkeypatch.setattr(Log, "at", lambda log, revisions: looked_at.extend(revisions) or at(log, revisions))
    session = client.create("Tell me a story about Tom and a red kite.", length=120, steps=8)
    list(session.step())
    start, stood = session.prompt_length, list(session.get().canvas.tokens)
    opened = range(start, start + 100)
    session.edit(edits.mask(*opened))
    for _ in range(150):
        session.edit(edits.insert(start + 100), edits.delete(start + 100))
    looked_at.clear()
    session.edit(edits.unmask(*opened, earlier=True))
    assert 150 <= len(looked_at) <= 400
    assert list(session.get().canvas.tokens)[start:start + 100] == stood[start:start + 100]
