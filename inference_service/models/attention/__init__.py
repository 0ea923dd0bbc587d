"""The kinds of attention by name. A kind is one file of this folder; what follows from it is asked of it alone."""

import importlib
import pkgutil

from inference_service.models.attention.block_causal import BlockCausal
from inference_service.models.attention.causal import Causal
from inference_service.models.attention.full import Full
from inference_service.models.attention.kind import Attention

__all__ = ["KINDS", "Attention", "BlockCausal", "Causal", "Full"]


def _found() -> dict[str, type[Attention]]:
    """What the files of this folder define."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {kind.name: kind for kind in sorted(Attention.__subclasses__(), key=lambda kind: kind.name)}


KINDS: dict[str, type[Attention]] = _found()
