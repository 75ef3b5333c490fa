"""One HTTP request to an outside service: bounded in time and size, without redirects, never quoted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from ....evidence.base.errors import ConfigError, EnvironmentProblem
from ....evidence.process.waiting import within

SECONDS: Final = 30
MAX_BYTES: Final = 65_536


def post(
    url: str,
    body: bytes,
    kind: str,
    headers: Mapping[str, str] | None = None,
    shown: str | None = None,
    seconds: float | None = None,
    handlers: Sequence[Any] = (),
) -> tuple[int, bytes]:
    """POST `body` with the content type `kind` and further headers: status and content of the answer.

    Args:
        shown: what errors call the URL, where it is a secret.
        seconds: how long it may take; `SECONDS` if None.
        handlers: of urllib, in place of its own.

    Raises ConfigError when it is no http or https URL, EnvironmentProblem when there is no answer of at most
    `MAX_BYTES` in time.
    """
    shown = shown or url.partition("?")[0][:200]
    if not url.startswith(("https://", "http://")):
        raise ConfigError("this is no http or https URL", path=shown, remedy="write https://HOST/PATH")
    seconds = SECONDS if seconds is None else seconds
    stated = {**(headers or {}), "Content-Type": kind}
    try:
        return within(seconds, partial(_post, url, body, stated, shown, seconds, handlers))
    except TimeoutError:
        raise _unreachable("the answer takes too long", shown) from None


def _post(
    url: str, body: bytes, headers: Mapping[str, str], shown: str, seconds: float, handlers: Sequence[Any]
) -> tuple[int, bytes]:
    from http.client import HTTPException
    from urllib import error, request

    class NoRedirect(request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    end_s = time.monotonic() + seconds
    data = b""
    try:
        asked = request.Request(url, body, dict(headers))  # noqa: S310 - the scheme is checked
        try:
            answer = request.build_opener(NoRedirect, *handlers).open(asked, timeout=seconds)
        except error.HTTPError as refusal:
            answer = refusal
        with answer:
            while len(data) <= MAX_BYTES and (part := answer.read1(MAX_BYTES)):
                data += part
                if time.monotonic() > end_s:
                    raise TimeoutError("the answer takes too long")
            status = int(answer.status)
    except (OSError, HTTPException, ValueError) as problem:
        # others quote what they got, which may be what was sent, the URL and all
        is_ours = isinstance(problem, OSError)
        reason = getattr(problem, "reason", problem) if is_ours else "it does not answer as a web server does"
        raise _unreachable(reason, shown) from None
    if len(data) > MAX_BYTES:
        raise EnvironmentProblem(f"the answer is larger than {MAX_BYTES} bytes", path=shown)
    return status, data


def _unreachable(reason: object, shown: str) -> EnvironmentProblem:
    remedy = "check the URL and the network"
    return EnvironmentProblem(f"it cannot be reached: {reason}", path=shown, remedy=remedy)
