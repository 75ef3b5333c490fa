"""The documentation says what the program does."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from gate.cli import app

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """docs/generate.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_documents_are_current(generate: ModuleType) -> None:
    """Policy reference, command reference, command table and configuration schema match the code."""
    for path, content in generate.generated().items():
        assert path.read_text() == content, f"{path.name} is stale: run `make docs`"


def test_readme_command_table_says_what_help_says(gate: Callable[..., Any]) -> None:
    """Each row of the README's table is a line of `gate --help`, and none is missing."""
    shown = str(gate("--help").out).partition("Commands:")[2]
    found = re.findall(r"^\| `gate ([a-z-]+)` \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [name for name, _ in found] == re.findall(r"^  ([a-z-]+) +\S", shown, re.MULTILINE)
    for name, text in found:
        assert f"{name} {text}" in " ".join(shown.split()), name


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in the documentation names a file that exists."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for document in documents:
        prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", prose):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_headings_go_down_one_level_at_a_time() -> None:
    """As the documentation site demands."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
        steps = [below - above for above, below in pairwise(levels)]
        assert max(steps, default=1) <= 1, page


def test_no_page_has_conflict_markers() -> None:
    """A merge that was not finished shows in the published pages."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    assert {"README.md", "CHANGELOG.md", "index.md"} <= {page.name for page in pages}
    for page in pages:
        found = re.findall(r"^(?:<{7}|>{7}|\|{7}|={7})(?: .*)?$", page.read_text(), re.MULTILINE)
        assert found == [], page


def test_limits_page_states_the_limits_in_force() -> None:
    """docs/limits.md has one row for each limit, with its usual value."""
    from gate.evidence.base.limits import DEFAULT

    page = (ROOT / "docs" / "limits.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE))
    assert set(rows) == {name for name, _ in DEFAULT.items()}
    scales = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "s": 1, "levels": 1}
    for name, value in DEFAULT.items():
        number, _, unit = rows[name].partition(" ")
        assert int(number.replace(",", "")) * scales.get(unit, 1) == value, name


def named_tests(page: str) -> dict[str, bool]:
    """Tests that a page of docs/ names, and whether it says that only the soak runs them."""
    text = re.sub(r"<!--(?! attacks).*?-->", "", (ROOT / "docs" / page).read_text(), flags=re.DOTALL)
    return {test: bool(soak) for test, soak in re.findall(r"`(tests/\S+::\w+)`( \(soak\))?", text)}


def rows(page: str, of: str, headings: str) -> list[str]:
    """The rows of the tables between the marks of a page, without their headings."""
    text = re.sub(rf"<!--(?! {of}).*?-->", "", (ROOT / "docs" / page).read_text(), flags=re.DOTALL)
    tables = text.partition(f"<!-- {of}: begin -->")[2].partition(f"<!-- {of}: end -->")[0]
    return [row for row in tables.splitlines() if re.match(rf"\| (?!---|(?:{headings}) \|)", row)]


def test_every_attack_names_its_tests() -> None:
    """Each row of the threat model and of the failures does, all exist, those of the soak are marked."""
    attacks = rows("threat-model.md", "attacks", "attack|fault")
    failures = rows("scale.md", "failures", "what fails")
    assert len(attacks) > 60 and len(failures) > 20
    assert [row for row in (*attacks, *failures) if "::test_" not in row] == []
    soak: dict[str, bool] = {}
    named = named_tests("threat-model.md") | named_tests("scale.md")
    for file in {name.partition("::")[0] for name in [*named, *named_tests("retention.md")]}:
        assert Path(file).name.startswith("test_")  # or pytest would not look there
        for item in ast.parse((ROOT / file).read_text()).body:
            if isinstance(item, ast.FunctionDef):
                marks = [ast.unparse(mark) for mark in item.decorator_list]
                soak[f"{file}::{item.name}"] = "pytest.mark.soak" in marks
    assert sorted(named_tests("retention.md").keys() - soak) == []
    assert named == {name: soak.get(name) for name in named}


@pytest.mark.soak
def test_the_tests_that_pages_name_are_collected() -> None:
    """pytest itself finds them; that takes seconds."""
    named = {name for page in ("threat-model.md", "retention.md", "scale.md") for name in named_tests(page)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(named)],
        cwd=ROOT,
        env={**os.environ, "GATE_EXAMPLES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line} == set(named)


def _code(path: Path) -> list[str]:
    """Lines of a page's blocks, and its inline code; of any other file, its lines."""
    text = path.read_text().replace("\\\n", " ")
    if path.suffix != ".md":
        return text.split("\n")
    fenced = re.compile(r"^```.*?\n(.*?)^```", re.DOTALL | re.MULTILINE)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", fenced.sub("", text))]
    return [*inline, *(line for block in fenced.findall(text) for line in block.split("\n"))]


def test_commands_in_pages_and_messages_have_the_options_that_they_name() -> None:
    """What somebody reads and types is understood: every ``gate …`` in pages, source code and pipelines."""
    group = typer.main.get_command(app)
    context = typer.Context(group)
    pages = [*ROOT.glob("[!C]*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".ci" / "templates").glob("*")]
    sources = [path for top in ("engine", "evidence") for path in (ROOT / top).rglob("*.py")]
    pipelines = [ROOT / "action.yml", *(ROOT / "examples" / "pipelines").glob("*")]
    seen = 0
    for path in [*pages, *sources, *pipelines]:
        for found in re.findall(r"(?<![\w-])gate ([a-z][^`|;,&)·#\"'{]*)", "\n".join(_code(path))):
            words, command = found.split("\n")[0].split(), group
            while words and words[0] in getattr(command, "commands", ()):
                command = command.get_command(context, words.pop(0))  # type: ignore[attr-defined]
            if command is group:
                continue
            if command.name == "signoff":  # the stage stands for the command `sign`
                command = command.get_command(context, "sign")  # type: ignore[attr-defined]
            own = words[: words.index("--")] if "--" in words else words
            options = {word.partition("=")[0].rstrip(".,:") for word in own if re.match("--?[a-z]", word)}
            known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert options <= known | {"--help", "-h"}, f"{path.name}: gate {found}"
            seen += bool(options)
    assert seen > 80
