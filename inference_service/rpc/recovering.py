"""Recover: texts corrupted and restored."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from inference_service.errors import InvalidField
from inference_service.inspection.corruption import corrupt
from inference_service.inspection.recovery import Recovered, recover_job
from inference_service.models.denoiser import Denoiser
from inference_service.rpc import convert, prompts, requests, session_settings, work
from inference_service.rpc.calls import Calls
from inference_service.rpc.errors import answers_errors
from inference_service.sampling.noise import Noise
from inference_service.sessions.frame import Settings
from unmask.v1 import inspection_service_pb2 as pb
from unmask.v1 import settings_pb2

MOST_TEXTS = 100
MOST_MODELS = 16
MOST_ROUNDS = 64
DEFAULT_ROUNDS = 8
DEFAULT_RATIO = 0.4
AT_ONCE = 8  # texts in the engine together: they share its passes, and leave it room for others
KINDS = {
    pb.RecoverRequest.CORRUPTION_UNSPECIFIED: "random",
    pb.RecoverRequest.CORRUPTION_RANDOM: "random",
    pb.RecoverRequest.CORRUPTION_STICKY: "sticky",
    pb.RecoverRequest.CORRUPTION_FRAGMENT: "fragment",
    pb.RecoverRequest.CORRUPTION_MIXED: "mixed",
}
NUMBERS = {kind: number for number, kind in KINDS.items()}


@dataclass(frozen=True)
class Task:
    """One text for one model, corrupted. text, masked: see recover_job. kind: how it was corrupted."""

    denoiser: Denoiser
    index: int
    prompt: tuple[int, ...]
    text: list[int]
    kind: str
    masked: list[int]
    settings: Settings


class Recovering(Calls):
    @answers_errors
    async def Recover(self, request, context):
        requests.check_count("models", len(request.models), MOST_MODELS, "models")
        names = list(request.models) or [""]
        denoisers = await work.brief(lambda: [self._library.current(name) for name in names])
        by_model = await work.patient(_checked, request, denoisers)
        done, total = 0, sum(map(len, by_model))
        yield _progress(done, total)
        for tasks in by_model:
            masked = right = 0
            async for task, recovered in self._recovered(tasks):
                masked, right, done = masked + len(recovered.masked), right + recovered.right, done + 1
                yield pb.RecoverResponse(text=_text(task, recovered))
                yield _progress(done, total)
            yield pb.RecoverResponse(total=pb.RecoveredTotal(
                model=tasks[0].denoiser.info.name, texts=len(tasks), masked=masked, right=right,
                accuracy=right / masked))

    async def _recovered(self, tasks: list[Task]) -> AsyncIterator[tuple[Task, Recovered]]:
        """The texts as they are done. Leaving early cancels the rest."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(task: Task) -> tuple[Task, Recovered]:
            async with room:
                job = recover_job(task.denoiser, task.prompt, task.text, task.masked, task.settings)
                return task, await self._run(job, interactive=False)

        running = [asyncio.create_task(one(task)) for task in tasks]
        try:
            for done in asyncio.as_completed(running):
                yield await done
        finally:
            for unfinished in running:
                unfinished.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _checked(request: pb.RecoverRequest, denoisers: list[Denoiser]) -> list[list[Task]]:
    """All texts for each model, corrupted; raises for what is wrong before anything runs."""
    if request.corruption not in KINDS:
        raise InvalidField("corruption", f"must be one of {', '.join(dict.fromkeys(KINDS.values()))}; got"
                                         f" {request.corruption}")
    if not 1 <= len(request.texts) <= MOST_TEXTS:
        raise InvalidField("texts", f"must be 1 to {MOST_TEXTS}; got {len(request.texts)}")
    ratio = request.ratio if request.HasField("ratio") else DEFAULT_RATIO
    if not 0 < ratio <= 1:
        raise InvalidField("ratio", f"must be above 0 and up to 1; got {ratio:g}")
    if request.rounds > MOST_ROUNDS:
        raise InvalidField("rounds", f"must be from 1 to {MOST_ROUNDS}, or 0 for {DEFAULT_ROUNDS}; got"
                                     f" {request.rounds}")
    if convert.constraint_from_proto(request.settings.constraint) is not None:
        raise InvalidField("settings.constraint", "must be left out: a text is restored freely")
    message = settings_pb2.Settings()
    message.CopyFrom(request.settings)
    message.seed = request.settings.seed  # 0 where there is none: the same call gives the same answer
    return [_tasks(request, f"models[{number}]" if request.models else "models", denoiser, message, ratio)
            for number, denoiser in enumerate(denoisers)]


def _tasks(request: pb.RecoverRequest, field: str, denoiser: Denoiser, message: settings_pb2.Settings,
           ratio: float) -> list[Task]:
    info = denoiser.info
    if info.attention.append_only:
        raise InvalidField(field, f"must be models whose canvas may be open anywhere; {info.name!r} writes from left"
                                  " to right and cannot restore what lies between given tokens")
    prompt = prompts.prompt_tokens(request.prompt, denoiser) if request.HasField("prompt") else ()
    if None in prompt:
        raise InvalidField("prompt", "must have no open position: only the texts are corrupted")
    decided = tuple(token for token in prompt if token is not None)
    tasks = []
    for index, text in enumerate(request.texts):
        tokens = prompts.encoded(f"texts[{index}]", text, denoiser, special=prompts.takes_names(request),
                                  within=bool(prompt)) if text else []
        most = info.context_length - len(prompt)
        if not 1 <= len(tokens) <= most:
            raise InvalidField(f"texts[{index}]", f"must have 1 to {most} tokens: the context of {info.name!r} has"
                                                  f" {info.context_length} positions and the prompt takes"
                                                  f" {len(prompt)}; has {len(tokens)}")
        if info.mask_token in tokens:
            raise InvalidField(f"texts[{index}]", f"must not hold the mask of {info.name!r}: every token has to be"
                                                  " known to tell whether it came back")
        kind, masked = corrupt(len(tokens), KINDS[request.corruption], ratio, request.rounds or DEFAULT_ROUNDS,
                               Noise(message.seed, index))
        settings = session_settings.first_settings(message, 0, len(masked), info, len(decided) + len(tokens))
        tasks.append(Task(denoiser, index, decided, tokens, kind, masked, settings))
    return tasks


def _progress(done: int, total: int) -> pb.RecoverResponse:
    return pb.RecoverResponse(progress=pb.InspectionProgress(done=done, total=total))


def _text(task: Task, recovered: Recovered) -> pb.RecoveredText:
    return pb.RecoveredText(
        model=task.denoiser.info.name, index=task.index, original=recovered.original, restored=recovered.restored,
        masked=recovered.masked, right=recovered.right, accuracy=recovered.accuracy,
        mean_probability=recovered.mean_probability, forward_count=recovered.forward_count,
        corruption=NUMBERS[task.kind])
