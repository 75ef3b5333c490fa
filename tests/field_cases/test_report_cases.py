"""Small inputs as they were met in the field: reports of tests, coverage and scanners."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import Evidence
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace

CASES = Path(__file__).parent
Look = Callable[..., Evidence]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """``look(case, collector, **options)``: what the collector sees in a copy of the case."""

    def run(case: str, collector: str, **options: Any) -> Evidence:
        root = tmp_path / case
        if (CASES / case).is_dir():
            shutil.copytree(CASES / case, root, dirs_exist_ok=True)
        kind = load(collector)
        return observe(Workspace(root), kind(validate(kind.Options, options)))

    return run


def test_mocha_writes_an_http_date(look: Look) -> None:
    evidence = look("junit-mocha-timestamp", "tests")
    assert (evidence.facts["total"], evidence.facts["failed"]) == (2, 1)
    assert evidence.observed_at == "2025-11-03T10:00:00Z"
    assert evidence.problems == ()


def test_coverage_before_7_6_2_writes_line_zero_for_branches_that_leave_the_file(look: Look) -> None:
    facts = look("lcov-line-zero", "coverage").facts
    assert (facts["covered"], facts["statements"], facts["line_ppm"]) == (4, 5, 800_000)
    assert (facts["taken"], facts["branches"]) == (2, 4)


def test_a_source_in_the_encoding_that_it_declares(look: Look, tmp_path: Path) -> None:
    source = tmp_path / "latin1-source" / "algo_trade" / "venue.py"
    source.parent.mkdir(parents=True)
    source.write_bytes('# -*- coding: latin-1 -*-\nNAME = "Zürich"\n'.encode("latin-1"))
    evidence = look("latin1-source", "coverage")
    assert (evidence.facts["covered"], evidence.facts["statements"]) == (1, 1)
    assert not [problem for problem in evidence.problems if problem.fact in ("", "line_ppm")]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "iso-8859-15", "cp1252", "windows-1255", "koi8-r", "shift_jis"]
)
def test_other_encodings_and_ones_that_lie(look: Look, tmp_path: Path, encoding: str) -> None:
    source = tmp_path / "latin1-source" / "algo_trade" / "venue.py"
    source.parent.mkdir(parents=True)
    source.write_bytes(f"#!/usr/bin/python\n# vim: set fileencoding={encoding} :\nX = 1\n".encode())
    assert look("latin1-source", "coverage").facts["statements"] == 1
    for wrong in (b"# coding: klingon\nX = 1\n", b"# coding: ascii\nX = '\xe9'\n", b"X = '\xe9'\n"):
        source.write_bytes(wrong)
        evidence = look("latin1-source", "coverage")
        [rejected] = [problem for problem in evidence.problems if problem.fact == ""]
        assert (rejected.kind, rejected.path) == ("rejected", "algo_trade/venue.py")


def test_a_severity_that_is_a_word_follows_from_the_level(look: Look) -> None:
    facts = look("sarif-severity-as-word", "scans").facts
    assert (facts["results"], facts["by_severity"]["high"]) == (1, 1)


def test_only_taxonomies_are_kept_elsewhere(look: Look) -> None:
    facts = look("sarif-external-taxonomies-only", "scans").facts
    assert (facts["results"], facts["findings"][0]["level"]) == (1, "error")


def test_a_renamed_file_with_four_statements_more(look: Look, tmp_path: Path) -> None:
    root = tmp_path / "diff-renamed-file"
    (root / "algo_trade").mkdir(parents=True)

    def git(*arguments: str) -> None:
        author = {"GIT_AUTHOR_NAME": "dev", "GIT_AUTHOR_EMAIL": "dev@example.com"}
        committer = {"GIT_COMMITTER_NAME": "dev", "GIT_COMMITTER_EMAIL": "dev@example.com"}
        neutral = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        environment = {**os.environ, **author, **committer, **neutral}
        subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True)

    old, new = root / "algo_trade" / "old.py", root / "algo_trade" / "new.py"
    old.write_text(
        "".join(f"def f{n}(x):\n    if x:\n        return {n}\n    return 0\n\n\n" for n in range(8))
    )
    git("init", "-q", ".")
    git("add", "-A")
    git("commit", "-qm", "base")
    git("tag", "base")
    git("mv", "algo_trade/old.py", "algo_trade/new.py")
    with new.open("a") as file:
        file.write("def added(x):\n    if x:\n        return 9\n    return 8\n")
    git("add", "-A")
    git("commit", "-qm", "change")
    ran = "".join(f"DA:{line},1\n" for line in (49, 50, 51))
    (root / "coverage.lcov").write_text(f"SF:algo_trade/new.py\n{ran}DA:52,0\nend_of_record\n")
    diff = look("diff-renamed-file", "coverage", base="base").facts["diff"]
    assert (diff["statements"], diff["covered"], diff["line_ppm"]) == (4, 3, 750_000)
