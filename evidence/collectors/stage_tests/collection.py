"""Asks pytest, in an interpreter and process of its own, which tests it would run.

The project's code runs there with the rights of whoever runs the gate, so an operator has to ask for it
(``docs/adr/0008-running-judged-code.md``). What comes back is that code's claim.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from ...base.errors import EnvironmentProblem, EvidenceError, masked
from ...process.children import scratch
from ...process.programs import Finished, clean_environment, run
from ...reading.files import read_regular
from ...reading.parse import parse_json
from ...reading.workspace import View, Workspace

SHOWN = "collecting the stage tests with pytest"
PLACE = "/evidence/stage_tests/python"
CONTRACT = "pytest_collection"

_RUNNER = Path(__file__).with_name("pytest_runner.py")
_SAID_CHARS = 200


class Collection(Struct, frozen=True):
    """What pytest said.

    Attributes:
        tool: pytest's version.
        tests: number of tests that would run, by file; each set of parameters counts.
        deselected: number of tests that the project's own options leave out, by file.
        markers: names of the markers on the tests that would run.
        errors: ``path`` (None where it has no file), ``line`` and ``text`` of what went wrong.
        report: the report itself.
    """

    tool: str
    tests: dict[str, int]
    deselected: dict[str, int]
    markers: tuple[str, ...]
    errors: tuple[dict[str, Any], ...]
    report: bytes


def collect(view: View, interpreter: str, files: list[str]) -> Collection:
    """Let pytest collect the tests of some files; nothing is written to the workspace by us.

    Args:
        view: the workspace.
        interpreter: a Python with pytest: its path from the workspace, or its name.
        files: the test files.

    Raises:
        EnvironmentProblem: the interpreter is not there, or has no pytest.
        EvidenceError: pytest took too long, wrote too much or left no report, or a file changed meanwhile.
    """
    before = _stamps(view)
    with scratch("gate-") as folder:
        report = folder / "report.json"
        home = folder / "home"
        home.mkdir()
        finished = run(
            [interpreter, str(_RUNNER), str(report), *_arguments(view.root, folder, files)],
            view.root,
            seconds=view.limits.command_seconds,
            most_bytes=view.limits.command_bytes,
            environment=clean_environment(home)
            | {
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONHASHSEED": "0",
                "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
            },
            shown=SHOWN,
            path="gate.yaml",
            place=PLACE,
        )
        data = _read(report, view.limits.command_bytes)
    after = _stamps(view)
    changed = next((path for path, stamp in before.items() if after.get(path) != stamp), None)
    if changed is not None:
        remedy = "let neither the tests nor pytest's options write files when tests are collected"
        raise EvidenceError("changed while pytest collected the tests", path=changed, remedy=remedy)
    if data is None:
        what = f"{SHOWN} left no report: {_ending(finished)}"
        remedy = "see what `python -m pytest --collect-only` says, and what conftest.py does to it"
        raise EvidenceError(what, path="gate.yaml", place=PLACE, remedy=remedy)
    return _collection(view, data, finished)


def _arguments(root: Path, folder: Path, files: list[str]) -> list[str]:
    """Options of pytest. Plug-ins stay switched on, for the project's own options may speak of them."""
    return [
        "--collect-only", "-q", "--color=no",
        "--capture=no",  # what is printed meets our limit, not the disk's
        f"--rootdir={root}", f"--confcutdir={root}",
        # what would be written goes elsewhere; a report of no results must not replace the one of a real run
        "-o", f"cache_dir={folder / 'cache'}", "--junit-xml=",
        *(str(root / file) for file in files),
    ]  # fmt: skip


def _read(path: Path, most: int) -> bytes | None:
    """The report, which the judged code may have replaced by anything; None when it is not there."""
    try:
        data = read_regular(path, most + 1, follow=False)
    except OSError:
        return None
    if len(data) > most:
        what = f"the report of {SHOWN} is larger than {most} bytes"
        remedy = "collect fewer tests; `gate docs limits` lists the limits"
        raise EvidenceError(what, path="gate.yaml", place=PLACE, remedy=remedy)
    return data


def _collection(view: View, data: bytes, finished: Finished) -> Collection:
    from ...base.contracts import check_file

    name = f"the report of {SHOWN}"
    value = parse_json(data, name, view.limits)
    check_file(CONTRACT, value, name)
    if value["pytest"] is None:
        what = f"the interpreter for {SHOWN} has no pytest"
        what += f": {masked(value['errors'][0]['text'])}" if value["errors"] else ""
        remedy = "install pytest and what the tests import there, or name another interpreter"
        raise EnvironmentProblem(what, path="gate.yaml", place=PLACE, remedy=remedy)
    errors = [{**error, "text": masked(error["text"])} for error in value["errors"]]
    counts = {file["path"]: file for file in value["files"]}
    if not value["complete"]:
        # a number that was written down before the end came says nothing
        counts = {}
        text = f"pytest did not finish collecting: {_ending(finished, value['code'])}"
        errors.append({"path": None, "line": None, "text": text})
    return Collection(
        tool=f"pytest {value['pytest']}",
        tests={path: file["tests"] for path, file in counts.items()},
        deselected={path: file["deselected"] for path, file in counts.items()},
        markers=tuple(value["markers"]),
        errors=tuple(errors),
        report=data,
    )


def _ending(finished: Finished, code: int | None = None) -> str:
    """How the process ended, with the last thing it said; for people, nothing is read out of it."""
    lines = finished.err.decode("utf-8", "replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    errors = next((line.strip() for line in lines if "error: " in line), said)
    text = "".join(char if char.isprintable() else "?" for char in errors)[:_SAID_CHARS]
    return f"exit code {finished.code if code is None else code}" + (f", {masked(text)}" if text else "")


def _stamps(view: View) -> dict[str, tuple[int, int, int]]:
    """What tells whether a file of the workspace was replaced or written to."""
    found = {}
    for path in Workspace(view.root, view.limits).inventory():
        try:
            status = os.lstat(view.root / path)
        except OSError:
            continue
        found[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found
