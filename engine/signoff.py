"""The bytes a person signs: one stage, one exact subject, evidence and policy, one role, one verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from ..evidence.base.contracts import violations
from ..evidence.base.errors import UsageError
from .context import Context
from .report.json_format import escaped

CONDITIONAL = "conditional"


def prepare_signoff(
    context: Context,
    bound: tuple[str, str],
    stage: str,
    role: str,
    name: str,
    verdict: str,
    signed_at: str,
    *,
    comment: str | None,
    conditions: Sequence[str],
) -> bytes:
    """The sign-off file's content, to be signed as it is.

    Args:
        bound: digests of the sources and of the stage's evidence, as ``service.binding`` gives them.
        conditions: ``TEXT|OWNER|DUE`` each.

    Raises UsageError: a role that the workspace does not know, conditions with another verdict than
    ``conditional``, or fields that break the file's contract.
    """
    roles = context.config.roles
    if role not in roles:
        raise UsageError(
            f"gate.yaml knows no role {role!r}",
            remedy="known: " + (", ".join(roles) or "none; see `gate init`"),
        )
    document: dict[str, Any] = {
        "type": "gate.signoff/v1",
        "stage": stage,
        "role": role,
        "name": name,
        "verdict": verdict,
        "subject": bound[0],
        "evidence": bound[1],
        "policy": {"version": context.bundle.version, "digest": context.bundle.digest},
        "signed_at": signed_at,
    }
    stated = [_condition(text) for text in conditions]
    if stated and verdict != CONDITIONAL:
        raise UsageError(
            f"a sign-off with the verdict {verdict!r} cannot carry conditions",
            place="--condition",
            remedy="add --verdict conditional, or leave the conditions out",
        )
    if comment is not None:
        document["comment"] = comment
    if stated:
        document["conditions"] = stated
    broken = violations("files", "signoff", document)
    if broken:
        raise UsageError(
            f"the sign-off would not be valid: {broken[0][1]}",
            place=broken[0][0],
            remedy="correct the options; a conditional sign-off needs --condition TEXT|OWNER|DUE",
        )
    try:
        return (escaped(json.dumps(document, indent=2, ensure_ascii=False)) + "\n").encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            "a name or remark is not UTF-8 text", remedy="check the terminal's encoding"
        ) from error


def _condition(text: str) -> dict[str, str]:
    parts = text.split("|")
    if len(parts) != 3:
        raise UsageError(f"--condition {text!r} is not TEXT|OWNER|DUE", remedy="separate three parts with |")
    try:
        date.fromisoformat(parts[2])
    except ValueError as error:
        raise UsageError(
            f"--condition {text!r} is due on no day of the calendar", remedy="write the day as YYYY-MM-DD"
        ) from error
    return {"text": parts[0], "owner": parts[1], "due": parts[2]}
