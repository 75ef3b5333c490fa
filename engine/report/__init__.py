"""The report plug point: a decision document in, bytes out, one module per format.

Nothing is computed again here.
"""

from __future__ import annotations

from typing import Any, assert_never

from .interface import Format, Screen


def render(format_: Format, decision: dict[str, Any], screen: Screen) -> bytes:
    """The decision (with its ``ledger`` place, or None there) in a format."""
    match format_:
        case Format.TABLE:
            from .figures import for_people
            from .table import render_table

            return for_people(render_table(decision, screen)).encode()
        case Format.JSON:
            from .json_format import render_json

            return render_json(decision)
        case Format.PRELIVE:
            from .prelive import render_prelive

            return render_prelive(decision)
        case _:
            assert_never(format_)
