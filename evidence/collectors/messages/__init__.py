"""Collector ``messages``: sample messages (JSON Lines), each record checked against its contract in one pass.

See ``docs/collectors/messages.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from ...base.errors import EvidenceError
from ...base.settings import Settings, Text
from ...base.times import format_utc, parse_rfc3339
from ...collecting.interface import Observation, Options, Problem, Scope
from ...reading.json_lines import UNSURE, RecordReader
from ...reading.workspace import View
from ..shared.documents import matching
from ..shared.schemas.workspace_schema import usable_contract
from ..values import check_names
from .contract import Contract


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


def _shipped() -> dict[str, MessageSet]:
    return {
        f"{name}s": MessageSet(
            (f"messages/{name}s*.jsonl", f"messages/{name}s*.ndjson"), f"contracts/{name}.schema.json"
        )
        for name in ("order_intent", "execution_report")
    }


@dataclass(frozen=True, slots=True)
class MessagesOptions(Options):
    """Options of ``evidence.messages``.

    Attributes:
        sets: by name, messages of one kind.
    """

    sets: dict[str, MessageSet] = field(default_factory=_shipped)

    def __post_init__(self) -> None:
        check_names(self.sets, "set of messages")


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
    most = view.limits.problems
    files: list[dict[str, Any]] = []
    rules: Counter[str] = Counter()
    times: list[int] = []
    for path in paths:
        try:
            counted = _count(view, path, contract, options.time)
        except EvidenceError as error:
            problems.append(Problem.rejected(error, fact))
            continue
        files.append({"path": path, "records": counted.records, "invalid": counted.invalid})
        facts["offenders"] = [*facts["offenders"], *counted.offenders][:most]
        rules += counted.rules
        times += counted.times
    records, invalid = (sum(file[name] for file in files) for name in ("records", "invalid"))
    ordered = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    facts.update(
        files=files[:most],
        records=records,
        valid=records - invalid,
        invalid=invalid,
        rules=[{"rule": rule, "records": count} for rule, count in ordered[:most]],
        first_s=min(times, default=None),
        last_s=max(times, default=None),
    )
    if facts["last_s"] is None:
        reason = f"no first or last record states a time in {options.time!r}"
        remedy = (
            "write the time of every message as RFC 3339 with a zone, or set "
            f"evidence.messages.sets.{name}.time in gate.yaml to the member that has it"
        )
        problems += [Problem(f"{fact}.{end}", reason, remedy) for end in ("first_s", "last_s")]
    return facts


class _Counted(NamedTuple):
    """What one file contains; ``rules`` counts the records that break each, ``times`` are epoch seconds."""

    records: int
    invalid: int
    offenders: list[dict[str, Any]]
    rules: Counter[str]
    times: list[int]


def _count(view: View, path: str, contract: Contract, member: str) -> _Counted:
    """Hold each record of a file against the contract; ``member`` has a record's time.

    Raises:
        EvidenceError: it is not JSON Lines.
    """
    reader = RecordReader(path, view.limits)
    offenders: list[dict[str, Any]] = []
    rules: Counter[str] = Counter()
    first = line = b""
    number = invalid = 0
    for number, line in view.lines(path):
        first = first or line
        record = reader.quick(line)
        if record is not UNSURE and contract.accepts(record):
            continue
        # what is not certainly good is read exactly
        if found := contract.violations(reader.strict(line, number), len(line)):
            invalid += 1
            rules.update({violation.rule for violation in found})
            if len(offenders) < view.limits.problems:
                place = {"file": path, "line": number}
                offenders.append({**place, **found[0]._asdict(), "violations": len(found)})
    times = _times([first, line] if number else [], member, reader)
    return _Counted(number, invalid, offenders, rules, times)


def _times(lines: Iterable[bytes], member: str, reader: RecordReader) -> list[int]:
    """The times that records state; none where one states no time of that form."""
    found = []
    for line in lines:
        record = reader.strict(line, 1)
        stated = record.get(member) if isinstance(record, dict) else None
        with suppress(ValueError):
            found += [parse_rfc3339(stated)] if isinstance(stated, str) else []
    return found
