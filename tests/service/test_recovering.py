"""Recover on a real socket: texts, totals and tables, cancelling, and errors by field."""

import csv
import json
import threading

import pytest
from grpc import StatusCode as Code
from typer.testing import CliRunner

import unmask
from inference_service.inspection.corruption import corrupt
from inference_service.models.importers.nanogpt import import_nanogpt
from inference_service.models.text import Text
from inference_service.sampling.noise import Noise
from tests.models import nanogpt_checkpoint
from tests.service.calls import WAIT, refusal, settings
from tests.service.inspecting import inspection, write_causal
from unmask.cli import app
from unmask.recovered import COLUMNS
from unmask.v1 import inspection_service_pb2 as pb
from unmask.v1 import session_service_pb2 as sessions_pb
from unmask.v1.constraint_pb2 import Constraint
from unmask.v1.prompt_pb2 import Prompt, TokenList
from unmask.v1.settings_pb2 import Settings

TEXTS = ["Tom had a red kite.", "Mia went to the park with a blue ball.", "1284"]
KINDS = {"random": pb.RecoverRequest.CORRUPTION_RANDOM, "sticky": pb.RecoverRequest.CORRUPTION_STICKY,
         "fragment": pb.RecoverRequest.CORRUPTION_FRAGMENT, "mixed": pb.RecoverRequest.CORRUPTION_MIXED}


def recover(api, texts=TEXTS, **more):
    return list(inspection(api).Recover(pb.RecoverRequest(texts=texts, **more), timeout=WAIT))


def texts_of(messages):
    return sorted((message.text for message in messages if message.HasField("text")),
                  key=lambda text: (text.model, text.index))


def totals_of(messages):
    return [message.total for message in messages if message.HasField("total")]


@pytest.fixture(scope="module")
def nanogpt(api, tmp_path_factory):
    """A character-level model of the nanoGPT line, imported."""
    folder = tmp_path_factory.mktemp("nanogpt")
    import_nanogpt(*nanogpt_checkpoint.write(folder), folder / "out")
    api.server.library.load(str(folder / "out"))
    return str(folder / "out")


# ---- what is told ----

@pytest.mark.parametrize("kind", KINDS)
def test_every_text_is_corrupted_as_asked_and_restored(api, words, kind):
    model = api.server.library.get(words)
    messages = recover(api, models=[words], corruption=KINDS[kind], ratio=0.3, rounds=4,
                       settings=settings("llada", seed=7))
    told = texts_of(messages)
    assert [text.index for text in told] == [0, 1, 2]
    for text, written in zip(told, TEXTS, strict=True):
        original, restored = list(text.original), list(text.restored)
        assert original == model.text.encode(written) and len(restored) == len(original)
        used, masked = corrupt(len(original), kind, 0.3, 4, Noise(7, text.index))
        assert list(text.masked) == masked
        assert text.corruption == KINDS[used]
        assert all(original[place] == restored[place] for place in range(len(original)) if place not in masked)
        assert model.info.mask_token not in restored
        assert text.right == sum(original[place] == restored[place] for place in masked)
        assert text.accuracy == text.right / len(masked)
        assert 0 < text.mean_probability <= 1 and 1 <= text.forward_count <= len(masked)
    total, = totals_of(messages)
    assert (total.model, total.texts) == (words, 3)
    assert total.masked == sum(len(text.masked) for text in told)
    assert total.right == sum(text.right for text in told)
    assert total.accuracy == total.right / total.masked


def test_progress_counts_texts_and_the_total_comes_last(api, words):
    messages = recover(api, models=[words])
    kinds = [message.WhichOneof("event") for message in messages]
    assert kinds == ["progress", *["text", "progress"] * 3, "total"]
    assert [(message.progress.done, message.progress.total) for message in messages if
            message.HasField("progress")] == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_the_same_call_gives_the_same_answer_and_a_seed_another(api, words):
    asked = {"models": [words], "corruption": KINDS["mixed"]}
    free = settings("llada", temperature=1.0)
    free.ClearField("seed")
    first, again = (texts_of(recover(api, settings=free, **asked)) for _ in range(2))
    zero, other = (texts_of(recover(api, settings=settings("llada", seed, temperature=1.0), **asked))
                   for seed in (0, 1))
    # Which texts share a pass is not the same twice, and with it the last bits of a probability.
    for more in (again, zero):
        assert [text.mean_probability for text in more] == pytest.approx([text.mean_probability for text in first])
    assert told(first) == told(again) == told(zero)
    assert told(first) != told(other)


def told(texts):
    """All that a text says but how probable it was."""
    for text in texts:
        text.ClearField("mean_probability")
    return texts


def test_a_text_comes_out_as_a_session_with_its_holes_does(api, words):
    told = texts_of(recover(api, models=[words], settings=settings("llada", seed=3, temperature=1.0)))[1]
    mask = api.server.library.get(words).info.mask_token
    holed = [mask if place in set(told.masked) else token for place, token in enumerate(told.original)]
    session = api.sessions.CreateSession(sessions_pb.CreateSessionRequest(
        model=words, prompt=Prompt(tokens=TokenList(ids=holed)), length=0,
        settings=settings("llada", seed=3, temperature=1.0))).session
    api.step(session.id)
    assert api.tokens(session.id) == list(told.restored)


def test_a_prompt_stands_before_the_texts_and_is_not_masked(api, words):
    asked = Prompt(text="Reverse the digits 482135.")
    told, = texts_of(recover(api, ["531284"], models=[words], ratio=1.0, prompt=asked))
    assert list(told.masked) == list(range(len(told.original)))
    without, = texts_of(recover(api, ["531284"], models=[words], ratio=1.0))
    assert list(told.restored) != list(without.restored)


def test_models_in_turn_each_with_its_own_tokens(api, words, nanogpt):
    texts = ["To be, or not to be", "that is the question"]
    messages = recover(api, texts, models=[words, nanogpt])
    kinds = [message.text.model for message in messages if message.HasField("text")]
    assert kinds == [words, words, nanogpt, nanogpt]
    assert [(total.model, total.texts) for total in totals_of(messages)] == [(words, 2), (nanogpt, 2)]
    by_character = [text for text in texts_of(messages) if text.model == nanogpt]
    assert [len(text.original) for text in by_character] == list(map(len, texts))


def test_an_imported_model_restores_text_in_a_session(api, nanogpt):
    session = api.sessions.CreateSession(sessions_pb.CreateSessionRequest(
        model=nanogpt, prompt=Prompt(text="To be[[mask:4]]not to be:\n"), length=6, settings=settings(seed=1))).session
    assert session.settings.sampler == "predict_remask"
    api.step(session.id)
    tokens, text = api.tokens(session.id), api.server.library.get(nanogpt).text
    assert len(tokens) == 5 + 4 + 11 + 6
    assert max(tokens) < len(nanogpt_checkpoint.CHARACTERS), "neither the mask nor what is reserved behind it"
    assert isinstance(text, Text)
    written = text.decode(tokens)
    assert written.startswith("To be") and written[9:20] == "not to be:\n" and len(written) == 26


def test_many_texts_at_once(api, words):
    messages = recover(api, TEXTS * 33 + ["4"], models=[words], settings=settings("llada", steps=1))
    assert totals_of(messages)[0].texts == 100
    told = texts_of(messages)
    assert [text.index for text in told] == list(range(100))
    assert {text.forward_count for text in told} == {1}


def test_a_call_that_is_cancelled_ends_its_work(api, fake, monkeypatch):
    reached, go_on = threading.Event(), threading.Event()

    def before(canvases):
        reached.set()
        go_on.wait(WAIT)

    class Digits:
        longest_token = 1

        def encode(self, text, field="text", **how):
            return [int(digit) for digit in text]

    model = fake(before=before)
    monkeypatch.setattr(model.model, "text", Digits(), raising=False)
    call = inspection(api).Recover(pb.RecoverRequest(models=[model.name], texts=["123456789"] * 100), timeout=WAIT)
    assert reached.wait(WAIT)
    call.cancel()
    go_on.set()
    assert api.step(api.create().id), "the engine has room"
    passes = len(model.model.calls)
    assert api.step(api.create().id)
    assert len(model.model.calls) == passes < 20, "of 400"


# ---- what is refused ----

@pytest.mark.parametrize("more, field", [
    ({"texts": []}, "texts"),
    ({"texts": ["a"] * 101}, "texts"),
    ({"texts": ["a", ""]}, "texts[1]"),
    ({"texts": ["a", "word " * 400]}, "texts[1]"),
    ({"ratio": 0.0}, "ratio"),
    ({"ratio": 1.01}, "ratio"),
    ({"ratio": float("nan")}, "ratio"),
    ({"rounds": 65}, "rounds"),
    ({"corruption": 9}, "corruption"),
    ({"prompt": Prompt(text="a[[mask]]")}, "prompt"),
    ({"settings": settings("no-such")}, "settings.sampler"),
    ({"settings": settings("llada", steps=0)}, "settings.parameters.steps"),
    ({"settings": Settings(constraint=Constraint(regex="a*"))}, "settings.constraint"),
])
def test_a_field_that_is_wrong(api, words, more, field):
    told = refusal(recover, api, **{"texts": TEXTS, "models": [words], **more})
    assert told.code == Code.INVALID_ARGUMENT and list(told.fields) == [field]


def test_the_mask_in_a_text(api, words, nanogpt):
    told = refusal(recover, api, ["To <|mask|>"], models=[nanogpt])
    assert list(told.fields) == ["texts[0]"]


def test_a_character_that_a_model_has_not(api, nanogpt):
    told = refusal(recover, api, ["To be", "Zoe"], models=[nanogpt])
    assert list(told.fields) == ["texts[1]"] and "'Z'" in told.fields["texts[1]"]


def test_left_to_right_cannot_restore(api, words, tmp_path):
    write_causal(tmp_path / "causal")
    name = str(tmp_path / "causal")
    api.server.library.load(name)
    told = refusal(recover, api, models=[words, name])
    assert told.code == Code.INVALID_ARGUMENT and list(told.fields) == ["models[1]"]


def test_a_model_without_a_tokenizer_or_not_loaded(api):
    assert refusal(recover, api).reason == "NO_TOKENIZER"
    assert refusal(recover, api, models=["nothing-there"]).reason in ("MODEL_NOT_LOADED", "MODEL_NOT_FOUND")


# ---- from Python and from a shell ----

def test_the_client_and_its_table(api, words, nanogpt):
    told = []
    with unmask.connect(api.server.address) as client:
        recovered = client.recover(["To be, or not", "that is"], models=[words, nanogpt], corruption="mixed", ratio=0.5,
                                   sampler="llada", seed=4, steps=1, progress=told.append)
        with pytest.raises(ValueError, match="random, sticky, fragment, mixed"):
            client.recover(["a"], corruption="none")
    assert len(recovered.texts) == 4 and len(recovered.totals) == 2 and told
    rows = list(csv.DictReader(recovered.csv().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["model"], row["index"]) for row in rows] == [
        (words, "0"), (words, "1"), (nanogpt, "0"), (nanogpt, "1")]
    for row in rows:
        assert int(row["right"]) / int(row["masked"]) == pytest.approx(float(row["accuracy"]))
        assert int(row["masked"]) / int(row["tokens"]) == pytest.approx(float(row["ratio"]))
        assert 0 < float(row["mean_probability"]) <= 1 and row["forward_count"] == "1"
        assert row["corruption"] in ("random", "sticky", "fragment")


def run(api, *arguments):
    return CliRunner().invoke(app, ["recover", "--server", api.server.address, *arguments])


def test_the_command(api, words, tmp_path):
    (tmp_path / "texts").write_text("Tom had a red kite.\n\nMia\\nTom\n", encoding="utf-8")
    asked = ("1284", "--file", str(tmp_path / "texts"), "--model", words, "--seed", "2", "--corruption", "fragment",
             "--ratio", "0.5", "--set", "steps=1", "--sampler", "llada")
    told = json.loads(run(api, *asked, "--json", "--csv", str(tmp_path / "table.csv")).stdout)
    text = api.server.library.get(words).text
    assert [one["original"] for one in told["texts"]] == [
        text.encode("1284"), text.encode("Tom had a red kite."), text.encode("Mia\nTom")]
    assert told["totals"][0]["masked"] == sum(one["masked"] for one in told["texts"])
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [int(row["right"]) for row in rows] == [one["right"] for one in told["texts"]]
    shown = run(api, *asked).stdout
    assert "accuracy" in shown and f"{told['totals'][0]['accuracy']:.1%}" in shown


@pytest.mark.parametrize("arguments, told", [
    (("a", "--corruption", "odd"), "must be one of random, sticky, fragment, mixed"),
    (("a", "--file", "/no/such/file"), "cannot be read"),
    ((), "texts: must be 1 to 100"),
    (("a", "--csv", "/no/such/folder/table.csv"), "cannot be written"),
])
def test_the_command_says_what_is_wrong(api, words, arguments, told):
    done = run(api, "--model", words, *arguments)
    assert done.exit_code == 1 and told in done.stderr and "\n" not in done.stderr.strip()
