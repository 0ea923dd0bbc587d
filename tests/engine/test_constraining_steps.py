"""A constraint between steps: its witness comes along with edits, and what nobody predicted is checked too."""

from dataclasses import replace

import pytest
import torch

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.engine.constraining import active
from inference_service.engine.constraint_checking import WITNESS, ranked_others
from inference_service.engine.jobs import by_hand, changes_of
from inference_service.engine.plan import complete_settings, plan_of
from inference_service.errors import InvalidField
from inference_service.models.loading import load
from inference_service.sampling.constraints.witness import Witnesses
from inference_service.sampling.sampler import Commit, Prediction, Proposal
from inference_service.sessions.frame import Constraint, Settings, Summary
from inference_service.sessions.log import Log
from inference_service.sessions.session import Session, first_frame
from inference_service.sessions.state import Origin
from inference_service.sessions.tree import Tree

LENGTH, START = 8, 1
BRACKETS = Constraint("grammar", 'start: "(" start ")" | "a"')
DIGITS = Constraint("regex", "[0-9]{2}")


@pytest.fixture(scope="module")
def model():
    return load(str(EMBEDDED_FOLDER))


def begun(model, constraint):
    settings = complete_settings(Settings("llada", {}, 1, constraint), LENGTH, model.info)
    origin = Origin("s", "m", (5, *[None] * LENGTH), START, model.info.mask_token, 0.0, 0.0)
    session = Session(origin, Log(), Tree())
    session.append(first_frame(origin, settings))
    return session


@pytest.fixture
def stepped(model, monkeypatch):
    """A session after a step under a grammar, with the witness that the step has left; no other can be found."""
    session = begun(model, BRACKETS)
    witness = list(active(BRACKETS, model, START, "s").rule.witness((None,) * LENGTH, None, {}))
    commit = Commit(START, witness[0], 0.5, 0.0)
    session.append(session.step_frame(changes_of(Proposal(commits=[commit])), Summary(), 0.0,
                                      sampler_state={"rest": 1, WITNESS: witness}))
    for name, nothing in (("search", None), ("feasible", False)):
        monkeypatch.setattr(Witnesses, name, lambda *_, nothing=nothing: nothing)
    return session, witness


@pytest.mark.parametrize("opened", [False, True])
def test_the_witness_is_carried_through_an_edit(model, stepped, opened):
    """Also where opening a position takes the rest of the sampler's state away: a search may not find it again."""
    session, witness = stepped
    picked = {START: None} if opened else {START + 1: witness[1]}
    frame = by_hand(session, session.select_frame(picked, {}, 0.0), model, "selections")
    assert frame.sampler_state == {WITNESS: witness} | ({} if opened else {"rest": 1})
    after = session.after(frame)
    assert active(BRACKETS, model, START, "s", after.sampler_state[WITNESS]).feasible(after.tokens)
    session.append(frame)
    again = by_hand(session, session.select_frame({START + 2: witness[2]}, {}, 0.0), model, "selections")
    assert again.sampler_state[WITNESS] == witness, "and through the next one"


def test_what_the_witness_does_not_agree_with_is_refused_where_no_other_is_found(model, stepped, monkeypatch):
    session, witness = stepped
    other = next(token for token in range(100) if token != witness[1])
    tried = []
    monkeypatch.setattr(Witnesses, "feasible", lambda _, tokens: tried.append(tokens) or len(tried) > 1)
    with pytest.raises(InvalidField) as refused:
        by_hand(session, session.select_frame({START + 1: other}, {}, 0.0), model, "selections")
    assert (refused.value.field, refused.value.reason) == ("selections", "CONSTRAINT_VIOLATED")


def test_without_a_witness_kept_none_is_carried(model):
    session = begun(model, DIGITS)
    state = session.state()
    frame = session.select_frame({START + LENGTH - 1: model.info.eot_token}, {}, 0.0)
    assert WITNESS not in by_hand(session, frame, model, "selections").sampler_state
    assert state.sampler_state == {}


def moment_of(session, model):
    state = session.state()
    return plan_of(state, 0, state.settings, model.info).context


def test_candidates_of_a_position_without_a_row_are_all_that_may_stand(model):
    context = moment_of(begun(model, DIGITS), model)
    nothing = Prediction([], torch.empty(0, model.info.vocabulary_size))
    allowed = torch.zeros(model.info.vocabulary_size, dtype=torch.bool)
    allowed[[7, 300, 41]] = True
    others = ranked_others(START, {}, nothing, context)
    assert others(allowed) == [7, 41, 300]
    assert others(None) == [], "where what may stand is not known there are none"


@pytest.mark.parametrize("constraint", [DIGITS, BRACKETS], ids=["exact", "sound"])
def test_a_commit_without_a_row_is_replaced_by_one_that_may_stand(model, constraint):
    """As of a sampler that fills up what it has not looked at. It has no probability: nobody predicted it."""
    context = moment_of(begun(model, constraint), model)
    stands = active(constraint, model, START, "s")
    wrong, = model.text.encode("z")
    nothing = Prediction([], torch.empty(0, model.info.vocabulary_size))
    proposal = Proposal(commits=[Commit(START, wrong, 0.5, 0.0), Commit(START + 1, wrong, 0.5, 0.0)])
    found = stands.checked(proposal, nothing, context)
    tokens = [5, *(commit.token for commit in found.commits), *[None] * (LENGTH - 2)]
    assert wrong not in tokens and stands.feasible(tokens)
    assert [commit.probability for commit in found.commits] == [None, None]
    assert replace(found.commits[0], token=wrong, probability=0.5) == proposal.commits[0]
