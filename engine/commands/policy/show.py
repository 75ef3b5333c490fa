"""``gate policy check``, ``list``, ``docs``, ``schema`` and ``diff``: what a bundle says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...terminal.outputs import parse_outputs, write
from ..options import Debug, NoColor, Verbose, output_option, screen
from .group import Bundle, app


@app.command("check")
def check(
    bundle: Bundle = None,
    output: Annotated[list[str] | None, output_option("table (default), json, sarif or github")] = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Find everything that is wrong with a bundle; exit 1 when something is."""
    from ...workbench.bundles import find_bundle, is_shipped
    from ...workbench.check import check as check_bundle
    from ...workbench.findings import FORMATS, render

    outputs = parse_outputs(output, FORMATS)
    source = find_bundle(bundle, Path())
    checked = check_bundle(source)
    folder = source.as_posix() if isinstance(source, Path) and not is_shipped(bundle) else ""
    for item in outputs:
        page = screen(no_color=no_color, to_file=item.path is not None)
        write(item, render(checked, item.format, "" if folder == "." else folder, page))
    if checked.findings:
        raise typer.Exit(1)


@app.command("list")
def list_(
    bundle: Bundle = None,
    output: Annotated[list[str] | None, output_option("table (default) or json")] = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """List the rules of a bundle with their severity and thresholds."""
    from ...decide.plan import make_plan
    from ...workbench.bundles import find_bundle, open_bundle
    from ...workbench.catalog import list_rules
    from ...workbench.pages import FORMATS, rules_page

    outputs = parse_outputs(output, FORMATS)
    opened = open_bundle(find_bundle(bundle, Path())).bundle
    found = list(list_rules(opened, make_plan(opened)))
    for item in outputs:
        page = screen(no_color=no_color, to_file=item.path is not None)
        write(item, rules_page(opened, found, item.format, page))


@app.command("docs")
def docs(
    bundle: Bundle = None,
    output: Annotated[list[str] | None, output_option("markdown (default)", None)] = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Print the policy reference of a bundle as Markdown."""
    from ...decide.plan import make_plan
    from ...terminal.figures import clean, for_people
    from ...workbench.bundles import find_bundle, open_bundle
    from ...workbench.catalog import reference

    outputs = parse_outputs(output or ["markdown"], ["markdown"])
    opened = open_bundle(find_bundle(bundle, Path())).bundle
    found = reference(opened, make_plan(opened), bundle or opened.name)
    text = "".join(f"{clean(line)}\n" for line in "\n".join(found).split("\n"))
    for item in outputs:
        write(item, for_people(text).encode("utf-8", "backslashreplace"))


@app.command("schema")
def schema(
    bundle: Bundle = None,
    stage: Annotated[
        str | None, typer.Option("--stage", help="Only what this stage sees.", metavar="STAGE")
    ] = None,
    output: Annotated[list[str] | None, output_option("json (default)", None)] = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Print the JSON Schema of the policies' input, for `opa check --schema` and editors."""
    from ...decide.plan import make_plan
    from ...report.json_format import render_json
    from ...workbench.bundles import find_bundle, open_bundle
    from ...workbench.schemas import input_schema

    outputs = parse_outputs(output or ["json"], ["json"])
    plan = make_plan(open_bundle(find_bundle(bundle, Path())).bundle)
    for item in outputs:
        write(item, render_json(input_schema(plan, stage)))


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(help="Directory, REF:DIR or shipped.", metavar="OLD")],
    after: Annotated[str, typer.Argument(help="Directory, REF:DIR or shipped.", metavar="NEW")],
    output: Annotated[list[str] | None, output_option("table (default), json or markdown")] = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Say what changed from one bundle to another, and whether that loosens it where that can be known."""
    from ...decide.plan import make_plan
    from ...workbench.bundles import find_bundle, open_bundle
    from ...workbench.differences import Planned, differences
    from ...workbench.pages import DIFF_FORMATS, diff_page

    outputs = parse_outputs(output, DIFF_FORMATS)
    bundles = [open_bundle(find_bundle(name, Path())).bundle for name in (before, after)]
    old, new = (Planned(one, make_plan(one)) for one in bundles)
    found = differences(old, new)
    for item in outputs:
        page = screen(no_color=no_color, to_file=item.path is not None)
        write(item, diff_page(old.bundle, new.bundle, found, item.format, page))
