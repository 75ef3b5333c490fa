"""Collector ``risk_parameters``: which values the limits under change control have, where they are written,
and what changed since the last approved version. See ``docs/collectors/risk_parameters.md``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...base.settings import Bounded, Text
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...reading.workspace import View, glob_regex
from ...reading.workspace.sources import BESIDE, is_test, matches
from ..shared.baseline import Baseline, approved_version, unnamed
from .model import Definition, compare
from .reading import definitions, settled

__all__ = ["NAMES", "RiskParametersCollector", "RiskParametersOptions", "compare"]

NAMES = ("KILL_PNL", "MAX_DD_KILL_SWITCH", "PSR_KILL_SWITCH", "BOX_LIM", "GROSS_LIM", "NET_LIM", "VOL_TARGET")
_ENDINGS = (".py", ".yaml", ".yml", ".json", ".toml")
_AT_THE_TOP = (".py", ".yaml", ".yml", ".toml")
_UTF8 = re.compile(rb"coding[:=][ \t]*utf-8(?![-\w])", re.IGNORECASE)
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
    version: ClassVar[str] = "8"
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
        found = self._present(view)
        copy = None if options.approved_copy is None else options.approved_copy.removesuffix("/") + "/"
        paths = [path for path in found if copy is None or not path.startswith(copy)]
        patterns = options.paths or (("**/*",) if view.judged().patterns == (".",) else found)
        try:
            baseline = approved_version(view, self.id, options.approved, options.approved_copy, patterns)
            if baseline is None:
                problems += [unnamed(self.id, fact) for fact in ("baseline", "changed", "changes")]
        except EvidenceError as error:
            problems.append(Problem.rejected(error))
        by_path: dict[str, list[Definition]] = {}
        for path in paths:
            try:
                by_path[path] = self._read(view.read(path), path, path, view.limits)
            except EvidenceError as error:
                problems.append(Problem.rejected(error))
        after = settled([one for path in sorted(by_path) for one in by_path[path]])
        unknown = [one for one in after if one.value is None]
        values: dict[str, set[object]] = {}
        for one in after:
            values.setdefault(one.name, set()).add(one.meaning)
        changes: list[dict[str, Any]] | None = None
        if baseline is not None:
            changes = compare(self._approved(view, baseline, by_path, problems), after)
        most = view.limits.problems
        problems += [
            Problem(
                "found",
                f"the value of {one.name} cannot be told: {one.text}",
                "write it as a plain number in one place and import it from there",
                ProblemKind.UNKNOWN,
                one.path,
                f"line {one.line}",
            )
            for one in unknown[:most]
        ]
        return Observation(
            {
                "parameters": [one.to_json() for one in after[:most]],
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

    def _present(self, view: View) -> list[str]:
        """The files that are looked at."""
        if self._options.paths is None:
            return [path for path in view.paths() if self._is_looked_at(view, path)]
        # a path that somebody named may be a link or a pipe, which is then rejected instead of passed over
        found = {path for pattern in self._options.paths for path in view.glob(pattern)}
        return sorted(path for path in found if path.endswith(_ENDINGS))

    def _is_looked_at(self, view: View, path: str) -> bool:
        if not path.endswith(_ENDINGS):
            return False
        if self._options.paths is not None:
            return any(glob_regex(pattern).fullmatch(path) for pattern in self._options.paths)
        if is_test(path) or path.partition("/")[0] in BESIDE:
            return False
        if path.startswith("config/") or ("/" not in path and path.endswith(_AT_THE_TOP)):
            return True
        return any(matches(pattern, path) for pattern in view.judged().patterns)

    def _approved(
        self, view: View, baseline: Baseline, known: dict[str, list[Definition]], problems: list[Problem]
    ) -> list[Definition]:
        found: list[Definition] = []
        for path in baseline.files(["**"]):
            if not self._is_looked_at(view, path):
                continue
            if path in known and baseline.same(path):
                found += known[path]
                continue
            try:
                data = baseline.read(path)
                if data is not None:
                    found += self._read(data, path, baseline.label(path), view.limits)
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "changes"))
        return settled(found)

    def _read(self, data: bytes, path: str, label: str, limits: Limits) -> list[Definition]:
        """The places in a file; none, without parsing it, where no name can be in there."""
        head = b"\n".join(data[:4096].splitlines()[:2])
        encoded = path.endswith(".py") and b"coding" in _UTF8.sub(b"", head, 1)
        odd = b"\x00" in data or encoded or _ESCAPE.search(data)
        text = "" if odd else data.decode("utf-8", "replace")
        if not text.isascii():  # Python takes compatibility characters in names for the plain ones (PEP 3131)
            text = unicodedata.normalize("NFKC", text)
        if not odd and not any(name in text for name in self._names):
            return []
        return definitions(data, path, label, self._names, limits)
