"""The rollback procedure and the record of its latest drill.

The procedure's triggers and steps are recognised by words, in English and Hebrew, in the sections on triggers
and on steps; what stands beside a template mark does not count. The drill is held against
``contracts/files/rollback_drill.schema.json``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from ..base.errors import EvidenceError
from ..base.numbers import PPM
from ..base.settings import Regex
from ..base.times import format_utc
from ..collecting.interface import Observation, Problem
from ..collecting.interface import Options as BaseOptions
from ..reading.markdown import find_sections, match_sections, parse, within
from ..reading.markdown_text import has_template_mark
from ..reading.workspace import View
from .shared.documents import absent, moment, read_document, scaled

SECTIONS: dict[str, list[str]] = {
    "triggers": [r"trigger", "טריגר", "תנאי הפעלה"],
    "steps": [r"\bsteps?\b", r"^(the )?procedure$", r"\bactions?\b", "צעדים", "שלבים", "שלבי"],
    "recovery": [r"recover", r"verif", "התאוששות", "אימות"],
}
TRIGGERS = {
    "connection": r"connect|ניתוק|חיבור",
    "drawdown": r"draw-?\s?down|ירידה מהשיא",
    "latency": r"latenc|השהי|שיהוי",
    "pacing": r"pacing|rate limit|קצב",
    "pnl": r"(?<![^\W_])p\s*[&/]?\s*n?l(?![^\W_])|profit and loss|רווח והפסד|הפסד",
    "psr": r"(?<![^\W_])psr(?![^\W_])|probabilistic sharpe",
    "rejections": r"reject|דחיו?ת|דחייה",
}
STEPS = {
    "cancel_orders": r"cancel|ביטול|בטל",
    "disconnect": r"disconnect|התנתק|ניתוק|נתק",
    "flatten": r"flatten|flat\b|close (?:all |out )?(?:open )?positions|liquidat|סגירת|סגור",
    "halt": r"\bhalt|\bstop (?:all )?trading|עציר|עצור",
    "report": r"\breport|notif|דיווח|דווח|דו[\"״]ח",
    "root_cause": r"root[\s-]?cause|post-?\s?mortem|investigat|סיבת (?:ה)?שורש|תחקיר",
    "verify": r"verif|confirm|אימות|אמת|ודא",
}
_DRILL = (
    "performed_at_s",
    "total_recovery_ms",
    "cancel_orders_ms",
    "all_flat",
    "open_orders",
    "nav_delta_ppm",
    "logs_archived",
)


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
    sections: dict[str, list[Regex]] = field(
        default_factory=dict,
        metadata={"description": "Further heading patterns per section id, beside the built-in ones."},
    )


class RollbackCollector:
    """Reads the rollback procedure and its drill; see the module's description."""

    id: ClassVar[str] = "rollback"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[BaseOptions]] = RollbackOptions

    def __init__(self, options: RollbackOptions) -> None:
        self._path = options.path
        self._drill = options.drill
        self._sections = {name: [*own, *options.sections.get(name, [])] for name, own in SECTIONS.items()}

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/rollback.schema.json``.

        Raises:
            EvidenceError: the procedure is not readable UTF-8 text; the drill's record breaks its contract,
                has an impossible time, or says that cancelling took longer than the whole recovery.
        """
        facts, missing = self._procedure(view)
        drill, drill_missing = self._drilled(view)
        performed = drill["performed_at_s"]
        return Observation(
            {**facts, "drill_file": self._drill if performed is not None else None, "drill": drill},
            (*missing, *drill_missing),
            None if performed is None else format_utc(performed),
        )

    def _procedure(self, view: View) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        path = self._path
        text = read_document(view, path)
        if text is None:
            names = ["file", *(f"sections.{name}" for name in SECTIONS)]
            remedy = f"write {path} with sections on triggers, steps and recovery"
            nothing: dict[str, Any] = {
                "file": None,
                "sections": dict.fromkeys(SECTIONS),
                "triggers": [],
                "steps": [],
            }
            return nothing, absent(names, f"{path} does not exist", remedy)
        facts = {
            "file": path,
            "sections": match_sections(text, self._sections, self._path),
            "triggers": self._named(text, "triggers", TRIGGERS),
            "steps": self._named(text, "steps", STEPS),
        }
        return facts, ()

    def _named(self, text: str, section: str, words: dict[str, str]) -> list[str]:
        texts = parse(text, self._path).texts
        lines = [
            line.plain
            for place in find_sections(text, self._sections[section], self._path)
            for line in within(place, texts)
            if not has_template_mark(line.raw)
        ]
        return [
            name
            for name, pattern in sorted(words.items())
            if any(re.search(pattern, line, re.IGNORECASE) for line in lines)
        ]

    def _drilled(self, view: View) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        path = self._drill
        figures: dict[str, Any] = dict.fromkeys(_DRILL)
        if not view.exists(path):
            remedy = (
                f"run a drill of {self._path} and record it in {path}"
                " (contracts/files/rollback_drill.schema.json shows the shape)"
            )
            names = ["drill_file", *(f"drill.{name}" for name in _DRILL)]
            return figures, absent(names, f"{path} does not exist", remedy)
        record = view.read_json(path, "rollback_drill")
        _, figures["performed_at_s"] = moment(record["performed_at"], path, "/performed_at")
        for name in ("total_recovery_ms", "cancel_orders_ms", "open_orders"):
            figures[name] = None if record[name] is None else int(record[name])
        figures["all_flat"], figures["logs_archived"] = record["all_flat"], record["logs_archived"]
        if (figures["cancel_orders_ms"] or 0) > figures["total_recovery_ms"]:
            raise EvidenceError(
                "cancelling the orders took longer than the whole recovery",
                path=path,
                place="/cancel_orders_ms",
                remedy="record both times from the trigger on, in milliseconds",
            )
        before, after = record["nav_before"], record["nav_after"]
        if before is not None and after is not None:
            change = abs(Fraction(after) - Fraction(before)) / Fraction(before)
            figures["nav_delta_ppm"] = scaled(change, PPM, path, "/nav_after", up=True)
        empty = [f"drill.{name}" for name, value in figures.items() if value is None]
        return figures, absent(
            empty, f"{path} does not record it", "measure it in the next drill and record it"
        )
