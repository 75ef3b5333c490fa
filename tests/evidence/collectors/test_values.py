"""Values are read exactly, by pointer, from any general format; what is absent is missing, never zero."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.engine.config.settings import read_settings
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import ConfigError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.base.records import lookup
from gate.evidence.base.settings import Uncertain, build, validate
from gate.evidence.collectors.shared import value_facts
from gate.evidence.collectors.shared.pointer import Absent, NoIndex, format_pointer, parse_pointer, resolve
from gate.evidence.collectors.values import ValueRead, ValuesOptions

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA = {
    "$schema": DRAFT,
    "type": "object",
    "properties": {"ratio": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["ratio"],
}


class Rejected(Exception):
    """The first rejected value, with what, where and why."""

    def __init__(self, problem: Any) -> None:
        super().__init__(problem.reason)
        self.what, self.path, self.place = problem.reason, problem.path, problem.place


@pytest.fixture
def look(watch: Any) -> Any:
    """As ``watch("values", …)``; raises the first rejection."""

    def run(files: Any, **options: Any) -> Any:
        evidence = watch("values", files, **options)
        for problem in evidence.problems:
            if problem.kind == "rejected":
                raise Rejected(problem)
        return evidence

    return run


@pytest.fixture
def read(look: Any) -> Any:
    """The facts of one value named ``x``."""

    def run(file: str, content: Any, pointer: str = "", limits: Limits = DEFAULT, **more: Any) -> Any:
        entry = {"file": file, "pointer": pointer, **more}
        files = {} if content is None else {file: content}
        return look(files, limits=limits, read={"x": entry}).facts["x"]

    return run


# --- what is read ----------------------------------------------------------------------------------------


def test_nothing_declared_is_nothing_read(watch: Any) -> None:
    evidence = watch("values", {"a.json": "{"})
    assert evidence.facts == {}
    assert evidence.files == ()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.json", '{"risk": {"limits": [1, 0.30]}}'),
        ("a.yaml", "risk:\n  limits: [1, 0.30]\n"),
        ("a.yml", "risk: {limits: [1, 0.30]}\n"),
        ("a.toml", "[risk]\nlimits = [1, 0.30]\n"),
        ("A.JSON", '{"risk": {"limits": [1, 0.30]}}'),
    ],
)
def test_every_format_gives_the_same(read: Any, file: str, content: str) -> None:
    assert read(file, content, "/risk/limits/1") == {
        "file": file,
        "pointer": "/risk/limits/1",
        "found": True,
        "kind": "number",
        "value": None,
        "text": "0.30",
        "length": None,
        "floor_micro": 300_000,
        "ceiling_micro": 300_000,
    }
    whole = read(file, content, "/risk")
    assert (whole["kind"], whole["value"], whole["length"]) == ("object", {"limits": [1, "0.30"]}, 1)


def test_a_csv_file_is_rows_by_index_and_column(read: Any) -> None:
    content = 'metric,value\r\nsharpe,1.25\r\ntrades,57\r\n"a,b",n/a\r\n'
    assert read("m.csv", content)["length"] == 3
    assert read("m.csv", content, "/0")["value"] == {"metric": "sharpe", "value": "1.25"}
    cell = read("m.csv", content, "/0/value")
    assert (cell["kind"], cell["value"], cell["floor_micro"]) == ("string", "1.25", 1_250_000)
    assert read("m.csv", content, "/2/metric")["value"] == "a,b"
    assert read("m.csv", content, "/2/value")["floor_micro"] is None
    assert read("m.csv", content, "/3/value")["found"] is False
    count = read("m.csv", content, "/1/value", type="integer")
    assert (count["kind"], count["value"]) == ("integer", 57)
    assert read("m.csv", content, "/1/value", type="number")["value"] == 57
    assert read("m.csv", content, "/0/value", type="number")["text"] == "1.25"
    for type_ in ("integer", "number"):
        with pytest.raises(Rejected, match=f"is a string, not an? {type_}"):
            read("m.csv", content, "/2/value", type=type_)


def test_the_format_may_be_stated(read: Any) -> None:
    assert read("report.txt", '{"a": 5}', "/a", format="json")["value"] == 5
    assert read("report.json", "a: 5", "/a", format="yaml")["value"] == 5


@pytest.mark.parametrize(
    ("written", "floor", "ceiling"),
    [
        ("0.9823529411764706", 982_352, 982_353),
        ("-0.0000005", -1, 0),
        ("1e-7", 0, 1),
        ("2.50", 2_500_000, 2_500_000),
        ("12", 12_000_000, 12_000_000),
        ('"12.5"', 12_500_000, 12_500_000),
        ('"1e3"', 1_000_000_000, 1_000_000_000),
        ('"-0"', 0, 0),
        ("9007199254.740991", 2**53 - 1, 2**53 - 1),
        ("9007199254.7409911", 2**53 - 1, None),
        ("9007199254740991", None, None),
        ('"1_000"', None, None),
        ('" 1"', None, None),
        ('"01"', None, None),
        ('"1."', None, None),
        ('"\u0661"', None, None),
        ('"1e65"', None, None),
        ('"1e99999999999999999"', None, None),
        ('"NaN"', None, None),
        ("true", None, None),
    ],
)
def test_figures_have_exact_bounds(read: Any, written: str, floor: int | None, ceiling: int | None) -> None:
    fact = read("a.json", f'{{"a": {written}}}', "/a")
    assert (fact["floor_micro"], fact["ceiling_micro"]) == (floor, ceiling)


def test_a_decimal_is_never_a_text_that_a_policy_would_compare(watch: Any) -> None:
    evidence = watch("values", {"a.json": '{"a": 0.1}'}, read={"x": {"file": "a.json", "pointer": "/a"}})
    reasons = {missing.fact: (missing.reason, missing.remedy) for missing in evidence.problems}
    assert "decimal point" in reasons["x.value"][0]
    assert "x.floor_micro" in reasons["x.value"][1]


def test_integers_that_not_every_engine_holds_are_text(read: Any) -> None:
    fact = read("a.json", '{"a": 9007199254740992, "b": [9007199254740992, 9007199254740991]}', "/a")
    assert (fact["kind"], fact["value"], fact["text"]) == ("integer", None, "9007199254740992")
    nested = read("a.json", '{"a": 1, "b": [9007199254740992, 9007199254740991]}', "/b")
    assert nested["value"] == ["9007199254740992", 9007199254740991]


def test_null_false_zero_and_empty_are_different(read: Any) -> None:
    content = '{"n": null, "f": false, "z": 0, "s": "", "l": [], "o": {}}'
    assert [
        (read("a.json", content, f"/{name}")["kind"], read("a.json", content, f"/{name}")["value"])
        for name in "nfzslo"
    ] == [
        ("null", None),
        ("boolean", False),
        ("integer", 0),
        ("string", ""),
        ("array", []),
        ("object", {}),
    ]
    assert all(read("a.json", content, f"/{name}")["found"] for name in "nfzslo")


def test_a_null_inside_an_object_says_why(watch: Any) -> None:
    content = {"a": {"b": None, "c": [None], "d": {"e": None}}}
    evidence = watch("values", {"a.json": content}, read={"x": {"file": "a.json"}})
    named = {missing.fact for missing in evidence.problems}
    assert {"x.value.a.b", "x.value.a.d.e"} <= named
    assert evidence.facts["x"]["value"] == content


def test_an_absent_file_or_pointer_is_missing(watch: Any) -> None:
    reads = {
        "file": {"file": "none.json"},
        "member": {"file": "a.json", "pointer": "/a/b"},
        "element": {"file": "a.json", "pointer": "/l/2"},
        "far": {"file": "a.json", "pointer": "/l/" + "9" * 900},
        "scalar": {"file": "a.json", "pointer": "/n/0"},
        "word": {"file": "a.json", "pointer": "/l/first"},
    }
    evidence = watch("values", {"a.json": {"a": {}, "l": [1, 2], "n": 5}}, read=reads)
    reasons = {m.fact: m.reason for m in evidence.problems}
    assert reasons == {
        "file": "there is no file none.json",
        "member": "a.json: /a has no member 'b'",
        "element": "a.json: the array /l has only 2 elements",
        "far": "a.json: the array /l has only 2 elements",
        "scalar": "a.json: /n is neither an object nor an array",
        "word": "a.json: /l is an array, which has no member 'first'",
    }
    assert all(fact["found"] is False and fact["kind"] is None for fact in evidence.facts.values())


def test_names_and_texts_that_facts_may_not_show(read: Any) -> None:
    content = {"שם": "U1234567", 'a"b\\': 1}
    fact = read("a.json", content)
    assert fact["value"] == {"\\u05e9\\u05dd": "U****67", 'a"b\\': 1}
    assert read("a.json", content, "/שם")["text"] == "U****67"
    clash = read("a.json", {"ש": 1, "\\u05e9": 2})
    assert (clash["value"], clash["length"]) == (None, 2)


def test_large_values_are_counted_and_left_out(read: Any) -> None:
    content = {"list": list(range(1000)), "text": "x" * 4001, "most": list(range(999))}
    assert (read("a.json", content, "/list")["value"], read("a.json", content, "/list")["length"]) == (
        None,
        1000,
    )
    assert read("a.json", content, "/most")["value"] == list(range(999))
    text = read("a.json", content, "/text")
    assert (text["value"], text["text"], text["length"]) == (None, None, 4001)
    assert read("a.json", {"a": "x" * 4001})["value"] is None


# --- contracts and types ---------------------------------------------------------------------------------


def test_a_file_is_held_against_its_contract(look: Any) -> None:
    reads = {"x": {"file": "a.toml", "pointer": "/ratio", "contract": "contracts/ratio.json"}}
    files = {"contracts/ratio.json": SCHEMA, "a.toml": "ratio = 0.98"}
    evidence = look(files, read=reads)
    assert evidence.facts["x"]["floor_micro"] == 980_000
    assert [file.path for file in evidence.files] == ["a.toml", "contracts/ratio.json"]
    with pytest.raises(Rejected) as caught:
        look({"a.toml": "ratio = 1.5\n"}, read=reads)
    assert (caught.value.path, caught.value.place) == ("a.toml", "/ratio")
    assert "1.5 is greater than the maximum of 1" in caught.value.what


def test_csv_rows_are_held_against_a_contract(look: Any) -> None:
    row = {"type": "object", "properties": {"unit": {"enum": ["ms", "s"]}}}
    files = {"c.json": {"$schema": DRAFT, "type": "array", "items": row}, "m.csv": "unit\nms\nkg\n"}
    with pytest.raises(Rejected) as caught:
        look(files, read={"x": {"file": "m.csv", "contract": "c.json"}})
    assert caught.value.place == "/1/unit"


@pytest.mark.parametrize(
    ("contract", "said", "path"),
    [
        ({"type": "object"}, "declares no draft", "c.json"),
        ({"$schema": DRAFT, "type": "objekt"}, "is no usable contract", "c.json"),
        ({"$schema": DRAFT}, "accepts everything", "c.json"),
        (
            {"$schema": DRAFT, "allOf": [{"$ref": "https://example.com/a.json"}]},
            "leads to no readable file",
            "c.json",
        ),
        (
            {"$schema": DRAFT, "allOf": [{"$ref": "file:///etc/passwd"}]},
            "leads to no readable file",
            "c.json",
        ),
        ({"$schema": DRAFT, "allOf": [{"$ref": "../outside.json"}]}, "leads to no readable file", "c.json"),
        ("{", "malformed JSON", "c.json"),
        (None, "cannot be opened", "c.json"),
    ],
)
def test_a_bad_contract_is_an_error(look: Any, contract: Any, said: str, path: str) -> None:
    files = {"a.json": "{}", **({} if contract is None else {"c.json": contract})}
    with pytest.raises(Rejected, match=said) as caught:
        look(files, read={"x": {"file": "a.json", "contract": "c.json"}})
    assert caught.value.path == path


def test_a_contract_may_refer_to_another_and_to_itself(look: Any) -> None:
    files = {
        "schemas/c.json": {"$schema": DRAFT, "properties": {"a": {"$ref": "part.json"}, "b": {"$ref": "#"}}},
        "schemas/part.json": {"$schema": DRAFT, "type": "integer"},
        "a.json": {"b": {"b": {"a": "no"}}},
    }
    with pytest.raises(Rejected) as caught:
        look(files, read={"x": {"file": "a.json", "contract": "schemas/c.json"}})
    assert caught.value.place == "/b/b/a"


@pytest.mark.parametrize(
    ("value", "type_", "good"),
    [
        ("1", "integer", True),
        ("1", "number", True),
        ("1.0", "number", True),
        ("1.0", "integer", False),
        ("true", "integer", False),
        ("true", "boolean", True),
        ('"1"', "number", False),
        ('"1"', "string", True),
        ("null", "null", True),
        ("null", "object", False),
        ("[]", "array", True),
        ("{}", "object", True),
    ],
)
def test_a_value_must_have_the_type_asked_for(read: Any, value: str, type_: str, good: bool) -> None:
    if good:
        assert read("a.json", f'{{"a": {value}}}', "/a", type=type_)["found"]
        return
    with pytest.raises(Rejected, match=f"not an? {type_}") as caught:
        read("a.json", f'{{"a": {value}}}', "/a", type=type_)
    assert (caught.value.path, caught.value.place) == ("a.json", "/a")


def test_a_broken_file_hides_no_other_value(watch: Any) -> None:
    evidence = watch(
        "values",
        {"a.json": "{", "b.yaml": "a: [", "c.toml": "a", "d.csv": "a,a\n1,2\n", "e.json": "[1]"},
        read={
            "a": {"file": "a.json"},
            "b": {"file": "b.yaml"},
            "c": {"file": "c.toml"},
            "d": {"file": "d.csv"},
            "e": {"file": "e.json", "pointer": "/01"},
            "f": {"file": "e.json", "pointer": "/0"},
        },
    )
    rejected = {problem.fact: problem for problem in evidence.problems if problem.kind == "rejected"}
    assert {name: problem.path for name, problem in rejected.items()} == {
        "a": "a.json", "b": "b.yaml", "c": "c.toml", "d": "d.csv", "e": "e.json",
    }  # fmt: skip
    assert "names no element" in rejected["e"].reason
    assert evidence.facts["a"]["found"] is None
    assert evidence.facts["f"]["value"] == 1
    assert [(scope.looked_at, scope.understood) for scope in evidence.scopes] == [(6, 1)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no header"),
        ("\na,b\n", "no header"),
        ("a,b,a\n1,2,3\n", "'a' twice"),
        ('"a\n1\n', "malformed CSV"),
        ("a,b\n1\n", "1 columns"),
        ("a\n=cmd()\n", "formula"),
        (f"{'x' * 33_000}\n1\n", "longer than"),
        ("a" + "," * 200_000 + "\n", "twice"),
        (b"a\n\xff\n", "not UTF-8"),
    ],
)
def test_hostile_tables_are_refused(read: Any, content: Any, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        read("m.csv", content)


def test_a_table_with_too_many_cells_is_refused(read: Any) -> None:
    with pytest.raises(Rejected, match="more than 3 cells"):
        read("m.csv", "a,b\n1,2\n3,4\n", limits=Limits(json_items=3))


def test_links_and_paths_out_of_the_workspace_are_refused(look: Any, tmp_path: Any) -> None:
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    with pytest.raises(Rejected, match="symbolic link"):
        look({}, read={"x": {"file": "link.json"}})
    with pytest.raises(ConfigError, match="not a path inside"):
        look({}, read={"x": {"file": "../a.json"}})


# --- settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"file": "a.json", "pointer": "a"}, "pointer"),
        ({"file": "a.json", "pointer": "/~2"}, "pointer"),
        ({"file": "a.json", "pointer": "/~"}, "pointer"),
        ({"file": "a.json", "pointer": "/" + "a" * 1000}, "1000 characters"),
        ({"file": "a.txt"}, "say which format"),
        ({"file": "a.csv", "pointer": "/a/b"}, "row, column"),
        ({"file": "a.csv", "pointer": "/01/b"}, "row, column"),
        ({"file": "a.csv", "pointer": "/0/b/c"}, "row, column"),
        ({"file": "a.csv", "type": "boolean"}, "no value of type"),
        ({"file": "a.json", "type": "float"}, "type"),
        ({"file": "", "pointer": ""}, "file"),
        ({"file": "a.json", "scale": "micro"}, "scale"),
        ({}, "file"),
    ],
)
def test_settings_are_checked_when_they_are_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(ValuesOptions, {"read": {"x": options}}, ("evidence", "values"))
    assert (caught.value.place or "").startswith("evidence.values.read.x")
    assert said in caught.value.what + str(caught.value.place)


@pytest.mark.parametrize("name", ["A", "a-b", "a.b", "1a", "", "a\n", "é", "a" * 65])
def test_names_are_those_a_policy_can_write(name: str) -> None:
    value = {"read": {name: {"file": "a.json"}}}
    with pytest.raises(ValidationError, match=r"pattern|lower-case"):
        validate(ValuesOptions, value)
    with pytest.raises(Uncertain):
        build(ValuesOptions, value)


def test_good_settings_need_no_pydantic() -> None:
    value = {"read": {"x1_y": {"file": "a.csv", "pointer": "/0/~0~1", "type": "number"}}}
    assert build(ValuesOptions, value) == validate(ValuesOptions, value)
    assert build(ValuesOptions, value).read["x1_y"] == ValueRead("a.csv", "/0/~0~1", type="number")


# --- pointers --------------------------------------------------------------------------------------------

RFC_DOCUMENT = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, 'k"l': 6, " ": 7,
    "m~n": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC_DOCUMENT), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2),
        ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_the_examples_of_the_rfc(pointer: str, value: Any) -> None:
    """RFC 6901, section 5."""
    assert resolve(RFC_DOCUMENT, parse_pointer(pointer)) == value


def test_objects_may_have_members_that_look_like_indices() -> None:
    document = {"0": "a", "01": "b", "-": "c", "~1": "d"}
    assert [resolve(document, parse_pointer(p)) for p in ("/0", "/01", "/-", "/~01")] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("index", ["-", "00", "01", "007"])
def test_what_is_no_index_is_refused(index: str) -> None:
    with pytest.raises(NoIndex):
        resolve([1, 2], (index,))


@pytest.mark.parametrize("index", ["2", "1" * 19, "9" * 5000, "-1", "+1", "1.0", "1e0", "\u0661", "", " 1"])
def test_what_is_beyond_an_array_is_absent(index: str) -> None:
    with pytest.raises(Absent):
        resolve([1, 2], (index,))


KEYS = st.text(st.sampled_from("ab/~01-.é\n"), max_size=3)
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(["U1234567", "12.5", "x" * 4001]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def everything(document: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Every value of a document with the components that lead to it."""
    found = [((), document)]
    for parts, value in found:
        if isinstance(value, dict):
            found += [((*parts, key), child) for key, child in value.items()]
        elif isinstance(value, list):
            found += [((*parts, str(index)), child) for index, child in enumerate(value)]
    return found


@given(DOCUMENTS)
def test_every_value_has_a_pointer_that_leads_to_it(document: Any) -> None:
    for parts, value in everything(document):
        pointer = format_pointer(parts)
        assert parse_pointer(pointer) == parts
        assert resolve(document, parse_pointer(pointer)) is value


@given(DOCUMENTS, st.text(st.sampled_from("/~012-ab"), max_size=8))
def test_any_pointer_leads_to_a_value_of_the_document_or_says_why_not(document: Any, text: str) -> None:
    try:
        parts = parse_pointer(text)
    except ValueError as error:
        assert "JSON pointer" in str(error)
        return
    assert format_pointer(parts) == text
    try:
        value = resolve(document, parts)
    except (Absent, NoIndex) as error:
        assert str(error)
        return
    assert any(item is value and known == parts for known, item in everything(document))


@given(DOCUMENTS)
@example({"a.b": None, "a": {"b": 5}})
@example({"a.b": None, "a": {"b": None}})
def test_facts_about_any_value_can_be_signed_and_lose_nothing(document: Any) -> None:
    """What stands in facts is in the canonical profile, and every null at the top has its reason."""
    facts, missing = value_facts.describe(document, "x")
    assert json.loads(canonical(facts)) == facts
    names = [entry.fact for entry in missing]
    assert {f"x.{name}" for name in facts if facts[name] is None} <= set(names)
    assert len(names) == len(set(names))
    assert all(lookup({"x": facts}, name) is None for name in names)
    if isinstance(document, (int, Decimal)) and not isinstance(document, bool):
        assert Fraction(facts["text"]) == Fraction(document)
        if facts["floor_micro"] is not None and facts["ceiling_micro"] is not None:
            exact = Fraction(document) * 10**6
            assert facts["floor_micro"] <= exact <= facts["ceiling_micro"] < exact + 1
            assert facts["ceiling_micro"] - facts["floor_micro"] == (exact.denominator != 1)
