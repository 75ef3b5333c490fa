"""The process in which the embedded Rego engine runs, so that a runaway policy can be ended.

Started as a plain script (``python -I -S regorus_worker.py <directory of the regorus package>``): it imports
nothing but the engine and the standard library. It reads JSON lines from stdin, first the bundle
``{"modules", "data", "memory"}`` and then any number of questions, and answers each line with one JSON
line: ``{"ok": …}``, or ``{"error": …, "module": …}``. It ends with its input, and after a bundle that does
not load. A panic of the engine ends the process; the parent reports it as an engine error.

Questions:

* ``{"packages", "input"}``: the engine's own answer, as a string, to each package for an input, which
  is a string of JSON
* ``{"test": "gate.stage1.test_x"}``: the value of a rule without input, what it printed, how long it took
* ``{"coverage": true}``: measure from now on which lines are evaluated; ``false``: which ones were until now
* ``{"parse": {path: source}}``: the engine's message about each module that does not parse
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import suppress
from typing import Any


def _engine() -> Any:
    import regorus

    engine = regorus.Engine()
    engine.set_rego_v0(False)
    # generated policies have long lines; sizes were capped when the bundle was read
    engine.set_policy_length_config(max_col=65_536, max_file_bytes=8 * 1024 * 1024, max_lines=1_000_000)
    return engine


def _load(engine: Any, bundle: dict[str, Any]) -> dict[str, Any]:
    for path, source in bundle["modules"].items():
        try:
            engine.add_policy(path, source)
        except RuntimeError as error:
            return {"error": str(error), "module": path}
    engine.add_data_json(json.dumps(bundle["data"]))
    return {"ok": None}


def _evaluate(engine: Any, question: dict[str, Any]) -> dict[str, Any]:
    engine.set_input_json(question["input"])
    answers = {}
    for package in question["packages"]:
        try:
            answers[package] = engine.eval_query_as_json("data." + package)
        except RuntimeError as error:
            return {"error": str(error), "module": package}
    return {"ok": answers}


def _test(engine: Any, question: dict[str, Any]) -> dict[str, Any]:
    engine.set_gather_prints(True)
    engine.set_input_json("{}")
    began = time.perf_counter_ns()
    try:
        answer = json.loads(engine.eval_query_as_json("data." + question["test"]))
    except RuntimeError as error:
        return {"error": str(error), "module": question["test"]}
    results = answer.get("result") or [{}]
    expressions = results[0].get("expressions") or [{}]
    value = expressions[0].get("value")
    taken = time.perf_counter_ns() - began
    return {"ok": {"value": value, "ns": taken, "prints": engine.take_prints()}}


def _coverage(engine: Any, question: dict[str, Any]) -> dict[str, Any]:
    if question["coverage"]:
        engine.set_enable_coverage(True)
        engine.clear_coverage_data()
        return {"ok": None}
    report = json.loads(engine.get_coverage_report_as_json())
    engine.set_enable_coverage(False)
    return {"ok": {file["path"]: [file["covered"], file["not_covered"]] for file in report["files"]}}


def _parse(_: Any, question: dict[str, Any]) -> dict[str, Any]:
    errors = {}
    for path, source in question["parse"].items():
        try:
            _engine().add_policy(path, source)
        except RuntimeError as error:
            errors[path] = str(error)
    return {"ok": errors}


_QUESTIONS = {"packages": _evaluate, "test": _test, "coverage": _coverage, "parse": _parse}


def _answer(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Load one bundle and answer questions about it until the input ends."""
    sys.path.insert(0, sys.argv[1])
    engine = _engine()
    bundle = json.loads(sys.stdin.readline())
    # macOS has no such limit; there, only the time is limited
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (bundle["memory"], bundle["memory"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    loaded = _load(engine, bundle)
    _answer(loaded)
    while "error" not in loaded and (question := sys.stdin.readline()):
        asked = json.loads(question)
        _answer(_QUESTIONS[next(iter(asked))](engine, asked))


if __name__ == "__main__":
    main()
