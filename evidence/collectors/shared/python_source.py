"""Python files as syntax trees: parsed once per content, never executed, every failure a finding.

Shared by the collectors ``artifacts``, ``source`` and ``stage_tests``.
"""

from __future__ import annotations

import ast
import codecs
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from ...base.errors import EvidenceError
from ...reading.parse import decode_text
from ...reading.workspace import View

FILENAME = "<gate-evidence>"
"""The name sources are compiled under: a warning filter of ours recognises them by it."""

_ENCODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_CACHE_SIZE = 64
_cache: OrderedDict[str, Parsed] = OrderedDict()
_lock = threading.Lock()

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Parsed:
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
    """The file's syntax tree, from a cache when the same content was parsed before.

    Raises:
        EvidenceError: the file is unreadable, too large or not UTF-8 text.
    """
    text = view.read_text(path)
    digest = view.digest(path)
    with _lock:
        found = _cache.get(digest)
        if found is None:
            found = parse_text(text)
            _cache[digest] = found
            if len(_cache) > _CACHE_SIZE:
                _cache.popitem(last=False)
    return found


def parse_text(text: str) -> Parsed:
    """The syntax tree of Python source; a problem where the parser refuses, whatever the reason.

    So it is where the source declares an encoding in which Python would read another text than we do
    (https://peps.python.org/pep-0263/).
    """
    silence_warnings()
    for number, row in enumerate(text.split("\n", 2)[:2], 1):
        declared = _ENCODING.match(row)
        if declared is not None and not _same_text(declared[1], text):
            return Parsed(
                None, number, f"declares the encoding {declared[1][:40]!r}, and is not that in UTF-8"
            )
        if row.strip() and not row.lstrip().startswith("#"):
            break
    try:
        return Parsed(ast.parse(text, FILENAME))
    except SyntaxError as error:
        line = error.lineno if error.lineno and error.lineno > 0 else None
        return Parsed(None, line, f"is not valid Python: {error.msg}")
    except (RecursionError, MemoryError):
        return Parsed(None, None, "nests too deeply to be parsed")
    except ValueError as error:
        return Parsed(None, None, f"is not valid Python: {error}")


def _same_text(encoding: str, text: str) -> bool:
    """Whether the bytes that we read as UTF-8 are the same text in this encoding."""
    try:
        return text.encode().decode(encoding) == text
    except (LookupError, ValueError):
        return False


def decode_source(data: bytes, path: str) -> str:
    """The text of a Python file: UTF-8, or the encoding that it declares (https://peps.python.org/pep-0263/).

    Raises:
        EvidenceError: it is not text in that encoding, or Python has no such encoding.
    """
    first, _, rest = data[:4096].partition(b"\n")
    for row in (first, rest.partition(b"\n")[0]):
        declared = re.match(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", row)
        if declared is not None:
            name = declared[1].decode()
            try:
                if codecs.lookup(name).name not in ("utf-8", "idna", "punycode"):
                    return data.decode(name)
            except (LookupError, ValueError) as error:
                what = f"declares the encoding {name[:40]!r}, and is not text in it"
                raise EvidenceError(what, path=path, remedy="save the file as UTF-8") from error
        if row.strip() and not row.lstrip().startswith(b"#"):
            break
    return decode_text(data, path)


def silence_warnings() -> None:
    """Keep what the compiler thinks of the user's escapes off our standard error.

    A filter for exactly the names we compile under; ``catch_warnings`` would not be safe with threads.
    """
    for name in (FILENAME, "<unknown>"):
        warnings.filterwarnings("ignore", module=name + "$")


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
    """Classes and functions defined in a body, also within ``if``, ``try``, ``with`` and loops, in order."""
    pending = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
            continue
        inner: list[ast.stmt] = []
        for field in ("body", "orelse", "finalbody"):
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
    """Whether the function only declares: abstract, an overload, or a member of a protocol."""
    names = {dotted(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    if names & {"abstractmethod", "overload"}:
        return True
    return owner is not None and any(dotted(base).rpartition(".")[2] == "Protocol" for base in owner.bases)


HEALTH = frozenset({"health", "health_check", "healthcheck"})


def stub_reason(function: Function) -> str | None:
    """Why the function is a stub; None when it does something.

    A stub's body is nothing but a docstring, ``...``, ``pass``, an empty ``return`` or
    ``raise NotImplementedError``; a health check that returns a constant is one too.
    """
    body = statements(function.body)
    if not body:
        return "the body is only a docstring"
    rest = [node for node in body if not _does_nothing(node)]
    if not rest:
        return f"the body is only {_shown(body[0])}"
    for node in rest:
        if isinstance(node, ast.Raise) and node.exc is not None:
            if dotted(node.exc).rpartition(".")[2] == "NotImplementedError":
                return "raises NotImplementedError"
            break
        if isinstance(node, (ast.Return, ast.If, ast.Try, ast.With, ast.For, ast.While, ast.Match)):
            break
    last = rest[-1]
    if (
        function.name in HEALTH
        and len(rest) == 1
        and isinstance(last, ast.Return)
        and last.value is not None
        and _is_constant(last.value)
    ):
        return "returns a constant whatever the state of the connection"
    return None


def _shown(node: ast.stmt) -> str:
    """A statement that does nothing, as a reader knows it; a constant is not quoted, whatever it may be."""
    if isinstance(node, ast.Expr):
        is_dots = isinstance(node.value, ast.Constant) and node.value.value is Ellipsis
        return "`...`" if is_dots else "a constant"
    return f"`{ast.unparse(node)}`"


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_constant(node: ast.expr) -> bool:
    pending: list[ast.AST] = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, (ast.Dict, ast.List, ast.Tuple, ast.Set, ast.UnaryOp)):
            pending.extend(ast.iter_child_nodes(item))
        elif not isinstance(item, (ast.Constant, ast.expr_context, ast.unaryop)):
            return False
    return True
