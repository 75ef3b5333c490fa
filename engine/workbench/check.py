"""Finds everything that is wrong with a bundle, where loading it stops at the first thing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from ...evidence.base.errors import EngineError, EvidenceError, PolicyError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.reading.parse import parse_json
from ...evidence.reading.yaml_reader import parse_yaml
from ..conftest.stages import conftest_plan
from ..decide.model import Plan
from ..decide.plan import examine_plan
from ..policy.annotations import without_comments
from ..policy.bundle import Source, examine_bundle, read_tests
from ..policy.engines.embedded import EmbeddedEngine, located
from ..policy.excerpts import excerpt, quoted
from ..policy.interface import Bundle, reporting
from ..policy.packages.identity import check_name, check_roots, check_version
from .bundles import Tested
from .findings import CHECKS, Checked, Finding
from .opa import installed, laid_out, opa

_OF_ENGINE = {
    "approved_baseline_required", "condition_due_days", "never_waived", "on_unknown", "waiver_approver_roles",
    "waiver_expiry_warning_days",
}  # fmt: skip
"""Common parameters that the engine itself uses, beside ``<stage>_actions``."""
_PARAMETERS = ("gate", "params")
_REFERENCE = re.compile(r'\bdata((?:\.[A-Za-z_]\w*|\["[^"\\\n]*"\])+)')
_STEP = re.compile(r'\.([A-Za-z_]\w*)|\["([^"\\\n]*)"\]')
_PARSE_SECONDS = 10.0
"""The most that parsing one module may take; usual ones take milliseconds."""
_TODO = re.compile(r"\bTODO\b")


def check(source: Source, limits: Limits = DEFAULT) -> Checked:
    """Everything that is wrong with the bundle, by path and line.

    Where modules cannot be read, what depends on all of them is not looked at, and ``left_out`` says so.

    Raises PolicyError: it is no bundle at all: no directory, manifest or module.
    """
    found: list[Finding] = []

    def report(name: str, error: PolicyError) -> None:
        found.append(Finding(name, error))

    bundle = examine_bundle(source, limits, report)
    if not bundle.conftest and not any(one.check == "manifest" for one in found):
        for one in (check_version, check_roots, partial(check_name, vouched=True)):
            with reporting("manifest", report):
                one(bundle)
    tests: dict[str, str] = {}
    if not bundle.conftest:  # their tests may use what only Conftest has
        with reporting("file", report):
            tests = read_tests(source, limits)
    tested = Tested(source, bundle, tests)
    broken = _parse(tested, limits)
    if broken:  # what a module that is no Rego seems to contain says nothing
        found = [one for one in found if one.error.path not in broken]
        found += [Finding("parse", error) for error in broken.values()]
    plan: Plan | None = None
    left_out = {}
    of_whole = ", ".join(list(CHECKS)[list(CHECKS).index("fact") :])
    if bundle.conftest:
        with reporting("manifest", report):
            plan = conftest_plan(bundle, {})
        left_out[of_whole] = (
            "policies for Conftest name no facts and parameters; conftest verify runs their tests"
        )
    elif {one.check for one in found} & {"parse", "file", "manifest", "metadata"}:
        left_out[of_whole] = "they look at the whole bundle; fix what is found first"
    else:
        try:
            plan = examine_plan(bundle, report)
        except PolicyError as error:
            report("threshold" if (error.path or "").endswith("data.yaml") else "manifest", error)
        found += [Finding("unused", error) for error in _unused(bundle, limits)]
        found += [Finding("untested", error) for error in _untested(tested, plan)]
        found += [Finding("unfinished", error) for error in _unfinished(bundle)]
    if not broken:
        strict = _strict(tested, limits)
        if isinstance(strict, str):
            left_out["strict"] = strict
        else:
            found += [Finding("strict", error) for error in strict]
    sources = {**tested.modules, **_texts(bundle)}
    found = [replace(one, error=_pointed(one.error, sources)) for one in found]
    unique = {(one.check, one.error.path, one.error.place, one.error.what): one for one in found}
    ordered = sorted(unique.values(), key=lambda one: (one.error.path or "", one.line or 0, one.column or 0))
    rules = 0 if plan is None else sum(len(stage.rules) for stage in plan.stages.values())
    name = f"{bundle.name} {bundle.version}".strip() or "a bundle without a name"
    return Checked(name, rules, len(tested.modules), tuple(ordered), left_out)


def _parse(tested: Tested, limits: Limits) -> dict[str, PolicyError]:
    """The errors of the modules that do not parse, by path."""
    found = {}
    limits = dataclasses.replace(limits, policy_seconds=min(limits.policy_seconds, _PARSE_SECONDS))
    with EmbeddedEngine(replace(tested.bundle, modules={}, data={}), limits) as engine:
        for path, source in sorted(tested.modules.items()):
            try:
                answers = engine.ask({"parse": {path: source}})["ok"]
            except EngineError:
                what = "it cannot be parsed: the engine crashed, or needs too much time or memory"
                found[path] = PolicyError(what, path=path, remedy="look for very deep nesting")
            else:
                found |= {p: located(text, PolicyError, "it does not parse") for p, text in answers.items()}
    return found


def _strict(tested: Tested, limits: Limits) -> list[PolicyError] | str:
    """What the strict mode of ``opa check`` finds, or why it was not asked."""
    if not installed():
        return "there is no program opa on PATH, outside of this directory; install it for its strict mode"
    with laid_out(tested.files) as root:
        done = opa(["check", "--strict", "--format=json", "."], root, limits, "gate policy check")
    if done.code == 0:
        return []
    try:
        answer = parse_json(done.out or done.err, "opa check", limits)
        items = answer["errors"]
        return [_of_opa(item) for item in items]
    except (EvidenceError, LookupError, TypeError, AttributeError):
        text = (done.err or done.out).decode("utf-8", "replace").strip()
        return [PolicyError(f"opa check: {text[:400]}", remedy="run `opa check --strict` in the bundle")]


def _of_opa(item: Mapping[str, Any]) -> PolicyError:
    where = item.get("location") or {}
    place = f"line {where['row']}, column {where['col']}" if "row" in where else None
    path = str(where.get("file", "")).removeprefix("./") or None
    return PolicyError(f"opa: {item['message']}", path=path, place=place, remedy="correct the module")


def _references(bundle: Bundle) -> set[tuple[str, ...]]:
    """What modules name of ``data``: each reference as far as it is constant."""
    found = set()
    for source in bundle.modules.values():
        for match in _REFERENCE.finditer(without_comments(source)):
            found.add(tuple(dotted or quoted_ for dotted, quoted_ in _STEP.findall(match[1])))
    return found


def _unused(bundle: Bundle, limits: Limits) -> Iterator[PolicyError]:
    """Data that no module names; common parameters that the engine uses count as used."""
    references = _references(bundle)
    stages = bundle.metadata.get("stages")
    used_by_engine = _OF_ENGINE | {
        f"{stage}_actions" for stage in (stages if isinstance(stages, dict) else ())
    }
    for path, place in _values(bundle, limits):
        if path[:3] == ("gate", "params", "common") and path[-1] in used_by_engine:
            continue
        if not any(path[: len(used)] == used[: len(path)] for used in references):
            yield PolicyError(
                f"no module uses data.{'.'.join(path)}",
                path=place,
                place=path[-1],
                remedy="use it in a rule, or remove it",
            )


def _values(bundle: Bundle, limits: Limits) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each value of the data files, by its path in ``data``, with its file."""
    for file in sorted(bundle.files):
        folder, _, name = file.rpartition("/")
        if name not in ("data.yaml", "data.yml", "data.json"):
            continue
        parts = tuple(part for part in folder.split("/") if part)
        parse = parse_json if name == "data.json" else parse_yaml
        for path in _paths(parse(bundle.files[file], file, limits), parts):
            yield path, file


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of parameters, which are two steps below ``gate.params``, and of what else a file has."""
    for key, item in value.items():
        inner = (*path, str(key))
        above = inner[:2] == _PARAMETERS[: len(inner)] and len(inner) < len(_PARAMETERS) + 2
        if above and isinstance(item, dict):
            yield from _paths(item, inner)
        else:
            yield inner


def _untested(tested: Tested, plan: Plan | None) -> Iterator[PolicyError]:
    code = "\n".join(map(without_comments, tested.tests.values()))
    heads = {(head.package.rpartition(".")[2], head.name): head for head in tested.bundle.heads}
    for rule in (rule for stage in plan.stages.values() for rule in stage.rules) if plan else ():
        name = f"{rule.kind}_{rule.short_name}"
        if not re.search(rf"\b(?:check|{rule.kind})_{re.escape(rule.short_name)}\b", code):
            head = heads[rule.stage, name]
            yield PolicyError(
                f"no test names the rule {rule.code}",
                path=head.path,
                place=f"line {head.line}",
                remedy="test when it holds, at its limit, beyond it, and unmeasured (null)",
            )


def _unfinished(bundle: Bundle) -> Iterator[PolicyError]:
    """Texts that a scaffold left to be written."""
    texts = [(path, text) for path, text in _texts(bundle).items() if not path.endswith(".json")]
    for path, text in [*bundle.modules.items(), *texts]:
        for number, line in enumerate(text.split("\n"), 1):
            if (found := _TODO.search(line)) is not None:
                place = f"line {number}, column {found.start() + 1}"
                yield PolicyError("a text still says TODO", path=path, place=place, remedy="write it")


def _texts(bundle: Bundle) -> dict[str, str]:
    """The bundle's files that are no modules, as text."""
    return {
        path: data.decode("utf-8", "replace")
        for path, data in bundle.files.items()
        if path not in bundle.modules
    }


def _pointed(error: PolicyError, sources: Mapping[str, str]) -> PolicyError:
    """The error with an excerpt; where it names a parameter, of the line where that begins."""
    quoted(error, sources)
    name = (error.place or "").split(".")[0]
    if error.excerpt or not (error.path or "").endswith(("data.yaml", "data.yml")) or not name:
        return error
    text = sources.get(error.path or "", "")
    match = re.search(rf"^[\"']?{re.escape(name)}[\"']?\s*:", text, re.MULTILINE)
    if match is None:
        return error
    line = text.count("\n", 0, match.start()) + 1
    pointed = PolicyError(error.what, path=error.path, place=f"line {line}, column 1", remedy=error.remedy)
    pointed.excerpt = excerpt(text, line, 1)
    return pointed
