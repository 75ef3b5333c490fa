"""Every limit in ``gate.yaml`` bites: none is only written into the decision."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gate.engine import recording, service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.evidence.base.errors import GateError
from gate.evidence.base.limits import Limits

NOW = Time("2025-11-07T12:00:00Z", "clock")
Make = Callable[..., Path]

JUNIT = '<testsuites><testsuite name="a">{}</testsuite></testsuites>'
CASES = "".join(f'<testcase classname="a" name="{name}"/>' for name in "abc")
SUITES = "<testsuites>" + "".join(f'<testsuite name="{name}"/>' for name in "abc") + "</testsuites>"
VALUES = "evidence: {values: {read: {x: {file: FILE, pointer: /a}}}}\n"
TABLE = "evidence: {values: {read: {x: {file: a.csv, pointer: /0/a}}}}\n"
MESSAGES = "evidence: {messages: {sets: {x: {paths: [a.jsonl], contract: c.json}}}}\n"
SCHEMA = (
    '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["timestamp"]}'
)
STREAM = {"a.jsonl": '{"timestamp": "2025-11-07T12:00:00Z"}\n' * 3, "c.json": SCHEMA}
COMMAND = "evidence: {{commands: {{run: {{x: {{command: {}}}}}}}}}\n"
SLEEP, PRINT = "[sleep, '600']", "[echo, hello]"


GREEDY = """
waste := [[a, b, concat("-", [s, s])] |
	some a in numbers.range(1, 5000)
	some b in numbers.range(1, 5000)
	s := sprintf("%v", [b])
]
"""
STAGE = "gate/stage1/stage1.rego"


def json_file(text: str) -> dict[str, str]:
    """A workspace whose collector ``values`` reads one JSON file."""
    return {"a.json": text}


EXAMPLE = Path(__file__).resolve().parents[3] / "examples/ready"
SIGNED = {
    f"signoffs/stage1-cto.json{end}": (EXAMPLE / f"signoffs/stage1-cto.json{end}").read_text()
    for end in ("", ".sig")
}


@dataclass(frozen=True)
class Case:
    """A limit that is too small for a workspace.

    Attributes:
        limit: what gate.yaml sets it to.
        collectors: what is collected; nothing means that a stage is judged.
        message: what the error says.
        files: the workspace.
        settings: more of gate.yaml.
        rule: another rule of the judging bundle.
        program: whether it shows in the program's own processes only.
    """

    limit: str
    collectors: tuple[str, ...]
    message: str
    files: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    rule: str = ""
    program: bool = False


ONE = ("values",)
READ = VALUES.replace("FILE", "a.json")
CASE = {
    "file_bytes": Case("5", ONE, "larger than 5 bytes", json_file('{"a": 1}'), READ),
    "text_bytes": Case(
        "5", ONE, "larger than 5 bytes", {"a.yaml": "a: 12345"}, VALUES.replace("FILE", "a.yaml")
    ),
    "signature_bytes": Case("5", ("signoffs",), "larger than 5 bytes", SIGNED),
    "stream_bytes": Case("5", ("messages",), "larger than 5 bytes", STREAM, MESSAGES),
    "record_bytes": Case("5", ("messages",), "longer than 5 bytes", STREAM, MESSAGES),
    "records": Case("2", ("messages",), "more than 2 ", STREAM, MESSAGES),
    "inventory_entries": Case("2", ONE, "more than 2 ", {"b": "", "c": "", "d": ""}, READ),
    "json_depth": Case("2", ONE, "deeper than 2 levels", json_file('{"a": [[1]]}'), READ),
    "json_items": Case("2", ONE, "more than 2 values", json_file('{"a": [1, 2, 3]}'), READ),
    "integer_digits": Case("2", ONE, "more than 2 digits", json_file('{"a": 123}'), READ),
    "decimal_exponent": Case("2", ONE, "outside the supported range", json_file('{"a": 1.125}'), READ),
    "csv_rows": Case(
        "2", ("tests",), "more than 2 suites and test cases", {"junit.xml": JUNIT.format(CASES)}
    ),
    "csv_cell_chars": Case("2", ONE, "longer than 2 characters", {"a.csv": "a\n1234\n"}, TABLE),
    "xml_depth": Case("2", ("tests",), "deeper than 2 levels", {"junit.xml": JUNIT.format(CASES)}),
    "policy_seconds": Case("0.000001", (), "ran longer than 1e-06 s"),
    "policy_memory_bytes": Case("1", (), "limited to 1 bytes", rule=GREEDY),
    "git_seconds": Case("0.000001", (), "git took longer than 1e-06 s"),
    "collector_seconds": Case("0.000001", ("commands",), "longer than 1e-06 s", {}, COMMAND.format(SLEEP)),
    "collector_memory_bytes": Case(
        "1",
        ("rollback", "account", "values"),
        "needed more memory",
        json_file('{"a": "' + "x" * 9_000_000 + '"}'),
        READ,
        program=True,
    ),
    "command_seconds": Case("0.01", ("commands",), "took longer than 0.01 s", {}, COMMAND.format(SLEEP)),
    "command_bytes": Case("2", ("commands",), "wrote more than 2 bytes", {}, COMMAND.format(PRINT)),
}
"""By limit, where it bites. ``problems`` refuses nothing; it has a test of its own."""


def workspace(make: Make, case: Case, name: str) -> Path:
    """The case's workspace; a git repository, for git's limit."""
    root = make(
        {"gate.yaml": f"limits: {{{name}: {case.limit}}}\n{case.settings}", "tests/a.py": "", **case.files}
    )
    if name == "git_seconds":
        for arguments in (
            ["init", "-q"],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a", "--allow-empty"],
        ):
            subprocess.run(["git", *arguments], cwd=root, check=True)
    return root


@pytest.mark.soak
@pytest.mark.parametrize("name", [one.name for one in fields(Limits) if one.name != "problems"])
def test_a_limit_in_the_settings_bites(
    make_workspace: Make,
    make_bundle: Callable[..., Path],
    bundle_files: dict[str, str],
    program: Callable[..., Any],
    name: str,
) -> None:
    """Whoever adds a limit to the class has to say here where it bites."""
    case = CASE[name]
    root = workspace(make_workspace, case, name)
    if case.program:
        done = program("collect", *case.collectors, "-w", root)
        said = done.out + done.err
        assert done.code in (1, 2), done
    else:
        policy = make_bundle({STAGE: bundle_files[STAGE] + case.rule}) if case.rule else None
        setting = open_context(root, policy)
        try:
            permitted = replace(setting.authority, execute=frozenset({"commands"}))
            if case.collectors:
                found = service.collect(structs.replace(setting, authority=permitted), case.collectors)
            else:
                found = service.evaluate(setting, "stage1", NOW).recorded.evidence
            problems = [problem for evidence in found.values() for problem in evidence.problems]
            said = "".join(
                problem.reason + problem.remedy for problem in problems if problem.kind == "rejected"
            )
        except GateError as error:
            said = error.diagnostics() + str(error.remedy)
    assert case.message in said, said


def test_the_limit_of_listed_problems_bites(make_workspace: Make) -> None:
    """What is beyond it is counted, not listed."""
    root = make_workspace({"gate.yaml": "limits: {problems: 2}", "junit.xml": SUITES})
    facts = service.collect(open_context(root), ("tests",))["tests"].facts
    assert (len(facts["suites"]), facts["suites_total"]) == (2, 3)


def test_a_bundle_of_the_workspace_keeps_to_the_limits(
    make_workspace: Make, make_bundle: Callable[..., Path]
) -> None:
    """The shipped bundle is part of the program and is read whatever the limits for evidence are."""
    root = make_workspace({"gate.yaml": "limits: {text_bytes: 10}"})
    assert open_context(root).bundle.name == "gate-prelive"
    with pytest.raises(GateError) as caught:
        open_context(root, make_bundle())
    assert "larger than 10 bytes" in caught.value.what


def test_a_tight_limit_on_evidence_files_keeps_no_decision_from_being_recorded(
    make_workspace: Make, tmp_path: Path
) -> None:
    """A decision is larger than a small evidence file may be, and is not evidence."""
    root = make_workspace({"tests/a.py": "", "gate.yaml": "limits: {file_bytes: 2000}"})
    setting = open_context(root)
    judged = service.evaluate(setting, "stage1", NOW)
    entry, _ = recording.record(judged, tmp_path / "config", NOW.text)
    assert recording.find(setting, str(entry.index), tmp_path / "config") == (judged.decision, entry)
