"""The shipped collectors, loaded only when one is needed."""

from __future__ import annotations

from importlib import import_module

from ..base.errors import UsageError
from ..collecting.interface import Collector


class Builtin:
    """A collector of gate itself, in the module named like its id.

    Args:
        kind: the name of its class.
        narrowing: options that change how much is looked at, not only where; a decision says when a workspace
            sets them.
        room: the package that the module is in, with a dot, where it is not this one.
    """

    def __init__(self, kind: str, *narrowing: str, room: str = "") -> None:
        self.kind = kind
        self.narrowing = frozenset(narrowing)
        self.room = room


BUILTIN: dict[str, Builtin] = {
    "account": Builtin("AccountCollector"),
    "artifacts": Builtin("ArtifactsCollector", "matrix", "partial_from_ppm", "compliant_from_ppm"),
    "attestations": Builtin("AttestationsCollector"),
    "broker_conformance": Builtin("BrokerConformanceCollector"),
    "checklist": Builtin("ChecklistCollector", room="documents."),
    "commands": Builtin("CommandsCollector"),
    "components": Builtin("ComponentsCollector"),
    "configs": Builtin("ConfigsCollector", "paths"),
    "contracts": Builtin("ContractsCollector", "paths", "approved", "approved_copy"),
    "coverage": Builtin("CoverageCollector", "sources", "omit", "exclude_also"),
    "fixtures": Builtin("FixturesCollector", "signed"),
    "integration_flow": Builtin("IntegrationFlowCollector", room="documents."),
    "interface_map": Builtin("InterfaceMapCollector", room="documents."),
    "kill_switch": Builtin("KillSwitchCollector"),
    "messages": Builtin("MessagesCollector", "sets"),
    "paper": Builtin("PaperCollector"),
    "risk_parameters": Builtin("RiskParametersCollector", "names", "paths", "approved", "approved_copy"),
    "rollback": Builtin("RollbackCollector", room="documents."),
    "scale_up": Builtin("ScaleUpCollector", room="documents."),
    "scans": Builtin("ScansCollector"),
    "signoffs": Builtin("SignoffsCollector"),
    "source": Builtin("SourceCollector", "paths", "names", "secret_paths", "left_out"),
    "stage_tests": Builtin("StageTestsCollector", "tests"),
    "tests": Builtin("TestsCollector"),
    "values": Builtin("ValuesCollector"),
    "waivers": Builtin("WaiversCollector"),
}
"""Every collector of gate itself, by id."""


def load(collector_id: str) -> type[Collector]:
    """The collector's class.

    Raises:
        UsageError: there is no collector of that name.
    """
    try:
        builtin = BUILTIN[collector_id]
    except KeyError:
        raise UsageError(
            f"there is no collector {collector_id!r}", remedy="known: " + ", ".join(sorted(BUILTIN))
        ) from None
    loaded: type[Collector] = getattr(import_module(f".{builtin.room}{collector_id}", __name__), builtin.kind)
    return loaded
