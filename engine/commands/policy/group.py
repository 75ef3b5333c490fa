"""The command group ``gate policy``, on which each module of this package registers its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ....evidence.base.errors import UsageError

app = typer.Typer(
    name="policy",
    add_completion=False,
    help="Edit, check, test and compare policy bundles.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Bundle = Annotated[
    str | None,
    typer.Argument(
        help="Directory of the bundle, REF:DIR of a commit, or shipped[:NAME]; by default that of gate.yaml.",
        envvar="GATE_POLICY",
        metavar="[BUNDLE]",
    ),
]
BundleDirectory = Annotated[
    Path | None,
    typer.Argument(
        help="Directory of the bundle; by default that of gate.yaml.",
        envvar="GATE_POLICY",
        metavar="[BUNDLE]",
    ),
]


def output_option(formats: str) -> Any:
    """The option ``--output``, whose help names the formats."""
    return typer.Option(
        "--output",
        "-o",
        help=f"How to print: {formats}; =PATH writes a file. Repeatable.",
        metavar="FORMAT[=PATH]",
    )


def own_directory(name: Path | None) -> Path:
    """The directory of a bundle that may be changed. Raises UsageError: there is none, or gate ships it."""
    from ...policy.bundle import SHIPPED_BUNDLES
    from ...workbench.bundles import find_bundle

    found = find_bundle(None, Path()) if name is None else name
    if not isinstance(found, Path) or not found.is_dir():
        raise UsageError(
            "there is no such bundle",
            path=str(name),
            remedy="name its directory, or make one: gate policy copy",
        )
    if found.resolve() in SHIPPED_BUNDLES.values() and name is None:
        raise UsageError(
            "gate.yaml names no policy bundle, and a shipped one is not changed",
            remedy="make a copy, gate policy copy DIR, and name it",
        )
    return found
