"""The page's files and the Content-Security-Policy that fits them."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

# What the system's MIME tables leave out or get wrong; modules do not run under another type.
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

# Beside the page in its folder, but not part of it.
PRIVATE = {"test", "tests", "tools", "node_modules"}
# Data is served from these folders alone: elsewhere a .json is what a tool keeps (package.json, tsconfig.json).
DATA = {"demo", "data", "recordings"}
FOR_TOOLS = re.compile(r".*\.(config|test|spec)\.m?js")


def mimetype(name: str) -> str | None:
    """The Content-Type of a file of the page; None for what is not part of it."""
    path = PurePosixPath(name)
    if PRIVATE.intersection(path.parts) or any(part.startswith(".") for part in path.parts):
        return None
    if FOR_TOOLS.fullmatch(path.name) or path.suffix.lower() == ".json" and path.parts[0] not in DATA:
        return None
    # Vendored libraries travel with their licences.
    return "text/plain" if path.name == "LICENSE" else TYPES.get(path.suffix.lower())


def versioned(name: str) -> bool:
    """Whether a file's address says of which version of a library it is, so that it never changes."""
    return re.match(r"vendor/(@[\w-]+/)?[\w-]+@\d[\w.-]*/", name) is not None


class Code:
    """The page's own code. Its addresses have a version of all of it, `src@1a2b3c4d/main.js`, and are kept for good."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._seen: dict[str, dict[str, tuple[int, int] | None]] = {}  # by version, the last few

    def version(self) -> str:
        """Names what all files are now."""
        files = sorted(path for path in (self._folder / "src").rglob("*") if path.is_file())
        stamps = {path.relative_to(self._folder).as_posix(): stamp(path) for path in files}
        for known, seen in self._seen.items():
            if seen == stamps:
                return known
        everything = hashlib.sha256()
        for name in stamps:
            content = (self._folder / name).read_bytes()
            everything.update(f"{name}:{len(content)}:".encode() + content)
        version = everything.hexdigest()[:16]
        self._seen = dict([*self._seen.items(), (version, stamps)][-4:])
        return version

    def file_at(self, address: str) -> tuple[str, bool]:
        """The name of the file at an address, and whether the address can be kept for good.

        A version that was never named here is another gateway's, before or after an update: it gets what is here, once.
        """
        if of := re.match(r"src@(\w+)/", address):
            name = "src/" + address[of.end():]
            return name, name in (seen := self._seen.get(of[1], {})) and seen[name] == stamp(self._folder / name)
        return address, versioned(address)


def stamp(path: Path) -> tuple[int, int] | None:
    """When a file was changed and its size, by which a change is seen; None without one."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def lies_in(folder: Path, name: str) -> bool:
    """Whether a file is in the page's folder itself, and not where a link leads out of it."""
    try:
        return (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null byte
        return False


def index(folder: Path, code: Code) -> str:
    """The page itself, its own code addressed with its version. Raises OSError where there is none."""
    # Universal newlines, because browsers hash what they parsed, with LF alone.
    return re.sub(r'"(\./)?src/', rf'"\1src@{code.version()}/', (folder / "index.html").read_text("utf-8"))


def policy(html: str = "") -> str:
    """The Content-Security-Policy of a document, with the hashes of its inline scripts."""
    hashes = "".join(f" 'sha256-{_sha256(script)}'" for script in inline_scripts(html))
    # 'self' covers the WebSocket of the same host: Chromium since 71, Safari since 16, Firefox.
    return (
        f"default-src 'self'; script-src 'self'{hashes}; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types lit-html"
    )


def inline_scripts(html: str) -> list[str]:
    """The contents of the scripts that have no src, import maps included."""
    finder = _Scripts()
    finder.feed(html)
    finder.close()
    return finder.found


class _Scripts(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.found = []
        self._open = False

    def handle_starttag(self, tag, attrs):
        if tag == "script" and "src" not in dict(attrs):
            self.found.append("")
            self._open = True

    def handle_endtag(self, tag):
        self._open = self._open and tag != "script"

    def handle_data(self, data):
        if self._open:
            self.found[-1] += data


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
