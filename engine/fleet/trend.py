"""How the verdicts of a fleet develop, by day, week or month, and which rules decisions fail by."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from ...evidence.base.numbers import counted
from ...evidence.base.records import to_json
from ...evidence.base.times import parse_rfc3339
from ..decision.document import Verdict
from ..entries.reading import decisions
from ..ledger.reader import LedgerReader
from ..report.interface import Screen
from ..report.json_format import render_json, shown
from ..report.several.series import Point
from ..report.several.trend import sparkline
from ..terminal.lines import Lines, columns, pad
from .reading import Answers, Problem
from .settings import Member
from .standing import add_problems

MAX_RULES: Final = 500
"""Rules that are counted for one period of one ledger; further ones count as one together."""
OTHERS: Final = "(other rules)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class By(StrEnum):
    """The length of a period: a day, an ISO week or a month, in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def period(self, time: str) -> str:
        """The period of an RFC 3339 time: ``2026-11-28``, ``2026-W48`` or ``2026-11``; later ones sort later.

        Raises ValueError: it is no time.
        """
        moment = _EPOCH + timedelta(seconds=parse_rfc3339(time))
        if self is By.WEEK:
            year, week, _ = moment.isocalendar()
            return f"{year:04}-W{week:02}"
        return moment.date().isoformat()[: 10 if self is By.DAY else 7]


class Period(Struct):
    """Decisions by verdict, rules violated in those that failed, and of how many ledgers that is."""

    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    ledgers: int = 0


Periods = dict[str, Period]


class Trend(Struct, frozen=True):
    """The periods by name, in their order; rules with the number of failed decisions and of ledgers in which
    they were violated, most first; and the ledgers that could not be read.
    """

    by: By
    periods: Periods
    rules: tuple[tuple[str, int, int], ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, answers: Answers[Periods], by: By, last: int) -> Trend:
        """The last periods of all answers together."""
        names = sorted({name for found in answers.found for name in found})[-last:]
        periods = {name: Period() for name in names}
        counts, ledgers = Counter[str](), Counter[str]()
        for found in answers.found:
            for name in periods.keys() & found.keys():
                periods[name].verdicts += found[name].verdicts
                periods[name].rules += found[name].rules
                periods[name].ledgers += 1
                counts += found[name].rules
            ledgers.update({code for name in periods.keys() & found.keys() for code in found[name].rules})
        rules = [(code, count, ledgers[code]) for code, count in counts.items()]
        return cls(by, periods, tuple(sorted(rules, key=lambda row: (-row[1], row[0]))), answers.problems)


def develop(member: Member, ledger: LedgerReader, stage: str | None, by: By, last: int) -> Periods:
    """The last periods of a ledger: of all decisions by their verdict, or of one stage by the stage's.

    Raises LedgerError: an entry does not hold.
    """
    found: Periods = {}
    for one in decisions(ledger):
        verdict = one.summary.verdict if stage is None else one.summary.stages.get(stage)
        if verdict is None:
            continue
        name = by.period(one.summary.time)
        if name not in found and len(found) == last and name < min(found):
            continue
        into = found.setdefault(name, Period())
        if len(found) > last:
            del found[min(found)]
        into.verdicts[Verdict(verdict).value] += 1
        if verdict == Verdict.FAIL:
            codes = one.summary.violations or ()
            known = {code if code in into.rules or len(into.rules) < MAX_RULES else OTHERS for code in codes}
            into.rules.update(known)
    return found


def _table(found: Trend, screen: Screen) -> bytes:
    lines = Lines(screen)
    if found.periods:
        lines.add((f"{found.by.value:<10}  decisions  {'  '.join(Verdict)}  passed  ledgers", "bold"))
    for name, one in found.periods.items():
        total = one.verdicts.total()
        counts = "  ".join(f"{one.verdicts[verdict]:>{len(verdict)}}" for verdict in Verdict)
        share = f"{one.verdicts[Verdict.PASS] * 100 // total} %"
        lines.add(f"{name:<10}  {total:>9}  {counts}  {share:>6}  {one.ledgers:>7}")
    if not found.periods:
        lines.add("no decision was recorded")
    rules = found.rules[:20]
    if rules:
        lines.add(("Violated most often in decisions that failed", "bold"))
    width = min(max((columns(code) for code, _, _ in rules), default=0), 50)
    for code, often, ledgers in rules:
        points = [Point(0, name, one.rules[code]) for name, one in found.periods.items()]
        told = f"{counted(often, 'decision')} in {counted(ledgers, 'ledger')}"
        lines.add(f"{pad(code, width)}  ", (sparkline(points), "cyan"), f"  {told}", indent=2, hang=6)
    add_problems(lines, found.problems)
    return lines.text().encode()


def _json(found: Trend, screen: Screen) -> bytes:
    periods = [
        {"period": name, "ledgers": one.ledgers, "decisions": one.verdicts.total()}
        | {verdict.value: one.verdicts[verdict] for verdict in Verdict}
        for name, one in found.periods.items()
    ]
    rules = [{"code": code, "decisions": count, "ledgers": ledgers} for code, count, ledgers in found.rules]
    problems = to_json(found.problems)
    return render_json(shown({"by": found.by, "periods": periods, "rules": rules, "problems": problems}))


TREND = {"table": _table, "json": _json}
