"""Writes the generated parts of the documentation; `make docs` runs it and CI checks that nothing changes.

* docs/policies.md and policies-release.md: the policy references, from the bundles' METADATA and parameters
* docs/commands.md: the help text of every command
* docs/adr/README.md and docs/collectors/README.md: the lists of decisions on the design and of collectors
* README.md: the command table and the demo's output, each between two markers
* contracts/gate_config.schema.json and operator.schema.json: of gate.yaml and the operator's file
* contracts/fleet.schema.json: of the file that names many ledgers
* contracts/serve.schema.json: of the service file
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from gate.cli import COMMANDS as LISTED
from gate.cli import app
from gate.engine.config.operator import OperatorConfig
from gate.engine.config.settings import GateConfig
from gate.engine.context import open_context
from gate.engine.decide.plan import make_plan
from gate.engine.decide.recorded import Time
from gate.engine.fleet.settings import FleetSettings
from gate.engine.policy.bundle import load_bundle
from gate.engine.report import table
from gate.engine.report.interface import Screen
from gate.engine.serve.settings import ServeSettings
from gate.engine.service import evaluate
from gate.engine.workbench.bundles import find_bundle
from gate.engine.workbench.catalog import reference
from gate.evidence.base.settings import adapter
from gate.evidence.collecting.registry import BUILTIN, load

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("<!-- commands: begin -->", "<!-- commands: end -->")
DEMO = ("<!-- demo: begin -->", "<!-- demo: end -->")


def commands() -> dict[str, str]:
    """Every command (nested ones as ``ledger show``) with the line that its help begins with."""
    group = typer.main.get_command(app)
    found: dict[str, str] = {}
    for name in sorted(group.commands):  # type: ignore[attr-defined]
        command = group.get_command(typer.Context(group), name)  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = command.help.splitlines()[0]
        else:
            if command.invoke_without_command:
                found[name] = command.help.splitlines()[0]
            for sub, item in sorted(inner.items()):
                found[f"{name} {sub}"] = item.help.splitlines()[0]
    return found


def command_table() -> str:
    """The README's table of commands, as `gate --help` lists them."""
    rows = [f"| `gate {name}` | {text} |" for name, (_, text) in LISTED.items()]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows])


def command_reference() -> str:
    """docs/commands.md."""
    parts = ["# Commands\n", "Generated from the program's own help by `make docs`.\n"]
    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100"})
    for name in ("", *commands()):
        shown = runner.invoke(app, [*name.split(), "--help"], prog_name="gate")
        parts.append(f"## {f'gate {name}'.strip()}\n\n```text\n{shown.output.strip()}\n```\n")
    return "\n".join(parts)


def policy_reference(named: str) -> str:
    """What ``gate policy docs shipped:NAME`` prints."""
    source = find_bundle(named, ROOT)
    bundle = load_bundle(source)
    return "\n".join(reference(bundle, make_plan(bundle), named)) + "\n"


def adr_list() -> str:
    """docs/adr/README.md."""
    lines = ["# Decisions on the design", "", "What a newcomer would question, and why it is so.", ""]
    for path in sorted((ROOT / "docs" / "adr").glob("0*.md")):
        number, _, title = path.read_text(encoding="utf-8").partition("\n")[0].strip("# ").partition(". ")
        lines.append(f"* [ADR {number}]({path.name}): {title}")
    return "\n".join(lines) + "\n"


def collector_list() -> str:
    """docs/collectors/README.md."""
    about = "What each collector reads, and the facts that policies see of it."
    lines = ["# Facts: the collectors", "", about, ""]
    for name in sorted(BUILTIN):
        with (ROOT / "docs" / "collectors" / f"{name}.md").open(encoding="utf-8") as page:
            lines.append(f"* [{name}]({name}.md): {page.readline().strip().partition(': ')[2]}")
    return "\n".join(lines) + "\n"


def settings_schema(kind: type[GateConfig], name: str, title: str, description: str) -> str:
    """The contract of ``gate.yaml`` or of the operator's file."""
    schema = adapter(kind).json_schema()
    options = {}
    for collector in sorted(BUILTIN):
        described = adapter(load(collector).Options).json_schema()
        for definition, content in described.pop("$defs", {}).items():
            if schema["$defs"].setdefault(definition, content) != content:
                raise ValueError(f"two settings classes have the name {definition}")
        options[collector] = described
    schema["properties"]["evidence"].update(properties=options, additionalProperties=False)
    return _contract(schema, name, title, description)


def _contract(schema: dict[str, Any], name: str, title: str, description: str) -> str:
    """A schema with a head that says whose it is."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gate:contract:{name}:1",
        "title": title,
        "description": f"{description} Generated from the settings classes by `make docs`.",
    }
    return json.dumps({**schema, **head}, indent=2) + "\n"


_DEMO_OPTIONS = " --workspace examples/algo-trade --operator examples/operator.yaml"


def demo() -> str:
    """What judging the first example prints; from a copy outside of git, so that no commit id is in it."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "algo-trade"
        shutil.copytree(
            ROOT / "examples" / "algo-trade", copy, ignore=shutil.ignore_patterns("ledger", "__pycache__")
        )
        context = open_context(copy, operator=ROOT / "examples" / "operator.yaml")
        time = Time(str(context.config.effective_time), "operator")
        decision = evaluate(context, "stage8", time).decision
    # the last line says where it was recorded, which is another place for everybody
    shown = table.render(decision, None, Screen(width=100, arguments=_DEMO_OPTIONS)).decode()
    return shown.replace("not recorded\n", "").strip()


def readme(text: str) -> str:
    """The README with a current command table and demo."""
    text = _replaced(text, COMMANDS, command_table())
    return _replaced(text, DEMO, f"```text\n{demo()}\n```")


def _replaced(text: str, marks: tuple[str, str], content: str) -> str:
    before, _, rest = text.partition(marks[0])
    return f"{before}{marks[0]}\n{content}\n{marks[1]}{rest.partition(marks[1])[2]}"


def generated() -> dict[Path, str]:
    """Every generated file with its current content."""
    path = ROOT / "README.md"
    return {
        path: readme(path.read_text()),
        ROOT / "docs" / "policies.md": policy_reference("shipped"),
        ROOT / "docs" / "policies-release.md": policy_reference("shipped:release"),
        ROOT / "docs" / "commands.md": command_reference(),
        ROOT / "docs" / "adr" / "README.md": adr_list(),
        ROOT / "docs" / "collectors" / "README.md": collector_list(),
        ROOT / "contracts" / "gate_config.schema.json": settings_schema(
            GateConfig, "gate_config", "gate.yaml", "Settings of a workspace."
        ),
        ROOT / "contracts" / "operator.schema.json": settings_schema(
            OperatorConfig, "operator", "operator.yaml", "What whoever runs the gate says."
        ),
        ROOT / "contracts" / "fleet.schema.json": _contract(
            adapter(FleetSettings).json_schema(), "fleet", "fleet.yaml", "The ledgers of a fleet."
        ),
        ROOT / "contracts" / "serve.schema.json": _contract(
            adapter(ServeSettings).json_schema(),
            "serve",
            "serve.yaml",
            "What `gate serve` serves, and to whom.",
        ),
    }


if __name__ == "__main__":
    for target, content in generated().items():
        target.write_text(content)
