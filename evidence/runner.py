"""Runs collectors side by side and turns what they saw into evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .contracts import violations
from .errors import GateError, InternalError, raise_all
from .interface import Collector, Evidence, Observation
from .workspace import Workspace


def collect(workspace: Workspace, collectors: Sequence[Collector]) -> dict[str, Evidence]:
    """Evidence of every collector, by id, in the order given.

    Collectors run in threads: most of their time is file input and output. All are run even when one fails,
    so that one run reports every broken file.

    Raises:
        EvidenceError: one file is malformed; ManyErrors when there are several.
        InternalError: a collector's facts break its own contract.
    """
    from concurrent.futures import ThreadPoolExecutor

    errors: list[GateError] = []
    found: dict[str, Evidence] = {}
    with ThreadPoolExecutor(max_workers=min(4, max(1, len(collectors)))) as pool:
        futures = [(collector, pool.submit(observe, workspace, collector)) for collector in collectors]
        for collector, future in futures:
            try:
                found[collector.id] = future.result()
            except GateError as error:
                errors.append(error)
    raise_all(errors)
    return found


def observe(workspace: Workspace, collector: Collector) -> Evidence:
    """One collector's evidence, checked against its facts contract."""
    view = workspace.view()
    observation = collector.collect(view)
    _check(collector.id, observation)
    return Evidence(
        collector=collector.id,
        version=collector.version,
        facts=observation.facts,
        missing=observation.missing,
        files=view.files,
        observed_at=observation.observed_at,
    )


def _check(collector_id: str, observation: Observation) -> None:
    broken = violations("facts", collector_id, observation.facts)
    if broken:
        pointer, message = broken[0]
        raise InternalError(
            f"the collector {collector_id!r} gave facts that break its contract: {message}",
            place=pointer,
            remedy="report this with the file it read",
        )
    for missing in observation.missing:
        if lookup(observation.facts, missing.fact) is not None:
            raise InternalError(
                f"the collector {collector_id!r} calls {missing.fact!r} missing but gives a value",
                remedy="report this with the file it read",
            )


def lookup(facts: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where there is nothing."""
    value: Any = facts
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value
