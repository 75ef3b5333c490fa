"""A schema file is a contract only if it fits its draft, resolves, says something and fits its examples."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError
from gate.evidence.collectors.shared.schemas import json_schema as schemas
from gate.evidence.collectors.shared.schemas.schema_files import _refuse

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DRAFT7 = "http://json-schema.org/draft-07/schema#"
EXAMPLE = Path(__file__).parents[3] / "examples" / "algo-trade" / "contracts"


def one(watch: Any, schema: Any, **others: Any) -> dict[str, Any]:
    files = {"contracts/a.schema.json": schema} | {f"contracts/{name}": file for name, file in others.items()}
    found = watch("contracts", files).facts["files"]
    return dict(next(file for file in found if file["path"] == "contracts/a.schema.json"))


def test_the_example_contracts_are_valid(watch: Any) -> None:
    files = {f"contracts/{path.name}": path.read_bytes() for path in EXAMPLE.glob("*.json")}
    facts = watch("contracts", files).facts
    assert (facts["total"], facts["invalid"]) == (5, 0)
    intent = next(file for file in facts["files"] if file["id"] == "order_intent")
    assert intent["fields"] >= 20
    assert set(intent["required"]) >= {"intent_id", "symbol", "quantity"}
    assert intent["enums"]["direction"] == ["BUY", "SELL"]


def test_no_files_are_no_contracts(watch: Any) -> None:
    nothing = {"total": 0, "valid": 0, "invalid": 0, "files": [], "order_types": [], "compatibility": None}
    assert watch("contracts", {}).facts == nothing


def test_names_enums_and_examples_are_listed_at_any_depth(watch: Any) -> None:
    found = one(
        watch,
        {
            "$schema": DRAFT7,
            "type": "object",
            "required": ["b", "a"],
            "definitions": {"side": {"$ref": "#/definitions/way"}, "way": {"enum": ["SELL", "BUY", None, 1]}},
            "properties": {
                "a": {"$ref": "#/definitions/side"},
                "b": {"items": [{"properties": {"deep": {"const": 1.50}}}]},
                "שם": {"enum": ["x"]},
                "loop": {"$ref": "#"},
            },
            "allOf": [{"properties": {"a": {"enum": ["HOLD"]}}}],
            "examples": [{"a": "BUY"}, {"a": 3}],
            "default": {"properties": {"not_a_field": {}}},
        },
    )
    assert found["properties"] == ["a", "b", "deep", "loop", "שם"]
    assert found["fields"] == 5
    assert found["required"] == ["a", "b"]
    assert found["enums"] == {
        "a": ["1", "BUY", "HOLD", "SELL", "null"],
        "\\u05e9\\u05dd": ["x"],
        "deep": ["1.5"],
    }
    assert found["examples"] == 2
    assert {problem["pointer"].rpartition("/")[0] for problem in found["problems"]} >= {"/examples/0"}


@pytest.mark.parametrize(
    ("schema", "pointer", "said"),
    [
        ({}, "", "empty schema"),
        (True, "", "empty schema"),
        (False, "", "accepts nothing"),
        ([], "", "is not a schema"),
        ("text", "", "is not a schema"),
        ({"$schema": DRAFT, "title": "only words"}, "", "accepts everything: it limits no field"),
        ({"type": "object"}, "", "declares no draft"),
        ({"$schema": 7, "type": "object"}, "", "declares no draft"),
        ({"$schema": "urn:mine", "type": "object"}, "/$schema", "no known draft"),
        ({"$schema": DRAFT, "type": "objekt"}, "/type", '"objekt" is not valid under any'),
        (
            {"$schema": DRAFT, "properties": {"a/b": 5}},
            "/properties/a~1b",
            '5 is not of types "boolean", "object"',
        ),
        ({"$schema": DRAFT7, "required": "a"}, "/required", '"a" is not of type "array"'),
        ({"$schema": DRAFT, "pattern": "(", "type": "string"}, "/pattern", "regex"),
        ({"$schema": DRAFT, "$ref": "#/$defs/x"}, "/$ref", "'#/$defs/x' leads to nothing"),
        (
            {"$schema": DRAFT, "type": "object", "properties": {"a": {"$ref": "https://example.com/s"}}},
            "/properties/a/$ref",
            "'https://example.com/s' leads to no readable file of the workspace",
        ),
        (
            {"$schema": DRAFT, "items": {"$ref": "file:///etc/passwd"}},
            "/items/$ref",
            "'file:///etc/passwd' leads to no readable file of the workspace",
        ),
        (
            {"$schema": DRAFT, "items": {"$ref": "../../etc/x"}},
            "/items/$ref",
            "'../../etc/x' leads to no readable file of the workspace",
        ),
        (
            {"$schema": DRAFT, "type": "string", "anyOf": [{"$dynamicRef": "#gone"}]},
            "/anyOf/0/$dynamicRef",
            "gone",
        ),
        ({"$schema": DRAFT, "type": "integer", "examples": [1, "2"]}, "/examples/1", "breaks the schema"),
        (
            {
                "$schema": DRAFT,
                "type": "object",
                "properties": {"a": {"type": "null"}},
                "examples": [{"a": 1}],
            },
            "/examples/0/a",
            "breaks the schema",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(watch: Any, schema: Any, pointer: str, said: str) -> None:
    found = one(watch, json.dumps(schema))
    assert not found["valid"]
    assert [problem["pointer"] for problem in found["problems"]] == [pointer]
    assert said in found["problems"][0]["text"]


def test_draft_4_is_read_as_draft_4(watch: Any) -> None:
    draft4 = "http://json-schema.org/draft-04/schema#"
    schema = {
        "$schema": draft4,
        "id": "urn:mine:price",
        "type": "object",
        "properties": {
            "a": {"minimum": 0, "exclusiveMinimum": True},
            "b": {"$ref": "urn:mine:price#/properties/a"},
        },
        "examples": [{"a": 1, "b": 1}],
    }
    assert one(watch, schema)["problems"] == []
    found = one(watch, {**schema, "examples": [{"a": 0}]})
    assert [problem["pointer"] for problem in found["problems"]] == ["/examples/0/a"]
    found = one(watch, {**schema, "properties": {"a": {"minimum": 0, "exclusiveMinimum": 0}}})
    assert found["problems"][0]["pointer"] == "/properties/a/exclusiveMinimum"


def test_only_the_broken_reference_is_named(watch: Any) -> None:
    found = one(
        watch,
        {
            "$schema": DRAFT,
            "type": "object",
            "$defs": {"good": {"type": "string", "$anchor": "here"}},
            "properties": {
                "a": {"$ref": "#/$defs/good"},
                "b": {"$ref": "#here"},
                "c": {"$ref": "#/$defs/bad"},
                "d": {"$ref": "#/properties/a"},
            },
        },
    )
    assert [problem["pointer"] for problem in found["problems"]] == ["/properties/c/$ref"]


def test_thousands_of_broken_references_end_soon(watch: Any) -> None:
    many = {f"p{number}": {"$ref": f"#/$defs/{number}"} for number in range(3000)}
    found = one(watch, {"$schema": DRAFT, "properties": many})
    assert 1 <= len(found["problems"]) <= 20


def test_files_may_refer_to_each_other(watch: Any) -> None:
    found = one(
        watch,
        {
            "$schema": DRAFT,
            "type": "object",
            "properties": {"side": {"$ref": "types.json#/$defs/side"}, "id": {"$ref": "urn:mine:id"}},
            "examples": [{"side": "BUY", "id": "x"}],
        },
        **{
            "types.json": {"$schema": DRAFT, "type": "object", "$defs": {"side": {"enum": ["BUY"]}}},
            "id.json": {"$schema": DRAFT, "$id": "urn:mine:id", "type": "string"},
        },
    )
    assert found["problems"] == []


def test_nothing_is_fetched() -> None:
    with pytest.raises(LookupError, match="is not fetched"):
        _refuse("https://example.com")


def test_a_pointer_that_leads_nowhere_has_no_values() -> None:
    found = schemas.enumerations(
        {
            "properties": {
                "a": {"$ref": "#/$defs/x/y/z"},
                "b": {"$ref": "#/$defs/x~1y"},
                "c": {"enum": [{"k": Decimal("1.0")}, Decimal("2.5")]},
            },
            "$defs": {"x": [], "x/y": {"const": "found"}},
        }
    )
    assert found == {"b": ["found"], "c": ["2.5", '{"k": 1}']}


def test_one_id_belongs_to_one_file(watch: Any) -> None:
    same = {"$schema": DRAFT, "$id": "urn:mine", "type": "string"}
    facts = watch("contracts", {"contracts/a.json": same, "contracts/b.json": same}).facts
    assert [file["valid"] for file in facts["files"]] == [True, False]
    assert facts["files"][1]["problems"] == [
        {"pointer": "/$id", "text": "'urn:mine' is another file's $id already"}
    ]


def test_endless_references_and_regexes_end(watch: Any) -> None:
    found = one(
        watch,
        {
            "$schema": DRAFT,
            "type": "object",
            "allOf": [{"$ref": "#"}],
            "properties": {"a": {"type": "string", "pattern": "^(?=(a+)+$)(?!x)"}},
            "examples": [{"a": "a" * 40 + "b"}],
        },
    )
    assert [problem["pointer"] for problem in found["problems"]] == ["/examples/0/a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "malformed JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        (b"\xff\xfe{", "UTF-16"),
        ("[" * 80 + "]" * 80, "nests deeper than 64"),
        ("", "malformed JSON"),
    ],
)
def test_a_malformed_file_is_rejected_and_the_others_are_checked(
    watch: Any, content: str | bytes, said: str
) -> None:
    evidence = watch("contracts", {"contracts/a.json": content, "contracts/b.json": STRING})
    rejected = [problem for problem in evidence.problems if problem.kind == "rejected"]
    assert all(said in problem.reason for problem in rejected)
    assert {problem.path for problem in rejected} == {"contracts/a.json"}
    assert {problem.fact for problem in rejected} == {"files", "order_types"}
    assert [file["valid"] for file in evidence.facts["files"]] == [False, True]
    assert said in evidence.facts["files"][0]["problems"][0]["text"]
    (scope,) = evidence.scopes
    assert (scope.looked_at, scope.understood) == (2, 1)


def test_a_malformed_file_that_is_only_referred_to_is_rejected_too(watch: Any) -> None:
    evidence = watch(
        "contracts",
        {"contracts/a.json": {"$schema": DRAFT, "$ref": "../more/b.json"}, "more/b.json": "{"},
    )
    assert [problem.path for problem in evidence.problems if problem.kind == "rejected"] == [
        "more/b.json"
    ] * 2
    (file,) = evidence.facts["files"]
    assert file["problems"][0]["text"] == "'../more/b.json' leads to no readable file of the workspace"


def test_a_linked_schema_is_rejected(watch: Any, tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "a.json").symlink_to("/etc/passwd")
    for paths in (["contracts/a.json", "contracts/b.json"], ["contracts/*.json"]):
        evidence = watch("contracts", {"contracts/b.json": STRING}, paths=paths)
        assert "symbolic link" in evidence.problems[-1].reason
        assert "contracts/b.json" in [file["path"] for file in evidence.facts["files"]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["string", "#", "a", "(", DRAFT]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["type", "properties", "items", "required", "enum", "const", "$ref", "$defs", "allOf", "not",
             "pattern", "$id", "examples", "minimum", "a", "dependencies", "if", "prefixItems"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["type", "properties", "items", "$defs", "allOf", "enum"]), json_values)
)
def test_the_validator_agrees_with_another_implementation(watch: Any, schema: dict[str, Any]) -> None:
    """The oracle is the ``jsonschema`` library: invalid for the draft there means a problem here."""

    whole = {"$schema": DRAFT, **schema}
    found = one(watch, whole)["problems"]
    try:
        jsonschema.Draft202012Validator.check_schema(whole)
    except jsonschema.SchemaError:
        assert found
    assert schemas.property_names(whole) == sorted(set(schemas.property_names(whole)))
    assert all(key.isascii() for key in schemas.enumerations(whole))


# --- compatibility with the last approved version

ORDER = {
    "$schema": DRAFT,
    "$id": "https://example.com/v1/order.schema.json",
    "properties": {"side": {"type": "string"}},
}
GOOD = {"$schema": DRAFT, "type": "object"}
STRING = {"$schema": DRAFT, "type": "string"}
TYPES = {"$schema": DRAFT, "type": "object", "$defs": {"side": {"enum": ["BUY", "SELL"]}}}


def commit(root: Path) -> str:
    identity = ["-c", "user.name=Dana", "-c", "user.email=dana@example.com"]
    for arguments in (
        ["init", "-q"],
        ["add", "-A", "."],
        ["commit", "-q", "--allow-empty", "-m", "approved"],
    ):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_every_file_is_compared_with_its_approved_version(watch: Any, tmp_path: Path) -> None:
    gone = {"$schema": DRAFT, "type": "null"}
    watch(
        "contracts", {"contracts/order.json": ORDER, "contracts/gone.json": gone, "contracts/same.json": gone}
    )
    watch("contracts", {"contracts/a.json": {"$schema": DRAFT, "type": "string"}})
    first = commit(tmp_path)
    (tmp_path / "contracts" / "gone.json").unlink()
    files = {
        "contracts/order.json": {
            **ORDER,
            "$id": "https://example.com/v2/order.schema.json",
            "required": ["side"],
        },
        "contracts/a.json": {"$schema": DRAFT, "type": ["string", "null"]},
        "contracts/new.json": gone,
    }
    evidence = watch("contracts", files, approved=first)
    facts = evidence.facts["compatibility"]
    assert evidence.problems == ()
    assert facts["baseline"] == {"kind": "commit", "name": first}
    assert (facts["removed"], facts["added"]) == (["contracts/gone.json"], ["contracts/new.json"])
    by_path = {file["path"].rpartition("/")[2]: file for file in facts["files"]}
    counts = {name: (file["breaks_producers"], file["breaks_consumers"]) for name, file in by_path.items()}
    assert counts == {"a.json": (0, 1), "gone.json": (1, 1), "order.json": (1, 0)}
    assert (facts["compared"], facts["unchanged"]) == (3, 1)
    assert (facts["breaks_producers"], facts["breaks_consumers"]) == (2, 2)
    order = by_path["order.json"]
    assert (order["version_before"], order["version_after"], order["major_changed"]) == ("v1", "v2", True)
    assert not by_path["a.json"]["major_changed"]
    assert order["breaks"][0]["pointer"] == "/required/0"


def test_references_are_followed_in_each_version(watch: Any, tmp_path: Path) -> None:
    order = {"$schema": DRAFT, "properties": {"side": {"$ref": "types.json#/$defs/side"}}}
    watch("contracts", {"contracts/order.json": order, "contracts/types.json": TYPES})
    first = commit(tmp_path)
    fewer = {**TYPES, "$defs": {"side": {"enum": ["BUY"]}}}
    facts = watch("contracts", {"contracts/types.json": fewer}, approved=first).facts["compatibility"]
    (entry,) = next(file for file in facts["files"] if file["path"] == "contracts/order.json")["breaks"]
    assert entry == {
        "pointer": "contracts/types.json#/$defs/side/enum",
        "schema": "new",
        "kind": "enum",
        "breaks": "producers",
        "text": 'no longer permitted: "SELL"',
    }


def test_a_copy_may_be_the_approved_version(watch: Any) -> None:
    files = {
        "approved/contracts/a.json": {"$schema": DRAFT, "minimum": 1},
        "contracts/a.json": {"$schema": DRAFT, "minimum": 2},
    }
    facts = watch("contracts", files, approved_copy="approved", paths=["**/*.json"]).facts
    assert facts["total"] == 1
    assert facts["compatibility"]["baseline"] == {"kind": "directory", "name": "approved"}
    assert facts["compatibility"]["breaks_producers"] == 1


def test_an_approved_version_without_the_present_files_compares_nothing(watch: Any, tmp_path: Path) -> None:
    first = commit(tmp_path)
    files = {"contracts/a.json": GOOD, "contracts/b.json": GOOD}
    facts = watch("contracts", files, approved=first).facts["compatibility"]
    assert (facts["compared"], facts["unchanged"], facts["files"]) == (0, 0, [])
    assert facts["added"] == ["contracts/a.json", "contracts/b.json"]
    flat = watch("contracts", {"approved/a.json": {"type": "null"}}, approved_copy="approved")
    assert flat.facts["compatibility"]["compared"] == 0
    assert flat.facts["compatibility"]["added"] == ["contracts/a.json", "contracts/b.json"]


def test_only_what_changed_is_listed(watch: Any) -> None:
    """Also a change that breaks nobody, and a file that changed by what it refers to."""
    order = {"$schema": DRAFT, "properties": {"side": {"$ref": "types.json#/$defs/side"}}}
    fewer = {**TYPES, "$defs": {"side": {"enum": ["BUY"]}}}
    old = {"order.json": order, "types.json": TYPES, "plain.json": GOOD, "titled.json": GOOD}
    new = {**old, "types.json": fewer, "titled.json": {**GOOD, "title": "A title"}}
    files: dict[str, Any] = {f"approved/contracts/{name}": content for name, content in old.items()}
    files |= {f"contracts/{name}": content for name, content in new.items()}
    facts = watch("contracts", files, approved_copy="approved").facts["compatibility"]
    listed = {file["path"]: file["breaks_producers"] for file in facts["files"]}
    assert listed["contracts/order.json"] == 1
    assert listed["contracts/titled.json"] == 0
    assert "contracts/plain.json" not in listed
    assert (facts["compared"], facts["unchanged"]) == (4, 4 - len(listed))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"$schema": DRAFT, "type": "objekt"}, GOOD, "the approved version is no valid schema"),
        (GOOD, {"$schema": DRAFT, "properties": {"a": 5}}, "the present version is no valid schema"),
        ({"$schema": "urn:mine"}, GOOD, "the approved version is no valid schema"),
        ([], GOOD, "the approved version is no valid schema"),
        (
            {"$schema": DRAFT, "$ref": "#/x-more"},
            {"$schema": DRAFT, "$ref": "#/x-more", "x-more": {"properties": 5}},
            "where $ref leads cannot be told",
        ),
    ],
)  # fmt: skip
def test_what_is_no_schema_is_undecided_not_compatible(watch: Any, old: Any, new: Any, said: str) -> None:
    files = {"approved/contracts/a.json": old, "contracts/a.json": new}
    facts = watch("contracts", files, approved_copy="approved").facts["compatibility"]
    assert facts["undecided"] == 1
    assert facts["files"][0]["breaks"][0]["text"].startswith(said)


def test_long_lists_are_cut_and_counted(watch: Any) -> None:
    old = {"$schema": DRAFT, "type": "object"}
    files = {
        "approved/contracts/a.json": old,
        "contracts/a.json": {**old, "required": [f"f{n}" for n in range(120)]},
    }
    (found,) = watch("contracts", files, approved_copy="approved").facts["compatibility"]["files"]
    assert found["breaks_producers"] == 120
    assert len(found["breaks"]) == 50


@pytest.mark.parametrize(("old", "new", "which"), [("{", STRING, "approved"), (STRING, "{", "present")])
def test_a_malformed_version_cannot_be_compared_and_the_others_are(
    watch: Any, old: Any, new: Any, which: str
) -> None:
    files = {"approved/contracts/a.json": old, "contracts/a.json": new}
    files |= {"approved/contracts/b.json": STRING, "contracts/b.json": {"$schema": DRAFT, "type": "null"}}
    facts = watch("contracts", files, approved_copy="approved").facts["compatibility"]
    assert (facts["undecided"], facts["breaks_producers"], facts["removed"]) == (1, 1, [])
    assert facts["files"][0]["breaks"][0]["text"].startswith(f"the {which} version is no valid schema")


def test_an_approved_version_that_is_not_there_is_a_mistake_in_the_settings(watch: Any) -> None:
    with pytest.raises(ConfigError, match="no revision 'v9'"):
        watch("contracts", {}, approved="v9")
    with pytest.raises(ConfigError, match="both"):
        watch("contracts", {}, approved="v9", approved_copy="approved")
