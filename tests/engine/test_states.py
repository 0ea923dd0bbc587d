"""What samplers remember, as anybody may have written it into a recording: it fits, or is refused before it is read."""

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_service.engine.plan import complete_settings, plan_of
from inference_service.errors import FailedPrecondition
from inference_service.sampling.registry import SAMPLERS
from inference_service.sampling.sampler import Prediction
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import Origin, first_state
from tests.fakes import VOCABULARY, FakeDenoiser

INFO = FakeDenoiser().info
LENGTH = 8
REMEMBERING = [name for name, sampler in SAMPLERS.items() if sampler.state]
# What an import lets through: see inference_service.rpc.recorded.
LEAVES = (st.none() | st.booleans() | st.integers(0, 1_000_000) | st.floats(0, 1e6) | st.text(max_size=3)
          | st.sampled_from(["predict", "remask", "0", "3", "15", "16", "99999999999", "-1", "١"]))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["0", "3", "5", "x", "99", "999999"]), inner, max_size=3), max_leaves=5)


def logits(positions):
    return torch.randn(len(positions), VOCABULARY, generator=torch.Generator().manual_seed(len(positions)))


def proposed(plan):
    """One step of a plan, all that is asked of a sampler."""
    wanted, recalled = plan.wanted(), plan.recalls()
    prediction = Prediction(wanted, logits(wanted))
    if recalled:
        prediction = replace(prediction, earlier=Prediction(recalled[1], logits(recalled[1]) + 0.001))
    return plan.propose(prediction)


def stepped(name, steps):
    """A canvas after some steps."""
    chosen = complete_settings(Settings(name, {}, 3), LENGTH, INFO)
    state = first_state(Origin("", "fake", (1, 2, 3, *[None] * LENGTH), 3, INFO.mask_token, 0.0, 0.0), chosen)
    for revision in range(steps):
        plan = plan_of(state, revision, chosen, INFO)
        if plan.finished:
            break
        proposal, tokens = proposed(plan), list(state.tokens)
        for commit in (*proposal.commits, *proposal.edits):
            tokens[commit.position] = commit.token
        for reopen in proposal.reopens:
            tokens[reopen.position] = None
        state = replace(state, canvas=replace(state.canvas, tokens=tuple(tokens)),
                        sampler_state=json.loads(json.dumps(proposal.state)))
    return state


@pytest.mark.parametrize("name", REMEMBERING)
def test_what_a_sampler_leaves_fits_it(name):
    for steps in range(LENGTH):
        plan_of(stepped(name, steps), steps, stepped(name, 0).settings, INFO)


def test_every_sampler_that_remembers_says_what():
    for name, sampler in SAMPLERS.items():
        if not sampler.appends:
            assert bool(stepped(name, 1).sampler_state) == bool(sampler.state), name


@pytest.mark.parametrize("name", REMEMBERING)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_state_that_was_tampered_with_fits_or_is_refused(name, data):
    state = stepped(name, data.draw(st.integers(1, 4)))
    tampered = dict(state.sampler_state)
    for key in data.draw(st.lists(st.sampled_from(sorted(tampered)), unique=True, min_size=1)):
        kind = data.draw(st.sampled_from(["gone", "another", "inside"]))
        if kind == "gone":
            del tampered[key]
        elif kind == "inside" and isinstance(tampered[key], dict):
            tampered[key] = tampered[key] | {data.draw(st.sampled_from(["0", "5", "x", "999999", "-1"])):
                                             data.draw(VALUES)}
        elif kind == "inside" and isinstance(tampered[key], list):
            tampered[key] = [*tampered[key], data.draw(VALUES)]
        else:
            tampered[key] = data.draw(VALUES)
    if data.draw(st.booleans()):
        tampered["more"] = data.draw(VALUES)
    try:
        plan = plan_of(replace(state, sampler_state=tampered), 4, state.settings, INFO)
    except FailedPrecondition as error:
        assert error.reason == "SAMPLER_STATE_UNFIT"
        return
    if not plan.finished:
        proposed(plan)
