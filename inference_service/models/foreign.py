"""Folders that are whole and that this server does not load: what they are, and what to do instead."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference_service.errors import FailedPrecondition
from inference_service.models.files import is_regular, read_object, shown

ADAPTER = "adapter_config.json"
_INSTEAD = "Take the checkpoint that it was made from; where memory is short, load that as bfloat16"


def refuse_adapter(folder: Path, called: str) -> None:
    """Raises FailedPrecondition for a folder that holds an adapter in place of a model, naming what it adapts."""
    if not is_regular(folder / ADAPTER):
        return
    told = read_object(folder / ADAPTER)
    kind, base = (told.get(field) for field in ("peft_type", "base_model_name_or_path"))
    named = f"{shown(kind)} adapter" if isinstance(kind, str) and kind else "adapter"
    whose = repr(shown(base)) if isinstance(base, str) and base else "a model that it does not name"
    raise FailedPrecondition(
        f"{called!r} is no model of its own: its {ADAPTER} tells of a {named} for {whose}. This server loads whole"
        " models: put the two together with PEFT (PeftModel.from_pretrained(base, folder).merge_and_unload(), then"
        " save_pretrained(another folder), with the tokenizer beside it) and load that",
        reason="NOT_A_CHECKPOINT", metadata={"base": shown(base) if isinstance(base, str) else ""})


def refuse_quantized(config: Mapping[str, Any], called: str) -> None:
    """Raises FailedPrecondition where config.json says that the weights are quantized, naming how."""
    field = next((name for name in ("quantization_config", "quantization") if config.get(name)), None)
    if field is None:
        return
    how = config[field]
    told = how if isinstance(how, Mapping) else {}
    by = "MLX" if field == "quantization" else told.get("quant_method")
    if not by and (told.get("load_in_4bit") or told.get("load_in_8bit")):
        by = "bitsandbytes"
    bits = told.get("bits") or (4 if told.get("load_in_4bit") else 8 if told.get("load_in_8bit") else None)
    named = ", ".join([*([f"by {shown(by)}"] if isinstance(by, str) else []),
                       *([f"to {bits} bits"] if isinstance(bits, int) else [])]) or "in a way of its own"
    raise FailedPrecondition(
        f"{called!r} is quantized {named} (config.json has {field} = {shown(repr(how))}); this server reads weights as"
        f" F32, BF16 and F16 alone. {_INSTEAD}", reason="UNSUPPORTED_CHECKPOINT", metadata={"field": field})


def quantized(dtype: str, tensors: str) -> FailedPrecondition:
    """That weights are stored as numbers which stand for others. dtype: theirs. tensors: names, for the message."""
    return FailedPrecondition(
        f"the checkpoint is quantized, {dtype} in {tensors}; only F32, BF16 and F16 weights are read. {_INSTEAD}",
        reason="UNSUPPORTED_CHECKPOINT")
