"""The Test Anything Protocol, version 14 (https://testanything.org/tap-version-14-specification.html).

A rule is a test point. What is waived is a failing point marked ``TODO``, which fails no harness; what is
conditional or not in force is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ...decision.document import Decision
from ...ledger.interface import Entry
from ...terminal.figures import for_people, printable
from ..interface import Screen
from ..json_format import escaped
from .outcomes import Outcome, Places, message, outcomes, verdict_line


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The decision as a stream of test points."""
    found, places = outcomes(decision), Places(decision, screen.folder)
    lines = ["TAP version 14", f"1..{len(found)}", f"# {verdict_line(decision)}"]
    for number, one in enumerate(found, 1):
        lines += _point(number, one, places)
    return for_people("".join(f"{line}\n" for line in lines)).encode()


def _point(number: int, one: Outcome, places: Places) -> Iterator[str]:
    passed = not one.failed and not one.waived
    about = _description(f"{one.code}: {one.title}")
    reason = one.skipped
    directive = "" if reason is None else f" # {'TODO' if one.waived else 'SKIP'} {_description(reason)}"
    yield f"{'ok' if passed else 'not ok'} {number} - {about}{directive}"
    if not one.failed:
        return
    yield "  ---"
    first = one.violations[0]
    yield f"  message: {_value(message(first))}"
    yield f"  severity: {_value(first.severity)}"
    if first.problem is not None:
        yield f"  evidence: {_value(first.problem)}"
    yield f"  fix: {_value(first.solution)}"
    yield "  violations:"
    for violation in one.violations:
        yield f"    - message: {_value(message(violation))}"
        at = [path + (f":{line}" if line else "") for path, line in places.of(violation)]
        yield f"      at: [{', '.join(map(_value, at))}]"
    yield "  ..."


def _description(text: str) -> str:
    """Text in which no ``#`` begins a directive."""
    return printable(text).replace("\\", "\\\\").replace("#", "\\#")


def _value(text: str) -> str:
    """A YAML scalar: JSON strings are some."""
    return escaped(json.dumps(printable(text), ensure_ascii=False))
