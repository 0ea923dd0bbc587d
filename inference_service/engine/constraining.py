"""From a session's settings to the constraint in force on a canvas."""

from inference_service.engine.active_constraint import Active
from inference_service.engine.compiled_constraints import KEPT
from inference_service.engine.constraint_rules import Exactly, FromTheLeft, Soundly, Tokens
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser
from inference_service.sampling.constraints.positions import Positions
from inference_service.sampling.constraints.spec import ConstraintError, TooComplex
from inference_service.sessions.frame import Constraint


def active(constraint: Constraint, denoiser: Denoiser, start: int, key: str, known: object = None) -> Active:
    """The constraint in force on a canvas whose generated part begins at `start`.

    key: whose canvas it is. known: the witness in the sampler's state.
    Raises InvalidField that points into the constraint, FailedPrecondition for a model without a tokenizer.
    """
    if denoiser.text is None:
        raise FailedPrecondition(f"the model {denoiser.info.name!r} came without a tokenizer, so no constraint can be"
                                 " put on its text", reason="NO_TOKENIZER")
    try:
        made = KEPT.get(denoiser, constraint)
        if denoiser.info.attention.append_only:
            rule = FromTheLeft(made.prefixes, key)
        else:
            found = made.any_order()
            rule = Exactly(found) if isinstance(found, Positions) else Soundly(found)
    except ConstraintError as error:
        raise invalid(constraint, error) from None
    return Active(rule, start, denoiser.info.vocabulary_size, known, made)


def invalid(constraint: Constraint, error: ConstraintError) -> InvalidField:
    """The error as the API has it, with the place in what the person wrote."""
    place = {"line": error.line, "column": error.column, "limit": getattr(error, "limit", None)}
    reason = "CONSTRAINT_TOO_COMPLEX" if isinstance(error, TooComplex) else "INVALID_CONSTRAINT"
    return InvalidField(f"settings.constraint.{constraint.kind}", str(error), reason=reason,
                        metadata={name: value for name, value in place.items() if value is not None})


def check_begins(constraint: Constraint | None, denoiser: Denoiser, tokens: Tokens, start: int) -> None:
    """Raises InvalidField where no text meets the constraint and has what is decided in the generated part."""
    if constraint is None:
        return
    stands = active(constraint, denoiser, start, "")
    if stands.feasible(tokens):
        return
    length = len(tokens) - start
    written = denoiser.info.attention.append_only
    room = "" if written else f"in {length} positions "
    found = "no text meets it" if not stands.rule.keeps_witness else "no text that meets it was found"
    raise InvalidField(f"settings.constraint.{constraint.kind}", f"{found} with what is written already" if written
                       else f"{found} {room}with what is decided there; give it more room, or open some positions",
                       reason="CONSTRAINT_INFEASIBLE")
