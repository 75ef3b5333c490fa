"""Commands: what they answer is reported as it is; they get no shell, no secrets and no time without end."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.config.settings import read_settings
from gate.evidence.base.errors import ConfigError, EnvironmentProblem
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.base.settings import Uncertain, build, validate
from gate.evidence.collecting.interface import Problem, ProblemKind, Scope
from gate.evidence.collectors.commands import CommandRun, CommandsCollector, CommandsOptions
from gate.evidence.reading.workspace import Workspace

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def answer(watch: Any) -> Any:
    """The facts of one command named ``x``."""

    def run(command: list[str], files: Any = None, limits: Limits = DEFAULT, **more: Any) -> Any:
        return watch("commands", files, limits=limits, run={"x": {"command": command, **more}}).facts["x"]

    return run


@pytest.fixture
def rejected(watch: Any) -> Any:
    """The problem of one command named ``x`` whose output cannot be used."""

    def run(command: list[str], files: Any = None, limits: Limits = DEFAULT, **more: Any) -> Problem:
        evidence = watch("commands", files, limits=limits, run={"x": {"command": command, **more}})
        [problem] = evidence.problems
        assert (problem.fact, problem.kind, evidence.facts) == ("x", ProblemKind.REJECTED, {"x": None})
        assert problem.remedy
        return problem

    return run


def python(code: str) -> list[str]:
    """A command that runs a line of Python."""
    return [sys.executable, "-c", code]


def test_nothing_declared_is_nothing_run(watch: Any) -> None:
    evidence = watch("commands", {})
    assert evidence.facts == {}


def test_only_what_ran_a_program_is_not_repeatable(tmp_path: Path) -> None:
    view = Workspace(tmp_path).view()
    assert CommandsCollector(CommandsOptions()).collect(view).repeatable
    options = CommandsOptions(run={"x": CommandRun(("true",))})
    assert not CommandsCollector(options).collect(view).repeatable


def test_text_is_reported_as_it_is(answer: Any, tmp_path: Path) -> None:
    files = {"data/a.txt": "שלום 12.50\n"}
    oracle = subprocess.run(["cat", "data/a.txt"], cwd=tmp_path, capture_output=True, check=False)
    assert oracle.returncode != 0  # the file is written by the fixture, below
    facts = answer(["cat", "data/a.txt"], files)
    oracle = subprocess.run(["cat", "data/a.txt"], cwd=tmp_path, capture_output=True, check=True)
    assert facts["stdout_sha256"] == hashlib.sha256(oracle.stdout).hexdigest()
    assert facts["stdout_bytes"] == len(oracle.stdout)
    assert facts["stderr_bytes"] == 0
    assert facts["stderr_sha256"] == hashlib.sha256(b"").hexdigest()
    assert facts["output"] == "שלום 12.50\n"
    assert facts["exit_code"] == 0
    assert facts["command"] == ["cat", "data/a.txt"]
    assert facts["environment"] == []
    assert facts["truncated"] is False
    assert facts["result"]["value"] == "שלום 12.50"


def test_a_figure_in_text_is_a_figure(answer: Any) -> None:
    result = answer(["echo", " -0.1234567 "])["result"]
    assert (result["value"], result["floor_micro"], result["ceiling_micro"]) == (
        "-0.1234567",
        -123_457,
        -123_456,
    )


def test_json_is_read_by_pointer(answer: Any, rejected: Any) -> None:
    document = {"summary": {"ratio": 0.975, "names": ["a"]}, "n": None}
    command = ["echo", json.dumps(document)]
    result = answer(command, format="json", pointer="/summary/ratio")["result"]
    assert result == {
        "pointer": "/summary/ratio",
        "found": True,
        "kind": "number",
        "value": None,
        "text": "0.975",
        "length": None,
        "floor_micro": 975_000,
        "ceiling_micro": 975_000,
    }
    assert answer(command, format="json", pointer="/summary")["result"]["value"] == {
        "ratio": "0.975",
        "names": ["a"],
    }
    assert answer(command, format="json", pointer="/none")["result"]["found"] is False
    caught = rejected(command, format="json", pointer="/summary/names/01")
    assert caught.place == "evidence.commands.run.x.pointer"


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9)]
)
def test_how_a_command_ends_is_a_fact(answer: Any, code: str, expected: int) -> None:
    assert answer(python(code))["exit_code"] == expected


def test_a_failed_command_may_print_no_json(watch: Any) -> None:
    command = python("import sys; print('usage: ...'); sys.exit(2)")
    evidence = watch("commands", {}, run={"x": {"command": command, "format": "json"}})
    assert evidence.facts["x"]["exit_code"] == 2
    assert evidence.facts["x"]["output"] == "usage: ...\n"
    assert {m.reason for m in evidence.problems} == {
        "the command's output is no such JSON; the command ended with exit code 2"
    }


def test_why_a_command_failed_is_said(watch: Any) -> None:
    """What it wrote to standard error: one line, nothing secret, no terminal sequences."""
    script = (
        "import os, sys\n"
        "print('\\x1b[31mno\\x1b[0m config of DU1234567\\r\\n\\n  key', os.environ['KEY'], file=sys.stderr)\n"
        "sys.exit(2)"
    )
    run = {"x": {"command": python(script), "format": "json", "environment": {"KEY": "hidden-value"}}}
    reasons = {missing.reason for missing in watch("commands", {}, run=run).problems}
    assert reasons == {
        "the command's output is no such JSON; the command ended with exit code 2; "
        "its standard error says: no config of DU****67 | key …"
    }


@pytest.mark.parametrize(("out", "options"), [("'x'", {}), ("'{}'", {"format": "json", "pointer": "/a"})])
def test_whatever_is_missing_after_a_failure_says_why(watch: Any, out: str, options: dict[str, Any]) -> None:
    """Also where the output can be read, but is not what a rule needs."""
    script = f"import sys; print({out}); print('broken', file=sys.stderr); sys.exit(1)"
    evidence = watch("commands", {}, run={"x": {"command": python(script), **options}})
    assert evidence.problems
    for missing in evidence.problems:
        assert missing.reason.endswith(
            "; the command ended with exit code 1; its standard error says: broken"
        )


def test_a_long_complaint_keeps_its_beginning_and_its_end(watch: Any) -> None:
    """The end of a traceback says most."""
    script = "import sys; print('first', 'x' * 900, 'last', file=sys.stderr); sys.exit(1)"
    evidence = watch("commands", {}, run={"x": {"command": python(script), "format": "json"}})
    said = evidence.problems[0].reason.partition("says: ")[2]
    assert said.startswith("first xxx") and said.endswith("xxx last") and " … " in said
    assert len(said) <= 300


def test_why_a_command_with_unreadable_output_failed_is_said(rejected: Any) -> None:
    """In the error, then."""
    caught = rejected(["sh", "-c", "printf '\\377'; echo oh no >&2; exit 3"])
    assert re.search("exit code 3; its standard error says: oh no", caught.reason)


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("{", "malformed JSON"),
        ('{"a": 1, "a": 2}', "twice"),
        ("NaN", "NaN"),
        ("[" * 70 + "]" * 70, "deep"),
        ("", "malformed"),
    ],
)
def test_a_command_that_succeeds_must_print_json(rejected: Any, printed: str, said: str) -> None:
    caught = rejected(["echo", printed], format="json")
    assert re.search(said, caught.reason)
    assert caught.path == "gate.yaml"
    assert str(caught.place).startswith("evidence.commands.run.x")


def test_json_is_held_against_a_contract(answer: Any, rejected: Any) -> None:
    files = {"c.json": {"$schema": DRAFT, "required": ["ratio"]}}
    assert answer(["echo", '{"ratio": 1}'], files, format="json", contract="c.json")["result"]["found"]
    caught = rejected(["echo", "{}"], files, format="json", contract="c.json")
    assert re.search(r"does not keep to the contract c\.json", caught.reason)
    assert caught.path == "gate.yaml"
    failed = answer(["sh", "-c", "echo '{}'; exit 1"], files, format="json", contract="c.json")
    assert failed["result"]["found"] is False
    caught = rejected(
        ["sh", "-c", "echo '{}'; exit 1"], {"bad.json": "{"}, format="json", contract="bad.json"
    )
    assert re.search("malformed JSON", caught.reason)
    assert caught.path == "bad.json"


# --- what a command gets ---------------------------------------------------------------------------------


def test_no_shell_sees_the_arguments(answer: Any, tmp_path: Path) -> None:
    argument = "a; touch created $(touch created) `touch created` * ~ $HOME"
    assert answer(["echo", argument])["output"] == argument + "\n"
    assert not (tmp_path / "created").exists()


def test_a_program_may_lie_in_the_workspace(answer: Any, tmp_path: Path) -> None:
    script = tmp_path / "tools" / "audit"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\npwd\n")
    script.chmod(0o755)
    assert answer(["tools/audit"])["output"].strip() == str(tmp_path.resolve())


def test_the_environment_is_clean_and_what_is_declared(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "hunter2")
    monkeypatch.setenv("GATE_CONFIG_DIR", "/somewhere")
    facts = answer(["env"], environment={"MODE": "strict", "TZ": "Asia/Jerusalem"})
    seen = dict(line.split("=", 1) for line in facts["output"].splitlines())
    assert seen["MODE"] == "strict"
    assert seen["TZ"] == "Asia/Jerusalem"
    assert not {"BROKER_PASSWORD", "GATE_CONFIG_DIR"} & seen.keys()
    assert facts["environment"] == ["MODE", "TZ"]
    assert not Path(seen["HOME"]).exists()


def test_there_is_nothing_to_read(answer: Any) -> None:
    assert answer(["cat"])["stdout_bytes"] == 0


# --- what a command may not do ---------------------------------------------------------------------------


def test_a_command_that_hangs_is_ended(rejected: Any) -> None:
    caught = rejected(["sleep", "6000"], seconds=1)
    assert re.search("took longer than 1 s", caught.reason)
    assert (caught.path, caught.place) == ("gate.yaml", "evidence.commands.run.x")


def test_a_command_that_prints_too_much_is_ended(rejected: Any) -> None:
    caught = rejected(["yes"], limits=Limits(command_bytes=100_000))
    assert re.search("more than 100000 bytes", caught.reason)


def test_a_command_gets_no_more_time_than_commands_may_take(answer: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="commands may take 60 s") as caught:
        answer(["touch", "created"], seconds=61)
    assert caught.value.place == "evidence.commands.run.x.seconds"
    assert not (tmp_path / "created").exists()


@pytest.mark.parametrize("program", ["no-such-program", "./none", "data", "not_executable.sh", "a\x00b"])
def test_a_program_that_is_not_there_is_named(answer: Any, program: str) -> None:
    with pytest.raises(EnvironmentProblem, match="no program") as caught:
        answer([program], {"not_executable.sh": "", "data/a": ""})
    assert (caught.value.path, caught.value.place) == ("gate.yaml", "evidence.commands.run.x")


def test_every_command_that_fails_is_reported_and_hides_nothing(watch: Any) -> None:
    bad = {
        "a": {"command": ["printf", "\\377"]},
        "b": {"command": ["true"]},
        "c": {"command": ["echo", "{"], "format": "json"},
    }
    evidence = watch("commands", {}, run=bad)
    rejected = [one for one in evidence.problems if one.kind is ProblemKind.REJECTED]
    assert [(one.fact, str(one.place).split(",")[0]) for one in rejected] == [
        ("a", "evidence.commands.run.a"),
        ("c", "evidence.commands.run.c"),
    ]
    assert [name for name, facts in evidence.facts.items() if facts is not None] == ["b"]
    assert evidence.scopes == (Scope("", 3, 1, "commands"),)


@pytest.mark.parametrize(
    ("octal", "said"),
    [("\\377", "not UTF-8"), ("a\\000b", "NUL")],
)
def test_output_that_is_no_text_is_an_error(rejected: Any, octal: str, said: str) -> None:
    caught = rejected(["printf", octal])
    assert re.search(said, caught.reason)
    assert "of its output" in str(caught.place)


def test_terminal_sequences_are_taken_out(answer: Any) -> None:
    text = "\x1b[1;31mred\x1b[0m \x1b]8;;http://a\x1b\\link\x1b]8;;\x07 bell\x07 \x1bM up\r\nnext\ta\x9b\n"
    assert answer(["printf", "%s", text])["output"] == "red link bell\ufffd  up\nnext\ta\ufffd\n"


def test_account_numbers_are_not_shown(answer: Any) -> None:
    facts = answer(["echo", "account DU1234567"])
    assert facts["output"] == "account DU****67\n"
    assert facts["command"] == ["echo", "account DU****67"]
    assert "1234567" not in json.dumps({**facts, "stdout_sha256": "", "stderr_sha256": ""})
    result = answer(["echo", '{"DU1234567": "U7654321"}'], format="json")["result"]
    assert result["value"] == {"DU****67": "U****21"}


def test_long_output_is_cut_and_says_so(answer: Any) -> None:
    facts = answer(python("print('é' * 5000)"))
    assert (len(facts["output"]), facts["truncated"], facts["stdout_bytes"]) == (4000, True, 10_001)
    assert (facts["result"]["value"], facts["result"]["length"]) == (None, 5000)
    facts = answer(python("print('é' * 3999)"))
    assert (len(facts["output"]), facts["truncated"]) == (4000, False)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40))
def test_any_argument_arrives_and_any_output_is_read_or_refused(tmp_path: Path, text: str) -> None:
    options = CommandsOptions(run={"x": CommandRun(("printf", "%s", text))})
    facts = CommandsCollector(options).collect(Workspace(tmp_path).view()).facts["x"]
    assert facts["stdout_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert all(char.isprintable() or ord(char) > 159 or char in "\n\t" for char in facts["output"])


# --- settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"command": "echo hello"}, "command"),
        ({"command": []}, "needs a program"),
        ({"command": [""]}, "needs a program"),
        ({"command": ["a", 1]}, "command"),
        ({}, "command"),
        ({"command": ["a"], "seconds": 0}, "at least one second"),
        ({"command": ["a"], "seconds": "1"}, "seconds"),
        ({"command": ["a"], "pointer": "/a"}, "format: json"),
        ({"command": ["a"], "contract": "c.json"}, "format: json"),
        ({"command": ["a"], "format": "json", "pointer": "a"}, "pointer"),
        ({"command": ["a"], "format": "yaml"}, "format"),
        ({"command": ["a"], "shell": True}, "shell"),
        ({"command": ["a"], "environment": {"LD_PRELOAD": "x.so"}}, "may not be set"),
        ({"command": ["a"], "environment": {"DYLD_INSERT_LIBRARIES": "x"}}, "may not be set"),
        ({"command": ["a"], "environment": {"GATE_CONFIG_DIR": "x"}}, "may not be set"),
        ({"command": ["a"], "environment": {"gate_x": "x"}}, "may not be set"),
        ({"command": ["a"], "environment": {"A B": "x"}}, "not the name"),
        ({"command": ["a"], "environment": {"A=B": "x"}}, "not the name"),
        ({"command": ["a"], "environment": {"": "x"}}, "not the name"),
        ({"command": ["a"], "environment": {"A\n": "x"}}, "not the name"),
        ({"command": ["a"], "environment": {"A": "s\x00ecret"}}, "NUL"),
        ({"command": ["a"], "environment": {"A": 1}}, "environment"),
    ],
)
def test_settings_are_checked_when_they_are_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(CommandsOptions, {"run": {"x": options}}, ("evidence", "commands"))
    assert (caught.value.place or "").startswith("evidence.commands.run.x")
    assert said in caught.value.what + str(caught.value.place)
    assert "ecret" not in caught.value.diagnostics()


def test_names_are_those_a_policy_can_write() -> None:
    with pytest.raises(ConfigError, match=r"this name is not written as it must be"):
        read_settings(CommandsOptions, {"run": {"A-b": {"command": ["a"]}}}, ("evidence", "commands"))
    with pytest.raises(Uncertain):
        build(CommandsOptions, {"run": {"A-b": {"command": ["a"]}}})


def test_good_settings_need_no_pydantic() -> None:
    value = {
        "run": {"audit": {"command": ["tools/audit", "--json"], "format": "json", "environment": {"A": "b"}}}
    }
    assert build(CommandsOptions, value) == validate(CommandsOptions, value)
