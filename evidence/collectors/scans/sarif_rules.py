"""The tool of a SARIF run: its rules and notifications, how results refer to them, and severities.

Section numbers are of https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. ``security-severity``
is GitHub's addition, with the bands that GitHub documents on its page "SARIF support for code scanning":
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..shared.json_fields import Fields, Place, shown

SEVERITIES = ("critical", "high", "medium", "low", "none")
"""From the heaviest to the lightest."""

LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "none"}
"""Levels from the heaviest to the lightest, and the severity of each where nothing else states one."""

_BANDS = ((Decimal(9), "critical"), (Decimal(7), "high"), (Decimal(4), "medium"), (Decimal(0), "low"))
_PARTS = 16
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """A descriptor of a rule or a notification.

    Attributes:
        level: of its results by default; None where it states none.
        severity: its ``security-severity`` as a band.
        messages: texts by key.
    """

    id: str
    level: str | None
    severity: str | None
    messages: dict[str, str]


def security(read: Fields, owner: dict[str, Any], place: Place) -> str | None:
    """The band of ``security-severity``; None where it is not stated, 0 or above 10 (as GitHub takes it).

    Raises:
        EvidenceError: it is no number.
    """
    stated = read.mapping(owner, "properties", place).get("security-severity")
    if stated is None:
        return None
    if isinstance(stated, str) and _NUMBER.fullmatch(stated):
        stated = Decimal(stated)
    if type(stated) not in (int, Decimal):
        read.fail("security-severity is not a number", (*place, "properties", "security-severity"))
    if not 0 < stated <= 10:
        return None
    return next(name for least, name in _BANDS if stated >= least)


class _Component:
    """Descriptors of the driver or of an extension, by position and by id."""

    def __init__(self, read: Fields, component: dict[str, Any], key: str, place: Place) -> None:
        self.rules: list[Rule] = []
        self.by_id: dict[str, list[Rule]] = {}
        for rule, there in read.objects(component, key, place):
            default = read.mapping(rule, "defaultConfiguration", there)
            strings = read.mapping(rule, "messageStrings", there)
            at = (*there, "messageStrings")
            made = Rule(
                read.text(rule, "id", there) or "",
                read.choice(default, "level", (*there, "defaultConfiguration"), LEVELS),
                security(read, rule, there),
                {
                    name: read.text(read.mapping(strings, name, at), "text", (*at, name)) or ""
                    for name in strings
                },
            )
            self.rules.append(made)
            self.by_id.setdefault(made.id, []).append(made)


class Tool:
    """The ``tool`` of a run.

    Attributes:
        name: of the driver.
        version: of the driver; None where it states none.
        bandit: whether it is Bandit, whose results state a severity of their own.

    Raises:
        EvidenceError: there is no name, or a field has a wrong type.
    """

    def __init__(self, read: Fields, run: dict[str, Any], place: Place) -> None:
        self._read = read
        there = (*place, "tool")
        tool = read.mapping(run, "tool", place)
        at = (*there, "driver")
        driver = read.mapping(tool, "driver", there)
        self.name = read.required(driver, "name", at)
        self.version = read.text(driver, "version", at) or read.text(driver, "semanticVersion", at)
        self.bandit = self.name.lower() == "bandit"
        parts = [(driver, at), *read.objects(tool, "extensions", there)]
        self._guids = _positions(read.text(part, "guid", p) for part, p in parts)
        self._names = _positions(read.text(part, "name", p) for part, p in parts)
        self._rules = [_Component(read, part, "rules", p) for part, p in parts]
        self._notifications = [_Component(read, part, "notifications", p) for part, p in parts]

    def rules(self, reference: dict[str, Any], place: Place, name: str | None = None) -> list[Rule]:
        """The rules a reference (3.52) may mean: several when ids are not unique, none when unknown.

        Args:
            reference: the object with ``id``, ``index`` or ``toolComponent``.
            place: where it is.
            name: the id, where it is stated elsewhere.

        Raises:
            EvidenceError: it refers to nothing, or its id and its index disagree.
        """
        return self._find(self._rules, reference, place, name)

    def notifications(self, reference: dict[str, Any], place: Place) -> list[Rule]:
        """The descriptors of a notification; as :meth:`rules`."""
        return self._find(self._notifications, reference, place, None)

    def _find(
        self, components: list[_Component], reference: dict[str, Any], place: Place, named: str | None
    ) -> list[Rule]:
        read = self._read
        stated = read.text(reference, "id", place)
        name = named if stated is None else stated
        index = read.integer(reference, "index", place, least=-1)
        position = self._position(read.mapping(reference, "toolComponent", place), (*place, "toolComponent"))
        if index is not None and index >= 0:
            rules = components[position].rules
            if index >= len(rules):
                read.fail(f"there is no rule {index}, the tool has {len(rules)}", place)
            found = rules[index]
            if name is not None and name != found.id and not name.startswith(f"{found.id}/"):
                said, has = shown(name, 60), shown(found.id, 60)
                read.fail(f"the rule is {said!r} and also number {index}, which is {has!r}", place)
            return [found]
        if name is None:
            return []
        # a reference that does not say where means the driver, yet many writers keep rules in extensions
        order = components[position : position + 1] if position else components
        return next((part.by_id[key] for key in _prefixes(name) for part in order if key in part.by_id), [])

    def _position(self, reference: dict[str, Any], place: Place) -> int:
        """Which component a reference (3.54) means: 0 is the driver, which it is by default."""
        read = self._read
        index = read.integer(reference, "index", place, least=-1)
        guid, name = read.text(reference, "guid", place), read.text(reference, "name", place)
        if index is not None and index >= 0:
            if index + 1 >= len(self._rules):
                read.fail(f"there is no extension {index} of the tool", (*place, "index"))
            return index + 1
        if guid is None and name is None:
            return 0
        found = self._names.get(name or "") if guid is None else self._guids.get(guid)
        if found is None:
            read.fail(f"the tool has no part {shown(guid or name or '', 60)!r}", place)
        return found


def _positions(labels: Iterable[str | None]) -> dict[str, int]:
    """The first position of each label."""
    found: dict[str, int] = {}
    for position, label in enumerate(labels):
        if label is not None:
            found.setdefault(label, position)
    return found


def _prefixes(name: str) -> Iterator[str]:
    """A hierarchical rule id and what it is below: ``A/B``, then ``A`` (3.27.5)."""
    yield name
    for _ in range(_PARTS):
        name, slash, _rest = name.rpartition("/")
        if not slash:
            break
        yield name
