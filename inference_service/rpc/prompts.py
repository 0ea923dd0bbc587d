"""What is to be read, as token ids: prompts, turns, texts and words, checked by size before they are tokenized."""

from inference_service.errors import FailedPrecondition, InvalidField
from inference_service.models.denoiser import Denoiser
from inference_service.models.text import Text
from inference_service.rpc.requests import check_count, check_tokens
from unmask.v1 import prompt_pb2
from unmask.v1 import session_service_pb2 as pb

DEFAULT_LENGTH = 64
ROLES = ("system", "user", "assistant")


def text_of(denoiser: Denoiser) -> Text:
    """The model's tokenizer. Raises FailedPrecondition if it has none."""
    if denoiser.text is None:
        raise FailedPrecondition(f"the model {denoiser.info.name!r} came without a tokenizer; send token ids instead",
                                 reason="NO_TOKENIZER")
    return denoiser.text


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
