"""What samplers remember from step to step, as records that a state is held to before a sampler reads it.

A state travels with its revision, through recordings too, which anybody may have written. One that does not fit is
refused where it comes in; an error of a sampler with one that fits is the sampler's own.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Count = Annotated[int, Field(ge=0)]
Number = Annotated[str, StringConstraints(pattern="^[0-9]{1,9}$")]  # a position or a token, as JSON has its keys


class State(BaseModel):
    """The base of all records. What a record does not name is not read."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class Stepped(State):
    """Of a schedule that counts its steps."""

    step: Count
