"""Whatever a reader relies on is held to, and a refusal says where it is broken."""

import pytest
from random_trees import MASK

from unmask.recording import FORMAT, VERSION, BadRecording, check
from unmask.v1.frame_pb2 import (
    CAUSE_CREATE,
    CAUSE_EDIT,
    CAUSE_REWIND,
    CAUSE_SELECT,
    CAUSE_STEP,
    Change,
    Draft,
    Frame,
    Splice,
)
from unmask.v1.model_service_pb2 import Model
from unmask.v1.prediction_pb2 import Candidate, PositionCandidates, Prediction
from unmask.v1.recording_pb2 import Recording
from unmask.v1.session_pb2 import Canvas, Session
from unmask.v1.settings_pb2 import Settings

OPEN, COMMITTED, GIVEN = 1, 2, 3
SETTINGS = Settings(sampler="llada", seed=1)


def small(first: int = 0) -> Recording:
    """Four positions, one of them given; two steps, a choice by hand and a rewind."""
    canvas = Canvas(tokens=[5, MASK, MASK, MASK], states=[GIVEN, OPEN, OPEN, OPEN])
    frames = [
        Frame(parent_revision=-1, cause=CAUSE_CREATE, settings=SETTINGS),
        Frame(cause=CAUSE_STEP, changes=[Change(position=1, token=7)], draft=Draft(
            positions=[1, 2, 3], tokens=[7, 8, 9], probabilities=b"abc", entropies=b"")),
        Frame(cause=CAUSE_STEP, changes=[Change(position=2, token=8)]),
        Frame(cause=CAUSE_SELECT, changes=[Change(position=1), Change(position=3, token=0)]),
        Frame(cause=CAUSE_REWIND)]
    for revision, frame in enumerate(frames, first):
        frame.revision, frame.parent_revision = revision, revision - 1
    if first:
        frames[0].cause = CAUSE_STEP
    return Recording(format=FORMAT, version=VERSION, model=Model(vocabulary_size=100, mask_token=MASK), frames=frames,
                     session=Session(revision=first, canvas=canvas, prompt_length=1, settings=SETTINGS))


def test_the_recordings_that_are_broken_here_are_whole():
    check(small())
    check(small(10))


def frame(index: int, **fields):
    """Merges fields into a frame."""
    return lambda made: made.frames[index].MergeFrom(Frame(**fields))


def clear(*path: str):
    def change(made):
        for name in path[:-1]:
            made = getattr(made, name)
        made.ClearField(path[-1])
    return change


def assign(path: str, value):
    """Sets a field: "session.prompt_length", "frames.2.revision"."""
    def change(made):
        *way, last = path.split(".")
        for name in way:
            made = made[int(name)] if name.isdecimal() else getattr(made, name)
        if last.isdecimal():
            made[int(last)] = value
        else:
            setattr(made, last, value)
    return change


def base(**fields):
    def change(made):
        canvas = {"tokens": [5], "states": [GIVEN]} | fields.pop("canvas", {})
        made.bases.add(**{"revision": 3, "canvas": Canvas(**canvas)} | fields)
    return change


def candidate(position: int = 1, token: int = 7, revision: int = 1):
    listed = [PositionCandidates(position=position, candidates=[Candidate(token=token)])]
    return lambda made: made.predictions.append(Prediction(revision=revision, candidates=listed))


@pytest.mark.parametrize(("broken", "words"), [
    (clear("session"), "has no session"),
    (clear("version"), "does not say its version"),
    (lambda made: (made.model.ClearField("mask_token"), setattr(made.model, "bidirectional", True)),
     "which id is the mask"),
    (assign("session.revision", -1), "session: revisions count from 0; got -1"),
    (assign("session.revision", 1), "frame 0: frame 1 has to stand here"),
    (clear("frames"), "has no frame"),
    (lambda made: made.session.canvas.tokens.append(5), "session: the canvas has 5 tokens and 4 states"),
    (clear("session", "canvas"), "a canvas has 1 to"),
    (assign("session.prompt_length", 5), "the prompt takes 5 positions of a canvas of 4"),
    (assign("session.canvas.states.1", 0), "session, position 1: is neither open nor committed nor given"),
    (assign("session.canvas.states.1", 9), "session, position 1: is neither"),
    (assign("session.canvas.states.1", COMMITTED), "session, position 1: 99 is the mask"),
    (assign("session.canvas.tokens.0", 100), "session, position 0: the vocabulary's ids are 0 to 99; got 100"),
    (lambda made: made.session.canvas.by_hand.append(1),
     "session, position 1: is open"),
    (lambda made: made.session.canvas.protected.append(4), "session: protected: must be below 4; got 4"),
    (lambda made: made.session.canvas.by_hand.extend([0, 0]), "session: by_hand: must ascend"),
    (lambda made: assign("session.canvas.states.1", COMMITTED)(made) or assign("session.canvas.tokens.1", 4)(made),
     "session: at revision 0 whatever is decided is given"),
    (lambda made: made.session.canvas.protected.append(0), "session: at revision 0 whatever is decided is given"),
    (assign("session.sampler_state", "[]"), "session: sampler_state must be a JSON object"),
    (lambda made: made.frames[0].ClearField("settings"),
     "frame 0: has no settings"),
    (assign("frames.0.parent_revision", 0), "frame 0: is the creation"),
    (assign("frames.0.cause", CAUSE_STEP), "frame 0: is the creation"),
    (assign("frames.2.revision", 3), "frame 3: frame 2 has to stand here"),
    (lambda made: made.frames.pop(2), "frame 3: frame 2 has to stand here"),
    (assign("frames.2.parent_revision", 2), "frame 2: a parent is older than its frame; got 2"),
    (assign("frames.2.parent_revision", -1), "frame 2: a parent is older than its frame; got -1"),
    (assign("frames.2.cause", 0), "frame 2: no cause of a frame has the number 0"),
    (assign("frames.2.cause", 6), "frame 2: no cause of a frame has the number 6"),
    (assign("frames.2.cause", CAUSE_CREATE), "frame 2: no cause"),
    (frame(2, changes=[Change(position=4, token=1)]), "frame 2: changes: must be below 4; got 4"),
    (frame(2, changes=[Change(position=1, token=1)]), "frame 2: changes: must ascend; 1 follows 2"),
    (assign("frames.2.changes.0.token", 100), "frame 2, position 2: the vocabulary's ids are 0 to 99; got 100"),
    (assign("frames.2.changes.0.token", MASK), "frame 2, position 2: 99 is the mask"),
    (assign("frames.2.changes.0.position", 0), "frame 2: no step changes position 0, which is given or protected"),
    (assign("frames.2.changes.0.given", True), "frame 2, position 2: only an edit gives a token"),
    (frame(2, protected=[2]), "frame 2: only an edit has protected"),
    (frame(4, splices=[Splice(inserted=1)]), "frame 4: a rewind has its parent's canvas, no splices"),
    (frame(2, prompt_length=2), "frame 2: only an edit has prompt_length"),
    (frame(4, changes=[Change(position=1, token=1)]), "frame 4: a rewind has its parent's canvas"),
    (frame(3, sampler_state="{"), "frame 3: sampler_state must be a JSON object"),
    (frame(3, sampler_state="[" * 10_000), "frame 3: sampler_state must be a JSON object"),
    (lambda made: made.frames[3].create_time.FromNanoseconds(0) or assign("frames.3.create_time.seconds", 2**60)(made),
     "frame 3: create_time must be in the years 1 to 9999"),
    (assign("frames.3.summary.wall_time.nanos", -1), "frame 3: wall_time must not be negative"),
    (assign("frames.3.summary.stop_reason", 99), "frame 3: stop_reason has no value with the number 99"),
    (assign("frames.3.summary.constraint", -1), "frame 3: constraint has no value with the number -1"),
    (assign("session.summary.stop_reason", 99), "session: stop_reason has no value with the number 99"),
    (lambda made: made.frames[3].settings.parameters.update({"temperature": float("nan")}),
     "frame 3: the parameter 'temperature' must be a finite number"),
    (lambda made: made.frames[1].draft.tokens.pop(),
     "frame 1: the draft has 3 positions and 2 tokens"),
    (assign("frames.1.draft.probabilities", b"ab"), "frame 1: the draft's probabilities are one byte for each of 3"),
    (assign("frames.1.draft.entropies", b"abcd"), "frame 1: the draft's entropies"),
    (assign("frames.1.draft.positions.2", 4), "frame 1: draft: must be below 4; got 4"),
    (assign("frames.1.draft.tokens.0", 200), "frame 1: draft: the vocabulary's ids are 0 to 99; got 200"),
    (candidate(revision=9), "prediction at revision 9: there is no such revision"),
    (candidate(position=4), "prediction at revision 1: positions are 0 to 3; got 4"),
    (candidate(token=100), "prediction at revision 1, position 1: the vocabulary's ids are 0 to 99"),
    (lambda made: made.branch_names.update({"one": 9}), "branch name 'one': there is no revision 9"),
    (lambda made: made.branch_names.update({"": 1}), "branch name ''"),
    (lambda made: made.branch_names.update({"a\n": 1}), "control character"),
    (lambda made: made.branch_names.update({"one": 1, "two": 1}), "revision 1 has a name already"),
    (base(), "bases: must be below 0"),
])
def test_what_is_wrong_is_said(broken, words):
    made = small()
    broken(made)
    with pytest.raises(BadRecording) as caught:
        check(made)
    assert words in str(caught.value)
    assert caught.value.reason == "INVALID"


def edited(**fields) -> Recording:
    made = small()
    made.frames[3].CopyFrom(Frame(revision=3, parent_revision=2, cause=CAUSE_EDIT, **fields))
    return made


@pytest.mark.parametrize(("fields", "words"), [
    ({"splices": [Splice(position=5, inserted=1)]}, "frame 3: a splice takes positions 5 to 5 out of a canvas of 4"),
    ({"splices": [Splice(position=3, removed=2)]}, "frame 3: a splice takes positions 3 to 5 out of a canvas of 4"),
    ({"splices": [Splice(position=0, removed=4)]}, "a splice makes 0"),
    ({"splices": [Splice(position=4, inserted=2**32 - 1)]}, "a canvas has 1 to 131072 positions"),
    ({"splices": [Splice(position=1, removed=1), Splice(position=3, removed=1)]}, "out of a canvas of 3"),
    ({"splices": [Splice(position=3, removed=1)], "changes": [Change(position=3, token=1)]}, "must be below 3; got 3"),
    ({"prompt_length": 5}, "frame 3: the prompt takes 5 positions of a canvas of 4"),
    ({"protected": [3]}, "frame 3, position 3: is open"),
    ({"protected": [4]}, "frame 3: protected: must be below 4; got 4"),
    ({"unprotected": [2, 1]}, "frame 3: unprotected: must ascend"),
    ({"changes": [Change(position=3, given=True)]}, "frame 3, position 3: is open"),
])
def test_what_is_wrong_with_an_edit_is_said(fields, words):
    with pytest.raises(BadRecording, match=words):
        check(edited(**fields))


@pytest.mark.parametrize("fields", [
    {"splices": [Splice(position=4, inserted=2)], "changes": [Change(position=5, token=1)]}, {"prompt_length": 3},
    {"protected": [1, 2]}, {"changes": [Change(position=0, token=9, given=True)]}, {"unprotected": [1]},
])
def test_edits_that_can_be(fields):
    check(edited(**fields))


@pytest.mark.parametrize(("changed", "words"), [
    (lambda made: None, ""),
    (assign("frames.2.parent_revision", 3), "frame 12: its parent 3 is neither a frame nor among the bases"),
    (lambda made: base()(made) or assign("frames.2.parent_revision", 3)(made), "frame 12: changes: must be below 1"),
    (base(canvas={"tokens": [5, 5, MASK, MASK], "states": [GIVEN, COMMITTED, OPEN, OPEN]}), ""),
    (lambda made: base()(made) or base()(made), "bases: must ascend; 3 follows 3"),
    (base(revision=-1), "base -1: revisions count from 0"),
    (base(canvas={"tokens": [500]}), "base 3, position 0: the vocabulary's ids"),
    (lambda made: made.session.ClearField("settings"), "session: has no settings"),
    (assign("frames.0.parent_revision", 10), "frame 10: a parent is older"),
    (frame(0, changes=[Change(position=9, token=1)]), "frame 10: changes: must be below 4"),
])
def test_a_session_that_has_lost_its_beginning(changed, words):
    made = small(10)
    changed(made)
    if not words:
        return check(made)
    with pytest.raises(BadRecording, match=words):
        check(made)


def test_without_a_vocabulary_any_id_will_do():
    made = small()
    made.model.vocabulary_size = 0
    made.frames[2].changes[0].token = 10**6
    check(made)
