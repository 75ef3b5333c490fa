"""``gate provenance``: says beside evidence files what they were made from, at the time it is known."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ... import __version__
from ...evidence.base.atomic import put_file
from ...evidence.base.errors import UsageError
from ...evidence.base.times import format_utc
from ...evidence.collecting.interface import Origin
from ...evidence.collecting.provenance import SUFFIX, statement
from ..collectors import open_workspace
from ..context import Context
from ..service import find_subject

CLOCKS_DIFFER_S = 300
"""By how many seconds the clock of the machine that made evidence may be ahead."""


def check_finished(finished_at_s: int, now_s: int) -> None:
    """Refuse a time at which nothing can have been finished.

    Raises UsageError: it is in the future, by more than two clocks may differ.
    """
    if finished_at_s > now_s + CLOCKS_DIFFER_S:
        remedy = "give the time at which the evidence was finished, or leave --at out for now"
        raise UsageError(f"the time {format_utc(finished_at_s)} is in the future", remedy=remedy)


def state_provenance(
    context: Context, files: Iterable[str], finished_at: str, command: str | None
) -> list[str]:
    """Write the statement for each file; returns the statements' paths, relative to the workspace.

    Args:
        files: evidence files, as paths relative to the workspace or the current directory.
        finished_at: RFC 3339 time at which the files were finished.
        command: what made them, as one line.

    Raises UsageError: a file is not in the workspace, is a statement itself, or is one of the judged sources;
    EvidenceError: a file or a source cannot be read; EnvironmentProblem: a statement cannot be written.
    """
    workspace = open_workspace(context.root, context.authority)
    judged, _ = find_subject(workspace)
    origin = Origin(judged.commit, judged.dirty, judged.digest)
    sources = workspace.judged().paths
    names = [relative(context.root, file) for file in dict.fromkeys(files)]
    for name in names:
        if name.endswith(SUFFIX):
            raise UsageError(f"{name!r} is a statement itself", remedy="name the evidence file")
        if not workspace.is_file(name):
            remedy = "name a file of the workspace, not of its ledger"
            raise UsageError(f"there is no file {name!r} in the workspace", remedy=remedy)
        if name in sources:
            what = f"{name!r} is one of the judged sources, and a statement beside it would change them"
            raise UsageError(what, remedy="write evidence outside of subject.sources, or exclude it there")
    for name in names:
        data = statement(
            name.rpartition("/")[2],
            workspace.file_digest(name),
            origin,
            finished_at,
            f"urn:gate:cli:{__version__}",
            command,
        )
        put_file(context.root, name + SUFFIX, data)
    return [name + SUFFIX for name in names]


def relative(root: Path, file: str) -> str:
    """The file as the workspace names it. A path as it stands in the workspace wins over one from here."""
    given = Path(os.path.normpath(file))
    inside = not given.is_absolute() and ".." not in given.parts
    if inside and os.path.lexists(root / given):
        return given.as_posix()
    absolute = Path(os.path.normpath(Path.cwd() / given))
    for base in (root, Path(os.path.abspath(root))):  # noqa: PTH100 - links are not to be resolved
        if absolute.is_relative_to(base):
            return absolute.relative_to(base).as_posix()
    if inside:
        return given.as_posix()
    raise UsageError(f"{file!r} is not in the workspace", remedy="name a file of the workspace")
