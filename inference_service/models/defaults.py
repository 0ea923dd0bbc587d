"""What a checkpoint's own code has for defaults of its sampler, where those are others than the sampler's."""

from inference_service.errors import DataLoss
from inference_service.models.checkpoint import Checkpoint
from inference_service.models.family import Family
from inference_service.sampling.parameters import ParameterError
from inference_service.sampling.registry import SAMPLERS, parameters_for


def own_defaults(family: Family, checkpoint: Checkpoint) -> tuple[tuple[str, float | str], ...]:
    """By name, in order. Raises DataLoss for one that its sampler does not take."""
    values = family.defaults(checkpoint.config, checkpoint.generation)
    try:
        parameters_for(SAMPLERS[family.default_sampler], values, 1)
    except ParameterError as error:
        raise DataLoss(f"the checkpoint gives {error.name} as a default of generation: it {error.message}",
                       reason="IMPLAUSIBLE_CONFIG", metadata={"field": error.name}) from None
    return tuple(sorted(values.items()))
