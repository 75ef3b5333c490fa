"""What edited policies change as SARIF 2.1.0: a result for each rule that flips, at the rule's place."""

from __future__ import annotations

from typing import Any

from ....evidence.base.errors import masked
from ...report.json_format import render_json
from ...terminal.figures import printable
from ...terminal.sarif import document, location
from ..impact import Impact
from .flips import Group, groups, place, told


def render_sarif(impact: Impact) -> bytes:
    """A run with a result for each rule and direction: an error where the rule demands less now."""
    made = groups(impact.changed)
    titles = {group.code: printable(group.title) for group in made}
    places = {code: number for number, code in enumerate(titles)}
    problems = [printable(f"{place(one)}: {one.failure}") for one in impact.failed]
    results = [_result(impact, group, places[group.code]) for group in made]
    return render_json(document("gate policy impact", titles, results, problems))


def _result(impact: Impact, group: Group, number: int) -> dict[str, Any]:
    one, _, flip = group.members[0]
    what = "demands less" if group.loosened else "flips"
    text = (
        f"{group.code} {what}: {group.arrow} in {len(group.members)} decisions, such as {place(one)}"
        f"{told(flip)}"
    )
    result: dict[str, Any] = {
        "ruleId": group.code,
        "ruleIndex": number,
        "level": "error" if group.loosened else "warning",
        "message": {"text": printable(text)},
        "partialFingerprints": {"flip/v1": f"{group.code} {group.before} {group.after}"},
    }
    found = impact.places.get(group.code)
    if found is not None:
        path, line = found
        result["locations"] = [location(masked(path), line)]
    return result
