"""Chooses among recorded decisions, a page at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from ...evidence.base.errors import UsageError
from ...evidence.base.times import parse_rfc3339
from .served import Row

FILTERS: Final = (
    "stage", "verdict", "commit", "workspace", "rule", "since", "until", "limit", "before",
)  # fmt: skip
"""What a query may ask; `http/openapi.yaml` says what each means."""
MOST: Final = 500
USUAL: Final = 50
_FURTHEST: Final = (1 << 53) - 1


class Malformed(UsageError):
    """A query that cannot be understood."""


class Page(Struct, frozen=True):
    """Decisions, newest first, and the ledger index before which the rest lies; None for no rest."""

    rows: tuple[Row, ...]
    next: int | None


def choose(rows: Sequence[Row], asked: Mapping[str, str]) -> Page:
    """The newest decisions that fit.

    Args:
        rows: oldest first.
        asked: some of `FILTERS`.

    Raises Malformed: a name or a value is none.
    """
    for name in asked:
        if name not in FILTERS:
            raise Malformed(f"there is no parameter {name[:80]!r}", remedy=f"known: {', '.join(FILTERS)}")
    limit = _number(asked, "limit", USUAL, 1, MOST)
    before = _number(asked, "before", _FURTHEST, 0, _FURTHEST)
    since, until = (_moment(asked, name) for name in ("since", "until"))
    found: list[Row] = []
    for row in reversed(rows):
        if row.entry.index < before and _fits(row, asked) and _within(row.time, since, until):
            if len(found) == limit:
                return Page(tuple(found), found[-1].entry.index)
            found.append(row)
    return Page(tuple(found), None)


def _fits(row: Row, asked: Mapping[str, str]) -> bool:
    stage, rule = asked.get("stage"), asked.get("rule")
    verdict = row.verdict if stage is None else row.stages.get(stage, row.verdict)
    stated = {"verdict": verdict, "commit": row.commit, "workspace": row.workspace}
    return (
        (stage is None or stage == row.stage or stage in row.stages)
        and (rule is None or rule in row.violations)
        and all(asked.get(name, value) == value for name, value in stated.items())
    )


def _within(time: str, since: int | None, until: int | None) -> bool:
    if since is None and until is None:
        return True
    try:
        moment = parse_rfc3339(time)
    except ValueError:
        return False
    return (since is None or moment >= since) and (until is None or moment <= until)


def _number(asked: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = asked.get(name)
    if text is None:
        return usual
    if text.isascii() and text.isdecimal() and len(text) <= 16 and least <= int(text) <= most:
        return int(text)
    raise Malformed(f"{name} is no number from {least} to {most}")


def _moment(asked: Mapping[str, str], name: str) -> int | None:
    try:
        return None if name not in asked else parse_rfc3339(asked[name])
    except ValueError as error:
        raise Malformed(f"{name}: {error}", remedy="write + in a query as %2B") from error
