"""Frames as bytes: nothing is lost, nothing changes, and a step stays small."""

import random
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from inference_service.rpc.codec import ProtoCodec
from inference_service.sessions.frame import Cause, Change, Draft, Frame, Settings, Splice, Summary
from inference_service.sessions.state import Origin, State
from unmask.frames import Canvas

CODEC = ProtoCodec()


def single(value):
    """As the wire keeps it."""
    return struct.unpack("f", struct.pack("f", value))[0]


uint32 = st.integers(0, 2**32 - 1)
share = st.floats(0, 1, width=32)
parameters = st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.text(max_size=8)
                             | st.floats(allow_nan=False, allow_infinity=False), max_size=4)
frames = st.builds(
    Frame, revision=st.integers(0, 2**62), parent=st.integers(-1, 2**62), cause=st.sampled_from(Cause),
    create_time=st.floats(0, 4e9), changes=st.lists(st.builds(
        Change, uint32, st.none() | uint32, st.none() | share, st.booleans()), max_size=5).map(tuple),
    summary=st.builds(Summary, uint32, uint32, uint32, st.none() | share, st.none() | share,
                      st.none() | st.floats(0, 20, width=32), st.floats(0, 1e6),
                      st.lists(st.text(max_size=9), max_size=2).map(tuple)),
    settings=st.none() | st.builds(Settings, st.text(max_size=9), parameters, st.integers(0, 2**64 - 1)),
    draft=st.none() | st.builds(Draft, st.lists(uint32, max_size=4).map(tuple), st.lists(uint32, max_size=4).map(tuple),
                                st.binary(max_size=4), st.binary(max_size=4), st.integers(0, 2**62)),
    sampler_state=st.dictionaries(st.text(max_size=9), st.integers() | st.lists(st.integers(), max_size=3), max_size=3),
    splices=st.lists(st.builds(Splice, uint32, uint32, uint32), max_size=3).map(tuple), start=st.none() | uint32,
    protected=st.lists(uint32, max_size=3).map(tuple), unprotected=st.lists(uint32, max_size=3).map(tuple),
    read_only=st.booleans(), substep=st.text(max_size=9))


@settings(deadline=None)
@given(frame=frames)
def test_a_frame_survives_the_store(frame):
    data = CODEC.frame_to_bytes(frame)
    read = CODEC.frame_from_bytes(data)
    for name in ("revision", "parent", "cause", "changes", "settings", "draft", "sampler_state", "splices", "start",
                 "protected", "unprotected", "read_only", "substep"):
        assert getattr(read, name) == getattr(frame, name)
    assert abs(read.create_time - frame.create_time) < 1e-6
    assert abs(read.summary.compute_seconds - frame.summary.compute_seconds) < 1e-6


@settings(deadline=None)
@given(frame=frames)
def test_a_frame_that_was_sent_is_sent_the_same_ever_after(frame):
    """However often a server restarts."""
    first = CODEC.frame_to_bytes(frame)
    second = CODEC.frame_to_bytes(CODEC.frame_from_bytes(first))
    assert CODEC.frame_from_bytes(first) == CODEC.frame_from_bytes(second)
    for name in ("create_time", "summary"):
        assert getattr(CODEC.frame_from_bytes(first), name) == getattr(CODEC.frame_from_bytes(second), name)


def test_times_do_not_drift():
    numbers = random.Random(0)
    for _ in range(500):
        frame = Frame(1, 0, Cause.STEP, 1.8e9 + numbers.random(), Summary(1, compute_seconds=numbers.random()))
        sent = CODEC.frame_to_bytes(frame)
        assert CODEC.frame_to_bytes(CODEC.frame_from_bytes(sent)) == sent


@given(given=st.lists(st.none() | st.integers(0, 98), max_size=6), length=st.integers(0, 6), word=st.booleans(),
       created=st.floats(0, 4e9), ttl=st.floats(1, 1e8))
def test_an_origin_survives_the_store(given, length, word, created, ttl):
    if None not in given:
        length += 1
    origin = Origin("id", "a model", (*given, *[None] * length, *[7] * word), len(given), 99, created, ttl)
    read = CODEC.origin_from_bytes(CODEC.origin_to_bytes(origin))
    assert (read.session_id, read.model, read.given, read.prompt_length, read.mask_token) == (
        "id", "a model", origin.given, len(given), 99)
    assert abs(read.create_time - created) < 1e-6
    assert abs(read.ttl - ttl) < 2e-6


@given(data=st.data(), size=st.integers(0, 6))
def test_a_state_survives_the_store(data, size):
    tokens = data.draw(st.lists(st.none() | st.integers(0, 98), min_size=size, max_size=size))
    decided = [position for position, token in enumerate(tokens) if token is not None]
    some = st.frozensets(st.sampled_from(decided)) if decided else st.just(frozenset())
    given_, by_hand, protected = data.draw(some), data.draw(some), data.draw(some)
    start, read_only = data.draw(st.integers(0, size)), data.draw(st.booleans())
    canvas = Canvas(tuple(tokens), start, given_, by_hand - given_, protected)
    state = State(canvas, Settings("llada", {"steps": 3}, 5), {"step": 2}, 7, 1.5, True, read_only)
    origin = Origin("id", "a model", (None,), 0, 99, 1.0, 2.0)
    assert CODEC.state_from_bytes(CODEC.state_to_bytes(origin, 5, state)) == state


# ---- the wire budget ----

def big_step(draft):
    numbers = random.Random(0)
    changes = tuple(Change(position, numbers.randrange(126_464), single(numbers.random()))
                    for position in sorted(numbers.sample(range(1024), 8)))
    summary = Summary(1016, 1, 100_000, 0.7, 0.1, 3.3, 0.123456789)
    return Frame(99_999, 99_998, Cause.STEP, 1_800_000_000.123456, summary, changes, draft=draft,
                 sampler_state={"block": 31, "step": 4095})


def test_a_step_without_a_draft_takes_less_than_300_bytes():
    assert len(CODEC.frame_to_bytes(big_step(None))) < 300


def test_a_step_with_a_draft_of_1024_positions_takes_at_most_8_kb():
    numbers = random.Random(1)
    ids = tuple(numbers.randrange(20_000, 126_464) for _ in range(1024))
    draft = Draft(tuple(range(1024)), ids, numbers.randbytes(1024), numbers.randbytes(1024), 99_998)
    assert len(CODEC.frame_to_bytes(big_step(draft))) <= 8_000
