"""Where the syntax of Python binds a name to something; nothing is executed, and nothing is judged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MOST_DEPTH = 100
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SETTERS = frozenset(
    {"setattr", "__setattr__", "setitem", "__setitem__", "setdefault", "setenv", "putenv"}
)  # fmt: skip
"""Functions and methods, of whatever object, that are given a name and its value one after the other."""
_FILLERS = frozenset({"update", "dict", "OrderedDict", "defaultdict", "fromkeys", "__ior__"})
"""Those that are given pairs, or the names of keys."""
_CARRIERS = frozenset({"zip", "list", "tuple", "iter"})


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name.

    Attributes:
        name: the name.
        line: from 1.
        value: the expression it is bound to; None when that is not certain.
        note: what stands before the sources where the value is not certain.
        sources: the syntax whose text says what is bound; the value, where there is one.
        module: for an import of the name under the same name: the module with its leading dots.
    """

    name: str
    line: int
    value: ast.expr | None
    note: str = ""
    sources: tuple[ast.AST, ...] = ()
    module: str | None = None


def bindings(tree: ast.Module) -> Iterator[Binding]:
    """Every binding of any name, in no order."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _target(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            if node.value is not None:
                yield from _target(node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            yield from _unsure([bound(node.target)], node, "", node)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            yield from _unsure(_names(node.target), node.target, "each of ", node.iter)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    yield from _unsure(
                        _names(item.optional_vars), item.optional_vars, "with ", item.context_expr
                    )
        elif isinstance(node, ast.Match):
            for case in node.cases:
                captured = _captured(case.pattern)
                yield from _unsure(captured, case.pattern, "match ", node.subject, case.pattern)
        elif isinstance(node, ast.ExceptHandler):
            if node.name is not None:
                yield from _unsure([node.name], node, "except ", *([] if node.type is None else [node.type]))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from _unsure([node.name], node, "", *node.decorator_list, node)
            if isinstance(node, ast.ClassDef):
                yield from _keywords(node.keywords)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = None if key is None else constant_text(key)
                if name is not None and key is not None:
                    yield Binding(name, key.lineno, value, sources=(value,))
        elif isinstance(node, ast.Call):
            yield from _keywords(node.keywords)
            yield from _call(node)
        elif isinstance(node, ast.arguments):
            yield from _defaults(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _imports(node)


def _unsure(names: Sequence[str], at: ast.AST, note: str, *sources: ast.AST) -> Iterator[Binding]:
    """Bindings whose value only running would tell."""
    line = getattr(at, "lineno", 1)
    for name in names:
        if name:
            yield Binding(name, line, None, note, sources)


def _keywords(keywords: Sequence[ast.keyword]) -> Iterator[Binding]:
    for keyword in keywords:
        if keyword.arg is not None:
            yield Binding(keyword.arg, keyword.lineno, keyword.value, sources=(keyword.value,))


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Binding]:
    for alias in node.names:
        name = alias.asname or alias.name
        module = None
        if isinstance(node, ast.ImportFrom) and name == alias.name:
            module = "." * node.level + (node.module or "")
        yield Binding(name, node.lineno, None, "", (node,), module)


def _call(node: ast.Call) -> Iterator[Binding]:
    function = node.func
    called = function.id if isinstance(function, ast.Name) else ""
    called = function.attr if isinstance(function, ast.Attribute) else called
    if called in _SETTERS:
        certain = False
        for index, key in enumerate(node.args[:-1]):
            name = constant_text(key)
            if name is not None and not any(isinstance(one, ast.Starred) for one in node.args):
                certain = True
                value = node.args[index + 1]
                yield Binding(name.rpartition(".")[2], node.lineno, value, sources=(value,))
                break
        if not certain:
            yield from _unsure(_inner_texts(node.args), node, "", node)
    elif called in _FILLERS:
        yield from _pairs(node)
    elif called == "exec":
        for argument in node.args[:1]:
            text = constant_text(argument)
            if text is not None:
                yield from _unsure(sorted(set(_WORD.findall(text))), node, "", node)


def _pairs(node: ast.Call) -> Iterator[Binding]:
    pending: list[ast.expr] = list(node.args)
    while pending:
        item = pending.pop()
        if isinstance(item, (ast.Tuple, ast.List)) and len(item.elts) == 2:
            name = constant_text(item.elts[0])
            if name is not None:
                value = item.elts[1]
                other = constant_text(value)
                yield Binding(name, item.lineno, value, sources=(value,))
                if other is not None:  # two keys, perhaps, instead of one and its value
                    yield from _unsure([other], item, "", node)
                continue
        name = constant_text(item)
        if name is not None:
            yield from _unsure([name], node, "", node)
        pending += _parts(item)


def _inner_texts(items: Sequence[ast.expr]) -> list[str]:
    found = []
    pending = list(items)
    while pending:
        item = pending.pop()
        text = constant_text(item)
        if text is not None:
            found.append(text)
        pending += _parts(item)
    return found


def _parts(item: ast.expr) -> list[ast.expr]:
    if isinstance(item, (ast.Tuple, ast.List, ast.Set)):
        return list(item.elts)
    if isinstance(item, ast.Starred):
        return [item.value]
    if isinstance(item, ast.Call) and isinstance(item.func, ast.Name) and item.func.id in _CARRIERS:
        return list(item.args)
    return []


def _defaults(arguments: ast.arguments) -> Iterator[Binding]:
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    for argument, value in [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        if value is not None:
            yield Binding(argument.arg, argument.lineno, value, sources=(value,))


def _captured(pattern: ast.pattern) -> list[str]:
    names = []
    for node in ast.walk(pattern):
        if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name is not None:
            names.append(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest is not None:
            names.append(node.rest)
    return names


def _names(target: ast.expr) -> list[str]:
    """The names that a target binds, at any level of unpacking."""
    found = []
    pending = [target]
    while pending:
        item = pending.pop()
        if isinstance(item, (ast.Tuple, ast.List)):
            pending += item.elts
        elif isinstance(item, ast.Starred):
            pending.append(item.value)
        else:
            found.append(bound(item))
    return found


def _target(target: ast.expr, value: ast.expr) -> Iterator[Binding]:
    pending: list[tuple[ast.expr, ast.expr | None]] = [(target, value)]
    while pending:
        item, given = pending.pop()
        if isinstance(item, (ast.Tuple, ast.List)):
            apart = (
                given.elts
                if isinstance(given, (ast.Tuple, ast.List))
                and len(given.elts) == len(item.elts)
                and not any(isinstance(one, ast.Starred) for one in (*given.elts, *item.elts))
                else None
            )
            for index, inner in enumerate(item.elts):
                inner = inner.value if isinstance(inner, ast.Starred) else inner
                pending.append((inner, None if apart is None else apart[index]))
        elif given is not None:
            name = bound(item)
            if name:
                yield Binding(name, item.lineno, given, sources=(given,))
        else:
            yield from _unsure([bound(item)], item, "part of ", target, value)


def rebound(tree: ast.Module, modules: Mapping[str, str]) -> frozenset[str]:
    """Which of the names are variables of the source's own, and not what their modules have.

    Args:
        tree: the source.
        modules: the module of each name.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {one.name for one in _imports(node) if modules.get(one.name) != (one.module or "")}
    return frozenset(found & modules.keys())


def bound(target: ast.expr) -> str:
    """The name that a simple target binds: a variable, an attribute or a key; empty if it is none."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript):
        return constant_text(target.slice) or ""
    return ""


def constant_text(node: ast.expr, depth: int = 0) -> str | None:
    """The text that string literals stand for, also joined by ``+`` or in an f-string; None if it is none.

    The parser itself puts adjacent literals together and reads the escapes.
    """
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if depth > _MOST_DEPTH:
        return None
    parts: list[ast.expr]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    elif isinstance(node, ast.JoinedStr):
        parts = node.values
    elif isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None:
        parts = [node.value]
    else:
        return None
    texts = []
    for part in parts:
        text = constant_text(part, depth + 1)
        if text is None:
            return None
        texts.append(text)
    return "".join(texts)
