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

from ...base.errors import EvidenceError
from ...base.settings import Settings, Text
from ...base.times import format_utc, parse_rfc3339
from ...collecting.interface import Observation, Options, Problem, Scope
from ...reading.json_lines import UNSURE, RecordReader
from ...reading.workspace import View
from ..shared.documents import matching
from ..shared.schemas.workspace_schema import usable_contract
from .contract import Contract, Violation

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


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
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = MessagesOptions

    def __init__(self, options: MessagesOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Hold every message against its contract."""
        problems: list[Problem] = []
        sets = {name: _measure(view, name, one, problems) for name, one in sorted(self._options.sets.items())}
        times = [facts["last_s"] for facts in sets.values() if facts["last_s"] is not None]
        return Observation(
            {"sets": sets},
            tuple(problems),
            format_utc(max(times)) if times else None,
            format="JSON Lines",
            scopes=tuple(
                Scope(f"sets.{name}", facts["records"] or 0, facts["records"] or 0, "messages")
                for name, facts in sets.items()
            ),
        )


def _measure(view: View, name: str, options: MessageSet, problems: list[Problem]) -> dict[str, Any]:
    """The facts of one set; why some are null or cover only a part goes into ``problems``."""
    fact = f"sets.{name}"
    paths = matching(view, options.paths, fact, problems)
    facts: dict[str, Any] = {
        "contract": options.contract,
        "contract_sha256": None,
        "files": [],
        "files_total": len(paths),
        **dict.fromkeys(("records", "valid", "invalid")),
        "offenders": [],
        "rules": [],
        **dict.fromkeys(("first_s", "last_s")),
    }
    try:
        if not paths:
            remedy = (
                f"record messages, one JSON document a line, in such a file, or set "
                f"evidence.messages.sets.{name}.paths in gate.yaml"
            )
            problems.append(Problem(fact, f"no file matches {', '.join(options.paths)}", remedy))
            return facts
        if not view.exists(options.contract):
            remedy = f"write the contract, or set evidence.messages.sets.{name}.contract in gate.yaml"
            problems.append(Problem(fact, f"the contract {options.contract} does not exist", remedy))
            return facts
        contract = Contract(usable_contract(view, options.contract, validate_formats=True))
        facts["contract_sha256"] = view.digest(options.contract)
    except EvidenceError as error:
        problems.append(Problem.rejected(error, fact))
        return facts
    counted = _Counted(view, contract, options.time)
    for path in paths:
        try:
            counted.add(path)
        except EvidenceError as error:
            problems.append(Problem.rejected(error, fact))
    facts |= counted.facts()
    if facts["last_s"] is None:
        reason = f"no first or last record states a time in {options.time!r}"
        remedy = (
            "write the time of every message as RFC 3339 with a zone, or set "
            f"evidence.messages.sets.{name}.time in gate.yaml to the member that has it"
        )
        problems += [Problem(f"{fact}.{end}", reason, remedy) for end in ("first_s", "last_s")]
    return facts


class _Counted:
    """What the files of a set contain.

    Args:
        view: the workspace.
        contract: what every record must keep to.
        member: the name of the member with a record's time.
    """

    def __init__(self, view: View, contract: Contract, member: str) -> None:
        self._view = view
        self._contract = contract
        self._member = member
        self._files: list[dict[str, Any]] = []
        self._offenders: list[dict[str, Any]] = []
        self._rules: Counter[str] = Counter()
        self._times: list[int] = []

    def add(self, path: str) -> None:
        """Count a file.

        Raises:
            EvidenceError: it is not JSON Lines; nothing of it is counted then.
        """
        most = self._view.limits.problems
        reader = RecordReader(path, self._view.limits)
        offenders: list[dict[str, Any]] = []
        rules: Counter[str] = Counter()
        first = line = b""
        records = invalid = 0
        for records, line in self._view.lines(path):
            first = first or line
            found = _violations(reader, self._contract, line, records)
            if found:
                invalid += 1
                rules.update({violation.rule for violation in found})
                if len(offenders) < most:
                    offenders.append(_offender(path, records, found))
        self._times += _times([first, line] if records else [], self._member, reader)
        self._files.append({"path": path, "records": records, "invalid": invalid})
        self._offenders = [*self._offenders, *offenders][:most]
        self._rules += rules

    def facts(self) -> dict[str, Any]:
        """The facts about the files counted."""
        most = self._view.limits.problems
        records, invalid = (sum(file[name] for file in self._files) for name in ("records", "invalid"))
        ordered = sorted(self._rules.items(), key=lambda item: (-item[1], item[0]))
        return {
            "files": self._files[:most],
            "records": records,
            "valid": records - invalid,
            "invalid": invalid,
            "offenders": self._offenders,
            "rules": [{"rule": rule, "records": count} for rule, count in ordered[:most]],
            "first_s": min(self._times, default=None),
            "last_s": max(self._times, default=None),
        }


def _violations(reader: RecordReader, contract: Contract, line: bytes, number: int) -> list[Violation]:
    """Where the record on a line breaks the contract. What is not certainly good is read exactly."""
    record = reader.quick(line)
    if record is not UNSURE and contract.accepts(record):
        return []
    return contract.violations(reader.strict(line, number), len(line))


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
