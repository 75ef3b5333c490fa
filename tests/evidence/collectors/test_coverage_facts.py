"""Which files count, whose a recorded path is, and what a measurement says of its own making."""

from __future__ import annotations

from typing import Any

import pytest


def report(**changes: Any) -> dict[str, Any]:
    meta = {"format": 3, "version": "7.10.1", "branch_coverage": False}
    return {"meta": meta, "files": {"pkg/a.py": {"executed_lines": [1]}}} | changes


def test_without_settings_the_judged_sources_are_measured(watch: Any) -> None:
    content = report(files={"order_plane/a.py": {"executed_lines": [1]}})
    facts = watch("coverage", {"coverage.json": content, "order_plane/a.py": "x = 1\n"}).facts
    assert [(entry["source"], entry["files"]) for entry in facts["sources"]] == [("order_plane", 1)]


def test_a_file_is_not_taken_for_one_whose_name_it_ends_with(watch: Any) -> None:
    content = report(files={"other/pkg/a.py": {"executed_lines": [1]}})
    files = {"coverage.json": content, "pkg/a.py": "x = 1\n", "other/pkg/a.py": "x = 1\n"}
    evidence = watch("coverage", files, sources=["pkg"])
    assert evidence.facts["covered"] is None
    assert "no record of any file under pkg" in evidence.problems[0].reason
    facts = watch("coverage", {}, sources=["pkg", "other"]).facts
    assert [entry["covered"] for entry in facts["sources"]] == [0, 1]


def test_lines_that_hold_no_statement_now_are_counted(watch: Any) -> None:
    text = '"""Words."""\n# note\nx = (\n    1\n)\n\nif x:  # pragma: no cover\n    pass\n'
    content = report(files={"pkg/a.py": {"executed_lines": [1, 3, 4, 7, 8]}})
    files = {"coverage.json": content, "pkg/a.py": text, "pkg/empty.py": ""}
    assert watch("coverage", files, sources=["pkg"]).facts["foreign_lines"] == 0
    content["files"]["pkg/a.py"]["executed_lines"] += [2, 6, 9, 99]
    content["files"]["pkg/empty.py"] = {"executed_lines": [0, 1, 2]}
    facts = watch("coverage", {"coverage.json": content}, sources=["pkg"]).facts
    assert facts["foreign_lines"] == 5
    assert (facts["statements"], facts["covered"]) == (1, 1)


@pytest.mark.parametrize(
    ("stated", "moment", "reason"),
    [
        (None, None, "coverage.json states no time"),
        ("2025-11-07T12:00:00.123456", None, "coverage.json states its time without a zone"),
        ("2025-11-07T12:00:00.5+02:00", 1762509600, None),
    ],
)
def test_a_time_counts_only_with_its_zone(watch: Any, stated: Any, moment: Any, reason: Any) -> None:
    content = report()
    content["meta"]["timestamp"] = stated
    evidence = watch("coverage", {"coverage.json": content, "pkg/a.py": "x = 1\n"}, sources=["pkg"])
    assert evidence.facts["observed_at_s"] == moment
    assert evidence.observed_at == (None if moment is None else "2025-11-07T10:00:00Z")
    reasons = {missing.fact: missing.reason for missing in evidence.problems}
    assert reasons.get("observed_at_s") == reason


def test_packages_are_directories_and_the_least_covered_are_listed(watch: Any) -> None:
    from gate.evidence.base.limits import Limits

    files: dict[str, Any] = {f"pkg/p{number}/a.py": "x = 1\ny = 2\n" for number in range(4)}
    lines = {0: [1], 1: [1, 2], 2: [], 3: [1, 2]}
    recorded = {f"pkg/p{number}/a.py": {"executed_lines": lines[number]} for number in range(4)}
    files |= {"coverage.json": report(files=recorded), "pkg/b.py": "", "top.py": "x = 1\n"}
    facts = watch("coverage", files, sources=["pkg", "top.py"], limits=Limits(problems=3)).facts
    assert [(one["name"], one["line_ppm"]) for one in facts["packages"]] == [
        (".", 0),
        ("pkg/p0", 500_000),
        ("pkg/p2", 0),
    ]
    facts = watch("coverage", {}, sources=["pkg", "top.py"]).facts
    assert [one["name"] for one in facts["packages"]] == [
        ".",
        "pkg",
        "pkg/p0",
        "pkg/p1",
        "pkg/p2",
        "pkg/p3",
    ]
    assert facts["packages"][1] == {
        "name": "pkg",
        "files": 1,
        "statements": 0,
        "covered": 0,
        "line_ppm": None,
        "branches": None,
        "taken": None,
        "branch_ppm": None,
    }


def test_the_most_original_file_wins(watch: Any) -> None:
    xml = (
        '<coverage><packages><package name="p"><classes><class filename="pkg/a.py"><lines>'
        '<line number="1" hits="1"/></lines></class></classes></package></packages></coverage>'
    )
    files = {"pkg/a.py": "x = 1\n", "coverage.lcov": "SF:pkg/a.py\nDA:1,1\nend_of_record\n"}
    assert watch("coverage", files, sources=["pkg"]).facts["format"] == "lcov"
    assert watch("coverage", {"coverage.xml": xml}, sources=["pkg"]).facts["format"] == "cobertura-xml"
    facts = watch("coverage", {"coverage.json": report()}, sources=["pkg"]).facts
    assert facts["format"] == "coverage-json"
    options = {"json": "absent.json", "xml": "absent.xml", "lcov": "coverage.lcov"}
    assert watch("coverage", {}, sources=["pkg"], **options).facts["format"] == "lcov"


def test_one_file_under_its_relative_and_its_absolute_name_is_one(watch: Any, tmp_path: Any) -> None:
    recorded = {
        "/elsewhere/pkg/a.py": {"executed_lines": [3]},
        "pkg/a.py": {"executed_lines": [1]},
        f"{tmp_path}/pkg/a.py": {"executed_lines": [2]},
    }
    files = {"coverage.json": report(files=recorded), "pkg/a.py": "x = 1\ny = 2\nz = 3\n"}
    facts = watch("coverage", files, sources=["pkg"]).facts
    assert (facts["covered"], facts["statements"]) == (2, 3)
