"""The service's description of itself: an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1)."""

from __future__ import annotations

from typing import Any, Final

from .... import __version__
from ...report import registry
from ..query import FILTERS
from ..settings import Service
from ..writing.submission import TYPE
from .answers import PROBLEM

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_TRUTH: Final = {"type": "boolean"}
_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_VERDICT: Final = {"type": "string", "enum": ["PASS", "FAIL", "CONDITIONAL"]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _named(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": sorted(properties), "properties": properties}


_SCHEMAS: Final[dict[str, Any]] = {
    "Log": _object(name=_TEXT, owner=_or_null(_TEXT), sound=_or_null(_TRUTH), accepts=_TRUTH),
    "Row": _object(
        **dict.fromkeys(("entry", "conditions"), _COUNT),
        **dict.fromkeys(("leaf", "decision"), _DIGEST),
        **dict.fromkeys(("time", "stage", "workspace", "policy", "policyDigest"), _TEXT),
        **dict.fromkeys(("violations", "waived", "weakenings"), _TEXTS),
        verdict=_VERDICT,
        stages={"type": "object", "additionalProperties": _VERDICT},
        commit=_or_null(_TEXT),
    ),
    "Logs": _object(logs={"type": "array", "items": _named("Log")}),
    "Decisions": _object(decisions={"type": "array", "items": _named("Row")}, next=_or_null(_COUNT)),
    "Recorded": _object(
        entry=_COUNT,
        leaf=_DIGEST,
        decision=_DIGEST,
        verdict=_VERDICT,
        new={**_TRUTH, "description": "False where it was recorded before."},
        sealed={**_COUNT, "description": "How many entries the checkpoint covers."},
    ),
    "Verification": _object(
        sound=_or_null(_TRUTH),
        time=_or_null(_TEXT),
        seconds=_or_null({"type": "number"}),
        problem=_or_null(_TEXT),
        report=_or_null({"type": "object", "description": "As `gate ledger verify -o json` prints it."}),
    ),
    "Problem": {
        "type": "object",
        "description": "RFC 9457.",
        "required": ["status", "title"],
        "properties": {"status": {"type": "integer"}, "title": _TEXT, "detail": _TEXT},
    },
}
_REASONS: Final = {
    400: "The query is malformed.",
    401: "Nobody that is configured vouches for the client.",
    403: "The client may not post to this log.",
    404: "There is no such thing.",
    408: "The body took too long.",
    411: "The length of the body is not stated.",
    413: "The body is too large.",
    415: "The body is of another type, or compressed.",
    422: "The decision must not be recorded; `detail` says why.",
    429: "Too many requests.",
    503: "Ask again: the ledger cannot be read or written, or too many wait.",
}


def description(service: Service) -> dict[str, Any]:
    """The OpenAPI document of a service with these logs."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gate serve",
            "version": __version__,
            "description": "Recorded decisions of the compliance gate: read, verify, and record them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": service.stated.url or "/"}],
        "paths": {path: _operations(path, operations) for path, operations in _paths(service).items()},
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "certificate": {"type": "mutualTLS"},
            },
        },
    }


def _paths(service: Service) -> dict[str, dict[str, dict[str, Any]]]:
    """Path → method → operation, without what `_operations` adds."""
    log, one = "/api/logs/{log}", "/api/logs/{log}/decisions/{decision}"
    pushed = any(one.stated.bundles for one in service.logs)
    text: dict[str, Any] = {"text/plain": _TEXT}
    binary: dict[str, Any] = {"application/octet-stream": {}}
    formats: dict[str, Any] = {kind: {} for kind in ("text/plain", "text/html", "application/json")}
    impact = _posts(
        "Have the latest decisions judged again under a policy bundle.",
        "A policy bundle, as `gate policy bundle` writes it.",
        "application/gzip",
        {"202": _answer("It waits; `result` is the path of its page.", _json("", _object(result=_TEXT)))},
    )
    return {
        "/healthz": {"get": _reads("The service runs.", _json("Health", _object(status=_TEXT)))},
        "/openapi.json": {"get": _reads("This document.", {"application/json": {"type": "object"}})},
        "/metrics": {"get": _reads("Figures for Prometheus.", text, 503)},
        "/api/logs": {"get": _reads("The logs.", _json("Logs"))},
        f"{log}/decisions": {
            "get": {
                **_reads("Recorded decisions, newest first.", _json("Decisions"), 400, 404, 503),
                "parameters": [_query(name, text) for name, text in FILTERS.items()],
            },
            "post": _posts(
                "Record a decision, which is checked and judged again.",
                "The archive of a decision, as `gate evaluate --record-to` sends it.",
                TYPE,
                {
                    "201": _answer("It is recorded and sealed.", _json("Recorded")),
                    "200": _answer("It was recorded before.", _json("Recorded")),
                    **_problems(422),
                },
            ),
        },
        one: {"get": _reads("The decision document, byte for byte.", {"application/json": {}}, 404, 503)},
        f"{one}/report/{{format}}": {"get": _reads("The decision in a report format.", formats, 404, 503)},
        f"{one}/record": {"get": _reads("Its compliance record.", {TYPE: {}}, 404, 503)},
        f"{one}/proof": {"get": _reads("Proof that it is in the log.", {"application/json": {}}, 404, 503)},
        f"{log}/verification": {
            "get": _reads("How the last verification of the ledger ended.", _json("Verification"), 404)
        },
        "/tlog/{log}/checkpoint": {"get": _reads("The latest checkpoint.", text, 404, 503)},
        "/tlog/{log}/key": {"get": _reads("The log's verifier key.", text, 404, 503)},
        "/tlog/{log}/tile/{tile}": {"get": _reads("A tile (c2sp.org/tlog-tiles).", binary, 404, 503)},
        **({f"{log}/impact": {"post": impact}} if pushed else {}),
    }


def _posts(summary: str, body: str, kind: str, answers: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [{"token": []}, {"certificate": []}],
        "requestBody": {"required": True, "description": body, "content": {kind: {}}},
        "responses": {**answers, **_problems(401, 403, 404, 408, 411, 413, 415, 429, 503)},
    }


def _operations(path: str, operations: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The operations on a path, with an id each, and the parameters in the path."""
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    words = "".join(part.strip("{}").split(".")[0].title() for part in path.split("/"))
    return {
        **({"parameters": [_PARAMETERS[name] for name in named]} if named else {}),
        **{method: {"operationId": f"{method}{words}", **about} for method, about in operations.items()},
    }


def _parameter(name: str, text: str, schema: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


_PARAMETERS: Final = {
    "log": _parameter("log", "Name of the log."),
    "decision": _parameter("decision", "Ledger index, or at least eight digits of a digest."),
    "format": _parameter(
        "format", "Report format; also those of plug-ins.", {**_TEXT, "examples": [*registry.BUILTIN]}
    ),
    "tile": _parameter("tile", "Level, index and width as the specification writes them, with slashes."),
}


def _query(name: str, text: str) -> dict[str, Any]:
    schema = {"type": "integer"} if name in ("limit", "before") else _TEXT
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _json(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"application/json": schema or _named(name)}


def _reads(summary: str, content: dict[str, Any], *problems: int) -> dict[str, Any]:
    answers = {"200": _answer(summary, content), **_problems(*problems, 429)}
    return {"summary": summary, "responses": answers}


def _answer(text: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema} for kind, schema in content.items()}}


def _problems(*statuses: int) -> dict[str, Any]:
    return {str(status): _answer(_REASONS[status], {PROBLEM: _named("Problem")}) for status in statuses}
