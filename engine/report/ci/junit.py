"""JUnit XML: a suite for each stage, a test case for each rule.

A rule that does not hold is a failure, one whose evidence is missing, rejected or unknown an error. One that
is waived, conditional, or not in force is skipped, with the reason. The shape is that of Jenkins' xUnit
plug-in (junit-10.xsd), which GitLab, Azure and the usual viewers read, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ...decision.document import Decision
from ...ledger.interface import Entry
from ...terminal.figures import comparison, for_people, printable
from ..interface import Screen
from .outcomes import Outcome, Places, message, outcomes, verdict_line


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The decision as test results."""
    text = "".join(f"{line}\n" for line in _lines(decision, entry, screen))
    return for_people(text).encode()


def _lines(decision: Decision, entry: Entry | None, screen: Screen) -> Iterator[str]:
    found, places = outcomes(decision), Places(decision, screen.folder)
    name = f"gate {decision.stage}: {decision.verdict.value}"
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites{_attributes(name=name, **_counts(found))}>"
    for stage, about in decision.stages.items():
        own = [one for one in found if one.stage == stage]
        head = {"name": f"{stage}: {about.title}", **_counts(own), "timestamp": decision.effective_time[:19]}
        yield f"  <testsuite{_attributes(**head)}>"
        yield "    <properties>"
        for key, value in _properties(decision, entry, about.verdict.value):
            yield f"      <property{_attributes(name=key, value=value)}/>"
        yield "    </properties>"
        for one in own:
            yield from _case(one, places)
        yield "  </testsuite>"
    yield "</testsuites>"


def _properties(decision: Decision, entry: Entry | None, verdict: str) -> Iterator[tuple[str, str]]:
    subject, policy = decision.subject, decision.policy
    yield "verdict", verdict
    yield "decision", verdict_line(decision)
    yield "sources", f"sha256:{subject.digest}"
    if subject.commit:
        yield "commit", subject.commit
    yield "policy", f"{policy.name} {policy.version} sha256:{policy.digest}"
    if entry is not None:
        yield "ledger", f"entry {entry.index}, {entry.digest}"
    for weakening in decision.weakenings:
        yield f"weakened.{weakening.code}", weakening.msg


def _counts(found: list[Outcome]) -> dict[str, str]:
    errors, failed = sum(one.failed and not one.told for one in found), sum(one.failed for one in found)
    return {"tests": str(len(found)), "failures": str(failed - errors), "errors": str(errors)}


def _case(one: Outcome, places: Places) -> Iterator[str]:
    name = f"{one.name}: {one.title}"
    start = f"    <testcase{_attributes(name=name, classname=f'gate.{one.stage}')}"
    if one.failed:
        first = one.violations[0]
        kind = "failure" if one.told else "error"
        yield f"{start}>"
        lines = list(_told(one, places))
        about = _attributes(message=message(first), type=f"{first.severity} {first.problem or 'violated'}")
        yield f"      <{kind}{about}>{_text(lines[0])}"
        yield from map(_text, lines[1:])
        yield f"      </{kind}>"
        yield "    </testcase>"
    elif (reason := one.skipped) is not None:
        yield f"{start}><skipped{_attributes(message=reason)}/></testcase>"
    else:
        yield f"{start}/>"


def _told(one: Outcome, places: Places) -> Iterator[str]:
    for violation in one.violations:
        where = ", ".join(path + (f":{line}" if line else "") for path, line in places.of(violation))
        yield f"{violation.severity}: {message(violation)} [{where}]"
    if one.check is not None:
        for operand in one.check.operands:
            if not operand.holds:
                yield f"logic: {comparison(operand)}"
    yield f"fix: {one.violations[0].solution}"


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{escape(printable(value))}"' for name, value in values.items())


def _text(value: str) -> str:
    return escape(printable(value), quote=False)
