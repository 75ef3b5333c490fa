"""The figures are those of the real ``coverage`` tool; unmeasured is not zero; hostile data are refused."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError, EvidenceError
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.interface import ProblemKind, Scope
from gate.evidence.collectors.coverage import counting
from gate.evidence.collectors.coverage.model import Record

CORE = '''"""A module."""
import typing

if typing.TYPE_CHECKING:
    import decimal

try:
    import not_there
except ImportError:  # pragma: no cover
    not_there = None


class Thing:
    """With words."""

    limit: int = 3

    @property
    def half(self) -> float:
        return self.limit / 2

    def stub(self) -> None: ...


def classify(
    value: int,
    other: str = "x",
) -> str:
    if value > 10:
        result = "big"
    elif value < 0:
        result = (
            "negative" +
            other
        )
    else:
        result = "small"
    for step in range(value):
        if step == 5:
            break
    else:
        result += "!"
    while True:
        try:
            with open(__file__) as handle:
                if handle.readline():
                    return result
        finally:
            result += "."
    match value:
        case 1:
            return "one"
        case _:
            return "more"


async def never():
    return [x for x in range(3) if x]


unused = lambda: 1
'''
LONELY = "def nobody():\n    if input():\n        return 1\n    return 2\n"
DRIVER = "from pkg import core\ncore.classify(3)\ncore.classify(20)\nprint(core.Thing().half)\n"
FILES = {
    "pkg/__init__.py": "",
    "pkg/core.py": CORE.replace("\n", "\r\n"),
    "pkg/lonely.py": LONELY,
    "extra/__init__.py": "VALUE = 1",
    "run_it.py": DRIVER,
}


def measured(root: Path, *, branch: bool, relative: bool) -> None:
    """Write the project, and measure it with the real tool."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, newline="")
    (root / "rc").write_text(f"[run]\nrelative_files = {relative}\nbranch = {branch}\n")
    tool = [sys.executable, "-m", "coverage"]
    # when this suite is itself measured, the tool under test must not know
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    for arguments in (
        ["run", "--rcfile=rc", "--source=pkg,extra", "run_it.py"],
        ["json", "--rcfile=rc", "-q", "-o", "coverage.json"],
    ):
        subprocess.run([*tool, *arguments], cwd=root, env=clean, check=True, capture_output=True)


@pytest.fixture(scope="module")
def relocatable(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """The project as measured with relative paths, once for all tests; by whether branches were."""

    @cache
    def make(branch: bool) -> Path:
        root = tmp_path_factory.mktemp("measured")
        measured(root, branch=branch, relative=True)
        return root

    return make


@pytest.fixture
def measure(tmp_path: Path, relocatable: Callable[[bool], Path]) -> Any:
    """Measures the project with the real tool; gives the workspace and the tool's own JSON report."""

    def run(*, branch: bool, relative: bool = True) -> tuple[Path, dict[str, Any]]:
        if relative:
            shutil.copytree(relocatable(branch), tmp_path, dirs_exist_ok=True)
        else:
            measured(tmp_path, branch=branch, relative=False)
        report: dict[str, Any] = json.loads((tmp_path / "coverage.json").read_bytes())
        return tmp_path, report

    return run


@pytest.mark.soak
@pytest.mark.parametrize("branch", [False, True])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("kind", ["coverage-sqlite", "coverage-json"])
def test_the_figures_are_the_tools_own(
    watch: Any, measure: Any, branch: bool, relative: bool, kind: str
) -> None:
    root, report = measure(branch=branch, relative=relative)
    if kind == "coverage-json":
        (root / ".coverage").unlink()
    facts = watch("coverage", {}, sources=["pkg", "extra"]).facts
    totals = report["totals"]
    assert facts["statements"] == totals["num_statements"]
    assert facts["covered"] == totals["covered_lines"]
    assert facts["line_ppm"] == totals["covered_lines"] * 1_000_000 // totals["num_statements"]
    if branch:
        assert totals["num_branches"] > 5
        assert facts["branch_ppm"] == totals["covered_branches"] * 1_000_000 // totals["num_branches"]
    else:
        assert facts["branch_ppm"] is None
    assert (facts["files"], facts["never_imported"]) == (4, 2)
    assert facts["format"] == kind
    assert facts["tool"] == f"coverage.py {report['meta']['version']}"
    assert (facts["foreign_lines"], facts["unlisted_lines"]) == (0, 0)
    assert facts["excluded_statements"] == 2
    by_source = {entry["source"]: entry for entry in facts["sources"]}
    assert by_source["extra"] == {
        "source": "extra",
        "files": 1,
        "statements": 1,
        "covered": 0,
        "line_ppm": 0,
        "branches": 0 if branch else None,
        "taken": 0 if branch else None,
        "branch_ppm": None,
    }
    assert by_source["pkg"]["statements"] == totals["num_statements"] - 1


def test_the_ready_example_has_the_figures_the_tool_reports(
    watch: Any, tmp_path: Path, copy_example: Any
) -> None:
    example = copy_example("ready")
    for path in example.iterdir():
        path.rename(tmp_path / path.name)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-m", "coverage", "json", "-q", "-o", "report.json"]
    subprocess.run(command, cwd=tmp_path, env=clean, check=True, capture_output=True)
    totals = json.loads((tmp_path / "report.json").read_bytes())["totals"]
    facts = watch("coverage", {}, sources=["algo_trade", "data_plane", "order_plane"]).facts
    assert (facts["statements"], facts["covered"]) == (totals["num_statements"], totals["covered_lines"])
    assert facts["branch_ppm"] == totals["covered_branches"] * 1_000_000 // totals["num_branches"]


def test_a_copied_workspace_with_absolute_paths_is_recognised(watch: Any, measure: Any) -> None:
    root, _ = measure(branch=False, relative=False)
    with closing(sqlite3.connect(root / ".coverage")) as database, database:
        for number, path in database.execute("select id, path from file").fetchall():
            moved = path.replace(str(root), "C:\\build\\project").replace("/", "\\")
            database.execute("update file set path = ? where id = ?", (moved, number))
    facts = watch("coverage", {}, sources=["pkg"]).facts
    assert facts["covered"] > 0
    assert facts["never_imported"] == 1


def test_one_file_recorded_under_two_roots_is_refused(watch: Any, measure: Any) -> None:
    root, _ = measure(branch=False)
    with closing(sqlite3.connect(root / ".coverage")) as database, database:
        database.execute("delete from line_bits")
        database.execute("delete from file")
        database.execute("insert into file values (1, '/a/pkg/core.py'), (2, '/b/pkg/core.py')")
    with pytest.raises(EvidenceError) as caught:
        watch("coverage", {}, sources=["pkg"])
    assert "records pkg/core.py twice, as /a/pkg/core.py and as /b/pkg/core.py" in caught.value.what
    assert "[paths]" in (caught.value.remedy or "")


def test_excluded_and_omitted_are_options_of_the_auditor(watch: Any, measure: Any) -> None:
    measure(branch=False)
    everything = watch("coverage", {}, sources=["pkg"]).facts["statements"]
    facts = watch(
        "coverage", {}, sources=["pkg"], omit=["pkg/lon*.py"], exclude_also=["^async def never"]
    ).facts
    assert facts["files"] == 2
    assert facts["statements"] == everything - 4 - 2
    with pytest.raises(ConfigError) as caught:
        watch("coverage", {}, exclude_also=["fine", "("])
    assert caught.value.place == "/evidence/coverage/exclude_also/1"


def test_nothing_measured_is_missing(watch: Any) -> None:
    evidence = watch("coverage", {"algo_trade/a.py": "x = 1\n"})
    assert evidence.facts["line_ppm"] is None
    assert evidence.facts["sources"] == []
    [problem] = evidence.problems
    assert problem.fact == ""
    looked_for = ".coverage, coverage.json, coverage.xml, coverage.lcov"
    assert problem.reason == f"no coverage report found (looked for {looked_for})"


def test_data_about_something_else_is_no_measurement(watch: Any, measure: Any) -> None:
    measure(branch=False)
    evidence = watch("coverage", {"other/a.py": "x = 1\n"}, sources=["other"])
    assert evidence.facts["statements"] is None
    assert "no record of any file under other" in evidence.problems[0].reason
    evidence = watch("coverage", {"tests/a.py": "x = 1\n"}, sources=["tests"])
    assert "no Python file outside of tests (tests)" in evidence.problems[0].reason


def test_a_source_that_is_not_there_is_unknown_and_one_without_python_says_nothing(
    watch: Any, measure: Any
) -> None:
    measure(branch=False)
    evidence = watch("coverage", {"docs/a.md": "x"}, sources=["pkg/", "nowhere", "docs", "p?g"])
    unknown = [problem for problem in evidence.problems if problem.kind is ProblemKind.UNKNOWN]
    assert [(one.fact, one.reason) for one in unknown] == [
        ("line_ppm", "nothing is under the source 'nowhere'")
    ]
    assert [entry["source"] for entry in evidence.facts["sources"]] == ["pkg/", "p?g"]


def test_tests_are_not_under_measurement(watch: Any, measure: Any) -> None:
    measure(branch=False)
    files = {"pkg/tests/test_a.py": "x = 1\n", "test/b.py": "y = 1\n", "pkg/latest.py": "z = 1\n"}
    evidence = watch("coverage", files, sources=["pkg", "test"])
    assert evidence.facts["files"] == 4
    unit = "Python files of the sources, those of tests left out"
    assert evidence.scopes == (Scope("", 4, 4, unit),)


def test_excluded_statements_are_counted(watch: Any) -> None:
    text = (
        "import typing\nif typing.TYPE_CHECKING:\n    import a\n\n\nclass Order:  # pragma: no cover\n"
        '    """Words."""\n\n    def send(self):\n        return 1\n\n    def stub(self): ...\n'
    )
    content = report(files={"pkg/a.py": {"executed_lines": [1]}})
    files = {"coverage.json": content, "pkg/a.py": text, "pkg/b.py": "x = 1\n"}
    facts = watch("coverage", files, sources=["pkg"]).facts
    assert (facts["statements"], facts["excluded_statements"]) == (2, 3)
    assert (facts["excluded_ppm"], facts["excluded"]) == (600_000, [{"path": "pkg/a.py", "statements": 3}])
    facts = watch("coverage", {}, sources=["pkg"], exclude_also=["x = 1"]).facts
    assert (facts["statements"], facts["excluded_statements"]) == (1, 4)


def report(**changes: Any) -> dict[str, Any]:
    meta = {"format": 3, "version": "7.10.1", "branch_coverage": False}
    return {"meta": meta, "files": {"pkg/a.py": {"executed_lines": [1]}}} | changes


def test_sources_without_a_statement_or_a_version(watch: Any) -> None:
    content = report(meta={"format": 2, "branch_coverage": True}, files={})
    content["files"]["pkg/a.py"] = {"executed_lines": [], "executed_branches": []}
    evidence = watch("coverage", {"coverage.json": content, "pkg/a.py": "# nothing\n"}, sources=["pkg"])
    assert evidence.facts["statements"] == 0
    assert evidence.facts["line_ppm"] is None
    assert {missing.fact: missing.reason for missing in evidence.problems} == {
        "line_ppm": "the sources have no statement",
        "excluded_ppm": "the sources have no statement",
        "branch_ppm": "the sources have no branch",
        "diff": "no base commit is configured",
        "tool": "coverage.json does not say which tool and version wrote it",
        "observed_at_s": "coverage.json states no time",
    }


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def (\n", "is not valid Python"),
        ("x = " + "-" * 50_000 + "1\n", "nests too deeply"),
    ],
)
def test_a_source_that_does_not_parse_is_rejected_and_the_others_count(
    watch: Any, source: str, said: str
) -> None:
    files = {"coverage.json": report(), "pkg/a.py": "x = 1\n", "pkg/b.py": source}
    evidence = watch("coverage", files, sources=["pkg"])
    assert (evidence.facts["line_ppm"], evidence.facts["files"]) == (1_000_000, 1)
    [rejected] = [problem for problem in evidence.problems if problem.fact == ""]
    assert (rejected.kind, rejected.path) == (ProblemKind.REJECTED, "pkg/b.py")
    assert rejected.reason.startswith(said)
    assert (evidence.scopes[0].looked_at, evidence.scopes[0].understood) == (2, 1)


def test_text_that_no_parser_takes_is_not_countable() -> None:
    for text in ("x = 1\x00\n", "x = '\ud800'\n"):
        with pytest.raises(EvidenceError, match=r"^is not valid Python"):
            counting.count(text, "a.py", None, False, ())


@pytest.mark.parametrize(
    ("content", "said", "place"),
    [
        ([], 'is not of type "object"', "/"),
        ({"meta": {}}, '"files" is a required property', "/"),
        (report(meta={"format": 9, "branch_coverage": False}), "9 is not one of 2 or 3", "/meta/format"),
        (report(meta={"format": 3}), '"branch_coverage" is a required property', "/meta"),
        (report(files=[]), 'is not of type "object"', "/files"),
        (report(files={"a/b.py": 1}), 'is not of type "object"', "/files/a~1b.py"),
        (report(files={"a/b.py": {}}), '"executed_lines" is a required property', "/files/a~1b.py"),
        (
            report(files={"a": {"executed_lines": ["1"]}}),
            'is not of type "integer"',
            "/files/a/executed_lines/0",
        ),
        (
            report(files={"a": {"executed_lines": [True]}}),
            'is not of type "integer"',
            "/files/a/executed_lines/0",
        ),
        (
            report(
                meta={"format": 3, "branch_coverage": True},
                files={"a": {"executed_lines": [], "executed_branches": [[1]]}},
            ),
            "has less than 2 items",
            "/files/a/executed_branches/0",
        ),
        (
            report(meta={"format": 3, "branch_coverage": True}, files={"a": {"executed_lines": []}}),
            '"executed_branches" is a required property',
            "/files/a",
        ),
    ],
)
def test_other_json_is_refused(watch: Any, content: Any, said: str, place: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("coverage", {"coverage.json": content})
    assert said in caught.value.what
    assert (caught.value.path, caught.value.place) == ("coverage.json", place)


def damaged(root: Path, *statements: str) -> None:
    with closing(sqlite3.connect(root / ".coverage")) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["drop table coverage_schema"], "cannot be read"),
        (["update coverage_schema set version = 1"], "wrong schema"),
        (["drop table file"], "cannot be read"),
        (["drop table file", "create view file as select 1 as id, 'x' as path"], "has the view 'file'"),
        (["create trigger t after insert on file begin select 1; end"], "has the trigger 't'"),
        (["create index i on file (path || 'x')"], "has the index 'i'"),
        (["create virtual table v using fts5(a)"], "has the table 'v"),
        (
            ["drop table tracer", "create table tracer (file_id integer, tracer as (hex(zeroblob(9))))"],
            "has the table 'tracer'",
        ),
        (["update file set path = null where id = 1"], "names a file by something else"),
        (["update line_bits set numbits = 'text'"], "impossible set of line numbers"),
        (["update line_bits set numbits = zeroblob(200000)"], "impossible set of line numbers"),
        (["insert into arc values (1, 1, 'a', 2)"], "branch without line numbers"),
        (["insert or replace into meta values ('has_arcs', 'maybe')"], "cannot be read"),
    ],
)
def test_hostile_databases_are_refused(watch: Any, measure: Any, statements: list[str], said: str) -> None:
    root, _ = measure(branch=False)
    if "fts5" in statements[0]:
        try:
            damaged(root, *statements)
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no virtual tables of this kind")
    else:
        damaged(root, *statements)
    with pytest.raises(EvidenceError) as caught:
        watch("coverage", {}, sources=["pkg"])
    assert said in caught.value.what
    assert caught.value.path == ".coverage"
    assert caught.value.remedy
    assert "gate-coverage-" not in caught.value.diagnostics()


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 600])
def test_other_files_are_refused(watch: Any, content: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("coverage", {".coverage": content})
    assert caught.value.path == ".coverage"


def test_a_damaged_page_is_refused(watch: Any, measure: Any) -> None:
    root, _ = measure(branch=True)
    data = bytearray((root / ".coverage").read_bytes())
    data[4096 + 8 : 4096 + 200] = b"\xee" * 192
    with pytest.raises(EvidenceError):
        watch("coverage", {".coverage": bytes(data)}, sources=["pkg"])


def test_a_linked_or_oversized_data_file_is_refused(watch: Any, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="larger than 8 bytes"):
        watch("coverage", {".coverage": b"SQLite format 3\x00"}, limits=Limits(file_bytes=8))
    (tmp_path / ".coverage").unlink()
    (tmp_path / ".coverage").symlink_to("real")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("coverage", {})


@given(
    st.lists(
        st.sampled_from(["x = 1", "if x:", "    y = 2", "else:", "    pass", "# note", ""]), max_size=12
    ),
    st.sets(st.integers(1, 14)),
)
def test_never_more_than_everything_ran(lines: list[str], ran: set[int]) -> None:
    recorded = Record(ran)
    try:
        counts = counting.count("\n".join(lines), "a.py", recorded, False, ()).counts
        nothing = counting.count("\n".join(lines), "a.py", None, False, ()).counts
    except EvidenceError:
        return
    assert 0 <= counts.covered <= counts.statements <= len(lines)
    assert (nothing.statements, nothing.covered) == (counts.statements, 0)
