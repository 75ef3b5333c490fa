"""A real S3 server (versitygw) over a folder, and one that answers as a broken or overloaded one does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import http.server
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
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

    def versions(self) -> list[tuple[str, str]]:
        """Key and version of everything in the bucket, what was replaced and marks of removal included."""
        _, listed = self.call("GET", query="versions=")
        return re.findall(r"<Key>(.*?)</Key>.*?<VersionId>(.*?)</VersionId>", listed)

    def call(
        self, method: str, path: str = "", query: str = "", data: bytes = b"", **headers: str
    ) -> tuple[int, str]:
        """Status and text of the answer to a request about the bucket that is signed as services ask for it.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        """
        host, path = self.endpoint.removeprefix("http://"), f"/evidence{path}"
        now, digest = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(data).hexdigest()
        sent = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        named, scope = ";".join(sorted(sent)), f"{now[:8]}/us-east-1/s3/aws4_request"
        lines = [method, path, query, *(f"{name}:{sent[name]}" for name in sorted(sent)), "", named, digest]
        request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        key = f"AWS4{SECRET}".encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}"):
            key = hmac.digest(key, part.encode(), "sha256")
        signed = f"Credential={ACCESS}/{scope}, SignedHeaders={named}, Signature={key.hex()}"
        with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
            sent["authorization"] = f"AWS4-HMAC-SHA256 {signed}"
            connection.request(method, f"{path}?{query}" if query else path, data, sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@contextmanager
def locked(folder: Path) -> Iterator[Objects]:
    """A new server whose bucket keeps every version of an object, for a day at least (Object Lock)."""
    (folder / "versions").mkdir()
    with running(folder, "--versioning-dir", str(folder / "versions")) as server:
        (folder / "buckets" / "evidence").rmdir()  # it was none of the server's making
        assert server.call("PUT", x_amz_bucket_object_lock_enabled="true")[0] == 200
        rule = b"<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
        data = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>%s%s"
        data %= (rule, b"</ObjectLockConfiguration>")
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        assert server.call("PUT", query="object-lock=", data=data, content_md5=md5)[0] == 200
        yield server


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Objects]:
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
            "posix", *(options or ["--nometa"]), str(folder / "buckets"),
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
