"""Every refusal: its code, its reason, the field at fault; and the session is as it was."""

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode as Code

from inference_service.config import Config
from inference_service.errors import FailedPrecondition, PermissionDenied
from inference_service.rpc.server import Server
from tests.conftest import EXPECTED, GOLDEN
from tests.service.calls import WAIT, Api, read_refusal, refusal, settings
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import prompt_pb2, session_pb2
from unmask.v1 import session_service_pb2 as pb

MASK = EXPECTED["mask_token_id"]
LONG = "x" * 65
HUGE = "x" * 200_000

BY_SESSION = {
    "GetSession": lambda api, id: api.get(id),
    "Step": lambda api, id: api.step(id),
    "Select": lambda api, id: api.select(id, {3: 5}),
    "Rewind": lambda api, id: api.rewind(id, 0),
    "Predict": lambda api, id: api.predict(id),
    "GetCandidates": lambda api, id: api.candidates(id, [3]),
    "Propose": lambda api, id: api.propose(id),
    "WatchSession": lambda api, id: list(api.sessions.WatchSession(pb.WatchSessionRequest(session_id=id),
                                                                   timeout=WAIT)),
}


@pytest.fixture(scope="module")
def session(api):
    """One that has gone two steps, and is looked at before and after every refused call."""
    id = api.create((1, MASK, 3), 8, seed=1).id
    api.step(id, 2)
    return id


@pytest.fixture
def unchanged(api, session):
    before = api.standing(session)
    yield
    assert api.standing(session) == before


# ---- which session ----

@pytest.mark.parametrize("call", BY_SESSION.values(), ids=BY_SESSION)
def test_an_unknown_session_is_not_found(api, call):
    refused = refusal(call, api, "nobody")
    assert (refused.code, refused.reason) == (Code.NOT_FOUND, "SESSION_NOT_FOUND")
    assert refused.metadata == {"session_id": "nobody"}


@pytest.mark.parametrize("id", ["", LONG, HUGE])
@pytest.mark.parametrize("call", [*BY_SESSION.values(), lambda api, id: api.sessions.DeleteSession(
    pb.DeleteSessionRequest(session_id=id))], ids=[*BY_SESSION, "DeleteSession"])
def test_an_id_has_1_to_64_characters(api, call, id):
    refused = refusal(call, api, id)
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "1 to 64" in refused.fields["session_id"]


@pytest.mark.parametrize("call", BY_SESSION.values(), ids=BY_SESSION)
def test_an_expired_session_says_so(api, call):
    prompt = prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[1, 2, 3]))
    request = pb.CreateSessionRequest(prompt=prompt, length=4, ttl=Duration(nanos=1))
    id = api.sessions.CreateSession(request).session.id
    refused = refusal(call, api, id)
    assert (refused.code, refused.reason) == (Code.NOT_FOUND, "SESSION_EXPIRED")


# ---- fields of calls on a session ----

def some_open(api, session_id):
    return [list(api.get(session_id).canvas.states).index(session_pb2.Canvas.POSITION_STATE_OPEN)]



FIELDS = {
    "step: too many": (lambda a, s: a.step(s, 2**32 - 1), "count", "0 to 1000000"),
    "step: request id": (lambda a, s: a.step(s, request_id=LONG), "request_id", "0 to 64"),
    "step: sampler": (lambda a, s: a.step(s, settings=settings("best")), "settings.sampler", ", llada, "),
    "step: sampler of any length": (lambda a, s: a.step(s, settings=settings(HUGE)), "settings.sampler", "one of"),
    "step: unknown parameter": (lambda a, s: a.step(s, settings=settings(gen_length=8)),
                                "settings.parameters.gen_length", "no such parameter"),
    "step: steps": (lambda a, s: a.step(s, settings=settings(steps=0)), "settings.parameters.steps", "1 to 4096"),
    "step: part of a step": (lambda a, s: a.step(s, settings=settings(steps=1.5)), "settings.parameters.steps", "1.5"),
    "step: blocks": (lambda a, s: a.step(s, settings=settings(block_length=3)), "settings.parameters.block_length",
                     "must divide the length 8: one of 1, 2, 4, 8; got 3"),
    "step: steps of blocks": (lambda a, s: a.step(s, settings=settings(block_length=4, steps=3)),
                              "settings.parameters.steps", "multiple of the number of blocks, 2"),
    "step: hot": (lambda a, s: a.step(s, settings=settings(temperature=11)), "settings.parameters.temperature",
                  "0 to 10"),
    "step: not a number": (lambda a, s: a.step(s, settings=settings(temperature=float("nan"))),
                           "settings.parameters.temperature", "0 to 10"),
    "step: infinite": (lambda a, s: a.step(s, settings=settings(temperature=float("inf"))),
                       "settings.parameters.temperature", "0 to 10"),
    "step: a word": (lambda a, s: a.step(s, settings=settings(temperature="warm")), "settings.parameters.temperature",
                     "0 to 10"),
    "step: a word of any length": (lambda a, s: a.step(s, settings=settings(temperature=HUGE)),
                                   "settings.parameters.temperature", "0 to 10"),
    "step: a list": (lambda a, s: a.step(s, settings=settings(steps=[1])), "settings.parameters.steps", "1 to 4096"),
    "step: a record": (lambda a, s: a.step(s, settings=settings(steps={"a": 1})), "settings.parameters.steps",
                       "1 to 4096"),
    "step: nothing": (lambda a, s: a.step(s, settings=settings(temperature=None)), "settings.parameters.temperature",
                      "0 to 10"),
    "propose: parameter": (lambda a, s: a.propose(s, settings=settings(remasking="high")),
                           "settings.parameters.remasking", "low_confidence, random"),
    "propose: not a number": (lambda a, s: a.propose(s, settings=settings(cfg_scale=float("-inf"))),
                              "settings.parameters.cfg_scale", "0 to 10"),
    "select: nothing": (lambda a, s: a.select(s, {}), "selections", "at least one"),
    "select: beyond the canvas": (lambda a, s: a.select(s, {11: 1}), "selections.position", "0 to 10; got 11"),
    "select: far beyond": (lambda a, s: a.select(s, {2**32 - 1: 1}), "selections.position", "0 to 10"),
    "select: given": (lambda a, s: a.select(s, {5: 9, 0: 1}), "selections.position", "position 0 was given"),
    "select: given, to open": (lambda a, s: a.select(s, {2: None}), "selections.position", "choose from 1, 3 to 10"),
    "select: the mask": (lambda a, s: a.select(s, {5: MASK}), "selections.token", "leave the token out"),
    "select: no such token": (lambda a, s: a.select(s, {5: 512}), "selections.token", "0 to 511; got 512"),
    "select: far from a token": (lambda a, s: a.select(s, {5: 2**32 - 1}), "selections.token", "0 to 511"),
    "select: good and bad": (lambda a, s: a.select(s, {5: 7, 6: 512}), "selections.token", "0 to 511"),
    "select: twice": (lambda a, s: list(a.sessions.Select(pb.SelectRequest(
        session_id=s, selections=[pb.Selection(position=5, token=1)] * 2))), "selections.position", "twice"),
    "select: request id": (lambda a, s: a.select(s, {5: 1}, request_id=LONG), "request_id", "0 to 64"),
    "rewind: request id": (lambda a, s: a.rewind(s, 0, request_id=LONG), "request_id", "0 to 64"),
    "predict: given": (lambda a, s: a.predict(s, candidate_positions=[0]), "candidate_positions", "not open"),
    "predict: too many": (lambda a, s: a.predict(s, candidate_positions=[5] * 65), "candidate_positions", "0 to 64"),
    "predict: too wide": (lambda a, s: a.predict(s, candidate_positions=some_open(a, s), candidate_count=101),
                          "candidate_count", "0 to 100"),
    "candidates: none": (lambda a, s: a.candidates(s, []), "positions", "1 to 64"),
    "candidates: too many": (lambda a, s: a.candidates(s, [5] * 65), "positions", "1 to 64"),
    "candidates: too wide": (lambda a, s: a.candidates(s, some_open(a, s), count=101), "count", "0 to 100"),
    "candidates: beyond": (lambda a, s: a.candidates(s, [11]), "positions", "not open"),
}


@pytest.mark.parametrize(("call", "field", "words"), FIELDS.values(), ids=FIELDS)
def test_a_wrong_field_is_named_with_its_range(api, session, unchanged, call, field, words):
    refused = refusal(call, api, session)
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert list(refused.fields) == [field]
    assert words in refused.fields[field]
    assert refused.message.startswith(field)
    assert len(refused.message) < 2000


def test_a_committed_position_has_no_candidates(api, session, unchanged):
    states = list(api.get(session).canvas.states)
    refused = refusal(api.candidates, session, [states.index(session_pb2.Canvas.POSITION_STATE_COMMITTED)])
    assert "not open at this revision" in refused.fields["positions"]


REVISIONS = {
    "get": (lambda a, s, r: a.get(s, r), "revision"),
    "rewind": (lambda a, s, r: a.rewind(s, r), "revision"),
    "predict": (lambda a, s, r: a.predict(s, revision=r), "revision"),
    "candidates": (lambda a, s, r: a.candidates(s, [5], revision=r), "revision"),
    "watch": (lambda a, s, r: list(a.sessions.WatchSession(
        pb.WatchSessionRequest(session_id=s, after_revision=r), timeout=WAIT)), "after_revision"),
}


@pytest.mark.parametrize("revision", [-1, 3, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize(("call", "field"), REVISIONS.values(), ids=REVISIONS)
def test_a_revision_that_does_not_exist(api, session, unchanged, call, field, revision):
    refused = refusal(call, api, session, revision)
    assert (refused.code, refused.reason) == (Code.OUT_OF_RANGE, "REVISION_OUT_OF_RANGE")
    assert "0 to 2" in refused.fields[field]
    assert refused.metadata == {"head_revision": "2"}


@pytest.mark.parametrize("call", [lambda a, s, r: a.step(s, expected_revision=r),
                                  lambda a, s, r: a.select(s, {5: 1}, expected_revision=r),
                                  lambda a, s, r: a.rewind(s, 0, expected_revision=r)])
@pytest.mark.parametrize("revision", [1, 3, -1])
def test_an_expected_revision_that_is_not_the_newest(api, session, unchanged, call, revision):
    refused = refusal(call, api, session, revision)
    assert (refused.code, refused.reason) == (Code.ABORTED, "REVISION_MISMATCH")
    assert refused.metadata == {"actual_revision": "2"}


def test_the_expected_revision_that_is(api):
    id = api.create().id
    api.step(id, 1, expected_revision=0)
    api.select(id, {10: 3}, expected_revision=1)
    api.rewind(id, 0, expected_revision=2)


def test_a_complete_canvas_has_nothing_to_do(api):
    id = api.create().id
    api.step(id)
    before = api.standing(id)
    for call in (api.step, api.predict, api.propose):
        refused = refusal(call, id)
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "CANVAS_COMPLETE")
    assert "positions" in refusal(api.candidates, id, [5]).fields
    assert api.standing(id) == before


# ---- creating ----

def create(api, **fields):
    fields.setdefault("prompt", prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=[1, 2, 3])))
    return api.sessions.CreateSession(pb.CreateSessionRequest(**fields))


def tokens(ids):
    return prompt_pb2.Prompt(tokens=prompt_pb2.TokenList(ids=ids))


def said(content, role="user"):
    return prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=[prompt_pb2.Message(role=role, content=content)]))


CREATES = {
    "no prompt": ({"prompt": None}, "prompt", "chat, text or tokens"),
    "no such token": ({"prompt": tokens([1, 512])}, "prompt.tokens.ids", "0 to 511; got 512"),
    "too long a prompt": ({"prompt": tokens([1] * 512)}, "prompt", "at most 511 tokens"),
    "far too long a prompt": ({"prompt": tokens([1] * 100_000)}, "prompt", "at most 511 tokens"),
    "too long a prompt of holes": ({"prompt": tokens([MASK] * 513)}, "prompt", "at most 512"),
    "length 0": ({"length": 0}, "length", "1 to 509"),
    "too long": ({"length": 510}, "length", "from 1 to 509: the context has 512 positions and the prompt takes 3"),
    "far too long": ({"length": 2**32 - 1}, "length", "1 to 509"),
    "too long after holes": ({"prompt": tokens([MASK]), "length": 512}, "length", "0 to 511"),
    "block": ({"length": 32, "settings": settings(block_length=5)}, "settings.parameters.block_length",
              "must divide the length 32"),
    "steps": ({"length": 32, "settings": settings(block_length=8, steps=6)}, "settings.parameters.steps", "blocks, 4"),
    "sampler": ({"settings": settings("best")}, "settings.sampler", ", llada, "),
    "a parameter's name of any length": ({"settings": settings(**{HUGE: 1})}, None, "no such parameter"),
    "ttl 0": ({"ttl": Duration()}, "ttl", "longer than 0"),
    "ttl below 0": ({"ttl": Duration(seconds=-5)}, "ttl", "longer than 0"),
    "request id": ({"request_id": LONG}, "request_id", "0 to 64"),
    "a role": ({"prompt": said("?", role="robot")},
               "prompt.chat.messages[0].role", "one of system, user, assistant"),
    "a role of any length": ({"prompt": said("", role=HUGE)},
                             "prompt.chat.messages[0].role", "one of system, user, assistant"),
}


@pytest.mark.parametrize(("fields", "field", "words"), CREATES.values(), ids=CREATES)
def test_a_session_that_cannot_be(api, fields, field, words):
    refused = refusal(create, api, **fields)
    assert (refused.code, refused.reason) == (Code.INVALID_ARGUMENT, "INVALID_FIELD")
    assert field is None or list(refused.fields) == [field]
    assert words in " ".join(refused.fields.values())


def test_no_messages_is_no_conversation(api, words):
    refused = refusal(create, api, model=words, prompt=prompt_pb2.Prompt(chat=prompt_pb2.Chat()))
    assert refused.code == Code.INVALID_ARGUMENT
    assert "at least one message" in " ".join(refused.fields.values())


@pytest.mark.parametrize("prompt", [prompt_pb2.Prompt(text="hello"), prompt_pb2.Prompt(text=""), said("hello")])
def test_text_needs_a_tokenizer(api, prompt):
    refused = refusal(create, api, prompt=prompt)
    assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "NO_TOKENIZER")


@pytest.mark.parametrize("name", ["nobody", "/etc", HUGE])
def test_an_unknown_model_is_not_found(api, name):
    for call in (lambda: create(api, model=name), lambda: api.models.GetModel(models_pb.GetModelRequest(name=name)),
                 lambda: api.models.Tokenize(models_pb.TokenizeRequest(model=name, text="x")),
                 lambda: api.models.Detokenize(models_pb.DetokenizeRequest(model=name, ids=[1]))):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")


# ---- lists ----

@pytest.mark.parametrize(("fields", "field"), [({"page_size": 201}, "page_size"), ({"page_token": "?"}, "page_token"),
                                               ({"page_token": "é"}, "page_token"), ({"page_token": "bmFuIHg="},
                                               "page_token"), ({"page_token": HUGE}, "page_token")])
def test_a_page_that_cannot_be(api, fields, field):
    refused = refusal(api.sessions.ListSessions, pb.ListSessionsRequest(**fields))
    assert refused.code == Code.INVALID_ARGUMENT
    assert list(refused.fields) == [field]


# ---- bytes ----

def raw(api, method, data):
    call = api.channel.unary_unary(f"/unmask.v1.SessionService/{method}", lambda data: data, lambda data: data)
    return call(data, timeout=WAIT)


@pytest.mark.parametrize("data", [b"\x0a\x02\xff\xfe", b"\x0a\xff", b"not a message at all", b"\x00"])
def test_bytes_that_are_no_message(api, session, unchanged, data):
    """Text that is not UTF-8, a length beyond the end, and noise."""
    with pytest.raises(grpc.RpcError) as caught:
        raw(api, "GetSession", data)
    assert caught.value.code() in (Code.UNKNOWN, Code.INTERNAL, Code.INVALID_ARGUMENT), "grpc's own answer"


def test_fields_of_a_later_version_are_passed_over(api, session):
    data = pb.GetSessionRequest(session_id=session).SerializeToString() + b"\xfa\x3f\x03new" + b"\xf0\x3f\x07"
    assert pb.GetSessionResponse.FromString(raw(api, "GetSession", data)).session.id == session


def test_methods_and_services_that_do_not_exist(api):
    for path in ("/unmask.v1.SessionService/Explode", "/unmask.v2.SessionService/Step", "/nothing"):
        with pytest.raises(grpc.RpcError) as caught:
            api.channel.unary_unary(path, lambda data: data, lambda data: data)(b"", timeout=WAIT)
        assert caught.value.code() == Code.UNIMPLEMENTED


def test_ten_megabytes_are_refused_and_survived(api, session, unchanged):
    for call in (lambda: create(api, prompt=prompt_pb2.Prompt(text="x" * 10_000_000)),
                 lambda: api.select(session, {5: 1}, request_id="x" * 10_000_000)):
        codes = (refusal(call).code for _ in range(3))  # a connection may be at its greatest age, and is made anew
        assert next(code for code in codes if code != Code.UNAVAILABLE) == Code.RESOURCE_EXHAUSTED
    assert api.get(session).id == session


# ---- limits of a server ----

def test_no_more_sessions_than_the_server_keeps(serve):
    with serve(max_sessions=2) as server:
        api = Api(server)
        api.load("")
        kept = [api.create().id for _ in range(2)]
        refused = refusal(api.create)
        assert (refused.code, refused.reason) == (Code.RESOURCE_EXHAUSTED, "SESSION_LIMIT")
        api.sessions.DeleteSession(pb.DeleteSessionRequest(session_id=kept[0]))
        assert api.create().id


def test_before_its_model_is_loaded_a_server_says_so(serve):
    with serve() as server:
        api = Api(server)
        refused = refusal(api.create)
        assert (refused.code, refused.reason) == (Code.FAILED_PRECONDITION, "MODEL_NOT_LOADED")
        model, = [model for model in api.models.ListModels(models_pb.ListModelsRequest()).models if model.is_default]
        assert (model.name, model.state) == (str(GOLDEN), models_pb.Model.STATE_UNLOADED)
        refused = refusal(api.get, "x")
        assert refused.reason == "SESSION_NOT_FOUND"


async def test_a_server_that_others_can_reach_is_refused(tmp_path):
    with pytest.raises(PermissionDenied) as caught:
        Server(Config(host="0.0.0.0", store=str(tmp_path / "s")))
    assert caught.value.reason == "INSECURE_BIND"


async def test_a_store_that_is_none_is_told_in_one_line(tmp_path):
    with pytest.raises(FailedPrecondition) as caught:
        Server(Config(store=str(tmp_path), port=0))
    assert "\n" not in caught.value.message
    assert caught.value.reason == "STORE_UNREADABLE"


def test_what_is_no_error_of_ours_says_no_more_than_that(api, monkeypatch):
    def broken(*arguments):
        raise KeyError("/secret/path")

    monkeypatch.setattr(api.server._sessions, "page", broken)
    with pytest.raises(grpc.RpcError) as caught:
        api.sessions.ListSessions(pb.ListSessionsRequest())
    refused = read_refusal(caught.value)
    assert (refused.code, refused.reason) == (Code.INTERNAL, "INTERNAL")
    assert "secret" not in refused.message
