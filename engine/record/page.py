"""The page of a record that people read: one HTML file without scripts, links out of the record or pictures.

It follows from the decision alone, so that the version of gate that wrote it can check it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...evidence.base.errors import masked
from ..decision.document import Decision
from ..ledger.interface import Entry
from ..report import table
from ..terminal.figures import clean
from ..terminal.lines import Screen
from ..terminal.templates import environment
from . import contents

if TYPE_CHECKING:
    import jinja2

_HERE: Final = Path(__file__).resolve().parent
_WIDTH: Final = 110


def page(decision: Decision, entry: Entry, attached: Sequence[Mapping[str, Any]]) -> bytes:
    """The page about a decision and its entry; ``attached`` are the statements of what was attached later."""
    report = table.render(decision, entry, Screen(width=_WIDTH, successes=True)).decode().split("\n")
    last = max((n for n, line in enumerate(report) if line.startswith("recorded: ")), default=len(report))
    shown = report[: last + 1]  # what follows is advice for a terminal
    values = {"decision": decision, "entry": entry, "attached": attached, "contents": contents}
    return _template().render(report=shown, **values).encode()


@cache
def _template() -> jinja2.Template:
    """The template; whatever a value holds, it acts on nothing, and no account number is in it."""
    made = environment(_HERE, lambda text: masked(clean(text)))
    return made.get_template("page.html.j2")
