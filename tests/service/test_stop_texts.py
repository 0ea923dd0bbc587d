"""Stop texts, and letters of several tokens, as a client of the service has them."""

from dataclasses import replace

import pytest
import torch

import unmask
from inference_service.embedded import EMBEDDED_CAUSAL
from inference_service.models.attention import Causal
from inference_service.models.text import Text
from tests.fakes import FakeDenoiser
from tests.models.tiny_checkpoints import write_tokenizer
from tests.service.calls import refusal, settings
from unmask.v1 import frame_pb2, prompt_pb2
from unmask.v1 import model_service_pb2 as models_pb
from unmask.v1 import session_service_pb2 as pb

STOPPED, LENGTH = frame_pb2.STOP_REASON_STOP_SEQUENCE, frame_pb2.STOP_REASON_MAX_TOKENS


class Dictated(FakeDenoiser):
    """Reads from left to right and writes a given text behind a prompt of one token."""

    def __init__(self, name: str, text: Text, written: str):
        super().__init__(name)
        self.info = replace(self.info, vocabulary_size=261, mask_token=None, eos_token=256, eot_token=None,
                            forbidden_tokens=(), attention=Causal(), default_sampler="autoregressive")
        self.text, self.written = text, text.encode(written)

    def logits(self, canvases, positions, keys=(), starts=()):
        tokens = [self.written[position - 1] for wanted in positions for position in wanted]
        rows = torch.nn.functional.one_hot(torch.tensor(tokens), self.info.vocabulary_size).float() * 9
        return list(rows.split([len(wanted) for wanted in positions]))


@pytest.fixture(scope="module")
def bytewise(tmp_path_factory):
    """A tokenizer with a token for each byte."""
    return Text.read(write_tokenizer(tmp_path_factory.mktemp("bytewise")))


@pytest.fixture
def written(api, bytewise, made_up_models):
    """written(text, stop, ...): what a session has of a text that is dictated, and why it stopped."""

    def run(text, stop, length=None, prompt="x"):
        name = f"dictated-{len(made_up_models)}"
        made_up_models[name] = lambda progress, cancelled: Dictated(name, bytewise, text)
        api.server.library.load(name)
        session = api.sessions.CreateSession(pb.CreateSessionRequest(
            model=name, prompt=prompt_pb2.Prompt(text=prompt), length=length or len(text.encode()),
            settings=settings(stop=stop))).session
        frame = api.step(session.id)[-1]
        return api.server.library.get(name).text.decode(api.tokens(session.id)[1:]), frame.summary.stop_reason

    return run


@pytest.mark.parametrize("letter", [
    "\u00e9", "\u00f6", "\u8a9e", "\U0001f600", "e\u0301", "\U0001f469\u200d\U0001f4bb"])
def test_a_letter_of_several_tokens_stops(written, letter):
    assert written(f"ab {letter} cd", [letter]) == (f"ab {letter}", STOPPED)


@pytest.mark.parametrize(("text", "stop", "expected"), [
    ("a\u00e9\u00e9t", ["\u00e9\u00e9"], "a\u00e9\u00e9"),
    ("caf\u00e9s", ["xx", "\u00e9s", "f\u00e9"], "caf\u00e9"),
    ("\u20ac\u00e9", ["\u00e9"], "\u20ac\u00e9"),
    ("a\ufffdb", ["\ufffd"], "a\ufffd"),
])
def test_it_stops_with_the_last_of_its_tokens(written, text, stop, expected):
    assert written(text, stop) == (expected, STOPPED)


@pytest.mark.parametrize(("text", "stop", "length", "expected"), [
    ("a\u00e9b", ["\ufffd"], None, "a\u00e9b"),
    ("a\U0001f600", ["\ufffd", "\U0001f600"], 4, "a\ufffd"),
    ("a\u00e9", ["\ufffd"], 2, "a\ufffd"),
    ("\u20acb", ["\u00ac"], None, "\u20acb"),
])
def test_half_a_letter_is_no_letter(written, text, stop, length, expected):
    assert written(text, stop, length) == (expected, LENGTH)


def test_what_begins_in_the_prompt_does_not_stop(written):
    assert written("he end", ["the"], prompt="t") == ("he end", LENGTH)


def test_halves_around_an_open_position_are_no_letter(api, words):
    with unmask.connect(api.server.address) as client:
        half, rest = (token.id for token in client.tokenize("\u00e9", words))
        session = client.create([1], model=words, length=4)
        api.select(session.id, {1: half, 3: rest})
        assert session.text == client.detokenize([None, half, None, rest], words) == "\ufffd\ufffd"
        api.select(session.id, {2: rest})
        assert session.text == "\u00e9\ufffd"
        assert client.detokenize([half, rest, None], words) == "\u00e9"


@pytest.mark.parametrize(("open_before", "expected"), [
    ([], "\u00e9"), ([0], "\u00e9"), ([1], "\ufffd\ufffd"), ([1, 1], "\ufffd\ufffd"), ([2], "\u00e9")])
def test_where_open_positions_are(api, words, open_before, expected):
    ids = [token.id for token in api.models.Tokenize(models_pb.TokenizeRequest(model=words, text="\u00e9")).tokens]
    asked = models_pb.DetokenizeRequest(model=words, ids=ids, open_before=open_before)
    assert api.models.Detokenize(asked).text == expected


def test_an_open_position_behind_the_last_id_is_refused(api, words):
    asked = models_pb.DetokenizeRequest(model=words, ids=[1, 2], open_before=[3])
    assert "from 0 to 2" in refusal(api.models.Detokenize, asked).fields["open_before"]


def test_a_real_model_stops_there_too(api):
    """The letter is put there by the user, its last byte by the model's only choice."""
    api.load(EMBEDDED_CAUSAL)
    half, _ = (token.id for token in api.models.Tokenize(models_pb.TokenizeRequest(
        model=EMBEDDED_CAUSAL, text="\u00e9")).tokens)
    made = pb.CreateSessionRequest(model=EMBEDDED_CAUSAL, prompt=prompt_pb2.Prompt(text="caf"), length=8,
                                   settings=settings(stop=["\u00e9"]))
    made.settings.constraint.regex = "\u00e9.*"
    session = api.sessions.CreateSession(made).session
    frames = api.step(session.id)
    assert frames[-1].summary.stop_reason == STOPPED and len(frames) == 2
    assert api.tokens(session.id)[-2] == half
