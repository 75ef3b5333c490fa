"""Asks an OPA server through opa-python-client, within limits of time and size, and explains what fails.

A reply is read up to a limit, a request has one deadline for everything, redirects are not followed, and
neither proxies nor ``.netrc`` of the environment are used. A connection that is refused or lost is tried
again, with growing pauses, since every request here may be repeated; a late or wrong reply is not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from .....evidence.base.activity import Log
from .....evidence.base.errors import EngineError, GateError, PolicyError, not_installed
from .....evidence.process.waiting import within
from .address import Address

_log = Log(__name__)
_CONNECT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 2.0
_RETRY = "check that the server runs at this address and try again, or use the embedded engine"
_AGAIN = "check the server's log; it, or a proxy before it, must answer as OPA does"
_PROBLEM_CHARACTERS = 300

T = TypeVar("T")


class Credentials(Struct, frozen=True):
    """What a connection is checked with and shows; ``token`` never appears in any output."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(ca={self.ca!r}, certificate={self.certificate!r}, token=…)"


class Answer(Struct, frozen=True):
    """A value (None if undefined), the server's version, and the revision of each of its bundles.

    All of it is of one transaction of the server, so the revisions are those that the value rests on.
    """

    value: Any
    version: str
    revisions: dict[str, str]


class Client:
    """One connection to a server; ``locate`` finds the places that its messages name in the bundle's modules.

    Args:
        most_bytes: the largest reply that is read.
        alive: whether it makes sense to try a lost connection again.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        retries: int,
        most_bytes: int,
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        opa, adapters = _library()
        self.address = address
        self._retries = retries
        self.locate: Callable[[str, int], tuple[str, int]] = lambda path, line: (path, line)
        self._alive = alive
        secure: bool | str = address.scheme == "https" and (credentials.ca or True)
        pair = (credentials.certificate, credentials.key) if credentials.key else credentials.certificate
        self._opa = opa.OpaClient(
            host=address.host, port=address.port, ssl=secure, cert=pair, token=credentials.token, retries=0
        )
        session = self._opa._session
        session.trust_env = False
        session.max_redirects = 0
        if address.scheme == "unix":
            session.mount("http://", adapters.UnixAdapter(address.path, most_bytes))
        else:
            self._opa.root_url = f"{address}/v1"
            for scheme in ("http://", "https://"):
                session.mount(scheme, adapters.CappedAdapter(most_bytes))

    def ask(self, path: str, document: dict[str, Any], deadline: float) -> Answer:
        """The value of the document at ``path`` (``gate/stage1``) for the input.

        Raises EngineError: the server cannot be reached in time, or does not answer as OPA does; PolicyError
        or EngineError: the policy fails, with file, line and column.
        """
        options = {"strict-builtin-errors": "true", "provenance": "true"}
        reply = self._call(lambda: self._opa.query_rule(document, path, query_params=options), deadline)
        try:
            provenance = reply["provenance"]
            bundles = provenance.get("bundles", {})
            revisions = {name: str(bundle["revision"]) for name, bundle in bundles.items()}
            return Answer(reply.get("result"), str(provenance["version"]), revisions)
        except (KeyError, TypeError, AttributeError):
            raise self.problem("does not answer as OPA does", _AGAIN) from None

    def policies(self, deadline: float) -> list[dict[str, Any]]:
        """Every module that the server has: ``id``, ``raw`` and ``ast``."""
        url = f"{self._opa.root_url}/policies"

        def get() -> Any:
            response = self._opa._session.get(url, timeout=self._opa.timeout)
            response.raise_for_status()
            return response.json()["result"]

        found = self._call(get, deadline)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.problem("does not answer as OPA does", _AGAIN)
        return found

    def policy(self, name: str, deadline: float) -> dict[str, Any]:
        """One module that the server has."""
        found: dict[str, Any] = self._call(lambda: self._opa.get_policy(name)["result"], deadline)
        return found

    def put(self, name: str, source: str, deadline: float) -> None:
        """Give the server a module. Raises PolicyError: it does not compile there."""
        update = partial(self._opa.update_policy_from_string, source, name, rego_compat=False)
        self._call(update, deadline, PolicyError)

    def delete(self, name: str, deadline: float) -> None:
        """Remove a module from the server."""
        self._call(lambda: self._opa.delete_policy(name), deadline)

    def close(self) -> None:
        """Let go of the connection."""
        self._opa.close_connection()

    def problem(self, what: str, remedy: str) -> EngineError:
        """An error about the server."""
        return EngineError(f"the OPA server {what}", path=str(self.address), remedy=remedy)

    def _call(self, work: Callable[[], T], deadline: float, rejected: type[GateError] = EngineError) -> T:
        """The work's result, tried again while the connection fails and there is time."""
        import requests

        began, pause, left = time.monotonic(), _FIRST_PAUSE_SECONDS, self._retries
        while True:
            seconds = deadline - time.monotonic()
            try:
                if seconds <= 0:
                    raise TimeoutError
                self._opa.timeout = (min(_CONNECT_SECONDS, seconds), seconds)
                # the library's time-outs are for each packet, and a server may send many
                return within(seconds, work)
            except Exception as error:
                lost = isinstance(error, requests.ConnectionError) and not isinstance(
                    error, (requests.exceptions.SSLError, requests.exceptions.ProxyError)
                )
                if not lost or left <= 0 or time.monotonic() + pause > deadline or not self._alive():
                    raise self._explained(error, deadline - began, rejected) from error
                _log.info("the OPA server cannot be reached, try again in %.1f s", pause)
            time.sleep(pause)
            pause, left = min(2 * pause, _LONGEST_PAUSE_SECONDS), left - 1

    def _explained(self, error: Exception, seconds: float, rejected: type[GateError]) -> GateError:
        """What went wrong, as an error of gate's own that names the remedy."""
        import requests
        from opa_client import errors as opa

        _, adapters = _library()
        if isinstance(error, (TimeoutError, requests.ReadTimeout)):
            what = f"did not answer within {seconds:.3g} s"
            return self.problem(what, "look for a policy that runs away, or widen limits.policy_seconds")
        if isinstance(error, adapters.TooLarge):
            what = f"answers with more than {error} bytes"
            return self.problem(what, "widen limits.file_bytes if that is right")
        if isinstance(error, requests.exceptions.SSLError):
            what = f"cannot be trusted: {_reason(error)}"
            return self.problem(what, "check opa.ca, opa.certificate and opa.key")
        if isinstance(error, requests.ConnectionError):
            return self.problem(f"cannot be reached: {_reason(error)}", _RETRY)
        if isinstance(error, requests.HTTPError) and error.response is not None:
            return self._answered(error.response.status_code, _json(error.response), rejected)
        if isinstance(error, (opa.RegoParseError, opa.PolicyNotFoundError, opa.DeletePolicyError)):
            body = {"code": error.expression, "message": error.message}
            return self._answered(None, {**body, "errors": getattr(error, "errors", [])}, rejected)
        if isinstance(error, requests.TooManyRedirects):
            return self.problem("answers with a redirect, which is not followed", "give its final address")
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            return self.problem("ended its reply too early", _RETRY)
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return self.problem(f"cannot be used: {_reason(error)}", "check the files named under `opa`")
        if isinstance(error, (ValueError, LookupError, TypeError, AttributeError, RecursionError)):
            return self.problem("answers with something that is no JSON of OPA's", _AGAIN)
        if isinstance(error, requests.RequestException):
            return self.problem(f"cannot be asked: {type(error).__name__}", _AGAIN)
        raise error

    def _answered(self, status: int | None, body: Any, rejected: type[GateError]) -> GateError:
        """An error that the server itself reports, with the place in the policy if it names one."""
        body = body if isinstance(body, dict) else {}
        code = str(body.get("code"))
        if status in (401, 403) or code == "unauthorized":
            remedy = "check opa.token_file or opa.token_variable, opa.certificate, and its rules"
            return self.problem("refuses the request", remedy)
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        message = str(first.get("message") or body.get("message") or f"HTTP status {status}")
        message = message[:_PROBLEM_CHARACTERS]
        location = first.get("location")
        if not isinstance(location, dict):
            return self.problem(f"reports {code if body else 'an error'}: {message}", _AGAIN)
        kind = rejected if str(first.get("code")).startswith("rego_") else EngineError
        try:
            path, line = self.locate(str(location["file"]), int(location["row"]))
            place = f"line {line}, column {int(location['col'])}"
        except (KeyError, TypeError, ValueError):
            raise self.problem("does not answer as OPA does", _AGAIN) from None
        what = "the policy does not load" if kind is PolicyError else "the policy failed"
        return kind(f"{what}: {message}", path=path, place=place, remedy="correct the policy module")


def _reason(error: BaseException) -> str:
    """The innermost reason in words, without what the libraries put around it."""
    seen: Any = error
    while isinstance(seen, BaseException):
        text = str(seen)
        seen = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
    found = re.search(r"\[Errno -?\d+\] ([^'\"()<>]+)", text)
    reason = (found[1] if found else text.rpartition(": ")[2]).strip()
    return reason[:_PROBLEM_CHARACTERS] or type(error).__name__


def _json(response: Any) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _library() -> tuple[Any, Any]:
    """opa-python-client and our adapters. Raises EnvironmentProblem: it is not installed."""
    try:
        from opa_client import opa

        from . import adapters
    except ImportError as error:
        raise not_installed("asking an OPA server", "opa", error) from error
    return opa, adapters
