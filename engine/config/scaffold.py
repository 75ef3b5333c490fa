"""``gate init``: a commented ``gate.yaml`` with every setting at its default."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ...evidence.base.atomic import write_file
from ...evidence.base.errors import EnvironmentProblem, UsageError
from ...evidence.reading.workspace import TOOL_DIRECTORIES
from .settings import DEFAULT_SOURCES, FILE

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


_NO_PRODUCT = ("contracts", "fixtures", "tests")


def _sources(root: Path) -> list[str]:
    """The usual source paths as far as they exist, otherwise top directories with Python files in them."""
    usual = [name for name in DEFAULT_SOURCES if (root / name).is_dir()]
    if set(usual) - set(_NO_PRODUCT):
        return usual
    others = [
        entry.name
        for entry in sorted(root.iterdir())
        if entry.is_dir()
        and not entry.is_symlink()
        and _PLAIN.fullmatch(entry.name)
        and entry.name not in TOOL_DIRECTORIES | set(usual)
        and (any(entry.glob("*.py")) or any(entry.glob("*/*.py")))
    ]
    return [*others, *usual] if others else usual


def _subject(sources: list[str]) -> str:
    if not sources:
        return (
            '# subject:\n#   sources: [src]    # the directories of your code\n#   exclude: ["**/.coverage"]'
        )
    rows = "\n".join(f"    - {name}" for name in sources)
    return f'subject:\n  sources:\n{rows}\n  # exclude: ["**/.coverage"]'


def _evidence(sources: list[str]) -> str:
    """Where the usual names are absent, collectors that look for them are told what to look at instead."""
    own = [name for name in sources if name not in DEFAULT_SOURCES]
    if not own:
        return "# evidence:\n#   coverage: {data: .coverage}"
    searched = ", ".join([f'"{name}/**"' for name in own] + ['"config/**"'])
    return (
        "# `gate init` found these directories, as none has one of the names that gate looks for by itself.\n"
        "# Check both lists: without coverage.sources nothing would be measured, and without\n"
        "# source.secret_paths nothing searched for secrets. Each decision names them under `weakenings`:\n"
        "# whoever shortens them hides code from the rules.\n"
        "evidence:\n"
        f"  coverage: {{sources: [{', '.join(own)}]}}\n"
        f"  source: {{secret_paths: [{searched}]}}"
    )


def write_config(root: Path) -> Path:
    """Write a ``gate.yaml`` into ``root``; source paths that exist there are filled in.

    Raises:
        UsageError: there is one already, or ``root`` is no directory.
        EnvironmentProblem: it cannot be written.
    """
    if not root.is_dir():
        raise UsageError("the workspace is not a directory", path=str(root), remedy="create it first")
    text = _TEMPLATE.format(subject=_subject(_sources(root)), evidence=_evidence(_sources(root)))
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
