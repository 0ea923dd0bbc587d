"""What a checkpoint folder holds, read from its small files and its headers; no weight is loaded."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_service.errors import DataLoss, FailedPrecondition

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# Formats that are unpickled, which runs code.
UNSAFE = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_HEADER_LIMIT = 100_000_000
_SAMPLE = 65_536


@dataclass(frozen=True)
class Tensor:
    """A stored tensor: dtype as safetensors writes it ("BF16"), its shape, the file it is in."""

    dtype: str
    shape: tuple[int, ...]
    file: str

    @property
    def size(self) -> int:
        """Number of elements."""
        product = 1
        for length in self.shape:
            product *= length
        return product


@dataclass(frozen=True)
class Checkpoint:
    """config, generation: the JSON of config.json and generation_config.json ({} where there is none).

    tensors: by the name they are stored under. hash: see ModelInfo.checkpoint_hash.
    """

    folder: Path
    config: Mapping[str, Any]
    generation: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    hash: str


def inspect(folder: Path, called: str) -> Checkpoint:
    """Reads a checkpoint folder.

    called: the name the caller used, for messages; the folder's path is never in them.
    Raises FailedPrecondition for a folder that is no checkpoint or an unsafe one,
    DataLoss naming the file that is missing or damaged.
    """
    if not (folder / "config.json").is_file():
        raise FailedPrecondition(
            f"{called!r} is not a checkpoint: the folder has no config.json", reason="NOT_A_CHECKPOINT"
        )
    config = _json(folder / "config.json")
    generation = _json(folder / "generation_config.json") if (folder / "generation_config.json").is_file() else {}
    names = _shards(folder, called)
    tensors = {key: tensor for name in names for key, tensor in _tensors(folder / name).items()}
    _check_index(folder, tensors)
    return Checkpoint(folder, config, generation, tensors, _identity(folder, config, names))


def _shards(folder, called):
    """Names of the weight files, as from_pretrained would choose them."""
    if (folder / SINGLE).is_file():
        return [SINGLE]
    if (folder / INDEX).is_file():
        names = sorted(set(_weight_map(folder).values()))
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise DataLoss(
                f"{called!r} is only half there: {', '.join(missing)} of {len(names)} weight files missing;"
                f" download it again",
                reason="MISSING_SHARD",
                metadata={"missing": ",".join(missing)},
            )
        return names
    refuse_unsafe([path.name for path in folder.iterdir()], called)
    raise DataLoss(
        f"{called!r} has no weights: neither {SINGLE} nor {INDEX} is in the folder; download it again",
        reason="MISSING_WEIGHTS",
    )


def refuse_unsafe(names: list[str], called: str) -> None:
    """Raises FailedPrecondition where weights exist, but only as formats that are not read.

    names: the files there are.
    """
    if any(name.endswith(".safetensors") for name in names):
        return
    pickled = sorted(name for name in names if name.endswith(UNSAFE))
    if pickled:
        raise FailedPrecondition(
            f"{called!r} has its weights in {pickled[0]}, a format that runs code when it is read; only safetensors"
            " is read. Convert it where you trust it: load it with transformers and save it with"
            " model.save_pretrained(folder), which writes safetensors",
            reason="UNSAFE_CHECKPOINT",
            metadata={"file": pickled[0]},
        )
    foreign = sorted(name for name in names if name.endswith((".gguf", ".h5", ".msgpack", ".onnx")))
    if foreign:
        raise FailedPrecondition(
            f"{called!r} has its weights in {foreign[0]}; only safetensors is read",
            reason="UNSUPPORTED_CHECKPOINT",
            metadata={"file": foreign[0]},
        )


def _weight_map(folder):
    mapping = _json(folder / INDEX).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise DataLoss(f"{INDEX} has no weight_map", reason="DAMAGED_INDEX")
    for name in mapping.values():
        # A name with a folder in it could reach outside of the checkpoint.
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise DataLoss(f"{INDEX} names {name!r}, which is not a safetensors file beside it", reason="DAMAGED_INDEX")
    return mapping


def _check_index(folder, tensors):
    if (folder / SINGLE).is_file():
        return
    lost = sorted(key for key, name in _weight_map(folder).items() if key not in tensors or tensors[key].file != name)
    if lost:
        raise DataLoss(
            f"{listed(lost)}: named in {INDEX}, but not in the file it names", reason="MISSING_TENSORS",
            metadata={"tensors": ",".join(lost[:20])},
        )


def _json(path):
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataLoss(f"{path.name} is not readable JSON", reason="UNREADABLE_FILE") from error
    if not isinstance(value, dict):
        raise DataLoss(f"{path.name} is not a JSON object", reason="UNREADABLE_FILE")
    return value


def _tensors(path):
    """The tensors that a safetensors file declares, where the file is as long as they need.

    A file is 8 bytes of the header's length, little-endian, the header in JSON, then the data.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            if start == b"version ":
                raise DataLoss(
                    f"{path.name} is a Git LFS pointer, not the weights; fetch them with: git lfs pull",
                    reason="TRUNCATED_FILE",
                )
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > min(size - 8, _HEADER_LIMIT):
                raise _truncated(path.name)
            entries = json.loads(file.read(length))
        entries.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        tensors = {key: Tensor(entry["dtype"], tuple(entry["shape"]), path.name) for key, entry in entries.items()}
    except OSError as error:
        raise DataLoss(f"{path.name} cannot be read: {error.strerror}", reason="UNREADABLE_FILE") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _truncated(path.name) from error
    if size != 8 + length + end:
        raise _truncated(path.name)
    return tensors


def _truncated(name):
    return DataLoss(
        f"{name} is truncated or damaged; download it again", reason="TRUNCATED_FILE", metadata={"file": name}
    )


def listed(names: list[str]) -> str:
    """The first three of some names, for a message."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _identity(folder, config, names):
    """sha256 of the config and, of each weight file, its size and both ends.

    The header, which is one end, tells architectures apart; the weights next to it and
    at the other end tell apart fine-tunings of one architecture, without reading 16 GB.
    """
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name in names:
        size = (folder / name).stat().st_size
        digest.update(f"{name} {size}".encode())
        with (folder / name).open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            digest.update(file.read(length + _SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            digest.update(file.read())
    return digest.hexdigest()
