"""Reports of real decisions, and of hostile ones."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.report import render
from gate.engine.report.explain import render_explanation
from gate.engine.report.facts import facts_json, facts_text
from gate.engine.report.interface import Format, Screen
from gate.engine.report.json_format import render_json
from gate.engine.report.prelive import render_prelive
from gate.engine.report.status import status_json, status_text
from gate.engine.report.table import MAX_GROUPS, MAX_TERMS, render_table
from gate.engine.run import Judged
from gate.evidence.base.contracts import violations
from gate.evidence.collecting.interface import Evidence, Problem
from gate.evidence.reading.workspace import FileRead

Examples = Callable[[str, str], Judged]
Decision = dict[str, Any]
PLACE = {"index": 7, "digest": "ab" * 32}
HOSTILE = "\x1b[2J\x1b]0;owned\x07\nPASS\u202e\u2028"


@pytest.fixture
def failed(judged_examples: Examples) -> Decision:
    """The audit's state: stage 1 fails."""
    return {**copy.deepcopy(judged_examples("algo-trade", "stage1").decision), "ledger": None}


@pytest.fixture
def full(judged_examples: Examples) -> Decision:
    """The audit's state, all stages."""
    return {**copy.deepcopy(judged_examples("algo-trade", "all").decision), "ledger": PLACE}


@pytest.fixture
def passed(judged_examples: Examples) -> Decision:
    """The ready example's go-live decision, recorded."""
    return {**copy.deepcopy(judged_examples("ready", "stage8").decision), "ledger": PLACE}


def poison(value: Any, keys: tuple[str, ...] = ()) -> Any:
    """The decision with hostile text wherever free text from files or bundles can stand."""
    free = {
        "msg",
        "title",
        "question",
        "solution",
        "owner",
        "term",
        "name",
        "path",
        "workspace",
        "due",
        "reason",
    }
    if isinstance(value, dict):
        return {k: poison(v, (*keys, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [poison(v, keys) for v in value]
    is_free = keys and keys[-1] in free | {"actual", "expected", "terms"}
    return value + HOSTILE if isinstance(value, str) and is_free else value


def assert_clean(text: str, *, color: bool = False) -> None:
    """No control character but line breaks (and colours) gets out, and no line is forged."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text) if color else text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", text)
    assert "PASS" not in text.splitlines()


# --- table -----------------------------------------------------------------------------------------------


def test_the_table_says_verdict_figures_reasons_and_remedies(failed: Decision) -> None:
    """One screen: the audit's findings, each with what to do about it."""
    text = render_table(failed, Screen(width=110))
    first = text.splitlines()[0]
    assert first.startswith("FAIL  stage1 of ")
    assert "0.357" in text
    assert "760" in text
    assert "not recorded" in text
    assert "no git commit" in text
    assert "set, not the time of the run" in text
    for violation in failed["violations"]:
        assert violation["code"] in text
    assert len(text.splitlines()) <= 60
    assert all(len(line) <= 110 for line in text.splitlines())


def test_the_table_of_a_pass(passed: Decision) -> None:
    """A PASS shows the action, every stage, and where it is recorded."""
    text = render_table(passed, Screen())
    assert text.splitlines()[0].startswith("PASS  stage8 of ")
    assert "→ GO_LIVE_APPROVED" in text.splitlines()[0]
    assert all(f"stage{n}  PASS" in text for n in range(1, 9))
    assert "recorded: entry 7 of the ledger, abababababababab…" in text
    assert "CRITICAL" not in text


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("color", [True, False])
def test_colours_only_when_wanted(full: Decision, width: int, color: bool) -> None:
    """Escape sequences appear only when asked for, and the words are the same."""
    text = render_table(full, Screen(width, color))
    assert ("\x1b[" in text) == color
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert all(len(line) <= width for line in plain.splitlines())
    assert plain.split() == render_table(full, Screen(width)).split()


def test_many_violations_are_counted(failed: Decision) -> None:
    """More rules than fit on a screen are counted and left to explain; so are many terms."""
    base = {**failed["violations"][0], "term": None, "missing": False, "op": "∅"}
    rules = [{**base, "code": f"stage1.rule{n}"} for n in range(MAX_GROUPS + 3)]
    terms = [{**base, "code": "stage1.many", "term": f"term{n}", "msg": f"Bad: term{n}"} for n in range(9)]
    text = render_table({**failed, "violations": [*terms, *rules]}, Screen())
    assert "… and 4 more rules: gate explain stage1" in text
    shown = ", ".join(f"term{n}" for n in range(MAX_TERMS))
    assert f"Bad: {shown} and {9 - MAX_TERMS} more" in " ".join(text.split())


def test_dependencies_are_named(full: Decision) -> None:
    """A stage that fails through others says which."""
    violation = {**full["violations"][0], "code": "stage8.dependency", "missing": False}
    both = [{**violation, "term": f"stage{n}", "msg": f"stage{n} failed"} for n in (1, 2)]
    for violation in both:
        violation["stage"] = "stage8"
    text = render_table({**full, "violations": both}, Screen(width=160))
    assert "blocked: stage8 needs stage1, stage2" in text


def test_several_figures_of_one_rule(failed: Decision) -> None:
    """A rule with several broken operands shows each of them beside one message."""
    base = {
        **failed["violations"][0],
        "code": "stage1.x",
        "msg": "Too little",
        "term": None,
        "missing": False,
    }
    base |= {"op": "≥", "unit": "count", "expected": 5}
    both = [{**base, "actual": 1}, {**base, "actual": 2}]
    text = " ".join(render_table({**failed, "violations": both}, Screen(width=160)).split())
    assert "Too little: is 1, needs ≥ 5; is 2, needs ≥ 5" in text
    plain = [{**item, "op": None} for item in both]
    assert "Too little" in render_table({**failed, "violations": plain}, Screen())


def test_conditions_are_shown_when_they_decide(passed: Decision) -> None:
    """A CONDITIONAL verdict lists what must be done, by whom, by when; a FAIL does not distract with it."""
    condition = {
        "code": "c",
        "msg": "Fix it",
        "stage": "stage1",
        "owner": "cto",
        "due": "2025-12-01T00:00:00Z",
    }
    made = {**passed, "verdict": "CONDITIONAL", "conditions": [condition]}
    assert "condition Fix it  (cto, due 2025-12-01)" in render_table(made, Screen())
    assert "condition" not in render_table({**made, "verdict": "FAIL"}, Screen())


def test_a_commit_is_shown_with_its_state(passed: Decision) -> None:
    """With git the commit stands there, and whether the sources differ from it."""
    subject = {**passed["subject"], "commit": "c" * 40, "dirty": True}
    text = " ".join(render_table({**passed, "subject": subject}, Screen(width=160)).split())
    assert "commit cccccccccccc (sources differ from it)" in text
    clean = render_table(
        {**passed, "subject": {**subject, "dirty": False}, "effective_time_source": "clock"}, Screen()
    )
    assert "differ" not in clean
    assert "not the time of the run" not in clean


@pytest.mark.parametrize("color", [True, False])
def test_hostile_text_stays_inside_the_table(full: Decision, color: bool) -> None:
    """File names, messages and terms cannot control the terminal or forge a line."""
    assert_clean(render_table(poison(full), Screen(120, color)), color=color)


def test_letters_of_every_script_are_kept(failed: Decision) -> None:
    """Hebrew, accents and emoji in messages are printed as they are."""
    failed["violations"][0]["msg"] = "תוכנית חסרה à Genève 😀"
    assert "תוכנית חסרה à Genève 😀" in render_table(failed, Screen(width=160))


# --- explanation -----------------------------------------------------------------------------------------


def test_the_explanation_is_a_tree_down_to_digests(failed: Decision) -> None:
    """Verdict → rule → operand → fact → evidence file with digest, and what would make each rule hold."""
    text = render_explanation(failed)
    assert text.startswith("FAIL  stage1 of ")
    assert "artifact_coverage (0.357) ≥ 0.80 → false" in text
    for check in failed["checks"]:
        assert f"{check['code']}  {check['severity']}" in text
        for fact in check["facts"]:
            assert f"fact      {fact['name']} = " in text
        if check["status"] != "holds":
            assert "to do     " in text
    assert "artifact_coverage must be ≥ 0.80; it is 0.357" in text
    assert "not evaluated, evidence is missing" in text
    for digest in re.findall(r"file    \S+ sha256:(\S+)", text):
        assert len(digest) == 64
    assert f"subject sha256:{failed['subject']['digest']}" in text


def test_the_explanation_of_a_recorded_pass(passed: Decision) -> None:
    """It names the ledger entry, its leaf, and every stage it rests on."""
    text = render_explanation(passed)
    assert f"ledger entry 7, leaf {'ab' * 32}" in text
    assert "→ GO_LIVE_APPROVED" in text
    assert "stage1 (PASS) = PASS → true" in text
    assert "✘" not in text
    one = render_explanation(passed, "stage3")
    assert "stage3  PASS" in one
    assert "stage4  PASS" not in one
    assert "stage3.operations_mapped" in one


def test_a_stage_without_evidence_is_explained(passed: Decision) -> None:
    """A stage without evidence says so."""
    stage = passed["stages"]["stage7"]
    stage["verdict"], stage["has_evidence"] = "FAIL", False
    assert "there is no evidence for it at all" in render_explanation(passed)


def test_needs_of_every_kind(passed: Decision) -> None:
    """For lists, sets and figures, what would make the rule hold."""
    check = next(c for c in passed["checks"] if c["stage"] == "stage8")
    base = {"name": "x", "actual": 1, "expected": 2, "unit": "count", "holds": False}
    check["status"] = "violated"
    check["operands"] = [
        {**base, "op": "≥"},
        {**base, "op": "∅", "actual": ["long text"], "expected": [], "terms": ["bad"]},
        {**base, "op": "⊇", "actual": ["a"], "expected": ["a", "b"], "terms": ["b"]},
        {**base, "name": "fine", "op": "=", "holds": True},
    ]
    text = render_explanation(passed)
    assert "to hold   x must be ≥ 2; it is 1" in text
    assert "to hold   x must be empty; fix long text" in text
    assert "to hold   x must also have b" in text
    assert "fine must" not in text
    assert f"to do     {check['solution']}" in text


def test_many_files_are_counted(passed: Decision) -> None:
    """A rule over hundreds of files shows a few and counts the rest."""
    for evidence in passed["evidence"]:
        evidence["files"] = [{"path": f"f{n}", "sha256": "0" * 64, "size": 1} for n in range(20)]
    assert "file    and 14 more, in the decision's JSON" in render_explanation(passed)


def test_hostile_text_stays_inside_the_explanation(full: Decision) -> None:
    """The explanation is as safe to print as the table."""
    assert_clean(render_explanation(poison(full)))


def test_commits_and_warnings_are_in_the_explanation(passed: Decision) -> None:
    """The commit, weakenings and warnings are said."""
    passed["subject"]["commit"] = "c" * 40
    passed["warnings"] = [{"code": "stage1.x", "msg": "waiver W-1 expires soon"}]
    text = render_explanation(passed)
    assert f"commit  {'c' * 40}" in text
    assert "warning stage1.x: waiver W-1 expires soon" in text
    assert "note: judged as of" in text


# --- JSON and the verification log -----------------------------------------------------------------------


def test_json_is_the_decision(full: Decision) -> None:
    """Two spaces, key order kept, one line break at the end, readable by anything."""
    data = render_json(full)
    assert json.loads(data) == full
    assert list(json.loads(data)) == list(full)
    assert data.endswith(b"}\n")
    assert data.startswith(b'{\n  "type": "gate.decision/v1"')
    assert violations("", "decision", json.loads(data)) == []


@pytest.mark.parametrize("format_", list(Format))
def test_every_format_is_rendered(passed: Decision, format_: Format) -> None:
    """Each name of ``--output`` gives bytes, the same each time."""
    assert render(format_, passed, Screen()) == render(format_, passed, Screen()) != b""


def test_the_verification_log_keeps_its_contract(passed: Decision, full: Decision, failed: Decision) -> None:
    """Status and figures of every gate, the decision, and who signed."""
    for decision in (passed, full, failed):
        log = json.loads(render_prelive(decision))
        assert violations("files", "prelive_verification_log", log) == []
        assert log["decision"] == decision["verdict"]
        assert log["timestamp"] == decision["effective_time"]
        assert {n: g["status"] for n, g in log["gates"].items()} == {
            n: s["verdict"] for n, s in decision["stages"].items()
        }
    assert json.loads(render_prelive(failed))["gates"]["stage1"]["artifact_coverage"] == 0.357142
    assert "stage8" not in json.loads(render_prelive(failed))["gates"]
    signatures = json.loads(render_prelive(passed))["signatures"]
    assert sum(key is not None and key.startswith("SHA256:") for key in signatures.values()) >= 3


@given(st.integers(-(10**14), 10**14), st.sampled_from(["ppm", "micro", "us", "cents", "count", "s"]))
def test_the_verification_logs_numbers_are_exact(value: int, unit: str) -> None:
    """What is written is exactly the scaled integer's decimal value."""
    scale = {"ppm": 10**6, "micro": 10**6, "us": 1000, "cents": 100}.get(unit, 1)
    stage = {
        "verdict": "PASS",
        "has_evidence": True,
        "figures": {"f": {"value": value, "unit": unit}, "t": {"value": "x", "unit": unit}},
    }
    decision = {"stages": {"stage1": stage}, "effective_time": "", "verdict": "PASS", "signatures": []}
    read = json.loads(render_prelive(decision), parse_float=Decimal, parse_int=Decimal)
    assert read["gates"]["stage1"]["f"] == Decimal(value) / scale
    assert read["gates"]["stage1"]["t"] == "x"


# --- facts and status ------------------------------------------------------------------------------------


def evidence() -> dict[str, Evidence]:
    """Evidence with values of every shape."""
    facts = {"a": None, "b": True, "n": {"x": [1, {"y": "ת"}], "empty": {}, "none": []}, "bad": HOSTILE}
    missing = (Problem("a", "no file", "make it"),)
    return {"paper": Evidence("paper", "1", facts, missing, (FileRead("log.json", "f" * 64, 3),), None)}


def test_facts_as_text() -> None:
    """One line per fact with its full name, what is missing, and the files; nothing hostile gets out."""
    text = facts_text(evidence())
    lines = text.splitlines()
    assert lines[0] == f"paper  (sha256:{evidence()['paper'].digest})"
    for line in (
        "  paper.a = null",
        "  paper.b = true",
        "  paper.n.x[0] = 1",
        "  paper.n.x[1].y = ת",
        "  paper.n.empty = {}",
        "  paper.n.none = []",
        "  missing a: no file",
        f"  file log.json  sha256:{'f' * 64}",
    ):
        assert line in lines
    assert_clean(text)


def test_facts_as_json() -> None:
    """The evidence records with their digests."""
    record = json.loads(facts_json(evidence()))["paper"]
    assert record["digest"] == evidence()["paper"].digest
    assert record["facts"]["n"]["x"][1]["y"] == "ת"
    assert record["problems"][0]["reason"] == "no file"


def row(stage: str, status: str, title: str, entry: int | None, current: bool | None) -> dict[str, Any]:
    """A stage's latest recorded verdict."""
    time = None if entry is None else "2025-11-07T12:00:00Z"
    return {
        "stage": stage, "status": status, "title": title, "effective_time": time, "entry": entry,
        "current": current, "policy_current": current,
    }  # fmt: skip


ROWS = [
    row("stage1", "PASS", "First", 12, True),
    row("stage2", "FAIL", "Second " + HOSTILE, 3, False),
    row("stage10", "PENDING", "Tenth", None, None),
]


def test_status_as_text() -> None:
    """Aligned columns; whether the sources are still those that were judged."""
    text = status_text(ROWS)
    lines = text.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["stage", "status", "what", "as", "of", "entry", "sources"]
    assert lines[1].endswith("12     as they are now")
    assert lines[2].endswith("3      changed since, judged by other policies")
    assert lines[3].split() == ["stage10", "PENDING", "Tenth"]
    assert (
        len(
            {
                line.index(word)
                for line, word in zip(lines, ("status", "PASS", "FAIL", "PENDING"), strict=True)
            }
        )
        == 1
    )
    assert_clean(text)


def test_status_as_json() -> None:
    """The rows as they are."""
    assert json.loads(status_json(ROWS)) == {"stages": ROWS}
