"""Recorded decisions as pages list them: found, filtered and counted, without stored documents. Pure."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from heapq import merge
from itertools import islice
from typing import Final, NamedTuple

from msgspec import Struct

from ...decision.document import Verdict
from ...entries.reading import News
from ...monitoring.standing import Standing, following
from ..served import Row

PER_PAGE: Final = 50
_LONGEST: Final = 200
"""Characters of a field that are looked at."""


class Line(NamedTuple):
    """A decision and the name of its log."""

    log: str
    row: Row

    def has(self, words: Iterable[str]) -> bool:
        """Whether one of its names contains each of the words, which are in lower case, or a digest begins
        with it.
        """
        row = self.row
        names = "\n".join((self.log, row.workspace, row.policy, *map(str, row.violations))).lower()
        digests = (row.commit or "", row.digest, row.entry.digest)
        return all(word in names or any(one.startswith(word) for one in digests) for word in words)


class Asked(Struct, frozen=True):
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
        words = set(self.text.lower().split())
        for line in lines:
            row = line.row
            answer = row.stages.get(self.stage) if self.stage else row.verdict
            if (
                self.log in ("", line.log)
                and answer is not None
                and verdict in ("", answer)
                and (not since or row.time[:10] >= since)
                and (not until or row.time[:10] <= until)
                and (not words or line.has(words))
            ):
                yield line


NAMES: Final = ("log", "stage", "verdict", "since", "until", "text")
"""The fields of the form."""


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class Page(Struct, frozen=True):
    """Some of what is wanted, and whether there is more after it."""

    lines: tuple[Line, ...]
    number: int
    more: bool

    @classmethod
    def of(cls, lines: Iterator[Line], number: int) -> Page:
        """The page of that number, without looking at more lines than that takes."""
        first = (number - 1) * PER_PAGE
        found = tuple(islice(lines, first, first + PER_PAGE + 1))
        return cls(found[:PER_PAGE], number, len(found) > PER_PAGE)


class About:
    """What a log says about one workspace.

    Attributes:
        rows: its decisions by effective time; of one time, in the order of the log.
        months: verdicts by month. rules: how many failed decisions violated each rule.
        stages: where each stage stands.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.months: dict[str, Counter[str]] = {}
        self.rules: Counter[str] = Counter()
        self.stages: dict[str, Standing[Row]] = {}
        self._news = News()

    def add(self, row: Row) -> None:
        """Add the decision that follows in the log."""
        insort(self.rows, row, key=_time)
        self.months.setdefault(row.time[:7], Counter())[row.verdict] += 1
        if row.verdict == Verdict.FAIL:
            self.rules.update(row.violations)
        for stage in self._news.of(row.entry, row.time, row.stages):
            self.stages[stage] = following(self.stages.get(stage), row.stages[stage], row)


class Shelf:
    """One log as pages show it, by workspace: decisions that follow are added. Not for several threads.

    Attributes:
        count: how many decisions there are.
        odd: entries that are not what gate records.
    """

    def __init__(self) -> None:
        self.abouts: dict[str, About] = {}
        self.count = 0
        self.odd: list[int] = []

    def read(self, rows: Sequence[Row]) -> Shelf:
        """Add what follows.

        Args:
            rows: in the order of the log, beginning with those that were read before.
        """
        for row in islice(rows, self.count, None):
            self.count += 1
            about = self.abouts.get(row.workspace)
            if about is None:
                about = self.abouts[row.workspace] = About()
            try:
                about.add(row)
            except (TypeError, AttributeError, LookupError):  # whoever has the key may sign anything
                self.odd.append(row.entry.index)
        return self

    @property
    def latest(self) -> tuple[str, Row] | None:
        """The workspace of the latest decision, and that decision; None where there is none."""
        found = [(name, one.rows[-1]) for name, one in self.abouts.items() if one.rows]
        return max(found, key=lambda item: _time(item[1]), default=None)


def newest_first(shelves: Mapping[str, Shelf]) -> Iterator[Line]:
    """The decisions of all logs by effective time, the latest first; no more are looked at than are taken."""
    return merge(
        *(
            map(partial(Line, name), reversed(about.rows))
            for name, shelf in shelves.items()
            for about in shelf.abouts.values()
        ),
        key=lambda line: _time(line.row),
        reverse=True,
    )


def _time(row: Row) -> tuple[str, int]:
    return row.time, row.entry.index
