"""Results of ``gate policy impact -o json``, in the folder that the service file names.

The service writes those of bundles that are pushed to it; whoever else may write there is believed.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from ....evidence.base.errors import EvidenceError, GateError
from ....evidence.base.limits import DEFAULT
from ....evidence.base.records import from_json
from ....evidence.reading.parse import parse_json
from ....evidence.reading.workspace.named import read_named
from ...decision.document import PolicyId
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


class Result(Struct, frozen=True):
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


class Listed(Struct, frozen=True):
    """A result as lists show it: `tone` and `flips` say what it comes to, `wrong` why nothing is known."""

    name: str
    written_s: int
    tone: str = ""
    flips: str = ""
    policy: PolicyId | None = None
    base: str = ""
    decisions: int = 0
    wrong: str = ""

    @classmethod
    def of(cls, one: Result) -> Listed:
        """The result without single flips."""
        found = one.impact
        if found is None:
            return cls(one.name, one.written_s, wrong=one.wrong)
        total = found.recorded + found.logged + found.sets
        return cls(one.name, one.written_s, *summary(found), found.policy, found.base, total)


def summary(found: Impact) -> tuple[str, str]:
    """What a result comes to: the tone of its mark, and words."""
    if found.loosened:
        return "bad", "some demand less"
    if found.changed:
        return "warn", "flips, none demands less"
    return ("bad", "not known") if found.failed else ("good", "nothing flips")


def results(folder: Path) -> list[Listed]:
    """The latest results in the folder, the latest first; none where it is not there.

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
    return [_listed(folder, name, written_ns) for written_ns, name in sorted(found, reverse=True)[:MOST]]


@functools.lru_cache(maxsize=4 * MOST)
def _listed(folder: Path, name: str, written_ns: int) -> Listed:
    """Remembered until the file changes."""
    return Listed.of(_read(folder, name, written_ns))


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
