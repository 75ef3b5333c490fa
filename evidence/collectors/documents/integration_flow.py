"""The integration-flow document: which stages it divides the work into, and what each states.

A stage is a heading that begins with ``Stage N`` (or ``Phase N``, ``Gate N``, ``שלב N``), or a table row
whose first cell does. Its input, output and gate condition are found as a labelled line (``**Input:** …``),
as a label with lines below it, as a sub-heading with text, as a row of a two-column table, or as a column of
a table in its section or of the table of stages. A label followed by nothing, or by a template mark, counts
as not stated. A heading that says that its stage is left out states nothing; a document that is marked as a
template or as not in force cannot be understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...collecting.interface import Observation, Problem, ProblemKind, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.markdown import Document, Section, Table, parse, within
from ...reading.markdown_text import begins_with_something, has_template_mark, heading_key
from ...reading.workspace import View
from ..shared.documents import read_document

_STAGE = re.compile(r"(?:stage|phase|gate|שלב)\s*#?(?P<number>[1-9][0-9]?)(?![0-9])", re.IGNORECASE)
_DROPPED = re.compile(
    r"[(:–-]\s*(?:dropped|left out|not (?:applicable|needed|required)|n/a|obsolete|optional|out of scope"
    r"|removed|skipped)\)?\Z",
    re.IGNORECASE,
)
_STAGE_HEADER = re.compile(r"\W*(?:stages?|phases?|שלב(?:ים)?)\W*", re.IGNORECASE)
_STAGE_NUMBER = re.compile(r"(?P<number>[1-9][0-9]?)(?![0-9])")
_LABELS = {
    "has_input": r"inputs?|קלט(?:ים)?",
    "has_output": r"outputs?|deliverables?|פלט(?:ים)?|תוצר(?:ים)?",
    "has_gate": r"(?:\w+\s+)?gates?(?:\s+(?:conditions?|criteri(?:a|on)))?"
    r"|pass(?:es|ed)?\s+(?:when|if)|exit\s+(?:conditions?|criteri(?:a|on))|acceptance\s+criteria|(?:תנאי\s+)?(?:ה)?(?:שער|מעבר|יציאה)",
}
_LINE = {
    name: re.compile(
        rf"\W*(?:{label})\s*(?:\([^)]*\)\s*)?(?:(?:[:|=]|\s[-–—])\s*(?P<rest>.*)|\Z)", re.IGNORECASE
    )
    for name, label in _LABELS.items()
}


@dataclass(frozen=True, slots=True)
class IntegrationFlowOptions(BaseOptions):
    """Options of the collector ``integration_flow``."""

    path: str = field(
        default="INTEGRATION_FLOW.md", metadata={"description": "The document, relative to the workspace."}
    )


class IntegrationFlowCollector:
    """Reads the integration-flow document; see the module's description."""

    id: ClassVar[str] = "integration_flow"
    version: ClassVar[str] = "6"
    Options: ClassVar[type[BaseOptions]] = IntegrationFlowOptions

    def __init__(self, options: IntegrationFlowOptions) -> None:
        self._path = options.path

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/integration_flow.schema.json``."""
        text = read_document(view, self._path)
        if text is None:
            nothing: dict[str, Any] = {"file": None, "stages": [], "stages_defined": None}
            remedy = (
                f"write {self._path} with a heading `Stage N` and its input, output and gate for each stage"
            )
            return Observation(nothing, (Problem("", f"{self._path} does not exist", remedy),))
        document = parse(text, self._path)
        stages = _stages(document)
        looked_at = len(document.sections) + sum(len(table.rows) for table in document.tables)
        facts = {"file": self._path, "stages": stages, "stages_defined": len(stages)}
        remedy = "fill it in, or say what is in force"
        problems = [
            Problem("stages", "it cannot be told what this leaves of the stages", remedy, ProblemKind.UNKNOWN,
                    self._path, f"line {line}")
            for line in document.marks
            if all(stage[name] for stage in stages for name in _LABELS)  # otherwise the mark is found there
        ]  # fmt: skip
        scope = Scope("", looked_at, looked_at, "headings and table rows")
        return Observation(facts, tuple(problems), scopes=(scope,))


def _stages(document: Document) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}

    def add(number: int, line: int, stated: dict[str, bool | None]) -> None:
        empty = {"stage": f"stage{number}", **dict.fromkeys(_LABELS), "line": line}
        entry = found.setdefault(number, empty)
        entry["line"] = min(line, entry["line"])
        for name, present in stated.items():
            entry[name] = _both(entry[name], present)

    for section in document.sections:
        match = _STAGE.match(heading_key(section.title))
        if match is not None:
            dropped = _DROPPED.search(heading_key(section.title)) is not None
            stated = _stated(section, document)
            for name in _LABELS if dropped else ():
                stated[name] = False
            add(int(match["number"]), section.line, stated)
    for table in document.tables:
        columns = {
            name: next((i for i, h in enumerate(table.header) if i and pattern.fullmatch(h)), None)
            for name, pattern in _LINE.items()
        }
        for row in _stage_rows(table):
            stated = {n: None if c is None else _filled(row[2][c]) for n, c in columns.items()}
            add(row[0], row[1], stated)
    return [
        {name: bool(value) if name in _LABELS else value for name, value in found[number].items()}
        for number in sorted(found)
    ]


def _both(one: bool | None, other: bool | None) -> bool | None:
    """What is stated twice has to be filled twice; None where it is not stated."""
    return other if one is None else one if other is None else one and other


def _stage_rows(table: Table) -> list[tuple[int, int, tuple[str, ...]]]:
    """Rows of a table of stages as (stage number, line, cells)."""
    rows = []
    for row in table.rows:
        match = _STAGE.match(row.cells[0])
        if match is None and _STAGE_HEADER.fullmatch(table.header[0]):
            match = _STAGE_NUMBER.match(row.cells[0])
        if match is not None:
            rows.append((int(match["number"]), row.line, row.cells))
    return rows


def _filled(text: str) -> bool:
    return begins_with_something(text) and not has_template_mark(text)


def _stated(stage: Section, document: Document) -> dict[str, bool | None]:
    lines = [text.plain for text in within(stage, document.texts)]
    state: dict[str, bool | None] = dict.fromkeys(_LABELS)
    for index, line in enumerate(lines):
        for name, pattern in _LINE.items():
            match = pattern.fullmatch(line)
            if match is None:
                continue
            rest = match["rest"]
            if not rest:
                following = lines[index + 1] if index + 1 < len(lines) else ""
                rest = "" if any(p.fullmatch(following) for p in _LINE.values()) else following
            state[name] = _both(state[name], _filled(rest))
    for table in within(stage, document.tables):
        for index, head in enumerate(table.header):
            for name in (name for name, pattern in _LINE.items() if pattern.fullmatch(head)):
                stated = any(_filled(row.cells[index]) for row in table.rows)
                state[name] = _both(state[name], stated)
    return state
