"""Collects tests with pytest and writes down what it collected; runs in the judged project's interpreter.

Started as a script by ``collection.py`` beside it: it knows nothing of the gate, and
keeps to what pytest 6 on Python 3.8 can do. The project's code runs in this process and can write whatever it
likes into the report; see ADR 8.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # a script imports nothing before it has put its own directory off the path
    from typing import Any

_TEXT_CHARS = 200


class Recorder:
    """A pytest plug-in that listens.

    Args:
        path: where to write the report.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._pid = os.getpid()
        self.pytest: str | None = None
        self.files: dict[str, dict[str, int]] = {}
        self.markers: set[str] = set()
        self.errors: list[dict[str, Any]] = []
        self.collected = False
        self.aborted = False

    def pytest_exception_interact(self, node: Any, call: Any) -> None:
        """A file or directory could not be collected."""
        self.add(call.excinfo.value, str(getattr(node, "path", None) or node.fspath))

    def pytest_collectreport(self, report: Any) -> None:
        """A module that skips itself has no tests."""
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            path = report.nodeid.split("::")[0]  # relative to the root, which is the current directory
            text = "is skipped as a whole: " + _first_line(reason)
            self.errors.append({"path": path or None, "line": None, "text": text})

    def pytest_deselected(self, items: Any) -> None:
        """The project's own options leave tests out."""
        for item in items:
            self._file(item)["deselected"] += 1

    def pytest_collection_finish(self, session: Any) -> None:
        """All that would run."""
        self.collected = True
        for item in session.items:
            self._file(item)["tests"] += 1
            self.markers.update(str(marker.name) for marker in item.iter_markers())

    def pytest_internalerror(self, excinfo: Any) -> None:
        """Something raised what nothing may raise here, such as SystemExit."""
        self.add(excinfo.value, None)
        self.aborted = True

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """pytest.exit, or that errors were met, which are known already."""
        if type(excinfo.value).__name__ != "Interrupted":
            self.pytest_internalerror(excinfo)

    def _file(self, item: Any) -> dict[str, int]:
        path = str(getattr(item, "path", None) or item.fspath)
        return self.files.setdefault(_relative(path), {"tests": 0, "deselected": 0})

    def add(self, error: BaseException, path: str | None) -> None:
        """Note an error, with its cause and the last line in the file where it was raised."""
        cause = error.__cause__ or error
        line = getattr(cause, "lineno", None) if isinstance(cause, SyntaxError) else None
        trace = cause.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == path:
                line = trace.tb_lineno
            trace = trace.tb_next
        try:
            said = str(cause)
        except Exception:  # noqa: BLE001 - the exception is the project's own class
            said = "?"
        text = type(cause).__name__ + ": " + _first_line(said)
        line = line if isinstance(line, int) and line > 0 else None
        where = None if path is None else _relative(path)
        self.errors.append({"path": where, "line": line, "text": text[:_TEXT_CHARS]})

    def write(self, code: int | None) -> None:
        """Write the report, as the process that was started, not as one that the project forked off."""
        import json

        if os.getpid() != self._pid:
            return
        report = {
            "pytest": self.pytest,
            "complete": self.collected and not self.aborted,
            "code": code,
            "files": [dict(counts, path=path) for path, counts in sorted(self.files.items())],
            "markers": sorted(self.markers),
            "errors": self.errors,
        }
        with open(self._path, "w", encoding="ascii") as file:  # noqa: PTH123 - a script without imports
            json.dump(report, file)


def _first_line(text: object) -> str:
    lines = str(text).strip().splitlines()
    return lines[0][:_TEXT_CHARS] if lines else ""


def _relative(path: str) -> str:
    root = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - a script without imports
    return path[len(root) :] if path.startswith(root) else path


def main(arguments: list[str]) -> None:
    """Collect; the first argument is the report's path, all others are pytest's."""
    sys.path[0] = os.getcwd()  # as with python -m pytest, and not where this script lies  # noqa: PTH109
    recorder = Recorder(arguments[0])
    code = None
    try:
        import pytest

        recorder.pytest = str(pytest.__version__)
    except ImportError as error:
        recorder.add(error, None)
        recorder.write(None)
        return
    try:
        code = int(pytest.main(arguments[1:], plugins=[recorder]))
    except BaseException as error:  # noqa: BLE001 - also what a conftest raises to end the process
        if not recorder.errors:
            recorder.add(error, None)
        recorder.aborted = True
    recorder.write(code)


if __name__ == "__main__":
    main(sys.argv[1:])
