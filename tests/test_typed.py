"""What uses these packages gets their types: each says so by a py.typed, in the tree and in the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
TYPED = ("inference_service", "unmask", "web_gateway")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel of the tree, without the models' weights, which are most of it."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for package in TYPED:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    subprocess.run([sys.executable, "-c", "import sys; from setuptools import build_meta;"
                    " build_meta.build_wheel(sys.argv[1])", "out"], cwd=tree, check=True, timeout=PATIENCE,
                   stdout=subprocess.DEVNULL)
    built, = (tree / "out").glob("*.whl")
    return zipfile.ZipFile(built).namelist()


@pytest.mark.parametrize("package", TYPED)
def test_the_wheel_says_that_a_package_is_typed(wheel, package):
    assert f"{package}/py.typed" in wheel


def test_the_wheel_has_the_types_of_generated_code(wheel):
    stubs = {f"unmask/v1/{file.name}" for file in (ROOT / "unmask" / "v1").glob("*.pyi")}
    assert stubs and stubs <= set(wheel)
