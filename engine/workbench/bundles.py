"""Finds and reads bundles by the names that people give them, with their tests."""

from __future__ import annotations

from pathlib import Path
from posixpath import normpath

from msgspec import Struct
from msgspec.structs import replace

from ...evidence.base.errors import ConfigError, PolicyError, UsageError, suggestion
from ...evidence.reading.git.history import History
from ..config.settings import load_config
from ..decide.model import Plan
from ..decide.plan import make_plan
from ..policy.archive import is_archive
from ..policy.bundle import SHIPPED_BUNDLES, USUAL, Source, load_bundle, read_tests
from ..policy.interface import Bundle
from ..trust import commit_bundle

SHIPPED_NAME = "shipped"
"""What the bundles of gate's own are called: this for the usual one, ``shipped:NAME`` for each."""


class Tested(Struct, frozen=True):
    """A bundle and the modules that test it (path → source)."""

    source: Source
    bundle: Bundle
    tests: dict[str, str]

    @property
    def modules(self) -> dict[str, str]:
        """All modules, those with tests included."""
        return {**self.bundle.modules, **self.tests}

    @property
    def files(self) -> dict[str, bytes]:
        """Everything that was read."""
        return {**self.bundle.files, **{path: source.encode() for path, source in self.tests.items()}}

    def whole(self) -> Bundle:
        """The bundle with its tests among the modules, which no decision may be made by."""
        return replace(self.bundle, modules=self.modules)


class Planned(Struct, frozen=True):
    """A bundle with its plan."""

    bundle: Bundle
    plan: Plan


def open_planned(name: str | None) -> Planned:
    """The bundle of that name (`find_bundle`), with its plan.

    Raises PolicyError: it is wrong, or written for Conftest; UsageError: there is none.
    """
    bundle = open_bundle(find_bundle(name, Path())).bundle
    refuse_conftest(bundle, name)
    return Planned(bundle, make_plan(bundle))


def refuse_conftest(bundle: Bundle, name: str | None) -> None:
    """Refuse a bundle that has nothing to show. Raises PolicyError: it was written for Conftest."""
    if bundle.conftest:
        what = "it is written for Conftest: its rules have no METADATA, stages or parameters to show"
        remedy = "use gate evaluate and gate policy check; conftest verify runs its tests"
        raise PolicyError(what, path=name, remedy=remedy)


def find_bundle(name: str | None, root: Path) -> Source:
    """The bundle that is meant.

    Args:
        name: a directory or an archive, ``REF:PATH`` for one of a git commit, ``shipped`` or
            ``shipped:NAME``, or None for the one that ``gate.yaml`` names, else a shipped one.
        root: what directories are relative to, also those of commits of its repository.

    Raises UsageError: there is nothing of that name; ConfigError: ``gate.yaml`` is wrong.
    """
    if name is None:
        policy = load_config(root).policy
        return shipped(policy.shipped or USUAL) if policy.bundle is None else root / policy.bundle
    if is_shipped(name):
        return shipped(name.partition(":")[2] if ":" in name else USUAL)
    if (root / name).is_dir() or (is_archive(Path(name)) and (root / name).exists()):
        return root / name
    ref, _, folder = name.partition(":")
    if not folder:
        remedy = "name a bundle's directory or archive, REF:DIR for one of a git commit, or shipped"
        raise UsageError(f"there is no policy bundle {name[:200]!r}", remedy=remedy)
    return _of_commit(root, ref, normpath(folder))


def is_shipped(name: str | None) -> bool:
    """Whether this names a bundle of gate's own, or would."""
    return name is not None and (name == SHIPPED_NAME or name.startswith(f"{SHIPPED_NAME}:"))


def shipped(name: str) -> Path:
    """The bundle of gate's own that has this name. Raises UsageError: there is none."""
    if name not in SHIPPED_BUNDLES:
        remedy = suggestion(name, SHIPPED_BUNDLES)
        raise UsageError(f"gate ships no policy bundle {name[:80]!r}", remedy=remedy)
    return SHIPPED_BUNDLES[name]


def _of_commit(root: Path, ref: str, folder: str) -> dict[str, bytes]:
    try:
        commit = History(root.resolve()).resolve(ref)
    except ConfigError as error:
        raise UsageError(error.what, remedy=error.remedy) from error
    if commit is None:
        remedy = "name a branch, tag or commit, or fetch it"
        raise UsageError(f"there is no commit {ref[:80]!r} here", remedy=remedy)
    files = commit_bundle(root, commit, folder)
    if not files:
        remedy = "name the bundle's directory as it was in that commit, from where you are"
        raise UsageError(f"the commit {ref[:80]} has no directory {folder[:200]!r}", remedy=remedy)
    return files


def open_bundle(source: Source) -> Tested:
    """The bundle with its tests. Raises PolicyError: it cannot be loaded."""
    return Tested(source, load_bundle(source), read_tests(source))
