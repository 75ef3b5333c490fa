"""Asks policies written for Conftest about each document, and reads what they answer about one rule.

What Conftest's rules mean is described at https://www.conftest.dev; an exception for a rule in force for a
document takes the place of all that the rule reports about that document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import EngineError, InternalError
from ..decide.model import Rule, Stage
from ..decision.document import Notice, Place, Violation
from ..policy.interface import PolicyEngine

DOCUMENTS = "documents"
EXCEPTION = "exception"


@dataclass(slots=True)
class Found:
    """What one rule reports: violations, and remarks, also about documents that are excepted from it."""

    violations: list[Violation] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def ask_each(
    engine: PolicyEngine, stages: Sequence[Stage], files: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By package, the rules' values for every document: ``{"documents": [{path, number, values}]}``.

    Raises as the engine does.
    """
    names = {stage.package: (*(rule.short_name for rule in stage.rules), EXCEPTION) for stage in stages}
    packages = list(names)
    answers: dict[str, dict[str, Any]] = {package: {DOCUMENTS: []} for package in packages}
    for path, number, text in _each(files):
        values = engine.evaluate(packages, json.loads(text))
        for package in packages:
            found = {name: values[package][name] for name in names[package] if name in values[package]}
            answers[package][DOCUMENTS].append({"path": path, "number": number, "values": found})
    return answers


def read(stage: Stage, rule: Rule, output: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> Found:
    """What the rule reports about the files.

    Raises EngineError: it was not evaluated for each document, or gives what is no message.
    """
    found = Found()
    answers = output.get(DOCUMENTS)
    places = [(path, number) for path, number, _ in _each(files)]
    if not isinstance(answers, list) or [(one["path"], one["number"]) for one in answers] != places:
        raise _error(stage, f"the rule {rule.code!r} was not evaluated for every document")
    several = {path for path, number in places if number > 0}
    for answer in answers:
        path, values = answer["path"], answer["values"]
        results = values.get(rule.short_name)
        if not isinstance(results, list):
            raise _error(stage, f"the rule {rule.code!r} was not evaluated: it is no set of messages")
        term = f"{path}#{answer['number'] + 1}" if path in several else path
        if _suffix(rule.short_name) in _excepted(values.get(EXCEPTION)):
            name = _suffix(rule.short_name) or '""'
            # with a code of its own: beside other findings of the rule it would not be on the first screen
            what = f"{term}: {rule.code} is excepted by the policies' exception for {name}"
            found.notices.append(Notice(f"{stage.id}.{EXCEPTION}", what))
            continue
        for message, more in (_message(stage, rule, result) for result in results):
            if rule.kind == "warn":
                found.notices.append(Notice(rule.code, f"{term}: {message}"))
            else:
                found.violations.append(_violation(rule, message, more, term, path))
    return found


def _each(files: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    for file in files:
        for number, text in enumerate(file["documents"]):
            yield file["path"], number, text


def _suffix(name: str) -> str:
    """The name by which an exception means a rule: without its kind; empty for ``deny`` itself."""
    return name.partition("_")[2]


def _excepted(value: Any) -> set[str]:
    """Names of the excepted rules: the members of the members of ``exception``."""
    members = [
        one.values() if isinstance(one, dict) else one for one in value or () if isinstance(one, (list, dict))
    ]
    return {name for names in members for name in names if isinstance(name, str)}


def _message(stage: Stage, rule: Rule, result: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(result, str):
        return result, {}
    if not isinstance(result, dict) or not isinstance(result.get("msg"), str):
        raise _error(stage, f"a result of {rule.code!r} is neither a string nor an object with a 'msg'")
    more = {name: value for name, value in result.items() if name != "msg"}
    try:
        canonical(more)
    except InternalError as error:
        raise _error(stage, f"the rule {rule.code!r} gives what no decision can carry: {error}") from error
    return result["msg"], more


def _error(stage: Stage, what: str) -> EngineError:
    return EngineError(what, path=f"package {stage.package}", remedy="correct the policy; this is no verdict")


def _violation(rule: Rule, message: str, more: Mapping[str, Any], term: str, path: str) -> Violation:
    return Violation(
        code=rule.code,
        msg=message,
        severity=rule.severity,
        raised_from=None,
        stage=rule.stage,
        term=term,
        operand=None,
        op=None,
        expected=None,
        actual=dict(more) or None,
        unit=None,
        problem=None,
        places=(Place(path),),
        evidence=rule.collectors,
        solution=rule.solution,
    )
