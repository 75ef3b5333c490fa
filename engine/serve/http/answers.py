"""Answers in JSON, and errors as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from ....evidence.base.errors import EnvironmentProblem, GateError, LedgerError, UsageError, masked
from ...ledger.interface import NoLedger
from ..query import Malformed

PROBLEM: Final = "application/problem+json"


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON document."""
    data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    return Response(data, status, headers, "application/json")


def problem(
    status: int, title: str, detail: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says why a request was refused, as problem details."""
    stated = {
        "status": status,
        "title": title[:1000],
        **({} if detail is None else {"detail": detail[:1000]}),
    }
    return Response(orjson.dumps(stated) + b"\n", status, headers, PROBLEM)


def refusal(error: GateError, status: int | None = None) -> Response:
    """An error as an answer: what is wrong and what to do, without paths of this machine."""
    if status is None:
        status = 404 if isinstance(error, UsageError | NoLedger) else 500
        status = 400 if isinstance(error, Malformed) else status
        broken = isinstance(error, EnvironmentProblem | LedgerError) and not isinstance(error, NoLedger)
        status = 503 if broken else status
    remedy = error.remedy if status < 500 else None
    return problem(status, masked(error.what), None if remedy is None else masked(remedy))
