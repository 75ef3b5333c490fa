"""Any bytes in any file of evidence, and any folder at all: there is always a decision.

Judged in this process as ``gate evaluate`` does it, apart from the processes that collectors run in; what
those add is tested in ``tests/evidence/collecting``.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gate.engine.decision.document import Decision, Verdict
from gate.evidence.base.contracts import violations

READY = Path(__file__).resolve().parents[2] / "examples" / "ready"
PEOPLE = ("signoffs", "trust", "signatures")
NEEDED = [
    "ACCOUNT_CONFIG.json", "PAPER_TRADING_LOG.json", "PAPER_TRADING_METRICS.csv", "MOCK_BASELINE.json",
    "BACKTEST_METRICS.json", "ROLLBACK_PROCEDURE.md", "ROLLBACK_DRILL.json", "KILL_SWITCH_VERIFICATION.json",
    "PRE_LIVE_CHECKLIST.md", "SCALE_UP_PLAN.md", "INTEGRATION_FLOW.md", "IBKR_INTERFACE_MAP.md",
    "PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md", "junit.xml", ".coverage",
    "fixtures/seeds.yaml", "fixtures/ticks_spy.json", "contracts/orders.schema.json",
    "contracts/order_intent.schema.json",
    "algo_trade/core/config.py", "algo_trade/core/execution/IBKR_handler.py",
    "signoffs/stage8-cto.json", "signoffs/stage8-cto.json.sig", "trust/allowed_signers",
    "order_plane/broker/ibkr_exec_client.py", "tests/stage6_account_probe.py", "tests/e2e/ibkr_mock.py",
]  # fmt: skip
"""Files that break some rule when they are not what they should be, whatever is said about signatures."""

DISPENSABLE = {"fixtures/ticks_spy.json", "PRELIVE_VERIFICATION_LOG.json", "GO_LIVE_DECISION_GATE.md"}
"""Of these, the files that may as well not be there: one of two fixtures, and what gate writes afterwards."""

OTHERS = sorted(
    path.relative_to(READY).as_posix()
    for path in READY.rglob("*")
    if path.is_file() and not {"__pycache__", "ledger"} & set(path.parts) and path.name != "gate.yaml"
)


def link(path: Path, target: str) -> None:
    """A link in a file's place."""
    path.symlink_to(target)


def folder(path: Path, inside: str | None) -> None:
    """A directory in a file's place."""
    path.mkdir()
    if inside is not None:
        (path / inside).write_bytes(b"{}")


Put = Callable[[Path], Any]
"""Puts something where a file was."""


def content(data: bytes) -> Put:
    """Bytes in a file's place."""
    return functools.partial(Path.write_bytes, data=data)


PLANTED: list[Put] = [
    *map(
        content,
        (
            b"\xff\xfe\x00\xd8",
            b"\0" * 1000,
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"<a>" * 50_000,
            b"- " * 50_000,
            b"(" * 20_000,
            b"> " * 5_000,
            b"a: &a [*a, *a]\n",
            b'{"timestamp": 1e999999, "n": ' + b"9" * 5_000 + b"}",
            b"[NaN, Infinity, -0.0]",
            b'{"a": 1, "a": 2}',
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>',
            b"SQLite format 3\0" + b"\xff" * 500,
            "\u202e\u2066\x1b[31m::error::\r\n".encode(),
            b"null",
            b'"x"',
        ),
    ),
    functools.partial(link, target="/etc/passwd"),
    functools.partial(link, target="README.md"),
    functools.partial(link, target="no such file"),
    functools.partial(folder, inside=None),
    functools.partial(folder, inside="a.json"),
    os.mkfifo,
]
"""What no collector may take for good evidence."""


def put_there(lab: Any, path: str, put: Put) -> Decision:
    """The decision with something else in a file's place; it is put back afterwards."""
    target = lab.root / path
    before = target.read_bytes()
    target.unlink()
    try:
        put(target)
        decision: Decision = lab.judge()
    finally:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        target.write_bytes(before)
    return decision


def check_decision(decision: Decision) -> None:
    """It keeps to its contract, and shows no account in full."""
    document = decision.to_json()
    assert violations("", "decision", document) == []
    assert "DU1234567" not in json.dumps(document)


def check_the_rest(lab: Any, path: str, decision: Decision) -> None:
    """Rules whose evidence does not come from the file are answered as before."""
    touched = {item.id for item in lab.usual.evidence if path in {file.path for file in item.files}}
    touched |= {item.id for item in decision.evidence if path in {problem.path for problem in item.problems}}
    if path.split("/")[0] in lab.context.config.subject.sources:
        touched.add("source")  # it reports what among the sources is no file
    if path.split("/")[0] in PEOPLE:
        touched |= {"signoffs", "waivers", "artifacts"}
    rules = {rule.code: rule for stage in lab.context.plan.stages.values() for rule in stage.rules}
    usual = {check.code: check for check in lab.usual.checks}
    for check in decision.checks:
        needs = {fact.collector for fact in check.facts}
        about_signatures = check.code in lab.signed or "signoffs" in rules[check.code].collectors
        if not needs & touched and not about_signatures and needs:
            assert check == usual[check.code], (path, check.code)


@pytest.mark.soak
@given(path=st.sampled_from(NEEDED), put=st.sampled_from(PLANTED))
def test_what_is_no_evidence_is_named_by_a_rule(lab: Any, path: str, put: Put) -> None:
    """Nothing of the kind ends a run, hides the rest, or passes."""
    decision = put_there(lab, path, put)
    check_decision(decision)
    check_the_rest(lab, path, decision)
    if put in PLANTED[21:23] and path in DISPENSABLE:
        return  # a folder, with whatever is in it, is as good as nothing there
    assert decision.verdict is not Verdict.PASS
    of_signatures = frozenset() if path.split("/")[0] in PEOPLE else lab.signed
    assert lab.named(decision) - of_signatures, (path, put)


@pytest.mark.soak
@given(path=st.sampled_from(OTHERS), data=st.data())
def test_any_bytes_in_any_file_give_a_decision(lab: Any, path: str, data: st.DataObject) -> None:
    """Also those that are nearly right: cut short, with a piece changed, doubled."""
    before = (READY / path).read_bytes()
    place = data.draw(st.integers(0, len(before)), "place")
    piece = data.draw(st.binary(max_size=40), "piece")
    way = data.draw(st.sampled_from(["bytes", "cut", "insert", "replace", "drop", "double"]), "way")
    after = {
        "bytes": piece,
        "cut": before[:place],
        "insert": before[:place] + piece + before[place:],
        "replace": before[:place] + piece + before[place + len(piece) :],
        "drop": before[:place] + before[place + 20 :],
        "double": before + before,
    }[way]
    decision = put_there(lab, path, content(after))
    check_decision(decision)
    check_the_rest(lab, path, decision)
    if after != before and path.split("/")[0] not in PEOPLE:  # not every sign-off is one that is required
        assert decision.verdict is not Verdict.PASS or path in lab.unread


@pytest.mark.soak
@pytest.mark.parametrize("put", [PLANTED[0], PLANTED[18], PLANTED[21]], ids=["bytes", "link", "directory"])
def test_the_program_ends_with_a_verdict(
    copy_example: Callable[[str], Path], gate: Callable[..., Any], put: Put
) -> None:
    """Exit code 1 and a decision on paper; no error."""
    root = copy_example("ready")
    (root / "PAPER_TRADING_LOG.json").unlink()
    put(root / "PAPER_TRADING_LOG.json")
    finished = gate("evaluate", "stage8", "-o", "json", cwd=root)
    assert finished.code == 1, finished.err
    assert json.loads(finished.out)["verdict"] == "FAIL"


LAYOUTS: dict[str, dict[str, bytes]] = {
    "empty": {},
    "readme": {"README.md": b"# Nothing\n"},
    "a package": {
        "pyproject.toml": b"[project]\nname='x'\n",
        "src/bot/__init__.py": b"", "src/bot/ib.py": b"import ib_async\n",
    },
    "scripts": {
        "bot.py": b"from ib_insync import IB\nib = IB()\nib.connect('127.0.0.1', 7496)\n",
        "notes.txt": b"\xff",
    },
    "another language": {"src/main/java/A.java": b"class A {}", "pom.xml": b"<project/>"},
    "notebooks": {"research.ipynb": b'{"cells": []}', "data/prices.csv": b"a,b\n1,2\n"},
    "its own names": {
        "ACCOUNT_CONFIG.json": b"[]", "junit.xml": b"<html>", ".coverage": b"x", "contracts/a.json": b"{",
        "fixtures/seeds.yaml": b"seeds:\n  global: {value: 42}\n", "tests/stage6_a.py": b"def test_a(: pass",
        "signoffs/a.json": b"{}", "waivers/a.json": b"{}", "trust/allowed_signers": b"nonsense\n",
        "PRE_LIVE_CHECKLIST.md": b"- [x] done\n", "IBKR_INTERFACE_MAP.md": b"# \xd7\x90\n",
    },
    "folders in files' places": {
        "ACCOUNT_CONFIG.json/a": b"", "junit.xml/b": b"", "tests/stage7_x.py/c": b"",
    },
}  # fmt: skip


def check_elsewhere(lab: Any, root: Path) -> None:
    """A decision about all eight stages, none of which passes."""
    decision = lab.judge_elsewhere(root)
    check_decision(decision)
    assert {name: stage.verdict for name, stage in decision.stages.items()} == {
        f"stage{number}": Verdict.FAIL for number in range(1, 9)
    }


@pytest.mark.parametrize("name", LAYOUTS)
def test_without_settings_all_stages_are_decided(
    lab: Any, make_workspace: Callable[..., Path], name: str
) -> None:
    """Whatever a project looks like; nothing is assumed about it."""
    check_elsewhere(lab, make_workspace(LAYOUTS[name]))


@pytest.mark.parametrize("name", ["empty", "its own names"])
def test_the_program_decides_without_settings(
    make_workspace: Callable[..., Path], gate: Callable[..., Any], name: str
) -> None:
    """Exit code 1, never 2."""
    finished = gate("evaluate", "all", "-o", "json", cwd=make_workspace(LAYOUTS[name]))
    assert finished.code == 1, finished.err
    assert len(json.loads(finished.out)["stages"]) == 8


NAMES = st.one_of(
    st.sampled_from(
        [*OTHERS, "src/a.py", "tests/test_a.py", "config/live.yaml", "a/b/c.json", "PNL_SERIES.csv"]
    ),
    st.from_regex(r"[a-zא-ת _.-]{1,12}\.(py|json|md|yaml|csv|xml|toml)", fullmatch=True),
)


@pytest.mark.soak
@given(files=st.dictionaries(NAMES, st.binary(max_size=60), max_size=6))
@example(files={"pyproject.toml": b"[tool", "setup.cfg": b"\xff"})
def test_a_folder_of_random_files_is_decided(
    lab: Any, tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    """All eight stages, whatever the files are called and hold."""
    root = tmp_path_factory.mktemp("random")
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    check_elsewhere(lab, root)
