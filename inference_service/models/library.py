"""The models of a server: which names it knows, who may load what, what is in memory."""

import threading
import tomllib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from inference_service.embedded import CAUSAL, EMBEDDED, EMBEDDED_CAUSAL, EMBEDDED_CAUSAL_FOLDER, EMBEDDED_FOLDER
from inference_service.errors import (
    Aborted,
    Exhausted,
    FailedPrecondition,
    InvalidField,
    NotFound,
    PermissionDenied,
    ServiceError,
    Unavailable,
)
from inference_service.models.denoiser import CACHE_BYTES, Denoiser, ModelInfo
from inference_service.models.leaving import Leaving
from inference_service.models.loading import load
from inference_service.models.loads import Load, Loads
from inference_service.models.progress import Progress
from inference_service.models.shelf import Shelf

_FIELDS = {"source", "dtype", "token_ids", "family"}
NO_IDS: Mapping[str, int] = MappingProxyType({})
_MOST_REMEMBERED = 100


@dataclass(frozen=True)
class Source:
    """Where a named model comes from. folder_or_id: a checkpoint folder or a hub id. family: "" to recognise it."""

    folder_or_id: str
    dtype: str = "auto"
    token_ids: Mapping[str, int] = field(default_factory=dict)
    family: str = ""


def read_catalog(path: Path | None) -> dict[str, Source]:
    """The models of a models.toml, and the embedded ones.

    Each table is a name: [my-model] source = "GSAI-ML/LLaDA-8B-Instruct", and if wanted dtype,
    token_ids and family. Raises InvalidField for anything else.
    """
    catalog = {EMBEDDED: Source(str(EMBEDDED_FOLDER)),
               EMBEDDED_CAUSAL: Source(str(EMBEDDED_CAUSAL_FOLDER), family=CAUSAL)}
    if path is None:
        return catalog
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidField("models_file", f"{path.name} cannot be read: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict) or "source" not in table or set(table) - _FIELDS:
            raise InvalidField("models_file", f"[{name}] must have a source and may have dtype, token_ids and family")
        catalog[name] = Source(table["source"], table.get("dtype", "auto"), table.get("token_ids", {}),
                               table.get("family", ""))
    return catalog


class Library:
    """Loaded models by name. Thread-safe; one model loads at a time.

    policy "local": any folder or hub id may be loaded; "catalog": only the catalog's names. cache_bytes: what all
    models together may keep of their passes.
    forget: called, from any thread, with what is known of a model that was taken out of use: for whoever keeps
    something of it. family: of the default model; "" as the catalog has it.
    """

    def __init__(self, default: str = EMBEDDED, policy: Literal["local", "catalog"] = "local",
                 catalog: Mapping[str, Source] | None = None, cache_bytes: int = CACHE_BYTES,
                 forget: Callable[[ModelInfo], None] = lambda info: None, family: str = ""):
        self.default = default
        self._policy = policy
        self._shelf = Shelf(cache_bytes)
        self._forget = forget
        self._catalog = dict(catalog or read_catalog(None))
        if family:
            self._catalog[default] = replace(self._catalog.get(default, Source(default)), family=family)
        self._loaded: dict[str, tuple[Source, Denoiser]] = {}
        self._unloaded: OrderedDict[str, Source] = OrderedDict()  # how what was in memory was loaded
        self._leaving: dict[str, Leaving] = {}
        self._loads = Loads()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Every name it knows, the default one first."""
        with self._lock:
            return list(dict.fromkeys([self.default, *self._loaded, *self._catalog, *self._unloaded]))

    def state(self, name: str) -> tuple[Literal["unloaded", "loading", "ready"], Denoiser | None]:
        """Where a model stands. Raises NotFound."""
        name = name or self.default
        with self._lock:
            if name in self._loaded:
                return "ready", self._loaded[name][1]
            if name == self._loads.name:
                return "loading", None
            if name in self._catalog or name in self._unloaded or name == self.default:
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

    def changed(self, name: str) -> bool:
        """Whether a model is in memory and its files are others by now. Looks at the disk: not for the event loop."""
        with self._lock:
            _, denoiser = self._loaded.get(name or self.default, (None, None))
        files = getattr(denoiser, "files", None)
        return files is not None and files.changed()

    def current(self, name: str) -> Denoiser:
        """A model that is ready, for what begins now: as `get`, and FailedPrecondition where its files have changed.

        Looks at the disk: not for the event loop.
        """
        denoiser = self.get(name)
        if self.changed(name):
            raise FailedPrecondition(f"the files of the model {name or self.default!r} have changed since it was"
                                     " loaded; load it again to read them. Sessions of what is in memory can be gone"
                                     " on with until then", reason="MODEL_CHANGED")
        return denoiser

    def same(self, name: str, weights: str, mask: int | None) -> Denoiser:
        """The model that a session began with, as `get`; FailedPrecondition where another has its name by now.

        weights: see ModelInfo.weights, "" where they are not known. mask: what stood for an open position.
        """
        denoiser = self.get(name)
        here = denoiser.info
        kept = "it can be looked at, exported, and imported again as a session of the new model"
        if weights and here.weights and here.weights != weights:
            kind, _, _ = weights.partition("-")
            other = "the ones that it had then" if kind == here.dtype else f"dtype {kind}"
            raise FailedPrecondition(
                f"the model {name or self.default!r} has other weights in memory ({here.weights}) than this session was"
                f" made with ({weights}): a text of both would be neither's. Load it with {other} to go on; {kept}",
                reason="MODEL_REPLACED", metadata={"weights": weights, "weights_here": here.weights})
        if None not in (mask, here.mask_token) and here.mask_token != mask:
            raise FailedPrecondition(
                f"the model {name or self.default!r} was loaded with the mask {here.mask_token}, and this session's is"
                f" {mask}. Load it with that one to go on; {kept}", reason="MODEL_REPLACED",
                metadata={"mask": mask, "mask_here": here.mask_token})
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
             cancelled: Callable[[], bool] = lambda: False, family: str = "") -> Denoiser:
        """Brings a model into memory, again where its files have changed; blocks. See begin_load.

        cancelled: asked several times a second.
        """
        return self.begin_load(name, dtype, token_ids, progress, self.changed(name), family).wait(cancelled)

    def begin_load(self, name: str, dtype: str = "", token_ids: Mapping[str, int] = NO_IDS,
                   progress: Callable[[Progress], None] = lambda progress: None, again: bool = False,
                   family: str = "") -> Load:
        """Begins to bring a model into memory, on a thread of its own; one that is there is never loaded otherwise.

        again: one that is there is loaded once more, and serves until the new one takes its place; see `changed`.
        family: see load; "" takes what the catalog says.
        Raises PermissionDenied, FailedPrecondition where it is there otherwise, Aborted while another one is loading
        and Exhausted while too many are still ending.
        """
        name = name or self.default
        with self._lock:
            known = self._catalog.get(name)
            before = self._unloaded.get(name) or known
        if known is None and self._policy == "catalog" and name != self.default:
            raise self._not_allowed()
        source = Source(before.folder_or_id if before else name, dtype or (before.dtype if before else "auto"),
                        {**(before.token_ids if before else {}), **token_ids},
                        family or (before.family if before else ""))

        def work(report: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Denoiser:
            try:
                return load(source.folder_or_id, name=name, dtype=source.dtype, token_ids=source.token_ids,
                            family=source.family, shelf=self._shelf, progress=report, cancelled=cancelled)
            except ServiceError as error:
                self._say_what_else_takes_memory(error)
                if known:
                    raise _by_name(error, name, source) from None
                raise

        def keep(denoiser: Denoiser) -> None:
            with self._lock:
                _, replaced = self._loaded.get(name, (None, None))
                self._loaded[name] = source, denoiser
                self._unloaded.pop(name, None)
            if replaced is not None:
                self._let_go(name, replaced)

        with self._lock:
            if name in self._loaded:
                loaded_as, denoiser = self._loaded[name]
                same = replace(source, family=loaded_as.family) == loaded_as or not (dtype or token_ids)
                if not same or family not in ("", denoiser.info.family):
                    raise FailedPrecondition(
                        f"the model {name!r} is in memory as {denoiser.info.family} with dtype {loaded_as.dtype} and"
                        f" token ids {dict(loaded_as.token_ids)}, and sessions may be using it; unload it first to load"
                        " it otherwise", reason="MODEL_LOADED")
                if not again:
                    return Load.done(name, denoiser)
                source = loaded_as
            return self._loads.begin(name, work, progress, keep)

    def unload(self, name: str) -> Leaving | None:
        """Takes a model out of memory; one that is not there is fine. What runs with it ends first.

        Nothing new begins with it from here on. Returns what tells when its memory is free, None where it is already.
        Raises NotFound, PermissionDenied as begin_load, and Aborted while it is being loaded.
        """
        name = name or self.default
        with self._lock:
            allowed = self._policy != "catalog" or name in self._catalog or name == self.default
        if not allowed:
            raise self._not_allowed()
        self.state(name)
        with self._lock:
            if name == self._loads.name:
                raise Aborted(f"the model {name!r} is being loaded; cancel that, or wait for it",
                              reason="MODEL_LOADING", retry_after=1.0)
            if name not in self._loaded:
                leaving = self._leaving.get(name)
                return None if leaving is None or leaving.gone.done() else leaving
            source, denoiser = self._loaded.pop(name)
            self._unloaded[name] = source
            while len(self._unloaded) > _MOST_REMEMBERED:
                self._unloaded.popitem(last=False)
        return self._let_go(name, denoiser)

    def _let_go(self, name: str, denoiser: Denoiser) -> Leaving:
        """What is kept of a model is dropped, and its memory watched until it is free."""
        leaving = Leaving(name, denoiser)
        with self._lock:
            self._leaving = {other: one for other, one in self._leaving.items() if not one.gone.done()}
            self._leaving[name] = leaving
        self._shelf.forget(denoiser.info.load_number)
        self._forget(denoiser.info)
        return leaving.begin()

    def _not_allowed(self) -> PermissionDenied:
        return PermissionDenied(f"this server has only the models of its catalog: {', '.join(self._catalog)}",
                                reason="MODEL_NOT_ALLOWED")

    def _say_what_else_takes_memory(self, error: ServiceError) -> None:
        """To who has to make room."""
        with self._lock:
            names = ", ".join(map(repr, self._loaded))
        if names and isinstance(error, Exhausted) and error.reason == "OUT_OF_MEMORY":
            error.message += f"; or unload what is in memory: {names}"


def _by_name(error: ServiceError, name: str, source: Source) -> ServiceError:
    """The error in words of the catalog's name: where the model lies is the operator's business."""
    for place in sorted({source.folder_or_id, str(Path(source.folder_or_id).absolute())}, key=len, reverse=True):
        error.message = error.message.replace(place, name)
        error.fields = tuple((field, text.replace(place, name)) for field, text in error.fields)
        error.metadata = {key: value.replace(place, name) for key, value in error.metadata.items()}
    return error
