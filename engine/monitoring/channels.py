"""The ways a message takes: a signed webhook, a chat's incoming webhook, mail. Each bounded in time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import smtplib
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import IO, Any, Final

from msgspec import Struct

from ...evidence.base.errors import ConfigError, EnvironmentProblem, GateError
from ...evidence.process.waiting import within
from ..config.notify import MailSettings, NotifySettings, Secret, SlackSettings, WebhookSettings, check_url
from ..config.operator import Operator
from ..ledger.authorities.posting import MAX_BYTES, post
from ..terminal.figures import printable
from .changes import Message

SECONDS: Final = 30
"""Time that one message may take, name look-up and all."""
_KEY_BYTES: Final = range(24, 65)
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


class Channel(Struct, frozen=True):
    """One receiver.

    Attributes:
        name: for people, without anything secret.
        key: what tells it from all others between runs, without anything secret.
        deliver: sends a message at a time, epoch seconds; what it gives is who did not get it, if anybody.
    """

    name: str
    key: str
    deliver: Callable[[Message, int], str | None]

    def send(self, message: Message, now: int) -> str | None:
        """Send a message, and say who did not get it, though others did.

        Raises EnvironmentProblem: it did not arrive; ConfigError: a secret is wrong.
        """
        try:
            return within(SECONDS, partial(self.deliver, message, now))
        except TimeoutError:
            raise EnvironmentProblem(f"no answer within {SECONDS} seconds", path=self.name) from None
        except GateError as error:
            raise type(error)(error.what, path=self.name, remedy=error.remedy) from None
        except smtplib.SMTPException as error:  # its text is the server's
            raise EnvironmentProblem(_refusal(error), path=self.name) from None
        except OSError as error:
            raise EnvironmentProblem(error.strerror or type(error).__name__, path=self.name) from None
        except ValueError:  # its text may be the secret's
            what = "a server's name, user or password has characters that cannot be sent"
            raise EnvironmentProblem(what, path=self.name) from None


def _refusal(error: smtplib.SMTPException) -> str:
    match error:
        case smtplib.SMTPResponseException():
            return f"the server answered {error.smtp_code}"
        case smtplib.SMTPRecipientsRefused():
            return _refused(error.recipients)
        case smtplib.SMTPNotSupportedError():
            return "the server does not offer what the settings ask for: STARTTLS or a password's log-in"
        case _:
            return "the server closed the connection, or does not speak SMTP"


def _refused(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    return "the server refused " + ", ".join(f"{one} ({code})" for one, (code, _) in recipients.items())


def channels(operator: Operator, settings: NotifySettings, root: Path) -> list[Channel]:
    """The receivers that the operator's file names, each once.

    Raises ConfigError: a file with a secret lies in the workspace.
    """
    found: list[Channel] = []
    for hook in settings.webhooks:
        secret = _source(operator, hook.secret, root)
        found.append(_channel(f"webhook {check_url(hook.url)}", hook, partial(_webhook, hook, secret)))
    for chat in settings.slack:
        secret = _source(operator, chat.url, root)
        found.append(_channel(f"slack ({chat.url})", chat, partial(_slack, secret)))
    for mail in settings.mail:
        password = None if mail.password is None else _source(operator, mail.password, root)
        found.append(_channel(f"mail to {', '.join(mail.to)}", mail, partial(_mail, mail, password)))
    return list({one.key: one for one in found}.values())


def _channel(
    name: str,
    settings: WebhookSettings | SlackSettings | MailSettings,
    deliver: Callable[[Message, int], str | None],
) -> Channel:
    stated = json.dumps([type(settings).__name__, asdict(settings)], sort_keys=True)
    return Channel(printable(name), hashlib.sha256(stated.encode()).hexdigest()[:16], deliver)


def _source(operator: Operator, secret: Secret, root: Path) -> Callable[[], str]:
    """Reads a secret when it is needed. Raises ConfigError: its file lies in the workspace."""
    if secret.file is not None:
        operator.path(secret.file, root)

    def read() -> str:
        if secret.file is not None:
            value = operator.read(secret.file, root).decode("utf-8", "replace").strip()
        else:
            value = os.environ.get(str(secret.variable), "").strip()
        if not value:
            raise ConfigError(f"{secret} is empty or not set", remedy="put the secret there")
        return value

    return read


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature`` of Standard Webhooks 1.0 (https://www.standardwebhooks.com).

    Args:
        secret: ``whsec_`` and the base64 form of the key.
        timestamp: epoch seconds.

    Raises ConfigError: it is no such secret; nothing of it is quoted.
    """
    try:
        prefix, encoded = secret[:6], secret[6:]
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (ValueError, binascii.Error):
        prefix, key = "", b""
    if prefix != "whsec_" or len(key) not in _KEY_BYTES:
        what = "the signing secret is not whsec_ and the base64 form of 24 to 64 bytes"
        raise ConfigError(what, remedy='make one: echo "whsec_$(openssl rand -base64 32)"')
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _webhook(settings: WebhookSettings, secret: Callable[[], str], message: Message, now: int) -> str | None:
    headers = {
        "Webhook-Id": message.id,
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": signature(secret(), message.id, now, message.body),
        "User-Agent": "gate",
    }
    _accepted(*post(settings.url, message.body, "application/json", headers))
    return None


def _slack(secret: Callable[[], str], message: Message, now: int) -> str | None:
    url = secret()
    try:
        check_url(url)
    except ValueError as error:
        raise ConfigError(str(error), remedy="copy the URL of the incoming webhook again") from None
    # in a code block names link nowhere and mention nobody; & < > are special to Slack there, too
    text = escape(message.text.strip().replace("`", "'"), quote=False)
    body = json.dumps({"text": f"```\n{text}\n```"}).encode()
    _accepted(*post(url, body, "application/json", {"User-Agent": "gate"}, shown="slack"))
    return None


def _accepted(status: int, _: bytes) -> None:
    if not 200 <= status < 300:
        raise EnvironmentProblem(f"the receiver answered {status}")


class _Answers:
    """What a mail server answers, line by line, up to a limit."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._rest = stream, MAX_BYTES

    def readline(self, most: int) -> bytes:
        line = self._stream.readline(most)
        self._rest -= len(line)
        if self._rest < 0:
            raise EnvironmentProblem(f"the server's answers have more than {MAX_BYTES} bytes")
        return line

    def close(self) -> None:
        self._stream.close()


class _Bounded(smtplib.SMTP):
    """A mail client that does not read for ever."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same over a connection that is encrypted from its start."""


def _mail(
    settings: MailSettings, password: Callable[[], str] | None, message: Message, now: int
) -> str | None:
    from datetime import UTC, datetime

    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, settings.sender, ", ".join(settings.to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = f"<{message.id}@{settings.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="quoted-printable")
    login = None if settings.user is None or password is None else (settings.user, password())
    port, context = settings.port or _PORTS[settings.security], ssl.create_default_context()
    more: dict[str, Any] = {"context": context} if settings.security == "tls" else {}
    kind = _BoundedTls if settings.security == "tls" else _Bounded
    with closing(kind(settings.host, port, timeout=SECONDS, **more)) as server:
        if settings.security == "starttls":
            server.starttls(context=context)
        if login is not None:
            server.login(*login)
        refused = server.send_message(mail)
        with suppress(OSError):
            server.putcmd("quit")  # the mail is accepted, whatever is answered to that
    return _refused(refused) if refused else None
