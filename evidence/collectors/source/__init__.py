"""Collector ``source``: what the judged source implements and guards against, from its syntax trees.

Reads files, executes none. Options, facts and their meaning: ``docs/collectors/source.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from msgspec.structs import replace

from ...base.errors import ConfigError, EvidenceError
from ...collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ...collecting.subject import odd_files
from ...reading.files import printable
from ...reading.paths import may_match_below
from ...reading.workspace import View
from ...reading.workspace.sources import is_test, matches
from ..shared import python_source as python
from ..shared.documents import matching
from .client import (
    OPERATIONS,
    Method,
    find_methods,
    followed,
    is_client,
    method_names,
    operation_lines,
    operation_states,
)
from .ignored import find_ignored
from .literals import NAMES, is_scanned, scan
from .order_types import find_order_types, shortened
from .outlines import Outline, find_doubles, outline, overridden_elsewhere
from .program.loading import external_names, load_program
from .program.model import Program, place_of, unknown
from .safeguards import SAFEGUARDS, find_safeguards
from .stubs import find_stubs, names_used

__all__ = [
    "OPERATIONS",
    "SourceCollector",
    "SourceOptions",
    "find_methods",
    "method_names",
    "operation_states",
]

_MOST = 1000

_AT_THE_TOP = (
    *(".py", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".env", ".sh", ".ipynb"),
    *(".pem", ".key", ".tf", ".tfvars"),
)
_SETTINGS = ("config", "configs", "conf", "settings", "deploy", "deployment", "k8s", "helm")
"""Folders of settings, which are looked through wherever they are not judged."""
_PLAIN = ("", "txt", "csv")
"""Further kinds of files that are looked through there."""


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
    version: ClassVar[str] = "10"
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
        problems: list[Problem] = []
        client = self._client_files(view, inspected, problems)
        scanned = self._scanned_files(view, client, problems)
        inspected = sorted({*inspected, *client})
        errors: list[dict[str, Any]] = [
            {"path": error.path, "line": None, "text": error.what}
            for error in odd_files(judged)
            if error.path not in {printable(path) for path in client}
        ]
        stubs: list[dict[str, Any]] = []
        trees: dict[str, ast.Module] = {}
        outlines: dict[str, Outline] = {}
        for path in inspected:
            source = python.parse_file(view, path)
            if source.tree is None:
                errors.append({"path": printable(path), "line": source.line, "text": source.problem})
            else:
                trees[path] = source.tree
                outlines[path] = outline(source.tree)
        parsed = set(trees)
        used = {name for tree in trees.values() for name in names_used(tree)}
        overridden = overridden_elsewhere(outlines)
        tests = {path for path in view.paths() if path.endswith(".py") and is_test(path)}
        for path, tree in trees.items():
            stubs += [{"path": path, **stub} for stub in find_stubs(tree, used, overridden)]
            stubs += [{"path": path, **double} for double in find_doubles(path, outlines[path], tests)]
        stubs += find_ignored(trees)
        facts, program = self._client(view, [path for path in client if path in parsed], inspected, problems)
        scopes = [
            *(
                Scope(name, len(inspected), len(parsed), "Python files")
                for name in ("stubs", "stubs_total", "parse_errors")
            ),
            *(
                Scope(name, len(client), len(parsed.intersection(client)), "files of the broker client")
                for name in ("operations", "clients", "order_types", "safeguards")
            ),
        ]
        if program is None:
            of_client = [error for error in errors if error["path"] in map(printable, client)]
            lacking = ("operations", "safeguards") if client else ("files", "operations", "safeguards")
            problems += [_no_client(name, *of_client[:1]) for name in lacking]
        literals, unclear, looked_at = scan(view, scanned, program)
        left_out = self._left_out(view)
        stubs.sort(key=place_of)
        return Observation(
            {
                **facts,
                "stubs": stubs[:_MOST],
                "stubs_total": len(stubs),
                "parse_errors": errors,
                "files": len(client) or None,
                "inspected": len(inspected),
                **literals,
                **left_out,
            },
            (*problems, *unclear),
            scopes=(
                *scopes,
                *looked_at,
                *(Scope(name, len(view.paths()), len(view.paths()), "files") for name in left_out),
            ),
        )

    def _client_files(self, view: View, inspected: Sequence[str], problems: list[Problem]) -> list[str]:
        if self._options.paths is not None:
            files = frozenset(view.paths())
            named = _named(view, self._options.paths, "operations", problems)
            return [path for path in named if path.endswith(".py") or path not in files]
        found = []
        for path in inspected:
            try:
                if is_client(path, view.read(path, view.limits.text_bytes)):
                    found.append(path)
            except EvidenceError:
                pass  # among the files that do not parse, with the reason
        return found

    def _scanned_files(self, view: View, client: Sequence[str], problems: list[Problem]) -> list[str]:
        known = frozenset(view.paths())
        plain: set[str] = set()
        if self._options.secret_paths is not None:
            files = set(_named(view, self._options.secret_paths, "unscanned", problems))
        else:
            files = {path for path in view.judged().files if not is_test(path)}
            settings = _named(view, _SETTINGS, "unscanned", problems)
            files.update(settings)
            plain = {path for path in settings if path.rpartition("/")[2].partition(".")[2] in _PLAIN}
            top = matching(view, ["*", ".env*/**"], "unscanned", problems)
            files.update(
                path for path in top if path.startswith((".env", *NAMES)) or path.endswith(_AT_THE_TOP)
            )
        wanted = {path for path in files if is_scanned(path) or path not in known}
        return sorted(wanted | plain | set(client))

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
                fact, what = f"operations.{method.operation}", f"{method.name} {method.reason}"
                remedy = "call the broker's interface where it can be followed by name"
                problems.append(unknown(fact, what, remedy, method.path, method.line))
        program = _with_entries(view, program, paths, sources, written)
        safeguards, unclear = find_safeguards(program, implemented, view.limits.problems)
        problems += unclear
        by_file = {path: [method for method in methods if method.path == path] for path in paths}
        return {
            "operations": operation_states(methods),
            "clients": [
                {"path": path, "operations": operation_states(own), "lines": operation_lines(own)}
                for path, own in by_file.items()
            ],
            "order_types": _order_types(program, paths, problems, view.limits.problems),
            "safeguards": safeguards,
        }, program

    def _left_out(self, view: View) -> dict[str, Any]:
        """The Python files of the workspace that are neither judged nor tests, and which nobody named."""
        judged = view.judged()
        known = frozenset(judged.files)
        every = [path for path in view.paths() if path.endswith(".py")]
        left_out = [printable(path) for path in every if path not in known and not is_test(path)]
        unlisted = [
            path
            for path in left_out
            if not judged.names(path) and not any(matches(one, path) for one in self._options.left_out)
        ]
        most = view.limits.problems
        return {
            "left_out": left_out[:most],
            "left_out_total": len(left_out),
            "unlisted": unlisted[:most],
            "unlisted_total": len(unlisted),
        }


def _no_client(fact: str, error: dict[str, Any] | None = None) -> Problem:
    """Why nothing is known of the broker client: there is none, or its files do not parse."""
    if error is None:
        remedy = "write the broker client, or name its files in evidence.source.paths"
        return Problem(fact, "no file of a broker client was found", remedy)
    place = None if error["line"] is None else f"line {error['line']}"
    return Problem(fact, error["text"], "correct the file", ProblemKind.REJECTED, error["path"], place)


def _named(view: View, patterns: Iterable[str], fact: str, problems: list[Problem]) -> list[str]:
    """What the settings name, sorted; also links and pipes, which nothing reads, or which lead there."""
    files = frozenset(view.paths())
    found: set[str] = set()
    for pattern in patterns:
        plain = pattern.rstrip("/")
        fixed = plain.partition("*")[0].partition("?")[0]
        start = plain if fixed == plain else fixed.rpartition("/")[0]
        below = "**" if start in ("", ".") else f"{start}/**"
        for path in matching(view, [plain, below], fact, problems):
            leads = "." not in path.rpartition("/")[2] and may_match_below(plain, path)
            if matches(plain, path) or (leads and path not in files):
                found.add(path)
        try:
            if start not in ("", ".", plain):
                view.exists(start)
        except EvidenceError as error:  # a link on the way
            found.add(error.path or start)
    return sorted(found)


def _with_entries(
    view: View, program: Program, paths: Sequence[str], sources: Sequence[str], methods: Iterable[Method]
) -> Program:
    """The program with the names by which it is used from outside."""
    entries = {method.name.rpartition(".")[2] for method in methods if method.state != "stub"}
    entries = entries.union(*(program.modules[path].classes for path in paths))
    started = replace(program, entries=frozenset(entries))
    return replace(program, entries=started.entries | external_names(view, started, sources))


def _order_types(
    program: Program, paths: Sequence[str], problems: list[Problem], most: int
) -> list[dict[str, Any]]:
    """Order types in the client's files by path and line; of very many, each value only once in a file."""
    found: list[dict[str, Any]] = []
    unclear: list[Problem] = []
    for path, module in program.modules.items():
        literals, passed = find_order_types(program, module)
        if path in paths:
            found += [{"path": path, "line": line, "value": shortened(value)} for line, value in literals]
        for line, text in sorted(passed):
            what = f"passes {shortened(text)} to the broker as the order type, which can be anything"
            remedy = "map it to the broker's names in a table of literals, or refuse what is not among them"
            unclear.append(unknown("order_types", what, remedy, path, line))
    problems += unclear[:most]
    found.sort(key=lambda item: (*place_of(item), item["value"]))
    if len(found) > _MOST:
        found = list({(item["path"], item["value"]): item for item in reversed(found)}.values())[::-1]
    return found[:_MOST]
