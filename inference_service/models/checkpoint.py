"""What a checkpoint folder holds, read from its small files and its headers; no weight is loaded."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_service.errors import DataLoss, FailedPrecondition
from inference_service.models.fields import with_floats
from inference_service.models.files import is_regular, joined, opened, read_object, require_plain, shown
from inference_service.models.foreign import refuse_adapter, refuse_quantized
from inference_service.models.header import Tensor, read_header, require_count

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# Formats that are unpickled, which runs code.
UNSAFE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_MOST_SHARDS = 2_000
_SAMPLE = 65_536


@dataclass(frozen=True)
class Checkpoint:
    """config, generation: the JSON of config.json and generation_config.json ({} where there is none).

    tensors: by the name they are stored under. hash: see ModelInfo.checkpoint_hash. weights_note: which files are read
    where the weights are there twice, "" where they are not.
    """

    folder: Path
    config: Mapping[str, Any]
    generation: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    hash: str
    weights_note: str = ""


def inspect(folder: Path, called: str) -> Checkpoint:
    """Reads a checkpoint folder.

    called: the name the caller used, for messages; the folder's path is never in them.
    Raises FailedPrecondition for a folder that is no checkpoint or an unsafe one,
    DataLoss naming the file that is missing or damaged.
    """
    require_plain(folder, called)
    if not is_regular(folder / "config.json"):
        refuse_adapter(folder, called)
        raise FailedPrecondition(
            f"{called!r} is not a checkpoint: the folder has no config.json", reason="NOT_A_CHECKPOINT"
        )
    config = read_object(folder / "config.json")
    generation = read_object(folder / "generation_config.json") if is_regular(folder / "generation_config.json") else {}
    refuse_quantized(config, called)
    told, generation = with_floats(config), with_floats(generation)
    mapping = {} if is_regular(folder / SINGLE) else _weight_map(folder, called)
    names = sorted(set(mapping.values())) or [SINGLE]
    tensors: dict[str, Tensor] = {}
    for name in names:
        tensors |= read_header(folder / name)
        require_count(len(tensors))
    _check_index(mapping, tensors)
    twice = not mapping and is_regular(folder / INDEX)
    note = f"{SINGLE} is read; {INDEX} and the files that it names are beside it and are not" if twice else ""
    return Checkpoint(folder, told, generation, tensors, _identity(folder, config, names), note)


def _weight_map(folder, called):
    """The file of each tensor, as the index tells it; every one of these files is there."""
    if not is_regular(folder / INDEX):
        refuse_adapter(folder, called)
        refuse_unsafe([path.name for path in folder.iterdir()], called)
        raise DataLoss(
            f"{called!r} has no weights: neither {SINGLE} nor {INDEX} is in the folder; download it again",
            reason="MISSING_WEIGHTS",
        )
    mapping = read_object(folder / INDEX).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise DataLoss(f"{INDEX} has no weight_map", reason="DAMAGED_INDEX")
    require_count(len(mapping))
    files = set()
    for name in mapping.values():
        # A name with a folder in it could reach outside of the checkpoint.
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise DataLoss(f"{INDEX} names {str(name)[:80]!r}, which is not a safetensors file beside it",
                           reason="DAMAGED_INDEX")
        files.add(name)
    if len(files) > _MOST_SHARDS:
        raise DataLoss(f"{INDEX} names {len(files)} files; it must name at most {_MOST_SHARDS}", reason="DAMAGED_INDEX")
    missing = sorted(name for name in files if not is_regular(folder / name))
    if missing:
        raise DataLoss(
            f"{called!r} is only half there: {listed(missing)} of {len(files)} weight files missing;"
            f" download it again",
            reason="MISSING_SHARD",
            metadata={"missing": joined(missing)},
        )
    return mapping


def refuse_unsafe(names: list[str], called: str) -> None:
    """Raises FailedPrecondition where weights exist, but only as formats that are not read.

    names: the files there are.
    """
    if any(name.endswith(".safetensors") for name in names):
        return
    pickled = sorted(name for name in names if name.endswith(UNSAFE))
    if pickled:
        raise FailedPrecondition(
            f"{called!r} has its weights in {shown(pickled[0])}, a format that runs code when it is read; only"
            " safetensors is read. Convert it where you trust it: load it with transformers and save it with"
            " model.save_pretrained(folder), which writes safetensors",
            reason="UNSAFE_CHECKPOINT",
            metadata={"file": shown(pickled[0])},
        )
    foreign = sorted(name for name in names if name.endswith((".gguf", ".h5", ".msgpack", ".onnx")))
    if foreign:
        raise FailedPrecondition(
            f"{called!r} has its weights in {shown(foreign[0])}; only safetensors is read. Take the safetensors"
            " checkpoint that they were converted from",
            reason="UNSUPPORTED_CHECKPOINT",
            metadata={"file": shown(foreign[0])},
        )


def _check_index(mapping, tensors):
    lost = sorted(key for key, name in mapping.items() if key not in tensors or tensors[key].file != name)
    if lost:
        raise DataLoss(
            f"{listed(lost)}: named in {INDEX}, but not in the file it names", reason="MISSING_TENSORS",
            metadata={"tensors": joined(lost)},
        )


def listed(names: list[str]) -> str:
    """The first three of some names, for a message."""
    return ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _identity(folder, config, names):
    """sha256 of the config and, of each weight file, its size and both ends.

    The header, which is one end, tells architectures apart; the weights next to it and
    at the other end tell apart fine-tunings of one architecture, without reading 16 GB.
    """
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name in names:
        with opened(folder / name) as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f"{name} {size}".encode())
            length = int.from_bytes(file.read(8), "little")
            digest.update(file.read(length + _SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            digest.update(file.read())
    return digest.hexdigest()
