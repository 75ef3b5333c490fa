"""The user's ``opa`` program: where it is, and how much memory it gets."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from .....evidence.base.errors import EnvironmentProblem
from .....evidence.base.limits import Limits
from .....evidence.process.programs import absolute_path

_SHELL = ("/bin/sh", "-c", 'ulimit -d "$0" 2>/dev/null; exec "$@"')


def find_opa(workspace: Path | None) -> Path:
    """The user's OPA, never one of the workspace. Raises EnvironmentProblem: there is none."""
    found = shutil.which("opa", path=absolute_path(workspace))
    if found is None or (workspace is not None and Path(found).resolve().is_relative_to(workspace.resolve())):
        raise EnvironmentProblem(
            "there is no program opa on PATH, outside of the workspace",
            remedy="install OPA 1.0 or newer (https://www.openpolicyagent.org), name a server (opa=URL), or "
            "use embedded",
        )
    return Path(found)


def limited(program: Path, arguments: Sequence[str], limits: Limits) -> list[str]:
    """The command that runs the program within ``limits.policy_memory_bytes``."""
    return [*_SHELL, str(limits.policy_memory_bytes // 1024), str(program), *arguments]
