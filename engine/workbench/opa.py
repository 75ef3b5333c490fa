"""Runs the ``opa`` program over a bundle's files, where it is installed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...evidence.base.errors import EnvironmentProblem, EvidenceError, PolicyError
from ...evidence.base.limits import Limits
from ...evidence.process.programs import Finished, absolute_path, clean_environment, find, run
from ..policy.excerpts import quoted

_FAULT = re.compile(r"(?P<path>[^\s:][^\n:]*\.rego):(?P<line>\d+): (?:rego_\w+: )?(?P<what>[^\n]*)")


def installed(root: Path) -> bool:
    """Whether there is an ``opa`` outside of the directory."""
    return find("opa", root, {"PATH": absolute_path(root)}) is not None


def opa(arguments: Sequence[str], root: Path, limits: Limits, what_for: str) -> Finished:
    """Run ``opa`` in the directory.

    Args:
        what_for: what needs the program, as messages name it.

    Raises EnvironmentProblem: it is not installed, takes too long or writes too much.
    """
    if not installed(root):
        raise EnvironmentProblem(
            f"{what_for} needs the program opa, which is not on PATH",
            remedy="install OPA 1.0 or newer (https://www.openpolicyagent.org/docs#running-opa)",
        )
    with tempfile.TemporaryDirectory(prefix="gate-") as home:
        environment = {**clean_environment(Path(home)), "PATH": absolute_path(root)}
        try:
            return run(
                ["opa", *arguments],
                root,
                seconds=limits.command_seconds,
                most_bytes=limits.command_bytes,
                environment=environment,
                shown=f"opa {arguments[0]}",
            )
        except EvidenceError as error:
            raise EnvironmentProblem(error.what, remedy=error.remedy) from error


def unformatted(root: Path, paths: Sequence[str], limits: Limits) -> list[str]:
    """Which of the modules (paths in the directory) ``opa fmt`` would write otherwise.

    Raises PolicyError: one does not parse; EnvironmentProblem: opa is not installed.
    """
    done = opa(["fmt", "--list", "--", *paths], root, limits, "gate policy fmt")
    if done.code != 0:
        raise _refused(done.err.decode("utf-8", "replace"), root, limits)
    listed = {line.strip() for line in done.out.decode("utf-8", "replace").splitlines()}
    return [path for path in paths if path in listed]


def rewrite(root: Path, paths: Sequence[str], limits: Limits) -> None:
    """Format the modules in place. Raises PolicyError, EnvironmentProblem: as :func:`unformatted`."""
    done = opa(["fmt", "--write", "--", *paths], root, limits, "gate policy fmt")
    if done.code != 0:
        raise _refused(done.err.decode("utf-8", "replace"), root, limits)


def _refused(text: str, root: Path, limits: Limits) -> PolicyError:
    """The first error that ``opa fmt`` states, ``path:line: code: message``."""
    found = _FAULT.search(text)
    if found is None:
        return PolicyError(f"opa fmt: {text.strip()[:400]}", remedy="run `opa check` in the bundle")
    path = found["path"].removeprefix(f"{root}/").removeprefix("./")
    error = PolicyError(
        f"opa cannot format it: {found['what']}",
        path=path,
        place=f"line {found['line']}",
        remedy="correct the module",
    )
    source = root / path
    size = source.stat().st_size if source.is_file() and not source.is_symlink() else limits.text_bytes + 1
    if size <= limits.text_bytes:
        quoted(error, {path: source.read_text("utf-8", "replace")})
    return error
