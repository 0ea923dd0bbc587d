"""The small files of a checkpoint folder, read within bounds.

A folder is a stranger's: what is called config.json may be a pipe that nobody writes to, a device without an end, a
link that leads nowhere or a gigabyte of brackets. Each is refused by name before it is read.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from inference_service.errors import DataLoss

MIB = 1 << 20
# Several times what the largest published checkpoints have.
_LIMITS = {
    "config.json": 4 * MIB,
    "generation_config.json": 4 * MIB,
    "special_tokens_map.json": 4 * MIB,
    "added_tokens.json": 16 * MIB,
    "tokenizer_config.json": 16 * MIB,
    "tokenizer.json": 96 * MIB,
    "vocab.json": 32 * MIB,
    "merges.txt": 32 * MIB,
    "chat_template.jinja": MIB,
    "chat_template.json": MIB,
    "model.safetensors.index.json": 32 * MIB,
    "adapter_config.json": 4 * MIB,
}
_TEMPLATES = "additional_chat_templates"
_MOST_ENTRIES = 10_000
_DEEPEST = 64
# A path in a message of a library: /a/b/c or C:\\a\\b, down to the name at its end.
_PATH = re.compile(r"(?<![\w.~-])(?:~|[A-Za-z]:)?[/\\](?:[^\s'\"`<>|:;,()\[\]/\\]+[/\\])*(?=[^\s/\\])")


def is_read(name: str) -> bool:
    """Whether a file of this name in a checkpoint's folder is one that loading reads."""
    return name in _LIMITS or name.endswith(".safetensors") or name.startswith("tokenizer") and name.endswith(".json")


def is_regular(path: Path) -> bool:
    """Whether there is a file that has an end: no folder, pipe or device, and no link to one or to nowhere."""
    try:
        return _is_file(path.stat())
    except (OSError, ValueError):  # a name that is too long, or holds what no name may
        return False


def _is_file(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_dev not in _kernels()


@cache
def _kernels() -> frozenset[int]:
    """Where the kernel shows itself as files: they have no size, and reading one may wait for ever."""
    return frozenset(os.stat(folder).st_dev for folder in ("/proc", "/sys") if os.path.isdir(folder))


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading; never waits. Raises DataLoss, naming it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none"
        raise DataLoss(f"{shown(path.name)} cannot be read: {reason}", reason="UNREADABLE_FILE") from error
    if not _is_file(os.fstat(handle)):
        os.close(handle)
        raise _not_regular(path.name)
    return os.fdopen(handle, "rb")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises DataLoss, naming the file, where it is none, too large or nested too deep."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        _require_size(path.name, size, _LIMITS[path.name])
        data = _read(file, size, path.name)
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise _too_deep(path.name) from error
    except ValueError as error:
        raise DataLoss(f"{shown(path.name)} is not readable JSON", reason="UNREADABLE_FILE") from error
    if not isinstance(value, dict):
        raise DataLoss(f"{shown(path.name)} is not a JSON object", reason="UNREADABLE_FILE")
    if _deeper_than(value, _DEEPEST):
        raise _too_deep(path.name)
    return value


def _read(file: BinaryIO, size: int, name: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise DataLoss(f"{shown(name)} cannot be read: {error.strerror}", reason="UNREADABLE_FILE") from error


def require_plain(folder: Path, called: str) -> None:
    """Raises DataLoss where a file that the library will open is no regular one, or is larger than any should be."""
    checked = set(_LIMITS)
    for name in _names(folder, called):
        if name.startswith("tokenizer") and name.endswith(".json"):  # one of several may be named in the first
            checked.add(name)
    for name in sorted(checked):
        _require_plain(folder / name, _LIMITS.get(name, _LIMITS["tokenizer.json"]))
    _require_plain(folder / "model.safetensors")
    templates = folder / _TEMPLATES
    if templates.is_dir():
        for name in _names(templates, called):
            _require_plain(templates / name, _LIMITS["chat_template.jinja"])


def _names(folder: Path, called: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count >= _MOST_ENTRIES:
                raise DataLoss(f"{called!r} has more than {_MOST_ENTRIES} files in a folder; that is no checkpoint",
                               reason="UNREADABLE_FILE")
            yield entry.name


def _require_plain(path: Path, limit: int | None = None) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise DataLoss(f"{shown(path.name)} is a link to a file that is not there",
                           reason="UNREADABLE_FILE") from None
        return
    except OSError as error:
        raise DataLoss(f"{shown(path.name)} cannot be read: {error.strerror}", reason="UNREADABLE_FILE") from error
    if not _is_file(found):
        raise _not_regular(path.name)
    if limit:
        _require_size(path.name, found.st_size, limit)


def _require_size(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise DataLoss(f"{shown(name)} must be at most {limit // MIB} MiB, has {size / MIB:.0f}",
                       reason="FILE_TOO_LARGE", metadata={"file": shown(name)})


def _not_regular(name: str) -> DataLoss:
    return DataLoss(f"{shown(name)} is a folder, a pipe or a device; it must be a file", reason="UNREADABLE_FILE",
                    metadata={"file": shown(name)})


def _too_deep(name: str) -> DataLoss:
    return DataLoss(f"{shown(name)} is nested more than {_DEEPEST} deep", reason="UNREADABLE_FILE",
                    metadata={"file": shown(name)})


def _deeper_than(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [inner for outer in level if isinstance(outer, dict | list)
                 for inner in (outer.values() if isinstance(outer, dict) else outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def shown(name: str) -> str:
    """A name that a stranger gave, as a message can hold it: of some length, and in UTF-8 whatever it was in."""
    short = name if len(name) <= 200 else f"{name[:200]}..."
    return short.encode(errors="backslashreplace").decode()


def joined(names: list[str]) -> str:
    """Some names for a program; an error travels in trailers, which are short."""
    return ",".join(map(shown, names[:20]))[:2000]


def without_paths(text: str, folder: Path | None = None) -> str:
    """A library's message with each path cut to the name at its end, that of `folder` too."""
    for known in (folder.resolve(), folder) if folder else ():
        text = text.replace(str(known), known.name)
    return _PATH.sub("", text)
