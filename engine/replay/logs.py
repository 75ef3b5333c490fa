"""OPA's decision logs as recorded inputs: each line's package is asked again, and the results are compared.

Format: JSON Lines as OPA writes them (https://www.openpolicyagent.org/docs/management-decision-logs), with
``decision_id``, ``path``, ``input``, ``result`` and ``timestamp``; what else is on the console is passed
over. A line knows no setup (waivers, severities, dependencies between stages), so what is compared are the
results of rules, and no verdicts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from ...evidence.base.errors import EngineError, EvidenceError, PolicyError, UsageError
from ...evidence.base.limits import Limits
from ...evidence.base.records import nested
from ...evidence.reading.json_lines import UNSURE, RecordReader
from ...evidence.reading.workspace import View, Workspace
from ..decision.document import Operand
from .outcome import ABSENT, CONDITIONAL, FAIL, PASS, Difference, RuleFlip, weight
from .stored import Judge

LOGGED = "logged"
"""The unit of what is no comparison: the value now as ``actual``, and the logged one as ``expected``."""

OTHER, SAME = "another value", "the same value"
"""The effects of a rule that is neither a report nor a check: whether its value is the logged one."""

_REPORTS = {"deny": FAIL, "violation": FAIL, "condition": CONDITIONAL, "warn": PASS}
_LONGEST = 200
_PART_LINES, _PART_BYTES = 16, 2**18
_OPERAND = frozenset({"name", "op", "actual", "expected", "unit", "holds"})
_UNDEFINED = object()


class Logged(Struct, frozen=True):
    """One logged decision: which package and rule were asked what, and what OPA answered."""

    id: str
    package: str
    rule: tuple[str, ...]
    document: dict[str, Any]
    result: Any

    @property
    def name(self) -> str:
        """What was asked, and the decision's id."""
        return f"{'/'.join((self.package, *self.rule))} {self.id}"


class NotComparable(Exception):
    """Why a line cannot be compared."""


def open_log(path: Path, limits: Limits) -> View:
    """The file to be read. Raises UsageError: there is none, or it is no regular file."""
    try:
        view = Workspace.single_file_view(path.parent, path.name)
    except EvidenceError as error:
        raise UsageError(error.what, path=str(path), remedy="name a decision log as JSON Lines") from error
    if view is None:
        raise UsageError("there is no such file", path=str(path), remedy="name a decision log as JSON Lines")
    return Workspace(path.parent, limits).view()


Item = tuple[int, bytes | None, str]
"""A line's number from 1 and the line; None, and why it and what follows cannot be read."""


def parts(path: Path, limits: Limits) -> Iterator[list[Item]]:
    """A log's lines, some at a time. Where a line is too long, those after it are not read."""
    items, size, number = list[Item](), 0, 0
    try:
        for number, line in open_log(path, limits).lines(path.name):
            if line.strip():
                items.append((number, line, path.name))
                size += len(line)
            if size >= _PART_BYTES or len(items) >= _PART_LINES:
                yield items
                items, size = [], 0
    except EvidenceError as error:
        items.append((number + 1, None, f"{error.what}; it and what follows was not read"))
    if items:
        yield items


def difference(
    item: Item, judge: Judge, base: Judge | None, limits: Limits
) -> tuple[int, Logged | None, Difference | str | None] | None:
    """What differs about a line: number, decision, difference; a string says why it cannot be told.

    None for a line that is no decision.
    """
    number, line, text = item
    if line is None:
        return number, None, text
    logged = None
    try:
        logged = _logged(
            RecordReader(text, limits), line, number, {one.package for one in judge.bundle.heads}
        )
        return None if logged is None else (number, logged, _compare(logged, judge, base))
    except (NotComparable, EngineError, PolicyError) as error:
        return number, logged, getattr(error, "what", str(error))


def _logged(reader: RecordReader, line: bytes, number: int, packages: Collection[str]) -> Logged | None:
    value = reader.quick(line)
    if value is UNSURE:
        try:
            value = reader.strict(line, number)
        except EvidenceError as error:
            raise NotComparable(error.what) from error
    if not isinstance(value, dict) or not {"decision_id", "path"} <= value.keys():
        return None
    name, path = value["decision_id"], value["path"]
    if not isinstance(name, str) or not isinstance(path, str):
        raise NotComparable("its decision_id or its path is no string")
    if value.get("error"):
        raise NotComparable("the decision ended in an error")
    if value.get("erased") or value.get("masked"):
        raise NotComparable("parts of its input were erased or masked")
    document, result = value.get("input"), value.get("result", _UNDEFINED)
    if not isinstance(document, dict):
        raise NotComparable("its input is no object")
    if any(isinstance(item, Decimal) for item in nested([document, result])):
        raise NotComparable("a number in it cannot be handed to the policy engine exactly")
    parts = path.strip("/").replace("/", ".").split(".")
    parts = parts[1:] if parts[0] == "data" else parts
    for length in range(len(parts), 0, -1):
        if (package := ".".join(parts[:length])) in packages:
            return Logged(name[:_LONGEST], package, tuple(parts[length:]), document, result)
    raise NotComparable(f"the bundle has no package for {path[:_LONGEST]!r}")


def _compare(logged: Logged, judge: Judge, base: Judge | None) -> Difference | None:
    after = _value(judge, logged)
    before = logged.result if base is None else _value(base, logged)
    name = ".".join((logged.package, *logged.rule))
    if not logged.rule:
        flips = _rules(name, *(item if isinstance(item, dict) else {} for item in (before, after)))
    else:
        flips = _rule(name, logged.rule[-1], before, after)
    return Difference(None, None, {}, tuple(flips)) if flips else None


def _value(judge: Judge, logged: Logged) -> Any:
    """What the bundle answers now to what was asked then; undefined where it has no such rule."""
    value: Any = judge.engine(None).evaluate([logged.package], logged.document)[logged.package]
    for part in logged.rule:
        if not isinstance(value, Mapping) or part not in value:
            return _UNDEFINED
        value = value[part]
    return value


def _rules(package: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[RuleFlip]:
    """The rules of a package that report otherwise; what they are made of does not matter."""
    names = dict.fromkeys([*after, *before])
    reporting = [name for name in names if name.partition("_")[0] in (*_REPORTS, "allow")]
    flips = []
    for name in reporting or names:
        old, new = before.get(name, _UNDEFINED), after.get(name, _UNDEFINED)
        short = f"check_{name.partition('_')[2]}"
        operands = [side.get(short) for side in (before, after)]
        flips += _rule(f"{package}.{name}", name, old, new, *operands)
    return flips


def _rule(
    code: str, name: str, before: Any, after: Any, check_before: Any = None, check_after: Any = None
) -> list[RuleFlip]:
    was, now = _effect(name, before), _effect(name, after)
    if was is None or now is None:
        if before is after or before == after:
            return []
        was, now = SAME, OTHER
    elif weight(was) == weight(now):
        return []
    compared = _operands(check_after) or _operands(check_before)
    if not compared:
        compared = (Operand(name, "=", _said(after), _said(before), LOGGED, False),)
    return [RuleFlip(code, name, None, was, now, None, None, compared, _operands(check_before))]


def _effect(name: str, value: Any) -> str | None:
    """What a report alone makes of a verdict; None of any other rule."""
    kind = name.partition("_")[0]
    if kind == "allow":
        return PASS if value is True else FAIL
    if kind not in _REPORTS:
        return None
    if value is _UNDEFINED:
        return ABSENT
    return _REPORTS[kind] if value else PASS


def _said(value: Any) -> Any:
    """A rule's value, or the messages that it reports; None where it is undefined."""
    if not isinstance(value, list):
        return None if value is _UNDEFINED else value
    return [
        item["msg"] if isinstance(item, dict) and isinstance(item.get("msg"), str) else item for item in value
    ]


def _operands(check: Any) -> tuple[Operand, ...]:
    """The operands of a check of gate's own form; none of any other."""
    items = check.get("operands") if isinstance(check, Mapping) else None
    return tuple(
        Operand(**{name: item[name] for name in _OPERAND})
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, Mapping)
        and item.keys() >= _OPERAND
        and all(isinstance(item[name], str) for name in ("name", "op", "unit"))
    )
