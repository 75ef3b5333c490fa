"""The scale-up plan: how much of the capital is in use from which week on.

A step is a table row, a list item or a heading that begins with weeks (``Week 1``, ``Weeks 2–3``, ``Week 4
on``, ``שבוע 1``) and states a percentage of the capital. Its position cap and its review are found in the
column of that name, or as words in the same row, item or section. The same weeks stated twice with the same
capital are one step. Of several percentages in a cell the largest counts; one that bounds from below is none.
A row of such a table that begins with something else than weeks, or states no share, cannot be understood,
nor can a plan that is marked as a template or as not in force.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from ...base.numbers import PPM
from ...collecting.interface import Observation, Problem, ProblemKind, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.markdown import Document, Table, parse, within
from ...reading.markdown_text import HEDGED, begins_with_something, has_template_mark, heading_key
from ...reading.workspace import View
from ..shared.documents import read_document, scaled
from ..shared.quantities import with_points

_WEEKS = re.compile(
    r"\W*(?:(?P<from>from)\s+|(?P<after>after)\s+)?(?:weeks?|wk|w(?=[1-9])|שבוע(?:ות)?)\s*(?P<least>≥|>=)?\s*(?P<first>[1-9][0-9]{0,2})(?![0-9])"
    r"(?:\s*(?:-|–|—|,|to\b|and\b|&|עד)\s*(?:week\s*)?(?P<last>[1-9][0-9]{0,2})(?![0-9]))?"
    r"\s*(?P<open>\+|on(?:wards?)?\b|(?:and\s+)?(?:thereafter|to\s+(?:the\s+)?end)\b"
    r"|and\s+(?:on|after|later|beyond)\b|ואילך|והלאה)?",
    re.IGNORECASE,
)
_BARE_WEEKS = re.compile(
    r"(?P<first>[1-9][0-9]{0,2})(?:\s*(?:[-–—,]|and|to)\s*(?P<last>[1-9][0-9]{0,2}))?\s*(?P<open>\+|on(?:wards?)?|ואילך)?",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?<![\w.,])(?P<percent>[0-9]{1,6}(?:\.[0-9]{1,9})?)\s*(?:%|percent\b)", re.IGNORECASE)
_AT_LEAST = re.compile(
    r"(?:at least|\bmin(?:imum|\.)?|(?<!no )\bmore than|(?<![-=])[>≥]|לפחות)\W*(?:[a-z]+\W+){0,2}[0-9.]+\s*%"
    r"|%\s*\+|%\W+(?:per|each|every|a)\s+(?:account|day|session|strategy|symbol|trader)\b|%\s+daily\b"
    r"|\b(?:[2-9]|[1-9][0-9])\s*[x×]\s*(?:leverage|margin)",
    re.IGNORECASE,
)
"""What bounds a share from below, or makes it one of several."""
_SELDOM = re.compile(
    r"(?!.*(?:dai|day|week|month|quarter|hour|session|trade|continu)).*(?:annual|year)", re.I | re.S
)
_MAY_BE_MORE = re.compile(
    r"\bsoft\b|\bflexible\b|\b(?:may|can) be (?:exceed|rais|lift|ignor|overrid)\w*", re.IGNORECASE
)
_OTHER_TIME = re.compile(
    r"\b(?:days?|months?|quarters?|hours?|immediately|at once|start|begin\w*)\b", re.IGNORECASE
)
_OF = r"(?=\s+(?:of\s+)?(?:(?:the|our|its)\s+)?(?:capital|allocation|account|funds|money|nav|equity)\b)"
_IN_WORDS = {
    "%": r"(?<=[0-9])\s*percent\b",
    "100 %": r"\b(?:the\s+)?(?:whole|entire|full|all|complete)"
    + _OF
    + r"|\bfully(?=\s+(?:invest|deploy|allocat|fund))",
    "50 %": rf"\b(?:(?:a|one)\s+)?half{_OF}",
    "34 %": rf"\b(?:a|one)[\s-]third{_OF}",
    "25 %": rf"\b(?:a|one)[\s-]quarter{_OF}",
    "week 1": r"\b(?:the\s+)?(?:(?:very\s+)?first\s+week|(?:first\s+day|day\s+(?:one|1)|start|outset))\b",
    "week 2": r"\b(?:the\s+)?second\s+week\b",
}
"""Shares of the capital, and weeks, that are stated without a figure."""
_BARE_NUMBER = re.compile(r"\W*?([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*")
_IN_PERCENT = re.compile(r"%|percent|אחוז", re.IGNORECASE)
_WHOLE = re.compile(
    r"\W*(?:all|everything|full|whole|entire|unlimited|no limit|max(?:imum)?)\W*", re.IGNORECASE
)
_WEEKS_IN = re.compile(rf"(?:\A|\b(?:in|during|for|from|already|of|at)){_WEEKS.pattern}", re.IGNORECASE)
_ALLOWING = re.compile(
    r"(?<!not )(?<!never )\b(?:allow|permit|use|deploy|invest|scale|go|trade|run|start|begin|rais|increas)"
    r"\w*\s+(?:[a-z]+\s+){0,4}[0-9.]{1,9}\s*(?:%|percent\b)"
    r"|%\s+(?:(?:of\s+)?(?:[a-z]+\s+)?(?:capital|account)\s+)?(?:may|can|is|are|goes)\s+(?!not\b)(?:be\s+)?(?:in\s+|at\s+)?"
    r"(?:allow|permit|use|deploy|invest|trade|risk|work)|%\s+(?:invest|deploy|allocat|fund)ed",
    re.IGNORECASE,
)
"""A share of the capital that a sentence allows in a week."""
_FORBIDDING = re.compile(r"\W*(?:no\s+(?!limit|cap)|not\b|nobody\b|never\b|none\b)", re.IGNORECASE)
_ANY_TIME = re.compile(r"\b(?:at any time|whenever\b[^.;]*|from the first day)", re.IGNORECASE)
_CAPITAL = re.compile(r"capital|allocation|הון|הקצאה", re.IGNORECASE)
_CAP = re.compile(
    r"\bcap(?:s|ped)?\b|position (?:limit|size)|max(?:imum)?\.? position|תקר[הת]|מגבלת", re.IGNORECASE
)
_REVIEW = re.compile(r"review|סקיר[הת]|ביקורת|בקרה", re.IGNORECASE)
_WEEK_HEADER = re.compile(r"\W*(?:weeks?|שבוע(?:ות)?)\W*", re.IGNORECASE)
_REMEDY = (
    "state from which week to which each share of the capital may be used, and remove marks of a template"
)


@dataclass(frozen=True, slots=True)
class ScaleUpOptions(BaseOptions):
    """Options of the collector ``scale_up``."""

    path: str = field(
        default="SCALE_UP_PLAN.md", metadata={"description": "The plan, relative to the workspace."}
    )


class ScaleUpCollector:
    """Reads the scale-up plan; see the module's description."""

    id: ClassVar[str] = "scale_up"
    version: ClassVar[str] = "9"
    Options: ClassVar[type[BaseOptions]] = ScaleUpOptions

    def __init__(self, options: ScaleUpOptions) -> None:
        self._path = options.path

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/scale_up.schema.json``."""
        text = read_document(view, self._path)
        if text is None:
            remedy = f"write {self._path} with a table: weeks, capital in %, position cap, review"
            problem = Problem("", f"{self._path} does not exist", remedy)
            return Observation({"file": None, "steps": []}, (problem,))
        document = parse(text, self._path)
        odd: list[tuple[int, str]] = []
        steps: dict[tuple[Any, ...], dict[str, Any]] = {}
        found = [*self._from_tables(document, odd), *self._from_text(document)]
        for step in [*found, *self._exceptions(document, found)]:
            known = steps.setdefault((step["from_week"], step["to_week"], step["capital_ppm"]), step)
            known["position_cap"] = known["position_cap"] or step["position_cap"]
            known["cap_ppm"] = max(known["cap_ppm"] or 0, step["cap_ppm"] or 0) or None
            known["review"] = known["review"] or step["review"]
        ordered = sorted(steps.values(), key=lambda step: (step["from_week"], step["line"]))
        places = len(document.sections) + len(document.items) + sum(len(t.rows) for t in document.tables)
        odd += [(line, "it cannot be told what this leaves of the plan") for line in document.marks]
        problems = [
            Problem("steps", reason, _REMEDY, ProblemKind.UNKNOWN, self._path, f"line {line}")
            for line, reason in odd
        ]
        scope = Scope("", places, places - len(odd), "headings, items and table rows")
        return Observation({"file": self._path, "steps": ordered}, tuple(problems), scopes=(scope,))

    def _step(self, weeks: re.Match[str], capital: str, line: int) -> dict[str, Any] | None:
        capital = _in_figures(capital)
        shares = [Decimal(share["percent"]) for share in _PERCENT.finditer(capital)]
        stated = weeks.groupdict()
        first = int(weeks["first"]) + bool(stated.get("after"))
        last = int(weeks["last"] or first)
        from_here_on = weeks["last"] is None and any(map(stated.get, ("from", "least", "after")))
        if not shares or has_template_mark(capital) or last < first:
            return None
        if _AT_LEAST.search(capital) or _MAY_BE_MORE.search(capital) or HEDGED.search(capital):
            return None
        return {
            "from_week": first,
            "to_week": None if weeks["open"] or from_here_on else last,
            "capital_ppm": scaled(max(shares), 10_000, self._path, f"line {line}"),
            "position_cap": False,
            "cap_ppm": None,
            "review": False,
            "line": line,
        }

    def _from_tables(self, document: Document, unclear: list[tuple[int, str]]) -> list[dict[str, Any]]:
        """The steps of all tables; ``unclear`` gets the rows of which weeks or capital cannot be told."""
        steps: list[dict[str, Any]] = []
        for table in document.tables:
            capital, cap, review = (_column(table, pattern) for pattern in (_CAPITAL, _CAP, _REVIEW))
            week_column = _WEEK_HEADER.fullmatch(table.header[0]) is not None
            minimum = "" if capital is None else f"{table.header[capital]}: "
            known = len(steps)
            odd = []
            for row in table.rows:
                weeks = _WEEKS.match(row.cells[0])
                if weeks is None and week_column:
                    weeks = _BARE_WEEKS.fullmatch(row.cells[0])
                rest = " | ".join(row.cells[1:])
                shares = row.cells[1:] if capital is None else (row.cells[capital],)
                if capital is not None and _WHOLE.fullmatch(row.cells[capital]):
                    shares = ("100 %",)
                if capital is not None and not _PERCENT.search(_in_figures(shares[0])):
                    shares = (_as_percent(shares[0], table.header[capital]),)
                share = next((cell for cell in shares if _PERCENT.search(_in_figures(cell))), "")
                step = weeks and self._step(weeks, minimum + share, row.line)
                if weeks is None and share:
                    odd.append(row)
                elif weeks and capital is not None and not share:
                    unclear.append((row.line, f"{row.cells[0][:40]!r} states no share of the capital"))
                if step:
                    is_cap, step["cap_ppm"] = self._cap(rest if cap is None else row.cells[cap], row.line)
                    step["position_cap"] = _stated(row.cells, cap, rest, _CAP) and is_cap
                    often = _SELDOM.match(rest if review is None else row.cells[review]) is None
                    step["review"] = often and _stated(row.cells, review, rest, _REVIEW)
                    steps.append(step)
            if len(steps) > known or capital is not None:
                unclear += [
                    (row.line, f"{row.cells[0][:40]!r} is no week")
                    for row in odd
                    if len(steps) > known or _OTHER_TIME.search(row.cells[0])
                ]
        return steps

    def _from_text(self, document: Document) -> list[dict[str, Any]]:
        labelled = [(item.line, item.text, item.text) for item in document.items]
        for section in document.sections:
            body = "\n".join(text.plain for text in within(section, document.texts))
            labelled.append((section.line, heading_key(section.title), f"{section.title}\n{body}"))
        steps = []
        for line, label, text in labelled:
            weeks = _WEEKS.match(label)
            lines = text.split("\n")
            capital = next((one for one in lines if _CAPITAL.search(one) and _PERCENT.search(one)), text)
            clauses = re.split(r"[,;|\n]", capital)  # what follows may be a limit of something else
            step = weeks and self._step(weeks, next(filter(_PERCENT.search, clauses), ""), line)
            if step:
                is_cap, step["cap_ppm"] = self._cap(text, line)
                step["position_cap"] = _CAP.search(text) is not None and is_cap
                step["review"] = _REVIEW.search(text) is not None
                steps.append(step)
        return steps

    def _cap(self, text: str, line: int) -> tuple[bool, int | None]:
        """Whether the position cap is one (less than the whole, a limit), and its least share."""
        text = _in_figures(text)
        text = ";".join(filter(_CAP.search, re.split(r"[,;|\n]", text))) or text
        shares = [Decimal(share["percent"]) for share in _PERCENT.finditer(text)]
        share = scaled(min(shares), 10_000, self._path, f"line {line}") if shares else None
        less = share is None or (share < PPM and max(shares) <= 100)
        return less and not any(one.search(text) for one in (HEDGED, _AT_LEAST, _MAY_BE_MORE)), share

    def _exceptions(self, document: Document, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Sentences that allow more in some week than the steps begun by then do: steps without a guard."""
        steps = []
        for line in document.texts:
            for sentence in re.split(r"[.;]\s", line.plain):
                sentence = _in_figures(_ANY_TIME.sub("in week 1", sentence))
                weeks, shares = list(_WEEKS_IN.finditer(sentence)), list(_PERCENT.finditer(sentence))
                allows = _ALLOWING.search(sentence) and not _FORBIDDING.match(sentence)
                if len(weeks) != 1 or len(shares) != 1 or not allows:
                    continue
                step = self._step(weeks[0], sentence, line.line)
                begun = [o["capital_ppm"] for o in known if step and o["from_week"] <= step["from_week"]]
                if step and begun and step["capital_ppm"] > max(begun):
                    steps.append(step)
        return steps


def _as_percent(cell: str, header: str) -> str:
    """A bare number as percent: below a header that says so (``Capital (%)``), or a fraction of one."""
    number = _BARE_NUMBER.fullmatch(with_points(cell))
    if number is None:
        return cell
    if _IN_PERCENT.search(header):
        return f"{number[1]} %"
    return f"{Decimal(number[1]) * 100:f} %" if "." in number[1] and Decimal(number[1]) <= 1 else cell


def _in_figures(text: str) -> str:
    """The text with figures for the shares and weeks that it states in words."""
    text = with_points(text)
    for figure, words in _IN_WORDS.items():
        text = re.sub(words, figure, text, flags=re.IGNORECASE)
    return text


def _column(table: Table, pattern: re.Pattern[str]) -> int | None:
    return next((i for i, header in enumerate(table.header) if i and pattern.search(header)), None)


def _stated(cells: tuple[str, ...], column: int | None, rest: str, pattern: re.Pattern[str]) -> bool:
    """Whether the column is filled in, or, where there is no such column, the row has the word."""
    if column is None:
        return pattern.search(rest) is not None
    cell = cells[column]
    return begins_with_something(cell) and not has_template_mark(cell)
