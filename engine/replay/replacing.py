"""Puts other values in the place of facts and parameters, checked against contracts and units. Pure.

What is made so was never seen by anyone: it is judged and shown, and never recorded.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...evidence.base.canonical import MAX_SAFE_INTEGER
from ...evidence.base.contracts import DERIVED, load_schema, shorten, source_of, violations_of
from ...evidence.base.errors import EvidenceError, PolicyError, UsageError, nearest
from ...evidence.base.limits import DEFAULT
from ...evidence.base.records import lookup, nested
from ...evidence.collecting.facts import contract_has
from ...evidence.collecting.interface import Evidence, Problem, Scope
from ...evidence.collecting.registry import facts_contract, find
from ...evidence.reading.parse import parse_json
from ..decide.parameters import Common
from ..decide.recorded import Recorded
from ..policy.interface import Bundle

FACT, PARAMETER = "--set", "--param"


class NoFactError(UsageError):
    """No collector has a fact of that name."""


class Replacement(Struct, frozen=True):
    """A value in the place of another: of a fact (``coverage.line_ppm``) or a parameter (``stage1.least``).

    ``option`` is ``FACT`` or ``PARAMETER``; ``before`` is the value that was replaced.
    """

    option: str
    name: str
    value: Any
    before: Any = None

    def text(self) -> str:
        """What is replaced by what, in words."""
        return f"{self.name} is {_shown(self.value)} here, in place of {_shown(self.before)}"


def _shown(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False))


def parse(option: str, text: str) -> Replacement:
    """A ``NAME=VALUE`` of the command line; the value is JSON, or else a string as it stands.

    Raises UsageError: it is none of that form, or holds what no fact can.
    """
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"{option} {text[:80]!r} is not NAME=VALUE", remedy=f"write {option} NAME=VALUE")
    return Replacement(option, name, parse_value(option, name, value))


def parse_value(option: str, name: str, text: str) -> Any:
    """A value as JSON, or the text itself where it is no JSON. Raises UsageError: no fact can hold it."""
    if not text or text[0] not in '{["-0123456789tfn':
        return text
    try:
        value = parse_json(text.encode("utf-8", "surrogatepass"), f"{option} {name}", DEFAULT)
    except EvidenceError as error:
        if text[0] in "tfn" or error.what.startswith("malformed JSON: Extra data"):
            return text  # a word, or something like 2025-11-07
        remedy = "give JSON, or a plain word without quotes"
        raise UsageError(f"{option} {name}: {error.what}", remedy=remedy) from error
    for item in nested(value):
        whole = item is None or isinstance(item, (str, bool, dict, list))
        if not whole and not (isinstance(item, int) and abs(item) <= MAX_SAFE_INTEGER):
            what = f"{option} {name}: {str(item)[:40]} is no whole number below 2^53"
            remedy = "facts and parameters are scaled integers: 79 % is 790000 where the name ends in _ppm"
            raise UsageError(what, remedy=remedy)
    return value


def replace_facts(recorded: Recorded, wanted: Iterable[Replacement]) -> tuple[Recorded, list[Replacement]]:
    """The recorded input with facts replaced, and the replacements with what was there before.

    What was wrong with a replaced fact no longer is. Evidence digests stay: sign-offs still count.

    Raises UsageError: there is no such fact, it was not collected, or the value breaks the facts' contract.
    """
    evidence = dict(recorded.evidence)
    done = []
    for one in wanted:
        collector, path = _known_fact(one.name, evidence)
        item = evidence[collector]
        done.append(replace(one, before=lookup(item.facts, path)))
        facts = copy.deepcopy(dict(item.facts))
        _put(facts, path, one)
        evidence[collector] = replace(
            item,
            facts=facts,
            problems=tuple(left for problem in item.problems for left in _left(problem, path, facts)),
            scopes=tuple(_looked(scope) if _within(path, scope.fact) else scope for scope in item.scopes),
        )
    for collector in dict.fromkeys(one.name.partition(".")[0] for one in done):
        _check(collector, evidence[collector].facts, done)
    return dataclasses.replace(recorded, evidence=evidence), done


def replace_parameters(bundle: Bundle, wanted: Iterable[Replacement]) -> tuple[Bundle, list[Replacement]]:
    """The bundle with parameters replaced, and the replacements with what was there before.

    Raises UsageError: there is no such parameter, or the value does not fit its unit.
    """
    data = copy.deepcopy(bundle.data)
    done = []
    for one in wanted:
        entry = parameter(data, one.name)
        if entry is None:
            remedy = _advice(one.name, parameters(data), "`gate docs policies` lists what is shipped")
            raise UsageError(f"the policy bundle has no parameter {one.name[:80]!r}", remedy=remedy)
        done.append(replace(one, before=entry["value"]))
        entry["value"] = one.value
        try:
            Common(data)
        except PolicyError as error:
            what = f"{PARAMETER} {one.name}: {error.what}"
            raise UsageError(what, remedy="give a value that fits") from error
    return replace(bundle, data=data), done


def parameters(data: Mapping[str, Any]) -> list[str]:
    """Names of a bundle's parameters: ``stage1.test_coverage_min``."""
    groups: Mapping[str, Mapping[str, Any]] = lookup(data, "gate.params") or {}
    return [f"{group}.{name}" for group, entries in groups.items() for name in entries]


def parameter(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The entry of a parameter: value, unit and rationale; None where there is none."""
    return lookup(data, f"gate.params.{name}") if name in parameters(data) else None


def _known_fact(name: str, evidence: Mapping[str, Evidence]) -> tuple[str, str]:
    collector, _, path = name.partition(".")
    if collector in DERIVED:
        what = f"{FACT} {name}: these facts follow from the evidence, the sources and the time"
        raise UsageError(what, remedy="replace a fact of a collector")
    if not path or not contract_has(name):
        known = [*_facts_of(evidence)]
        remedy = _advice(name, known, "`gate collect` prints the facts that there are")
        raise NoFactError(f"there is no fact {name[:80]!r}", remedy=remedy)
    if collector not in evidence:
        what = f"{FACT} {name}: the facts of {collector} are no part of what is judged"
        raise UsageError(what, remedy=f"these are: {', '.join(sorted(evidence))}")
    return collector, path


def _facts_of(evidence: Mapping[str, Evidence]) -> Iterator[str]:
    for collector, item in evidence.items():
        pending: list[tuple[str, Any]] = [(collector, item.facts)]
        while pending:
            name, value = pending.pop()
            if isinstance(value, Mapping):
                pending += [(f"{name}.{key}", inner) for key, inner in value.items()]
            if name != collector:
                yield name


def _advice(name: str, known: Iterable[str], otherwise: str) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant!r}?" if meant else otherwise


def _put(facts: dict[str, Any], path: str, one: Replacement) -> None:
    *folders, last = path.split(".")
    target = facts
    for part in folders:
        if not isinstance(target.get(part), dict):
            target[part] = {}  # null, as it was not measured; what else is needed, the contract says
        target = target[part]
    target[last] = one.value


def _check(collector: str, facts: Mapping[str, Any], done: Iterable[Replacement]) -> None:
    plugin = find(collector)
    schema = load_schema("facts", collector) if plugin is None else facts_contract(plugin)
    broken = violations_of(schema, facts)
    if not broken:
        return
    pointer, what = broken[0]
    place = f"{collector}{pointer.rstrip('/').replace('/', '.')}"
    names = ", ".join(one.name for one in done if source_of(one.name) == collector)
    what = f"{FACT} {names}: the facts of {collector} break their contract at {place}: {what}"
    raise UsageError(what, remedy="give a value of the right type, or set what belongs together at once")


def _within(inner: str, outer: str) -> bool:
    return outer == "" or inner == outer or inner.startswith(f"{outer}.")


def _left(problem: Problem, path: str, facts: Mapping[str, Any]) -> Iterator[Problem]:
    """What is left of a problem once the fact at the path is given: the problem of everything else."""
    if _within(problem.fact, path):
        return
    if not _within(path, problem.fact):
        yield problem
        return
    done = [part for part in problem.fact.split(".") if part]
    for part in path.split(".")[len(done) :]:
        here = lookup(facts, ".".join(done)) if done else facts
        yield from (replace(problem, fact=".".join([*done, name])) for name in here if name != part)
        done.append(part)


def _looked(scope: Scope) -> Scope:
    """The scope, had something been looked at: a value is given, so it cannot be unknown."""
    return scope if scope.looked_at else replace(scope, looked_at=1, understood=1)
