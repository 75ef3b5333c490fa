"""A sweep as a drawing: bands of verdicts over the values, and one for each rule that varies.

Plain SVG 1.1 (https://www.w3.org/TR/SVG11/) without scripts, styles or fonts of its own. What the colours
say stands in words, too: in bands, their titles, and the description for those who see no picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from msgspec import Struct

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


class _Part(Struct, frozen=True):
    """Neighbouring values, as numbers of points, with one effect."""

    first: int
    last: int
    effect: str


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
        for part in _parts(effects):
            left, right = _edge(found, part.first), _edge(found, part.last + 1)
            first, last = found.points[part.first].value, found.points[part.last].value
            values = (
                shown(found, first) if first == last else f"{shown(found, first)} to {shown(found, last)}"
            )
            color = _COLORS.get(part.effect, _NONE)
            yield (
                f'<rect x="{left}" y="{top}" width="{max(right - left, 1)}" height="{_BAND}" fill="{color}">'
                f"<title>{_text(f'{name}: {part.effect} at {values}')}</title></rect>"
            )
            if right - left > _CHAR * (len(part.effect) + 1):
                middle = (left + right) // 2
                yield (
                    f'<text x="{middle}" y="{top + 18}" text-anchor="middle" fill="#ffffff">'
                    f"{_text(part.effect)}</text>"
                )


def _parts(effects: Sequence[str]) -> list[_Part]:
    made: list[_Part] = []
    for number, effect in enumerate(effects):
        if made and made[-1].effect == effect:
            made[-1] = _Part(made[-1].first, number, effect)
        else:
            made.append(_Part(number, number, effect))
    return made


def _edge(found: Sweep, number: int) -> int:
    """Where the cell of the value of that number begins."""
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * number // len(found.points)


def _axis(found: Sweep, height: int) -> Iterator[str]:
    base = height - 54
    free = 0
    starts = [0, *(found.points.index(p) for p in found.points[1:] if _turns(found, p.value))]
    for number in sorted({*starts, len(found.points) - 1}):
        label = shown(found, found.points[number].value)
        center = (_edge(found, number) + _edge(found, number + 1)) // 2
        half = len(label) * _CHAR // 2
        yield f'<line x1="{center}" y1="{base - 6}" x2="{center}" y2="{base}" stroke="#57606a"/>'
        if center - half >= free:
            yield (
                f'<text x="{center}" y="{base + 16}" text-anchor="middle" fill="#1f2328">'
                f"{_text(label)}</text>"
            )
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


def _turns(found: Sweep, value: int) -> bool:
    """Whether the verdict at a value is another one than before it."""
    values = [point.value for point in found.points]
    number = values.index(value)
    return found.points[number].verdict != found.points[number - 1].verdict
