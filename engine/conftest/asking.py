"""Asks policies written for Conftest about one document after another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..decide.answer import CONFTEST_DOCUMENTS, CONFTEST_EXCEPTION, documents_of
from ..decide.model import Stage
from ..policy.interface import PolicyEngine


def ask_each(
    engine: PolicyEngine, stages: Sequence[Stage], files: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By package, the rules' values for every document: ``{"documents": [{path, number, values}]}``.

    Raises as the engine does.
    """
    names = {
        stage.package: (*(rule.short_name for rule in stage.rules), CONFTEST_EXCEPTION) for stage in stages
    }
    packages = list(names)
    answers: dict[str, dict[str, Any]] = {package: {CONFTEST_DOCUMENTS: []} for package in packages}
    for path, number, text in documents_of(files):
        values = engine.evaluate(packages, json.loads(text))
        for package in packages:
            found = {name: values[package][name] for name in names[package] if name in values[package]}
            answers[package][CONFTEST_DOCUMENTS].append({"path": path, "number": number, "values": found})
    return answers
