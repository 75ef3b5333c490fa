"""A sweep as a drawing: bands of verdicts over the values, and one for each rule that varies.

Plain SVG 1.1 (https://www.w3.org/TR/SVG11/) without scripts, styles or fonts of its own. What the colours
say stands in words, too: in bands, their titles, and the description for those who see no picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from ...terminal.figures import printable, shorten
from ...terminal.lines import Screen
from ..outcome import CONDITIONAL, FAIL, PASS
from ..whatif import Sweep
from .whatif import rows, shown, title, words

_WIDTH, _LEFT, _RIGHT, _BAND, _GAP, _TOP = 960, 240, 40, 26, 12, 76
_CHAR = 7
"""Pixels that a character takes, about."""
_COLORS = {PASS: "#116329", CONDITIONAL: "#7d4e00", FAIL: "#b31d28"}
_NONE = "#57606a"
_MOST_RULES = 30
_LONGEST = 10_000
_NO_XML = re.compile("[\ufffe\uffff]")


def sweep_svg(found: Sweep, screen: Screen) -> bytes:
    """The drawing as UTF-8."""
    rules = found.rules[:_MOST_RULES]
    bands = [("verdict", [point.verdict for point in found.points])]
    bands += [(code, [point.effects.get(code, "no rule") for point in found.points]) for code in rules]
    height = _TOP + len(bands) * (_BAND + _GAP) + 70
    return "\n".join(
        [*_head(found, height), *_bands(found, bands), *_axis(found, height), "</svg>\n"]
    ).encode()


def _text(text: str, most: int = 120) -> str:
    """Text of any origin as XML 1.0 may have it."""
    return escape(shorten(_NO_XML.sub("\ufffd", printable(text)), most))


def _head(found: Sweep, height: int) -> Iterator[str]:
    said = "; ".join(f"{words(row, found)}: {row.verdict}" for row in rows(found))
    now = f"It is {shown(found, found.actual)} now."
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="13">'
    )
    yield f'<title id="title">Hypothetical: {_text(title(found))}</title>'
    yield f'<desc id="desc">Verdicts over the values. {_text(said, _LONGEST)}. {_text(now)}</desc>'
    yield f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="16" y="28" font-size="17" font-weight="bold" fill="#1f2328">{_text(title(found))}</text>'
    notes = [f"hypothetical: nothing was recorded. {now}", *(one.text() for one in found.replaced)]
    yield f'<text x="16" y="50" fill="#57606a">{_text("; ".join(notes))}</text>'


def _bands(found: Sweep, bands: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    for number, (name, effects) in enumerate(bands):
        top = _TOP + number * (_BAND + _GAP)
        weight = ' font-weight="bold"' if number == 0 else ""
        label = _text(name, (_LEFT - 24) // _CHAR)
        yield f'<text x="16" y="{top + 18}" fill="#1f2328"{weight}>{label}</text>'
        for first, last, effect in _parts(effects):
            left, right = _edge(found, first), _edge(found, last + 1)
            ends = [shown(found, found.points[one].value) for one in dict.fromkeys((first, last))]
            about = _text(f"{name}: {effect} at {' to '.join(ends)}")
            color = _COLORS.get(effect, _NONE)
            yield (
                f'<rect x="{left}" y="{top}" width="{max(right - left, 1)}" height="{_BAND}" fill="{color}">'
                f"<title>{about}</title></rect>"
            )
            if right - left > _CHAR * (len(effect) + 1):
                at = f'x="{(left + right) // 2}" y="{top + 18}" text-anchor="middle"'
                yield f'<text {at} fill="#ffffff">{_text(effect)}</text>'


def _parts(effects: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Neighbouring values with one effect: numbers of the first and the last, and the effect."""
    for effect, run in groupby(range(len(effects)), key=effects.__getitem__):
        first, *rest = run
        yield first, rest[-1] if rest else first, effect


def _edge(found: Sweep, number: int) -> int:
    """Where the cell of the value of that number begins."""
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * number // len(found.points)


def _axis(found: Sweep, height: int) -> Iterator[str]:
    base = height - 54
    free = 0
    starts = {first for first, _, _ in _parts([point.verdict for point in found.points])}
    for number in sorted({*starts, len(found.points) - 1}):
        label = shown(found, found.points[number].value)
        center = (_edge(found, number) + _edge(found, number + 1)) // 2
        half = len(label) * _CHAR // 2
        yield f'<line x1="{center}" y1="{base - 6}" x2="{center}" y2="{base}" stroke="#57606a"/>'
        if center - half >= free:
            where = f'x="{center}" y="{base + 16}" text-anchor="middle"'
            yield f'<text {where} fill="#1f2328">{_text(label)}</text>'
            free = center + half + _CHAR
    first, last = found.points[0].value, found.points[-1].value
    if found.actual is not None and first <= found.actual <= last:
        step = found.points[1].value - first if len(found.points) > 1 else 1
        cell = (_edge(found, 1) - _edge(found, 0)) / step
        at = round(_edge(found, 0) + cell * (found.actual - first) + cell * step / 2)
        yield (
            f'<line x1="{at}" y1="{_TOP - 8}" x2="{at}" y2="{base}" stroke="#1f2328" stroke-width="2" '
            'stroke-dasharray="4 3"/>'
        )
        label = f"now {shown(found, found.actual)}"
        yield f'<text x="{at}" y="{base + 36}" text-anchor="middle" fill="#1f2328">{_text(label)}</text>'
