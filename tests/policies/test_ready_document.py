"""The document of the policies' unit tests looks like what collectors really give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import regorus

from gate.engine.decide.plan import make_plan
from gate.engine.policy.bundle import SHIPPED_BUNDLES, load_bundle
from gate.evidence.base.contracts import violations


@pytest.fixture(scope="module", params=SHIPPED_BUNDLES.values(), ids=list(SHIPPED_BUNDLES))
def folder(request: pytest.FixtureRequest) -> Path:
    """Each of the shipped bundles."""
    found: Path = request.param
    return found


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    """``data.gate.ready.doc``, as the tests beside the rules use it."""
    engine = regorus.Engine()
    engine.set_rego_v0(False)
    engine.add_data_json(json.dumps(load_bundle(folder).data))
    path = folder / "gate" / "ready_test.rego"
    engine.add_policy(path.name, Path(path).read_text())
    answer = json.loads(engine.eval_query_as_json("data.gate.ready.doc"))
    found: dict[str, Any] = answer["result"][0]["expressions"][0]["value"]
    return found


def test_its_facts_keep_to_the_contracts(document: dict[str, Any]) -> None:
    """A collector that changes its facts changes this document too, or the rules' tests show nothing."""
    broken = {name: violations("facts", name, facts) for name, facts in document["facts"].items()}
    assert {name: found for name, found in broken.items() if found} == {}


def test_it_has_every_fact_that_a_rule_needs(document: dict[str, Any], folder: Path) -> None:
    """No rule holds in the unit tests for want of a fact: each required one is there, and was measured."""
    plan = make_plan(load_bundle(folder))
    absent = []
    for stage in plan.stages.values():
        for fact in sorted({fact for rule in stage.rules for fact in rule.facts}):
            value: Any = document["facts"]
            for part in fact.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if value is None:
                absent.append(fact)
        assert stage.collectors <= document["facts"].keys()
        assert stage.collectors <= document["facts"]["provenance"].keys()
    assert absent == []
