"""One token after the other at the end of the text, as autoregressive models write.

The canvas has one open position, at its end; the engine opens the next one behind every token that does not end the
text. Stop sequences are looked for in the text, which a sampler does not know: the engine does that too.
"""

from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Growing, resolved
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext


def wanted(context: SamplingContext[Growing]) -> list[int]:
    return list(context.region.open[:1])


def propose(prediction: Prediction, context: SamplingContext[Growing]) -> Proposal:
    drawn = draw(prediction, context, wanted(context))
    return Proposal(drawn.commits([0], drawn.confidence))


def finished(context: SamplingContext[Growing]) -> bool:
    region = context.region
    return not region.open or region.length - len(region.open) >= resolved(context.parameters.max_tokens)


SAMPLER = Sampler(
    name="autoregressive",
    summary="Writes one token after the other at the end of the text, from what stands before it.",
    source="autoregressive language models; the pipeline as in transformers' generate()",
    parameters=Growing,
    wanted=wanted,
    propose=propose,
    finished=finished,
    needs=Need.END,
)
