"""The first screen of real decisions and of made ones."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from gate.engine.decision.document import CheckStatus, Condition, Decision, Notice, Place, Severity, Verdict
from gate.engine.ledger.interface import Entry
from gate.engine.report import registry
from gate.engine.report.interface import Screen
from gate.engine.report.table import MAX_FINDINGS, summary
from gate.evidence.collecting.interface import Problem, ProblemKind, Scope

WIDE = Screen(width=200)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def table(decision: Decision, screen: Screen = WIDE, entry: Entry | None = None) -> str:
    """The first screen as text."""
    return registry.load("table").render(decision, entry, screen).decode()


def words(decision: Decision, screen: Screen = WIDE) -> str:
    """The first screen without its line breaks."""
    return " ".join(table(decision, screen).split())


def holding(decision: Decision) -> int:
    """How many rules hold; of the example, which states too little, some cannot be told."""
    return sum(check.status == "holds" for check in decision.checks)


def test_verdict_first_and_next_step_last(failed: Decision) -> None:
    """The first line has verdict, subject and how many rules hold; the last has what to do."""
    first, *_, last = table(failed).splitlines()
    counted = f"{holding(failed)} of {len(failed.checks)} rules hold · 1 cannot be told"
    assert first == f"FAIL  stage1 · algo-trade, no git commit     {counted}"
    assert last == ("next: fix artifact_coverage · why: gate explain stage1 · all rules: --show-successes")
    assert "not recorded" in table(failed)
    assert "recorded: entry 7 of the ledger, abababababababab…" in table(failed, entry=Entry(7, "ab" * 32))
    assert "weakened: judged as of 2025-12-05T12:00:00Z, set by the operator" in table(failed)


def test_what_every_correction_voids_comes_last(failed: Decision) -> None:
    """A missing signature is shown first, but what to do next is what has to be signed."""
    rest = tuple(one for one in failed.violations if one.code != "stage1.artifact_coverage")
    text = table(replace(failed, violations=rest))
    assert text.index("governance_signed") < text.index("test_coverage")
    assert text.splitlines()[-1].startswith("next: fix test_coverage ·")


def test_a_finding_has_the_failing_operand_and_a_fix(failed: Decision) -> None:
    """The figure with its limit, under the rule's short name, and one fix."""
    lines = table(failed).splitlines()
    [at] = [n for n, line in enumerate(lines) if line.startswith("✘") and " artifact_coverage " in line]
    assert lines[at] == "✘ CRITICAL  artifact_coverage     5 of 14 artifacts of the matrix, needs ≥ 80 %"
    assert lines[at + 1].startswith(
        "    note      Artifact account_config was not found (ACCOUNT_CONFIG.json), go"
    )
    assert "    fix       Write the missing artifacts" in "\n".join(lines[at + 2 : at + 6])
    shown = "\n".join(lines)
    assert all(violation.code.partition(".")[2] in shown for violation in failed.violations)


def test_a_share_is_counted_where_a_scope_says_of_what(failed: Decision, make: Any) -> None:
    """“5 of 14 artifacts” where the collector says that it looked at 14, and only where that is the share."""
    for looked_at, text in ((14, "5 of 14 artifacts, needs ≥ 80 %"), (15, "35.7 %, needs ≥ 80 %")):
        scope = Scope("found_ppm", looked_at, looked_at, "artifacts")
        made = make.with_evidence(failed, "artifacts", scopes=(scope,))
        assert f"artifact_coverage     {text}" in table(made)


def test_offending_places(passed: Decision, make: Any) -> None:
    """Violations of one rule are one finding with its places; no file list where no place is given."""
    one = make.violation("stage4.no_hardcoded_secrets", op="∅", operand="secrets", unit="list", expected=[])
    found = [
        replace(
            one,
            msg=f"A secret: {p}: password",
            term=f"{p}: password",
            actual=f"{p}: password",
            places=(Place(p, 12),),
        )
        for p in (f"config/{n}.yaml" for n in range(6))
    ]
    text = table(replace(passed, verdict=Verdict.FAIL, violations=tuple(found)))
    assert "✘ HIGH      stage4.no_hardcoded_secrets  A secret\n" in text
    where = ", ".join(f"config/{n}.yaml:12 password" for n in range(4))
    assert f"    where     {where}, +2\n" in text
    text = table(replace(passed, verdict=Verdict.FAIL, violations=tuple(found[:1])))
    assert "A secret: config/0.yaml:12 password" in text and "where" not in text
    long = "algo_trade/core/execution/adapters/interactive_brokers/handler.py"
    compared = replace(
        one, op="≤", actual=3, expected=0, unit="count", operand="ports", places=(Place(long, 7),)
    )
    text = table(replace(passed, verdict=Verdict.FAIL, violations=(compared,)))
    assert "ports 3, needs ≤ 0: algo_trade/…/interactive_brokers/handler.py:7" in text
    text = table(replace(passed, verdict=Verdict.FAIL, violations=(replace(compared, places=()),)))
    assert "handler.py" not in text and "where" not in text


def test_several_figures_of_one_rule(failed: Decision, make: Any) -> None:
    """Each broken operand is shown, none that holds, and missing names are called so."""
    both = tuple(
        make.violation("stage1.fixtures_valid", unit="count", expected=5, actual=n, operand=f"seed_{n}")
        for n in (1, 2)
    )
    assert "seed 1 1, needs ≥ 5; seed 2 2, needs ≥ 5" in table(replace(failed, violations=both))
    names = tuple(
        make.violation(
            "stage1.fixtures_valid",
            op="⊇",
            unit="list",
            term=n,
            msg=f"An operation is not mapped: {n}",
            actual=None,
        )
        for n in ("connect", "positions")
    )
    text = table(replace(failed, violations=names))
    assert "An operation is not mapped\n    missing   connect, positions\n" in text


def test_one_reason_per_problem(full: Decision, make: Any, passed: Decision) -> None:
    """A missing report is shown once, with all the rules that fail because of it."""
    text = words(full)
    assert text.count("ACCOUNT_CONFIG.json does not exist") == 1
    assert re.search(
        r"✘ CRITICAL \d+ rules no evidence: ACCOUNT_CONFIG.json does not exist rules stage6: ", text
    )
    assert "no evidence: no test report found" in text
    text = table(make.rejected(passed))
    assert "✘ HIGH      2 rules               rejected: log/é.json:3 is not JSON\n" in text
    assert "    rules     stage7: pacing, trade_count\n    fix       Correct it.\n" in text


def test_a_reason_that_no_rule_carries(passed: Decision, make: Any) -> None:
    """Of sources that cannot be judged, which no rule is about, and in decisions of earlier versions."""
    made = make.unknown(passed)
    told = "Cannot be told: source looked at no files"
    [one] = (replace(one, msg=told) for one in made.violations)
    earlier = make.with_status(made, one.code, CheckStatus.UNKNOWN)
    assert f"? HIGH      stage4.order_types    {told}\n" in table(replace(earlier, violations=(one,)))
    subject = replace(one, code="stage4.subject", problem=ProblemKind.REJECTED, msg="Rejected: a.py: a link")
    text = table(replace(earlier, violations=(subject,)))
    assert "✘ HIGH      stage4.subject        Rejected: a.py: a link\n" in text
    assert "blocked: " not in text, "it waits for no other stage"


def test_a_reason_of_another_kind_does_not_hide_the_one_that_decides(passed: Decision, make: Any) -> None:
    """Evidence with something unknown in it that also was not measured shows both."""
    made = make.unknown(passed)
    [one] = made.violations
    [check] = (check for check in made.checks if check.code == one.code)
    problems = (*check.problems, Problem("x", "it was not measured", "Measure it."))
    made = make.with_status(made, one.code, CheckStatus.MISSING, problems)
    absent = replace(one, problem=ProblemKind.MISSING, msg="No evidence: it was not measured")
    text = table(replace(made, violations=(absent,)))
    assert "✘ HIGH      stage4.order_types    no evidence: it was not measured\n" in text
    assert "? HIGH      stage4.order_types    cannot be told\n" in text


def test_what_cannot_be_told(passed: Decision, make: Any) -> None:
    """It has its own mark and count, and its places."""
    first, *lines = table(make.unknown(passed)).splitlines()
    total = len(passed.checks)
    holds = holding(passed) - 1
    assert first.endswith(f"{holds} of {total} rules hold · {total - holds} cannot be told")
    text = "\n".join(lines)
    assert "? HIGH      stage4.order_types    cannot be told\n" in text
    assert (
        "    where     order_plane/broker/client0.py:48 passes intent.order_type through, order_plane" in text
    )


def test_absent_evidence_that_weighs_more_than_the_rule(full: Decision) -> None:
    """The reader sees why a MEDIUM rule blocks."""
    one = next(v for v in full.violations if v.code == "stage3.data_types")
    text = table(replace(full, violations=(one,)))
    assert "does not exist (MEDIUM rule, raised: evidence is missing)\n" in text


def test_stages(full: Decision, failed: Decision) -> None:
    """A table of several stages with their figures; a stage that only waits is marked; one line says why."""
    lines = table(full).splitlines()
    assert lines[1].startswith(
        "stage1  FAIL  Artifact validation     artifact coverage 35.7 % in 14 artifacts of the matrix"
    )
    assert "stage6  FAIL  Account probe           no evidence" in lines
    assert (
        "blocked: stage2, stage3 need stage1 · stage4, stage5 need stage2, stage3 · stage6 needs stage4, "
        "stage5 · stage7 needs stage6 · stage8 needs stage1, stage2, stage3, stage4, +3"
    ) in lines
    waiting = tuple(v for v in full.violations if v.code == "stage2.dependency")
    made = replace(full, violations=waiting, stages={n: full.stages[n] for n in ("stage1", "stage2")})
    assert "stage2  FAIL (blocked)  Hierarchical breakdown" in table(made)
    assert not any(line.startswith("stage1 ") for line in table(failed).splitlines())


def test_figures_say_what_they_cover(passed: Decision) -> None:
    """A zero means something only with what was looked at."""
    stage = passed.stages["stage4"]
    stubs = replace(stage.figures["stubs"], scope=Scope("stubs", 71, 2, "files"))
    stages = {**passed.stages, "stage4": replace(stage, figures={"stubs": stubs})}
    assert "stage4  PASS  Implementation          stubs 0 in 2 of 71 files" in table(
        replace(passed, stages=stages)
    )


@pytest.mark.parametrize(
    ("value", "looked_at", "shown"), [(None, 7, "not measured"), (1, 1, "1"), (0, 0, "0 in 0 files")]
)
def test_a_scope_that_says_nothing_is_left_out(
    passed: Decision, value: int | None, looked_at: int, shown: str
) -> None:
    """That one record was looked at, or how much for nothing, is no news; that there was nothing is."""
    stage = passed.stages["stage4"]
    stubs = replace(stage.figures["stubs"], value=value, scope=Scope("stubs", looked_at, looked_at, "files"))
    made = replace(passed, stages={**passed.stages, "stage4": replace(stage, figures={"stubs": stubs})})
    assert f"Implementation          stubs {shown}\n" in table(made)


def test_successes(passed: Decision, make: Any) -> None:
    """Asked for, each rule that holds is one line with its values and what they cover; not otherwise."""
    made = make.with_evidence(passed, "source", scopes=(Scope("stubs", 71, 2, "files"),))
    text = table(made, Screen(width=200, successes=True))
    assert text.count("✔") == holding(passed) and "all rules:" not in text
    assert "stubs none in 2 of 71 files" in text
    assert "✔" not in table(passed)


def test_a_pass(passed: Decision) -> None:
    """The action, every stage, its figures, and no findings."""
    lines = table(passed).splitlines()
    total = len(passed.checks)
    counted = f"{holding(passed)} of {total} rules hold · {total - holding(passed)} cannot be told"
    assert lines[0] == f"PASS  stage8 → GO_LIVE_APPROVED · algo-trade, no git commit     {counted}"
    stages = [line for line in lines if line.startswith("stage")]
    assert [line.split()[:2] for line in stages] == [[f"stage{n}", "PASS"] for n in range(1, 9)]
    assert lines[-1] == "why: gate explain stage8 · all rules: --show-successes"
    assert "✘" not in table(passed) and "\n    fix" not in table(passed)


def test_waivers_and_conditions(passed: Decision, make: Any) -> None:
    """A waived violation stays visible; what is open has its owner and date; nothing is told twice."""
    text = table(make.waived(passed))
    assert text.startswith("CONDITIONAL  stage8 ")
    assert f"{holding(passed) - 3} of {len(passed.checks)} rules hold · " in text
    assert " cannot be told · 1 waived · 1 conditional" in text
    assert "waived: MEDIUM stage1.checklist_total until 2025-12-31 by cto (W-1): Too little\n" in text
    assert "    fix       Fill it in. (dev, due 2025-12-20)\n" in text
    assert "condition: Watch the first day (cto, due 2025-12-01)\n" in text
    assert text.count("Fill it in.") == text.count("W-1") == 1


def test_a_fail_does_not_distract_with_conditions(failed: Decision) -> None:
    """They matter once nothing blocks."""
    later = Condition(
        "stage1.fixtures_valid", "Watch it", "stage1", "cto", "2025-12-01T00:00:00Z", "C-1", "signoff"
    )
    text = table(replace(failed, conditions=(*failed.conditions, later)))
    assert "Watch it" not in text and "due " not in text


def test_many_findings(full: Decision) -> None:
    """Those that do not fit are named; the count is that of findings."""
    text = table(full)
    assert len(re.findall("^[✘?]", text, re.MULTILINE)) == MAX_FINDINGS
    assert re.search(r"^and \d+ more findings: stage7: ", text, re.MULTILINE)


def test_whoever_signs_sees_it_on_one_screen(full: Decision) -> None:
    """The same findings, a line or two for each, however many violations a rule has; and what weakens it."""
    shown = summary(full, Screen()).splitlines()
    assert len(full.violations) > 60 and len(shown) < 45, shown
    assert sum(line.startswith(("✘ ", "? ")) for line in shown) == MAX_FINDINGS
    assert any(re.match(r"and \d+ more findings: stage7: ", line) for line in shown)
    assert any(line.startswith("blocked: ") for line in shown)
    assert any(line.startswith("weakened: ") for line in shown)
    warned = replace(full, warnings=tuple(Notice(f"n{n}", f"remark {n}") for n in range(9)))
    assert "more: gate explain all -w x" in summary(warned, Screen(arguments=" -w x"))


def test_notices(passed: Decision) -> None:
    """Mistakes come first, remarks of one rule are one line, and too many are counted."""
    remarks = [
        Notice("a", "same 1"),
        Notice("a", "same 2"),
        *(Notice(f"n{n}", f"remark {n}") for n in range(7)),
    ]
    text = table(replace(passed, warnings=(*remarks, Notice("waivers", "w.yaml: is not YAML", "error"))))
    shown = [line for line in text.splitlines() if line.startswith(("error: ", "warning: "))]
    assert shown[:2] == ["error: w.yaml: is not YAML", "warning: same 1 (+1)"]
    assert shown[-1] == "warning: +3 more: gate explain stage8" and len(shown) == 7


def test_what_is_about_to_bind_is_in_no_other_line(passed: Decision) -> None:
    """A rule's other remarks hide neither that it will bind, nor do those of many rules."""
    first = replace(passed.checks[0], status=CheckStatus.PENDING)
    remarks = [Notice(first.code, "a remark"), Notice(first.code, "binds from 2030-01-01: too few")]
    others = [Notice(f"n{n}", f"remark {n}") for n in range(9)]
    text = table(replace(passed, checks=(first, *passed.checks[1:]), warnings=(*others, *remarks)))
    assert next(line for line in text.splitlines() if line.startswith("warning: ")) == (
        f"warning: {first.code}: binds from 2030-01-01: too few"
    )


def test_a_commit_is_shown_with_its_state(passed: Decision) -> None:
    """And whether the sources differ from it."""
    subject = replace(passed.subject, commit="c1f3b0f" + "0" * 33, dirty=True)
    assert "algo-trade @ c1f3b0f with changes " in table(replace(passed, subject=subject))
    assert "@ c1f3b0f   " in table(replace(passed, subject=replace(subject, dirty=False)))


HEBREW = "תוכנית ניהול הסיכונים של מערכת המסחר"


def hebrew(decision: Decision) -> Decision:
    """The decision of a workspace, with files and messages, in Hebrew and wide letters."""
    place = Place(f"{'דוחות/' * 15}日本語のファイル.json", 12)
    found = tuple(
        replace(v, msg=f"{HEBREW}: {v.msg}", places=(place,)) if v.severity is Severity.CRITICAL else v
        for v in decision.violations
    )
    stages = {name: replace(s, title=HEBREW[:22]) for name, s in decision.stages.items()}
    return replace(decision, workspace=HEBREW, violations=found, stages=stages)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["FAIL of all", "unknown", "rejected", "CONDITIONAL, waived"])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_longer_than_the_terminal(
    kinds: dict[str, Decision], make: Any, width: int, kind: str
) -> None:
    """At every width, with Hebrew names and with hostile ones; colours change nothing but colours."""
    for decision in (kinds[kind], hebrew(kinds[kind]), make.poisoned(kinds[kind])):
        text = table(decision, Screen(width, successes=True))
        assert max(map(cell_len, text.splitlines())) <= width
        assert "\x1b" not in text
        coloured = table(decision, Screen(width, color=True, successes=True))
        assert "\x1b[" in coloured
        assert ESCAPES.sub("", coloured) == text
    assert HEBREW in words(hebrew(kinds[kind]), Screen(width))


def test_a_narrow_terminal_loses_nothing(full: Decision) -> None:
    """Lines are wrapped: the same words stand there at 60 columns as at 200."""
    assert words(full, Screen(60)) == words(full)


def test_a_rule_that_is_told_by_nobody_but_its_problem(failed: Decision, make: Any) -> None:
    """A missing figure of another collector is no finding of a rule that does not need it."""
    other = Problem("", "is a link", "Copy it.")
    made = make.with_evidence(
        make.with_status(failed, "stage1.x", CheckStatus.HOLDS), "fixtures", problems=(other,)
    )
    assert "is a link" not in table(made)
