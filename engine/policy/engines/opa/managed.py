"""An OPA server of gate's own: started from the user's ``opa``, asked through a private unix socket.

The socket lies in a new directory that only the user may enter. The program is looked for in the absolute
directories of ``PATH`` outside of the judged workspace, gets none of the caller's environment, and is ended
with gate, however gate ends. A question that exceeds a limit ends the server; the next one starts another.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from .....evidence.base.activity import Log
from .....evidence.base.errors import EngineError, EnvironmentProblem, GateError, PolicyError
from .....evidence.base.limits import DEFAULT, Limits
from .....evidence.process.programs import Background, Finished, clean_environment, run
from ...interface import Bundle, check_defined
from .address import Address
from .client import Client, Credentials
from .program import find_opa, limited

_log = Log(__name__)
_LONGEST_SOCKET = 100
"""Bytes of a unix socket's path: Linux takes 107, macOS 103."""
_START_RETRIES = 10_000
"""The deadline ends the wait for the server, not a number of attempts."""
_CHECK_BYTES = 1 << 20
_RUNAWAY = "look for unbounded recursion over data or a huge comprehension in the bundle"
_BUNDLE = "bundle"


class ManagedEngine:
    """A :class:`~gate.engine.policy.interface.PolicyEngine` over an OPA server that it starts and ends.

    Args:
        workspace: where no program is looked for.

    Raises EnvironmentProblem: there is no ``opa``, or opa-python-client is not installed.
    """

    name = "opa"

    def __init__(self, bundle: Bundle, limits: Limits = DEFAULT, workspace: Path | None = None) -> None:
        self._bundle = bundle
        self._limits = limits
        self._program = find_opa(workspace)
        self._server: _Server | None = None
        self._version: str | None = None

    @property
    def version(self) -> str:
        """The program's version."""
        if self._version is None:
            with tempfile.TemporaryDirectory(prefix="gate-opa-") as folder:
                done = _run(self._program, Path(folder), self._limits, "version")
            first = done.out.decode(errors="replace").partition("\n")[0]
            self._version = first.removeprefix("Version:").strip()[:80]
        return self._version

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """See :meth:`gate.engine.policy.interface.PolicyEngine.evaluate`."""
        began = time.monotonic()
        deadline = began + self._limits.policy_seconds
        server = self._server or self._start()
        values = {}
        try:
            for package in packages:
                answer = server.client.ask(package.replace(".", "/"), document, deadline)
                self._version, values[package] = answer.version, answer.value
        except GateError as error:
            raise self._failed(server, error, late=time.monotonic() >= deadline) from error
        _log.info("asked %s: %.0f ms", ", ".join(packages), 1000 * (time.monotonic() - began))
        return check_defined(packages, values)

    def _start(self) -> _Server:
        _log.info("start OPA over bundle %s %s", self._bundle.name, self._bundle.version)
        self._server = _Server(self._program, self._bundle, self._limits)
        return self._server

    def _end(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.end()

    def _failed(self, server: _Server, error: GateError, *, late: bool) -> GateError:
        """The error about a question; the server is over after this unless it only reports a failure."""
        if late:
            self._end()
            seconds = self._limits.policy_seconds
            return EngineError(f"the policy ran longer than {seconds:g} s and was ended", remedy=_RUNAWAY)
        if server.alive():
            return error
        problem = server.why_it_ended()
        self._end()
        return problem


class _Server:
    """One running server and its directory."""

    def __init__(self, program: Path, bundle: Bundle, limits: Limits) -> None:
        self._program = program
        self._limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix="gate-opa-", ignore_cleanup_errors=True)
        if len(os.fsencode(self._folder.name)) > _LONGEST_SOCKET - len("/s"):
            self._folder.cleanup()
            self._folder = tempfile.TemporaryDirectory(
                prefix="gate-opa-", dir="/tmp", ignore_cleanup_errors=True
            )
        self._home = Path(self._folder.name).resolve()
        self._log = self._home / "log"
        _write(bundle, self._home / _BUNDLE)
        socket = self._home / "s"
        options = ("--addr", f"unix://{socket}", "--log-level", "error", "--skip-version-check")
        arguments = ["run", "--server", *options, "--bundle", str(self._home / _BUNDLE)]
        self._process = Background(
            limited(program, arguments, limits), self._home, clean_environment(self._home), self._log
        )
        try:
            self.client = Client(
                Address("unix", "localhost", 0, str(socket)),
                Credentials(),
                _START_RETRIES,
                limits.file_bytes,
                alive=lambda: not self._process.ended(),
            )
            self.client.locate = lambda path, line: (path.removeprefix(f"{self._home / _BUNDLE}/"), line)
        except BaseException:
            self._process.end()
            self._folder.cleanup()
            raise

    def alive(self) -> bool:
        """Whether the server runs."""
        return not self._process.ended()

    def end(self) -> None:
        """End the server and remove its directory."""
        self.client.close()
        self._process.end()
        self._folder.cleanup()

    def why_it_ended(self) -> GateError:
        """The error in the bundle that it did not load, or what it wrote last."""
        found = self._check()
        if found is not None:
            return found
        lines = self._log.read_bytes()[-_CHECK_BYTES:].decode(errors="replace").strip().splitlines()
        fatal = next((line for line in lines if line.startswith(("fatal error:", "panic:"))), None)
        reason = (fatal or (lines[-1] if lines else "it wrote nothing"))[:200]
        memory = f"; its memory is limited to {self._limits.policy_memory_bytes} bytes"
        return EngineError(f"OPA crashed: {reason}", remedy=_RUNAWAY + memory)

    def _check(self) -> GateError | None:
        """What `opa check` says about the bundle: of an error at the start, OPA itself names no column."""
        bundle = str(self._home / _BUNDLE)
        with suppress(GateError, ValueError, LookupError, TypeError):
            arguments = ("check", "--format=json", "--bundle", bundle)
            done = _run(self._program, self._home, self._limits, *arguments)
            error = json.loads(done.out or done.err)["errors"][0]
            path = str(error["location"]["file"]).removeprefix(f"{bundle}/")
            place = f"line {error['location']['row']}, column {error['location']['col']}"
            what, remedy = f"the policy does not load: {error['message']}", "correct the policy module"
            return PolicyError(what, path=path, place=place, remedy=remedy)
        return None


def _run(program: Path, home: Path, limits: Limits, *arguments: str) -> Finished:
    return run(
        [str(program), *arguments],
        home,
        seconds=limits.policy_seconds,
        most_bytes=_CHECK_BYTES,
        environment=clean_environment(home),
        shown=f"opa {arguments[0]}",
    )


def _write(bundle: Bundle, folder: Path) -> None:
    """The bundle's modules and data as a directory that OPA loads at once."""
    try:
        folder.mkdir()
        for path, source in bundle.modules.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source, encoding="utf-8")
        (folder / "data.json").write_text(json.dumps(bundle.data), encoding="utf-8")
    except OSError as error:
        what = f"the bundle cannot be written for OPA: {error.strerror}"
        remedy = "check the space in the temporary directory, and the names of the bundle's modules"
        raise EnvironmentProblem(what, path=str(folder), remedy=remedy) from error
