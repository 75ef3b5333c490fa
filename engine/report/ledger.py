"""Ledger entries, proofs and the result of a verification, as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...evidence.base.numbers import counted
from ...evidence.base.records import to_json
from ..entries.reading import DecisionEntry, StatementEntry
from ..entries.statement import KINDS
from ..ledger.findings import Verification, Witnessed
from ..ledger.merkle import leaf_hash
from ..ledger.note import Checkpoint
from ..ledger.proof import Proof
from ..terminal.lines import to_bytes
from .json_format import render_json

if TYPE_CHECKING:
    from ..ledger.migrate import Migrated, MigratedEvidence
    from ..ledger.postgres.schema import Prepared

_SHOWN = 10


def _entries_text(entries: Sequence[StatementEntry], checkpoint: Checkpoint | None) -> bytes:
    """One line per entry, and the latest checkpoint."""
    lines = [f"{one.entry.index:>5}  {_about(one)}  {one.entry.digest[:16]}…" for one in entries]
    if checkpoint is not None:
        count = counted(checkpoint.size, "entry")
        lines.append(f"sealed: {count}, root {checkpoint.root.hex()}, {checkpoint.time}")
    return to_bytes(lines)


def _about(one: StatementEntry) -> str:
    if one.void is not None:
        return f"{'void':<11}  {one.kind or one.statement['predicateType']}: {one.void}"
    if isinstance(one, DecisionEntry):
        return f"{one.summary.verdict:<11}  {one.summary.stage:<7}  {one.summary.time}"
    subject = one.statement["subject"][0].get("name", "")
    if one.kind is None:
        return f"{'unknown':<11}  {one.statement['predicateType']} {subject}"
    return f"{one.kind:<11}  {subject}"


def _entries_json(entries: Sequence[StatementEntry], checkpoint: Checkpoint | None) -> bytes:
    rows = [
        {**to_json(one.entry), "kind": one.kind, "void": one.void, "statement": one.statement}
        for one in entries
    ]
    return render_json({"entries": rows, "checkpoint": _sealed_json(checkpoint)})


def _sealed_json(checkpoint: Checkpoint | None) -> dict[str, Any] | None:
    if checkpoint is None:
        return None
    return {"size": checkpoint.size, "root": checkpoint.root_hex, "time": checkpoint.time}


ENTRIES = {"table": _entries_text, "json": _entries_json}


def render_statement(statement: dict[str, Any]) -> bytes:
    """One entry's in-toto statement."""
    return render_json(statement)


def _rows(*rows: tuple[str, object], last: str = "", width: int = 9) -> bytes:
    """A line for each name with what is told under it, and a last line."""
    lines = [f"{name:<{width}}{value}" for name, value in rows]
    return to_bytes([*lines, last] if last else lines)


def _fields_json(done: Struct) -> bytes:
    return render_json(to_json(done))


def _proof_text(proof: Proof) -> bytes:
    sealed = proof.checkpoint
    return _rows(
        ("entry", f"{proof.index} of {sealed.size}, {leaf_hash(proof.line).hex()}"),
        ("proof", f"{counted(len(proof.hashes), 'hash')} from it to the root {sealed.root_hex}"),
        ("sealed", f"{sealed.time} by {sealed.origin}"),
        last="-o tlog-proof=FILE writes it as a file",
    )


PROOFS = {"table": _proof_text, "json": lambda proof: render_json(proof.to_json()), "tlog-proof": Proof.text}


def _export_text(path: Path, size: int, sealed: Checkpoint | None, what: str = "entry") -> bytes:
    under = f", sealed: {sealed.size}, root {sealed.root_hex}, {sealed.time}" if sealed else ", none sealed"
    return to_bytes([f"wrote {counted(size, what)} to {path}{under}"])


def _export_json(path: Path, size: int, sealed: Checkpoint | None, what: str = "entry") -> bytes:
    covered, root = (sealed.size, sealed.root_hex) if sealed else (0, None)
    return render_json({"path": str(path), "size": size, "sealed": covered, "root": root})


EXPORTS = {"table": _export_text, "json": _export_json}


def _witnessed_text(found: Witnessed) -> bytes:
    sealed = found.checkpoint
    shown = (
        [("shown", f"{counted(sealed.size, 'entry')}, root {sealed.root_hex}, {sealed.time}")]
        if sealed
        else []
    )
    last = "complete" if found.enough else "NOT complete: run it again"
    return _rows(*shown, *(("done", name) for name in found.done), last=last)


def _witnessed_json(found: Witnessed) -> bytes:
    problems = [problem.what for problem in found.problems]
    about = _sealed_json(found.checkpoint)
    return render_json(
        {"checkpoint": about, "complete": found.enough, "done": found.done, "problems": problems}
    )


WITNESSED = {"table": _witnessed_text, "json": _witnessed_json}


def _migrated_text(done: Migrated) -> bytes:
    return _rows(
        ("from", done.source),
        ("to", done.target),
        ("entries", f"{done.lines}, {done.new} of them copied now"),
        ("sealed", counted(done.checkpoints, "checkpoint")),
        ("evidence", counted(done.blobs, "document")),
        ("sha256", f"{done.sha256} on both sides"),
        last="equal",
        width=10,
    )


MIGRATIONS = {"table": _migrated_text, "json": _fields_json}


def _evidence_text(done: MigratedEvidence) -> bytes:
    return _rows(
        ("from", done.source),
        ("to", done.target),
        ("evidence", f"{counted(done.documents, 'document')}, {done.new} of them copied now"),
        ("entries", f"{done.entries}, whose documents are all there"),
        last="complete",
        width=10,
    )


EVIDENCE_MIGRATIONS = {"table": _evidence_text, "json": _fields_json}


def _prepared_text(done: Prepared) -> bytes:
    before = "none" if done.before is None else f"version {done.before}"
    tables = ("tables", f"version {done.after} (before: {before})")
    return _rows(("database", done.name), tables, *(("granted", role) for role in done.granted), width=10)


PREPARED = {"table": _prepared_text, "json": _fields_json}


def _verification_text(report: Verification) -> bytes:
    unpinned = "  (taken from the ledger itself; pin it with --key to prove its origin)"
    alone = "not compared with a copy outside of it: give --key, or --since with a checkpoint kept elsewhere"
    sealed = f" on {report.checkpoint_time}, root {report.root}" if report.root else ""
    lines = [
        f"log      {report.origin}",
        f"key      {report.key}" + ("" if report.pinned else unpinned),
        f"entries  {report.size} sealed{sealed}",
    ]
    kinds = _kinds(report)
    if kinds:
        lines.append("kinds    " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    current = [one for one in report.keys if one != report.key]
    if report.admins or current:
        events = counted(report.admins or 0, "key event")
        lines.append(f"in force {', '.join(report.keys)}, after {events}")
    if report.admins is None and KINDS["key-event"] in report.predicates:
        lines.append("events   not checked, none counts: no key admins are known (`gate docs keys`)")
    if report.void:
        shown = ", ".join(map(str, report.void[:_SHOWN])) + (", …" if len(report.void) > _SHOWN else "")
        lines.append(
            f"void     {counted(len(report.void), 'entry')} whose key was revoked from there on: {shown}"
        )
    lines += [
        f"unknown  {count} of type {name}, which this version of gate does not read"
        for name, count in _unknown(report).items()
    ]
    if report.unsealed:
        lines.append(
            f"unsealed {counted(report.unsealed, 'entry')} after the checkpoint, protected only by their "
            "signatures"
        )
    if report.torn_tail_bytes:
        lines.append(
            f"torn     {counted(report.torn_tail_bytes, 'byte')} of an unfinished line; the next append "
            "removes them"
        )
    if report.ok and report.checked_from:
        lines.append(
            f"checked  {counted(report.size - report.checked_from, 'new signature')}; "
            f"{counted(report.checked_from, 'earlier one')} covered by a copy (--full checks them, too)"
        )
    lines += [f"outside  {copy}" for copy in report.outside]
    lines += [f"problem  {finding}" for finding in report.problems]
    if not report.ok:
        lines.append("NOT sound")
    elif report.outside:
        lines.append("verified: consistent in itself and with what is kept outside of it")
    else:
        lines.append(f"consistent in itself, {alone}")
    return to_bytes(lines)


def _kinds(report: Verification) -> dict[str, int]:
    return {kind: report.predicates[name] for kind, name in KINDS.items() if name in report.predicates}


def _unknown(report: Verification) -> dict[str, int]:
    return {name: count for name, count in report.predicates.items() if name not in KINDS.values()}


def _verification_json(report: Verification) -> bytes:
    def stated(*names: str) -> dict[str, Any]:
        return {name: getattr(report, name) for name in names}

    return render_json(
        {
            "ok": report.ok,
            "verified": None if not report.ok else "outside" if report.outside else "itself",
            **stated("outside", "checked_from", "origin", "key", "pinned", "keys"),
            "key_events": report.admins,
            **stated("void", "size", "root", "checkpoint_time", "unsealed", "torn_tail_bytes"),
            "kinds": _kinds(report),
            "unknown": _unknown(report),
            "problems": [
                {"kind": one.kind.value, "text": one.text, "path": one.path, "line": one.line}
                for one in report.problems
            ],
        }
    )


VERIFICATIONS = {"table": _verification_text, "json": _verification_json}
