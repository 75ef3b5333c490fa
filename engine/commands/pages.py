"""``gate docs``."""

from __future__ import annotations

from typing import Annotated

import typer

from ..console import write_text
from ..pages import find_page, pages, title
from .options import Debug, Verbose

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.callback()
def group() -> None:
    """Read the documentation."""


@app.command()
def docs(
    page: Annotated[
        str | None, typer.Argument(help="Print this page, such as policies.", metavar="[PAGE]")
    ] = None,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """List the pages of the documentation, or print one."""
    if page is not None:
        write_text(find_page(page).read_text(encoding="utf-8"))
        return
    known = pages()
    width = max(map(len, known))
    write_text("".join(f"{name:<{width}}  {title(path)}\n" for name, path in known.items()))
