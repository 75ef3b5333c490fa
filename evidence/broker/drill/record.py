"""``ROLLBACK_DRILL.json`` out of what came of a drill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ...base.errors import masked
from .run import Drill, Plan

MOST_NOTE = 4000


def document(
    drill: Drill, plan: Plan, performed_at: str, operator: str, trigger: str | None, archive: str
) -> dict[str, Any]:
    """The record (``contracts/files/rollback_drill.schema.json``); its note has what went wrong.

    A step that failed is not among the steps, and what was not read is null.
    """
    steps = [{"step": name, "completed_ms": done} for name, done in drill.steps]
    return {
        "performed_at": performed_at,
        "operator": operator,
        "account": masked(plan.target.account),
        **({} if trigger is None else {"trigger": trigger}),
        "steps": steps,
        "total_recovery_ms": drill.total_ms,
        "cancel_orders_ms": dict(drill.steps).get("cancel_orders"),
        "all_flat": drill.all_flat,
        "open_orders": drill.open_orders,
        "nav_before": _number(drill.nav_before),
        "nav_after": _number(drill.nav_after),
        "logs_archived": None if drill.all_flat is None else drill.archived is not None,
        "note": _note(drill, plan, archive),
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None or value <= 0 else float(value)


def _note(drill: Drill, plan: Plan, archive: str) -> str:
    target = plan.target
    where = "the simulated gateway" if target.simulated else f"the gateway at port {target.port}"
    parts = [
        f"Run by gate ibkr rollback-drill against {where}, account {masked(target.account)}, {drill.library}",
        drill.exposure,
        *([] if drill.archived is None else [f"logs in {archive}, SHA-256 {drill.archived}"]),
        *(f"failed: {step}: {problem}" for step, problem in drill.failures),
        *([] if drill.left is None else [f"still open: {drill.left}"]),
    ]
    return "; ".join(parts)[:MOST_NOTE]
