"""Skeletons of missing artifacts. One is not valid until somebody fills it in, and nothing is overwritten."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from ....evidence.base.atomic import open_folder, write_at
from ....evidence.base.errors import EnvironmentProblem
from ....evidence.base.limits import DEFAULT
from ....evidence.collectors.artifacts import Row
from ....evidence.reading.yaml_reader import parse_yaml

PRE_COMMIT = ".pre-commit-config.yaml"
_SKELETONS = Path(__file__).with_name("skeletons.yaml")


class Written(Struct, dict=True):
    """What became of the skeletons: files written, and those in whose place something was.

    Attributes:
        without: rows of the matrix for which there is no skeleton.
        pre_commit: the hook to add by hand, where there is a pre-commit configuration already.
    """

    files: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    pre_commit: str | None = None


def write_templates(root: Path, missing: Iterable[Row], *, seeds: bool) -> Written:
    """Write skeletons of the missing artifacts, the trust directory, a pre-commit hook and a CI job.

    Raises EnvironmentProblem: a file cannot be written.
    """
    written = Written()
    shipped = skeletons()
    for row in missing:
        files = shipped["artifacts"].get(row.pattern) or _generic(row)
        if not files:
            written.without.append(row.pattern)
        for path, content in files.items():
            _write(root, path, content, written)
    fixtures = root / "fixtures"
    if seeds:
        _write(root, "fixtures/seeds.yaml", shipped["seeds"], written)
    if not (fixtures.is_dir() and any(fixtures.glob("*.json"))):
        _write(root, "fixtures/example.json", shipped["fixture"], written)
    for path, content in shipped["beside"].items():
        _write(root, path, content, written)
    if not _write(root, PRE_COMMIT, shipped["pre_commit"], written):
        written.kept.remove(PRE_COMMIT)
        written.pre_commit = shipped["pre_commit"].partition("\n")[2]
    return written


@functools.cache
def skeletons() -> dict[str, Any]:
    """The shipped skeletons: ``artifacts`` by the pattern of their row, and the others."""
    return parse_yaml(_SKELETONS.read_bytes(), _SKELETONS.name, DEFAULT)  # type: ignore[no-any-return]


def _generic(row: Row) -> dict[str, str]:
    """A skeleton of a row that a workspace adds to the matrix."""
    if set("*?") & set(row.pattern):
        return {}
    if row.kind == "markdown":
        parts = [f"## {name.replace('_', ' ').capitalize()}" for name in row.sections or ["Content"]]
        title = row.id.replace("_", " ").capitalize()
        return {row.pattern: "\n\n[TO BE FILLED]\n\n".join([f"# {title}", *parts, ""]).rstrip("\n") + "\n"}
    if row.kind == "csv":
        return {row.pattern: ",".join(row.header) + "\n"}
    if row.kind == "json":
        return {f"{row.pattern}.template": '{"TO BE FILLED": "then rename this file"}\n'}
    return {}


def _write(root: Path, path: str, content: str, written: Written) -> bool:
    """Create one file unless its name is taken or leads through a link; say whether it was created."""
    folder, _, name = path.rpartition("/")
    try:
        handle = open_folder(root, folder)
        try:
            write_at(handle, name, content.encode(), replace=False)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ELOOP):
            written.kept.append(path)
            return False
        remedy = "check the directory's permissions"
        raise EnvironmentProblem(f"cannot be written: {error.strerror}", path=path, remedy=remedy) from error
    written.files.append(path)
    return True
