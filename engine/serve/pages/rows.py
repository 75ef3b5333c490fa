"""Recorded decisions as pages list them: found, filtered and counted, without stored documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final, NamedTuple

from ...decision.document import Verdict
from ...entries import News
from ..served import Row

PER_PAGE: Final = 50
_LONGEST: Final = 200
"""Characters of a field that are looked at."""


class Line(NamedTuple):
    """A decision and the name of its log."""

    log: str
    row: Row

    def has(self, word: str) -> bool:
        """Whether one of its names contains the word, which is in lower case, or a digest begins with it."""
        row = self.row
        names = (self.log, row.workspace, row.policy, *row.violations)
        return any(word in name.lower() for name in names) or any(
            digest.startswith(word) for digest in (row.commit or "", row.digest, row.entry.digest)
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a visitor asks for, as it was typed, and what of it cannot be understood.

    Attributes:
        log, stage, verdict, since, until, text: empty where everything is wanted; both days are included.
        page: the first is 1.
        wrong: fields that are not understood, and therefore not applied.
    """

    log: str = ""
    stage: str = ""
    verdict: str = ""
    since: str = ""
    until: str = ""
    text: str = ""
    page: int = 1
    wrong: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Asked:
        """From the fields of the form."""
        given = {name: fields.get(name, "").strip()[:_LONGEST] for name in NAMES}
        page, wrong = fields.get("page", "1"), []
        if given["verdict"] and given["verdict"] not in list(Verdict):
            wrong.append("verdict")
        wrong += [name for name in ("since", "until") if given[name] and not _is_day(given[name])]
        if not (page.isascii() and page.isdecimal() and len(page) < 9 and int(page) > 0):
            page, wrong = "1", [*wrong, "page"]
        return cls(**given, page=int(page), wrong=tuple(wrong))

    @property
    def fields(self) -> dict[str, str]:
        """The fields that are filled in."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    def matching(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines that are wanted, in their order."""
        verdict, since, until = (
            "" if name in self.wrong else getattr(self, name) for name in ("verdict", "since", "until")
        )
        words = self.text.lower().split()
        for line in lines:
            row = line.row
            answer = row.stages.get(self.stage) if self.stage else row.verdict
            if (
                self.log in ("", line.log)
                and answer is not None
                and verdict in ("", answer)
                and (not since or row.time[:10] >= since)
                and (not until or row.time[:10] <= until)
                and all(map(line.has, words))
            ):
                yield line


NAMES: Final = ("log", "stage", "verdict", "since", "until", "text")
"""The fields of the form."""


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the lines, how many there are, and the number of the last page."""

    lines: tuple[Line, ...]
    total: int
    number: int
    last: int

    @classmethod
    def of(cls, lines: Sequence[Line], number: int) -> Page:
        """The page of that number; the last one where there are fewer."""
        last = max(1, -(-len(lines) // PER_PAGE))
        number = min(number, last)
        return cls(tuple(lines[(number - 1) * PER_PAGE : number * PER_PAGE]), len(lines), number, last)


def newest_first(lines: Iterable[Line]) -> list[Line]:
    """The lines by effective time, the latest first; of one time, what was recorded last."""
    return sorted(lines, key=lambda line: (line.row.time, line.row.entry.index, line.log), reverse=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a log says last about a stage of a workspace.

    Attributes:
        latest: the latest decision about it.
        verdict, since: its verdict, and the effective time from which on it was this one without a break.
        counts: how many decisions came to each verdict.
    """

    latest: Row
    verdict: str
    since: str
    counts: Mapping[str, int]


Known = Mapping[tuple[str, str], Standing]
"""Workspace and stage → what one log says last."""


class Standings:
    """By workspace and stage, what one log says last; rows that follow are added."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Standing] = {}
        self._news: dict[str, News] = {}
        self._count = 0

    def read(self, rows: Sequence[Row]) -> Known:
        """What all rows say, as a value that does not change.

        Args:
            rows: in the order of the log, beginning with those that were given before.
        """
        for row in islice(rows, self._count, None):
            self._count += 1
            news = self._news.setdefault(row.workspace, News())
            for stage in news.of(row.entry, row.time, row.stages):
                key = row.workspace, stage
                self.found[key] = _next(self.found.get(key), row, row.stages[stage])
        return dict(self.found)


def _next(known: Standing | None, row: Row, verdict: str) -> Standing:
    counts = dict(known.counts) if known else {}
    counts[verdict] = counts.get(verdict, 0) + 1
    since = known.since if known and known.verdict == verdict else row.time
    return Standing(row, verdict, since, counts)
