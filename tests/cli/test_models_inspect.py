"""`unmask models inspect`: what is recognised, and one line for what is wrong."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inference_service.models.registry import BY_NAME
from tests.models.tiny_checkpoints import write_causal_checkpoint, write_checkpoint, write_tokenizer
from unmask.cli import app
from unmask.cli.models import lines, size

GOLDENS = Path(__file__).parents[1] / "goldens"
DREAM, LLADA = GOLDENS / "dream_tiny", GOLDENS / "llada_tiny"


def inspect(*arguments):
    return CliRunner().invoke(app, ["models", "inspect", *map(str, arguments)])


def shown(*arguments):
    """The lines by their names; a name that comes more than once has its last."""
    done = inspect(*arguments)
    assert done.exit_code == 0, done.stderr
    assert not done.stderr
    return {line[:16].rstrip(): line[16:] for line in done.stdout.splitlines()}


def test_dream_in_words():
    assert shown(DREAM) == {
        "family": "dream",
        "stock class": "Qwen2ForCausalLM",
        "parameters": "164,416, stored as float32",
        "vocabulary": "512 ids",
        "context": "512 positions",
        "mask": "510, from config.json",
        "eos": "509, from config.json",
        "eot": "none",
        "pad": "509, from config.json",
        "ends": "509",
        "logits": "shifted: row i - 1 predicts position i",
        "attention": "every position sees every other",
        "tokenizer": "no",
        "chat template": "no",
        "sampler": "dream, top_k = 50",
        "memory": "0.7 MB as float16",
    }


def test_how_many_ids_have_no_token(tmp_path):
    write_tokenizer(write_checkpoint(tmp_path))
    assert shown(tmp_path)["vocabulary"] == "300 ids, 39 of them without a token"


def test_given_ids():
    facts = shown(LLADA, "--id", "eot=509", "--id", "mask=7")
    assert (facts["eot"], facts["mask"], facts["ends"]) == ("509, as given", "7, as given", "508, 509")
    assert facts["logits"] == "row i predicts position i"


def test_json():
    facts = json.loads(inspect(DREAM, "--json").stdout)
    assert (facts["family"], facts["shifted"], facts["default_sampler"]) == ("dream", True, "dream")
    assert facts["token_ids"]["mask"] == {"id": 510, "found": "config.json"}
    assert facts["memory_bytes"] == {"float32": 1_011_788, "bfloat16": 650_073, "float16": 650_073}


def test_the_memory_of_each_dtype_has_its_line():
    told = [line.split()[1:] for line in inspect(DREAM).stdout.splitlines() if line.startswith("memory")]
    assert told == [["1.0", "MB", "as", "float32"], ["0.7", "MB", "as", "bfloat16"], ["0.7", "MB", "as", "float16"]]
    assert size(17_700_000_000) == "17.7 GB"


def test_left_to_right_in_words():
    facts = json.loads(inspect(DREAM, "--json").stdout)
    assert dict(lines(facts | {"attention": {"summary": "left to right"}}))["attention"] == "left to right"


def without_a_mask(folder):
    shutil.copytree(LLADA, folder / "maskless")
    config = json.loads((folder / "maskless" / "config.json").read_text())
    del config["mask_token_id"]
    (folder / "maskless" / "config.json").write_text(json.dumps(config))
    return folder / "maskless"


def test_an_id_that_the_checkpoint_cannot_tell(tmp_path):
    folder = without_a_mask(tmp_path)
    done = inspect(folder)
    assert done.exit_code == 1 and not done.stdout and done.stderr.strip().count("\n") == 0
    assert "--id mask=5" in done.stderr and "<|mdm_mask|>" not in done.stderr and "no tokenizer" in done.stderr
    assert shown(folder, "--id", "mask=511")["mask"] == "511, as given"


def test_the_same_words_as_loading(tmp_path):
    from inference_service.errors import ServiceError
    from inference_service.models.loading import load

    (tmp_path / "empty").mkdir()
    shutil.copytree(DREAM, tmp_path / "cut")
    (tmp_path / "cut" / "model.safetensors").write_bytes((DREAM / "model.safetensors").read_bytes()[:-1])
    for folder in (tmp_path / "empty", tmp_path / "cut", DREAM / "config.json", without_a_mask(tmp_path)):
        with pytest.raises(ServiceError) as caught:
            load(str(folder))
        assert inspect(folder).stderr.strip() == f"Error: {caught.value.message}"


@pytest.mark.parametrize(("arguments", "words"), [
    (["/nowhere/at/all"], "there is no folder '/nowhere/at/all'"),
    (["org/[/x]"], "[/x]"),
    ([DREAM, "--id", "mask"], "--id must be"),
    ([DREAM, "--id", "mask=512"], "token_ids.mask: must be within 0 to 511"),
    ([DREAM, "--id", "bos=1"], "token_ids"),
])
def test_what_is_wrong_is_one_line(arguments, words):
    done = inspect(*arguments)
    assert done.exit_code == 1
    assert words in done.stderr and done.stderr.strip().count("\n") == 0
    assert not done.stdout


def test_help_imports_no_torch():
    told = "import sys, unmask.cli; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_family_is_named_where_its_marks_leave_it_open(tmp_path):
    folder, _ = write_causal_checkpoint(tmp_path, "llama", written={"mask_token_id": 96})
    done = inspect(folder)
    assert done.exit_code == 1 and "looks like a diffusion model: its config.json has mask_token_id = 96" in done.stderr
    assert f"one of {', '.join(BY_NAME)} (--family, or family)" in done.stderr
    assert shown(folder, "--family", "causal")["family"] == "causal"
    assert "family: must be one of" in inspect(folder, "--family", "odd").stderr
