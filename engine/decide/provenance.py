"""Facts about the evidence itself: its age, its tool, and whether it was made from what is judged.

Pure: they follow from the evidence, the subject, the effective time and the operator's settings. Policies see
them as ``input.facts.provenance.<collector>``; what follows from them is decided there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ...evidence.base.errors import masked
from ...evidence.base.times import parse_rfc3339
from ...evidence.collecting.interface import Evidence, Origin, Problem, ProblemKind
from ..decision.document import Subject

SOURCES = ("same", "same_commit", "unstated", "dirty", "other")
"""How evidence relates to what is judged, best first.

* ``same``: it states the digest of the judged sources, or their commit, and that nothing was changed since.
* ``same_commit``: it states the commit, and not whether there were changes.
* ``unstated``: it does not say what it was made from.
* ``dirty``: the commit is that of the subject, but the work tree differed from it then, or does now.
* ``other``: it was made from other sources.
"""


def provenance(
    evidence: Mapping[str, Evidence],
    subject: Subject,
    now_s: int,
    max_age_s: Mapping[str, int],
    modified: Collection[str] = (),
) -> dict[str, dict[str, Any]]:
    """The facts by collector; they keep to ``contracts/facts/provenance.schema.json``.

    Args:
        max_age_s: by collector, how old its evidence may be by the operator's settings, in seconds.
        modified: files that the commit checked out has with other bytes, as names are stored.
    """
    return {
        name: _about(item, subject, now_s, max_age_s.get(name), modified)
        for name, item in sorted(evidence.items())
    }


def problems(evidence: Mapping[str, Evidence], about: Mapping[str, Mapping[str, Any]]) -> tuple[Problem, ...]:
    """Why it cannot be told what evidence was made from; evidence that came from nothing is missing.

    Args:
        evidence: what was collected.
        about: the facts about it, as :func:`provenance` gives them.
    """
    found: list[Problem] = []
    for name, item in evidence.items():
        fact = f"{name}.sources"
        if not item.files and not item.attachments:
            found += [replace(one, fact=fact) for one in item.problems if one.fact == ""]
        elif about[name]["sources"] == "unstated":
            reason = f"the evidence of {name} does not state what it was made from"
            found.append(Problem(fact, reason, "state it: gate provenance FILE", ProblemKind.UNKNOWN))
    return tuple(found)


def _about(
    evidence: Evidence, subject: Subject, now_s: int, max_age_s: int | None, modified: Collection[str]
) -> dict[str, Any]:
    observed_at_s = None if evidence.observed_at is None else parse_rfc3339(evidence.observed_at)
    age_s = None if observed_at_s is None else now_s - observed_at_s
    related = [_related(origin, subject) for origin in evidence.origins]
    return {
        "observed_at_s": observed_at_s,
        "age_s": age_s,
        "max_age_s": max_age_s,
        "fresh": None if max_age_s is None else age_s is not None and 0 <= age_s <= max_age_s,
        "sources": max(related, key=SOURCES.index, default="unstated"),
        "statements": len(related),
        "commits": sorted({origin.commit for origin in evidence.origins if origin.commit is not None}),
        "tool": evidence.tool,
        "format": evidence.format,
        "provider": evidence.provider,
        "files": len(evidence.files),
        "uncommitted": [
            path for path in map(masked, (file.path for file in evidence.files)) if path in modified
        ],
    }


def _related(origin: Origin, subject: Subject) -> str:
    if origin.digest is not None:
        return "same" if origin.digest == subject.digest else "other"
    if origin.commit is None:
        return "unstated"
    if origin.commit != subject.commit:
        return "other"
    if origin.dirty or subject.dirty:
        return "dirty"
    return "same_commit" if origin.dirty is None else "same"
