"""Routes that read: decisions, reports, records, verification, metrics, checkpoint and tiles."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..served import Row, Served
from .answers import json_answer


def routes(served: Served) -> list[BaseRoute]:
    """The routes over what is served."""

    def logs(request: Request) -> Response:
        found = [{"name": one.name, "owner": one.member.owner} for one in served.logs.values()]
        return json_answer({"logs": found})

    def decisions(request: Request) -> Response:
        log = served.log(request.path_params["log"])
        return json_answer({"decisions": [row_json(one) for one in log.rows()]})

    return [
        Route("/api/logs", logs),
        Route("/api/logs/{log}/decisions", decisions),
    ]


def row_json(row: Row) -> dict[str, object]:
    """A recorded decision as lists show it."""
    return {
        "entry": row.entry.index,
        "leaf": row.entry.digest,
        "decision": row.digest,
        "time": row.time,
        "stage": row.stage,
        "verdict": row.verdict,
        "stages": row.stages,
        "workspace": row.workspace,
        "commit": row.commit,
        "policy": row.policy,
        "policyDigest": row.policy_digest,
        "violations": row.violations,
        "waived": row.waived,
        "conditions": row.conditions,
        "weakenings": row.weakenings,
    }
