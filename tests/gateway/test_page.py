"""The page's files and headers, and how the gateway starts."""

import base64
import hashlib
import http.client
import os
import re
import subprocess
import sys

import pytest
from grpc_health.v1 import health_pb2
from pydantic import ValidationError

from tests.patience import PATIENCE
from web_gateway import page
from web_gateway.app import create_app
from web_gateway.config import Settings
from web_gateway.methods import METHODS

from .conftest import IMPORT_MAP, ROOT


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/app.js", "text/javascript"),
        ("/parts/view.js", "text/javascript"),
        ("/part.mjs", "text/javascript"),
        ("/data/some.json", "application/json"),
        ("/icon.svg", "image/svg+xml"),
        ("/app.webmanifest", "application/manifest+json"),
        ("/style.css", "text/css"),
        ("/parts/LICENSE", "text/plain"),
    ],
)
def test_files(gateway, path, kind):
    response = gateway.get(path)
    assert response.status == 200
    assert response.headers["Content-Type"].split(";")[0] == kind
    assert response.headers["Cache-Control"] == "no-cache"
    again = gateway.get(path, **{"If-None-Match": response.headers["ETag"]})
    assert again.status == 304


def test_a_library_whose_address_has_its_version_is_kept_for_good(gateway):
    response = gateway.get("/vendor/@some/lib@1.2.0/index.js")
    assert response.status == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert gateway.get("/vendor/@some/lib@1.2.0/none.js").headers["Cache-Control"] == "no-cache"
    assert [page.versioned(name) for name in ("vendor/lit@3.3.3/index.js", "vendor/lit/index.js", "src/lit@3/a.js",
                                              "vendor/vendor.json")] == [True, False, False, False]


@pytest.mark.parametrize(
    "path",
    [
        "/test/app.test.js",
        "/tools/build.js",
        "/./tools/build.js",
        "/tools%2fbuild.js",
        "/.hidden/key.js",
        "/notes.md",
        "/parts",
        "/parts/",
        "/nothing.js",
        "/../outside.js",
        "/%2e%2e/outside.js",
        "/..%2foutside.js",
        "/parts/../../outside.js",
        "/parts\\..\\..\\outside.js",
        "//etc/hostname.txt",
        "/app.js%00.txt",
    ],
)
def test_what_is_not_the_page_is_not_served(gateway, path):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    connection.request("GET", path)  # unlike urllib, sends the path as it is
    response = connection.getresponse()
    body = response.read()
    # Werkzeug redirects doubled slashes to single ones.
    assert response.status in (308, 404), (response.status, body)
    assert b"private" not in body
    connection.close()


@pytest.mark.parametrize("path", ["/", "/app.js", "/nothing", "/healthz", "/ws"])
def test_headers_on_every_answer(gateway, path):
    headers = gateway.get(path).headers
    digest = base64.b64encode(hashlib.sha256(IMPORT_MAP.encode()).digest()).decode()
    script = f" 'sha256-{digest}'" if path == "/" else ""
    assert headers["Content-Security-Policy"] == (
        f"default-src 'self'; script-src 'self'{script}; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types lit-html"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_inline_scripts():
    html = "<script>a && '&amp;' < 1\n</script><SCRIPT src=x></SCRIPT><!-- <script>no</script> --><script>\n b</script>"
    assert page.inline_scripts(html) == ["a && '&amp;' < 1\n", "\n b"]


def test_the_page_s_own_code_is_kept_for_good_until_it_changes(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.js").write_text("1")
    (tmp_path / "index.html").write_bytes(b'<script>a\r\nb</script><script src="src/a.js"></script>{"app/": "./src/"}')
    visitor = create_app(Settings(frontend_dir=tmp_path)).test_client()

    def visit():
        answer = visitor.get("/", buffered=True)
        digest = base64.b64encode(hashlib.sha256(b"a\nb").digest()).decode()
        assert f"script-src 'self' 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-cache"
        address = re.search('src="([^"]*)"', answer.text)[1]
        assert f'"./{address.removesuffix("a.js")}"' in answer.text
        return "/" + address, answer.headers["ETag"]

    before, tag = visit()
    assert visitor.get("/", headers={"If-None-Match": tag}).status_code == 304
    kept = visitor.get(before, buffered=True)
    assert (kept.text, kept.headers["Cache-Control"]) == ("1", "public, max-age=31536000, immutable")
    # What a page that is open asks for afterwards is not what its address says: it gets that, but nobody keeps it.
    (tmp_path / "src" / "a.js").write_text("22")
    assert visitor.get(before, buffered=True).headers["Cache-Control"] == "no-cache"
    after, _ = visit()
    assert after != before
    assert [(answer.text, "immutable" in answer.headers["Cache-Control"])
            for answer in (visitor.get(path, buffered=True) for path in (after, "/src@0/a.js", "/src/a.js"))] == [
                ("22", True), ("22", False), ("22", False)]
    for path in ("/src@0/none.js", "/src@0/../index.md", "/src@0/"):
        assert visitor.get(path, buffered=True).status_code == 404


def test_health(gateway, service):
    assert gateway.get("/healthz").status == 200
    assert gateway.get("/readyz").status == 200
    service.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    try:
        response = gateway.get("/readyz")
        assert response.status == 503 and b"NOT_SERVING" in response.body
    finally:
        service.health.set("", health_pb2.HealthCheckResponse.SERVING)


def test_a_missing_page_is_said(tmp_path):
    answer = create_app(Settings(frontend_dir=tmp_path)).test_client().get("/")
    assert answer.status_code == 404 and "UNMASK_FRONTEND_DIR" in answer.text


def test_methods_come_from_the_descriptors():
    step = METHODS["unmask.v1.SessionService/Step"]
    assert (step.request, step.response, step.streams) == ("unmask.v1.StepRequest", "unmask.v1.StepResponse", True)
    assert not METHODS["unmask.v1.ModelService/GetModel"].streams
    assert METHODS["unmask.v1.SessionService/WatchSession"].endless


def test_settings(monkeypatch):
    monkeypatch.setenv("UNMASK_ALLOWED_ORIGINS", "https://A.example/, http://b:1")
    assert Settings().allowed_origins == ("https://a.example", "http://b:1")
    for host in ("0.0.0.0", "::", "192.168.0.1", "lab.example"):
        with pytest.raises(ValidationError, match="insecure"):
            Settings(web_host=host)
        assert Settings(web_host=host, insecure=True).web_host == host
    for host in ("127.0.0.1", "::1", "localhost", "127.1.2.3"):
        assert Settings(web_host=host).web_host == host


def start(*arguments, **environ):
    return subprocess.run(
        [sys.executable, "-m", "web_gateway", *arguments], cwd=ROOT, env=os.environ | environ,
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def test_a_taken_port_is_named_in_one_line(gateway):
    result = start(UNMASK_WEB_PORT=str(gateway.port))
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and f"127.0.0.1:{gateway.port}" in result.stderr


def test_an_open_bind_is_refused():
    result = start(UNMASK_WEB_HOST="0.0.0.0")
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1 and "--insecure" in result.stderr


def test_insecure_allows_an_open_bind(gateway):
    """It gets as far as the port, which is taken."""
    result = start("--insecure", UNMASK_WEB_HOST="0.0.0.0", UNMASK_WEB_PORT=str(gateway.port))
    assert result.returncode == 1 and "Address already in use" in result.stderr
