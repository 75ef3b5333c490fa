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
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from threading import Thread
from typing import Any, Final

from msgspec import Struct

from ...evidence.base.errors import ConfigError, EnvironmentProblem, GateError
from ..config.notify import MailSettings, NotifySettings, Secret, SlackSettings, WebhookSettings, check_url
from ..config.operator import Operator
from ..ledger.authorities.posting import post
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
        deliver: sends a message at a time, epoch seconds.
    """

    name: str
    key: str
    deliver: Callable[[Message, int], None]

    def send(self, message: Message, now: int) -> None:
        """Send a message. Raises EnvironmentProblem: it did not arrive; ConfigError: a secret is wrong."""
        future: Future[None] = Future()

        def run() -> None:
            try:
                self.deliver(message, now)
            except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits for it
                future.set_exception(error)
            else:
                future.set_result(None)

        Thread(target=run, daemon=True).start()
        try:
            future.result(SECONDS)
        except TimeoutError:
            raise EnvironmentProblem(f"no answer within {SECONDS} seconds", path=self.name) from None
        except GateError as error:
            raise type(error)(error.what, path=self.name, remedy=error.remedy) from None
        except smtplib.SMTPResponseException as error:  # its text is the server's
            raise EnvironmentProblem(f"the server answered {error.smtp_code}", path=self.name) from None
        except OSError as error:
            raise EnvironmentProblem(error.strerror or type(error).__name__, path=self.name) from None
        except ValueError:  # its text may be the secret's
            what = "a server's name, user or password has characters that cannot be sent"
            raise EnvironmentProblem(what, path=self.name) from None


def channels(operator: Operator, settings: NotifySettings, root: Path) -> list[Channel]:
    """The receivers that the operator's file names, each once.

    Raises ConfigError: a file with a secret lies in the workspace.
    """
    found: list[Channel] = []
    for hook in settings.webhooks:
        secret = _source(operator, hook.secret, root)
        found.append(_channel(f"webhook {check_url(hook.url)}", hook, _webhook(hook, secret)))
    for chat in settings.slack:
        found.append(_channel(f"slack ({chat.url})", chat, _slack(_source(operator, chat.url, root))))
    for mail in settings.mail:
        password = None if mail.password is None else _source(operator, mail.password, root)
        found.append(_channel(f"mail to {', '.join(mail.to)}", mail, _mail(mail, password)))
    return list({one.key: one for one in found}.values())


def _channel(
    name: str,
    settings: WebhookSettings | SlackSettings | MailSettings,
    deliver: Callable[[Message, int], None],
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
        raise ConfigError(
            "the signing secret is not whsec_ and the base64 form of 24 to 64 bytes",
            remedy='make one: echo "whsec_$(openssl rand -base64 32)"',
        )
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _webhook(settings: WebhookSettings, secret: Callable[[], str]) -> Callable[[Message, int], None]:
    def deliver(message: Message, now: int) -> None:
        headers = {
            "Webhook-Id": message.id,
            "Webhook-Timestamp": str(now),
            "Webhook-Signature": signature(secret(), message.id, now, message.body),
            "User-Agent": "gate",
        }
        _accepted(*post(settings.url, message.body, "application/json", headers))

    return deliver


def _slack(secret: Callable[[], str]) -> Callable[[Message, int], None]:
    def deliver(message: Message, now: int) -> None:
        url = secret()
        try:
            check_url(url)
        except ValueError as error:
            raise ConfigError(str(error), remedy="copy the URL of the incoming webhook again") from None
        # in a code block names link nowhere and mention nobody; & < > are special to Slack there, too
        text = message.text.strip().replace("`", "'")
        for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(sign, escaped)
        body = json.dumps({"text": f"```\n{text}\n```"}).encode()
        _accepted(*post(url, body, "application/json", {"User-Agent": "gate"}, shown="slack"))

    return deliver


def _accepted(status: int, _: bytes) -> None:
    if not 200 <= status < 300:
        raise EnvironmentProblem(f"the receiver answered {status}")


def _mail(settings: MailSettings, password: Callable[[], str] | None) -> Callable[[Message, int], None]:
    def deliver(message: Message, now: int) -> None:
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
        kind = smtplib.SMTP_SSL if settings.security == "tls" else smtplib.SMTP
        with kind(settings.host, port, timeout=SECONDS, **more) as server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if login is not None:
                server.login(*login)
            server.send_message(mail)

    return deliver
