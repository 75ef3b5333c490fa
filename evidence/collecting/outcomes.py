"""One collector's run: its observation checked and turned into evidence, or into the errors it ended with.

A file that cannot be used rejects the collector's evidence and nothing else. An outcome is what passes
between processes and into the cache: JSON-like, with either ``errors`` or an
:class:`~gate.evidence.collecting.interface.Evidence`. Beside those, ``trace`` has what the collector was told
about the workspace, for the cache.
"""

from __future__ import annotations

import base64
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import asdict, replace

from ..base import errors
from ..base.canonical import MAX_SAFE_INTEGER, canonical
from ..base.contracts import schema_problem, violations, violations_of
from ..base.errors import EvidenceError, GateError, InternalError, ManyErrors, raise_all
from ..base.plugins import Plugin
from ..base.records import from_json, lookup
from ..base.times import parse_rfc3339
from ..reading.files import printable
from ..reading.workspace import FileRead, View, Workspace
from .interface import Attachment, Collector, Evidence, Observation, Problem, ProblemKind
from .provenance import stated
from .registry import attributed, facts_contract, find

Outcome = dict[str, Any]

_IDENTIFIERS = frozenset({"id", "rule", "code", "codes", "ids"})
"""Facts that name something of somebody else's, such as a scanner's rule: never masked, or two become one."""

_FACTS = "facts are strings, integers, true, false, null, and lists and objects of these"


def outcome(workspace: Workspace, make: Callable[[], Collector], guest: Plugin | None, name: str) -> Outcome:
    """What a collector saw, or its errors.

    Whatever a plug-in (``guest``) raises is an error that names it; an unexpected exception of a built-in
    collector is our mistake and is passed on.
    """
    view = workspace.view()
    collector = None
    try:
        try:
            collector = make()
            return {**packed(_observe(view, collector, guest)), "trace": view.trace()}
        except (GateError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            if guest is None:
                raise
            raised = (
                f"left the program with {error.code!r}"
                if isinstance(error, SystemExit)
                else f"failed with {type(error).__name__}: {str(error)[:200]}"
            )
            raise guest.error(f"{raised}{guest.code_line(error)}") from error
    except GateError as error:
        if guest is not None and "--debug" in sys.argv[1:]:
            traceback.print_exception(error)  # what passes between processes has none
        if collector is not None and all(isinstance(one, EvidenceError) for one in _single(error)):
            provider = None if guest is None else guest.provider
            return packed(rejected(name, collector.version, _single(error), view.files, provider))
        return failed(error)


def rejected(
    name: str,
    version: str,
    reasons: Iterable[GateError],
    files: tuple[FileRead, ...] = (),
    provider: str | None = None,
) -> Evidence:
    """The evidence of a collector that could not use what it read: no facts, and why (``reasons``)."""
    problems = [Problem.rejected(reason) for reason in reasons]
    unique = dict.fromkeys(problem.masked() for problem in problems)
    return Evidence(name, version, {}, tuple(unique), files, None, provider=provider, repeatable=False)


def failed(error: GateError) -> Outcome:
    """The outcome of a collector that ended with an error for which there is no evidence."""
    return {"errors": [_parts(one) for one in _single(error)]}


def errors_of(outcome: Outcome) -> list[GateError]:
    """The errors of an outcome; none when it is evidence."""
    return [_error(*parts) for parts in outcome.get("errors", [])]


def _single(error: GateError) -> Sequence[GateError]:
    return error.errors if isinstance(error, ManyErrors) else (error,)


def _parts(error: GateError) -> list[str | None]:
    public = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return [public.__name__, error.what, error.path, error.place, error.remedy]


def _error(kind: str, what: str, path: str | None, place: str | None, remedy: str | None) -> GateError:
    restored: GateError = getattr(errors, kind)(what, path=path, place=place, remedy=remedy)
    return restored


def packed(evidence: Evidence) -> Outcome:
    """The evidence as an outcome."""
    data = {part.name: base64.b64encode(part.data or b"").decode() for part in evidence.attachments}
    files = [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in evidence.files]
    return {**evidence.to_json(), "files": files, "attachments": data, "repeatable": evidence.repeatable}


def unpacked(outcome: Outcome) -> Evidence:
    """The evidence that an outcome without errors is."""
    data = {name: base64.b64decode(text) for name, text in outcome["attachments"].items()}
    record = {name: value for name, value in outcome.items() if name != "trace"}
    evidence = from_json(Evidence, {**record, "attachments": ()})
    return replace(evidence, attachments=tuple(Attachment.of(*part) for part in data.items()))


def _without_accounts(observation: Observation) -> Observation:
    """The observation without a broker account in full, wherever it was found: it is kept in clear."""
    problems = tuple(problem.masked() for problem in observation.problems)
    return replace(observation, facts=_masked(observation.facts), problems=problems)


def _masked(value: Any, *, hide: bool = True) -> Any:
    if isinstance(value, str):
        text = printable(value)  # a file's name that is not UTF-8 can stand in no evidence
        return errors.masked(text) if hide else text
    if isinstance(value, Mapping):
        return {
            printable(name): _masked(item, hide=hide and name not in _IDENTIFIERS)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_masked(item, hide=hide) for item in value]
    return value


def observe(workspace: Workspace, collector: Collector) -> Evidence:
    """One collector's evidence, checked against its facts contract; in this process.

    Raises EvidenceError: as the collector says; InternalError: its facts break its own contract; PluginError:
    those of a plug-in do.
    """
    return _observe(workspace.view(), collector, find(collector.id))


def _observe(view: View, collector: Collector, guest: Plugin | None) -> Evidence:
    observation = _look(view, collector, guest)
    problems, origins, times = list(observation.problems), list(observation.origins), []
    for file in view.files:
        try:
            found = stated(view, file)
        except EvidenceError as error:
            problems.append(Problem.rejected(error).masked())
            continue
        if found is not None:
            origins.append(found.origin)
            times += [] if found.finished_at is None else [found.finished_at]
    # in whole seconds of UTC, so the order of the strings is that of the times; the oldest counts
    observed_at = observation.observed_at or min(times, default=None)
    seen = replace(observation, problems=tuple(problems), origins=tuple(origins), observed_at=observed_at)
    return _bound(collector, seen, view.files, guest)


def _bound(
    collector: Collector, observation: Observation, files: tuple[FileRead, ...], guest: Plugin | None
) -> Evidence:
    seen = asdict(observation)
    seen |= {name: tuple(seen[name]) for name in ("problems", "scopes", "origins")}
    seen["attachments"] = tuple(Attachment.of(*part) for part in sorted(seen["attachments"].items()))
    provider = None if guest is None else guest.provider
    return Evidence(collector.id, collector.version, files=files, provider=provider, **seen)


def _look(view: View, collector: Collector, guest: Plugin | None) -> Observation:
    if guest is None:
        observation = _without_accounts(collector.collect(view))
        _check(collector.id, observation, violations("facts", collector.id, observation.facts))
        return observation
    try:
        observation = collector.collect(view)
    except GateError as error:
        raise_all([attributed(guest, one, error) for one in _single(error)])
    _check_guest(collector, observation, guest)
    observation = _without_accounts(observation)
    _check_guest(collector, observation, guest)  # what is kept has to keep to the contract, too
    return observation


def _check(collector_id: str, observation: Observation, broken: Sequence[tuple[str, str]]) -> None:
    for what, place in _faults(observation, broken):
        remedy = "report this with the file it read"
        raise InternalError(f"the collector {collector_id!r} {what}", place=place, remedy=remedy)


def _faults(observation: Observation, broken: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str | None]]:
    """What is wrong with an observation whose facts break their contract at these places, and where."""
    for pointer, message in broken:
        yield f"gave facts that break its contract: {message}", pointer
    for problem in observation.problems:
        value = lookup(observation.facts, problem.fact) if problem.fact else observation.facts
        if problem.kind is ProblemKind.MISSING and not _lacks(value):
            yield f"calls {problem.fact!r} missing but gives a value", None
    named = {problem.fact for problem in observation.problems}
    for fact in _nulls(observation.facts):
        if not {"", *_enclosing(fact)} & named:
            yield f"does not say why {fact!r} is missing", None


def _lacks(value: Any) -> bool:
    """Whether a fact, or one inside it, has no value: it is null, or an empty list or object."""
    if isinstance(value, Mapping) and value:
        return any(map(_lacks, value.values()))
    return value in (None, [], {})


def _enclosing(fact: str) -> Iterator[str]:
    """The dotted path and those of the objects around it: ``a.b.c``, ``a.b``, ``a``."""
    while fact:
        yield fact
        fact = fact.rpartition(".")[0]


def _nulls(facts: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of the facts that are null, inside objects but not inside lists."""
    for name, value in facts.items():
        if "." in name:
            continue  # part of somebody's document; no fact can be named like that
        if value is None:
            yield prefix + name
        elif isinstance(value, Mapping):
            yield from _nulls(value, f"{prefix}{name}.")


def _check_guest(collector: Collector, observation: Any, guest: Plugin) -> None:
    """Hold everything that comes from outside against what the interface demands."""
    if not isinstance(observation, Observation):
        raise guest.error(f"gave {type(observation).__name__} instead of an Observation")
    schema = facts_contract(guest)
    problem = schema_problem(schema)
    if problem is not None:
        raise guest.error(f"has a facts contract that is no JSON Schema: {problem}")
    odd = next(_odd(observation.facts, collector.id), None)
    if odd is not None:
        raise guest.error(f"gave {odd[1]} as the fact {odd[0]!r}; {_FACTS}")
    try:
        record = _bound(collector, observation, (), guest).to_json()
        canonical(record)
        _check(collector.id, observation, violations_of(schema, observation.facts))
    except InternalError as error:
        where = f" at {error.place}" if error.place else ""
        raise guest.error(f"is wrong: {error.what}{where}") from error
    broken = violations("", "evidence", record)
    if broken:
        raise guest.error(f"gave an impossible {broken[0][0]}: {broken[0][1]}")
    if observation.observed_at is not None:
        parse_rfc3339(observation.observed_at)


def _odd(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Names of facts that cannot be written down as evidence, with what they are."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _odd(item, f"{name}.{key}")
            else:
                yield name, "a key that is no string"
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _odd(item, f"{name}.{index}")
    elif isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        yield name, "an integer beyond 2^53"
    elif value is not None and not isinstance(value, (str, int)):
        yield name, f"a {type(value).__name__}"
