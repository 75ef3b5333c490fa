"""The report's Jinja templates; what packages of gate have compiled, for the Jinja that compiled it.

Jinja takes longer to compile such a template than to fill it in. A package therefore has each as a Python
module, which `packaging.py` makes; in a checkout, or with another release of Jinja, it is compiled when the
first report is made.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import jinja2

TEMPLATES: Final = ("report.html.j2", "report.md.j2")
_HERE: Final = Path(__file__).resolve().parent


def module_of(name: str) -> str:
    """Name of the module of a compiled template."""
    return f"compiled_{name.replace('.', '_')}"


def load(name: str, final: Callable[[Any], Any] | None = None) -> jinja2.Template:
    """The template of that name.

    Args:
        final: what is done to each value that the template shows, before it is escaped.
    """
    from jinja2 import Template

    made = environment(final)
    try:
        module = import_module(f".{module_of(name)}", __package__)
    except ImportError:
        return made.get_template(name)
    if module.made_from != _origin(name):
        return made.get_template(name)
    return Template.from_module_dict(made, vars(module), made.make_globals(None))


def environment(final: Callable[[Any], Any] | None, folder: Path = _HERE) -> jinja2.Environment:
    """How templates of a folder are read: in HTML everything that is no markup of theirs is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=final,
    )


def compiled(name: str) -> str:
    """The template as a Python module, and what it was made from."""
    made = environment((lambda value: value) if ".html" in name else None)
    code = made.compile((_HERE / name).read_text(encoding="utf-8"), name, name, raw=True, defer_init=True)
    return f"made_from = {_origin(name)!r}\n{code}\n"


def _origin(name: str) -> tuple[str, str]:
    """The release of Jinja, which alone must understand what it compiled, and the template's digest."""
    import jinja2

    stated = vars(jinja2).get("__version__")  # later releases may have it in their metadata only
    if stated is None:
        from importlib.metadata import version  # slow to import

        stated = version("jinja2")
    return stated, sha256((_HERE / name).read_bytes()).hexdigest()
