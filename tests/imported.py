"""What a service imports when it starts, for `tests.forked`; nothing is computed here and no thread is started."""

import inference_service.rpc.server  # noqa: F401
from inference_service.models.recognise import recognise
from tests.conftest import GOLDEN

recognise(GOLDEN, str(GOLDEN), {})  # imports the model's code; builds it without weights
