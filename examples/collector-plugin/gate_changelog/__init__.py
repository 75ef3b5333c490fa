"""Collector ``changelog``: the latest release in a Keep-a-Changelog file, and what is not released yet."""

import re
from dataclasses import dataclass
from typing import ClassVar

from gate.evidence.collecting.interface import Problem, Observation, Options
from gate.evidence.reading.workspace import View

RELEASE = re.compile(r"## \[(?P<version>\d+\.\d+\.\d+)\] - (?P<date>\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, slots=True)
class ChangelogOptions(Options):
    """Options of ``evidence.changelog``: which file it is."""

    file: str = "CHANGELOG.md"


class ChangelogCollector:
    """Reads through the view, reports facts, judges nothing."""

    id: ClassVar[str] = "changelog"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = ChangelogOptions

    def __init__(self, options: ChangelogOptions) -> None:
        self._file = options.file

    def collect(self, view: View) -> Observation:
        lines = view.read_text(self._file).splitlines() if view.exists(self._file) else []
        heads = [(number, line) for number, line in enumerate(lines) if line.startswith("## ")]
        first = heads[0][0] if heads else len(lines)
        second = heads[1][0] if len(heads) > 1 else len(lines)
        waiting = heads[0][1] == "## [Unreleased]" if heads else False
        unreleased = sum(line.startswith("- ") for line in lines[first:second]) if waiting else 0
        release = next((found for _, line in heads if (found := RELEASE.fullmatch(line))), None)
        facts = {"latest": None, "released": None, "unreleased": unreleased if lines else None}
        if release:
            facts |= {"latest": release["version"], "released": release["date"]}
        why = "no release is listed" if lines else f"there is no {self._file}"
        missing = [Problem(name, why, "write it") for name, value in facts.items() if value is None]
        return Observation(facts, tuple(missing))
