"""Every message is held against its contract; what is wrong is counted, and the first ones are shown."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.evidence.collectors.messages import MessagesOptions
from gate.evidence.collectors.messages.contract import Contract
from gate.evidence.errors import EvidenceError
from gate.evidence.json_lines import UNSURE, RecordReader
from gate.evidence.limits import DEFAULT, Limits
from gate.evidence.settings import validate

CONTRACTS = Path(__file__).parents[3] / "examples" / "ready" / "contracts"
INTENT, REPORT = "contracts/order_intent.schema.json", "contracts/execution_report.schema.json"
INTENTS, REPORTS = "messages/order_intents.jsonl", "messages/execution_reports-2.ndjson"
SHIPPED = {path: (CONTRACTS.parent / path).read_bytes() for path in (INTENT, REPORT)}
GOOD: dict[str, Any] = json.loads(SHIPPED[INTENT])["examples"][0]
FILLED: dict[str, Any] = json.loads(SHIPPED[REPORT])["examples"][0]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="helpers are forked on Linux only")
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def jsonl(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), **changes}


def intents(watch: Any, text: str | bytes, **others: Any) -> dict[str, Any]:
    facts = watch("messages", {**SHIPPED, INTENTS: text}, **others).facts["sets"]["order_intents"]
    return dict(facts)


def test_good_messages_are_counted_and_their_times_read(watch: Any) -> None:
    later = changed(timestamp="2025-11-06T20:00:00+01:00", limit_price=None)
    evidence = watch(
        "messages", {**SHIPPED, INTENTS: jsonl(GOOD, later), REPORTS: json.dumps({**FILLED, "fills": []})}
    )
    facts = evidence.facts["sets"]["order_intents"]
    assert (facts["records"], facts["valid"], facts["invalid"]) == (2, 2, 0)
    assert facts["files"] == [{"path": INTENTS, "records": 2, "invalid": 0}]
    assert (facts["first_s"], facts["last_s"]) == (1762439460, 1762455600)
    assert evidence.facts["sets"]["execution_reports"]["records"] == 1
    assert (evidence.observed_at, evidence.format) == ("2025-11-06T19:00:00Z", "JSON Lines")
    assert {file.path for file in evidence.files} == {INTENT, REPORT, INTENTS, REPORTS}
    assert facts["contract_sha256"] == next(f.sha256 for f in evidence.files if f.path == INTENT)


def test_invalid_messages_are_shown_with_line_place_and_rule(watch: Any) -> None:
    facts = intents(
        watch,
        jsonl(
            GOOD,
            changed(order_type="MARKET", quantity=0),
            changed(signal_score=0.51),
            {key: value for key, value in GOOD.items() if key != "symbol"},
            changed(quantity=-1),
            changed(timestamp="yesterday"),
        ),
    )
    assert (facts["records"], facts["valid"], facts["invalid"]) == (6, 1, 5)
    assert [(one["line"], one["pointer"], one["violations"]) for one in facts["offenders"]] == [
        (2, "/order_type", 2), (3, "/signal_score", 1), (4, "", 1), (5, "/quantity", 1), (6, "/timestamp", 1),
    ]  # fmt: skip
    assert facts["offenders"][0]["message"] == '"MARKET" is not one of "MKT" or "LMT"'
    assert facts["offenders"][1]["rule"] == "/properties/signal_score/maximum"
    assert facts["rules"][0] == {"rule": "/properties/quantity/minimum", "records": 2}
    assert [one["records"] for one in facts["rules"]] == [2, 1, 1, 1, 1]


def test_only_the_first_offenders_are_shown_and_all_are_counted(watch: Any) -> None:
    facts = intents(watch, jsonl(*[changed(quantity=0)] * 9), limits=Limits(problems=4))
    assert [one["line"] for one in facts["offenders"]] == [1, 2, 3, 4]
    assert facts["invalid"] == 9
    files = {f"messages/order_intents{number}.jsonl": jsonl(changed(quantity=0)) for number in range(6)}
    facts = watch("messages", {**SHIPPED, INTENTS: "", **files}, limits=Limits(problems=4)).facts["sets"][
        "order_intents"
    ]
    assert (facts["files_total"], len(facts["files"]), len(facts["offenders"])) == (7, 4, 4)
    assert facts["records"] == 6


def test_nothing_to_read_is_missing_and_an_empty_file_has_no_records(watch: Any) -> None:
    evidence = watch("messages")
    assert evidence.facts["sets"]["order_intents"]["records"] is None
    reasons = {missing.fact: missing.reason for missing in evidence.missing}
    assert "messages/order_intents*.jsonl" in reasons["sets.order_intents.invalid"]
    evidence = watch("messages", {INTENTS: "not even JSON"})
    reasons = {missing.fact: missing.reason for missing in evidence.missing}
    assert reasons["sets.order_intents.valid"] == f"the contract {INTENT} does not exist"
    facts = intents(watch, "")
    assert (facts["records"], facts["invalid"], facts["first_s"]) == (0, 0, None)


def test_sets_are_what_the_workspace_says(watch: Any) -> None:
    sets = {"ticks": {"paths": ["t/**/*.jsonl"], "contract": "t.json", "time": "at"}}
    files = {
        "t.json": {"$schema": DRAFT, "properties": {"p": {"$ref": "more/price.json"}}},
        "more/price.json": {"$schema": DRAFT, "type": "number", "minimum": 0.25},
        "t/a/b.jsonl": '{"p": 0.25, "at": 5}\n{"p": 0.2}\n[]\n',
    }
    facts = watch("messages", files, sets=sets).facts["sets"]
    assert list(facts) == ["ticks"]
    assert [(one["pointer"], one["rule"]) for one in facts["ticks"]["offenders"]] == [("/p", "/minimum")]
    for name in ("A", "a.b", ""):
        with pytest.raises(ValueError, match="not lower-case"):
            validate(MessagesOptions, {"sets": {name: sets["ticks"]}})


@pytest.mark.parametrize(
    ("line", "what", "place"),
    [
        (b'{"a": 1', "malformed JSON", "line 3, column 8"),
        (b'{"a": 1} {}', "Extra data", "line 3, column 10"),
        (b'{"a": 1, "a": 1}', "twice", "line 3, column 10"),
        (b'{"a": NaN}', "NaN", "line 3, column 7"),
        (b'{"a": 1e999}', "supported range", "line 3, column 7"),
        (b'{"a": 12345678901234567890}', "digits", "line 3, column 7"),
        (b'{"a": "\\udc00"}', "surrogate", "line 3, column 7"),
        (b'{"a": "\xff"}', "UTF-8", "line 3"),
        (b'{"a": "\x00"}', "NUL", "line 3"),
        (b"\xef\xbb\xbf{}", "byte order mark", "line 3"),
        (b"\r", "blank", "line 3"),
        (b"[" * 99 + b"]" * 99, "nests deeper", "line 3, column 65"),
    ],
)
def test_a_file_that_is_no_json_lines_is_an_error(watch: Any, line: bytes, what: str, place: str) -> None:
    start = jsonl(GOOD, GOOD).encode()
    with pytest.raises(EvidenceError) as caught:
        intents(watch, start + line + b"\n{broken again\n")
    assert what in caught.value.what
    assert (caught.value.path, caught.value.place) == (INTENTS, place)


def test_hostile_files_are_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="longer than 99 bytes"):
        intents(watch, jsonl(GOOD), limits=Limits(record_bytes=99))
    with pytest.raises(EvidenceError, match="more than 2 lines"):
        intents(watch, jsonl(*[GOOD] * 5), limits=Limits(records=2))
    with pytest.raises(EvidenceError, match="malformed JSON") as caught:  # which stands before the long line
        intents(watch, "{\n" + jsonl(GOOD), limits=Limits(record_bytes=99))
    assert caught.value.place == "line 1, column 2"
    (tmp_path / INTENTS).unlink()
    (tmp_path / INTENTS).symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("messages", SHIPPED)


@pytest.mark.parametrize(
    "schema", ["{", {}, {"$schema": DRAFT, "type": "objekt"}, {"$schema": DRAFT, "$ref": "gone"}]
)
def test_a_contract_that_is_none_is_an_error(watch: Any, schema: Any) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("messages", {INTENT: schema, INTENTS: jsonl(GOOD)})
    assert caught.value.path == INTENT


@pytest.mark.parametrize(
    "record",
    [
        changed(account_id="du7654321"),
        changed(account_id="U7654321"),
        changed(account_id=7654321),
        changed(accountId="U7654321"),
        changed(symbol="DU7654321-and-longer-than-16"),
        changed(risk_checks={"account": "U7654321"}),
        changed(DU7654321=1),
        ["U7654321", {"account_id": "x7654321"}],
    ],
)
def test_no_account_id_is_quoted(watch: Any, record: Any) -> None:
    facts = intents(watch, jsonl(record))
    assert facts["invalid"] == 1
    assert "7654321" not in json.dumps(facts)


HELPERS = """
import json, sys
from pathlib import Path
from gate.evidence import children
from gate.evidence.collectors.messages import bulk
from gate.evidence.collectors.messages import read_contract
from gate.evidence.errors import EvidenceError, InternalError
from gate.evidence.workspace import Workspace
assert children.possible()
root = Path(sys.argv[1])
good = json.loads((root / "c.json").read_text())["examples"][0]
def many(bad, **change):
    with (root / "m.jsonl").open("w") as file:
        for number in range(1, 9001):
            record = {**good, "quantity": number, **(change if number in bad else {})}
            print("{" if number in bad and not change else json.dumps(record), file=file)
def tally(helpers):
    view = Workspace(root).view()
    result = bulk.check_file(view, "m.jsonl", read_contract(view, "c.json"), helpers)
    assert view.files[-1].path == "m.jsonl" and children.possible()
    return result
"""


def in_a_process_of_its_own(tmp_path: Path, script: str) -> None:
    (tmp_path / "c.json").write_bytes(SHIPPED[INTENT])
    done = subprocess.run(
        [sys.executable, "-c", HELPERS + script, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@LINUX
def test_helpers_find_what_one_process_finds(tmp_path: Path) -> None:
    in_a_process_of_its_own(
        tmp_path,
        """
bad = range(7, 9000, 83)
many(bad, direction="x", limit_price=0)
alone = tally(0)
assert (alone.records, alone.invalid, len(alone.offenders)) == (9000, len(bad), 50)
names = ("/properties/direction/enum", "/properties/limit_price/exclusiveMinimum")
assert alone.rules == dict.fromkeys(names, len(bad))
for helpers in (1, 3, None):
    found = tally(helpers)
    assert found.to_json() == alone.to_json() and found.ends == alone.ends
""",
    )


@LINUX
def test_the_first_fault_is_named_whoever_finds_it(tmp_path: Path) -> None:
    in_a_process_of_its_own(
        tmp_path,
        """
many(range(5431, 9000, 7))
for helpers in (0, 1, 2, 3):
    try:
        tally(helpers)
        raise SystemExit("nothing was found")
    except EvidenceError as error:
        assert error.place == "line 5431, column 2", error.place
        assert children.possible()
""",
    )


@LINUX
def test_a_helper_that_dies_is_an_error_and_never_a_lower_count(tmp_path: Path) -> None:
    in_a_process_of_its_own(
        tmp_path,
        """
import os, signal
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def fail(*_): raise MemoryError("no more")
many([])
for doing, said in (
    (die, "the process for checking messages was ended by SIGKILL"),
    (fail, "MemoryError: no more (in the process for checking messages"),
):
    bulk._serve = doing
    try:
        tally(2)
        raise SystemExit("nothing was said")
    except InternalError as error:
        assert said in str(error), error
""",
    )


def test_a_large_record_with_a_violation_everywhere_is_cut_short(watch: Any) -> None:
    sets = {"a": {"paths": ["a.jsonl"], "contract": "a.json"}}
    schema = {"$schema": DRAFT, "items": {"type": "string"}}
    record = "[" + "1," * 200_000 + "1]"
    facts = watch("messages", {"a.json": schema, "a.jsonl": record}, sets=sets).facts["sets"]["a"]
    assert facts["offenders"][0]["violations"] == 1
    assert (facts["offenders"][0]["pointer"], facts["rules"][0]["records"]) == ("/0", 1)


# --- one answer: quick, exact, and by another library ------------------------------------------------------

numbers = (
    st.sampled_from(
        [
            *("0", "1", "-1", "2", "0.5", "0.50", "-0.5", "0.49999999999999994", "0.5000000000000001", "1.0"),
            *("0.1", "0.3", "0.30000000000000004", "1e-05", "-0.0", "0.07", "2.5", "0.499999999999999999"),
            *("9007199254740993", "1E2"),
        ]
    )
    | st.decimals(-3, 3, places=2).map(str)
    | st.floats(-2, 2).map(repr)
)
bounds = st.sampled_from([0, 1, -1, 0.5, -0.5, 0.1, 0.3, 0.25, 2, 9007199254740992, 0.07])
number_schema = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["integer", "number", ["number", "null"], "string"]),
        "minimum": bounds,
        "maximum": bounds,
        "exclusiveMinimum": bounds,
        "exclusiveMaximum": bounds,
        "multipleOf": st.sampled_from([0.01, 0.1, 1, 0.5, 0.07]),
        "enum": st.lists(bounds, min_size=1, max_size=3, unique=True),
        "const": bounds,
    },
)
any_schema = st.recursive(
    number_schema,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "items": inner,
            "not": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "if": inner,
            "then": inner,
            "additionalProperties": inner | st.booleans(),
            "uniqueItems": st.booleans(),
            "$ref": st.sampled_from(["#/$defs/d", "#", "#/properties/a"]),
        },
    ),
    max_leaves=6,
)
documents = st.recursive(
    numbers | st.sampled_from(["null", "true", '"x"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2).map(
            lambda items: "{" + ", ".join(f'"{name}": {value}' for name, value in items.items()) + "}"
        )
    ),
    max_leaves=6,
)


def whole_number(_: Any, value: Any) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


Oracle = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", whole_number),
)


def exactly(value: Any) -> Any:
    """A schema's floats as the decimals they are written as, the way files are read."""
    return json.loads(json.dumps(value), parse_float=Decimal)


@given(any_schema, number_schema, st.lists(documents, min_size=1, max_size=3))
@example({"properties": {"a": {"maximum": 0.5}}, "not": {"$ref": "#/properties/a"}}, {}, ['{"a": 1}'])
@example({"properties": {"a": {"exclusiveMinimum": 0.5}}}, {}, ['{"a": 0.5}', '{"a": 0.5000000000000001}'])
@example({"not": {"properties": {"a": {"minimum": 0.5}}}}, {}, ['{"a": 0.25}'])
@example({"properties": {"a": {"multipleOf": 0.07}}}, {}, ['{"a": 0.07}'])
def test_quick_and_exact_and_another_library_agree(
    schema: dict[str, Any], definition: dict[str, Any], texts: list[str]
) -> None:
    whole = exactly({"$schema": DRAFT, **schema, "$defs": {"d": definition}})
    properties = whole.get("properties", {})
    references = json.dumps(schema)
    if '"#"' in references or ('"#/properties/a"' in references and "a" not in properties):
        return  # endless, or leads nowhere
    if '"#/properties/a"' in json.dumps(schema.get("properties", {})):
        return
    contract = Contract(whole, "c.json", lambda uri: {})
    oracle = Oracle(whole)
    reader = RecordReader("m.jsonl", DEFAULT)
    for text in [*texts, *texts]:
        record = reader.quick(text.encode())
        try:
            exact = reader.strict(text.encode(), 1)
        except EvidenceError:
            assert record is UNSURE
            continue
        found = contract.violations(exact, len(text))
        if record is not UNSURE and contract.accepts(record):
            assert not found
        if "multipleOf" not in references + json.dumps(definition):
            assert oracle.is_valid(exact) == (not found)


# --- what is recognised by its layout is good --------------------------------------------------------------


def recognised(schema: Any, learned: str, *lines: str) -> list[bool]:
    made = Contract(exactly(schema), "c.json", lambda uri: {}).recogniser(DEFAULT)
    made.learn(learned.encode())
    return [made.knows(line.encode()) for line in lines]


@pytest.mark.parametrize("name", ["order_intent", "execution_report", "bar_event", "market_events", "orders"])
def test_the_shipped_contracts_are_of_the_usual_kind(name: str) -> None:
    schema = json.loads((CONTRACTS / f"{name}.schema.json").read_bytes())
    text = json.dumps(schema["examples"][0])
    assert recognised(schema, text, text, text[:-1], text + " ") == [True, False, False]


@pytest.mark.parametrize(
    ("schema", "good", "left"),
    [
        ({"type": "integer"}, ["1", "-5", "0", "-0"], ["1.0", "1e2", '"1"', "null", "01", "9" * 16]),
        ({"minimum": 0}, ["0", "0.5", '"x"', "null", "true"], ["-1", "-0.0", '"\\u0041"', '"é"', '"\x01"']),
        ({"type": "number", "exclusiveMinimum": 0}, ["0.01", "5", "10.0"], ["0", "0.000", "-1"]),
        ({"type": "number", "maximum": 0.5}, ["0.5", "-9", "0.49"], ["0.51", "0.50000000000000001", "1e-3"]),
        ({"type": "number", "exclusiveMaximum": 2, "minimum": -0.5}, ["1.99", "-0.5"], ["2", "2.0", "-0.51"]),
        ({"type": ["integer", "null"], "minimum": 1}, ["null", "1", "10"], ["0", "-1", "1.5"]),
        ({"enum": ["BUY", "SELL", None, 1]}, ['"BUY"', "null"], ["1", '"buy"', '"BU"']),
        ({"const": "a.b", "type": "string"}, ['"a.b"'], ['"axb"']),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"abc"'], ['"a"', '"abcd"', '""']),
        ({"type": "string", "pattern": "^[0-9a-f]{4}$"}, ['"00ff"'], ['"00f"', '"00ff0"', '"00fg"']),
        ({"pattern": "^[0-9]+\\.[0-9]+$", "maxLength": 4}, ['"1.23"', "null"], ['"1.234"', '"1.2a"']),
        ({"type": "string", "format": "date-time"},
         ['"2024-02-28T23:59:59Z"', '"2025-12-31T00:00:00.123456789+05:30"'],
         ['"2025-02-29T00:00:00Z"', '"2025-04-31T00:00:00Z"', '"2025-11-06"', '"2025-11-06T24:00:00Z"']),
        ({"items": {"minimum": 0}}, ["[1]"], ["[-1]"]),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, ['{"a": true}'], ['{"a": 1}']),
    ],
)  # fmt: skip
def test_what_is_recognised(schema: Any, good: list[str], left: list[str]) -> None:
    whole = {"$schema": DRAFT, **schema}
    assert recognised(whole, good[0], *good) == [True] * len(good)
    assert recognised(whole, good[0], *left) == [False] * len(left)


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {"const": 5}}, {"anyOf": [True]}, {"multipleOf": 2}, {"$ref": "c.json#/$defs/x"},
        {"uniqueItems": True}, {"minProperties": 1}, {"pattern": "^a|b$"}, {"pattern": "a"}, {"x-mine": 1},
        {"pattern": "^(a)$"},
        {"format": "uuid"}, {"$id": "urn:x"}, {"minimum": 0.1234567890123456}, {"enum": [7]},
        {"enum": ["a"], "minLength": 1}, {"$ref": "#/$defs/x", "type": "string"}, {"$dynamicRef": "#x"},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_to_the_validator(schema: Any) -> None:
    made = Contract({"$schema": DRAFT}, "c.json", lambda uri: {})
    made._schema = exactly({"properties": {"a": schema}, "$defs": {"x": True}})
    recogniser = made.recogniser(DEFAULT)
    recogniser.learn(b'{"a": "abc"}')
    assert not recogniser.knows(b'{"a": "abc"}')


def test_tight_limits_leave_everything_to_the_strict_parser() -> None:
    made = Contract({"$schema": DRAFT, "type": "array"}, "c.json", lambda uri: {})
    for limits in (Limits(json_items=9), Limits(integer_digits=3), Limits(decimal_exponent=2)):
        recogniser = made.recogniser(limits)
        recogniser.learn(b"[1, 2]")
        assert not recogniser.knows(b"[1, 2]")


usual_scalar = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            [
                "string",
                "integer",
                "number",
                "boolean",
                "null",
                ["string", "null"],
                ["number", "null"],
                "object",
            ]
        ),
        "minimum": bounds,
        "maximum": bounds,
        "exclusiveMinimum": bounds,
        "exclusiveMaximum": bounds,
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(
            [
                "^[a-c]+$",
                "^a?b*$",
                "^[0-9]{2}$",
                "^x",
                "^[a-]{1,2}$",
                "^.$",
                "^a|b$",
                "^[^a]$",
                "^\\.?[.]$",
                "^$",
            ]
        ),
        "format": st.sampled_from(["date-time", "date-time", "date"]),
        "enum": st.lists(
            st.sampled_from(["a", "b.", None, True, 1, "é"]), min_size=1, max_size=3, unique=True
        ),
        "const": st.sampled_from(["a", None, False, 0]),
        "description": st.just("x"),
        "$ref": st.sampled_from(["#/$defs/d", "#/$defs/e"]),
    },
)
usual = st.recursive(
    usual_scalar | st.booleans(),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", ["object", "null"], "array"]),
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "required": st.lists(st.sampled_from("ab"), unique=True),
            "additionalProperties": st.booleans(),
            "items": inner,
            "minItems": st.just(1),
        },
    ),
    max_leaves=6,
)
texts = st.recursive(
    numbers
    | st.sampled_from(
        ["null", "true", "false", '"a"', '"b."', '"ab"', '""', '"10"', '"é"', '"."', '"a\\u0062"']
    )
    | st.sampled_from(['"2025-11-06T00:00:00Z"', '"0000-01-01T00:00:00Z"', '"2025-11-31T00:00:00.5+23:59"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.lists(st.tuples(st.sampled_from("abb"), inner), max_size=3).map(
            lambda items: "{" + ", ".join(f'"{name}": {value}' for name, value in items) + "}"
        )
    ),
    max_leaves=6,
)


@given(usual, usual_scalar, usual_scalar, st.lists(texts, min_size=1, max_size=6))
def test_what_is_recognised_is_good(schema: Any, one: Any, two: Any, lines: list[str]) -> None:
    one.pop("$ref", None)
    whole = exactly(
        {
            "$schema": DRAFT,
            **(schema if isinstance(schema, dict) else {"not": not schema}),
            "$defs": {"d": one, "e": two},
        }
    )
    if two.get("$ref") == "#/$defs/e":
        return
    made = Contract(whole, "c.json", lambda uri: {})
    recogniser = made.recogniser(DEFAULT)
    reader = RecordReader("m.jsonl", DEFAULT)
    for text in [*lines, *lines]:
        line = text.encode()
        try:
            found = made.violations(reader.strict(line, 1), len(line))
        except EvidenceError:
            assert not recogniser.knows(line)
            continue
        if found:
            assert not recogniser.knows(line)
        else:
            recogniser.learn(line)
