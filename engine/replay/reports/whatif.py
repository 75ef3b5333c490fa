"""Hypothetical decisions and sweeps, which say first that they are hypothetical."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ....evidence.base.numbers import counted
from ....evidence.base.records import to_json
from ...report import table
from ...report.json_format import render_json
from ...terminal.figures import figure, scale
from ...terminal.lines import Lines, Screen, columns
from ..outcome import CONDITIONAL, FAIL, PASS, RuleFlip
from ..whatif import Point, Sweep, Whatif
from .flips import ARROW, compared

TYPE = "gate.whatif/v1"
SWEEP_TYPE = "gate.sweep/v1"
STYLE = {PASS: "green", CONDITIONAL: "yellow", FAIL: "red"}
_BANNER = "HYPOTHETICAL"
_NOTHING = "  nobody saw these values, and nothing was recorded"


def whatif_json(found: Whatif, screen: Screen) -> bytes:
    """What was replaced, both verdicts, what differs, and the hypothetical decision."""
    return render_json(
        {
            "type": TYPE,
            "hypothetical": True,
            "replaced": to_json(found.replaced),
            "before": found.actual.verdict.value,
            "after": found.decision.verdict.value,
            "difference": to_json(found.difference),
            "decision": found.decision.to_json(),
        }
    )


def whatif_table(found: Whatif, screen: Screen) -> bytes:
    """What was replaced, what flips, and the first screen of the hypothetical decision."""
    lines = Lines(screen)
    _banner(lines, [one.text() for one in found.replaced])
    before, after = found.actual.verdict.value, found.decision.verdict.value
    if before == after:
        lines.add(f"The verdict stays {after}.")
    else:
        lines.add("The verdict flips: ", (f"{before} {ARROW} {after}", "bold"))
    for flip in () if found.difference is None else found.difference.rules:
        lines.add(*_flip(flip), indent=2, hang=4)
    lines.add("")
    return lines.text().encode() + table.hypothetical(found.decision, screen)


def _banner(lines: Lines, texts: Sequence[str]) -> None:
    lines.add((_BANNER, "alarm"), _NOTHING)
    for text in texts:
        lines.add(text, indent=2, hang=4)


def _flip(flip: RuleFlip) -> Iterator[str | tuple[str, str]]:
    yield (f"{flip.before} {ARROW} {flip.after}", "alarm" if flip.loosened else "yellow")
    yield f"  {flip.code}: {compared(flip) or flip.title}"


class Row(Struct, frozen=True):
    """Values that follow each other and have the same outcome: the first, the last, and the outcome."""

    first: int
    last: int
    verdict: str
    effects: dict[str, str]


def rows(found: Sweep) -> list[Row]:
    """The values with the same verdict, and the same effects of the rules that vary, put together."""
    made: list[Row] = []
    for point in found.points:
        effects = {code: point.effects[code] for code in found.rules if code in point.effects}
        if made and (made[-1].verdict, made[-1].effects) == (point.verdict, effects):
            made[-1] = Row(made[-1].first, point.value, point.verdict, effects)
        else:
            made.append(Row(point.value, point.value, point.verdict, effects))
    return made


def shown(found: Sweep, value: int | None) -> str:
    """A value of the sweep with its unit."""
    name = found.name.rpartition(".")[2]
    return figure(value, scale(name, found.unit or name.rpartition("_")[2]), found.points[0].value)


def title(found: Sweep) -> str:
    """What was swept, in one line."""
    first, last = found.points[0].value, found.points[-1].value
    return f"{found.stage} over {found.name} from {shown(found, first)} to {shown(found, last)}"


def words(row: Row, found: Sweep) -> str:
    """The values of a row."""
    if row.first == row.last:
        return shown(found, row.first)
    return f"{shown(found, row.first)} … {shown(found, row.last)}"


def sweep_table(found: Sweep, screen: Screen) -> bytes:
    """The verdicts over the values, equal neighbours put together, and the rules behind them."""
    lines = Lines(screen)
    _banner(lines, [one.text() for one in found.replaced])
    lines.add(
        (title(found), "bold"),
        f" ({counted(len(found.points), 'value')}); it is {shown(found, found.actual)} now",
        hang=2,
    )
    made = [(words(row, found), row) for row in rows(found)]
    width = max(columns(text) for text, _ in made)
    for text, row in made:
        reasons = [f"{code} {effect}" for code, effect in row.effects.items() if effect != PASS]
        start = f"{text}{' ' * (width - columns(text))}  "
        lines.add(
            start, (f"{row.verdict:<13}", STYLE[row.verdict]), ", ".join(reasons), indent=2, hang=width + 17
        )
    if not found.rules:
        lines.add("No rule depends on it in this range.", indent=2)
    return lines.text().encode()


def sweep_json(found: Sweep, screen: Screen) -> bytes:
    """Every value with its verdicts and the effects of the rules that vary."""
    return render_json(
        {
            "type": SWEEP_TYPE,
            "hypothetical": True,
            "stage": found.stage,
            "swept": {"option": found.option, "name": found.name, "unit": found.unit, "actual": found.actual},
            "replaced": to_json(found.replaced),
            "rules": list(found.rules),
            "values": [_point(point, found.rules) for point in found.points],
        }
    )


def _point(point: Point, rules: Sequence[str]) -> dict[str, object]:
    effects = {code: point.effects[code] for code in rules if code in point.effects}
    return {"value": point.value, "verdict": point.verdict, "stages": point.stages, "rules": effects}
