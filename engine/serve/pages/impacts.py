"""Results of ``gate policy impact -o json``, in the folder that the service file names.

The service writes those of bundles that are pushed to it; whoever else may write there is believed.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ....evidence.base.errors import EvidenceError, GateError
from ....evidence.base.limits import DEFAULT
from ....evidence.base.records import from_json
from ....evidence.reading.parse import parse_json
from ....evidence.reading.workspace.named import read_named
from ...replay.impact import Impact
from ...replay.reports.impact import TYPE

WAITING: Final = "gate.impact-waiting/v1"
"""Type of a file that stands for a bundle which waits to be judged."""
FAILURE: Final = "gate.impact-failure/v1"
"""Type of a file that says why nothing is known of a bundle."""
MOST: Final = 50
"""Results that are listed, the latest ones."""
_BYTES: Final = 16 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")


@dataclass(frozen=True, slots=True)
class Result:
    """A result by the name of its file, when it was written (epoch seconds), and what it says.

    Attributes:
        impact: None where the file does not say any.
        wrong: why not; empty where the bundle still waits to be judged.
        readable: whether the file is one of those that gate writes.
        pushed: who pushed the bundle to this service, for which log, and the archive's digest.
    """

    name: str
    written_s: int
    impact: Impact | None = None
    wrong: str = ""
    readable: bool = True
    pushed: Mapping[str, str] = field(default_factory=dict)


def results(folder: Path) -> list[Result]:
    """The latest results in the folder, the latest first, without single flips; none where it is not there.

    Raises OSError: the folder cannot be read.
    """
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for one in entries:
                if _NAME.fullmatch(one.name) and one.is_file(follow_symlinks=False):
                    found.append((one.stat(follow_symlinks=False).st_mtime_ns, one.name))
    except FileNotFoundError:
        return []
    return [_summary(folder, name, written_ns) for written_ns, name in sorted(found, reverse=True)[:MOST]]


@functools.lru_cache(maxsize=4 * MOST)
def _summary(folder: Path, name: str, written_ns: int) -> Result:
    """A result, remembered until the file changes; only whether there are flips stays of them."""
    found = _read(folder, name, written_ns)
    if found.impact is None:
        return found
    few = tuple(
        sorted(found.impact.changed, key=lambda one: not (one.difference and one.difference.loosened))[:1]
    )
    return replace(found, impact=replace(found.impact, changed=few, failed=found.impact.failed[:1]))


def read(folder: Path, name: str) -> Result:
    """The result in a file of that name. Raises EvidenceError: there is none."""
    try:
        about = os.lstat(folder / name) if _NAME.fullmatch(name) else None
    except OSError:
        about = None
    if about is None:
        raise EvidenceError(f"there is no result {name[:80]!r}", path=name[:80])
    return _read(folder, name, about.st_mtime_ns)


def _read(folder: Path, name: str, written_ns: int) -> Result:
    written_s = written_ns // 10**9
    try:
        data = read_named(folder / name, EvidenceError, "write it again", _BYTES)
        value = parse_json(data, name, DEFAULT)
        if not isinstance(value, dict) or value.get("type") not in (TYPE, WAITING, FAILURE):
            raise ValueError("it is not what gate policy impact -o json writes")
        pushed = value.pop("pushed", {})
        if not isinstance(pushed, dict) or not all(isinstance(one, str) for one in pushed.values()):
            raise ValueError("who pushed it is malformed")
        if value["type"] == WAITING:
            return Result(name, written_s, pushed=pushed)
        if value["type"] == FAILURE:
            return Result(name, written_s, wrong=str(value.get("what")), pushed=pushed)
        stated = {key: item for key, item in value.items() if key not in ("type", "loosened")}
        return Result(name, written_s, from_json(Impact, {**stated, "places": {}}), pushed=pushed)
    except GateError as error:
        return Result(name, written_s, wrong=error.what, readable=False)
    except ValueError as error:
        return Result(name, written_s, wrong=str(error), readable=False)
