"""The record of exercising the kill switches (``contracts/files/kill_switch_verification.schema.json``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from ..base.canonical import MAX_SAFE_INTEGER
from ..base.errors import EvidenceError
from ..base.numbers import PPM
from ..collecting.interface import Observation, Problem, Scope
from ..collecting.interface import Options as BaseOptions
from ..reading.workspace import View
from .shared.documents import check_filled, moment


@dataclass(frozen=True, slots=True)
class KillSwitchOptions(BaseOptions):
    """Options of the collector ``kill_switch``."""

    path: str = field(
        default="KILL_SWITCH_VERIFICATION.json",
        metadata={"description": "The record, relative to the workspace."},
    )


class KillSwitchCollector:
    """Reads the record of the kill switches."""

    id: ClassVar[str] = "kill_switch"
    version: ClassVar[str] = "4"
    Options: ClassVar[type[BaseOptions]] = KillSwitchOptions

    def __init__(self, options: KillSwitchOptions) -> None:
        self._path = options.path

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/kill_switch.schema.json``."""
        path = self._path
        if not view.exists(path):
            nothing: dict[str, Any] = {
                "file": None,
                "switches": [],
                "contradictions": [],
                "verified_at_s": None,
            }
            remedy = (
                f"trigger every kill switch in a rehearsal and record it in {path}"
                " (`gate docs files/kill_switch_verification.schema.json` shows the shape)"
            )
            return Observation(nothing, (Problem("", f"{path} does not exist", remedy),))
        record = view.read_json(path, "kill_switch_verification")
        check_filled(record, path, "verified_by")
        text, epoch = moment(record["verified_at"], path, "/verified_at")
        switches: dict[str, dict[str, Any]] = {}
        for index, switch in enumerate(record["switches"]):
            name = switch["name"]
            if name in switches:
                raise EvidenceError(
                    f"the switch {name} is recorded twice",
                    path=path,
                    place=f"/switches/{index}/name",
                    remedy="keep one record per switch",
                )
            below = switch.get("just_below") or {}
            threshold = switch.get("threshold")
            switches[name] = {
                "name": name,
                "threshold": None if threshold is None else _decimal(threshold),
                **_compared("observed", switch.get("observed"), threshold),
                "triggered": switch["triggered"],
                "halted": switch["halted"],
                "reaction_ms": int(switch["reaction_ms"]),
                **_compared("just_below", below.get("observed"), threshold),
                "just_below_triggered": below.get("triggered"),
            }
        ordered = [switches[name] for name in sorted(switches)]
        wrong = [
            (f"/switches/{index}/reaction_ms", "is 0 ms, which nobody has measured")
            for index, switch in enumerate(record["switches"])
            if switch["triggered"] and switch["halted"] and not switch["reaction_ms"]
        ]
        facts = {
            "file": path,
            "switches": ordered,
            "contradictions": [{"place": place, "text": what} for place, what in wrong],
            "verified_at_s": epoch,
        }
        scope = Scope("", len(ordered), len(ordered), "switches")
        return Observation(facts, (), text, scopes=(scope,))


def _decimal(value: Decimal | int) -> str:
    """The figure without trailing zeros, as the collector ``risk_parameters`` writes it."""
    exact = Decimal(value)
    return f"{exact.normalize():f}" if exact else "0"


def _compared(
    name: str, value: Decimal | int | None, threshold: Decimal | int | None
) -> dict[str, int | None]:
    """The side of the threshold that a value is on (-1, 0, 1), and how far off, in millionths of it."""
    if value is None or threshold is None:
        return {f"{name}_side": None, f"{name}_distance_ppm": None}
    gap = Fraction(value) - Fraction(threshold)
    distance = -(-abs(gap) * PPM // abs(Fraction(threshold))) if threshold else MAX_SAFE_INTEGER + 1
    return {
        f"{name}_side": (gap > 0) - (gap < 0),
        f"{name}_distance_ppm": distance if distance <= MAX_SAFE_INTEGER else None,
    }
