"""The rollback procedure and the record of its latest drill.

The procedure's triggers with their limits, its steps and its checks of the recovery are recognised by words,
in English and Hebrew, in the sections on triggers, steps and recovery; what stands beside a template mark
does not count. Neither does what is said to be left out, partial, or done at some time or somebody's leave.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from ...base.errors import EvidenceError
from ...base.settings import Regex
from ...base.times import format_utc
from ...collecting.interface import Observation, Problem, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.markdown import Document, Text, find_sections, match_sections, parse, within
from ...reading.markdown_text import HEDGED, begins_with_something, from_word_start, has_template_mark
from ...reading.workspace import View
from ..artifacts import shipped_sections
from ..shared.documents import absent, read_document
from ..shared.quantities import GROUPED, WORDS, ungrouped, with_points
from .drill import no_drill, read_drill

SECTIONS = shipped_sections("rollback_procedure")
TRIGGERS = {
    "connection": r"(?:dis|re)?connect|ניתוק|חיבור",
    "drawdown": r"draw-?\s?down|ירידה מהשיא",
    "latency": r"latenc|השהי|שיהוי",
    "pacing": r"pacing|rate limit|קצב",
    "pnl": r"p\s*[&/]?\s*n?l(?![^\W_])|profit and loss|רווח והפסד|הפסד",
    "psr": r"psr(?![^\W_])|probabilistic sharpe",
    "rejections": r"reject|דחיו?ת|דחייה",
}
STEPS = {
    "cancel_orders": r"cancel|ביטול|בטל",
    "disconnect": r"disconnect|התנתק|ניתוק|נתק",
    "flatten": r"flatten|flat\b|close (?:all |out )?(?:open )?positions|liquidat|סגירת|סגור",
    "halt": r"halt|(?:stop|pause|suspend) (?:all )?(?:the )?(?:trading|strateg)|עציר|עצור",
    "report": r"report|notif|inform\b|דיווח|דווח|דו[\"״]ח",
    "root_cause": r"root[\s-]?cause|rca\b|post-?\s?mortem|investigat|סיבת (?:ה)?שורש|תחקיר",
    "verify": r"verif|confirm|אימות|אמת|ודא",
}
CHECKS = {
    "flat": r"flat\b|(?:no|zero|0) (?:open )?positions?|positions? (?:\w+ )?(?:closed|zero|[:=|] ?0(?!\.?\d))"
    r"|(?:אין|ללא) פוזיציות|פוזיציות נ?סגור",
    "logs_archived": r"logs? (?:\w+ ){0,4}(?:archived?|saved|kept)|archiv\w* (?:\w+ ){0,4}logs?\b|יומנ|לוגים",
    "nav": r"nav\b|net (?:asset|liquidation) value|שווי",
    "open_orders": r"(?:no |zero )?(?:open|working|pending) orders|no orders|orders (?:\w+ )?cancell?ed"
    r"|פקודות פתוחות",
}
_NUMBER = rf"(?<![\w.,])(?P<number>(?:{GROUPED}|[0-9]{{1,9}})?(?<=[0-9])(?:\.[0-9]{{1,6}})?|\.[0-9]{{1,6}})"
_SHARE = re.compile(rf"{_NUMBER}\s*(?:(?P<percent>%|percent\b|bps?\b|basis points?\b|אחוז)|(?![\w.,%]))")
_RATE = re.compile(
    rf"{_NUMBER}(?![.,]?[0-9])[^0-9]{{0,40}}?"
    r"(?:(?:/|\b(?:per|an?|one|each|every|in|within)\b|ב|ל)\s*(?:(?P<window>[1-9][0-9]{0,3})\s*)?"
    r"(?P<unit>hour|hr|h\b|min|day|sec|s\b|שעה|דקה|יום)|(?P<adverb>hour|dai)ly\b)"
)
_TIMES = re.compile(
    rf"{_NUMBER}\s*(?:(?P<percent>%)(?P<more>\s*(?:above|over|higher|more))?|[×x*](?!\s*[0-9])|times\b|פי\b)"
    r"|(?:[×x]|times|פי)\s*(?P<after>[0-9]{1,6}(?:\.[0-9]{1,6})?)|\b(?:twice|doubl\w+)(?=[^.;]{0,30}baseline)",
    re.IGNORECASE,
)
_LOW = re.compile(r"below|under|less|fewer|falls?|<|≤|מתחת|פחות", re.IGNORECASE)
_HIGH = re.compile(r"above|over|more|exceed\w*|>|≥|מעל|יותר", re.IGNORECASE)
_BEYOND = re.compile(
    r"\A(?!.*\bwithin\b).*"
    r"(?:(?<!no )(?<!not )\b(?:more than|above|over|beyond|outside|exceed)|\bat least\b|[>≥])",
    re.IGNORECASE,
)
_NO_LONGER = re.compile(r"\((?:was|formerly|previously)\b|\bno longer\b", re.IGNORECASE)
"""What a trigger says before its number: works below it, above it, no longer."""
_NOT = re.compile(
    r"(?:\b(?:not|never|almost|nearly|hardly|(?:may|might|could)(?=\s+be\s)|without|skip\w*|avoid\w*|optional(?:ly)?:?|(?:do|need|must)(?:es)?n['’]t|consider\w*|whether)"
    r"|\bno need to|\b(?:at most|up to|fewer than)\s+\w+|ideally|preferably"
    r"|\bif [^,;.]{0,40}\b(?:agree|approve|allow|want|wish|permit)(?:e?s)?,"
    r"|\b(?:if|when|where) (?:possible|convenient|needed|necessary),"
    r"|\b(?:most|some|half|many|(?:nearly|almost) all)(?: of)?(?: the)?(?: open)?(?: \w+)? (?:is|are)"
    r"|ללא|בלי|לא|אין(?: צורך| חובה)?|אסור)[\s-]+"
    r"(?:(?:be|have|been|to|all|the|any)\s+)*\Z",
    re.IGNORECASE,
)
_NOT_INSIDE = re.compile(r"\b(?:not|never|(?:may|might|could) be)\b|n['’]t\b", re.IGNORECASE)
_NOT_AFTER = re.compile(
    r"\w*[^.;]{0,200}?\b"
    r"(?:(?:is|are|be) (?:forbidden|prohibited|optional|skipped|omitted|postponed|deferred|unnecessary)"
    r"|not (?:required|needed|necessary)|(?:may|can) (?:remain|stay)|if time permits|when(?:ever)? convenient"
    r"|(?:bigger|larger|longer|older|smaller|younger) than"
    r"|(?:if|when) possible|if there is (?:time|space|room))\b"
    r"|\w*\W{1,3}(?:no|not (?:yet )?(?:checked|confirmed|done|verified))\W*\Z"
    r"|\w*(?:(?!re-?start|re-?connect|re-?enabl|resum)[^.;,]){0,200}?\b(?:after|pending|subject to|upon)\s+"
    r"(?:\w+\s+){0,3}(?:approval|consent|permission)\b"
    r"|\w*\W+(?:half|some|most|parts?|a few|[0-9]{1,2}\s*%)(?: of)?(?: the| them| open)*\b",
    re.IGNORECASE,
)
_NOT_ALL = re.compile(
    r"(?:cancel|flat|close|liquidat)[^.;]{0,200}\b(?:except|apart from|other than|excluding|tomorrow"
    r"|at the end of the (?:day|week|month|quarter)"
    r"|(?:with)?in (?:an?|one|[0-9]+) (?:day|week|month)s?|(?:on|by) the next (?:\w+ )?day)\b"
    r"|(?:cancel|flat|close|liquidat)[^.;,]{0,60}\bonly (?:if|new|some|those|when)\b"
    r"|(?:halt|pause|stop|suspend)(?:(?!re-?start|resum)[^.;]){0,200}"
    r"\b(?:tomorrow|(?:from|on) the next (?:\w+ )?day)\b",
    re.IGNORECASE,
)
"""What is said around a step or check that is then not done, not at once, or not to all."""
_NO_STEP = re.compile(
    r"\A[\W0-9]*[\w ]{1,30}[:–—]\s*(?:none|n/?a|nothing|nobody)\W*\Z|\bto (?:nobody|no one)\b", re.IGNORECASE
)
_UNWATCHED = re.compile(
    r"(?:\bby|[|:])\W{0,9}(?:nobody|no[\s-]?one)\b|\b(?:not|nobody|no one) (?:watch|monitor|enforce|check)\w*"
    r"|\b(?:alert|inform\w*|log\w*|monitor\w*|notif\w*|warn\w*)[\s-]+only\b|\bno action\b",
    re.IGNORECASE,
)
_WATCHER = re.compile(r"watch|monitor|enforc|owner|מנוטר|אחראי", re.IGNORECASE)
_LASTS = re.compile(
    r"\b(?:sustained|consecutive|successive|grace period)\b|\bat the end of the (?:week|month|quarter|year)"
    r"|\bafter (?:[0-9]+|two|three|four|five|ten|several|repeated) (?:breach|time|occurrence|violation)"
    r"|\bfor\s+(?!the\s)(?:[a-z]+\s+){0,4}[0-9]+[\s-]*(?:s|min|h|day|week|month|quarter|year)"
    r"|[0-9]\s*%?\s[^|().;]{0,30}?\band\s+(?:\w+\W+){1,4}?(?:above|below|exceeds?|fewer|less|more|over|under)\b",
    re.IGNORECASE,
)
"""What a trigger adds that nobody looks at it, or that it fires only after some time or beside another."""
_OF_A_PART = re.compile(
    r"\b(?:and|each|every|per)\s+(?:client|instrument|strategy|symbol|thread)\b", re.IGNORECASE
)
_IN_WORDS = re.compile(
    rf"\b({'|'.join(WORDS)})(?=\s+(?:\w+\s+){{0,2}}(?:an?|each|every|in|per|within)\b)", re.IGNORECASE
)
_PARTS = {"": 1, "%": 100, "p": 100, "א": 100, "b": 10_000}
"""What a share is in parts of, by the first letter of its unit."""
_DAY = Fraction(1, 24)
_PER_HOUR: dict[str, int | Fraction] = {"h": 1, "ש": 1, "m": 60, "ד": 60, "s": 3600, "d": _DAY, "י": _DAY}
_MICRO = 1_000_000
_LINES = ("unfilled", "triggers", "limits", "steps", "checks")


@dataclass(frozen=True, slots=True)
class RollbackOptions(BaseOptions):
    """Options of the collector ``rollback``."""

    path: str = field(
        default="ROLLBACK_PROCEDURE.md", metadata={"description": "The procedure, relative to the workspace."}
    )
    drill: str = field(
        default="ROLLBACK_DRILL.json",
        metadata={"description": "The drill's record, relative to the workspace."},
    )
    account: str = field(
        default="ACCOUNT_CONFIG.json",
        metadata={"description": "The account's record; a drill that names an account has to name its."},
    )
    sections: dict[str, list[Regex]] = field(
        default_factory=dict,
        metadata={"description": "Further heading patterns per section id, beside the built-in ones."},
    )


class RollbackCollector:
    """Reads the rollback procedure and its drill; see the module's description."""

    id: ClassVar[str] = "rollback"
    version: ClassVar[str] = "8"
    Options: ClassVar[type[BaseOptions]] = RollbackOptions

    def __init__(self, options: RollbackOptions) -> None:
        self._path = options.path
        self._drill = options.drill
        self._account = options.account
        self._sections = {name: [*own, *options.sections.get(name, [])] for name, own in SECTIONS.items()}

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/rollback.schema.json``; each of the two files may be rejected alone."""
        problems: list[Problem] = []
        facts: dict[str, Any] = {
            "file": None,
            "sections": dict.fromkeys(SECTIONS),
            **{name: [] for name in _LINES},
            "drill_file": None,
            "drill": no_drill(),
        }
        scopes: list[Scope] = []
        try:
            text = read_document(view, self._path)
            if text is None:
                remedy = f"write {self._path} with sections on triggers, steps and recovery"
                problems += absent(("file", "sections"), f"{self._path} does not exist", remedy)
            else:
                facts |= self._procedure(text)
                lines = len(parse(text, self._path).texts)
                scopes += [Scope(name, lines, lines, "lines") for name in _LINES]
        except EvidenceError as error:
            problems += [Problem.rejected(error, name) for name in ("file", "sections")]
        try:
            if view.exists(self._drill):
                facts["drill"], missing = read_drill(view, self._drill, self._account)
                facts["drill_file"] = self._drill
                problems += missing
                scopes.append(Scope("drill", 1, 1, "drills"))
            else:
                remedy = f"run a drill of {self._path} and record it in {self._drill}"
                remedy += " (`gate docs files/rollback_drill.schema.json` shows the shape)"
                problems += absent(("drill_file", "drill"), f"{self._drill} does not exist", remedy)
        except EvidenceError as error:
            problems += [Problem.rejected(error, name) for name in ("drill_file", "drill")]
        performed = facts["drill"]["performed_at_s"]
        observed = None if performed is None else format_utc(performed)
        return Observation(facts, tuple(problems), observed, scopes=tuple(scopes))

    def _procedure(self, text: str) -> dict[str, Any]:
        path = self._path
        found = {name: find_sections(text, own, path) for name, own in self._sections.items()}
        document = parse(text, path)
        idle = {
            row.line
            for table in document.tables
            for column, head in enumerate(table.header)
            if _WATCHER.search(head)
            for row in table.rows
            if not begins_with_something(row.cells[column])
        }
        triggers = [
            line
            for line in self._lines(text, "triggers")
            if line.line not in idle and not _UNWATCHED.search(line.plain)
        ]
        recovery = self._lines(text, "recovery")
        return {
            "file": path,
            "sections": match_sections(text, self._sections, path),
            "unfilled": [
                {"section": name, "title": section.title[:200], "line": section.line}
                for name, sections in found.items()
                for section in sections
                if not section.filled
            ],
            "triggers": _named(triggers, TRIGGERS),
            "limits": [
                *_limits(triggers, TRIGGERS, document),
                *_limits(recovery, {"nav": CHECKS["nav"]}, document),
            ],
            "steps": _in_order(self._lines(text, "steps")),
            "checks": _named(recovery, CHECKS),
        }

    def _lines(self, text: str, section: str) -> list[Text]:
        texts = parse(text, self._path).texts
        return [
            line
            for place in find_sections(text, self._sections[section], self._path)
            for line in within(place, texts)
            if not has_template_mark(line.raw)
        ]


def _named(lines: list[Text], words: dict[str, str]) -> list[str]:
    return [
        name for name, pattern in sorted(words.items()) if any(_found(pattern, line.plain) for line in lines)
    ]


def _found(pattern: str, line: str) -> re.Match[str] | None:
    """Where a line speaks of something, unless it says that it is not done."""
    match = from_word_start(pattern)(line)
    if match is None or _is_denied(match):
        return None
    again = from_word_start(pattern)(line[match.end() :])
    while again is not None:  # "cancel orders: do not cancel"
        if again.group()[:4].lower() == match.group()[:4].lower() and _is_denied(again):
            return None
        again = from_word_start(pattern)(again.string[again.end() :])
    return match


def _is_denied(match: re.Match[str]) -> bool:
    """Whether the words around say that it is not done, or need not be."""
    line = match.string
    before = _NOT.search(line, 0, match.start()) or _NOT_INSIDE.search(match.group())
    after = _NOT_AFTER.match(line, match.end()) or _NOT_ALL.match(line, match.start())
    return before is not None or after is not None


def _in_order(lines: list[Text]) -> list[str]:
    """The steps in the order of the lines that are most about them: that name them the earliest."""
    lines = [line for line in lines if not _NO_STEP.search(line.plain)]
    places = {
        name: min((match.start(), line.line) for line in lines if (match := _found(pattern, line.plain)))
        for name, pattern in STEPS.items()
        if any(_found(pattern, line.plain) for line in lines)
    }
    return sorted(places, key=lambda name: (places[name][1], places[name][0]))


def _limits(lines: list[Text], triggers: Mapping[str, str], document: Document) -> list[dict[str, Any]]:
    """Each trigger's limits in millionths: a share, a count in an hour, a multiple.

    They stand in the line that names the trigger, or in the list or section below it. Null where no number is
    stated, or one that triggers on the wrong side of it.
    """
    found: list[dict[str, Any]] = []
    below = _Below(document)
    for name, pattern in sorted(triggers.items()):
        stated, reversed_ = [], False
        for line in lines:
            match = from_word_start(pattern)(line.plain)
            if match is not None:
                text = next((t for t in below.texts(line) if _limit(name, t) is not None), line.plain)
                after = _limit(name, line.plain[match.end() :])
                micro = after if after is not None else _limit(name, text)
                told = line.plain[match.end() :] if after is not None else text
                if _is_reversed(name, told) or _LASTS.search(told) or HEDGED.search(told):
                    micro, reversed_ = None, True
                stated.append({"trigger": name, "micro": micro, "line": line.line})
        found += [one for one in stated if one["micro"] is not None and not reversed_] or [
            one for one in stated if one["micro"] is None
        ][:1]
    return found


class _Below:
    """What stands below the lines of a document."""

    def __init__(self, document: Document) -> None:
        self._texts = sorted(document.texts, key=lambda text: text.line)
        self._ends: dict[int, int] = {}
        begun = [(item.line, item.end) for item in document.items]
        for line, end in [*begun, *((section.line, section.end) for section in document.sections)]:
            self._ends[line] = max(end, self._ends.get(line, 0))

    def texts(self, line: Text) -> Iterator[str]:
        """The line and what stands below it, where it begins a list item or a section."""
        yield line.plain
        first = bisect_right(self._texts, line.line, key=lambda text: text.line)
        for index in range(first, len(self._texts)):
            text = self._texts[index]
            if text.line >= self._ends.get(line.line, 0):
                break
            yield text.plain


def _is_reversed(trigger: str, text: str) -> bool:
    """Whether the limit is passed on the safe side (``P&L above −5 %``, ``drawdown below 15 %``) or ended."""
    number = re.search(r"[-−+]?\s*[0-9]", text)
    if number is None or _NO_LONGER.search(text, 0, number.start()):
        return number is not None
    negative = number.group()[0] in "-−"
    if trigger == "nav":
        return _BEYOND.search(text, 0, number.start()) is not None
    if trigger == "pnl" and not negative:
        return False  # a loss above 5 %
    falls = trigger == "psr" or (negative and trigger in {"pnl", "drawdown"})
    return (_HIGH if falls else _LOW).search(text, 0, number.start()) is not None


def _limit(trigger: str, text: str) -> int | None:
    """The limit that a text states first; of several in one cell or clause the loosest."""
    found: list[Fraction] = []
    for clause in with_points(text).split(" | "):
        if trigger in {"pacing", "connection"}:
            if _OF_A_PART.search(clause):
                return None
            clause = _IN_WORDS.sub(lambda match: WORDS[match[1].lower()], clause)
            for rate in _RATE.finditer(clause):
                unit = _PER_HOUR[(rate["unit"] or rate["adverb"])[0]]
                found.append(_value(rate["number"]) * unit / int(rate["window"] or 1))
        elif trigger == "latency":
            for match in _TIMES.finditer(clause):
                times = _value(match["number"] or match["after"] or "2") / (100 if match["percent"] else 1)
                found.append(times + (match["more"] is not None))
        else:
            shares = list(_SHARE.finditer(clause))
            if any(_value(one["number"]) > 1 and not one["percent"] for one in shares[:1]):
                return None  # an amount of money or a count is no share
            same = (one for one in shares if bool(one["percent"]) == bool(shares[0]["percent"]))
            found += [_value(one["number"]) / _PARTS[(one["percent"] or "")[:1]] for one in same]
        if found:
            return int((min if trigger == "psr" else max)(found) * _MICRO)
    return None


def _value(number: str) -> Fraction:
    return Fraction(ungrouped(number))
