"""The stages with their latest recorded verdicts, in words or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...evidence.base.records import to_json
from ..decision.document import Verdict
from ..entries.reading import PENDING, StageStatus
from ..terminal.lines import Lines, columns, pad
from ..terminal.markdown import page, plain, table
from .interface import Screen
from .json_format import render_json
from .table import VERDICT_STYLE


def status_json(rows: Sequence[StageStatus], screen: Screen) -> bytes:
    """The rows as JSON."""
    return render_json({"stages": [to_json(row) for row in rows]})


def status_text(rows: Sequence[StageStatus], screen: Screen) -> bytes:
    """Each stage with its verdict: since when, for which commit, and whether it is still current."""
    lines = Lines(screen)
    titles = max((columns(row.title) for row in rows), default=0)
    for row in rows:
        start = f"{pad(row.stage, 6)}  "
        before = columns(start) + 13 + titles + 2
        verdict = (
            f"{row.status:<13}",
            VERDICT_STYLE[Verdict(row.status)] if row.status != PENDING else "dim",
        )
        hang = before if screen.width - before >= 40 else columns(start)
        lines.add(start, verdict, f"{pad(row.title, titles)}  ", ", ".join(_words(row)), hang=hang)
    return lines.text().encode()


def _words(row: StageStatus) -> Iterator[str]:
    if row.entry is None:
        yield "no recorded decision has judged it"
        return
    yield f"since {row.effective_time}"
    yield f"commit {row.commit[:7]}" if row.commit else "no git commit"
    changed = [
        name
        for name, same in (
            ("sources", row.current),
            ("evidence", row.evidence_current),
            ("settings", row.settings_current),
            ("policies", row.policy_current),
        )
        if same is False
    ]
    if row.problem is not None:
        yield f"cannot be told whether it is current: {row.problem}"
    else:
        yield f"outdated: the {' and the '.join(changed)} changed since" if changed else "still current"
    yield f"ledger entry {row.entry}"


def status_markdown(rows: Sequence[StageStatus], screen: Screen) -> bytes:
    """The rows as a table for a page or a job's summary."""
    cells = (
        (plain(f"{row.stage} {row.title}"), plain(row.status), plain(", ".join(_words(row)))) for row in rows
    )
    return page(table(("Stage", "Verdict", "Since"), cells))


RENDERERS = {"table": status_text, "json": status_json, "markdown": status_markdown}
