"""``gate policy export``: a bundle's rules as documents for tools of governance."""

from __future__ import annotations

from typing import Annotated

from ...terminal.outputs import parse_outputs, write
from ..options import HERE_ALONE, Where, output_option
from .group import Bundle, app


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
