"""The broker's interface map: sections, operations with latency, error codes with actions, pacing limits.

Operations are looked for in the sections on endpoint mapping and on latency (in the whole document when it
has neither): in table rows, list items and sub-headings whose label is the operation's id or one of its
aliases, or with a cell that is exactly an alias. Error codes are looked for in the section on error codes:
three to five digits in a table's first column or at the head of a list item. Pacing figures are looked for in
the section on pacing limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...base.settings import Regex
from ...collecting.interface import Observation, Problem, ProblemKind, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.markdown import Document, Section, Table, find_sections, match_sections, parse, within
from ...reading.markdown_text import HEDGED, has_template_mark, heading_key, says_something
from ...reading.workspace import View
from ..shared.documents import absent, bounded, read_document, word_pattern
from ..shared.quantities import NO_PROMISE, PER_SECOND, burst, count_near, latency_us, rate_per_second

SECTIONS: dict[str, list[str]] = {
    "endpoint_mapping": [
        r"endpoint", r"operations? map", r"api map",
        r"\b(api|broker|ibkr) (operation|call|method|function)s?\b", "נקודות (ה)?קצה", "מיפוי (פעולות|ממשק)",
    ],
    "message_flows": [r"\bflows?\b", r"sequence", "זרימת (ה)?הודעות", "תרשימי רצף"],
    "error_codes": [r"\berrors?\b", "שגיא"],
    "latency_sla": [r"latenc", r"\bslas?\b", "השהי", "שיהוי", "זמני תגובה"],
    "pacing_limits": [r"pacing", r"rate[- ]limit", r"throttl", "מגבלות קצב", "הגבלת קצב", "קצב הודעות"],
    "data_types": [r"data[- ]?types?", r"conversion", r"type map", "המרו?ת", "(טיפוסי|סוגי) (ה)?נתונים"],
}  # fmt: skip
OPERATIONS: dict[str, list[str]] = {
    "connect": ["connectAsync", "eConnect", "התחברות"],
    "disconnect": ["eDisconnect", "התנתקות"],
    "account_info": [
        "account information", "account summary", "account updates", "reqAccountSummary", "reqAccountUpdates",
        "פרטי חשבון", "מידע על החשבון",
    ],
    "positions": ["reqPositions", "פוזיציות"],
    "place_order": [
        "placeOrder", "order placement", "order submission", "submit order", "שליחת פקודה", "הגשת פקודה",
    ],
    "cancel_order": ["cancelOrder", "order cancellation", "ביטול פקודה"],
    "order_status": ["orderStatus", "reqOpenOrders", "סטטוס פקודה", "מצב פקודה"],
    "market_data": ["reqMktData", "market data subscription", "נתוני שוק"],
}  # fmt: skip
_NOUNS = {"connection": "connect", "disconnection": "disconnect"}
"""Labels that name an operation only if they say nothing else: ``Connection failures`` are none."""
_CODE = r"[0-9]{3,5}"
_CODES = re.compile(
    rf"(?:(?:error|code|שגיאה|קוד)s?\s+)*#?{_CODE}(?:\s*(?:,|/|&|;|and|to|ו-?|[-–])\s*{_CODE})*",
    re.IGNORECASE,
)
_LONGEST_RANGE = 200
_ITEM = re.compile(
    rf"(?P<codes>{_CODES.pattern})(?![\w%]|[.,][0-9])(?!\s*(?:ms|s|sec|min)\b)(?P<rest>.*)",
    re.DOTALL | re.IGNORECASE,
)
_ACTION_HEADER = re.compile(r"action|handling|response|reaction|what to do|פעולה|טיפול|תגובה", re.IGNORECASE)
_LATENCY = "latenc|השהי|שיהוי|זמן תגובה"
_SLA_HEADERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r"p\s?95", r"\bsla\b", _LATENCY, r"target|budget|limit|\bmax|יעד")
)
_OTHER_FIGURE = re.compile(
    r"p\s?(?!9[5-9])[0-9]{2}(?![0-9])|\b(?:median|mean|average|avg|min(?:imum)?|typical|best)\b"
    r"|\A(?!.*(?:\bsla|target|limit|budget)).*\b(?:measured|observed|actual|current)\b",
    re.IGNORECASE,
)
_P95 = re.compile(r"p\s?9[5-9]|95th", re.IGNORECASE)
_SLA_TEXT = re.compile(rf"p\s?95|\bsla\b|{_LATENCY}", re.IGNORECASE)
_HEAD_END = re.compile(r"\s*(?::|→|->|=>|\s[-–—]\s|\||\()")
_MESSAGES = r"(?:messages?|msgs?|requests?|calls?|orders?|הודעות)"
_ABOUT_MESSAGES = re.compile(rf"{_MESSAGES}|\brate\b|\bapi\b", re.IGNORECASE)
_PACING = {
    "messages_per_second": re.compile(rf"{_MESSAGES}\s*{PER_SECOND}", re.IGNORECASE),
    "market_data_subscriptions": re.compile(
        r"(?:(?:simultaneous|concurrent)\s+)?market[\s-]*data|נתוני שוק", re.IGNORECASE
    ),
    "historical_requests": re.compile(r"historical|היסטורי", re.IGNORECASE),
}
_CODES_OF_CLASS = frozenset({100, 103, 200, 201, 202, 321, 399, 434, 504, 1100, 2104, 2106})
"""Codes whose action must be understood: those of the broker's ordinary operation."""
_CLASSES = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "back_off": r"\bback(?:s|ed|ing)?[\s-]*off|\bwait|\bpaus|\bdelay|\bslow|\bthrottl|\brate[\s-]*limit|"
        r"\bpacing|המתנ|להמתין|האט",
        "reject": r"\breject|\babort|\bdiscard|\bdrop\b|\bfail(?:s|ed)? the (?:order|intent)|דחי|דחה|לדחות",
        "retry": r"\bretr(?:y|ies|ied)|\bre-?sen[dt]|\bre-?submit|\btry again|ניסיון חוזר|שליחה חוזרת",
        "cancelled": r"\bcancel|בוטל|ביטול|לבטל",
        "warning": r"\bwarn|אזהר",
        "reconnect": r"\bre-?connect|\bre-?establish|\bconnect again|התחבר\w* מחדש|חיבור מחדש",
        "info": r"\binfo|\blog\b|\blogs\b|\blogged\b|\bignore|\bno action|מידע|רישום",
    }.items()
}
_NOT = re.compile(
    r"(?:\b(?:no|non|not|never|without|don't)|ללא|בלי|אין|לא)[\s-]+(?:\w+\s+){0,2}\Z", re.IGNORECASE
)
_NO_TIME = re.compile(r"\w*\s*(?:for|of)?\s*0+(?:\.0+)?\s*(?:ms|s|sec)", re.IGNORECASE)
_OF_A_PART = re.compile(
    r"\b(?:each|every|per)\s+(?:instance|process|strategy|symbol|thread|worker)\b", re.IGNORECASE
)
_SHORT_WINDOW = re.compile(
    r"[0-9]\s*(?:\w+\s*)?(?:/|\b(?:each|every|in|per)\b)\s*[0-9]*\s*(?:ms|msec|milliseconds?)\b", re.I
)
"""What multiplies a pacing limit."""
_OTHER_WINDOW = re.compile(
    r"(?<![0-9])(?!10\D)[0-9]+[\s-]*(?:min|דקות)|(?<![0-9])(?!600\D)[0-9]+\s*(?:s\b|sec|h\b|hour|day)"
    r"|(?:/|\bper|\ban?|\beach|\bevery)\s*(?:min|s\b|sec|hour|day)",
    re.IGNORECASE,
)


_WORKS, _DONE = "SUBMITTED|ACKNOWLEDGED|ACCEPTED|WORKING|OPEN", "FILLED|EXECUTED"
_STATES = {
    "(?:Pre)?Submitted|PendingSubmit": f"{_DONE}|CANCELL?ED|REJECTED",
    "(?:Api)?Cancelled": f"{_WORKS}|{_DONE}|REJECTED",
    "Filled": f"{_WORKS}|CANCELL?ED|REJECTED|PARTIAL_FILL",
    "Inactive": f"{_WORKS}|{_DONE}",
}
_OTHER_STATE = re.compile(
    "|".join(
        rf"(?<![A-Za-z])(?:{broker})\W?\s*(?:→|⇒|[-=]>|\||maps to|becomes)\s*\W?(?:{wrong})(?![A-Z_])"
        for broker, wrong in _STATES.items()
    )
)
"""A state of the broker's beside one of the system's that it never means."""


@dataclass(frozen=True, slots=True)
class InterfaceMapOptions(BaseOptions):
    """Options of the collector ``interface_map``."""

    path: str = field(
        default="IBKR_INTERFACE_MAP.md", metadata={"description": "The document, relative to the workspace."}
    )
    sections: dict[str, list[Regex]] = field(
        default_factory=dict,
        metadata={"description": "Further heading patterns per section id, beside the built-in ones."},
    )
    aliases: dict[str, list[str]] = field(
        default_factory=dict,
        metadata={"description": "Further names per operation id, beside the built-in ones."},
    )


class InterfaceMapCollector:
    """Reads the interface map; see the module's description."""

    id: ClassVar[str] = "interface_map"
    version: ClassVar[str] = "8"
    Options: ClassVar[type[BaseOptions]] = InterfaceMapOptions

    def __init__(self, options: InterfaceMapOptions) -> None:
        self._path = options.path
        self._sections = {name: [*own, *options.sections.get(name, [])] for name, own in SECTIONS.items()}
        self._aliases = {
            name: word_pattern(name, *own, *options.aliases.get(name, [])) for name, own in OPERATIONS.items()
        }

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/interface_map.schema.json``."""
        path = self._path
        text = read_document(view, path)
        if text is None:
            nothing: dict[str, Any] = {
                "file": None,
                "sections": dict.fromkeys(SECTIONS),
                "operations": [],
                "error_codes": [],
                "other_states": [],
                "pacing": dict.fromkeys(_PACING),
            }
            remedy = (
                f"write {path} (`gate docs collectors/interface_map` shows what it must hold), or set "
                "evidence.interface_map.path in gate.yaml"
            )
            return Observation(nothing, (Problem("", f"{path} does not exist", remedy),))
        document = parse(text, path)
        pacing = self._pacing(text, document)
        codes = self._error_codes(text, document)
        facts = {
            "file": path,
            "sections": match_sections(text, self._sections),
            "operations": self._operations(text, document),
            "error_codes": codes,
            "other_states": [
                {"line": line.line, "text": found[0]}
                for line in document.texts
                for found in _OTHER_STATE.finditer(line.plain)
            ],
            "pacing": pacing,
        }
        missing = absent(
            (f"pacing.{name}" for name, value in pacing.items() if value is None),
            f"{path} has no section on pacing limits that states it",
            "state it there, like `40 messages/s`, `100 market-data subscriptions` or `60 historical requests"
            " per 10 min`; name the section's heading in evidence.interface_map.sections.pacing_limits",
        )
        known = (code for code in codes if code["code"] in _CODES_OF_CLASS)
        unclear = [code for code in known if code["action"] and not code["classes"]]
        unknown = (
            Problem(
                "error_codes",
                f"it cannot be told what is done about code {code['code']}: {code['action'][:80]!r}",
                "say one of: back off, reject, no retry, cancelled, warn, reconnect, log as information",
                ProblemKind.UNKNOWN,
                path,
                f"line {code['line']}",
            )
            for code in unclear
        )
        return Observation(
            facts,
            (*missing, *unknown),
            scopes=(
                Scope("", 1, 1, "documents"),
                Scope("error_codes", len(codes), len(codes) - len(unclear), "error codes"),
            ),
        )

    def _operations(self, text: str, document: Document) -> list[dict[str, Any]]:
        patterns = self._sections["endpoint_mapping"] + self._sections["latency_sla"]
        places = find_sections(text, patterns) or None
        found: dict[str, dict[str, Any]] = {}
        empty: set[str] = set()
        mapping = find_sections(text, self._sections["endpoint_mapping"])
        mapped = set[str]() if mapping else set(OPERATIONS)

        def add(name: str, line: int, sla: int | None) -> None:
            entry = found.setdefault(name, {"id": name, "latency_sla_us": None, "line": line})
            entry["line"] = min(line, entry["line"])
            if any(place.line < line < place.end for place in mapping):
                mapped.add(name)
            if sla is not None:
                bounded(sla, self._path, f"line {line}")
                entry["latency_sla_us"] = max(sla, entry["latency_sla_us"] or 0)

        for table in _inside(places, document.tables):
            column = _sla_column(table)
            for row in table.rows:
                if column is None:
                    cells = zip(table.header, row.cells, strict=True)
                    sla = latency_us(
                        " | ".join(cell for head, cell in cells if not _OTHER_FIGURE.search(head))
                    )
                else:
                    cell = row.cells[column]
                    promised = _P95.search(cell) or not _OTHER_FIGURE.search(cell)
                    sla = latency_us(cell, table.header[column]) if promised else None
                names = self._named(row.cells)
                others = {name for cell in row.cells[1:] for name in self._exactly(cell)}
                if (others and not others & set(names)) or not any(
                    says_something(cell) and re.search(r"\w", cell) for cell in row.cells[1:]
                ):
                    empty.update(names)
                for name in names:
                    add(name, row.line, sla)
        for item in _inside(places, document.items):
            for name in self._named((_head(item.text),)):
                add(name, item.line, latency_us(item.text))
        for section in _inside(places, document.sections):
            for name in self._named((_head(heading_key(section.title)),)):
                stated = [t.plain for t in within(section, document.texts) if _SLA_TEXT.search(t.plain)]
                latencies = [sla for line in stated if (sla := latency_us(line)) is not None]
                add(name, section.line, max(latencies, default=None))
        return [found[name] for name in OPERATIONS if name in found and name in mapped - empty]

    def _named(self, cells: tuple[str, ...]) -> list[str]:
        """Operations that a row is about: by its label (the first cell with a letter), or by a whole cell."""
        label = next((cell for cell in cells if any(char.isalpha() for char in cell)), "")
        bare_noun = _NOUNS.get(label.strip(" `*").lower())
        names = (
            [bare_noun] if bare_noun else [n for n, aliases in self._aliases.items() if aliases.search(label)]
        )
        return names or [n for n in OPERATIONS if any(n in self._exactly(cell) for cell in cells)]

    def _exactly(self, cell: str) -> list[str]:
        """The operations that the cell names and nothing else."""
        bare = cell.removesuffix("()")
        return [name for name, aliases in self._aliases.items() if aliases.fullmatch(bare)]

    def _error_codes(self, text: str, document: Document) -> list[dict[str, Any]]:
        places = find_sections(text, self._sections["error_codes"])
        found: dict[int, dict[str, Any]] = {}

        def add(codes: str, line: int, action: str, meaning: str = "") -> None:
            for code in _codes(codes):
                empty = {"code": code, "action": "", "meaning": "", "line": line}
                entry = found.setdefault(code, empty)
                entry["meaning"] = f"{entry['meaning']} {meaning}".strip()
                if not has_template_mark(action) and action not in entry["action"]:
                    entry["action"] = f"{entry['action']} | {action}".strip(" |")

        for table in _inside(places, document.tables):
            column = next((i for i, h in enumerate(table.header) if i and _ACTION_HEADER.search(h)), None)
            for row in table.rows:
                if _CODES.fullmatch(row.cells[0]):
                    rest = row.cells[1:] if column is None else (row.cells[column],)
                    others = " ".join(cell for i, cell in enumerate(row.cells) if i and i != column)
                    action = " | ".join(cell for cell in rest if cell)
                    add(row.cells[0], row.line, action, "" if column is None else others)
        for item in _inside(places, document.items):
            match = _ITEM.fullmatch(item.text)
            if match is not None:
                add(match["codes"], item.line, match["rest"].strip(" :–—-→>=|."))
        ordered = [found[code] for code in sorted(found) if code >= 100]
        return [{**entry, "classes": _classes(entry["action"])} for entry in ordered]

    def _pacing(self, text: str, document: Document) -> dict[str, int | None]:
        figures: dict[str, int | None] = dict.fromkeys(_PACING)
        lines = _inside(find_sections(text, self._sections["pacing_limits"]), document.texts)
        lines = [line for line in lines if not HEDGED.search(line.plain)]
        for clause in (part for line in lines for part in re.split(r"[;•]", line.plain)):
            if any(odd.search(clause) for odd in (NO_PROMISE, _OF_A_PART, _SHORT_WINDOW)):
                continue
            for name, label in _PACING.items():
                if name == "historical_requests" and _OTHER_WINDOW.search(clause):
                    continue  # a limit over another time than ten minutes
                if not has_template_mark(clause) and (figures[name] is None or " | " in clause):
                    stated = count_near(clause, label)  # of several rows of a table, the loosest counts
                    figures[name] = max(stated or 0, figures[name] or 0) or stated
            if figures["messages_per_second"] is None:
                figures["messages_per_second"] = _rate(clause)
        for line in lines:  # what is allowed in bursts is allowed
            if figures["messages_per_second"] is not None and _ABOUT_MESSAGES.search(line.plain):
                figures["messages_per_second"] = max(figures["messages_per_second"], burst(line.plain))
        return figures


def _codes(text: str) -> list[int]:
    """The codes that a text lists; of a range (``2103–2106``) all."""
    codes: list[int] = []
    for joint, number in re.findall(rf"(to|[-–])?\s*({_CODE})", text):
        first = (
            codes[-1] + 1 if joint and codes and 0 < int(number) - codes[-1] < _LONGEST_RANGE else int(number)
        )
        codes += range(first, int(number) + 1)
    return codes


def _rate(clause: str) -> int | None:
    """The count per second in a row or sentence about messages: ``Order messages | 50/sec``."""
    others = (_PACING["market_data_subscriptions"], _PACING["historical_requests"])
    if has_template_mark(clause) or any(label.search(clause) for label in others):
        return None
    return rate_per_second(clause) if _ABOUT_MESSAGES.search(clause) else None


def _classes(action: str) -> list[str]:
    """What the text of an action says is done, as the classes of broker codes; sorted."""
    found = set[str]()
    if HEDGED.search(action):
        return []
    for name, pattern in _CLASSES.items():
        for match in pattern.finditer(action):
            if name == "back_off" and _NO_TIME.match(action, match.end()):
                continue
            if not _NOT.search(action, max(0, match.start() - 24), match.start()):
                found.add(name)
            elif name == "retry":
                found.add("reject")
    return sorted(found)


def _head(text: str) -> str:
    return _HEAD_END.split(text, maxsplit=1)[0]


def _inside(places: list[Section] | None, things: Any) -> list[Any]:
    """The things in any of the sections, each once; all of them when ``places`` is None."""
    if places is None:
        return list(things)
    return [thing for thing in things if any(place.line < thing.line < place.end for place in places)]


def _sla_column(table: Table) -> int | None:
    for pattern in _SLA_HEADERS:
        for index, header in enumerate(table.header):
            if index and pattern.search(header) and not _OTHER_FIGURE.search(header):
                return index
    return None
