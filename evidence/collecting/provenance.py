"""What an evidence file was made from: a statement beside it, ``<file>.provenance.json``.

Most evidence formats have no place for the commit or the sources that a run saw. ``gate provenance`` writes
that down as an in-toto Statement v1 (https://in-toto.io/Statement/v1) with a SLSA Provenance v1 predicate
(https://slsa.dev/spec/v1.0/provenance): the file's digest as subject, the digest of the judged sources and
the git commit as resolved dependencies, the time as ``finishedOn``. Any collector's file may have one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from ..base.errors import EvidenceError
from ..base.records import lookup
from ..base.times import format_utc, parse_rfc3339
from ..reading.files import ObjectFormat
from ..reading.workspace import FileRead, View, Workspace
from ..signing.intoto import STATEMENT_TYPE
from .interface import Origin

SUFFIX = ".provenance.json"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:gate:evidence:v1"
CONTRACT = "provenance"

_SOURCES = "sources"
_COMMIT = "commit"


class Stated(Struct, frozen=True):
    """What a statement says: the sources, and the time (RFC 3339, UTC) at which the file was finished."""

    origin: Origin
    finished_at: str | None


def modified(workspace: Workspace, commit: str | None, paths: Iterable[str]) -> frozenset[str]:
    """Those of the files that the commit has with other bytes: edited, and not committed.

    A file that the commit does not have is none of them: a report that every run makes anew is not edited.
    One that cannot be read any more is: it does not have the bytes that were read.

    Raises EnvironmentProblem: git refuses the repository, takes too long or breaks.
    """
    if commit is None:
        return frozenset()
    from ..reading import git

    kind: ObjectFormat = "sha1" if len(commit) == 40 else "sha256"
    blobs = git.committed(workspace.root, commit, sorted(set(paths)), workspace.limits)

    def same(path: str) -> bool:
        try:
            return blobs[path] == workspace.blob_id(path, kind)
        except EvidenceError:
            return False

    return frozenset(path for path in paths if path in blobs and not same(path))


def statement(
    name: str, sha256: str, origin: Origin, finished_at: str, builder: str, command: str | None = None
) -> bytes:
    """The statement about one file, as indented JSON.

    ``origin`` has a digest of the sources at least; ``builder`` is a URI for who states this; ``command`` is
    what made the file, as one line; for people.
    """
    sources: list[dict[str, Any]] = [{"name": _SOURCES, "digest": {"sha256": origin.digest}}]
    if origin.commit is not None:
        annotations = {"annotations": {"dirty": origin.dirty}} if origin.dirty is not None else {}
        sources.append({"name": _COMMIT, "digest": {"gitCommit": origin.commit}, **annotations})
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {} if command is None else {"command": command},
                "resolvedDependencies": sources,
            },
            "runDetails": {"builder": {"id": builder}, "metadata": {"finishedOn": finished_at}},
        },
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def stated(view: View, file: FileRead) -> Stated | None:
    """What the statement beside a file says; None when there is none.

    Raises EvidenceError: the statement is malformed, or is about other bytes than the file has.
    """
    path = file.path + SUFFIX
    if file.path.endswith(SUFFIX) or not view.exists(path):
        return None
    again = "state the provenance again: gate provenance FILE"
    document = view.read_json(path, CONTRACT)
    if {"sha256": file.sha256} not in [subject["digest"] for subject in document["subject"]]:
        name = file.path.rpartition("/")[2]
        what = f"states what {name!r} was made from, but that file has other content"
        remedy = f"make the evidence again and {again}"
        raise EvidenceError(what, path=path, place="/subject", remedy=remedy)
    finished = lookup(document, "predicate.runDetails.metadata.finishedOn")
    try:
        finished_at = None if finished is None else format_utc(parse_rfc3339(finished))
    except ValueError as error:
        place, remedy = "/predicate/runDetails/metadata/finishedOn", "write it like 2025-11-07T12:00:00Z"
        raise EvidenceError(str(error), path=path, place=place, remedy=remedy) from error
    dependencies = lookup(document, "predicate.buildDefinition.resolvedDependencies")
    named = {item["name"]: item for item in dependencies}
    if len(named) != len(dependencies):
        place = "/predicate/buildDefinition/resolvedDependencies"
        raise EvidenceError("names the same kind of source twice", path=path, place=place, remedy=again)
    commit = named.get(_COMMIT, {})
    origin = Origin(
        lookup(commit, "digest.gitCommit"),
        lookup(commit, "annotations.dirty"),
        lookup(named.get(_SOURCES, {}), "digest.sha256"),
    )
    return Stated(origin, finished_at)
