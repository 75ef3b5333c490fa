"""The process in which the embedded Rego engine runs, so that a runaway policy can be ended.

Started as a plain script (``python -I -S regorus_worker.py <directory of the regorus package>``): it imports
nothing but the engine and the standard library. It reads JSON lines from stdin, first the bundle
``{"modules", "data", "memory"}`` and then any number of questions, two lines each: the list of packages and
the input, which goes to the engine as it is. It answers the bundle and each question with one JSON line:
``{"ok": …}`` with the engine's own text by package, or ``{"error": …, "module": …}``. It ends with its input,
and after a bundle that does not load. A panic of the engine ends the process; the parent reports it as an
engine error.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import suppress
from typing import Any


def _load(engine: Any, bundle: dict[str, Any]) -> dict[str, Any]:
    engine.set_rego_v0(False)
    # generated policies have long lines; sizes were capped when the bundle was read
    engine.set_policy_length_config(max_col=65_536, max_file_bytes=8 * 1024 * 1024, max_lines=1_000_000)
    for path, source in bundle["modules"].items():
        try:
            engine.add_policy(path, source)
        except RuntimeError as error:
            return {"error": str(error), "module": path}
    engine.add_data_json(json.dumps(bundle["data"]))
    return {"ok": None}


def _evaluate(engine: Any, packages: list[str], document: str) -> dict[str, Any]:
    engine.set_input_json(document)
    answers = {}
    for package in packages:
        try:
            answers[package] = engine.eval_query_as_json("data." + package)
        except RuntimeError as error:
            return {"error": str(error), "module": package}
    return {"ok": answers}


def _answer(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Load one bundle and answer questions about it until the input ends."""
    sys.path.insert(0, sys.argv[1])
    import regorus

    engine = regorus.Engine()
    bundle = json.loads(sys.stdin.readline())
    # macOS has no such limit; there, only the time is limited
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (bundle["memory"], bundle["memory"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    loaded = _load(engine, bundle)
    _answer(loaded)
    while "error" not in loaded and (question := sys.stdin.readline()):
        _answer(_evaluate(engine, json.loads(question), sys.stdin.readline()))


if __name__ == "__main__":
    main()
