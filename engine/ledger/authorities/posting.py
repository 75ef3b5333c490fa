"""One HTTP request to an outside service: bounded in time and size, without redirects."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ....evidence.base.errors import ConfigError, EnvironmentProblem

SECONDS: Final = 30
MAX_BYTES: Final = 65_536


def post(
    url: str,
    body: bytes,
    kind: str,
    headers: Mapping[str, str] | None = None,
    shown: str | None = None,
    seconds: float = SECONDS,
) -> tuple[int, bytes]:
    """POST `body` with the content type `kind` and further headers: status and content of the answer.

    Args:
        shown: what errors call the URL, where it is a secret.
        seconds: how long it may take.

    Raises ConfigError when it is no http or https URL, EnvironmentProblem when there is no answer of at most
    `MAX_BYTES` in time.
    """
    from http.client import HTTPException
    from urllib import error, request

    class NoRedirect(request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    shown = shown or url.partition("?")[0][:200]
    if not url.startswith(("https://", "http://")):
        raise ConfigError("this is no http or https URL", path=shown, remedy="write https://HOST/PATH")
    end_s = time.monotonic() + seconds
    data = b""
    try:
        asked = request.Request(url, body, {**(headers or {}), "Content-Type": kind})  # noqa: S310 - the scheme is checked above
        try:
            answer = request.build_opener(NoRedirect).open(asked, timeout=seconds)
        except error.HTTPError as refusal:
            answer = refusal
        with answer:
            while len(data) <= MAX_BYTES and (part := answer.read1(MAX_BYTES)):
                data += part
                if time.monotonic() > end_s:
                    raise TimeoutError("the answer takes too long")
            status = int(answer.status)
    except (OSError, HTTPException, ValueError) as problem:
        reason = getattr(problem, "reason", problem)
        raise EnvironmentProblem(
            f"it cannot be reached: {reason}", path=shown, remedy="check the URL and the network"
        ) from None
    if len(data) > MAX_BYTES:
        raise EnvironmentProblem(f"the answer is larger than {MAX_BYTES} bytes", path=shown)
    return status, data
