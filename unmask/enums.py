"""Numbers of enumerations, as messages take them."""

from typing import Any


def enum_number(number: int) -> Any:
    """The number. The generated stubs ask for a class of the enumeration's own, which at run time no number has."""
    return int(number)
