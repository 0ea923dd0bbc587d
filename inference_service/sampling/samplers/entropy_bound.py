"""EB-Sampler: as many positions at once as a bound on their entropy allows, block after block.

Source: Ben-Hamu et al., "Accelerated Sampling from Masked Diffusion Models via Entropy Bounded Unmasking",
arXiv 2505.24857. Entropies are those of the model's distribution over the tokens that can be generated.
"""

from pydantic import Field

from inference_service.sampling import distribution
from inference_service.sampling.blockwise import open_in_block
from inference_service.sampling.drawing import draw
from inference_service.sampling.parameters import Blockwise
from inference_service.sampling.region import best_first
from inference_service.sampling.sampler import Need, Prediction, Proposal, Sampler, SamplingContext


class EntropyBoundParameters(Blockwise):
    gamma: float = Field(0.1, ge=0, le=100, description=(
        "The bound, in nats: positions are committed in the order of their entropies while those before sum up to no"
        " more."))


def propose(prediction: Prediction, context: SamplingContext[EntropyBoundParameters]) -> Proposal:
    region = context.region
    drawn = draw(prediction, context, open_in_block(context))
    p = distribution.p_base(distribution.forbid(prediction.rows(drawn.positions), context.forbidden))
    entropies = distribution.entropy(p)
    rows = best_first(region, drawn.positions, -entropies, len(drawn.positions))
    sums = entropies[rows].double().cumsum(0)
    count = 1 + int((sums[:-1] <= context.parameters.gamma).sum())
    return Proposal(drawn.commits(rows[:count], -entropies))


SAMPLER = Sampler(
    name="entropy_bound",
    summary="Commits the positions of lowest entropy, as many as keep their summed entropy within a bound.",
    source="Ben-Hamu et al., Accelerated Sampling from Masked Diffusion Models via Entropy Bounded Unmasking,"
           " arXiv 2505.24857",
    parameters=EntropyBoundParameters,
    needs=Need.BLOCKS,
    wanted=open_in_block,
    propose=propose,
)
