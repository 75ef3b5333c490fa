"""``gate init``: a commented ``gate.yaml`` for the repository as it is, and skeletons of what is missing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from ....evidence.base.atomic import put_file
from ....evidence.base.errors import UsageError
from ....evidence.base.settings import build
from ....evidence.collectors.artifacts import Row, default_matrix
from ....evidence.reading.workspace import Workspace
from ..settings import FILE, GateConfig, LedgerSettings, default_ledger, load_config
from .discover import Found, discover
from .templates import Written, write_templates

_TEMPLATE = Path(__file__).with_name("template.yaml")
"""The file that is written; the parts named by $ are filled in."""
_EXAMPLES = """\
# evidence:
#   coverage: {data: .coverage}
#   tests: {junit: [junit.xml]}
#   account: {path: ACCOUNT_CONFIG.json, pinned_account: DU0000000}
#   paper: {log: PAPER_TRADING_LOG.json, metrics: PAPER_TRADING_METRICS.csv}"""


_PLAIN = re.compile(r"(?!(?:null|true|false)$)[A-Za-z_][A-Za-z0-9_./-]*", re.IGNORECASE)
"""Names that YAML takes for strings as they are."""


@dataclass(frozen=True)
class Report:
    """What ``gate init`` found, whether it wrote gate.yaml, and the skeletons where they were asked for."""

    found: Found
    config: bool
    templates: Written | None = None


def set_up(root: Path, *, templates: bool) -> Report:
    """Write a ``gate.yaml`` for what is in ``root``, and if asked for, skeletons of what is missing.

    With ``templates``, a gate.yaml that is there is kept and counts. Nothing is ever overwritten.

    Raises UsageError: ``root`` is no directory, or there is a gate.yaml and nothing else was asked for;
    ConfigError: that gate.yaml is wrong; EvidenceError, EnvironmentProblem: files cannot be read or written.
    """
    if not root.is_dir():
        raise UsageError("the workspace is not a directory", path=str(root), remedy="create it first")
    target = root / FILE
    there = os.path.lexists(target)
    if there and not templates:
        raise UsageError(
            "there is a gate.yaml already", path=str(target), remedy="edit it, or move it away first"
        )
    config = load_config(root) if there else GateConfig()
    found, written = _look(root, config), None
    if templates:
        written = write_templates(root, found.missing, seeds=found.seeds is None)
        after = _look(root, config)
        found.sources, found.python_files = after.sources, after.python_files
    if not there:
        text = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
            subject=_subject(found.sources), evidence=_evidence(found), ledger=_ledger(found.ledger)
        )
        put_file(root, FILE, text.encode())
    return Report(found, not there, written)


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
        lines += [f"    {option}: {_quoted(value)}" for option, value in options.items()]
    return "\n".join(lines)


def _ledger(directory: str | None) -> str:
    if directory is None:
        return "# ledger:\n#   location: ledger"
    return f"ledger:\n  location: {directory}    # the directory `ledger` holds something else"
