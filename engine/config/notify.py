"""Settings of notifications, in the operator's file only: who is told, and where secrets come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from ...evidence.base.settings import Bounded, Settings, Text, setting

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Address = Annotated[str, Bounded(longest=254, pattern=r"^[A-Za-z0-9.!#$%&*+/=?^_{|}~-]+@[A-Za-z0-9.-]+$")]
"""A mail address."""


@dataclass(frozen=True, slots=True)
class Secret(Settings):
    """Where a secret is: never in the settings themselves."""

    file: Text | None = setting("File with nothing else in it, relative to this one.", None)
    variable: Annotated[str, Bounded(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = setting(
        "Environment variable that has it.", None
    )

    def __post_init__(self) -> None:
        if (self.file is None) is (self.variable is None):
            raise ValueError("a secret is in a file or in a variable: name one of the two")

    def __str__(self) -> str:
        return f"the variable {self.variable}" if self.file is None else f"the file {self.file}"


@dataclass(frozen=True, slots=True)
class WebhookSettings(Settings):
    """A receiver of signed messages, as Standard Webhooks describes them."""

    url: Text = setting("Where messages are posted: https, or http on this machine.")
    secret: Secret = setting("The key that signs: whsec_ and the base64 form of 24 to 64 bytes.")

    def __post_init__(self) -> None:
        check_url(self.url)


@dataclass(frozen=True, slots=True)
class SlackSettings(Settings):
    """An incoming webhook of Slack, or of a chat that takes the same messages, such as Mattermost."""

    url: Secret = setting("Its URL, which is a secret: whoever has it can post.")


@dataclass(frozen=True, slots=True)
class MailSettings(Settings):
    """A mail server, and who gets mail."""

    host: Text = setting("Name of the SMTP server.")
    sender: Address = setting("Address that the mail is from.")
    to: list[Address] = setting("Addresses that the mail goes to.")
    security: Literal["starttls", "tls", "none"] = setting(
        "Encryption; none is for a server on this machine.", "starttls"
    )
    port: int | None = setting("Its port; 587, with tls 465, with none 25 if absent.", None)
    user: Text | None = setting("Name to log in with.", None)
    password: Secret | None = setting("Password to log in with.", None)

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("to names nobody")
        if self.port is not None and not 1 <= self.port <= 65_535:
            raise ValueError("port must be from 1 to 65535")
        if (self.user is None) is not (self.password is None):
            raise ValueError("user and password belong together")
        if self.security == "none" and (self.user is not None or self.host not in _LOOPBACK):
            raise ValueError("without encryption, only a server on this machine gets mail, and no password")


@dataclass(frozen=True, slots=True)
class NotifySettings(Settings):
    """Who is told by `gate notify` what changed."""

    webhooks: list[WebhookSettings] = setting("Receivers of signed messages.", list)
    slack: list[SlackSettings] = setting("Incoming webhooks of chats.", list)
    mail: list[MailSettings] = setting("Mail servers.", list)


def check_url(url: str) -> str:
    """The host of a URL that messages may be posted to.

    Raises ValueError: it is neither https nor on this machine, names a user, or is malformed; the message
    quotes nothing of it.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError("the URL has characters that no URL has")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the URL is malformed") from None
    if not host or (parts.scheme != "https" and (parts.scheme != "http" or host not in _LOOPBACK)):
        raise ValueError("the URL must begin with https://, or lead to this machine")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL must not name a user or password")
    return host
