"""Collector ``commands``: exit code and output of programs declared in ``gate.yaml``, not judged.

No shell is involved, the programs get a clean environment and end in time; they are not confined in any other
way. See ``docs/collectors/commands.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from ..base.canonical import sha256_hex
from ..base.errors import ConfigError, EvidenceError, masked
from ..base.settings import Settings, Text
from ..collecting.interface import Observation, Options, Problem, Scope
from ..process.children import scratch
from ..process.programs import Finished, clean_environment, run
from ..reading.parse import decode_text, parse_json
from ..reading.workspace import View
from .shared.pointer import Absent, NoIndex, parse_pointer, resolve
from .shared.schemas.workspace_schema import first_violation
from .shared.value_facts import MOST_CHARACTERS, Nothing, describe
from .values import Name, Pointer, check_names

CONFIG = "gate.yaml"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_SET_HERE = ("GATE_", "LD_", "DYLD_")
"""Variables that change what gate itself, or the loader of every program, does."""
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # commands to the terminal: titles, links
    r"|[ -/]*[0-~])"
)
_SECRET_CHARACTERS = 4
"""Values of variables that are at least so long are taken out of complaints."""
_COMPLAINT_CHARACTERS = 300
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class CommandRun(Settings):
    """One command.

    Attributes:
        command: the program (its name, or its path from the workspace) and its arguments; no shell sees them.
        seconds: the longest it may take; the limit for commands if absent.
        format: what it prints.
        contract: path of a JSON Schema of the workspace that printed JSON must keep to.
        pointer: JSON pointer (RFC 6901) to the value in printed JSON; all of it if empty.
        environment: variables it gets beside ``PATH``, ``HOME``, ``TMPDIR``, ``LANG``, ``LC_ALL`` and ``TZ``.
    """

    command: tuple[str, ...]
    seconds: int | None = None
    format: Literal["text", "json"] = "text"
    contract: Text | None = None
    pointer: Pointer = ""
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise ValueError("a command needs a program")
        if self.seconds is not None and self.seconds < 1:
            raise ValueError("a command gets at least one second")
        if self.format == "text" and (self.contract is not None or self.pointer):
            raise ValueError("a contract or pointer is for a command with format: json")
        parse_pointer(self.pointer)
        for name, value in self.environment.items():
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name[:80]!r} is not the name of an environment variable")
            if name.upper().startswith(_NOT_SET_HERE):
                raise ValueError(f"the environment variable {name[:80]!r} may not be set for a command")
            if "\x00" in value:
                raise ValueError(f"the value of the environment variable {name[:80]!r} has a NUL character")


@dataclass(frozen=True, slots=True)
class CommandsOptions(Options):
    """Options of ``evidence.commands``.

    Attributes:
        run: the commands, by the name that policies use; run one after the other in the order of their names.
    """

    run: dict[Name, CommandRun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names(self.run, "command")


class CommandsCollector:
    """See the module."""

    id: ClassVar[str] = "commands"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = CommandsOptions

    def __init__(self, options: CommandsOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Run every command; one whose output cannot be used is a problem of its own.

        Raises:
            ConfigError: a command asks for more time than commands may take, or its pointer is none.
            EnvironmentProblem: a program is not there or cannot be started.
        """
        facts: dict[str, Any] = {}
        problems: list[Problem] = []
        printed: dict[str, bytes] = {}
        commands = sorted(self._options.run.items())
        longest = view.limits.command_seconds
        for name, command in commands:
            if command.seconds is not None and command.seconds > longest:
                raise ConfigError(
                    f"the command {name!r} may take {command.seconds} s, but commands may take {longest:g} s",
                    path=CONFIG,
                    place=f"{_place(name)}.seconds",
                    remedy="lower it, or widen the limit; see `gate docs limits`",
                )
        for name, command in commands:
            try:
                facts[name], absent, printed[f"{name}.stdout"] = _observe(view, name, command)
            except EvidenceError as error:
                facts[name] = None
                problems.append(Problem.rejected(error, name))
                continue
            problems += absent
        return Observation(
            facts,
            tuple(problems),
            repeatable=not commands,
            attachments=printed,
            scopes=(Scope("", len(commands), len(printed), "commands"),),
        )


def _place(name: str) -> str:
    return f"evidence.commands.run.{name}"


def _observe(view: View, name: str, command: CommandRun) -> tuple[dict[str, Any], list[Problem], bytes]:
    limits = view.limits
    with scratch("gate-") as home:
        finished = run(
            command.command,
            view.root,
            seconds=limits.command_seconds if command.seconds is None else command.seconds,
            most_bytes=limits.command_bytes,
            environment={**clean_environment(home), **command.environment},
            shown=f"the command {name!r}",
            path=CONFIG,
            place=_place(name),
        )
    try:
        clean = _clean(decode_text(finished.out, CONFIG))
    except EvidenceError as error:
        raise _bad_output(error, name, _why(command, finished)) from error
    value = clean.strip() if command.format == "text" else _json(view, name, command, finished)
    result, absent = describe(value, f"{name}.result")
    missing = [replace(one, reason=one.reason + _why(command, finished)) for one in absent]
    facts = {
        "command": [masked(part) for part in command.command],
        "environment": sorted(command.environment),
        "exit_code": finished.code,
        "stdout_sha256": sha256_hex(finished.out),
        "stdout_bytes": len(finished.out),
        "stderr_sha256": sha256_hex(finished.err),
        "stderr_bytes": len(finished.err),
        "output": clean[:MOST_CHARACTERS],
        "truncated": len(clean) > MOST_CHARACTERS,
        "result": {"pointer": masked(command.pointer), **result},
    }
    return facts, missing, finished.out


def _clean(text: str) -> str:
    """The text without terminal sequences, control characters and account numbers."""
    text = _TERMINAL.sub("", text.replace("\r\n", "\n"))
    return masked(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def _why(command: CommandRun, finished: Finished) -> str:
    """How a command failed, and what it complained of, as the end of a sentence; empty if it succeeded."""
    if finished.code == 0:
        return ""
    text = finished.err.decode("utf-8", "replace")
    for value in command.environment.values():
        if len(value) >= _SECRET_CHARACTERS:
            text = text.replace(value, "…")
    said = " | ".join(" ".join(line.split()) for line in _clean(text).splitlines() if line.strip())
    if len(said) > _COMPLAINT_CHARACTERS:
        half = _COMPLAINT_CHARACTERS // 2 - 2
        said = f"{said[:half]} … {said[-half:]}"
    ended = f"; the command ended with exit code {finished.code}"
    return f"{ended}; its standard error says: {said}" if said else ended


def _bad_output(error: EvidenceError, name: str, why: str = "") -> EvidenceError:
    where = f", {error.place} of its output" if error.place else ""
    return EvidenceError(
        f"the output of the command {name!r} is wrong: {error.what}{why}",
        path=CONFIG,
        place=f"{_place(name)}{where}",
        remedy="correct the program, or the format of its output in gate.yaml",
    )


def _json(view: View, name: str, command: CommandRun, finished: Finished) -> Any:
    """The value in the output; nothing, when a command that did not succeed printed something else."""
    try:
        document = parse_json(finished.out, CONFIG, view.limits)
        broken = None if command.contract is None else first_violation(view, command.contract, document)
        if broken is not None:
            what = f"it does not keep to the contract {command.contract}: {broken[1]}"
            raise EvidenceError(what, place=broken[0] or "/")
        return resolve(document, parse_pointer(command.pointer))
    except Absent as error:
        return Nothing(f"the command's output: {error}", "correct the program, or the pointer in gate.yaml")
    except NoIndex as error:
        place, remedy = f"{_place(name)}.pointer", "count elements from 0, without leading zeros"
        raise EvidenceError(str(error), path=CONFIG, place=place, remedy=remedy) from error
    except EvidenceError as error:
        if error.path not in (None, CONFIG):
            raise  # the contract itself
        if finished.code != 0:
            return Nothing("the command's output is no such JSON", "see why the command fails")
        raise _bad_output(error, name) from error
