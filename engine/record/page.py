"""The page of a record that people read: one HTML file without scripts, links out of the record or pictures.

It follows from the decision alone, so that the version of gate that wrote it can check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from ...evidence.base.errors import masked
from ..decision.document import Decision
from ..ledger.interface import Entry
from ..report import table
from ..terminal.figures import clean
from ..terminal.lines import Screen
from . import contents

_WIDTH: Final = 110
_HEAD: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; }}
pre, td.code {{ font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }}
pre {{ overflow-x: auto; background: #f6f6f6; padding: 1em; }}
table {{ border-collapse: collapse; }}
td, th {{ text-align: left; vertical-align: top; padding: .2em 1em .2em 0; border-bottom: 1px solid #ddd; }}
</style>
</head>
<body>
"""


def page(decision: Decision, entry: Entry, attached: Sequence[Mapping[str, Any]]) -> bytes:
    """The page about a decision and its entry; ``attached`` are the statements of what was attached later."""
    title = f"{decision.verdict.value}: {decision.stage} of {decision.workspace}"
    report = table.render(decision, entry, Screen(width=_WIDTH, successes=True)).decode()
    lines = report.split("\n")
    last = max(
        (number for number, line in enumerate(lines) if line.startswith("recorded: ")), default=len(lines)
    )
    report = "\n".join(lines[: last + 1])  # what follows is advice for a terminal
    policy, subject, trust = decision.policy, decision.subject, decision.trust
    facts = [
        ("as of", decision.effective_time),
        ("entry", f"{entry.index} of the log in {contents.LOG_KEY}"),
        ("commit", f"{subject.commit or 'none'}{' with uncommitted changes' if subject.dirty else ''}"),
        ("sources", f"{subject.files} files, sha256 {subject.digest}"),
        ("policy", f"{policy.name} {policy.version}, sha256 {policy.digest}"),
        ("operator", trust.operator or "none"),
        ("trust ref", f"{trust.ref.name} @ {trust.ref.commit}" if trust.ref else "none"),
        ("judged by", f"gate {decision.gate_version}, {decision.engine.name} {decision.engine.version}"),
    ]
    signatures = [
        (one.role, one.name or "nobody", one.principal or "", one.key or "", one.signed_at or "")
        for one in decision.signatures
    ]
    files = [(item.id, file.path, file.sha256) for item in decision.evidence for file in item.files]
    documents = [
        (one["name"], contents.evidence_of(one["sha256"]), statement["predicate"].get("note", ""))
        for statement in attached
        for one in statement["predicate"]["documents"]
    ]
    parts = [
        _HEAD.format(title=_text(title)),
        f"<h1>{_text(title)}</h1>\n<p>This page is for reading. What is signed, and how to check it with "
        f'stock tools, is in <a href="{contents.HOWTO}">{contents.HOWTO}</a>.</p>\n',
        _table((), facts),
        f"<h2>Decision</h2>\n<pre>{_text(report, lines=True)}</pre>\n",
        _section("Signatures", ("role", "name", "principal", "key", "signed"), signatures),
        _section("Files that were judged", ("collector", "file", "sha256"), files),
        _section("Attached later", ("document", "file of this record", "note"), documents),
        "</body>\n</html>\n",
    ]
    return "".join(parts).encode()


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"<h2>{title}</h2>\n{_table(head, rows)}" if rows else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"] if head else []
    for row in rows:
        lines.append("<tr>" + "".join(f'<td class="code">{_text(cell)}</td>' for cell in row) + "</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>\n"


def _text(text: str, *, lines: bool = False) -> str:
    """Text that acts on nothing: no markup, no control or direction characters, no account number."""
    if lines:
        return "\n".join(_text(line) for line in text.split("\n"))
    return escape(masked(clean(text)))
