"""A folder or a hub id becomes a Denoiser."""

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import safetensors
import torch
import transformers

from inference_service.errors import DataLoss, Exhausted, FailedPrecondition, Internal, NotFound, ServiceError
from inference_service.models import memory
from inference_service.models.buffers import follows
from inference_service.models.building import building
from inference_service.models.cached import Cached
from inference_service.models.checkpoint import listed
from inference_service.models.denoiser import Denoiser, ModelInfo
from inference_service.models.files import joined, shown, without_paths
from inference_service.models.finite import require_finite
from inference_service.models.folders import local_folder
from inference_service.models.hub import commit_of, fetch, is_hub_id
from inference_service.models.placement import choose_device, choose_dtype, stored_in
from inference_service.models.progress import Progress, Reporter
from inference_service.models.recognise import Recognised, recognise
from inference_service.models.shelf import Shelf
from inference_service.models.standing import Files
from inference_service.models.trial import trial
from inference_service.models.weight_progress import watched_weights

log = logging.getLogger(__name__)
_loads = itertools.count(1)


def load(
    source: str,
    *,
    name: str | None = None,
    dtype: str = "auto",
    token_ids: Mapping[str, int] = MappingProxyType({}),
    family: str = "",
    device: str | None = None,
    shelf: Shelf | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Denoiser:
    """Loads a model.

    source: a checkpoint folder, or a hub id such as "GSAI-ML/LLaDA-8B-Instruct", with "@" and a branch, tag or commit
        where it is to be another than the main branch's newest.
    name: what ModelInfo.name says; by default the folder's name or the hub id.
    dtype: "auto", "float32", "bfloat16" or "float16"; see placement.choose_dtype.
    token_ids: ids by "mask", "eos", "eot", "pad"; they go before what the checkpoint says.
    family: the name of the one that it is taken for, whatever marks it carries; "" leaves that to be recognised.
    device: "cpu" or "cuda:N"; by default a GPU where there is one.
    shelf: where it keeps what it computed, by default one of its own.
    progress: called from the loading thread. cancelled: asked at every step of it.

    Raises LoadCancelled when `cancelled` says so, and otherwise a ServiceError that
    names what is wrong; no message holds a path other than `source` itself.
    """
    report = Reporter(progress, cancelled)
    report("inspecting")
    place = choose_device(device)
    folder = _folder(source, report)
    report("inspecting")
    files = _files(folder, source)
    known = recognise(folder, source, token_ids, report.check, family)
    kind = choose_dtype(dtype, place, known.parameters, known.stored)
    spread = _require_memory(known, kind, place, source)

    model = _weights(known, kind, "auto" if spread else place, source, report)
    info = _info(known, name or _name(source), kind, place)
    denoiser = (Cached if info.attention.settles else Denoiser)(info, model, known.text, shelf)
    denoiser.files = files
    with _in_words(known, source):
        digest = require_finite(model, known, report)
        denoiser.info = replace(info, weights=f"{info.dtype}-{digest}")
        trial(denoiser, report.check)
    if files.changed():
        raise DataLoss(f"the files of {source!r} changed while they were read; load it again when they are whole",
                       reason="CHANGED_WHILE_READ")
    report("warming_up", 1, 1)
    return denoiser


def _files(folder, source):
    try:
        return Files.of(folder)
    except OSError as error:
        raise DataLoss(f"the folder {source!r} cannot be read: {error.strerror}", reason="UNREADABLE_FILE") from error


def _folder(source, report):
    """The folder that `source` names, brought from the hub where it is a hub id."""
    folder = local_folder(source)
    if folder is not None:
        return folder
    if is_hub_id(source):
        return fetch(source, report)
    raise NotFound(f"there is no folder {source!r}, and it is not a hub id such as org/name", reason="MODEL_NOT_FOUND")


def _info(known: Recognised, name, dtype, device):
    before, behind = known.text.added if known.text else ((), ())
    never, unnamed = _forbidden(known)
    return ModelInfo(
        name=name,
        family=known.family.name,
        parameter_count=known.parameters,
        dtype=str(dtype).removeprefix("torch."),
        device=str(device),
        context_length=known.context,
        vocabulary_size=known.vocabulary,
        mask_token=known.ids.mask,
        eos_token=known.ids.eos,
        eot_token=known.ids.eot,
        pad_token=known.ids.pad,
        forbidden_tokens=tuple(sorted({*never, *unnamed})),
        checkpoint_hash=known.checkpoint.hash,
        shifted=known.family.shifted,
        attention=known.attention,
        default_sampler=known.family.default_sampler,
        prefix_tokens=tuple(before),
        suffix_tokens=tuple(behind),
        defaults=known.defaults,
        more_ends=tuple(token for token in known.ids.ends if token not in (known.ids.eos, known.ids.eot)),
        weights_note=known.checkpoint.weights_note,
        revision=commit_of(known.checkpoint.folder),
        load_number=next(_loads),
        unnamed_tokens=unnamed,
    )


def _forbidden(known: Recognised) -> tuple[set[int], tuple[int, ...]]:
    """What is never generated; and what is not unless it is asked for: ids that the tokenizer has no token for.

    Never: the mask, and the rows that only round the head's width up: nothing trained them. An end may come, whatever
    the tokenizer has.
    """
    ids, tokens = known.ids, known.checkpoint.config.get("vocab_size")
    never = set(range(max(tokens, 0), known.vocabulary)) if isinstance(tokens, int) else set()
    if ids.mask is not None:
        never.add(ids.mask)
    unnamed = known.text.unnamed(known.vocabulary) if known.text else ()
    return never, tuple(id for id in unnamed if id not in never and id not in ids.ends)


def _name(source):
    path = Path(source).expanduser()
    return path.absolute().name if path.is_dir() else source


def _require_memory(known: Recognised, dtype, device, source):
    """Whether the weights have to be spread over the GPU and main memory; Exhausted where they fit nowhere."""
    need = memory.bytes_needed(known.parameters, dtype.itemsize, known.context, known.vocabulary)
    if device.type == "cpu":
        memory.require(need, memory.free_ram(), source, "this machine")
        return False
    gpu = memory.free_gpu(device)
    if need > gpu:
        memory.require(need, gpu + memory.free_ram(), source, "the GPU together with main memory")
    return need > gpu


def _weights(known: Recognised, dtype, device_map, source, report):
    """The stock model with the weights in it, in inference mode."""
    family, checkpoint = known.family, known.checkpoint
    model_class = getattr(transformers, family.stock_class(checkpoint.config))
    try:
        with building(report.check) as built, watched_weights(report, len(checkpoint.tensors), built):
            model, told = model_class.from_pretrained(
                checkpoint.folder,
                config=known.config,
                key_mapping=dict(family.key_mapping) or None,
                generation_config=transformers.GenerationConfig(),
                dtype=dtype,
                device_map=device_map if device_map != torch.device("cpu") else None,
                # Some, as Gemma 2 with its capped scores, have no fused attention.
                attn_implementation="sdpa" if getattr(model_class, "_supports_sdpa", False) else "eager",
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
    except ServiceError:
        raise
    except safetensors.SafetensorError as error:
        raise DataLoss(f"a weight file of {source!r} is damaged; download it again", reason="TRUNCATED_FILE") from error
    except Exception as error:
        if memory.is_out_of_memory(error):
            raise Exhausted(f"memory ran out while {source!r} was loading", reason="OUT_OF_MEMORY",
                            retry_after=30.0) from error
        raise _failed(source, checkpoint.folder, error) from error
    if told["missing_keys"] or told["mismatched_keys"]:
        # from_pretrained has put random numbers there.
        lost = sorted(told["missing_keys"])
        raise DataLoss(f"the checkpoint lacks weights: {listed(lost)}", reason="MISSING_TENSORS")
    extra = sorted(name for name in told["unexpected_keys"] if not follows(name))
    if extra:
        # A config.json of fewer layers than are stored is read without a word.
        raise FailedPrecondition(f"the checkpoint holds weights that config.json has no place for: {listed(extra)}",
                                 reason="UNSUPPORTED_CHECKPOINT", metadata={"tensors": joined(extra)})
    if dtype in stored_in(checkpoint.tensors):
        _take_out_of_files(model)
    return model.eval().requires_grad_(False)


def _take_out_of_files(model: torch.nn.Module) -> None:
    """Gives every weight in main memory memory of its own.

    What needed no other type is the file itself, mapped: whoever writes into the file would change the model that
    serves, and whoever cuts it short would end the process.
    """
    for weight in (*model.parameters(), *model.buffers()):
        if weight.device.type == "cpu":
            weight.data = weight.data.clone()


@contextmanager
def _in_words(known: Recognised, source: str) -> Iterator[None]:
    """What goes wrong while a model is tried out, as a ServiceError."""
    try:
        yield
    except ServiceError:
        raise
    except torch.AcceleratorError as error:
        raise _failed(source, known.checkpoint.folder, error) from error
    except Exception as error:
        if memory.is_out_of_memory(error):
            raise Exhausted(f"memory ran out in the first forward pass of {source!r}", reason="OUT_OF_MEMORY",
                            retry_after=30.0) from error
        # A config that a class takes and cannot compute with.
        reason = _reason(known.checkpoint.folder, error)
        raise FailedPrecondition(f"{source!r} cannot be used, its first forward pass failed: {reason}",
                                 reason="UNSUPPORTED_CHECKPOINT") from error


def _failed(source, folder, error):
    """What nobody foresaw, in its own words without paths."""
    log.warning("a load failed", exc_info=error)
    return Internal(f"{source!r} does not load: {_reason(folder, error)}", reason="LOAD_FAILED")


def _reason(folder, error):
    return shown(without_paths(str(error).partition("\n")[0], folder))
