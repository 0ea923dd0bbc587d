"""The version is one, wherever it is asked for."""

import tomllib
from pathlib import Path

import unmask


def test_the_package_says_the_version_that_is_built():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert unmask.__version__ == project["version"]
