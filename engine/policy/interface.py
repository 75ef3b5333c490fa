"""The policy engine plug point: a bundle is loaded once, then asked for packages' values.

An engine knows Rego (or another language), never what a stage means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol, Self

PolicyEngineName = Literal["embedded"]
"""Engines that can be configured."""


@dataclass(frozen=True, slots=True)
class Annotation:
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


@dataclass(frozen=True, slots=True)
class RuleHead:
    """A rule's head as found in the source."""

    path: str
    line: int
    package: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A policy bundle, read and checked.

    Attributes:
        name, version: from the manifest's metadata and revision.
        digest: SHA-256 of the ``sha256sum``-style manifest of all its files.
        modules: path → Rego source, without ``*_test.rego``.
        data: the merged documents of its ``data.yaml`` / ``data.json`` files.
        metadata: the manifest's ``metadata`` object.
    """

    name: str
    version: str
    digest: str
    modules: dict[str, str]
    data: dict[str, Any]
    metadata: dict[str, Any]
    annotations: tuple[Annotation, ...]
    heads: tuple[RuleHead, ...]


class PolicyEngine(Protocol):
    """Evaluates packages of one loaded bundle. Use as a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The value of each package (``gate.stage1``) for the input ``document``.

        Returns:
            package → rule name → value; sets come as sorted lists.

        Raises:
            PolicyError: the bundle does not load, with file, line and column.
            EngineError: a package is undefined, a rule failed at run time, or the time or memory limit was
                exceeded.
        """
        ...
