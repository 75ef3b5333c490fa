"""Builds the plan of what must be evaluated from a bundle's manifest and annotations. Pure.

The manifest lists every rule that must be evaluated and each rule's METADATA lists the facts it needs; both
are checked against the modules and the facts' contracts. A rule without an entry, an entry without a rule, a
misspelled fact or parameter, or an empty stage is an error: it would otherwise pass unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from ...evidence.base.contracts import source_of
from ...evidence.base.errors import PolicyError, nearest
from ...evidence.base.times import parse_rfc3339
from ...evidence.collecting.facts import contract_has, has_contract
from ..decision.document import Severity
from ..policy.excerpts import quoted
from ..policy.interface import Annotation, Bundle, Reporter, refuse, reporting
from .model import Plan, Rule, Stage
from .parameters import Common
from .tailoring import is_names, read_profiles

MANIFEST = ".manifest"
_REPORTING = ("deny", "violation")
_FACT = re.compile(r"\binput\.facts\.([a-z]\w*(?:\.[a-z]\w*)+)")
_PARAMETER = re.compile(r"\bdata\.gate\.params\.([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_STAGE_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")
_COLLECTOR_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def make_plan(bundle: Bundle, depends_on: dict[str, tuple[str, ...]] | None = None) -> Plan:
    """The plan of a bundle.

    Args:
        depends_on: the workspace's own dependencies by stage, in place of the manifest's.

    Raises PolicyError: the manifest is incomplete or contradicts the modules, or a parameter does not fit its
    unit.
    """
    return examine_plan(bundle, refuse, depends_on)


def examine_plan(
    bundle: Bundle, report: Reporter, depends_on: dict[str, tuple[str, ...]] | None = None
) -> Plan:
    """As :func:`make_plan`, but report what is wrong and go on: the plan is what could be made of the bundle.

    Raises PolicyError: no plan can be made at all; what ``report`` raises.
    """

    def tell(check: str, error: PolicyError) -> None:
        report(check, quoted(error, bundle.modules))

    described = bundle.metadata.get("stages")
    if not isinstance(described, dict) or not described:
        raise _wrong("the manifest lists no stages")
    rules, odd = _rules(bundle, tell)
    _check_facts(bundle, tell)
    own = depends_on or {}
    for stage in own:
        if stage not in described:
            raise _wrong(f"gate.yaml describes the stage {stage!r}, which the bundle does not have")
    stages = {}
    for name, value in described.items():
        with reporting("manifest", tell):
            stages[name] = _stage(name, value, rules, own.get(name), odd)
    listed = {rule.code for stage in stages.values() for rule in stage.rules}
    for code in sorted(rules.keys() - listed):
        remedy = f"add it to metadata.stages.{code.partition('.')[0]}.rules"
        what = f"the rule {code!r} is in no stage of the manifest"
        tell("manifest", PolicyError(what, path=MANIFEST, remedy=remedy))
    common = Common(bundle.data, tell)
    _check_parameters(bundle, tell)
    with reporting("manifest", tell):
        stages = _ordered(stages)
    return Plan(
        stages=stages,
        due_days=common.due_days(),
        waiver_roles=common.waiver_roles(),
        waiver_warning_days=common.waiver_warning_days(),
        actions=common.actions(stages),
        on_unknown=common.on_unknown(listed),
        never_waived=common.never_waived(listed),
        profiles=read_profiles(bundle.metadata, stages.values()),
    )


def _wrong(what: str, advice: str = "") -> PolicyError:
    return PolicyError(what, path=MANIFEST, remedy=f"{advice}see `gate docs policy-bundles`")


def _rules(bundle: Bundle, report: Reporter) -> tuple[dict[str, Rule], set[str]]:
    """Every rule that reports violations, by code, and the codes of those whose METADATA is wrong."""
    odd: set[str] = set()
    annotated = {(a.package, a.rule): a for a in bundle.annotations if a.rule is not None}
    rules: dict[str, Rule] = {}
    for head in bundle.heads:
        prefix, _, short = head.name.partition("_")
        if prefix not in _REPORTING or head.kind != "contains":
            continue
        code = f"{head.package.rpartition('.')[2]}.{short}"
        try:
            annotation = annotated.get((head.package, head.name))
            if annotation is None:
                needed = "title, description, custom.short_name, severity, solution, owner, facts"
                what, place = f"the rule {head.name!r} has no METADATA", f"line {head.line}"
                raise PolicyError(what, path=head.path, place=place, remedy=f"describe it: {needed}")
            rule = _rule(annotation, prefix, short)
            if rules.setdefault(rule.code, rule) != rule:
                raise _bad_metadata(annotation, f"the code {rule.code!r} is used by two rules")
        except PolicyError as error:
            odd.add(code)
            report("metadata", error)
    return rules, odd


def _bad_metadata(annotation: Annotation, what: str, advice: str = "") -> PolicyError:
    remedy = f"correct the METADATA block{advice}"
    return PolicyError(what, path=annotation.path, place=f"line {annotation.line}", remedy=remedy)


def _rule(annotation: Annotation, prefix: str, short: str) -> Rule:
    custom = annotation.values.get("custom")
    if not isinstance(custom, dict):
        raise _bad_metadata(annotation, "the METADATA has no 'custom' mapping")

    def string(name: str, source: dict[str, Any] = custom) -> str:
        value = source.get(name)
        if not isinstance(value, str) or not value.strip():
            raise _bad_metadata(annotation, f"the METADATA needs {name!r} as a string")
        return value.strip()

    def strings(name: str) -> tuple[str, ...]:
        value = custom.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _bad_metadata(annotation, f"the METADATA needs {name!r} as a list of strings")
        return tuple(value)

    if string("short_name") != short:
        raise _bad_metadata(annotation, f"custom.short_name must be {short!r}, as in the rule's name")
    severity = custom.get("severity")
    if severity not in list(Severity):
        raise _bad_metadata(annotation, f"custom.severity must be one of {', '.join(Severity)}")
    stage = annotation.package.rpartition(".")[2]
    facts = strings("facts")  # empty for a rule about the subject alone
    controls = strings("controls")
    if not controls:
        raise _bad_metadata(annotation, "the METADATA needs at least one of 'controls'")
    optional = strings("optional_facts") if "optional_facts" in custom else ()
    for fact in (*facts, *optional):
        if not contract_has(fact):
            what = f"the fact {fact!r} is in no collector's contract"
            raise _bad_metadata(annotation, what, _install(source_of(fact)))
    collections = custom.get("collections", [])
    if collections != [] and not is_names(collections):
        raise _bad_metadata(annotation, "the METADATA needs 'collections' as a list of names")
    return Rule(
        code=f"{stage}.{short}",
        stage=stage,
        short_name=short,
        kind=prefix,
        title=string("title", annotation.values),
        description=string("description", annotation.values),
        severity=Severity(severity),
        solution=string("solution"),
        owner=string("owner"),
        controls=controls,
        facts=facts,
        optional_facts=optional,
        effective_on_s=_effective_on(annotation, custom.get("effective_on")),
        collections=tuple(collections),
        risk=string("risk") if "risk" in custom else None,
    )


def _effective_on(annotation: Annotation, value: Any) -> int | None:
    """Epoch seconds of an RFC 3339 time, or of the beginning of a day in UTC; None where there is none."""
    if value is None:
        return None
    text = f"{value}T00:00:00Z" if isinstance(value, str) and _DAY.fullmatch(value) else value
    try:
        return parse_rfc3339(text)
    except (TypeError, ValueError) as error:
        what = f"custom.effective_on is no RFC 3339 time or day: {str(value)[:40]!r}"
        advice = "; write it like 2026-01-01 or 2026-01-01T00:00:00Z"
        raise _bad_metadata(annotation, what, advice) from error


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _install(collector: str) -> str:
    """The end of a remedy: which plug-in to install where the collector is unknown; else empty."""
    if has_contract(collector) or not _COLLECTOR_ID.fullmatch(collector):
        return ""
    return f", or install the plug-in that brings the collector {collector!r}"


def _code_lines(bundle: Bundle, mark: str) -> Iterator[tuple[str, int, str]]:
    """Path, line number and text without comment of every line of the modules that has the mark in it."""
    for path, source in sorted(bundle.modules.items()):
        for number, line in enumerate(source.splitlines(), 1):
            if mark in line:
                yield path, number, line.partition("#")[0]


def _check_facts(bundle: Bundle, report: Reporter) -> None:
    """Refuse facts that no contract has, and those that a check uses without declaring them in METADATA.

    A fact that is not declared could be unmeasured without the rule counting as missing evidence; where that
    is meant, the METADATA lists it under ``optional_facts``.
    """
    declared = {
        (annotation.package, rule.partition("_")[2]): _mapping(annotation.values.get("custom"))
        for annotation in bundle.annotations
        if (rule := annotation.rule or "").partition("_")[0] in _REPORTING
    }
    heads = sorted(bundle.heads, key=lambda head: head.line, reverse=True)
    for path, number, line in _code_lines(bundle, "input.facts."):
        for fact in _FACT.findall(line):
            what = None
            if not contract_has(fact):
                what = f"the fact {fact!r} is in no collector's contract"
                remedy = f"correct its name{_install(source_of(fact))}"
            else:
                head = next((h for h in heads if h.path == path and h.line <= number), None)
                if head is None or not head.name.startswith("check_"):
                    continue
                custom = declared.get((head.package, head.name.removeprefix("check_")), {})
                lists = (custom.get("facts"), custom.get("optional_facts"))
                known = [item for items in lists if isinstance(items, list) for item in items]
                if not any(f"{fact}.".startswith(f"{k}.") or f"{k}.".startswith(f"{fact}.") for k in known):
                    what = f"{head.name!r} uses the fact {fact!r}, which its rule does not declare"
                    remedy = "add it to custom.facts, or to custom.optional_facts where it may be unmeasured"
            if what is not None:
                remedy += "; `gate docs collectors` lists the pages about facts"
                report("fact", PolicyError(what, path=path, place=f"line {number}", remedy=remedy))


def _check_parameters(bundle: Bundle, report: Reporter) -> None:
    """Refuse parameters that do not exist: a check that uses one would be undefined."""
    groups: dict[str, dict[str, Any]] = bundle.data["gate"]["params"]
    for path, number, line in _code_lines(bundle, "data.gate.params."):
        for group, name in _PARAMETER.findall(line):
            if group not in groups:
                what, meant = f"there is no parameter group {group!r}", nearest(group, groups)
            elif name and name not in _mapping(groups[group]):
                meant = nearest(name, _mapping(groups[group]))
                what = f"there is no parameter '{group}.{name}'"
            else:
                continue
            advice = f"add it to gate/params/{group}/data.yaml, or correct its name"
            remedy = f"did you mean {meant!r}? Otherwise {advice}" if meant else advice
            report("parameter", PolicyError(what, path=path, place=f"line {number}", remedy=remedy))


def _stage(
    name: str, value: Any, rules: dict[str, Rule], depends_on: tuple[str, ...] | None, odd: Collection[str]
) -> Stage:
    if not isinstance(value, dict) or not _STAGE_ID.fullmatch(name):
        raise _wrong(f"the stage {name[:80]!r} must be a lower-case name with a mapping")

    def strings(field: str) -> tuple[str, ...]:
        items = value.get(field)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise _wrong(f"the stage {name!r} needs {field!r} as a list of strings")
        return tuple(items)

    codes = strings("rules")
    if not codes:
        raise _wrong(f"the stage {name!r} has no rules, so it would pass without judging anything")
    if len(set(codes)) != len(codes):
        raise _wrong(f"the stage {name!r} lists a rule twice")
    for code in codes:
        if code in odd:
            continue
        if code not in rules:
            raise _wrong(f"the rule {code!r} of the manifest is in no module")
        if rules[code].stage != name:
            raise _wrong(f"the rule {code!r} belongs to another stage than {name!r}")
    headline = value.get("headline", {})
    if not isinstance(headline, dict):
        raise _wrong(f"the stage {name!r} needs 'headline' as a mapping")
    for figure, fact in headline.items():
        if not contract_has(str(fact)):
            what = f"the headline {figure!r} of {name!r} names the unknown fact {fact!r}"
            raise _wrong(what, _advice(source_of(str(fact))))
    exhibits = value.get("exhibits", {})
    if not isinstance(exhibits, dict) or not all(isinstance(one, list) and one for one in exhibits.values()):
        raise _wrong(f"the stage {name!r} needs 'exhibits' as a mapping from facts to lists of columns")
    for fact, columns in exhibits.items():
        for column in columns:
            if not contract_has(fact, str(column)):
                what = f"the exhibit {fact!r} of {name!r} has no column {column!r} in its contract"
                raise _wrong(what, _advice(source_of(fact)))
    for collector in strings("evidence"):
        if not has_contract(collector):
            raise _wrong(f"the stage {name!r} names the unknown collector {collector!r}", _advice(collector))
    title, question = value.get("title"), value.get("question")
    if not isinstance(title, str) or not isinstance(question, str):
        raise _wrong(f"the stage {name!r} needs a title and a question")
    return Stage(
        id=name,
        title=title,
        question=question,
        depends_on=strings("depends_on") if depends_on is None else depends_on,
        evidence=strings("evidence"),
        rules=tuple(rules[code] for code in codes if code not in odd),
        headline=tuple((str(k), str(v)) for k, v in headline.items()),
        package=f"gate.{name}",
        exhibits=tuple((fact, tuple(columns)) for fact, columns in exhibits.items()),
    )


def _advice(collector: str) -> str:
    advice = _install(collector)
    return f"correct it{advice}; " if advice else ""


def _ordered(stages: dict[str, Stage]) -> dict[str, Stage]:
    ordered: dict[str, Stage] = {}
    visiting: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in visiting:
            raise _wrong("the stages depend on each other in a circle: " + " → ".join([*visiting, name]))
        if name not in stages:
            raise _wrong(f"the stage {visiting[-1]!r} depends on {name!r}, which does not exist")
        visiting.append(name)
        for dependency in stages[name].depends_on:
            visit(dependency)
        visiting.pop()
        ordered[name] = stages[name]

    for name in stages:
        visit(name)
    return ordered
