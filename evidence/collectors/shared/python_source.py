"""Python files as syntax trees: parsed once per content, never executed, every failure a finding.

Shared by the collectors ``artifacts``, ``source`` and ``stage_tests``.
"""

from __future__ import annotations

import ast
import codecs
import functools
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from ...base.errors import EvidenceError
from ...reading.parse import decode_text
from ...reading.workspace import View

FILENAME = "<gate-evidence>"
"""The name sources are compiled under: a warning filter of ours recognises them by it."""

INVALID: Final = f"is not valid Python {sys.version_info.major}.{sys.version_info.minor}"
"""What is wrong with a source that the parser refuses: gate reads it as the Python that runs gate does."""

_ENCODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?")
_HEAD = 4096
_SLOW = frozenset({"idna", "punycode"})
"""Encodings whose decoders take quadratic time."""
_CACHE_SIZE = 512
_PLAIN = frozenset({"ctx", "id", "attr", "arg", "type_comment", "lineno", "level", "module", "asname"})
"""Fields of nodes that hold a context, a string or a number in every kind of node."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Known = Callable[[ast.Name | ast.Attribute], bool | None]


class Parsed(Struct, frozen=True):
    """A Python file: its syntax tree, or why there is none.

    Attributes:
        tree: the module; None when it does not parse.
        line: line of the problem, from 1; None when there is none or its place is not known.
        problem: why it does not parse, one clause; None when it does.
    """

    tree: ast.Module | None
    line: int | None = None
    problem: str | None = None


def parse_file(view: View, path: str) -> Parsed:
    """The file's syntax tree, or why there is none: also where it is unreadable, too large or no text."""
    try:
        data = view.read(path, view.limits.text_bytes)
    except EvidenceError as error:
        return Parsed(None, None, error.what)
    return parse_bytes(data)


@functools.lru_cache(maxsize=_CACHE_SIZE)
def parse_bytes(data: bytes) -> Parsed:
    """The syntax tree of a Python file's content; the same content is parsed once."""
    try:
        return parse_text(decode_source(data, ""))
    except EvidenceError as error:
        line = error.place.removeprefix("line ") if error.place else ""
        return Parsed(None, int(line) if line.isdecimal() else None, error.what)


def decode_source(data: bytes, path: str) -> str:
    """The text of a Python file: UTF-8, or the encoding that it declares (https://peps.python.org/pep-0263/).

    Raises:
        EvidenceError: it is not text in that encoding, or Python has no such encoding.
    """
    head = data[:_HEAD].removeprefix(codecs.BOM_UTF8).splitlines()[:2]
    declared = next(filter(None, map(_ENCODING.match, head)), None)
    if declared is None or (declared.string is not head[0] and not _BLANK.fullmatch(head[0])):
        return decode_text(data, path)
    name = declared[1].decode()
    try:
        encoding = codecs.lookup(name).name
        if encoding in ("utf-8", "utf-8-sig"):
            return decode_text(data, path)
        if encoding in _SLOW or data.startswith(codecs.BOM_UTF8):
            raise LookupError
        text = data.decode(encoding)
        if "coding" in text[:_HEAD] and "\0" not in text:
            return text
    except (LookupError, ValueError):
        pass
    raise EvidenceError(
        f"declares the encoding {name[:40]!r}, and is not text in it",
        path=path,
        place=f"line {head.index(declared.string) + 1}",
        remedy="save the file as UTF-8",
    )


def parse_text(text: str) -> Parsed:
    """The syntax tree of Python source; a problem where the parser refuses, whatever the reason."""
    silence_warnings()
    try:
        return Parsed(ast.parse(text, FILENAME))
    except SyntaxError as error:
        line = error.lineno if error.lineno and error.lineno > 0 else None
        return Parsed(None, line, f"{INVALID}: {error.msg}")
    except (RecursionError, MemoryError):
        return Parsed(None, None, "nests too deeply to be parsed")
    except ValueError as error:
        return Parsed(None, None, f"{INVALID}: {error}")


def silence_warnings() -> None:
    """Keep what the compiler thinks of the user's escapes off our standard error.

    A filter for exactly the names we compile under; ``catch_warnings`` would not be safe with threads.
    """
    for name in (FILENAME, "<unknown>"):
        warnings.filterwarnings("ignore", module=name + "$")


def children(node: ast.AST) -> list[ast.AST]:
    """What ``ast.iter_child_nodes`` gives, but for contexts (``ast.Load``), which are a third of a tree."""
    found: list[ast.AST] = []
    for name in FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        inner = () if kind is ast.Constant else tuple(name for name in kind._fields if name not in _PLAIN)
        return self.setdefault(kind, inner)


FIELDS: Final = _Fields()
"""By kind of node, the fields in which there may be nodes, contexts aside."""


def walk(node: ast.AST) -> list[ast.AST]:
    """The node and everything in it, in the order of ``ast.walk``, without contexts."""
    found = [node]
    for item in found:  # grows while it is gone through
        found += children(item)
    return found


def running(node: ast.AST, known: Known | None = None) -> Iterator[ast.AST]:
    """The node and everything in it, but what is never reached: after a ``return``, or in an ``if False``.

    ``known`` gives the truth of names that are constants.
    """
    pending = [node]
    while pending:
        item = pending.pop()
        yield item
        kind = type(item)
        dead = ""
        if kind in _BRANCHING:
            truth = constant_truth(item.test, known)  # type: ignore[attr-defined]
            dead = {False: "body", True: "orelse", None: ""}[truth]
        elif kind is ast.For and constant_truth(item.iter) is False:  # type: ignore[attr-defined]
            dead = "body"
        for name in FIELDS[kind]:
            value = getattr(item, name, None)
            if name == dead or value is None:
                continue
            if not isinstance(value, list):
                if isinstance(value, ast.AST):
                    pending.append(value)
                continue
            for part in value:
                if isinstance(part, ast.AST):
                    pending.append(part)
                if type(part) in _LEAVING and _leaves(part):
                    break
                if kind is ast.BoolOp and constant_truth(part, known) is _wins(item):
                    break


_BRANCHING = frozenset({ast.If, ast.IfExp, ast.While})
_LEAVING = frozenset(
    {ast.Return, ast.Raise, ast.Continue, ast.Break, ast.Assert, ast.If, ast.With, ast.AsyncWith}
)


def _wins(node: ast.AST) -> bool | None:
    """The truth of one part of ``and`` or ``or`` that makes that of the whole."""
    return isinstance(node.op, ast.Or) if isinstance(node, ast.BoolOp) else None


def _leaves(node: ast.AST) -> bool:
    """Whether nothing that follows in the same block is reached."""
    if isinstance(node, ast.If):
        return constant_truth(node.test) is True and any(map(_leaves, node.body))
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return any(isinstance(part, ast.Return) for part in node.body)
    if isinstance(node, ast.Assert):
        return constant_truth(node.test) is False
    return isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break))


_ALWAYS = {"TYPE_CHECKING": False, "__debug__": True}
"""Names whose truth is known when a program runs."""


def constant_truth(test: ast.expr, known: Known | None = None) -> bool | None:
    """Whether a condition made of literals alone holds; None where it depends on anything else."""
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negated, test = not negated, test.operand
    truth: bool | None = None
    if isinstance(test, ast.BoolOp):
        wins = _wins(test)
        found = {constant_truth(one, known) for one in test.values}
        truth = wins if wins in found else None if None in found else not wins
    elif isinstance(test, (ast.Name, ast.Attribute)):
        truth = _ALWAYS.get(name_of(test))
        truth = known(test) if truth is None and known is not None else truth
    elif isinstance(test, ast.Call) and dotted(test) == "bool" and len(test.args) == 1:
        truth = constant_truth(test.args[0], known)
    elif isinstance(test, ast.Constant):
        truth = bool(test.value)
    elif isinstance(test, (ast.Tuple, ast.List, ast.Set, ast.Dict)) and not children(test):
        truth = False
    elif isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Eq, ast.NotEq)):
        sides = (test.left, *test.comparators)
        values = [one.value for one in sides if isinstance(one, ast.Constant)]
        if len(values) == len(sides) == 2:
            truth = (values[0] == values[1]) is isinstance(test.ops[0], ast.Eq)
    return truth if truth is None else truth is not negated


@functools.lru_cache(maxsize=_CACHE_SIZE)
def nodes(tree: ast.Module) -> list[ast.AST]:
    """Everything in a module, walked once for all collectors; not to be changed."""
    return walk(tree)


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """The body without its docstring."""
    first = body[0] if body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return body[1:]
    return body


def definitions(body: list[ast.stmt]) -> Iterator[ast.ClassDef | Function]:
    """Classes and functions defined in a body, also within ``if``, ``try``, ``with`` and loops, in order.

    What stands below ``if TYPE_CHECKING`` only declares: it is never there when the program runs.
    """
    pending = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
            continue
        inner: list[ast.stmt] = []
        declares = isinstance(node, ast.If) and name_of(node.test) == "TYPE_CHECKING"
        for field in ("orelse",) if declares else ("body", "orelse", "finalbody"):
            inner.extend(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            inner.extend(handler.body)
        pending.extend(reversed(inner))


def all_functions(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | None, Function]]:
    """Every function of the module with its qualified name and, for a method, its class."""
    pending: list[tuple[str, ast.ClassDef | None, list[ast.stmt]]] = [("", None, tree.body)]
    while pending:
        prefix, owner, body = pending.pop()
        for node in definitions(body):
            name = f"{prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                pending.append((f"{name}.", node, node.body))
            else:
                yield name, owner, node
                pending.append((f"{name}.", None, node.body))


def name_of(node: ast.AST | None) -> str:
    """The last name of a variable, attribute or key, or the string that a literal is; empty without one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return name_of(node.slice) if isinstance(node.slice, ast.Constant) else ""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def defaults(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    """The parameters that have a default, each with it."""
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True)
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from ((argument, default) for argument, default in pairs if default is not None)


def dotted(node: ast.expr) -> str:
    """The dotted name of a decorator or base, a call's arguments and subscripts left out; empty if none."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        else:
            break
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def is_declaration(owner: ast.ClassDef | None, function: Function) -> bool:
    """Whether the function only declares: abstract, an overload, what others are registered with (a group of
    commands, a single dispatch), or a member of a protocol.
    """
    names = {dotted(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    if names & {"abstractmethod", "overload", "group"} or any(n.endswith("singledispatch") for n in names):
        return True
    return owner is not None and any(dotted(base).rpartition(".")[2] == "Protocol" for base in owner.bases)


def module_files(written: str, path: str) -> Iterator[str]:
    """Files that an import of ``written`` in ``path`` may mean, the likeliest first.

    An absolute name is looked for below every folder above the importing file, the workspace first.
    """
    folders = path.split("/")[:-1]
    name = written.lstrip(".")
    level = len(written) - len(name)
    parts = name.split(".") if name else []
    for count in [len(folders) - level + 1] if level else range(len(folders) + 1):
        whole = "/".join([*folders[:count], *parts])
        if count >= 0 and parts:
            yield f"{whole}.py"
        if count >= 0:
            yield f"{whole}/__init__.py" if whole else "__init__.py"
