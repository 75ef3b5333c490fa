"""Collected facts as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...evidence.collecting.interface import Evidence, Problem
from ..terminal.figures import clean
from ..terminal.lines import to_bytes
from .json_format import render_json


def facts_json(evidence: Mapping[str, Evidence]) -> bytes:
    """All evidence records by collector."""
    return render_json({name: {**item.to_json(), "digest": item.digest} for name, item in evidence.items()})


def facts_text(evidence: Mapping[str, Evidence]) -> bytes:
    """One line per fact, then what is missing and the files with their digests."""
    lines: list[str] = []
    for name, item in evidence.items():
        lines.append(f"{name}  (sha256:{item.digest})")
        lines += [f"  {path} = {clean(value)}" for path, value in _flatten(name, item.facts)]
        lines += [line for problem in item.problems for line in _problem(problem)]
        lines += [f"  file {clean(file.path)}  sha256:{file.sha256}" for file in item.files]
    return to_bytes(lines)


def _problem(problem: Problem) -> Iterator[str]:
    yield f"  {problem.kind} {problem.fact or 'altogether'}: {clean(problem.reason)}"
    where = ", ".join(part for part in (problem.path, problem.place) if part)
    if where:
        yield f"    where: {clean(where)}"
    if problem.remedy:
        yield f"    to do: {clean(problem.remedy)}"


def _flatten(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flatten(f"{path}.{key}", item)
    elif isinstance(value, (list, tuple)) and value:
        for number, item in enumerate(value):
            yield from _flatten(f"{path}[{number}]", item)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)


RENDERERS = {"table": facts_text, "json": facts_json}
