"""What a checkpoint folder is, told from its config, its tokenizer and its headers before a weight is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from inference_service.errors import DataLoss, FailedPrecondition, ServiceError
from inference_service.models.building import building
from inference_service.models.checkpoint import Checkpoint, inspect
from inference_service.models.family import Family
from inference_service.models.files import shown, without_paths
from inference_service.models.fit import require_fit, require_head, require_near, stock_name
from inference_service.models.placement import stored_dtype
from inference_service.models.plausible import require_plausible
from inference_service.models.registry import family_of
from inference_service.models.text import Text
from inference_service.models.token_ids import TokenIds, find_token_ids

HEAD = "lm_head.weight"  # in each of the stock classes of the other families
MOST = 1 << 20


@dataclass(frozen=True)
class Recognised:
    """A checkpoint that can be loaded.

    config: of the family's stock class.
    parameters: number of weights, tied ones counted once.
    stored: the type most weights are stored in.
    text: None where the checkpoint has no tokenizer.
    """

    checkpoint: Checkpoint
    family: Family
    config: Any
    parameters: int
    stored: torch.dtype
    text: Text | None
    ids: TokenIds

    @property
    def context(self) -> int:
        """Positions a canvas may have. Where the config tells no bound, as of models without positions, MOST."""
        told = getattr(self.config, "max_position_embeddings", None) or getattr(self.config, "max_seq_len", None)
        return min(told, MOST) if isinstance(told, int) and told > 0 else MOST

    @property
    def vocabulary(self) -> int:
        """Width of the logits."""
        return self.config.vocab_size


def recognise(folder: Path, called: str, token_ids: Mapping[str, int],
              check: Callable[[], None] = lambda: None) -> Recognised:
    """Reads all of a checkpoint but its weights.

    called: the name the caller used, for messages. token_ids: ids by role; they go before the checkpoint's.
    check: called between its parts; raises to give up.
    Raises a ServiceError that names what is wrong; no message holds a path other than `called`.
    """
    checkpoint = inspect(folder, called)
    family = family_of(checkpoint.config)
    _refuse_block_causal(family, folder, called)
    check()
    config, empty = _blueprint(family, checkpoint, check)
    if family.own_names:
        require_near(empty, checkpoint.tensors)
        require_head(empty, checkpoint.tensors)
    else:
        require_fit(empty, checkpoint.tensors, family.key_mapping)
    check()
    text = Text.read(folder, family.tokenizer_class)
    ids = find_token_ids(checkpoint.config, checkpoint.generation, text, token_ids, family, config.vocab_size)
    if text:
        text.reserve(id for id in (ids.mask, ids.eos, ids.eot, ids.pad) if id is not None)
    parameters = sum(weight.numel() for weight in empty.parameters())
    return Recognised(checkpoint, family, config, parameters, stored_dtype(checkpoint.tensors), text, ids)


def _refuse_block_causal(family, folder, called):
    for word in family.block_causal_names:
        if word in Path(called).name.lower() or word in folder.resolve().name.lower():
            raise FailedPrecondition(
                f"{called!r} is by its name a {word} model, which attends from block to block; this server lets every"
                " position see every other, which would decode it wrongly",
                reason="UNSUPPORTED_CHECKPOINT",
                metadata={"word": word},
            )


def _blueprint(family: Family, checkpoint: Checkpoint, check: Callable[[], None]):
    """The config of the stock class, and the model without memory for its weights."""
    model_class = getattr(transformers, family.stock_class(checkpoint.config))
    try:
        settings = family.settings(checkpoint.config)
        stored = {stock_name(name, family.key_mapping) for name in checkpoint.tensors}
        if not family.own_names and HEAD in stored:
            # A head that is stored is the head, also where the config says that it is the embeddings.
            settings["tie_word_embeddings"] = False
        kind = model_class.config_class
        require_plausible(settings, getattr(kind, "attribute_map", {}), checkpoint.tensors)
        config = kind(**settings)
        if family.bidirectional:
            config.is_causal = False
        with building(check), torch.device("meta"):
            empty = model_class(config)
            empty.tie_weights()
    except ServiceError:
        raise
    except Exception as error:  # a config holds anything, and each class complains in its own way
        last = (str(error).strip().splitlines() or [""])[-1].strip()
        reason = without_paths(re.sub(r"^\w+(Error|Exception): ", "", last))
        raise DataLoss(f"config.json does not describe a {family.name} model: {shown(reason)}") from error
    return config, empty
