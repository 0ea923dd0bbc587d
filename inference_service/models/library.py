"""The models of a server: which names it knows, who may load what, what is in memory."""

import threading
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from inference_service.errors import (
    FailedPrecondition,
    InvalidField,
    NotFound,
    PermissionDenied,
    ServiceError,
    Unavailable,
)
from inference_service.models.denoiser import Denoiser
from inference_service.models.left_to_right import CACHE_BYTES
from inference_service.models.loading import load
from inference_service.models.loads import Load, Loads
from inference_service.models.progress import Progress

EMBEDDED = "embedded"
EMBEDDED_CAUSAL = "embedded-causal"
EMBEDDED_FOLDER = Path(__file__).parents[2] / "embedded_model" / "weights"
EMBEDDED_CAUSAL_FOLDER = EMBEDDED_FOLDER.with_name("causal_weights")
NO_IDS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Source:
    """Where a named model comes from. folder_or_id: a checkpoint folder or a hub id."""

    folder_or_id: str
    dtype: str = "auto"
    token_ids: Mapping[str, int] = field(default_factory=dict)


def read_catalog(path: Path | None) -> dict[str, Source]:
    """The models of a models.toml, and the embedded ones.

    Each table is a name: [my-model] source = "GSAI-ML/LLaDA-8B-Instruct", and if wanted dtype and
    token_ids. Raises InvalidField for anything else.
    """
    catalog = {EMBEDDED: Source(str(EMBEDDED_FOLDER)), EMBEDDED_CAUSAL: Source(str(EMBEDDED_CAUSAL_FOLDER))}
    if path is None:
        return catalog
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidField("models_file", f"{path.name} cannot be read: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict) or "source" not in table or set(table) - {"source", "dtype", "token_ids"}:
            raise InvalidField("models_file", f"[{name}] must have a source and may have dtype and token_ids")
        catalog[name] = Source(table["source"], table.get("dtype", "auto"), table.get("token_ids", {}))
    return catalog


class Library:
    """Loaded models by name. Thread-safe; one model loads at a time.

    policy "local": any folder or hub id may be loaded; "catalog": only the catalog's names. cache_bytes: see load.
    """

    def __init__(self, default: str = EMBEDDED, policy: Literal["local", "catalog"] = "local",
                 catalog: Mapping[str, Source] | None = None, cache_bytes: int = CACHE_BYTES):
        self.default = default
        self._policy = policy
        self._cache_bytes = cache_bytes
        self._catalog = dict(catalog or read_catalog(None))
        self._loaded: dict[str, tuple[Source, Denoiser]] = {}
        self._loads = Loads()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Every name it knows, the default one first."""
        with self._lock:
            return list(dict.fromkeys([self.default, *self._loaded, *self._catalog]))

    def state(self, name: str) -> tuple[Literal["unloaded", "loading", "ready"], Denoiser | None]:
        """Where a model stands. Raises NotFound."""
        name = name or self.default
        with self._lock:
            if name in self._loaded:
                return "ready", self._loaded[name][1]
            if name == self._loads.name:
                return "loading", None
            if name in self._catalog or name == self.default:
                return "unloaded", None
        raise NotFound(f"model: there is no model {name!r}; this server knows {', '.join(self.names())}",
                       reason="MODEL_NOT_FOUND", fields=[("model", "must be a name from ListModels")])

    def get(self, name: str) -> Denoiser:
        """A model that is ready. Raises NotFound, Unavailable while it loads, FailedPrecondition before."""
        state, denoiser = self.state(name)
        if state == "loading":
            raise Unavailable(f"the model {name or self.default!r} is still loading", reason="MODEL_LOADING",
                              retry_after=1.0)
        if denoiser is None:
            raise FailedPrecondition(f"the model {name or self.default!r} is not loaded; load it first",
                                     reason="MODEL_NOT_LOADED")
        return denoiser

    def loading(self) -> str | None:
        """The model that is on its way, None for none."""
        with self._lock:
            return self._loads.name

    def drop_caches(self) -> int:
        """Frees what the models in memory keep of their passes; for the engine's thread. Returns bytes."""
        with self._lock:
            denoisers = [denoiser for _, denoiser in self._loaded.values()]
        return sum(denoiser.drop_caches() for denoiser in denoisers)

    def load(self, name: str, dtype: str = "", token_ids: Mapping[str, int] = NO_IDS,
             progress: Callable[[Progress], None] = lambda progress: None,
             cancelled: Callable[[], bool] = lambda: False) -> Denoiser:
        """Brings a model into memory; blocks. See begin_load. cancelled: asked several times a second."""
        return self.begin_load(name, dtype, token_ids, progress).wait(cancelled)

    def begin_load(self, name: str, dtype: str = "", token_ids: Mapping[str, int] = NO_IDS,
                   progress: Callable[[Progress], None] = lambda progress: None) -> Load:
        """Begins to bring a model into memory, on a thread of its own; one that is there is never loaded otherwise.

        Raises PermissionDenied, FailedPrecondition where it is there otherwise, Aborted while another one is loading
        and Exhausted while too many are still ending.
        """
        name = name or self.default
        known = self._catalog.get(name)
        if known is None and self._policy == "catalog" and name != self.default:
            raise PermissionDenied(f"this server loads only the models of its catalog: {', '.join(self._catalog)}",
                                   reason="MODEL_NOT_ALLOWED")
        source = Source(known.folder_or_id if known else name, dtype or (known.dtype if known else "auto"),
                        {**(known.token_ids if known else {}), **token_ids})

        def work(report: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Denoiser:
            try:
                return load(source.folder_or_id, name=name, dtype=source.dtype, token_ids=source.token_ids,
                            cache_bytes=self._cache_bytes, progress=report, cancelled=cancelled)
            except ServiceError as error:
                if known:
                    raise _by_name(error, name, source) from None
                raise

        def keep(denoiser: Denoiser) -> None:
            with self._lock:
                self._loaded[name] = source, denoiser

        with self._lock:
            if name in self._loaded:
                loaded_as, denoiser = self._loaded[name]
                if loaded_as == source or not (dtype or token_ids):
                    return Load.done(name, denoiser)
                raise FailedPrecondition(
                    f"the model {name!r} is in memory with dtype {loaded_as.dtype} and token ids"
                    f" {dict(loaded_as.token_ids)}, and sessions may be using it; start a server of its own for other"
                    " ones", reason="MODEL_LOADED")
            return self._loads.begin(name, work, progress, keep)


def _by_name(error: ServiceError, name: str, source: Source) -> ServiceError:
    """The error in words of the catalog's name: where the model lies is the operator's business."""
    for place in sorted({source.folder_or_id, str(Path(source.folder_or_id).absolute())}, key=len, reverse=True):
        error.message = error.message.replace(place, name)
        error.fields = tuple((field, text.replace(place, name)) for field, text in error.fields)
        error.metadata = {key: value.replace(place, name) for key, value in error.metadata.items()}
    return error
