"""The parameters that samplers share. Each sampler's own record is one of these classes with more fields."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from inference_service.sampling.region import blocks_over

MOST_TEXTS, LONGEST_TEXT = 16, 256
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class ParameterError(ValueError):
    """A parameter that is out of its range or does not fit the canvas or the model."""

    def __init__(self, name: str, message: str):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


@dataclass(frozen=True)
class Extent:
    """What of a canvas is generated.

    length: its positions. opened: how many are open, holes in the prompt too. block: positions of the blocks that the
    model itself has, 0 where it has none. lead: the prompt's positions in the first of them.
    """

    length: int
    opened: int
    block: int = 0
    lead: int = 0

    def blocks(self, block_length: int) -> int:
        """How many blocks of a length there are."""
        return blocks_over(self.length, self.lead, block_length)


class Record(BaseModel):
    """Base of all records of parameters: unknown names are an error, and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        """16.0 as 16: whole numbers come as doubles from the wire. Nothing else is turned into another type."""
        return int(value) if isinstance(value, float) and value.is_integer() else value


class Parameters(Record):
    """Base of every sampler's record: how a distribution is made of logits. Ranges are the published ranges."""

    temperature: float = Field(0.0, ge=0, le=10, description=(
        "0 takes the likeliest token; 1 draws from the model's own distribution; higher is wilder."))
    top_k: int = Field(0, ge=0, le=1_000_000, description="Draw only from so many of the likeliest tokens; 0: all.")
    top_p: float = Field(1.0, ge=0.01, le=1, description=(
        "Draw only from the likeliest tokens that together reach this probability, the one that crosses it included;"
        " with top_k the shorter list counts."))
    repetition_penalty: float = Field(1.0, ge=1, le=2, description=(
        "Makes tokens that are already in the canvas less likely: their logits are divided by it, negative ones"
        " multiplied."))
    presence_penalty: float = Field(0.0, ge=-2, le=2, description=(
        "Taken off the logit of every token that is already in the canvas."))
    frequency_penalty: float = Field(0.0, ge=-2, le=2, description=(
        "Taken off a token's logit once for every time that it is already in the canvas."))
    logits_eos_inf: bool = Field(False, description=(
        "Never generate a token that ends the text; the end of a turn still may come."))
    unnamed_ids: bool = Field(False, description=(
        "Also draw ids that the tokenizer has no token for; they are no text."))

    def resolve(self, extent: Extent) -> Self:
        """The record with what follows from the canvas filled in. Raises ParameterError for what does not fit it."""
        return self

    def replaced(self, **values) -> Self:
        return self.model_copy(update=values)


def resolved(value: int | None) -> int:
    """A parameter that follows from the canvas, as `Parameters.resolve` filled it in."""
    if value is None:
        raise AssertionError("read before it was resolved")
    return value


class Growing(Parameters):
    """Of samplers that write at the end of the text until something ends it."""

    max_tokens: int | None = Field(None, ge=1, le=1_000_000, description=(
        "Tokens to write at most; follows the length asked for."))
    stop: list[Text] = Field([], max_length=MOST_TEXTS, description=(
        "The writing stops after any of these texts; they stay in it."))

    def resolve(self, extent: Extent) -> Self:
        record = super().resolve(extent)
        return record if record.max_tokens else record.replaced(max_tokens=extent.length)


class Guided(Parameters):
    """Of samplers for models that know open positions: the prompt can be taken for one."""

    cfg_scale: float = Field(0.0, ge=0, le=10, description=(
        "Classifier-free guidance: how much further than the model to lean on the prompt; doubles the work."))


class InSteps(Guided):
    """Of samplers that divide the work into a number of steps."""

    steps: int | None = Field(None, ge=1, le=4096, description=(
        "Denoising steps in all; follows the open positions: one step each."))

    @property
    def step_count(self) -> int:
        """`steps`, resolved."""
        return resolved(self.steps)

    def resolve(self, extent: Extent) -> Self:
        return super().resolve(extent).replaced(steps=extent.opened if self.steps is None else self.steps)


class Committing(Guided):
    """Of samplers that never change what they committed."""

    early_stop: bool = Field(False, description=(
        "Once the text has ended, with nothing open before its end, fill the rest with end-of-text at no cost."))


class Revising(Guided):
    """Of samplers that may open or edit what is committed."""

    protect_edits: bool = Field(True, description="Leave tokens that were picked by hand as they are.")


class Blockwise(Committing):
    """Of samplers that decide one block of positions after the other."""

    block_length: int | None = Field(None, ge=1, le=4096, description=(
        "Positions decided before the next ones to the right; follows the length, one block, or the model's own"
        " blocks."))
    suffix_window: int | None = Field(None, ge=0, le=4096, description=(
        "Approximation: how many positions after the block the model sees, the open ones beyond are left out; follows"
        " the length: all of them."))

    @property
    def block_size(self) -> int:
        """`block_length`, resolved."""
        return resolved(self.block_length)

    def resolve(self, extent: Extent) -> Self:
        window = extent.length if self.suffix_window is None else self.suffix_window
        return super().resolve(extent).replaced(block_length=block_length(self.block_length, extent),
                                                suffix_window=window)


def block_length(asked: int | None, extent: Extent) -> int:
    """The block length, checked to divide the model's own blocks, or the generated part where it has none.

    What it must divide if left out.
    """
    whole, what = (extent.block, "model's block of") if extent.block else (extent.length, "length")
    if asked is None:
        return whole
    if asked > whole or whole % asked:
        divisors = [n for n in range(1, whole + 1) if whole % n == 0]
        raise ParameterError("block_length", f"must divide the {what} {whole}: one of {_some(divisors)}; got {asked}")
    return asked


def _some(numbers: list[int]) -> str:
    """A list for a message, cut in the middle when long."""
    shown = numbers if len(numbers) <= 12 else [*numbers[:6], "...", *numbers[-5:]]
    return ", ".join(map(str, shown))
