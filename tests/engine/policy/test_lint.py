"""What no module of a bundle may do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gate.engine.policy.annotations import read_annotations
from gate.engine.policy.bundle import SHIPPED
from gate.engine.policy.lint import ALLOWED_BUILTINS, check_module
from gate.evidence.base.errors import PolicyError


def check(body: str) -> None:
    """Lint a module of package gate.x; its body starts on line 3."""
    source = "package gate.x\n\n" + body
    _, _, heads = read_annotations("x.rego", source)
    check_module("x.rego", source, heads)


def refused(body: str) -> PolicyError:
    """The error about the body, with file, line and what to write instead."""
    with pytest.raises(PolicyError) as caught:
        check(body)
    assert caught.value.path == "x.rego"
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("body", "name", "line"),
    [
        ('x := http.send({"url": "http://127.0.0.1"})', "http.send", 3),
        ("x := time.now_ns()", "time.now_ns", 3),
        ("x := time.now_ns ()", "time.now_ns", 3),
        ("x := time.now_ns\n()", "time.now_ns", 3),
        ("x := [1 |\n\ttime.now_ns( )]", "time.now_ns", 4),
        ('x := rand.intn("a", 5)', "rand.intn", 3),
        ("x := opa.runtime()", "opa.runtime", 3),
        ('x := uuid.rfc4122("a")', "uuid.rfc4122", 3),
        ('x := net.lookup_ip_addr("a")', "net.lookup_ip_addr", 3),
        ('x := trace("a")', "trace", 3),
        ('x if {\n\ty := "#"; z := io.jwt.decode(y)\n}', "io.jwt.decode", 4),
        ("x := `#` + http.send({})", "http.send", 3),
        ("x := Unknown(1)", "Unknown", 3),
        ("x if f(1)", "f", 3),
    ],
)
def test_impure_and_unknown_functions_are_refused(body: str, name: str, line: int) -> None:
    """Clock, network, randomness and everything not on the list, however it is laid out."""
    error = refused(body)
    assert error.what == f"the function {name!r} is not accepted in a policy"
    assert re.fullmatch(rf"line {line}, column \d+", error.place or "")


def test_functions_of_the_list_and_of_the_bundle_are_accepted() -> None:
    """Pure built-ins, own functions and full references pass; strings and comments do not count."""
    check(
        'f(y) := count(y) # not http.send()\n\nx := f([1]) + data.gate.lib.g(2)\n\ntext := "time.now_ns()"\n'
        "\nraw := `\nhttp.send(\n`\n\nlist := {y | some y in ({1} - {2})}\n\nz if (x > 1)\n"
    )


@pytest.mark.parametrize(
    "body", ["import data.x", " import data.gate.lib as l", "\timport  data.x", "import\n data.x"]
)
def test_imports_of_packages_are_refused(body: str) -> None:
    """Aliases of packages are resolved differently by engines."""
    error = refused(body)
    assert "imports of packages are not accepted" in error.what
    assert error.place == "line 3, column 1"
    assert error.remedy == "write the full reference, data.gate.lib.…"


def test_imports_of_language_versions_are_accepted() -> None:
    """The import every Rego v1 module of OPA 0.x had stays possible."""
    check("import rego.v1\n\nimport_data := 1")


@pytest.mark.parametrize(
    "body",
    [
        "x if not f(input.x)\n\nf(y) := y",
        "x if not input.x > 1",
        "x if not input.x == 1",
        "x if not input.x = 1",
        'x if not "a" in input.x',
        "x if not count(input.x)",
        "x if {\n\tnot startswith(input.x, `a`)\n}",
        "x if {\n\tnot\n\tf(input.x)\n}\n\nf(y) := y",
        "x if not (input.x)",
        "x if not input.x[f(1)]\n\nf(y) := y",
        "x if not input.x + 1",
    ],
)
def test_negated_expressions_are_refused(body: str) -> None:
    """Engines differ on negation when something in the expression is undefined."""
    error = refused(body)
    assert "'not' before a call or comparison" in error.what
    assert error.remedy == "negate a plain rule or reference, or define a helper rule"


@pytest.mark.parametrize(
    "body",
    [
        "x if not input.x",
        "x if not y\n\ny := 1",
        "x if {\n\tnot input.x.y\n\tinput.z > 1\n}",
        "x if { not input.x; input.z > 1 }",
        "x := [z | some z in input.y; not z.bad]",
        "x := {z | some z in input.y; not bad[z.id]}",
        'x if not input.x["a b"][0]',
        "x if not data.gate.lib.ok",
    ],
)
def test_negated_references_are_accepted(body: str) -> None:
    """A plain reference may be negated, whatever stands beside it."""
    check(body)


@pytest.mark.parametrize(
    "body",
    [
        "deny if true",
        "deny_x if { true }",
        "deny_x := true",
        "default deny_x := false",
        "violation = 1",
        "warn_x[y] { y := 1 }",
        "condition_x if input.x",
    ],
)
def test_reporting_rules_must_be_sets(body: str) -> None:
    """``deny if`` would say that something is wrong, but not what."""
    error = refused(body)
    assert "must be a partial set" in error.what
    assert error.place == "line 3"
    assert error.remedy is not None
    assert "contains result if" in error.remedy


@pytest.mark.parametrize(
    "body",
    [" deny if true", "\tdefault deny_x := true", "  check_y := {}", "x := {1\n}\n  warn_z contains 1"],
)
def test_indented_rules_are_refused(body: str) -> None:
    """A rule that does not start its line could hide from these checks."""
    error = refused(body)
    assert "does not start at the beginning of its line" in error.what
    assert (error.place or "").startswith(f"line {body.count(chr(10)) + 3}, column ")


def test_names_inside_bodies_are_not_rules() -> None:
    """The same names may be used inside braces."""
    check("deny_x contains y if {\n\tcheck_x.holds == false\n\ty := [\n\t\tcheck_x\n\t]\n}\n\ncheck_x := {}")


@pytest.mark.parametrize(
    "body",
    ["x if count(input.y) > 0 with input.y as []", "x if y with data.gate.lib.f as time.now_ns\n\ny := 1"],
)
def test_replacing_input_or_functions_is_refused(body: str) -> None:
    """``with`` belongs into tests: it could bring any function in, or hide the real facts."""
    assert "'with' replaces input, data or functions" in refused(body).what


def test_the_list_has_nothing_impure() -> None:
    """No allowed built-in reads a clock, the network, randomness or the runtime."""
    for name in ALLOWED_BUILTINS:
        assert not name.startswith(
            ("http.", "rand.", "opa.", "net.", "uuid.", "io.", "crypto.", "rego.", "time.now")
        )


def test_the_shipped_modules_pass() -> None:
    """Our own policies keep our own rules."""
    modules = [path for path in SHIPPED.rglob("*.rego") if not path.name.endswith("_test.rego")]
    assert len(modules) >= 9
    for path in modules:
        source = path.read_text()
        _, _, heads = read_annotations(path.name, source)
        check_module(path.name, source, heads)


@pytest.mark.parametrize(
    "body",
    [
        'x := time["now_ns"]()',
        'x := time["now_ns"]\n()',
        'x := data["gate"]["lib"]["f"] (1)',
        "x := opa[y](1)",
    ],
)
def test_calls_through_brackets_are_refused(body: str) -> None:
    """A built-in cannot be reached by spelling its name as a string."""
    assert "named in brackets" in refused(body).what


@pytest.mark.parametrize(
    "body",
    ["sum := 3", "equal := input.a == input.b", "count(x) := 1", "default plus := 1", "max contains 1"],
)
def test_a_rule_with_the_name_of_a_builtin_is_refused(body: str) -> None:
    """Stock OPA calls the rule in place of the built-in or operator; the embedded engine does not."""
    error = refused(f"other := input.a == sum([1])\n\n{body}")
    assert "has the name of a built-in" in error.what
    assert error.place == "line 5"


def test_the_page_lists_the_builtins_that_are_accepted() -> None:
    """The remedy refers to the page, so the page is complete."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "policy-bundles.md").read_text()
    listed = page.partition("The built-ins that are accepted:")[2].strip().partition("\n\n")[0]
    assert set(re.findall(r"`([a-z0-9_.]+)`", listed)) == ALLOWED_BUILTINS
