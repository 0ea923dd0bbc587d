"""Whether a model's name is a folder of this machine."""

import os
from pathlib import Path

from inference_service.errors import InvalidField


def local_folder(source: str) -> Path | None:
    """The folder that a name stands for, None where there is none; InvalidField for no name and for a file."""
    if not source:
        raise InvalidField("name", "must name a checkpoint folder or a hub id")
    path = os.path.expanduser(source)  # unlike Path's own methods, these answer for any name, however long or odd
    if os.path.isdir(path):
        return Path(path)
    if os.path.exists(path):
        raise InvalidField("name", f"{source!r} is a file; name the folder that holds it")
    return None
