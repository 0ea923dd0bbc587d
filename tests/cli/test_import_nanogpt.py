"""`unmask import-nanogpt`: a folder that loads, and one line for what is wrong."""

import json

from typer.testing import CliRunner

from inference_service.models.loading import load
from tests.models import nanogpt_checkpoint
from unmask.cli import app


def run(*arguments):
    return CliRunner().invoke(app, ["import-nanogpt", *map(str, arguments)])


def test_it_makes_a_folder_that_loads(tmp_path):
    files = nanogpt_checkpoint.write(tmp_path)
    done = run(*files, tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    characters = len(nanogpt_checkpoint.CHARACTERS)
    assert done.stdout.endswith(f"out: 2 layers, 24 wide, {characters} characters, 32 positions\n")
    assert load(str(tmp_path / "out")).info.family == "nanogpt"
    told = CliRunner().invoke(app, ["models", "inspect", str(tmp_path / "out"), "--json"])
    assert json.loads(told.stdout)["token_ids"]["mask"]["id"] == characters


def test_what_is_wrong_is_said_in_one_line(tmp_path):
    checkpoint, meta = nanogpt_checkpoint.write(
        tmp_path, arguments=nanogpt_checkpoint.ARGUMENTS | {"attention_type": "causal"})
    done = run(checkpoint, meta, tmp_path / "out")
    assert done.exit_code == 1 and done.stderr.count("\n") == 1
    assert "ckpt.pt: model_args.attention_type must be 'bidirectional', is 'causal'" in done.stderr
    assert not (tmp_path / "out").exists()
    missing = run(tmp_path / "nothing.pt", meta, tmp_path / "out")
    assert missing.exit_code == 1 and "there is no file nothing.pt" in missing.stderr
