"""Plain histories of token grids: what each form means, worked out by hand, and what is wrong in one sentence."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.frames import GIVEN
from unmask.recording import BadRecording, Canvas, canvases, read, write
from unmask.v1.recording_pb2 import Recording


def of(content) -> Recording:
    recording = read(json.dumps(content).encode())
    assert read(write(recording, "binary")) == recording == read(write(recording, "json"))
    assert [frame.summary.open_count for frame in recording.frames] == [
        canvas.tokens.count(None) for canvas in every(recording)]
    return recording


def every(recording) -> list[Canvas]:
    folded = canvases(recording)
    return [folded.at(frame.revision) for frame in recording.frames]


def changes(recording) -> list[dict]:
    return [{change.position: change.token if change.HasField("token") else None for change in frame.changes}
            for frame in recording.frames[1:]]


def drafts(recording) -> list[dict]:
    return [dict(zip(frame.draft.positions, frame.draft.tokens)) for frame in recording.frames[1:]]


X0 = [[1, 2, 3], [1, 5, 3], [4, 5, 3]]


def test_without_indices_a_position_is_decided_when_it_changes_no_more():
    made = of(X0)
    assert changes(made) == [{2: 3}, {1: 5}, {0: 4}]
    assert drafts(made) == [{0: 1, 1: 2, 2: 3}, {0: 1, 1: 5}, {0: 4}]
    assert all(frame.summary.approximations == ["commit_order_derived"] for frame in made.frames[1:])
    assert made.session.settings.sampler == made.frames[0].settings.sampler == "imported"
    assert [frame.summary.total_forward_count for frame in made.frames] == [0, 1, 2, 3]
    assert [frame.summary.pending for frame in made.frames] == [True, True, True, False]


@pytest.mark.parametrize(("history", "each"), [
    (X0, 1), ({"x0_history": X0, "decoded_indices": [[1], [2], [0]]}, 1),
    ({"x0_history": [[9, 9, 9], [9, 5, 9], [4, 5, 9]], "mask_token": 9}, 0),
], ids=["predictions", "with indices", "canvases"])
def test_the_total_of_passes_is_the_sum_of_the_steps(history, each):
    """A grid of predictions took a pass; of canvases it is not known, and nothing is claimed."""
    steps = [frame.summary for frame in of(history).frames]
    assert [summary.forward_count for summary in steps[1:]] == [each] * (len(steps) - 1)
    assert [summary.total_forward_count for summary in steps] == [
        sum(summary.forward_count for summary in steps[:count + 1]) for count in range(len(steps))]
    assert len(steps) > 2


def test_nothing_is_claimed_that_is_not_known():
    frame = of(X0).frames[1]
    assert (frame.draft.probabilities, frame.draft.entropies) == (b"", b"")
    assert not any(change.HasField("probability") for change in frame.changes)
    assert not frame.summary.HasField("mean_probability")


@pytest.mark.parametrize("indices", [
    [[1], [2], [0]],
    [[[0, 1]], [[0, 2]], [[0, 0]]],
    [[False, True, False], [False, False, True], [True, False, False]],
    [[[False, True, False]], [[False, False, True]], [[True, False, False]]],
    [[[[0, 1]]], [[[0, 2]]], [[[0, 0]]]],
])
@pytest.mark.parametrize("grids", [X0, [[grid] for grid in X0]])
def test_with_indices_a_step_decides_those(grids, indices):
    made = of({"x0_history": grids, "true_indices_history": indices})
    assert changes(made) == [{1: 2}, {2: 3}, {0: 4}]
    assert drafts(made) == [{0: 1, 1: 2, 2: 3}, {0: 1, 2: 3}, {0: 4}]
    assert not any(frame.summary.approximations for frame in made.frames)


def test_steps_that_decide_nothing_several_or_the_same_again():
    made = of({"x0_history": X0, "true_indices_history": [[], [0, 1], [1, 0]]})
    assert changes(made) == [{}, {0: 1, 1: 5}, {0: 4}]
    assert every(made)[-1].tokens == (4, 5, None)


def test_the_form_that_prophet_saves():
    """[block][step][position] of raw x0, which differs in the prompt and where it is decided already."""
    made = of({"x0_history": [[[10, 11, 100, 101, 102, 103], [10, 11, 200, 201, 202, 203]],
                              [[10, 11, 300, 301, 302, 303], [0, 11, 400, 401, 402, 403]]],
               "true_indices_history": [[[[0, 3]], [[0, 2]]], [[[0, 5]], [[0, 4]]]],
               "prompt_token_len": 2, "prompt": [10, 12], "correct": True, "pred_text": "not read"})
    assert changes(made) == [{3: 101}, {2: 200}, {5: 303}, {4: 402}]
    assert drafts(made)[2] == {4: 302, 5: 303}
    assert every(made)[-1].tokens == (10, 12, 200, 101, 402, 303)
    assert every(made)[0].given == {0, 1}


def test_a_single_position():
    assert changes(of([[7], [8]])) == [{}, {0: 8}]


def test_grids_with_the_mask_are_canvases():
    made = of({"x0_history": [[9, 9, 9], [9, 5, 9], [4, 5, 9], [9, 6, 7]], "mask_token": 9})
    assert changes(made) == [{1: 5}, {0: 4}, {0: None, 1: 6, 2: 7}]
    assert every(made)[-1].tokens == (None, 6, 7)
    assert drafts(made) == [{}, {}, {}]
    assert made.session.mask_token == made.model.mask_token == 9
    assert list(made.session.canvas.tokens) == [9, 9, 9]


def test_a_first_canvas_that_is_not_all_open_is_a_step():
    assert changes(of({"x0_history": [[9, 5, 9], [4, 5, 9]], "mask_token": 9})) == [{1: 5}, {0: 4}]


@pytest.mark.parametrize("told", [{"prompt": [7, 8]}, {"prompt_length": 0, "prompt": []}, {}])
def test_a_prompt_before_the_grids(told):
    made = of({"x0_history": X0, **told})
    begun = tuple(told.get("prompt", []))
    assert every(made)[0].tokens == (*begun, None, None, None)
    assert every(made)[-1].tokens == (*begun, 4, 5, 3)
    assert made.session.prompt_length == len(begun)


def test_indices_count_in_the_grids_and_not_in_a_prompt_before_them():
    made = of({"x0_history": X0, "true_indices_history": [[1], [2], [0]], "prompt": [7, 8]})
    assert changes(made) == [{3: 2}, {4: 3}, {2: 4}]


def test_a_prompt_in_the_grids():
    for told in ({"prompt_length": 1}, {"prompt_length": 1, "prompt": [1]}):
        made = of({"x0_history": [[1, 9, 9], [1, 5, 9]], "mask_token": 9, **told})
        assert every(made)[0].states[0] == GIVEN
        assert (every(made)[0].tokens, changes(made)) == ((1, None, None), [{1: 5}])


def test_a_hole_in_the_prompt():
    made = of({"x0_history": [[1, 9, 9], [1, 6, 9]], "mask_token": 9, "prompt_length": 2})
    assert (every(made)[0].tokens, changes(made)) == ((1, None, None), [{1: 6}])


def test_an_id_stands_for_a_mask_that_is_not_known():
    made = of({"x0_history": [[0, 1], [0, 3]], "prompt": [4]})
    assert made.session.mask_token == 2
    assert not made.model.HasField("mask_token")


def test_what_is_told_about_the_model():
    made = of({"x0_history": X0, "model": "GSAI-ML/LLaDA-8B-Instruct", "vocabulary_size": 8, "mask_token": 7,
               "tokens": {"4": "A", "5": " kit", "3": "\u00e9\ud800"}})
    assert (made.model.name, made.session.model) == ("GSAI-ML/LLaDA-8B-Instruct",) * 2
    assert (made.model.vocabulary_size, made.session.mask_token) == (8, 7)
    assert [(token.id, token.text, token.bytes) for token in made.tokens] == [
        (4, "A", b"A"), (5, " kit", b" kit"), (3, "é?", "é?".encode())]


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), derived=st.booleans(), prompt=st.integers(0, 3))
def test_any_history_ends_as_it_says(seed, derived, prompt):
    """Against a plain loop over the steps."""
    rng = random.Random(seed)
    size, steps = rng.randrange(1, 8), rng.randrange(1, 8)
    grids = [[rng.randrange(50) for _ in range(size)] for _ in range(steps)]
    told = {"x0_history": grids, "prompt": [60] * prompt, "mask_token": 99}
    canvas = [None] * size
    if not derived:
        told["true_indices_history"] = [rng.sample(range(size), rng.randrange(size + 1)) for _ in range(steps)]
        for grid, positions in zip(grids, told["true_indices_history"]):
            for position in positions:
                canvas[position] = grid[position]
    else:
        canvas = grids[-1]
    assert every(of(told))[-1].tokens == (*[60] * prompt, *canvas)


LONG = "0" * 60


@pytest.mark.parametrize(("content", "words"), [
    ([], "x0_history: must be a list of token grids, at least one; got []"),
    ({"x0_history": "abc"}, "x0_history: must be a list of token grids, at least one; got 'abc'"),
    ({"x0_history": None}, "x0_history: must be a list of token grids, at least one; got None"),
    ([[]], "x0_history[0]: must be a list of token ids, at least one; got []"),
    ([[1], 5], "x0_history[1]: must be a list of token ids, at least one; got 5"),
    ([[1, 2], [1]], "x0_history[1]: has 1 positions; x0_history[0] has 2, and all must be as long"),
    ([[[1, 2]], [[1]]], "x0_history[1][0]: has 1 positions; x0_history[0][0] has 2"),
    ([[1, 2], [1, 2.0]], "x0_history[1][1]: must be a token id, a whole number from 0 to 4294967295; got 2.0"),
    ([[1, -2]], "x0_history[0][1]: must be a token id"),
    ([[1, 2**32]], "x0_history[0][1]: must be a token id"),
    ([[True, 2]], "x0_history[0][0]: must be a token id, a whole number from 0 to 4294967295; got True"),
    ([["1", 2]], "x0_history[0][0]: must be a token id"),
    ([[None, 2]], "x0_history[0][0]: must be a token id"),
    ([[1, [2]]], "x0_history[0][1]: must be a token id"),
    ([[LONG]], "got '000000000000...0000000000000'"),
    ([[[[[1]]]]], "x0_history[0][0][0]: is nested deeper than [block][step][1][position]"),
    ([[9, 9, 9], [9, 5, 9], [4, 5, 9]], "every position that changes begins as 9, which looks like the mask"),
    ({"x0_history": X0, "vocabulary_size": 5}, "x0_history[1][1]: the vocabulary's ids are 0 to 4; got 5"),
    ({"x0_history": X0, "mask_token": "9"}, "mask_token: must be a whole number from 0 to 4294967295; got '9'"),
    ({"x0_history": X0, "prompt_length": 4}, "prompt_length: must be at most 3, the positions of a grid; got 4"),
    ({"x0_history": X0, "prompt_length": -1}, "prompt_length: must be a whole number"),
    ({"x0_history": X0, "prompt_length": 2}, "the grids differ at position 0 of the prompt"),
    ({"x0_history": X0, "prompt_length": 2, "prompt": [1]}, "prompt: has 1 ids, and prompt_length is 2"),
    ({"x0_history": X0, "prompt": "hello"}, "prompt: must be a list of token ids; got 'hello'"),
    ({"x0_history": X0, "prompt": [1, "a"]}, "prompt[1]: must be a token id"),
    ({"x0_history": [[1, 9], [2, 5]], "mask_token": 9, "prompt_length": 1, "prompt": [1]},
     "x0_history[1][0]: must be 1, the prompt's; got 2"),
    ({"x0_history": X0, "true_indices_history": [[0]]},
     "true_indices_history: must have an entry for each of the 3 grids at that place; has 1 entries"),
    ({"x0_history": X0, "true_indices_history": 5}, "true_indices_history: must be a list"),
    ({"x0_history": [X0, X0], "true_indices_history": [[[0], [1], [2]], [[0]]]},
     "true_indices_history[1]: must have an entry for each of the 3 grids at that place; has 1 entries"),
    ({"x0_history": X0, "true_indices_history": [[3], [], []]},
     "true_indices_history[0][0]: must be a position from 0 to 2, or [0, position]; got 3"),
    ({"x0_history": X0, "true_indices_history": [[], [[1, 2], [0, 1]], []]}, "true_indices_history[1][0]: must be"),
    ({"x0_history": X0, "true_indices_history": [[], [], [True]]}, "true_indices_history[2]: has 1 booleans for 3"),
    ({"x0_history": X0, "true_indices_history": [[], [], [0.0]]}, "true_indices_history[2][0]: must be a position"),
    ({"x0_history": X0, "true_indices_history": [[0], [], []], "prompt_length": 1, "prompt": [8]},
     "true_indices_history: step 1 decides position 0, which is the prompt's"),
    ({"x0_history": X0, "tokens": [" a"]}, "tokens: must be an object"),
    ({"x0_history": X0, "tokens": {"a": "b"}}, "tokens: must be named by token ids; got 'a'"),
    ({"x0_history": X0, "tokens": {"5": 6}}, "tokens[5]: must be text; got 6"),
    ({"x0_history": X0, "model": 6}, "model: must be text; got 6"),
    ([[1] * 140_000], "a canvas has 1 to 131072 positions"),
])
def test_what_is_wrong_is_said(content, words):
    with pytest.raises(BadRecording) as caught:
        read(json.dumps(content).encode())
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250
    assert caught.value.reason == "INVALID"


def test_null_says_that_no_position_is_open():
    assert changes(of({"x0_history": [[9, 9, 9], [9, 5, 9], [4, 5, 9]], "mask_token": None})) == [
        {2: 9}, {1: 5}, {0: 4}]
