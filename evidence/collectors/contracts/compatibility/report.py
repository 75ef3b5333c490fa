"""The fact ``compatibility`` of the collector ``contracts``: each schema file and its approved version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import asdict

from ....base.errors import EvidenceError
from ....reading.parse import parse_json
from ....reading.workspace import View
from ...shared.baseline import Baseline
from ...shared.schemas.schema_files import well_formed
from .. import compatibility
from . import Break, Version
from .documents import uri


def report(
    view: View, baseline: Baseline, patterns: tuple[str, ...], documents: Mapping[str, Any]
) -> dict[str, Any]:
    """The fact's value.

    A document that is None, in either version, is not well-formed JSON: it is listed as undecided.

    Raises:
        EvidenceError: a file cannot be read.
    """

    def approved(path: str) -> Any:
        with suppress(EvidenceError):
            data = baseline.read(path)
            return None if data is None else parse_json(data, path, view.limits)

    def current(path: str) -> Any:
        with suppress(EvidenceError):
            return view.read_json(path) if path in view.paths() else None

    before = {path: approved(path) for path in baseline.files(patterns)}
    both = sorted(before.keys() & documents.keys())
    years = {path: compatibility.drafts(before[path], documents[path]) for path in both}
    old = _version(before, approved, {path: pair[0] for path, pair in years.items()})
    new = _version(documents, current, {path: pair[1] for path, pair in years.items()})
    removed = sorted(before.keys() - documents.keys())
    found = {path: _compare(old, new, path) for path in both}
    gone = Break("", "file", "both", "old", "the schema file was removed")
    found |= {path: [gone] for path in removed}
    changed = [path for path in sorted(found) if found[path] or baseline.read(path) != view.read(path)]
    most = view.limits.problems
    files = [_file(path, found[path], before[path], documents.get(path), most) for path in changed]
    counts = ("breaks_producers", "breaks_consumers", "undecided")
    return {
        "baseline": baseline.to_json(),
        "compared": len(both),
        "unchanged": len(found) - len(files),
        "files": files,
        **{name: sum(file[name] for file in files) for name in counts},
        "removed": removed,
        "added": sorted(documents.keys() - before.keys()),
    }


def _version(documents: Mapping[str, Any], others: Callable[[str], Any], years: Mapping[str, int]) -> Version:
    def usable(path: str, document: Any) -> bool:
        return well_formed(document, uri(years.get(path, 2020)))

    def further(path: str) -> Any:
        item = None if path in documents else others(path)
        return item if item is not None and usable(path, item) else None

    return Version({path: item for path, item in documents.items() if usable(path, item)}, further, years)


def _compare(old: Version, new: Version, path: str) -> list[Break]:
    for version, name in ((old, "old"), (new, "new")):
        if path not in version.documents:
            which = "approved" if name == "old" else "present"
            what = f"the {which} version is no valid schema, so it cannot be compared"
            return [Break("", compatibility.UNDECIDED, "both", name, what)]
    return compatibility.compare_file(old, new, path)


def _file(path: str, found: list[Break], before: Any, after: Any, most: int) -> dict[str, Any]:
    certain = [one for one in found if one.kind != compatibility.UNDECIDED]
    first, second = compatibility.stated_version(before), compatibility.stated_version(after)
    leading, following = compatibility.major(first), compatibility.major(second)
    return {
        "path": path,
        "version_before": first,
        "version_after": second,
        "major_changed": leading is not None and following is not None and leading < following,
        "breaks_producers": sum(one.breaks != "consumers" for one in certain),
        "breaks_consumers": sum(one.breaks != "producers" for one in certain),
        "undecided": len(found) - len(certain),
        "breaks": [asdict(one) for one in found[:most]],
    }
