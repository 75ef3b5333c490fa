"""Collectors of other distributions, through the real entry points.

Each way to start with one is tried with the program, what one may do wrong with ``here``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

HEAD = """
import os, sys, time
from typing import ClassVar
from gate.evidence.collecting.interface import Problem, Observation, Options

class Demo:
    id: ClassVar[str] = "demo"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = Options
    def __init__(self, options): pass
    def collect(self, view):
"""

CONTRACT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"answer": {"type": ["integer", "null"]}},
    "required": ["answer"],
    "additionalProperties": False,
}

Install = Callable[..., dict[str, str]]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """A factory of installed distributions with one collector; gives the environment that finds it."""

    def make(
        body: str = "return Observation({'answer': 42})",
        *,
        source: str | None = None,
        contract: Any = CONTRACT,
        name: str = "demo",
        dist: str = "gate-demo",
        module: str = "gate_demo",
        points_to: str = "Demo",
    ) -> dict[str, str]:
        site = tmp_path / "site"
        package = site / module
        package.mkdir(parents=True)
        lines = "\n".join("        " + line for line in body.splitlines())
        (package / "__init__.py").write_text(HEAD + lines if source is None else source)
        if contract is not None:
            text = contract if isinstance(contract, str) else json.dumps(contract)
            (package / f"{name}.schema.json").write_text(text)
        info = site / f"{dist.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gate.collectors]\n{name} = {module}:{points_to}\n")
        operator = tmp_path / "operator.yaml"
        operator.write_text("execute: [plugins]\n")
        return {"PYTHONPATH": str(site), "GATE_OPERATOR": str(operator)}

    return make


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with little in it."""
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "data.txt").write_text("42")
    return root


def test_a_plugin_collects(program: Any, install: Install, workspace: Path) -> None:
    """Its facts, its version, its distribution and the files it read are in the evidence."""
    env = install("return Observation({'answer': int(view.read_text('data.txt'))})")
    done = program("collect", "demo", "-o", "json", "-w", workspace, env=env)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)["demo"]
    assert found["facts"] == {"answer": 42}
    assert (found["version"], found["provider"]) == ("1", "gate-demo 1.0")
    assert [file["path"] for file in found["files"]] == ["data.txt"]


def test_a_plugin_has_options(program: Any, install: Install, workspace: Path) -> None:
    """They are read from gate.yaml like those of any collector; naming them there also enables it."""
    source = (
        HEAD.replace(
            "class Demo:",
            "from dataclasses import dataclass\n@dataclass(frozen=True, slots=True)\n"
            "class DemoOptions(Options):\n    answer: int = 1\n\nclass Demo:",
        )
        .replace("] = Options", "] = DemoOptions")
        .replace("pass\n", "self.options = options\n")
    )
    env = install(source=source + "        return Observation({'answer': self.options.answer})")
    (workspace / "gate.yaml").write_text("evidence: {demo: {answer: 7}}\n")
    done = program("collect", "-o", "json", "-w", workspace, env=env)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["demo"]["facts"] == {"answer": 7}
    (workspace / "gate.yaml").write_text("evidence: {demo: {answers: 7}}\n")
    done = program("collect", "demo", "-w", workspace, env=env)
    assert done.code == 2
    assert "configuration error" in done.err and "evidence.demo.answers" in done.err


def test_without_being_named_a_plugin_does_not_run(here: Any, install: Install, workspace: Path) -> None:
    """To be installed is not to be wanted."""
    env = install("os._exit(3)")
    done = here("collect", "-w", workspace, env=env)
    assert done.code == 0 and "demo" not in done.out


MISBEHAVING = {
    "raises": ("raise ValueError('boom')", "failed with ValueError: boom (gate_demo/__init__.py, line 12)"),
    "raises inside a library": (
        "import json\njson.loads('{')",
        "double quotes: line 1 column 2 (char 1) (gate_demo/__init__.py, line 13)",
    ),
    "looks outside": (
        "view.read_text('../../etc/passwd')",
        "ended with: '../../etc/passwd' is not a path inside the workspace (gate_demo/__init__.py, line 12)\n"
        "  to do: ",
    ),
    "raises an error of gate's that names no file": (
        "from gate.evidence.base.errors import EvidenceError\nraise EvidenceError('is odd')",
        "ended with: is odd (gate_demo/__init__.py, line 13)\n  to do: otherwise report it to",
    ),
    "leaves": ("sys.exit(0)", "left the program with 0"),
    "disappears": ("os._exit(0)", "failed: its process ended early (exit status 0)"),
    "is killed": ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
    "gives nothing": ("pass", "gave NoneType instead of an Observation"),
    "gives other facts": ("return Observation({'answer': 1, 'more': 2})", "break its contract"),
    "gives a wrong type": ("return Observation({'answer': 'x'})", "break its contract"),
    "gives a float": (
        "return Observation({'answer': [0, {'x': 1.5}]})",
        "gave a float as the fact 'demo.answer.1.x'",
    ),
    "gives a set": ("return Observation({'answer': {1}})", "gave a set as the fact 'demo.answer'"),
    "gives a huge number": ("return Observation({'answer': 2 ** 60})", "gave an integer beyond 2^53 as the"),
    "gives a key that is no string": (
        "return Observation({'answer': {1: 2}})",
        "gave a key that is no string",
    ),
    "gives no time": ("return Observation({'answer': 1}, observed_at='soon')", "impossible /observed_at"),
    "gives no date": ("return Observation({'answer': 1}, observed_at='2025-02-30T12:00:00Z')", "2025-02-30"),
    "gives a wrong attachment": ("return Observation({'answer': 1}, attachments={'a': 'b'})", "TypeError"),
    "gives a wrong tool": ("return Observation({'answer': 1}, tool=7)", "impossible /tool"),
    "calls a value missing": (
        "return Observation({'answer': 1}, (Problem('answer', 'because', 'do'),))",
        "calls 'answer' missing but gives a value",
    ),
    "recurses": ("def f(): f()\nf()", "RecursionError"),
}


@pytest.mark.parametrize("case", MISBEHAVING)
def test_a_misbehaving_plugin_is_an_error_that_names_it(
    here: Any, install: Install, workspace: Path, case: str
) -> None:
    """One clear error, exit code 2, no traceback, nothing on standard output."""
    body, said = MISBEHAVING[case]
    done = here("collect", "demo", "tests", "-w", workspace, env=install(body))
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("plug-in error: the collector plug-in 'demo' (gate-demo 1.0) "), done.err
    assert said in done.err
    assert "Traceback" not in done.err and "to do: " in done.err


REJECTED = {
    "malformed": ("view.read_json('data.json')", "data.json", "line 1", "(gate_demo/__init__.py, line 12)"),
    "not there": ("view.read('nope.txt')", "nope.txt", None, "No such file or directory"),
    "odd, as the plug-in says": (
        "from gate.evidence.base.errors import EvidenceError\n"
        "raise EvidenceError('is odd', path='data.txt', place='line 3', remedy='make it even')",
        "data.txt",
        "line 3",
        "ended with: is odd (gate_demo/__init__.py, line 13)",
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_file_that_a_plugin_cannot_use_is_rejected_evidence(
    here: Any, install: Install, workspace: Path, case: str
) -> None:
    """The plug-in has no facts and a problem that names it, the file and the place; nothing else ends."""
    body, path, place, reason = REJECTED[case]
    (workspace / "data.json").write_text("{")
    done = here("collect", "demo", "tests", "-o", "json", "-w", workspace, env=install(body))
    assert (done.code, done.err) == (1, "")
    found = json.loads(done.out)["demo"]
    assert (found["facts"], found["provider"]) == ({}, "gate-demo 1.0")
    [problem] = found["problems"]
    assert (problem["kind"], problem["fact"], problem["path"]) == ("rejected", "", path)
    assert str(problem["place"]).startswith(str(place))
    assert problem["reason"].startswith("the collector plug-in 'demo' (gate-demo 1.0) ended with: ")
    assert reason in problem["reason"]


def test_its_authors_can_see_a_traceback(program: Any, install: Install, workspace: Path) -> None:
    """With --debug, that of the plug-in's own process is shown, too."""
    done = program("collect", "demo", "--debug", "-w", workspace, env=install("raise ValueError('boom')"))
    assert done.code != 0
    assert 'gate_demo/__init__.py", line 12, in collect' in done.err
    assert "\nValueError: boom\n" in done.err


def test_a_plugin_that_hangs_is_ended(
    program: Any, install: Install, workspace: Path, tmp_path: Path
) -> None:
    """After its time, with everything it started; the other collectors' evidence is not lost to it."""
    pid = tmp_path / "pid"
    body = (
        "import pathlib, subprocess\n"
        f"pathlib.Path({str(pid)!r}).write_text(str(subprocess.Popen(['sleep', '9000']).pid))\n"
        "while True: time.sleep(1)"
    )
    env = install(body)
    Path(env["GATE_OPERATOR"]).write_text("execute: [plugins]\nlimits: {collector_seconds: 5}\n")
    done = program("collect", "demo", "tests", "-w", workspace, env=env)
    assert done.code == 2
    assert "plug-in error: the collector plug-in 'demo' (gate-demo 1.0) took longer than 5 s" in done.err
    state = Path(f"/proc/{pid.read_text()}/stat") if pid.exists() else tmp_path / "not started"
    # a zombie is over, and waits for whoever inherited it
    assert not state.exists() or ") Z " in state.read_text()


def test_what_a_plugin_prints_is_not_in_the_payload(here: Any, install: Install, workspace: Path) -> None:
    """Standard output is for the facts alone."""
    env = install("print('noise', flush=True)\nos.write(1, b'more')\nreturn Observation({'answer': 1})")
    done = here("collect", "demo", "-o", "json", "-w", workspace, env=env)
    assert done.code == 0
    assert json.loads(done.out)["demo"]["facts"] == {"answer": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "import nowhere_to_be_found"}, "cannot be loaded: ModuleNotFoundError: No module named"),
        ({"source": "raise RuntimeError('no')"}, "cannot be loaded: RuntimeError: no"),
        ({"points_to": "Nothing"}, "cannot be loaded"),
        ({"source": "class Demo: id = 'demo'"}, "has no 'version', so it is no collector"),
        ({"source": HEAD.replace('"demo"', '"other"') + "        pass"}, "a collector with the id 'other'"),
        ({"contract": None}, "ships no facts contract demo.schema.json"),
        ({"contract": "{"}, "has a facts contract that cannot be read"),
        ({"contract": {"type": 7}}, "has a facts contract that is no JSON Schema"),
        ({"contract": {"$ref": "https://example.com/x"}}, "has a facts contract that is no JSON Schema"),
    ],
)
def test_a_broken_plugin_is_named(
    here: Any, install: Install, workspace: Path, given: dict[str, Any], said: str
) -> None:
    """Whatever is wrong with it, the error names the plug-in and where it comes from."""
    done = here("collect", "demo", "-w", workspace, env=install(**given))
    assert done.code == 2
    assert done.err.startswith("plug-in error: the collector plug-in 'demo' (gate-demo 1.0) "), done.err
    assert said in done.err and "Traceback" not in done.err


def test_nobody_takes_the_place_of_another_collector(program: Any, install: Install, workspace: Path) -> None:
    """One of gate's own is never looked for elsewhere."""
    done = program("collect", "tests", "-w", workspace, env=install(name="tests"))
    assert done.code == 0 and "demo" not in done.out


def test_two_plugins_of_one_name(here: Any, install: Install, workspace: Path) -> None:
    """Which of them would run is not left to chance."""
    install()
    env = install(dist="another-demo", module="another_demo")
    done = here("collect", "demo", "-w", workspace, env=env)
    assert done.code == 2
    assert "another-demo 1.0" in done.err and "gate-demo 1.0" in done.err


def test_an_impossible_name(here: Any, install: Install, workspace: Path) -> None:
    """A collector's id is part of facts' names."""
    done = here("collect", "De-mo", "-w", workspace, env=install(name="De-mo"))
    assert done.code == 2 and "no lower-case name" in done.err


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documented example, installed from its own source."""
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / "plugin"
    import shutil

    shutil.copytree(ROOT / "examples" / "collector-plugin", source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--disable-pip-version-check", "--target", target, source], check=True)
    return target


@pytest.mark.soak
def test_the_documented_example_works(program: Any, example: Path, workspace: Path) -> None:
    """Installed as a user would, it is found and collects."""
    (workspace / "CHANGELOG.md").write_text("## [Unreleased]\n- a\n## [1.0.0] - 2025-11-01\n")
    env = {"PYTHONPATH": str(example)}
    done = program("collect", "changelog", "-o", "json", "-w", workspace, env=env)
    assert (done.code, done.err) == (0, "")
    facts = json.loads(done.out)["changelog"]["facts"]
    assert facts == {"latest": "1.0.0", "released": "2025-11-01", "unreleased": 1}


@pytest.mark.soak
def test_the_example_s_own_tests_pass(example: Path, tmp_path: Path) -> None:
    """They are run as its author would run them."""
    import os

    # a temporary directory of its own: pytest would clear away those of this run's predecessors
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "examples/collector-plugin/tests"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(example)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout
