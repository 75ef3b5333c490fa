"""The record of exercising the kill switches (``contracts/files/kill_switch_verification.schema.json``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.errors import EvidenceError
from ..collecting.interface import Observation
from ..collecting.interface import Options as BaseOptions
from ..reading.workspace import View
from .shared.documents import absent, moment


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
    version: ClassVar[str] = "1"
    Options: ClassVar[type[BaseOptions]] = KillSwitchOptions

    def __init__(self, options: KillSwitchOptions) -> None:
        self._path = options.path

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/kill_switch.schema.json``.

        Raises:
            EvidenceError: the record breaks its contract, has an impossible time, or names a switch twice.
        """
        path = self._path
        if not view.exists(path):
            nothing: dict[str, Any] = {"file": None, "switches": [], "verified_at_s": None}
            remedy = (
                f"trigger every kill switch in a rehearsal and record it in {path}"
                " (contracts/files/kill_switch_verification.schema.json)"
            )
            return Observation(nothing, absent(("file", "verified_at_s"), f"{path} does not exist", remedy))
        record = view.read_json(path, "kill_switch_verification")
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
            switches[name] = {
                "name": name,
                "triggered": switch["triggered"],
                "halted": switch["halted"],
                "reaction_ms": int(switch["reaction_ms"]),
            }
        ordered = [switches[name] for name in sorted(switches)]
        return Observation({"file": path, "switches": ordered, "verified_at_s": epoch}, (), text)
