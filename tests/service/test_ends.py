"""A checkpoint that lists several end ids: a text and a turn end at each of them, on both kinds of model."""

import pytest

from tests.ending import ending_at_stops, stop_of
from tests.service.calls import settings
from unmask.v1 import edit_pb2, frame_pb2, prompt_pb2
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

STORY = "Tell me a story."


@pytest.fixture(scope="module", params=[False, True], ids=["both ways", "left to right"])
def model(request, api, tmp_path_factory):
    """A model that ends at the full stop too, as the server describes it."""
    folder = ending_at_stops(tmp_path_factory.mktemp("ends") / "model", causal=request.param)
    api.load(str(folder), family="causal" if request.param else "")  # its tokenizer has a mask
    told = api.models.GetModel(models_pb.GetModelRequest(name=str(folder))).model
    assert told.attention.append_only == request.param
    return told, stop_of(folder)


def said(text):
    return prompt_pb2.Prompt(chat=prompt_pb2.Chat(messages=[prompt_pb2.Message(role="user", content=text)]))


def created(api, name, length=32, **parameters):
    return api.sessions.CreateSession(pb.CreateSessionRequest(
        model=name, prompt=said(STORY), length=length, settings=settings(seed=5, **parameters))).session


def text_of(api, session):
    return list(api.get(session.id).canvas.tokens)[session.prompt_length:]


def test_the_model_lists_every_end(model):
    told, stop = model
    assert list(told.end_tokens) == [told.eos_token, told.eot_token, stop]
    assert len({told.eos_token, told.eot_token, stop}) == 3


def test_a_text_ends_at_the_second(api, model):
    told, stop = model
    way = {} if told.attention.append_only else {"sampler": "left_to_right", "early_stop": True}
    session = created(api, told.name, **way)
    last = api.step(session.id)[-1]
    text = text_of(api, session)
    at = text.index(stop)
    assert 0 < at == last.summary.tokens_before_end
    if not told.attention.append_only:
        assert text[at + 1:] == [told.eos_token] * (len(text) - at - 1) != []
    else:
        assert at == len(text) - 1 and last.summary.stop_reason == frame_pb2.STOP_REASON_END


def test_a_turn_is_appended_where_the_second_end_stands(api, model):
    told, stop = model
    session = created(api, told.name, length=32, **({} if told.attention.append_only else {"sampler": "left_to_right"}))
    api.step(session.id)
    before = text_of(api, session)
    kept = before[:before.index(stop)]
    edit = edit_pb2.Edit(append=edit_pb2.AppendTurn(turn=said("What then?"), length=4))
    list(api.sessions.Edit(pb.EditRequest(session_id=session.id, edits=[edit])))
    after = text_of(api, session)
    assert after[:len(kept)] == kept and stop not in after[:len(kept) + 1]


def test_no_end_of_text_where_none_is_to_be_generated(api, model):
    told, stop = model
    session = created(api, told.name, length=24, logits_eos_inf=True)
    api.step(session.id)
    assert not {stop, told.eos_token} & set(text_of(api, session))
