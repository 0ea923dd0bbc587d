"""A hub id becomes a folder: looked up once, checked before the first byte, fetched with progress."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import constants, errors
from tqdm import tqdm

from inference_service.errors import (
    DataLoss,
    Exhausted,
    FailedPrecondition,
    InvalidField,
    NotFound,
    PermissionDenied,
    ServiceError,
    Unavailable,
)
from inference_service.models.checkpoint import UNSAFE, refuse_unsafe
from inference_service.models.progress import Reporter

_WANTED = ["*.safetensors", "*.json", "*.jinja", "*merges.txt"]
_IGNORED = ["*/*"]  # folders hold other formats of the same weights
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_REVISION = re.compile(r"[A-Za-z0-9](?!.*\.\.)[\w./+-]{0,127}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_hub_id(source: str) -> bool:
    """Whether a name has the form of a hub id, such as "org/name" or "org/name@revision"."""
    hub_id, at, revision = source.partition("@")
    named = len(hub_id) <= 96 and _HUB_ID.fullmatch(hub_id) is not None
    return named and (not at or _REVISION.fullmatch(revision) is not None)


def commit_of(folder: Path) -> str:
    """The commit that a folder of the hub's cache holds, "" for any other folder."""
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else ""


def downloaded(hub_id: str) -> Path | None:
    """The folder of a hub checkpoint in the local cache, None where it is not there. Asks no network."""
    if not is_hub_id(hub_id):
        return None
    repository, _, revision = hub_id.partition("@")
    try:
        return Path(huggingface_hub.snapshot_download(repository, revision=revision or None, local_files_only=True))
    except (OSError, ValueError):  # what the hub's client raises where it has nothing
        return None


def fetch(hub_id: str, report: Reporter) -> Path:
    """The folder of a hub checkpoint in the local cache, downloaded where it is not there yet.

    hub_id: may end in "@" and a branch, a tag or a commit; without, it is the main branch's newest.
    Works without a network for what is cached. Reports "downloading" in bytes.
    Raises NotFound, PermissionDenied, Unavailable, FailedPrecondition, Exhausted (the disk)
    or DataLoss, saying what to do; LoadCancelled when the reporter does.
    """
    try:
        total = _look_up(hub_id)
        if total:
            report("downloading", 0, total)
        repository, _, revision = hub_id.partition("@")
        folder = huggingface_hub.snapshot_download(
            repository, revision=revision or None, allow_patterns=_WANTED, ignore_patterns=_IGNORED,
            tqdm_class=_bar(report, total)
        )
    except ServiceError:
        raise
    except Exception as error:
        raise explain(error, hub_id) from error
    return Path(folder)


def _look_up(hub_id):
    """Bytes to download; 0 when all is cached, or when the hub cannot be asked and only the cache can tell."""
    repository, _, revision = hub_id.partition("@")
    try:
        files = huggingface_hub.snapshot_download(
            repository,
            revision=revision or None,
            allow_patterns=[*_WANTED, *(f"*{ending}" for ending in UNSAFE), "*.gguf"],
            ignore_patterns=_IGNORED,
            tqdm_class=_bar(lambda *progress: None, 0),
            dry_run=True,
        )
    except errors.DryRunError:
        return 0
    refuse_unsafe([file.filename for file in files], hub_id)
    endings = tuple(pattern.removeprefix("*") for pattern in _WANTED)
    total = sum(file.file_size or 0 for file in files if file.will_download and file.filename.endswith(endings))
    cache = Path(constants.HF_HUB_CACHE)
    while not cache.exists():
        cache = cache.parent
    require_disk(total, shutil.disk_usage(cache).free, hub_id)
    return total


def require_disk(need: int, have: int, hub_id: str) -> None:
    """Raises Exhausted where a download of `need` bytes does not fit."""
    if need > have:
        raise Exhausted(
            f"{hub_id!r} is a download of {need / 1e9:.1f} GB and the disk of the hub's cache has {have / 1e9:.1f} GB"
            " free; make room, or set HF_HOME to a larger disk",
            reason="DISK_FULL",
            retry_after=60.0,
            metadata={"need_bytes": need, "have_bytes": have},
        )


def _bar(report, total) -> Any:
    """A tqdm class that prints nothing and reports the bytes written; one bar counts them, the rest stay silent."""

    class Bar(tqdm):
        def __init__(self, *args, name=None, **kwargs):
            self._counts = kwargs.get("unit") == "B" and str(kwargs.get("desc", "")).startswith("Reconstructing")
            super().__init__(*args, **{**kwargs, "disable": False, "file": open(os.devnull, "w")})

        def update(self, n=1):
            shown = super().update(n)
            if self._counts:
                report("downloading", min(int(self.n), total) if total else int(self.n), total)
            return shown

        def close(self):
            super().close()
            self.fp.close()

    return Bar


def explain(error: BaseException, hub_id: str) -> ServiceError:
    """What an error of the hub's client means, looked for in all that caused it."""
    causes = list(_chain(error))

    def any_is(*kinds):
        return any(isinstance(cause, kinds) for cause in causes)

    if any_is(errors.GatedRepoError):
        return PermissionDenied(
            f"{hub_id!r} is gated: accept its licence on the hub and set HF_TOKEN", reason="GATED_MODEL"
        )
    if any_is(errors.RevisionNotFoundError):
        repository, _, revision = hub_id.partition("@")
        return NotFound(f"{repository!r} has no branch, tag or commit {revision!r} on the hub",
                        reason="MODEL_NOT_FOUND")
    if any_is(errors.RepositoryNotFoundError):
        return NotFound(
            f"there is no folder {hub_id!r} here and no such model on the hub; if it is private, set HF_TOKEN",
            reason="MODEL_NOT_FOUND",
        )
    if any_is(errors.HFValidationError):
        return InvalidField("name", f"{hub_id!r} is neither a folder nor a hub id such as org/name")
    if any_is(errors.IncompleteSnapshotError):
        return DataLoss(
            f"{hub_id!r} is only half downloaded and the hub cannot be reached to finish", reason="MISSING_SHARD"
        )
    if any_is(errors.OfflineModeIsEnabled):
        return FailedPrecondition(
            f"there is no folder {hub_id!r} here, it is not in the hub's cache, and HF_HUB_OFFLINE=1 forbids to ask",
            reason="HUB_OFFLINE",
        )
    if any(isinstance(cause, OSError) and cause.errno == 28 for cause in causes):
        return Exhausted(f"the disk is full; {hub_id!r} was not downloaded", reason="DISK_FULL",
                         retry_after=60.0)
    return Unavailable(
        f"there is no folder {hub_id!r} here, and the hub cannot be reached for it ({type(causes[-1]).__name__});"
        " check the network, or give a folder",
        reason="HUB_UNREACHABLE",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
