"""The report as one HTML file: no script, no network, nothing but the file.

Whatever a decision holds is data in it: the template escapes everything that is not markup of its own,
characters that act on text direction or terminals are shown as escapes, and the content security policy
allows the file's own style sheet and nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ...decision.document import Decision
from ...ledger.interface import Entry
from ...terminal.figures import for_people, printable
from ..interface import Screen
from .build import build
from .model import Audit, Gate
from .proof import VERDICTS
from .words import CODE, LANGUAGES, Said, Text, catalogue, say, spoken

if TYPE_CHECKING:
    import jinja2

_HERE = Path(__file__).resolve().parent
_COLUMN, _ROW, _NODE, _HEIGHT, _EDGE = 188, 84, 164, 64, 3
_PAPER = {
    "good": ("#116329", "#dafbe1"),
    "bad": ("#a40e26", "#ffebe9"),
    "warn": ("#9a6700", "#fff3c4"),
    "none": ("#57606a", "#f6f8fa"),
}
"""Tone → colours of line and surface in drawings, where no style sheet applies to them (in PDF)."""
_CONTENTS = (
    ("blocks", "What blocks it"),
    ("gates", "Gates and what they depend on"),
    ("executive", "Executive table"),
    ("anomalies", "Anomalies and risks"),
    ("remediation", "Remediation plan"),
    ("figures", "Figures"),
    ("inventory", "Artifact inventory"),
    ("matrix", "Compliance matrix"),
    ("logic", "Formal logic and proof"),
    ("signoffs", "Sign-offs"),
    ("review", "Next review"),
    ("verify", "How to verify"),
    ("evidence", "Evidence"),
)


class _Timeline(Struct, frozen=True):
    """The drawing of the gates: nodes with their left upper corner, and paths from what they depend on."""

    nodes: tuple[tuple[Gate, int, int], ...]
    edges: tuple[str, ...]
    width: int
    height: int


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """The audit report as HTML."""
    return document(decision, entry, screen).encode("utf-8", "backslashreplace")


def document(decision: Decision, entry: Entry | None, screen: Screen, *, printed: bool = False) -> str:
    """The report as HTML; on paper, where nothing can be opened, rules that hold show their operands only."""
    return for_people(page(build(decision, entry, screen), screen.language, printed=printed))


def page(audit: Audit, language: str, *, printed: bool = False, above: str = "") -> str:
    """The report as an HTML document in a language; ``above`` is HTML to put before all of it."""
    from markupsafe import Markup, escape

    def words(text: str) -> Markup:
        return escape(text)

    def content(text: str) -> Markup:
        return Markup(CODE.sub(r"<code>\1</code>", str(escape(printable(text)))))  # noqa: S704 - escaped

    def data(text: str) -> Markup:
        # without a letter nothing says the direction, and a sign would move to the other end of its number
        direction = "" if any(map(str.isalpha, text)) else ' dir="ltr"'
        return Markup(f"<bdi{direction}>{content(text)}</bdi>")  # noqa: S704 - escaped

    def marked(text: Text) -> Markup:
        return spoken(text, language, words, data, Markup)

    def plain(text: Text) -> str:
        return spoken(text, language, str, printable, str)

    @functools.cache
    def badge(tone: str, sign: str, word: str) -> Markup:
        found = (
            f'<span class="badge {tone}"><span aria-hidden="true">{sign}</span> {marked(Said(word))}</span>'
        )
        return Markup(found)  # noqa: S704 - marks are ours, and their words have no values

    sheet, language_is_ltr = style(), LANGUAGES[language] == "ltr"
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return _template().render(
        audit=audit,
        language=language,
        direction=LANGUAGES[language],
        arrow="→" if language_is_ltr else "←",
        svg_text="" if language_is_ltr else Markup(' direction="rtl" text-anchor="end"'),
        printed=printed,
        above=Markup(above),  # noqa: S704 - the caller's own
        node={tone: Markup(f'fill="{fill}" stroke="{line}"') for tone, (line, fill) in _PAPER.items()},  # noqa: S704
        bar_fill={tone: line for tone, (line, _) in _PAPER.items()},
        style=Markup(sheet),  # noqa: S704 - our own style sheet
        style_hash=digest,
        verdict=VERDICTS[audit.decision.verdict],
        verdicts=VERDICTS,
        contents=_CONTENTS,
        line=_timeline(audit.gates),
        known={rule.code for stage in audit.logic for rule in stage.rules},
        id=id,
        by_id={gate.id: gate for gate in audit.gates},
        numbers={id(one): number for number, one in enumerate(audit.anomalies, 1)},
        absent_artifacts=audit.absent_artifacts,
        yes=plain(say("yes")),
        t=marked,
        d=data,
        c=content,
        badge=lambda mark: badge(mark.tone, mark.sign, mark.word.text),
        a=plain,
        said=say,
        say=lambda text, **values: marked(say(text, **values)),
        _=lambda text: catalogue(language).get(text, text),
    )


@functools.cache
def style() -> str:
    """The style sheet of the report."""
    return (_HERE / "report.css").read_text(encoding="utf-8").strip()


@functools.cache
def _template() -> jinja2.Template:
    """The template; read when the first report is made."""
    from ...terminal.templates import environment

    made = environment(_HERE, printable)
    return made.get_template("report.html.j2")


def _timeline(gates: tuple[Gate, ...]) -> _Timeline:
    rows = max((gate.row for gate in gates), default=0) + 1
    counts = Counter(gate.column for gate in gates)
    places: dict[str, tuple[int, int]] = {}
    for gate in gates:
        middle = (rows - counts[gate.column]) * _ROW // 2  # a column of few stands in the middle
        places[gate.id] = (_EDGE + gate.column * _COLUMN, _EDGE + middle + gate.row * _ROW)
    edges = []
    for gate in gates:
        for other in gate.depends_on:
            # those of all earlier gates would only hide the drawing; the table has them
            if other in places and _is_next(gate, other, gates):
                (x1, y1), (x2, y2) = places[other], places[gate.id]
                begin, end = (x1 + _NODE, y1 + _HEIGHT // 2), (x2, y2 + _HEIGHT // 2)
                bend = (begin[0] + end[0]) // 2
                edges.append(f"M{begin[0]} {begin[1]}C{bend} {begin[1]} {bend} {end[1]} {end[0]} {end[1]}")
    columns = max((gate.column for gate in gates), default=0)
    return _Timeline(
        tuple((gate, *places[gate.id]) for gate in gates),
        tuple(edges),
        columns * _COLUMN + _NODE + 2 * _EDGE,
        rows * _ROW - (_ROW - _HEIGHT) + 2 * _EDGE,
    )


def _is_next(gate: Gate, other: str, gates: tuple[Gate, ...]) -> bool:
    """Whether the dependency follows from no other one of the gate."""
    by_id = {one.id: one for one in gates}
    pending = [name for name in gate.depends_on if name != other]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name == other:
            return False
        if name not in seen and name in by_id:
            seen.add(name)
            pending += by_id[name].depends_on
    return True
