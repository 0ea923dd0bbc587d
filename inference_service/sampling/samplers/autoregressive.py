"""One token after the other at the end of the text, as autoregressive models write.

The canvas has one open position, at its end; the engine opens the next one behind every token that does not end the
text. Stop sequences are looked for in the text, which a sampler does not know: the engine does that too.
"""

from pydantic import Field

from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import MOST_TEXTS, Parameters, Text, resolved
from inference_service.sampling.sampler import Moment, Prediction, Proposal, Sampler


class AutoregressiveParameters(Parameters):
    max_tokens: int | None = Field(None, ge=1, le=1_000_000, description=(
        "Tokens to write at most; follows the length asked for."))
    stop: list[Text] = Field([], max_length=MOST_TEXTS, description=(
        "The writing stops after any of these texts; they stay in it."))

    def resolve(self, length: int, opened: int | None = None) -> "AutoregressiveParameters":
        record = super().resolve(length, opened)
        return record if record.max_tokens else record.replaced(max_tokens=length)


def wanted(moment: Moment[AutoregressiveParameters]) -> list[int]:
    return list(moment.region.open[:1])


def propose(prediction: Prediction, moment: Moment[AutoregressiveParameters]) -> Proposal:
    drawn = draw(prediction, moment, wanted(moment))
    return Proposal(drawn.commits([0], drawn.confidence))


def finished(moment: Moment[AutoregressiveParameters]) -> bool:
    region = moment.region
    return not region.open or region.length - len(region.open) >= resolved(moment.parameters.max_tokens)


SAMPLER = Sampler(
    name="autoregressive",
    summary="Writes one token after the other at the end of the text, from what stands before it.",
    source="autoregressive language models; the pipeline as in transformers' generate()",
    parameters=AutoregressiveParameters,
    wanted=wanted,
    propose=propose,
    finished=finished,
    grows=True,
)
