"""Has a service record a decision that was made just now. Needs nothing of the extra `serve`."""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from ...evidence.base.errors import ConfigError, EnvironmentProblem, LedgerError, UsageError, masked
from ...evidence.reading.files import printable
from ...evidence.reading.workspace.named import read_followed
from ..ledger.authorities.posting import post
from ..ledger.interface import Entry
from ..record.archive import write_tar
from ..service import Judged
from ..store.urls import is_loopback
from .writing.submission import TYPE, files_of

VARIABLE: Final = "GATE_TOKEN"
_MOST_TOKEN: Final = 16_384
_SECONDS: Final = 180
_PAUSES_S: Final = (1, 3, 9)
"""Before it is posted again, which records nothing twice."""
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_REMEDIES: Final = {
    401: "give a token that the service's issuers signed, for its audience, that has not expired",
    403: "have the service's operator add this job to the log's writers",
    404: "give the URL of a log: https://HOST/api/logs/NAME",
    422: "judge by what the service demands; `gate docs serve` says what that may be",
}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A service that records: the URL of a log there, such as ``https://gate.example/api/logs/equities``."""

    url: str
    token: str | None = field(repr=False)
    tls: ssl.SSLContext | None = None

    @classmethod
    def named(cls, url: str, token_file: Path | None, certificate: Path | None = None) -> Self:
        """From the command line, with the token in a file, or else in ``GATE_TOKEN``.

        A client certificate may stand in its place: a PEM file with the certificate and its key.

        The variable is taken out of the environment, so that no program that gate starts inherits it.

        Raises UsageError: there is neither; ConfigError: one cannot be used, or would go to another machine
        without TLS.
        """
        given = os.environ.pop(VARIABLE, None)
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            what = "a token goes over TLS only, but for this machine itself"
            remedy = "write https://HOST/api/logs/NAME"
            raise ConfigError(what, path=printable(url.partition("?")[0][:200]), remedy=remedy)
        if token_file is not None:
            remedy = "name a file with the token alone"
            given = read_followed(token_file, ConfigError, remedy, _MOST_TOKEN).decode("latin-1")
        tls = None if certificate is None else _with_certificate(certificate)
        if given is None:
            if tls is None:
                remedy = f"give --token-file, or set {VARIABLE}; or give --client-certificate"
                raise UsageError("--record-to needs a token", remedy=remedy)
            return cls(url, None, tls)
        token = given.strip()
        if not 0 < len(token) <= _MOST_TOKEN or any(not "!" <= sign <= "~" for sign in token):
            raise ConfigError("the token is none", remedy="give the bearer token alone, in one line")
        return cls(url, token, tls)

    def record(self, judged: Judged) -> tuple[Entry, list[str]]:
        """Have the decision recorded: its entry there, and notices.

        Raises LedgerError: the service refuses the decision; EnvironmentProblem: it cannot be reached, is
        busy or failed. The decision is then not recorded, as far as is known.
        """
        files, notices = files_of(judged)
        shown = printable(self.url.partition("?")[0][:200])
        status, answer = self._posted(b"".join(write_tar(files)), shown)
        stated = _document(answer)
        if status in (200, 201):
            try:
                return Entry(_index(stated["entry"]), bytes.fromhex(stated["leaf"]).hex()), notices
            except (LookupError, ValueError, TypeError) as error:
                raise EnvironmentProblem("this is no service that records decisions", path=shown) from error
        said = ": ".join(str(stated[name]) for name in ("title", "detail") if stated.get(name))
        said = masked(printable(said[:500])) or "no reason was given"
        if status in _BUSY:
            what = f"the service could not record the decision ({status}): {said}"
            remedy = "run again; what was recorded all the same is not recorded twice"
            raise EnvironmentProblem(what, path=shown, remedy=remedy)
        what = f"the service does not record the decision ({status}): {said}"
        raise LedgerError(what, path=shown, remedy=_REMEDIES.get(status))

    def _posted(self, data: bytes, shown: str) -> tuple[int, bytes]:
        """Status and content of the answer; tried again where the service is busy or cannot be reached."""
        for pause_s in _PAUSES_S:
            with suppress(EnvironmentProblem):
                found = self._post(data, shown)
                if found[0] not in _BUSY:
                    return found
            time.sleep(pause_s)
        return self._post(data, shown)

    def _post(self, data: bytes, shown: str) -> tuple[int, bytes]:
        from urllib.request import HTTPSHandler, ProxyHandler

        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        # without TLS it stays on this machine, whatever proxy the environment names
        handlers = [ProxyHandler({})] if self.url.startswith("http:") else [HTTPSHandler(context=self.tls)]
        return post(f"{self.url.rstrip('/')}/decisions", data, TYPE, headers, shown, _SECONDS, handlers)


def _with_certificate(path: Path) -> ssl.SSLContext:
    """TLS with a client certificate. Raises ConfigError: it cannot be used."""
    tls = ssl.create_default_context()
    try:
        tls.load_cert_chain(path, password="")  # an encrypted key is an error, not a question
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        remedy = "give one PEM file with the certificate and its key, which is not encrypted"
        raise ConfigError("the client certificate cannot be used", path=str(path), remedy=remedy) from error
    return tls


def _index(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(value)


def _document(answer: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
