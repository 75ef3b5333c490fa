"""One collector's run: its observation checked, turned into evidence, or into the errors that it ended with.

An outcome is what passes between processes and into the cache: JSON-like, with either ``errors`` or the parts
of an :class:`~gate.evidence.collecting.interface.Evidence`. Beside those, ``trace`` has what the collector
was told about the workspace, for the cache.
"""

from __future__ import annotations

import base64
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

from ..base import errors
from ..base.canonical import MAX_SAFE_INTEGER
from ..base.contracts import schema_problem, violations, violations_of
from ..base.errors import EvidenceError, GateError, InternalError, ManyErrors, raise_all
from ..base.times import parse_rfc3339
from ..reading.workspace import FileRead, View, Workspace
from .interface import Attachment, Collector, Evidence, Observation, Origin, Problem, ProblemKind, Scope
from .plugins import facts_contract, guest_error, guest_says, plugin_line
from .provenance import stated

Outcome = dict[str, Any]

_AGAIN_SECONDS = 1.0

_IDENTIFIERS = frozenset({"id", "rule", "code", "codes", "ids"})
"""Facts that name something of somebody else's, such as a scanner's rule: never masked, or two become one."""

_FACTS = "facts are texts, integers, true, false, null, and lists and objects of these"


def outcome(workspace: Workspace, make: Callable[[], Collector], guest: str | None, name: str) -> Outcome:
    """What a collector saw, or its errors.

    Args:
        workspace: what it looks at.
        make: makes it.
        guest: for a plug-in, which distribution it comes from: whatever it raises is then an error that
            names it. A built-in collector's unexpected exception is our mistake and is passed on.
        name: the collector's id.
    """
    try:
        if guest is None:
            return _seen(workspace, make(), None)
        try:
            return _seen(workspace, make(), guest)
        except (GateError, KeyboardInterrupt, MemoryError):
            raise
        except Exception as error:  # whatever a guest raises must not look like a mistake of ours
            what = f"failed with {type(error).__name__}: {str(error)[:200]}{plugin_line(name, error)}"
            raise guest_error(name, guest, what) from error
        except SystemExit as error:
            what = f"left the program with {error.code!r}{plugin_line(name, error)}"
            raise guest_error(name, guest, what) from error
    except MemoryError:
        most = workspace.limits.collector_memory_bytes
        return failed(
            EvidenceError(
                f"the collector {name!r} needed more memory than it gets ({most} bytes)",
                remedy="give it less to read, or widen limits.collector_memory_bytes in gate.yaml",
            )
        )
    except GateError as error:
        if guest is not None and "--debug" in sys.argv[1:]:
            traceback.print_exception(error)  # what passes between processes has none
        return failed(error)


def failed(error: GateError) -> Outcome:
    """The outcome of a collector that ended with an error."""
    return {"errors": [_parts(one) for one in _single(error)]}


def problems(outcome: Outcome) -> list[GateError]:
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


def _seen(workspace: Workspace, collector: Collector, guest: str | None) -> Outcome:
    view = workspace.view()
    observation, origins, observed_at = _look(view, collector, guest)
    return {
        "version": collector.version,
        "facts": observation.facts,
        "problems": [problem.to_json() for problem in observation.problems],
        "scopes": [scope.to_json() for scope in observation.scopes],
        "files": [[file.path, file.sha256, file.size] for file in view.files],
        "observed_at": observed_at,
        "tool": observation.tool,
        "format": observation.format,
        "origins": [[origin.commit, origin.dirty, origin.digest] for origin in origins],
        "provider": guest,
        "attachments": [
            [name, base64.b64encode(data).decode()] for name, data in sorted(observation.attachments.items())
        ],
        "repeatable": observation.repeatable,
        "trace": view.trace(),
    }


def _without_accounts(observation: Observation) -> Observation:
    """The observation without a broker account in full, wherever it was found: it is kept in clear."""
    problems = tuple(problem.masked() for problem in observation.problems)
    return replace(observation, facts=_masked(observation.facts), problems=problems)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return errors.masked(value)
    if isinstance(value, Mapping):
        return {name: item if name in _IDENTIFIERS else _masked(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item) for item in value]
    return value


def evidence(
    name: str,
    version: str,
    facts: dict[str, Any],
    problems: Iterable[Mapping[str, Any]],
    scopes: Iterable[Mapping[str, Any]],
    files: Iterable[tuple[str, str, int]],
    observed_at: str | None,
    tool: str | None,
    format: str | None,  # noqa: A002 - the outcome's own field
    origins: Iterable[tuple[str | None, bool | None, str | None]],
    provider: str | None,
    attachments: Iterable[tuple[str, str]],
    repeatable: bool,
    trace: object = None,
) -> Evidence:
    """The evidence that an outcome without errors is."""
    return Evidence(
        collector=name,
        version=version,
        facts=facts,
        problems=tuple(Problem.from_json(parts) for parts in problems),
        scopes=tuple(Scope(**parts) for parts in scopes),
        files=tuple(FileRead(*parts) for parts in files),
        observed_at=observed_at,
        tool=tool,
        format=format,
        origins=tuple(Origin(*parts) for parts in origins),
        provider=provider,
        attachments=tuple(Attachment(label, base64.b64decode(data)) for label, data in attachments),
        repeatable=repeatable,
    )


def observe(workspace: Workspace, collector: Collector, guest: str | None = None) -> Evidence:
    """One collector's evidence, checked against its facts contract; in this process.

    Raises:
        EvidenceError: as the collector says.
        InternalError: its facts break its own contract.
    """
    seen = _seen(workspace, collector, guest)
    return evidence(collector.id, **seen)


def _look(
    view: View, collector: Collector, guest: str | None
) -> tuple[Observation, list[Origin], str | None]:
    if guest is None:
        observation = _without_accounts(collector.collect(view))
        _check(collector.id, observation, violations("facts", collector.id, observation.facts))
    else:
        try:
            observation = collector.collect(view)
        except GateError as error:
            raise_all([guest_says(collector.id, guest, one, error) for one in _single(error)])
        _check_guest(collector, observation, guest)
        observation = _without_accounts(observation)
        _check_guest(collector, observation, guest)  # what is kept has to keep to the contract, too
    said = [found for file in view.files if (found := stated(view, file)) is not None]
    origins = [*observation.origins, *(found.origin for found in said)]
    # in whole seconds of UTC, so the order of the texts is that of the times; the oldest counts
    times = sorted(found.finished_at for found in said if found.finished_at is not None)
    return observation, origins, observation.observed_at or (times[0] if times else None)


def _check(collector_id: str, observation: Observation, broken: Sequence[tuple[str, str]]) -> None:
    if broken:
        pointer, message = broken[0]
        raise InternalError(
            f"the collector {collector_id!r} gave facts that break its contract: {message}",
            place=pointer,
            remedy="report this with the file it read",
        )
    named = {problem.fact for problem in observation.problems}
    for problem in observation.problems:
        value = lookup(observation.facts, problem.fact)
        if problem.kind is ProblemKind.MISSING and not (value is None or isinstance(value, Mapping)):
            raise InternalError(
                f"the collector {collector_id!r} calls {problem.fact!r} missing but gives a value",
                remedy="report this with the file it read",
            )
    for fact in _nulls(observation.facts):
        if not any(fact == name or not name or fact.startswith(f"{name}.") for name in named):
            raise InternalError(
                f"the collector {collector_id!r} does not say why {fact!r} is missing",
                remedy="report this with the file it read",
            )


def _nulls(facts: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of the facts that are null, inside objects but not inside lists."""
    for name, value in facts.items():
        if "." in name:
            continue  # part of somebody's document; no fact can be named like that
        if value is None:
            yield prefix + name
        elif isinstance(value, Mapping):
            yield from _nulls(value, f"{prefix}{name}.")


def _check_guest(collector: Collector, observation: Any, guest: str) -> None:
    """Hold everything that comes from outside against what the interface demands."""
    if not isinstance(observation, Observation):
        raise guest_error(collector.id, guest, f"gave {type(observation).__name__} instead of an Observation")
    schema = facts_contract(collector.id)
    problem = schema_problem(schema)
    if problem is not None:
        raise guest_error(collector.id, guest, f"has a facts contract that is no JSON Schema: {problem}")
    odd = next(_odd(observation.facts, collector.id), None)
    if odd is not None:
        raise guest_error(collector.id, guest, f"gave {odd[1]} as the fact {odd[0]!r}; {_FACTS}")
    try:
        record = Evidence(
            collector.id,
            collector.version,
            observation.facts,
            tuple(observation.problems),
            (),
            observation.observed_at,
            observation.tool,
            observation.format,
            tuple(observation.origins),
            guest,
            tuple(Attachment(name, data) for name, data in observation.attachments.items()),
            observation.repeatable,
            tuple(observation.scopes),
        ).to_json()
        _check(collector.id, observation, violations_of(schema, observation.facts))
    except InternalError as error:
        where = f" at {error.place}" if error.place else ""
        raise guest_error(collector.id, guest, f"is wrong: {error.what}{where}") from error
    broken = violations("", "evidence", record)
    if broken:
        raise guest_error(collector.id, guest, f"gave an impossible {broken[0][0]}: {broken[0][1]}")
    if observation.observed_at is not None:
        parse_rfc3339(observation.observed_at)


def _odd(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Names of facts that cannot be written down as evidence, with what they are."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _odd(item, f"{name}.{key}")
            else:
                yield name, "a key that is no text"
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _odd(item, f"{name}.{index}")
    elif isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        yield name, "an integer beyond 2^53"
    elif value is not None and not isinstance(value, (str, int)):
        yield name, f"a {type(value).__name__}"


def lookup(facts: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where there is nothing."""
    value: Any = facts
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def took_too_long(name: str, seconds: float) -> EvidenceError:
    """The error of a collector that was ended."""
    return EvidenceError(
        f"the collector {name!r} took longer than {seconds:g} s and was ended",
        remedy="give it less to read, or widen limits.collector_seconds in gate.yaml",
    )


def within(seconds: float, name: str, work: Callable[[], Outcome]) -> Outcome:
    """Run a collector in this process, and give up when its time is over.

    A timer interrupts it where the system has one and this is the main thread. Anywhere else it runs in a
    thread that is given up when the time is over, and ends with this process at the latest.

    Raises:
        EvidenceError: it took longer.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _timer(seconds, name):
            return work()
    from concurrent.futures import Future

    done: Future[Outcome] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            done.set_exception(error)

    threading.Thread(target=run, name=f"collecting {name}", daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if done.done():
            return done.result()
        raise took_too_long(name, seconds) from None


@contextmanager
def _timer(seconds: float, name: str) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise took_too_long(name, seconds)

    before = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            # it rings again: what is raised inside a callback of the interpreter is lost
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        # once more, as it may have rung just before the first time
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
