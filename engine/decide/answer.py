"""Checks a policy's answer about one rule: it must be complete and must not contradict itself. Pure.

Where evidence that the rule needs is absent or unknown, one violation stands in the answer's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

from msgspec import Struct, field

from ...evidence.base.canonical import canonical
from ...evidence.base.errors import EngineError, InternalError
from ...evidence.collecting.interface import Problem, ProblemKind
from ..decision.document import Notice, Operand, Place, Severity, Violation
from .conditions import due_at
from .model import Rule, Stage

_OPERAND = {"name", "op", "actual", "expected", "unit", "holds"}
_OPTIONAL = {"terms", "places"}
_OPERATORS = {"≥", ">", "≤", "<", "=", "⊇", "∅"}
_MOST_REASONS = 3
CONFTEST_DOCUMENTS, CONFTEST_EXCEPTION = "documents", "exception"
_KINDS = ("deny", "violation", "condition", "warn", "check")


def policy_error(stage: Stage, what: str) -> EngineError:
    """The error about a bundle whose answer cannot be used."""
    remedy = "correct the policy bundle; this is no verdict"
    return EngineError(what, path=f"package {stage.package}", remedy=remedy)


def refuse_unexpected(stage: Stage, output: Mapping[str, Any]) -> None:
    """Refuse answers of rules that the manifest does not list."""
    expected = {rule.short_name for rule in stage.rules}
    for name in sorted(output):
        kind, _, short = name.partition("_")
        if kind in _KINDS and short not in expected:
            raise policy_error(stage, f"the rule {name!r} reported, but the manifest does not expect it")


class Answer:
    """One rule's answer in ``output`` (rule name → value): whether it holds, its operands, what it reports.

    Raises EngineError: the rule was not evaluated, compares nothing, or contradicts itself.
    """

    def __init__(self, stage: Stage, rule: Rule, output: Mapping[str, Any]) -> None:
        self._stage = stage
        self._rule = rule
        self._output = output
        check = output.get(f"check_{rule.short_name}")
        if not isinstance(check, dict) or not isinstance(check.get("holds"), bool):
            what = f"the rule {rule.code!r} was not evaluated: check_{rule.short_name} is undefined"
            raise self._error(what)
        self.holds: bool = check["holds"]
        operands = check.get("operands")
        if not isinstance(operands, list) or not operands:
            raise self._error(f"the rule {rule.code!r} compared nothing")
        self._check_value(operands)
        self.operands = tuple(self._operand(operand) for operand in operands)
        broken = [repr(operand.name) for operand in self.operands if not operand.holds]
        if self.holds and broken:
            raise self._error(f"the rule {rule.code!r} holds although its operand {broken[0]} does not")
        if not self.holds and not broken:
            names = ", ".join(repr(operand.name) for operand in self.operands)
            raise self._error(f"the rule {rule.code!r} does not hold although every operand does: {names}")

    def violations(self) -> list[Violation]:
        """The violations that the rule reports: at least one where it does not hold, else none."""
        reported = self._results(self._rule.kind)
        if self.holds and reported:
            raise self._error(f"the rule {self._rule.code!r} holds and reports a violation at once")
        if not self.holds and not reported:
            raise self._error(f"the rule {self._rule.code!r} does not hold but reports nothing")
        return [self._violation(item) for item in reported]

    def conditions(self) -> list[dict[str, str | None]]:
        """Conditions under which the rule holds: ``msg``, ``owner``, ``due``, ``id``, ``closed_by``."""
        return [
            {"msg": self._message(item), "due": self._due(item)}
            | {name: _text(item.get(name)) for name in ("owner", "id", "closed_by")}
            for item in self._results("condition")
        ]

    def _due(self, item: Mapping[str, Any]) -> str | None:
        due = _text(item.get("due"))
        try:
            due_at(due or "2000-01-01")
        except ValueError as error:
            what = f"a condition of {self._rule.code!r} is due on {due!r}, which is no day and no time"
            raise self._error(what) from error
        return due

    def warnings(self) -> list[Notice]:
        """What the rule warns of."""
        return [Notice(self._rule.code, self._message(item)) for item in self._results("warn")]

    def _error(self, what: str) -> EngineError:
        return policy_error(self._stage, what)

    def _results(self, kind: str) -> Sequence[Any]:
        name = f"{kind}_{self._rule.short_name}"
        results = self._output.get(name, [])
        if not isinstance(results, list):
            raise self._error(f"the rule {name!r} is not a set of results")
        if results:
            self._check_value(results)
        return results

    def _check_value(self, value: Any) -> None:
        try:
            canonical(value)
        except InternalError as error:
            what = f"the rule {self._rule.code!r} gives what no decision can carry: {error}"
            raise self._error(what) from error

    def _operand(self, operand: Any) -> Operand:
        code = self._rule.code
        if not isinstance(operand, dict) or not _OPERAND <= operand.keys() <= _OPERAND | _OPTIONAL:
            raise self._error(f"an operand of {code!r} does not have exactly {', '.join(sorted(_OPERAND))}")
        terms = operand.get("terms", [])
        strings = [
            operand["name"],
            operand["op"],
            operand["unit"],
            *(terms if isinstance(terms, list) else [None]),
        ]
        if not all(isinstance(item, str) for item in strings) or not isinstance(operand["holds"], bool):
            raise self._error(f"an operand of {code!r} has a field of the wrong type")
        if operand["op"] not in _OPERATORS:
            raise self._error(f"an operand of {code!r} compares by {operand['op']!r}")
        return Operand(**{name: operand[name] for name in _OPERAND}, terms=tuple(terms))

    def _message(self, item: Any) -> str:
        if not isinstance(item, dict) or not isinstance(item.get("msg"), str):
            raise self._error(f"a result of {self._rule.code!r} has no message")
        message: str = item["msg"]
        return message

    def _violation(self, item: Any) -> Violation:
        rule = self._rule
        message = self._message(item)
        if item.get("code") != rule.code:
            raise self._error(f"a result of {rule.code!r} carries the code {item.get('code')!r}")
        strings = [item.get(name) for name in ("operand", "op", "unit", "term", "path")]
        path, line = item.get("path"), item.get("line")
        if not all(isinstance(one, (str, NoneType)) for one in strings) or not _is_line(line):
            raise self._error(f"a result of {rule.code!r} has a field of the wrong type")
        compared = {name: item.get(name) for name in ("term", "operand", "op", "expected", "actual", "unit")}
        return rule.violation(message, **compared, places=() if path is None else (Place(path, line),))


def _is_line(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def unjudgeable(stage: Stage, problems: Sequence[Problem]) -> Violation:
    """The violation of a stage whose sources cannot all be judged."""
    rule = stage.rule("subject", "The sources can be judged", Severity.HIGH)
    return evidence_violation(rule, ProblemKind.REJECTED, {"the judged sources": tuple(problems)})


_BEGINNINGS = {
    ProblemKind.MISSING: "No evidence: ",
    ProblemKind.REJECTED: "Evidence was rejected: ",
    ProblemKind.UNKNOWN: "Cannot be told: ",
}
"""What the message of an `evidence_violation` begins with; its reasons follow."""


def evidence_violation(
    rule: Rule, kind: ProblemKind, problems: Mapping[str, tuple[Problem, ...]]
) -> Violation:
    """The single violation of a rule whose facts are missing, rejected or unknown."""
    relevant = list(dict.fromkeys(p for found in problems.values() for p in found))
    reasons = list(dict.fromkeys(_reason(problem) for problem in relevant))
    more = f"; and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
    remedies = list(dict.fromkeys(problem.remedy for problem in relevant if problem.remedy))
    places = [Place.of(p.path, p.place) for p in relevant if p.path is not None]
    blocks = rule.severity.blocks
    return rule.violation(
        f"{_BEGINNINGS[kind]}{'; '.join(reasons[:_MOST_REASONS])}{more}",
        severity=rule.severity if blocks else Severity.HIGH,
        raised_from=None if blocks else rule.severity,
        expected=f"measured: {', '.join(problems)}",
        problem=kind,
        places=tuple(dict.fromkeys(places)),
        solution="; ".join(remedies[:_MOST_REASONS]) or rule.solution,
    )


def _reason(problem: Problem) -> str:
    if problem.kind is ProblemKind.MISSING or problem.path is None or problem.path in problem.reason:
        return problem.reason
    return f"{problem.path}: {problem.reason}"


class ConftestAnswer(Struct):
    """What a rule written for Conftest reports: violations, and remarks, also about excepted documents.

    ``problems`` are about documents on which the policies failed.
    """

    violations: list[Violation] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def documents_of(files: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    """Path, number in the file and JSON text of every document of the files."""
    for file in files:
        for number, text in enumerate(file["documents"]):
            yield file["path"], number, text


def conftest_answer(
    stage: Stage, rule: Rule, output: Mapping[str, Any], files: Sequence[Mapping[str, Any]]
) -> ConftestAnswer:
    """What the rule reports about the files.

    Raises EngineError: it was not evaluated for each document, or gives what is no message.
    """
    found = ConftestAnswer()
    answers = output.get(CONFTEST_DOCUMENTS)
    places = [(path, number) for path, number, _ in documents_of(files)]
    if not isinstance(answers, list) or [(one["path"], one["number"]) for one in answers] != places:
        raise policy_error(stage, f"the rule {rule.code!r} was not evaluated for every document")
    several = {path for path, number in places if number > 0}
    for answer in answers:
        path, values = answer["path"], answer["values"]
        term = f"{path}#{answer['number'] + 1}" if path in several else path
        if answer["failed"]:
            reason = f"the policies fail on {term}, where a function gets a value of another type"
            remedy = "correct the file, or have the policy ask for the type first (-v says where it fails)"
            found.problems.append(Problem("files", reason, remedy, ProblemKind.UNKNOWN, path))
            continue
        results = values.get(rule.short_name)
        if not isinstance(results, list):
            raise policy_error(stage, f"the rule {rule.code!r} was not evaluated: it is no set of messages")
        if _suffix(rule.short_name) in _excepted(values.get(CONFTEST_EXCEPTION)):
            name = _suffix(rule.short_name) or '""'
            # with a code of its own: beside other findings of the rule it would not be on the first screen
            what = f"{term}: {rule.code} is excepted by the policies' exception for {name}"
            found.notices.append(Notice(f"{stage.id}.{CONFTEST_EXCEPTION}", what))
            continue
        for message, more in (_conftest_message(stage, rule, result) for result in results):
            if rule.kind == "warn":
                found.notices.append(Notice(rule.code, f"{term}: {message}"))
            else:
                known = {"term": term, "actual": dict(more) or None, "places": (Place(path),)}
                found.violations.append(rule.violation(message, **known))
    return found


def _suffix(name: str) -> str:
    """The name by which an exception means a rule: without its kind; empty for ``deny`` itself."""
    return name.partition("_")[2]


def _excepted(value: Any) -> set[str]:
    """Names of the excepted rules: the members of the members of ``exception``."""
    members = [
        one.values() if isinstance(one, dict) else one for one in value or () if isinstance(one, (list, dict))
    ]
    return {name for names in members for name in names if isinstance(name, str)}


def _conftest_message(stage: Stage, rule: Rule, result: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(result, str):
        return result, {}
    if not isinstance(result, dict) or not isinstance(result.get("msg"), str):
        raise policy_error(stage, f"a result of {rule.code!r} is neither a string nor an object with a 'msg'")
    more = {name: value for name, value in result.items() if name != "msg"}
    try:
        canonical(more)
    except InternalError as error:
        what = f"the rule {rule.code!r} gives what no decision can carry: {error}"
        raise policy_error(stage, what) from error
    return result["msg"], more
