"""The pre-live checklist: categories with points, their task-list boxes, and the total that it states.

A category is a heading of the configured level that states points: ``(80 pts)``, ``80 points``, ``80 נק'``.
Every task-list item below it counts once, nested ones and their parents alike. A category contributes its
points × ticked ÷ items; one without items contributes nothing. Boxes outside categories are not counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from ..base.numbers import PPM
from ..collecting.interface import Observation, Problem
from ..collecting.interface import Options as BaseOptions
from ..reading.markdown import Document, Section, parse, within
from ..reading.markdown_text import heading_key
from ..reading.workspace import View
from .shared.documents import absent, read_document

_POINTS_WORD = r"(?:points?|pts?\.?|נקודות|נקודה|נק['׳’]?)"
_POINTS = re.compile(
    rf"[(\[]?(?<![\w.,])(?P<points>[0-9]{{1,6}})\s*{_POINTS_WORD}(?!\w)\s*[)\]]?", re.IGNORECASE
)
_TOTAL = re.compile(
    r"(?<![\w-])(?:total(?:\s+(?:points|pts|score|possible|available))*|סה[\"״”]כ|סך\s+הכו?ל)"
    rf"(?:\s+{_POINTS_WORD})?\s*(?:[:=|(–—-]|\bis\b|\bof\b)?\s*"
    r"(?:[0-9]{1,7}\s*/\s*)?(?P<total>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,7})(?![0-9]|[.,/][0-9]|\s*%|\s*(?:items|boxes))",
    re.IGNORECASE,
)
_TOTAL_WORD = re.compile(r"total|סה|סך", re.IGNORECASE)
_FIGURES = ("points_sum", "stated_total", "score_ppm", "unticked")


@dataclass(frozen=True, slots=True)
class ChecklistOptions(BaseOptions):
    """Options of the collector ``checklist``."""

    path: str = field(
        default="PRE_LIVE_CHECKLIST.md", metadata={"description": "The checklist, relative to the workspace."}
    )
    heading_level: int = field(
        default=2, metadata={"ge": 1, "le": 6, "description": "Level of the headings that are categories."}
    )


class ChecklistCollector:
    """Reads the pre-live checklist; see the module's description."""

    id: ClassVar[str] = "checklist"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[BaseOptions]] = ChecklistOptions

    def __init__(self, options: ChecklistOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/checklist.schema.json``.

        Raises:
            EvidenceError: the file is not readable UTF-8 text.
        """
        path = self._options.path
        text = read_document(view, path)
        if text is None:
            nothing: dict[str, Any] = {"file": None, "categories": [], **dict.fromkeys(_FIGURES)}
            remedy = f"write {path} with a heading like `## Risk (100 pts)` and task-list boxes per category"
            return Observation(nothing, absent(("file", *_FIGURES), f"{path} does not exist", remedy))
        document = parse(text, path)
        categories = self._categories(document)
        facts: dict[str, Any] = {"file": path, "categories": categories, **dict.fromkeys(_FIGURES)}
        missing: list[Problem] = []
        total = sum(category["points"] for category in categories)
        if categories:
            facts["points_sum"] = total
            facts["unticked"] = sum(category["items"] - category["ticked"] for category in categories)
        else:
            reason = f"no heading of level {self._options.heading_level} in {path} states points"
            remedy = "state the points of each category in its heading, like `## Risk (100 pts)`"
            missing.extend(absent(("points_sum", "score_ppm", "unticked"), reason, remedy))
        if total:
            earned = sum(
                (Fraction(c["points"] * c["ticked"], c["items"]) for c in categories if c["items"]),
                Fraction(0),
            )
            facts["score_ppm"] = int(earned * PPM / total)
        elif categories:
            missing.append(
                Problem("score_ppm", f"the points in {path} add up to 0", "give the categories their points")
            )
        stated = _stated_totals(document)
        if stated:
            # of several totals the one that contradicts the sum is the one to show
            facts["stated_total"] = next((other for other in stated if other != total), stated[0])
        else:
            reason = f"{path} does not state the total of its points"
            missing.append(Problem("stated_total", reason, "state it in a line like `Total: 760 points`"))
        return Observation(facts, tuple(missing))

    def _categories(self, document: Document) -> list[dict[str, Any]]:
        categories = []
        for section in document.sections:
            if section.level != self._options.heading_level or _TOTAL.search(section.title):
                continue
            match = _POINTS.search(section.title)
            if match is not None:
                categories.append(_category(section, match, document))
        return categories


def _category(section: Section, match: re.Match[str], document: Document) -> dict[str, Any]:
    boxes = [item.ticked for item in within(section, document.items) if item.ticked is not None]
    name = heading_key(section.title[: match.start()] + section.title[match.end() :])
    return {"name": name, "points": int(match["points"]), "items": len(boxes), "ticked": sum(boxes)}


def _stated_totals(document: Document) -> list[int]:
    # markup may stand inside a total, but not inside its first letters
    texts = (text for text in document.texts if _TOTAL_WORD.search(text.raw))
    found = (match for text in texts for match in _TOTAL.finditer(text.plain))
    return [int(match["total"].replace(",", "")) for match in found]
