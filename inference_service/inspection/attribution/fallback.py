"""What to do when a device cannot do an attribution: smaller batches, then a float32 copy on the CPU."""

from inference_service.errors import ServiceError
from inference_service.inspection.attribution.attribute import BATCH_TOKENS, Unusable
from inference_service.models.cpu_copy import is_plain, on_cpu
from inference_service.models.denoiser import Denoiser


def after(error: ServiceError, denoiser: Denoiser, batch_tokens: int) -> tuple[Denoiser, int, str]:
    """The model and the batch size to try next, and why; raises the error where trying again would not help.

    Making the copy takes a while, and Exhausted is raised where main memory does not hold it.
    """
    no_memory = error.reason == "OUT_OF_MEMORY"
    if no_memory and batch_tokens > 1:
        return denoiser, 1, f"{denoiser.info.device} ran out of memory: one canvas at a time instead"
    if not (no_memory or isinstance(error, Unusable)) or is_plain(denoiser):
        raise error
    why = f"{denoiser.info.device} ran out of memory" if no_memory else error.message
    return on_cpu(denoiser), BATCH_TOKENS, f"{why}: float32 on the CPU instead"
