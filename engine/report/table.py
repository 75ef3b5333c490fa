"""The decision on one screen: what was judged, what failed, why, which file proves it, what to do next."""

from __future__ import annotations

import io
from typing import Any

from ...evidence.base.records import to_json
from ..decision.document import Decision
from ..ledger.interface import Entry
from .figures import clean, figure, for_people, requirement, shorten, weight
from .interface import Screen

MAX_GROUPS = 8
"""Rules shown in full; the rest is counted and left to `gate explain`."""
MAX_TERMS = 4
MAX_WARNINGS = 5
MAX_TERM = 60
MAX_REASON = 200

VERDICT_STYLE = {"PASS": "bold green", "FAIL": "bold red", "CONDITIONAL": "bold yellow"}
_SEVERITY_STYLE = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow", "LOW": "cyan"}


def render_table(decision: dict[str, Any], screen: Screen) -> str:
    """The decision as text for a terminal (or a log, without colours)."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=screen.width,
        force_terminal=screen.color,
        no_color=not screen.color,
        color_system="standard" if screen.color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    _Table(decision, console).show()
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


class _Table:
    def __init__(self, decision: dict[str, Any], console: Any) -> None:
        self.decision = decision
        self.console = console
        self.files = {item["id"]: [file["path"] for file in item["files"]] for item in decision["evidence"]}

    def line(self, *parts: tuple[str, str] | str, indent: int = 0) -> None:
        """Print styled parts, wrapped with a hanging indent."""
        from rich.padding import Padding
        from rich.text import Text

        text = Text.assemble(*parts)
        self.console.print(Padding(text, (0, 0, 0, indent)) if indent else text)

    def show(self) -> None:
        """Print everything."""
        self._head()
        self._stages()
        self._violations()
        self._conditions()
        self._foot()

    def _head(self) -> None:
        decision, subject = self.decision, self.decision["subject"]
        verdict = decision["verdict"]
        self.line(
            (f"{verdict}", VERDICT_STYLE[verdict]),
            f"  {decision['stage']} of {clean(decision['workspace'])}",
            (f"  → {decision['action']}" if decision["action"] else "", "bold"),
        )
        commit = f"commit {subject['commit'][:12]}" if subject["commit"] else "no git commit"
        dirty = " (sources differ from it)" if subject["dirty"] else ""
        policy = decision["policy"]
        self.line(
            (
                f"judged: {subject['files']} source file{'s' if subject['files'] != 1 else ''}, "
                f"sha256 {subject['digest'][:12]}…, {commit}{dirty}; "
                f"policy {clean(policy['name'])} {clean(policy['version'])} ({policy['digest'][:12]}…)",
                "dim",
            )
        )
        pinned = "" if decision["effective_time_source"] == "clock" else " (set, not the time of the run)"
        self.line((f"as of {decision['effective_time']}{pinned}", "dim"))

    def _stages(self) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        for heading in ("stage", "verdict", "what", "figures"):
            table.add_column(heading, no_wrap=heading != "figures")
        blocked = self._only_blocked()
        for name, stage in self.decision["stages"].items():
            style = VERDICT_STYLE[stage["verdict"]]
            figures = ", ".join(
                f"{clean(label.replace('_', ' '))} {figure(item['value'], item['unit'])}"
                for label, item in stage["figures"].items()
            )
            table.add_row(
                name,
                Text(stage["verdict"] + (" (blocked)" if name in blocked else ""), style=style),
                Text(clean(stage["title"])),
                Text(figures) if stage["has_evidence"] else Text("no evidence", style="dim"),
            )
        self.console.print()
        self.console.print(table)

    def _only_blocked(self) -> set[str]:
        """Stages that fail for nothing but a stage they depend on."""
        found = {violation["stage"] for violation in self.decision["violations"]}
        own = {v["stage"] for v in self.decision["violations"] if not v["code"].endswith(".dependency")}
        return {name for name in found - own if self.decision["stages"][name]["verdict"] == "FAIL"}

    def _violations(self) -> None:
        groups: dict[str, list[dict[str, Any]]] = {}
        blocked: dict[str, list[str]] = {}
        for violation in self.decision["violations"]:
            if violation["code"].endswith(".dependency"):
                blocked.setdefault(violation["stage"], []).append(violation["term"])
            else:
                groups.setdefault(violation["code"], []).append(violation)
        if groups:
            self.console.print()
        for items in list(groups.values())[:MAX_GROUPS]:
            self._group(items)
        hidden = len(groups) - MAX_GROUPS
        if hidden > 0:
            self.line((f"… and {hidden} more rules: gate explain {self.decision['stage']}", "bold"))
        if blocked:
            waits = "; ".join(f"{stage} needs {', '.join(on)}" for stage, on in blocked.items())
            self.console.print()
            self.line(("blocked: ", "red"), clean(waits))

    def _group(self, items: list[dict[str, Any]]) -> None:
        first = items[0]
        files = [path for source in first["evidence"] for path in self.files.get(source, [])]
        shown = ", ".join(clean(path) for path in files[:2]) + (
            f" +{len(files) - 2}" if len(files) > 2 else ""
        )
        proof = f"  [{shown}]" if shown and not first["problem"] else ""
        self.line(
            (f"{weight(first):<8} ", _SEVERITY_STYLE[first["severity"]]),
            (f"{first['code']}  ", "bold"),
            _reason(items),
            (proof, "dim"),
        )
        self.line(("→ ", "green"), clean(first["solution"]), indent=9)

    def _conditions(self) -> None:
        if self.decision["verdict"] == "FAIL" or not self.decision["conditions"]:
            return
        self.console.print()
        for condition in self.decision["conditions"]:
            who, due = clean(condition["owner"]), clean(condition["due"][:10])
            self.line(("condition ", "yellow"), f"{clean(condition['msg'])}  ({who}, due {due})")

    def _foot(self) -> None:
        self.console.print()
        for item in self.decision["waived"]:
            self.line(
                (f"WAIVED   {item['severity']:<8} ", "yellow"),
                (f"{clean(item['code'])}  ", "bold"),
                f"until {clean(item['effective_until'][:10])} by {clean(item['approver'])} "
                f"({clean(item['waiver'])}): {clean(item['msg'])}",
            )
        for item in self.decision["warnings"]:
            if item["level"] == "error":
                self.line(("error: ", "bold red"), clean(item["msg"]))
        failed = self.decision["verdict"] == "FAIL"
        warnings = [
            item
            for item in self.decision["warnings"]
            if item["level"] != "error" and (not failed or item["msg"].startswith("waiver "))
        ]
        for item in [*warnings[:MAX_WARNINGS], *self.decision["weakenings"]]:
            self.line(("note: ", "yellow"), clean(item["msg"]))
        if len(warnings) > MAX_WARNINGS:
            self.line(("note: ", "yellow"), f"{len(warnings) - MAX_WARNINGS} more warnings are in the JSON")
        place = self.decision["ledger"]
        if place is None:
            self.line(("not recorded", "yellow"))
        else:
            self.line((f"recorded: entry {place['index']} of the ledger, {place['digest'][:16]}…", "dim"))


def _common_start(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    same = next(
        (n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    return first[:same]


def _reason(items: list[dict[str, Any]]) -> str:
    """Why a rule does not hold: its message, with the figures compared or the terms concerned."""
    if len(items) == 1:
        detail = requirement(items[0])
        return shorten(clean(items[0]["msg"]), MAX_REASON) + (f": {detail}" if detail else "")
    terms = list(dict.fromkeys(clean(item["term"]) for item in items if item["term"]))
    if not terms:
        details = list(dict.fromkeys(filter(None, (requirement(item) for item in items))))
        return f"{clean(items[0]['msg'])}: {'; '.join(details)}" if details else clean(items[0]["msg"])
    common = _common_start([clean(item["msg"]) for item in items])
    what = common.rpartition(": ")[0] or common.strip()
    place = _common_start(terms)
    place = place[: max(place.rfind("/"), place.rfind(":")) + 1]
    named = ", ".join(shorten(term.removeprefix(place), MAX_TERM) for term in terms[:MAX_TERMS])
    more = f" and {len(terms) - MAX_TERMS} more" if len(terms) > MAX_TERMS else ""
    return f"{what}: {named}{more}"


class TableReport:
    """The first screen."""

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """See :class:`~gate.engine.report.interface.Report`."""
        return for_people(render_table({**decision.to_json(), "ledger": to_json(entry)}, screen)).encode()
