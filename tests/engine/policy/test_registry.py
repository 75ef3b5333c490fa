"""Policy engines by name: the embedded one, and plug-ins through real entry points."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.config.settings import load_config
from gate.engine.policy import open_engine
from gate.engine.policy.engines.embedded import EmbeddedEngine
from gate.engine.policy.interface import Bundle
from gate.evidence.base.errors import ConfigError, PluginError
from gate.evidence.base.limits import Limits

Load = Callable[..., Bundle]
Install = Callable[..., Path]

ENGINE = """
from gate.engine.policy.engines.embedded import EmbeddedEngine

class Demo(EmbeddedEngine):
    name = "demo"
    version = "9"
"""


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """A factory of folders with one distribution that brings a policy engine."""

    def make(source: str = ENGINE, name: str = "demo", dist: str = "gate_demo") -> Path:
        site = tmp_path / "site"
        site.mkdir(exist_ok=True)
        (site / f"{dist}.py").write_text(source)
        info = site / f"{dist}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gate.policy_engines]\n{name} = {dist}:Demo\n")
        return site

    return make


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Puts a folder on the path of this process, for one test."""

    def put(site: Path) -> None:
        monkeypatch.syspath_prepend(site)
        importlib.invalidate_caches()
        for name in ("gate_demo", "gate_other"):
            monkeypatch.delitem(sys.modules, name, raising=False)

    return put


def test_the_embedded_engine_is_opened(load: Load) -> None:
    """``embedded`` opens the embedded engine, with its limits, and says which version of what it is."""
    engine = open_engine("embedded", load(), Limits(policy_seconds=7))
    assert isinstance(engine, EmbeddedEngine)
    assert (engine.name, engine.version, engine._limits.policy_seconds) == ("regorus", "0.13.0", 7)


def test_a_plugin_is_opened(load: Load, install: Install, on_path: Any) -> None:
    """Its entry point's name opens it; it gets the bundle and the limits."""
    on_path(install())
    with open_engine("demo", load(), Limits(policy_seconds=7)) as engine:
        assert (engine.name, engine.version) == ("demo", "9")
        assert "gate.stage1" in engine.evaluate(["gate.stage1"], {})


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("embeded", "did you mean 'embedded'? known: demo, embedded, opa"),
        ("demoo", "did you mean 'demo'? known: demo, embedded, opa"),
        ("xyz", "known: demo, embedded, opa"),
    ],
)
def test_an_unknown_engine(
    load: Load, install: Install, on_path: Any, make_workspace: Any, name: str, remedy: str
) -> None:
    """The error lists the engines there are; gate.yaml is refused before anything is collected."""
    on_path(install())
    for ask in (
        lambda: open_engine(name, load(), Limits()),
        lambda: load_config(make_workspace({"gate.yaml": f"engine: {name}"})),
    ):
        with pytest.raises(ConfigError) as caught:
            ask()
        assert caught.value.what == f"there is no policy engine {name!r}"
        assert (caught.value.path, caught.value.place) == ("gate.yaml", "engine")
        assert caught.value.remedy == remedy


def test_two_plugins_of_one_name(load: Load, install: Install, on_path: Any) -> None:
    """Which one would decide is not left to chance."""
    install()
    on_path(install(dist="gate_other"))
    with pytest.raises(PluginError) as caught:
        open_engine("demo", load(), Limits())
    assert "'demo' (gate_demo 1.0, gate_other 1.0) is there more than once" in caught.value.what
    assert caught.value.remedy == "uninstall all but one of these distributions"


@pytest.mark.parametrize("source", ["import no_such_module", "Dem = 1", "class Demo("])
def test_a_plugin_that_cannot_be_loaded(load: Load, install: Install, on_path: Any, source: str) -> None:
    """The error names the distribution; gate.yaml as such is accepted."""
    on_path(install(source))
    with pytest.raises(PluginError) as caught:
        open_engine("demo", load(), Limits())
    assert caught.value.what.startswith("the policy engine plug-in 'demo' (gate_demo 1.0) cannot be loaded: ")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "fault",
    [
        "__init__(self, bundle, limits):\n        raise ValueError('boom')",
        "__enter__(self):\n        raise ValueError('boom')",
        "evaluate(self, packages, document):\n        raise ValueError('boom')",
    ],
)
def test_a_plugin_that_fails_is_named(
    program: Any, install: Install, make_workspace: Any, fault: str
) -> None:
    """An exception in a plug-in's engine is the plug-in's, wherever it is raised, and is no verdict."""
    root = make_workspace({"gate.yaml": "engine: demo", "tests/a.py": ""})
    env = {"PYTHONPATH": str(install(f"{ENGINE}\n    def {fault}\n"))}
    done = program("evaluate", "stage1", "--no-record", "--workspace", root, env=env)
    assert done.code == 2
    named = "plug-in error: the policy engine plug-in 'demo' (gate_demo 1.0) failed: ValueError: boom"
    assert done.err.startswith(named), done.err


def test_the_documented_engine_judges(program: Any, install: Install, make_workspace: Any) -> None:
    """docs/plugins.md's, installed and named by gate.yaml, judges in the real program."""
    page = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
    [source] = [
        code for code in re.findall("```python\n(.*?)```", page, re.DOTALL) if "TellingEngine" in code
    ]
    root = make_workspace({"gate.yaml": "engine: demo", "tests/a.py": ""})
    site = install(f"{source}\n\nDemo = TellingEngine\n")
    done = program("evaluate", "stage1", "--workspace", root, env={"PYTHONPATH": str(site)})
    assert (done.code, done.err.startswith("asked gate.stage1\n")) == (1, True), done.err
    done = program("evaluate", "stage1", "--workspace", root)
    assert done.code == 2
    assert "there is no policy engine 'demo'" in done.err
