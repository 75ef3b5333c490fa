"""Collector ``risk_parameters``: which values the limits under change control have, where they are written,
and what changed since the last approved version. See ``docs/collectors/risk_parameters.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from ...base.limits import Limits
from ...base.settings import Bounded, Text
from ...collecting.interface import Observation, Options, Problem
from ...reading.parse import decode_text
from ...reading.workspace import View
from ..shared.baseline import Baseline, approved_version, present, unnamed
from .model import Definition

NAMES = ("KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH", "BOX_LIM", "GROSS_LIM", "NET_LIM", "VOL_TARGET")
_ENDINGS = (".py", ".yaml", ".yml", ".json", ".toml")
_PLACES = ("algo_trade", "data_plane", "order_plane", "config")
_PATHS = (
    *(f"{place}/**/*{ending}" for place in _PLACES for ending in _ENDINGS),
    "*.py", "*.yaml", "*.yml", "*.toml",
)  # fmt: skip
_ESCAPE = re.compile(rb"\\[xuUN0-7]")

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
    version: ClassVar[str] = "3"
    Options: ClassVar[type[Options]] = RiskParametersOptions

    def __init__(self, options: RiskParametersOptions) -> None:
        self._options = options
        self._names = frozenset(options.names)

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
        unknown = [one for one in after if one.value is None]
        values: dict[str, set[object]] = {}
        for one in after:
            values.setdefault(one.name, set()).add(one.meaning)
        changes: list[dict[str, Any]] | None = None
        missing: tuple[Problem, ...] = tuple(
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
                "unknown": [
                    {"name": one.name, "path": one.path, "line": one.line, "text": one.text}
                    for one in unknown[: view.limits.problems]
                ],
                "unknown_total": len(unknown),
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
        if b"\x00" in data or (b"coding" in data[:200] and path.endswith(".py")):
            return True  # another encoding, perhaps: to be refused, not to be passed over
        if _ESCAPE.search(data):
            return True
        text = data.decode("utf-8", "replace")
        if not text.isascii():  # Python takes compatibility characters in names for the plain ones (PEP 3131)
            text = unicodedata.normalize("NFKC", text)
        return any(name in text for name in self._names)


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
        "form": "unknown" if one.value is None else "literal",
        "text": one.text,
    }


def compare(before: Sequence[Definition], after: Sequence[Definition]) -> list[dict[str, Any]]:
    """What changed, sorted; a place that moved and says the same did not.

    A place without an equal one on the other side belongs to one that is left over in the same file, or else
    to any that is left over; without such a one it was added or removed.
    """
    found: list[dict[str, Any]] = []
    for name in sorted({one.name for one in (*before, *after)}):
        old = [one for one in before if one.name == name]
        new = [one for one in after if one.name == name]
        for same in (lambda one: (one.path, one.meaning), lambda one: one.meaning):
            _pair(old, new, same)
        for alike in (lambda one: one.path, lambda one: None):
            found += [_change(second, first, second) for first, second in _pair(old, new, alike)]
        found += [_change(one, one, None) for one in old] + [_change(one, None, one) for one in new]
    return sorted(found, key=lambda one: (one["name"], one["path"], one["line"] or 0, one["change"]))


def _pair(
    old: list[Definition], new: list[Definition], key: Callable[[Definition], object]
) -> list[tuple[Definition, Definition]]:
    """Take pairs of an equal key out of both lists, in order."""
    pairs = []
    for first in list(old):
        second = next((one for one in new if key(first) == key(one)), None)
        if second is not None:
            old.remove(first)
            new.remove(second)
            pairs.append((first, second))
    return pairs


def _change(where: Definition, first: Definition | None, second: Definition | None) -> dict[str, Any]:
    return {
        "name": where.name,
        "path": where.path,
        "line": where.line,
        "change": "removed" if second is None else "added" if first is None else "changed",
        "before": _shown(first),
        "after": _shown(second),
    }


def _shown(one: Definition | None) -> str | None:
    return None if one is None else one.text if one.value is None else one.value
