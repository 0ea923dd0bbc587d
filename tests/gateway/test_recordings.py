"""Recordings over HTTP, through the real service."""

import json
import urllib.error
import urllib.request

import pytest

import unmask
from inference_service.config import Config
from inference_service.local import running
from tests.gateway.conftest import Gateway
from tests.patience import PATIENCE
from unmask import recording


@pytest.fixture(scope="module")
def server():
    with running(Config(host="127.0.0.1", port=0, store=":memory:")) as server:
        server.library.load("")
        yield server


@pytest.fixture(scope="module")
def gateway(server):
    gateway = Gateway(int(server.address.rpartition(":")[2]), max_recording_bytes=20_000)
    yield gateway
    code, printed = gateway.stop()
    assert code == 0 and "Traceback" not in printed, printed


@pytest.fixture
def client(server):
    with unmask.connect(server.address) as client:
        yield client


@pytest.fixture
def session(client):
    session = client.create("Tell me a story about Tom and a red kite.", length=16, steps=4)
    list(session.step())
    return session


def post(gateway, body, path="/recordings", **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        return error.code, json.loads(text) if text.startswith("{") else text


@pytest.mark.parametrize(("form", "kind"), [("binary", "application/gzip"), ("json", "application/json")])
def test_a_download_is_what_the_service_exports_and_can_be_sent_back(gateway, client, session, form, kind):
    response = gateway.get(f"/recordings/{session.id}?form={form}")
    assert response.status == 200 and response.headers["Content-Type"].startswith(kind)
    assert session.id in response.headers["Content-Disposition"]
    read, exported = recording.read(response.body), recording.read(session.export(form))
    for one in (read, exported):
        one.ClearField("create_time")
    assert read == exported
    status, answer = post(gateway, response.body if form == "binary" else session.export())
    assert status == 201
    assert client.open(answer["session"]["id"]).text == session.text


def test_candidates_come_along_where_they_are_asked_for(gateway, session):
    read = recording.read(gateway.get(f"/recordings/{session.id}?candidates=3").body)
    assert {len(one.candidates) for prediction in read.predictions for one in prediction.candidates} == {3}


def test_a_repeated_upload_is_one_session(gateway, session):
    made = [post(gateway, session.export(), "/recordings?request_id=same") for _ in range(2)]
    assert made[0][1]["session"]["id"] == made[1][1]["session"]["id"]


@pytest.mark.parametrize(("path", "status", "words"), [
    ("/recordings/nothing", 404, "no session"),
    ("/recordings/nothing?form=pdf", 400, "binary, json"),
    ("/recordings/nothing?candidates=-1", 400, "0 to 100"),
])
def test_a_download_that_cannot_be(gateway, path, status, words):
    response = gateway.get(path)
    assert response.status == status and words in response.body.decode()


def test_an_upload_that_is_no_recording_says_so(gateway):
    status, answer = post(gateway, b"GIF89a and so on")
    assert status == 400 and "recording" in answer["message"]


def test_an_upload_that_is_too_large_is_not_read(gateway):
    status, _ = post(gateway, b"x" * 30_000)
    assert status == 413


def test_pages_of_another_origin_send_nothing(gateway, session):
    status, answer = post(gateway, session.export(), Origin="http://evil.example")
    assert status == 403 and "origin" in answer
