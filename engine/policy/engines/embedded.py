"""The embedded Rego engine: regorus, in a process of its own with a time and a memory limit.

The process starts when the engine is entered, so that it loads the bundle while evidence is collected, and
then answers any number of questions. A question that exceeds a limit ends the process; the next question
starts another.
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
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from ....evidence.base.activity import Log
from ....evidence.base.errors import EngineError, EnvironmentProblem, PolicyError
from ....evidence.base.limits import DEFAULT, Limits
from ..excerpts import quoted
from ..interface import Bundle, check_defined

_log = Log(__name__)
_Located = TypeVar("_Located", PolicyError, EngineError)

WORKER = Path(__file__).with_name("regorus_worker.py")
DISTRIBUTION = "gordon-to-regorus"

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
    """A :class:`~gate.engine.policy.interface.PolicyEngine` over one regorus process."""

    name = "regorus"

    def __init__(self, bundle: Bundle, limits: Limits = DEFAULT) -> None:
        self._bundle = bundle
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded = False
        self._pending = b""

    @cached_property
    def version(self) -> str:
        """The version of the installed distribution. Raises EnvironmentProblem: regorus is not installed."""
        # importlib.metadata takes longer to import than the engine takes to judge
        prefix, suffix = DISTRIBUTION.replace("-", "_") + "-", ".dist-info"
        for found in _home().glob(f"{prefix}*{suffix}"):
            return found.name.removeprefix(prefix).removesuffix(suffix)
        from importlib.metadata import version

        return version(DISTRIBUTION)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """See :meth:`gate.engine.policy.interface.PolicyEngine.evaluate`."""
        began = time.monotonic()
        answer = self.ask({"packages": list(packages), "input": _json(document)})
        if "error" in answer:
            raise self._located(answer["error"], EngineError, f"the package {answer['module']} failed")
        _log.info("asked %s: %.0f ms", ", ".join(packages), 1000 * (time.monotonic() - began))
        return check_defined(packages, {package: _value(text) for package, text in answer["ok"].items()})

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The process's answer to one of the questions that :mod:`regorus_worker` describes.

        Raises PolicyError: the bundle does not load; EngineError: a limit was exceeded, or it crashed.
        """
        deadline = time.monotonic() + self._limits.policy_seconds
        process = self._process or self._start()
        if not self._loaded:
            loaded = self._receive(process, deadline)
            if "error" in loaded:
                self._end()
                raise self._located(loaded["error"], PolicyError, "the policy does not load")
            self._loaded = True
        _send(process.stdin, question)
        return self._receive(process, deadline)

    def _located(self, text: str, error: type[_Located], what: str) -> _Located:
        return quoted(located(text, error, what), self._bundle.modules)

    def _start(self) -> subprocess.Popen[bytes]:
        _log.info("start %s over bundle %s %s", self.name, self._bundle.name, self._bundle.version)
        process = self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WORKER), str(_home())],
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
        threading.Thread(target=_send, args=(process.stdin, bundle), daemon=True).start()
        return process

    def _receive(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        assert process.stdout is not None and process.stderr is not None  # noqa: S101 - opened as pipes
        stream = process.stdout.fileno()
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                what = f"the policy ran longer than {self._limits.policy_seconds:g} s and was ended"
                raise self._ended(what)
            chunk = os.read(stream, 1 << 20)
            if not chunk:
                process.wait()  # it closed its output, so it is ending
                lines = process.stderr.read().decode(errors="replace").strip().splitlines()
                lines = [line for line in lines if line and not line.startswith("note: ")]
                reason = lines[-1][:200] if lines else f"it ended with status {process.returncode}"
                memory = f"; its memory is limited to {self._limits.policy_memory_bytes} bytes"
                raise self._ended(f"the embedded policy engine crashed: {reason}", memory)
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self, what: str, advice: str = "") -> EngineError:
        """The error about a process that cannot go on, which is over after this."""
        self._end()
        bundle = f"bundle {self._bundle.name} {self._bundle.version}"
        return EngineError(what, path=bundle, remedy=_RUNAWAY + advice)

    def _end(self) -> None:
        process, self._process = self._process, None
        self._loaded, self._pending = False, b""
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):  # unsent bytes to a process that is gone
                    stream.close()


def _home() -> Path:
    """The directory that holds the regorus package."""
    found = importlib.util.find_spec("regorus")
    if found is None or not found.submodule_search_locations:
        remedy = f"install {DISTRIBUTION}"
        raise EnvironmentProblem("the embedded Rego engine (regorus) is not installed", remedy=remedy)
    return Path(next(iter(found.submodule_search_locations))).parent


def located(text: str, error: type[_Located], what: str) -> _Located:
    """The engine's message about a place in a module, as an error of gate's own."""
    message = _MESSAGE.search(text)
    place = _LOCATED.search(text)
    return error(
        f"{what}: {message[1] if message else text.splitlines()[0]}",
        path=place["path"] if place else None,
        place=f"line {place['line']}, column {place['column']}" if place else None,
        remedy="correct the policy module",
    )


def _json(document: dict[str, Any]) -> str:
    import orjson

    try:
        return orjson.dumps(document).decode()
    except TypeError:  # an integer beyond 64 bits, or a lone surrogate: slower, and the engine's to refuse
        return json.dumps(document)


def _value(text: str) -> Any:
    """The value in the engine's own answer; None if it is undefined."""
    results = json.loads(text).get("result") or [{}]
    expressions = results[0].get("expressions") or [{}]
    return expressions[0].get("value")


def _send(stream: IO[bytes] | None, message: dict[str, Any]) -> None:
    """Write to a process that may have ended, or been ended, meanwhile: reading its answer says why.

    Not a method: the engine may be over before its thread has begun.
    """
    assert stream is not None  # noqa: S101 - opened as a pipe
    with suppress(BrokenPipeError, ValueError):
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()
