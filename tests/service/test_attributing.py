"""Attribute, on a real socket."""

import threading

import grpc
import pytest
import torch
from grpc import StatusCode as Code

import unmask
from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.engine.engine import Ticket
from inference_service.inspection.attribution import gradients
from tests.conftest import EXPECTED
from tests.models.tiny_checkpoints import write_stock_checkpoint
from tests.service.calls import WAIT, refusal
from unmask import errors
from unmask.v1 import inspection_service_pb2 as pb
from unmask.v1.inspection_service_pb2_grpc import InspectionServiceStub

ASK = pb.AttributeRequest
PROMPT = "Tom has a red kite. Ann has a blue hat. What does Ann have?"


@pytest.fixture(scope="module")
def inspect(api):
    """inspect(session_id, position, ...): how far it was, and the answer."""
    stub = InspectionServiceStub(api.channel)

    def ask(session_id, position, **more):
        answers = list(stub.Attribute(ASK(session_id=session_id, position=position, **more), timeout=WAIT))
        assert [answer.WhichOneof("event") for answer in answers] == ["progress"] * (len(answers) - 1) + ["attribution"]
        return [(answer.progress.done, answer.progress.total) for answer in answers[:-1]], answers[-1].attribution

    ask.stub = stub
    return ask


@pytest.fixture(scope="module")
def client(api):
    with unmask.connect(api.server.address) as client:
        yield client


@pytest.fixture(scope="module")
def answered(client, words):
    """A question of the prompt, answered by the model that ships."""
    session = client.create(PROMPT, model=words, length=16, seed=1, steps=16)
    list(session.step())
    assert session.text == "Ann has a blue hat."
    return session


def place_of(client, session, word, after=0):
    """The first position from `after` on that holds a word."""
    tokens = list(session.get().canvas.tokens)
    [token] = client.tokenize(f" {word}", session.model)
    return tokens.index(token.id, after)


def test_the_fact_that_an_answer_copies_is_found(client, answered, words):
    hat = place_of(client, answered, "hat")
    position = place_of(client, answered, "hat", answered.prompt_length)
    told = []
    found = answered.attribute(position, progress=lambda done, total: told.append((done, total)))
    assert found.token == answered.get().canvas.tokens[position]
    assert (found.position, found.revision, found.method) == (position, answered.revision, ASK.METHOD_ABLATION)
    assert max(found.scores, key=lambda score: score.score).position == hat
    assert found.target < 0
    assert not found.cached
    assert found.device == "cpu"
    assert not found.fallback_reason
    assert found.compute_time.ToNanoseconds() > 0
    assert len(told) >= 2
    assert told[-1] == (len(found.scores) + 1,) * 2
    assert position not in {score.position for score in found.scores}


@pytest.mark.parametrize("method", ["occlusion", "attention", "saliency", "input_x_gradient", "integrated_gradients"])
def test_every_method_answers(client, answered, method):
    position = place_of(client, answered, "hat", answered.prompt_length)
    found = answered.attribute(position, method=method, sources=range(5, 25))
    assert found.method == ASK.Method.Value(f"METHOD_{method.upper()}")
    assert any(score.score for score in found.scores)
    assert {score.count for score in found.scores} == {4 if method == "occlusion" else 1}
    if method in ("attention", "saliency"):
        assert all(score.score >= 0 for score in found.scores)
        assert found.notes
    assert found.HasField("baseline") == found.HasField("completeness_gap") == (method == "integrated_gradients")
    if method == "integrated_gradients":
        assert found.completeness_gap <= 0.01


def test_why_this_and_not_that(client, answered):
    position = place_of(client, answered, "hat", answered.prompt_length)
    kite, hat = (place_of(client, answered, word) for word in ("kite", "hat"))
    other = client.tokenize(" kite", answered.model)[0].id
    found = answered.attribute(position, contrast=other)
    assert found.contrast == other
    scores = {score.position: score.score for score in found.scores}
    assert max(scores, key=scores.get) == hat
    assert scores[kite] < 0, "it spoke for the kite"
    swapped = answered.attribute(position, token=other, contrast=found.token)
    assert [score.score for score in swapped.scores] == pytest.approx([-score.score for score in found.scores],
                                                                       abs=1e-4)


def test_an_old_revision_and_an_open_position_are_explained(client, answered):
    """At revision 0 all of the answer is open; the token is the likeliest."""
    position = place_of(client, answered, "hat", answered.prompt_length)
    found = answered.attribute(position, revision=0)
    assert found.revision == 0
    assert len(found.scores) == answered.prompt_length
    assert found.token == answered.get().canvas.tokens[position]


def test_the_same_question_is_answered_at_once(client, answered, api):
    position = place_of(client, answered, "hat", answered.prompt_length)
    told = []
    first = answered.attribute(position, sources=[5, 6, 7])
    again = answered.attribute(position, sources=[5, 6, 7], progress=lambda *far: told.append(far))
    assert (first.cached, again.cached) == (False, True)
    assert not told
    assert first.scores == again.scores
    assert not answered.attribute(position, sources=[5, 6]).cached
    assert not answered.attribute(position, sources=[5, 6, 7], revision=0).cached


def test_a_rewind_has_the_canvas_it_goes_back_to(client, words):
    session = client.create(PROMPT, model=words, length=8, seed=1)
    list(session.step(2))
    found = session.attribute(session.prompt_length, revision=1)
    session.rewind(1)
    again = session.attribute(session.prompt_length)
    assert again.cached
    assert again.revision == session.revision != found.revision
    assert again.scores == found.scores
    session.select({session.prompt_length + 3: 40})
    assert not session.attribute(session.prompt_length).cached


def test_a_model_that_is_loaded_anew_is_asked_anew(api, inspect, fake):
    made = fake()
    session = api.create(model=made.name)
    inspect(session.id, 3)
    assert inspect(session.id, 3)[1].cached
    made.model.info = made.model.info.__class__(**{**made.model.info.__dict__, "checkpoint_hash": "another"})
    assert not inspect(session.id, 3)[1].cached


def test_nothing_changes(api, answered, client):
    before = api.standing(answered.id)
    answered.attribute(answered.prompt_length, method="saliency")
    assert api.standing(answered.id) == before


def test_guidance_is_left_out_and_said_to_be(api, inspect):
    session = api.create(sampler="llada", cfg_scale=1.5)
    assert any("cfg_scale" in note for note in inspect(session.id, 3)[1].notes)
    assert not inspect(api.create(sampler="llada").id, 3)[1].notes


# ---- models that read from left to right ----

def test_a_causal_model_is_explained_by_what_stands_before(api, inspect, tmp_path):
    folder, model = write_stock_checkpoint(tmp_path / "causal", "LlamaForCausalLM", model_type="llama",
                                           architectures=["LlamaForCausalLM"])
    api.load(str(folder))
    session = api.create(model=str(folder), tokens=(5, 6, 7, 8), length=4)
    for method in ASK.Method.values()[1:]:
        found = inspect(session.id, 4, token=9, method=method)[1]
        assert [score.position for score in found.scores][0] == 0
        assert max(score.position + score.count for score in found.scores) <= 4
        with torch.inference_mode():
            target = model(torch.tensor([[5, 6, 7, 8]])).logits[0, -1].double().log_softmax(-1)[9].item()
        assert found.target == pytest.approx(target, abs=1e-4)
    assert refusal(inspect.stub.Attribute, ASK(session_id=session.id, position=2, sources=[3])).fields.keys() == {
        "sources"}
    assert refusal(inspect.stub.Attribute, ASK(session_id=session.id, position=0)).fields.keys() == {"position"}


# ---- refusals ----

BAD = {
    "position": {"position": 11}, "token": {"position": 3, "token": 511},
    "contrast": {"position": 3, "token": 4, "contrast": 4},
    "method": {"position": 3, "method": 77}, "sources": {"position": 4, "sources": [5]},
    "spans.count": {"position": 3, "method": ASK.METHOD_OCCLUSION, "spans": [pb.PositionSpan(position=1)]},
    "spans.position": {"position": 3, "method": ASK.METHOD_OCCLUSION,
                           "spans": [pb.PositionSpan(position=0, count=2), pb.PositionSpan(position=1, count=1)]},
    "window": {"position": 3, "method": ASK.METHOD_OCCLUSION, "window": 65},
    "steps": {"position": 3, "method": ASK.METHOD_INTEGRATED_GRADIENTS, "steps": 513},
}


@pytest.mark.parametrize("field", BAD)
def test_bad_input_is_named(api, inspect, field):
    session = api.create()
    before = api.standing(session.id)
    asked = BAD[field] | ({"token": EXPECTED["mask_token_id"]} if field == "token" else {})
    refused = refusal(inspect.stub.Attribute, ASK(session_id=session.id, **asked))
    assert refused.code == Code.INVALID_ARGUMENT
    assert refused.fields.keys() == {field}
    assert api.standing(session.id) == before


def test_sessions_and_revisions_that_are_not_there(api, inspect):
    assert refusal(inspect.stub.Attribute, ASK(session_id="nobody", position=1)).code == Code.NOT_FOUND
    assert refusal(inspect.stub.Attribute, ASK(session_id=api.create().id, position=3, revision=9)).code == (
        Code.OUT_OF_RANGE)


def test_the_client_names_the_methods(answered):
    with pytest.raises(ValueError, match="ablation, occlusion, attention"):
        answered.attribute(3, method="magic")
    with pytest.raises(errors.InvalidField):
        answered.attribute(4000)


# ---- ends and failures ----

def test_leaving_the_call_ends_the_job_at_its_next_batch(api, fake, monkeypatch, inspect):
    reached, go_on, left = threading.Event(), threading.Event(), threading.Event()

    def before(canvases):
        if len(made.model.calls) == 4:
            reached.set()
            assert go_on.wait(WAIT)

    cancel = Ticket.cancel

    def cancelled(ticket):
        cancel(ticket)
        left.set()

    made = fake(before=before)
    session = api.create(model=made.name, tokens=range(1, 13), length=2)
    monkeypatch.setattr("inference_service.rpc.attributing.BATCH_TOKENS", 1)
    call = inspect.stub.Attribute(ASK(session_id=session.id, position=12))
    assert next(call).HasField("progress")
    assert reached.wait(WAIT)
    monkeypatch.setattr(Ticket, "cancel", cancelled)
    call.cancel()
    assert left.wait(WAIT), "the server knows that nobody waits any more"
    go_on.set()
    assert len(api.predict(session.id).draft.positions) == 2
    assert len(made.model.calls) == 5, "four passes before it was left, one for the prediction, and no more"
    monkeypatch.undo()
    found = inspect(session.id, 12)[1]
    assert not found.cached, "nothing is kept of what was not finished"
    assert len(found.scores) == 12


@pytest.fixture(scope="module")
def half(api):
    api.load(str(EMBEDDED_FOLDER), dtype="bfloat16")
    return str(EMBEDDED_FOLDER)


@pytest.mark.parametrize("failure", ["not finite", "out of memory"])
def test_what_the_device_cannot_do_is_done_on_the_cpu_and_said_so(api, half, inspect, monkeypatch, failure):
    """The failures are injected: there is no such device here."""
    real, tries = gradients.gradient, []

    def failing(denoiser, embeddings, *more):
        tries.append((str(embeddings.dtype), len(embeddings)))
        if embeddings.dtype == torch.float32:
            return real(denoiser, embeddings, *more)
        if failure == "out of memory":
            raise torch.cuda.OutOfMemoryError("injected")
        values, found = real(denoiser, embeddings, *more)
        return values, found * float("nan")

    monkeypatch.setattr(gradients, "gradient", failing)
    session = api.create(model=half, tokens=(5, 60, 70, 80, 90))
    found = inspect(session.id, 5, token=50, method=ASK.METHOD_INTEGRATED_GRADIENTS, steps=4)[1]
    assert found.device == "cpu"
    assert "float32 on the CPU" in found.fallback_reason
    assert ("bfloat16" if failure == "not finite" else "memory") in found.fallback_reason
    assert any(score.score for score in found.scores)
    assert tries[-1] == ("torch.float32", 4)
    assert ("torch.bfloat16", 1) in tries or failure == "not finite", "smaller batches were tried before"


def test_a_model_that_cannot_be_looked_into_breaks_nothing(api, inspect):
    """The class of a model may not take what a method needs; the server lives on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradients, "gradient", lambda *more: None.nothing)
        refused = refusal(inspect.stub.Attribute, ASK(session_id=api.create().id, position=3,
                                                      method=ASK.METHOD_SALIENCY))
    assert refused.code == Code.FAILED_PRECONDITION
    assert refused.reason == "METHOD_NOT_SUPPORTED"
    assert api.step(api.create().id, 1)


def test_a_deadline_ends_it(api, fake, inspect):
    waiting = threading.Event()
    made = fake(before=lambda canvases: waiting.wait(WAIT))
    session = api.create(model=made.name)
    try:
        with pytest.raises(grpc.RpcError) as caught:
            list(inspect.stub.Attribute(ASK(session_id=session.id, position=3), timeout=0.5))
        assert caught.value.code() == Code.DEADLINE_EXCEEDED
    finally:
        waiting.set()
