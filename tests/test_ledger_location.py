"""Where the ledger may lie: in a directory of the workspace; anything else is refused by every command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.config.settings import load_config
from gate.evidence.base.errors import ConfigError

COMMANDS = (
    ("evaluate", "stage1"),
    ("evaluate", "stage1", "--no-record"),
    ("status",),
    ("ledger", "show"),
    ("ledger", "verify"),
    ("explain", "0"),
    ("signoff", "request", "stage1", "--role", "cto", "--name", "A"),
)


@pytest.fixture
def workspace(make_workspace: Callable[..., Path], tmp_path: Path) -> Path:
    """A workspace with a link to a directory outside, one to a directory inside, and a file."""
    root = make_workspace({"tests/a.py": "", "file": "", "inside/b": ""})
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "inner").symlink_to("inside")
    return root


@pytest.mark.parametrize(
    "location",
    [
        "mysql://host/db", "mysql:host", "https://host/ledger", "file:///var/ledger",
        ".", "./", "file:.", "../x", "x/../../y",
        "x/../ledger", "/var/ledger", "file:/var/ledger",
        "link", "link/ledger", "inner", "file", "file/ledger", "a\\b",
    ],
)  # fmt: skip
def test_only_a_directory_of_the_workspace_is_accepted(workspace: Path, location: str) -> None:
    """The error names file, key and remedy while the settings are loaded."""
    (workspace / "gate.yaml").write_text(f"ledger: {{location: '{location}'}}")
    with pytest.raises(ConfigError) as caught:
        load_config(workspace)
    assert (caught.value.path, caught.value.place) == ("gate.yaml", "ledger.location")
    assert "inside the workspace" in str(caught.value.remedy)


@pytest.mark.parametrize("location", ["ledger", "./ledger/", "deep/er/ledger", "file:ledger", "inside"])
def test_directories_of_the_workspace_are_accepted(workspace: Path, location: str) -> None:
    """Whether they exist already or not."""
    (workspace / "gate.yaml").write_text(f"ledger: {{location: '{location}'}}")
    assert load_config(workspace).ledger.location == location


def test_the_usual_directory_may_be_no_link_either(
    make_workspace: Callable[..., Path], tmp_path: Path
) -> None:
    """A gate.yaml that names it is refused."""
    root = make_workspace({"tests/a.py": "", "gate.yaml": "ledger: {location: ledger}\n"})
    (root / "ledger").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="symbolic link"):
        load_config(root)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_refuses_it(
    workspace: Path, gate: Callable[..., Any], command: tuple[str, ...]
) -> None:
    """With exit code 2 and nothing on standard output: a status of PENDING would be a lie."""
    (workspace / "gate.yaml").write_text("ledger: {location: 'mysql://host/db'}")
    done = gate(*command, "-w", workspace)
    assert (done.code, done.out) == (2, "")
    first, where, remedy = done.err.splitlines()
    assert first == "configuration error: a ledger at mysql: is not supported"
    assert where == "  where: gate.yaml, ledger.location"
    assert "name a directory inside the workspace" in remedy


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_a_ledger_of_the_repositorys_own_ends_no_run(gate: Any, make_workspace: Any, kind: str) -> None:
    """Without settings, decisions go to another folder, and each decision says so."""
    root = make_workspace({"src/a.py": "x = 1\n"})
    if kind == "folder":
        (root / "ledger").mkdir()
        (root / "ledger/book.py").write_text("x = 1\n")
    elif kind == "file":
        (root / "ledger").write_text("x")
    else:
        (root / "ledger").symlink_to(root / "nowhere")
    for index in range(2):
        run = gate("evaluate", "all", "-w", root, "-o", "json")
        assert run.code == 1, run.err
        found = json.loads(run.out)
        assert found["ledger"]["index"] == index
        assert "ledger_moved" in {one["code"] for one in found["weakenings"]}
    assert (root / "gate-ledger/log.intoto.jsonl").is_file()
    assert gate("status", "-w", root).out.count("FAIL") == 8
