"""What every policy engine must do, asked of each one: the embedded engine, and stock OPA as the reference.

An engine joins by an entry in ``ENGINES``. ``server`` is a bundle uploaded to an OPA that others use, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.policy import open_engine
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.interface import Bundle, PolicyEngine
from gate.evidence.base.errors import EngineError, PolicyError
from gate.evidence.base.limits import DEFAULT, MIB, Limits

Load = Callable[..., Bundle]
Open = Callable[..., PolicyEngine]


ENGINES: dict[str, str] = {"embedded": "embedded", "opa": "opa", "server": "opa={address}"}


@pytest.fixture(params=["embedded", "opa", pytest.param("server", marks=pytest.mark.soak)])
def open_with(request: pytest.FixtureRequest) -> Open:
    """A factory of one kind of engine over a bundle."""
    name = ENGINES[request.param]
    if name != "embedded":
        request.getfixturevalue("opa")  # skips where there is no such program
    if "{address}" in name:
        name = name.format(address=request.getfixturevalue("opa_server").address)

    def make(bundle: Bundle, limits: Limits = DEFAULT) -> PolicyEngine:
        return open_engine(name, bundle, limits)

    return make


limited = pytest.mark.parametrize(
    "open_with", ["embedded", pytest.param("opa", marks=pytest.mark.soak)], indirect=True
)
"""The memory of a server that somebody runs is theirs to limit. Slow for OPA: ``make soak`` asks it."""


def module(body: str) -> dict[str, str | bytes | None]:
    """Changes that add a module of package gate.x."""
    return {"gate/x/x.rego": "package gate.x\n\n" + body}


def test_packages_are_evaluated(open_with: Open, load: Load) -> None:
    """Each package's value: rules by name, sets as lists, empty ones too."""
    facts = {"facts": {"coverage": {"line_ppm": 5}, "artifacts": {"found_ppm": 900_000}}}
    with open_with(load()) as engine:
        values = engine.evaluate(["gate.stage1", "gate.stage2"], facts)
    assert set(values) == {"gate.stage1", "gate.stage2"}
    assert values["gate.stage1"]["check_amount"]["holds"] is False
    assert values["gate.stage1"]["deny_amount"] == [
        {
            "code": "stage1.amount", "msg": "There is too little", "operand": "amount", "op": "≥",
            "expected": 800_000, "actual": 5, "unit": "ppm",
        }
    ]  # fmt: skip
    assert values["gate.stage2"]["check_amount"]["holds"] is True
    assert values["gate.stage2"]["deny_amount"] == []


def test_it_says_what_it_is(open_with: Open, load: Load) -> None:
    """A decision records the engine's name and version, which are known before and after a question."""
    engine = open_with(load(module("y := 1")))
    assert re.fullmatch(r"[a-z][a-z0-9_-]*", engine.name)
    assert re.match(r"\d+\.\d+", engine.version)
    with engine:
        engine.evaluate(["gate.x"], {})
        assert re.match(r"\d+\.\d+", engine.version)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def echo(open_with: Open) -> Iterator[PolicyEngine]:
    """An engine whose answer is the question."""
    source = "package gate.x\n\nsame := input.v\n\nset contains input.v\n"
    with open_with(Bundle("echo", "1", "0" * 64, {"x.rego": source}, {}, {}, (), ())) as engine:
        yield engine


@given(VALUES)
def test_values_go_through_unchanged(echo: PolicyEngine, value: Any) -> None:
    """Text of any script, nesting, null and integers of 64 bits come back as they went in."""
    assert echo.evaluate(["gate.x"], {"v": value})["gate.x"] == {"same": value, "set": [value]}


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 999_999_999_999_999_999, 2**53 + 1])
def test_large_integers_are_compared_exactly(open_with: Open, load: Load, value: int) -> None:
    """Two integers that a floating-point number cannot tell apart are different, sorted and counted."""
    other = value - 1 if value > 0 else value + 1
    body = (
        "less := input.v < input.w\n\nsame := input.v == input.w\n\ns contains input.v\n\ns contains input.w"
    )
    with open_with(load(module(body))) as engine:
        found = engine.evaluate(["gate.x"], {"v": value, "w": other})["gate.x"]
    assert found == {"less": value < other, "same": False, "s": sorted([value, other])}


def test_sets_are_sorted(open_with: Open, load: Load) -> None:
    """A set has one order, whatever order its members were made in."""
    with open_with(load(module("s contains x if { some x in input.v }"))) as engine:
        values = engine.evaluate(["gate.x"], {"v": ["b", "é", "a", "ת", "B"]})
    assert values["gate.x"]["s"] == ["B", "a", "b", "é", "ת"]


def test_long_lines_and_large_documents(open_with: Open, load: Load) -> None:
    """Generated policies with long lines, and megabytes of facts, are no problem."""
    body = "long := " + json.dumps("x" * 30_000) + "\n\nn := count(input.v)"
    with open_with(load(module(body))) as engine:
        values = engine.evaluate(["gate.x"], {"v": ["y" * 100] * 50_000})
    assert values["gate.x"]["n"] == 50_000
    assert len(values["gate.x"]["long"]) == 30_000


def test_parse_errors_name_file_line_and_column(open_with: Open, load: Load) -> None:
    """A module that is not Rego is a policy error with its place, at the first question and at any other."""
    with open_with(load(module("x := {\n\ny := ]"))) as engine:
        for _ in range(2):
            with pytest.raises(PolicyError) as caught:
                engine.evaluate(["gate.x"], {})
            assert (caught.value.path or "").endswith("gate/x/x.rego")
            assert re.fullmatch(r"line 5, column \d+", str(caught.value.place))


@pytest.mark.parametrize(
    "body",
    [
        "x := 1 if input.a\n\nx := 2 if input.a",
        "f(a) := 1\n\nf(a) := 2 if a\n\nx := f(input.a)",
        "x := y\n\ny := x",
        "x := format_int(input.list, 10)",
        "x := sum(input.list)",
    ],
)
def test_rules_that_fail_are_errors(open_with: Open, load: Load, body: str) -> None:
    """A conflict, a cycle and a built-in that fails each end in an error with the file, not in silence."""
    with open_with(load(module(body))) as engine, pytest.raises((EngineError, PolicyError)) as caught:
        engine.evaluate(["gate.x"], {"a": True, "list": ["a"]})
    assert (caught.value.path or "").endswith("gate/x/x.rego")
    assert re.fullmatch(r"line \d+, column \d+", str(caught.value.place))


@pytest.mark.parametrize("package", ["gate.nothing", "gate.x.y", "nothing"])
def test_an_undefined_package_is_an_error(open_with: Open, load: Load, package: str) -> None:
    """Nothing evaluated is never a value."""
    with open_with(load(module("y := 1"))) as engine, pytest.raises(EngineError) as caught:
        engine.evaluate(["gate.x", package], {})
    assert caught.value.what == f"the package {package} is undefined, so nothing was evaluated"
    assert caught.value.remedy


def test_many_questions(open_with: Open, load: Load) -> None:
    """Each answer is that of its own question, also where a fact of an earlier question is absent."""
    body = "default y := 0\n\ny := input.v\n\nseen contains x if some x in input.list"
    with open_with(load(module(body))) as engine:
        for number in range(1, 6):
            answer = engine.evaluate(["gate.x"], {"v": number, "list": [number]})
            assert answer == {"gate.x": {"y": number, "seen": [number]}}
            assert engine.evaluate(["gate.x"], {}) == {"gate.x": {"y": 0, "seen": []}}


HUGE = """\
x := count([1 |
	some a in numbers.range(1, input.n)
	some b in numbers.range(1, input.n)
	some c in numbers.range(1, input.n)
	a + b + c == 0
])
"""

GREEDY = """\
x := count({concat("-", [text, sprintf("%v", [a])]) |
	some a in numbers.range(1, input.n)
	some text in input.texts
})
"""


@pytest.mark.soak
@limited
@pytest.mark.parametrize(
    ("body", "n", "limits"),
    [
        (HUGE, 3000, Limits(policy_seconds=1.0)),
        (GREEDY, 20_000, Limits(policy_memory_bytes=512 * MIB)),
        ("x := 1 if input.n == 1\n\nx := 2 if input.n > 0", 1, DEFAULT),
    ],
    ids=["time", "memory", "conflict"],
)
def test_an_error_ends_one_question_only(
    open_with: Open, load: Load, body: str, n: int, limits: Limits
) -> None:
    """A question that exceeds a limit, or fails, is an error; the next one is answered, and so on."""
    with open_with(load(module(body)), limits) as engine:
        for _ in range(2):
            with pytest.raises(EngineError):
                engine.evaluate(["gate.x"], {"n": n, "texts": ["x" * 100_000]})
            assert "x" in engine.evaluate(["gate.x"], {"n": 2, "texts": ["x"]})["gate.x"]


@limited
def test_each_question_has_its_own_time(open_with: Open, load: Load) -> None:
    """Many short questions may together take longer than one of them may."""
    import time

    with open_with(load(module("y := input.v")), Limits(policy_seconds=1.0)) as engine:
        start, number = time.monotonic(), 0
        while time.monotonic() < start + 1.1:
            number += 1
            assert engine.evaluate(["gate.x"], {"v": number}) == {"gate.x": {"y": number}}


@limited
def test_the_shipped_bundle_is_defined_for_no_facts_at_all(open_with: Open) -> None:
    """The shipped packages have a value even for an empty input: undefined facts never hide a rule."""
    packages = [f"gate.stage{number}" for number in range(1, 9)]
    with open_with(load_bundle(SHIPPED)) as engine:
        assert list(engine.evaluate(packages, {"facts": {}, "now_s": 0})) == packages
