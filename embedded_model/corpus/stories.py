"""Stories from a small grammar: a hero, a friend, a thing, a place, six plots.

A story is right when it is one of the plots with every name, thing, colour,
place and pronoun consistent, and agrees with what the prompt asked for.
"""

from __future__ import annotations

import re
from random import Random

from .words import COLOURS, NAMES, OBJECTS, PLACES, pronouns

# {A} hero, {B} friend, {c} colour, {o} thing, {p} place; {he} ... are the hero's
# pronouns, {he2} ... the friend's. (x|y) is a free choice.
OPENINGS = ("One day", "One morning", "Last summer")
PLOTS = (
    # lost and found
    "{t} {A} took a {c} {o} to the {p}. There {he} lost the {o}, and {he} felt very sad. "
    "{B} came to help {him}. {B} found the {o} under a (tree|stone). "
    '"Thank you, {B}!" said {A}. They went home with the {c} {o}.',
    # a present
    "{t} it was the birthday of {B}. {A} went to the {p} and bought a {c} {o} for {him2}. "
    '{B} opened the box. "A {o}! Thank you, {A}!" said {B}. '
    "{He2} loved {his2} {c} {o} and gave {A} a (hug|cake).",
    # sharing
    "{t} {A} and {B} were at the {p}. They saw a {c} {o}, and both wanted it. "
    '"It is mine!" said {A}. "No, mine!" said {B}. '
    "Then {A} smiled and gave {B} the {o}. {B} thanked {him}, and they (played|laughed) together.",
    # mended
    "{t} {A} was sad. {His} {c} {o} was broken. {He} went to the {p} and asked {B} for help. "
    "{B} took {his2} tools and mended the {o}. "
    '"It is as good as new!" said {A}. {He} thanked {B} with a (hug|cake).',
    # returned
    "{t} {A} walked to the {p} and found a {c} {o}. \"Whose {o} is this?\" {he} asked. "
    '"It is mine," said {B}. {He2} had looked for {his2} {o} all day. '
    "{A} gave it back, and {B} was (happy|glad) to have the {c} {o} again.",
    # the storm
    "{t} {A} and {B} went to the {p} with a {c} {o}. A storm came, and the wind took the {o} away. "
    "{A} ran after it, but {he} was too slow. {B} jumped and caught the {o}. "
    '"Well done, {B}!" said {A}. {He} was (happy|glad).',
)


def _fields(hero: str, friend: str) -> dict[str, str]:
    fields = {"A": hero, "B": friend}
    for suffix, name in (("", hero), ("2", friend)):
        for key, word in pronouns(name).items():
            fields[key + suffix] = word
        fields["His" + suffix] = pronouns(name)["his"].capitalize()
    return fields


def _pattern(plot: str) -> re.Pattern[str]:
    """A regular expression that captures each slot once and then refers back to it."""
    seen: set[str] = set()

    def slot(match: re.Match[str]) -> str:
        key = match.group(1)
        if key in seen:
            return f"(?P={key})"
        seen.add(key)
        return f"(?P<{key}>[A-Za-z ]+)" if key == "t" else f"(?P<{key}>[A-Za-z]+)"

    literal = re.sub(r"[.?!]", r"\\\g<0>", plot)
    return re.compile(re.sub(r"\{(\w+)\}", slot, literal))


PATTERNS = tuple(_pattern(plot) for plot in PLOTS)


def tell(rng: Random, hero: str, friend: str, colour: str, thing: str) -> str:
    """One story with the given cast; plot, place and opening are drawn."""
    plot = re.sub(r"\((\w+)\|(\w+)\)", lambda m: m.group(rng.randint(1, 2)), rng.choice(PLOTS))
    return plot.format(
        t=rng.choice(OPENINGS), c=colour, o=thing, p=rng.choice(PLACES), **_fields(hero, friend)
    )


def make(rng: Random) -> tuple[str, str]:
    hero, friend = rng.sample(NAMES, 2)
    colour, thing = rng.choice(COLOURS), rng.choice(OBJECTS)
    verb = rng.choice(("Tell me a story",) * 4 + ("Write a story", "Write a short story", "Please tell me a story"))
    asked = rng.random()
    if asked < 0.5:
        about = f" about {hero} and a {colour} {thing}"
    elif asked < 0.65:
        about = f" about {hero} and {friend}"
    elif asked < 0.8:
        about = f" about {hero}"
    elif asked < 0.9:
        about = f" about a {colour} {thing}"
    else:
        about = ""
    prompt = f"{verb}{about}{rng.choice(('.', '.', ''))}"
    return prompt, tell(rng, hero, friend, colour, thing)


def make_full(rng: Random) -> tuple[str, str]:
    """The form the tables measure: hero, colour and thing are asked for, the rest is free."""
    hero, friend = rng.sample(NAMES, 2)
    colour, thing = rng.choice(COLOURS), rng.choice(OBJECTS)
    return (
        f"Tell me a story about {hero} and a {colour} {thing}.",
        tell(rng, hero, friend, colour, thing),
    )


def check(prompt: str, response: str) -> bool:
    for pattern in PATTERNS:
        match = pattern.fullmatch(response)
        if match:
            break
    else:
        return False
    got = match.groupdict()
    hero, friend = got["A"], got["B"]
    if hero == friend or hero not in NAMES or friend not in NAMES:
        return False
    if got["c"] not in COLOURS or got["o"] not in OBJECTS or got["p"] not in PLACES:
        return False
    if got["t"] not in OPENINGS:
        return False
    fields = _fields(hero, friend)
    if any(fields[key] != word for key, word in got.items() if key in fields):
        return False
    words = re.findall(r"[A-Za-z]+", prompt)
    names = [word for word in words if word in NAMES]
    return (
        (not names or names[0] == hero)
        and (len(names) < 2 or names[1] == friend)
        and all(word == got["c"] for word in words if word in COLOURS)
        and all(word == got["o"] for word in words if word in OBJECTS)
    )
