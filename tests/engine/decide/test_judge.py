"""The verdict rules, as examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from gate.engine.decide.facts import Facts
from gate.engine.decide.judge import StageResult, action, judge, overall
from gate.engine.decision.document import CheckStatus, Notice, Operand, Severity, Verdict
from gate.evidence.base.errors import EngineError
from gate.evidence.collecting.interface import Problem, ProblemKind, Scope

from .judging import (
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    NOW,
    broken,
    facts,
    holds,
    judge_one,
    operand,
    plan,
    result,
    rule,
    stage,
    waiver,
)

# --- one stage -------------------------------------------------------------------------------------------


def test_everything_holds() -> None:
    """All rules hold: PASS, with every rule's operands in the result."""
    done = judge_one([rule("a"), rule("b", LOW)], {**holds("a"), **holds("b")})
    assert done.verdict is Verdict.PASS
    assert [(c.code, c.status) for c in done.checks] == [
        ("one.a", CheckStatus.HOLDS),
        ("one.b", CheckStatus.HOLDS),
    ]
    assert done.checks[0].operands == (Operand(**operand(holds=True)),)
    assert (done.violations, done.conditions, done.waived, done.warnings) == ((), (), (), ())


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [
        (CRITICAL, Verdict.FAIL),
        (HIGH, Verdict.FAIL),
        (MEDIUM, Verdict.CONDITIONAL),
        (LOW, Verdict.CONDITIONAL),
    ],
)
def test_severity_decides(severity: Severity, verdict: Verdict) -> None:
    """CRITICAL and HIGH violations fail; MEDIUM and LOW ones leave a condition with owner and due date."""
    done = judge_one([rule("a", severity)], broken("a"))
    assert done.verdict is verdict
    assert [v.code for v in done.violations] == ["one.a"]
    assert done.checks[0].status is CheckStatus.VIOLATED
    due = {MEDIUM: "2025-11-21T12:00:00Z", LOW: "2025-12-07T12:00:00Z"}.get(severity)
    assert [(c.msg, c.owner, c.due) for c in done.conditions] == (
        [] if due is None else [("Fix a.", "owner_a", due)]
    )


def test_a_violation_carries_what_the_reader_needs() -> None:
    """Message, operands, term, severity, solution and the collectors it rests on."""
    done = judge_one(
        [rule("a", CRITICAL, facts=("c.x", "c.y", "d.z"))],
        broken("a", "t"),
        Facts({"c": {"x": 1, "y": 2}, "d": {"z": 0}}, {}, {}),
    )
    (found,) = done.violations
    assert (found.msg, found.operand, found.op, found.expected, found.actual, found.unit, found.term) == (
        "one.a is broken", "x", "≥", 2, 1, "ppm", "t",
    )  # fmt: skip
    assert (found.severity, found.solution, found.evidence, found.problem) == (
        CRITICAL,
        "Fix a.",
        ("c", "d"),
        None,
    )


def test_terms_of_a_condition() -> None:
    """A condition about one of several terms names it."""
    done = judge_one([rule("a", LOW)], broken("a", "s", "t"))
    assert [c.msg for c in done.conditions] == ["Fix a. (s)", "Fix a. (t)"]


@pytest.mark.parametrize("severity", list(Severity))
def test_missing_evidence_fails(severity: Severity) -> None:
    """A required fact that is null fails the stage whatever the rule said and however light it is."""
    missing = [Problem("x", "no report was found", "Run the tests.")]
    for output in (holds("a"), broken("a")):
        done = judge_one([rule("a", severity)], output, facts(missing, x=None))
        assert done.verdict is Verdict.FAIL
        assert done.checks[0].status is CheckStatus.MISSING
        (found,) = done.violations
        assert found.msg == "No evidence: no report was found"
        assert found.expected == "measured: c.x"
        assert found.solution == "Run the tests."
        assert found.problem is ProblemKind.MISSING
        assert found.severity.blocks
        assert found.severity in (severity, HIGH)
        assert done.checks[0].problems == tuple(missing)


def test_a_check_carries_why_its_evidence_decides_nothing() -> None:
    """Also where the policy data are lenient, before it binds, and beside other evidence; else nothing."""
    odd = Problem("y", "is computed", "write it out", ProblemKind.UNKNOWN, "a.py", "line 4")
    absent = Problem("x", "no report was found", "Run the tests.")
    both = structs.replace(rule("a"), facts=("c.x", "c.y"))
    for found, on_unknown, told in (
        (facts([odd], y=1), "fail", (odd,)),
        (facts([odd], y=1), "warn", (odd,)),
        (facts([odd, absent], x=None, y=1), "fail", (absent, odd)),
        (facts([odd, absent], x=None, y=1), "warn", (absent,)),
        (facts(y=1), "fail", ()),
    ):
        known = structs.replace(plan(stage("one", [both])), on_unknown={"one.a": on_unknown})
        [check] = judge(known, ["one"], {"gate.one": holds("a")}, found, [], NOW)["one"].checks
        assert check.problems == told
    later = structs.replace(both, effective_on_s=NOW + 1)
    [check] = judge_one([later], holds("a"), facts([absent], x=None, y=1)).checks
    assert (check.status, check.problems) == (CheckStatus.PENDING, (absent,))
    [check] = judge_one([both], broken("a"), facts([odd], y=1)).checks
    assert (check.status, check.problems) == (CheckStatus.VIOLATED, ())


def test_rejected_evidence_names_the_file() -> None:
    """A fact from a rejected file fails the rule as such, even where a part of it was measured."""
    bad = Problem("x", "is not JSON", "write JSON", ProblemKind.REJECTED, "a.json", "line 3, column 7")
    for values in ({}, {"x": None}):
        done = judge_one([rule("a", LOW)], holds("a"), facts([bad], **values), [waiver("one.a")])
        (found,) = done.violations
        assert done.verdict is Verdict.FAIL and done.waived == ()
        assert found.problem is ProblemKind.REJECTED
        assert found.msg == "Evidence was rejected: a.json: is not JSON"
        said = "waiver W-1 has no effect: rejected evidence cannot be waived"
        assert done.warnings == (Notice("one.a", said),)
        assert [(p.path, p.line) for p in found.places] == [("a.json", 3)]
        assert found.solution == "write JSON"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ProblemKind.MISSING, CheckStatus.HOLDS),
        (ProblemKind.REJECTED, CheckStatus.MISSING),
        (ProblemKind.UNKNOWN, CheckStatus.UNKNOWN),
    ],
)
def test_an_optional_fact_may_be_missing_but_not_rejected_or_unknown(
    kind: ProblemKind, status: CheckStatus
) -> None:
    """What a user configured and got wrong is not the same as what nobody configured."""
    optional = structs.replace(rule("a", LOW), optional_facts=("c.y",))
    done = judge_one(
        [optional], holds("a"), facts([Problem("y", "is not there", "put it there", kind)], y=None)
    )
    assert [check.status for check in done.checks] == [status]
    assert done.verdict is (Verdict.PASS if kind is ProblemKind.MISSING else Verdict.FAIL)


def test_a_rejected_collector_leaves_its_checks_undefined() -> None:
    """Without any facts of a collector a check cannot be evaluated; that is no error."""
    bad = Problem("", "is not JSON", "write JSON", ProblemKind.REJECTED, "a.json")
    found = Facts({"c": {}, "d": {"x": 1}}, {"c": (bad,)}, {})
    done = judge_one([rule("a"), rule("b", facts=("d.x",))], holds("b"), found)
    assert [check.status for check in done.checks] == [CheckStatus.MISSING, CheckStatus.HOLDS]
    with pytest.raises(EngineError, match="was not evaluated"):
        judge_one([rule("b", facts=("d.x",))], {}, found)


@pytest.mark.parametrize(
    ("on_unknown", "verdict"),
    [
        (None, Verdict.FAIL),
        ("fail", Verdict.FAIL),
        ("condition", Verdict.CONDITIONAL),
        ("warn", Verdict.PASS),
    ],
)
def test_what_cannot_be_told_does_not_hold(on_unknown: str | None, verdict: Verdict) -> None:
    """Unless the policy data are lenient, it blocks like missing evidence; it is never shown as holding."""
    odd = Problem(
        "x.deep", "the order type is computed", "use a literal", ProblemKind.UNKNOWN, "a.py", "line 4"
    )
    lenient = {} if on_unknown is None else {"one.a": on_unknown}
    known = structs.replace(plan(stage("one", [rule("a", LOW)])), on_unknown=lenient)
    arguments = (known, ["one"], {"gate.one": holds("a")}, facts([odd]), [waiver("one.a")], NOW)
    done = judge(*arguments)["one"]
    assert done.verdict is verdict
    assert done.checks[0].status is CheckStatus.UNKNOWN
    shown = [*done.violations, *done.conditions, *done.warnings]
    useless = ["waiver W-1 has no effect: a rule that cannot be told cannot be waived"]
    expected = ["Cannot be told: a.py: the order type is computed", *(useless if done.violations else [])]
    assert [one.msg for one in shown] == expected


def test_a_violation_is_one_whatever_else_cannot_be_told() -> None:
    """A rule that does not hold anyway is violated."""
    odd = Problem("x", "unclear", "look", ProblemKind.UNKNOWN)
    done = judge_one([rule("a")], broken("a"), facts([odd]))
    assert done.checks[0].status is CheckStatus.VIOLATED
    assert done.violations[0].problem is None


def test_nothing_looked_at_is_not_good() -> None:
    """A figure about nothing cannot be told; one about something says how much."""
    for looked_at, status in ((0, CheckStatus.UNKNOWN), (71, CheckStatus.HOLDS)):
        scope = Scope("", looked_at, looked_at, "files")
        found = structs.replace(facts(), scopes={"c": (scope,)})
        judged = judge(
            plan(stage("one", [rule("a")], headline=(("n", "c.x"),))),
            ["one"], {"gate.one": holds("a")}, found, [], NOW,
        )["one"]  # fmt: skip
        assert judged.checks[0].status is status
        assert judged.figures["n"].scope == scope


def test_a_result_carries_its_place() -> None:
    """Path and line of a policy's result become the violation's place."""
    output = {**broken("a"), "deny_a": [result("one.a", "t", path="a.py", line=12)]}
    (found,) = judge_one([rule("a")], output).violations
    assert [(place.path, place.line) for place in found.places] == [("a.py", 12)]


def test_missing_evidence_without_a_reason() -> None:
    """A null fact nobody explained is still missing; the rule's own solution is given."""
    done = judge_one([rule("a", facts=("c.x", "c.gone.deep", "nothing.at.all"))], holds("a"), facts(x=None))
    assert done.violations[0].msg == "No evidence: it was not measured"
    assert done.violations[0].expected == "measured: c.x, c.gone.deep, nothing.at.all"
    assert done.violations[0].solution == "Fix a."


@pytest.mark.parametrize("value", [0, False, ""])
def test_zero_is_not_missing(value: Any) -> None:
    """Zero, false and an empty string are measurements."""
    assert judge_one([rule("a")], holds("a"), facts(x=value)).verdict is Verdict.PASS


@pytest.mark.parametrize("value", [[], {}])
def test_a_rule_over_an_empty_list_holds_only_if_something_was_looked_at(value: Any) -> None:
    """Nothing found means something only beside how much was looked at."""
    found = facts(x=value)
    done = judge_one([rule("a")], holds("a"), found)
    assert (done.verdict, done.checks[0].status) == (Verdict.FAIL, CheckStatus.UNKNOWN)
    looked = structs.replace(found, scopes={"c": (Scope("x", 3, 3, "files"),)})
    assert judge_one([rule("a")], holds("a"), looked).verdict is Verdict.PASS


def test_missing_evidence_cannot_be_waived() -> None:
    """A waiver permits a known violation, not ignorance."""
    done = judge_one([rule("a")], holds("a"), facts(x=None), [waiver("one.a")])
    assert done.verdict is Verdict.FAIL
    assert done.waived == ()


def test_a_waived_violation_stays_visible() -> None:
    """It leaves the violations, is listed with its waiver, and becomes a condition until the waiver ends."""
    done = judge_one([rule("a", CRITICAL)], broken("a"), None, [waiver("one.a")])
    assert done.verdict is Verdict.CONDITIONAL
    assert done.violations == ()
    assert done.checks[0].status is CheckStatus.WAIVED
    assert (done.waived[0].code, done.waived[0].waiver, done.waived[0].approver) == (
        "one.a",
        "W-1",
        "cto@example.com",
    )
    (condition,) = done.conditions
    assert condition.msg == "Waived until 2025-12-01T00:00:00Z (W-1): one.a is broken"
    assert (condition.owner, condition.due) == ("dev@example.com", "2025-12-01T00:00:00Z")


def test_waivers_are_narrow() -> None:
    """Another code, another term or another stage is not covered; one open term keeps the rule violated."""
    for other in (waiver("one.b"), waiver("one.a", "u"), waiver("one.a", stages=("two",))):
        assert judge_one([rule("a")], broken("a", "t"), None, [other]).verdict is Verdict.FAIL
    done = judge_one([rule("a")], broken("a", "s", "t"), None, [waiver("one.a", "s")])
    assert done.verdict is Verdict.FAIL
    assert ([w.term for w in done.waived], [v.term for v in done.violations]) == (["s"], ["t"])
    assert done.checks[0].status is CheckStatus.VIOLATED


def test_conditions_of_policies() -> None:
    """A rule that holds under conditions makes the verdict CONDITIONAL; owner and due have defaults."""
    stated = [
        {"msg": "later", "owner": "cfo", "due": "2025-11-30"},
        {"msg": "soon", "owner": "", "due": None},
    ]
    done = judge_one([rule("a", HIGH)], {**holds("a"), "condition_a": stated})
    assert done.verdict is Verdict.CONDITIONAL
    assert done.checks[0].status is CheckStatus.CONDITIONAL
    assert [(c.msg, c.owner, c.due) for c in done.conditions] == [
        ("soon", "owner_a", "2025-11-14T12:00:00Z"),
        ("later", "cfo", "2025-11-30"),
    ]


def test_warnings_do_not_change_a_verdict() -> None:
    """A warning is shown, with its rule's code, and nothing else."""
    done = judge_one([rule("a")], {**holds("a"), "warn_a": [{"msg": "careful"}]})
    assert done.verdict is Verdict.PASS
    assert done.warnings == (Notice("one.a", "careful"),)


def test_violations_come_heaviest_first() -> None:
    """By severity, then code, then term."""
    rules = [rule("z", LOW), rule("b", HIGH), rule("a", HIGH), rule("m", CRITICAL)]
    done = judge_one(rules, {**broken("z"), **broken("b", "2", "1"), **broken("a"), **broken("m")})
    assert [(v.code, v.term) for v in done.violations] == [
        ("one.m", None), ("one.a", None), ("one.b", "1"), ("one.b", "2"), ("one.z", None),
    ]  # fmt: skip


# --- what is an error, never a verdict -------------------------------------------------------------------

GOOD = operand(holds=False)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"check_a": None}, "was not evaluated: check_a is undefined"),
        ({"check_a": True}, "was not evaluated"),
        ({"check_a": {"operands": [GOOD]}}, "was not evaluated"),
        ({"check_a": {"holds": "yes", "operands": [GOOD]}}, "was not evaluated"),
        ({"check_a": {"holds": False}}, "compared nothing"),
        ({"check_a": {"holds": False, "operands": []}}, "compared nothing"),
        ({"check_a": {"holds": False, "operands": {"x": 1}}}, "compared nothing"),
        ({"check_a": {"holds": False, "operands": ["x"]}}, "does not have exactly actual, expected, holds"),
        ({"check_a": {"holds": False, "operands": [{"name": "x"}]}}, "does not have exactly"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "more": 1}]}}, "does not have exactly"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "name": 7}]}}, "a field of the wrong type"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "unit": None}]}}, "a field of the wrong type"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "holds": 1}]}}, "a field of the wrong type"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "terms": [1]}]}}, "a field of the wrong type"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "op": "!="}]}}, "compares by '!='"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "actual": 0.5}]}}, "can carry: a float"),
        ({"check_a": {"holds": False, "operands": [{**GOOD, "actual": 2**60}]}}, "can carry: integer"),
        ({"check_a": holds("a")["check_a"]}, "holds and reports a violation at once"),
        ({"deny_a": []}, "does not hold but reports nothing"),
        ({"deny_a": [], "condition_a": [{"msg": "x"}]}, "does not hold but reports nothing"),
        ({"deny_a": True}, "'deny_a' is not a set of results"),
        ({"warn_a": {"msg": "x"}}, "'warn_a' is not a set of results"),
        ({"condition_a": "x"}, "'condition_a' is not a set of results"),
        ({"deny_a": ["text"]}, "a result of 'one.a' has no message"),
        ({"deny_a": [{"code": "one.a"}]}, "a result of 'one.a' has no message"),
        ({"warn_a": [{"msg": 7}]}, "a result of 'one.a' has no message"),
        ({"condition_a": [{}]}, "a result of 'one.a' has no message"),
        ({"deny_a": [result("one.b")]}, "carries the code 'one.b'"),
        ({"deny_a": [result("one.a", operand=7)]}, "a field of the wrong type"),
        ({"deny_a": [result("one.a", term=["t"])]}, "a field of the wrong type"),
        ({"deny_a": [result("one.a", path=["a.py"])]}, "a field of the wrong type"),
        ({"deny_a": [result("one.a", path="a.py", line="3")]}, "a field of the wrong type"),
        ({"deny_a": [result("one.a", path="a.py", line=0)]}, "a field of the wrong type"),
        ({"deny_a": [result("one.a", path="a.py", line=True)]}, "a field of the wrong type"),
        ({"deny_a": [result("one.a", actual=1.5)]}, "what no decision can carry"),
        ({"deny_b": []}, "'deny_b' reported, but the manifest does not expect it"),
        ({"deny": []}, "'deny' reported"),
        ({"violation_b": []}, "'violation_b' reported"),
        ({"condition_b": []}, "'condition_b' reported"),
        ({"warn_b": []}, "'warn_b' reported"),
        ({"check_b": {}}, "'check_b' reported"),
    ],
)  # fmt: skip
def test_undefined_and_contradictory_rules_are_errors(change: dict[str, Any], what: str) -> None:
    """A rule that did not run, is malformed or contradicts itself ends the judging by an error."""
    output = {**broken("a"), "helper": 1, **change}
    output = {name: value for name, value in output.items() if value is not None}
    with pytest.raises(EngineError) as caught:
        judge_one([rule("a")], output)
    assert what in caught.value.what
    assert caught.value.path == "package gate.one"
    assert caught.value.remedy == "correct the policy bundle; this is no verdict"


@pytest.mark.parametrize(
    ("days", "what"),
    [({}, "condition_due_days has no entry for LOW"), ({"LOW": 10**7}, "leads beyond the year 9999")],
)
def test_due_dates_need_their_parameter(days: dict[str, int], what: str) -> None:
    """A condition without a due date, or due after the calendar's end, is a mistake of the bundle."""
    changed = structs.replace(plan(stage("one", [rule("a", LOW)])), due_days=days)
    with pytest.raises(EngineError) as caught:
        judge(changed, ["one"], {"gate.one": broken("a")}, facts(), [], NOW)
    assert what in caught.value.what


# --- several stages --------------------------------------------------------------------------------------


def judge_two(
    first: dict[str, Any],
    second: dict[str, Any],
    wanted: Sequence[str] = ("two",),
    severity: Severity = HIGH,
    **files: int,
) -> dict[str, StageResult]:
    """Judge a stage that depends on another."""
    both = plan(stage("one", [rule("a", severity)]), stage("two", [rule("b", stage="two")], ("one",)))
    return judge(both, wanted, {"gate.one": first, "gate.two": second}, facts(files=files or None), [], NOW)


def test_dependencies_are_judged_first_and_must_pass() -> None:
    """A failed dependency fails the stage; one with conditions makes it conditional."""
    done = judge_two(holds("a"), holds("b"))
    assert list(done) == ["one", "two"]
    assert done["two"].verdict is Verdict.PASS
    failed = judge_two(broken("a"), holds("b"))["two"]
    assert failed.verdict is Verdict.FAIL
    (violation,) = failed.violations
    assert (violation.code, violation.msg, violation.severity) == ("two.dependency", "one failed", HIGH)
    assert violation.solution == "Make one pass first."
    conditional = judge_two(broken("a"), holds("b"), severity=LOW)["two"]
    assert conditional.verdict is Verdict.CONDITIONAL
    assert conditional.violations[0].msg == "one passed only under conditions"
    assert [(c.code, c.owner) for c in conditional.conditions] == [("two.dependency", "two")]


def test_a_dependency_without_evidence_is_judged_like_any_other() -> None:
    """No file at all for a dependency: its rules decide, and the result says that there was no evidence."""
    for wanted in (("two",), ("one", "two")):
        done = judge_two(broken("a"), holds("b"), wanted=wanted, e_two=1)
        assert (done["one"].verdict, done["one"].has_evidence) == (Verdict.FAIL, False)
        assert [violation.code for violation in done["one"].violations] == ["one.a"]
        assert done["two"].violations[0].msg == "one failed"
        assert done["two"].has_evidence


def test_a_dependency_cannot_be_waived() -> None:
    """A waiver for a stage's dependency changes nothing."""
    both = plan(stage("one", [rule("a")]), stage("two", [rule("b", stage="two")], ("one",)))
    outputs = {"gate.one": broken("a"), "gate.two": holds("b")}
    done = judge(both, ["two"], outputs, facts(), [waiver("two.dependency", stages=("two",))], NOW)
    assert done["two"].verdict is Verdict.FAIL


def test_only_what_is_needed_is_judged() -> None:
    """Asking for the first stage does not look at the second."""
    assert list(judge_two(holds("a"), {}, wanted=("one",))) == ["one"]


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        ("PASS PASS", "PASS"), ("PASS CONDITIONAL", "CONDITIONAL"), ("CONDITIONAL FAIL", "FAIL"),
        ("FAIL", "FAIL"), ("", "FAIL"),
    ],
)  # fmt: skip
def test_overall(verdicts: str, answer: str) -> None:
    """The worst verdict counts, and nothing judged is no PASS."""
    results = {str(i): StageResult(stage("one", []), Verdict(v)) for i, v in enumerate(verdicts.split())}
    assert overall(results) is Verdict(answer)


def test_actions() -> None:
    """The parameters say what follows; a critical violation has an answer of its own."""
    rules, p = [rule("a", CRITICAL), rule("b", HIGH)], plan(stage("one", []))

    def ask(output: dict[str, Any]) -> str | None:
        done = judge_one(rules, output)
        return action(p, "one", done.verdict, {"one": done})

    assert ask({**holds("a"), **holds("b")}) == "GO"
    assert ask({**holds("a"), **broken("b")}) == "STOP"
    assert ask({**broken("a"), **holds("b")}) == "RUN"
    assert action(p, "one", Verdict.CONDITIONAL, {}) == "WAIT"
    assert action(p, "two", Verdict.PASS, {}) is None
    with pytest.raises(EngineError) as caught:
        action(structs.replace(p, actions={"one": {}}), "one", Verdict.PASS, {})
    assert caught.value.what == "the parameter one_actions has no entry 'PASS'"
    assert caught.value.path == "gate/params/common/data.yaml"


def test_headline_figures() -> None:
    """Figures have their unit from the fact's name; lists and mappings are counted."""
    names = ("a_ppm", "b_us", "c", "d", "e", "gone_ms", "f_micro")
    values = {"a_ppm": 1, "b_us": 2, "c": [1, 2], "d": {"x": 1}, "e": "text", "f_micro": -5}
    judged = judge(
        plan(stage("one", [rule("a")], headline=tuple((n, f"c.{n}") for n in names))),
        ["one"], {"gate.one": holds("a")}, facts(**values), [], NOW,
    )  # fmt: skip
    assert {name: (f.value, f.unit) for name, f in judged["one"].figures.items()} == {
        "a_ppm": (1, "ppm"), "b_us": (2, "us"), "c": (2, "count"), "d": (1, "count"), "e": ("text", "count"),
        "gone_ms": (None, "ms"), "f_micro": (-5, "micro"),
    }  # fmt: skip


def test_exhibits_are_tables_of_facts() -> None:
    """A list of objects or one object, by column; what is long is cut and says so, what is absent is none."""
    rows: list[Any] = [{"name": "x" * 500, "at": n, "on": True, "bad": []} for n in range(5003)]
    rows[0]["bad"] = [{"text": "is odd", "path": "a.md", "line": 3}, *("b" for _ in range(9))]
    one = structs.replace(
        stage("one", [rule("a")]),
        exhibits=(
            ("c.rows", ("name", "at", "on", "gone", "bad")), *((n, ("x",)) for n in ("c.one", "c.no", "c.n")),
        ),
    )  # fmt: skip
    values = facts(rows=rows, one={"x": -5, "y": 1}, n=7)
    shown = judge(plan(one), ["one"], {"gate.one": holds("a")}, values, [], NOW)["one"].exhibits
    assert shown.keys() == {"c.rows", "c.one"}
    assert shown["c.one"].records() == [{"x": -5}]
    table = shown["c.rows"]
    assert (len(table.rows), table.left_out) == (5000, 3)
    assert table.rows[0] == ["x" * 399 + "…", 0, True, None, ["a.md:3 is odd", *"bbbbbbb", "+2"]]
