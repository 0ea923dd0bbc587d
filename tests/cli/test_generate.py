"""`unmask generate`: the reference's tokens, and one line for what is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import unmask
from embedded_model.tokenizer import EOT
from inference_service.models.library import read_catalog
from tests.ending import ending_at_stops, stop_of
from tests.models.tiny_checkpoints import write_causal_checkpoint
from unmask.cli import app
from unmask.cli.generate import parse_constraint
from unmask.cli.recover import texts_from

GOLDEN = Path(__file__).parents[1] / "goldens" / "llada_tiny"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
CASES = EXPECTED["generate"]
DREAM = Path(__file__).parents[1] / "goldens" / "dream_tiny"
DREAM_CASES = json.loads((DREAM / "expected.json").read_text())["generate"]
ENDS = (EXPECTED["eos_token_id"], EXPECTED["eot_token_id"])


@pytest.fixture(scope="module")
def address():
    from inference_service.config import Config
    from inference_service.local import running

    with running(Config(host="127.0.0.1", port=0, store=":memory:", model="embedded", threads=1)) as server:
        server.library.load("")
        yield server.address


def generate(*arguments: str):
    return CliRunner().invoke(app, ["generate", *arguments])


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_golden_case_token_for_token(address, number):
    case = CASES[number]
    own = ("prompt", "gen_length", "expected")
    sets = [part for name, value in case.items() if name not in own for part in ("--set", f"{name}={value}")]
    done = generate("--server", address, "--model", str(GOLDEN), "--id", "eot=509", "--length", str(case["gen_length"]),
                    "--tokens", ",".join(map(str, case["prompt"])), "--sampler", "llada", *sets, "--json")
    answer = json.loads(done.stdout)
    assert answer.pop("wall_seconds") > 0
    before_end = next((n for n, token in enumerate(case["expected"]) if token in ENDS), case["gen_length"])
    assert answer == {"tokens": case["expected"], "text": None, "forwards": case["steps"], "steps": case["steps"],
                      "tokens_before_end": before_end, "approximations": []}


@pytest.mark.parametrize("number", range(len(DREAM_CASES)))
def test_a_golden_case_of_dream_token_for_token(address, number):
    """The family's own sampler is the default. The numbers are those of its algorithms, without a top_k."""
    case = {**DREAM_CASES[number], "top_k": 0}
    names = ("temperature", "eps", "steps", "alg", "top_k")
    sets = [part for name in names for part in ("--set", f"{name}={case[name]}")]
    done = generate("--server", address, "--model", str(DREAM), "--length", str(case["max_new_tokens"]),
                    "--tokens", ",".join(map(str, case["prompt"])), *sets, "--json")
    answer = json.loads(done.stdout)
    assert answer["tokens"] == case["expected"]
    assert answer["forwards"] == answer["steps"] <= case["steps"]


def test_in_this_process():
    done = generate("Work out 23+45.", "--length", "16", "--set", "steps=8", "--json")
    answer = json.loads(done.stdout)
    assert (len(answer["tokens"]), answer["forwards"]) == (16, 8)
    assert "68" in answer["text"]


def test_what_is_typed_is_text_unless_an_option_asks_for_control_tokens(address):
    def prompt(*options):
        done = generate("--server", address, "--model", "embedded", "--length", "1", "--json", *options)
        return json.loads(done.stdout)["prompt"]

    said = f"a [[mask]] {EOT}"
    [eot] = prompt("[[mask]]" + EOT, "--raw")[1:]
    assert prompt(said).count(eot) == 1, "the template's own"
    assert prompt(said, "--special-tokens").count(eot) == 2
    assert eot not in prompt(said, "--raw", "--no-special-tokens")
    assert prompt(said, "--raw", "--no-add-special-tokens").count(eot) == 1


def test_words_stand_where_they_are_told_to(address):
    with unmask.connect(address) as client:
        once, upon = ([token.id for token in client.tokenize(text)] for text in ("Once", " upon"))
    done = generate("Tell me a story.", "--server", address, "--length", "16", "--word", "0:Once", "--word", "8: upon",
                    "--json")
    tokens = json.loads(done.stdout)["tokens"]
    assert (tokens[:len(once)], tokens[8:8 + len(upon)]) == (once, upon)


def test_a_sampler_that_opens_positions_again(address):
    done = generate("Tell me a story.", "--server", address, "--length", "16", "--sampler", "predict_remask",
                    "--set", "iterations=4", "--json")
    answer = json.loads(done.stdout)
    assert (len(answer["tokens"]), answer["steps"]) == (16, 7)  # 4 predictions with a remasking between each two
    assert 0 <= answer["tokens_before_end"] <= 16
    assert None not in answer["tokens"]


@pytest.mark.parametrize(("arguments", "words"), [
    (["x", "--word", "upon"], "--word must be position:word"),
    (["x", "--word", "-1:upon"], "--word must be position:word"),
    (["x", "--word", "2:"], "--word must be position:word"),
    (["x", "--word", "2:a", "--word", "2:b"], "names position 2 twice"),
    (["x", "--length", "8", "--word", "30:upon"], "word_constraints[0].offset"),
    (["x", "--set", "steps=7", "--set", "block_length=16"], "steps"),
    (["x", "--set", "length=5"], "no such parameter"),
    (["x", "--set", "nosuch=1"], "no such parameter"),
    (["x", "--set", "[/x]=1"], "[/x]"),
    (["x", "--set", "remasking=[bold]y"], "got '[bold]y'"),
    (["x", "--set", "steps"], "name=value"),
    (["x", "--set", f"temperature=1{'0' * 400}"], "--set temperature: whole numbers"),
    (["x", "--sampler", "nosuch"], "llada"),
    (["x", "--length", "5000"], "length: must be from 1 to"),
    (["x", "--model", "/nowhere/at/all"], "/nowhere/at/all"),
    (["--tokens", "5,-3"], "--tokens"),
    (["--tokens", "5,999"], "0 to 767"),
    (["x", "--tokens", "5"], "one of the two"),
    ([], "one of the two"),
    (["x", "--id", "eot=99999999999999999999"], "--id"),
])
def test_what_is_wrong_is_one_line(address, arguments, words):
    done = generate(*arguments, "--server", address)
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not done.stdout


@pytest.mark.parametrize(("kind", "written", "taken"), [
    ("regex", b"[0-9]+\n", "[0-9]+"),
    ("regex", b"[0-9]+\r\n", "[0-9]+"),
    ("regex", b"[0-9]+", "[0-9]+"),
    ("regex", b"a\nb\n\n", "a\nb\n"),
    ("regex", b"\xef\xbb\xbf[0-9]+\n", "[0-9]+"),
    ("json_schema", b'\xef\xbb\xbf{"type": "null"}\n', '{"type": "null"}\n'),
    ("grammar", b'\xef\xbb\xbfstart: "a"\n', 'start: "a"\n'),
    ("choice", b"\xef\xbb\xbfyes\r\nno\n", ["yes", "no"]),
])
def test_a_constraint_of_a_file_is_what_stands_on_its_lines(tmp_path, kind, written, taken):
    """An editor's end of the last line is no part of a pattern, and a byte-order mark none of anything."""
    (tmp_path / "file").write_bytes(written)
    assert parse_constraint(f"{kind}=@{tmp_path / 'file'}") == {kind: taken}


def test_a_regex_of_a_file_is_generated(address, tmp_path):
    (tmp_path / "digits").write_bytes(b"\xef\xbb\xbf[0-9]{2}\n")
    done = generate("Work out 23+45.", "--server", address, "--length", "4", "--constraint",
                    f"regex=@{tmp_path / 'digits'}", "--json")
    text = json.loads(done.stdout)["text"]
    assert len(text) == 2 and text.isdecimal()


def test_other_files_have_no_byte_order_mark_either(tmp_path):
    (tmp_path / "texts").write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    (tmp_path / "models.toml").write_bytes(b'\xef\xbb\xbf[mine]\nsource = "a/b"\n')
    assert texts_from([], tmp_path / "texts") == ["one", "two"]
    assert read_catalog(tmp_path / "models.toml")["mine"].folder_or_id == "a/b"


def test_the_family_is_named(address, tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama", written={"mask_token_id": 96})
    arguments = ("--server", address, "--model", str(folder), "--tokens", "5,9,2", "--length", "4")
    done = generate(*arguments)
    assert done.exit_code == 1 and "looks like a diffusion model" in done.stderr and "--family" in done.stderr
    assert generate(*arguments, "--family", "causal", "--json").exit_code == 0
    with unmask.connect(address) as client:
        assert client.model(str(folder)).family == "causal"


def test_a_text_is_cut_at_the_second_end_id(address, tmp_path):
    folder = ending_at_stops(tmp_path / "model", causal=False)
    done = generate("Tell me a story.", "--server", address, "--model", str(folder), "--length", "32", "--sampler",
                    "left_to_right", "--json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    at = answer["tokens"].index(stop_of(folder))
    assert answer["tokens_before_end"] == at > 0 and "." not in answer["text"] and answer["text"]
