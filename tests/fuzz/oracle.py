"""What every fuzz target demands: a value, or an error of ours that says what, where and what to do."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from gate.evidence.base.errors import GateError, InternalError, ManyErrors
from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import Evidence, ProblemKind
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace
from gate.evidence.signing.problems import SignatureError

LONGEST = 65_536
"""Bytes of input for which `MOST_SECONDS` must be enough."""
MOST_SECONDS = 10.0
"""Processor time for one input. Generous: the fuzzer's own instrumentation takes most of it."""

T = TypeVar("T")


class Broken(AssertionError):
    """A target found that something does not hold."""


def check(holds: object, what: str) -> None:
    """Raise unless it holds; an ``assert`` would go away with ``-O``."""
    if not holds:
        raise Broken(what)


def accepted(action: Callable[[], T]) -> tuple[T | None, Exception | None]:
    """What the action gives, or the error with which it refuses. Everything else is passed on.

    An error must be one for the user, not our own mistake, and name what is wrong, the file and a remedy.
    """
    began = time.process_time()
    try:
        value = action()
    except SignatureError as error:
        check(error.reason and error.flaw, "a signature error without a reason")
        return None, error
    except GateError as error:
        for one in error.errors if isinstance(error, ManyErrors) else (error,):
            _check_error(one)
        return None, error
    finally:
        check(time.process_time() - began < MOST_SECONDS, "one input took too long")
    return value, None


def _check_error(error: GateError) -> None:
    if isinstance(error, InternalError):
        raise error
    check(error.what and error.path and error.remedy, f"an error without a part: {error.diagnostics()!r}")
    check(len(error.what) < 1000, f"an error of {len(error.what)} characters")
    lines = error.diagnostics().splitlines()
    # the file is a line of its own only where the error does not begin with it
    check(len(lines) in (2, 3), f"an error takes {len(lines)} lines")


def nulls(facts: Mapping[str, Any], prefix: str = "") -> set[str]:
    """Dotted paths of the facts that are null, inside objects but not inside lists.

    A name with a dot in it, which an object out of a user's file may have, is in no dotted path.
    """
    found: set[str] = set()
    for name, value in facts.items():
        if "." in name:
            continue
        if value is None:
            found.add(prefix + name)
        elif isinstance(value, Mapping):
            found |= nulls(value, f"{prefix}{name}.")
    return found


def covers(outer: str, fact: str) -> bool:
    """Whether a problem of ``outer`` is one of ``fact``, too."""
    return not outer or f"{fact}.".startswith(f"{outer}.")


@functools.cache
def scratch() -> Path:
    """A directory for workspaces, in memory where the system has such a place; gone with the process."""
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="gate-fuzz-", dir=memory if os.access(memory, os.W_OK) else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


class Folder:
    """A small workspace that stays while one or two of its files are written anew for each input."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self.root = Path(tempfile.mkdtemp(dir=scratch()))
        for name, content in files.items():
            self.write(name, content.encode() if isinstance(content, str) else content)

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Collecting:
    """One collector over a workspace whose named files become the input.

    Args:
        collector: its id.
        names: the files that the parts of the input are written to.
        files: what else is there.
        options: the collector's options.
    """

    def __init__(
        self,
        collector: str,
        *names: str,
        files: Mapping[str, bytes | str] | None = None,
        **options: Any,
    ) -> None:
        self._names = names
        self._folder = Folder(files or {})
        self._kind = load(collector)
        self._options = validate(self._kind.Options, options)

    def __call__(self, *parts: bytes) -> Evidence | None:
        """The evidence, whose facts keep to their contract; None where the input was refused."""
        for name, part in zip(self._names, parts, strict=True):
            self._folder.write(name, part)
        evidence, _ = accepted(self._observe)
        if evidence is not None:
            empty = nulls(evidence.facts)
            for fact in empty:
                covered = any(covers(problem.fact, fact) for problem in evidence.problems)
                check(covered, f"{fact} is null without a reason")
            for problem in evidence.problems:
                check(problem.reason and problem.remedy, f"{problem.fact} has a problem without a reason")
                if problem.kind is ProblemKind.MISSING:
                    lacking = any(covers(problem.fact, fact) for fact in empty)
                    check(lacking, f"{problem.fact} is not missing")
        return evidence

    def _observe(self) -> Evidence:
        return observe(Workspace(self._folder.root), self._kind(self._options))
