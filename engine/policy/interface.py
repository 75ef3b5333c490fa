"""The policy engine plug point: a bundle is loaded once, then asked for packages' values.

An engine knows Rego, never what a stage means. ``tests/engine/policy/test_conformance.py`` shows what each
engine must do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self

from msgspec import Struct

from ...evidence.base.errors import EngineError, PolicyError

Reporter = Callable[[str, PolicyError], None]
"""Takes what is wrong with a bundle: the name of the check that found it, and the error."""


def refuse(_: str, error: PolicyError) -> NoReturn:
    """A :data:`Reporter` for which the first error is the last."""
    raise error


@contextmanager
def reporting(check: str, report: Reporter) -> Iterator[None]:
    """Report a PolicyError of the block as one that the check found."""
    try:
        yield
    except PolicyError as error:
        report(check, error)


class Annotation(Struct, frozen=True):
    """One ``# METADATA`` block: where it stands, what it belongs to, what it says.

    Attributes:
        rule: name of the rule below it, None for a package annotation.
        kind: ``contains`` for a partial set, ``=`` otherwise, ``package`` for a package.
    """

    path: str
    line: int
    package: str
    rule: str | None
    kind: str
    values: dict[str, Any]


class RuleHead(Struct, frozen=True):
    """A rule's head as found in the source."""

    path: str
    line: int
    package: str
    name: str
    kind: str


class Bundle(Struct, frozen=True):
    """A policy bundle, read and checked.

    Attributes:
        name, version: from the manifest's metadata and revision.
        digest: SHA-256 of the ``sha256sum``-style manifest of all its files.
        modules: path → Rego source, without ``*_test.rego``.
        data: the merged documents of its ``data.yaml`` / ``data.json`` files.
        files: path → bytes of every file that the digest covers.
        conftest: whether it was written for Conftest and has no manifest.
    """

    name: str
    version: str
    digest: str
    modules: dict[str, str]
    data: dict[str, Any]
    metadata: dict[str, Any]
    annotations: tuple[Annotation, ...]
    heads: tuple[RuleHead, ...]
    files: dict[str, bytes] = {}
    conftest: bool = False


class PolicyEngine(Protocol):
    """Evaluates packages of one loaded bundle. Use as a context manager, from one thread.

    An engine is made by ``engine(bundle, limits)``, where ``limits.policy_seconds`` is the time that each
    question may take (the first one including the time to load the bundle), and
    ``limits.policy_memory_bytes`` the memory that answering may take.
    """

    @property
    def name(self) -> str:
        """What evaluates, for the record: ``regorus``, ``opa``."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The value of each package (``gate.stage1``) for the input ``document``.

        May be called any number of times; no question changes the answer to another. After an error the
        next question is answered as if nothing had happened, if need be by a new process.

        Returns:
            package → rule name → value; sets come as sorted lists, integers of 64 bits exactly.

        Raises PolicyError: the bundle does not load, with file, line and column; EngineError: a package is
        undefined, a rule failed at run time, or the time or memory limit was exceeded.
        """
        ...


def check_defined(packages: Sequence[str], values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The values, once every package has one. Raises EngineError: a package is undefined."""
    for package in packages:
        if not isinstance(values.get(package), dict):
            remedy = "check the package's name in the bundle's modules and manifest"
            raise EngineError(f"the package {package} is undefined, so nothing was evaluated", remedy=remedy)
    return values
