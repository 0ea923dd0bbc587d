"""Settings after an edit that has made the generated part longer or shorter: what fits stays as it was."""

from dataclasses import replace

import pytest

from inference_service.engine.plan import complete_settings, fitted_settings
from inference_service.errors import InvalidField
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import Origin, first_state
from tests.fakes import MASK, FakeDenoiser

INFO = FakeDenoiser().info
CHOSEN = {"temperature": 0.7, "cfg_scale": 1.5, "steps": 8, "block_length": 4, "remasking": "random"}


def at(length, settings):
    return first_state(Origin("s", "m", (1, 2, *[None] * length), 2, MASK, 0.0, 0.0), settings)


def fitted(length, parameters=CHOSEN, before=8, **more):
    settings = complete_settings(Settings("llada", parameters, 5, **more), before, INFO)
    return fitted_settings(settings, at(before, settings), at(length, settings), INFO)


@pytest.mark.parametrize(("length", "block_length", "steps"), [
    (12, 4, 9),  # three blocks, three steps in each
    (9, 9, 8),  # the block does not divide it: one block, of as many steps
    (7, 7, 8), (3, 3, 8), (1, 1, 8),
    (4, 4, 8), (16, 4, 8), (24, 4, 12),
])
def test_what_a_person_has_chosen_survives_whatever_the_block(length, block_length, steps, caplog):
    with caplog.at_level("INFO"):
        made = fitted(length)
    assert not caplog.text, "nothing had to take its default"
    assert (made.sampler, made.seed) == ("llada", 5)
    assert {name: made.parameters[name] for name in CHOSEN} == {
        "temperature": 0.7, "cfg_scale": 1.5, "remasking": "random", "block_length": block_length, "steps": steps}


def test_the_steps_stay_as_they_were_where_one_block_is_left():
    assert fitted(9, CHOSEN | {"steps": 9}, before=12).parameters["steps"] == 9


def test_one_that_cannot_fit_takes_its_default_alone_and_it_is_said(caplog):
    """4,096 steps in three blocks would be 4,098, more than the most there are."""
    with caplog.at_level("INFO"):
        made = fitted(12, CHOSEN | {"steps": 4096})
    assert (made.parameters["temperature"], made.parameters["cfg_scale"]) == (0.7, 1.5)
    assert (made.parameters["block_length"], made.parameters["steps"]) == (4, 12)
    assert "steps fits no generated part of 12 positions" in caplog.text


def test_what_is_wrong_with_no_parameter_is_no_reason_to_take_defaults():
    settings = complete_settings(Settings("llada", CHOSEN, 5), 8, INFO)
    with pytest.raises(InvalidField) as refused:
        fitted_settings(replace(settings, sampler="of another program"), at(8, settings), at(9, settings), INFO)
    assert refused.value.field == "settings.sampler"
