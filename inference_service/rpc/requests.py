"""What came in, checked: pure functions from request messages to what the core takes."""

import base64
import binascii
import math
import secrets
import unicodedata

from inference_service.engine.plan import complete_settings
from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.models.text import Text
from inference_service.rpc import convert
from inference_service.rpc.answers import MOST_CANDIDATES
from inference_service.sampling.registry import suitable
from inference_service.sessions.frame import Settings
from inference_service.sessions.state import State
from inference_service.sessions.store import Row
from unmask.v1 import prompt_pb2, settings_pb2
from unmask.v1 import session_service_pb2 as pb

MAX_POSITIONS = 64
DEFAULT_CANDIDATES = 10
MOST_LISTED = 102_400  # candidates in one answer: 100 of 1,024 positions, some 3 MB
DEFAULT_LENGTH = 64
MAX_ID_LENGTH = 64
MAX_STEPS = 1_000_000
MAX_NAME_LENGTH = 80
FORMS: dict[int, str] = {pb.ExportRequest.FORM_UNSPECIFIED: "binary", pb.ExportRequest.FORM_BINARY: "binary",
         pb.ExportRequest.FORM_JSON: "json"}
DIRECTIONS = {pb.RewindRequest.DIRECTION_UNSPECIFIED: "", pb.RewindRequest.DIRECTION_UNDO: "undo",
              pb.RewindRequest.DIRECTION_REDO: "redo"}
ROLES = ("system", "user", "assistant")


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


def page_size(asked: int, default: int = 50) -> int:
    if asked > 200:
        raise InvalidField("page_size", f"must be from 0 to 200; got {asked}")
    return asked or default


# ---- model and tokens ----

def text_of(denoiser: Denoiser) -> Text:
    """The model's tokenizer. Raises FailedPrecondition if it has none."""
    if denoiser.text is None:
        raise FailedPrecondition(f"the model {denoiser.info.name!r} came without a tokenizer; send token ids instead",
                                 reason="NO_TOKENIZER")
    return denoiser.text


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


def check_size(field: str, text: str, denoiser: Denoiser, positions: int | None = None) -> None:
    """Raises InvalidField for a text longer than some positions can hold, the context's where it is None."""
    positions = denoiser.info.context_length if positions is None else positions
    most = positions * text_of(denoiser).longest_token
    size = len(text) if len(text) > most else len(text.encode())  # what is far too long is not even copied
    if size > most:
        raise InvalidField(field, f"must be at most {most} bytes of UTF-8, which is what {positions} positions of"
                                  f" {denoiser.info.name!r} can hold; got {size} or more")


def encoded(field: str, text: str, denoiser: Denoiser, positions: int | None = None, *, special: bool,
            within: bool) -> list[int]:
    """The token ids of a text; see check_size, and Text.encode for special and within."""
    check_size(field, text, denoiser, positions)
    return text_of(denoiser).encode(text, field, special=special, within=within)


def takes_names(message) -> bool:
    """Whether names of control tokens in a raw text are taken as these tokens: they are unless the request says no."""
    return not message.HasField("special_tokens") or message.special_tokens


def prompt_tokens(prompt: prompt_pb2.Prompt, denoiser: Denoiser) -> tuple[int | None, ...]:
    """The prompt as token ids, None for an open position."""
    tokens = _tokens(prompt, "prompt", denoiser, Text.render, within=False)
    adds = not prompt.HasField("add_special_tokens") or prompt.add_special_tokens
    if prompt.WhichOneof("source") == "text" and adds:
        return *denoiser.info.prefix_tokens, *tokens, *denoiser.info.suffix_tokens
    return tokens


def turn_tokens(turn: prompt_pb2.Prompt, field: str, denoiser: Denoiser) -> tuple[int | None, ...]:
    """What a user says next, from the end of the text of the answer on."""
    tokens = _tokens(turn, field, denoiser, Text.render_turn, within=True)
    if turn.WhichOneof("source") == "chat" and turn.chat.messages[-1].role != "user":
        raise InvalidField(f"{field}.chat.messages", "must end with a message of the user, to be answered")
    return tokens


def _tokens(prompt: prompt_pb2.Prompt, field: str, denoiser: Denoiser, render, within: bool) -> tuple[int | None, ...]:
    source = prompt.WhichOneof("source")
    if source is None:
        raise InvalidField(field, "must have chat, text or tokens")
    if source == "tokens":
        ids = prompt.tokens.ids
        fits = len(ids) <= 2 * denoiser.info.context_length  # far too many are not even looked through
        check_prompt_length(field, len(ids), fits and denoiser.info.mask_token in ids, denoiser)
        return listed_tokens(ids, f"{field}.tokens.ids", denoiser)
    if source == "text":
        return text_tokens(prompt.text, f"{field}.text", denoiser, special=takes_names(prompt), within=within)
    check_count(f"{field}.chat.messages", len(prompt.chat.messages), denoiser.info.context_length, "messages")
    for index, message in enumerate(prompt.chat.messages):
        if message.role not in ROLES:
            raise InvalidField(f"{field}.chat.messages[{index}].role",
                               f"must be one of {', '.join(ROLES)}; got {message.role!r}")
    if not prompt.chat.messages:
        raise InvalidField(f"{field}.chat.messages", "must hold at least one message")
    for index, message in enumerate(prompt.chat.messages):
        check_size(f"{field}.chat.messages[{index}].content", message.content, denoiser)
    turns = [{"role": message.role, "content": message.content, "special_tokens":
              message.special_tokens if message.HasField("special_tokens") else prompt.special_tokens}
             for message in prompt.chat.messages]
    field, rendered = f"{field}.chat.messages", render(text_of(denoiser), turns)
    check_size(field, rendered.text, denoiser)
    return masked(text_of(denoiser).encode_rendered(rendered, denoiser.info.context_length, field), denoiser, field)


def text_tokens(text: str, field: str, denoiser: Denoiser, *, special: bool, within: bool) -> tuple[int | None, ...]:
    """A text as token ids, None for an open position; see Text.encode for special and within."""
    check_size(field, text, denoiser)
    return masked(text_of(denoiser).encode_with_holes(text, denoiser.info.context_length, field, special=special,
                                                      within=within), denoiser, field)


def listed_tokens(ids, field: str, denoiser: Denoiser) -> tuple[int | None, ...]:
    """Token ids as they came, None for an open position."""
    check_tokens(field, ids, denoiser)
    return masked(ids, denoiser, field)


def masked(ids, denoiser: Denoiser, field: str) -> tuple[int | None, ...]:
    """Ids with None in place of the mask. Raises InvalidField where a model cannot fill in what is open."""
    tokens = tuple(None if id == denoiser.info.mask_token else id for id in ids)
    if None in tokens and denoiser.info.attention.append_only:
        raise InvalidField(field, f"must have no holes: {denoiser.info.name!r} reads from left to right and cannot fill"
                                  " them in")
    return tokens


def check_prompt_length(field: str, count: int, holes: bool, denoiser: Denoiser) -> None:
    """Raises InvalidField for a prompt that leaves nothing to generate. holes: whether it has some itself."""
    context, least = denoiser.info.context_length, 0 if holes else 1
    if count > context - least:
        raise InvalidField(field, f"must have at most {context - least} tokens to leave {least} to generate: the"
                                  f" context of {denoiser.info.name!r} has {context} positions; got {count}")


def canvas_length(request: pb.CreateSessionRequest, given: tuple[int | None, ...], denoiser: Denoiser) -> int:
    """How many open positions follow the prompt, checked against the context."""
    context = denoiser.info.context_length
    least = 0 if None in given else 1
    if not given and denoiser.info.attention.append_only:
        raise InvalidField("prompt", f"must have at least one token: {denoiser.info.name!r} reads from left to right"
                                     " and needs one to go by")
    check_prompt_length("prompt", len(given), None in given, denoiser)
    left = context - len(given)
    if not request.HasField("length"):
        return min(DEFAULT_LENGTH, left)
    if not least <= request.length <= left:
        raise InvalidField("length", f"must be from {least} to {left}: the context has {context} positions and the"
                                     f" prompt takes {len(given)}; got {request.length}")
    return request.length


def fixed_words(constraints, length: int, prompt: tuple[int | None, ...], denoiser: Denoiser) -> dict[int, int]:
    """Offset in the generated part to the token given there; at least one position of the canvas stays open."""
    fixed: dict[int, int] = {}
    if constraints and denoiser.info.attention.append_only:
        raise InvalidField("word_constraints", f"must be empty: {denoiser.info.name!r} reads from left to right; a"
                                               " constraint in the settings can ask for words")
    check_count("word_constraints", len(constraints), length, "words, as many as tokens are generated")
    for index, constraint in enumerate(constraints):
        field = f"word_constraints[{index}]"
        content = constraint.WhichOneof("content")
        if content is None:
            raise InvalidField(field, "must have text or tokens")
        if content == "tokens":
            check_tokens(f"{field}.tokens.ids", constraint.tokens.ids, denoiser, length)
            ids = list(constraint.tokens.ids)
        else:
            ids = encoded(f"{field}.text", constraint.text, denoiser, length, special=constraint.special_tokens,
                          within=True)
        if not ids or denoiser.info.mask_token in ids:
            raise InvalidField(field, "must have at least one token, and none that is the mask")
        if len(ids) > length:
            raise InvalidField(field, f"must have at most {length} tokens, as many as are generated; has {len(ids)}")
        if constraint.offset + len(ids) > length:
            raise InvalidField(f"{field}.offset", f"must be from 0 to {length - len(ids)} for its {len(ids)} tokens to"
                                                  f" fit the length {length}; got {constraint.offset}")
        for offset, token in enumerate(ids, constraint.offset):
            if offset in fixed:
                raise InvalidField(f"{field}.offset", f"offset {offset} has a word already")
            fixed[offset] = token
    if len(fixed) == length and None not in prompt:
        raise InvalidField("word_constraints", f"must leave a position open; they fill all {length}")
    return fixed


# ---- settings ----

def first_settings(message: settings_pb2.Settings, length: int, holes: int, info: ModelInfo, start: int) -> Settings:
    """The settings that a session starts with; a seed is drawn where none is given.

    length: of the generated part, which begins at `start`. holes: open positions in the prompt.
    """
    seed = message.seed if message.HasField("seed") else secrets.randbits(32)
    sampler = message.sampler or suitable(info.attention.offers, info.default_sampler)[0].name
    return complete_settings(Settings(sampler, convert.parameters_from_proto(message), seed,
                                      convert.constraint_from_proto(message.constraint)), length, info, holes,
                             start)


def later_settings(message: settings_pb2.Settings, state: State, info: ModelInfo) -> Settings:
    """The settings in force at a state, with some of them changed."""
    current = state.settings
    sampler = message.sampler or current.sampler
    kept = current.parameters if sampler == current.sampler else {}
    seed = message.seed if message.HasField("seed") else current.seed
    parameters = {**kept, **convert.parameters_from_proto(message)}
    constraint = convert.constraint_from_proto(message.constraint) if message.HasField("constraint") else (
        current.constraint)
    return complete_settings(Settings(sampler, parameters, seed, constraint), state.length, info, state.holes,
                             state.start)


def gumbel_scale(request: pb.ReprocessRequest) -> float:
    """How much Gumbel noise the choice takes; 0 for none."""
    scale = request.gumbel_temperature if request.HasField("gumbel_temperature") else 1.0
    if not 0 <= scale <= 10:
        raise InvalidField("gumbel_temperature", f"must be from 0 to 10; got {scale:g}")
    return scale if request.gumbel_noise else 0.0


# ---- positions ----

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


# ---- pages ----

# Of what is on a page, after which it ends: the last may bring a constraint more, and clients of gRPC take 4 MiB.
PAGE_BYTES = 1 << 20


def page_token(row: Row) -> str:
    return base64.urlsafe_b64encode(f"{row.update_time!r} {row.session_id}".encode()).decode()


def after_page(token: str) -> tuple[float, str] | None:
    """What a page token says: where the page before ended."""
    if not token:
        return None
    try:
        time, session_id = base64.urlsafe_b64decode(token.encode()).decode().split(" ")
        if not math.isfinite(float(time)):
            raise ValueError(time)
        return float(time), session_id
    except (ValueError, binascii.Error):
        raise InvalidField("page_token", "must be the next_page_token of an earlier answer") from None


def branch_token(leaf: int) -> str:
    return base64.urlsafe_b64encode(str(leaf).encode()).decode()


def before_branch(token: str) -> int | None:
    """What a page token of branches says: the newest revision of the last branch on the page before."""
    if not token:
        return None
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode())
    except (ValueError, binascii.Error):
        raise InvalidField("page_token", "must be the next_page_token of an earlier answer") from None
