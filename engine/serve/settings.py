"""Reads the service file. Paths in it are relative to its own directory."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from ...evidence.base.errors import ConfigError, UsageError
from ...evidence.base.settings import Settings, Text, setting
from ..fleet.settings import Member, MemberSettings, member, read_file
from ..ledger import LEDGERS
from ..policy import bundle as bundles
from ..store.urls import is_loopback

SCHEMA: Final = "serve"
"""The contract of the file, generated from the classes below."""
ADDRESS: Final = "127.0.0.1:8460"
Algorithm = Literal["EdDSA", "ES256", "ES384", "PS256", "RS256"]
_LOG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SHIPPED: Final = {"shipped": bundles.USUAL} | {f"shipped:{name}": name for name in bundles.SHIPPED_BUNDLES}


@dataclass(frozen=True, slots=True)
class WriterSettings(Settings):
    """Who may post decisions: a token of an issuer with these claims, or a client certificate."""

    issuer: Text | None = setting("The issuer of the token, `iss`.", None)
    claims: dict[str, Text] = setting("Claims that the token must have, each with exactly this value.", dict)
    commit: Text | None = setting(
        "The claim that names the commit; the decision must be about the same one.", None
    )
    certificate: Text | None = setting(
        "A subject alternative name of the client certificate, after `DNS:` or `URI:`.", None
    )


@dataclass(frozen=True, slots=True)
class LogSettings(MemberSettings):
    """One ledger that is served."""

    origin: Text | None = setting("Name of the log, when the service begins it.", None)
    workspace: Text | None = setting("The workspace that posted decisions must be about.", None)
    policies: list[Text] = setting(
        "Policy bundles by which posted decisions may be judged: SHA-256 digests, or "
        "`shipped` or `shipped:NAME` for those of this gate.",
        list,
    )
    operators: list[Text] = setting(
        "SHA-256 digests of the operator's files by which posted decisions may be judged; any if absent.",
        list,
    )
    tailored: list[Text] = setting(
        "By which settings of stages, profile and parameters bundles may be tailored: digests, as a refusal "
        "states them; none if absent.",
        list,
    )
    writers: list[WriterSettings] = setting("Who may post decisions; nobody if absent.", list)
    bundles: list[WriterSettings] = setting(
        "Who may push policy bundles, to see their impact; nobody if absent.", list
    )


@dataclass(frozen=True, slots=True)
class IssuerSettings(Settings):
    """Whose bearer tokens (JWT) are accepted."""

    issuer: Text = setting("The `iss` claim, exactly.")
    audience: Text = setting("The `aud` claim that names this service.")
    jwks: Text = setting("File with the issuer's public keys, a JWK set; re-read.")
    algorithms: list[Algorithm] = setting(
        "Signature algorithms that are accepted.", lambda: ["RS256", "ES256", "EdDSA"]
    )


@dataclass(frozen=True, slots=True)
class TlsSettings(Settings):
    """TLS by the service itself."""

    certificate: Text = setting("PEM file with the certificate chain.")
    key: Text = setting("PEM file with its private key.")
    clients: Text | None = setting(
        "PEM file with the authorities of client certificates: each client needs one.", None
    )


@dataclass(frozen=True, slots=True)
class LimitSettings(Settings):
    """What one client, and one request, may take."""

    body_bytes: int = setting("The largest posted decision.", 16 << 20)
    body_seconds: int = setting("Time for a request's body.", 30)
    header_seconds: int = setting("Time for a request's header.", 10)
    request_seconds: int = setting("Time from a request's header to the end of the answer.", 120)
    requests_per_second: int = setting("Requests of one client address; twice as many in a burst.", 50)
    posts_per_second: int = setting("Posted decisions of one writer; twice as many in a burst.", 20)
    connections: int = setting("Connections at a time.", 256)
    waiting: int = setting("Posted decisions at a time; others get 503.", 64)
    judges: int | None = setting("Processes that judge again; one for each core if absent.", None)


@dataclass(frozen=True, slots=True)
class ServeSettings(Settings):
    """The whole of the file."""

    logs: list[LogSettings] = setting("The ledgers, each with a name.")
    version: Literal[1] = setting("Version of this file's format.", 1)
    listen: Text = setting("Address and port.", ADDRESS)
    url: Text | None = setting("URL at which others reach the service, for its description.", None)
    tls: TlsSettings | None = setting("TLS by the service itself.", None)
    issuers: list[IssuerSettings] = setting("Whose bearer tokens are accepted.", list)
    limits: LimitSettings = setting("What one client and one request may take.", LimitSettings)
    verify_every_seconds: int = setting("How often the ledgers are verified.", 300)
    impact: Text | None = setting("Folder with results of `gate policy impact -o json`, for the pages.", None)


class Log(Struct, frozen=True):
    """A ledger that is served: where it is, and what may be posted to it.

    Attributes:
        policies: digests of the bundles by which posted decisions may be judged.
    """

    member: Member
    stated: LogSettings
    policies: frozenset[str]

    @property
    def name(self) -> str:
        """Its name in the service's URLs."""
        return self.member.name


class Service(Struct, frozen=True):
    """A service file that was read.

    Attributes:
        directory: where the file lies.
    """

    directory: Path
    stated: ServeSettings
    logs: tuple[Log, ...]
    host: str
    port: int

    @property
    def limits(self) -> LimitSettings:
        """What one client and one request may take."""
        return self.stated.limits


def load_service(path: Path, listen: str | None = None, *, behind_proxy: bool = False) -> Service:
    """Read the service file.

    Args:
        listen: address and port in place of those in the file.
        behind_proxy: whether a proxy on the way here provides TLS.

    Raises ConfigError: the file is absent or malformed, or the service would speak to others than this
    machine without TLS; UsageError: `listen` is no address.
    """
    stated = read_file(ServeSettings, path, SCHEMA)
    host, port = _address(stated.listen if listen is None else listen, None if listen else str(path))
    if not (is_loopback(host) or stated.tls or behind_proxy):
        what = f"the service would listen on {host} without TLS"
        remedy = "listen on 127.0.0.1, set tls, or give --behind-proxy if a proxy provides TLS"
        raise ConfigError(what, path=str(path), place="listen", remedy=remedy)
    _check_limits(stated, path)
    logs = tuple(_log(one, stated, path) for one in stated.logs)
    names = [one.name for one in logs]
    if not names or len(set(names)) < len(names):
        what = "two logs have one name" if names else "no log is named"
        raise ConfigError(what, path=str(path), place="logs", remedy="give each log a name of its own")
    return Service(path.parent, stated, logs, host, port)


def _log(one: LogSettings, stated: ServeSettings, path: Path) -> Log:
    def wrong(what: str, remedy: str) -> ConfigError:
        return ConfigError(what, path=str(path), place=f"log {one.name}", remedy=remedy)

    if not _LOG.fullmatch(one.name):
        raise wrong("its name is no part of a URL", "use letters, digits, _ and - only, 63 at most")
    LEDGERS.find(one.ledger)
    known = {issuer.issuer for issuer in stated.issuers}
    for writer in (*one.writers, *one.bundles):
        if (writer.issuer is None) == (writer.certificate is None):
            raise wrong("a writer has either an issuer or a certificate", "set one of them")
        if writer.issuer is not None and writer.issuer not in known:
            raise wrong(f"no issuer {writer.issuer} is configured", "add it to issuers")
        if writer.issuer is not None and not writer.claims:
            raise wrong("a writer has no claims", "name the claims that only the right jobs have")
        if writer.issuer is None and (writer.claims or writer.commit):
            raise wrong("a certificate has no claims", "remove claims and commit")
        if writer.certificate is not None and (stated.tls is None or stated.tls.clients is None):
            raise wrong("nobody checks client certificates", "set tls.clients")
    if one.bundles and stated.impact is None:
        raise wrong("bundles may be pushed, but impact names no folder for the results", "set impact")
    if one.writers and not one.policies:
        raise wrong("writers may post, but by no policies", "list digests in policies, or shipped")
    hexadecimal = "write the 64 hexadecimal digits"
    for name, digests, remedy in (
        ("policies", one.policies, f"{hexadecimal} of a bundle's digest, or {', '.join(_SHIPPED)}"),
        ("operators", one.operators, f"{hexadecimal} that `sha256sum operator.yaml` prints"),
        ("tailored", one.tailored, "write 64 hexadecimal digits"),
    ):
        for digest in digests:
            if not _DIGEST.fullmatch(digest) and (name != "policies" or digest not in _SHIPPED):
                raise wrong(f"{name}: {digest[:80]!r} is no digest", remedy)
    policies = {
        bundles.load_shipped(_SHIPPED[name]).digest if name in _SHIPPED else name for name in one.policies
    }
    return Log(member(one, path), one, frozenset(policies))


def _check_limits(stated: ServeSettings, path: Path) -> None:
    values = [(f"limits.{one.name}", getattr(stated.limits, one.name)) for one in fields(LimitSettings)]
    for name, value in (*values, ("verify_every_seconds", stated.verify_every_seconds)):
        if value is not None and not 1 <= value <= 1 << 29:
            remedy = "give a number from 1 to 536870912"
            raise ConfigError(f"{value} is out of range", path=str(path), place=name, remedy=remedy)


def _address(text: str, path: str | None) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host and port.isdecimal() and port.isascii() and int(port) < 1 << 16:
        return host, int(port)
    what, remedy = f"{text[:80]!r} is no address", "write HOST:PORT, such as 127.0.0.1:8460 or [::1]:8460"
    if path is None:
        raise UsageError(f"--listen {what}", remedy=remedy)
    raise ConfigError(what, path=path, place="listen", remedy=remedy)
