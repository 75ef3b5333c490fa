"""``gate policy copy``, ``new`` and ``fmt``: bundles and rules to begin with, and their layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ....evidence.base.limits import DEFAULT
from ....evidence.base.numbers import counted
from ...terminal.console import write_error, write_line
from ..options import argument, option
from .group import BundleDirectory, app, own_directory


@app.command("copy")
def copy(
    directory: Annotated[Path, argument("A new directory.", "DIR")],
    name: Annotated[
        str | None, option("--name", "What the copy calls itself; its revision is 0.1.0 then.", "NAME")
    ] = None,
    which: Annotated[
        str, option("--shipped", "Which of gate's own bundles: prelive or release.", "NAME")
    ] = "prelive",
) -> None:
    """Copy a shipped bundle with its tests, to edit it."""
    from ...workbench.bundles import shipped
    from ...workbench.scaffold import copy_shipped

    copied = copy_shipped(directory, shipped(which), name)
    write_line(f"wrote {counted(copied, 'file')} to {directory}")
    named = "" if name else "give it a name and revision of its own in .manifest; "
    write_error(f"next: {named}name it in gate.yaml (policy: {{bundle: {directory}}})")


@app.command("new")
def new(
    rule: Annotated[str, argument("Code of the rule, STAGE.NAME.", "RULE")],
    fact: Annotated[str, option("--fact", "The fact it looks at, such as coverage.line_ppm.", "FACT")],
    bundle: BundleDirectory = None,
    severity: Annotated[str, option("--severity", "CRITICAL, HIGH, MEDIUM or LOW.", "SEVERITY")] = "HIGH",
) -> None:
    """Write a rule with METADATA, its parameter and its test, and list it in the manifest."""
    from ....evidence.base.errors import UsageError, suggestion
    from ...decision.document import Severity
    from ...workbench.scaffold import new_rule

    if severity not in list(Severity):
        raise UsageError(f"there is no severity {severity!r}", remedy=suggestion(severity, list(Severity)))
    made = new_rule(own_directory(bundle), rule, fact, Severity(severity))
    for path in made.wrote:
        write_line(f"wrote {path}")
    for path in made.added_to:
        write_line(f"added {made.code} to {path}")
    named = "" if bundle is None else f" {bundle}"
    write_error(f"next: write what says TODO; gate policy check{named} lists it")


@app.command("fmt")
def fmt(
    bundle: BundleDirectory = None,
    check: Annotated[
        bool, option("--check", "Change nothing; exit 1 when a module is not formatted.")
    ] = False,
) -> None:
    """Format the modules of a bundle as `opa fmt` does."""
    from ....evidence.base.atomic import put_file
    from ...policy.bundle import read_modules
    from ...workbench.opa import formatted

    directory = own_directory(bundle)
    found = formatted(read_modules(directory), DEFAULT)
    for path, data in found.items():
        write_line(path)
        if not check:
            put_file(directory, path, data)
    words = "to be formatted" if check else "formatted"
    write_error(f"{counted(len(found), 'module')} {words}")
    if found and check:
        raise typer.Exit(1)
