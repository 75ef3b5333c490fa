"""``gate docs`` shows the documentation that is installed, and what messages refer to is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.commands.docs import DOCS, find_page, pages

ROOT = Path(__file__).resolve().parent.parent
Gate = Callable[..., Any]


def test_every_page_is_listed_with_its_title(gate: Gate) -> None:
    """One line for each Markdown file of docs/, with its heading."""
    listed = gate("docs")
    assert listed.code == 0
    rows = dict(re.split(r"  +", line, maxsplit=1) for line in listed.out.splitlines())
    assert set(rows) == {
        path.relative_to(ROOT / "docs").as_posix().removesuffix(".md")
        for path in (ROOT / "docs").rglob("*.md")
    }
    assert rows["limits"] == "Limits on input"


@pytest.mark.parametrize(
    "name",
    [
        "limits", "limits.md", "docs/limits.md", "docs/limits.md#what", "collectors/paper", "paper",
        "collectors",
    ],
)  # fmt: skip
def test_a_page_is_found_as_messages_and_people_name_it(gate: Gate, name: str) -> None:
    """With and without the folder and the ending, by the last part of its path, and a folder's own page."""
    shown = gate("docs", name)
    named = {"limits": "limits", "paper": "collectors/paper", "collectors": "collectors/README"}
    page = next(page for word, page in named.items() if word in name)
    assert (shown.code, shown.out) == (0, (ROOT / "docs" / f"{page}.md").read_text())


@pytest.mark.parametrize(
    ("name", "meant"), [("limts", "limits"), ("covrage", "collectors/coverage"), ("zzzzzz", None), ("", None)]
)
def test_a_mistyped_page(gate: Gate, name: str, meant: str | None) -> None:
    """The nearest page is proposed, where there is one."""
    wrong = gate("docs", name)
    assert wrong.code == 2 and f"there is no page {name!r}" in wrong.err
    assert (f"did you mean {meant!r}?" in wrong.err) == (meant is not None)
    assert "`gate docs` lists the pages" in wrong.err


@pytest.mark.parametrize("name", ["../pyproject", "/etc/passwd", "generate.py"])
def test_nothing_but_pages_is_shown(gate: Gate, name: str) -> None:
    """A path that leads elsewhere is no page."""
    assert gate("docs", name).code == 2


def _mentioned() -> set[str]:
    sources = [
        ROOT / "cli.py",
        *(
            path
            for folder in ("engine", "evidence", "policies", "contracts")
            for path in (ROOT / folder).rglob("*")
            if path.suffix in {".py", ".rego", ".yaml", ".json"}
        ),
    ]
    text = "\n".join(path.read_text() for path in sources)
    return set(re.findall(r"(?<![\w/.])docs/[\w/-]+\.md", text)) | {
        f"docs/{name}.md" for name in re.findall(r"`?gate docs ([a-z][\w/-]*)`", text)
    }


def test_pages_that_the_program_refers_to_exist() -> None:
    """Every docs/….md and `gate docs …` in source code, policies and contracts names a page."""
    mentioned = _mentioned()
    assert "docs/limits.md" in mentioned
    for page in mentioned:
        assert find_page(page) in pages().values(), page


def _messages(path: Path) -> str:
    """What a program's module can print: its strings without docstrings; of policies, their comments."""
    text = path.read_text()
    if path.suffix == ".rego":
        return text
    tree = ast.parse(text)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    ]
    return "\n".join(str(node.value) for node in strings)


def test_messages_name_what_is_there_where_the_program_is_installed() -> None:
    """No file of a checkout, which nobody has who installed a wheel, but the command that prints it."""
    names = re.compile(r"(?<!gate docs )\b(docs/[\w/-]+\.md|contracts/f(acts|iles))")
    for folder in ("engine", "evidence", "policies"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in {".py", ".rego"} or path.name.endswith("_test.rego"):
                continue
            if names.search(path.read_text()):
                assert names.findall(_messages(path)) == [], path


def test_the_pages_are_those_of_the_package() -> None:
    """They are beside the code, wherever it is installed."""
    assert Path(__import__("gate").__file__).resolve().parent / "docs" == DOCS
