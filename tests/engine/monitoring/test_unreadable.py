"""A recorded decision that cannot be read: named with its reason, and it hides no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine.entries.statement import EXTENSION, statement, statement_of, summary
from gate.engine.policy.bundle import to_document
from gate.engine.workspace_ledger import writer
from gate.evidence.base.canonical import canonical
from gate.evidence.base.errors import InternalError, LedgerError


def run(desk: Any, *arguments: str) -> Any:
    """Run a command on the desk's workspace."""
    return desk.gate(*arguments, "-w", desk.root, env={"GATE_CONFIG_DIR": str(desk.config)})


def sign(desk: Any, change: Callable[[dict[str, Any]], object]) -> None:
    """Record a changed decision document as somebody could who has the log key."""
    document = json.loads(canonical(desk.judged.decision.to_json()))
    change(document)
    data = json.dumps(document).encode()
    with writer(desk.judged.context, desk.config) as (ledger, _):
        digest = ledger.evidence.put(data)
        bundle = ledger.evidence.put(to_document(desk.judged.context.bundle))
        ledger.append([statement(desk.judged.decision, digest, bundle)])
        ledger.seal("2026-02-01T00:00:00Z")


CONTRADICTIONS = {
    "/stages/stage1/depends_on/0: it names the stage 'stage0'": (
        lambda document: document["stages"]["stage1"].update(depends_on=["stage0"])
    ),
    "/violations/0/stage: it names the stage 'stage9'": (
        lambda document: document["violations"][0].update(stage="stage9")
    ),
    "/checks/0/stage: it names the stage 'stage9'": (
        lambda document: document["checks"][0].update(stage="stage9")
    ),
    "/stage: it names the stage 'stage2'": lambda document: document.update(stage="stage2"),
    "/effective_time: '2026-13-01T00:00:00Z' is not a real time": (
        lambda document: document.update(effective_time="2026-13-01T00:00:00Z")
    ),
    "/: not canonical": lambda document: document.update(workspace="\ud800"),
    "it differs from its entry in: stages": (
        lambda document: document["stages"]["stage1"].update(verdict="PASS")
    ),
}


def test_a_decision_that_contradicts_itself_is_refused(desk: Any) -> None:
    """One error with the place, in whatever format, though the log key signed it."""
    for index, (what, change) in enumerate(CONTRADICTIONS.items()):
        sign(desk, change)
        done = run(desk, "explain", str(index))
        assert (done.code, done.out) == (2, "")
        assert f"ledger error: the stored decision cannot be used: {what}" in done.err
        assert "  to do: " in done.err
    for form in ("html", "markdown", "gemara"):
        done = run(desk, "report", "--decision", "1", "-o", form)
        assert (done.code, done.out) == (2, "")
        assert "/violations/0/stage" in done.err


def test_what_contradicts_itself_is_not_recorded(desk: Any) -> None:
    """What no reader would accept again never reaches the ledger."""
    first = replace(desk.judged.decision.violations[0], stage="stage9")
    with pytest.raises(InternalError, match="it names the stage 'stage9'"):
        desk.record("FAIL", violations=(first,))


@pytest.fixture
def damaged(desk: Any) -> Any:
    """Four decisions: the second one's document is missing, the last one's was changed."""
    until = "2026-01-02T00:00:00Z"
    for day, verdict in enumerate(("PASS", "FAIL", "PASS", "FAIL")):
        waived = desk.waived("W-1", until) if day == 3 else ()
        desk.record(verdict, f"2026-01-0{day + 1}T00:00:00Z", waived=waived)
    rows = json.loads(run(desk, "history", "-o", "json").out)["decisions"]
    for index, change in ((1, Path.unlink), (3, lambda file: file.write_bytes(b"{}"))):
        [blob] = (desk.root / "ledger").rglob(rows[index]["decision"])
        blob.chmod(0o600)
        change(blob)
    return desk


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MISSING, CHANGED = (
    "evidence that the ledger names is not in its store",
    "a stored piece of evidence was changed",
)


def test_history_and_trend_show_the_rest(damaged: Any) -> None:
    """Each decision in its place, with its verdict, and why two cannot be read; exit code 1."""
    done = run(damaged, "history")
    assert done.code == 1
    text = " ".join(done.out.split())
    assert [word in text for word in (f"cannot be read: {MISSING}", f"cannot be read: {CHANGED}")] == [
        True
    ] * 2
    assert f"warning: the decision in entry 1 cannot be read: {MISSING}" in done.err
    rows = json.loads(run(damaged, "history", "-o", "json").out)["decisions"]
    assert [row["verdict"] for row in rows] == ["PASS", "FAIL", "PASS", "FAIL"]
    assert [row["problem"] is None for row in rows] == [True, False, True, False]
    assert MISSING in run(damaged, "history", "-o", "csv").out
    done = run(damaged, "report", "trend", "-o", "table", "-o", f"json={damaged.home / 't.json'}")
    assert done.code == 1
    assert "PFPF" in done.out
    assert f"entry 1: {MISSING}" in done.out
    found = json.loads((damaged.home / "t.json").read_text())
    assert [one["entry"] for one in found["problems"]] == [1, 3]
    [rules] = [one for one in found["series"] if one["name"] == "rules.hold"]
    assert [point["value"] is None for point in rules["points"]] == [False, True, False, True]
    assert run(damaged, "history", "--last", "1", "--stage", "stage1").code == 1
    assert run(damaged, "explain", "2").code == 0


def test_standings_say_what_entries_say(damaged: Any) -> None:
    """Status, metrics and fleets have the verdict, not what only the document has, and end with 1."""
    done = run(damaged, "status")
    assert done.code == 1
    assert f"cannot be told whether it is current: {CHANGED}" in " ".join(done.out.split())
    done = damaged.metrics("-o", "prometheus")
    assert done.code == 1
    assert 'gate_unreadable_decisions{workspace="desk"} 1' in done.out
    assert 'gate_stage_verdict{workspace="desk",stage="stage1",verdict="FAIL"} 1' in done.out
    assert 'gate_stage_decisions_total{workspace="desk",stage="stage1",verdict="PASS"} 2' in done.out
    assert "gate_stage_violations{" not in done.out
    assert f"warning: the decision in entry 3 cannot be read: {CHANGED}" in done.err
    ledger = f"desk={damaged.root / 'ledger'}"
    done = damaged.gate("fleet", "status", "--stage", "stage1", "-l", ledger, "-o", "json")
    found = json.loads(done.out)
    assert (done.code, found["ledgers"][0]["go_live"], found["ledgers"][0]["verdict"]) == (
        1,
        "not known",
        "FAIL",
    )
    assert found["problems"][0]["reason"].startswith(f"entry 3: {CHANGED}")
    done = damaged.gate("fleet", "history", "-l", ledger, "-o", "json")
    assert [row["verdict"] for row in json.loads(done.out)["decisions"]] == ["PASS", "FAIL", "PASS", "FAIL"]


def test_a_change_of_verdict_is_told_all_the_same(damaged: Any) -> None:
    """The entries say it; what ends is in the document, and a warning says that it is not told."""
    damaged.settings(webhooks=[{"url": "http://127.0.0.1:9/", "secret": {"variable": "HOOK_SECRET"}}])
    done = damaged.notify("--dry-run", "-o", "json", env={"HOOK_SECRET": SECRET})
    assert done.code == 0
    [told] = json.loads(done.out)["notifications"]
    assert [(one["kind"], one["after"]) for one in told["body"]["data"]["changes"]] == [("verdict", "FAIL")]
    assert f"warning: the decision in entry 3 cannot be read: {CHANGED}" in done.err


def test_columns_are_written_without_what_cannot_be_read(damaged: Any) -> None:
    """Every decision has its row, from its entry; exit code 1."""
    parquet = pytest.importorskip("pyarrow.parquet")
    file = damaged.home / "d.parquet"
    assert run(damaged, "ledger", "export", str(file), "--format", "parquet").code == 1
    rows = parquet.read_table(file).to_pylist()
    assert [(row["verdict"], row["rules"] is None) for row in rows] == [
        ("PASS", False), ("FAIL", True), ("PASS", False), ("FAIL", True),
    ]  # fmt: skip


def test_a_decision_of_another_version_is_listed_and_no_failure(desk: Any) -> None:
    """It is whole, but this version cannot read it; metrics lack its figures and say so."""
    sign(desk, lambda document: document.update(gate_version="0.0.1", type="gate.decision/v1"))
    done = run(desk, "history")
    assert done.code == 0
    assert "gate 0.0.1 stored this decision" in " ".join(done.out.split())
    assert desk.metrics().code == 1
    assert "to do: read it with that version" in run(desk, "explain", "0").err


ODD: list[Callable[[dict[str, Any]], object]] = [
    lambda predicate: predicate.pop("timeVerified"),
    lambda predicate: predicate.update(timeVerified="2026-13-01T00:00:00Z"),
    lambda predicate: predicate.pop("policy"),
    lambda predicate: predicate[EXTENSION].update(verdict="MAYBE"),
    lambda predicate: predicate[EXTENSION].update(stages=[1]),
    lambda predicate: predicate[EXTENSION].update(stages={"stage1": "MAYBE"}),
    lambda predicate: predicate[EXTENSION].update(stage=3),
    lambda predicate: predicate[EXTENSION].update(violations=3),
    lambda predicate: predicate[EXTENSION].update(decision={"sha256": 3}),
    lambda predicate: predicate.update({EXTENSION: "x"}),
]


def odd(desk: Any, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The statement of a decision, changed."""
    found = statement_of(desk.judged.decision, "ab" * 32)
    found["predicate"][EXTENSION]["bundle"] = {"sha256": "cd" * 32}
    change(found["predicate"])
    return found


def test_a_line_that_claims_to_be_a_decision_keeps_to_the_contract(desk: Any) -> None:
    """Whatever is odd in it, it is an error about the ledger."""
    for change in ODD:
        with pytest.raises(LedgerError, match="breaks its contract"):
            summary(odd(desk, change))


def test_an_odd_line_is_one_error_in_every_command(desk: Any) -> None:
    """Not one about gate itself."""
    with writer(desk.judged.context, desk.config) as (ledger, _):
        ledger.append([canonical(odd(desk, ODD[0]))])
        ledger.seal("2026-02-01T00:00:00Z")
    for command in (("history",), ("report", "trend"), ("status",), ("metrics",), ("explain", "0")):
        done = run(desk, *command)
        assert (done.code, done.out) == (2, "")
        assert "ledger error: a decision's line breaks its contract: " in done.err
