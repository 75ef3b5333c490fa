"""Runs collectors side by side and turns what they saw into evidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from . import children, errors
from .contracts import violations
from .errors import GateError, InternalError, ManyErrors, raise_all
from .interface import Collector, Evidence, Missing, Observation
from .workspace import FileRead, Workspace

Make = Callable[[], Collector]
"""Makes a collector; called where the collector will run, so that only that process imports it.
It may raise a GateError when the collector's options are wrong."""


class Collecting:
    """Collectors at work: one child process for each group, which run while the caller does other things.

    The processes are there as soon as the context is entered, and load their collectors until they are told
    which of them are wanted. Where forking is not possible, collectors run in this process when the result is
    asked for. All are run even when one fails, so that one run reports every broken file.

    Args:
        workspace: walked before the collectors start, so that all see the same files.
        makers: by collector id, how to make it.
        groups: disjoint sets of ids; collectors of one group run one after the other.
        load: imports a collector's code, so that making it takes no time.
    """

    def __init__(
        self,
        workspace: Workspace,
        makers: Mapping[str, Make],
        groups: Iterable[Collection[str]],
        load: Callable[[str], object] = str,
    ) -> None:
        self.workspace = workspace
        self._makers = makers
        self._groups = [[name for name in makers if name in group] for group in groups]
        self._load = load
        self._wanted: tuple[str, ...] = ()
        self._children: list[children.Child] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.workspace.inventory()
        if sum(map(bool, self._groups)) > 1 and children.possible():
            with ExitStack() as stack:
                for group in self._groups:
                    child = children.Child("collecting " + ", ".join(group), partial(self._work, group))
                    self._children.append(stack.enter_context(child))
                self._stack = stack.pop_all()
        return self

    def _work(self, group: Sequence[str], question: children.Question) -> dict[str, Any]:
        for name in group:
            self._load(name)
        return self._observe(question())

    def _observe(self, wanted: Iterable[str]) -> dict[str, Any]:
        return {name: _outcome(self.workspace, self._makers[name]) for name in wanted}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def want(self, ids: Iterable[str]) -> None:
        """Say which collectors are to be run; once, before asking for the result."""
        self._wanted = tuple(ids)
        for child, group in zip(self._children, self._groups, strict=False):
            child.ask([name for name in self._wanted if name in group])

    def result(self) -> dict[str, Evidence]:
        """Evidence of every wanted collector, by id, in the order they were given.

        Raises:
            EvidenceError: one file is malformed, or changed between two readings; ManyErrors when there are
                several.
            ConfigError: a collector's options are wrong.
            InternalError: a collector's facts break its own contract, or its process ended early.
        """
        if self._children:
            answers = [child.result() for child in self._children]
        else:
            answers = [self._observe(self._wanted)]
        seen = {name: outcome for answer in answers for name, outcome in answer.items()}
        found: dict[str, Evidence] = {}
        failures: list[GateError] = []
        for name in self._wanted:
            if "errors" in seen[name]:
                failures += [_error(*parts) for parts in seen[name]["errors"]]
            else:
                found[name] = _evidence(name, **seen[name])
        raise_all(failures)
        for evidence in found.values():
            self.workspace.remember(evidence.files)
        return found


def collect(workspace: Workspace, collectors: Sequence[Collector]) -> dict[str, Evidence]:
    """Evidence of collectors that exist already, each a group of its own; see :meth:`Collecting.result`."""
    makers: dict[str, Make] = {collector.id: partial(_same, collector) for collector in collectors}
    with Collecting(workspace, makers, [[name] for name in makers]) as collecting:
        collecting.want(makers)
        return collecting.result()


def _same(collector: Collector) -> Collector:
    return collector


def _outcome(workspace: Workspace, make: Make) -> dict[str, Any]:
    """What a collector saw, or its errors, as JSON-like values that can be passed between processes."""
    try:
        seen = observe(workspace, make())
    except GateError as error:
        return {"errors": [_parts(one) for one in _single(error)]}
    return {
        "version": seen.version,
        "facts": seen.facts,
        "missing": [[missing.fact, missing.reason, missing.remedy] for missing in seen.missing],
        "files": [[file.path, file.sha256, file.size] for file in seen.files],
        "observed_at": seen.observed_at,
    }


def _evidence(
    name: str,
    version: str,
    facts: dict[str, Any],
    missing: Iterable[Sequence[str]],
    files: Iterable[tuple[str, str, int]],
    observed_at: str | None,
) -> Evidence:
    return Evidence(
        collector=name,
        version=version,
        facts=facts,
        missing=tuple(Missing(*parts) for parts in missing),
        files=tuple(FileRead(*parts) for parts in files),
        observed_at=observed_at,
    )


def _single(error: GateError) -> Sequence[GateError]:
    return error.errors if isinstance(error, ManyErrors) else (error,)


def _parts(error: GateError) -> list[str | None]:
    public = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return [public.__name__, error.what, error.path, error.place, error.remedy]


def _error(kind: str, what: str, path: str | None, place: str | None, remedy: str | None) -> GateError:
    restored: GateError = getattr(errors, kind)(what, path=path, place=place, remedy=remedy)
    return restored


def observe(workspace: Workspace, collector: Collector) -> Evidence:
    """One collector's evidence, checked against its facts contract; in this process."""
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
