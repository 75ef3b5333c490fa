"""Collector ``risk_parameters``: which values the limits under change control have, where they are written,
and what changed since the last approved version. See ``docs/collectors/risk_parameters.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...base.settings import Bounded, Text
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...reading.workspace import View, check_relative, glob_regex
from ...reading.workspace.sources import BESIDE, is_test
from ..shared.baseline import Baseline, approved_version, unnamed
from .model import Definition

NAMES = ("KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH", "BOX_LIM", "GROSS_LIM", "NET_LIM", "VOL_TARGET")
_ENDINGS = (".py", ".yaml", ".yml", ".json", ".toml")
_AT_THE_TOP = (".py", ".yaml", ".yml", ".toml")
_ESCAPE = re.compile(rb"\\[xuUN0-7]")

Name = Annotated[str, Bounded(longest=100, pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True, slots=True)
class RiskParametersOptions(Options):
    """Options of ``evidence.risk_parameters``.

    Attributes:
        names: the parameters.
        paths: globs of the Python, YAML, JSON and TOML files they may be in; by default the judged ones but
            tests, contracts and fixtures, everything below ``config``, and Python, YAML and TOML at the top.
        approved: the branch, tag or commit whose values were approved.
        approved_copy: instead of ``approved``: a directory with the approved files under their own paths.
    """

    names: tuple[Name, ...] = field(default=NAMES)
    paths: tuple[str, ...] | None = field(default=None, metadata={"min_length": 1})
    approved: Text | None = None
    approved_copy: Text | None = None


class RiskParametersCollector:
    """See the module."""

    id: ClassVar[str] = "risk_parameters"
    version: ClassVar[str] = "5"
    Options: ClassVar[type[Options]] = RiskParametersOptions

    def __init__(self, options: RiskParametersOptions) -> None:
        self._options = options
        self._names = frozenset(options.names)

    def collect(self, view: View) -> Observation:
        """Find the parameters' definitions, and compare them with the approved ones.

        Raises:
            ConfigError: the options name two approved versions, or one that is the judged version itself.
        """
        options = self._options
        problems: list[Problem] = []
        baseline = None
        patterns = self._patterns(view)
        try:
            baseline = approved_version(view, self.id, options.approved, options.approved_copy, patterns)
            if baseline is None:
                problems += [unnamed(self.id, fact) for fact in ("baseline", "changed", "changes")]
        except EvidenceError as error:
            problems.append(Problem.rejected(error))
        by_path: dict[str, list[Definition]] = {}
        paths = self._present(view, patterns)
        for path in paths:
            try:
                by_path[path] = self._read(view.read(path), path, path, view.limits)
            except EvidenceError as error:
                problems.append(Problem.rejected(error))
        after = _settled([one for path in sorted(by_path) for one in by_path[path]])
        unknown = [one for one in after if one.value is None]
        values: dict[str, set[object]] = {}
        for one in after:
            values.setdefault(one.name, set()).add(one.meaning)
        changes: list[dict[str, Any]] | None = None
        if baseline is not None:
            changes = compare(self._approved(view, baseline, patterns, by_path, problems), after)
        most = view.limits.problems
        problems += [
            Problem(
                "found",
                f"the value of {one.name} cannot be told: {one.text}",
                "write it as a plain number in one place and import it from there",
                ProblemKind.UNKNOWN,
                one.path,
                None if one.line is None else f"line {one.line}",
            )
            for one in unknown[:most]
        ]
        return Observation(
            {
                "parameters": [_entry(one) for one in after[:most]],
                "total": len(after),
                "found": sorted(values),
                "absent": sorted(self._names - values.keys()),
                "unknown": [
                    {"name": one.name, "path": one.path, "line": one.line, "text": one.text}
                    for one in unknown[:most]
                ],
                "unknown_total": len(unknown),
                "conflicting": sorted(name for name, known in values.items() if len(known) > 1),
                "baseline": None if baseline is None else baseline.to_json(),
                "changed": None if changes is None else len(changes),
                "changes": None if changes is None else changes[:most],
            },
            tuple(problems),
            scopes=(Scope("", len(paths), len(by_path), "files"),),
        )

    def _patterns(self, view: View) -> tuple[str, ...]:
        """Globs of the files that are looked at."""
        if self._options.paths is not None:
            return self._options.paths
        found = ["config/**", *(f"*{ending}" for ending in _AT_THE_TOP)]
        judged = view.judged()
        for pattern in judged.patterns:
            if pattern not in BESIDE:
                plain = pattern.rstrip("/")
                found += (
                    ["**/*"] if plain == "." else [plain] if plain in judged.files else [plain, f"{plain}/**"]
                )
        return tuple(found)

    def _is_looked_at(self, path: str) -> bool:
        if not path.endswith(_ENDINGS):
            return False
        return self._options.paths is not None or not (is_test(path) or path.partition("/")[0] in BESIDE)

    def _present(self, view: View, patterns: Iterable[str]) -> list[str]:
        copy = self._options.approved_copy
        inside = None if copy is None else copy.removesuffix("/") + "/"
        expressions = [glob_regex(check_relative(pattern)) for pattern in patterns]
        # a path that somebody named may be a link or a pipe, which is then rejected instead of passed over
        named = self._options.paths is not None
        found = (
            sorted({path for pattern in patterns for path in view.glob(pattern)}) if named else view.paths()
        )
        return [
            path
            for path in found
            if self._is_looked_at(path)
            and any(one.fullmatch(path) for one in expressions)
            and (inside is None or not path.startswith(inside))
        ]

    def _approved(
        self,
        view: View,
        baseline: Baseline,
        patterns: Iterable[str],
        known: dict[str, list[Definition]],
        problems: list[Problem],
    ) -> list[Definition]:
        found: list[Definition] = []
        for path in filter(self._is_looked_at, baseline.files(patterns)):
            if path in known and baseline.same(path):
                found += known[path]
                continue
            try:
                data = baseline.read(path)
                if data is not None:
                    found += self._read(data, path, baseline.label(path), view.limits)
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "changes"))
        return _settled(found)

    def _read(self, data: bytes, path: str, label: str, limits: Limits) -> list[Definition]:
        if not self._mentioned(data, path):
            return []
        if path.endswith(".py"):
            from ..shared.python_source import decode_source, parse_text
            from . import python_files as python

            text = decode_source(data, label)
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
