"""Files: both forms say the same, damage is told, and what is no recording is refused in one sentence."""

import gzip
import io
import json
import random
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_trees import recording, session

from unmask import recording as files
from unmask.recording import BadRecording, parts, read, write
from unmask.v1.recording_pb2 import Recording

MADE = recording(session(11))
FORMS = ("binary", "json")
GZIP_HEADER = 10  # bytes that say when and where it was packed, which no checksum covers


def refused(data: bytes) -> BadRecording:
    with pytest.raises(BadRecording) as caught:
        read(data)
    assert "\n" not in str(caught.value) and str(caught.value)
    return caught.value


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), form=st.sampled_from(FORMS), share=st.floats(0, 1))
def test_what_is_written_is_read(seed, form, share):
    made = session(seed)
    made = recording(made, round(share * made.head))
    assert read(write(made, form)) == made


@pytest.mark.parametrize("form", FORMS)
def test_equal_recordings_give_equal_bytes(form):
    again = Recording()
    for name in ("torch", "unmask"):
        again.versions[name] = MADE.versions[name]
    again.MergeFrom(MADE)
    assert write(again, form) == write(MADE, form)
    assert write(read(write(MADE, "json")), form) == write(read(write(MADE, "binary")), form)


def test_json_is_protobufs_own_with_a_frame_a_line():
    text = write(MADE, "json").decode()
    content = json.loads(text)
    assert content["format"] == "unmask.recording"
    assert content["frames"][1]["parentRevision" if MADE.frames[1].parent_revision else "revision"]
    lines = text.splitlines()
    assert sum(line.startswith('{"cause":') for line in lines) == len(MADE.frames)
    changed = Recording()
    changed.CopyFrom(MADE)
    changed.frames[5].create_time.seconds += 1
    assert sum(one != other for one, other in zip(lines, write(changed, "json").decode().splitlines())) == 1


def test_there_are_two_forms():
    with pytest.raises(ValueError, match='"binary" or "json"'):
        write(MADE, "yaml")


def test_fields_of_this_version_that_are_not_known_are_left_out():
    content = json.loads(write(MADE, "json"))
    content["mood"] = {"of": "the day"}
    content["frames"][3]["weather"] = "mild"
    assert read(json.dumps(content).encode()) == MADE
    later = MADE.SerializeToString() + b"\xfa\x3f\x03abc"  # field 1023
    assert read(gzip.compress(later)).SerializeToString(deterministic=True) == MADE.SerializeToString(
        deterministic=True)


# ---- damage ----

def flipped(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_a_flipped_bit_of_the_compressed_form_is_told_or_changes_nothing():
    """Nothing: in the header, which says when and where it was packed, and in what fills up the last byte."""
    data = write(MADE, "binary")
    harmless = []
    for bit in {*range(8 * GZIP_HEADER), *range(8 * len(data) - 80, 8 * len(data)),
                *random.Random(1).sample(range(8 * len(data)), 1500)}:
        try:
            assert read(flipped(data, bit)) == MADE
            harmless.append(bit)
        except BadRecording as bad:
            assert bad.reason == "DAMAGED" or bit < 16
    assert all(bit < 8 * GZIP_HEADER or 8 * (len(data) - 9) <= bit < 8 * (len(data) - 8) for bit in harmless)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_of_json_is_told_or_gives_a_whole_recording(data):
    """JSON has no checksum: a digit that became another one cannot be seen."""
    text = write(MADE, "json")
    damaged = flipped(text, data.draw(st.integers(0, 8 * len(text) - 1)))
    try:
        files.check(read(damaged))
    except BadRecording:
        pass


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_was_cut_off_is_told(form):
    data = write(MADE, form)
    ends = {0, 1, 2, 5, 9, 10, 11, len(data) - 9, len(data) - 8, len(data) - 3, len(data) - 2,
            *random.Random(2).sample(range(len(data) - 2), 150)}
    for end in ends:
        assert refused(data[:end]).reason in ("DAMAGED", "NOT_A_RECORDING"), end


@pytest.mark.parametrize("form", FORMS)
def test_what_follows_the_end_is_told(form):
    assert refused(write(MADE, form) + b"more").reason == "DAMAGED"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_packed_garbage_is_no_recording(data):
    """A checksum that fits says nothing of what was packed."""
    content = bytearray(MADE.SerializeToString())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        files.check(read(gzip.compress(bytes(content))))
    except BadRecording:
        pass


# ---- other files ----

def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a")
    return file.getvalue()


def png() -> bytes:
    chunk = lambda kind, data: (struct.pack(">I", len(data)) + kind + data  # noqa: E731
                                + struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


@pytest.mark.parametrize("data", [
    b"", b"\n", b"plain text", png(), zipped(), b"{}", b"[1", b'{"a": 1}', b'{"format": "other", "version": 1}',
    b'{"format": 3}', b'{"format": null, "version": "x"}', gzip.compress(b""), gzip.compress(b"plain text"),
    gzip.compress(write(MADE, "json")), gzip.compress(png()), MADE.SerializeToString(), b"\x1f\x8b", b"\xff\xfe{",
], ids=range(18))
def test_other_files(data):
    assert refused(data).reason in ("NOT_A_RECORDING", "DAMAGED")


@pytest.mark.parametrize("form", FORMS)
def test_a_later_version(form):
    later = Recording()
    later.CopyFrom(MADE)
    later.version = 2
    bad = refused(write(later, form))
    assert bad.reason == "LATER_VERSION"
    assert str(bad) == "the recording is of version 2; versions up to 1 are read here, so a newer Unmask is needed"


def test_a_later_version_whose_fields_are_others():
    later = b'{"format": "unmask.recording", "version": 3, "frames": {"packed": true}}'
    assert refused(later).reason == "LATER_VERSION"


@pytest.mark.parametrize("content", [
    {"frames": 5}, {"session": []}, {"version": "one"}, {"version": -1}, {"version": 1.5}, {"frames": [{"cause": {}}]},
    {"session": {"canvas": {"tokens": ["x"]}}}, {"createTime": "yesterday"}, {"model": {"name": "\ud800"}},
    {"branchNames": {"a": "b"}}, {"checkpoint": 5}, {"frames": [None]}, {"versions": {"a": None}},
    {"\ud800": 1}, {"frames": [{"\udfff": 1}]}, {"session": {"settings": {"parameters": {"\ud800": 1}}}},
])
def test_json_that_does_not_fit(content):
    data = json.dumps({"format": "unmask.recording", "version": 1} | content).encode()
    assert refused(data).reason == "INVALID"


@pytest.mark.parametrize("data", [
    b"[" * 100_000, b'{"format":"unmask.recording","version":1,"session":' + b'{"settings":' * 50_000,
    b'{"x0_history":' + b"[" * 900 + b"1" + b"]" * 900 + b"}",
    b'{"format":"unmask.recording","version":1,"session":{"settings":{"parameters":' + b'{"a":' * 900 + b"1"
    + b"}" * 900 + b"}}}", b'[[1' + b"0" * 5000 + b"]]"])
def test_json_that_is_nested_or_written_to_break_readers(data):
    refused(data)


# ---- files that unpack to more than they should ----

def test_more_than_a_gibibyte_is_not_unpacked():
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as file:
        for _ in range(files.MOST_BYTES // (1 << 22) + 1):
            file.write(bytes(1 << 22))
    assert refused(bomb.getvalue()).reason == "TOO_LARGE"


def delimited(number: int, content: bytes) -> bytes:
    length, left = b"", len(content)
    while left > 127:
        length, left = length + bytes([left & 127 | 128]), left >> 7
    return bytes([number << 3 | 2]) + length + bytes([left]) + content


@pytest.mark.parametrize(("content", "reason"), [
    (delimited(8, b"\x22\x00" * 1_000_000), "INVALID"),
    (delimited(8, b"\x5a\x00" * 1_000_000), "INVALID"),
    (delimited(12, b"\x1a\x00" * 1_000_000), "INVALID"),
    (delimited(12, delimited(3, b"\x12\x00" * 1_000_000)), "INVALID"),
    (delimited(4, b"\x72\x00" * 1_000_000), "INVALID"),
    (delimited(8, bytes(parts.MOST_PART_BYTES)), "TOO_LARGE"),
    (delimited(1, b"unmask.recording") * 2, "NOT_A_RECORDING"),
], ids=["changes", "splices", "positions", "candidates", "samplers", "one part", "twice"])
def test_small_files_that_would_fill_memory(content, reason):
    assert refused(gzip.compress(content)).reason == reason


@pytest.mark.parametrize("data", [
    gzip.compress(delimited(8, b"") * 1001),
    json.dumps({"format": "unmask.recording", "version": 1, "frames": [{}] * 1001}).encode()], ids=FORMS)
def test_more_parts_than_are_read(monkeypatch, data):
    monkeypatch.setattr(parts, "MOST_PARTS", 1000)
    assert refused(data).reason == "TOO_LARGE"


def test_what_could_not_be_read_again_is_not_written(monkeypatch):
    monkeypatch.setattr("unmask.recording.files.MOST_BYTES", 1000)
    for form in FORMS:
        with pytest.raises(BadRecording) as caught:
            write(MADE, form)
        assert caught.value.reason == "TOO_LARGE"


def test_what_json_cannot_say_is_not_written():
    strange = Recording()
    strange.CopyFrom(MADE)
    strange.frames[1].settings.parameters["temperature"] = float("inf")
    with pytest.raises(BadRecording):
        write(strange, "json")
