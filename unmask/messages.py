"""Plain Python values as the API's messages."""

from collections.abc import Mapping, Sequence

from google.protobuf.struct_pb2 import Struct

from unmask.v1 import session_service_pb2 as sessions_pb
from unmask.v1.prompt_pb2 import Chat, Message, Prompt, TokenList
from unmask.v1.settings_pb2 import Settings


def prompt_of(prompt: str | Sequence[int] | Sequence[Mapping[str, str]], raw: bool) -> Prompt:
    """A prompt as the API takes it: turns, token ids, or text, which is a turn of the user unless it is raw."""
    if isinstance(prompt, str):
        if raw:
            return Prompt(text=prompt)
        prompt = [{"role": "user", "content": prompt}]
    if prompt and isinstance(prompt[0], Mapping):
        return Prompt(chat=Chat(messages=[Message(**turn) for turn in prompt]))
    return Prompt(tokens=TokenList(ids=prompt))


def settings_of(sampler: str, seed: int | None, parameters: Mapping[str, object]) -> Settings:
    values = Struct()
    values.update(parameters)
    return Settings(sampler=sampler, seed=seed, parameters=values)


def some_settings_of(sampler: str, seed: int | None, parameters: Mapping[str, object]) -> Settings | None:
    """None where there are none: those in force hold."""
    return settings_of(sampler, seed, parameters) if sampler or seed is not None or parameters else None


def word_of(offset: int, content: str | Sequence[int]) -> sessions_pb.WordConstraint:
    if isinstance(content, str):
        return sessions_pb.WordConstraint(offset=offset, text=content)
    return sessions_pb.WordConstraint(offset=offset, tokens=TokenList(ids=content))
