"""Every contract that is shipped: valid, described, with examples, and read the same by two libraries."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.evidence.base.contracts import CONTRACTS, load_schema

PATHS = sorted(path.relative_to(CONTRACTS).as_posix() for path in CONTRACTS.rglob("*.schema.json"))
FILES = [path for path in PATHS if path.startswith("files/")]
FACTS = [path for path in PATHS if path.startswith("facts/")]


def schema_of(path: str) -> dict[str, Any]:
    """The schema at a path below ``contracts/``."""
    kind, _, name = path.removesuffix(".schema.json").rpartition("/")
    return load_schema(kind, name)


def subschemas(schema: Any, pointer: str = "") -> Any:
    """Every schema inside a schema, with its pointer."""
    if isinstance(schema, dict):
        yield pointer, schema
        for keyword in ("properties", "$defs", "patternProperties"):
            for name, inner in schema.get(keyword, {}).items():
                yield from subschemas(inner, f"{pointer}/{keyword}/{name}")
        for keyword in ("items", "additionalProperties", "if", "then", "else", "not", "propertyNames"):
            yield from subschemas(schema.get(keyword), f"{pointer}/{keyword}")
        for keyword in ("allOf", "anyOf", "oneOf"):
            for number, inner in enumerate(schema.get(keyword, [])):
                yield from subschemas(inner, f"{pointer}/{keyword}/{number}")


@pytest.mark.parametrize("path", PATHS)
def test_contracts_are_valid_and_described(path: str) -> None:
    """Each contract is JSON Schema 2020-12 to both libraries, with its own $id, title and description."""
    schema = schema_of(path)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"].strip()
    assert schema["description"].strip()
    kind, _, name = path.removesuffix(".schema.json").rpartition("/")
    version = {"decision.schema.json": "2"}.get(path, "1")
    assert schema["$id"] == ":".join(part for part in ("urn:gate:contract", kind, name, version) if part)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema_rs.Draft202012Validator(schema)


def test_contract_ids_are_unique() -> None:
    """No two contracts share an $id."""
    ids = [schema_of(path)["$id"] for path in PATHS]
    assert len(ids) == len(set(ids)) > 25


@pytest.mark.parametrize("path", PATHS)
def test_contracts_have_no_loose_ends(path: str) -> None:
    """Objects are closed, required properties exist, references resolve, patterns are anchored."""
    schema = schema_of(path)
    for pointer, inner in subschemas(schema):
        if "properties" in inner and not re.search(r"/(if|then|else|allOf|anyOf|oneOf|not)\b", pointer):
            closed = {"additionalProperties", "unevaluatedProperties"} & inner.keys()
            assert closed or pointer.endswith("_fields"), f"{path}#{pointer} accepts misspelled properties"
            if "additionalProperties" in inner:
                assert set(inner.get("required", [])) <= set(inner["properties"]), f"{path}#{pointer}"
        if "$ref" in inner:
            assert inner["$ref"].removeprefix("#/$defs/") in schema["$defs"], f"{path}#{pointer}"
        if "pattern" in inner:
            pattern = inner["pattern"]
            assert pattern.startswith("^"), f"{path}#{pointer} has an open pattern"
            assert re.compile(pattern)
            assert not re.search(r"\\[dwsb]", pattern), (
                f"{path}#{pointer}: engines differ on \\d, \\w, \\s, \\b"
            )
        for forbidden in ("$dynamicRef", "$anchor", "contentSchema"):
            assert forbidden not in inner


@pytest.mark.parametrize("path", FACTS)
def test_facts_are_complete_and_without_floats(path: str) -> None:
    """A collector's facts are all required, nothing else is allowed, and no figure is a float."""
    schema = schema_of(path)
    assert schema["type"] == "object"
    for pointer, inner in subschemas(schema):
        types = inner.get("type", [])
        assert "number" not in ([types] if isinstance(types, str) else types), f"{path}#{pointer}"
        if "properties" in inner and inner.get("type") == "object":
            assert inner["additionalProperties"] is False, f"{path}#{pointer}"
            assert set(inner["required"]) == set(inner["properties"]), f"{path}#{pointer}"
    assert "properties" in schema or isinstance(schema["additionalProperties"], dict)
    for name, inner in schema.get("properties", {}).items():
        assert "description" in inner or "$ref" in inner, f"{path}: {name} is not described"


@pytest.mark.parametrize("path", FILES)
def test_examples_keep_their_contract(path: str) -> None:
    """The examples of each file format are accepted by both libraries."""
    schema = schema_of(path)
    assert schema["examples"]
    for example in schema["examples"]:
        jsonschema.Draft202012Validator(schema).validate(example)
        jsonschema_rs.Draft202012Validator(schema).validate(example)


# --- two libraries, one answer ---------------------------------------------------------------------------

JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10**7)
    | st.sampled_from(
        ["", "x", "stage1", "PASS", "a" * 64, "2025-11-07T12:00:00Z", "x\n", "é", -0.5, 1e20, 2**53]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)


def resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The schema behind a reference."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def shape(schema: dict[str, Any], root: dict[str, Any], draw: Any) -> Any:
    """A value of roughly the right shape; whether it is valid is for the libraries to say."""
    schema = resolve(schema, root)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return shape(draw(st.sampled_from(schema[keyword])), root, draw)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    types = schema.get("type", "null")
    match types if isinstance(types, str) else draw(st.sampled_from(types)):
        case "object":
            names = list(schema.get("properties", {}))
            value = {name: shape(schema["properties"][name], root, draw) for name in names}
            if isinstance(extra := schema.get("additionalProperties"), dict):
                value["KILL_PNL"] = shape(extra, root, draw)
            return value
        case "array":
            inner = schema.get("items", {"type": "null"})
            return [shape(inner, root, draw) for _ in range(draw(st.integers(0, 2)))]
        case "integer" | "number":
            low = schema.get("minimum", 0)
            return draw(st.integers(low, max(low, schema.get("maximum", 10**6))) | st.integers(-5, 5))
        case "boolean":
            return draw(st.booleans())
        case "string":
            if "pattern" in schema and draw(st.booleans()):
                return draw(st.from_regex(schema["pattern"].removesuffix("$") + r"\Z"))
            return draw(st.sampled_from(["x", "", "a" * 64, "2025-11-07T12:00:00Z", "x" * 5000]))
        case _:
            return None


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a value."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        item = pending.pop()
        keys = item.keys() if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
        for key in keys:
            found.append((item, key))
            pending.append(item[key])
    return found


@functools.cache
def both_libraries(path: str) -> tuple[Callable[[Any], bool], Callable[[Any], bool]]:
    """Whether a value keeps a contract, as the product's library and as another one has it."""
    schema = schema_of(path)
    ours = jsonschema_rs.Draft202012Validator(schema, validate_formats=False)
    return ours.is_valid, jsonschema.Draft202012Validator(schema).is_valid


@pytest.mark.soak
@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=5 if settings.default.derandomize else settings.default.max_examples)
@given(data=st.data())
def test_both_libraries_give_the_same_answer(path: str, data: st.DataObject) -> None:
    """On values of the right shape, and on examples and shapes with something replaced, dropped or added."""
    schema = schema_of(path)
    ours, oracle = both_libraries(path)
    examples = schema.get("examples", [])
    if examples and data.draw(st.booleans()):
        value = copy.deepcopy(data.draw(st.sampled_from(examples)))
    else:
        value = shape(schema, schema, data.draw)
    for _ in range(data.draw(st.integers(0, 2))):
        if not (slots := places(value)):
            break
        container, key = data.draw(st.sampled_from(slots))
        change = data.draw(st.sampled_from(["replace", "drop", "add"]))
        if change == "drop":
            del container[key]
        elif change == "add" and isinstance(container, dict):
            container["unexpected"] = data.draw(JUNK)
        else:
            container[key] = data.draw(JUNK)
    value = json.loads(json.dumps(value))
    assert ours(value) == oracle(value), value


def test_contracts_live_where_the_package_says() -> None:
    """The directory of contracts is the package's own."""
    assert Path(__file__).resolve().parent.parent / "contracts" == CONTRACTS
