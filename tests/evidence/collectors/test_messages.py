"""Every message is held against its contract; what is wrong is counted, and the first ones are shown."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.base.settings import validate
from gate.evidence.collectors.messages import MessagesOptions
from gate.evidence.collectors.messages.contract import Contract
from gate.evidence.reading.json_lines import UNSURE, RecordReader

CONTRACTS = Path(__file__).parents[3] / "examples" / "ready" / "contracts"
INTENT, REPORT = "contracts/order_intent.schema.json", "contracts/execution_report.schema.json"
INTENTS, REPORTS = "messages/order_intents.jsonl", "messages/execution_reports-2.ndjson"
SHIPPED = {path: (CONTRACTS.parent / path).read_bytes() for path in (INTENT, REPORT)}
GOOD: dict[str, Any] = json.loads(SHIPPED[INTENT])["examples"][0]
FILLED: dict[str, Any] = json.loads(SHIPPED[REPORT])["examples"][0]
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def jsonl(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), **changes}


def intents(watch: Any, text: str | bytes, **others: Any) -> dict[str, Any]:
    facts = watch("messages", {**SHIPPED, INTENTS: text}, **others).facts["sets"]["order_intents"]
    return dict(facts)


def rejected(evidence: Any) -> list[Any]:
    return [problem for problem in evidence.problems if problem.kind == "rejected"]


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
    reasons = {missing.fact: missing.reason for missing in evidence.problems}
    assert "messages/order_intents*.jsonl" in reasons["sets.order_intents"]
    evidence = watch("messages", {INTENTS: "not even JSON"})
    reasons = {missing.fact: missing.reason for missing in evidence.problems}
    assert reasons["sets.order_intents"] == f"the contract {INTENT} does not exist"
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
        (b'{"a": ' + b"9" * 41 + b"}", "digits", "line 3, column 7"),
        (b'{"a": "\\udc00"}', "surrogate", "line 3, column 7"),
        (b'{"a": "\xff"}', "UTF-8", "line 3"),
        (b'{"a": "\x00"}', "NUL", "line 3"),
        (b"\xef\xbb\xbf{}", "byte order mark", "line 3"),
        (b"\r", "blank", "line 3"),
        (b"[" * 99 + b"]" * 99, "nests deeper", "line 3, column 65"),
    ],
)
def test_a_file_that_is_no_json_lines_is_rejected_and_the_others_are_counted(
    watch: Any, line: bytes, what: str, place: str
) -> None:
    bad = jsonl(GOOD, GOOD).encode() + line + b"\n{broken again\n"
    files = {INTENTS: bad, "messages/order_intents_2.jsonl": jsonl(GOOD, changed(quantity=0))}
    evidence = watch("messages", {**SHIPPED, **files, REPORTS: jsonl(FILLED)})
    (problem,) = rejected(evidence)
    assert what in problem.reason
    assert (problem.path, problem.place, problem.fact) == (INTENTS, place, "sets.order_intents")
    counted = {name: (one["records"], one["invalid"]) for name, one in evidence.facts["sets"].items()}
    assert counted == {"execution_reports": (1, 0), "order_intents": (2, 1)}


@pytest.mark.parametrize(
    ("figure", "valid"),
    [
        ("100000000000000007", 1),
        ("100000000000000008", 0),
        ("100000000000000006.9999", 1),
        ("1000000000000000.5", 1),
    ],
)
def test_no_number_is_rounded(watch: Any, figure: str, valid: int) -> None:
    sets = {"a": {"paths": ["a.jsonl"], "contract": "a.json"}}
    files = {"a.json": {"$schema": DRAFT, "type": "number", "maximum": 100000000000000007}, "a.jsonl": figure}
    facts = watch("messages", files, sets=sets).facts["sets"]["a"]
    assert (facts["valid"], facts["invalid"]) == (valid, 1 - valid)
    if not valid:
        assert figure in facts["offenders"][0]["message"]


def test_hostile_files_are_rejected(watch: Any, tmp_path: Path) -> None:
    def reason(text: str, limits: Limits = DEFAULT, **options: Any) -> str:
        (problem,) = rejected(watch("messages", {**SHIPPED, INTENTS: text}, limits=limits, **options))
        return str(problem.reason)

    assert "longer than 99 bytes" in reason(jsonl(GOOD), Limits(record_bytes=99))
    assert "more than 2 lines" in reason(jsonl(*[GOOD] * 5), Limits(records=2))
    # which stands before the long line
    assert "malformed JSON" in reason("{\n" + jsonl(GOOD), Limits(record_bytes=99))
    (tmp_path / "messages" / "link.jsonl").symlink_to("/etc/passwd")
    sets = {"a": {"paths": ["messages/link.jsonl"], "contract": INTENT}}
    assert "symbolic link" in reason(jsonl(GOOD), sets=sets)


@pytest.mark.parametrize(
    "schema", ["{", {}, {"$schema": DRAFT, "type": "objekt"}, {"$schema": DRAFT, "$ref": "gone"}]
)
def test_a_contract_that_is_none_is_rejected(watch: Any, schema: Any) -> None:
    evidence = watch("messages", {**SHIPPED, INTENT: schema, INTENTS: jsonl(GOOD), REPORTS: jsonl(FILLED)})
    assert [problem.path for problem in rejected(evidence)] == [INTENT]
    assert evidence.facts["sets"]["order_intents"]["records"] is None
    assert evidence.facts["sets"]["execution_reports"]["valid"] == 1


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


@pytest.mark.soak
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
            *("9007199254740992.0", "9007199254740993", "123456789012345678", "1E2"),
            *("0.1000000000000000055", "0.30000000000000001", "1e23", "1e-60"),
        ]
    )
    | st.decimals(-3, 3, places=2).map(str)
    | st.floats(-2, 2).map(repr)
)
bounds = st.sampled_from([0, 1, -1, 0.5, -0.5, 0.1, 0.3, 0.25, 2, 9007199254740992, 123456789012345678, 0.07])
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
    contract = Contract(jsonschema_rs.validator_for(whole, validate_formats=True))
    oracle = Oracle(whole)
    reader = RecordReader("m.jsonl", DEFAULT)
    for text in texts:
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
