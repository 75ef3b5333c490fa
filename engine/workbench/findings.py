"""What ``gate policy check`` found, as a table, JSON, SARIF 2.1.0 or annotations of GitHub's runner."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from msgspec import Struct

from ...evidence.base.errors import PolicyError, masked
from ...evidence.base.numbers import counted
from ..policy.excerpts import place_of
from ..terminal import sarif, workflow
from ..terminal.lines import Lines, Screen

TABLE, JSON, SARIF, GITHUB = FORMATS = ("table", "json", "sarif", "github")

CHECKS = {
    "file": "Files of the bundle are readable, small enough and of the right shape.",
    "manifest": "The manifest lists stages and rules that exist, and all of them.",
    "parse": "Modules are Rego v1.",
    "strict": "Modules pass the strict mode of opa check.",
    "refused": "Modules use only what is pure and the same on every engine.",
    "metadata": "Every rule has complete METADATA and a code of its own.",
    "fact": "Facts exist in the collectors' contracts, and rules declare those they use.",
    "parameter": "Parameters that modules name exist.",
    "threshold": "Parameters have a value that fits their unit, and a rationale.",
    "unused": "Data is used.",
    "untested": "Every rule is named in a test.",
    "unfinished": "No text says TODO.",
}
"""Every check, and what holds when it finds nothing."""


class Finding(Struct, frozen=True):
    """One thing that is wrong: the check that found it, and the error, with a path in the bundle."""

    check: str
    error: PolicyError

    @property
    def line(self) -> int | None:
        """The line, counted from 1."""
        return place_of(self.error)[0]

    @property
    def column(self) -> int | None:
        """The column, counted from 1."""
        return place_of(self.error)[1]


class Checked(Struct, frozen=True):
    """All findings about a bundle, in a stable order.

    Attributes:
        bundle: its name and version.
        rules, modules: how many rules and modules, those with tests included, were looked at.
        left_out: checks that were not made, and why.
    """

    bundle: str
    rules: int
    modules: int
    findings: tuple[Finding, ...]
    left_out: dict[str, str]


def render(checked: Checked, folder: str, form: str, screen: Screen) -> bytes:
    """The findings in one of ``FORMATS``.

    Args:
        folder: the bundle's directory as it was named, which paths begin with; may be empty.
    """
    match form:
        case "table":
            return _table(checked, folder, screen)
        case "json":
            return masked_json(_json(checked, folder))
        case "sarif":
            return masked_json(_sarif(checked, folder))
        case "github":
            return "".join(_github(checked.findings, folder)).encode()
        case _:
            assert_never(form)  # type: ignore[arg-type]


def masked_json(value: Any) -> bytes:
    """Pretty JSON for programs, without account numbers."""
    return (masked(json.dumps(value, indent=2)) + "\n").encode()


def _path(error: PolicyError, folder: str) -> str:
    path = error.path or ""
    return f"{folder}/{path}" if folder and path else path or folder or "."


def _table(checked: Checked, folder: str, screen: Screen) -> bytes:
    lines = Lines(screen)
    for one in checked.findings:
        error = one.error
        where = ":".join(str(part) for part in (_path(error, folder), one.line, one.column) if part)
        place = f", {error.place}" if one.line is None and error.place else ""
        lines.add((one.check, "red"), f"  {error.what}")
        lines.add((f"{where}{place}", "cyan"), indent=2)
        for text in error.excerpt:
            lines.add(text, indent=2)
        if error.remedy:
            lines.add(("fix: ", "dim"), error.remedy, indent=2, hang=7)
        lines.add("")
    for name, why in checked.left_out.items():
        lines.add(("not checked: ", "yellow"), f"{name}: {why}", hang=2)
    found = len(checked.findings)
    told = counted(found, "finding") if found else "nothing found"
    covers = f"{counted(checked.rules, 'rule')}, {counted(checked.modules, 'module')}"
    lines.add((told, "red" if found else "green"), f" in {checked.bundle} ({covers})")
    return lines.text().encode("utf-8", "backslashreplace")


def _json(checked: Checked, folder: str) -> dict[str, Any]:
    return {
        "bundle": checked.bundle,
        "rules": checked.rules,
        "modules": checked.modules,
        "not_checked": checked.left_out,
        "findings": [
            {
                "check": one.check,
                "path": _path(one.error, folder),
                "line": one.line,
                "column": one.column,
                "place": one.error.place,
                "message": one.error.what,
                "fix": one.error.remedy,
            }
            for one in checked.findings
        ],
    }


def _sarif(checked: Checked, folder: str) -> dict[str, Any]:
    results = []
    for one in checked.findings:
        text = f"{one.error.what}. To do: {one.error.remedy}" if one.error.remedy else one.error.what
        results.append(
            {
                "ruleId": one.check,
                "level": "error",
                "message": {"text": text},
                "locations": [sarif.location(_path(one.error, folder), one.line, one.column)],
            }
        )
    return sarif.document("gate policy check", CHECKS, results)


def _github(findings: Sequence[Finding], folder: str) -> Iterator[str]:
    for one in findings:
        where = {"file": _path(one.error, folder), "line": one.line, "col": one.column, "title": one.check}
        text = one.error.what + (f"\nto do: {one.error.remedy}" if one.error.remedy else "")
        yield workflow.command("error", where, text)
