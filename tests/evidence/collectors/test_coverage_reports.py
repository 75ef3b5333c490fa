"""What the real tools write is read with the figures that they print, whatever the format."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import EvidenceError
from gate.evidence.base.limits import DEFAULT
from gate.evidence.collectors.coverage.cobertura import read_cobertura
from gate.evidence.collectors.coverage.lcov import read_lcov
from gate.evidence.collectors.coverage.model import Book, Record

KINDS = {
    "coverage-sqlite": ".coverage",
    "coverage-json": "coverage.json",
    "cobertura-xml": "coverage.xml",
    "lcov": "coverage.lcov",
}
CORE = '''"""A module."""

from pkg.deep import leaf


def classify(value, *rest):
    if value > 10:  # pragma: no branch
        result = "big"
    elif value < 0:
        result = (
            "negative" +
            str(rest)
        )
    else:
        result = "small"
    for step in range(value):
        if step == 5:
            break
    else:
        result += leaf.shout("!") if rest else "."
    with open(__file__) as handle:
        while True:
            if handle.readline():
                return result


def never(values):
    return [value for value in values if value]
'''
FILES = {
    "pkg/__init__.py": "",
    "pkg/core.py": CORE,
    "pkg/deep/__init__.py": "VERSION = 1\n",
    "pkg/deep/leaf.py": "def shout(text):\n    if text:\n        return text\n    return '?'\n",
    "extra/lonely.py": "def nobody():\n    if input():\n        return 1\n    return 2\n",
    "extra/__init__.py": "",
    "first.py": "from pkg import core\ncore.classify(3)\ncore.classify(20)\n",
    "second.py": "from pkg import core\ncore.classify(-3, 1)\n",
}


def tool(root: Path, *arguments: str) -> str:
    """What coverage.py prints."""
    # when this suite is itself measured, the tool under test must not know
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-m", "coverage", *arguments]
    done = subprocess.run(command, cwd=root, env=clean, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def project(root: Path, *, branch: bool, relative: bool = True, source: str = ".") -> None:
    """Write the project and run it twice, leaving parallel data files."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (root / ".coveragerc").write_text(
        f"[run]\nbranch = {branch}\nrelative_files = {relative}\nsource = {source}\n"
        "omit = *first.py,*second.py\n"
    )
    for script in ("first.py", "second.py"):
        tool(root, "run", "-p", script)


def reported(root: Path, kinds: Sequence[str] = ("json", "xml", "lcov")) -> dict[str, Any]:
    """Combine the data, write every report, and give the tool's own JSON."""
    tool(root, "combine", "-q")
    for kind in kinds:
        tool(root, kind, "-q")
    found: dict[str, Any] = json.loads((root / "coverage.json").read_bytes())
    return found


@pytest.fixture(scope="module", params=[True, False], ids=["branches", "lines"])
def made(request: Any, tmp_path_factory: Any) -> tuple[Path, dict[str, Any], bool]:
    """A measured project with every report, the tool's own JSON, and whether branches were measured."""
    root = tmp_path_factory.mktemp("made")
    project(root, branch=request.param)
    return root, reported(root), request.param


def only(made: Path, root: Path, kind: str) -> None:
    """The project with one of its reports."""
    shutil.copytree(made, root, dirs_exist_ok=True)
    for other in set(KINDS) - {kind}:
        (root / KINDS[other]).unlink()


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_every_format_has_the_figures_of_the_tool(watch: Any, tmp_path: Path, made: Any, kind: str) -> None:
    root, report, branch = made
    only(root, tmp_path, kind)
    evidence = watch("coverage", {}, sources=["pkg", "extra"])
    facts, totals = evidence.facts, report["totals"]
    assert facts["format"] == kind
    assert (facts["statements"], facts["covered"]) == (totals["num_statements"], totals["covered_lines"])
    assert (facts["foreign_lines"], facts["unlisted_lines"]) == (0, 0)
    if branch:
        assert totals["num_branches"] > totals["covered_branches"] > 0
        assert (facts["branches"], facts["taken"]) == (totals["num_branches"], totals["covered_branches"])
        both = facts["covered"] + facts["taken"], facts["statements"] + facts["branches"]
    else:
        assert facts["branches"] is None
        both = facts["covered"], facts["statements"]
    assert tool(root, "report", "--format=total", "--precision=4") == f"{100 * both[0] / both[1]:.4f}"
    by_name = {one["name"]: one for one in facts["packages"]}
    leaf = [report["files"][f"pkg/deep/{name}.py"]["summary"] for name in ("__init__", "leaf")]
    assert by_name["pkg/deep"]["covered"] == sum(one["covered_lines"] for one in leaf)
    assert by_name["pkg/deep"]["statements"] == sum(one["num_statements"] for one in leaf)
    assert (facts["files"], facts["never_imported"]) == (6, 1)
    version = f"coverage.py {report['meta']['version']}"
    assert evidence.facts["tool"] == (None if kind == "lcov" else version)
    assert (evidence.observed_at is None) == (kind != "cobertura-xml")


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_the_report_leaves_out_counts_as_uncovered(
    watch: Any, tmp_path: Path, made: Any, kind: str
) -> None:
    root, report, branch = made
    only(root, tmp_path, kind)
    text = "def one(x):\n    if x:\n        return 1\n"
    facts = watch("coverage", {"pkg/new.py": text}, sources=["pkg", "extra"]).facts
    assert facts["statements"] == report["totals"]["num_statements"] + 3
    assert facts["covered"] == report["totals"]["covered_lines"]
    assert facts["never_imported"] == 2
    if branch:
        assert facts["branches"] == report["totals"]["num_branches"] + 2


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_a_source_changed_after_the_measurement_leaves_traces(
    watch: Any, tmp_path: Path, made: Any, kind: str
) -> None:
    root, _, _ = made
    only(root, tmp_path, kind)
    facts = watch("coverage", {"pkg/core.py": "# moved\n\n\n" + CORE}, sources=["pkg"]).facts
    assert facts["foreign_lines"] > 0
    assert (facts["unlisted_lines"] > 0) == (kind in ("cobertura-xml", "lcov"))


@pytest.mark.soak
@pytest.mark.parametrize("branch", [True, False])
def test_parallel_data_files_are_combined_as_the_tool_does(watch: Any, tmp_path: Path, branch: bool) -> None:
    project(tmp_path, branch=branch)
    parts = sorted(tmp_path.glob(".coverage.*"))
    before = {part.name: part.read_bytes() for part in parts}
    (tmp_path / ".coverage.provenance.json").write_text("{}")
    (tmp_path / f"{parts[0].name}-journal").write_bytes(b"")
    evidence = watch("coverage", {}, sources=["pkg", "extra"])
    facts = evidence.facts
    assert len(parts) == 2
    assert facts["format"] == "coverage-sqlite"
    assert [file.path for file in evidence.files if file.path.startswith(".cov")] == sorted(before)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    for name in (".coverage.provenance.json", f"{parts[0].name}-journal"):
        (tmp_path / name).unlink()
    totals = reported(tmp_path)["totals"]
    assert (facts["statements"], facts["covered"]) == (totals["num_statements"], totals["covered_lines"])
    assert facts["taken"] == (totals["covered_branches"] if branch else None)


def test_parallel_data_files_that_do_not_fit_are_refused(watch: Any, tmp_path: Path) -> None:
    project(tmp_path, branch=True)
    (tmp_path / "rc").write_text("[run]\nbranch = False\n")
    tool(tmp_path, "run", "-p", "--rcfile=rc", "--source=pkg", "first.py")
    with pytest.raises(EvidenceError, match="branches measured") as caught:
        watch("coverage", {}, sources=["pkg"])
    assert "gate-coverage-" not in caught.value.diagnostics()
    (tmp_path / ".coverage.zz").write_bytes(b"not a database")
    with pytest.raises(EvidenceError, match="no SQLite header") as caught:
        watch("coverage", {}, sources=["pkg"])
    assert caught.value.path == ".coverage.zz"
    from gate.evidence.base.limits import Limits

    size = max(part.stat().st_size for part in tmp_path.glob(".coverage.*"))
    with pytest.raises(EvidenceError, match="together larger than") as caught:
        watch("coverage", {}, sources=["pkg"], limits=Limits(file_bytes=size))
    assert caught.value.remedy == "combine the data: coverage combine"


@pytest.mark.soak
@pytest.mark.parametrize("moved", [False, True], ids=["here", "elsewhere"])
def test_absolute_paths_and_another_source_directory(
    watch: Any, tmp_path: Path, tmp_path_factory: Any, moved: bool
) -> None:
    made = tmp_path_factory.mktemp("build") if moved else tmp_path
    project(made, branch=True, relative=False, source="pkg")
    totals = reported(made)["totals"]
    if moved:
        shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    reports = {kind: (tmp_path / name).read_bytes() for kind, name in KINDS.items()}
    for kind, report in reports.items():
        for name in KINDS.values():
            (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / KINDS[kind]).write_bytes(report)
        facts = watch("coverage", {}, sources=["pkg"]).facts
        assert facts["format"] == kind
        assert (facts["statements"], facts["covered"]) == (totals["num_statements"], totals["covered_lines"])
        assert facts["taken"] == totals["covered_branches"]


def test_one_name_below_two_source_directories_is_refused_unless_it_says_nothing(
    watch: Any, tmp_path: Path
) -> None:
    project(tmp_path, branch=False, relative=False, source="pkg,extra")
    totals = reported(tmp_path, ("json", "xml"))["totals"]
    for name in (".coverage", "coverage.json"):
        (tmp_path / name).unlink()
    assert "pkg/" not in (tmp_path / "coverage.xml").read_text()
    facts = watch("coverage", {}, sources=["pkg", "extra"]).facts
    assert (facts["statements"], facts["covered"]) == (totals["num_statements"], totals["covered_lines"])
    text = (tmp_path / "coverage.xml").read_text().replace('filename="core.py"', 'filename="same.py"')
    files: Mapping[str, Any] = {"coverage.xml": text, "pkg/same.py": CORE, "extra/same.py": CORE}
    with pytest.raises(EvidenceError) as caught:
        watch("coverage", files, sources=["pkg", "extra"])
    assert "may be extra/same.py or pkg/same.py" in caught.value.what
    assert "--source=." in (caught.value.remedy or "")


@pytest.mark.soak
def test_the_checksums_of_lcov_are_read_over(watch: Any, tmp_path: Path, made: Any) -> None:
    root, _, _ = made
    only(root, tmp_path, "lcov")
    plain = watch("coverage", {}, sources=["pkg"]).facts
    (tmp_path / "rc").write_text("[lcov]\nline_checksums = true\n" + (root / ".coveragerc").read_text())
    shutil.copy(root / ".coverage", tmp_path / "data")
    tool(tmp_path, "lcov", "-q", "--rcfile=rc", "--data-file=data")
    assert ",1," in (tmp_path / "coverage.lcov").read_text()
    assert watch("coverage", {}, sources=["pkg"]).facts == plain


NAMES = ["pkg/a.py", "pkg/b.py", "x/pkg/a.py"]
listing = st.dictionaries(
    st.sampled_from(NAMES),
    st.dictionaries(st.integers(1, 999_999_999), st.integers(0, 10**18 - 1), max_size=8),
)


def lists(files: Mapping[str, Any], name: str) -> tuple[set[int], set[int]]:
    found = files.get(name, Record(listed=set()))
    return set(found.listed), set(found.ran)


@given(listing)
def test_what_is_written_is_what_is_read(content: dict[str, dict[int, int]]) -> None:
    xml = ["<coverage><packages><package name='p'><classes>"]
    lcov = ["TN:"]
    for name, lines in content.items():
        xml.append(f"<class filename='{name}'><methods/><lines>")
        xml += [f"<line number='{line}' hits='{hits}'/>" for line, hits in lines.items()]
        xml.append("</lines></class>")
        ran = sum(hits > 0 for hits in lines.values())
        lcov += [f"SF:{name}", *(f"DA:{line},{hits}" for line, hits in lines.items())]
        lcov += [f"LF:{len(lines)}", f"LH:{ran}", "end_of_record"]
    xml.append("</classes></package></packages></coverage>")
    book = Book(NAMES, NAMES, "/w")
    read = [read_cobertura("\n".join(xml).encode(), "c.xml", book, DEFAULT).files]
    if content:
        numbered = enumerate((line.encode() for line in lcov), 1)
        read.append(read_lcov(numbered, "c.lcov", Book(NAMES, NAMES, "/w")).files)
    for files in read:
        for name in NAMES:
            lines = content.get(name, {})
            assert lists(files, name) == (set(lines), {line for line, hits in lines.items() if hits})


ENTRIES = [
    *("SF:a.py", "DA:1,1", "DA:2,0", "DA:1", "BRDA:1,0,0,-", "BRDA:1,0,x,y,2", "LF:1", "LH:1", "BRF:2"),
    *("BRH:1", "end_of_record", "TN:x", "", "FN:1,f", "LF:x", "SF:"),
]
entries = st.lists(st.sampled_from(ENTRIES)).map(lambda lines: "\n".join(lines).encode())


@given(st.binary(max_size=300) | entries)
def test_anything_else_is_refused_with_its_line(data: bytes) -> None:
    try:
        measured = read_lcov(enumerate(data.split(b"\n"), 1), "c.lcov", Book(["a.py"], ["a.py"], "/w"))
    except EvidenceError as error:
        assert (error.place or "").startswith("line ")
    else:
        for record in measured.files.values():
            counts = record.counts()
            assert counts.covered <= counts.statements
            assert counts.taken <= counts.branches
    try:
        read_cobertura(data, "c.xml", Book(["a.py"], ["a.py"], "/w"), DEFAULT)
    except EvidenceError as error:
        assert (error.place or "").startswith("line ")


def test_parallel_data_of_several_versions_have_no_one_tool(watch: Any, tmp_path: Path) -> None:
    project(tmp_path, branch=False)
    part = min(tmp_path.glob(".coverage.*"))
    with closing(sqlite3.connect(part)) as database, database:
        database.execute("update meta set value = '1.0' where key = 'version'")
    evidence = watch("coverage", {}, sources=["pkg"])
    assert evidence.facts["tool"] is None
    assert [one.fact for one in evidence.problems if "which tool and version" in one.reason] == ["tool"]
