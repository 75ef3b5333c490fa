"""What is printed acts on no terminal, no log and no CI system."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decision.document import Decision
from gate.engine.recording import StageStatus
from gate.engine.report import table
from gate.engine.report.facts import facts_json
from gate.engine.report.interface import Screen
from gate.engine.report.json_format import render_json
from gate.engine.report.status import status_json
from gate.engine.terminal.figures import for_people
from gate.evidence.collecting.interface import Evidence

ACTIVE = [
    *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A),
]  # fmt: skip
TEXT = "שלום é 日本 \N{GRINNING FACE}" + "".join(map(chr, ACTIVE))
Gate = Callable[..., Any]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


@pytest.mark.parametrize(
    "written",
    [
        lambda value: render_json({value: value}),
        lambda value: status_json([StageStatus(value, value, "PASS", 0, "", "", True, True)], Screen()),
        lambda value: facts_json({"x": Evidence("x", "1", {"name": value}, (), (), None)}),
    ],
    ids=["json", "status", "facts"],
)
def test_json_for_machines_escapes_what_acts(written: Callable[[str], bytes]) -> None:
    """The value is equal, and letters of any script are readable."""
    text = written(TEXT).decode()
    assert not {chr(code) for code in ACTIVE} & set(text)
    assert "\\u202e" in text and "שלום é 日本" in text
    assert TEXT in [*_strings(json.loads(text))]
    command = "##[add-mask]x \\##[y ###[z"
    text = written(command).decode()
    assert "##[" not in text and command in [*_strings(json.loads(text))]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", "\\u003a:error::x"),
        ("a\n  ::error::x\n", "a\n  \\u003a:error::x\n"),
        ("a\r::stop", "a\r\\u003a:stop"),
        ("\u00a0::stop", "\u00a0\\u003a:stop"),
        ("say ##[error]x", "say \\u0023#[error]x"),
        ("a::b std::vector ##", "a::b std::vector ##"),
    ],
)
def test_no_line_is_a_command(text: str, shown: str) -> None:
    """GitHub's runner acts on lines that begin with two colons, and on ``##[`` anywhere."""
    assert for_people(text) == shown


def no_command(text: str) -> bool:
    """Whether no line begins with two colons."""
    return not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_a_file_name_is_no_command_in_an_error(gate: Gate, make_workspace: Callable[..., Path]) -> None:
    """Neither where its facts are printed, nor in a decision, nor in an error."""
    root = make_workspace({"x\n::error::y/data.json": "{", "tests/a.py": ""})
    (root / "gate.yaml").write_text('evidence: {kill_switch: {path: "x\\n::error::y/data.json"}}')
    for command, code in ((("collect", "kill_switch"), 1), (("explain", "stage8"), 0)):
        done = gate(*command, "-w", root)
        assert (done.code, done.err) == (code, ""), done
        assert "error::y" in done.out
        assert no_command(done.out)
    (root / "gate.yaml").write_text('evidence: {"x\\n::error::y": {}}')
    for extra in ((), ("--debug",)):
        done = gate("collect", "-w", root, *extra)
        assert (done.code, done.out) == (2, ""), done
        assert "error::y" in done.err
        assert no_command(done.err)


@pytest.mark.parametrize("width", [60, 77, 110, 160])
def test_a_wrapped_line_of_a_report_is_no_command(judged: Decision, width: int) -> None:
    """Wherever the line is broken."""
    shown = table.render(judged, None, Screen(width)).decode()
    assert "error" in shown
    assert no_command(shown)


@pytest.fixture
def judged(gate: Gate, make_workspace: Callable[..., Path]) -> Decision:
    """A decision whose messages are full of commands."""
    done = gate("evaluate", "stage1", "--no-record", "-o", "json", "-w", make_workspace({"tests/a.py": ""}))
    document: dict[str, Any] = json.loads(done.out)
    for violation in document["violations"]:
        violation["msg"] = " ".join("::error::x" + "y" * n for n in range(30))
    del document["ledger"]
    return Decision.from_json(document)


def test_the_facts_of_a_file_with_an_odd_name(gate: Gate, make_workspace: Callable[..., Path]) -> None:
    """As a table it is escaped, as JSON it is the same name."""
    name = "::set-env \u202e\u009b.xml"
    root = make_workspace({name: "<testsuites/>", "gate.yaml": "evidence: {tests: {junit: ['::set*.xml']}}"})
    done = gate("collect", "tests", "-w", root, "-o", "json")
    assert json.loads(done.out)["tests"]["facts"]["file"] == name
    assert "\u202e" not in done.out and "\u009b" not in done.out
    assert no_command(gate("collect", "tests", "-w", root).out)


def test_wrong_usage_is_printed_as_safely_as_everything_else(gate: Gate, tmp_path: Path) -> None:
    """Neither an account number nor an escape sequence of the command line comes back as it was."""
    run = gate("evaluate", "stage1", "DU1234567", "\x1b[31m\u202e")
    assert run.code == 2
    assert "Usage: gate evaluate" in run.err
    assert "DU1234567" not in run.err and "\x1b" not in run.err and "\u202e" not in run.err
    (tmp_path / "a\x1b[31m").mkdir()
    run = gate("init", tmp_path / "a\x1b[31m")
    assert (run.code, "\x1b" in run.out) == (0, False)
