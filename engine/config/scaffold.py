"""``gate init``: a commented ``gate.yaml`` with every setting at its default."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ...evidence.base.atomic import write_file
from ...evidence.base.errors import EnvironmentProblem, UsageError
from ...evidence.reading.workspace import Workspace
from ...evidence.reading.workspace.sources import BESIDE
from .settings import FILE

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

_TEMPLATE = """\
# Settings of gate, the policy-as-code gate. Every setting is optional; what is commented out shows a default
# or an example. Reference: docs/configuration.md

version: 1

# Name of the system that is judged; the directory's name if absent.
# name: my-system

# What is judged: directories, files or globs. Their content digest identifies what a decision is about;
# evidence files do not belong here.
{subject}

# Where each collector finds its evidence; docs/collectors/ describes every option, here are a few.
{evidence}
#   tests: {{junit: [junit.xml]}}
#   account: {{path: ACCOUNT_CONFIG.json, pinned_account: DU0000000}}
#   paper: {{log: PAPER_TRADING_LOG.json, metrics: PAPER_TRADING_METRICS.csv}}

# How old a collector's evidence may be, whatever the policies allow: s, m, h or d.
# freshness:
#   tests: 7d
#   account: 12h

# How much is read before it is refused (docs/limits.md). What is wider than usual, every decision says.
# limits:
#   file_bytes: 67108864
#   collector_seconds: 120

# Who may sign in which role: principals of the allowed_signers file.
# roles:
#   risk_officer: [risk@example.com]
#   cto: [cto@example.com]
#   lead_trader: [trader@example.com]
# allowed_signers: trust/allowed_signers

# The policy bundle: the shipped one if absent. Pin it by revision and digest (the JSON of a decision has
# both).
# policy:
#   bundle: policies
#   version: "1.1.0"
#   digest: "0000000000000000000000000000000000000000000000000000000000000000"

# Where decisions are recorded. Whether to commit that directory: docs/configuration.md.
# ledger:
#   location: ledger
#   origin: gate.local/my-system

# Judge as of a fixed time instead of the time of the run; every decision says so.
# effective_time: "2025-11-07T12:00:00Z"

# Changed dependencies between stages; every decision says so.
# stages:
#   stage5: {{depends_on: [stage3]}}
"""


def _subject(sources: Sequence[str]) -> str:
    if not sources:
        return (
            '# subject:\n#   sources: [src]    # the directories of your code\n#   exclude: ["**/.coverage"]'
        )
    rows = "\n".join(f"    - {name}" for name in sources)
    return f'subject:\n  sources:\n{rows}\n  # exclude: ["**/.coverage"]'


def _evidence(sources: Sequence[str]) -> str:
    own = [name for name in sources if name not in BESIDE]
    if not own:
        return "# evidence:\n#   coverage: {data: .coverage}"
    return f"evidence:\n  coverage: {{sources: [{', '.join(own)}]}}    # what the tests have to cover"


def write_config(root: Path) -> Path:
    """Write a ``gate.yaml`` into ``root``; source paths that exist there are filled in.

    Raises:
        UsageError: there is one already, or ``root`` is no directory.
        EnvironmentProblem: it cannot be written.
    """
    if not root.is_dir():
        raise UsageError("the workspace is not a directory", path=str(root), remedy="create it first")
    found = Workspace(root).judged().patterns
    sources = [name for name in found if _PLAIN.fullmatch(name)]
    text = _TEMPLATE.format(subject=_subject(sources), evidence=_evidence(sources))
    target = root / FILE
    if os.path.lexists(target):
        raise UsageError(
            "there is a gate.yaml already", path=str(target), remedy="edit it, or move it away first"
        )
    try:
        write_file(target, text.encode())
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot be written: {error.strerror}",
            path=str(target),
            remedy="check the directory's permissions",
        ) from error
    return target
