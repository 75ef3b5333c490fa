"""Where Python source gives one of some names a value, and which; nothing is executed.

A number that a plain assignment of a module or a class has, or that stands under a name in a dictionary
assigned there, is known. Every other place that binds one of the names, or takes it from the environment or
with a default, is one whose value cannot be told. So is one that takes it from a module that is not read.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ...base.errors import EvidenceError
from ..shared import python_source as python
from ..shared.python_source import Parsed, dotted
from .model import Definition, exact, one_line, plain

_SETTERS = frozenset(
    {
        "OrderedDict", "__delattr__", "__delitem__", "__ior__", "__setattr__", "__setitem__", "defaultdict",
        "delattr", "delitem", "dict", "fromkeys", "putenv", "setattr", "setdefault", "setenv", "setitem",
        "update",
    }
)  # fmt: skip
"""Functions and methods, of whatever object, that bind or delete what a string in their arguments names."""

_NAMED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar,
)  # fmt: skip
_GETTERS = frozenset({"get", "getattr", "getenv", "pop"})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def definitions(parsed: Parsed, text: str, path: str, names: frozenset[str], label: str) -> list[Definition]:
    """Every place of one of the names.

    A mere passing on (``KILL_PNL=self.KILL_PNL``) is none; what comes from another module is there with the
    module, for :func:`without_passing_on`.

    Args:
        parsed: the syntax tree.
        text: the source it was made from.
        path: the file.
        names: the parameters.
        label: how messages name the file.

    Raises:
        EvidenceError: the source is no valid Python.
    """
    if parsed.tree is None:
        raise EvidenceError(
            f"{parsed.problem}, so its risk parameters cannot be read",
            path=label,
            place=None if parsed.line is None else f"line {parsed.line}",
            remedy="correct the file",
        )
    found: dict[tuple[int, int, str], Definition] = {}
    settled: set[int] = set()

    def add(name: str, node: ast.AST, value: str | None, shown: ast.AST, module: str | None = None) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        written = one_line(python.segment(text, shown) or name)
        found.setdefault((line, column, name), Definition(name, path, line, value, written, module))

    decimal_type = _decimal_type(parsed.tree)
    places = list(_plain(parsed.tree, settled))
    often = Counter((id(body), target.id) for body, target, _ in places if isinstance(target, ast.Name))
    for body, target, given in places:
        name = _name(target)
        twice = often[id(body), name] > 1
        if name in names and (twice or not _passes_on(given, name)):
            add(name, target, None if twice else _number(given, text, decimal_type), given)
    for node in python.nodes(parsed.tree):
        settled |= _binding_nothing(node)
        if id(node) in settled:
            continue
        for name, at in _bound(node):
            if name in names:
                add(name, at, None, node)
    imports = _imports(parsed.tree)
    given_here = {(one.line, one.name) for one in found.values()}
    for node in python.nodes(parsed.tree):
        for name, module in _taken(node, names, imports):
            if (getattr(node, "lineno", 1), name) not in given_here:
                add(name, node, None, node, module)
    return sorted(found.values(), key=lambda one: (one.line or 0, one.name))


def _plain(
    body: ast.Module | ast.ClassDef, settled: set[int]
) -> Iterator[tuple[ast.AST, ast.expr, ast.expr]]:
    """The plain assignments of a module and its classes: which of these, target or dictionary key, value.

    What they are is added to ``settled``, so that it is looked at only once.
    """
    for statement in body.body:
        if isinstance(statement, ast.ClassDef):
            yield from _plain(statement, settled)
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Name):
                settled.add(id(target))
                yield body, target, statement.value
        pending: list[ast.expr] = [statement.value]
        while pending:
            item = pending.pop()
            if isinstance(item, ast.Dict):
                settled.add(id(item))
                pairs = zip(item.keys, item.values, strict=True)
                yield from ((item, key, value) for key, value in pairs if key)
                pending += item.values


def _binding_nothing(node: ast.AST) -> set[int]:
    """Targets of a declaration without a value, and of an assignment that merely passes a name on."""
    if isinstance(node, ast.AnnAssign) and (node.value is None or _passes_on(node.value, _name(node.target))):
        return {id(node.target)}
    if isinstance(node, ast.Assign):
        return {id(target) for target in node.targets if _passes_on(node.value, _name(target))}
    return set()


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that a piece of syntax binds or deletes, with where; a string in a call for what it names."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id, node
    elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
        yield _name(node), node
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and not _passes_on(value, _name(key)):
                yield _name(key), key
    elif isinstance(node, ast.keyword) and node.arg is not None and not _passes_on(node.value, node.arg):
        yield node.arg, node
    elif isinstance(node, ast.arguments):
        positional = [*node.posonlyargs, *node.args]
        with_default = positional[len(positional) - len(node.defaults) :]
        pairs = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        for one in [*with_default, *(one for one, default in pairs if default is not None)]:
            yield one.arg, one
    elif isinstance(node, ast.Import):
        yield from ((alias.asname or alias.name, node) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (
            (alias.asname, node) for alias in node.names if alias.asname and alias.asname != alias.name
        )
    elif isinstance(node, _NAMED):
        yield node.name or "", node
    elif isinstance(node, ast.MatchMapping):
        yield node.rest or "", node
    elif isinstance(node, ast.Call) and _name(node.func) in _SETTERS | {"exec"}:
        for inner in (inner for argument in node.args for inner in python.walk(argument)):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                words = _WORD.findall(inner.value)
                named = words if _name(node.func) == "exec" else [inner.value.rpartition(".")[2]]
                yield from ((word, inner) for word in named)


def _imports(tree: ast.Module) -> dict[str, str]:
    """Local name → module, with ``:name`` where that is taken from it; under ``*`` the last star import."""
    found: dict[str, str] = {}
    for node in python.nodes(tree):
        if isinstance(node, ast.Import):
            found.update({(one.asname or one.name): one.name for one in node.names})
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            found.update({(one.asname or one.name): f"{source}:{one.name}" for one in node.names})
    return found


def _taken(node: ast.AST, names: frozenset[str], imports: dict[str, str]) -> Iterator[tuple[str, str | None]]:
    """Names whose values the node takes from elsewhere: with the module, or None for the environment."""
    if isinstance(node, ast.ImportFrom):
        for one in node.names:
            if one.name in names:
                yield one.name, "." * node.level + (node.module or "")
    elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
        if isinstance(node, ast.Name):
            if node.id in names and "*" in imports:
                yield node.id, imports["*"].removesuffix(":*")
        elif node.attr in names and (source := imports.get(dotted(node.value))) is not None:
            yield node.attr, source
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if _name(node) in names and _name(node.value) == "environ":
            yield _name(node), None
    elif isinstance(node, ast.Call) and node.args and _name(node.func) in _GETTERS:
        at = 1 if _name(node.func) == "getattr" else 0
        of_environment = _name(node.func) == "getenv" or _name(getattr(node.func, "value", node)) == "environ"
        given = node.args[at : at + 2]
        default = len(given) > 1 and not (isinstance(given[1], ast.Constant) and given[1].value is None)
        if given and _name(given[0]) in names and (of_environment or default):
            yield _name(given[0]), None


def _name(node: ast.AST) -> str:
    """The name of a variable, an attribute, a key or a string; empty if it has none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return _name(node.slice) if isinstance(node.slice, ast.Constant) else ""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _passes_on(value: ast.expr, name: str) -> bool:
    """Whether a value is what has the same name elsewhere, other than in the environment."""
    if isinstance(value, ast.Subscript) and _name(value.value) == "environ":
        return False
    return isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)) and _name(value) == name


def _decimal_type(tree: ast.Module) -> bool:
    """Whether ``Decimal`` is what the module ``decimal`` has, and bound to nothing else in the source."""
    bound = []
    for node in python.nodes(tree):
        if isinstance(node, ast.ImportFrom):
            names = [one.asname or one.name for one in node.names]
            bound += [node.module == "decimal" and not node.level] * names.count("Decimal")
        elif not isinstance(node, ast.Call):
            bound += [False for name, _ in _bound(node) if name == "Decimal"]
    return bound == [True]


def _number(node: ast.expr, text: str, decimal_type: bool) -> str | None:
    """The exact number that a literal is, as written: ``0.1`` is one tenth, not the double next to it."""
    sign = ""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = "-", node.operand
    if decimal_type and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id != "Decimal" or len(node.args) != 1 or node.keywords:
            return None
        given = node.args[0]
        if not isinstance(given, ast.Constant) or not isinstance(given.value, str) or sign:
            return None
        return exact(given.value.strip())
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return None
    if isinstance(node.value, int):
        return plain(-node.value if sign else node.value)
    return exact(sign + python.segment(text, node)) if isinstance(node.value, float) else None


def without_passing_on(found: Sequence[Definition]) -> list[Definition]:
    """All places but those that take a name from a file that is looked at and has a place for the name.

    One stays where its own file gives the name a value as well: which of the two holds, only running would
    tell.
    """
    own = {(one.name, one.path) for one in found if one.module is None}
    places: dict[str, set[str]] = {}
    for one in found:
        places.setdefault(one.name, set()).add(one.path)
    return [
        one
        for one in found
        if one.module is None
        or (one.name, one.path) in own
        or not any(path != one.path and _is_module(path, one) for path in places[one.name])
    ]


def _is_module(path: str, at: Definition) -> bool:
    """Whether a file is the module that is imported from, or may be it for an absolute import."""
    written = (at.module or "").lstrip(".")
    level = len(at.module or "") - len(written)
    folders = at.path.split("/")[:-1]
    if level > len(folders) + 1:
        return False
    start = folders[: len(folders) - level + 1] if level else []
    module, _, inner = written.partition(":")
    parts = [part for part in module.split(".") if part]
    for names in ([*parts, inner], parts) if inner else (parts,):
        place = "/".join([*start, *names])
        files = (f"{place}.py", f"{place}/__init__.py".lstrip("/"))
        if path in files or (not level and any(path.endswith(f"/{file}") for file in files)):
            return True
    return False
