"""What an attribution may be asked, and how it says no."""

import pytest

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.inspection.attribution.question import question, windows
from inference_service.models.attention import Causal
from inference_service.models.denoiser import ModelInfo

MASK = 15
BOTH_WAYS = ModelInfo("m", "fake", 0, "float32", "cpu", 64, 16, MASK, 13, 14, None, (MASK,), "")
LEFT_TO_RIGHT = ModelInfo("m", "causal", 0, "float32", "cpu", 64, 16, None, 13, 14, None, (), "", shifted=True,
                          attention=Causal())
SHIFTED = ModelInfo("m", "dream", 0, "float32", "cpu", 64, 16, MASK, 13, 14, None, (MASK,), "", shifted=True)
CANVAS = (1, 2, None, 4, 5, None, 7)


def refused(field, info=BOTH_WAYS, tokens=CANVAS, position=3, **more):
    with pytest.raises(InvalidField) as caught:
        question(tokens, info, position, **more)
    assert caught.value.field == field
    return caught.value.message


def test_a_position_is_opened_and_all_other_decided_ones_are_sources():
    asked = question(CANVAS, BOTH_WAYS, 3)
    assert asked.view.ids == (1, 2, MASK, MASK, 5, MASK, 7)
    assert asked.view.sources == (0, 1, 4, 6)
    assert asked.view.row == 3
    assert asked.token == 4
    assert asked.parts == ((0, 1), (1, 1), (4, 1), (6, 1))


def test_a_shifted_model_is_read_one_row_before():
    assert question(CANVAS, SHIFTED, 3).view.row == 2
    assert question(CANVAS, SHIFTED, 0).view.row == 0


def test_a_model_that_reads_from_left_to_right_sees_what_stands_before():
    asked = question((1, 2, 3, 4, None), LEFT_TO_RIGHT, 2)
    assert asked.view.ids == (1, 2)
    assert asked.view.row == 1
    assert asked.view.sources == (0, 1)
    assert asked.token == 3


def test_positions_that_cannot_be_explained():
    assert "0 to 6" in refused("position", position=7)
    assert "1 to 4" in refused("position", LEFT_TO_RIGHT, (1, 2, 3, 4, None), position=0)
    assert "1 is open" in refused("position", LEFT_TO_RIGHT, (1, None, None), position=2)
    with pytest.raises(FailedPrecondition):
        question((None, None, 3), BOTH_WAYS, 2)


def test_tokens_that_cannot_be_explained():
    assert "0 to 15" in refused("token", token=16)
    assert "mask id" in refused("token", token=MASK)
    assert "mask id" in refused("contrast", contrast=MASK)
    assert "0 to 15" in refused("contrast", contrast=99)
    assert "both are 4" in refused("contrast", contrast=4)
    assert "both are 9" in refused("contrast", token=9, contrast=9)
    assert "attention" in refused("contrast", method="attention", contrast=5)


def test_sources_that_cannot_be_asked_for():
    assert "is open" in refused("sources", sources=[1, 2])
    assert "explained" in refused("sources", sources=[3])
    assert "0 to 6" in refused("sources", sources=[7])
    assert "twice" in refused("sources", sources=[1, 4, 1])
    assert "sees positions 0 to 1" in refused("sources", LEFT_TO_RIGHT, (1, 2, 3, 4, None), position=2, sources=[3])
    assert question(CANVAS, BOTH_WAYS, 3, sources=[6, 0]).parts == ((0, 1), (6, 1))


def test_spans_that_cannot_be_taken_away():
    more = {"method": "occlusion"}
    assert "1 to 7" in refused("spans.count", spans=[(0, 0)], **more)
    assert "1 to 7" in refused("spans.count", spans=[(0, 2 ** 32 - 1)], **more)
    assert "overlap" in refused("spans.position", spans=[(0, 2), (1, 1)], **more)
    assert "is open" in refused("spans", spans=[(0, 3)], **more)
    assert "explained" in refused("spans", spans=[(3, 2)], **more)
    assert "0 to 6" in refused("spans", spans=[(6, 2)], **more)
    assert "left out" in refused("spans", spans=[(0, 1)], method="ablation")
    assert "left out" in refused("sources", sources=[0], spans=[(0, 1)], **more)
    assert question(CANVAS, BOTH_WAYS, 3, spans=[(6, 1), (0, 2)], **more).parts == ((0, 2), (6, 1))


def test_numbers_out_of_range():
    assert "1 to 64" in refused("window", method="occlusion", window=65)
    assert "left out" in refused("window", method="occlusion", window=2, spans=[(0, 1)])
    assert "left out" in refused("window", window=2)
    assert "2 to 512" in refused("steps", method="integrated_gradients", steps=1)
    assert "2 to 512" in refused("steps", method="integrated_gradients", steps=513)
    assert "left out" in refused("steps", method="saliency", steps=8)


def test_windows_slide_over_neighbours_and_not_over_gaps():
    assert windows((0, 1, 2, 5), 2) == ((0, 2), (1, 2), (5, 1))
    assert windows((0, 1, 2, 3), 3) == ((0, 3), (1, 3))
    assert windows((4,), 4) == ((4, 1),)
    assert windows((0, 1), 1) == ((0, 1), (1, 1))
    assert question(CANVAS, BOTH_WAYS, 3, method="occlusion").parts == ((0, 2), (4, 1), (6, 1))
