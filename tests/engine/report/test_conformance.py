"""Every registered report format keeps to the plug point, whatever was decided."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.decision.document import Decision
from gate.engine.ledger.interface import Entry
from gate.engine.report import registry
from gate.engine.report.interface import Screen
from gate.evidence.base.contracts import violations
from gate.evidence.base.errors import UsageError

PLACE = Entry(7, "ab" * 32)
KINDS = ("FAIL", "FAIL of all", "PASS", "unknown", "rejected", "CONDITIONAL, waived")
LISTS = ("gitlab", "oscal-poam")
"""What is open, without the verdict."""

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.soak] * (kind in KINDS[:4])) for kind in KINDS]
)
@pytest.mark.parametrize("name", [name for name in registry.names() if name != "pdf"])  # see test_audit.py
def test_a_format_keeps_to_the_plug_point(
    kinds: dict[str, Decision], make: Any, name: str, kind: str
) -> None:
    """It gives the same safe UTF-8 each time, recorded or not, also for hostile text from files."""
    report = registry.load(name)
    texts = []
    for decision in (kinds[kind], make.poisoned(kinds[kind])):
        for entry in (None, PLACE):
            data = report.render(decision, entry, Screen())
            text = data.decode()
            texts.append(text)
            assert text.endswith("\n")
            assert not CONTROL.search(text)
            assert name == "github" or not re.search(r"^\s*::", text, re.MULTILINE)
            assert "PASS" not in text.splitlines()
            if name not in (
                "json",
            ):  # data for programs: what is recorded has no account number to begin with
                assert "DU1234567" not in text
    assert texts[-1] == registry.load(name).render(decision, entry, Screen()).decode() != ""
    if name not in LISTS:
        assert kinds[kind].verdict.value in texts[0]


def test_a_format_that_does_not_exist() -> None:
    """The error names those that do."""
    with pytest.raises(UsageError, match="no output format 'tabel'") as caught:
        registry.load("tabel")
    assert "table, json, prelive" in (caught.value.remedy or "")


def test_json_is_the_decision(full: Decision) -> None:
    """Two spaces, the document's own order, readable by anything, and it keeps its contract."""
    data = registry.load("json").render(full, PLACE, Screen())
    read = json.loads(data)
    assert read == {**full.to_json(), "ledger": {"index": 7, "digest": "ab" * 32}}
    assert data.startswith(b'{\n  "type": "gate.decision/v2"') and data.endswith(b"}\n")
    assert violations("", "decision", read) == []
    assert Decision.from_json({key: value for key, value in read.items() if key != "ledger"}) == full


SOURCE = """
class Lines:
    def render(self, decision, entry, screen):
        BODY
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """A factory of installed distributions with one report format; gives the environment that finds it."""

    def make(
        body: str, dist: str = "gate-lines", points_to: str = "Lines", source: str = SOURCE
    ) -> dict[str, str]:
        module, site = dist.replace("-", "_"), tmp_path / "site"
        site.mkdir(exist_ok=True)
        (site / f"{module}.py").write_text(source.replace("BODY", body))
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gate.reports]\nlines = {module}:{points_to}\n")
        return {"PYTHONPATH": str(site)}

    return make


def test_the_documented_format(program: Any, install: Any, copy_example: Any) -> None:
    """docs/plugins.md's, installed, is an output format like any other: it gets the typed decision."""
    page = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
    [source] = [
        code for code in re.findall("```python\n(.*?)```", page, re.DOTALL) if "SummaryReport" in code
    ]
    env = install("pass", points_to="SummaryReport", source=source)
    root = copy_example("algo-trade")
    done = program("evaluate", "stage1", "-w", root, "-o", "lines", "-o", f"json={root / 'd.json'}", env=env)
    first, *lines = done.out.splitlines()
    assert (done.code, done.err.startswith("created the log key"), first) == (1, True, "FAIL stage1")
    found = json.loads((root / "d.json").read_text())["violations"]
    assert [line.split()[:2] for line in lines] == [[v["severity"], v["code"]] for v in found] != []


@pytest.mark.soak
@pytest.mark.parametrize(
    ("body", "points_to", "reason"),
    [
        ("raise ValueError('boom')", "Lines", "failed: ValueError: boom"),
        ("return 'text'", "Lines", "gave str instead of bytes"),
        ("pass", "Nothing", "cannot be loaded: AttributeError: "),
    ],
)
def test_a_broken_format_is_an_error_that_names_it(
    program: Any, install: Any, make_workspace: Any, body: str, points_to: str, reason: str
) -> None:
    """The plug-in, its distribution and what happened; no traceback, nothing on standard output."""
    env = install(body, points_to=points_to)
    root = make_workspace({"a.txt": ""})
    done = program("evaluate", "stage1", "-w", root, "--no-record", "-o", "lines", env=env)
    assert (done.code, done.out) == (2, "")
    assert f"plug-in error: the report plug-in 'lines' (gate-lines 1.0) {reason}" in done.err
    assert "Traceback" not in done.err


def test_two_formats_of_one_name(program: Any, install: Any, make_workspace: Any) -> None:
    """Which of them would run is not left to chance, and nothing is recorded before that is known."""
    install("return b'1'")
    root = make_workspace({"a.txt": ""})
    done = program("evaluate", "stage1", "-w", root, "-o", "lines", env=install("return b'2'", "other-lines"))
    assert done.code == 2
    assert "(gate-lines 1.0, other-lines 1.0) is there more than once" in done.err
    assert not (root / "ledger").exists()


@pytest.mark.soak
def test_the_first_screen_waits_for_nothing_that_it_does_not_need(copy_example: Any) -> None:
    """An evaluation prints its table without importing rich, and without looking for plug-ins."""
    code = (
        "import sys; from gate.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'rich', 'importlib.metadata'} & set(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "evaluate", "stage1", "--no-record", "-w", copy_example("ready")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("PASS")
    assert done.stderr.strip() == "set()"
