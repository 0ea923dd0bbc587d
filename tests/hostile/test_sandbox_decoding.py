"""Constraints that are cheap to begin and dear to follow: a question to one ends by its limit, and with its call."""

import pytest

from inference_service.errors import Cancelled
from inference_service.sampling.constraints import effort
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import ConstraintError, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary
from inference_service.sandbox import scope

BYTES = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], [256])
AMBIGUOUS = Spec("grammar", 'start: a\na: a a a | a a | "x" | "x" "x"')


def test_an_ambiguous_grammar_meets_a_limit_before_a_token_of_it_costs_much():
    found = compiled(AMBIGUOUS, BYTES)
    with pytest.raises(ConstraintError, match="too complex"):
        for length in range(0, 2000, 10):
            found.prefixes.after([ord("x")] * length)
    assert found.prefixes.after([]).allowed[ord("x")]


@pytest.mark.parametrize("ask", [
    lambda: compiled(AMBIGUOUS, BYTES).prefixes.after([ord("x")]),
    lambda: compiled(AMBIGUOUS, BYTES, True).any_order().search([None] * 12),
    lambda: compiled(Spec("regex", "[a-z]{1,9}"), BYTES, True).any_order().feasible([None] * 12),
], ids=["from the left", "a search", "any order"])
def test_a_question_ends_by_its_limit_and_with_its_call(ask, monkeypatch):
    assert ask() is not None
    found = []
    monkeypatch.setattr(effort, "check", lambda check=effort.check: found.append(1) or check())
    with effort.limited(60):
        assert ask() is not None
    assert found
    with effort.limited(0), pytest.raises(ConstraintError, match="seconds"):
        ask()
    assert ask() is not None
    monkeypatch.setattr(effort, "check", lambda: scope.Scope.check(ended))
    ended = scope.Scope()
    ended.cancelled.set()
    with pytest.raises(Cancelled):
        ask()
