"""A policy bundle as Gemara documents: its rules as a control catalog, their weight as a policy.

The catalog says what must hold: a group for each stage, a control with one assessment requirement for each
rule. The policy says how that is judged: severity, thresholds with their reasons, who is responsible, and
what follows. Both are made of the bundle's METADATA and parameters alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .... import __version__
from ....evidence.base.numbers import counted
from ...decide.model import Plan, Rule, Stage
from ...decision.document import Severity
from ...policy.interface import Bundle
from ...terminal.figures import label
from ...workbench.catalog import Listed, Threshold, list_rules
from .documents import DEPENDENCY, SUBJECT, metadata, own_id, requirement_id, software


def catalog(bundle: Bundle, plan: Plan) -> dict[str, Any]:
    """The rules of the bundle as a Gemara ``ControlCatalog``."""
    stages = plan.stages.values()
    frameworks = dict.fromkeys(name for stage in stages for rule in stage.rules for name in _mapped(rule))
    references = [{"id": name, "title": name, "version": "not stated"} for name in frameworks]
    head = metadata(
        "ControlCatalog",
        bundle.name,
        f"The rules of the policy bundle {bundle.name}, sha256:{bundle.digest}",
        __version__,
        version=bundle.version,
        mapping_references=references or None,
        applicability_groups=[
            _group(stage, f"Whenever {stage.id} is judged, or a stage that depends on it") for stage in stages
        ],
    )
    return {
        "title": f"Controls of {bundle.name}",
        "metadata": head,
        "groups": [_group(stage, stage.question) for stage in stages],
        "controls": [control for stage in stages for control in _controls(stage)],
    }


def policy(bundle: Bundle, plan: Plan) -> dict[str, Any]:
    """How the bundle judges its controls, as a Gemara ``Policy``."""
    listed = list(list_rules(bundle, plan))
    rules = [one.rule for one in listed]
    owners = dict.fromkeys(rule.owner for rule in rules)
    return {
        "title": f"Policy of {bundle.name}",
        "metadata": metadata(
            "Policy",
            f"{bundle.name}.policy",
            f"How the policy bundle {bundle.name} judges, sha256:{bundle.digest}",
            __version__,
            version=bundle.version,
            mapping_references=[
                {"id": bundle.name, "title": f"Controls of {bundle.name}", "version": bundle.version}
            ],
        ),
        "contacts": {
            "responsible": [{"name": owner} for owner in owners],
            "accountable": [{"name": role} for role in plan.waiver_roles or owners],
        },
        "scope": {"in": {"groups": list(plan.stages)}},
        "imports": {
            "catalogs": [
                {
                    "reference-id": bundle.name,
                    "constraints": [_constraint(rule, plan) for rule in rules],
                }
            ]
        },
        "adherence": {
            "assessment-plans": [_assessment_plan(one) for one in listed],
            "enforcement-methods": [
                {
                    "id": "gate",
                    "type": "Gate",
                    "mode": "Automated",
                    "required": True,
                    "description": "The verdict: FAIL (exit code 1), CONDITIONAL (3) or PASS (0)",
                    "executor": software(__version__),
                }
            ],
            "non-compliance": " ".join(_consequences(plan)),
        },
    }


def _group(stage: Stage, description: str) -> dict[str, str]:
    return {"id": stage.id, "title": stage.title, "description": description}


def _controls(stage: Stage) -> Iterator[dict[str, Any]]:
    objective = "No source file is rejected or unreadable."
    yield _control(stage, own_id(stage.id, "subject"), SUBJECT, objective, {"1": SUBJECT})
    if stage.depends_on:
        passed = {other: f"{other} passed" for other in stage.depends_on}
        objective = "A stage passes only once those that it depends on have passed."
        yield _control(stage, own_id(stage.id, "dependency"), DEPENDENCY, objective, passed)
    for rule in stage.rules:
        control = _control(stage, rule.code, rule.title, rule.description, {"1": rule.title})
        control["assessment-requirements"][0]["recommendation"] = rule.solution
        guidelines = [
            {"reference-id": name, "entries": [{"reference-id": entry} for entry in entries]}
            for name, entries in _mapped(rule).items()
        ]
        yield {**control, "guidelines": guidelines}


def _control(
    stage: Stage, id_: str, title: str, objective: str, requirements: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": id_,
        "title": title,
        "objective": objective,
        "group": stage.id,
        "assessment-requirements": [
            {"id": requirement_id(id_, part), "text": text, "applicability": [stage.id], "state": "Active"}
            for part, text in requirements.items()
        ],
        "state": "Active",
    }


def _mapped(rule: Rule) -> dict[str, list[str]]:
    """The controls that the METADATA names, by framework: ``SOX:404`` is 404 of SOX."""
    found: dict[str, list[str]] = {}
    for control in dict.fromkeys(rule.controls):
        framework, _, entry = control.partition(":")
        found.setdefault(framework or control, []).append(entry or control)
    return found


def _constraint(rule: Rule, plan: Plan) -> dict[str, str]:
    text = f"{rule.severity}: while it does not hold, and no waiver permits that, the verdict is "
    text += "FAIL." if rule.severity.blocks else "CONDITIONAL."
    if not rule.severity.blocks and rule.severity in plan.due_days:
        text += f" It is due within {counted(plan.due_days[rule.severity], 'day')}."
    if rule.code in plan.never_waived:
        text += " No waiver can be for it."
    if rule.code in plan.on_unknown:
        text += f" Where it cannot be told: {plan.on_unknown[rule.code]}."
    return {"id": f"{rule.code}.severity", "target-id": rule.code, "text": text}


def _assessment_plan(listed: Listed) -> dict[str, Any]:
    rule = listed.rule
    plan: dict[str, Any] = {
        "id": f"{rule.code}.plan",
        "requirement-id": requirement_id(rule.code),
        "frequency": f"whenever {rule.stage} is judged, or a stage that depends on it",
        "evaluation-methods": [
            {
                "id": f"{rule.code}.rego",
                "type": "Intent",
                "mode": "Automated",
                "required": True,
                "description": f"Rego: data.gate.{rule.stage}.{rule.kind}_{rule.short_name}",
            }
        ],
    }
    if rule.facts:
        plan["evidence-requirements"] = f"Facts: {', '.join(rule.facts)}"
    if listed.thresholds:
        plan["parameters"] = [_parameter(one) for one in listed.thresholds]
    return plan


def _consequences(plan: Plan) -> Iterator[str]:
    blocking = " or ".join(severity for severity in Severity if severity.blocks)
    yield f"A {blocking} rule that does not hold makes the verdict FAIL, and so does missing evidence."
    yield "Any other open or waived violation makes it CONDITIONAL."
    for stage, actions in plan.actions.items():
        yield f"After {stage}: {', '.join(f'{verdict}: {action}' for verdict, action in actions.items())}."


def _parameter(one: Threshold) -> dict[str, Any]:
    words, value = label(one.name.partition(".")[2]), one.value
    parameter = {"id": one.name, "label": f"{words} ({one.unit})", "description": one.rationale}
    if isinstance(value, dict):
        accepted = [f"{key}={_text(item)}" for key, item in value.items()]
    else:
        accepted = [_text(item) for item in (value if isinstance(value, list) else [value])]
    return {**parameter, "accepted-values": accepted} if accepted else parameter


def _text(value: Any) -> str:
    """The exact value, in the parameter's unit."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


FORMATS = {"gemara-catalog": catalog, "gemara-policy": policy}
"""Format of ``gate policy export`` → what makes the document of a bundle and its plan."""
