"""Plain Python values as the API's messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct

from unmask.v1 import session_service_pb2 as sessions_pb
from unmask.v1.constraint_pb2 import Choice, Constraint
from unmask.v1.inspection_service_pb2 import RecoverRequest
from unmask.v1.model_service_pb2 import DetokenizeRequest
from unmask.v1.prompt_pb2 import Chat, Message, Prompt, TokenList
from unmask.v1.settings_pb2 import CacheSettings, Settings


def detokenizing(ids: Sequence[int | None], model: str) -> DetokenizeRequest:
    """The question what text some ids are, None for an open position."""
    request = DetokenizeRequest(model=model)
    for id in ids:
        if id is not None:
            request.ids.append(id)
        elif request.open_before[-1:] != [len(request.ids)]:
            request.open_before.append(len(request.ids))
    return request


def prompt_of(prompt: str | Sequence[int] | Sequence[Mapping[str, Any]], raw: bool,
              special_tokens: bool | None = None, add_special_tokens: bool | None = None) -> Prompt:
    """A prompt as the API takes it: turns, token ids, or text, which is a turn of the user unless it is raw.

    special_tokens: whether names of control tokens are taken as these tokens; None: in raw text alone.
    add_special_tokens: whether raw text gets what the checkpoint's tokenizer puts around it; None: it does.
    """
    if isinstance(prompt, str):
        if raw:
            return Prompt(text=prompt, special_tokens=special_tokens, add_special_tokens=add_special_tokens)
        prompt = [{"role": "user", "content": prompt}]
    values: Sequence[Any] = prompt  # the first says which: a list has one kind
    if values and isinstance(values[0], Mapping):
        return Prompt(chat=Chat(messages=[Message(**turn) for turn in values]), special_tokens=special_tokens)
    return Prompt(tokens=TokenList(ids=values))


def settings_of(sampler: str, seed: int | None, parameters: Mapping[str, Any],
                constraint: Mapping[str, Any] | None = None, cache: str | Mapping[str, Any] = "") -> Settings:
    """cache: a policy's name, or {"name": name} with its parameters; "" for the one in force."""
    return Settings(sampler=sampler, seed=seed, parameters=_struct(parameters),
                    constraint=None if constraint is None else constraint_of(constraint),
                    cache=cache_of(cache) if cache else None)


def some_settings_of(sampler: str, seed: int | None, parameters: Mapping[str, Any],
                     constraint: Mapping[str, Any] | None = None,
                     cache: str | Mapping[str, Any] = "") -> Settings | None:
    """None where there are none: those in force hold."""
    some = sampler or seed is not None or parameters or constraint is not None or cache
    return settings_of(sampler, seed, parameters, constraint, cache) if some else None


def cache_of(cache: str | Mapping[str, Any]) -> CacheSettings:
    """Raises ValueError for a record without a name."""
    if isinstance(cache, str):
        return CacheSettings(name=cache)
    if not isinstance(cache.get("name"), str):
        raise ValueError('cache: must be a name, or a record with "name"')
    return CacheSettings(name=cache["name"], parameters=_struct({name: value for name, value in cache.items()
                                                                if name != "name"}))


def _struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def constraint_of(constraint: Mapping[str, Any]) -> Constraint:
    """A constraint by the name of its kind, such as {"regex": "[0-9]+"}; {} takes one away.

    choice: a list of texts. json_schema: a schema, as a mapping or as JSON. ValueError for another kind, or for two.
    """
    if len(constraint) > 1 or not set(constraint) <= set(CONSTRAINTS):
        raise ValueError(f"a constraint has one of {', '.join(CONSTRAINTS)}; got {', '.join(map(str, constraint))}")
    for kind, value in constraint.items():
        if kind == "choice":
            return Constraint(choice=Choice(options=value))
        text: Any = value if isinstance(value, str) else json.dumps(value)
        return Constraint(**{kind: text})
    return Constraint()


CONSTRAINTS = ("choice", "regex", "grammar", "json_schema")


def word_of(offset: int, content: str | Sequence[int], special_tokens: bool = False) -> sessions_pb.WordConstraint:
    if isinstance(content, str):
        return sessions_pb.WordConstraint(offset=offset, text=content, special_tokens=special_tokens)
    return sessions_pb.WordConstraint(offset=offset, tokens=TokenList(ids=content))


CORRUPTIONS = {"random": RecoverRequest.CORRUPTION_RANDOM, "sticky": RecoverRequest.CORRUPTION_STICKY,
               "fragment": RecoverRequest.CORRUPTION_FRAGMENT, "mixed": RecoverRequest.CORRUPTION_MIXED}


def corruption_of(name: str) -> int:
    """How a Recover masks, by its word; ValueError for another."""
    if name not in CORRUPTIONS:
        raise ValueError(f"the corruption must be one of {', '.join(CORRUPTIONS)}; got {name!r}")
    return CORRUPTIONS[name]


def corruption_name(number: int) -> str:
    """The word of a Recover's corruption."""
    return RecoverRequest.Corruption.Name(number).removeprefix("CORRUPTION_").lower()
