"""A real S3 server (versitygw) over a folder, and one that answers as a broken or overloaded one does."""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCESS, SECRET = "tester", "tester-secret"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


class Objects:
    """A server with one bucket, ``evidence``, whose objects are the files of a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.endpoint = folder, f"http://127.0.0.1:{port}"

    def url(self, prefix: str) -> str:
        return f"s3://evidence/{prefix}?endpoint={self.endpoint}"


@contextmanager
def running(folder: Path) -> Iterator[Objects]:
    """A new server. Skips the test where versitygw or obstore is missing."""
    pytest.importorskip("obstore", reason="obstore is not installed: pip install compliance-gate[s3]")
    program = shutil.which("versitygw")
    if program is None:
        pytest.skip("versitygw is not on PATH (go install github.com/versity/versitygw/cmd/versitygw)")
    (folder / "buckets" / "evidence").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            program, "--access", ACCESS, "--secret", SECRET, "--port", f"127.0.0.1:{port}", "--quiet",
            "posix", "--nometa", str(folder / "buckets"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(200):
            assert server.poll() is None, "versitygw ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Objects(folder / "buckets" / "evidence", port)
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def answering(*codes: int) -> Iterator[tuple[str, list[str]]]:
    """The URL of a store whose server answers with these codes in turn, the last one for ever, and the
    requests that it got.
    """
    left, seen = list(codes), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            seen.append(f"{self.command} {self.path}")
            length = int(self.headers.get("Content-Length", 0))
            self.rfile.read(length)
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_PUT = answer  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"s3://evidence/x?endpoint=http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()
