"""Writes what authors of policies begin with: a copy of a shipped bundle, new rules with tests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from ...evidence.base.atomic import write_file
from ...evidence.base.errors import PolicyError, UsageError, suggestion
from ...evidence.collecting.facts import contract_has
from ..decide.plan import make_plan
from ..decision.document import Severity
from ..policy.bundle import MANIFEST, load_bundle
from ..policy.interface import Bundle
from ..terminal.templates import environment
from .schemas import input_schema

_SHORT = re.compile(r"[a-z][a-z0-9_]{0,62}")
_COPIED = (".rego", ".yaml", ".json", ".md")


def copy_shipped(target: Path, source: Path, name: str | None = None) -> int:
    """Copy a shipped bundle with its tests into a new directory: how many files.

    Args:
        source: the shipped bundle.
        name: what the copy calls itself; its revision is then 0.1.0. Without, it is still the shipped one.

    Raises UsageError: the directory exists and is not empty, or its parent does not.
    """
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        what = "there is something already, and it is never replaced"
        raise UsageError(what, path=str(target), remedy="name a new directory")
    if not target.parent.is_dir():
        remedy = "make it, or name another one"
        raise UsageError("there is no such directory", path=str(target.parent), remedy=remedy)
    files = {path.relative_to(source): path for path in source.rglob("*") if path.is_file()}
    files[Path("README.md")] = source.parent / "README.md"  # of all shipped bundles
    count = 0
    for place, path in sorted(files.items()):
        if not (path.suffix in _COPIED or place.name == MANIFEST) or "__pycache__" in place.parts:
            continue
        data = path.read_bytes()
        if place.name == MANIFEST and name is not None:
            manifest = json.loads(data)
            manifest["revision"], manifest["metadata"]["name"] = "0.1.0", name
            data = _manifest(manifest)
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        write_file(target / place, data, durable=False)
        count += 1
    return count


class NewRule(Struct, frozen=True):
    """What was written for a new rule: files and, where they were added to, other files."""

    code: str
    wrote: tuple[str, ...]
    added_to: tuple[str, ...]


def new_rule(directory: Path, code: str, fact: str, severity: Severity) -> NewRule:
    """Add a rule that compares one fact with one new parameter, and a test of it.

    The rule, its test and what they need are valid at once; texts and the value say TODO.

    Raises UsageError: the code is none, of no stage, or taken; the fact is unknown, or of a kind for which
    there is no scaffold; PolicyError: the bundle cannot be loaded.
    """
    bundle = load_bundle(directory)
    plan = make_plan(bundle)
    stage, _, short = code.partition(".")
    if not _SHORT.fullmatch(short):
        remedy = "write STAGE.NAME, such as stage1.docs_present"
        raise UsageError(f"{code[:80]!r} is no rule code", remedy=remedy)
    if stage not in plan.stages:
        advice = suggestion(stage, plan.stages)
        remedy = f"{advice}; a new stage is described in .manifest"
        raise UsageError(f"the bundle has no stage {stage!r}", remedy=remedy)
    if any(rule.code == code for rule in plan.stages[stage].rules):
        raise UsageError(f"there is a rule {code} already", remedy="choose another name")
    if not contract_has(fact):
        remedy = "`gate docs collectors` lists the pages about facts"
        raise UsageError(f"the fact {fact[:80]!r} is in no collector's contract", remedy=remedy)
    kind = _kind(input_schema(plan, None)["properties"]["facts"], fact)
    if kind not in _OPERANDS:
        remedy = "name a fact that is a number or a boolean, then edit what is written"
        raise UsageError(f"there is no scaffold for the fact {fact}, which is {kind}", remedy=remedy)
    helper, parameter, value, off = _OPERANDS[kind]
    names = {
        "stage": stage,
        "short": short,
        "fact": fact,
        "severity": str(severity),
        "helper": helper,
        "argument": f",\n\tdata.gate.params.{stage}.{short}_{parameter}" if parameter else "",
    }
    facts = [json.loads(_nested(fact) % text) for text in (value, off, "null")]
    names["good"], names["bad"], names["null"] = (json.dumps({"facts": one}) for one in facts)
    scaffolds = environment(Path(__file__).resolve().parent)
    files = {
        f"gate/{stage}/{stage}_{short}{end}.rego": scaffolds.get_template(f"rule{end}.rego.j2").render(names)
        for end in ("", "_test")
    }
    for path in files:
        if (directory / path).exists():
            remedy = "choose another name for the rule"
            raise UsageError("there is such a file already", path=path, remedy=remedy)
    changed = _changed(directory, bundle, code, f"{short}_{parameter}" if parameter else None)
    for path, data in {**{path: text.encode() for path, text in files.items()}, **changed}.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        write_file(directory / path, data)
    return NewRule(code, tuple(files), tuple(changed))


_OPERANDS = {"integer": ("at_least", "min", "1", "0"), "boolean": ("is_true", "", "true", "false")}
"""Type of a fact → helper, parameter, and values for which the operand holds and does not."""


def _changed(directory: Path, bundle: Bundle, code: str, parameter: str | None) -> dict[str, bytes]:
    """The manifest and parameters with the rule in them."""
    stage = code.partition(".")[0]
    manifest = json.loads(bundle.files[MANIFEST])
    manifest["metadata"]["stages"][stage]["rules"].append(code)
    changed = {MANIFEST: _manifest(manifest)}
    if parameter is None:
        return changed
    path = f"gate/params/{stage}/data.yaml"
    if parameter in bundle.data["gate"]["params"].get(stage, {}):
        remedy = "choose another name for the rule"
        raise UsageError(f"there is a parameter {parameter} already", path=path, remedy=remedy)
    if path not in bundle.files and (directory / path).parent.exists():
        raise PolicyError("the parameters are not in data.yaml", path=path, remedy="add the rule by hand")
    before = bundle.files.get(path, b"").rstrip(b"\n")
    text = f'{parameter}:\n  value: 1\n  unit: "TODO"\n  rationale: "TODO: why this value."\n'
    changed[path] = (before + b"\n\n" if before else b"") + text.encode()
    return changed


def _manifest(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _kind(schema: dict[str, Any], fact: str) -> str:
    """The type of a fact, apart from null."""
    for part in fact.split("."):
        inner = schema.get("properties", {}).get(part) or schema.get("additionalProperties")
        options = inner.get("anyOf", [inner]) if isinstance(inner, dict) else [{}]
        schema = next((one for one in options if one.get("type") != "null"), {})
    kinds = schema.get("type", "of several types")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return next((str(kind) for kind in kinds if kind != "null"), "null")


def _nested(fact: str) -> str:
    """JSON text of an object with the fact, whose value is ``%s``."""
    parts = fact.split(".")
    return "".join(f'{{"{part}": ' for part in parts) + "%s" + "}" * len(parts)
