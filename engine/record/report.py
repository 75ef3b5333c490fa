"""What was exported, attached and verified, as text or JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...evidence.base.numbers import counted
from ...evidence.base.records import to_json
from ..decision.document import Decision
from ..ledger.interface import Entry
from ..report.json_format import render_json
from ..terminal.lines import to_bytes
from .export import Exported
from .verify import HOLDS, NOT_CHECKED, WRONG, Verified

_STATES = {HOLDS: "ok", WRONG: "WRONG", NOT_CHECKED: "-"}


def _about(decision: Decision) -> str:
    about = f"{decision.verdict.value} of {decision.stage} of {decision.workspace}"
    return f"{about} as of {decision.effective_time}"


def _exported_text(path: Path, found: Exported) -> bytes:
    size = sum(map(len, found.files.values()))
    return to_bytes(
        [
            f"wrote    {path}: {counted(len(found.files), 'file')}, {size} bytes",
            f"decision {_about(found.decision)}, entry {found.index} of {found.log}",
            f"trust    sha256:{found.trust}",
            "give this digest to the verifier by another way than the record:",
            "gate record verify RECORD --trust DIGEST",
        ]
    )


def _exported_json(path: Path, found: Exported) -> bytes:
    return render_json(
        {
            "path": str(path),
            "files": len(found.files),
            "verdict": found.decision.verdict.value,
            "stage": found.decision.stage,
            "entry": found.index,
            "origin": found.log,
            "trust": f"sha256:{found.trust}",
        }
    )


EXPORTED: dict[str, Callable[[Path, Exported], bytes]] = {"table": _exported_text, "json": _exported_json}


def _attached_text(decision: Entry, entry: Entry, names: list[str]) -> bytes:
    lines = [f"attached {name}" for name in names]
    return to_bytes([*lines, f"recorded entry {entry.index}, about the decision in entry {decision.index}"])


def _attached_json(decision: Entry, entry: Entry, names: list[str]) -> bytes:
    return render_json({"decision": to_json(decision), "entry": to_json(entry), "documents": names})


ATTACHED: dict[str, Callable[[Entry, Entry, list[str]], bytes]] = {
    "table": _attached_text,
    "json": _attached_json,
}


def _verified_text(found: Verified) -> bytes:
    lines = [f"{_STATES[one.state]:<6} {one.name:<12} {one.text}" for one in found.checks]
    if found.decision is None or not found.ok:
        return to_bytes([*lines, "NOT sound: believe nothing in this record"])
    for weakening in found.decision.weakenings:
        lines.append(f"weakened: {weakening.msg}")
    if not found.decision.trust.anchors:
        lines.append("self-judged: the judged change itself decided all settings")
    return to_bytes([*lines, f"verified: {_about(found.decision)}, entry {found.entry}"])


def _verified_json(found: Verified) -> bytes:
    decision = found.decision
    return render_json(
        {
            "ok": found.ok,
            "trust": f"sha256:{found.trust}" if found.trust else None,
            "entry": found.entry,
            "verdict": decision.verdict.value if decision else None,
            "stage": decision.stage if decision else None,
            "workspace": decision.workspace if decision else None,
            "effective_time": decision.effective_time if decision else None,
            "anchors": list(decision.trust.anchors) if decision else None,
            "weakenings": to_json(decision.weakenings) if decision else None,
            "checks": to_json(found.checks),
        }
    )


VERIFIED: dict[str, Callable[[Verified], bytes]] = {"table": _verified_text, "json": _verified_json}
