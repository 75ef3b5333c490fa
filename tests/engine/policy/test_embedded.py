"""The embedded engine's own process and words; what every engine must do is in test_conformance.py."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.policy.engines import embedded, regorus_worker
from gate.engine.policy.engines.embedded import WORKER, EmbeddedEngine
from gate.engine.policy.interface import Bundle
from gate.evidence.base.errors import EngineError, EnvironmentProblem, PolicyError
from gate.evidence.base.limits import DEFAULT, MIB, Limits

Load = Callable[..., Bundle]


def module(body: str) -> dict[str, str | bytes | None]:
    """Changes that add a module of package gate.x."""
    return {"gate/x/x.rego": "package gate.x\n\n" + body}


def ask(bundle: Bundle, packages: list[str], document: Any, limits: Limits = DEFAULT) -> dict[str, Any]:
    """Evaluate packages of a bundle once."""
    with EmbeddedEngine(bundle, limits) as engine:
        return engine.evaluate(packages, document)


def test_parse_errors_name_file_line_and_column(load: Load) -> None:
    """A module that is not Rego is a policy error with its place."""
    with pytest.raises(PolicyError) as caught:
        ask(load(module("x := {\n\ny := ]")), ["gate.x"], {})
    error = caught.value
    assert error.what.startswith("the policy does not load: ")
    assert error.path == "gate/x/x.rego"
    assert error.place is not None
    assert error.place.startswith("line 5, column ")
    assert error.remedy == "correct the policy module"
    assert "<unknown>" not in error.diagnostics()


ENDLESS = """\
x := count([1 |
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	a + b + c == 0
])
"""

GREEDY = f"""\
text := "{"x" * 50_000}"

x := count({{concat("-", [text, sprintf("%v", [a])]) | some a in numbers.range(1, 20000)}})
"""


def test_a_runaway_policy_is_ended(load: Load) -> None:
    """A huge comprehension is ended by the time limit, and its process with it."""
    with EmbeddedEngine(load(module(ENDLESS)), Limits(policy_seconds=0.5)) as engine:
        process = engine._process
        assert process is not None
        with pytest.raises(EngineError) as caught:
            engine.evaluate(["gate.x"], {})
        assert process.poll() is not None
    assert caught.value.what == "the policy ran longer than 0.5 s and was ended"
    assert caught.value.path == "bundle small 1.2.3"
    assert caught.value.remedy is not None
    assert "huge comprehension" in caught.value.remedy


def test_a_greedy_policy_is_ended(load: Load) -> None:
    """A policy that wants more memory than the limit ends as an engine error that names the limit."""
    limits = Limits(policy_seconds=60, policy_memory_bytes=256 * MIB)
    with pytest.raises(EngineError) as caught:
        ask(load(module(GREEDY)), ["gate.x"], {}, limits)
    assert caught.value.what.startswith("the embedded policy engine crashed: memory allocation of ")
    assert caught.value.remedy is not None
    assert f"memory is limited to {256 * MIB} bytes" in caught.value.remedy


@pytest.mark.parametrize("when", ["before loading", "before a question"])
def test_a_killed_worker_is_an_engine_error(load: Load, when: str) -> None:
    """The process may be killed from outside at any moment, as the OOM killer does; the next one works."""
    with EmbeddedEngine(load()) as engine:
        if when == "before a question":
            engine.evaluate(["gate.stage1"], {})
        process = engine._process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(EngineError) as caught:
            engine.evaluate(["gate.stage1"], {})
        assert "gate.stage1" in engine.evaluate(["gate.stage1"], {})
    assert "the embedded policy engine crashed" in caught.value.what
    assert caught.value.path == "bundle small 1.2.3"
    assert caught.value.remedy


def test_one_process_answers_all_questions(load: Load) -> None:
    """The bundle is loaded once; neither a rule that fails nor an undefined package costs the process."""
    body = "y := input.v\n\nz := format_int(input.text, 10)"
    with EmbeddedEngine(load(module(body))) as engine:
        process = engine._process
        for number in range(3):
            assert engine.evaluate(["gate.x"], {"v": number}) == {"gate.x": {"y": number}}
            for package, document in (("gate.x", {"text": "x"}), ("gate.nothing", {})):
                with pytest.raises(EngineError):
                    engine.evaluate([package], document)
        assert process is not None and engine._process is process


def test_leaving_ends_the_process(load: Load) -> None:
    """An engine that was never asked leaves no process behind; leaving twice is harmless."""
    engine = EmbeddedEngine(load())
    with engine:
        process = engine._process
        assert process is not None
    assert process.poll() is not None
    engine.__exit__(None, None, None)


def test_a_missing_engine_is_an_environment_problem(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without regorus installed, the error says what to install."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "regorus" else find(name))
    with pytest.raises(EnvironmentProblem) as caught, EmbeddedEngine(load()):
        pass
    assert caught.value.remedy == "install gordon-to-regorus"


def test_the_worker_sees_no_environment(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of the caller's environment are not in the engine's process."""
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    with EmbeddedEngine(load()) as engine:
        assert engine._process is not None
        environment = Path(f"/proc/{engine._process.pid}/environ").read_bytes()
    assert b"hunter2" not in environment


# --- the worker itself, in this process ------------------------------------------------------------------


def engine_directory() -> str:
    """Where the regorus package lies."""
    found = importlib.util.find_spec("regorus")
    assert found is not None
    assert found.submodule_search_locations
    return str(Path(next(iter(found.submodule_search_locations))).parent)


def serve(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: list[Any]) -> list[Any]:
    """Run the worker's main over some input lines; its memory limit must not hit the tests' own process."""
    import io
    import resource

    asked: list[Any] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: asked.append(limit))
    monkeypatch.setattr(sys, "argv", ["worker", engine_directory()])
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(json.dumps(line) + "\n" for line in lines)))
    regorus_worker.main()
    assert asked == [(resource.RLIMIT_AS, (7, 7)), (resource.RLIMIT_CORE, (0, 0))]
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_worker_answers_each_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for the bundle, one for each question, as the engine gives it; data and input are there."""
    bundle = {"modules": {"x.rego": "package x\n\ny := [input, data.d]"}, "data": {"d": "ת"}, "memory": 7}
    questions = [{"packages": ["x", "z"], "input": '{"a": 1}'}, {"packages": ["x"], "input": "{}"}]
    loaded, *answers = serve(monkeypatch, capsys, [bundle, *questions])
    assert loaded == {"ok": None}
    values = [{package: embedded._value(text) for package, text in one["ok"].items()} for one in answers]
    assert values == [{"x": {"y": [{"a": 1}, "ת"]}, "z": None}, {"x": {"y": [{}, "ת"]}}]


def test_the_worker_reports_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module that does not parse and a rule that fails are answers; after the former there are no more."""
    bad = {"modules": {"x.rego": "package x\n\ny := ]"}, "data": {}, "memory": 7}
    loaded = serve(monkeypatch, capsys, [bad, {"packages": ["x"], "input": "{}"}])
    assert len(loaded) == 1
    assert loaded[0]["module"] == "x.rego"
    assert "x.rego:3" in loaded[0]["error"]
    bundle = {"modules": {"x.rego": 'package x\n\ny := sum(["a"])'}, "data": {}, "memory": 7}
    answers = serve(monkeypatch, capsys, [bundle, {"packages": ["x"], "input": "{}"}])
    assert answers[1]["module"] == "x"
    assert "error" in answers[1]


def test_the_worker_is_a_plain_script() -> None:
    """It starts without site packages, so starting it is cheap and nothing else is imported."""
    bundle = json.dumps({"modules": {"x.rego": "package x"}, "data": {}, "memory": 1 << 30})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(WORKER), engine_directory()],
        input=bundle.encode() + b"\n", capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b'{"ok": null}\n'
    assert b"pydantic" not in done.stderr


def test_an_engine_that_is_over_before_it_got_its_bundle(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error elsewhere ends it at once; nothing is said about that by a thread of its own."""
    import threading

    said: list[object] = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread))
    with EmbeddedEngine(load(module(ENDLESS))):
        pass
    monkeypatch.undo()
    monkeypatch.setattr(threading, "excepthook", said.append)
    for thread in started:
        thread.start()
        thread.join()
    assert len(started) == 1 and said == []
