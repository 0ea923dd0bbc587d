"""ModelService: protos in, the library's answers out."""

import asyncio

from inference_service.errors import InvalidField
from inference_service.models.attention import Full
from inference_service.models.denoiser import Denoiser
from inference_service.models.library import Library
from inference_service.models.registry import BY_NAME
from inference_service.rpc import convert, work
from inference_service.rpc.calls import threads_for
from inference_service.rpc.errors import answers_errors
from inference_service.rpc.prompts import check_size, takes_names, text_of
from inference_service.rpc.requests import check_tokens
from inference_service.sampling.registry import suitable
from unmask.v1 import model_service_pb2 as pb
from unmask.v1 import model_service_pb2_grpc

MAX_TEXT_BYTES = 1 << 20
LEAST_MAX_BYTES = 64 << 10  # of a text, however short the context is
MAX_IDS = 8192
MAX_TOKENS = 131_072  # in one answer, some 3 MB
PHASES = {
    "inspecting": pb.LoadModelResponse.PHASE_INSPECTING,
    "downloading": pb.LoadModelResponse.PHASE_DOWNLOADING,
    "loading_weights": pb.LoadModelResponse.PHASE_LOADING_WEIGHTS,
    "warming_up": pb.LoadModelResponse.PHASE_WARMING_UP,
}
STATES = {"unloaded": pb.Model.STATE_UNLOADED, "loading": pb.Model.STATE_LOADING, "ready": pb.Model.STATE_READY}


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, library: Library):
        self._library = library

    def _model(self, name: str, with_samplers: bool) -> pb.Model:
        """What is known of a model. Looks at its files: not for the event loop."""
        name = name or self._library.default
        state, denoiser = self._library.state(name)
        text = denoiser.text if denoiser else None
        samplers = (suitable(denoiser.info.attention.offers, denoiser.info.default_sampler) if denoiser
                    else suitable(Full.offers))
        return convert.model_to_proto(
            name, denoiser.info if denoiser else None, STATES[state], name == self._library.default,
            text is not None, text is not None and text.has_chat_template,
            samplers if with_samplers else (), self._library.changed(name))

    @answers_errors
    async def ListModels(self, request, context):
        def listed() -> list[pb.Model]:
            return [self._model(name, False) for name in self._library.names()]

        return pb.ListModelsResponse(models=await work.brief(listed), families=list(BY_NAME))

    @answers_errors
    async def GetModel(self, request, context):
        return pb.GetModelResponse(model=await work.brief(self._model, request.name, True))

    @answers_errors
    async def LoadModel(self, request, context):
        """Passes on only the newest progress: a slow reader slows nothing. The load ends with the call."""
        loop = asyncio.get_running_loop()
        moved = asyncio.Event()
        newest = []

        def report(progress):
            newest[:] = [progress]
            loop.call_soon_threadsafe(moved.set)

        changed = await work.brief(self._library.changed, request.name)
        load = self._library.begin_load(request.name, request.dtype, dict(request.token_ids), report, changed,
                                        request.family)
        loading = asyncio.wrap_future(load.result)
        # A caller who has left asks for no exception; it is taken here, or asyncio would report it as lost.
        loading.add_done_callback(lambda done: (done.cancelled() or done.exception(), moved.set()))
        try:
            while not loading.done():
                await moved.wait()
                moved.clear()
                while newest:
                    progress = newest.pop()
                    yield pb.LoadModelResponse(phase=PHASES[progress.phase], done=progress.done, total=progress.total)
            loading.result()
        finally:
            load.cancel()
        model = await work.brief(self._model, request.name, True)
        yield pb.LoadModelResponse(phase=pb.LoadModelResponse.PHASE_READY, model=model)

    @answers_errors
    async def UnloadModel(self, request, context):
        leaving = self._library.unload(request.name)
        if leaving:
            await asyncio.wrap_future(leaving.gone)  # which nobody cancels: it goes on where the caller has left
        return pb.UnloadModelResponse(model=await work.brief(self._model, request.name, True))

    @answers_errors
    async def Tokenize(self, request, context):
        if len(request.text) > MAX_TEXT_BYTES or len(request.text.encode()) > MAX_TEXT_BYTES:
            raise InvalidField("text", f"must be at most {MAX_TEXT_BYTES} bytes of UTF-8")
        denoiser = self._library.get(request.model)
        return await threads_for(denoiser)(_tokenized, request, denoiser)

    @answers_errors
    async def Detokenize(self, request, context):
        denoiser = self._library.get(request.model)
        text = text_of(denoiser)
        if len(request.ids) > MAX_IDS:
            raise InvalidField("ids", f"must be at most {MAX_IDS} ids; got {len(request.ids)}")
        if max(request.open_before, default=0) > len(request.ids):
            raise InvalidField("open_before", f"must be from 0 to {len(request.ids)}, the number of ids; got"
                                              f" {max(request.open_before)}")

        def decoded() -> pb.DetokenizeResponse:
            check_tokens("ids", request.ids, denoiser, MAX_IDS)
            before = set(request.open_before)
            canvas = [part for at, id in enumerate([*request.ids, None])
                      for part in ([None] if at in before else []) + ([] if id is None else [id])]
            return pb.DetokenizeResponse(text=text.decode(canvas),
                                         tokens=[convert.token_to_proto(text.token(id)) for id in request.ids])

        return await threads_for(denoiser)(decoded)


def _tokenized(request: pb.TokenizeRequest, denoiser: Denoiser) -> pb.TokenizeResponse:
    read, info, text = text_of(denoiser), denoiser.info, request.text
    if len(text) > LEAST_MAX_BYTES:  # counting a text's tokens is of use beyond the context, to some extent
        check_size("text", text, denoiser)
    ids = read.encode(text, special=takes_names(request))
    if request.add_special_tokens:
        ids = [*info.prefix_tokens, *ids, *info.suffix_tokens]
    if len(ids) > MAX_TOKENS:
        raise InvalidField("text", f"must have at most {MAX_TOKENS} tokens of {info.name!r}; has {len(ids)}")
    return pb.TokenizeResponse(tokens=[convert.token_to_proto(read.token(id)) for id in ids])
