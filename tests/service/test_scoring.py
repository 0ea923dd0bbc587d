"""Score on a real socket: the reference's numbers, estimates that stream, left to right, and errors by field."""

import json
import threading

import pytest
import torch
from grpc import StatusCode as Code
from typer.testing import CliRunner

import unmask
from inference_service.inspection import likelihood
from tests.conftest import EXPECTED
from tests.service.calls import WAIT, refusal
from tests.service.inspecting import inspection, write_causal
from unmask.cli import app
from unmask.v1 import inspection_service_pb2 as pb
from unmask.v1.prompt_pb2 import Chat, Message, Prompt, TokenList

CASES = EXPECTED["log_likelihood"]
FOUR = TokenList(ids=[3, 4, 5, 6])


def score(api, **more):
    """The messages of a Score; its answer is four tokens unless another is given."""
    if "text" not in more and "tokens" not in more:
        more["tokens"] = FOUR
    return list(inspection(api).Score(pb.ScoreRequest(**more), timeout=WAIT))


def prompt(ids):
    return Prompt(tokens=TokenList(ids=ids))


@pytest.fixture(scope="module")
def causal(api, tmp_path_factory):
    """A causal model: its name and the stock model."""
    folder = tmp_path_factory.mktemp("causal")
    model = write_causal(folder)
    api.server.library.load(str(folder))
    return str(folder), model


# ---- what is told ----

@pytest.mark.parametrize("case", CASES)
def test_the_reference_exactly(api, case):
    *_, last = score(api, prompt=prompt(case["prompt"]), tokens=TokenList(ids=case["answer"]), exact=True)
    assert last.log_likelihood == pytest.approx(case["log_likelihood"], abs=1e-3)
    assert last.exact and not last.HasField("standard_error") and last.done == last.total == 15
    assert list(last.tokens) == case["answer"] and not last.token_log_likelihoods
    assert list(last.notes) == [likelihood.BOUND]


@pytest.mark.parametrize("case", CASES)
def test_an_estimate_streams_and_becomes_surer(api, case):
    told = score(api, prompt=prompt(case["prompt"]), tokens=TokenList(ids=case["answer"]), samples=640, seed=3)
    assert [one.done for one in told] == list(range(16, 641, 16))
    assert {one.total for one in told} == {640}
    assert not told[0].HasField("standard_error") and all(one.HasField("standard_error") for one in told[1:])
    last = told[-1]
    assert not last.exact
    assert abs(last.log_likelihood - case["log_likelihood"]) < 4 * last.standard_error
    assert last.standard_error < max(one.standard_error for one in told)


def test_defaults_and_seeds(api):
    first, again, other = (score(api, **more) for more in ({}, {"seed": 0}, {"seed": 1}))
    assert first[-1].total == 128
    assert [one.log_likelihood for one in first] == [one.log_likelihood for one in again]
    assert first[-1].log_likelihood != other[-1].log_likelihood


def test_guidance_moves_it_and_is_named(api):
    more = {"prompt": prompt(CASES[0]["prompt"]), "exact": True}
    plain, guided = score(api, **more)[-1], score(api, cfg_scale=1.0, **more)[-1]
    assert abs(plain.log_likelihood - guided.log_likelihood) > 1e-3
    assert list(guided.notes) == [likelihood.BOUND, likelihood.GUIDED]


def test_a_likely_answer_on_the_model_that_ships(api, words):
    asked = Prompt(chat=Chat(messages=[Message(role="user", content="Reverse the digits 4821.")]))
    right, wrong = (score(api, model=words, prompt=asked, text=text, exact=True)[-1].log_likelihood
                    for text in ("1284", "1294"))
    assert wrong + 3 < right < 0


def test_left_to_right_each_token_in_one_pass(api, causal):
    name, model = causal
    ids, answer = [256, 10, 20], [30, 40, 50, 60]
    only, = score(api, model=name, prompt=prompt(ids), tokens=TokenList(ids=answer))
    with torch.inference_mode():
        logs = model(torch.tensor([[*ids, *answer]])).logits[0].double().log_softmax(-1)
    each = [logs[len(ids) - 1 + place, token].item() for place, token in enumerate(answer)]
    assert list(only.token_log_likelihoods) == pytest.approx(each, abs=1e-5)
    assert only.log_likelihood == pytest.approx(sum(each), abs=1e-5)
    assert only.exact and not only.HasField("standard_error") and not only.notes


def test_a_call_that_is_cancelled_ends_its_work(api, fake):
    reached, go_on = threading.Event(), threading.Event()

    def before(canvases):
        reached.set()
        go_on.wait(WAIT)

    model = fake(before=before)
    call = inspection(api).Score(pb.ScoreRequest(model=model.name, tokens=FOUR, samples=100_000), timeout=WAIT)
    assert reached.wait(WAIT)
    call.cancel()
    go_on.set()
    assert score(api, exact=True)[-1].exact, "the engine has room"
    passes = len(model.model.calls)
    assert score(api, exact=True)[-1].exact
    assert len(model.model.calls) == passes < 50


# ---- what is refused ----

@pytest.mark.parametrize("more, field", [
    ({"tokens": TokenList()}, "answer"),
    ({"tokens": TokenList(ids=[512])}, "tokens.ids"),
    ({"tokens": TokenList(ids=[511])}, "answer"),
    ({"tokens": TokenList(ids=[1] * 513)}, "tokens.ids"),
    ({"samples": 100_001}, "samples"),
    ({"cfg_scale": -0.1}, "cfg_scale"),
    ({"cfg_scale": 10.1}, "cfg_scale"),
    ({"cfg_scale": float("nan")}, "cfg_scale"),
    ({"exact": True, "tokens": TokenList(ids=[1] * 13)}, "exact"),
    ({"prompt": Prompt()}, "prompt"),
    ({"prompt": Prompt(tokens=TokenList(ids=[999]))}, "prompt.tokens.ids"),
])
def test_a_field_that_is_wrong(api, more, field):
    told = refusal(score, api, **more)
    assert told.code == Code.INVALID_ARGUMENT and list(told.fields) == [field]


def test_an_answer_is_needed(api):
    told = refusal(inspection(api).Score, pb.ScoreRequest())
    assert list(told.fields) == ["answer"]


@pytest.mark.parametrize("more, field", [
    ({}, "prompt"), ({"prompt": prompt([1]), "cfg_scale": 1.0}, "cfg_scale")])
def test_what_left_to_right_cannot_say(api, causal, more, field):
    told = refusal(score, api, model=causal[0], **more)
    assert told.code == Code.INVALID_ARGUMENT and list(told.fields) == [field]


def test_text_needs_a_tokenizer_and_a_model_to_be_loaded(api):
    assert refusal(score, api, text="x").reason == "NO_TOKENIZER"
    assert refusal(score, api, model="nothing-there").reason in ("MODEL_NOT_LOADED", "MODEL_NOT_FOUND")


# ---- from Python and from a shell ----

def test_the_client(api):
    case, told = CASES[0], []
    with unmask.connect(api.server.address) as client:
        last = client.score(case["answer"], case["prompt"], samples=64, progress=told.append)
        assert told[-1] == last and len(told) == 8
        assert client.score(case["answer"], case["prompt"], exact=True).log_likelihood == pytest.approx(
            case["log_likelihood"], abs=1e-3)
        with pytest.raises(unmask.UnmaskError) as caught:
            client.score([])
        assert dict(caught.value.fields).keys() == {"answer"}


def run(api, *arguments):
    return CliRunner().invoke(app, ["score", "--server", api.server.address, *arguments])


def test_the_command(api, words, causal):
    case = CASES[0]
    ids, answer = (",".join(map(str, case[name])) for name in ("prompt", "answer"))
    told = json.loads(run(api, "--prompt-tokens", ids, "--tokens", answer, "--exact", "--json").stdout)
    assert told["log_likelihood"] == pytest.approx(case["log_likelihood"], abs=1e-3)
    assert told["exact"] and told["standard_error"] is None and told["tokens"] == case["answer"]
    assert "token_log_likelihoods" not in told
    estimated = run(api, "1284", "--prompt", "Reverse the digits 4821.", "--model", words, "--samples", "32")
    value, sign, error = estimated.stdout.split()
    assert float(value) < 0 and sign == "±" and float(error) > 0
    assert likelihood.BOUND in estimated.stderr
    lines = run(api, "bc", "--prompt", "a", "--model", causal[0]).stdout.splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["'b'", "'c'"]
    assert sum(float(line.split()[0]) for line in lines[1:]) == pytest.approx(float(lines[0]), abs=1e-3)


@pytest.mark.parametrize("arguments, told", [
    ((), "give an answer or --tokens"),
    (("x", "--tokens", "1"), "give an answer or --tokens"),
    (("--tokens", "a"), "--tokens must be whole numbers"),
    (("--tokens", "1", "--cfg", "11"), "cfg_scale: must be from 0 to 10"),
])
def test_the_command_says_what_is_wrong_in_one_line(api, arguments, told):
    done = run(api, *arguments)
    assert done.exit_code == 1 and told in done.stderr and done.stderr.strip().count("\n") == 0
