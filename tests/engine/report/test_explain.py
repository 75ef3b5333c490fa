"""The tree behind a decision, what is shown of it, and the verification log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from gate.engine.decision.document import Decision, Figure, Notice, Place, Subject
from gate.engine.ledger.interface import Entry
from gate.engine.report import registry
from gate.engine.report.interface import Screen
from gate.evidence.base.contracts import violations
from gate.evidence.collecting.interface import Scope


def tree(decision: Decision, entry: Entry | None = None, **screen: Any) -> str:
    """The explanation as text."""
    return registry.load("explain").render(decision, entry, Screen(**{"width": 200, **screen})).decode()


def test_failures_down_to_digests(failed: Decision) -> None:
    """Verdict → rule → operand → fact → evidence file with its digest → why → fix, of the rules that fail."""
    text = tree(failed)
    holding = sum(check.status == "holds" for check in failed.checks)
    counted = f"{holding} of {len(failed.checks)} rules hold · 1 cannot be told"
    assert text.startswith(f"FAIL  stage1 · algo-trade, no git commit\n  rules     {counted}\n")
    start = text.index(
        "✘ stage1.artifact_coverage  CRITICAL  Enough of the expected artifacts exist  [violated]"
    )
    steps = ["operand   artifact_coverage (35.7 %) ≥ 80 % → false", "fact      artifacts.found_ppm = 357142"]
    steps += [
        "evidence  artifacts/",
        "file      PRE_LIVE_CHECKLIST.md sha256:",
        "why       Too few",
        "fix   ",
    ]
    places = [text.index(step, start) for step in steps]
    assert places == sorted(places)
    for check in failed.checks:
        assert (check.code in text) == (check.status != "holds")
    assert "→ not evaluated, evidence is missing" in text
    assert f"sources   {failed.subject.files} files, sha256:{failed.subject.digest}" in text
    assert text.endswith(f"{holding} rules hold: --show-successes shows them\n")


def test_what_to_do_about_a_rule_that_cannot_be_told(full: Decision) -> None:
    """What its own evidence lacks, and nothing about evidence of others that lacks the same."""
    text = tree(full, rules=("stage1.contracts_compatible",))
    assert "fix       set evidence.contracts.approved to the tag or commit that was approved" in text
    assert "risk_parameters" not in text


def test_what_was_shown_is_not_repeated(full: Decision) -> None:
    """Each reason and each collector's files stand with the first rule that has them."""
    text = tree(full)
    assert text.count("why       No evidence: PAPER_TRADING_LOG.json does not exist\n") == 1
    assert "why       as stage7." in text
    headings = re.findall(r"evidence  (\w+)/\d+ sha256:", text)
    assert len(headings) == len(set(headings))
    assert "see stage1.artifact_coverage\n" in text


def test_everything_and_one_rule(passed: Decision) -> None:
    """With all rules, those that hold are shown; with a code, that rule alone, whether it holds or not."""
    holding = sum(check.status == "holds" for check in passed.checks)
    assert tree(passed, successes=True).count("✔ ") == holding
    assert "✔" not in tree(passed) and f"{holding} rules hold: --show-successes" in tree(passed)
    one = tree(passed, rules=("stage4.no_stubs",))
    assert re.findall(r"^  [✔✘?~] (\S+)", one, re.MULTILINE) == ["stage4.no_stubs"]
    assert "stage1 (PASS)" not in one and "stage3 (PASS) = PASS → true" in one
    assert "--show-successes" not in one


def test_a_recorded_decision(passed: Decision) -> None:
    """It names the ledger entry, its leaf, the commit, what weakens it and remarks."""
    subject: Subject = replace(passed.subject, commit="c" * 40)
    notices = (Notice("waivers", "waiver W-1 expires soon"), Notice("stage4.no_stubs", "odd"))
    made = replace(passed, subject=subject, warnings=notices)
    text = tree(made, Entry(7, "ab" * 32))
    assert f"ledger entry 7, leaf {'ab' * 32}" in text
    assert f"  commit    {'c' * 40}\n" in text
    assert "warning: waiver W-1 expires soon\nwarning: odd\n" in text
    assert "  weakened  judged as of" in text
    assert "      warning   odd\n" in tree(made, successes=True)


def test_a_stage_without_evidence(passed: Decision) -> None:
    """It says so."""
    stages = {**passed.stages, "stage7": replace(passed.stages["stage7"], has_evidence=False)}
    assert "there is no evidence for it at all" in tree(replace(passed, stages=stages))


def test_places_scopes_and_provenance(passed: Decision, make: Any) -> None:
    """A reason has its places, a rule what was looked at, evidence how it was made, and files are counted."""
    code = "stage4.no_stubs"
    one = make.violation(code, msg="A stub", term="health", places=(Place("x.py", 3),), evidence=("source",))
    evidence = {
        "files": tuple(replace(passed.evidence[0].files[0], path=f"f{n}") for n in range(20)),
        "scopes": (Scope("stubs", 71, 2, "files"),),
        "tool": "ast 3",
        "sources": "dirty",
        "provider": "gate-x 1",
    }
    made = make.with_evidence(make.with_status(passed, code, "violated"), "source", **evidence)
    text = tree(replace(made, violations=(one,)))
    assert "why       A stub [health] (x.py:3)\n" in text
    named = replace(one, msg="A stub: x.py:3 health", term="x.py:health")
    assert "why       A stub: x.py:3 health\n" in tree(replace(made, violations=(named,)))
    assert "looked at 2 of 71 files\n" in text
    assert "made      from this commit, with changes then or now, " in text
    assert "by ast 3, collected by gate-x 1\n" in text
    assert "file      +14, in the decision's JSON" in text


def test_reasons_that_differ_in_a_term_are_one_line(failed: Decision, make: Any) -> None:
    """Short terms stand side by side; a long one keeps its own line."""
    code = "stage1.artifact_coverage"
    told = ["Fields are missing", "Fields are missing: FILLED", "Fields are missing: ERROR"]
    told += [f"Fields are missing: {'x' * 61}"]
    made = tuple(make.violation(code, msg=text) for text in told)
    text = tree(replace(failed, violations=made), rules=(code,))
    assert re.findall("why +(.*)", text) == ["Fields are missing: FILLED, ERROR", told[-1]]


def test_raised_severity(full: Decision) -> None:
    """A rule has one severity; that missing evidence weighs more is said."""
    text = tree(full)
    assert "✘ stage3.data_types  HIGH (MEDIUM rule, raised: evidence is missing)  " in text
    assert "✘ stage3.error_codes  HIGH  " in text


def test_what_a_waiver_and_a_condition_say(passed: Decision, make: Any) -> None:
    """Both are shown with their rules; a condition that only repeats a violation's fix is not."""
    text = tree(make.waived(passed))
    assert "~ stage1.checklist_total  MEDIUM  " in text and "[waived]" in text
    assert "why       condition: Watch the first day (cto, due 2025-12-01)\n" in text
    assert text.count("Fill it in.") == 1


@pytest.mark.soak
@pytest.mark.parametrize("width", [60, pytest.param(80, marks=pytest.mark.soak), 200])
@pytest.mark.parametrize("kind", ["FAIL of all", "unknown", "rejected", "CONDITIONAL, waived"])
def test_no_line_is_longer_than_the_terminal(
    kinds: dict[str, Decision], make: Any, width: int, kind: str
) -> None:
    """At every width, also for hostile text; colours change nothing but colours."""
    for decision in (kinds[kind], make.poisoned(kinds[kind])):
        text = tree(decision, width=width, successes=True)
        assert max(map(cell_len, text.splitlines())) <= width
        coloured = tree(decision, width=width, successes=True, color=True)
        assert "\x1b[" in coloured and re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text


@pytest.mark.soak
def test_the_command(gate: Any, copy_example: Callable[[str], Path]) -> None:
    """By short name or code; several rules; a mistyped one gets “did you mean”."""
    root = copy_example("ready")
    run = gate("explain", "stage4", "-w", root, "--rule", "no_stubs", "--rule", "stage1.artifact_coverage")
    assert run.code == 0
    assert re.findall(r"^  ✔ (\S+)", run.out, re.MULTILINE) == ["stage1.artifact_coverage", "stage4.no_stubs"]
    run = gate("explain", "stage4", "-w", root, "--rule", "no_stub")
    assert (run.code, run.out) == (2, "")
    assert "no rule 'no_stub' was judged" in run.err and "did you mean 'no_stubs'?" in run.err
    assert "✔" in gate("explain", "stage1", "-w", root, "--show-successes").out
    assert "✔" in gate("evaluate", "stage1", "-w", root, "--no-record", "--show-successes").out


def prelive(decision: Decision, **options: Any) -> Any:
    """The verification log as its readers see it."""
    return json.loads(registry.load("prelive").render(decision, None, Screen()), **options)


def test_the_verification_log_keeps_its_contract(passed: Decision, full: Decision, failed: Decision) -> None:
    """Status and figures of every gate, the decision, and who signed."""
    for decision in (passed, full, failed):
        log = prelive(decision)
        assert violations("files", "prelive_verification_log", log) == []
        assert (log["decision"], log["timestamp"]) == (decision.verdict, decision.effective_time)
        assert {n: g["status"] for n, g in log["gates"].items()} == {
            n: s.verdict for n, s in decision.stages.items()
        }
    assert prelive(failed)["gates"]["stage1"]["artifact_coverage"] == 0.357142
    assert prelive(full)["gates"]["stage3"] == {"status": "FAIL"}, "what was not measured has no figure"
    signatures = prelive(passed)["signatures"]
    assert sum(key is not None and key.startswith("SHA256:") for key in signatures.values()) >= 3


@given(
    value=st.integers(-(10**14), 10**14), unit=st.sampled_from(["ppm", "micro", "us", "cents", "count", "s"])
)
def test_the_verification_logs_numbers_are_exact(passed: Decision, value: int, unit: str) -> None:
    """What is written is exactly the scaled integer's decimal value."""
    figures = {"f": Figure(value, unit), "t": Figure("x", unit)}
    stages = {"stage1": replace(passed.stages["stage1"], figures=figures)}
    read = prelive(replace(passed, stages=stages), parse_float=Decimal, parse_int=Decimal)
    scale = {"ppm": 10**6, "micro": 10**6, "us": 1000, "cents": 100}.get(unit, 1)
    assert read["gates"]["stage1"] == {"status": "PASS", "f": Decimal(value) / scale, "t": "x"}
