"""What ``gate --version --verbose`` prints: what a bug report needs.

Nothing secret is in it, and no path of the user's but the interpreter's.
"""

from __future__ import annotations

import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, entry_points, version
from pathlib import Path

from ... import __version__
from ...evidence.base.errors import GateError
from ...evidence.process.programs import clean_environment, find, run

NAME = "compliance-gate"
PROGRAMS = {"git": "--version", "opa": "version", "ssh-keygen": ""}
"""Programs that gate runs, and the argument for its version; without one, it is only found or not."""
_SECONDS, _MOST_BYTES, _LONGEST = 5, 65_536, 80


def report() -> str:
    """A line each for gate, Python, platform, packages, extras, plug-ins and programs."""
    python = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    rows = [("gate", __version__), ("python", python), ("platform", platform.platform())]
    try:
        rows += _requirements(distribution(NAME))
    except PackageNotFoundError:
        rows.append(("packages", "gate is not installed, but run from its source"))
    rows += [("plug-in", f"{kind} {name} of {provider}") for kind, name, provider in _plugins()]
    rows += [("program", f"{name} {_program(name, argument)}".strip()) for name, argument in PROGRAMS.items()]
    return "".join(f"{name:<9} {value}\n" for name, value in rows)


def _requirements(gate: Distribution) -> Iterator[tuple[str, str]]:
    extras: dict[str, list[str]] = {name: [] for name in gate.metadata.get_all("Provides-Extra") or ()}
    for requirement in gate.requires or ():
        name = re.split(r"[^\w.-]", requirement)[0]
        extra = re.search(r"""extra == ['"]([\w.-]+)['"]""", requirement)
        if extra is None:
            yield "package", f"{name} {_version(name)}"
        else:
            extras[extra[1]].append(f"{name} {_version(name)}")
    for name, found in sorted(extras.items()):
        yield "extra", f"{name}: {', '.join(found)}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _plugins() -> list[tuple[str, str, str]]:
    found = set()
    for kind in ("collectors", "policy_engines", "ledgers", "evidence_stores", "reports"):
        for entry in entry_points(group=f"gate.{kind}"):
            if entry.dist is not None:
                found.add((kind, entry.name, f"{entry.dist.name} {entry.dist.version}"))
    return sorted(found)


def _program(name: str, argument: str) -> str:
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        home = Path(folder)
        environment = clean_environment(home)
        path = find(name, home, environment)
        if path is None:
            return "not found"
        if not argument:
            return "found"
        try:
            done = run(
                [str(path), argument],
                home,
                seconds=_SECONDS,
                most_bytes=_MOST_BYTES,
                environment=environment,
                shown=name,
            )
        except GateError:
            return "does not answer"
    shown = re.search(r"\d[\w.+-]*", done.out.decode(errors="replace"))
    return shown[0][:_LONGEST] if shown else "states no version"
