"""Pickles that hold only plain values, read without running what is in them.

A pickle is a program; what it can do beyond making dicts, lists, texts and numbers goes through the names that
it looks up. Here it looks up none. See "Restricting Globals" in Python's documentation of pickle.
"""

import pickle
from pathlib import Path
from typing import Any

import torch

from inference_service.errors import DataLoss, FailedPrecondition, NotFound

LARGEST = 64 * 1024 * 1024  # bytes of a pickle of plain values
DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, MemoryError,
          RecursionError, ImportError, UnicodeDecodeError)


class _Plain(pickle.Unpickler):
    called: str

    def find_class(self, module, name):
        raise FailedPrecondition(_refusal(self.called, f"{module}.{name}"), reason="UNSAFE_CHECKPOINT",
                                 metadata={"name": f"{module}.{name}"})


def _refusal(called: str, name: str) -> str:
    return f"{called} asks for {name}, which may run code when it is read; only plain values are read"


def plain(path: Path, called: str) -> Any:
    """The dicts, lists, texts and numbers in a pickle.

    called: what messages call the file. Raises FailedPrecondition, naming it, for anything else that the pickle asks
    for, DataLoss for a damaged file, NotFound where there is none.
    """
    _require(path, called)
    if path.stat().st_size > LARGEST:
        raise FailedPrecondition(f"{called} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are read",
                                 reason="UNSUPPORTED_CHECKPOINT")
    with path.open("rb") as file:
        reader = _Plain(file)
        reader.called = called
        try:
            return reader.load()
        except DAMAGE as error:
            raise DataLoss(f"{called} is damaged, or no pickle", reason="UNREADABLE_FILE") from error


def weights(path: Path, called: str, as_text: tuple[str, ...] = ()) -> Any:
    """Tensors and plain values of a file that torch.save wrote; raises as `plain` does.

    as_text: full names of classes, such as those of an enumeration, whose one argument is read as text instead.
    """
    _require(path, called)
    try:
        with torch.serialization.safe_globals([(str, name) for name in as_text]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (*DAMAGE, RuntimeError, OSError) as error:
        unsafe = _unsafe(path, as_text)
        if unsafe:
            raise FailedPrecondition(_refusal(called, unsafe), reason="UNSAFE_CHECKPOINT",
                                     metadata={"name": unsafe}) from error
        raise DataLoss(f"{called} is damaged, or not what torch.save writes", reason="UNREADABLE_FILE") from error


def _unsafe(path: Path, as_text: tuple[str, ...]) -> str:
    """The first name that a checkpoint asks for and does not get; "" where it asks for none or cannot be told."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # damaged in any way there is; the caller has the error to tell
        return ""
    return next((name for name in sorted(names) if name not in as_text), "")


def _require(path: Path, called: str) -> None:
    if not path.is_file():
        raise NotFound(f"there is no file {called}", reason="FILE_NOT_FOUND")
