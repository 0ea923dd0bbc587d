"""A hub on this machine: as much of the protocol as a download needs. Run as: fake_hub.py FOLDER.

Repositories are the folders FOLDER/org/name. One named "gated" answers 403, one named
"missing" or not there 404. Prints its address.
"""

import hashlib
import http.server
import json
import sys
import urllib.parse
from pathlib import Path

SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.BaseHTTPRequestHandler):
    root = Path(".")
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urllib.parse.unquote(urllib.parse.urlparse(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        org, name, verb, *rest = (parts[2:] if api else parts) + ["", "", ""]
        folder = self.root / org / name
        if name == "gated" and not (api and verb == "revision"):
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        if not folder.is_dir():
            return self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        names = [path.relative_to(folder).as_posix() for path in files]
        if verb == "revision":
            siblings = [{"rfilename": name} for name in names]
            return self._send_json({"id": f"{org}/{name}", "sha": SHA, "siblings": siblings, "tags": []})
        if verb == "tree":
            entries = zip(names, files, strict=True)
            return self._send_json(
                [{"type": "file", "path": n, "size": f.stat().st_size, "oid": self._etag(f)} for n, f in entries]
            )
        path = folder / "/".join(part for part in rest[1:] if part)
        if verb != "resolve" or not path.is_file():
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        return self._send(200, path.read_bytes(), {"ETag": f'"{self._etag(path)}"', "X-Repo-Commit": SHA})

    do_HEAD = do_GET

    def _etag(self, path):
        return hashlib.sha1(path.read_bytes()).hexdigest()

    def _send_json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", "X-Repo-Commit": SHA})

    def _send(self, status, body, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    Hub.root = Path(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
