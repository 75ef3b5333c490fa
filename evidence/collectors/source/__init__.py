"""Collector ``source``: what the broker client's source implements and guards against, from its syntax tree.

Reads files, executes none. Options, facts and their meaning: ``docs/collectors/source.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ...base.errors import ConfigError
from ...base.settings import Regex
from ...collecting.interface import Observation, Options, Problem
from ...reading.workspace import View
from ..shared import python_source as python
from .literals import find_literals, is_scanned, may_hold
from .model import Program
from .order_types import find_order_types, shortened
from .patterns import PATTERNS, Patterns
from .program import external_names, load_program
from .safeguards import SAFEGUARDS, find_safeguards

OPERATIONS: dict[str, tuple[str, ...]] = {
    "connect": ("connect",),
    "disconnect": ("disconnect",),
    "account_info": ("get_account_info", "account_info", "account_summary"),
    "positions": ("get_positions", "positions"),
    "place_order": ("place_order", "place"),
    "cancel_order": ("cancel_order", "cancel"),
    "order_status": ("get_order_status", "order_status", "poll_reports"),
    "market_data": ("subscribe_market_data", "market_data", "subscribe"),
}
"""Operation id → names of methods that stand for it."""

_FOLDERS = ("algo_trade", "data_plane", "order_plane")
_FILES = ("*.py", "*.y*ml", "*.toml", "*.json", "*.ini", "*.env")
_MOST = 1000
_REMEDY = "write the broker client, or name its files in evidence.source.paths"
_SCANNED = ("secrets_total", "account_ids_total", "live_ports_total", "unscanned_total")


@dataclass(frozen=True, slots=True)
class SourceOptions(Options):
    """Options of ``evidence.source``.

    Attributes:
        paths: files (or globs) of the broker client.
        names: operation id → method names that stand for it; replaces the default names of that operation.
        secret_paths: files (or globs) that are looked through for secrets, account ids and live ports; the
            Python files among them may also be what the client imports, or what calls it.
        patterns: kind of name → regular expression that replaces the default one for that kind.
    """

    paths: tuple[str, ...] = field(
        default=("algo_trade/core/execution/IBKR_handler.py", "order_plane/broker/ibkr_exec_client.py")
    )
    names: dict[str, list[str]] = field(default_factory=dict)
    secret_paths: tuple[str, ...] = field(
        default=(*(f"{folder}/**/{files}" for folder in _FOLDERS for files in _FILES), "config/**")
    )
    patterns: dict[str, Regex] = field(default_factory=dict)


def method_names(configured: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Method name → operation id, with the configured names in place of the default ones.

    An operation that does not exist is ignored here; the collector refuses it.
    """
    merged: dict[str, Sequence[str]] = {**OPERATIONS, **configured}
    return {name: operation for operation in OPERATIONS for name in merged[operation]}


def find_methods(tree: ast.Module, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Methods of classes that stand for an operation: line, class, name, operation, state, reason."""
    return [
        {
            "line": function.lineno,
            "class": qualified.rpartition(".")[0],
            "name": function.name,
            "operation": names[function.name],
            "state": "implemented" if (reason := python.stub_reason(function)) is None else "stub",
            "reason": reason,
        }
        for qualified, owner, function in python.all_functions(tree)
        if owner is not None and function.name in names and not python.is_declaration(owner, function)
    ]


def operation_states(methods: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """State of every operation: a stub anywhere makes it a stub, no method makes it absent."""
    states = dict.fromkeys(OPERATIONS, "absent")
    for method in methods:
        if states[method["operation"]] != "stub":
            states[method["operation"]] = method["state"]
    return states


class SourceCollector:
    """See the module."""

    id: ClassVar[str] = "source"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = SourceOptions

    def __init__(self, options: SourceOptions) -> None:
        _refuse_unknown("operation", "names", options.names, OPERATIONS)
        _refuse_unknown("pattern", "patterns", options.patterns, PATTERNS)
        self._options = options

    def collect(self, view: View) -> Observation:
        """Inspect the files that exist; nothing is executed.

        Raises:
            EvidenceError: a file is unreadable or a symbolic link, or one of the client is too large or not
                UTF-8 text.
        """
        paths = sorted({path for pattern in self._options.paths for path in view.glob(pattern)})
        others = {path for pattern in self._options.secret_paths for path in view.glob(pattern)}
        scanned = sorted({path for path in others if is_scanned(path)} | set(paths))
        missing: list[Problem] = []
        facts, program = self._client(view, paths, scanned, missing)
        return Observation({**facts, **_literals(view, scanned, program, missing)}, tuple(missing))

    def _client(
        self, view: View, paths: Sequence[str], scanned: Sequence[str], missing: list[Problem]
    ) -> tuple[dict[str, Any], Program | None]:
        names = method_names(self._options.names)
        methods: list[dict[str, Any]] = []
        stubs: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for path in paths:
            parsed = python.parse_file(view, path)
            if parsed.tree is None:
                errors.append({"path": path, "line": parsed.line, "text": parsed.problem})
                continue
            methods += [{"path": path, **method} for method in find_methods(parsed.tree, names)]
            stubs += [{"path": path, **stub} for stub in _stubs(parsed.tree)]
        program = None
        operations: Mapping[str, str | None] = dict.fromkeys(OPERATIONS)
        safeguards: dict[str, Any] = dict.fromkeys(SAFEGUARDS)
        order_types: list[dict[str, Any]] = []
        if len(errors) < len(paths):
            program = self._program(view, paths, scanned, methods)
            operations = operation_states(methods)
            implemented = [method for method in methods if method["state"] == "implemented"]
            by_operation = {
                one: {method["name"] for method in implemented if method["operation"] == one}
                for one in OPERATIONS
            }
            patterns = Patterns(self._options.patterns)
            safeguards = find_safeguards(program, patterns, by_operation, view.limits.problems)
            order_types = _order_types(program, paths)
        else:
            reason = "none of the files exists: " + ", ".join(self._options.paths)
            remedy = _REMEDY
            if errors:
                reason, remedy = f"{errors[0]['path']} {errors[0]['text']}", "correct the syntax errors"
            unknown = [f"operations.{name}" for name in OPERATIONS]
            unknown += [f"safeguards.{name}" for name in SAFEGUARDS]
            missing += [Problem(name, reason, remedy) for name in unknown]
        facts = {
            "operations": operations,
            "methods": sorted(methods, key=_place),
            "stubs": sorted(stubs, key=_place)[:_MOST],
            "stubs_total": len(stubs),
            "parse_errors": errors,
            "order_types": order_types[:_MOST],
            "order_types_total": len(order_types),
            "safeguards": safeguards,
            "files": len(paths),
        }
        return facts, program

    def _program(
        self, view: View, paths: Sequence[str], scanned: Sequence[str], methods: Sequence[Mapping[str, Any]]
    ) -> Program:
        """The client's modules and those they import, with everything that calls into them."""
        sources = [path for path in scanned if path.endswith(".py")]
        program = load_program(view, paths, sources)
        entries = {method["name"] for method in methods if method["state"] == "implemented"}
        for path in program.modules.keys() & set(paths):
            body = program.modules[path].tree.body
            entries |= {node.name for node in python.definitions(body) if isinstance(node, ast.ClassDef)}
        started = replace(program, entries=frozenset(entries))
        return replace(program, entries=started.entries | external_names(view, started, sources))


def _refuse_unknown(what: str, option: str, given: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(
            f"there is no {what} {unknown[0]!r}",
            path="gate.yaml",
            place=f"/evidence/source/{option}",
            remedy="known: " + ", ".join(known),
        )


def _place(found: Mapping[str, Any]) -> tuple[str, int]:
    return found["path"], found["line"]


def _stubs(tree: ast.Module) -> Iterator[dict[str, Any]]:
    for name, owner, function in python.all_functions(tree):
        reason = python.stub_reason(function)
        if reason is not None and not python.is_declaration(owner, function):
            yield {"line": function.lineno, "name": name, "reason": reason}


def _order_types(program: Program, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Order types in the client's files by path and line; of very many, each value comes first once."""
    found = [
        {"path": path, "line": item["line"], "value": shortened(item["value"])}
        for path in paths
        if path in program.modules
        for item in find_order_types(program, program.modules[path])
    ]
    found.sort(key=lambda item: (*_place(item), item["value"]))
    if len(found) > _MOST:
        first = {(item["path"], item["value"]): index for index, item in reversed(list(enumerate(found)))}
        chosen = set(list(first.values())[:_MOST])
        found = [found[index] for index in sorted(range(len(found)), key=lambda index: index not in chosen)]
    return found


def _literals(
    view: View, paths: Sequence[str], program: Program | None, missing: list[Problem]
) -> dict[str, Any]:
    """Secrets, account ids and live ports in the files; a total of null where there is no file at all."""
    secrets: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    ports: list[dict[str, Any]] = []
    unscanned: list[dict[str, Any]] = []
    largest, most = view.limits.text_bytes, view.limits.problems
    for path in paths:
        data = view.read(path)
        if not may_hold(data):
            continue
        if len(data) > largest:
            unscanned.append({"path": path, "reason": f"is larger than {largest} bytes"})
            continue
        found = find_literals(path, data, program)
        secrets += [{"path": path, **item} for item in found.secrets]
        accounts += [{"path": path, **item} for item in found.account_ids]
        ports += [{"path": path, **item} for item in found.live_ports]
    live = sum(not item["paper"] for item in accounts)
    totals = dict(zip(_SCANNED, map(len, (secrets, accounts, ports, unscanned)), strict=True))
    facts = {
        "secrets": sorted(secrets, key=lambda item: (*_place(item), item["kind"], item["name"] or ""))[:most],
        "account_ids": sorted(accounts, key=lambda item: (item["paper"], *_place(item), item["account"]))[
            :most
        ],
        "live_ports": sorted(ports, key=lambda item: (*_place(item), item["port"]))[:most],
        "unscanned": unscanned[:most],
        "scanned": len(paths),
        **totals,
        "live_account_ids_total": live,
    }
    if not paths:
        reason = "there is no file to look through"
        remedy = "name the folders of the source in evidence.source.secret_paths"
        unknown = (*_SCANNED, "live_account_ids_total")
        missing += [Problem(name, reason, remedy) for name in unknown]
        facts.update(dict.fromkeys(unknown))
    return facts
