"""The service as a client sees it."""

import io
import json
from typing import Any

import pytest

from notes.app import application


def ask(body: bytes, path: str = "/notes", method: str = "POST") -> tuple[str, str]:
    answered: list[Any] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO(body)}
    content = b"".join(application(environ, lambda *answer: answered.append(answer)))
    [(status, headers)] = answered
    assert dict(headers)["Content-Length"] == str(len(content))
    return status, content.decode()


def test_a_note_is_rendered() -> None:
    note = {"id": "n-1", "text": "**hello**", "written_at": "2026-03-02T08:00:00Z"}
    assert ask(json.dumps(note).encode()) == ("200 OK", "<p><strong>hello</strong></p>\n")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"text": 1}', b'{"text": ""}', b"\xff"])
def test_what_is_no_note_is_refused(body: bytes) -> None:
    assert ask(body)[0] == "400 Bad Request"


def test_other_requests_are_refused() -> None:
    assert ask(b"{}", path="/")[0] == "404 Not Found"
    assert ask(b"{}", method="GET")[0] == "405 Method Not Allowed"
    assert ask(b" " * 100_001)[0] == "413 Content Too Large"
