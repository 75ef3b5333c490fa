"""Asks policies written for Conftest about one document after another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...evidence.base.errors import EngineError
from ..decide.answer import CONFTEST_DOCUMENTS, CONFTEST_EXCEPTION, documents_of
from ..decide.model import Stage
from ..policy.interface import PolicyEngine


def ask_each(
    engine: PolicyEngine, stages: Sequence[Stage], files: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By package, the rules' values for every document: ``{"documents": [{path, number, values, error}]}``.

    A document on which a rule fails at run time, mostly because a built-in gets a value of another type, has
    no values but an error. Conftest passes over such a rule; here the document cannot be told.

    Raises EngineError: the engine itself failed.
    """
    names = {
        stage.package: (*(rule.short_name for rule in stage.rules), CONFTEST_EXCEPTION) for stage in stages
    }
    answers: dict[str, dict[str, Any]] = {package: {CONFTEST_DOCUMENTS: []} for package in names}
    for path, number, text in documents_of(files):
        document = json.loads(text)
        for package, rules in names.items():
            found, failed = {}, None
            try:
                values = engine.evaluate([package], document)[package]
                found = {name: values[name] for name in rules if name in values}
            except EngineError as error:
                if error.place is None:  # not at a place in a module: not the document's fault
                    raise
                # without the value, which may be a secret
                what = error.what.partition(": ")[2].partition(" Got ")[0] or "a rule failed"
                failed = f"{error.path}, {error.place}: {what}"
            answer = {"path": path, "number": number, "values": found, "error": failed}
            answers[package][CONFTEST_DOCUMENTS].append(answer)
    return answers
