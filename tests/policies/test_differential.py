"""The embedded engine and OPA say the same about facts nobody thought of."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import regorus

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.plan import make_plan
from gate.engine.decide.recorded import Time, policy_input
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.engines.cross_check import first_difference
from gate.evidence.base.contracts import DERIVED, load_schema, violations

OPERATOR = Path(__file__).resolve().parents[2] / "examples" / "operator.yaml"
DOCUMENTS = max(60, int(os.environ.get("GATE_EXAMPLES", "0")))
EDGES = ["", " ", "é\u05d0", 'a"b\\c', "😀", "%d %s", "MARKET", "DU", "DUSIM", "Rate Limit"]
SHAPES = ["0" * 40, "f" * 64, "SHA256:" + "A" * 43, "2025-12-05T12:00:00Z", "2025-12-05", "stage4", "stocks"]
"""Texts of the shapes that contracts ask for."""


class Generator:
    """Documents that keep to the facts contracts: the ready example with parts replaced at random.

    Numbers are drawn from the bundle's own thresholds and their neighbours, so that rules flip both ways.
    """

    def __init__(self, seed: int, ready: dict[str, Any], params: dict[str, Any]) -> None:
        self.random = random.Random(seed)  # noqa: S311 - reproducible test data
        self.ready = ready
        self.numbers = [0, 1]
        self.texts = list(EDGES)
        for group in params.values():
            for entry in group.values():
                self._learn(entry["value"])

    def _learn(self, value: Any) -> None:
        if isinstance(value, bool):
            return
        if isinstance(value, int):
            now = self.ready["now_s"]
            self.numbers += [value - 1, value, value + 1, now - value, now - value - 1]
        elif isinstance(value, str):
            self.texts.append(value)
        elif isinstance(value, list):
            for item in value:
                self._learn(item)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._learn(key)
                self._learn(item)

    def document(self) -> dict[str, Any]:
        """One more policy input."""
        made = copy.deepcopy(self.ready)
        rate = self.random.choice([0.01, 0.05, 0.3, 1.0])
        for name, facts in made["facts"].items():
            schema = load_schema("facts", name)
            if name in DERIVED:  # of every collector that was asked
                about = schema["additionalProperties"]
                made["facts"][name] = {
                    key: self._mutated(value, about, schema, rate) for key, value in facts.items()
                }
            else:
                made["facts"][name] = self._mutated(facts, schema, schema, rate)
        kind = self.random.choice(["mutated", "any", "all"])
        if kind != "mutated":
            made["facts"]["signoffs"]["signoffs"] = self._signoffs(made["evidence_digest"], kind)
        made["trust"]["anchors"] = self.random.choice([[], ["operator"], ["operator", "trust_ref"]])
        origins = ["operator", "trust_ref", "default", "judged"]
        if self.random.random() < rate:
            names = made["trust"]["settings"]
            made["trust"]["settings"] = {name: self.random.choice(origins) for name in names}
        if self.random.choice([True, False]):
            made["trust"]["alterations"] = [{"name": "gate.yaml", "text": "changed setting name"}]
        made["subject"]["dirty"] = self.random.choice([True, False, None])
        made["subject"]["author"] = self.random.choice([None, *self._principals()])
        made["subject"]["authors"] = self.random.choice([None, self._authors(made)])
        return made

    def _authors(self, made: dict[str, Any]) -> list[dict[str, Any]]:
        """Who wrote it, ever and since the commits that sign-offs name."""
        commits = [one["commit"] for one in made["facts"]["signoffs"]["signoffs"] if one["commit"]]
        wrote = [None, [], self._principals()[:1], self._principals()]
        return [{"since": since, "emails": self.random.choice(wrote)} for since in (None, *commits)]

    def _signoffs(self, stages: Iterable[str], kind: str) -> list[dict[str, Any]]:
        """Genuine sign-offs: one of each stage, whatever it says, or everybody's approvals."""
        genuine = self.ready["facts"]["signoffs"]["signoffs"]
        if kind == "all":
            return [self._bound(item, item["stage"], "approve") for item in genuine]
        verdicts = ["approve", "reject", "conditional"]
        return [
            self._bound(self.random.choice(genuine), stage, self.random.choice(verdicts)) for stage in stages
        ]

    def _bound(self, genuine: dict[str, Any], stage: str, verdict: str) -> dict[str, Any]:
        subject, evidence = self.ready["subject"]["digest"], self.ready["evidence_digest"][stage]
        return {**genuine, "stage": stage, "verdict": verdict, "subject": subject, "evidence": evidence}

    def _principals(self) -> list[str]:
        found = {item["principal"] for item in self.ready["facts"]["signoffs"]["signoffs"]}
        return sorted(name for name in found if name)

    def _mutated(self, value: Any, schema: dict[str, Any], root: dict[str, Any], rate: float) -> Any:
        schema = _resolved(schema, root)
        if self.random.random() < rate:
            return self._made(schema, root)
        if isinstance(value, dict):
            inner = schema.get("properties", {})
            other = schema.get("additionalProperties")
            return {k: self._mutated(v, inner.get(k) or other, root, rate) for k, v in value.items()}
        if isinstance(value, list):
            items = [self._mutated(item, schema["items"], root, rate) for item in value]
            return list(dict.fromkeys(items)) if schema.get("uniqueItems") else items
        return value

    def _made(self, schema: dict[str, Any], root: dict[str, Any]) -> Any:
        schema = _resolved(schema, root)
        choose = self.random.choice
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return choose(schema["enum"])
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        kind = (
            "null"
            if "null" in kinds and self.random.random() < 0.15
            else next(k for k in kinds if k != "null")
        )
        if kind == "object":
            made = {key: self._made(inner, root) for key, inner in schema.get("properties", {}).items()}
            other = schema.get("additionalProperties")
            if isinstance(other, dict):
                names = schema.get("propertyNames", {})
                made.update({self._text(names): self._made(other, root) for _ in range(choose([0, 1, 3]))})
            return made
        if kind == "array":
            count = min(max(choose([0, 1, 2, 5]), schema.get("minItems", 0)), schema.get("maxItems", 5))
            items = [self._made(schema["items"], root) for _ in range(count)]
            return list(dict.fromkeys(items)) if schema.get("uniqueItems") else items
        if kind == "boolean":
            return choose([True, False])
        if kind == "integer":
            value = choose([*self.numbers, self.random.randrange(-(2**53) + 1, 2**53)])
            value = max(value, schema.get("minimum", value))
            return min(value, schema.get("maximum", value))
        return None if kind == "null" else self._text(schema)

    def _text(self, schema: dict[str, Any]) -> str:
        """A text that the schema permits."""
        fits = re.compile(schema.get("pattern", ""))
        lengths = range(schema.get("minLength", 0), schema.get("maxLength", 10**6) + 1)
        known = [*self.texts, *SHAPES] if "pattern" in schema else self.texts
        return self.random.choice([text for text in known if len(text) in lengths and fits.search(text)])


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        resolved: dict[str, Any] = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return resolved
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return next(_resolved(option, root) for option in schema[word] if option.get("type") != "null")
    return schema


@pytest.fixture
def documents(copy_example: Callable[..., Path]) -> list[dict[str, Any]]:
    """Policy inputs around the ready example's."""
    setting = open_context(copy_example("ready"), operator=OPERATOR)
    judged = service.evaluate(setting, "stage8", Time("2025-12-05T12:00:00Z", "operator"))
    document = policy_input(setting.plan, judged.recorded, judged.recorded.setup.time)
    generator = Generator(44, document, setting.bundle.data["gate"]["params"])
    made = [document, *(generator.document() for _ in range(DOCUMENTS))]
    broken = {
        (name, *found)
        for document in made
        for name, facts in document["facts"].items()
        for found in violations("facts", name, facts)
    }
    assert broken == set()
    return made


@pytest.mark.soak
@pytest.mark.property
def test_both_engines_agree_on_generated_facts(
    opa: str, documents: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Identical values of every rule of every stage; every check defined; each verdict consistent with it."""
    bundle = load_bundle(SHIPPED)
    plan = make_plan(bundle)
    packages = [stage.package for stage in plan.stages.values()]

    (tmp_path / "docs.json").write_text(json.dumps({"docs": documents}))
    (tmp_path / "data.json").write_text(json.dumps(bundle.data))
    arguments = [opa, "eval", "--strict-builtin-errors", "--format=json"]
    for path, source in bundle.modules.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source)
        arguments += ["--data", str(target)]
    arguments += ["--data", str(tmp_path / "docs.json"), "--data", str(tmp_path / "data.json")]
    wanted = ", ".join(f'"{package}": data.{package}' for package in packages)
    query = f"[out | some doc in data.docs; out := {{{wanted}}} with input as doc]"
    done = subprocess.run([*arguments, query], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    reference = json.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    assert len(reference) == len(documents)

    engine = regorus.Engine()
    engine.set_rego_v0(False)
    for path, source in bundle.modules.items():
        engine.add_policy(path, source)
    engine.add_data_json(json.dumps(bundle.data))
    seen: dict[str, set[bool]] = {}
    for document, expected in zip(documents, reference, strict=True):
        engine.set_input_json(json.dumps(document))
        for stage in plan.stages.values():
            answer = json.loads(engine.eval_query_as_json(f"data.{stage.package}"))
            value = answer["result"][0]["expressions"][0]["value"]
            assert first_difference(value, expected[stage.package]) is None, stage.package
            for rule in stage.rules:
                check = value[f"check_{rule.short_name}"]
                assert check["holds"] is all(operand["holds"] for operand in check["operands"]), rule.code
                assert check["holds"] is not bool(value.get(f"deny_{rule.short_name}")), rule.code
                seen.setdefault(rule.code, set()).add(check["holds"])
    one_sided = sorted(code for code, values in seen.items() if len(values) == 1)
    assert one_sided == [], "the generated facts never made these rules flip"
