"""Collector ``components``: what software is made of, out of CycloneDX and SPDX documents in JSON.

Formats: :mod:`.bills`. Options, facts and meaning: ``docs/collectors/components.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec import Struct

from ...base.times import format_utc
from ...collecting.interface import Observation, Options, Problem, Scope
from ...reading.workspace import View
from ..shared.documents import read_matching
from ..shared.json_fields import shown
from .bills import SEVERITIES, Bill, Component, read_bill

_COUNTS = (
    "components", "duplicates", "unversioned", "unlicensed", "unhashed", "vulnerabilities", "dismissed",
    "license_count", "pypi_total", "incomplete",
)  # fmt: skip
_LISTED = 10_000
_LICENSES = 1_000
_MAKE = "write one, such as: cyclonedx-py environment -o bom.cdx.json"


@dataclass(frozen=True, slots=True)
class ComponentsOptions(Options):
    """Options of ``evidence.components``.

    Attributes:
        documents: CycloneDX or SPDX documents in JSON (paths or globs); all that exist are taken together.
    """

    documents: tuple[str, ...] = field(
        default=tuple(
            f"{folder}{name}"
            for folder in ("", "reports/")
            for name in ("bom.json", "sbom.json", "*.cdx.json", "*.spdx.json")
        )
    )


class _Known(Struct):
    """One component, as all entries for it say together."""

    name: str
    version: str | None
    purl: str | None
    licenses: set[str]
    hashed: bool

    @property
    def order(self) -> tuple[str, str, str]:
        return (self.name, self.version or "", self.purl or "")


class ComponentsCollector:
    """See the module."""

    id: ClassVar[str] = "components"
    version: ClassVar[str] = "4"
    Options: ClassVar[type[Options]] = ComponentsOptions

    def __init__(self, options: ComponentsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Count the components of every document that can be read; each other one is a problem."""
        problems: list[Problem] = []
        found = read_matching(view, self._options.documents, problems, lambda path: read_bill(view, path))
        bills = list(found.values())
        seen = len(bills) + len(problems)
        facts = _facts(bills, view.limits.problems)
        if not bills:
            facts.update(dict.fromkeys(_COUNTS), by_severity=dict.fromkeys(SEVERITIES))
            if not problems:
                reason = f"no component list found (looked for {', '.join(self._options.documents)})"
                problems.append(Problem("", reason, _MAKE))
        elif all(bill.vulnerabilities is None for bill in bills):
            reason = "no document has a list of vulnerabilities"
            remedy = "add one with a scanner that writes CycloneDX, or use pip-audit"
            facts.update(vulnerabilities=None, dismissed=None, by_severity=dict.fromkeys(SEVERITIES))
            problems += [
                Problem(fact, reason, remedy) for fact in ("vulnerabilities", "dismissed", "by_severity")
            ]
        if bills and facts["observed_at_s"] is None:
            silent = next(bill.path for bill in bills if bill.created_s is None)
            reason = "does not say when it was made"
            problems.append(Problem("observed_at_s", reason, "let the tool write the time", path=silent))
        observed = facts["observed_at_s"]
        tools = sorted({shown(bill.tool) for bill in bills if bill.tool})
        formats = sorted({f"{bill.format} {bill.version}" for bill in bills})
        return Observation(
            facts,
            tuple(problems),
            observed_at=None if observed is None else format_utc(observed),
            tool=", ".join(tools[:10]) or None,
            format=", ".join(formats) or None,
            scopes=(Scope("", seen, len(bills), "component lists"),),
        )


def _merge(components: Iterable[Component]) -> list[_Known]:
    known: dict[tuple[str, str], _Known] = {}
    for one in components:
        seen = known.setdefault(one.identity, _Known(one.name, one.version, one.purl, set(), False))
        seen.name = min(seen.name, one.name)
        seen.version = seen.version or one.version
        seen.licenses.update(one.licenses)
        seen.hashed |= one.hashed
    return sorted(known.values(), key=lambda one: one.order)


def _facts(bills: list[Bill], most: int) -> dict[str, Any]:
    known = _merge(component for bill in bills for component in bill.components)
    entries = sum(len(bill.components) for bill in bills)
    licenses = Counter(shown(name) for one in known for name in one.licenses)
    stated = [(one, bill.path) for bill in bills for one in bill.vulnerabilities or ()]
    live = sorted(
        (entry for entry in stated if not entry[0].dismissed),
        key=lambda entry: (SEVERITIES.index(entry[0].severity), entry[0].id, entry[1], entry[0].affects),
    )
    rated = Counter(one.severity for one, _ in live)
    times = [bill.created_s for bill in bills if bill.created_s is not None]
    pypi = sorted({one.requirement for bill in bills for one in bill.components if one.requirement})
    return {
        "components": len(known),
        "duplicates": entries - len(known),
        "unversioned": sum(one.version is None for one in known),
        "unlicensed": sum(not one.licenses for one in known),
        "unhashed": sum(not one.hashed for one in known),
        "vulnerabilities": len(live),
        "by_severity": {severity: rated[severity] for severity in SEVERITIES},
        "dismissed": len(stated) - len(live),
        "license_count": len(licenses),
        "pypi_total": len(pypi),
        "pypi": [shown(one) for one in pypi[:_LISTED]],
        "incomplete": sum(bill.incomplete for bill in bills),
        "documents": [_document(bill) for bill in bills],
        "licenses": [
            {"license": name, "components": count}
            for name, count in sorted(licenses.items(), key=lambda item: (-item[1], item[0]))[:_LICENSES]
        ],
        "list": [
            {
                "name": shown(one.name),
                "version": shown(one.version) if one.version else None,
                "purl": shown(one.purl, 400) if one.purl else None,
                "licenses": [shown(name) for name in sorted(one.licenses)[:10]],
            }
            for one in known[:_LISTED]
        ],
        "vulnerable": [
            {
                "id": shown(one.id),
                "severity": one.severity,
                "document": path,
                "affects": [shown(name) for name in sorted(set(one.affects))[:10]],
            }
            for one, path in live[:most]
        ],
        "observed_at_s": min(times) if bills and len(times) == len(bills) else None,
    }


def _document(bill: Bill) -> dict[str, Any]:
    return {
        "path": bill.path,
        "format": bill.format,
        "version": bill.version,
        "components": len(bill.components),
        "without_version": sum(one.version is None for one in bill.components),
        "without_license": sum(not one.licenses for one in bill.components),
        "without_hash": sum(not one.hashed for one in bill.components),
        "vulnerabilities": None if bill.vulnerabilities is None else len(bill.vulnerabilities),
        "tool": shown(bill.tool) if bill.tool else None,
        "observed_at_s": bill.created_s,
    }
