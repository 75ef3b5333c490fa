"""Many ledgers together: what `gate fleet` shows, and decisions as a Parquet file that DuckDB reads."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine.decision.document import Decision, Verdict
from gate.engine.entries.statement import statement
from gate.engine.ledger import open_ledger
from gate.engine.monitoring.metrics import HELP
from gate.evidence.base.canonical import canonical
from gate.evidence.signing.keys import LogKey

from ..ledger.postgres_server import running
from .small import small

ROOT = Path(__file__).resolve().parents[3]
KEY = LogKey.from_seed(bytes(range(32)))


def fail(day: int = 5) -> Decision:
    return replace(small(), effective_time=f"2025-12-{day:02}T12:00:00Z")


def verdict(given: Verdict, day: int, **more: Any) -> Decision:
    """The small decision with another verdict on both stages."""
    base = fail(day)
    stages = {name: replace(one, verdict=given) for name, one in base.stages.items()}
    return replace(base, verdict=given, stages=stages, violations=(), **more)


def record(folder: Path, decisions: Sequence[Decision], name: str) -> Path:
    """A ledger with these decisions, as gate records them."""
    with open_ledger(folder, KEY, origin=name) as ledger:
        for one in decisions:
            digest, bundle = (ledger.evidence.put(data) for data in (canonical(one.to_json()), b"{}"))
            ledger.evidence.put(b"input")
            ledger.append([statement(one, digest, bundle)])
        ledger.seal("2025-12-20T12:00:00Z")
    return folder


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with four ledgers: one failed, one passed, one lapsed, one not there; and one never judged."""
    root = tmp_path_factory.mktemp("fleet")
    record(root / "failed", [verdict(Verdict.PASS, 1, waived=(), conditions=()), fail(5)], "test/failed")
    passed = [fail(2), verdict(Verdict.PASS, 9, waived=(), conditions=(), workspace="DU1234567")]
    record(root / "passed", passed, "test/passed")
    record(root / "lapsed", [verdict(Verdict.CONDITIONAL, 8)], "test/lapsed")
    record(root / "empty", [], "test/empty")
    names = ["failed", "passed", "lapsed", "gone", "empty"]
    members = "".join(
        f"  - name: team/{name}\n    ledger: {name}\n    owner: desk {name}\n" for name in names
    )
    (root / "fleet.yaml").write_text(f"stage: stage2\nledgers:\n{members}")
    return root / "fleet.yaml"


def test_status_says_who_may_go_live_and_names_what_it_could_not_read(
    gate: Callable[..., Any], fleet: Path
) -> None:
    """One ledger that is not there hides nothing, and the exit code tells of it."""
    run = gate("fleet", "status", fleet, "-o", "json")
    assert run.code == 1, run.err
    found = json.loads(run.out)
    rows = {one["ledger"]: one for one in found["ledgers"]}
    assert {name: one["go_live"] for name, one in rows.items()} == {
        "team/failed": "no", "team/passed": "yes", "team/lapsed": "lapsed", "team/empty": "not known",
    }  # fmt: skip
    assert [one["ledger"] for one in found["problems"]] == ["team/gone"]
    assert "there is no ledger" in found["problems"][0]["reason"]
    failed = rows["team/failed"]
    assert (failed["since"], failed["entry"], failed["decisions"]) == ("2025-12-05T12:00:00Z", 1, 2)
    assert failed["owner"] == "desk failed" and failed["undated"] == 2
    assert failed["oldest"]["observed_at"] == "2025-12-05T13:00:00+02:00"
    blocking = {one["code"]: one["ledgers"] for one in found["blocking"]}
    assert blocking["stage1.coverage"] == ["team/failed"] and "stage2.dependency" not in blocking
    assert [one["ledger"] for one in found["waivers"]] == ["team/failed", "team/lapsed"]
    assert all(one["expired"] for one in (*found["waivers"], *found["conditions"]))
    assert len(found["conditions"]) == 4

    shown = gate("fleet", "status", fleet)
    assert shown.code == 1
    for text in (
        "1 yes, 1 lapsed, 1 no, 1 not known, 1 not read",
        "key not pinned",
        "team/gone: there is no",
    ):
        assert text in " ".join(shown.out.split()), text


def test_history_and_trend_put_all_ledgers_together(gate: Callable[..., Any], fleet: Path) -> None:
    """By effective time; the periods count decisions of all ledgers."""
    run = gate("fleet", "history", fleet, "--last", "4", "-o", "json")
    rows = [(one["ledger"], one["verdict"]) for one in json.loads(run.out)["decisions"]]
    assert run.code == 1 and rows == [
        ("team/passed", "FAIL"), ("team/failed", "FAIL"),
        ("team/lapsed", "CONDITIONAL"), ("team/passed", "PASS"),
    ]  # fmt: skip
    lines = list(csv.reader(io.StringIO(gate("fleet", "history", fleet, "-o", "csv").out)))
    assert len(lines) == 6 and lines[1][:2] == ["team/failed", "0"]
    assert "FAIL" in gate("fleet", "history", fleet).out

    month = json.loads(gate("fleet", "trend", fleet, "-o", "json").out)
    assert month["periods"] == [
        {"period": "2025-12", "ledgers": 3, "decisions": 5, "PASS": 2, "FAIL": 2, "CONDITIONAL": 1}
    ]
    assert {"code": "stage1.coverage", "decisions": 2, "ledgers": 2} in month["rules"]
    weeks = json.loads(gate("fleet", "trend", fleet, "--by", "week", "--last", "1", "-o", "json").out)
    assert [(one["period"], one["decisions"]) for one in weeks["periods"]] == [("2025-W50", 2)]
    assert "2025-12-09" in gate("fleet", "trend", fleet, "--by", "day").out
    assert json.loads(gate("fleet", "trend", fleet, "--stage", "other", "-o", "json").out)["periods"] == []


def test_a_damaged_or_foreign_ledger_is_named_and_hides_no_other(
    gate: Callable[..., Any], fleet: Path, tmp_path: Path
) -> None:
    """A changed line, another key than the file names, lost evidence, an unreachable database, no verdict."""
    changed = record(tmp_path / "changed", [fail(1)], "test/changed")
    lines = (changed / "log.intoto.jsonl").read_bytes()
    (changed / "log.intoto.jsonl").write_bytes(lines.replace(b"A", b"B", 1))
    lost = record(tmp_path / "lost", [fail(1)], "test/lost")
    for file in (lost / "evidence").rglob("*"):
        if file.is_file():
            file.unlink()
    odd = record(tmp_path / "odd", [fail(1)], "test/odd")
    with open_ledger(odd, KEY) as ledger:
        document = json.loads(statement(fail(2), "ab" * 32, "cd" * 32))
        document["predicate"]["urn:gate:decision:v1"]["stages"] = {"stage2": "\x1b[31mGO"}
        ledger.append([canonical(document)])
    foreign = LogKey.from_seed(bytes(32)).verifier("test/passed")
    (tmp_path / "fleet.yaml").write_text(
        f"ledgers:\n  - {{name: foreign, ledger: '{fleet.parent / 'passed'}', key: {foreign}}}\n"
        f"  - {{name: passed, ledger: 'file:{fleet.parent / 'passed'}'}}\n"
    )
    more = (f"changed={changed}", f"lost={lost}", f"odd={odd}", "db=postgresql://127.0.0.1:1/none")
    options = [part for one in more for part in ("--ledger", one)]
    run = gate("fleet", "status", tmp_path / "fleet.yaml", *options, "--stage", "stage2", "-o", "json")
    assert run.code == 1, run.err
    found = json.loads(run.out)
    reasons = {one["ledger"]: one["reason"] for one in found["problems"]}
    assert set(reasons) == {"foreign", "changed", "lost", "odd", "db"}
    assert "the fleet file names test/passed" in reasons["foreign"]
    assert {one["ledger"]: one["go_live"] for one in found["ledgers"]} == {
        "passed": "yes",
        "lost": "not known",
    }
    assert "\x1b" not in run.out


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        ((), None, "no ledger is named"),
        (("--ledger", "no-url"), None, "does not name a ledger"),
        (("--ledger", "a\x1b=/x"), None, "does not name a ledger"),
        (("--ledger", "a=/x", "--ledger", "a=/y"), None, "two ledgers are called a"),
        (("--ledger", "a=ftp://x/y"), None, "is not supported"),
        (("--ledger", "a=postgresql://u:secret@h/db"), None, "password does not belong"),
        (("fleet.yaml",), None, "there is no such file"),
        (("fleet.yaml",), "ledgers: [", "fleet.yaml"),
        (("fleet.yaml",), "", "ledgers"),
        (("fleet.yaml",), "ledgers: []", "no ledger is named"),
        (("fleet.yaml",), "ledgers: [{name: a, ledger: b, ledgre: c}]", "there is no setting 'ledgre'"),
        (("fleet.yaml",), "ledgers: [{name: '../a b', ledger: b}]", "name"),
        (("fleet.yaml",), "ledgers: [{name: a, ledger: b, key: c}]", "verifier key"),
        (("fleet.yaml",), "ledgers: [{name: a, ledger: b, key_admins: c}]", "belong together"),
        (
            ("fleet.yaml",),
            "ledgers: [{name: a, ledger: b, key_admins: c, key_threshold: 1}]",
            "there is no such file",
        ),
    ],
)
def test_wrong_settings_are_one_error(
    gate: Callable[..., Any], tmp_path: Path, arguments: tuple[str, ...], content: str | None, said: str
) -> None:
    """Exit code 2, nothing printed but what is wrong."""
    if content is not None:
        (tmp_path / "fleet.yaml").write_text(content)
    run = gate("fleet", "status", *arguments)
    assert (run.code, run.out) == (2, "") and said in run.err and "secret" not in run.err


def test_auditors_queries_answer(gate: Callable[..., Any], fleet: Path, tmp_path: Path) -> None:
    """Every query of docs/fleet.md runs in DuckDB on an export, and text in it is inert."""
    import duckdb

    pages = (ROOT / "docs" / "fleet.md").read_text()
    queries = re.findall(r"^```sql\n(.*?)^```", pages, re.DOTALL | re.MULTILINE)
    assert len(queries) == 7
    for name in ("failed", "passed"):
        (tmp_path / name).mkdir()
        operator = tmp_path / f"{name}.yaml"
        operator.write_text(f"ledger: {{location: '{fleet.parent / name}'}}\n")
        export = ("ledger", "export", tmp_path / f"{name}.parquet", "--format", "parquet", "-o", "json")
        run = gate(*export, "-w", tmp_path / name, "--operator", operator)
        assert run.code == 0, run.err
        assert json.loads(run.out)["size"] == 2
        again = gate(*export, "-w", tmp_path / name, "--operator", operator)
        assert again.code == 2 and "never replaced" in again.err
    stdout = gate("ledger", "export", "--format", "parquet", "-w", tmp_path / "failed")
    assert (stdout.code, stdout.out) == (2, "")
    with duckdb.connect() as database:
        path = str(tmp_path / "*.parquet")
        answers = [database.execute(query.replace("decisions.parquet", path)).fetchall() for query in queries]
        database.execute("CREATE VIEW d AS FROM read_parquet(?)".replace("?", repr(path)))
        types = dict(database.execute("SELECT column_name, column_type FROM (DESCRIBE d)").fetchall())
        workspaces = database.execute("SELECT DISTINCT workspace FROM d ORDER BY 1").fetchall()
    assert types["effective_time"] == "TIMESTAMP WITH TIME ZONE" and types["blocking"] == "VARCHAR[]"
    assert types["dirty"] == "BOOLEAN" and types["rules"] == "BIGINT"
    assert workspaces == [("DU****67",), ("algo-trade",)]
    assert answers[0] == []  # no decision of these judged stage8
    assert ("stage1.coverage", 2) in [row[1:] for row in answers[1]]
    assert [row[:4] for row in answers[2]] == [
        ("test/failed", ["W-1"], ["cto"], 1), ("test/passed", ["W-1"], ["cto"], 1),
    ]  # fmt: skip
    assert len(answers[3]) == 4 and answers[4] == []
    assert [row[0] for row in answers[6]] == ["test/passed"] and answers[6][0][3].days == 7


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    """Every metric of examples/grafana, and every label, is one that `gate metrics` exports."""
    board = json.loads((ROOT / "examples" / "grafana" / "gate.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [one["query"]["query"] for one in board["templating"]["list"] if one["type"] == "query"]
    metrics = set(re.findall(r"gate_\w+", " ".join(asked)))
    assert metrics and metrics <= HELP.keys()
    labels = set(re.findall(r"(\w+)=", " ".join(asked)))
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert labels == {"workspace", "stage", "verdict"} and all(f"`{name}`" in page for name in labels)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@pytest.mark.soak
def test_ledgers_in_a_database_are_read_beside_files(gate: Callable[..., Any], fleet: Path) -> None:
    """Two logs of one PostgreSQL database, one of them not there; the server is then stopped."""
    with running() as server:
        assert gate("ledger", "prepare", server.url()).code == 0
        assert gate("ledger", "migrate", fleet.parent / "passed", server.url("a")).code == 0
        named = (
            "-l",
            f"a={server.url('a')}",
            "-l",
            f"b={server.url('b')}",
            "-l",
            f"c={fleet.parent / 'failed'}",
        )
        asked = ("fleet", "status", *named, "--stage", "stage2", "-o", "json")
        found = json.loads(gate(*asked).out)
        server.stop()
        stopped = json.loads(gate(*asked).out)
        server.restart()
    assert {one["ledger"]: one["go_live"] for one in found["ledgers"]} == {"a": "yes", "c": "no"}
    assert [one["ledger"] for one in found["problems"]] == ["b"]
    assert [one["ledger"] for one in stopped["ledgers"]] == ["c"]
    assert [one["ledger"] for one in stopped["problems"]] == ["a", "b"]
