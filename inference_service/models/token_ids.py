"""Which ids mean mask, end of text, end of turn and padding. The checkpoint says, never a constant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference_service.errors import DataLoss, InvalidField
from inference_service.models.family import Family
from inference_service.models.files import shown
from inference_service.models.text import Text

ROLES = ("mask", "eos", "eot", "pad")
# Roles that a checkpoint may give several ids: all of them count.
_ENDS = ("eos", "eot")
_MOST_ENDS = 64


@dataclass(frozen=True)
class TokenIds:
    """Ids by role; None where the checkpoint has none.

    ends: every id that ends a text or a turn, each once; eos and eot are among them.
    found: for each role that has an id, where it is from, such as "config.json".
    """

    mask: int | None
    eos: int | None
    eot: int | None
    pad: int | None
    ends: tuple[int, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)


def find_token_ids(
    config: Mapping[str, Any],
    generation: Mapping[str, Any],
    text: Text | None,
    given: Mapping[str, int],
    family: Family,
    vocabulary: int,
) -> TokenIds:
    """The ids by role: what was given, else config.json, else generation_config.json, else the tokenizer.

    Of the ids that end a text or a turn each of these may list some, and all of them count. One that was given and is
    among them goes first; another one takes the place of them all.
    vocabulary: width of the logits; every id must be below it.
    Raises InvalidField for a wrong or missing `token_ids`, DataLoss for a wrong id in the checkpoint.
    """
    for role, id in given.items():
        if role not in ROLES:
            raise InvalidField("token_ids", f"knows the names {', '.join(ROLES)}, not {role!r}")
        if not isinstance(id, int) or not 0 <= id < vocabulary:
            raise InvalidField(f"token_ids.{role}", f"must be within 0 to {vocabulary - 1}, is {id}")
    told = {role: _found(role, config, generation, text, family) for role in ROLES}
    for role, id in given.items():
        told[role] = [(id, "given"), *(told[role] if id in [other for other, _ in told[role]] else [])]
    mask = told["mask"][0][0] if told["mask"] else None
    for role in _ENDS:
        if role in given and given[role] != mask:
            told[role] = [found for found in told[role] if found[0] != mask]
    for role, found in told.items():
        for id, _ in found if role in _ENDS else found[:1]:
            if not isinstance(id, int) or isinstance(id, bool) or not 0 <= id < vocabulary:
                raise DataLoss(f"the checkpoint gives {shown(repr(id))} as its {role} token, but its ids end at"
                               f" {vocabulary - 1}")
    ends = tuple(dict.fromkeys(id for role in _ENDS for id, _ in told[role]))
    if len(ends) > _MOST_ENDS:
        raise DataLoss(f"the checkpoint lists {len(ends)} ids that end a text; it must list at most {_MOST_ENDS}")
    first = {role: found[0] for role, found in told.items() if found}
    ids = TokenIds(**{role: first[role][0] if role in first else None for role in ROLES}, ends=ends,
                   found={role: where for role, (_, where) in first.items()})
    for role in _ENDS:
        if ids.mask is not None and any(id == ids.mask for id, _ in told[role]):
            raise InvalidField(f"token_ids.{role}", f"must not be the mask's id, {ids.mask}: that is never generated;"
                                                    " give both ids, as in --id mask=5 --id eos=2")
    if not family.attention.append_only and ids.mask is None:
        names = " or ".join(family.mask_names)
        tokenizer = f"its tokenizer has no mask token and none named {names}" if text else "it has no tokenizer to ask"
        raise InvalidField(
            "token_ids.mask",
            "the checkpoint does not say which id is the mask: its config.json and generation_config.json have no"
            f' mask_token_id, and {tokenizer}; give the id, as in token_ids = {{"mask": 5}} or --id mask=5',
        )
    return ids


def _found(role: str, config: Mapping[str, Any], generation: Mapping[str, Any], text: Text | None,
           family: Family) -> list[tuple[Any, str]]:
    """The ids that are told for a role and where each is from, the one that goes before the others first."""
    found: list[tuple[Any, str]] = []
    for where, source in (("config.json", config), ("generation_config.json", generation)):
        told = source.get(f"{role}_token_id")
        found += [(id, where) for id in (told if isinstance(told, list) else [told]) if id is not None]
    if text is None:
        return found
    if role != "eot" and (id := text.special_id(role)) is not None:
        found.append((id, f"the tokenizer's {role}_token"))
    if not found:
        found += [(id, f"the tokenizer's {name}")
                  for name in {"mask": family.mask_names, "eot": family.eot_names}.get(role, ())
                  if (id := text.id_of(name)) is not None][:1]
    return found
