"""A small web server on the loopback: files with ranges, a Hub, and faults on request."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64


def left_in(folder: Path) -> list[str]:
    """Names of the files in a folder, but for locks."""
    return [p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]


@dataclass
class Server:
    """What is served, and what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range
    break_after: int | None = None  # bytes of an answer after which the connection is cut
    breaks: int = 10**9  # how many answers are cut
    answers: int = 10**9  # how many files are served before all are gone
    ranges: bool = True
    etag: str | None = None  # "" sends none
    lie: bytes | None = None  # served with a wrong Content-Range
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    state: Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        state, path = self.state, self.path.partition("?")[0]
        state.asked.append((path, self.headers.get("Range")))
        hub = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        name = (
            f"/{hub[1]}@{hub[2]}/{hub[3]}" if hub and f"/{hub[1]}@{hub[2]}/{hub[3]}" in state.files else path
        )
        content = state.files.get(name)
        state.answers -= content is not None
        if content is None or state.answers < 0:
            self.send_response(404)
            if hub:
                known = any(other.startswith(f"/{hub[1]}@") for other in state.files)
                self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send(content, hub is not None, body)

    def send(self, content: bytes, hub: bool, body: bool) -> None:
        state = self.state
        etag = f'"{hashlib.sha256(content).hexdigest()}"' if state.etag is None else state.etag
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, etag)
        start = int(asked[1]) if asked and state.ranges and same else 0
        if start >= len(content) > 0:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            first = start + 1 if state.lie else start
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if etag:
            self.send_header("ETag", etag)
        if hub:
            self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            self.write(content[start:])

    def write(self, content: bytes) -> None:
        state = self.state
        if state.break_after is not None and state.breaks > 0 and len(content) > state.break_after:
            state.breaks -= 1
            self.wfile.write(content[: state.break_after])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs until the block ends."""
    state = Server()
    handler = type("Bound", (Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
