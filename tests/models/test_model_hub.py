"""Hub ids, against a hub on this machine.

Each fetch is a process of its own, because the hub's client reads its environment once.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_checkpoints import GOLDEN, write_checkpoint

from inference_service import errors
from inference_service.models import hub, loading
from tests.patience import PATIENCE

MERGES = "#version: 0.2\na b\n"
FETCH = """
import json, sys
from inference_service.errors import ServiceError
from inference_service.models.checkpoint import inspect
from inference_service.models.hub import fetch
from inference_service.models.progress import Reporter
seen = []
stop = int(sys.argv[2])
report = Reporter(lambda p: seen.append((p.phase, p.done, p.total)), lambda: stop and len(seen) > stop)
try:
    result = {"hash": inspect(fetch(sys.argv[1], report), sys.argv[1]).hash}
except ServiceError as error:
    result = {"error": type(error).__name__, "reason": error.reason, "message": error.message}
print(json.dumps(result | {"seen": seen}))
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    shutil.copytree(GOLDEN, root / "org" / "tiny")
    (root / "org" / "tiny" / "modeling_llada.py").write_text("raise SystemExit('run')\n")
    (root / "org" / "tiny" / "merges.txt").write_text(MERGES)
    (root / "org" / "tiny" / "original").mkdir()
    (root / "org" / "tiny" / "original" / "weights.safetensors").write_bytes(b"\0" * 4096)
    write_checkpoint(root / "org" / "gated")
    (write_checkpoint(root / "org" / "pickled") / "model.safetensors").rename(root / "org" / "pickled" / "a.bin")
    server = subprocess.Popen(
        [sys.executable, Path(__file__).parent / "fake_hub.py", root], stdout=subprocess.PIPE, text=True
    )
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait()


def fetch_from(address, cache, name, stop=0, **environment):
    """What fetching a hub id came to, and the progress it told. stop: progress reports before it is cancelled."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(cache),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        **environment,
    }
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", FETCH, name, str(stop)],
        env=environment, cwd=root, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(cache) not in done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def test_download_then_cache_then_no_network(address, tmp_path, golden):
    first = fetch_from(address, tmp_path, "org/tiny")
    assert first["hash"] == golden.info.checkpoint_hash
    downloads = [(done, total) for phase, done, total in first["seen"] if phase == "downloading"]
    total = sum((GOLDEN / name).stat().st_size for name in ("config.json", "expected.json"))
    total += sum(path.stat().st_size for path in GOLDEN.glob("*.safetensors")) + len(MERGES)
    assert downloads[0] == (0, total) and downloads[-1] == (total, total)
    assert downloads == sorted(downloads)
    assert list(tmp_path.rglob("merges.txt"))
    assert not list(tmp_path.rglob("*.py")) and not list(tmp_path.rglob("original"))

    again = fetch_from(address, tmp_path, "org/tiny")
    assert again["hash"] == first["hash"]
    assert not any(phase == "downloading" for phase, *_ in again["seen"])

    assert fetch_from("http://127.0.0.1:9", tmp_path, "org/tiny")["hash"] == first["hash"]
    assert fetch_from(address, tmp_path, "org/tiny", HF_HUB_OFFLINE="1")["hash"] == first["hash"]


def test_a_revision_is_asked_for_by_its_name_and_found_without_a_network(address, tmp_path, golden):
    first = fetch_from(address, tmp_path, "org/tiny@v1.0")
    assert first["hash"] == golden.info.checkpoint_hash
    assert [path.name for path in tmp_path.rglob("refs/*")] == ["v1.0"]
    assert fetch_from("http://127.0.0.1:9", tmp_path, "org/tiny@v1.0")["hash"] == first["hash"]
    assert "hash" not in fetch_from("http://127.0.0.1:9", tmp_path, "org/tiny@v2.0")


def test_load_takes_a_hub_id(monkeypatch):
    asked = []
    monkeypatch.setattr(loading, "fetch", lambda hub_id, report: asked.append(hub_id) or GOLDEN)
    assert loading.load("org/tiny").info.name == "org/tiny"
    assert asked == ["org/tiny"]


def test_cancelling_a_download(address, tmp_path):
    result = fetch_from(address, tmp_path, "org/tiny", stop=1)
    assert result["reason"] == "LOAD_CANCELLED"
    assert [done > 0 for phase, done, total in result["seen"]] == [False, True]
    assert "hash" in fetch_from(address, tmp_path, "org/tiny")


@pytest.mark.parametrize(
    ("name", "kind", "reason", "told"),
    [
        ("org/nothing", "NotFound", "MODEL_NOT_FOUND", "HF_TOKEN"),
        ("org/gated", "PermissionDenied", "GATED_MODEL", "licence"),
        ("org/pickled", "FailedPrecondition", "UNSAFE_CHECKPOINT", "a.bin"),
    ],
)
def test_what_the_hub_refuses(address, tmp_path, name, kind, reason, told):
    result = fetch_from(address, tmp_path, name)
    assert (result["error"], result["reason"]) == (kind, reason) and told in result["message"]
    assert not list(tmp_path.rglob("*.bin"))


def test_no_way_to_the_hub(tmp_path):
    result = fetch_from("http://127.0.0.1:9", tmp_path, "org/tiny")
    assert (result["error"], result["reason"]) == ("Unavailable", "HUB_UNREACHABLE")
    result = fetch_from("http://127.0.0.1:9", tmp_path, "org/tiny", HF_HUB_OFFLINE="1")
    assert (result["error"], result["reason"]) == ("FailedPrecondition", "HUB_OFFLINE")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("GSAI-ML/LLaDA-8B-Base", True),
        ("gpt2", True),
        ("a/b/c", False),
        ("../up", False),
        ("./here", False),
        ("/root", False),
        ("a b", False),
        ("", False),
    ],
)
def test_the_form_of_a_hub_id(name, is_one):
    assert hub.is_hub_id(name) == is_one


def test_a_full_disk_is_told_before_the_first_byte():
    hub.require_disk(5, 5, "org/name")
    with pytest.raises(errors.Exhausted) as caught:
        hub.require_disk(16_030_000_000, 3_000_000_000, "org/name")
    assert caught.value.reason == "DISK_FULL"
    assert "16.0 GB" in caught.value.message and "3.0 GB" in caught.value.message


def test_a_disk_that_fills_up_under_way():
    assert hub.explain(OSError(28, "No space left on device"), "org/name").reason == "DISK_FULL"
