"""The plan of a bundle written for Conftest: each namespace is a stage with its rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...evidence.base.errors import PolicyError
from ..decide.model import Plan, Rule, Stage
from ..decision.document import Severity
from ..policy.conftest import namespaces
from ..policy.interface import Bundle

FACT = "configs.files"
_STAGE_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED = ("all", "trust")


def conftest_plan(bundle: Bundle, depends_on: Mapping[str, tuple[str, ...]]) -> Plan:
    """The plan: ``deny`` and ``violation`` block, ``warn`` warns. No waiver counts: nobody may approve one.

    Raises PolicyError: a package's name is no stage's, or settings give dependencies.
    """
    stages: dict[str, Stage] = {}
    for package, names in namespaces(bundle.heads).items():
        stage = package.replace(".", "_").lower()
        if not _STAGE_ID.fullmatch(stage) or stage in _RESERVED or stage in stages:
            what = f"the package {package[:80]!r} cannot be a stage of its own"
            head = next(head for head in bundle.heads if head.package == package)
            raise PolicyError(
                what, path=head.path, place=f"line {head.line}", remedy="give the package another name"
            )
        stages[stage] = Stage(
            id=stage,
            title=f"Conftest: {package}",
            question="Do the configuration files keep to the policies?",
            depends_on=(),
            evidence=("configs",),
            rules=tuple(_rule(bundle, package, stage, name) for name in names),
            headline=(("documents", "configs.documents"),),
            package=package,
            conftest=True,
        )
    if depends_on:
        what = "settings give dependencies between stages, which a bundle written for Conftest has not"
        raise PolicyError(what, path="gate.yaml", place="stages", remedy="take `stages` out")
    days = {severity.value: 7 for severity in Severity}
    return Plan(stages=stages, due_days=days, waiver_roles=(), waiver_warning_days=30, actions={})


def _rule(bundle: Bundle, package: str, stage: str, name: str) -> Rule:
    annotated = (a for a in bundle.annotations if (a.package, a.rule) == (package, name))
    values = next((one.values for one in annotated), {})
    title, description = (values.get(key) for key in ("title", "description"))
    kind = name.partition("_")[0]
    return Rule(
        code=f"{stage}.{name}",
        stage=stage,
        short_name=name,
        kind=kind,
        title=title if isinstance(title, str) else f"data.{package}.{name} reports nothing",
        description=description if isinstance(description, str) else "",
        severity=Severity.LOW if kind == "warn" else Severity.HIGH,
        solution="Change the file as the message says.",
        owner="whoever keeps the file",
        controls=(),
        facts=(FACT,),
    )
