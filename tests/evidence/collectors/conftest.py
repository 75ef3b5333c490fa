"""Runs one collector over files made for the test, the way the runner does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.base.settings import validate
from gate.evidence.collecting.interface import Evidence, ProblemKind
from gate.evidence.collecting.runner import observe
from gate.evidence.collectors import load
from gate.evidence.reading.workspace import Workspace

Content = str | bytes | dict[str, Any] | list[Any]
Observe = Callable[..., Evidence]


def write(root: Path, files: Mapping[str, Content]) -> None:
    """Create the files; anything but text and bytes becomes JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            path.write_text(text, encoding="utf-8", newline="")


def nulls(facts: Mapping[str, Any], prefix: str = "") -> set[str]:
    """Dotted paths of the facts that are null, inside objects but not inside lists."""
    found: set[str] = set()
    for name, value in facts.items():
        if value is None:
            found.add(prefix + name)
        elif isinstance(value, Mapping):
            found |= nulls(value, f"{prefix}{name}.")
    return found


@pytest.fixture
def watch(tmp_path: Path) -> Observe:
    """``watch(collector, files, limits=…, **options)`` gives evidence that keeps to the facts contract.

    Every null fact must have a problem with a reason and a remedy: its own, or one of an object around it.
    """

    def run(
        collector: str,
        files: Mapping[str, Content] | None = None,
        *,
        limits: Limits = DEFAULT,
        **options: Any,
    ) -> Evidence:
        write(tmp_path, files or {})
        kind = load(collector)
        evidence = observe(Workspace(tmp_path, limits), kind(validate(kind.Options, options)))
        names = [problem.fact for problem in evidence.problems]
        empty = nulls(evidence.facts)
        assert all(any(f"{fact}.".startswith(f"{name}." if name else "") for name in names) for fact in empty)
        missing = [problem.fact for problem in evidence.problems if problem.kind is ProblemKind.MISSING]
        assert len(missing) == len(set(missing))
        assert all(
            any(f"{fact}.".startswith(f"{name}." if name else "") for fact in empty) for name in missing
        )
        for problem in evidence.problems:
            assert problem.reason and problem.remedy
        return evidence

    return run
