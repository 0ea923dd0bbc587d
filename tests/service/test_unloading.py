"""Models that leave the memory, and those whose files have changed: no text is ever of two models."""

import shutil
import threading

import grpc
import psutil
import pytest
import torch
from grpc import StatusCode as Code
from safetensors.torch import load_file

from tests.conftest import GOLDEN
from tests.fakes import FakeDenoiser
from tests.models.tiny_checkpoints import write_checkpoint
from tests.service.calls import WAIT, Api, refusal
from unmask.v1 import inspection_service_pb2, inspection_service_pb2_grpc, prompt_pb2
from unmask.v1 import model_service_pb2 as pb
from unmask.v1 import session_service_pb2 as sessions_pb

Model = pb.Model


def unload(api, name, timeout=WAIT):
    return api.models.UnloadModel(pb.UnloadModelRequest(name=name), timeout=timeout).model


def model(api, name):
    return api.models.GetModel(pb.GetModelRequest(name=name)).model


@pytest.fixture
def folder(api, tmp_path):
    """A checkpoint that may be changed, in the server's memory."""
    written = write_checkpoint(tmp_path / "tiny")
    api.load(str(written))
    yield written
    unload(api, str(written))


def poke(folder, file="model.safetensors", at=0.5):
    """Changes one number in the middle of the weights, in place: as long as before, with the same two ends."""
    weights = load_file(folder / file)
    name = sorted(weights)[len(weights) // 2]
    with open(folder / file, "r+b") as opened:
        data = opened.read()
        raw = weights[name].contiguous().numpy().tobytes()
        place = data.index(raw) + int(len(raw) * at) // 4 * 4
        opened.seek(place)
        opened.write(torch.tensor([7.25]).numpy().tobytes())
    return name


# ---- unloading ----

def test_an_unloaded_model_is_refused_by_type_and_comes_back_to_the_same_session(api, folder):
    name = str(folder)
    session = api.create(model=name, length=8, steps=8)
    first, = api.step(session.id, count=1)
    assert unload(api, name).state == Model.STATE_UNLOADED
    assert unload(api, name).state == Model.STATE_UNLOADED, "once more is fine"
    assert name in [one.name for one in api.models.ListModels(pb.ListModelsRequest()).models]
    for call in (lambda: api.create(model=name), lambda: api.step(session.id), lambda: api.predict(session.id),
                 lambda: api.models.Tokenize(pb.TokenizeRequest(model=name, text="x"))):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "MODEL_NOT_LOADED")
    assert api.get(session.id).revision == first.revision, "it can be looked at"
    assert api.load(name)[-1].model.state == Model.STATE_READY
    assert len(api.step(session.id)) == 7


def test_a_model_comes_back_as_it_was_loaded_unless_it_is_said_otherwise(api, folder):
    name = str(folder)
    unload(api, name)
    session_ids = api.load(name, dtype="bfloat16", token_ids={"eos": 5})[-1].model
    assert (session_ids.dtype, session_ids.eos_token) == ("bfloat16", 5)
    unload(api, name)
    again = api.load(name)[-1].model
    assert (again.dtype, again.eos_token) == ("bfloat16", 5)
    unload(api, name)
    assert api.load(name, dtype="auto")[-1].model.dtype == "float32"


def test_what_runs_ends_before_the_memory_is_free_and_nothing_new_begins(api, made_up_models):
    gate, begun = threading.Event(), threading.Event()

    def hold(canvases):
        begun.set()
        assert gate.wait(WAIT)

    made_up_models["held-model"] = lambda progress, cancelled: FakeDenoiser("held-model", before=hold)
    api.load("held-model")
    session = api.create(model="held-model", length=8, steps=8)
    call = api.sessions.Step(sessions_pb.StepRequest(session_id=session.id), timeout=WAIT)
    frames = []
    reading = threading.Thread(target=lambda: frames.extend(call))
    reading.start()
    try:
        assert begun.wait(WAIT)
        with pytest.raises(grpc.RpcError) as caught:
            unload(api, "held-model", timeout=0.5)
        assert caught.value.code() == Code.DEADLINE_EXCEEDED, "it is in use"
        assert model(api, "held-model").state == Model.STATE_UNLOADED
        assert refusal(api.create, model="held-model").reason == "MODEL_NOT_LOADED"
        second = api.models.UnloadModel.future(pb.UnloadModelRequest(name="held-model"), timeout=WAIT)
        assert not second.done()
    finally:
        gate.set()
    reading.join(WAIT)
    assert len(frames) == 8, "the run went on to its end"
    assert second.result(WAIT).model.state == Model.STATE_UNLOADED


def test_unloading_gives_the_memory_back(start, tmp_path):
    """Weights of 64 MB in many small parts and some large ones: the process is that much smaller afterwards.

    A process of its own: in the tests' one, threads of other tests take and give back memory meanwhile.
    """
    large = write_checkpoint(tmp_path / "large", d_model=512, mlp_hidden_size=2048, n_layers=4)
    size = (large / "model.safetensors").stat().st_size
    assert size > 60e6
    server = start()
    api, process = server.ready(), psutil.Process(server.pid)
    for _ in range(2):  # the first time the libraries keep something for themselves
        before = process.memory_info().rss
        api.load(str(large))
        api.step(api.create(model=str(large)).id, count=1)
        loaded = process.memory_info().rss
        unload(api, str(large))
        after = process.memory_info().rss
    api.channel.close()
    print(f"MB: {size / 1e6:.0f} of weights; {before / 1e6:.0f}, loaded {loaded / 1e6:.0f}, then {after / 1e6:.0f}")
    assert loaded - before > 0.8 * size
    assert after - before < 0.3 * size


def test_a_model_that_nobody_knows_and_one_on_its_way(api, made_up_models):
    assert refusal(unload, api, "/nowhere/at/all").code == Code.NOT_FOUND
    gate, begun = threading.Event(), threading.Event()

    def slow(progress, cancelled):
        begun.set()
        assert gate.wait(WAIT)
        return FakeDenoiser("on-its-way")

    made_up_models["on-its-way"] = slow
    call = api.models.LoadModel(pb.LoadModelRequest(name="on-its-way"), timeout=WAIT)
    try:
        assert begun.wait(WAIT)
        refused = refusal(unload, api, "on-its-way")
        assert (refused.code, refused.reason) == (Code.ABORTED, "MODEL_LOADING") and refused.retry
    finally:
        gate.set()
    assert list(call)[-1].model.state == Model.STATE_READY
    assert unload(api, "on-its-way").state == Model.STATE_UNLOADED


def test_the_catalog_policy_unloads_its_names_and_tells_nothing_of_others(serve, tmp_path):
    catalog = tmp_path / "models.toml"
    catalog.write_text(f'[tiny]\nsource = "{GOLDEN}"\n')
    with serve(model="tiny", model_policy="catalog", models_file=catalog) as server:
        api = Api(server)
        api.load("")
        assert unload(api, "").state == Model.STATE_UNLOADED
        assert unload(api, "embedded").state == Model.STATE_UNLOADED, "it never was loaded"
        told = {refusal(unload, api, name).message for name in (str(GOLDEN), "/nowhere", "org/name")}
        assert len(told) == 1
        refused = refusal(unload, api, str(GOLDEN))
        assert (refused.code, refused.reason) == (Code.PERMISSION_DENIED, "MODEL_NOT_ALLOWED")
        assert api.load("tiny")[-1].model.is_default
        api.channel.close()


# ---- files that change ----

def test_files_that_changed_are_read_again_and_until_then_nothing_begins_with_the_old_ones(api, folder):
    name = str(folder)
    session = api.create(model=name, length=8, steps=8)
    api.step(session.id, count=1)
    before = model(api, name)
    assert not before.changed and before.weights.startswith("float32-")
    poke(folder)

    assert model(api, name).changed
    score = inspection_service_pb2_grpc.InspectionServiceStub(api.channel).Score
    tokens = prompt_pb2.TokenList(ids=[5, 6])
    for call in (lambda: api.create(model=name),
                 lambda: score(inspection_service_pb2.ScoreRequest(model=name, tokens=tokens))):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "MODEL_CHANGED")
    assert len(api.step(session.id, count=1)) == 1, "the old weights are in memory, whole"

    answers = api.load(name)
    assert len(answers) > 1, "it was read again"
    after = answers[-1].model
    assert not after.changed and after.weights != before.weights
    refused = refusal(api.step, session.id)
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "MODEL_REPLACED")
    assert refused.metadata == {"weights": before.weights, "weights_here": after.weights}
    place = next(at for at, token in enumerate(api.tokens(session.id)) if token == 299)
    for call in (lambda: api.predict(session.id), lambda: api.select(session.id, {place: 7}),
                 lambda: api.propose(session.id), lambda: api.candidates(session.id, [place])):
        assert refusal(call).reason == "MODEL_REPLACED"
    assert api.get(session.id).weights == before.weights
    assert len(api.rewind(session.id, 0)) == 1, "going back needs no model"
    assert api.create(model=name).weights == after.weights


@pytest.mark.parametrize("change", ["another config", "a template more", "replaced by one of its size and time"])
def test_any_file_that_was_read_counts(api, folder, change):
    if change == "another config":
        config = folder / "config.json"
        config.write_text(config.read_text().replace('"rope_theta": 500000.0', '"rope_theta": 400000.0'))
    elif change == "a template more":
        (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    else:
        kept = (folder / "model.safetensors").stat()
        shutil.copy2(folder / "model.safetensors", folder / "new")
        (folder / "new").replace(folder / "model.safetensors")
        assert (folder / "model.safetensors").stat().st_mtime_ns == kept.st_mtime_ns
    assert model(api, str(folder)).changed
    assert not api.load(str(folder))[-1].model.changed


def test_a_touched_file_is_read_again_and_its_sessions_go_on(api, folder):
    name = str(folder)
    session = api.create(model=name, length=4)
    (folder / "config.json").touch()
    (folder / "trainer_state.json").write_text("{}")  # which no load reads
    assert model(api, name).changed
    api.load(name)
    assert len(api.step(session.id)) == 4, "the weights are the same"


def test_a_folder_that_is_gone_serves_on(api, folder):
    moved = folder.rename(folder.with_name("moved"))
    assert not model(api, str(folder)).changed
    assert len(api.step(api.create(model=str(folder)).id)) == 8
    moved.rename(folder)


def test_a_change_that_does_not_load_leaves_the_model_as_it_is(api, folder):
    name, weights = str(folder), (folder / "model.safetensors").read_bytes()
    session = api.create(model=name, length=8, steps=8)
    (folder / "new").write_bytes(weights[:-100])
    (folder / "new").replace(folder / "model.safetensors")
    assert refusal(api.load, name).code == Code.DATA_LOSS
    assert model(api, name).state == Model.STATE_READY
    assert len(api.step(session.id)) == 8


def test_a_session_of_another_type_of_the_weights_says_which_one_it_needs(api, folder):
    name = str(folder)
    session = api.create(model=name, length=8)
    unload(api, name)
    api.load(name, dtype="bfloat16")
    refused = refusal(api.step, session.id)
    assert refused.reason == "MODEL_REPLACED" and "Load it with dtype float32" in refused.message
    unload(api, name)
    api.load(name, dtype="float32")
    assert len(api.step(session.id)) == 8


def test_a_session_of_another_mask_is_not_gone_on_with(api, folder):
    name = str(folder)
    session = api.create(model=name, length=8)
    unload(api, name)
    api.load(name, token_ids={"mask": 290})
    refused = refusal(api.step, session.id)
    assert refused.reason == "MODEL_REPLACED" and "299" in refused.message and "290" in refused.message


def test_a_recording_of_other_weights_says_so_where_it_is_gone_on_with(api, folder):
    name = str(folder)
    session = api.create(model=name, length=8)
    api.step(session.id, count=1)
    poke(folder)
    api.load(name)
    exported = b"".join(one.chunk for one in api.sessions.Export(sessions_pb.ExportRequest(session_id=session.id)))
    answer = api.sessions.Import(iter([sessions_pb.ImportRequest(chunk=exported)]))
    assert answer.session.weights == model(api, name).weights != session.weights
    assert api.step(answer.session.id)
    unload(api, name)
    answer = api.sessions.Import(iter([sessions_pb.ImportRequest(chunk=exported)]))
    assert answer.session.weights == session.weights
    api.load(name)
    assert refusal(api.step, answer.session.id).reason == "MODEL_REPLACED"


def test_weights_are_known_in_any_folder_and_on_any_server(api, folder, tmp_path):
    other = write_checkpoint(tmp_path / "elsewhere")
    assert api.load(str(other))[-1].model.weights == model(api, str(folder)).weights
    unload(api, str(other))


def test_weights_that_are_there_twice_are_told_apart(api, tmp_path):
    folder = write_checkpoint(tmp_path / "twice", shards=2)
    shutil.copytree(write_checkpoint(tmp_path / "one", weights=None), folder, dirs_exist_ok=True)
    told = api.load(str(folder))[-1].model.weights_note
    assert told.startswith("model.safetensors is read") and "model.safetensors.index.json" in told
    assert unload(api, str(folder)).weights_note == ""


