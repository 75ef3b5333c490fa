"""The embedded engine: right answers, and a clear end for everything that goes wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.policy import open_engine
from gate.engine.policy.bundle import SHIPPED, load_bundle
from gate.engine.policy.engines import regorus_worker
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


def test_packages_are_evaluated(load: Load) -> None:
    """Each package's value: rules by name, sets as lists."""
    facts = {"facts": {"coverage": {"line_ppm": 5}, "artifacts": {"found_ppm": 900_000}}}
    values = ask(load(), ["gate.stage1", "gate.stage2"], facts)
    assert values["gate.stage1"]["check_amount"]["holds"] is False
    assert values["gate.stage1"]["deny_amount"] == [
        {
            "code": "stage1.amount", "msg": "There is too little", "operand": "amount", "op": "≥",
            "expected": 800_000, "actual": 5, "unit": "ppm",
        }
    ]  # fmt: skip
    assert values["gate.stage2"]["check_amount"]["holds"] is True
    assert values["gate.stage2"]["deny_amount"] == []


def test_the_configured_engine_is_opened(load: Load) -> None:
    """``embedded`` opens this engine."""
    with open_engine("embedded", load(module("y := 1")), Limits()) as engine:
        assert engine.evaluate(["gate.x"], {}) == {"gate.x": {"y": 1}}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)
def test_values_go_through_unchanged(echo: Bundle, value: Any) -> None:
    """Text of any script, nesting, null and integers up to 2^53 come back as they went in."""
    assert ask(echo, ["gate.x"], {"v": value})["gate.x"] == {"same": value, "set": [value]}


@pytest.fixture(scope="module")
def echo() -> Bundle:
    """A bundle that gives its input back."""
    source = "package gate.x\n\nsame := input.v\n\nset contains input.v\n"
    return Bundle("echo", "1", "0" * 64, {"x.rego": source}, {}, {}, (), ())


def test_sets_are_sorted(load: Load) -> None:
    """A set has one order, whatever order its members were made in."""
    values = ask(
        load(module("s contains x if { some x in input.v }")), ["gate.x"], {"v": ["b", "é", "a", "ת", "B"]}
    )
    assert values["gate.x"]["s"] == ["B", "a", "b", "é", "ת"]


def test_long_lines_and_large_documents(load: Load) -> None:
    """Generated policies with long lines, and megabytes of facts, are no problem."""
    body = "long := " + json.dumps("x" * 30_000) + "\n\nn := count(input.v)"
    values = ask(load(module(body)), ["gate.x"], {"v": ["y" * 100] * 50_000})
    assert values["gate.x"]["n"] == 50_000
    assert len(values["gate.x"]["long"]) == 30_000


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


@pytest.mark.parametrize(
    "body",
    [
        "x := 1 if input.a\n\nx := 2 if input.a",
        "f(a) := 1\n\nf(a) := 2 if a\n\nx := f(1)",
        "x := y\n\ny := x",
        "x := to_number([])",
        'x := sum(["a"])',
    ],
)
def test_rules_that_fail_are_engine_errors(load: Load, body: str) -> None:
    """A conflict, a cycle and a built-in that fails each end in an error with the file, not in silence."""
    with pytest.raises((EngineError, PolicyError)) as caught:
        ask(load(module(body)), ["gate.x"], {"a": True})
    assert caught.value.path == "gate/x/x.rego"
    assert caught.value.place is not None
    assert "gate.x" in caught.value.what or "does not load" in caught.value.what


@pytest.mark.parametrize("package", ["gate.nothing", "gate.x.y", "nothing"])
def test_an_undefined_package_is_an_error(load: Load, package: str) -> None:
    """Nothing evaluated is never a value."""
    with pytest.raises(EngineError) as caught:
        ask(load(module("y := 1")), ["gate.x", package], {})
    assert caught.value.what == f"the package {package} is undefined, so nothing was evaluated"
    assert caught.value.remedy


ENDLESS = """\
x := count([1 |
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	a + b + c == 0
])
"""

GREEDY = """\
x := [[a, b, concat("-", [s, s])] |
	some a in numbers.range(1, 5000)
	some b in numbers.range(1, 5000)
	s := sprintf("%d", [b])
]
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
    assert caught.value.what.startswith("the embedded policy engine crashed: ")
    assert caught.value.remedy is not None
    assert f"memory is limited to {256 * MIB} bytes" in caught.value.remedy


@pytest.mark.parametrize("when", ["before loading is read", "before the question"])
def test_a_killed_worker_is_an_engine_error(load: Load, when: str) -> None:
    """The process may be killed from outside at any moment (the kernel's OOM killer does)."""
    with EmbeddedEngine(load()) as engine:
        process = engine._process
        assert process is not None
        if when == "before the question":
            receive = engine._receive

            def receive_and_kill(deadline: float) -> dict[str, Any]:
                answer = receive(deadline)
                process.kill()
                process.wait()
                return answer

            engine._receive = receive_and_kill  # type: ignore[method-assign]
        else:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            engine._pending = b""
        with pytest.raises(EngineError) as caught:
            engine.evaluate(["gate.stage1"], {})
    assert "the embedded policy engine crashed" in caught.value.what
    assert caught.value.path == "bundle small 1.2.3"
    assert caught.value.remedy


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
    """One line for the bundle, one for the question; data and input are there."""
    bundle = {"modules": {"x.rego": "package x\n\ny := [input, data.d]"}, "data": {"d": "ת"}, "memory": 7}
    question = {"packages": ["x", "z"], "input": {"a": 1}}
    answers = serve(monkeypatch, capsys, [bundle, question])
    assert answers == [{"ok": None}, {"ok": {"x": {"y": [{"a": 1}, "ת"]}, "z": None}}]


def test_the_worker_reports_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A module that does not parse and a rule that fails are answers; no question is the end."""
    loaded = serve(
        monkeypatch, capsys, [{"modules": {"x.rego": "package x\n\ny := ]"}, "data": {}, "memory": 7}]
    )
    assert loaded[0]["module"] == "x.rego"
    assert "x.rego:3" in loaded[0]["error"]
    bundle = {"modules": {"x.rego": 'package x\n\ny := sum(["a"])'}, "data": {}, "memory": 7}
    answers = serve(monkeypatch, capsys, [bundle, {"packages": ["x"], "input": {}}])
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


def test_the_shipped_bundle_is_defined_for_no_facts_at_all() -> None:
    """The shipped packages have a value even for an empty input: undefined facts never hide a rule."""
    bundle = load_bundle(SHIPPED)
    packages = [f"gate.stage{number}" for number in range(1, 9)]
    assert list(ask(bundle, packages, {"facts": {}, "now_s": 0})) == packages


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
