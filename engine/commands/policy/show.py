"""``gate policy check``, ``list``, ``docs``, ``schema``, ``diff`` and ``export``: what a bundle says."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...terminal.outputs import parse_outputs, write
from ..options import HERE_ALONE, NoColor, Where, argument, option, output_option, show_pages
from .group import Bundle, app


@app.command("check")
def check(
    bundle: Bundle = None,
    output: Annotated[list[str] | None, output_option("table (default), json, sarif or github")] = None,
    no_color: NoColor = False,
) -> None:
    """Find everything that is wrong with a bundle; exit 1 when something is."""
    from ...workbench.bundles import find_bundle, is_shipped
    from ...workbench.check import check as check_bundle
    from ...workbench.findings import FORMATS, render

    outputs = parse_outputs(output, FORMATS)
    source = find_bundle(bundle, Path())
    checked = check_bundle(source)
    folder = source.as_posix() if isinstance(source, Path) and not is_shipped(bundle) else ""
    show_pages(outputs, no_color, partial(render, checked, "" if folder == "." else folder))
    if checked.findings:
        raise typer.Exit(1)


@app.command("list")
def list_(
    bundle: Bundle = None,
    output: Annotated[list[str] | None, output_option("table (default) or json")] = None,
    no_color: NoColor = False,
) -> None:
    """List the rules of a bundle with their severity and thresholds."""
    from ...workbench.bundles import open_planned
    from ...workbench.catalog import list_rules
    from ...workbench.pages import FORMATS, rules_page

    outputs = parse_outputs(output, FORMATS)
    opened = open_planned(bundle)
    found = list(list_rules(opened.bundle, opened.plan))
    show_pages(outputs, no_color, partial(rules_page, opened.bundle, found))


@app.command("docs")
def docs(
    bundle: Bundle = None,
    output: Annotated[list[str] | None, output_option("markdown (default)", None)] = None,
) -> None:
    """Print the policy reference of a bundle as Markdown."""
    from ...terminal.figures import clean, for_people
    from ...workbench.bundles import open_planned
    from ...workbench.catalog import reference

    outputs = parse_outputs(output or ["markdown"], ["markdown"])
    opened = open_planned(bundle)
    found = reference(opened.bundle, opened.plan, bundle or opened.bundle.name)
    text = "".join(f"{clean(line)}\n" for line in "\n".join(found).split("\n"))
    for item in outputs:
        write(item, for_people(text).encode("utf-8", "backslashreplace"))


@app.command("schema")
def schema(
    bundle: Bundle = None,
    stage: Annotated[str | None, option("--stage", "Only what this stage sees.", "STAGE")] = None,
    output: Annotated[list[str] | None, output_option("json (default)", None)] = None,
) -> None:
    """Print the JSON Schema of the policies' input, for `opa check --schema` and editors."""
    from ...report.json_format import render_json
    from ...workbench.bundles import open_planned
    from ...workbench.schemas import input_schema

    outputs = parse_outputs(output or ["json"], ["json"])
    plan = open_planned(bundle).plan
    for item in outputs:
        write(item, render_json(input_schema(plan, stage)))


@app.command("diff")
def diff(
    before: Annotated[str, argument("Directory or archive, REF:DIR or shipped[:NAME].", "OLD")],
    after: Annotated[str, argument("Directory or archive, REF:DIR or shipped[:NAME].", "NEW")],
    output: Annotated[list[str] | None, output_option("table (default), json or markdown")] = None,
    no_color: NoColor = False,
) -> None:
    """Say what changed from one bundle to another, and whether that loosens it where that can be known."""
    from ...workbench.bundles import open_planned
    from ...workbench.differences import differences
    from ...workbench.pages import DIFF_FORMATS, diff_page

    outputs = parse_outputs(output, DIFF_FORMATS)
    old, new = map(open_planned, (before, after))
    found = differences(old, new)
    show_pages(outputs, no_color, partial(diff_page, old.bundle, new.bundle, found))


@app.command("export")
def export(
    bundle: Bundle = None,
    output: Annotated[
        list[str] | None, output_option("gemara-catalog (default) or gemara-policy", None)
    ] = None,
    where: Where = HERE_ALONE,
) -> None:
    """Write the rules that judge as a Gemara control catalog, and how they judge as a Gemara policy."""
    from ...report.gemara.catalog import FORMATS
    from ...report.gemara.documents import render_yaml
    from ...workbench.bundles import refuse_conftest

    outputs = parse_outputs(output or ["gemara-catalog"], tuple(FORMATS))
    context = where.open(bundle)
    refuse_conftest(context.bundle, bundle)
    for item in outputs:
        write(item, render_yaml(FORMATS[item.format](context.bundle, context.plan)))
