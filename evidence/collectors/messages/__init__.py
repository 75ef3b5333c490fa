"""Collector ``messages``: sample messages (JSON Lines), each record checked against its contract in one pass.

See ``docs/collectors/messages.md``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...base.settings import Settings, Text
from ...base.times import format_utc, parse_rfc3339
from ...collecting.interface import Observation, Options, Problem
from ...reading.json_lines import UNSURE, RecordReader
from ...reading.workspace import View
from ..shared.workspace_schema import usable_contract
from .contract import Contract, Violation

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_COUNTS = ("records", "valid", "invalid")
_TIMES = ("first_s", "last_s")
_MOST_RULES = 1000
"""Rules of a contract that are counted apart; no contract has so many."""


@dataclass(frozen=True, slots=True)
class MessageSet(Settings):
    """Messages of one kind.

    Attributes:
        paths: globs of the files (JSON Lines).
        contract: path of the JSON Schema that every record must keep to.
        time: name of the member with the message's time (RFC 3339), for the time of the evidence.
    """

    paths: tuple[str, ...]
    contract: Text
    time: Text = "timestamp"


def _sample(name: str, contract: str) -> MessageSet:
    return MessageSet(
        (f"messages/{name}*.jsonl", f"messages/{name}*.ndjson"), f"contracts/{contract}.schema.json"
    )


def _shipped() -> dict[str, MessageSet]:
    return {
        "order_intents": _sample("order_intents", "order_intent"),
        "execution_reports": _sample("execution_reports", "execution_report"),
    }


@dataclass(frozen=True, slots=True)
class MessagesOptions(Options):
    """Options of ``evidence.messages``.

    Attributes:
        sets: by name, messages of one kind.
    """

    sets: dict[str, MessageSet] = field(default_factory=_shipped)

    def __post_init__(self) -> None:
        for name in self.sets:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"the name {str(name)[:80]!r} of a set of messages is not lower-case letters,"
                    " digits and underscores"
                )


class MessagesCollector:
    """See the module."""

    id: ClassVar[str] = "messages"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = MessagesOptions

    def __init__(self, options: MessagesOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Hold every message against its contract.

        Raises:
            EvidenceError: a file is not JSON Lines, or a contract is none that one can hold data against.
        """
        missing: list[Problem] = []
        sets: dict[str, Any] = {}
        for name, options in sorted(self._options.sets.items()):
            facts, lacking = _measure(view, options)
            sets[name] = facts
            missing += [Problem(f"sets.{name}.{fact}", reason, remedy) for fact, reason, remedy in lacking]
        times = [facts["last_s"] for facts in sets.values() if facts["last_s"] is not None]
        return Observation(
            {"sets": sets},
            tuple(missing),
            format_utc(max(times)) if times else None,
            format="JSON Lines",
        )


def _measure(view: View, options: MessageSet) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """The facts of one set, and for each that is null its name, the reason and the remedy."""
    paths = sorted({path for pattern in options.paths for path in view.glob(pattern)})
    facts: dict[str, Any] = {
        "contract": options.contract,
        "contract_sha256": None,
        "files": [],
        "files_total": len(paths),
        **dict.fromkeys(_COUNTS),
        "offenders": [],
        "rules": [],
        **dict.fromkeys(_TIMES),
    }
    everything = ("contract_sha256", *_COUNTS, *_TIMES)
    if not paths:
        reason = f"no file matches {', '.join(options.paths)}"
        remedy = f"record messages, one JSON document a line, in {options.paths[0] if options.paths else '…'}"
        return facts, [(fact, reason, remedy) for fact in everything]
    if not view.exists(options.contract):
        reason = f"the contract {options.contract} does not exist"
        return facts, [(fact, reason, "write the contract, or name it in gate.yaml") for fact in everything]
    contract = Contract(usable_contract(view, options.contract, validate_formats=True))
    facts["contract_sha256"] = view.digest(options.contract)
    times = _check(view, paths, contract, facts, options.time)
    if times:
        facts.update(first_s=min(times), last_s=max(times))
        return facts, []
    reason = f"no first or last record states a time in {options.time!r}"
    remedy = "write the time of every message as RFC 3339 with a zone"
    return facts, [(fact, reason, remedy) for fact in _TIMES]


def _check(view: View, paths: list[str], contract: Contract, facts: dict[str, Any], member: str) -> list[int]:
    """Fill in what the files contain; the times (epoch seconds) of their first and last records."""
    times: list[int] = []
    rules: Counter[str] = Counter()
    most = view.limits.problems
    total = wrong = 0
    for path in paths:
        reader = RecordReader(path, view.limits)
        first = line = b""
        records = invalid = 0
        for records, line in view.lines(path):
            first = first or line
            found = _violations(reader, contract, line, records)
            if found:
                invalid += 1
                _count(rules, found)
                if len(facts["offenders"]) < most:
                    facts["offenders"].append(_offender(path, records, found))
        times += _times([first, line] if records else [], member, reader)
        total, wrong = total + records, wrong + invalid
        if len(facts["files"]) < most:
            facts["files"].append({"path": path, "records": records, "invalid": invalid})
    facts.update(records=total, valid=total - wrong, invalid=wrong)
    ordered = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    facts["rules"] = [{"rule": rule, "records": count} for rule, count in ordered[:most]]
    return times


def _violations(reader: RecordReader, contract: Contract, line: bytes, number: int) -> list[Violation]:
    """Where the record on a line breaks the contract. What is not certainly good is read exactly."""
    record = reader.quick(line)
    if record is not UNSURE and contract.accepts(record):
        return []
    return contract.violations(reader.strict(line, number), len(line))


def _count(rules: Counter[str], found: list[Violation]) -> None:
    for rule in {violation.rule for violation in found}:
        if rule in rules or len(rules) < _MOST_RULES:
            rules[rule] += 1


def _offender(path: str, line: int, found: list[Violation]) -> dict[str, Any]:
    first = found[0]
    return {
        "file": path,
        "line": line,
        "pointer": first.pointer,
        "rule": first.rule,
        "message": first.message,
        "violations": len(found),
    }


def _times(lines: Iterable[bytes], member: str, reader: RecordReader) -> list[int]:
    """The times that records state; none where one states no time of that form."""
    found = []
    for line in lines:
        record = reader.strict(line, 1)
        stated = record.get(member) if isinstance(record, dict) else None
        with suppress(ValueError):
            found += [parse_rfc3339(stated)] if isinstance(stated, str) else []
    return found
