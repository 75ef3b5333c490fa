"""The pre-live checklist: categories with points, their task-list boxes, weights, and the total it states.

A category is a heading that states points: ``(80 pts)``, ``80 points``, ``80 נק'``, of any level unless
``heading_level`` says which. A heading with points inside a category is part of it; a single heading with
points around all others states the total. Every task-list item below a category counts once, nested ones and
their parents alike; one that says itself that nothing was done (``TBD``, ``Backups: n/a``, struck out) is not
ticked. A category contributes its points × ticked ÷ items; one without items contributes nothing.
Boxes outside categories are not counted. Weights are the column ``Weight`` of a table, or else percentages in
the categories' headings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from ...base.numbers import PPM
from ...collecting.interface import Observation, Problem, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.markdown import Document, Item, Section, parse, within
from ...reading.markdown_text import from_word_start, has_template_mark, heading_key, says_something
from ...reading.workspace import View
from ..artifacts import shipped_sections
from ..shared.documents import read_document

_POINTS_WORD = r"(?:points?|pts?\.?|נקודות|נקודה|נק['׳’]?)"
_POINTS = re.compile(
    rf"[(\[]?(?<![\w.,])(?<![(\[0-9][-–−])(?P<points>[0-9]{{1,6}})\s*{_POINTS_WORD}(?!\w)\s*[)\]]?",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"(?<![\w-])(?:total(?:\s+(?:points|pts|score|possible|available))*|סה[\"״”]כ|סך\s+הכו?ל)"
    rf"(?:\s+{_POINTS_WORD})?\s*(?:[:=|(–—-]|\bis\b|\bof\b)?\s*"
    r"(?:[0-9]{1,7}\s*/\s*)?(?P<total>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,7})(?![0-9]|[.,/][0-9]|\s*%|\s*(?:items|boxes))",
    re.IGNORECASE,
)
_TOTAL_WORD = re.compile(r"total|סה|סך", re.IGNORECASE)
_WEIGHT = re.compile(r"(?<![^\W_])weights?(?![^\W_])|משקל", re.IGNORECASE)
_PERCENT = re.compile(r"(?<![\w.,])(?P<percent>[0-9]{1,6}(?:\.[0-9]{1,4})?)\s*%")
_UNDONE = (
    r"(?:n/?a|(?:(?:is|are|was|were) )?not (?:applicable|yet|(?:yet )?(?:checked|completed?|done|executed"
    r"|exercised|finished|implemented|met|performed|ready|rehearsed|reviewed|run|started|tested|verified))"
    r"|pending|skipped|deferred|postponed|wip|in (?:progress|review)|open|planned|waived|partially"
    r"|partly done|to[ -]?do|later|after go-?live|tomorrow|failed|failing|missing|draft|incomplete|expired"
    r"|outdated|out of (?:date|scope)|won[’']t (?:do|fix)|[1-9]?[0-9] ?% (?:completed?|done|finished)"
    r"|(?:לא|טרם) (?:בוצע|הושלם|נבדק)ה?)"
)
_NOT_DONE = re.compile(
    rf"(?:[:(]|\s[-–—])\s*{_UNDONE}\W*\Z|\A\W*{_UNDONE}(?:\s*[:–—]|\s-\s)|[❌✗✘🚧⏳⛔🚫]|\bnot yet\b",
    re.IGNORECASE,
)
_FIGURES = ("points_sum", "stated_total", "score_ppm", "unticked")


@dataclass(frozen=True, slots=True)
class ChecklistOptions(BaseOptions):
    """Options of the collector ``checklist``."""

    path: str = field(
        default="PRE_LIVE_CHECKLIST.md", metadata={"description": "The checklist, relative to the workspace."}
    )
    heading_level: int | None = field(
        default=None,
        metadata={
            "ge": 1,
            "le": 6,
            "description": "Level of the headings that are categories; any by default.",
        },
    )


class ChecklistCollector:
    """Reads the pre-live checklist; see the module's description."""

    id: ClassVar[str] = "checklist"
    version: ClassVar[str] = "6"
    Options: ClassVar[type[BaseOptions]] = ChecklistOptions

    def __init__(self, options: ChecklistOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/checklist.schema.json``."""
        path = self._options.path
        text = read_document(view, path)
        facts: dict[str, Any] = {"file": None, "categories": [], "weights": [], **dict.fromkeys(_FIGURES)}
        if text is None:
            remedy = f"write {path} with a heading like `## Risk (100 pts)` and task-list boxes per category"
            return Observation(facts, (Problem("", f"{path} does not exist", remedy),))
        document = parse(text, path)
        found, around = self._found(document)
        categories = _categories(found, document)
        total = sum(category["points"] for category in categories)
        facts |= {"file": path, "categories": categories, "weights": _weights(document, found)}
        missing: list[Problem] = []
        if categories:
            facts["points_sum"] = total
            facts["unticked"] = sum(category["items"] - category["ticked"] for category in categories)
        else:
            missing += self._no_categories(document)
        if total:
            shares = (Fraction(c["points"] * c["ticked"], c["items"]) for c in categories if c["items"])
            facts["score_ppm"] = int(sum(shares, Fraction(0)) * PPM / total)
        elif categories:
            reason = f"the points in {path} add up to 0"
            missing.append(Problem("score_ppm", reason, "give the categories their points"))
        stated = [*around, *_stated_totals(document)]
        if stated:
            # of several totals the one that contradicts the sum is the one to show
            facts["stated_total"] = next((other for other in stated if other != total), stated[0])
        else:
            reason = f"{path} does not state the total of its points"
            missing.append(Problem("stated_total", reason, "state it in a line like `Total: 760 points`"))
        boxes = sum(item.ticked is not None for item in document.items)
        counted = sum(category["items"] for category in categories)
        return Observation(facts, tuple(missing), scopes=(Scope("", boxes, counted, "task-list boxes"),))

    def _found(self, document: Document) -> tuple[list[tuple[Section, re.Match[str]]], list[int]]:
        """The headings that are categories, and the points of those that stand around all of them."""
        level = self._options.heading_level
        stated = [
            (section, match)
            for section in document.sections
            if level in {None, section.level}
            and not _TOTAL.search(section.title)
            and (match := _POINTS.search(section.title))
        ]
        around: list[int] = []
        while len(stated) > 1 and all(
            stated[0][0].line < other.line < stated[0][0].end for other, _ in stated[1:]
        ):
            around.append(int(stated.pop(0)[1]["points"]))
        categories: list[tuple[Section, re.Match[str]]] = []
        for section, match in stated:
            if not categories or section.line >= categories[-1][0].end:
                categories.append((section, match))
        return categories, around

    def _no_categories(self, document: Document) -> tuple[Problem, ...]:
        path, level = self._options.path, self._options.heading_level
        reason = f"no heading {f'of level {level} ' if level else ''}in {path} states points"
        remedy = "state the points of each category in its heading, like `## Risk (100 pts)`"
        elsewhere = {section.level for section in document.sections if _POINTS.search(section.title)}
        if level and elsewhere:
            remedy = (
                f"headings of level {min(elsewhere)} do: set evidence.checklist.heading_level in gate.yaml to"
                " that level, or remove it"
            )
        return tuple(Problem(name, reason, remedy) for name in ("points_sum", "score_ppm", "unticked"))


def _categories(found: list[tuple[Section, re.Match[str]]], document: Document) -> list[dict[str, Any]]:
    free = dict(shipped_sections("pre_live_checklist"))
    categories = []
    for section, match in found:
        boxes = _boxes(within(section, document.items))
        name = heading_key(section.title[: match.start()] + section.title[match.end() :])
        kind = next((kind for kind, own in free.items() if from_word_start(*own)(name)), None)
        free.pop(kind or "", None)
        figures = {"points": int(match["points"]), "items": len(boxes), "ticked": sum(boxes.values())}
        categories.append({"id": kind, "name": name, "line": section.line, **figures})
    return categories


def _boxes(items: list[Item]) -> dict[tuple[str, ...], bool]:
    """The boxes, by their words and those of the items around them; one that stands twice counts once."""
    boxes: dict[tuple[str, ...], bool] = {}
    path: list[str] = []
    for item in items:
        words = " ".join(re.findall(r"\w+", item.text.casefold())) or str(item.line)
        path = [*path[: item.depth - 1], words]
        if item.ticked is not None:
            boxes[tuple(path)] = item.ticked and _says_done(item.text) and boxes.get(tuple(path), True)
    return boxes


def _says_done(text: str) -> bool:
    """Whether a ticked item names what was done: no template mark, not struck out, not ``Backups: n/a``."""
    return says_something(text) and not has_template_mark(text) and not _NOT_DONE.search(text)


def _weights(document: Document, found: list[tuple[Section, re.Match[str]]]) -> list[dict[str, Any]]:
    """Weights of categories, as far as the document states some."""
    stated = [
        (row.cells[0], row.cells[column])
        for table in document.tables
        for column in [next((i for i, head in enumerate(table.header) if _WEIGHT.search(head)), 0)]
        for row in table.rows
        if column and not _TOTAL_WORD.match(row.cells[0])
    ]
    stated = stated or [(heading_key(section.title), section.title) for section, _ in found]
    return [
        {"name": name[:200], "ppm": int(Fraction(match["percent"]) * 10_000)}
        for name, text in stated
        if (match := _PERCENT.search(text))
    ]


def _stated_totals(document: Document) -> list[int]:
    # markup may stand inside a total, but not inside its first letters
    texts = (text for text in document.texts if _TOTAL_WORD.search(text.raw))
    found = (match for text in texts for match in _TOTAL.finditer(text.plain))
    return [int(match["total"].replace(",", "")) for match in found]
