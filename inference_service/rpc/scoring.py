"""Score: how likely an answer is."""

from inference_service.engine.jobs import Job
from inference_service.errors import InvalidField
from inference_service.inspection.likelihood import Likelihood, score_job
from inference_service.models.denoiser import Denoiser
from inference_service.rpc import prompts, requests, work
from inference_service.rpc.calls import Calls, threads_for
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.streams import Newest
from unmask.v1 import inspection_service_pb2 as pb

DEFAULT_SAMPLES = 128
MOST_SAMPLES = 100_000
MOST_GUIDANCE = 10


class Scoring(Calls):
    @answers_errors
    async def Score(self, request, context):
        denoiser = await work.brief(self._library.current, request.model)
        queue = Newest()
        answer, job = await threads_for(denoiser, request.prompt.HasField("chat"))(_job, request, denoiser, queue.put)
        ticket = self._engine.submit(job, interactive=False)
        ticket.result.add_done_callback(lambda _: queue.put(None))
        try:
            async for likelihood in queue:
                yield _response(likelihood, answer)
            ticket.result.result()
        finally:
            ticket.cancel()


def _job(request: pb.ScoreRequest, denoiser: Denoiser, emit) -> tuple[list[int], Job]:
    """The answer's tokens, and the job that scores it; raises for what is wrong with the request."""
    if request.samples > MOST_SAMPLES:
        raise InvalidField("samples", f"must be from 1 to {MOST_SAMPLES}, or 0 for {DEFAULT_SAMPLES}; got"
                                      f" {request.samples}")
    if not 0 <= request.cfg_scale <= MOST_GUIDANCE:
        raise InvalidField("cfg_scale", f"must be from 0 to {MOST_GUIDANCE}; got {request.cfg_scale:g}")
    prompt = prompts.prompt_tokens(request.prompt, denoiser) if request.HasField("prompt") else ()
    mask = denoiser.info.mask_token
    if None in prompt and mask is None:
        raise InvalidField("prompt", f"must have no open position: {denoiser.info.name!r} has no mask token")
    answer = _answer(request, denoiser, bool(prompt))
    hole = mask or 0  # where there is none, no position is open
    job = score_job(denoiser, [hole if token is None else token for token in prompt], answer,
                    samples=request.samples or DEFAULT_SAMPLES, exact=request.exact, cfg_scale=request.cfg_scale,
                    seed=request.seed, emit=emit)
    return answer, job


def _answer(request: pb.ScoreRequest, denoiser: Denoiser, within: bool) -> list[int]:
    kind = request.WhichOneof("answer")
    if kind is None:
        raise InvalidField("answer", "must have text or tokens")
    if kind == "text":
        return prompts.encoded("text", request.text, denoiser, special=prompts.takes_names(request),
                                within=within) if request.text else []
    requests.check_tokens("tokens.ids", request.tokens.ids, denoiser)
    if denoiser.info.mask_token in request.tokens.ids:
        raise InvalidField("answer", f"must not hold the mask, {denoiser.info.mask_token}")
    return list(request.tokens.ids)


def _response(likelihood: Likelihood, answer: list[int]) -> pb.ScoreResponse:
    return pb.ScoreResponse(
        log_likelihood=likelihood.log_likelihood, standard_error=likelihood.standard_error, done=likelihood.done,
        total=likelihood.total, exact=likelihood.exact, tokens=answer,
        token_log_likelihoods=likelihood.token_log_likelihoods, notes=likelihood.notes)
