"""Recordings made to hurt: refused by count before they are folded, read where memory and time are limited."""

import gzip
import json

import pytest
from google.protobuf import json_format

from inference_service.errors import InvalidField
from inference_service.rpc import reading
from inference_service.rpc.session.recordings import read
from unmask import recording as files
from unmask.v1.frame_pb2 import CAUSE_CREATE, CAUSE_EDIT, CAUSE_STEP, Frame, Splice
from unmask.v1.model_service_pb2 import Model
from unmask.v1.recording_pb2 import Recording
from unmask.v1.session_pb2 import Canvas, Session
from unmask.v1.settings_pb2 import Settings


def recording(count, size=4, **more):
    """Frames that change nothing."""
    settings = Settings(sampler="llada")
    frames = [Frame(parent_revision=-1, cause=CAUSE_CREATE, settings=settings)]
    frames += [Frame(revision=revision, parent_revision=revision - 1, cause=CAUSE_STEP) for revision in range(1, count)]
    canvas = Canvas(tokens=[2] * size, states=[Canvas.POSITION_STATE_OPEN] * size)
    return Recording(
        format=files.FORMAT, version=1, model=Model(name="m", mask_token=2, bidirectional=True), frames=frames,
        session=Session(model="m", head_revision=count - 1, canvas=canvas, settings=settings, mask_token=2), **more)


def packed(made):
    return gzip.compress(made.SerializeToString(), 1)


def refused(data):
    with pytest.raises(InvalidField) as found:
        read(data)
    assert found.value.field == "chunk"
    return found.value


def test_frames_that_are_not_many_come_through():
    assert len(read(packed(recording(200))).frames) == 200


@pytest.mark.parametrize("trimmed", [0, 1, 60_000])
def test_100_000_revisions_are_taken_and_one_more_is_not(trimmed):
    """Those that were trimmed are among them: nothing else is counted, and nothing counted twice."""
    assert reading.MOST_REVISIONS == 100_000
    made = recording(100_000 - trimmed, size=4_000)
    made.session.revision = trimmed
    reading.check_frames(packed(made))
    reading.check_counts(made)
    for more in ("frame", "trimmed"):
        larger = Recording()
        larger.CopyFrom(made)
        if more == "frame":
            larger.frames.append(Frame(revision=100_000, parent_revision=99_999, cause=CAUSE_STEP))
        else:
            larger.session.revision += 1
        with pytest.raises(files.BadRecording, match="100,001 revisions; a server takes up to 100,000") as found:
            reading.check_counts(larger)
        assert found.value.reason == "TOO_LARGE"
    if not trimmed:
        with pytest.raises(files.BadRecording, match="more than 100,000 frames"):
            reading.check_frames(packed(recording(100_001)))


def test_200_000_empty_frames_are_refused_before_they_are_parsed(monkeypatch):
    """Counted on the wire, and no further than to one too many."""
    data, counted = packed(recording(200_000)), []
    assert refused(data).reason == "TOO_LARGE"
    part = reading.part
    monkeypatch.setattr(reading, "part", lambda *where: counted.append(1) or part(*where))
    monkeypatch.setattr(reading, "parsed", lambda data: pytest.fail("it was parsed"))
    with pytest.raises(files.BadRecording):
        reading.check_frames(data)
    assert len(counted) <= reading.MOST_REVISIONS + 10


@pytest.mark.parametrize("made", [
    recording(25_000, size=20_000),
    recording(5, branch_names={f"name {number}": 0 for number in range(5_000)}),
], ids=["frames of long canvases", "names"])
def test_what_is_much_to_fold_is_refused_by_count(made):
    assert refused(packed(made)).reason == "TOO_LARGE"


def test_splices_count_as_the_positions_that_they_make():
    made = recording(20_000)
    made.frames[1].cause = CAUSE_EDIT
    made.frames[1].splices.append(Splice(position=0, inserted=100_000))
    assert refused(packed(made)).reason == "TOO_LARGE"


@pytest.mark.parametrize("data", [
    b"[" * 1_000_000,
    b'{"format":"unmask.recording","version":1,"frames":[' + b"{}," * 2_000_000 + b"{}]}",
    b'{"x0_history":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    json.dumps({"x0_history": [[1] * 4] * 150_000, "canvas": {"tokens": [0] * 4, "mask_token": 0}}).encode(),
    gzip.compress(bytes(400 << 20), 1),
    gzip.compress(b"\x0a" * 1_000_000, 1),
], ids=["deep", "objects", "a deep history", "a long history", "a bomb", "no fields"])
def test_other_files_made_to_hurt_are_refused(data):
    assert refused(data).reason in ("TOO_LARGE", "INVALID", "DAMAGED", "NOT_A_RECORDING")


def test_what_is_much_in_json_and_next_to_nothing_in_bytes_is_refused_by_its_field():
    """The child reads it; what the child hands over is looked at once more."""
    told = json_format.MessageToDict(recording(3))
    told["model"]["samplers"] = [{}] * 500
    assert refused(json.dumps(told).encode()).reason == "INVALID"
