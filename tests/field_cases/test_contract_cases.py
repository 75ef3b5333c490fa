"""Small inputs as they were met in the field: seeds, contracts, messages, signers, the interface map."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import Evidence
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace
from gate.evidence.signing.allowed_signers import AllowedSigners

CASES = Path(__file__).parent
Look = Callable[..., Evidence]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """``look(case, collector, **options)``: what the collector sees in a copy of the case."""

    def run(case: str, collector: str, **options: Any) -> Evidence:
        root = tmp_path / case
        if not root.exists():
            shutil.copytree(CASES / case, root)
        kind = load(collector)
        return observe(Workspace(root), kind(validate(kind.Options, options)))

    return run


def test_seeds_that_stand_in_groups_are_missing_and_the_run_decides(look: Look, gate: Any) -> None:
    """The seeds looked for are absent: the rule fails as missing evidence and names the setting; exit 1."""
    evidence = look("seeds-grouped", "fixtures")
    assert set(evidence.facts["seeds"].values()) == {None}
    assert {problem.kind for problem in evidence.problems} == {"missing"}
    done = gate(
        "evaluate", "stage1", "-w", CASES / "seeds-grouped", "--no-cache", "--no-record", "-o", "json"
    )
    assert done.code == 1, done.err
    assert "evidence.fixtures.seed_keys.global" in done.out


def test_grouped_seeds_are_read_where_the_settings_say(look: Look) -> None:
    seeds = look("seeds-grouped", "fixtures", seed_keys={"global": "global_seed", "chaos": "seeds.chaos"})
    assert (seeds.facts["seeds"]["global"], seeds.facts["seeds"]["chaos"]) == (7, 4000)


def test_contracts_that_accept_anything_are_named_and_a_library_is_not(look: Look) -> None:
    evidence = look("contract-accepts-any-object", "contracts")
    problems = {
        file["id"]: [problem["text"] for problem in file["problems"]] for file in evidence.facts["files"]
    }
    assert problems["parts"] == problems["trade"] == []
    assert problems["any"] == problems["fills"] == ["accepts everything: it limits no field"]
    assert problems["misspelt"] == [
        "accepts everything: it limits no field",
        "the keyword 'propertys' does not exist; 'properties' does",
        "the keyword 'require' does not exist; 'required' does",
    ]


D7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "object", "properties": {"a": {}, "b": True}}, "accepts everything"),
        ({"type": "object", "additionalProperties": True, "minProperties": 0}, "accepts everything"),
        ({"type": "object", "properties": {"a": {"description": "a price"}}}, "accepts everything"),
        ({"anyOf": [{"type": "object"}, {"properties": {"a": {"type": "string"}}}]}, "accepts everything"),
        ({"allOf": [{"$ref": "#"}]}, "accepts everything"),
        ({"$ref": "#/definitions/All", "definitions": {"All": {"type": "object"}}}, "accepts everything"),
        ({"type": "object", "minLength": 3, "pattern": "x"}, "accepts everything"),
        ({"type": "array", "items": {"type": "object"}}, "accepts everything"),
        ({"type": "object", "required": [], "patternProperties": {"^a": {}}}, "accepts everything"),
        ({"properties": {"a": {"type": "string"}}}, "states no `type`"),
        ({"type": "object", "requried": ["a"], "properties": {"a": {"type": "string"}}}, "'required' does"),
        ({"type": "object", "properties": {"a": {"enmu": [1], "type": "string"}}}, "'enum' does"),
        ({"type": "object", "properties": {"a": {"type": "string", "min_length": 1}}}, "'minLength' does"),
        ({"definitions": {"A": {"type": "string"}}}, "no contract refers to them"),
    ],
)
def test_other_schemas_that_say_nothing_are_named(watch_contract: Any, schema: Any, said: str) -> None:
    assert any(said in text for text in watch_contract({"$schema": D7, **schema}))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "patternProperties": {"^a": {"type": "string"}}},
        {"type": "object", "additionalProperties": {"type": "number"}, "x-owner": "desk", "version": "1.0"},
        {"type": "object", "properties": {"propertys": {"type": "string"}, "requried": {"type": "null"}}},
        {"enum": ["A", "B"]},
        {"type": "array", "items": {"type": "string"}},
        {"type": "array", "maxItems": 3},
        {"oneOf": [{"type": "string"}, {"type": "object", "required": ["a"]}]},
        {"$ref": "#/definitions/All", "definitions": {"All": {"type": "object", "required": ["a"]}}},
    ],
)
def test_schemas_that_say_something_are_good(watch_contract: Any, schema: Any) -> None:
    assert watch_contract({"$schema": D7, **schema}) == []


@pytest.fixture
def watch_contract(tmp_path: Path) -> Callable[[Any], list[str]]:
    def run(schema: Any) -> list[str]:
        (tmp_path / "contracts").mkdir()
        (tmp_path / "contracts" / "a.json").write_text(json.dumps(schema))
        kind = load("contracts")
        (file,) = observe(Workspace(tmp_path), kind(validate(kind.Options, {}))).facts["files"]
        return [problem["text"] for problem in file["problems"]]

    return run


def test_references_lead_through_several_files_of_draft_7(look: Look) -> None:
    case = "contracts-ref-chain-draft7-defs"
    evidence = look(case, "contracts", paths=["contracts/**/*.json"])
    assert [file["problems"] for file in evidence.facts["files"]] == [[], [], [], []]
    sets = {"a": {"paths": ["messages/*.jsonl"], "contract": "contracts/reports/report.json"}}
    found = look(case, "messages", sets=sets).facts["sets"]["a"]
    assert (found["valid"], found["invalid"]) == (1, 1)
    assert found["offenders"][0]["pointer"].startswith("/top/why")


def test_nanoseconds_are_exact(look: Look) -> None:
    assert look("nanosecond-times", "contracts").facts["valid"] == 2
    sets = look("nanosecond-times", "messages").facts["sets"]
    assert (sets["order_intents"]["valid"], sets["order_intents"]["invalid"]) == (1, 0)
    limits = {"a": {"paths": ["messages/*.jsonl"], "contract": "contracts/limits.schema.json"}}
    assert look("nanosecond-times", "messages", sets=limits).facts["sets"]["a"]["invalid"] == 1
    read = {"at": {"file": "contracts/limits.schema.json", "pointer": "/properties/at/maximum"}}
    assert look("nanosecond-times", "values", read=read).facts["at"]["text"] == "9223372036854775807"


def test_the_order_types_that_a_contract_permits_are_reported(look: Look) -> None:
    assert look("order-types-passed-through", "contracts").facts["order_types"] == [
        {
            "path": "contracts/order_intent.schema.json",
            "pointer": "/properties/orderType",
            "values": ["LIMIT", "MKT", "STOP"],
        }
    ]


def test_the_interface_map_states_fifty_messages_a_second(look: Look) -> None:
    facts = look("interface-map-50-per-sec", "interface_map").facts
    assert facts["pacing"] == {
        "messages_per_second": 50,
        "market_data_subscriptions": 100,
        "historical_requests": 60,
    }
    assert facts["sections"]["endpoint_mapping"] == "filled"
    latencies = {row["id"]: row["latency_sla_us"] for row in facts["operations"]}
    assert latencies == {"disconnect": None, "place_order": 150_000}, "the mapping has no others"


def test_a_signer_with_a_newer_type_of_key_is_skipped(look: Look) -> None:
    signoffs = look("signers-newer-key-type", "signoffs")
    assert not [problem for problem in signoffs.problems if problem.kind != "missing"]
    path = CASES / "signers-newer-key-type" / "trust" / "allowed_signers"
    signers = AllowedSigners.parse(path.read_text(), "trust/allowed_signers")
    assert [one.principals for one in signers.signers] == [("ada@example.com",)]
    assert [line for line, _ in signers.skipped] == [2]
