"""ModelService, health, reflection, and the client library, on a real socket."""

import threading

import grpc
import pytest
from grpc import StatusCode as Code
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import unmask
from inference_service.models.progress import LoadCancelled, Progress
from inference_service.sampling.registry import SAMPLERS
from tests.conftest import EXPECTED, GOLDEN
from tests.fakes import FakeDenoiser
from tests.models.tiny_checkpoints import DREAM_GOLDEN, write_causal_checkpoint
from tests.service.calls import WAIT, Api, refusal
from unmask import errors
from unmask.v1 import model_service_pb2 as pb
from unmask.v1 import session_service_pb2

Load = pb.LoadModelResponse


def names_of(api):
    return [model.name for model in api.models.ListModels(pb.ListModelsRequest()).models]


# ---- what a model is ----

def test_the_default_model_comes_first_and_is_described(api):
    listed = api.models.ListModels(pb.ListModelsRequest()).models
    model = api.models.GetModel(pb.GetModelRequest()).model
    assert [other.is_default for other in listed] == [True] + [False] * (len(listed) - 1)
    assert not listed[0].samplers
    assert (model.name, model.family, model.state) == (str(GOLDEN), "llada", pb.Model.STATE_READY)
    assert (model.mask_token, model.eos_token, model.eot_token) == tuple(
        EXPECTED[f"{name}_token_id"] for name in ("mask", "eos", "eot"))
    assert (model.context_length, model.vocabulary_size) == (512, 512)
    assert model.parameter_count > 0
    assert not model.has_tokenizer
    names = [sampler.name for sampler in model.samplers]
    assert names[0] == "llada", "the family's own comes first"
    assert names[1:] == sorted(name for name, sampler in SAMPLERS.items() if name != "llada" and not sampler.appends)
    llada = {parameter.name: parameter for parameter in model.samplers[0].parameters}
    assert (llada["temperature"].minimum, llada["temperature"].maximum) == (0, 10)
    assert llada["temperature"].kind == llada["temperature"].KIND_NUMBER
    assert list(llada["remasking"].choices) == ["low_confidence", "random"]
    assert llada["steps"].default.WhichOneof("kind") == "null_value"
    assert llada["logits_eos_inf"].default.bool_value is False


def test_a_model_with_a_tokenizer(api, words):
    model = api.models.GetModel(pb.GetModelRequest(name=words)).model
    assert model.has_tokenizer and model.has_chat_template
    assert not model.is_default


# ---- loading ----

def test_loading_tells_its_phases_and_ends_with_the_model(api, tmp_path):
    (tmp_path / "copy").symlink_to(GOLDEN)
    answers = api.load(str(tmp_path / "copy"))
    phases = [answer.phase for answer in answers]
    assert phases == sorted(phases)
    assert phases[-1] == Load.PHASE_READY
    assert answers[-1].model.name == str(tmp_path / "copy")
    assert all(not answer.HasField("model") for answer in answers[:-1])
    again, = api.load(str(tmp_path / "copy"))
    assert again.phase == Load.PHASE_READY


def test_cancelling_stops_the_loading(api, made_up_models):
    begun, stopped = threading.Event(), threading.Event()

    def slow(progress, cancelled):
        progress(Progress("loading_weights", 1, 100))
        begun.set()
        patience = threading.Event()
        for _ in range(int(WAIT / 0.02)):
            if cancelled():
                stopped.set()
                raise LoadCancelled("loading was cancelled")
            patience.wait(0.02)
        return FakeDenoiser("slow-load")

    made_up_models["slow-load"] = slow
    call = api.models.LoadModel(pb.LoadModelRequest(name="slow-load"), timeout=WAIT)
    first = next(call)
    assert (first.phase, first.done, first.total) == (Load.PHASE_LOADING_WEIGHTS, 1, 100)
    assert begun.wait(WAIT)

    for other in (lambda: api.create(model="slow-load"),
                  lambda: api.models.Tokenize(pb.TokenizeRequest(model="slow-load", text="x"))):
        refused = refusal(other)
        assert (refused.code, refused.reason) == (Code.UNAVAILABLE, "MODEL_LOADING")
        assert refused.retry > 0
    refused = refusal(api.load, "slow-load", dtype="float16")
    assert (refused.code, refused.reason) == (Code.ABORTED, "MODEL_LOADING")
    assert len(api.step(api.create().id)) == 8, "others go on"

    call.cancel()
    assert stopped.wait(WAIT)
    made_up_models["slow-load"] = FakeDenoiser("slow-load")
    assert _free(api)
    model = api.load("slow-load")[-1].model
    assert model.state == pb.Model.STATE_READY


def test_a_load_that_hangs_is_left_behind_as_soon_as_its_caller_has_gone(api, made_up_models):
    """It never asks whether it may go on: the call ends at once, another model loads, nothing comes of the first."""
    gate, ended = threading.Event(), threading.Event()

    def stuck(progress, cancelled):
        progress(Progress("loading_weights", 1, 100))
        assert gate.wait(10 * WAIT)
        threading.Timer(0, ended.set).start()
        return FakeDenoiser("stuck-load")

    made_up_models["stuck-load"] = stuck
    made_up_models["beside-it"] = FakeDenoiser("beside-it")
    try:
        call = api.models.LoadModel(pb.LoadModelRequest(name="stuck-load"), timeout=WAIT)
        next(call)
        refused = refusal(api.load, "beside-it")
        assert (refused.code, refused.reason) == (Code.ABORTED, "MODEL_LOADING") and refused.retry > 0
        call.cancel()
        assert _free(api)
        assert api.load("beside-it")[-1].model.state == pb.Model.STATE_READY
        assert not ended.is_set(), "the first is held still"
    finally:
        gate.set()
    assert ended.wait(WAIT)
    assert refusal(api.create, model="stuck-load").code == Code.NOT_FOUND


def _free(api):
    """Waits until no model is on its way: a cancelled call takes a moment to arrive."""
    for _ in range(1000):
        if api.server.library.loading() is None:
            return True
        threading.Event().wait(0.01)
    return False


def broken(tmp_path, kind):
    """A checkpoint folder with something wrong."""
    folder = tmp_path / kind.replace(" ", "-")
    folder.mkdir()
    if kind != "no config":
        (folder / "config.json").write_bytes((GOLDEN / "config.json").read_bytes())
    if kind == "pickle":
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    elif kind == "half downloaded":
        weights = (GOLDEN / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(weights[:len(weights) // 2])
    elif kind == "no config":
        (folder / "model.safetensors").write_bytes((GOLDEN / "model.safetensors").read_bytes())
    return str(folder)


@pytest.mark.parametrize("kind", ["pickle", "half downloaded", "no config", "no weights"])
def test_a_checkpoint_that_does_not_load_says_why(api, tmp_path, kind):
    refused = refusal(api.load, broken(tmp_path, kind))
    assert refused.code in (Code.FAILED_PRECONDITION, Code.DATA_LOSS, Code.NOT_FOUND, Code.INVALID_ARGUMENT)
    assert refused.reason
    assert {"pickle": "safetensors", "half downloaded": "safetensors", "no config": "config.json",
            "no weights": "safetensors"}[kind] in refused.message
    assert len(api.step(api.create().id)) == 8


@pytest.mark.parametrize(("request_", "code", "words"), [
    ({"name": "/nowhere/at/all"}, Code.NOT_FOUND, "/nowhere/at/all"),
    ({"name": "x" * 200_000}, Code.NOT_FOUND, "no folder"),
    ({"name": "/x" * 5000}, Code.NOT_FOUND, "no folder"),
    ({"name": "~nobody-of-that-name/x"}, Code.NOT_FOUND, "no folder"),
    ({"name": "a\0b"}, Code.NOT_FOUND, "no folder"),
    ({"name": f"{GOLDEN}/.", "dtype": "int3"}, Code.INVALID_ARGUMENT, "dtype"),
    ({"name": f"{GOLDEN}/.", "token_ids": {"mask": 512}}, Code.INVALID_ARGUMENT, "0 to 511"),
    ({"name": f"{GOLDEN}/.", "token_ids": {"bos": 1}}, Code.INVALID_ARGUMENT, "bos"),
    ({"name": str(GOLDEN), "dtype": "float16"}, Code.FAILED_PRECONDITION, "sessions may be using it"),
], ids=["no such folder", "a name of any length", "a path of any length", "a user", "a null byte", "dtype", "token id",
        "token name", "in use"])
def test_a_wrong_load_request_leaves_the_model_as_it_is(api, request_, code, words):
    before = api.models.GetModel(pb.GetModelRequest()).model
    refused = refusal(api.load, **request_)
    assert refused.code == code
    assert words in refused.message
    assert api.models.GetModel(pb.GetModelRequest()).model == before


def test_the_catalog_policy_loads_only_its_names(serve, tmp_path):
    catalog = tmp_path / "models.toml"
    catalog.write_text(f'[tiny]\nsource = "{GOLDEN}"\n')
    with serve(model="tiny", model_policy="catalog", models_file=catalog) as server:
        api = Api(server)
        assert set(names_of(api)) == {"tiny", "embedded", "embedded-causal"}
        for name in (str(GOLDEN), "GSAI-ML/LLaDA-8B-Instruct"):
            refused = refusal(api.load, name)
            assert (refused.code, refused.reason) == (Code.PERMISSION_DENIED, "MODEL_NOT_ALLOWED")
        assert api.load("tiny")[-1].model.is_default
        assert api.create().model == "tiny"


# ---- text ----

@pytest.mark.parametrize("text", ["Tom has a red kite.", "", "größer 😀 字\n\t ", "a\0b", "<|mdm_mask|>"])
def test_text_goes_to_tokens_and_back(api, words, text):
    tokens = api.models.Tokenize(pb.TokenizeRequest(model=words, text=text)).tokens
    back = api.models.Detokenize(pb.DetokenizeRequest(model=words, ids=[token.id for token in tokens]))
    assert [token.id for token in back.tokens] == [token.id for token in tokens]
    if not any(token.special for token in tokens):
        assert back.text == text
        assert b"".join(token.bytes for token in tokens).decode() == text


def test_text_calls_are_refused_by_field(api, words):
    too_long = refusal(api.models.Tokenize, pb.TokenizeRequest(model=words, text="é" * (1 << 19) + "!"))
    assert "1048576" in too_long.fields["text"]
    for request, words_ in ((pb.DetokenizeRequest(model=words, ids=[1] * 8193), "8192"),
                            (pb.DetokenizeRequest(model=words, ids=[2**32 - 1]), "4294967295")):
        refused = refusal(api.models.Detokenize, request)
        assert refused.code == Code.INVALID_ARGUMENT
        assert words_ in refused.fields["ids"]
    for call in (lambda: api.models.Tokenize(pb.TokenizeRequest(text="x")),
                 lambda: api.models.Detokenize(pb.DetokenizeRequest(ids=[1]))):
        assert refusal(call).reason == "NO_TOKENIZER"


# ---- around the services ----

def test_health_is_told_for_each_service_before_the_model_is_there(serve):
    with serve() as server:
        stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(server.address))
        for name in ("", "unmask.v1.SessionService", "unmask.v1.ModelService"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=WAIT)
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=WAIT)
        assert caught.value.code() == Code.NOT_FOUND


def test_reflection_is_there_unless_it_is_turned_off(api, serve):
    def services(address):
        stub = reflection_pb2_grpc.ServerReflectionStub(grpc.insecure_channel(address))
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answer, = stub.ServerReflectionInfo(iter([request]), timeout=WAIT)
        return [service.name for service in answer.list_services_response.service]

    assert {"unmask.v1.SessionService", "unmask.v1.ModelService", "grpc.health.v1.Health"} <= set(
        services(api.server.address))
    with serve(reflection=False) as server, pytest.raises(grpc.RpcError) as caught:
        services(server.address)
    assert caught.value.code() == Code.UNIMPLEMENTED


# ---- the client library ----

def test_the_client_does_what_its_page_says(api, words):
    with unmask.connect(api.server.address) as client:
        assert client.model(words).has_chat_template
        session = client.create("Tom has a red kite.", model=words, length=8, steps=4)
        assert session.tokens == [None] * 8
        frames = list(session.step(draft=True))
        assert [len(frame.changes) for frame in frames] == [2] * 4
        assert session.text == client.detokenize(session.tokens, model=words)
        assert session.revision == 4
        assert client.open(session.id).tokens == session.tokens
        raw = client.create("Tom", raw=True, model=words, length=1)
        assert raw.prompt_length == len(client.tokenize("Tom", model=words))

        plain = client.create([1, 2, 3], length=4, seed=7)
        proposed = plain.propose()
        run = plain.step()
        frame = next(run)
        run.close()  # stops it
        assert frame.changes[0].token == proposed[0].token
        plain.rewind(0)
        assert plain.select({4: 9}).changes[0].token == 9
        assert plain.tokens == [None, 9, None, None]
        assert list(plain.predict().draft.positions) == [3, 5, 6]
        assert [entry.position for entry in plain.candidates([6, 3], count=2)] == [6, 3]
        for expected, frame in zip(range(1, plain.revision + 1), plain.watch(0), strict=False):
            assert frame.revision == expected
            if expected == plain.revision:
                break
        assert plain.id in [other.id for other in client.sessions()]
        plain.delete()
        with pytest.raises(errors.NotFound):
            plain.get()


def test_the_clients_errors_say_what_the_server_said(api):
    with unmask.connect(api.server.address) as client:
        with pytest.raises(errors.InvalidField) as caught:
            client.create([1], length=4, temperature=20)
        assert caught.value.reason == "INVALID_FIELD"
        assert dict(caught.value.fields).keys() == {"settings.parameters.temperature"}
        session = client.create([1], length=4)
        with pytest.raises(errors.InvalidField) as caught:
            session.rewind(9)
        assert caught.value.metadata == {"head_revision": "0"}
        list(session.step())
        with pytest.raises(errors.NotNow):
            list(session.step())
        with pytest.raises(errors.Conflict), errors.translated():
            list(api.sessions.Step(session_service_pb2.StepRequest(session_id=session.id, expected_revision=0)))
    with unmask.connect("127.0.0.1:1") as nobody, pytest.raises(errors.Unreachable):
        nobody.models()


# ---- which family ----

def test_the_family_of_a_model_is_named_where_its_marks_leave_it_open(api, tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path / "marked", "llama", written={"mask_token_id": 96})
    listed = api.models.ListModels(pb.ListModelsRequest())
    assert {"causal", "dream", "llada"} <= set(listed.families)
    refused = refusal(api.load, str(folder))
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "FAMILY_NEEDED")
    assert f"one of {', '.join(listed.families)}" in refused.fields["family"]
    refused = refusal(api.load, str(folder), family="qwen")
    assert refused.code == Code.INVALID_ARGUMENT and refused.fields["family"].startswith("must be one of")
    assert api.load(str(folder), family="causal")[-1].model.family == "causal"
    with unmask.connect(api.server.address) as client:
        assert client.load(str(folder), family="causal").family == "causal"
        with pytest.raises(errors.NotNow, match="in memory as causal"):
            client.load(str(folder), family="dream")


def test_a_dream_model_has_its_library_s_top_k_where_nothing_is_said(api):
    name = api.load(str(DREAM_GOLDEN))[-1].model.name
    described = {sampler.name: {parameter.name: parameter.default for parameter in sampler.parameters}
                 for sampler in api.models.GetModel(pb.GetModelRequest(name=name)).model.samplers}
    assert described["dream"]["top_k"].number_value == 50 and described["llada"]["top_k"].number_value == 0

    def top_k(**more):
        return dict(api.create(model=name, **more).settings.parameters)["top_k"]

    assert (top_k(), top_k(top_k=0), top_k(sampler="llada")) == (50, 0, 0)
