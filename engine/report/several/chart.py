"""Figures over time as one SVG file: a small chart for each, readable in light and dark, without scripts.

Reference: SVG 1.1, https://www.w3.org/TR/SVG11/. Each chart has a title for screen readers and a text for the
latest value, so nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from ....evidence.base.numbers import counted
from ...terminal.figures import for_people, printable, shorten
from ..interface import Screen
from .series import Point, Series, Trend

WIDTH, HEIGHT, COLUMNS, MARGIN = 340, 120, 2, 16
"""Of one chart, pixels; charts beside each other; around them."""
_PLOT = (12, 44, 316, 60)
"""Left, top, width and height of the line within a chart."""
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2328}.dim{fill:#59636e}.box{fill:#fff;stroke:#d1d9e0}"
    ".line{fill:none;stroke:#0969da;stroke-width:2}.dot{fill:#0969da}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.dim{fill:#9198a1}.box{fill:#0d1117;stroke:#3d444d}"
    ".line{stroke:#4493f8}.dot{fill:#4493f8}}"
)


def chart(found: Trend, screen: Screen) -> bytes:
    """The figures of a trend as SVG."""
    rows = -(-max(len(found.series), 1) // COLUMNS)
    width = 2 * MARGIN + COLUMNS * (WIDTH + MARGIN) - MARGIN
    height = 2 * MARGIN + rows * (HEIGHT + MARGIN) - MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{_text(_about(found))}">',
        f"<title>{_text(_about(found))}</title>",
        f"<style>{_STYLE}</style>",
    ]
    for number, one in enumerate(found.series):
        left = MARGIN + number % COLUMNS * (WIDTH + MARGIN)
        top = MARGIN + number // COLUMNS * (HEIGHT + MARGIN)
        lines += [f'<g transform="translate({left} {top})">', *drawn(one), "</g>"]
    if not found.series:
        lines.append(f'<text x="{MARGIN}" y="{2 * MARGIN}">no figure was measured</text>')
    lines.append("</svg>")
    return for_people("".join(f"{line}\n" for line in lines)).encode()


def _about(found: Trend) -> str:
    if not found.rows:
        return "no decision was recorded"
    return f"{decisions_of(found)} from {found.rows[0].time} to {found.rows[-1].time}"


def decisions_of(found: Trend) -> str:
    """How many decisions it is of."""
    return counted(len(found.rows), "decision")


def drawn(one: Series) -> Iterator[str]:
    """The elements of one chart, `WIDTH` × `HEIGHT`; classes say what they are, for a style sheet."""
    values = one.values
    left, top, width, height = _PLOT
    yield f'<rect class="box" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    yield f'<text x="12" y="18">{_text(shorten(one.title, 34))}</text>'
    latest = _text(shorten(one.shown(values[-1]), 16))
    yield f'<text x="{WIDTH - 12}" y="18" text-anchor="end">{latest}</text>'
    about = f"least {one.shown(min(values))}, greatest {one.shown(max(values))}"
    yield f'<text class="dim" x="12" y="35">{_text(shorten(about, 50))}</text>'
    for run in _runs(one.points):
        at = [_at(index, value, one, left, top, width, height) for index, value in run]
        if len(at) > 1:
            yield f'<polyline class="line" points="{" ".join(f"{x},{y}" for x, y in at)}"/>'
        yield f'<circle class="dot" cx="{at[-1][0]}" cy="{at[-1][1]}" r="3"/>'


def _runs(points: Sequence[Point]) -> Iterator[list[tuple[int, int]]]:
    """Index and value of what was measured one after another; a gap ends a line."""
    for measured, run in groupby(enumerate(points), key=lambda item: item[1].value is not None):
        if measured:
            yield [(index, point.value) for index, point in run if point.value is not None]


def _at(index: int, value: int, one: Series, left: int, top: int, width: int, height: int) -> tuple[int, int]:
    last, low, high = len(one.points) - 1, min(one.values), max(one.values)
    x = left + (width * index // last if last else width // 2)
    y = top + (height - height * (value - low) // (high - low) if high != low else height // 2)
    return x, y


def _text(text: str) -> str:
    return escape(printable(text))
