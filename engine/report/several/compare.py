"""What one decision changes against another: rules newly failing and fixed, figures, and the policies' part.

A comment on a pull request is this as Markdown. Rules fail as their violations say, so a rule that is waived
does not fail. What differs because the policies differ is told apart: rules that only one of the decisions
has, other severities and other limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ....evidence.base.numbers import counted
from ....evidence.base.records import to_json
from ...decision.document import Check, CheckStatus, Decision, Severity, Verdict
from ...terminal.figures import figure, label, scale
from ...terminal.lines import Lines
from ...terminal.markdown import code, heading, page, plain, table
from ..ci.outcomes import Outcome, message, outcomes, verdict_line
from ..findings import few
from ..interface import Screen
from ..json_format import render_json, shown
from ..table import VERDICT_STYLE

MARKER = "<!-- gate report compare -->"
"""The first line of the comment, by which a job finds the one that it wrote before."""

NOT_IN_FORCE = (CheckStatus.LEFT_OUT, CheckStatus.PENDING, CheckStatus.EXCEPTED)
ROWS = (20, 8, 3, 0)
"""Rows of a table of the comment: fewer, until it is no longer than MAX_BYTES."""

MAX_CHARS = 200
MAX_BYTES = 60_000
"""Of the comment; GitHub takes 65,536 characters."""


_KINDS = (
    ("not fixed", "Not failing any more, and not fixed", "excused"),
    ("verdict", "Verdicts of stages", "verdicts"),
    ("figure", "Figures", "figures"),
    ("policy", "Policy impact", "policy"),
)
"""Changes in words: before a line, as a heading, and the field of the comparison."""


class Changed(Struct, frozen=True):
    """Something with another value: its name, and both values in words."""

    name: str
    before: str
    after: str


class Comparison(Struct, frozen=True):
    """A decision against a base decision.

    Attributes:
        verdicts: stages with another verdict; one that only one of them judged has ``-``.
        failing, fixed: rules that fail now and did not, and that do not fail any more although both decisions
            judged them.
        excused: rules that failed and do not hold, yet do not fail any more: waived, or not in force.
        still: how many fail in both.
        figures: headline figures with another value.
        policy: what differs in the policies: rules added or gone, severities, limits.
        weakened: codes of what weakens this decision and did not weaken the base.
    """

    base: Decision
    head: Decision
    verdicts: tuple[Changed, ...]
    failing: tuple[Outcome, ...]
    fixed: tuple[Outcome, ...]
    excused: tuple[Changed, ...]
    still: int
    figures: tuple[Changed, ...]
    policy: tuple[Changed, ...]
    weakened: tuple[str, ...]


def compare(base: Decision, head: Decision) -> Comparison:
    """What `head` changes against `base`."""
    before = {one.code: one for one in outcomes(base)}
    after = {one.code: one for one in outcomes(head)}
    failed = {name for name, one in before.items() if one.failed}
    failing = {name for name, one in after.items() if one.failed}
    # what gate itself asks for is there only while it fails; a stage that was not judged says nothing
    gone = {
        name
        for name, one in before.items()
        if name not in after and (one.check is not None or one.stage not in head.stages)
    }
    excused = {
        name: "waived" if one.waived else one.check.status.value
        for name, one in after.items()
        if name in failed - failing and one.check and (one.waived or one.check.status in NOT_IN_FORCE)
    }
    known = {item.code for item in base.weakenings}
    return Comparison(
        base,
        head,
        tuple(_verdicts(base, head)),
        tuple(one for name, one in after.items() if name in failing - failed),
        tuple(one for name, one in before.items() if name in failed - failing - gone - excused.keys()),
        tuple(Changed(name, "failing", why) for name, why in excused.items()),
        len(failing & failed),
        tuple(_figures(base, head)),
        tuple(_policy(base, head)),
        tuple(item.msg for item in head.weakenings if item.code not in known),
    )


def _verdicts(base: Decision, head: Decision) -> Iterator[Changed]:
    for name in dict.fromkeys([*base.stages, *head.stages]):
        was, now = (one.stages[name].verdict.value if name in one.stages else "-" for one in (base, head))
        if was != now:
            yield Changed(name, was, now)


def _figures(base: Decision, head: Decision) -> Iterator[Changed]:
    for name, stage in head.stages.items():
        known = base.stages[name].figures if name in base.stages else {}
        for key, item in stage.figures.items():
            if key in known and known[key].value != item.value:
                unit = scale(key, item.unit)
                was, now = known[key].value, item.value
                yield Changed(f"{name} {label(key)}", figure(was, unit, now), figure(now, unit, was))


def _policy(base: Decision, head: Decision) -> Iterator[Changed]:
    if base.policy != head.policy:
        names = [
            f"{one.policy.name} {one.policy.version} ({one.policy.digest[:12]}…)" for one in (base, head)
        ]
        yield Changed("bundle", *names)
    profiles = [one.profile.name if one.profile else "all rules" for one in (base, head)]
    if profiles[0] != profiles[1]:
        yield Changed("profile", *profiles)
    # by the same policies, a limit is another one only where it comes from the evidence
    other = base.policy != head.policy or base.overrides != head.overrides
    old, new = ({check.code: check for check in one.checks} for one in (base, head))
    stages = base.stages.keys() & head.stages.keys()
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was is None or now is None:
            check = was or now
            if check is not None and check.stage in stages:
                yield Changed(name, *("-" if one is None else f"{one.severity} rule" for one in (was, now)))
        elif was != now:
            yield from _rule(was, now, limits=other)


def _rule(was: Check, now: Check, *, limits: bool) -> Iterator[Changed]:
    if was.severity != now.severity:
        yield Changed(was.code, was.severity, now.severity)
    left_out = [one.status in NOT_IN_FORCE for one in (was, now)]
    if left_out[0] != left_out[1]:
        yield Changed(was.code, *("not in force" if out else "in force" for out in left_out))
    known = {(one.name, one.op): one for one in was.operands}
    for one in now.operands if limits else ():
        before = known.get((one.name, one.op))
        if before is not None and before.expected != one.expected:
            unit = scale(one.name, one.unit)
            old, new = (
                figure(before.expected, unit, one.expected),
                figure(one.expected, unit, before.expected),
            )
            yield Changed(f"{was.code} {label(one.name)}", f"{one.op} {old}", f"{one.op} {new}")


def _json(found: Comparison, screen: Screen) -> bytes:
    def rules(chosen: Sequence[Outcome]) -> list[dict[str, object]]:
        return [
            {
                "code": one.code,
                "title": one.title,
                "severity": one.check.severity.value if one.check else Severity.HIGH.value,
                "violations": [message(violation) for violation in one.violations],
            }
            for one in chosen
        ]

    def about(one: Decision) -> dict[str, object]:
        return {
            "verdict": one.verdict.value, "stage": one.stage, "effective_time": one.effective_time,
            "commit": one.subject.commit, "sources": one.subject.digest, "policy": one.policy.digest,
        }  # fmt: skip

    stated = {
        "base": about(found.base),
        "head": about(found.head),
        "verdicts": to_json(found.verdicts),
        "newly_failing": rules(found.failing),
        "newly_fixed": rules(found.fixed),
        "excused": to_json(found.excused),
        "still_failing": found.still,
        "figures": to_json(found.figures),
        "policy": to_json(found.policy),
        "weakened": found.weakened,
    }
    return render_json(shown(stated))


def _table(found: Comparison, screen: Screen) -> bytes:
    lines = Lines(screen)
    for name, one in (("base  ", found.base), ("now   ", found.head)):
        rest = verdict_line(one).removeprefix(one.verdict.value)
        lines.add((name, "dim"), (one.verdict.value, VERDICT_STYLE[one.verdict]), rest, hang=6)
    lines.add(_headline(found))
    for mark, style, when, chosen in (
        ("✘", "red", ": ", found.failing),
        ("✔", "green", ", before: ", found.fixed),
    ):
        for outcome in chosen:
            lines.add((f"{mark} {outcome.code}  ", style), _told(outcome, when), hang=4)
    for title, _, name in _KINDS:
        for change in getattr(found, name):
            lines.add((f"{title}: ", "yellow"), f"{change.name} {change.before} → {change.after}", hang=4)
    for text in found.weakened:
        lines.add(("weakened: ", "yellow"), text, hang=4)
    return lines.text().encode()


def _headline(found: Comparison) -> str:
    def rules(number: int) -> str:
        return counted(number, "rule")

    first = sum(one.stage not in found.base.stages for one in found.failing)
    of_those = f" ({first} in stages that the base did not judge)" if first else ""
    return (
        f"{rules(len(found.failing))} newly failing{of_those}, {rules(len(found.fixed))} newly fixed, "
        f"{rules(found.still)} still failing"
    )


def _told(one: Outcome, when: str = ": ") -> str:
    """The title, and what is or was wrong at the first places."""
    texts = few([message(violation) for violation in one.violations], 1)
    return f"{one.title}{when}{texts}" if texts else one.title


def _markdown(found: Comparison, screen: Screen) -> bytes:
    made = (page(_comment(found, rows)) for rows in ROWS)
    return next((data for data in made if len(data) <= MAX_BYTES), page(_comment(found, 0)))


_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.CONDITIONAL: "⚠️"}


def _comment(found: Comparison, most: int) -> Iterator[str]:
    base, head = found.base, found.head
    yield MARKER
    moved = base.verdict is not head.verdict
    change = f"{base.verdict.value} → {head.verdict.value}" if moved else head.verdict.value
    yield f"### {_MARKS[head.verdict]} {plain(f'{head.stage}: {change}')}"
    yield ""
    yield f"{plain(_headline(found))}."
    for title, chosen in (("Newly failing", found.failing), ("Newly fixed", found.fixed)):
        if chosen:
            yield from heading(title)
            yield from table(("Severity", "Rule", "What", "Fix"), map(_row, chosen[:most]))
            yield from _more(chosen, most)
    for _, title, name in _KINDS:
        if changes := getattr(found, name):
            yield from heading(title)
            rows = ((plain(one.name), plain(one.before), plain(one.after)) for one in changes[:most])
            yield from table(("", "Base", "Now"), rows)
            yield from _more(changes, most)
    if found.base.policy.digest != found.head.policy.digest:
        yield ""
        yield "The policies differ; `gate policy impact` shows what they change in the recorded decisions."
    if found.weakened:
        yield ""
        yield from (f"* weakened: {plain(text, MAX_CHARS)}" for text in found.weakened[: most or 1])
    yield ""
    names = [
        f"`{(one.subject.commit or one.subject.digest)[:12]}` as of {one.effective_time}"
        for one in (base, head)
    ]
    yield f"Base {names[0]}, now {names[1]}."


def _more(rows: Sequence[object], most: int) -> Iterator[str]:
    if len(rows) > most:
        yield ""
        yield f"and {len(rows) - most} more"


def _row(one: Outcome) -> tuple[str, ...]:
    severity, fix = one.check.severity if one.check else Severity.HIGH, ""
    if one.violations:
        severity, fix = one.violations[0].severity, one.violations[0].solution
    return severity.value, code(one.code), plain(_told(one), MAX_CHARS), plain(fix, MAX_CHARS)


RENDERERS = {"table": _table, "markdown": _markdown, "json": _json}
