"""``gate init``: a commented ``gate.yaml`` for the repository as it is, and skeletons of what is missing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from msgspec import Struct, field

from ....evidence.base.atomic import put_file
from ....evidence.base.contracts import CONTRACTS
from ....evidence.base.errors import GateError, UsageError, suggestion
from ....evidence.base.settings import build
from ....evidence.collectors.artifacts import Row, default_matrix
from ....evidence.reading.workspace import View, Workspace
from ..settings import FILE, GateConfig, LedgerSettings, default_ledger, load_config
from .discover import Found, discover
from .templates import Written, write_templates

PRELIVE, RELEASE = "prelive", "release"
PROFILES = (PRELIVE, RELEASE)
"""What may be judged: by which of the shipped bundles."""
OPERATOR_EXAMPLE = "operator.example.yaml"
SCHEMAS = {
    FILE: ("gate.schema.json", "gate_config.schema.json"),
    OPERATOR_EXAMPLE: ("operator.schema.json", "operator.schema.json"),
}
"""Settings → the file beside them with their JSON Schema, and the contract that it is."""
_HERE = Path(__file__).parent
_TEMPLATES = {PRELIVE: _HERE / "template.yaml", RELEASE: _HERE / "release.yaml"}
"""The files that are written; the parts named by $ are filled in."""
_CONTRACT = re.compile(r"contracts/([A-Za-z][A-Za-z0-9_-]{0,40})\.schema\.json")
"""Contracts after which a set of messages can be called."""
_MOST_SETS = 20
"""Contracts for which messages are asked for at first."""
_OF_RELEASE = ("components", "coverage", "scans", "tests")
"""Collectors that the bundle ``release`` looks at and whose evidence is recognised."""
_EXAMPLES = """\
# evidence:
#   coverage: {data: .coverage}
#   tests: {junit: [junit.xml]}
#   account: {path: ACCOUNT_CONFIG.json, pinned_account: DU0000000}
#   paper: {log: PAPER_TRADING_LOG.json, metrics: PAPER_TRADING_METRICS.csv}"""


_PLAIN = re.compile(r"(?!(?:null|true|false)$)[A-Za-z_][A-Za-z0-9_./-]*", re.IGNORECASE)
"""Names that YAML takes for strings as they are."""


class SetUp(Struct, frozen=True, dict=True):
    """What ``gate init`` found, whether it wrote gate.yaml, and the skeletons where they were asked for.

    ``beside`` is the path of another file that it wrote; ``schemas`` says of each whether it was written.
    """

    found: Found
    config: bool
    templates: Written | None = None
    beside: str | None = None
    schemas: dict[str, bool] = field(default_factory=dict)


def set_up(root: Path, *, templates: bool, profile: str = PRELIVE, schema: bool = False) -> SetUp:
    """Write a ``gate.yaml`` for what is in ``root``, and if asked for, skeletons of what is missing.

    With ``templates`` or ``schema``, a gate.yaml that is there is kept and counts. Nothing is overwritten.
    With ``schema``, the JSON Schemas of the settings are written beside them, and their first lines name them
    for editors.

    For the profile ``release`` the settings choose that bundle, and an example of an operator's file is
    written beside them.

    Raises UsageError: ``root`` is no directory, there is no such profile, it has no skeletons, or there is
        a gate.yaml and nothing else was asked for;
    ConfigError: that gate.yaml is wrong; EvidenceError, EnvironmentProblem: files cannot be read or written.
    """
    if not root.is_dir():
        raise UsageError("the workspace is not a directory", path=str(root), remedy="create it first")
    if profile not in PROFILES:
        raise UsageError(f"there is no profile {profile[:80]!r}", remedy=suggestion(profile, PROFILES))
    if templates and profile != PRELIVE:
        what = f"there are no skeletons for the profile {profile}"
        raise UsageError(what, remedy="leave --templates out")
    target = root / FILE
    there = os.path.lexists(target)
    if there and not templates and not schema:
        remedy = "edit it, or move it away first"
        raise UsageError("there is a gate.yaml already", path=str(target), remedy=remedy)
    config = load_config(root) if there else GateConfig()
    found, written = _look(root, config), None
    if templates:
        written = write_templates(root, found.missing, seeds=found.seeds is None)
        after = _look(root, config)
        found.sources, found.python_files = after.sources, after.python_files
    beside = None
    if not there:
        if profile == RELEASE:
            _for_release(Workspace(root, config.limits).view(), found)
        text = Template(_TEMPLATES[profile].read_text(encoding="utf-8")).substitute(
            subject=_subject(found.sources), evidence=_evidence(found), ledger=_ledger(found.ledger)
        )
        put_file(root, FILE, (modeline(FILE) if schema else b"") + text.encode())
        if profile == RELEASE and not os.path.lexists(root / OPERATOR_EXAMPLE):
            example = (_HERE / "release_operator.yaml").read_bytes()
            put_file(root, OPERATOR_EXAMPLE, (modeline(OPERATOR_EXAMPLE) if schema else b"") + example)
            beside = OPERATOR_EXAMPLE
    schemas = {}
    for name, contract in [SCHEMAS[file] for file in (FILE, beside) if file is not None and schema]:
        schemas[name] = not os.path.lexists(root / name)
        if schemas[name]:
            put_file(root, name, (CONTRACTS / contract).read_bytes())
    return SetUp(found, not there, written, beside, schemas)


def modeline(file: str) -> bytes:
    """The first line of a settings file that names its schema to the YAML language server of editors."""
    return f"# yaml-language-server: $schema={SCHEMAS[file][0]}\n".encode()


def _for_release(view: View, found: Found) -> None:
    """Leave what the bundle ``release`` looks at; add a set of messages per contract, and both versions."""
    found.recognised = [one for one in found.recognised if one[0] in _OF_RELEASE]
    found.evidence = {name: found.evidence[name] for name in _OF_RELEASE if name in found.evidence}
    listed = next((path for collector, path in found.recognised if collector == "components"), "bom.json")
    contracts = [one for path in view.glob("contracts/*.schema.json") if (one := _CONTRACT.fullmatch(path))]
    sets = {
        one[1].lower().replace("-", "_"): {
            "paths": [f"messages/{one[1]}*.jsonl"],
            "contract": one[0],
            **_time_of(view, one[0]),
        }
        for one in contracts[:_MOST_SETS]
    }
    if sets:
        found.evidence["messages"] = {"sets": sets}
    is_spdx = "spdx" in listed
    places = {
        "version": ("pyproject.toml", "/project/version"),
        "listed_version": (listed, "/packages/0/versionInfo" if is_spdx else "/metadata/component/version"),
    }
    found.evidence["values"] = {
        "read": {
            name: {"file": file, "pointer": pointer, "type": "string"}
            for name, (file, pointer) in places.items()
        }
    }


def _time_of(view: View, contract: str) -> dict[str, str]:
    """The setting for the member of messages that has their time, as far as the contract shows it."""
    try:
        properties = view.read_json(contract)["properties"].items()
        stated = [(name, one.get("format")) for name, one in properties if isinstance(one, dict)]
    except (GateError, LookupError, TypeError, AttributeError):
        stated = []
    return next(({"time": name} for name, form in stated if form == "date-time"), {})


def _look(root: Path, config: GateConfig) -> Found:
    own = config.evidence.get("artifacts", {}).get("matrix")
    rows: Sequence[Row] = [build(Row, row) for row in own] if own else default_matrix()
    ignored = [config.ledger.directory.rstrip("/")] if config.ledger.directory else []
    workspace = Workspace(root, config.limits, ignored)
    found = discover(workspace.view(), rows, config.evidence)
    usual = default_ledger(root).location
    found.ledger = None if usual == LedgerSettings().location else usual
    return found


def _quoted(value: Any) -> str:
    """A value in YAML's flow style, of which JSON is a part; quotes only where they are needed."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _subject(sources: Sequence[str]) -> str:
    if not sources:
        return (
            "# Left out, the sources are discovered: everything at the top that has code in it.\n"
            '# subject:\n#   sources: [src]    # the directories of your code\n#   exclude: ["**/.coverage"]'
        )
    rows = "\n".join(f"    - {_quoted(name)}" for name in sources)
    return f'subject:\n  sources:\n{rows}\n  # exclude: ["**/.coverage"]'


def _evidence(found: Found) -> str:
    if not found.evidence:
        return _EXAMPLES
    lines = ["evidence:"]
    for collector, options in sorted(found.evidence.items()):
        lines.append(f"  {collector}:")
        for option, value in options.items():
            nested = isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())
            lines.append(f"    {option}:" if nested else f"    {option}: {_quoted(value)}")
            lines += [f"      {_quoted(n)}: {_quoted(item)}" for n, item in value.items()] if nested else []
    return "\n".join(lines)


def _ledger(directory: str | None) -> str:
    if directory is None:
        return "# ledger:\n#   location: ledger"
    return f"ledger:\n  location: {directory}    # the directory `ledger` holds something else"
