"""Decisions in the ledger: recording them, finding them again, the status they add up to, verifying them.

The ledger knows no decision; this module knows both. What is too large for a line, the full decision and the
input it was made from, lies in the evidence store under its digest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..evidence.base.canonical import canonical
from ..evidence.base.contracts import violations
from ..evidence.base.errors import ConfigError, InternalError, LedgerError, UsageError
from ..evidence.signing.keys import VerifierKey, load_or_create_log_key
from ..evidence.signing.problems import SignatureError
from . import run
from .collecting import open_workspace
from .decision import statement as lines
from .ledger import open_ledger, open_reader, verify_ledger
from .ledger.merkle import Frontier
from .ledger.reader import LedgerReader
from .report.json_format import render_json
from .run import Judged, Setting

PENDING = "PENDING"
"""The status of a stage that no recorded decision has judged; never a verdict."""

_DIGEST = re.compile(r"[0-9a-f]{8,64}")


def record(judged: Judged, config_dir: Path, now: str) -> tuple[dict[str, Any], str | None]:
    """Append the decision to the workspace's ledger and seal it.

    Args:
        judged: what ``run.evaluate`` returned.
        config_dir: the user's configuration directory, with the log key and the receipts.
        now: RFC 3339 time of recording, which goes into the checkpoint, never into the line.

    Returns:
        The entry's ``index`` and leaf ``digest``, and a notice when the log key was made just now.

    Raises:
        ConfigError: the key would lie inside the workspace.
        InternalError: the decision does not keep to its own contract, so nobody could read it again.
        LedgerError, EnvironmentProblem: as they say; the decision is then not recorded.
    """
    setting = judged.setting
    broken = violations("", "decision", judged.decision)
    if broken:
        raise InternalError(
            f"the decision breaks its contract and was not recorded: {broken[0][1]}",
            place=broken[0][0],
            remedy="report this with the policy bundle",
        )
    if config_dir.resolve().is_relative_to(setting.root):
        raise ConfigError(
            "the configuration directory lies inside the workspace, where the log key must never be",
            path=str(config_dir),
            remedy="point GATE_CONFIG_DIR elsewhere, or unset it",
        )
    key, fresh = load_or_create_log_key(config_dir)
    own = setting.config.ledger.origin
    limits = setting.config.limits
    with open_ledger(
        setting.ledger, key, config_dir=config_dir, origin=own, label=label(setting), limits=limits
    ) as ledger:
        digest = ledger.evidence.put(canonical(judged.decision))
        ledger.evidence.put(canonical(judged.input))
        for data in judged.attachments:
            ledger.evidence.put(data)
        [entry] = ledger.append([lines.statement(judged.decision, digest)])
        ledger.seal(now)
    notice = None
    if fresh:
        notice = (
            f"made a new log key {key.fingerprint} in {config_dir}; it signs the ledger and never leaves "
            "that directory"
        )
    return {"index": entry.index, "digest": entry.digest}, notice


def label(setting: Setting) -> str:
    """How the name of a new log begins, unless one is configured; random digits follow.

    Names must be unique: receipts are kept by name, and every fresh checkout begins a ledger of its own.
    """
    slug = re.sub(r"[^a-z0-9._-]+", "-", setting.name.lower()).strip("-.") or "workspace"
    return f"gate.local/{slug}"


def decisions(ledger: LedgerReader) -> Iterator[tuple[int, str, dict[str, Any], dict[str, Any]]]:
    """Every recorded decision, oldest first: index, leaf digest, statement, our summary of it.

    Raises:
        LedgerError: a line does not hold, or, after the last one, the sealed lines are not those of the
            checkpoint (reordered, dropped or exchanged).
    """
    latest = ledger.checkpoint()
    frontier = Frontier()
    for entry in ledger.entries():
        frontier.append(bytes.fromhex(entry.digest))
        if latest is not None and frontier.size == latest.size and frontier.root() != latest.root:
            raise LedgerError(
                f"the first {latest.size} entries are not those that were sealed on {latest.time}",
                path=ledger.name,
                remedy="run `gate ledger verify`, and restore the ledger from a copy you trust",
            )
        statement = json.loads(entry.payload)
        summary = lines.summary(statement)
        if summary is not None:
            yield entry.index, entry.digest, statement, summary


def find(setting: Setting, target: str) -> dict[str, Any]:
    """The full document of a recorded decision, with its place.

    Args:
        target: a ledger index, or at least eight digits of the leaf digest or of the decision's digest.

    Raises:
        UsageError: no such decision, or several begin like that.
        LedgerError: the ledger or the stored document is damaged.
    """
    by_index = target.isdecimal() and len(target) < 8
    if not by_index and not _DIGEST.fullmatch(target):
        raise UsageError(
            f"{target!r} is neither a stage nor a recorded decision",
            remedy="known stages: "
            + ", ".join([*setting.plan.stages, run.ALL])
            + "; or a ledger index or digest",
        )
    with open_reader(setting.ledger, limits=setting.config.limits) as ledger:
        found = []
        for index, digest, _, summary in decisions(ledger):
            stored = summary["decision"]["sha256"]
            if (by_index and index == int(target)) or (
                not by_index and (digest.startswith(target) or stored.startswith(target))
            ):
                found.append((index, digest, stored))
        if not found:
            raise UsageError(
                f"the ledger has no decision {target!r}", remedy="`gate ledger show` lists what is recorded"
            )
        if len({stored for _, _, stored in found}) > 1:
            raise UsageError(f"several decisions begin with {target!r}", remedy="give more digits")
        index, digest, stored = found[-1]
        return {**_document(ledger, stored), "ledger": {"index": index, "digest": digest}}


def _document(ledger: LedgerReader, digest: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ledger.evidence.get(digest))
    broken = violations("", "decision", document)
    if broken:
        raise LedgerError(
            f"the stored decision does not keep to its contract: {broken[0][1]}",
            path=digest,
            place=broken[0][0],
            remedy="it was written by another version of gate; read it with that version",
        )
    return document


def status(setting: Setting) -> list[dict[str, Any]]:
    """By stage, the latest recorded verdict, wherever it was judged; PENDING where no decision judged it."""
    latest: dict[str, dict[str, Any]] = {}
    if os.path.lexists(setting.ledger):  # a link that leads nowhere is a broken ledger, not an empty one
        with open_reader(setting.ledger, limits=setting.config.limits) as ledger:
            for index, _, statement, summary in decisions(ledger):
                for stage, verdict in summary["stages"].items():
                    if verdict == PENDING:
                        continue  # development versions wrote this of a stage that they had not judged
                    latest[stage] = {"entry": index, "verdict": verdict, "statement": statement}
    workspace = open_workspace(setting.root, setting.config)
    current = run.find_subject(setting, workspace).digest if latest else None
    rows = []
    for name, stage in setting.plan.stages.items():
        found = latest.get(name)
        latest_statement: dict[str, Any] | None = found["statement"] if found else None
        rows.append(
            {
                "stage": name,
                "title": stage.title,
                "status": found["verdict"] if found else PENDING,
                "entry": found["entry"] if found else None,
                "effective_time": latest_statement["predicate"]["timeVerified"] if latest_statement else None,
                "current": latest_statement["subject"][0]["digest"]["sha256"] == current
                if latest_statement
                else None,
                "policy_current": latest_statement["predicate"]["policy"]["digest"]["sha256"]
                == setting.bundle.digest
                if latest_statement
                else None,
            }
        )
    return rows


def show(setting: Setting, index: int | None, last: int) -> str:
    """The latest decisions one per line, or one entry's statement as JSON."""
    with open_reader(setting.ledger, limits=setting.config.limits) as ledger:
        if index is not None:
            for entry in ledger.entries():
                if entry.index == index:
                    return render_json(json.loads(entry.payload)).decode()
            raise UsageError(
                f"the ledger has no entry {index}", remedy=f"it has the entries 0 to {ledger.size() - 1}"
            )
        rows = list(decisions(ledger))[-last:]
        checkpoint = ledger.checkpoint()
    out = [
        f"{number:>5}  {summary['verdict']:<11}  {summary['stage']:<7}  "
        f"{statement['predicate']['timeVerified']}  {digest[:16]}…"
        for number, digest, statement, summary in rows
    ]
    if checkpoint is not None:
        out.append(f"sealed: {checkpoint.size} entries, root {checkpoint.root.hex()}, {checkpoint.time}")
    return "\n".join(out) + "\n"


def verify(setting: Setting, key: str | None, config_dir: Path) -> tuple[bool, str]:
    """Verify the whole ledger; whether it is sound, and the report.

    Args:
        key: the verifier key it must have; None believes the one in the ledger.
        config_dir: where the receipts of earlier runs are.

    Raises:
        UsageError: the key is not one.
        LedgerError: there is no ledger.
    """
    try:
        expected = VerifierKey.parse(key) if key is not None else None
    except SignatureError as error:
        raise UsageError(f"--key: {error}", remedy="give the line of trust/log.vkey") from error
    report = verify_ledger(
        setting.ledger, expected_key=expected, config_dir=config_dir, evidence_of=_referred
    )
    out = [
        f"log      {report.origin}",
        f"key      {report.key}"
        + (
            "" if report.pinned else "  (taken from the ledger itself; pin it with --key to prove its origin)"
        ),
        f"entries  {report.size} sealed"
        + (f" on {report.checkpoint_time}, root {report.root}" if report.root else ""),
    ]
    if report.unsealed:
        out.append(
            f"unsealed {report.unsealed} entries after the checkpoint, protected only by their signatures"
        )
    if report.torn_tail_bytes:
        out.append(
            f"torn     {report.torn_tail_bytes} bytes of an unfinished line; the next append removes them"
        )
    out += [f"problem  {finding}" for finding in report.problems]
    out.append("verified: every line, checkpoint and stored document fits" if report.ok else "NOT sound")
    return report.ok, "\n".join(out) + "\n"


def _referred(statement: dict[str, Any]) -> Iterable[str]:
    summary = lines.summary(statement)
    return [] if summary is None else [summary["decision"]["sha256"], summary["input"]["sha256"]]
