"""What came in, checked: pure functions from request messages to what the core takes."""

import math
import unicodedata

from inference_service.errors import InvalidField
from inference_service.models.denoiser import Denoiser
from inference_service.rpc.answers import MOST_CANDIDATES
from inference_service.sessions.state import State
from unmask.v1 import session_service_pb2 as pb

MAX_POSITIONS = 64
DEFAULT_CANDIDATES = 10
MOST_LISTED = 102_400  # candidates in one answer: 100 of 1,024 positions, some 3 MB
MAX_ID_LENGTH = 64
MAX_STEPS = 1_000_000
MAX_NAME_LENGTH = 80
FORMS: dict[int, str] = {pb.ExportRequest.FORM_UNSPECIFIED: "binary", pb.ExportRequest.FORM_BINARY: "binary",
         pb.ExportRequest.FORM_JSON: "json"}
DIRECTIONS = {pb.RewindRequest.DIRECTION_UNSPECIFIED: "", pb.RewindRequest.DIRECTION_UNDO: "undo",
              pb.RewindRequest.DIRECTION_REDO: "redo"}


def optional(message, field: str):
    """The field's value, or None where it is absent."""
    return getattr(message, field) if message.HasField(field) else None


def check_id(field: str, value: str, required: bool = False) -> None:
    if len(value) > MAX_ID_LENGTH or (required and not value):
        raise InvalidField(field, f"must have {int(required)} to {MAX_ID_LENGTH} characters; got {len(value)}")


def check_steps(count: int) -> None:
    if count > MAX_STEPS:
        raise InvalidField("count", f"must be from 0 to {MAX_STEPS}; got {count}")


def ttl(request: pb.CreateSessionRequest) -> float | None:
    """The lease asked for in seconds, None where none is."""
    if not request.HasField("ttl"):
        return None
    seconds = request.ttl.ToNanoseconds() / 1e9
    if seconds <= 0:
        raise InvalidField("ttl", f"must be longer than 0 seconds; got {seconds:g}")
    return seconds


def check_count(field: str, found: int, most: int, what: str) -> None:
    """Raises InvalidField for more than `most` of something, before anything is done with them."""
    if found > most:
        raise InvalidField(field, f"must be at most {most} {what}; got {found}")


def check_tokens(field: str, ids, denoiser: Denoiser, most: int | None = None) -> None:
    """Raises InvalidField for an id outside the vocabulary, or more than `most` ids, the context where it is None."""
    check_count(field, len(ids), denoiser.info.context_length if most is None else most, "token ids")
    top, highest = denoiser.info.vocabulary_size - 1, max(ids, default=0)
    if highest > top:
        raise InvalidField(field, f"token ids of {denoiser.info.name!r} run from 0 to {top}; got {highest}")


def gumbel_scale(request: pb.ReprocessRequest) -> float:
    """How much Gumbel noise the choice takes; 0 for none."""
    scale = request.gumbel_temperature if request.HasField("gumbel_temperature") else 1.0
    if not 0 <= scale <= 10:
        raise InvalidField("gumbel_temperature", f"must be from 0 to 10; got {scale:g}")
    return scale if request.gumbel_noise else 0.0


def check_committed(field: str, token: int, denoiser: Denoiser) -> None:
    """Raises InvalidField for a token that is never committed."""
    check_tokens(field, [token], denoiser)
    info = denoiser.info
    if token == info.mask_token:
        raise InvalidField(field, f"{token} is the mask id, which is never committed; leave the token out to open"
                                  " the position")
    if token in info.barred_tokens:
        raise InvalidField(field, f"{token} is an id without a token, which only rounds the model's width up")


def checked_selections(selections, denoiser: Denoiser) -> dict[int, int | None]:
    """Position to token, None to open it; the positions themselves are checked by the session."""
    check_count("selections", len(selections), denoiser.info.context_length, "positions, each once")
    chosen: dict[int, int | None] = {}
    for selection in selections:
        token = optional(selection, "token")
        if selection.position in chosen:
            raise InvalidField("selections.position", f"each may be named once; {selection.position} is there twice")
        if token is not None:
            check_committed("selections.token", token, denoiser)
        chosen[selection.position] = token
    return chosen


def remasking(request: pb.ProposeRequest, state: State) -> tuple[float, bool]:
    """rho and protect_edits of a preview of masking again; the sampler's own where they are left out."""
    asked, own = request.remasking, state.settings.parameters
    rho = asked.rho if asked.HasField("rho") else own.get("rho", 0.0)
    if not 0 <= rho <= 1:
        raise InvalidField("remasking.rho", f"must be from 0 to 1; got {rho:g}")
    protect = asked.protect_edits if asked.HasField("protect_edits") else own.get("protect_edits", True)
    return rho, protect


def remasked_count(request: pb.ProposeRequest, state: State) -> int:
    """How many positions a preview of masking again opens."""
    asked = request.remasking
    amount = asked.WhichOneof("amount")
    if amount is None:
        raise InvalidField("remasking.amount", "must have a count or a ratio")
    changeable = state.size - len(state.given)
    if amount == "count":
        if asked.count > state.size:
            raise InvalidField("remasking.count", f"must be from 0 to {state.size}; got {asked.count}")
        return asked.count
    if not 0 <= asked.ratio <= 1:
        raise InvalidField("remasking.ratio", f"must be from 0 to 1; got {asked.ratio:g}")
    return max(0, math.floor(changeable * asked.ratio + 1e-9) - len(state.open))  # 0.15 * 20 is 3


def direction(request: pb.RewindRequest) -> str:
    """"undo", "redo", or empty where a revision is named."""
    if request.direction not in DIRECTIONS:
        raise InvalidField("direction", f"must be undo, redo, or left out for a revision; got {request.direction}")
    if request.direction and request.revision:
        raise InvalidField("revision", f"must be left out with a direction; got {request.revision}")
    return DIRECTIONS[request.direction]


def exported_candidates(asked: int) -> int:
    if asked > MOST_CANDIDATES:
        raise InvalidField("candidate_count", f"must be from 0 to {MOST_CANDIDATES}; got {asked}")
    return asked


def form(asked: int) -> str:
    """The form of a recording's file as unmask.recording calls it."""
    if asked not in FORMS:
        raise InvalidField("form", f"must be one of {', '.join(dict.fromkeys(FORMS.values()))}; got {asked}")
    return FORMS[asked]


def branch_name(name: str) -> str:
    control = any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name[:MAX_NAME_LENGTH])
    if not 1 <= len(name) <= MAX_NAME_LENGTH or control or not name.strip():
        raise InvalidField("name", f"must have 1 to {MAX_NAME_LENGTH} characters, none of them a control character, and"
                                   f" not only spaces; got {len(name)}")
    return name


def checked_positions(field: str, positions, open_positions, required: bool) -> list[int]:
    """Open positions to look at, at most 64 of them."""
    if len(positions) > MAX_POSITIONS or (required and not positions):
        raise InvalidField(field, f"must be {int(required)} to {MAX_POSITIONS} positions; got {len(positions)}")
    still_open = set(open_positions)
    for position in positions:
        if position not in still_open:
            raise InvalidField(field, f"position {position} is not open at this revision; {_ranges(open_positions)}")
    return list(positions)


def candidate_count(field: str, asked: int) -> int:
    if asked > MOST_CANDIDATES:
        raise InvalidField(field, f"must be from 0 to {MOST_CANDIDATES}; got {asked}")
    return asked or DEFAULT_CANDIDATES


def reprocessed_count(asked: int, positions: int) -> int:
    """How many candidates of each of some positions."""
    most = min(MOST_CANDIDATES, MOST_LISTED // max(1, positions))
    if asked > most:
        raise InvalidField("candidate_count", f"must be from 0 to {most} for {positions} positions; got {asked}")
    return asked or min(most, DEFAULT_CANDIDATES)


def _ranges(positions) -> str:
    """Open positions for a message, as their first and last."""
    return f"open ones lie from {positions[0]} to {positions[-1]}" if positions else "none is"
