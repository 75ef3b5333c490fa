"""Runs the tests of a bundle, rules named ``test_…``, on the embedded engine or with the program ``opa``.

As with ``opa test``, a test passes when it is true, and one with cases (``test_x[case] if …``) when every
case is; ``todo_test_…`` is skipped. Each test may take ``limits.policy_seconds``.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from ...evidence.base.errors import EngineError, EvidenceError, PolicyError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.reading.parse import parse_json
from ..policy.annotations import without_strings
from ..policy.engines.embedded import EmbeddedEngine, located
from ..policy.excerpts import quoted
from .bundles import Tested
from .opa import laid_out, opa
from .probes import check_cases, explain

EMBEDDED, OPA = "embedded", "opa"
ENGINES = (EMBEDDED, OPA)

_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_CASE = re.compile(r"^((?:todo_)?test_\w+)\b", re.MULTILINE)


class Case(Struct, frozen=True):
    """One test rule and where it begins."""

    package: str
    name: str
    path: str
    line: int

    @property
    def title(self) -> str:
        """The name that filters look at."""
        return f"{self.package}.{self.name}"


class Result(Struct, frozen=True):
    """How a test ended.

    Attributes:
        status: ``pass``, ``fail``, ``error`` or ``skip``.
        details: why it did not pass, in lines for people.
        true_cases: of a test with cases, those that are true; None of one without.
        output: what it printed.
        ns: how long it took, nanoseconds.
    """

    case: Case
    engine: str
    status: str
    details: tuple[str, ...] = ()
    output: str = ""
    ns: int = 0
    true_cases: tuple[str, ...] | None = None

    @property
    def failed(self) -> bool:
        """Whether it should have passed and did not."""
        return self.status in ("fail", "error")


class Coverage(Struct, frozen=True):
    """Lines of the modules, without their tests, that were evaluated and those that were not."""

    covered: dict[str, list[int]]
    missed: dict[str, list[int]]

    @property
    def total(self) -> tuple[int, int]:
        """How many lines were evaluated, and how many there are."""
        covered = sum(map(len, self.covered.values()))
        return covered, covered + sum(map(len, self.missed.values()))


def cases(tested: Tested) -> list[Case]:
    """Every test of the bundle, by path and line."""
    found = []
    for path, source in sorted(tested.modules.items()):
        code = without_strings(source, comments=False)
        package = _PACKAGE.search(code)
        seen: dict[str, int] = {}
        for match in _CASE.finditer(code) if package else ():
            seen.setdefault(match[1], code.count("\n", 0, match.start()) + 1)
        found += [Case(package[1], name, path, line) for name, line in seen.items() if package]
    return found


def run_tests(
    tested: Tested, engine: str, wanted: Callable[[Case], bool], limits: Limits = DEFAULT
) -> list[Result]:
    """Run the wanted tests on an engine.

    Raises PolicyError: the bundle or its tests do not load; EnvironmentProblem: the program is missing.
    """
    chosen = [case for case in cases(tested) if wanted(case)]
    if engine == OPA:
        return list(_on_opa(tested, chosen, limits))
    with EmbeddedEngine(tested.whole(), limits) as embedded:
        found = [_run(embedded, case) for case in chosen]
    return explain(tested, check_cases(tested, found, limits), limits)


def measure(tested: Tested, limits: Limits = DEFAULT) -> tuple[list[Result], Coverage]:
    """Run all tests on the embedded engine, and see which lines of the modules they evaluate.

    Raises PolicyError: the bundle or its tests do not load.
    """
    with EmbeddedEngine(tested.whole(), limits) as embedded:
        embedded.ask({"coverage": True})
        found = [_run(embedded, case) for case in cases(tested)]
        files = embedded.ask({"coverage": False})["ok"]
    lines = {path: files[path] for path in sorted(tested.bundle.modules) if path in files}
    covered = {path: sorted(found[0]) for path, found in lines.items()}
    missed = {path: sorted(found[1]) for path, found in lines.items()}
    return check_cases(tested, found, limits), Coverage(covered, missed)


def _run(engine: EmbeddedEngine, case: Case) -> Result:
    if case.name.startswith("todo_"):
        return Result(case, EMBEDDED, "skip")
    try:
        answer = engine.ask({"test": case.title})
    except EngineError as error:  # it ran too long or took too much memory; the next one has a new process
        return Result(case, EMBEDDED, "error", (error.what,))
    if "error" in answer:
        odd = located(answer["error"], EngineError, "it cannot be evaluated")
        place = f" ({odd.path}, {odd.place})" if odd.path else ""
        return Result(case, EMBEDDED, "error", (f"{odd.what}{place}",))
    value, printed = answer["ok"]["value"], "\n".join(answer["ok"]["prints"])
    true = tuple(name for name, holds in value.items() if holds is True) if isinstance(value, dict) else None
    status = "pass" if value is True or true else "fail"
    return Result(case, EMBEDDED, status, (), printed, answer["ok"]["ns"], true)


def _on_opa(tested: Tested, chosen: Sequence[Case], limits: Limits) -> Iterator[Result]:
    with laid_out(tested.files) as root:
        known = opa(["capabilities", "--current"], root, limits, "--engine opa")
        # tests of a change that is not trusted yet must not reach the network
        offline = {**parse_json(known.out, "opa capabilities", limits), "allow_net": []}
        capabilities = root.parent / "capabilities.json"
        capabilities.write_text(json.dumps(offline))
        arguments = ["test", "--format=json", "--timeout=60s", f"--capabilities={capabilities}", "."]
        done = opa(arguments, root, limits, "--engine opa")
    try:
        answers = parse_json(done.out or done.err, "opa test", limits)
    except EvidenceError:
        answers = None
    if not isinstance(answers, list):
        raise _refused(answers, done.err or done.out, tested)
    # a rule of several definitions is there several times; one that fails is not hidden by one that passes
    worst = sorted(answers, key=lambda item: bool(item.get("fail") or item.get("error")))
    by_title = {(item["package"].removeprefix("data."), item["name"]): item for item in worst}
    for case in chosen:
        item = by_title.get((case.package, case.name), {"error": {"message": "opa did not run it"}})
        subs = item.get("sub_results") or {}
        wrong = [f"the case {name} is not true" for name, sub in subs.items() if "fail" in sub]
        status = next((word for word in ("error", "fail", "skip") if item.get(word)), "pass")
        if status == "error":
            wrong = [str(item["error"].get("message", item["error"]))]
        printed = base64.b64decode(item.get("output", "")).decode("utf-8", "replace")
        yield Result(case, OPA, status, tuple(wrong), printed, item.get("duration", 0))


def _refused(answer: Any, text: bytes, tested: Tested) -> PolicyError:
    """What opa says instead of results: the first of its errors."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    where = first.get("location") or {}
    message = str(first.get("message") or text.decode("utf-8", "replace").strip()[:400])
    place = f"line {where['row']}, column {where['col']}" if "row" in where else None
    error = PolicyError(f"opa does not load the policy: {message}", path=where.get("file"), place=place)
    return quoted(error, tested.modules)


def opa_document(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The results in the form of ``opa test --format=json``."""
    return [
        {
            "location": {"file": one.case.path, "row": one.case.line, "col": 1},
            "package": f"data.{one.case.package}",
            "name": one.case.name,
            "engine": one.engine,
            **({one.status: True} if one.status in ("fail", "skip") else {}),
            **({"error": {"message": "; ".join(one.details)}} if one.status == "error" else {}),
            **({"details": list(one.details)} if one.status == "fail" and one.details else {}),
            "duration": one.ns,
            **({"output": base64.b64encode(one.output.encode()).decode()} if one.output else {}),
        }
        for one in results
    ]
