"""What edited policies change: for a terminal, as Markdown for a pull request, as JSON and as SARIF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....evidence.base.errors import masked
from ....evidence.base.numbers import counted
from ....evidence.base.records import to_json
from ...report.json_format import render_json
from ...terminal.figures import clean, printable, shorten
from ...terminal.lines import Lines, Screen
from ...terminal.markdown import heading, page, plain
from ...terminal.sarif import document, location
from ..impact import Impact
from ..outcome import Difference, is_looser
from .flips import ARROW, MOST, Group, groups, place, told, verdicts

TYPE = "gate.impact/v1"
_LONGEST = 300

_LOGS = "Lines of OPA's decision logs have no setup, so rules' results are compared there, and no verdicts."


def _json(impact: Impact, screen: Screen) -> bytes:
    document = to_json(impact)
    del document["places"]
    return render_json({"type": TYPE, "loosened": impact.loosened, **document})


def _table(impact: Impact, screen: Screen) -> bytes:
    lines = Lines(screen)
    lines.add(*_headline(impact), hang=2)
    lines.add(_looked(impact))
    for was, now, count in verdicts(impact.changed):
        loose = "alarm" if is_looser(was, now) else "yellow"
        lines.add((f"{was} {ARROW} {now}", loose), f"  {_decisions(count)}", indent=2)
    for group in groups(impact.changed):
        lines.add("")
        style = "alarm" if group.loosened else "yellow"
        mark = "LOOSENED  " if group.loosened else ""
        lines.add((f"{mark}{group.arrow}", style), "  ", (group.code, "bold"), f"  {group.title}", hang=4)
        for one, difference, flip in group.members[:MOST]:
            lines.add(f"{place(one)}{_verdict(difference)}{shorten(told(flip), _LONGEST)}", indent=4, hang=6)
        more = len(group.members) - MOST
        if more > 0:
            lines.add((f"and {more:,} more, which -o json lists", "dim"), indent=4)
    for text in _remarks(impact):
        lines.add("")
        lines.add((text, "yellow"), hang=2)
    for one in impact.failed[:MOST]:
        lines.add(f"{place(one)}: {one.failure}", indent=4, hang=6)
    return lines.text().encode()


def _verdict(difference: Difference) -> str:
    """What becomes of the verdict, in words; empty where none is known."""
    if difference.before == difference.after:
        return f", verdict stays {difference.after}" if difference.after else ""
    return f", verdict {difference.before} {ARROW} {difference.after}"


def _headline(impact: Impact) -> tuple[tuple[str, str], str]:
    """One sentence: how many past decisions flip, which way, and what to do next."""
    kinds = [what for number, what in _kinds(impact) if number]
    total = impact.recorded + impact.logged + impact.sets
    what = kinds[0] if len(kinds) == 1 else "case"
    looked = counted(total, what, ",")
    under = f"under {impact.policy.name} {impact.policy.version} ({impact.policy.digest[:8]})"
    failed = f"{len(impact.failed):,} of {looked} could not be judged again {under}"
    if impact.changed:
        flips = len(impact.changed)
        looser = sum(one.difference is not None and one.difference.loosened for one in impact.changed)
        way = f"{looser:,} looser and {flips - looser:,} stricter"
        if looser in (0, flips):
            way = f"{'all ' if flips > 1 else ''}{'looser' if looser else 'stricter'}"
        text = f"  {flips:,} of {looked} flip{'s' if flips == 1 else ''} {under}, {way}"
        if looser:
            return ("LOOSENED", "alarm"), f"{text}; next: approve what demands less, or take it back"
        return ("CHANGED", "yellow"), f"{text}; next: tell those whose decisions stand below"
    if impact.failed:
        return ("NOT KNOWN", "alarm"), f"  {failed}, and no other flips; next: fix what is named below"
    none = f"the only {what} does not flip" if total == 1 else f"none of {looked} flips"
    return ("UNCHANGED", "green"), f"  {none} {under}; next: try what nobody recorded (--facts), or merge"


def _kinds(impact: Impact) -> tuple[tuple[int, str], ...]:
    """What was judged again: how many, and what one is called."""
    return (
        (impact.recorded, "recorded decision"),
        (impact.logged, "logged decision"),
        (impact.sets, "fact set"),
    )


def _looked(impact: Impact) -> str:
    parts = [counted(number, what, ",") for number, what in _kinds(impact) if number]
    looked = f"{' and '.join(parts) or 'nothing'} ({impact.distinct:,} distinct)"
    return f"Judged again: {looked}, compared with {impact.base}"


def _remarks(impact: Impact) -> list[str]:
    found = [
        f"{_decisions(number)} without evidence of {collector}, which the edited policies need: it counts as "
        "missing"
        for collector, number in impact.lacking.items()
    ]
    found += [_LOGS] if impact.logged else []
    if impact.failed:
        found.append(f"{len(impact.failed):,} could not be judged again:")
    return found


def _decisions(number: int) -> str:
    return counted(number, "recorded decision", ",")


def _markdown(impact: Impact, screen: Screen) -> bytes:
    return page(clean(line) for line in _comment(impact))


def _comment(impact: Impact) -> Iterator[str]:
    (mark, _), rest = _headline(impact)
    yield from ("### Impact of the edited policies", "", f"**{mark}**{plain(rest)}", "")
    yield plain(_looked(impact))
    pairs = verdicts(impact.changed)
    if pairs:
        yield from ("", "| verdict | decisions |", "| --- | ---: |")
        yield from (f"| **{was} {ARROW} {now}** | {count:,} |" for was, now, count in pairs)
    made = groups(impact.changed)
    for title, loose in (("Demands less", True), ("Other flips", False)):
        chosen = [group for group in made if group.loosened is loose]
        if chosen:
            yield from heading(title)
            yield from ("| rule | flips | decisions | for example |", "| --- | --- | ---: | --- |")
        for group in chosen:
            one, _, flip = group.members[0]
            example = plain(f"{place(one)}{told(flip)}")
            yield f"| {plain(group.code)} | {plain(group.arrow)} | {len(group.members):,} | {example} |"
    for text in _remarks(impact):
        yield from ("", plain(text))
    yield from (f"* {plain(place(one))}: {plain(one.failure or '')}" for one in impact.failed[:MOST])


def _sarif(impact: Impact, screen: Screen) -> bytes:
    """A run with a result for each rule and direction, at the rule's place: an error where the rule demands
    less now.
    """
    made = groups(impact.changed)
    titles = {group.code: printable(group.title) for group in made}
    places = {code: number for number, code in enumerate(titles)}
    problems = [printable(f"{place(one)}: {one.failure}") for one in impact.failed]
    results = [_result(impact, group, places[group.code]) for group in made]
    return render_json(document("gate policy impact", titles, results, problems))


def _result(impact: Impact, group: Group, number: int) -> dict[str, Any]:
    one, _, flip = group.members[0]
    what = "demands less" if group.loosened else "flips"
    where = f"in {counted(len(group.members), 'decision')}, such as {place(one)}"
    text = f"{group.code} {what}: {group.arrow} {where}{told(flip)}"
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


RENDERERS = {"table": _table, "markdown": _markdown, "json": _json, "sarif": _sarif}
