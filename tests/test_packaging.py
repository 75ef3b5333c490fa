"""What is installed is what is in the tree, and it works far from it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from jinja2 import ModuleLoader

from gate.engine.terminal.templates import compiled

ROOT = Path(__file__).resolve().parent.parent
SHIPPED_FOLDERS = ("engine", "evidence", "contracts", "policies")
COMPILED = {
    name: f"engine/report/audit/{compiled()}/{ModuleLoader.get_module_filename(name)}"
    for name in ("report.html.j2", "report.md.j2")
}
SUFFIXES = {".py", ".json", ".md", ".rego", ".sql", ".yaml", ".css", ".j2"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network from the source distribution of the tree, which lies beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "tree"
    copy.mkdir()
    for name in (*SHIPPED_FOLDERS, "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        "__init__.py",
        "__main__.py",
        "cli.py",
        "py.typed",
        "pyproject.toml",
        "MANIFEST.in",
        "README.md",
        "LICENSE",
    ):
        shutil.copy(ROOT / name, copy / name)
    (copy / "tests").mkdir()
    shutil.copy(Path(__file__), copy / "tests")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)],
        check=True,
        capture_output=True,
    )
    [built] = folder.glob("*.whl")
    return built


@pytest.mark.soak
def test_wheel_has_every_module_and_data_file_of_the_tree(wheel: Path) -> None:
    """A new subpackage or data file that is missing from the wheel is noticed here, not by users."""
    expected = {"gate/__init__.py", "gate/__main__.py", "gate/cli.py", "gate/py.typed"}
    for folder in SHIPPED_FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            wanted = path.suffix in SUFFIXES or path.name == ".manifest"
            if path.is_file() and wanted and "__pycache__" not in path.parts:
                expected.add(f"gate/{path.relative_to(ROOT).as_posix()}")
    expected |= {f"gate/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "docs").rglob("*.md")}
    assert "gate/policies/prelive/gate/stage1/stage1_test.rego" in expected  # for `gate policy copy`
    expected |= {f"gate/{path}" for path in COMPILED.values()}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_source_distribution_has_no_part_of_the_tests(wheel: Path) -> None:
    """Some of them, which setuptools would take, cannot run: they need all, the examples and git."""
    [packed] = wheel.parent.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"engine/report/audit/report.html.j2", "pyproject.toml", "docs/index.md"} <= names
    assert not [name for name in names if name.partition("/")[0] == "tests"]


def test_installed_program_judges_from_an_unrelated_directory(wheel: Path, tmp_path: Path) -> None:
    """The wheel alone, in an environment without the tree, answers and judges the example."""
    home = tmp_path / "env"
    venv.create(home, with_pip=False)
    [site] = (home / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202 - our own wheel
    # the dependencies come from this environment, by name, so that the tree itself stays out of reach
    ours = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    for entry in ours.iterdir():
        if not entry.name.startswith(("__editable__", "compliance_gate", "_")) or entry.name in {
            "_cffi_backend"
        }:
            target = site / entry.name
            if not target.exists():
                target.symlink_to(entry)
    for entry in ours.glob("_*"):
        if not entry.name.startswith("__editable__") and not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)
    shutil.copytree(ROOT / "examples" / "algo-trade", tmp_path / "w", ignore=shutil.ignore_patterns("ledger"))
    python = str(home / "bin" / "python")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "COV_"))}

    version = subprocess.run(
        [python, "-m", "gate", "--version"], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    assert re.fullmatch(rb"gate \d+\.\d+\.\d+\n", version.stdout)

    page = subprocess.run(
        [python, "-m", "gate", "docs", "docs/limits.md"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        check=True,
    )
    assert page.stdout == (ROOT / "docs" / "limits.md").read_bytes()

    judged = subprocess.run(
        [python, "-m", "gate", "evaluate", "stage1", "-w", "w", "-o", "json", "-o", "html=report.html"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        check=False,
    )
    assert judged.returncode == 1, judged.stderr.decode()
    assert b'"verdict": "FAIL"' in judged.stdout
    where = subprocess.run(
        [
            python,
            "-c",
            "import gate; print(gate.__file__)\n"
            "from gate.engine.report.audit import html; print(html._template().filename)",
        ],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        check=True,
    )
    package, template = where.stdout.decode().splitlines()
    assert package == str(site / "gate" / "__init__.py")
    assert template == str(site / "gate" / COMPILED["report.html.j2"])
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_every_package_of_the_tree_is_declared() -> None:
    """pyproject.toml names exactly the packages that have an __init__.py."""
    declared = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {"gate"}
    for folder in SHIPPED_FOLDERS:
        for path in (ROOT / folder).rglob("__init__.py"):
            found.add("gate." + ".".join(path.parent.relative_to(ROOT).parts))
    assert declared == found
