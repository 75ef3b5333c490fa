"""The command group ``gate policy``, on which each module of this package registers its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ....evidence.base.errors import UsageError
from ..options import argument, command_group

app = command_group("policy", "Edit, check, test and compare policy bundles.")

Bundle = Annotated[
    str | None,
    argument(
        "Directory or archive of the bundle, REF:DIR of a git commit, or shipped[:NAME]; by default "
        "that of gate.yaml.",
        "[BUNDLE]",
        envvar="GATE_POLICY",
    ),
]
BundleDirectory = Annotated[
    str | None,
    argument("Directory of the bundle; by default that of gate.yaml.", "[BUNDLE]", envvar="GATE_POLICY"),
]


def own_directory(name: str | None) -> Path:
    """The directory of a bundle that may be changed.

    Raises UsageError: there is none, or it is a shipped one or that of a commit.
    """
    from ...policy.bundle import SHIPPED_BUNDLES
    from ...workbench.bundles import find_bundle, is_shipped

    found = find_bundle(name, Path())
    if not isinstance(found, Path):
        raise UsageError("the files of a commit are not changed", path=name, remedy="name a directory")
    if found in SHIPPED_BUNDLES.values() and (name is None or is_shipped(name)):
        none_named = "gate.yaml names no policy bundle, and " if name is None else ""
        remedy = "make a copy, gate policy copy DIR, and name it"
        raise UsageError(f"{none_named}a shipped one is not changed", remedy=remedy)
    return found
