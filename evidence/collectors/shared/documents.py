"""What the collectors of documents and evidence files share: absent files, exact figures, times, labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from ...base.errors import EvidenceError
from ...base.numbers import to_scaled
from ...base.times import format_utc, parse_rfc3339, parse_rfc3339_us
from ...collecting.interface import Problem
from ...reading.parse import refuse_garbled
from ...reading.workspace import View, glob_regex

T = TypeVar("T")
_BETWEEN = re.compile(r"[\s_-]+")
MAX_INTEGER = 2**53 - 1
_NOT_DONE = re.compile(
    r"(?:\A\W*|(?<![^\W_])(?:drill|rehearsal|switch(?:es)?|back-?test|mock|verification)(?![^\W_])[^.;\n]{0,40}\b)"
    r"(?:(?:was|were|is|are|has|have)\s+)?(?:not|never)\s+(?:(?:yet|been|actually|really|fully)\s+)*"
    r"(?:carried out|done|exercised|measured|performed|rehearsed|run|tested|verified)"
    r"(?=\W*(?:[.;,\n]|\Z|because|yet))",
    re.IGNORECASE,
)
_NOT_A_LETTER = r"(?<![^\W_]){}(?![^\W_])"


def read_document(view: View, path: str) -> str | None:
    """The text of the file, or None when there is none.

    Raises:
        EvidenceError: it is not a regular file or not UTF-8 text, or was encoded twice.
    """
    if not view.exists(path):
        return None
    text = view.read_text(path)
    refuse_garbled(text, path)
    return text


def matching(view: View, patterns: Iterable[str], fact: str, problems: list[Problem]) -> list[str]:
    """The files that match one of the globs, sorted; what is no regular file among them is a problem."""
    found: set[str] = set()
    for pattern in patterns:
        try:
            found.update(view.glob(pattern))
        except EvidenceError as error:
            problems.append(Problem.rejected(error, fact))
            found.update(path for path in view.paths() if glob_regex(pattern).fullmatch(path))
    return sorted(found)


def read_matching(
    view: View, patterns: Iterable[str], problems: list[Problem], read: Callable[[str], T], fact: str = ""
) -> dict[str, T]:
    """What ``read`` makes of each file that matches one of the globs; one that it rejects is a problem."""
    found: dict[str, T] = {}
    for path in matching(view, patterns, fact, problems):
        try:
            found[path] = read(path)
        except EvidenceError as error:
            problems.append(Problem.rejected(error, fact))
    return found


def absent(facts: Iterable[str], reason: str, remedy: str) -> tuple[Problem, ...]:
    """One :class:`Problem` for each of the facts, for the same reason."""
    return tuple(Problem(fact, reason, remedy) for fact in facts)


def scaled(value: Decimal | int | Fraction, scale: int, path: str, place: str, *, up: bool = False) -> int:
    """``value × scale`` as an exact integer, rounded down, or up when ``up`` is set.

    Raises:
        EvidenceError: the result is beyond 2^53, where not every engine counts exactly.
    """
    return bounded(to_scaled(value, scale, up=up), path, place)


def bounded(value: int, path: str, place: str) -> int:
    """``value`` when every engine can hold it exactly.

    Raises:
        EvidenceError: its absolute value is 2^53 or more.
    """
    if abs(value) > MAX_INTEGER:
        raise EvidenceError(
            "the figure is too large to be exact",
            path=path,
            place=place,
            remedy="check the figure and its unit",
        )
    return value


def seconds(text: str, path: str, place: str) -> int:
    """Epoch seconds of an RFC 3339 time in a file.

    Raises:
        EvidenceError: it is none, or no such moment exists.
    """
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise _bad_time(error, path, place) from error


def microseconds(text: str, path: str, place: str) -> int:
    """Epoch microseconds of an RFC 3339 time in a file; raises as :func:`seconds`."""
    try:
        return parse_rfc3339_us(text)
    except ValueError as error:
        raise _bad_time(error, path, place) from error


def moment(text: str, path: str, place: str) -> tuple[str, int]:
    """A time in a file as (RFC 3339 in UTC with whole seconds, epoch seconds); raises as :func:`seconds`."""
    epoch = seconds(text, path, place)
    return format_utc(epoch), epoch


def _bad_time(error: ValueError, path: str, place: str) -> EvidenceError:
    return EvidenceError(
        str(error), path=path, place=place, remedy="write the time like 2025-11-07T12:00:00Z"
    )


def word_pattern(*aliases: str) -> re.Pattern[str]:
    """Matches one of the names however it is spelled: ``place order``, ``place_order``, ``placeOrder``.

    Case does not count, and neither does what separates the words; the name must not be part of a longer word
    (``connect`` is not found in ``disconnect``).
    """
    spelled = [r"[\s_-]*".join(map(re.escape, filter(None, _BETWEEN.split(alias)))) for alias in aliases]
    return re.compile(_NOT_A_LETTER.format(f"(?:{'|'.join(spelled)})"), re.IGNORECASE)


def check_filled(record: Mapping[str, Any], path: str, *names: str) -> None:
    """Refuse a record that names nobody where somebody has to be named, or whose note says it was not done.

    Raises EvidenceError: one of the texts, if it is there, is one that a template leaves to be filled in.
    """
    from ...reading.markdown_text import has_template_mark, says_something

    for name in names:
        text = record.get(name, path)
        if has_template_mark(f"name: {text}") or not says_something(text):
            raise EvidenceError("names nobody", path=path, place=f"/{name}", remedy="write who did it")
    note = record.get("note", "")
    if has_template_mark(note) or _NOT_DONE.search(note):
        what = "says that it was not done, or is to be filled in"
        raise EvidenceError(what, path=path, place="/note", remedy="do it, and record it anew")
