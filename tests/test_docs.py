"""The documentation says what the program does."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

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
    """Each row of the README's table is the first line of that command's real --help, and none is missing."""

    def shown(*command: str) -> str:
        return str(gate(*command, "--help").out)

    table = dict(
        re.findall(r"^\| `gate ([a-z ]+)` \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    )
    names = re.findall(r"^  ([a-z]+) +\S", shown().partition("Commands:")[2], re.MULTILINE)
    groups = ("ledger", "fixture", "policy", "signoff", "waiver")
    expected = set(names) - set(groups)
    for group in groups:
        nested = re.findall(r"^  ([a-z]+) +\S", shown(group).partition("Commands:")[2], re.MULTILINE)
        expected |= {f"{group} {name}" for name in nested}
    assert set(table) == expected
    for name, text in table.items():
        assert text in " ".join(shown(*name.split()).split()), name


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in the documentation names a file that exists."""
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for document in documents:
        prose = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", prose):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


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
