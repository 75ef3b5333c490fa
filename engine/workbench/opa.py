"""Runs the ``opa`` program, where it is installed, over a copy of a bundle's files.

A copy, since what was read and checked is then what opa sees: no link, pipe or other file of the directory.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...evidence.base.errors import EnvironmentProblem, EvidenceError, PolicyError
from ...evidence.base.limits import Limits
from ...evidence.process.programs import Finished, clean_environment, run
from ..policy.engines.opa.program import find_opa, limited
from ..policy.excerpts import quoted

_FAULT = re.compile(r"(?P<path>[^\s:][^\n:]*\.rego):(?P<line>\d+): (?:rego_\w+: )?(?P<what>[^\n]*)")


def installed() -> bool:
    """Whether there is an ``opa`` in an absolute directory of ``PATH``, outside of where we are."""
    try:
        find_opa(Path())
    except EnvironmentProblem:
        return False
    return True


@contextmanager
def laid_out(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A directory with these files, by path, for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="gate-") as home:
        root = Path(home).resolve() / "bundle"
        for path, data in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        yield root


def opa(arguments: Sequence[str], root: Path, limits: Limits, what_for: str) -> Finished:
    """Run ``opa``, never one below where we are, in a directory that ``laid_out`` made.

    Args:
        what_for: what needs the program, as messages name it.

    Raises EnvironmentProblem: it is not installed, takes too long or writes too much.
    """
    try:
        program = find_opa(Path())
    except EnvironmentProblem as error:
        remedy = "install OPA 1.0 or newer (https://www.openpolicyagent.org)"
        raise EnvironmentProblem(f"{what_for} needs OPA, and {error.what}", remedy=remedy) from error
    try:
        return run(
            limited(program, arguments, limits),
            root,
            seconds=limits.command_seconds,
            most_bytes=limits.command_bytes,
            environment=clean_environment(root.parent),
            shown=f"opa {arguments[0]}",
        )
    except EvidenceError as error:
        remedy = "look for a rule or test that runs away; `--engine embedded` names the test"
        raise EnvironmentProblem(error.what, remedy=remedy) from error


def formatted(modules: Mapping[str, str], limits: Limits) -> dict[str, bytes]:
    """The modules, by path, that ``opa fmt`` writes otherwise, as it writes them.

    Raises PolicyError: one does not parse; EnvironmentProblem: opa is not installed.
    """
    with laid_out({path: source.encode() for path, source in modules.items()}) as root:
        done = opa(["fmt", "--write", "--", *modules], root, limits, "gate policy fmt")
        if done.code != 0:
            raise quoted(_refused(done.err.decode("utf-8", "replace")), modules)
        after = {path: (root / path).read_bytes() for path in modules}
    return {path: data for path, data in after.items() if data != modules[path].encode()}


def _refused(text: str) -> PolicyError:
    """The first error that ``opa fmt`` states, ``path:line: code: message``."""
    found = _FAULT.search(text)
    if found is None:
        return PolicyError(f"opa fmt: {text.strip()[:400]}", remedy="run `opa check` in the bundle")
    return PolicyError(
        f"opa cannot format it: {found['what']}",
        path=found["path"].removeprefix("./"),
        place=f"line {found['line']}",
        remedy="correct the module",
    )
