"""``BROKER_CONFORMANCE.json`` and the observation logs beside it, which are its proof."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...base.atomic import put_file
from ...base.errors import EnvironmentProblem, masked
from ..simulator.session import line_of
from .figures import measure
from .log import CaseLog
from .runner import Run
from .sockets import WATCHED
from .suite import VERSION

FORMAT = "gate.ibkr.conformance/v1"
LOGS = "broker_conformance"
"""The folder of the logs, beside the file."""


def make_document(
    runs: Sequence[Run], command: str, started_at: str, finished_at: str, gate: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The document, and the logs by their paths relative to it."""
    logs = {f"{LOGS}/{run.case.name}.jsonl": b"".join(map(line_of, run.records)) for run in runs}
    cases = [
        {
            "name": run.case.name,
            "task": run.case.task,
            "scenario_sha256": run.case.scenario.digest,
            "log": path,
            "log_sha256": hashlib.sha256(data).hexdigest(),
            "ended": run.ended,
            "exit_code": run.exit_code,
            "duration_us": run.duration_us,
            "elsewhere": run.elsewhere,
        }
        for run, (path, data) in zip(runs, logs.items(), strict=True)
    ]
    found = {run.case.name: CaseLog(run.records) for run in runs}
    document = {
        "format": FORMAT,
        "suite": VERSION,
        "gate": gate,
        "started_at": started_at,
        "finished_at": finished_at,
        "command": masked(command)[:1000],
        "connections_watched": WATCHED,
        "cases": cases,
        "figures": measure([run.case for run in runs], found),
    }
    return document, logs


def write_document(path: Path, document: dict[str, Any], logs: dict[str, bytes]) -> None:
    """Write logs and document, the document last. Raises EnvironmentProblem: they cannot be written."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    root = path.absolute().parent
    try:
        (root / LOGS).mkdir(exist_ok=True)
    except OSError as error:
        what = f"cannot be made: {error.strerror}"
        raise EnvironmentProblem(what, path=str(root / LOGS), remedy="check permissions") from error
    for name, data in (*logs.items(), (path.name, text.encode())):
        put_file(root, name, data)
