"""What the engines were measured to answer, where they differ, and that the lint refuses what differs.

``differences.json`` has an expression a row, each engine's answer (``ERR``: an error, ``UNDEF``: undefined),
and why a difference is accepted although the lint cannot see it. A new version of an engine that answers
differently fails here: measure again, and change the lint with the table.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy import open_engine
from gate.engine.policy.bundle import load_bundle
from gate.engine.policy.engines.opa.address import parse_address
from gate.engine.policy.engines.opa.client import Client, Credentials
from gate.engine.policy.interface import Bundle
from gate.engine.policy.lint import check_module
from gate.evidence.base.errors import EngineError, GateError, PolicyError
from gate.evidence.base.limits import DEFAULT, MIB

TABLE = json.loads(Path(__file__).with_name("differences.json").read_text())
ROWS: list[dict[str, Any]] = TABLE["rows"]


def _module(row: dict[str, Any]) -> str:
    return f"package t\n\nx := {row['expression']}\n"


def _embedded(row: dict[str, Any]) -> Any:
    import regorus

    engine = regorus.Engine()
    engine.set_rego_v0(False)
    try:
        engine.add_policy("x.rego", _module(row))
        engine.set_input_json(json.dumps(row.get("input", {})))
        answer = json.loads(engine.eval_query_as_json("data.t"))
    except RuntimeError:
        return "ERR"
    return answer["result"][0]["expressions"][0]["value"].get("x", "UNDEF")


def _opa(client: Client, row: dict[str, Any]) -> Any:
    deadline = time.monotonic() + DEFAULT.policy_seconds
    try:
        client.put("table/x.rego", _module(row), deadline)
        value = client.ask("t", row.get("input", {}), deadline).value
    except GateError:
        return "ERR"
    return value.get("x", "UNDEF")


def _differ(row: dict[str, Any]) -> bool:
    return json.dumps(row["regorus"], sort_keys=True) != json.dumps(row["opa"], sort_keys=True)


def _refused(row: dict[str, Any]) -> bool:
    try:
        check_module("x.rego", _module(row), [])
    except PolicyError:
        return True
    return False


def test_the_embedded_engine_answers_as_measured() -> None:
    """Every expression of the table has the answer that it had when it was measured."""
    changed = {row["expression"]: found for row in ROWS if (found := _embedded(row)) != row["regorus"]}
    assert changed == {}, TABLE["engines"]


def test_opa_answers_as_measured(opa_server: Any) -> None:
    """The same of OPA, with strict errors, one module each."""
    client = Client(parse_address(f"opa={opa_server.address}"), Credentials(), 0, MIB)
    changed = {}
    for row in ROWS:
        found = _opa(client, row)
        if json.dumps(found, sort_keys=True) != json.dumps(row["opa"], sort_keys=True):
            changed[row["expression"]] = found
    client.delete("table/x.rego", time.monotonic() + DEFAULT.policy_seconds)
    client.close()
    assert changed == {}, TABLE["engines"]


def test_what_differs_is_refused() -> None:
    """By the lint, but for a few differences in values that only the run shows."""
    accepted = {row["expression"] for row in ROWS if _differ(row) and not _refused(row)}
    assert accepted == {row["expression"] for row in ROWS if "accepted" in row}
    assert len({row["accepted"] for row in ROWS if "accepted" in row}) == 5
    assert sum(map(_differ, ROWS)) > 50


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ('sprintf("%d", [input.v])', "sprintf with %d is not accepted"),
        ('sprintf("%v", input.v)', "sprintf needs its format as a string"),
        ("sprintf(input.v, [1])", "sprintf needs its format as a string"),
        ('sprintf("%v, %v", [count([1, 2])])', "sprintf has 2 verbs and 1 value"),
        ('sprintf("%v", ["a, b", 2])', "sprintf has 1 verb and 2 values"),
        ('sprintf("%s", [7])', "sprintf with %s is for text only"),
        ("regex.match(input.v, `a`)", "regex.match needs its pattern written out"),
        ("regex.match(`^\\w+$`, input.v)", "has signs that engines read differently"),
        ('regex.match("^\\\\d$", input.v)', "has signs that engines read differently"),
        ("regex.match(`a{1000}`, input.v)", "has signs that engines read differently"),
        ("regex.match(`(?x)a`, input.v)", "has signs that engines read differently"),
        ('indexof(input.v, "")', "indexof needs what is looked for written out"),
        ('strings.replace_n({"a": "b", "b": "c"}, input.v)', "of single characters that occur in no value"),
        ("strings.replace_n(input.w, input.v)", "strings.replace_n needs an object written out"),
        ('replace(input.v, input.w, "")', "replace needs what is looked for written out"),
        ("0.5", "the number 0.5 is no 64-bit integer"),
        ("input.v * 1e3", "the number 1e3 is no 64-bit integer"),
        ("9223372036854775808", "the number 9223372036854775808 is no 64-bit integer"),
        ("input.v[-1]", "a negative index is not accepted"),
    ],
)
def test_what_is_refused_says_what_to_write(expression: str, what: str) -> None:
    """With the line, and however it is laid out."""
    with pytest.raises(PolicyError) as caught:
        check_module("x.rego", f"package t # 0.5\n\n# 0.5\nx := [1,\n\t{expression},\n]\n", [])
    assert what in caught.value.what
    assert str(caught.value.place).startswith("line 5, column ")
    assert caught.value.remedy


def test_what_agrees_is_accepted() -> None:
    """Numbers in texts and names, negative numbers, lists in lists, commas in texts."""
    source = (
        'package t\n\nx1 := [-1, "0.5", `1e3`, input.v1[0], 5-1]\n\n'
        'y := sprintf("%v, %s (%v%%)", ["a,b", concat(",", ["x", "y"]), {"a": [1, 2]}])\n\n'
        "z := regex.match(`^(?:[A-Za-z0-9_.-]+|[^\\]]{1,3})\\.(?:x|y)*$`, input.v)\n\n"
        'w := replace(input.v, "é", strings.replace_n({"a": "b",\n\t"c": "d",\n}, input.w))\n'
    )
    check_module("x.rego", source, [])


def test_a_cross_check_refuses_what_no_lint_sees(opa: str) -> None:
    """A text for %s that is a number: the first rule that differs is named, and nothing is answered."""
    source = 'package gate.x\n\na := 1\n\ntext := sprintf("%s", [input.v])\n\nz := text\n'
    bundle = Bundle("small", "1", "0" * 64, {"x.rego": source}, {}, {}, (), ())
    from gate.engine.policy import EngineOptions

    for name in ("embedded", "opa"):
        with open_engine(name, bundle, DEFAULT, EngineOptions(cross_check=True)) as engine:
            assert engine.evaluate(["gate.x"], {"v": "é"})["gate.x"]["text"] == "é"
            with pytest.raises(EngineError) as caught:
                engine.evaluate(["gate.x"], {"v": 1})
            assert sorted(engine.name.split("+")) == ["opa", "regorus"]
        assert caught.value.what.startswith("the engines differ on gate.x.text: ")
        assert '"%!s(int64=1)"' in caught.value.what


def test_large_numbers_in_data_are_refused(tmp_path: Path) -> None:
    """As those in modules are."""
    files = {
        ".manifest": b'{"revision": "1", "metadata": {"name": "x"}}',
        "a.rego": b"package gate.a\n\nx := 1\n",
        "gate/params/data.yaml": b"n: -9223372036854775808\n",
    }
    with pytest.raises(PolicyError, match="more than 64 bits"):
        load_bundle(files)
