"""Receivers that answer with anything: bounded, followed nowhere, and nothing secret is shown."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from threading import Thread
from typing import Any

import pytest

from gate.engine.ledger.authorities import posting
from gate.engine.monitoring import channels

Answer = Callable[[socket.socket], None]
ENV = {"HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def hang_up(connection: socket.socket) -> None:
    """End a connection, and whoever waits for it or writes to it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], int]]:
    """A factory of servers that do with each connection what a function says; gives the port."""
    with ExitStack() as stack:

        def start(answer: Answer) -> int:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def one(connection: socket.socket) -> None:
                stack.callback(hang_up, connection)
                with connection, suppress(OSError):
                    answer(connection)

            def run() -> None:
                with suppress(OSError):
                    while True:
                        Thread(target=one, args=(listening.accept()[0],), daemon=True).start()

            Thread(target=run, daemon=True).start()
            stack.callback(hang_up, listening)
            return int(listening.getsockname()[1])

        yield start


@pytest.fixture
def changed(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A desk with something to tell, which waits for a second only."""
    monkeypatch.setattr(channels, "SECONDS", 1)
    monkeypatch.setattr(posting, "SECONDS", 1)
    desk.record("FAIL")
    desk.record("PASS", "2026-01-02T00:00:00Z")
    return desk


def hook(changed: Any, port: int, scheme: str = "http") -> Any:
    """Tell a webhook there."""
    url = f"{scheme}://127.0.0.1:{port}/hook/T0KEN"
    changed.settings(webhooks=[{"url": url, "secret": {"variable": "HOOK_SECRET"}}])
    return changed.notify(env=ENV)


def echo(connection: socket.socket) -> None:
    """Send back what is sent."""
    connection.sendall(connection.recv(65_536))


def trickle(connection: socket.socket) -> None:
    """One byte at a time, each soon enough for a time limit on silence."""
    for _ in range(100):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: "[:1] if _ == 0 else b"T")
        time.sleep(0.1)


def endless(start: bytes, part: bytes) -> Answer:
    """Something, and then the same for ever."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(start)
        while True:
            connection.sendall(part)

    return answer


@pytest.mark.parametrize(
    ("scheme", "answer"),
    [
        ("http", echo),
        ("http", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
        pytest.param("http", endless(b"HTTP/1.1 200 OK\r\n\r\n", b"T0KEN" * 1000), marks=pytest.mark.soak),
        pytest.param("http", endless(b"HTTP/1.1 200 OK\r\n", b"X: T0KEN\r\n"), marks=pytest.mark.soak),
        ("http", endless(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/T0KEN\r\n\r\n", b"")),
        pytest.param("http", trickle, marks=pytest.mark.soak),
        ("https", trickle),
        pytest.param("https", lambda connection: time.sleep(3), marks=pytest.mark.soak),
    ],
)
def test_a_webhook_that_answers_oddly(
    changed: Any, serve: Callable[[Answer], int], scheme: str, answer: Answer
) -> None:
    """A warning in bounded time; what it sends is not quoted, since it may be the URL or the signature."""
    began = time.monotonic()
    run = hook(changed, serve(answer), scheme)
    assert time.monotonic() - began < 10
    assert (run.code, run.out.split("\n")[0]) == (0, "webhook 127.0.0.1: failed")
    assert run.err.startswith("warning: not notified: ")
    assert "T0KEN" not in run.out + run.err and "v1," not in run.err


def talk(lines: list[bytes], after: bytes = b"") -> Answer:
    """A mail server without encryption that answers each line with the next of these."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        stream, is_text = connection.makefile("rb"), False
        rest = list(lines)
        for line in stream:
            is_text = is_text and line != b".\r\n"
            if is_text:
                continue
            reply = rest.pop(0) if rest else b"250 OK\r\n"
            is_text = reply.startswith(b"354")
            connection.sendall(reply)
            while reply == after:
                connection.sendall(after)

    return answer


def mail(changed: Any, port: int, **more: Any) -> Any:
    """Tell two people by a mail server on this machine."""
    settings = {"host": "127.0.0.1", "port": port, "sender": "gate@example.com", **more}
    changed.settings(mail=[{"to": ["risk@example.com", "cto@example.com"], **settings}])
    return changed.notify(env={"MAIL_PASSWORD": "correct horse"})


def test_a_mail_server_without_starttls_gets_no_password(
    changed: Any, serve: Callable[[Answer], int]
) -> None:
    """Nor the message; the warning says what is wrong."""
    told: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        for line in connection.makefile("rb"):
            told.append(line)
            connection.sendall(b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n")

    run = mail(changed, serve(answer), user="gate", password={"variable": "MAIL_PASSWORD"})
    assert (run.code, run.out.split("\n")[0]) == (0, "mail to risk@example.com, cto@example.com: failed")
    assert "the server does not offer what the settings ask for: STARTTLS or" in run.err
    assert [line.split()[0].lower() for line in told if line.strip()] in ([b"ehlo"], [b"ehlo", b"quit"])


def test_a_mail_server_that_floods_is_left(changed: Any, serve: Callable[[Answer], int]) -> None:
    """Its answer is read up to a limit only."""
    run = mail(changed, serve(talk([b"250-x\r\n"], after=b"250-x\r\n")), security="none")
    assert run.out.split("\n")[0].endswith(": failed")
    assert "the server's answers have more than" in run.err


def test_who_does_not_get_the_mail_is_named(changed: Any, serve: Callable[[Answer], int]) -> None:
    """It is sent to the others once, and not again because of one address."""
    refuses = [b"250 mail\r\n", b"250 OK\r\n", b"550 T0KEN\r\n", b"250 OK\r\n", b"354 go\r\n", b"250 OK\r\n"]
    port = serve(talk(refuses))
    run = mail(changed, port, security="none")
    assert (run.code, run.out.split("\n")[0]) == (0, "mail to risk@example.com, cto@example.com: sent")
    assert "the server refused risk@example.com (550)" in run.err and "T0KEN" not in run.err
    assert mail(changed, port, security="none").out.endswith(": nothing new\n")


def test_a_rude_good_bye_does_not_send_the_mail_again(changed: Any, serve: Callable[[Answer], int]) -> None:
    """The server took it; what it says or does not say then changes nothing."""
    taken = [
        b"250 mail\r\n",
        b"250 OK\r\n",
        b"250 OK\r\n",
        b"250 OK\r\n",
        b"354 go\r\n",
        b"250 OK\r\n",
        b"500 no\r\n",
    ]
    run = mail(changed, serve(talk(taken)), security="none")
    assert (run.err, run.out.split("\n")[0]) == ("", "mail to risk@example.com, cto@example.com: sent")


def test_names_add_no_line_to_a_mail(changed: Any, serve: Callable[[Answer], int]) -> None:
    """Neither a header nor a command of the protocol."""
    got: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        for line in connection.makefile("rb"):
            got.append(line)
            reply = b"354 go\r\n" if line == b"data\r\n" else b"250 OK\r\n"
            if (
                reply[:1] == b"3"
                or line == b".\r\n"
                or line[:4].lower() in (b"ehlo", b"mail", b"rcpt", b"quit")
            ):
                connection.sendall(reply)

    name = "W\r\nBcc: thief@example.com\r\n.\r\nRCPT TO:<thief@example.com>\r\n\u202e\x1b[2J" + "x" * 5000
    waived = changed.waived(name, "2026-01-05T00:00:00Z")
    changed.record("PASS", "2026-01-03T00:00:00Z", waived=waived)
    run = mail(changed, serve(answer), security="none")
    assert (run.code, run.err, run.out.split("\n")[0]) == (
        0,
        "",
        "mail to risk@example.com, cto@example.com: sent",
    )
    text = b"".join(got)
    assert not [line for line in got if line.lower().startswith((b"bcc", b"rcpt to:<thief"))]
    assert b"\x1b" not in text and max(map(len, got)) <= 1000
    assert json.dumps(run.out).isascii()
