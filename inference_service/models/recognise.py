"""What a checkpoint folder is, told from its config, its tokenizer and its headers before a weight is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from inference_service.errors import DataLoss, FailedPrecondition, InvalidField, ServiceError
from inference_service.models.attention import Attention
from inference_service.models.building import building
from inference_service.models.checkpoint import Checkpoint, inspect
from inference_service.models.defaults import own_defaults
from inference_service.models.family import Family
from inference_service.models.files import shown, without_paths
from inference_service.models.fit import require_fit, require_head, require_near, stock_name
from inference_service.models.marks import by_attention, marks_of_diffusion, refusal, require_no_mask_token
from inference_service.models.placement import stored_dtype
from inference_service.models.plausible import require_plausible
from inference_service.models.registry import BY_NAME, family_named, family_of
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
    defaults: parameters of the family's sampler, by name, that its own code has other defaults for.
    """

    checkpoint: Checkpoint
    family: Family
    config: Any
    parameters: int
    stored: torch.dtype
    text: Text | None
    ids: TokenIds
    defaults: tuple[tuple[str, float | str], ...] = ()

    @property
    def attention(self) -> Attention:
        """What a position sees of the others."""
        return self.family.attention.of(self.checkpoint.config)

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
              check: Callable[[], None] = lambda: None, family: str = "") -> Recognised:
    """Reads all of a checkpoint but its weights.

    called: the name the caller used, for messages. token_ids: ids by role; they go before the checkpoint's.
    family: the name of the one that it is taken for whatever marks it carries; "" leaves that to be recognised.
    check: called between its parts; raises to give up.
    Raises a ServiceError that names what is wrong; no message holds a path other than `called`.
    """
    checkpoint = inspect(folder, called)
    if family:
        kind = family_named(family)
        checkpoint = _as(kind, checkpoint)
    else:
        kind = _found(checkpoint, called)
        kind = by_attention(kind, checkpoint.config, folder, called, BY_NAME)
    check()
    config, empty = _blueprint(kind, checkpoint, check)
    if kind.own_names:
        require_near(empty, checkpoint.tensors)
        require_head(empty, checkpoint.tensors)
    else:
        require_fit(empty, checkpoint.tensors, kind.key_mapping)
    check()
    text = Text.read(folder, kind.tokenizer_class)
    if not family:
        require_no_mask_token(kind, text, BY_NAME, called)
    ids = find_token_ids(checkpoint.config, checkpoint.generation, text, token_ids, kind, config.vocab_size)
    if text:
        text.reserve(id for id in (ids.mask, ids.eos, ids.eot, ids.pad) if id is not None)
    parameters = sum(weight.numel() for weight in empty.parameters())
    own = {name for name, tensor in empty.state_dict().items() if not tensor.is_floating_point()}
    return Recognised(checkpoint, kind, config, parameters, stored_dtype(checkpoint.tensors, own), text, ids,
                      own_defaults(kind, checkpoint))


def _found(checkpoint: Checkpoint, called: str) -> Family:
    """The family that a checkpoint is of by its config.json. Raises FailedPrecondition."""
    marks = marks_of_diffusion(checkpoint.config, checkpoint.generation)
    try:
        family = family_of(checkpoint.config)
    except FailedPrecondition as error:
        if not marks:
            raise
        named = refusal(marks, BY_NAME, called)
        raise FailedPrecondition(f"{error.message}. {named.message}", reason=error.reason, metadata=error.metadata,
                                 fields=named.fields) from None
    if marks and family.attention.append_only:
        raise refusal(marks, BY_NAME, called)
    return family


def _as(family: Family, checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint as a family reads it that was named for it: a class of its makers' own says nothing then.

    Raises InvalidField where there is no stock class for it.
    """
    if family.stock_class(checkpoint.config):
        return checkpoint
    plain = replace(checkpoint, config={name: value for name, value in checkpoint.config.items()
                                        if name != "architectures"})
    if not family.stock_class(plain.config):
        kind = shown(repr(checkpoint.config.get("model_type")))
        raise InvalidField("family", f"{family.name!r} has no stock class for a model_type {kind}")
    return plain


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
        if not family.attention.append_only:
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
