"""What an error in a pass, or in a job, means: memory that ran out, a device that is lost, or the job's own fault."""

import torch

from inference_service.errors import Exhausted, Internal, ServiceError
from inference_service.models.memory import is_out_of_memory


def is_lost(error: BaseException) -> bool:
    """Whether the accelerator cannot be used any more. It is asked: an error's words do not tell.

    An error that spoils the context of a CUDA device, such as an assertion in a kernel, fails whatever is asked of it
    afterwards; a wrong launch does not. On a machine without one nothing that a job does is more than its own fault.
    """
    if torch.accelerator.current_accelerator(check_available=True) is None:
        return isinstance(error, torch.AcceleratorError)  # there was one, and it is gone
    try:
        for device in _in_use():
            probe(device)
    except Exception as failed:
        return not is_out_of_memory(failed)
    return False


def _in_use() -> list[torch.device]:
    """The accelerators that hold anything of ours. Asking another would begin to use it."""
    accelerator = torch.accelerator.current_accelerator()
    if accelerator is None:
        return []
    return [torch.device(accelerator.type, index) for index in range(torch.accelerator.device_count())
            if torch.accelerator.memory_reserved(index)]


def probe(device: torch.device) -> None:
    """A sum on a device; raises where it cannot make one."""
    torch.ones(2, device=device).sum().item()


def meaning(error: BaseException) -> ServiceError:
    """What the caller of the job is told. Reasons OUT_OF_MEMORY and DEVICE_ERROR concern the engine as well."""
    if isinstance(error, ServiceError):
        return error
    if is_out_of_memory(error):
        return Exhausted("the server has too little memory for this canvas now; try again, or make it shorter",
                         reason="OUT_OF_MEMORY", retry_after=5.0)
    if is_lost(error):
        return Internal("the device failed; the server stops", reason="DEVICE_ERROR")
    return Internal("the step failed; the session is at its last revision")
