"""Durations and counts in prose, for the documents that state limits."""

from __future__ import annotations

import re
from fractions import Fraction

from ...reading.markdown_text import HEDGED

GROUPED = r"[0-9]{1,3}(?:[ ,'’_][0-9]{3}){1,6}(?![0-9])"
"""A whole number with its thousands apart: ``1,500``, ``1 500``, ``1'500``."""
_NUMBER = r"(?<![\w.,])(?<!(?<![\w)])[-−])" + (
    rf"(?P<number>{GROUPED}(?:\.[0-9]{{1,9}})?|[0-9]{{1,12}}(?:\.[0-9]{{1,9}})?)"
)
_UNITS_US = {
    "us": 1, "µs": 1, "μs": 1, "microsecond": 1, "מיקרושניות": 1, "מיקרושנייה": 1,
    "ms": 1_000, "msec": 1_000, "millisecond": 1_000, "אלפיות": 1_000, "מילישניות": 1_000, "מילישנייה": 1_000,
    "s": 1_000_000, "sec": 1_000_000, "second": 1_000_000, "שניות": 1_000_000, "שנייה": 1_000_000,
    "שניה": 1_000_000, "min": 60_000_000, "minute": 60_000_000, "דקות": 60_000_000, "דקה": 60_000_000,
}  # fmt: skip
_UNIT = "(?P<unit>" + "|".join(sorted(map(re.escape, _UNITS_US), key=len, reverse=True)) + ")"
_DURATION = re.compile(rf"{_NUMBER}\s*{_UNIT}s?(?!\w)", re.IGNORECASE)
_BARE = re.compile(rf"[<≤~≈]?\s*=?\s*{_NUMBER}")
_P95 = re.compile(r"(?<!\w)p\s?95(?!\w)[^0-9]{0,20}" + _DURATION.pattern, re.IGNORECASE)
_HEADER_UNIT = re.compile(rf"[(\[,]\s*{_UNIT}s?\s*(?:[)\]]|\Z)", re.IGNORECASE)
_COUNT = re.compile(
    rf"(?<![\w.])(?:[0-9]{{1,9}}\s*[-–—]\s*)?(?P<number>{GROUPED}|[0-9]{{1,9}})(?![\w%]|[.,][0-9])"
)
_TIME_UNIT_AFTER = re.compile(rf"\s*-?\s*{_UNIT}s?(?!\w)", re.IGNORECASE)
_WINDOW_BEFORE = re.compile(r"(?:/|\bper|\bin|\bevery|(?<!\w)[בל]-?)\s*\Z", re.IGNORECASE)

PER_SECOND = r"(?:/|\b(?:per|an?|each|every)\b|ב|ל)[\s-]*(?:second|sec|s|שנייה|שניה)(?!\w)"
_RATE = re.compile(rf"{_COUNT.pattern}(?:\s+[^\W\d]+){{0,2}}\s*{PER_SECOND}", re.IGNORECASE)
_FEWER_BEFORE = re.compile(r"(?:\b(?:fewer|less) than|\bunder|\bbelow|<|פחות מ-?)\s*\Z", re.IGNORECASE)
_AT_LEAST = re.compile(
    rf"(?:[>≥]=?|\b(?:at least|(?<!no )(?<!not )(?:more than|over|above))|לפחות|מעל)\s*{_NUMBER}",
    re.IGNORECASE,
)
"""What bounds from below, and so promises nothing."""
WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10",
}  # fmt: skip
_WORD = re.compile(rf"\b({'|'.join(WORDS)})(?=[\s-]+{_UNIT}s?(?!\w))", re.IGNORECASE)


_SPREAD = re.compile(
    rf"{_NUMBER}\s*(?:{_UNIT}s?)?\s*(?:±|\+/?[-−])\s*(?P<more>[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?)\s*"
    rf"{_UNIT.replace('<unit>', '<more_unit>')}s?(?!\w)",
    re.IGNORECASE,
)
NO_PROMISE = re.compile(
    r"\b(?:no|without an?)\s+(?:\w+\s+)?(?:sla|target|limit|guarantee|commitment)s?\b"
    r"|\bbest[\s-]effort\b|\busually\b|\bor more\b"
    r"|\b(?:may|can) be exceeded\b"
    r"|\A\W*(?:observed|measured|typical(?:ly)?|average|median)\b(?!.*\b(?:sla|target|limit|max))",
    re.IGNORECASE,
)
"""What promises no figure, though one may be there."""
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])([0-9]{1,4}),([0-9]{1,2})(?![\w.,])")
_BURST = re.compile(
    rf"\b(?:burst|peak|spike)s?\b(?:[\s:(]+(?:of|at|to|up|about|until|max\w*))*[\s:(]+{_COUNT.pattern}",
    re.IGNORECASE,
)


def with_points(text: str) -> str:
    """The text with a point where a comma can only be a decimal one (``0,20``; not ``1,500``)."""
    return _DECIMAL_COMMA.sub(r"\1.\2", text)


def ungrouped(number: str) -> str:
    """The number without what keeps its thousands apart."""
    return re.sub("[ ,'’_]", "", number)


def _value(match: re.Match[str]) -> Fraction:
    return Fraction(ungrouped(match["number"]))


def _microseconds(value: Fraction, unit: str) -> int:
    exact = value * _UNITS_US[unit.lower()]
    return -(-exact.numerator // exact.denominator)


def latency_us(text: str, header: str = "") -> int | None:
    """The latency that a text promises, in microseconds rounded up, or None.

    A figure marked ``p95`` wins; otherwise it is the longest duration. A bare number takes its unit from the
    column's header, as in ``SLA (ms)``.
    """
    if NO_PROMISE.search(text) or HEDGED.search(text):
        return None
    text = _SPREAD.sub(_at_most, _AT_LEAST.sub("", with_points(text)))
    text = _WORD.sub(lambda match: WORDS[match[1].lower()], text)
    marked = [_microseconds(_value(match), match["unit"]) for match in _P95.finditer(text)]
    if marked:
        return max(marked)
    found = [_microseconds(_value(match), match["unit"]) for match in _DURATION.finditer(text)]
    if found:
        return max(found)
    unit, bare = _HEADER_UNIT.search(header), _BARE.fullmatch(text.strip())
    return None if unit is None or bare is None else _microseconds(_value(bare), unit["unit"])


def _at_most(spread: re.Match[str]) -> str:
    """The longest that ``500 ± 400 ms`` may take."""
    unit, more_unit = spread["unit"] or spread["more_unit"], spread["more_unit"]
    return f"{_microseconds(_value(spread), unit) + _microseconds(Fraction(spread['more']), more_unit)} us"


def count_near(text: str, label: re.Pattern[str]) -> int | None:
    """The count that a line states for a label, or None.

    The number right before the label (``100 market-data subscriptions``), or else the first one after it, or
    else the first in the line. Durations and what follows ``per``, ``/`` or ``in`` are not counts. Of a count
    that must not be reached (``fewer than 50``) it is the largest that is permitted, 49, of a range its end;
    what bounds from below (``at least 40``) is none.
    """
    text = _AT_LEAST.sub("", text)
    found = label.search(text)
    if found is None:
        return None
    counts = [
        match
        for match in _COUNT.finditer(text)
        if not _TIME_UNIT_AFTER.match(text, match.end())
        and not _WINDOW_BEFORE.search(text, max(0, match.start() - 12), match.start())
    ]
    start, end = found.span()
    before = [m for m in counts if m.end() <= start and not text[m.end() : start].strip(" -\u2011")]
    after = [m for m in counts if m.start() >= end]
    chosen = (before[-1:] or after or counts)[:1]
    return _count(text, chosen[0]) if chosen else None


def burst(text: str) -> int:
    """The largest count that a line allows in bursts (``40, bursts of 200``); zero where it names none."""
    found = (match for match in _BURST.finditer(text) if not _TIME_UNIT_AFTER.match(text, match.end()))
    return max((int(ungrouped(match["number"])) for match in found), default=0)


def rate_per_second(text: str) -> int | None:
    """The count per second that a text states (``50/sec``, ``50 msgs per second``), as :func:`count_near`."""
    found = _RATE.search(_AT_LEAST.sub("", text))
    return None if found is None else _count(text, found)


def _count(text: str, match: re.Match[str]) -> int:
    before = text[max(0, match.start("number") - 16) : match.start("number")]
    return int(ungrouped(match["number"])) - (_FEWER_BEFORE.search(before) is not None)
