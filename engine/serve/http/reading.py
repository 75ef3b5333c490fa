"""Routes that read: decisions, reports, records, verification, metrics, checkpoint and tiles.

They are no coroutines: the framework runs them in threads. They raise GateError, which becomes a refusal.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from ...entries.reading import locate
from ...ledger.findings import Authorities
from ...ledger.proof import prove
from ...record.archive import write_tar
from ...record.export import export_from
from ...report import registry
from ...report.ledger import VERIFICATIONS
from ...terminal.lines import Screen
from ..metrics import exposition
from ..query import Malformed, choose
from ..served import Row, Served, ServedLog, at_length
from ..tiles import parse_tile
from .answers import json_answer, problem
from .guard import REPORT_POLICY, UNCHANGING

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "junit": "text/xml; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
    "go-live": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
    **dict.fromkeys(
        ("json", "gemara", "sarif", "gitlab", "attestation", "oscal", "oscal-poam"), "application/json"
    ),
}
"""Report format → content type; any other is plain text."""
_CHECKPOINT_AGE: Final = {"cache-control": "public, max-age=1"}


def routes(served: Served) -> list[BaseRoute]:
    """The routes over what is served."""

    def logs(request: Request) -> Response:
        return json_answer({"logs": [log_json(one) for one in served.logs.values()]})

    def verification(request: Request) -> Response:
        return json_answer(verification_json(served.log(request.path_params["log"])))

    def metrics(request: Request) -> Response:
        return Response(exposition(served), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        Route("/api/logs", logs),
        *_decisions(served),
        Route("/api/logs/{log}/verification", verification),
        Route("/metrics", metrics),
        *_tiles(served),
    ]


def _decisions(served: Served) -> list[BaseRoute]:
    """The decisions of a log: a list, each one, and what proves it."""

    def row_of(request: Request) -> tuple[ServedLog, Row]:
        log = served.log(request.path_params["log"])
        return log, log.row(request.path_params["decision"])

    def decisions(request: Request) -> Response:
        log = served.log(request.path_params["log"])
        page = choose(log.rows(), _asked(request))
        return json_answer({"decisions": [row_json(one) for one in page.rows], "next": page.next})

    def decision(request: Request) -> Response:
        log, row = row_of(request)
        return Response(log.document(row.digest), media_type="application/json")

    def report(request: Request) -> Response:
        log, row = row_of(request)
        name = request.path_params["format"]
        form = registry.load(name)
        with at_length():
            data = form.render(log.decision(row), row.entry, Screen())
        policy = {"content-security-policy": REPORT_POLICY} if name == "html" else {}
        return Response(data, headers=policy, media_type=_TYPES.get(name, "text/plain; charset=utf-8"))

    def record(request: Request) -> Response:
        log, row = row_of(request)
        with at_length(), log.open() as ledger:
            made = export_from(ledger, locate(ledger, str(row.entry.index)), Authorities())
        headers = {
            "gate-trust": f"sha256:{made.trust}",
            "content-disposition": f'attachment; filename="{log.name}-{row.entry.index}.tar"',
        }
        return StreamingResponse(write_tar(made.files), 200, headers, "application/x-tar")

    def proof(request: Request) -> Response:
        log, row = row_of(request)
        with at_length(), log.open() as ledger:
            return json_answer(prove(ledger, row.entry.index).to_json())

    one = "/api/logs/{log}/decisions/{decision}"
    return [
        Route("/api/logs/{log}/decisions", decisions),
        Route(one, decision),
        Route(f"{one}/report/{{format}}", report),
        Route(f"{one}/record", record),
        Route(f"{one}/proof", proof),
    ]


def _tiles(served: Served) -> list[BaseRoute]:
    """What witnesses and monitors read (C2SP tlog-tiles), and the key that they check it with."""

    def log_of(request: Request) -> ServedLog:
        return served.log(request.path_params["log"])

    def checkpoint(request: Request) -> Response:
        found = log_of(request).checkpoint()
        if found is None:
            return problem(404, "no checkpoint was signed yet")
        return Response(found[1], headers=_CHECKPOINT_AGE, media_type="text/plain; charset=utf-8")

    def key(request: Request) -> Response:
        with log_of(request).reading() as ledger:
            return Response(f"{ledger.verifier}\n", media_type="text/plain; charset=utf-8")

    def tile(request: Request) -> Response:
        log, named = log_of(request), parse_tile(request.path_params["tile"])
        data = None
        if named is not None:
            level, index, width = named
            data = log.entries(index, width) if level is None else log.tile(level, index, width)
        if data is None:
            return problem(404, "there is no such tile")
        return Response(data, headers=UNCHANGING, media_type="application/octet-stream")

    return [
        Route("/tlog/{log}/checkpoint", checkpoint),
        Route("/tlog/{log}/key", key),
        Route("/tlog/{log}/tile/{tile:path}", tile),
    ]


def _asked(request: Request) -> dict[str, str]:
    """The query. Raises Malformed: a parameter is given twice."""
    items = request.query_params.multi_items()
    if len(dict(items)) < len(items):
        raise Malformed("a parameter is given twice")
    return dict(items)


def log_json(log: ServedLog) -> dict[str, Any]:
    """A log, as lists show it."""
    verified = log.verified
    return {
        "name": log.name,
        "owner": log.member.owner,
        "sound": None if verified is None else verified.ok,
        "accepts": bool(log.log.stated.writers),
    }


def row_json(row: Row) -> dict[str, Any]:
    """A recorded decision, as lists show it."""
    stated: dict[str, Any] = to_builtins(row)
    names = {"decision": stated.pop("digest"), "policyDigest": stated.pop("policy_digest")}
    return {**stated, **names, "entry": row.entry.index, "leaf": row.entry.digest}


def verification_json(log: ServedLog) -> dict[str, Any]:
    """How the last verification ended: its report as `gate ledger verify -o json` prints it."""
    found = log.verified
    if found is None:
        return {"sound": None, "time": None, "seconds": None, "report": None, "problem": None}
    report = None
    if found.report is not None:
        report = orjson.loads(VERIFICATIONS["json"](found.report))
        report["outside"] = [text.replace(f"{log.config_dir}/", "") for text in report["outside"]]
    return {
        "sound": found.ok,
        "time": found.time,
        "seconds": round(found.seconds, 3),
        "report": report,
        "problem": found.problem,
    }
