"""Imports run one way, so that each part can be read, tested and replaced without the ones above it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVICE = "inference_service"

# folder: what it may not import. A rule holds for whole dotted names and what is below them.
RULES = {
    "inference_service/sandbox": [f"{SERVICE}.{part}" for part in (
        "rpc", "sessions", "engine", "inspection", "caches", "sampling", "models", "config")]
    + ["torch", "transformers", "grpc", "google.protobuf", "unmask"],
    "inference_service/sampling": [
        f"{SERVICE}.{part}" for part in ("rpc", "sessions", "engine", "caches", "models", "inspection", "config")
    ]
    + ["grpc", "google.protobuf", "unmask"],
    "inference_service/sessions": [f"{SERVICE}.{part}" for part in ("rpc", "engine", "caches", "models", "inspection")]
    + ["torch", "transformers", "grpc", "google.protobuf", "unmask"],
    "inference_service/caches": [f"{SERVICE}.{part}" for part in ("rpc", "sessions", "engine", "inspection", "config")]
    + ["grpc", "google.protobuf", "unmask"],
    "inference_service/models": [f"{SERVICE}.{part}" for part in ("rpc", "sessions", "engine", "inspection", "caches")]
    + ["grpc", "google.protobuf", "unmask"],
    "inference_service/engine": [f"{SERVICE}.rpc", "grpc", "google.protobuf", "unmask"],
    "inference_service/inspection": [f"{SERVICE}.rpc", "grpc", "google.protobuf", "unmask"],
    "web_gateway": [SERVICE, "torch", "transformers"],
    "unmask": [SERVICE, "web_gateway", "torch", "transformers"],
    "unmask/frames": [SERVICE, "web_gateway", "torch", "transformers", "grpc", "google.protobuf", "unmask"],
    "unmask/recording": ["grpc", "rich", "typer", "unmask.cli", "unmask.client", "unmask.errors", "unmask.session"],
}

# folder: what it may import although a rule bars what is above. How a canvas follows from its parent's is one rule for
# the service, the recordings and the client; so it stands in a package that knows none of them, and that they share.
ALLOWED = {
    "inference_service/sessions": ["unmask.frames"],
    "unmask/frames": ["unmask.frames"],
}

# Runs the service inside its own process when no server is named; asked for by a command, not by an import.
EXEMPT = {ROOT / "unmask/cli" / f"{name}.py" for name in ("caches", "generate", "import_nanogpt", "models", "samplers")}


def imported(file):
    """The full names of the modules that a file imports, those inside functions too."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name, packages):
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("folder", RULES)
def test_imports_run_one_way(folder):
    files = sorted(set((ROOT / folder).rglob("*.py")) - EXEMPT)
    assert files
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if within(name, RULES[folder]) and not within(name, ALLOWED.get(folder, []))
    ]
    assert not wrong


def test_the_rule_of_canvases_brings_no_client_along():
    subprocess.run([sys.executable, "-c", "import sys, unmask.frames\nassert 'grpc' not in sys.modules"],
                   cwd=ROOT, check=True)
