"""Which ids mean mask, end of text, end of turn and padding. The checkpoint says, never a constant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference_service.errors import DataLoss, InvalidField
from inference_service.models.family import Family
from inference_service.models.text import Text

ROLES = ("mask", "eos", "eot", "pad")


@dataclass(frozen=True)
class TokenIds:
    """Ids by role; None where the checkpoint has none.

    found: for each role that has an id, where it is from, such as "config.json".
    """

    mask: int | None
    eos: int | None
    eot: int | None
    pad: int | None
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

    vocabulary: width of the logits; every id must be below it.
    Raises InvalidField for a wrong or missing `token_ids`, DataLoss for a wrong id in the checkpoint.
    """
    for role, id in given.items():
        if role not in ROLES:
            raise InvalidField("token_ids", f"knows the names {', '.join(ROLES)}, not {role!r}")
        if not isinstance(id, int) or not 0 <= id < vocabulary:
            raise InvalidField(f"token_ids.{role}", f"must be within 0 to {vocabulary - 1}, is {id}")
    told = {role: (given[role], "given") if role in given else _found(role, config, generation, text, family)
            for role in ROLES}
    ids = TokenIds(**{role: id for role, (id, _) in told.items()},
                   found={role: where for role, (id, where) in told.items() if id is not None})
    for role in ROLES:
        id = getattr(ids, role)
        if id is not None and not (isinstance(id, int) and 0 <= id < vocabulary):
            raise DataLoss(f"the checkpoint gives {id!r} as its {role} token, but its ids end at {vocabulary - 1}")
    for role in ("eos", "eot"):
        if ids.mask is not None and getattr(ids, role) == ids.mask:
            raise InvalidField(f"token_ids.{role}", f"must not be the mask's id, {ids.mask}: that is never generated;"
                                                    " give both ids, as in --id mask=5 --id eos=2")
    if family.bidirectional and ids.mask is None:
        names = " or ".join(family.mask_names)
        tokenizer = f"its tokenizer has no mask token and none named {names}" if text else "it has no tokenizer to ask"
        raise InvalidField(
            "token_ids.mask",
            "the checkpoint does not say which id is the mask: its config.json and generation_config.json have no"
            f' mask_token_id, and {tokenizer}; give the id, as in token_ids = {{"mask": 5}} or --id mask=5',
        )
    return ids


def _found(role, config, generation, text, family):
    """The id of a role and where it is from, (None, "") where nothing tells."""
    for where, source in (("config.json", config), ("generation_config.json", generation)):
        id = source.get(f"{role}_token_id")
        if isinstance(id, list):
            id = id[0] if id else None
        if id is not None:
            return id, where
    if text is None:
        return None, ""
    if role != "eot" and (id := text.special_id(role)) is not None:
        return id, f"the tokenizer's {role}_token"
    for name in {"mask": family.mask_names, "eot": family.eot_names}.get(role, ()):
        if (id := text.id_of(name)) is not None:
            return id, f"the tokenizer's {name}"
    return None, ""
