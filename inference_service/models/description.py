"""What was recognised of a checkpoint, as plain values that JSON can hold."""

from inference_service.models.memory import bytes_needed
from inference_service.models.placement import DTYPES
from inference_service.models.recognise import Recognised
from inference_service.models.token_ids import ROLES


def describe(recognised: Recognised) -> dict[str, object]:
    """The facts by name.

    token_ids: for each role its id and where it was found, both None where the checkpoint has none.
    end_tokens: every id that ends a text or a turn. unnamed_count: how many ids the tokenizer has no token for.
    defaults: parameters of the default sampler that are the family's own where nothing is said.
    memory_bytes: for each dtype what the loader asks for.
    """
    family, ids, text = recognised.family, recognised.ids, recognised.text
    return {
        "family": family.name,
        "stock_class": family.stock_class(recognised.checkpoint.config),
        "parameter_count": recognised.parameters,
        "weights_note": recognised.checkpoint.weights_note,
        "stored_dtype": str(recognised.stored).removeprefix("torch."),
        "vocabulary_size": recognised.vocabulary,
        "unnamed_count": len(text.unnamed(recognised.vocabulary)) if text else 0,
        "context_length": recognised.context,
        "token_ids": {role: {"id": getattr(ids, role), "found": ids.found.get(role)} for role in ROLES},
        "end_tokens": list(ids.ends),
        "shifted": family.shifted,
        "attention": {"kind": recognised.attention.name, "summary": recognised.attention.summary},
        "has_tokenizer": text is not None,
        "has_chat_template": text is not None and text.has_chat_template,
        "default_sampler": family.default_sampler,
        "defaults": dict(recognised.defaults),
        "memory_bytes": {
            name: bytes_needed(recognised.parameters, dtype.itemsize, recognised.context, recognised.vocabulary)
            for name, dtype in DTYPES.items()
        },
    }
