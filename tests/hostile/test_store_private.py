"""The store's files are their owner's alone, from the first moment and whatever the umask."""

import os
import stat
import subprocess
import sys

import pytest

from inference_service.sessions.store import Entry, SQLiteStore

FILES = ("s.sqlite3", "s.sqlite3-wal", "s.sqlite3-shm", "s.sqlite3-reserve")

# Opens a store under a umask. A hook of the interpreter looks at the files after every call that may have made one.
MAKER = """
import os, stat, sys
from pathlib import Path
from inference_service.sessions.store import Entry, SQLiteStore

folder, umask = Path(sys.argv[1]), int(sys.argv[2], 8)
os.umask(umask)
seen = set()

def look(*event):
    for path in folder.parent.parent.rglob("*"):
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        if mode & 0o077:
            seen.add((path.name, oct(mode)))

def hook(frame, event, argument):
    if event in ("c_return", "c_exception"):
        look()

sys.setprofile(hook)
store = SQLiteStore(folder / "s.sqlite3", reserve=100_000)
store.create("s", b"origin", [Entry(-1, 1, b"f0")], 1.0, 2e9, "")
sys.setprofile(None)
print(sorted(seen), sorted(os.listdir(folder)))
"""


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("umask", ["000", "022", "077", "277"])
def test_files_and_folder_are_made_private(tmp_path, umask):
    folder = tmp_path / "new" / "er"
    ended = subprocess.run([sys.executable, "-c", MAKER, str(folder), umask], capture_output=True, text=True,
                           timeout=100)
    assert ended.stdout.strip() == f"[] {sorted(FILES)}", ended.stderr
    assert mode(folder) == mode(folder.parent) == 0o700
    assert mode(folder / "s.sqlite3") == mode(folder / "s.sqlite3-reserve") == 0o600


def test_a_file_of_an_earlier_version_is_made_private_and_its_folder_left(tmp_path):
    """A folder that was there may hold more than the store."""
    tmp_path.chmod(0o755)
    path = tmp_path / "s.sqlite3"
    keeps = SQLiteStore(path)
    keeps.create("s", b"origin", [Entry(-1, 1, b"f0")], 1.0, 2e9, "")
    for name in FILES[:3]:
        (tmp_path / name).chmod(0o664)
    store = SQLiteStore(path)
    assert [mode(tmp_path / name) for name in FILES[:3]] == [0o600] * 3
    assert mode(tmp_path) == 0o755
    assert store.row("s").head == 0
    for one in (store, keeps):
        one.close()


def test_a_link_to_a_file_makes_the_file_private(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real.sqlite3")
    SQLiteStore(tmp_path / "link").close()
    assert mode(tmp_path / "real.sqlite3") == 0o600 and (tmp_path / "link").is_symlink()
    (tmp_path / "real.sqlite3").chmod(0o644)
    SQLiteStore(tmp_path / "link").close()
    assert mode(tmp_path / "real.sqlite3") == 0o600


def test_a_path_with_marks_of_a_uri(tmp_path):
    path = tmp_path / "a ?mode=memory&b#c%20d" / "s.sqlite3"
    store = SQLiteStore(path)
    store.create("s", b"origin", [Entry(-1, 1, b"f0")], 1.0, 2e9, "")
    store.close()
    assert SQLiteStore(path).row("s").head == 0
