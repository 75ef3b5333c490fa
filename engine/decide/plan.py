"""From a bundle's manifest and annotations to the plan of what must be evaluated.

"No vacuous pass" starts here: the manifest lists every rule that has to be evaluated, each rule's METADATA
lists the facts it needs, and both are held against the modules and against the facts' contracts. A rule
without an entry, an entry without a rule, a misspelled fact or an empty stage is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ...evidence.base.contracts import source_of
from ...evidence.base.errors import PolicyError
from ...evidence.collecting.facts import contract_has, has_contract
from ..decision.document import Severity
from ..policy.interface import Annotation, Bundle
from .model import Plan, Rule, Stage
from .parameters import Common

MANIFEST = ".manifest"
_REPORTING = ("deny", "violation")
_FACT = re.compile(r"\binput\.facts\.([a-z]\w*(?:\.[a-z]\w*)+)")
_PARAMETER = re.compile(r"\bdata\.gate\.params\.([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
_STAGE_ID = re.compile(r"[a-z][a-z0-9_]{0,31}")


def make_plan(bundle: Bundle, depends_on: dict[str, tuple[str, ...]] | None = None) -> Plan:
    """The plan of a bundle.

    Args:
        bundle: a loaded bundle.
        depends_on: the workspace's own dependencies by stage, in place of the manifest's.

    Raises:
        PolicyError: the manifest is incomplete or contradicts the modules, or a parameter is not what
            its unit says.
    """
    described = bundle.metadata.get("stages")
    if not isinstance(described, dict) or not described:
        raise _wrong("the manifest lists no stages")
    rules = _rules(bundle)
    _check_references(bundle)
    own = depends_on or {}
    for stage in own:
        if stage not in described:
            raise _wrong(f"gate.yaml describes the stage {stage!r}, which the bundle does not have")
    stages = {name: _stage(name, value, rules, own.get(name)) for name, value in described.items()}
    listed = {rule.code for stage in stages.values() for rule in stage.rules}
    for code in sorted(rules.keys() - listed):
        raise PolicyError(
            f"the rule {code!r} is in no stage of the manifest",
            path=MANIFEST,
            remedy=f"add it to metadata.stages.{code.partition('.')[0]}.rules",
        )
    common = Common(bundle.data)
    _check_parameters(bundle)
    return Plan(
        stages=_ordered(stages),
        due_days=common.due_days(),
        waiver_roles=common.waiver_roles(),
        waiver_warning_days=common.waiver_warning_days(),
        actions=common.actions(stages),
    )


def _wrong(what: str, advice: str = "") -> PolicyError:
    return PolicyError(what, path=MANIFEST, remedy=f"{advice}see docs/policy-bundles.md")


def _rules(bundle: Bundle) -> dict[str, Rule]:
    annotated = {(a.package, a.rule): a for a in bundle.annotations if a.rule is not None}
    rules: dict[str, Rule] = {}
    for head in bundle.heads:
        prefix, _, short = head.name.partition("_")
        if prefix not in _REPORTING or head.kind != "contains":
            continue
        annotation = annotated.get((head.package, head.name))
        if annotation is None:
            raise PolicyError(
                f"the rule {head.name!r} has no METADATA",
                path=head.path,
                place=f"line {head.line}",
                remedy="describe it: title, description, custom.short_name, severity, solution, owner, facts",
            )
        rule = _rule(annotation, prefix, short)
        if rule.code not in rules:
            rules[rule.code] = rule
        elif rules[rule.code] != rule:
            raise _annotation_error(annotation, f"the code {rule.code!r} is used by two rules")
    return rules


def _annotation_error(annotation: Annotation, what: str, advice: str = "") -> PolicyError:
    return PolicyError(
        what,
        path=annotation.path,
        place=f"line {annotation.line}",
        remedy=f"correct the METADATA block{advice}",
    )


def _text(annotation: Annotation, source: dict[str, Any], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _annotation_error(annotation, f"the METADATA needs {name!r} as text")
    return value.strip()


def _texts(annotation: Annotation, source: dict[str, Any], name: str) -> tuple[str, ...]:
    value = source.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _annotation_error(annotation, f"the METADATA needs {name!r} as a list of texts")
    return tuple(value)


def _rule(annotation: Annotation, prefix: str, short: str) -> Rule:
    custom = annotation.values.get("custom")
    if not isinstance(custom, dict):
        raise _annotation_error(annotation, "the METADATA has no 'custom' mapping")
    if _text(annotation, custom, "short_name") != short:
        raise _annotation_error(annotation, f"custom.short_name must be {short!r}, as in the rule's name")
    severity = custom.get("severity")
    if severity not in list(Severity):
        raise _annotation_error(annotation, f"custom.severity must be one of {', '.join(Severity)}")
    stage = annotation.package.rpartition(".")[2]
    facts = _texts(annotation, custom, "facts")  # empty for a rule about the subject alone
    controls = _texts(annotation, custom, "controls")
    if not controls:
        raise _annotation_error(annotation, "the METADATA needs at least one of 'controls'")
    for fact in facts:
        _check_fact(annotation, fact)
    return Rule(
        code=f"{stage}.{short}",
        stage=stage,
        short_name=short,
        kind=prefix,
        title=_text(annotation, annotation.values, "title"),
        description=_text(annotation, annotation.values, "description"),
        severity=Severity(severity),
        solution=_text(annotation, custom, "solution"),
        owner=_text(annotation, custom, "owner"),
        controls=controls,
        facts=facts,
    )


def _check_fact(annotation: Annotation, fact: str) -> None:
    if not contract_has(fact):
        what = f"the fact {fact!r} is in no collector's contract"
        raise _annotation_error(annotation, what, _install(source_of(fact)))


def _install(collector: str) -> str:
    """The other thing that can be done about an unknown collector, as the end of a remedy."""
    if has_contract(collector) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", collector):
        return ""
    return f", or install the plug-in that brings the collector {collector!r}"


def _check_references(bundle: Bundle) -> None:
    """Every fact a module names exists, and every fact a check names is declared in its rule's METADATA.

    A fact that is not declared could be unmeasured without the rule counting as missing evidence; where that
    is meant, the METADATA lists it under ``optional_facts``.
    """
    declared = {
        (annotation.package, (annotation.rule or "").partition("_")[2]): annotation.values["custom"]
        for annotation in bundle.annotations
        if (annotation.rule or "").partition("_")[0] in _REPORTING
    }
    for path, source in sorted(bundle.modules.items()):
        heads = sorted((h for h in bundle.heads if h.path == path), key=lambda h: h.line, reverse=True)
        for number, line in enumerate(source.splitlines(), 1):
            for fact in _FACT.findall(line.partition("#")[0]):
                if not contract_has(fact):
                    raise _reference_error(
                        path,
                        number,
                        f"the fact {fact!r} is in no collector's contract",
                        f"correct its name{_install(source_of(fact))}",
                    )
                head = next((h for h in heads if h.line <= number), None)
                if head is None or not head.name.startswith("check_"):
                    continue
                custom = declared.get((head.package, head.name.removeprefix("check_")), {})
                known = [*custom.get("facts", []), *custom.get("optional_facts", [])]
                if not any(f"{fact}.".startswith(f"{k}.") or f"{k}.".startswith(f"{fact}.") for k in known):
                    raise _reference_error(
                        path,
                        number,
                        f"{head.name!r} uses the fact {fact!r}, which its rule does not declare",
                        "add it to custom.facts, or to custom.optional_facts where it may be unmeasured",
                    )


def _reference_error(path: str, number: int, what: str, remedy: str) -> PolicyError:
    return PolicyError(
        what, path=path, place=f"line {number}", remedy=f"{remedy}; the contracts are in contracts/facts"
    )


def _check_parameters(bundle: Bundle) -> None:
    """Every parameter that a module names exists: without it, a check would be undefined."""
    groups: dict[str, dict[str, Any]] = bundle.data["gate"]["params"]
    for path, source in sorted(bundle.modules.items()):
        for number, line in enumerate(source.splitlines(), 1):
            for group, name in _PARAMETER.findall(line.partition("#")[0]):
                if group not in groups:
                    what, meant = f"there is no parameter group {group!r}", _nearest(group, groups)
                elif name and name not in groups[group]:
                    what, meant = (
                        f"there is no parameter {group + '.' + name!r}",
                        _nearest(name, groups[group]),
                    )
                else:
                    continue
                raise PolicyError(
                    what,
                    path=path,
                    place=f"line {number}",
                    remedy=f"{meant}add it to gate/params/{group}/data.yaml, or correct its name",
                )


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, list(known), n=1)
    return f"perhaps {found[0]!r} is meant; otherwise " if found else ""


def _stage(name: str, value: Any, rules: dict[str, Rule], depends_on: tuple[str, ...] | None) -> Stage:
    if not isinstance(value, dict) or not _STAGE_ID.fullmatch(name):
        raise _wrong(f"the stage {name!r} must be a lower-case name with a mapping")

    def texts(field: str) -> tuple[str, ...]:
        items = value.get(field)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise _wrong(f"the stage {name!r} needs {field!r} as a list of texts")
        return tuple(items)

    codes = texts("rules")
    if not codes:
        raise _wrong(f"the stage {name!r} has no rules, so it would pass without judging anything")
    if len(set(codes)) != len(codes):
        raise _wrong(f"the stage {name!r} lists a rule twice")
    for code in codes:
        if code not in rules:
            raise _wrong(f"the rule {code!r} of the manifest is in no module")
        if rules[code].stage != name:
            raise _wrong(f"the rule {code!r} belongs to another stage than {name!r}")
    headline = value.get("headline", {})
    if not isinstance(headline, dict):
        raise _wrong(f"the stage {name!r} needs 'headline' as a mapping")
    for figure, fact in headline.items():
        if not contract_has(str(fact)):
            raise _wrong(
                f"the headline {figure!r} of {name!r} names the unknown fact {fact!r}", _advice(str(fact))
            )
    for collector in texts("evidence"):
        if not has_contract(collector):
            raise _wrong(
                f"the stage {name!r} names the unknown collector {collector!r}", _advice(f"{collector}.")
            )
    title, question = value.get("title"), value.get("question")
    if not isinstance(title, str) or not isinstance(question, str):
        raise _wrong(f"the stage {name!r} needs a title and a question")
    return Stage(
        id=name,
        title=title,
        question=question,
        depends_on=texts("depends_on") if depends_on is None else depends_on,
        evidence=texts("evidence"),
        rules=tuple(rules[code] for code in codes),
        headline=tuple((str(k), str(v)) for k, v in headline.items()),
        package=f"gate.{name}",
    )


def _advice(fact: str) -> str:
    advice = _install(source_of(fact))
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
