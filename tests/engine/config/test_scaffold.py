"""``gate init`` writes settings that say what the defaults are."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from gate.engine.config.scaffold import set_up
from gate.engine.config.settings import GateConfig, load_config
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.evidence.base.errors import EnvironmentProblem, UsageError
from gate.evidence.base.limits import DEFAULT
from gate.evidence.reading.yaml_reader import parse_yaml

Make = Callable[..., Path]


def write_config(root: Path) -> Path:
    """Write a ``gate.yaml`` for what is in ``root``."""
    set_up(root, templates=False)
    return root / "gate.yaml"


def test_the_file_is_valid_and_changes_nothing(make_workspace: Make) -> None:
    """What is written loads, and judges as no file would."""
    root = make_workspace({})
    assert write_config(root) == root / "gate.yaml"
    config = load_config(root)
    assert config.subject.sources is None
    assert replace(config, subject=GateConfig().subject) == GateConfig()


def test_sources_that_exist_are_filled_in(make_workspace: Make) -> None:
    """Directories of the usual names that are there become the sources."""
    root = make_workspace({"tests/x.py": "", "algo_trade/y.py": "", "contracts": "a file"})
    write_config(root)
    assert load_config(root).subject.sources == ["algo_trade", "tests"]


def test_other_names_are_found_by_their_python_files(make_workspace: Make) -> None:
    """Where the usual names are absent, directories with Python files are judged and measured."""
    root = make_workspace(
        {
            "my_code/a.py": "",
            "lib/sub/b.py": "",
            "data/x.csv": "",
            "tests/t.py": "",
            "venv/x.py": "",
            ".x/y.py": "",
        }
    )
    write_config(root)
    config = load_config(root)
    assert config.subject.sources == ["lib", "my_code", "tests"]
    assert config.evidence == {}


def test_the_secrets_rule_has_something_to_look_at(gate: Any, make_workspace: Make) -> None:
    """A password in a directory of another name than the usual ones is found with what was written."""
    root = make_workspace(
        {"my_code/a.py": 'PASSWORD = "correct-horse-7"\n', "my_code/.env": "API_KEY=abcdefgh1\n"}
    )
    assert gate("init", root).code == 0
    facts = json.loads(gate("collect", "source", "-o", "json", "-w", root).out)["source"]["facts"]
    assert [secret["path"] for secret in facts["secrets"]] == ["my_code/.env", "my_code/a.py"]


def test_every_commented_setting_is_valid(make_workspace: Make) -> None:
    """Taking the comment signs away gives a file that is accepted, with every top-level setting in it."""
    root = make_workspace({})
    write_config(root)
    text = (root / "gate.yaml").read_text()
    opened = re.sub(r"^( *)# (?=(?:  )*[a-z_0-9]+:(?: |$))", r"\1", text, flags=re.MULTILINE)
    (root / "gate.yaml").write_text(opened)
    config = load_config(root)
    written = parse_yaml(opened.encode(), "gate.yaml", DEFAULT)
    assert config and {*written, "engine", "opa"} == {field.name for field in fields(GateConfig)}
    assert config.subject.exclude == GateConfig().subject.exclude
    assert config.allowed_signers == GateConfig().allowed_signers
    assert config.ledger.location == GateConfig().ledger.location
    assert config.evidence["coverage"]["data"] == ".coverage"
    assert config.stages["stage5"].depends_on == ["stage3"]


def test_the_example_of_a_pinned_bundle_is_the_shipped_one(make_workspace: Make) -> None:
    """Its revision in the comment is the one that is shipped."""
    text = write_config(make_workspace({})).read_text()
    assert f'#   version: "{load_bundle(SHIPPED).version}"\n' in text


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_an_existing_file_is_kept(make_workspace: Make, kind: str) -> None:
    """Nothing is overwritten, and a link is not written through."""
    root = make_workspace({"other": "kept"})
    target = root / "gate.yaml"
    if kind == "file":
        target.write_text("name: mine")
    else:
        target.symlink_to("other" if kind == "link" else "new")
    with pytest.raises(UsageError) as caught:
        write_config(root)
    assert caught.value.what == "there is a gate.yaml already"
    assert caught.value.path == str(target)
    assert caught.value.remedy == "edit it, or move it away first"
    assert (root / "other").read_text() == "kept"
    assert not (root / "new").exists()


def test_no_directory(tmp_path: Path) -> None:
    """The workspace has to be there."""
    with pytest.raises(UsageError) as caught:
        write_config(tmp_path / "missing")
    assert caught.value.what == "the workspace is not a directory"
    assert caught.value.remedy == "create it first"


def test_a_directory_without_permission() -> None:
    """A directory that may not be written is the machine's problem."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65_534)
        try:
            with pytest.raises(EnvironmentProblem) as caught:
                write_config(Path(name))
        finally:
            if root:
                os.seteuid(0)
    assert caught.value.what == "cannot be written: Permission denied"
    assert caught.value.remedy == "check the directory's permissions"
