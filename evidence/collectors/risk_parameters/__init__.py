"""Collector ``risk_parameters``: which values the limits under change control have, where they are written,
and what changed since the last approved version. See ``docs/collectors/risk_parameters.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from ...interface import Missing, Observation, Options
from ...limits import Limits
from ...parse import decode_text
from ...settings import Bounded, Text
from ...workspace import View
from ..shared.baseline import Baseline, approved_version, present, unnamed
from .model import Definition

NAMES = ("KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH", "BOX_LIM", "GROSS_LIM", "NET_LIM", "VOL_TARGET")
_ENDINGS = (".py", ".yaml", ".yml", ".json", ".toml")
_PLACES = ("algo_trade", "data_plane", "order_plane", "config")
_PATHS = (
    *(f"{place}/**/*{ending}" for place in _PLACES for ending in _ENDINGS),
    "*.py", "*.yaml", "*.yml", "*.toml",
)  # fmt: skip
_OCTAL = re.compile(rb"\\1[0-7][0-7]")
_ENCODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_ASCII = bytes(range(128))
_ESCAPES = (b"\\u", b"\\U", b"\\x", b"\\N")

Name = Annotated[str, Bounded(longest=100, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True, slots=True)
class RiskParametersOptions(Options):
    """Options of ``evidence.risk_parameters``.

    Attributes:
        names: the parameters.
        paths: globs of the Python, YAML, JSON and TOML files they may be in; files of other kinds are left
            alone.
        approved: the branch, tag or commit whose values were approved.
        approved_copy: instead of ``approved``: a directory with the approved files under their own paths.
    """

    names: tuple[Name, ...] = field(default=NAMES)
    paths: tuple[str, ...] = field(default=_PATHS)
    approved: Text | None = None
    approved_copy: Text | None = None


class RiskParametersCollector:
    """See the module."""

    id: ClassVar[str] = "risk_parameters"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = RiskParametersOptions

    def __init__(self, options: RiskParametersOptions) -> None:
        self._options = options
        self._names = frozenset(options.names)
        self._begun = _Beginnings(self._names)

    def collect(self, view: View) -> Observation:
        """Find the parameters' definitions, and compare them with the approved ones.

        Raises:
            EvidenceError: a file that mentions a parameter is malformed in one of the versions; the approved
                version does not exist.
            ConfigError: the options name two approved versions, or one that is the judged version itself.
        """
        options = self._options
        baseline = approved_version(view, self.id, options.approved, options.approved_copy, options.paths)
        by_path = {
            path: self._read(view.read(path), path, path, view.limits)
            for path in present(view, options.paths, options.approved_copy)
            if path.endswith(_ENDINGS)
        }
        after = _settled([one for path in sorted(by_path) for one in by_path[path]])
        values: dict[str, set[str]] = {}
        for one in after:
            values.setdefault(one.name, set()).add(one.meaning)
        changes: list[dict[str, Any]] | None = None
        missing: tuple[Missing, ...] = tuple(
            unnamed(self.id, fact) for fact in ("baseline", "changed", "changes")
        )
        if baseline is not None:
            changes, missing = compare(self._approved(view, baseline, by_path), after), ()
        return Observation(
            {
                "parameters": [_entry(one) for one in after[: view.limits.problems]],
                "total": len(after),
                "found": sorted(values),
                "absent": sorted(self._names - values.keys()),
                "conflicting": sorted(name for name, known in values.items() if len(known) > 1),
                "baseline": None if baseline is None else baseline.to_json(),
                "changed": None if changes is None else len(changes),
                "changes": None if changes is None else changes[: view.limits.problems],
            },
            missing,
        )

    def _approved(
        self, view: View, baseline: Baseline, known: dict[str, list[Definition]]
    ) -> list[Definition]:
        found: list[Definition] = []
        for path in baseline.files(self._options.paths):
            if not path.endswith(_ENDINGS):
                continue
            if path in known and baseline.same(path):
                found += known[path]
                continue
            data = baseline.read(path)
            if data is not None:
                found += self._read(data, path, baseline.label(path), view.limits)
        return _settled(found)

    def _read(self, data: bytes, path: str, label: str, limits: Limits) -> list[Definition]:
        if not self._mentioned(data, path):
            return []
        if path.endswith(".py"):
            from ..shared.python_source import parse_text
            from . import python_files as python

            text = decode_text(data, label)
            return python.definitions(parse_text(text), text, path, self._names, label)
        from . import data_files as _risk_data

        return _risk_data.definitions(data, path, label, self._names, limits)

    def _mentioned(self, data: bytes, path: str) -> bool:
        """Whether one of the names may be in the file; parsing every file would take far longer."""
        if any(name.encode() in data for name in self._names) or any(mark in data for mark in _ESCAPES):
            return True
        if b"\x00" in data:
            return True  # UTF-16, perhaps: to be refused, not to be passed over
        if self._begun(data):
            return True
        if path.endswith(".py") and (_OCTAL.search(data) is not None or _disguised(data)):
            return True
        if data.isascii():
            return False
        # Python takes compatibility characters in names for the plain ones (PEP 3131)
        text = unicodedata.normalize("NFKC", data.decode("utf-8", "replace"))
        return any(name in text for name in self._names)


class _Beginnings:
    """Finds where a literal may go on elsewhere, or with an escape, after the beginning of a name."""

    def __init__(self, names: frozenset[str]) -> None:
        self._known = frozenset(name[:end].encode() for name in names for end in range(1, len(name)))
        first = "".join(sorted({name[0] for name in names if len(name) > 1}))
        # a set of first characters lets the engine skip quickly
        self._word = re.compile(
            f"[{first}](?<![A-Za-z0-9_].)[A-Za-z0-9_]*+(?=[\"'{{\\\\])".encode() if first else b"(?!)",
            re.DOTALL,
        )

    def __call__(self, data: bytes) -> bool:
        return any(found[0] in self._known for found in self._word.finditer(data))


def _disguised(data: bytes) -> bool:
    """Whether Python would read even the plain characters of the file as others (PEP 263)."""
    for row in data.split(b"\n", 2)[:2]:
        declared = _ENCODING.match(row)
        if declared is not None:
            try:
                return _ASCII.decode(declared[1].decode()) != _ASCII.decode()
            except (LookupError, ValueError):
                return True
    return False


def _settled(found: list[Definition]) -> list[Definition]:
    if all(one.module is None for one in found):
        return found
    from .python_files import without_passing_on

    return without_passing_on(found)


def _entry(one: Definition) -> dict[str, Any]:
    return {
        "name": one.name,
        "path": one.path,
        "line": one.line,
        "value": one.value,
        "form": one.form,
        "text": one.text,
        "sha256": one.sha256,
    }


def compare(before: Sequence[Definition], after: Sequence[Definition]) -> list[dict[str, Any]]:
    """What changed, sorted; a definition that moved and says the same did not.

    A definition without an equal one on the other side belongs to one that is left over in the same file, or
    else to any that is left over; without such a one it was added or removed.
    """
    found: list[dict[str, Any]] = []
    for name in sorted({one.name for one in (*before, *after)}):
        old = [one for one in before if one.name == name]
        new = [one for one in after if one.name == name]
        for same in (_same_value_and_path, _same_value):
            _pair(old, new, same)
        for alike in (_same_path, _anything):
            found += [_change(second, first, second) for first, second in _pair(old, new, alike)]
        found += [_change(one, one, None) for one in old] + [_change(one, None, one) for one in new]
    return sorted(found, key=lambda one: (one["name"], one["path"], one["line"] or 0, one["change"]))


def _same_value_and_path(one: Definition, other: Definition) -> bool:
    return one.path == other.path and one.meaning == other.meaning


def _same_value(one: Definition, other: Definition) -> bool:
    return one.meaning == other.meaning


def _same_path(one: Definition, other: Definition) -> bool:
    return one.path == other.path


def _anything(one: Definition, other: Definition) -> bool:
    return True


def _pair(
    old: list[Definition], new: list[Definition], alike: Callable[[Definition, Definition], bool]
) -> list[tuple[Definition, Definition]]:
    """Take pairs out of both lists, in order."""
    pairs = []
    for first in list(old):
        second = next((one for one in new if alike(first, one)), None)
        if second is not None:
            old.remove(first)
            new.remove(second)
            pairs.append((first, second))
    return pairs


def _change(where: Definition, first: Definition | None, second: Definition | None) -> dict[str, Any]:
    before, after = _shown(first), _shown(second)
    if first is not None and second is not None and before == after:  # the difference is not in what is shown
        before, after = _marked(first), _marked(second)
    return {
        "name": where.name,
        "path": where.path,
        "line": where.line,
        "change": "removed" if second is None else "added" if first is None else "changed",
        "before": before,
        "after": after,
    }


def _shown(one: Definition | None) -> str | None:
    return None if one is None else one.text if one.value is None else one.value


def _marked(one: Definition) -> str:
    return one.value or f"{one.text} (sha256 {(one.sha256 or '')[:12]})"
