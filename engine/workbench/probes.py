"""Finds out which line of a failing test is not true, and what the two sides of a comparison are.

A rule is true when all lines of its body are, in whatever order they are evaluated. So copies of a failing
test are evaluated that end after each of its lines: the first one that is undefined names the line. In the
same way the cases of a test (``test_x[case] if …``) are found, of which its value has only the true ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ...evidence.base.errors import EngineError, PolicyError
from ...evidence.base.limits import Limits
from ..policy.annotations import without_strings
from ..policy.engines.embedded import EmbeddedEngine
from .bundles import Tested

if TYPE_CHECKING:
    from .testing import Case, Result

MOST = 20
"""Failing tests that are looked into."""
_SHOWN = 600
_SIDES = re.compile(r"^\s*(?P<left>[^\s:=!<>][^=:!<>]*?) == (?P<right>.*)$", re.DOTALL)
_PREFIX = "gate_probe_"


def explain(tested: Tested, results: Sequence[Result], limits: Limits) -> list[Result]:
    """The results, with the line that is not true where it can be found."""
    failed = [one for one in results if one.status == "fail" and not one.details][:MOST]
    if not failed:
        return list(results)
    bodies = {one.case: list(_lines(tested.modules[one.case.path], one.case)) for one in failed}
    modules = dict(tested.modules)
    for number, (case, lines) in enumerate(bodies.items()):
        modules[case.path] += "".join(_probes(f"{_PREFIX}{number}", [text for _, text in lines]))
    found: dict[Case, tuple[str, ...]] = {}
    try:
        with EmbeddedEngine(replace(tested.bundle, modules=modules), limits) as engine:
            for number, (case, lines) in enumerate(bodies.items()):
                found[case] = _ask(engine, f"{case.package}.{_PREFIX}{number}", case.path, lines)
    except (PolicyError, EngineError):  # a body in a form that cannot be cut into lines
        return list(results)
    return [replace(one, details=found.get(one.case, one.details)) for one in results]


def check_cases(tested: Tested, results: Sequence[Result], limits: Limits) -> list[Result]:
    """The results, where a test with cases passes only if all of its cases are true.

    The cases are what the case's variable may be after the first line that names it. A test whose cases
    cannot be found in this way is an error.
    """
    with_cases = [one for one in results if one.true_cases is not None]
    if not with_cases:
        return list(results)
    modules = dict(tested.modules)
    names: dict[Case, str] = {}
    for number, one in enumerate(with_cases):
        source, case = modules[one.case.path], one.case
        head = re.match(rf"{case.name}\[(\w+)\] if {{", source.split("\n")[case.line - 1])
        statements = [text for _, text in _lines(tested.modules[case.path], case)]
        naming = [n for n, text in enumerate(statements) if head and re.search(rf"\b{head[1]}\b", text)]
        once = len(re.findall(rf"^{case.name}\b", source, re.MULTILINE)) == 1
        if head is not None and naming and once:
            names[case] = f"{_PREFIX}cases_{number}"
            body = "\n".join(statements[: naming[0] + 1])
            modules[case.path] += f"\n\n{names[case]} contains {head[1]} if {{\n{body}\n}}\n"
    found: dict[Case, list[object]] = {}
    try:
        with EmbeddedEngine(replace(tested.bundle, modules=modules), limits) as engine:
            for case, name in names.items():
                value = engine.ask({"test": f"{case.package}.{name}"}).get("ok", {}).get("value")
                if isinstance(value, list):
                    found[case] = value
    except (PolicyError, EngineError):
        found = {}
    return [_judged(one, found.get(one.case)) for one in results]


def _judged(result: Result, known: list[object] | None) -> Result:
    if result.true_cases is None:
        return result
    if known is None:
        what = "the embedded engine cannot tell which cases there are"
        return replace(result, status="error", details=(f"{what}; run it with --engine opa",))
    wrong = sorted({str(one) for one in known} - set(result.true_cases))
    details = tuple(f"the case {name} is not true" for name in wrong)
    return replace(result, status="fail" if wrong or not known else "pass", details=details)


def _lines(source: str, case: Case) -> Iterator[tuple[int, str]]:
    """The statements of a test's body, as ``opa fmt`` lays them out, with the lines on which they begin."""
    lines, code = source.split("\n"), without_strings(source, comments=False).split("\n")
    if not code[case.line - 1].rstrip().endswith("if {"):
        return
    begin, depth = case.line, 0
    for number in range(case.line, len(lines)):
        if code[number].startswith("}") and depth == 0:
            return
        depth += sum(map(code[number].count, "{[(")) - sum(map(code[number].count, "}])"))
        if depth == 0:
            statement = "\n".join(lines[begin : number + 1])
            if "".join(code[begin : number + 1]).strip():
                yield begin + 1, statement
            begin = number + 1


def _probes(name: str, statements: Sequence[str]) -> Iterator[str]:
    for count, statement in enumerate(statements):
        before = "\n".join(statements[:count])
        yield f"\n\n{name}_{count} if {{\n{before}\n{statement}\n}}\n"
        if sides := _SIDES.match(statement):
            pair = f"[{sides['left']}, {sides['right']}]"
            yield f"\n{name}_{count}_sides := gate_sides if {{\n{before}\ngate_sides := {pair}\n}}\n"


def _ask(engine: EmbeddedEngine, name: str, path: str, lines: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    for count, (number, statement) in enumerate(lines):
        answer = engine.ask({"test": f"{name}_{count}"})
        if answer.get("ok", {}).get("value") is True:
            continue
        told = [f"{path}:{number} is not true", *(f"  {line.strip()}" for line in statement.split("\n")[:3])]
        sides = engine.ask({"test": f"{name}_{count}_sides"}).get("ok", {}).get("value")
        if isinstance(sides, list) and len(sides) == 2:
            told += [f"  left:  {_short(sides[0])}", f"  right: {_short(sides[1])}"]
        return tuple(told)
    return ()


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
