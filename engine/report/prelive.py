"""``PRELIVE_VERIFICATION_LOG.json``: the status of every gate, the decision and who signed it.

Its shape is fixed by ``contracts/files/prelive_verification_log.schema.json``. Ratios are written as decimal
numbers, as that file's readers expect; it is generated from the decision and signs nothing itself.
"""

from __future__ import annotations

import json
from decimal import Decimal

from ..decision.document import Decision, Figure
from ..ledger.interface import Entry
from .interface import Screen
from .json_format import escaped

_SCALES = {"ppm": Decimal(1_000_000), "micro": Decimal(1_000_000), "us": Decimal(1000), "cents": Decimal(100)}
"""Divisors to the unit the file uses: plain ratios, milliseconds, currency units."""


def render(decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
    """``PRELIVE_VERIFICATION_LOG.json``."""
    gates = {}
    for name, stage in decision.stages.items():
        figures = stage.figures if stage.has_evidence else {}
        gates[name] = {"status": stage.verdict, **{key: _plain(item) for key, item in figures.items()}}
    document = {
        "timestamp": decision.effective_time,
        "gates": gates,
        "decision": decision.verdict,
        "signatures": {item.role: item.key for item in decision.signatures},
    }
    return (escaped(json.dumps(document, indent=2, ensure_ascii=False)) + "\n").encode()


def _plain(figure: Figure) -> int | float | str | None:
    value, scale = figure.value, _SCALES.get(figure.unit)
    if scale is None or not isinstance(value, int) or isinstance(value, bool):
        return value
    number = Decimal(value) / scale
    # a float prints its shortest form; with at most 15 significant digits that is the same decimal number
    return int(number) if number == number.to_integral_value() else float(number)
