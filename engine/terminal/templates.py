"""Jinja templates; packages of gate have those of the report compiled for one Jinja.

Jinja takes longer to compile such a template than to fill it in. A package therefore has those of the
report as Python modules, which `report/audit/packaging.py` has Jinja make; in a checkout, or with another
release of Jinja, one is compiled when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def environment(folder: Path, final: Callable[[str], str] = str) -> jinja2.Environment:
    """How templates of a folder are read: in HTML everything that is no markup of theirs is escaped.

    Args:
        final: what is done to each string that a template shows, before it is escaped.
    """
    import jinja2

    loaders = [jinja2.ModuleLoader(folder / compiled()), jinja2.FileSystemLoader(folder)]
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: final(value) if type(value) is str else value,
    )


def compiled() -> str:
    """Name of the folder with what this release of Jinja compiled, which no other one needs to understand."""
    import jinja2

    stated = vars(jinja2).get("__version__")  # later releases may have it in their metadata only
    if stated is None:
        from importlib.metadata import version  # slow to import

        stated = version("jinja2")
    return f"compiled-{stated}"
