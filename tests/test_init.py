"""``gate init``: what it writes always judges, skeletons count only once they are filled in."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.limits import DEFAULT
from gate.evidence.reading.yaml_reader import parse_yaml

Gate = Callable[..., Any]
Make = Callable[..., Path]

_FOLDERS = st.sampled_from(
    [
        "src",
        "tests",
        "contracts",
        "fixtures",
        "ledger",
        "docs",
        "a b",
        "no",
        "- x",
        "#y",
        "a: b",
        "it's",
        'q"q',
        "we*ird",
        "new\nline",
        "tab\t",
        "\u202eltr",
        "מסחר",
        ".hidden",
        "&a",
        "%d",
        "x\\y",
        "\udcff",
    ]
)
_NAMES = st.sampled_from(
    [
        "a.py",
        "__init__.py",
        "b.ts",
        "seeds.yaml",
        "junit.xml",
        "x.sarif",
        "ACCOUNT_CONFIG.json",
        ".coverage",
        "PRE_LIVE_CHECKLIST.md",
        "interface-map.md",
        "lcov.info",
        "x.csv",
        "we?ird.json",
        "new\nline.xml",
    ]
)
_CONTENTS = st.sampled_from(
    [
        b"",
        b"\xff\xfe",
        b"x = 1\n",
        b"{}",
        b"[",
        b'{"runs": 1, "account_id": 2, "buying_power": []}',
        b"<testsuites/>",
        b"<coverage line-rate='x'/>",
        b"seeds: {global: 42}\n",
        b"a: &a [*a]\n",
        b"## Risk (100 pts)\n- [x] a\n",
        b"metric,value,unit,status\n",
        b"SF:\x00\n",
        b"[" * 5000,
    ]
)


_FILES = st.lists(st.tuples(st.lists(_FOLDERS, max_size=2), _NAMES, _CONTENTS), max_size=6)


@pytest.mark.soak
@given(files=_FILES, link=st.sampled_from([None, "/etc", "nowhere", "src"]), templates=st.booleans())
def test_what_is_written_judges_on_any_repository(
    gate: Gate, files: list[tuple[list[str], str, bytes]], link: str | None, templates: bool
) -> None:
    """Whatever the folders, names and contents: the settings load, and there is a verdict."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "w"
        root.mkdir()
        for folders, file, content in files:
            folder = root.joinpath(*folders)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        if link is not None:
            (root / "link").symlink_to(link)
        made = gate("init", root, *(["--templates"] if templates else []))
        assert made.code == 0, made.err
        judged = gate("evaluate", "stage1", "-w", root)
        assert judged.code in (0, 1, 3), judged.err


def _files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_the_screen_says_what_was_found_and_what_is_missing(gate: Gate, make_workspace: Make) -> None:
    """Sources, seeds, evidence, artifacts and the next command."""
    root = make_workspace(
        {
            "src/app/a.py": "x = 1\n",
            "tests/test_a.py": "",
            "fixtures/seeds.yaml": "seeds: {global: 42}\n",
            "reports/junit.xml": "<testsuites/>",
            "ROLLBACK_PROCEDURE.md": "# Rollback\n",
            "contracts/a.json": "{}",
        }
    )
    lines = gate("init", cwd=root, env={"COLUMNS": "200"}).out.splitlines()
    assert lines[0] == "wrote gate.yaml"
    assert "sources    src, contracts, fixtures, tests (2 Python files)" in lines
    seeds = next(line for line in lines if line.startswith("seeds "))
    assert "fixtures/seeds.yaml" in seeds and "not stated: property, metamorphic" in seeds
    assert "evidence   rollback ROLLBACK_PROCEDURE.md, tests reports/junit.xml" in lines
    assert "artifacts  found 2 of 14 that stage 1 expects" in lines
    assert any(line.startswith("missing    PRE_LIVE_CHECKLIST.md") and line.endswith("+6") for line in lines)
    assert lines[-1].startswith("next: gate evaluate stage1")
    (root / "gate.yaml").unlink()
    narrow = gate("init", cwd=root, env={"COLUMNS": "60"}).out
    assert max(map(len, narrow.splitlines())) <= 60 and narrow.split() == " ".join(lines).split()


def test_without_python_the_other_profile_is_named(gate: Gate, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.go").write_text("package main\n")
    assert "gate init --profile release" in " ".join(gate("init", tmp_path).out.split())


def test_a_skeleton_is_found_and_not_valid(gate: Gate, make_workspace: Make) -> None:
    """After --templates every row is found, none is valid, and the stage still fails, naming them."""
    root = make_workspace({})
    made = " ".join(gate("init", root.name, "--templates", cwd=root.parent).out.split())
    assert made.endswith(f"then gate evaluate stage1 --workspace {root.name}")
    assert "seeds fixtures/seeds.yaml, a skeleton" in made
    assert "artifacts found 0 of 14 that stage 1 expects before the skeletons were written" in made
    facts = json.loads(gate("collect", "artifacts", "-w", root, "-o", "json").out)["artifacts"]["facts"]
    assert (facts["found"], facts["compliant"]) == (14, 0)
    assert {row["id"] for row in facts["rows"] if row["valid"] is not False or not row["problems"]} == set()
    judged = gate("evaluate", "stage1", "-w", root, "--no-record", "-o", "json")
    assert judged.code == 1
    decision = json.loads(judged.out)
    failed = {check["code"] for check in decision["checks"] if check["status"] != "holds"}
    for rule in ("artifacts_valid", "fixtures_valid", "contracts_valid", "governance_signed"):
        assert f"stage1.{rule}" in failed
    [invalid] = [check for check in decision["checks"] if check["code"] == "stage1.artifacts_valid"]
    for name in (
        "pre_live_checklist",
        "ibkr_interface_map",
        "account_config",
        "stage6_tests",
        "rollback_procedure",
    ):
        assert name in json.dumps(invalid)
    assert "not filled in" in json.dumps(invalid)


def test_nothing_that_exists_is_overwritten(gate: Gate, make_workspace: Make, tmp_path: Path) -> None:
    """Files, links and folders behind links stay; a second run changes nothing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = make_workspace(
        {
            "gate.yaml": "name: mine\n",
            "PRE_LIVE_CHECKLIST.md": "mine",
            "contracts/own.json": "{}",
            "fixtures/seeds.yaml": "global: 1\n",
            "fixtures/f.json": "{}",
            ".pre-commit-config.yaml": "repos: []\n",
            ".github/workflows/gate.yml": "mine",
        }
    )
    (root / "order_plane").symlink_to(outside)
    (root / "ACCOUNT_CONFIG.json").symlink_to(outside / "account.json")
    before = _files(root)
    made = gate("init", root, "--templates")
    assert made.code == 0 and "kept gate.yaml" in made.out
    assert "add this to .pre-commit-config.yaml:" in made.out and "gate evaluate stage1" in made.out
    after = _files(root)
    assert {path: after[path] for path in before} == before
    assert list(outside.iterdir()) == []
    assert "contracts/order_intent.schema.json" not in after and "fixtures/example.json" not in after
    assert gate("init", root, "--templates").code == 0
    assert _files(root) == after


def test_without_templates_settings_that_exist_are_an_error(gate: Gate, make_workspace: Make) -> None:
    """gate.yaml stays, and the advice says what to do."""
    root = make_workspace({"gate.yaml": "name: mine\n"})
    refused = gate("init", root)
    assert refused.code == 2 and "there is a gate.yaml already" in refused.err
    assert os.listdir(root) == ["gate.yaml"]  # noqa: PTH208 - names are all that is asked for


def test_settings_name_their_schemas_for_editors(gate: Gate, make_workspace: Make) -> None:
    """Beside them, complete in itself, and it accepts what was written; files that exist are kept."""
    root = make_workspace({"app/a.py": ""})
    done = gate("init", root, "--profile", "release", "--schema")
    assert done.code == 0, done.err
    for file, schema in (
        ("gate.yaml", "gate.schema.json"),
        ("operator.example.yaml", "operator.schema.json"),
    ):
        assert f"wrote {schema}\n" in done.out
        first, rest = (root / file).read_text().split("\n", 1)
        assert first == f"# yaml-language-server: $schema={schema}"
        validator = jsonschema.Draft202012Validator(json.loads((root / schema).read_text()))
        settings = yaml.safe_load(rest)
        assert settings["version"] == 1 and validator.is_valid(settings)
        assert not validator.is_valid({**settings, "sbject": {}})
    (root / "gate.yaml").write_text("version: 1\n")
    (root / "gate.schema.json").write_text("{}")
    again = gate("init", root, "--schema")
    assert (again.code, (root / "gate.yaml").read_text()) == (0, "version: 1\n")
    assert (root / "gate.schema.json").read_text() == "{}"
    assert "kept gate.schema.json\n" in again.out
    assert (
        "make this the first line of gate.yaml:\n# yaml-language-server: $schema=gate.schema.json"
        in again.out
    )


def test_a_link_in_the_place_of_a_schema_is_kept(gate: Gate, make_workspace: Make, tmp_path: Path) -> None:
    """Nothing is written through it."""
    root = make_workspace({"app/a.py": ""})
    (root / "gate.schema.json").symlink_to(tmp_path / "elsewhere")
    assert "kept gate.schema.json" in gate("init", root, "--schema").out
    assert not (tmp_path / "elsewhere").exists()


def test_hook_job_and_signers_are_ready_to_use(gate: Gate, make_workspace: Make) -> None:
    """Both YAML files parse and run gate; the list of signers is valid and trusts nobody yet."""
    root = make_workspace({"app/a.py": ""})
    gate("init", root, "--templates")
    job = parse_yaml((root / ".github/workflows/gate.yml").read_bytes(), "gate.yml", DEFAULT)
    assert job["jobs"]["gate"]["steps"][-1]["run"] == (
        'gate evaluate stage1 --no-record --trust-ref "origin/${GITHUB_BASE_REF:-main}"'
    )
    hook = parse_yaml((root / ".pre-commit-config.yaml").read_bytes(), "hook", DEFAULT)["repos"][0]["hooks"][
        0
    ]
    assert hook["entry"] == "gate evaluate stage1 --no-record"
    facts = json.loads(gate("collect", "signoffs", "-w", root, "-o", "json").out)["signoffs"]["facts"]
    assert facts["allowed_signers"] == 0
