"""``gate policy export``: a bundle's rules as documents for tools of governance."""

from __future__ import annotations

from typing import Annotated

from ...terminal.outputs import parse_outputs, write
from ..options import HERE, Debug, Operator, TrustRef, Verbose, Workspace, open_workspace, output_option
from .group import Bundle, app


@app.command("export")
def export(
    bundle: Bundle = None,
    output: Annotated[
        list[str] | None, output_option("gemara-catalog (default) or gemara-policy", None)
    ] = None,
    workspace: Workspace = HERE,
    operator: Operator = None,
    trust_ref: TrustRef = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write the rules that judge as a Gemara control catalog, and how they judge as a Gemara policy."""
    from ...report.gemara.catalog import FORMATS
    from ...report.gemara.documents import render_yaml
    from ...workbench.bundles import refuse_conftest

    outputs = parse_outputs(output or ["gemara-catalog"], tuple(FORMATS))
    context = open_workspace(workspace, operator, trust_ref, bundle)
    refuse_conftest(context.bundle, bundle)
    for item in outputs:
        write(item, render_yaml(FORMATS[item.format](context.bundle, context.plan)))
