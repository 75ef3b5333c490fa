"""What changed between two versions of a schema is found, whatever it is: an instance is the judge.

The heart is :func:`test_no_break_goes_unnoticed`: an instance that one version accepts and the other refuses,
as two independent validators see it, must have a break (or an undecided place) in that direction.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.evidence.collectors.contracts.compatibility import (
    Version,
    compare_file,
    drafts,
    major,
    stated_version,
)

DRAFT4 = "http://json-schema.org/draft-04/schema#"
DRAFT7 = "http://json-schema.org/draft-07/schema#"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
VALIDATORS = {
    DRAFT4: jsonschema.Draft4Validator,
    DRAFT7: jsonschema.Draft7Validator,
    DRAFT: jsonschema.Draft202012Validator,
}
ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "symbol": {"type": "string", "minLength": 1},
        "side": {"enum": ["BUY", "SELL"]},
        "quantity": {"type": "integer", "minimum": 1},
    },
    "required": ["symbol"],
    "additionalProperties": False,
}

# --- what a person would expect, case by case


def compare(old: Any, new: Any) -> list[Any]:
    """The changes from one schema document to another that refer to no other documents."""
    before, after = drafts(old, new)
    path = "schema.json"
    first, second = Version({path: old}, years={path: before}), Version({path: new}, years={path: after})
    return compare_file(first, second, path)


def changed(schema: dict[str, Any], *path: Any, to: Any = None) -> dict[str, Any]:
    """A copy with one value set, or taken out when ``to`` is None."""
    result = copy.deepcopy(schema)
    inner: Any = result
    for part in path[:-1]:
        inner = inner[part]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return result


def said(old: Any, new: Any) -> list[tuple[str, str, str, str]]:
    return [(one.pointer, one.schema, one.kind, one.breaks) for one in compare(old, new)]


OPEN = changed(ORDER, "additionalProperties")
NULL: dict[str, Any] = {"type": "null"}
NUMBER: dict[str, Any] = {"type": "number"}
SIDE, TYPE, LEAST = (
    ("properties", *path) for path in (("side", "enum"), ("quantity", "type"), ("quantity", "minimum"))
)
U = "undecided"
ENUM = "/properties/side/enum"
# old, new, and what is found: pointer, version, kind, whom it breaks
CASES: list[tuple[Any, Any, tuple[str, ...]]] = [
    (ORDER, changed(ORDER, "required", to=["symbol", "x"]), ("/required/1", "new", "required", "producers")),
    (ORDER, changed(ORDER, "required"), ("/required/0", "old", "required", "consumers")),
    (ORDER, changed(ORDER, "properties", "side"), ("/properties/side", "old", "removed", "both")),
    (OPEN, changed(OPEN, "properties", "side"), ("/properties/side", "old", "removed", "consumers")),
    (ORDER, changed(ORDER, "properties", "x", to={}), ("/properties/x", "new", "added", "consumers")),
    (OPEN, changed(OPEN, "properties", "x", to=NULL), ("/properties/x", "new", "added", "producers")),
    (ORDER, OPEN, ("/additionalProperties", "old", "properties", "consumers")),
    (OPEN, ORDER, ("/additionalProperties", "new", "properties", "producers")),
    (ORDER, changed(ORDER, *SIDE, to=["BUY"]), (ENUM, "new", "enum", "producers")),
    (ORDER, changed(ORDER, *SIDE, to=["SELL", "BUY", 1]), (ENUM, "new", "enum", "consumers")),
    (ORDER, changed(ORDER, *SIDE, to=["BUY", "SHORT"]), (ENUM, "new", "enum", "both")),
    (ORDER, changed(ORDER, *SIDE), (ENUM, "old", "enum", "consumers")),
    (ORDER, changed(ORDER, *TYPE, to="string"), ("/properties/quantity/type", "new", "type", "both")),
    (ORDER, changed(ORDER, *TYPE, to="number"), ("/properties/quantity/type", "new", "type", "consumers")),
    (ORDER, changed(ORDER, *LEAST, to=2), ("/properties/quantity/minimum", "new", "range", "producers")),
    (ORDER, changed(ORDER, *LEAST), ("/properties/quantity/minimum", "old", "range", "consumers")),
    ({"maximum": 3}, {"exclusiveMaximum": 3}, ("/exclusiveMaximum", "new", "range", "producers")),
    ({"minLength": 1}, {"minLength": 1, "maxLength": 5}, ("/maxLength", "new", "length", "producers")),
    ({"maxItems": 3}, {"maxItems": 2}, ("/maxItems", "new", "size", "producers")),
    ({"minProperties": 2}, {"minProperties": 1}, ("/minProperties", "new", "size", "consumers")),
    ({"items": NUMBER}, {"items": {"type": "integer"}}, ("/items/type", "new", "type", "producers")),
    ({}, {"items": False}, ("/items", "new", "items", "producers")),
    ({"const": 1}, {"enum": [1, 2]}, ("/enum", "new", "enum", "consumers")),
    ({"allOf": [NULL]}, {"allOf": [NUMBER]}, ("/allOf/0/type", "new", "type", "both")),
    ({"allOf": [{}]}, {"allOf": [False]}, ("/allOf/0", "new", "forbidden", "producers")),
    (
        {"$defs": {"way": {"enum": [1, 2]}}, "items": {"$ref": "#/$defs/way"}},
        {"$defs": {"side": {"enum": [1]}}, "items": {"$ref": "#/$defs/side"}},
        ("/$defs/side/enum", "new", "enum", "producers"),
    ),
    # whatever else differs cannot be told
    (NUMBER, {**NUMBER, "multipleOf": 2}, ("/multipleOf", "new", U, "producers")),
    ({"uniqueItems": True}, {}, ("/uniqueItems", "old", U, "consumers")),
    ({"prefixItems": [{}, {}]}, {"prefixItems": [{}]}, ("/prefixItems", "new", U, "both")),
    ({"pattern": "^a"}, {"pattern": "^b"}, ("/pattern", "new", U, "both")),
    ({"format": "date"}, {"format": "time"}, ("/format", "new", U, "both")),
    ({"anyOf": [{}, NULL]}, {"anyOf": [{"minimum": 1}, NULL]}, ("/anyOf", "new", U, "both")),
    ({"not": {"const": 1}}, {"not": {"enum": [1, 2]}}, ("/not", "new", U, "both")),
    ({"allOf": [{"required": ["a"]}]}, {"required": ["a"], "allOf": [{}, {}]}, ("/allOf", "new", U, "both")),
    ({"patternProperties": {"a": NULL}}, {}, ("/patternProperties", "old", U, "both")),
    (
        {"unevaluatedProperties": False, "properties": {"a": {}}},
        {"unevaluatedProperties": False, "properties": {"a": {}, "b": {}}},
        ("", "new", U, "both"),
    ),
    (
        {"$defs": {"a": {"type": "null"}}, "oneOf": [{"$ref": "#/$defs/a"}]},
        {"$defs": {"a": {"type": "string"}}, "oneOf": [{"$ref": "#/$defs/a"}]},
        ("/oneOf", "new", U, "both"),
    ),
    ({"$ref": "gone.json"}, {"$ref": "lost.json"}, ("/$ref", "new", U, "both")),
    ({"$dynamicRef": "#a", "$dynamicAnchor": "a"}, {"$dynamicRef": "#a"}, ("/$dynamicRef", "new", U, "both")),
    ({"$schema": DRAFT7, "type": "null"}, NULL, ("/$schema", "new", U, "both")),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_each_kind_of_change_is_named_with_its_place(old: Any, new: Any, expected: tuple[str, ...]) -> None:
    found = said({"$schema": DRAFT, **old}, {"$schema": DRAFT, **new})
    assert expected in found
    assert len(found) == (2 if "required" in old.get("allOf", [{}])[0] else 1)


NOTHING = [
    ({"const": 1}, {"enum": [1.0]}),
    ({"type": "string", "enum": ["a"]}, {"enum": ["a", 1], "type": ["string", "null"]}),
    ({"$defs": {"a": {"type": "null"}}, "items": {"$ref": "#/$defs/a"}}, {"items": NULL}),
    ({"$defs": {"a": {"$anchor": "b", "type": "null"}}, "items": {"$ref": "#b"}}, {"items": NULL}),
    (
        {"properties": {"next": {"$ref": "#"}}},
        {"$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
    ),
    (
        {"type": "object", "title": "a", "description": "b", "examples": [1], "default": {}},
        {"type": "object", "$comment": "c", "deprecated": True, "x-owner": "d"},
    ),
    (
        {"anyOf": [{"type": "null", "title": "a"}], "required": ["a", "b"]},
        {"anyOf": [{"type": ["null"]}], "required": ["b", "a"]},
    ),
    ({"$ref": "gone.json"}, {"$ref": "gone.json"}),
    (
        {"$dynamicRef": "#a", "$dynamicAnchor": "a", "items": {}},
        {"$dynamicRef": "#a", "$dynamicAnchor": "a", "items": {}},
    ),
    ({"additionalProperties": True, "minLength": 0, "items": {}}, {}),
]


@pytest.mark.parametrize(("old", "new"), NOTHING)
def test_what_means_the_same_is_no_change(old: Any, new: Any) -> None:
    assert said({"$schema": DRAFT, **old}, {"$schema": DRAFT, **new}) == []


def test_a_draft_that_is_not_stated_is_the_other_versions() -> None:
    assert said({"$schema": DRAFT7, "type": "null"}, NULL) == []
    beside = {"$ref": "#/definitions/x", "maximum": 1, "definitions": {"x": {"type": "integer"}}}
    inner = {"$schema": DRAFT7, "properties": {"a": beside}, "definitions": {"x": {"type": "integer"}}}
    assert said(inner, {"$schema": DRAFT7, "properties": {"a": {"type": "integer"}}}) == []


def test_what_a_draft_does_not_know_says_nothing() -> None:
    for draft, word in ((DRAFT4, "contains"), (DRAFT7, "unevaluatedItems"), (DRAFT, "additionalItems")):
        broken = {"$schema": draft, word: {"properties": 5}, "type": "array"}
        assert said(broken, {"$schema": draft, "type": "array"}) == []
        assert said(broken, {**broken, word: {"properties": 6}}) == []


def test_a_new_draft_hides_no_other_change() -> None:
    old, new = {"$schema": DRAFT7, **ORDER}, {"$schema": DRAFT, **changed(ORDER, "required")}
    assert {one[2] for one in said(old, new)} == {U, "required"}


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"$schema": DRAFT, "properties": {"left": {"$ref": "#"}, "value": {"type": "integer"}}}
    assert said(tree, changed(tree, "properties", "value", "type", to="number")) == [
        ("/properties/value/type", "new", "type", "consumers")
    ]
    circle = {"$schema": DRAFT, "anyOf": [{"$ref": "#"}, {"type": "string"}]}
    found = said({"$schema": DRAFT, "type": "integer"}, circle)
    assert any(breaks in ("producers", "both") for _, _, _, breaks in found)
    said({"$schema": DRAFT, "allOf": [{"$ref": "#"}]}, {"$schema": DRAFT, "not": {"$ref": "#"}})
    around = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert said(around, {"type": "null"})[0][2] == U


def test_large_schemas_end() -> None:
    wide = {
        f"d{n}": {"oneOf": [{"$ref": f"#/$defs/d{(n * 7 + k) % 40}"} for k in range(6)]} for n in range(40)
    }
    old = {"$schema": DRAFT, "$defs": wide, "$ref": "#/$defs/d0"}
    new = copy.deepcopy(old)
    new["$defs"]["d3"]["oneOf"].append({"type": "string", "maxLength": 3})
    assert {kind for _, _, kind, _ in said(old, new)} == {"undecided"}
    values = {"$schema": DRAFT, "enum": list(range(3000))}
    assert said(values, changed(values, "enum", to=list(range(1, 3000)))) == [
        ("/enum", "new", "enum", "producers")
    ]


def test_files_that_refer_to_each_other_are_compared_through_the_reference() -> None:
    order = {"$schema": DRAFT, "properties": {"side": {"$ref": "types.json#/$defs/side"}}}
    types = {"$schema": DRAFT, "$defs": {"side": {"enum": ["BUY", "SELL"]}}}
    fewer = {"$schema": DRAFT, "$defs": {"side": {"enum": ["BUY"]}}}
    old = Version({"c/order.json": order}, {"c/types.json": types}.get)
    new = Version({"c/order.json": order}, {"c/types.json": fewer}.get)
    (found,) = compare_file(old, new, "c/order.json")
    assert (found.pointer, found.kind, found.breaks) == ("c/types.json#/$defs/side/enum", "enum", "producers")
    assert (
        compare_file(old, Version({"c/order.json": order}, {"c/types.json": types}.get), "c/order.json") == []
    )


@pytest.mark.parametrize(
    ("schema", "version", "leading"),
    [
        ({"version": "2.1.0"}, "2.1.0", 2),
        ({"version": 3}, "3", 3),
        ({"x-version": "v4"}, "v4", 4),
        ({"version": True, "$id": "urn:example:order:5"}, "5", 5),
        ({"$id": "https://example.com/order/v6"}, "v6", 6),
        ({"$id": "https://example.com/order/v7.2.schema.json"}, "v7.2", 7),
        ({"$id": "https://example.com/v8/order.schema.json"}, "v8", 8),
        ({"id": "https://example.com/order:9#"}, "9", 9),
        ({"$id": "https://example.com/order.schema.json"}, None, None),
        ({"$id": "https://example.com/iso8601"}, None, None),
        ({"version": "latest"}, None, None),
        (True, None, None),
    ],
)
def test_the_version_a_schema_states(schema: Any, version: str | None, leading: int | None) -> None:
    assert stated_version(schema) == version
    assert major(version) == leading


# --- soundness: schemas, changes to them, and instances, against another implementation

NAMES = ["a", "ab", "c"]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
SCALARS = [None, True, False, 0, 1, 2, 3, 1.5, "", "a", "b", "ab", "abc"]
SMALL = [None, True, 0, 1, 2, 1.5, "a", "ab", [], {}, [1], {"a": 1}]
INSTANCES: list[Any] = [
    *SCALARS, -1, 4, 0.5, 2.5, "ba", [], {},
    *([one] for one in SCALARS),
    *([one, other] for one, other in itertools.product(SMALL[:9], SMALL[:9])),
    *([one, other, 2] for one, other in itertools.product((1, "a"), (1, "a", []))),
    *({name: one} for name, one in itertools.product([*NAMES, "b", "d"], SMALL)),
    *(
        {first: one, second: other}
        for (first, second), one, other in itertools.product(
            [("a", "ab"), ("a", "c"), ("ab", "c"), ("a", "b"), ("c", "d")],
            (None, 1, "a", {"a": 1}),
            (1, "ab", []),
        )
    ),
    *({"a": one, "ab": 1, "c": other} for one, other in itertools.product((1, "a", {"a": 1}), (None, 2))),
    *({"a": {"a": one}} for one in SMALL),
    *({"a": {"a": {"a": one}}} for one in (1, "a")),
    *([[one]] for one in SMALL),
    *({"a": [one]} for one in SMALL),
]  # fmt: skip
"""Small enough to be tried in full on every pair of schemas, and rich enough to meet every keyword below."""

scalars = st.sampled_from(SCALARS)
sizes = st.integers(0, 2)
bounds = st.sampled_from([0, 1, 1.5, 2, 3])
different = st.lists(scalars | st.sampled_from([[1], {"a": 1}]), min_size=1, max_size=4, unique_by=repr)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
    "enum": different,
    "const": scalars,
    "minimum": bounds,
    "maximum": bounds,
    "exclusiveMinimum": bounds,
    "exclusiveMaximum": bounds,
    "multipleOf": st.sampled_from([0.5, 1, 1.5, 2, 3]),
    "minLength": sizes,
    "maxLength": sizes,
    "pattern": st.sampled_from(["^a", "b", "^$"]),
    "minItems": sizes,
    "maxItems": sizes,
    "uniqueItems": st.booleans(),
    "minContains": sizes,
    "maxContains": sizes,
    "minProperties": sizes,
    "maxProperties": sizes,
    "required": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
    "dependentRequired": st.dictionaries(
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=1),
        min_size=1,
        max_size=2,
    ),
    "$ref": st.sampled_from(["#/$defs/x", "#/$defs/y", "#"]),
}


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many = st.lists(inner, min_size=1, max_size=2)
    named = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=2)
    optional = {
        **PLAIN,
        **dict.fromkeys(["anyOf", "oneOf", "allOf", "prefixItems"], many),
        **dict.fromkeys(["properties", "dependentSchemas"], named),
        **dict.fromkeys(
            [
                "additionalProperties",
                "items",
                "not",
                "contains",
                "propertyNames",
                "if",
                "then",
                "else",
                "unevaluatedProperties",
                "unevaluatedItems",
            ],
            inner,
        ),
        "patternProperties": st.dictionaries(
            st.sampled_from(["^a", "b", "c$"]), inner, min_size=1, max_size=2
        ),
    }
    return some_of(optional)


@st.composite
def some_of(draw: st.DrawFn, keywords: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True))
    if "if" in chosen:  # means nothing alone
        chosen = [*chosen, *draw(st.sampled_from([["then"], ["else"], ["then", "else"]]))]
    return {keyword: draw(keywords[keyword]) for keyword in chosen}


flat = some_of(PLAIN) | st.booleans()
nested = flat | deeper(flat)
documents = st.builds(lambda root, x, y: {**root, "$defs": {"x": x, "y": y}}, deeper(nested), nested, nested)


def positions(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = []
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            found += [(*path, key), *positions(value[key], (*path, key))]
    return [one for one in found if one != ("$defs",) and (len(one) != 2 or one[0] != "$defs")]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema and a changed one, in either order: something taken out, merged in, or another value."""
    old = draw(documents)
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 3))):
        places = positions(new)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        inner: Any = new
        for part in way:
            inner = inner[part]
        value = inner[last]
        if draw(st.booleans()):
            del inner[last]
        elif isinstance(value, dict) and (more := draw(flat)) and isinstance(more, dict):
            inner[last] = {**value, **more}
        elif isinstance(last, str) and last in PLAIN:
            inner[last] = draw(PLAIN[last])
        elif isinstance(value, bool):
            inner[last] = not value
    return (old, new) if draw(st.booleans()) else (new, old)


def written(schema: Any, draft: str) -> Any:
    """The schema as an earlier draft writes it; what that draft does not know stays, and says nothing."""
    if draft == DRAFT or not isinstance(schema, (dict, bool)):
        return schema
    if isinstance(schema, bool):
        return schema if draft == DRAFT7 else ({} if schema else {"not": {}})
    result: dict[str, Any] = {}
    for word, value in schema.items():
        if word in ("anyOf", "oneOf", "allOf"):
            result[word] = [written(one, draft) for one in value]
        elif word in ("properties", "patternProperties", "$defs"):
            result[word] = {name: written(one, draft) for name, one in value.items()}
        elif word in ("dependentSchemas", "dependentRequired"):
            demands = {name: written(one, draft) for name, one in value.items()}
            result["dependencies"] = {**result.get("dependencies", {}), **demands}
        elif word == "prefixItems":
            result["items"] = [written(one, draft) for one in value]
        elif word == "items":
            result["additionalItems" if "prefixItems" in schema else "items"] = written(value, draft)
        elif word.startswith("exclusive") and draft == DRAFT4:
            result[word] = True
            result.setdefault(word.replace("exclusiveM", "m"), value)
        else:
            result[word] = written(value, draft)
    return result


def validators(*schemas: dict[str, Any]) -> list[Any]:
    found = []
    for schema in schemas:
        kind = VALIDATORS[schema["$schema"]]
        try:
            kind.check_schema(schema)
        except jsonschema.SchemaError:
            assume(False)
        found.append(kind(schema))
    return found


SAME_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")


def endless(document: dict[str, Any], schema: Any = None, within: tuple[int, ...] = ()) -> bool:
    """Whether some schema says, without looking any deeper into the data, that it is itself."""
    schema = document if schema is None else schema
    if not isinstance(schema, dict):
        return isinstance(schema, list) and any(endless(document, one, within) for one in schema)
    if id(schema) in within:
        return True
    within = (*within, id(schema))
    targets = {"#": document, "#/$defs/x": document["$defs"]["x"], "#/$defs/y": document["$defs"]["y"]}
    inner = [targets[schema["$ref"]]] if "$ref" in schema else []
    for word in SAME_PLACE:
        value = schema.get(word, True)
        named = word.startswith("dependent") or word == "dependencies"
        inner += value.values() if named and isinstance(value, dict) else [value]
    return any(endless(document, one, within) for one in inner)


@given(pairs(), st.sampled_from(sorted(VALIDATORS)), st.sampled_from(sorted(VALIDATORS)), st.booleans())
def test_no_break_goes_unnoticed(
    pair: tuple[dict[str, Any], dict[str, Any]], one: str, other: str, mixed: bool
) -> None:
    drafts = (one, other if mixed else one)
    old, new = (
        {"$schema": draft, **written(schema, draft)} for schema, draft in zip(pair, drafts, strict=True)
    )
    before, after = validators(old, new)
    found = compare(old, new)
    broken = {"producers", "consumers"} & {
        whom
        for entry in found
        for whom in (("producers", "consumers") if entry.breaks == "both" else (entry.breaks,))
    }
    assume(not any(endless(one, start) for one in (old, new) for start in (one, *one["$defs"].values())))
    others = [jsonschema_rs.validator_for(schema) for schema in (old, new)]
    for first, second in ((before, after), others):
        for instance in INSTANCES:
            was, now = first.is_valid(instance), second.is_valid(instance)
            assert now or not was or "producers" in broken, instance
            assert was or not now or "consumers" in broken, instance


@given(documents, st.sampled_from(sorted(VALIDATORS)))
def test_a_schema_is_compatible_with_itself_however_it_is_annotated(
    schema: dict[str, Any], draft: str
) -> None:
    one = {"$schema": draft, **written(schema, draft)}
    validators(one)
    assert compare(one, copy.deepcopy(one)) == []
    assert compare(one, dict(reversed(one.items()))) == []


@given(pairs())
def test_the_other_way_round_the_directions_are_swapped(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    old, new = ({"$schema": DRAFT, **schema} for schema in pair)
    validators(old, new)
    there = {one.breaks for one in compare(old, new) if one.kind not in ("removed", "added")}
    back = {one.breaks for one in compare(new, old) if one.kind not in ("removed", "added")}
    swap = {"producers": "consumers", "consumers": "producers", "both": "both"}
    wide = {"both": {"producers", "consumers"}}
    assert {x for one in there for x in wide.get(one, {one})} == {
        x for one in back for x in wide.get(swap[one], {swap[one]})
    }
