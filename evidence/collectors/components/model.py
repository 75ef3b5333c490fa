"""What documents of both component formats are turned into, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

REMEDY = "write the component list again, as CycloneDX or SPDX 2.3 in JSON"
NO_LICENSE = frozenset({"", "NOASSERTION", "NONE"})
"""What says that there is no licence, or that nobody looked."""


@dataclass(frozen=True, slots=True)
class Component:
    """One entry of a list. Strings are as stated, not yet fit to be shown."""

    name: str
    version: str | None
    purl: str | None
    licenses: tuple[str, ...]
    hashed: bool

    @property
    def identity(self) -> tuple[str, str]:
        """What makes two entries the same component: the package URL, or name and version without one."""
        return (self.purl, "") if self.purl else (f" {self.name}", self.version or "")


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A vulnerability that a document states.

    Attributes:
        severity: the heaviest of its ratings.
        dismissed: whether the document calls it resolved, a false positive or without effect.
        affects: names of the components, or references to them.
    """

    id: str
    severity: str
    dismissed: bool
    affects: tuple[str, ...]


@dataclass(slots=True)
class Bill:
    """One document.

    Attributes:
        version: of the format.
        vulnerabilities: None where the document does not speak of any.
        created_s: when it was made, epoch seconds.
    """

    path: str
    format: str
    version: str
    components: list[Component] = field(default_factory=list)
    vulnerabilities: list[Vulnerability] | None = None
    tool: str | None = None
    created_s: int | None = None
