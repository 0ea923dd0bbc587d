"""Which files the gateway hands out: those of the page, and nothing else that lies in its folder."""

import json
import os
import re

import pytest

from tests.gateway.conftest import ROOT
from web_gateway import page
from web_gateway.app import create_app
from web_gateway.config import Settings
from web_gateway.page import inline_scripts

FRONTEND = ROOT / "frontend"
IMPORT = re.compile(r"""(?:^|[\s;}])(?:import|export)\s*(?:[\w*{},\s$]+?\s*from\s*)?["']([^"'\s]+)["']"""
                    r"""|import\(\s*["']([^"']+)["']\s*\)""")
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def client():
    return create_app(Settings()).test_client()


def names(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def needed():
    """What a browser asks for, found by following the page from index.html on."""
    html = (FRONTEND / "index.html").read_text()
    imports = json.loads(inline_scripts(html)[0])["imports"]
    found, open_ = {"index.html"}, re.findall(r'(?:src|href)="([^"#:]+)"', html)
    while open_:
        name = open_.pop()
        if name in found:
            continue
        found.add(name)
        if not name.endswith(("js", "mjs")):
            continue
        for groups in IMPORT.findall(COMMENT.sub("", (FRONTEND / name).read_text())):
            to = groups[0] or groups[1]
            if to.startswith("."):
                path = os.path.normpath(os.path.join(os.path.dirname(name), to))
            else:
                prefix = max((key for key in imports if to == key or key.endswith("/") and to.startswith(key)), key=len)
                path = os.path.normpath(imports[prefix] + to.removeprefix(prefix))
            open_.append(path)
    return found


def test_everything_that_the_page_imports_is_served(client):
    wanted = needed()
    assert len(wanted) > 150, "the walk has lost its way"
    assert any(name.startswith("vendor/@bufbuild/") for name in wanted)
    for name in sorted(wanted | {"demo/run.json"}):
        answer = client.get(f"/{name}")
        assert answer.status_code == 200, name
        answer.close()


def test_of_the_pages_folder_only_the_page_is_served(client):
    served = {name for name in names(FRONTEND) if client.get(f"/{name}").status_code == 200}
    beside = {name for name in served if not re.fullmatch(
        r"index\.html|favicon\.svg|demo/run\.json|src/.+\.(js|css)|vendor/.+(\.m?js|/LICENSE)", name)}
    assert not beside
    for name in ("package.json", "package-lock.json", "tsconfig.json", "vendor/vendor.json", "tools/vendor.mjs"):
        assert (FRONTEND / name).is_file() and name not in served


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A page that somebody else made, with what lies around it."""
    folder = tmp_path_factory.mktemp("other")
    for name in ("index.html", "app.js", "img/icon.png", "css/style.css", "data/x.json", "LICENSE", "deep/er/view.mjs",
                 "package.json", "deep/package.json", "jsconfig.json", ".env", ".git/config.js", "README.md",
                 "app.d.ts", "app.ts", "vite.config.js", "deep/app.test.js", "test/x.js", "node_modules/x/x.js",
                 "key.pem", "x.sqlite3", "Makefile", "x.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.js").write_text("secret")
    (folder / "link.js").symlink_to(outside / "secret.js")
    (folder / "linked").symlink_to(outside)
    (folder / "circle.js").symlink_to(folder / "circle.js")
    (folder / "inside.js").symlink_to(folder / "app.js")
    os.mkfifo(folder / "pipe.js")
    return folder


def test_another_folders_page_works(other):
    client = create_app(Settings(frontend_dir=other)).test_client()
    for name in ("", "app.js", "img/icon.png", "css/style.css", "data/x.json", "LICENSE", "deep/er/view.mjs",
                 "inside.js"):
        assert client.get(f"/{name}").text == "text", name


@pytest.mark.parametrize("name", [
    "package.json", "deep/package.json", "jsconfig.json", ".env", ".git/config.js", "README.md", "app.d.ts", "app.ts",
    "vite.config.js", "deep/app.test.js", "test/x.js", "node_modules/x/x.js", "key.pem", "x.sqlite3", "Makefile",
    "x.py", "link.js", "linked/secret.js", "circle.js", "pipe.js", "../outside/secret.js", "data/../package.json",
    "data/../../outside/secret.js", "a\0.js", "x" * 5000 + ".js",
])
def test_what_lies_beside_it_is_not_served(other, name):
    answer = create_app(Settings(frontend_dir=other)).test_client().get(f"/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text and str(other) not in answer.text


def test_a_folder_that_is_itself_a_link_is_served(other, tmp_path):
    (tmp_path / "page").symlink_to(other)
    assert page.lies_in(tmp_path / "page", "app.js")
    assert create_app(Settings(frontend_dir=tmp_path / "page")).test_client().get("/app.js").status_code == 200
