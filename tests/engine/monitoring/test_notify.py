"""`gate notify` tells receivers what changed: signed, once, and without ever failing a run."""

from __future__ import annotations

import base64
import datetime
import email
import email.policy
import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook

from gate.engine.monitoring.channels import signature

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ENV = {"HOOK_SECRET": SECRET}


class Receiver:
    """A web server that keeps what it gets and answers with a status."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.path, dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/T0KEN"
        Thread(target=self.server.serve_forever, args=(0.01,)).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running one."""
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def hooked(desk: Any, receiver: Receiver) -> Any:
    """A desk that tells the receiver by a signed webhook."""
    desk.settings(webhooks=[{"url": receiver.url, "secret": {"variable": "HOOK_SECRET"}}])
    return desk


def changes(receiver: Receiver) -> list[dict[str, Any]]:
    """What the last message tells."""
    found: list[dict[str, Any]] = json.loads(receiver.got[-1][2])["data"]["changes"]
    return found


def test_the_signature_is_that_of_the_specification() -> None:
    """The published test vector of Standard Webhooks."""
    found = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_changed_verdict_is_told_once(hooked: Any, receiver: Receiver) -> None:
    """Signed so that another implementation accepts it; the same verdict, and a second run, tell nothing."""
    hooked.record("FAIL")
    assert hooked.notify(env=ENV).out == "webhook 127.0.0.1: nothing new\n"
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    run = hooked.notify(env=ENV)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(
        "webhook 127.0.0.1: sent\n    gate: desk\n    stage1: FAIL → PASS (ledger entry 1"
    )
    [(_, headers, body)] = receiver.got
    told = Webhook(SECRET).verify(body, headers)
    assert (told["type"], told["data"]["workspace"]) == ("gate.changed", "desk")
    assert changes(receiver) == [
        {
            "kind": "verdict",
            "stage": "stage1",
            "entry": 1,
            "effective_time": "2026-01-02T00:00:00Z",
            "before": "FAIL",
            "after": "PASS",
        }
    ]
    assert hooked.notify(env=ENV).out == "webhook 127.0.0.1: nothing new\n"
    hooked.record("PASS", "2026-01-03T00:00:00Z")
    assert hooked.notify(env=ENV).out == "webhook 127.0.0.1: nothing new\n"
    assert len(receiver.got) == 1


def test_what_failed_is_a_warning_and_is_sent_next_time(hooked: Any, receiver: Receiver) -> None:
    """Also when further decisions were recorded meanwhile; a redirect is followed nowhere."""
    hooked.record("FAIL")
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    receiver.status = 302
    run = hooked.notify(env=ENV)
    assert (run.code, run.out.splitlines()[0]) == (0, "webhook 127.0.0.1: failed")
    assert "warning: not notified: environment problem: the receiver answered 302" in run.err
    assert len(receiver.got) == 1
    hooked.record("PASS", "2026-01-03T00:00:00Z")
    receiver.status = 200
    assert "sent" in hooked.notify(env=ENV).out
    assert [(one["before"], one["after"]) for one in changes(receiver)] == [("FAIL", "PASS")]


def test_another_machine_sends_the_same_message(hooked: Any, receiver: Receiver, tmp_path: Path) -> None:
    """It does not know what was sent; the same id lets the receiver drop it."""
    hooked.record("PASS")
    hooked.record("FAIL", "2026-01-02T00:00:00Z")
    hooked.notify(env=ENV)
    hooked.notify(env=ENV, config=tmp_path / "other")
    first, second = receiver.got
    assert (first[1]["Webhook-Id"], first[2]) == (second[1]["Webhook-Id"], second[2])


def test_a_copied_old_line_changes_no_verdict(hooked: Any, receiver: Receiver) -> None:
    """Who can write the log can copy a line without its key: no news, and it keeps no news back."""
    hooked.record("PASS")
    hooked.record("FAIL", "2026-01-02T00:00:00Z")
    hooked.record("PASS")
    assert "sent" in hooked.notify(env=ENV).out
    assert [(one["before"], one["after"]) for one in changes(receiver)] == [("PASS", "FAIL")]
    hooked.record("PASS")
    assert "nothing new" in hooked.notify(env=ENV).out
    assert len(receiver.got) == 1


def test_waivers_and_conditions_that_end(hooked: Any, receiver: Receiver) -> None:
    """A waiver 30 days before it expires, a condition 7 days before it is due and when it is overdue."""
    early, late = hooked.waived("W-1", "2026-03-01T00:00:00Z"), hooked.condition("C-1", "2026-02-01")
    hooked.record("CONDITIONAL", waived=early, conditions=(late,))
    assert "nothing new" in hooked.notify(env=ENV).out
    hooked.record("CONDITIONAL", "2026-01-30T00:00:00Z", waived=early, conditions=(late,))
    hooked.notify(env=ENV)
    told = [(one["kind"], one["id"], one["until"]) for one in changes(receiver)]
    assert told == [
        ("waiver_expiring", "W-1", "2026-03-01T00:00:00Z"),
        ("condition_due", "C-1", "2026-02-01"),
    ]
    violations = (*hooked.judged.decision.violations, hooked.overdue(late))
    hooked.record("FAIL", "2026-02-02T00:00:00Z", waived=early, violations=violations)
    hooked.notify(env=ENV)
    assert [one["kind"] for one in changes(receiver)] == ["verdict", "condition_overdue"]


def test_a_day_that_moves_on_is_no_news(hooked: Any, receiver: Receiver) -> None:
    """A policy may give a condition five days from each evaluation on; it is told about once."""
    hooked.record("CONDITIONAL", conditions=(hooked.condition("C-1", "2026-01-05"),))
    assert "sent" in hooked.notify(env=ENV).out
    hooked.record("CONDITIONAL", "2026-01-02T00:00:00Z", conditions=(hooked.condition("C-1", "2026-01-06"),))
    assert "nothing new" in hooked.notify(env=ENV).out
    assert [one["until"] for one in changes(receiver)] == ["2026-01-05"]


def test_a_dry_run_sends_and_remembers_nothing(hooked: Any, receiver: Receiver) -> None:
    """It needs no secret and writes nothing; the run after it sends."""
    hooked.record("FAIL")
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    run = hooked.notify("--dry-run", "-o", "json")
    [shown] = json.loads(run.out)["notifications"]
    assert (run.code, shown["status"], receiver.got) == (0, "would send", [])
    assert not (hooked.config / "notified").exists()
    assert "sent" in hooked.notify(env=ENV).out
    assert json.loads(receiver.got[0][2]) == shown["body"]


@pytest.mark.parametrize("secret", ["", "hunter2hunter2", "whsec_c2hvcnQ=", "whsec_\x00é"])
def test_a_wrong_secret_is_never_shown(hooked: Any, receiver: Receiver, secret: str) -> None:
    """It is a warning that says how to make one."""
    hooked.record("FAIL")
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    env = {} if "\x00" in secret else {"HOOK_SECRET": secret}
    run = hooked.notify("--debug", env=env)
    assert (run.code, receiver.got) == (0, [])
    assert "warning: not notified: configuration error" in run.err
    assert not secret or secret not in run.out + run.err


def test_a_chat_gets_text_in_which_nothing_acts(desk: Any, receiver: Receiver) -> None:
    """No mention, link or formatting, whatever a waiver is called; the URL, a secret, is not shown."""
    desk.settings(slack=[{"url": {"file": "slack-url"}}])
    (desk.home / "slack-url").write_text(receiver.url + "\n")
    hostile = "`<!channel>` &\u202e @here\n::error::x U1234567"
    desk.record("FAIL")
    desk.record("FAIL", "2026-01-30T00:00:00Z", waived=desk.waived(hostile, "2026-02-01T00:00:00Z"))
    run = desk.notify()
    assert run.out.startswith("slack (the file slack-url): sent\n")
    text = json.loads(receiver.got[0][2])["text"]
    lines = text.split("\n")
    assert (lines[0], lines[-1], text.count("```"), len(lines)) == ("```", "```", 2, 4)
    assert "'&lt;!channel&gt;' &amp;\\u202e @here\\u000a::error::x U****67" in text
    receiver.status = 404
    desk.record("PASS", "2026-01-31T00:00:00Z")
    run = desk.notify("--debug")
    assert run.code == 0
    assert "the receiver answered 404" in run.err
    assert "T0KEN" not in run.out + run.err
    (desk.home / "slack-url").unlink()
    run = desk.notify()
    assert (run.code, "there is no such file" in run.err) == (0, True)
    assert "make the file, or correct its name in the operator's file" in run.err


def test_an_unreachable_receiver_keeps_nobody_else_from_being_told(hooked: Any, receiver: Receiver) -> None:
    """And its secret URL is not shown."""
    closed = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    closed.server_close()
    hooked.settings(
        slack=[{"url": {"variable": "CHAT"}}, {"url": {"variable": "BAD"}}],
        webhooks=[{"url": receiver.url, "secret": {"variable": "HOOK_SECRET"}}],
    )
    hooked.record("FAIL")
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    chat = f"http://127.0.0.1:{closed.server_port}/T0KEN"
    run = hooked.notify(env={**ENV, "CHAT": chat, "BAD": "https://u:T0KEN@chat.example.com/x"})
    assert (run.code, len(receiver.got), run.out.count(": failed\n")) == (0, 1, 2)
    assert "it cannot be reached" in run.err
    assert "must not name a user or password" in run.err
    assert "T0KEN" not in run.out + run.err


def certificate(folder: Path) -> None:
    """Make a certificate of its own for 127.0.0.1, and its key: ``cert.pem`` and ``key.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*form))


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """A factory of real mail servers that ask for encryption and a password: from its kind to the port."""
    started = []

    def start(security: str) -> int:
        certificate(tmp_path)
        command = [sys.executable, str(Path(__file__).with_name("mail_server.py")), str(tmp_path), security]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert started[0].stdout is not None
        return int(started[0].stdout.readline())

    yield start
    for server in started:
        server.communicate()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_sent_encrypted_and_with_a_password(
    desk: Any, tmp_path: Path, mail_server: Callable[[str], int], security: str
) -> None:
    """To a server that asks for both; an unknown certificate and a wrong password are warnings."""
    mail = {
        "host": "127.0.0.1",
        "port": mail_server(security),
        "security": security,
        "sender": "gate@example.com",
        "to": ["risk@example.com"],
        "user": "gate",
        "password": {"variable": "MAIL_PASSWORD"},
    }
    desk.settings(mail=[mail])
    desk.record("FAIL")
    desk.record("PASS", "2026-01-02T00:00:00Z")
    trusted = {"SSL_CERT_FILE": str(tmp_path / "cert.pem")}
    run = desk.notify(env={"MAIL_PASSWORD": "correct horse"})
    assert (run.code, run.out.split("\n")[0]) == (0, "mail to risk@example.com: failed")
    assert "certificate" in run.err.lower()
    run = desk.notify(env={**trusted, "MAIL_PASSWORD": "battery staple"})
    assert "the server answered 535" in run.err
    assert "battery" not in run.out + run.err
    assert not (tmp_path / "mail.json").exists()
    run = desk.notify(env={**trusted, "MAIL_PASSWORD": "correct horse"})
    assert (run.code, run.err) == (0, "")
    got = json.loads((tmp_path / "mail.json").read_text())
    assert (got["from"], got["to"]) == ("gate@example.com", ["risk@example.com"])
    found = email.message_from_string(got["text"], policy=email.policy.default)
    assert found["subject"] == "gate: desk: stage1: FAIL → PASS"
    assert "stage1: FAIL → PASS (ledger entry 1, as of 2026-01-02T00:00:00Z)" in found.get_content()


def test_who_is_told_is_the_operators_to_say(desk: Any) -> None:
    """The judged change's own settings cannot; without the setting, nothing is sent."""
    desk.record("FAIL")
    assert desk.gate("notify", "-w", desk.root).code == 2
    desk.settings()
    run = desk.notify()
    assert (run.code, run.out) == (0, "")
    assert "names nobody under notify" in run.err
    own = desk.root / "gate.yaml"
    before = own.read_text()
    try:
        own.write_text(f"{before}notify: {{slack: [{{url: {{variable: X}}}}]}}\n")
        run = desk.notify()
    finally:
        own.write_text(before)
    assert run.code == 2
    assert "there is no setting 'notify' here" in run.err


HOOK = {"url": "https://hooks.example.com/x", "secret": {"variable": "S"}}
MAIL = {"host": "mail.example.com", "sender": "gate@example.com", "to": ["risk@example.com"]}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"webhooks": [{**HOOK, "url": "http://hooks.example.com/T0KEN"}]}, "must begin with https://"),
        ({"webhooks": [{**HOOK, "url": "file:///etc/passwd"}]}, "must begin with https://"),
        ({"webhooks": [{**HOOK, "url": "https://u:T0KEN@hooks.example.com"}]}, "must not name a user"),
        ({"webhooks": [{**HOOK, "url": "https://hooks.example.com:T0KEN/"}]}, "malformed"),
        ({"webhooks": [{**HOOK, "url": "https://hooks.example.com/\r\nX: T0KEN"}]}, "characters that no URL"),
        ({"webhooks": [{**HOOK, "secret": "whsec_T0KEN"}]}, "must be a mapping"),
        ({"webhooks": [{**HOOK, "secret": {}}]}, "name one of the two"),
        ({"slack": [{"url": "https://hooks.slack.com/T0KEN"}]}, "must be a mapping"),
        ({"mail": [{**MAIL, "security": "none"}]}, "without encryption"),
        ({"mail": [{**MAIL, "to": ["a@example.com\nBcc: b@example.com"]}]}, "not written as it must be"),
        ({"mail": [{**MAIL, "user": "gate"}]}, "belong together"),
        ({"mail": [{**MAIL, "port": 0}]}, "port must be"),
        ({"mail": [{**MAIL, "to": []}]}, "to names nobody"),
        ({"webhooks": {"url": "https://T0KEN"}}, "must be a list"),
        ({"phone": []}, "there is no setting 'phone' here"),
    ],
)
def test_wrong_settings_are_refused(desk: Any, settings: dict[str, Any], expected: str) -> None:
    """With the place and the page to read, and without quoting what may be a secret."""
    desk.settings(**settings)
    run = desk.notify()
    assert (run.code, run.out) == (2, "")
    assert expected in run.err
    assert "where: " in run.err
    assert "`gate docs notifications`" in run.err
    assert "T0KEN" not in run.err


def test_a_password_that_cannot_be_sent_is_not_shown(
    desk: Any, mail_server: Callable[[str], int], tmp_path: Path
) -> None:
    """Nor is it an internal error."""
    mail = {**MAIL, "host": "127.0.0.1", "port": mail_server("tls"), "security": "tls"}
    desk.settings(mail=[{**mail, "user": "gate", "password": {"variable": "P"}}])
    desk.record("FAIL")
    desk.record("PASS", "2026-01-02T00:00:00Z")
    run = desk.notify("--debug", env={"P": "pässwörd", "SSL_CERT_FILE": str(tmp_path / "cert.pem")})
    assert (run.code, "characters that cannot be sent" in run.err) == (0, True)
    assert "sswö" not in run.out + run.err
    assert "sw\\xf6" not in run.err


def test_no_secret_and_no_memory_in_the_workspace(hooked: Any) -> None:
    """There the judged change could read or alter them."""
    hooked.record("FAIL")
    hooked.settings(slack=[{"url": {"file": str(hooked.root / "slack-url")}}])
    run = hooked.notify()
    assert (run.code, "lies in the workspace" in run.err) == (2, True)
    hooked.settings(webhooks=[HOOK])
    run = hooked.notify(config=hooked.root / "config")
    assert (run.code, "lies inside the workspace" in run.err) == (2, True)


def test_nothing_is_sent_that_cannot_be_remembered(hooked: Any, receiver: Receiver) -> None:
    """Each run would send it again; that is a warning, too."""
    hooked.record("FAIL")
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    (hooked.config / "notified").write_text("in the way")
    run = hooked.notify(env=ENV)
    assert (run.code, run.out, receiver.got) == (0, "webhook 127.0.0.1: failed\n", [])
    assert "cannot be remembered" in run.err


@pytest.mark.parametrize("content", ["{", "[1]", '{"x": "y"}', '{"x": true}', "[" * 100_000])
def test_a_damaged_memory_is_a_warning(hooked: Any, receiver: Receiver, content: str) -> None:
    """What changed with the last decision is sent, and remembered again."""
    hooked.record("FAIL")
    hooked.notify(env=ENV)
    [file] = (hooked.config / "notified").iterdir()
    file.write_text(content)
    hooked.record("PASS", "2026-01-02T00:00:00Z")
    run = hooked.notify(env=ENV)
    assert (run.code, len(receiver.got)) == (0, 1)
    assert "cannot be read" in run.err
    assert list(json.loads(file.read_text()).values()) == [1]
