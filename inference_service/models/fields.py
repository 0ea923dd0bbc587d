"""Fields of a config.json, read with errors that name them."""

import math
from collections.abc import Mapping
from typing import Any

from inference_service.errors import DataLoss, FailedPrecondition

# Numbers that JSON has none for, as transformers 5 writes them: {"__float__": "Infinity"}.
_FLOATS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def with_floats(value: Any) -> Any:
    """A value of a config.json with what stands for a float in it as that float."""
    if isinstance(value, list):
        return [with_floats(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"__float__"} and isinstance(told := value["__float__"], str):
        return _FLOATS.get(told, value)
    return {name: with_floats(inner) for name, inner in value.items()}


def whole(config: Mapping[str, Any], field: str) -> int:
    """A count that the model cannot be without; DataLoss where it is missing or no whole number of at least 1."""
    value = config.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DataLoss(f"config.json must have {field} as a whole number of at least 1, has {value!r}")
    return value


def require_values(config: Mapping[str, Any], allowed: Mapping[str, tuple], stock: str) -> None:
    """Raises FailedPrecondition for a field with a value that the stock class has no place for.

    allowed: field -> the values that leave it as the stock class is, the usual one first.
    stock: what the class is called in the message, such as "Llama".
    """
    for field, values in allowed.items():
        if field in config and config[field] not in values:
            raise FailedPrecondition(
                f"config.json has {field} = {config[field]!r}, which the stock {stock} class cannot express"
                f" (it must be {values[0]!r})",
                reason="UNSUPPORTED_CHECKPOINT",
                metadata={"field": field},
            )
