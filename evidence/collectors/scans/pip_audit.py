"""What ``pip-audit -f json`` says: dependencies, known vulnerabilities in them, and what it could not audit.

Format: https://github.com/pypa/pip-audit (``{"dependencies": […], "fixes": […]}``; old versions
wrote only the list).
pip-audit states no severity, so none is made up here.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from ..shared.json_fields import Fields, Place
from ..shared.requirements import normalised

REMEDY = "write the report again: pip-audit -f json -o pip-audit.json"


class Vulnerability(Struct, eq=False):
    """One vulnerability of one dependency.

    Attributes:
        names: all ids it goes by.
        fixed_in: versions that are free of it.
        stated: the id it was reported under; the first in alphabetical order of several.
    """

    names: set[str]
    fixed_in: set[str]
    stated: str

    def absorb(self, other: Vulnerability) -> None:
        """Take over what a second report of the same vulnerability says."""
        self.names |= other.names
        self.fixed_in |= other.fixed_in
        self.stated = min(self.stated, other.stated)


class Audit(Struct):
    """Dependencies of all reports together; one that several reports list counts once.

    Attributes:
        known: for each audited dependency, by normalised name (PEP 503) and version, its vulnerabilities by
            each of their names.
        skipped: reasons by name and, where stated, version of dependencies that could not be audited.
    """

    known: dict[tuple[str, str], dict[str, Vulnerability]] = field(default_factory=dict)
    skipped: dict[tuple[str, str], str] = field(default_factory=dict)

    def vulnerabilities(self) -> list[tuple[str, str, Vulnerability]]:
        """Every vulnerability once for each dependency that has it, with that one's name and version."""
        found = [(*key, one) for key, names in self.known.items() for one in set(names.values())]
        return sorted(found, key=lambda entry: (entry[0], entry[1], entry[2].stated))

    def add(self, report: Any, path: str) -> None:
        """Count one report.

        Raises:
            EvidenceError: it is no report of pip-audit, or a field has a wrong type.
        """
        read = Fields(path, REMEDY)
        bare = isinstance(report, list)
        whole = {"dependencies": report} if bare else read.whole(report)
        if whole.get("dependencies") is None:
            read.fail("is no report of pip-audit: it has no 'dependencies'", ())
        for entry, place in read.objects(whole, "dependencies", ()):
            self._dependency(read, entry, place[1:] if bare else place)

    def _dependency(self, read: Fields, entry: dict[str, Any], place: Place) -> None:
        name = normalised(read.required(entry, "name", place))
        reason = read.text(entry, "skip_reason", place)
        if reason is not None:
            if entry.get("vulns"):
                read.fail("the dependency is called skipped and has vulnerabilities", place)
            self.skipped.setdefault((name, read.text(entry, "version", place) or ""), reason)
            return
        if entry.get("vulns") is None:
            read.fail("there is neither 'vulns' nor 'skip_reason'", place)
        known = self.known.setdefault((name, read.required(entry, "version", place)), {})
        for found, at in read.objects(entry, "vulns", place):
            stated = read.required(found, "id", at)
            names = {stated, *read.texts(found, "aliases", at)}
            same = {id(known[alias]): known[alias] for alias in names if alias in known}
            made = Vulnerability(names, set(read.texts(found, "fix_versions", at)), stated)
            group = sorted([*same.values(), made], key=lambda one: len(one.names), reverse=True)
            for other in group[1:]:  # into the largest, so that long chains of aliases stay cheap
                group[0].absorb(other)
                known.update(dict.fromkeys(other.names, group[0]))
            known.update(dict.fromkeys(names, group[0]))
