"""The models that ship, told to end at a second id: that of the full stop."""

import json
import shutil
from pathlib import Path

from tokenizers import Tokenizer

from inference_service.embedded import EMBEDDED_CAUSAL_FOLDER, EMBEDDED_FOLDER


def stop_of(folder: Path) -> int:
    """The id of the full stop."""
    return Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id(".")


def ending_at_stops(folder: Path, causal: bool) -> Path:
    """A copy whose config.json has the id of the full stop behind its own end; returns its folder."""
    shutil.copytree(EMBEDDED_CAUSAL_FOLDER if causal else EMBEDDED_FOLDER, folder)
    config = json.loads((folder / "config.json").read_text())
    config["eos_token_id"] = [config["eos_token_id"], stop_of(folder)]
    (folder / "config.json").write_text(json.dumps(config))
    return folder
