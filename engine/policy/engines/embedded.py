"""The embedded Rego engine: regorus, in a process of its own with a time and a memory limit.

The process starts when the engine is opened, so it loads the bundle while evidence is collected.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ....evidence.base.errors import EngineError, EnvironmentProblem, PolicyError
from ....evidence.base.limits import DEFAULT, Limits
from ..interface import Bundle

WORKER = Path(__file__).with_name("regorus_worker.py")

_ENVIRONMENT = {
    "RUST_BACKTRACE": "0",
    "RUST_LIB_BACKTRACE": "0",
    # the engine's allocator reserves 1 GiB of address space at a time, which would use up the limit at once
    "MIMALLOC_ARENA_RESERVE": "65536",
}
_LOCATED = re.compile(r"--> (?P<path>[^\n]*?):(?P<line>\d+):(?P<column>\d+)")
_MESSAGE = re.compile(r"^error: (.*)$", re.MULTILINE)
_RUNAWAY = "look for unbounded recursion over data or a huge comprehension in the bundle"


class EmbeddedEngine:
    """A :class:`~gate.engine.policy.interface.PolicyEngine` over one regorus process.

    Args:
        bundle: the bundle to load.
        limits: ``policy_seconds`` and ``policy_memory_bytes`` apply to loading and evaluating together.
    """

    def __init__(self, bundle: Bundle, limits: Limits = DEFAULT) -> None:
        self._bundle = bundle
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._sender = threading.Thread()
        self._pending = b""

    def __enter__(self) -> Self:
        found = importlib.util.find_spec("regorus")
        if found is None or not found.submodule_search_locations:
            raise EnvironmentProblem(
                "the embedded Rego engine (regorus) is not installed", remedy="install gordon-to-regorus"
            )
        home = str(Path(next(iter(found.submodule_search_locations))).parent)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WORKER), home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
        )
        bundle = {
            "modules": self._bundle.modules,
            "data": self._bundle.data,
            "memory": self._limits.policy_memory_bytes,
        }
        # a bundle is larger than a pipe: nobody should wait until the process is up and reads it
        self._sender = threading.Thread(target=_send, args=(self._process.stdin, bundle), daemon=True)
        self._sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """See :class:`~gate.engine.policy.interface.PolicyEngine`; one question per engine."""
        deadline = time.monotonic() + self._limits.policy_seconds
        loaded = self._receive(deadline)
        self._sender.join()
        if "error" in loaded:
            raise self._located(loaded["error"], PolicyError, "the policy does not load")
        assert self._process is not None  # noqa: S101 - it answered
        _send(self._process.stdin, {"packages": list(packages), "input": document})
        answer = self._receive(deadline)
        if "error" in answer:
            raise self._located(answer["error"], EngineError, f"the package {answer['module']} failed")
        values: dict[str, dict[str, Any]] = answer["ok"]
        for package in packages:
            if not isinstance(values.get(package), dict):
                raise EngineError(
                    f"the package {package} is undefined, so nothing was evaluated",
                    remedy="check the package's name in the bundle's modules and manifest",
                )
        return values

    def _receive(self, deadline: float) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None  # noqa: S101 - entered
        stream = self._process.stdout.fileno()
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                self._end()
                raise EngineError(
                    f"the policy ran longer than {self._limits.policy_seconds:g} s and was ended",
                    path=f"bundle {self._bundle.name} {self._bundle.version}",
                    remedy=_RUNAWAY,
                )
            chunk = os.read(stream, 1 << 20)
            if not chunk:
                raise self._crashed()
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _crashed(self) -> EngineError:
        process = self._process
        assert process is not None and process.stderr is not None  # noqa: S101 - entered
        process.wait()  # it closed its output, so it is ending
        lines = process.stderr.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1][:200] if lines else f"it ended with status {process.returncode}"
        return EngineError(
            f"the embedded policy engine crashed: {reason}",
            path=f"bundle {self._bundle.name} {self._bundle.version}",
            remedy=f"{_RUNAWAY}; its memory is limited to {self._limits.policy_memory_bytes} bytes",
        )

    def _located(
        self, text: str, error: type[PolicyError] | type[EngineError], what: str
    ) -> PolicyError | EngineError:
        message = _MESSAGE.search(text)
        place = _LOCATED.search(text)
        return error(
            f"{what}: {message[1] if message else text.splitlines()[0]}",
            path=place["path"] if place else None,
            place=f"line {place['line']}, column {place['column']}" if place else None,
            remedy="correct the policy module",
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # unsent bytes to a process that is gone
                    continue


def _send(stream: IO[bytes] | None, message: dict[str, Any]) -> None:
    """Write to a process that may have ended, or been ended, meanwhile: reading its answer says why.

    Not a method: the engine may be over before its thread has begun.
    """
    assert stream is not None  # noqa: S101 - opened as a pipe
    with suppress(BrokenPipeError, ValueError):
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()
