"""``gate init``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import fill
from typing import Annotated

from ...evidence.base.numbers import counted
from ..config.scaffold import PRELIVE, SetUp, modeline, set_up
from ..config.settings import FILE
from ..terminal.console import write_text
from ..terminal.figures import clean
from .options import HERE, Commands, Where, argument, option, screen

app = Commands()
_LISTED = 6


@app.command()
def init(
    directory: Annotated[Path, argument("The workspace.", "[DIR]")] = HERE,
    templates: Annotated[
        bool,
        option(
            "--templates",
            "Write skeletons of missing artifacts, trust/, a pre-commit hook and a CI job, too.",
        ),
    ] = False,
    profile: Annotated[str, option("--profile", "What it is for: prelive or release.", "PROFILE")] = PRELIVE,
    schema: Annotated[
        bool,
        option(
            "--schema",
            "Write the JSON Schema of the settings, too, and name it to editors in their first line.",
        ),
    ] = False,
) -> None:
    """Look at a repository and write a commented gate.yaml for it."""
    report = set_up(directory, templates=templates, profile=profile, schema=schema)
    width = screen(no_color=True).width
    there = Where(directory).arguments()
    for line in _lines(report, there) if profile == PRELIVE else _of_release(report, there):
        text = fill(clean(line), width, subsequent_indent=" " * 11, break_on_hyphens=False)
        write_text(f"{text}\n")
    if report.templates is not None and report.templates.pre_commit is not None:
        write_text(f"add this to .pre-commit-config.yaml:\n{report.templates.pre_commit}")
    if report.schemas and not report.config:
        write_text(f"make this the first line of {FILE}:\n{modeline(FILE).decode()}")


def _lines(report: SetUp, there: str) -> Iterable[str]:
    found, written = report.found, report.templates
    yield f"{'wrote' if report.config else 'kept'} {FILE}"
    yield from _schemas(report)
    if written is not None:
        for path in written.files:
            yield f"wrote {path}"
        for path in written.kept:
            yield f"kept {path}"
        for pattern in written.without:
            yield f"no skeleton for {pattern}"
    sources = _some(found.sources) or "discovered at each run"
    yield f"sources    {sources} ({counted(found.python_files, 'Python file')})"
    keys = found.evidence.get("fixtures", {}).get("seed_keys")
    keyed = "; seed_keys says where they stand" if keys else ""
    unstated = f"; not stated: {', '.join(found.unstated)}" if found.unstated else ""
    made = [path for path in written.files if path.endswith("seeds.yaml")] if written is not None else []
    seeds = found.seeds or (f"{made[0]}, a skeleton" if made else "not found")
    yield f"seeds      {seeds}{keyed}{unstated}"
    evidence = [f"{collector} {path}" for collector, path in found.recognised]
    yield f"evidence   {_some(evidence) or 'none recognised'}"
    if found.ledger is not None:
        yield f"ledger     {found.ledger}, as ledger/ holds something else"
    count = found.rows - len(found.missing)
    before = " before the skeletons were written" if written is not None and written.files else ""
    yield f"artifacts  found {count} of {found.rows} that stage 1 expects{before}"
    if found.missing and written is None:
        yield f"missing    {_some([row.pattern for row in found.missing])}"
    if found.sources and not found.python_files:
        yield "note: prelive reads Python sources only; for any language: gate init --profile release"
    judge = f"gate evaluate stage1{there}"
    if written is not None and written.files:
        yield f"next: fill the skeletons in (they count as not valid until then), then {judge}"
    elif found.missing and written is None:
        yield f"next: {judge} · skeletons of what is missing: gate init with --templates"
    else:
        yield f"next: {judge}"


def _of_release(report: SetUp, there: str) -> Iterable[str]:
    found = report.found
    yield f"{'wrote' if report.config else 'kept'} {FILE}"
    if report.beside is not None:
        yield f"wrote {report.beside}"
    yield from _schemas(report)
    files = f"{counted(found.python_files, 'Python file')}"
    yield f"sources    {_some(found.sources) or 'discovered at each run'} ({files})"
    evidence = [f"{collector} {path}" for collector, path in found.recognised]
    yield f"evidence   {_some(evidence) or 'none recognised'}"
    yield f"next: gate evaluate build{there} · gate docs release"


def _schemas(report: SetUp) -> Iterable[str]:
    for path, is_new in report.schemas.items():
        yield f"{'wrote' if is_new else 'kept'} {path}"


def _some(names: list[str]) -> str:
    rest = f", +{len(names) - _LISTED}" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + rest
