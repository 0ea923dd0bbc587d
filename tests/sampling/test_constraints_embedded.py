"""The embedded model under constraints: the surest allowed token first, until nothing is open."""

import json
import re

import pytest

from inference_service.embedded import EMBEDDED_FOLDER
from inference_service.models.loading import load
from inference_service.sampling.constraints.compile import compiled
from inference_service.sampling.constraints.spec import Progress, Spec
from inference_service.sampling.constraints.vocabulary import Vocabulary

SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},
                                           "age": {"type": "integer", "minimum": 1, "maximum": 99},
                                           "pet": {"enum": ["cat", "dog"]}}, "required": ["name", "age"]}
GRAMMAR = 'start: "(" start ")" | start "+" start | /[0-9]{1,2}/'


@pytest.fixture(scope="module")
def model():
    return load(str(EMBEDDED_FOLDER))


@pytest.fixture(scope="module")
def vocabulary(model):
    pieces = [model.text.token(id) for id in range(model.info.vocabulary_size)]
    ends = {model.info.eos_token, model.info.eot_token} - {None}
    return Vocabulary([b"" if piece.special else piece.bytes for piece in pieces], ends)


def logits_of(model, prompt, canvas):
    """The open positions, and what the model says of them, float32 [N, V]."""
    opened = [place for place, token in enumerate(canvas) if token is None]
    ids = prompt + [model.info.mask_token if token is None else token for token in canvas]
    return opened, model.logits([ids], [[len(prompt) + place for place in opened]])[0].float()


def text_of(vocabulary, canvas):
    return b"".join(vocabulary.pieces[token] for token in canvas).decode()


def ask(model):
    return model.text.chat([{"role": "user", "content": "Tell me about Tom as a record."}])


@pytest.mark.parametrize("spec", [
    Spec("json_schema", json.dumps(SCHEMA)), Spec("choice", ("a red kite", "no", "the green door of the house")),
    Spec("regex", r"[A-Z][a-z]+ is \d{2}(?: years old)?\.")], ids=lambda spec: spec.kind)
@pytest.mark.parametrize("length", [24, 40])
def test_a_regular_constraint_is_met_whatever_the_model_would_write(model, vocabulary, spec, length):
    found, canvas = compiled(spec, vocabulary).any_order(), [None] * length
    assert found.feasible(canvas)
    while None in canvas:
        opened, logits = logits_of(model, ask(model), canvas)
        logits = logits.masked_fill(~found.allowed(canvas, opened), -float("inf"))
        row = int(logits.softmax(-1).amax(-1).argmax())
        canvas[opened[row]] = int(logits[row].argmax())
    assert found.progress(canvas) is Progress.COMPLETE
    text = text_of(vocabulary, canvas)
    if spec.kind == "json_schema":
        value = json.loads(text)
        assert set(value) <= {"name", "age", "pet"} and 1 <= value["age"] <= 99 and len(value["name"]) <= 12
    else:
        assert text in spec.value if spec.kind == "choice" else re.fullmatch(spec.value, text)


def test_a_grammar_is_met_whatever_the_model_would_write(model, vocabulary):
    found, canvas = compiled(Spec("grammar", GRAMMAR), vocabulary).any_order(), [None] * 12
    opened, logits = logits_of(model, ask(model), canvas)
    witness = found.search(canvas, dict(zip(opened, logits)))
    while None in canvas:
        opened, logits = logits_of(model, ask(model), canvas)
        rows = dict(zip(opened, logits))
        place = opened[int(logits.softmax(-1).amax(-1).argmax())]
        for token in [*rows[place].topk(3).indices.tolist(), witness[place]]:
            if (new := found.admit(canvas, place, token, witness, rows)) is not None:
                break
        canvas[place], witness = token, new
    assert found.matches(canvas)
    left, before = re.sub("[0-9]{1,2}", "n", text_of(vocabulary, canvas)), ""
    while left != before:
        left, before = re.sub(r"\(n\)|n\+n", "n", left), left
    assert left == "n"
