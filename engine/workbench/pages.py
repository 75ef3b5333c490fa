"""Rules, test results, coverage and differences as tables and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from xml.etree import ElementTree

from ...evidence.base.errors import masked
from ...evidence.base.numbers import counted
from ...evidence.base.records import to_json
from ..policy.interface import Bundle
from ..terminal.figures import clean, for_people
from ..terminal.lines import Lines, Screen
from .catalog import Listed, bounds
from .differences import LOOSENED, TIGHTENED, Difference
from .findings import masked_json
from .testing import Coverage, Result, opa_document

FORMATS = ("table", "json")
TEST_FORMATS = ("table", "json", "junit")
DIFF_FORMATS = ("table", "json", "markdown")

_EFFECTS = {LOOSENED: "red", TIGHTENED: "green"}
_FAILURES = {"fail": "FAIL", "error": "ERROR"}


def rules_page(bundle: Bundle, rules: Sequence[Listed], form: str, screen: Screen) -> bytes:
    """The rules of a bundle with their thresholds."""
    if form == "json":
        name = {"name": bundle.name, "version": bundle.version, "digest": bundle.digest}
        return masked_json({"bundle": name, "rules": [one.to_json() for one in rules]})
    lines = Lines(screen)
    for stage, listed in groupby(rules, key=lambda one: one.rule.stage):
        lines.add((stage, "bold"))
        for one in listed:
            lines.add(
                f"{one.rule.severity:<9}", (one.rule.code, "cyan"), f"  {one.rule.title}", indent=2, hang=4
            )
            for text in bounds(one.rule):
                lines.add((text, "dim"), indent=13, hang=15)
            for threshold in one.thresholds:
                lines.add((f"{threshold.name}: {threshold.shown()}", "dim"), indent=13, hang=15)
    lines.add(f"{counted(len(rules), 'rule')} in {bundle.name} {bundle.version}")
    return lines.text().encode("utf-8", "backslashreplace")


def tests_page(results: Sequence[Result], form: str, screen: Screen) -> bytes:
    """The results of tests: those that failed, with why, and how many passed."""
    if form == "json":
        return masked_json(opa_document(results))
    if form == "junit":
        return _junit(results)
    lines = Lines(screen)
    for one in results:
        if not one.failed:
            continue
        lines.add((f"{_FAILURES[one.status]} ", "red"), one.case.title, f" ({one.engine})")
        lines.add((f"{one.case.path}:{one.case.line}", "cyan"), indent=2)
        for text in (*one.details, *(f"printed: {line}" for line in one.output.splitlines())):
            lines.add(text.lstrip(), indent=2 + len(text) - len(text.lstrip()))
    for engine, found in groupby(results, key=lambda one: one.engine):
        counts = [one.status for one in found]
        failed = counts.count("fail") + counts.count("error")
        skipped = f", {counts.count('skip')} skipped" if "skip" in counts else ""
        told = f"{counts.count('pass')} passed, {failed} failed{skipped}"
        lines.add((told, "red" if failed else "green"), f" ({engine})")
    return lines.text().encode("utf-8", "backslashreplace")


def _junit(results: Sequence[Result]) -> bytes:
    """JUnit's XML, a suite for each engine and package."""
    suites = ElementTree.Element("testsuites")
    for (engine, package), found in groupby(results, key=lambda one: (one.engine, one.case.package)):
        group = list(found)
        statuses = [one.status for one in group]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=f"{package} ({engine})",
            tests=str(len(group)),
            failures=str(statuses.count("fail")),
            errors=str(statuses.count("error")),
            skipped=str(statuses.count("skip")),
            time=_seconds(sum(one.ns for one in group)),
        )
        for one in group:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=package,
                name=one.case.name,
                file=one.case.path,
                line=str(one.case.line),
                time=_seconds(one.ns),
            )
            if one.status != "pass":
                tag = {"fail": "failure", "error": "error", "skip": "skipped"}[one.status]
                told = ElementTree.SubElement(case, tag)
                told.text = _text("\n".join(one.details)) or None
            if one.output:
                ElementTree.SubElement(case, "system-out").text = _text(one.output)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _text(text: str) -> str:
    """Text that XML can hold, without account numbers."""
    return masked("\n".join(clean(line) for line in text.split("\n")))


def _seconds(ns: int) -> str:
    return f"{ns // 10**9}.{ns % 10**9 // 1000:06d}"


def coverage_page(results: Sequence[Result], found: Coverage, form: str, screen: Screen) -> bytes:
    """The lines that tests evaluate, and those that they do not."""
    covered, total = found.total
    failed = [one for one in results if one.failed]
    if form == "json":
        files = {
            path: {
                "covered": _ranges(found.covered[path]),
                "not_covered": _ranges(missed),
                "covered_lines": len(found.covered[path]),
                "not_covered_lines": len(missed),
            }
            for path, missed in found.missed.items()
        }
        summary = {"covered_lines": covered, "not_covered_lines": total - covered}
        tests = {"tests": len(results), "failed": [one.case.title for one in failed]}
        return masked_json({"files": files, **summary, "coverage_ppm": _ppm(covered, total), **tests})
    lines = Lines(screen)
    for path, missed in found.missed.items():
        if missed:
            spans = (f"{begin}–{end}" if end > begin else str(begin) for begin, end in _spans(missed))
            seen = len(found.covered[path])
            lines.add(
                (path, "cyan"), f"  {seen} of {seen + len(missed)} lines, not: {', '.join(spans)}", hang=4
            )
    for one in failed:
        lines.add((f"{_FAILURES[one.status]} ", "red"), one.case.title)
        for text in one.details:
            lines.add(text.lstrip(), indent=2 + len(text) - len(text.lstrip()))
    share = _ppm(covered, total)
    where = f"{counted(total, 'line')} in {counted(len(found.missed), 'module')}"
    text = f"{share // 10000}.{share % 10000 // 1000} % of {where}"
    style = "green" if covered == total and not failed else "red"
    lines.add((text, style), f" ({counted(len(results), 'test')}, {len(failed)} failed)")
    return lines.text().encode("utf-8", "backslashreplace")


def _ppm(covered: int, total: int) -> int:
    return covered * 1_000_000 // total if total else 0


def _spans(lines: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring lines, first and last."""
    for _, run in groupby(enumerate(lines), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        yield numbers[0], numbers[-1]


def _ranges(lines: Sequence[int]) -> list[dict[str, dict[str, int]]]:
    """The lines as opa's coverage report has them."""
    return [{"start": {"row": begin}, "end": {"row": end}} for begin, end in _spans(lines)]


def diff_page(old: Bundle, new: Bundle, found: Sequence[Difference], form: str, screen: Screen) -> bytes:
    """The differences of two bundles, what loosens first."""
    if form == "json":
        names = [{"name": one.name, "version": one.version, "digest": one.digest} for one in (old, new)]
        return masked_json({"old": names[0], "new": names[1], "differences": to_json(found)})
    counts = {effect: sum(one.effect == effect for one in found) for effect in (LOOSENED, TIGHTENED)}
    rest = len(found) - sum(counts.values())
    total = f"{counts[LOOSENED]} loosened, {counts[TIGHTENED]} tightened, {rest} changed otherwise"
    total = total if found else "no difference"
    if form == "markdown":
        rows = [f"| {one.effect} | `{_cell(one.name)}` | {_cell(one.text)} |" for one in found]
        table = ["| effect | what | how |", "| --- | --- | --- |", *rows, ""] if rows else []
        text = "\n".join([f"**Policy changes** {_cell(f'{old.name} {old.version}')}: {total}", "", *table])
        return for_people(text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
    lines = Lines(screen)
    for one in found:
        lines.add(
            (f"{one.effect:<11}", _EFFECTS.get(one.effect, "dim")),
            (one.name, "bold"),
            f"  {one.text}",
            hang=11,
        )
    lines.add(total)
    return lines.text().encode("utf-8", "backslashreplace")


def _cell(text: str) -> str:
    return clean(" ".join(text.split())).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")
