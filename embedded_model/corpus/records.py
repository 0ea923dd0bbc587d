"""JSON records: made from a sentence, or free."""

from __future__ import annotations

import json
import re
from random import Random

from .words import COLOURS, NAMES, OBJECTS, PLACES

# Each kind of record: its keys, the sentence it may be made from, and who draws the values.
KINDS = {
    "person": (("name", "age", "place"), "{name} is {age} and lives by the {place}."),
    "thing": (("thing", "colour", "price"), "The {thing} is {colour} and costs {price}."),
    "visit": (("place", "day", "guests"), "On day {day} the {place} has {guests}."),
}


def _values(rng: Random, kind: str) -> dict:
    if kind == "person":
        return {"name": rng.choice(NAMES), "age": rng.randint(10, 99), "place": rng.choice(PLACES)}
    if kind == "thing":
        return {"thing": rng.choice(OBJECTS), "colour": rng.choice(COLOURS), "price": rng.randint(10, 99)}
    return {
        "place": rng.choice(PLACES),
        "day": rng.randint(10, 31),
        "guests": rng.sample(NAMES, rng.randint(1, 3)),
    }


def _sentence(kind: str, values: dict) -> str:
    spoken = {k: " and ".join(v) if isinstance(v, list) else v for k, v in values.items()}
    return KINDS[kind][1].format(**spoken)


def make_given(rng: Random) -> tuple[str, str]:
    kind = rng.choice(tuple(KINDS))
    values = _values(rng, kind)
    return f"Make JSON: {_sentence(kind, values)}", json.dumps(values)


def make_free(rng: Random) -> tuple[str, str]:
    return "Write a JSON record.", json.dumps(_values(rng, rng.choice(tuple(KINDS))))


def make(rng: Random) -> tuple[str, str]:
    return make_given(rng) if rng.random() < 0.6 else make_free(rng)


def _two_digits(value: object) -> bool:
    return type(value) is int and 10 <= value <= 99


def well_formed(record: object) -> bool:
    """Whether a parsed value is a record of one of the kinds, with values of its world."""
    if not isinstance(record, dict):
        return False
    match tuple(record):
        case ("name", "age", "place"):
            return record["name"] in NAMES and _two_digits(record["age"]) and record["place"] in PLACES
        case ("thing", "colour", "price"):
            return record["thing"] in OBJECTS and record["colour"] in COLOURS and _two_digits(record["price"])
        case ("place", "day", "guests"):
            guests = record["guests"]
            return (
                record["place"] in PLACES
                and _two_digits(record["day"])
                and record["day"] <= 31
                and isinstance(guests, list)
                and 1 <= len(guests) <= 3
                and all(isinstance(g, str) and g in NAMES for g in guests)
                and len(set(guests)) == len(guests)
            )
    return False


def check(prompt: str, response: str) -> bool:
    try:
        record = json.loads(response)
    except ValueError:
        return False
    if not well_formed(record):
        return False
    sentence = re.match(r"Make JSON: (.*)", prompt)
    if not sentence:
        return True
    kind = next(kind for kind, (keys, _) in KINDS.items() if keys == tuple(record))
    return _sentence(kind, record) == sentence.group(1)
