"""The shipped collectors, loaded only when one is needed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from ..base.errors import UsageError
from ..collecting.interface import Collector

BUILTIN: dict[str, str] = {
    "account": "AccountCollector",
    "artifacts": "ArtifactsCollector",
    "checklist": "ChecklistCollector",
    "commands": "CommandsCollector",
    "components": "ComponentsCollector",
    "contracts": "ContractsCollector",
    "coverage": "CoverageCollector",
    "fixtures": "FixturesCollector",
    "integration_flow": "IntegrationFlowCollector",
    "interface_map": "InterfaceMapCollector",
    "kill_switch": "KillSwitchCollector",
    "messages": "MessagesCollector",
    "paper": "PaperCollector",
    "risk_parameters": "RiskParametersCollector",
    "rollback": "RollbackCollector",
    "scale_up": "ScaleUpCollector",
    "scans": "ScansCollector",
    "signoffs": "SignoffsCollector",
    "source": "SourceCollector",
    "stage_tests": "StageTestsCollector",
    "tests": "TestsCollector",
    "values": "ValuesCollector",
    "waivers": "WaiversCollector",
}
"""Collector id (also its module's name) → class."""

NARROWING: dict[str, frozenset[str]] = {
    "artifacts": frozenset({"matrix", "partial_from_ppm", "compliant_from_ppm"}),
    "contracts": frozenset({"paths", "approved", "approved_copy"}),
    "coverage": frozenset({"sources", "omit", "exclude_also"}),
    "fixtures": frozenset({"signed"}),
    "messages": frozenset({"sets"}),
    "risk_parameters": frozenset({"names", "paths", "approved", "approved_copy"}),
    "stage_tests": frozenset({"tests"}),
    "source": frozenset({"paths", "names", "secret_paths", "patterns"}),
}
"""Options that change how much is looked at, not only where: a decision says when a workspace sets them."""

ON_DEMAND = frozenset({"commands", "components", "messages", "scans", "values"})
"""Collectors that no shipped stage needs: started only when they are asked for."""

_DOCUMENTS = frozenset(
    {
        "artifacts",
        "checklist",
        "integration_flow",
        "interface_map",
        "rollback",
        "scale_up",
        "signoffs",
        "waivers",
    }
)
"""Collectors that need the Markdown parser or signatures: loading these takes longer than what they do."""


def groups(ids: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The collectors that stages usually need, in groups to run side by side: each group takes about as long,
    and shares what it loads. Others, and plug-ins, are in no group."""
    chosen = tuple(name for name in ids if name in BUILTIN and name not in ON_DEMAND)
    return (
        tuple(name for name in chosen if name in _DOCUMENTS),
        tuple(name for name in chosen if name not in _DOCUMENTS),
    )


def load(collector_id: str) -> type[Collector]:
    """The collector's class.

    Raises:
        UsageError: there is no collector of that name.
    """
    try:
        name = BUILTIN[collector_id]
    except KeyError:
        raise UsageError(
            f"there is no collector {collector_id!r}", remedy="known: " + ", ".join(sorted(BUILTIN))
        ) from None
    loaded: type[Collector] = getattr(import_module(f".{collector_id}", __name__), name)
    return loaded
