"""Several decisions: history, figures over time, and what one changes against another."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from lxml import etree
from markdown_it import MarkdownIt
from msgspec.structs import replace

from gate.engine.decision.document import CheckStatus, Decision, Figure, Severity, Verdict, Weakening
from gate.engine.entries.reading import DecisionEntry, RecordedDecision
from gate.engine.entries.statement import statement_of, summary
from gate.engine.ledger.interface import Entry
from gate.engine.report import registry
from gate.engine.report.interface import Screen
from gate.engine.report.several import compare, history, trend
from gate.engine.report.several.series import trend as follow

from .small import small
from .test_formats import ACTIVE, hostile_text, poison

HERE = Path(__file__).parent


def recorded(number: int, decision: Decision | None, of: Decision | None = None) -> RecordedDecision:
    """A decision as the ledger has it; None in place of the document where it cannot be read."""
    made = statement_of(of or decision or small(), "ab" * 32)
    extension = made["predicate"]["urn:gate:decision:v1"]
    extension["bundle"] = {"sha256": "cd" * 32}
    found = summary(made)
    assert found is not None
    entry = DecisionEntry(Entry(number, f"{number:064x}"), made, "decision", None, found)
    return RecordedDecision(entry, decision, None if decision else "gate 9 stored it")


def later(number: int, value: int | None, verdict: Verdict = Verdict.FAIL) -> Decision:
    """The small decision of another day, with another coverage."""
    base = small()
    stage = base.stages["stage1"]
    figures = {"coverage": Figure(value, "ppm")}
    return replace(
        base,
        verdict=verdict,
        effective_time=f"2025-12-{number + 1:02}T12:00:00Z",
        stages={**base.stages, "stage1": replace(stage, figures=figures)},
    )


ROWS = [recorded(n, later(n, value)) for n, value in enumerate([357_142, None, 500_000, 810_000, 900_000])]


def golden(name: str, data: bytes) -> None:
    """Compare with the reviewed file; WRITE_GOLDEN=1 writes it anew."""
    path = HERE / "golden" / name
    if os.environ.get("WRITE_GOLDEN"):
        path.write_bytes(data)
    assert data == path.read_bytes()


def fixed() -> Decision:
    """The small decision after a change: coverage fixed, a new violation, another limit, another bundle."""
    base = later(3, 900_000, Verdict.CONDITIONAL)
    coverage, secrets, session, _ = base.violations
    new = replace(secrets, code="stage1.files", msg="A file is missing: a|b.md", severity=Severity.MEDIUM)
    checks = tuple(
        replace(
            one,
            status=CheckStatus.HOLDS if one.code == coverage.code else one.status,
            operands=tuple(replace(o, expected=850_000) for o in one.operands),
            severity=Severity.MEDIUM if one.code == session.code else one.severity,
        )
        for one in base.checks
        if one.code != "stage1.other"
    )
    stages = {**base.stages, "stage2": replace(base.stages["stage2"], verdict=Verdict.CONDITIONAL)}
    return replace(
        base,
        checks=checks,
        stages=stages,
        violations=(secrets, session, new),
        policy=replace(base.policy, version="1.2.0", digest="cc" * 32),
        weakenings=(*base.weakenings, Weakening("no_author", "nobody is the author")),
        subject=replace(base.subject, commit="decade" + "0" * 34),
    )


def test_what_a_change_changes() -> None:
    """Newly failing, fixed, still failing; figures; what only the policies change."""
    found = compare.compare(small(), fixed())
    assert [one.code for one in found.failing] == ["stage1.files"]
    assert [one.code for one in found.fixed] == ["stage1.coverage", "stage2.dependency"]
    assert found.still == 2
    assert [(one.name, one.before, one.after) for one in found.verdicts] == [
        ("stage2", "FAIL", "CONDITIONAL")
    ]
    assert [(one.name, one.before, one.after) for one in found.figures] == [
        ("stage1 coverage", "35.7 %", "90 %")
    ]
    policy = {(one.name, one.before, one.after) for one in found.policy}
    assert ("stage1.coverage line coverage", "≥ 80 %", "≥ 85 %") in policy
    assert ("stage1.session", "HIGH", "MEDIUM") in policy
    assert ("stage1.other", "LOW rule", "-") in policy
    assert found.weakened == ("nobody is the author",)


def test_a_stage_that_the_base_did_not_judge_is_told_apart() -> None:
    """Its rules fail now; whether they failed before, nobody knows."""
    head = small()
    base = replace(
        head,
        stages={"stage1": head.stages["stage1"]},
        checks=tuple(one for one in head.checks if one.stage == "stage1"),
        violations=tuple(one for one in head.violations if one.stage == "stage1"),
    )
    found = compare.compare(base, head)
    text = " ".join(compare.RENDERERS["table"](found, Screen()).decode().split())
    new = sum(one.stage == "stage2" for one in found.failing)
    assert new and f" newly failing ({new} in stages that the base did not judge), " in text


def test_a_rule_that_is_gone_is_not_fixed() -> None:
    """Whoever removes a rule from the policies does not fix what it found."""
    head = replace(
        small(),
        checks=tuple(one for one in small().checks if one.code != "stage1.coverage"),
        violations=small().violations[1:],
    )
    found = compare.compare(small(), head)
    assert found.fixed == ()
    assert [(one.name, one.before, one.after) for one in found.policy] == [
        ("stage1.coverage", "CRITICAL rule", "-")
    ]


def test_what_the_policies_do_not_change_is_not_theirs() -> None:
    """Limits that come from the evidence are not; a stage that was not judged is not fixed."""
    operands = tuple(replace(one, expected=1) for one in small().checks[0].operands)
    head = replace(small(), checks=(replace(small().checks[0], operands=operands), *small().checks[1:]))
    assert compare.compare(small(), head).policy == ()
    first = replace(
        small(),
        stage="stage1",
        stages={"stage1": small().stages["stage1"]},
        checks=tuple(one for one in small().checks if one.stage == "stage1"),
        violations=tuple(one for one in small().violations if one.stage == "stage1"),
    )
    found = compare.compare(small(), first)
    assert (found.failing, found.fixed, found.policy) == ((), (), ())


def test_a_waiver_fixes_nothing() -> None:
    """What somebody permitted, or a profile leaves out, is told apart from what was fixed."""
    base = small()
    coverage, secrets, *rest = base.violations
    names = {name: getattr(coverage, name) for name in type(coverage).__struct_fields__}
    waived = replace(base.waived[0], **names)
    checks = tuple(
        replace(one, status=CheckStatus.LEFT_OUT) if one.code == secrets.code else one for one in base.checks
    )
    head = replace(base, checks=checks, violations=tuple(rest), waived=(*base.waived, waived))
    found = compare.compare(base, head)
    assert found.fixed == ()
    assert [(one.name, one.after) for one in found.excused] == [
        ("stage1.coverage", "waived"), ("stage1.secrets", "not in profile"),
    ]  # fmt: skip


def test_a_comment_stays_within_what_github_takes() -> None:
    """However many rules fail, and whatever they say."""
    one = small().violations[1]
    many = tuple(replace(one, code=f"stage1.x{n}", msg="@" * 999, solution="#" * 999) for n in range(200))
    checks = tuple(replace(small().checks[0], code=f"stage1.x{n}") for n in range(200))
    before, after = replace(small(), violations=()), replace(small(), violations=many)
    before, after = (replace(one, checks=(*one.checks, *checks)) for one in (before, after))
    comment = compare.RENDERERS["markdown"](compare.compare(before, after), Screen()).decode()
    assert "and 192 more" in comment and len(comment.encode()) <= compare.MAX_BYTES


def test_nothing_changed() -> None:
    """A decision against itself."""
    text = compare.RENDERERS["markdown"](compare.compare(small(), small()), Screen()).decode()
    assert "0 rules newly failing, 0 rules newly fixed, 4 rules still failing" in text
    assert "####" not in text


def test_reports_of_several_are_as_they_were_reviewed() -> None:
    """Byte by byte."""
    found = compare.compare(small(), fixed())
    golden("compare.md", compare.RENDERERS["markdown"](found, Screen()))
    golden("compare.txt", compare.RENDERERS["table"](found, Screen()))
    golden("compare.json", compare.RENDERERS["json"](found, Screen()))
    golden("history.txt", history.RENDERERS["table"](ROWS, Screen()))
    golden("history.csv", history.RENDERERS["csv"](ROWS, Screen()))
    golden("trend.txt", trend.RENDERERS["table"](follow(ROWS), Screen()))
    golden("trend.svg", trend.RENDERERS["svg"](follow(ROWS), Screen()))


def test_a_sparkline_has_a_bar_for_each_decision_and_gaps() -> None:
    """Between the least and the greatest; what was not measured is no zero."""
    [one] = follow(ROWS, ["stage1.coverage"]).series
    assert trend.sparkline(one.points) == "▁·▂▆█"
    [flat] = follow(ROWS[:1], ["stage1"]).series
    assert trend.sparkline(flat.points) == "▅"
    assert follow(ROWS, ["stage9"]).series == ()


def test_a_decision_that_this_version_cannot_read_is_still_listed() -> None:
    """With what the ledger's line says."""
    rows = [recorded(0, None), *ROWS[1:2]]
    first, *_ = json.loads(history.RENDERERS["json"](rows, Screen()))["decisions"]
    assert (first["verdict"], first["stage"], first["rules"], first["signed"]) == ("FAIL", "stage2", None, [])
    assert "cannot be read: gate 9 stored it" in history.RENDERERS["table"](rows, Screen()).decode().replace(
        "\n       ", " "
    )
    assert len(follow(rows).series) == 1


@pytest.mark.parametrize("form", ["table", "json", "csv", "svg"])
def test_an_empty_ledger_is_no_error(form: str) -> None:
    """There is nothing to list."""
    for renderers, empty in ((history.RENDERERS, []), (trend.RENDERERS, follow([]))):
        if form in renderers:
            assert renderers[form](empty, Screen())  # type: ignore[operator]


@given(hostile_text)
def test_hostile_text_is_inert_in_reports_of_several(text: str) -> None:
    """CSV without formulas, well-formed SVG, Markdown without HTML and links."""
    first, second = poison(small(), text), poison(fixed(), text)
    rows = [recorded(0, first, small()), recorded(1, second, small())]
    found = compare.compare(first, second)
    made = {f"compare {name}": make(found, Screen()) for name, make in compare.RENDERERS.items()}
    made |= {f"history {name}": make(rows, Screen()) for name, make in history.RENDERERS.items()}
    made |= {f"trend {name}": make(follow(rows), Screen()) for name, make in trend.RENDERERS.items()}
    for name, data in made.items():
        shown = data.decode()
        assert not ACTIVE.search(shown.replace("\r\n", "\n")), name
        assert not re.search(r"^\s*::", shown, re.MULTILINE) and "##[" not in shown
        assert "DU1234567" not in shown
    for name in ("history csv", "trend csv"):
        for row in csv.reader(io.StringIO(made[name].decode())):
            assert len(row) in (5, 12)
            assert not [cell for cell in row if cell.lstrip()[:1] in tuple("=+-@|%") and cell]
    svg = etree.fromstring(made["trend svg"])
    assert {etree.QName(one).localname for one in svg.iter()} <= {
        "svg", "title", "style", "g", "rect", "text", "polyline", "circle",
    }  # fmt: skip
    comment = made["compare markdown"].decode()
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(comment)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in [*tokens, *inner]}
    assert not kinds & {"link_open", "image", "fence", "code_block", "html_inline", "hr"}
    assert [token.content for token in tokens if token.type == "html_block"] == [compare.MARKER + "\n"]
    assert sum(token.type == "table_open" for token in tokens) >= 4


# --- through the program -----------------------------------------------------------------------------------


def test_a_recorded_decision_in_any_format(
    evaluated: Any, workspaces: Path, gate: Any, tmp_path: Path
) -> None:
    """By stage, index, digest or as the latest one; what is printed is what evaluate printed."""
    ran = evaluated("algo-trade", "all")
    root = workspaces / "algo-trade for all"
    for named in ("latest", "all", "stage4", "0", json.loads(ran.out)["ledger"]["digest"][:12]):
        done = gate(
            "report", "--decision", named, "-w", root, "-o", "json", "-o", f"junit={tmp_path / 'j.xml'}"
        )
        assert (done.code, done.err, json.loads(done.out)) == (0, "", json.loads(ran.out))
    assert (tmp_path / "j.xml").read_text().startswith("<?xml")


def test_a_recorded_decision_looks_as_on_the_day(gate: Any, copy_example: Any, tmp_path: Path) -> None:
    """Every format has the same bytes when the decision is made and when it is read again."""
    root = copy_example("algo-trade")
    forms = [form for form in registry.BUILTIN if form != "pdf"]
    for name, command in (("then", ("evaluate", "all")), ("now", ("report",))):
        outputs = [word for form in forms for word in ("-o", f"{form}={tmp_path / form}.{name}")]
        run = gate(*command, "-w", root, *outputs)
        assert run.code in (0, 1), run.err
    for form in forms:
        assert (tmp_path / f"{form}.then").read_bytes() == (tmp_path / f"{form}.now").read_bytes(), form


def test_stages_keep_the_order_of_their_rules() -> None:
    """A stored decision has its stages by name, reports have them in the policies' order."""
    made = small().to_json()
    first, *_ = made["stages"].values()
    rules = [{**made["checks"][0], "stage": name, "code": f"{name}.x"} for name in ("unit", "deploy")]
    document = {**made, "checks": rules}
    document |= {name: [] for name in ("violations", "conditions", "waived")}
    document["stages"] = {name: {**first, "depends_on": []} for name in ("deploy", "unit")}
    read = Decision.from_json({**document, "stage": "all"})
    assert list(read.stages) == ["unit", "deploy"]


def test_history_and_trend_of_a_ledger(evaluated: Any, workspaces: Path, gate: Any, tmp_path: Path) -> None:
    """One row, its figures, and a picture."""
    evaluated("algo-trade", "all")
    root = workspaces / "algo-trade for all"
    [row] = json.loads(gate("history", "-w", root, "-o", "json").out)["decisions"]
    assert (row["entry"], row["verdict"], row["stage"], row["commit"]) == (0, "FAIL", "all", None)
    assert row["figures"]["stage1"]["artifact_coverage"] == {"value": 357142, "unit": "ppm"}
    assert gate("history", "-w", root, "--stage", "stage3").out.startswith("    0  2025-")
    done = gate("report", "trend", "stage1", "-w", root, "-o", "table", "-o", f"svg={tmp_path / 't.svg'}")
    assert done.code == 0 and "stage1 artifact coverage" in done.out and "stage4" not in done.out
    assert etree.parse(tmp_path / "t.svg")


def test_two_files_are_compared_without_a_workspace(gate: Any, tmp_path: Path) -> None:
    """As a job on a pull request does, whose decisions are not recorded."""
    for name, decision in (("base.json", small()), ("head.json", fixed())):
        (tmp_path / name).write_text(json.dumps(decision.to_json() | {"ledger": None}))
    done = gate("report", "compare", "base.json", "head.json", "-o", "markdown")
    assert (done.code, done.err) == (0, "") and "stage1.files" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "--decision", "stge1"), "did you mean 'stage1'?"),
        (("report", "--decision", "stage2"), "no ledger"),
        (("report", "-o", "xml"), "there is no output format 'xml'"),
        (("report", "-o", "json", "trend"), "--output has no effect: it stands before trend"),
        (
            ("report", "--trust-ref", "x", "compare", "a", "b"),
            "--trust-ref has no effect: it stands before",
        ),
        (("report", "trend", "stage1.nothing"), "no recorded decision has a figure stage1.nothing"),
        (("history", "--stage", "stage99"), "stage99"),
        (("report", "compare", "a.json", "b.json"), "a.json"),
        (("report", "compare", "bad.json", "bad.json"), "it is no decision"),
        (("report", "compare", "deep.json", "deep.json"), "it is no decision"),
        (("report", "compare", "./", "./"), "it is no regular file"),
    ],
)
def test_wrong_usage_is_one_error(
    gate: Any, make_workspace: Any, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, what is wrong and what to do; nothing on standard output."""
    root = make_workspace(
        {"bad.json": '{"type": "gate.decision/v2"}', "deep.json": "[" * 100_000, "a.txt": ""}
    )
    done = gate(*arguments, cwd=root)
    assert (done.code, done.out) == (2, "")
    assert said in done.err and "to do: " in done.err and "Traceback" not in done.err
