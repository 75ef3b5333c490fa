"""What edited policies change as SARIF 2.1.0: a result for each rule that flips, at the rule's place.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .... import __version__
from ....evidence.base.errors import masked
from ...report.json_format import render_json
from ...terminal.figures import printable
from ..impact import Impact
from .flips import Group, groups, place, told

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render_sarif(impact: Impact) -> bytes:
    """A run with a result for each rule and direction: an error where the rule demands less now."""
    made = groups(impact.changed)
    titles = {group.code: group.title for group in made}
    rules = [{"id": code, "shortDescription": {"text": printable(title)}} for code, title in titles.items()]
    places = {code: number for number, code in enumerate(titles)}
    notes = [
        {"level": "error", "message": {"text": printable(f"{place(one)}: {one.failure}")}}
        for one in impact.failed
    ]
    driver = {"name": "gate policy impact", "version": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not notes, "toolExecutionNotifications": notes}],
        "results": [_result(impact, group, places[group.code]) for group in made],
    }
    return render_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


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
        uri = quote(masked(path), safe="/")
        result["locations"] = [
            {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
        ]
    return result
