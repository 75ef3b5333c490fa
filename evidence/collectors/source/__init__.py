"""Collector ``source``: what the judged source implements and guards against, from its syntax trees.

Reads files, executes none. Options, facts and their meaning: ``docs/collectors/source.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ...base.errors import ConfigError, EvidenceError
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...collecting.subject import odd_files
from ...reading.files import printable
from ...reading.workspace import View
from ...reading.workspace.sources import is_test, matches
from ..shared import python_source as python
from .client import OPERATIONS, Method, find_methods, followed, is_client, method_names, operation_states
from .literals import find_literals, is_scanned, may_hold
from .model import Program, external_names, load_program
from .order_types import find_order_types, shortened
from .safeguards import SAFEGUARDS, find_safeguards
from .stubs import find_stubs

__all__ = [
    "OPERATIONS",
    "SourceCollector",
    "SourceOptions",
    "find_methods",
    "method_names",
    "operation_states",
]

_MOST = 1000

_AT_THE_TOP = (".py", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".env")


@dataclass(frozen=True, slots=True)
class SourceOptions(Options):
    """Options of ``evidence.source``.

    Attributes:
        paths: files (or globs) of the broker client; by default the judged files that import ib_async,
            ib_insync or ibapi, or are called like a broker's client or handler.
        names: operation id → method names that stand for it; replaces the default names of that operation.
        secret_paths: files (or globs) that are looked through for secrets, account ids and live ports; by
            default the judged ones but tests, everything below ``config``, and settings at the top.
        left_out: globs of Python files that are deliberately not judged.
    """

    paths: tuple[str, ...] | None = field(default=None, metadata={"min_length": 1})
    names: dict[str, list[str]] = field(default_factory=dict)
    secret_paths: tuple[str, ...] | None = field(default=None, metadata={"min_length": 1})
    left_out: tuple[str, ...] = ()


class SourceCollector:
    """See the module."""

    id: ClassVar[str] = "source"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[Options]] = SourceOptions

    def __init__(self, options: SourceOptions) -> None:
        for name in sorted(set(options.names) - set(OPERATIONS)):
            raise ConfigError(
                f"there is no operation {name!r}",
                path="gate.yaml",
                place="/evidence/source/names",
                remedy="known: " + ", ".join(OPERATIONS),
            )
        self._options = options

    def collect(self, view: View) -> Observation:
        """Inspect the judged files; a file that cannot be read or parsed is a fact about that file."""
        judged = view.judged()
        inspected = [path for path in judged.files if path.endswith(".py") and not is_test(path)]
        client = self._client_files(view, inspected)
        scanned = self._scanned_files(view, client)
        inspected = sorted({*inspected, *client})
        errors: list[dict[str, Any]] = [
            {"path": error.path or "", "line": None, "text": error.what} for error in odd_files(judged)
        ]
        stubs: list[dict[str, Any]] = []
        parsed: set[str] = set()
        for path in inspected:
            source = python.parse_file(view, path)
            if source.tree is None:
                errors.append({"path": printable(path), "line": source.line, "text": source.problem})
            else:
                parsed.add(path)
                stubs += [{"path": path, **stub} for stub in find_stubs(source.tree)]
        problems: list[Problem] = []
        facts, program = self._client(view, [path for path in client if path in parsed], inspected, problems)
        scopes = [
            *(Scope(name, len(inspected), len(parsed), "Python files") for name in ("stubs", "parse_errors")),
            Scope("stubs_total", len(inspected), len(parsed), "Python files"),
            *(
                Scope(name, len(client), len(parsed.intersection(client)), "files of the broker client")
                for name in ("operations", "clients", "order_types", "safeguards")
            ),
        ]
        if not client:
            problems += [
                Problem(
                    name,
                    "no file of a broker client was found",
                    "write the broker client, or name its files in evidence.source.paths",
                )
                for name in ("operations", "safeguards")
            ]
        elif program is None:
            error = next(one for one in errors if one["path"] in map(printable, client))
            where = None if error["line"] is None else f"line {error['line']}"
            problems += [
                Problem(name, error["text"], "correct the file", ProblemKind.REJECTED, error["path"], where)
                for name in ("operations", "safeguards")
            ]
        stubs.sort(key=_place)
        return Observation(
            {
                **facts,
                "stubs": stubs[:_MOST],
                "stubs_total": len(stubs),
                "parse_errors": errors,
                "files": len(client),
                "inspected": len(inspected),
                **_literals(view, scanned, program, problems, scopes),
                **self._left_out(view, scopes),
            },
            tuple(problems),
            scopes=tuple(scopes),
        )

    def _client_files(self, view: View, inspected: Sequence[str]) -> list[str]:
        if self._options.paths is not None:
            return sorted(
                path for path in view.paths() if any(matches(one, path) for one in self._options.paths)
            )
        found = []
        for path in inspected:
            try:
                if is_client(path, view.read(path, view.limits.text_bytes)):
                    found.append(path)
            except EvidenceError:
                pass  # among the files that do not parse, with the reason
        return found

    def _scanned_files(self, view: View, client: Sequence[str]) -> list[str]:
        if self._options.secret_paths is not None:
            chosen = self._options.secret_paths
            files = {path for path in view.paths() if any(matches(one, path) for one in chosen)}
        else:
            files = {path for path in view.judged().files if not is_test(path)}
            files |= {
                path
                for path in view.paths()
                if path.startswith(("config/", ".env")) or ("/" not in path and path.endswith(_AT_THE_TOP))
            }
        return sorted({path for path in files if is_scanned(path)} | set(client))

    def _client(
        self, view: View, paths: Sequence[str], sources: Sequence[str], problems: list[Problem]
    ) -> tuple[dict[str, Any], Program | None]:
        """The facts about the client's files that parse, and the program around them; None without any."""
        facts: dict[str, Any] = {
            "operations": dict.fromkeys(OPERATIONS),
            "clients": [],
            "order_types": [],
            "safeguards": dict.fromkeys(SAFEGUARDS),
        }
        if not paths:
            return facts, None
        names = method_names(self._options.names)
        program = load_program(view, paths, sources)
        written = [m for p in paths for m in find_methods(program.modules[p].tree, names, p)]
        methods = followed(program, written)
        implemented: dict[str, set[str]] = {operation: set() for operation in OPERATIONS}
        for method in methods:
            if method.state != "stub":
                implemented[method.operation].add(method.name.rpartition(".")[2])
            if method.state == "unknown":
                problems.append(
                    Problem(
                        f"operations.{method.operation}",
                        f"{method.name} {method.reason}",
                        "call the broker's interface where it can be followed by name, or inspect it and "
                        "waive this",
                        ProblemKind.UNKNOWN,
                        method.path,
                        f"line {method.line}",
                    )
                )
        program = _with_entries(view, program, paths, sources, written)
        safeguards, unknown = find_safeguards(program, implemented, view.limits.problems)
        problems += unknown
        return {
            "operations": operation_states(methods),
            "clients": [
                {"path": path, "operations": operation_states([m for m in methods if m.path == path])}
                for path in paths
            ],
            "order_types": _order_types(program, paths, problems, view.limits.problems),
            "safeguards": safeguards,
        }, program

    def _left_out(self, view: View, scopes: list[Scope]) -> dict[str, Any]:
        """The Python files of the workspace that are neither judged nor tests, and which nobody named."""
        judged = view.judged()
        known = frozenset(judged.files)
        every = [path for path in view.paths() if path.endswith(".py")]
        left_out = [printable(path) for path in every if path not in known and not is_test(path)]
        named = self._options.left_out
        unlisted = [
            path
            for path in left_out
            if not judged.names(path) and not any(matches(one, path) for one in named)
        ]
        most = view.limits.problems
        for name in ("left_out", "left_out_total", "unlisted", "unlisted_total"):
            scopes.append(Scope(name, len(view.paths()), len(view.paths()), "files of the workspace"))
        return {
            "left_out": left_out[:most],
            "left_out_total": len(left_out),
            "unlisted": unlisted[:most],
            "unlisted_total": len(unlisted),
        }


def _with_entries(
    view: View, program: Program, paths: Sequence[str], sources: Sequence[str], methods: Iterable[Method]
) -> Program:
    """The program with the names by which it is used from outside."""
    entries = {method.name.rpartition(".")[2] for method in methods if method.state != "stub"}
    for path in paths:
        body = program.modules[path].tree.body
        entries |= {node.name for node in python.definitions(body) if isinstance(node, ast.ClassDef)}
    started = replace(program, entries=frozenset(entries))
    return replace(program, entries=started.entries | external_names(view, started, sources))


def _place(found: Mapping[str, Any]) -> tuple[str, int]:
    return found["path"], found["line"]


def _order_types(
    program: Program, paths: Sequence[str], problems: list[Problem], most: int
) -> list[dict[str, Any]]:
    """Order types in the client's files by path and line; of very many, each value comes first once."""
    found: list[dict[str, Any]] = []
    unknown: list[Problem] = []
    for path, module in program.modules.items():
        literals, passed = find_order_types(program, module)
        if path in paths:
            found += [{"path": path, "line": line, "value": shortened(value)} for line, value in literals]
        unknown += [
            Problem(
                "order_types",
                f"passes {shortened(text)} to the broker as the order type, which can be anything",
                "map it to the broker's names in a table of literals, or refuse what is not among them",
                ProblemKind.UNKNOWN,
                path,
                f"line {line}",
            )
            for line, text in sorted(passed)
        ]
    problems += unknown[:most]
    found.sort(key=lambda item: (*_place(item), item["value"]))
    if len(found) <= _MOST:
        return found
    first = {(item["path"], item["value"]): index for index, item in reversed(list(enumerate(found)))}
    chosen = set(list(first.values())[:_MOST])
    return [found[index] for index in sorted(range(len(found)), key=lambda index: index not in chosen)][
        :_MOST
    ]


def _literals(
    view: View, paths: Sequence[str], program: Program | None, problems: list[Problem], scopes: list[Scope]
) -> dict[str, Any]:
    """Secrets, account ids and live ports in the files; a total of null where there is no file at all."""
    found: dict[str, list[dict[str, Any]]] = {"secrets": [], "account_ids": [], "live_ports": []}
    unscanned: list[dict[str, Any]] = []
    most = view.limits.problems
    for path in paths:
        try:
            data = view.read(path)
            if may_hold(data) and len(data) > view.limits.text_bytes:
                raise EvidenceError(f"is larger than {view.limits.text_bytes} bytes")
        except EvidenceError as error:
            unscanned.append({"path": printable(path), "reason": error.what})
            continue
        if not may_hold(data):
            continue
        literals = find_literals(path, data, program)
        for kind, items in found.items():
            items += [{"path": path, **item} for item in getattr(literals, kind)]
        problems += [
            Problem(
                "live_ports",
                "the ports that are let through cannot be told",
                "write them as numbers",
                ProblemKind.UNKNOWN,
                path,
                f"line {line}",
            )
            for line in literals.ports_unknown[:most]
        ]
    accounts = found["account_ids"]
    live = sum(not item["paper"] for item in accounts)
    found["secrets"].sort(key=lambda item: (*_place(item), item["kind"], item["name"] or ""))
    accounts.sort(key=lambda item: (item["paper"], *_place(item), item["account"]))
    found["live_ports"].sort(key=lambda item: (*_place(item), item["port"]))
    found["unscanned"] = unscanned
    totals: dict[str, int | None] = {f"{kind}_total": len(items) for kind, items in found.items()}
    totals["live_account_ids_total"] = live
    if not paths:
        reason = "there is no file to look through"
        remedy = "name the folders of the source in evidence.source.secret_paths"
        problems += [Problem(name, reason, remedy) for name in totals]
        totals = dict.fromkeys(totals)
    understood = len(paths) - len(unscanned)
    scopes += [Scope(name, len(paths), understood, "files") for name in (*found, *totals)]
    return {**{kind: items[:most] for kind, items in found.items()}, "scanned": len(paths), **totals}
