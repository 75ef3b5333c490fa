"""Where Python and YAML files give one of some names a value, and which; nothing is executed.

The number in a plain assignment of a module or a class, or under a key of a YAML file, is known.
The value of every other place that binds one of the names, or takes it from the environment, with a default,
or from a module that is not read, cannot be told.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from ...base.errors import EvidenceError
from ...base.limits import Limits
from ...reading.parse import decode_text
from ...reading.yaml_reader import parse_yaml
from ..shared import python_source as python
from ..shared.python_source import name_of
from .model import Definition, exact, one_line, plain

_SETTERS = frozenset(
    {
        "OrderedDict", "__delattr__", "__delitem__", "__ior__", "__setattr__", "__setitem__", "defaultdict",
        "delattr", "delitem", "dict", "exec", "fromkeys", "putenv", "setattr", "setdefault", "setenv",
        "setitem", "update",
    }
)  # fmt: skip
"""Functions and methods, of whatever object, that bind or delete what a string in their arguments names."""
_GETTERS = {"get": 1, "getattr": 2, "getenv": 0, "pop": 1}
"""Those that read it, with the number of arguments beyond which there is a default."""
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"""(?<!\w)([A-Za-z_]\w*)["']?\s*[:=.\]]""")
_CODE_POINT = re.compile(r"\\u([0-9a-fA-F]{4})")
_COMMENT = re.compile(r"""^([^"'#\n]*)#.*""", re.MULTILINE)
_LEADING_ZERO = re.compile(r"[+-]?0[0-9o]")
"""Octal for readers of YAML 1.1, such as PyYAML, and not for those of 1.2; ``0o`` the other way round."""

Names = frozenset[str]


def definitions(data: bytes, path: str, label: str, names: Names, limits: Limits) -> list[Definition]:
    """Every place of one of the names in a file, by line.

    Args:
        data: the file's bytes.
        path: its path; the ending says what it is.
        label: how messages name it.
        names: the parameters.
        limits: of the readers.

    Raises:
        EvidenceError: the file is malformed or refused by its reader.
    """
    if path.endswith(".py"):
        text = python.decode_source(data, label)
        parsed = python.parse_text(text)
        if parsed.tree is None:
            raise EvidenceError(
                f"{parsed.problem}, so its risk parameters cannot be read",
                path=label,
                place=None if parsed.line is None else f"line {parsed.line}",
                remedy="correct the file",
            )
        found = _python(parsed.tree, text, path, names)
    elif path.endswith((".json", ".toml")):
        found = list(_mentioned(decode_text(data, label), path, names))
    else:
        found = list(_yaml(data, path, label, names, limits))
    return sorted(found, key=lambda one: (one.line, one.name))


def _mentioned(text: str, path: str, names: Names) -> Iterator[Definition]:
    """Each place where a name looks like a key of JSON or TOML, whose values are not read."""
    text = _COMMENT.sub(r"\1", _CODE_POINT.sub(lambda match: chr(int(match[1], 16)), text))
    for match in _KEY.finditer(text):
        if match[1] in names:
            line = text.count("\n", 0, match.start()) + 1
            yield Definition(match[1], path, line, None, one_line(text.split("\n")[line - 1]))


def _yaml(data: bytes, path: str, label: str, names: Names, limits: Limits) -> Iterator[Definition]:
    import yaml

    document = parse_yaml(data, label, limits)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # refused above: aliases, anchors, tags, several documents, too much depth
    pending: list[tuple[Any, Any]] = [(document, yaml.compose(decode_text(data, label), Loader=loader))]
    while pending:
        value, node = pending.pop()
        if isinstance(value, list):
            pending.extend(zip(value, node.value, strict=True))
        elif isinstance(value, dict):
            for (key, inner), (at, written) in zip(value.items(), node.value, strict=True):
                pending.append((inner, written))
                if key in names:
                    number, text = None, str(inner)
                    if isinstance(inner, int) and _LEADING_ZERO.match(written.value):
                        text = f"{written.value} (octal or not)"
                    elif isinstance(inner, (int, Decimal)) and not isinstance(inner, bool):
                        number = plain(inner)
                    elif isinstance(inner, str):
                        number = exact(inner.strip())
                    yield Definition(key, path, at.start_mark.line + 1, number, one_line(text))


def _python(tree: ast.Module, text: str, path: str, names: Names) -> list[Definition]:
    """The places of a Python file; what comes from another module has its origins, for :func:`settled`."""
    nodes = python.nodes(tree)
    imports = _imports(nodes, path)
    bodies: list[ast.Module | ast.ClassDef] = [tree]
    bodies += [node for node in nodes if isinstance(node, ast.ClassDef)]
    home = {id(statement): id(body) for body in bodies for statement in body.body}
    overridden = {id(body) for body in bodies if isinstance(body, ast.ClassDef) and _is_settings(body)}
    often = Counter((home.get(id(node)), name_of(target)) for node in nodes for target, _ in _targets(node))
    found: dict[tuple[int, str], Definition] = {}
    spared: set[int] = set()
    bound = {name for _, name in often}
    decimal = frozenset(
        {name for name, (full, _) in imports.items() if full == "decimal.Decimal" and name not in bound}
        | {
            f"{name}.Decimal"
            for name, (full, _) in imports.items()
            if full == "decimal" and name not in bound
        }
    )

    def add(name: str, at: Any, value: str | None, shown: ast.AST, origins: Sequence[str] = ()) -> None:
        if name in names:
            line = getattr(at, "lineno", 1)
            written = one_line(ast.get_source_segment(text, shown) or name)
            found.setdefault((line, name), Definition(name, path, line, value, written, tuple(origins)))

    for node in nodes:
        for target, value in _targets(node):
            spared.add(id(target))
            name, where = name_of(target), home.get(id(node))
            again = where is not None and often[where, name] > 1
            if name in names and value is not None and (again or not _passes_on(value, name)):
                known = isinstance(target, ast.Name) and where not in (None, *overridden) and not again
                add(name, target, _number(_declared(value), text, decimal) if known else None, value)
        if id(node) not in spared:
            for name, at in _bound(node):
                add(name, at, None, node)
    for node in nodes:
        for name, origins in _taken(node, imports):
            add(name, node, None, node, origins)
    return list(found.values())


def _targets(node: ast.AST) -> list[tuple[ast.expr, ast.expr | None]]:
    """The names, attributes and items of an assignment or declaration, each with what it is given.

    Tuples are left out, but for those with as many plain members on both sides.
    """
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.value)]
    found: list[tuple[ast.expr, ast.expr | None]] = []
    if not isinstance(node, ast.Assign):
        return found
    for target in node.targets:
        if not isinstance(target, (ast.Tuple, ast.List)):
            found.append((target, node.value))
        elif isinstance(node.value, (ast.Tuple, ast.List)) and len(node.value.elts) == len(target.elts):
            parts = [*target.elts, *node.value.elts]
            plain = not any(isinstance(part, (ast.Starred, ast.Tuple, ast.List)) for part in parts)
            found += zip(target.elts, node.value.elts, strict=True) if plain else ()
    return found


def _is_settings(node: ast.ClassDef) -> bool:
    """Whether the environment may give a class's fields other values: those of pydantic's settings."""
    return any(python.dotted(base).rpartition(".")[2] == "BaseSettings" for base in node.bases)


def _declared(value: ast.expr) -> ast.expr:
    """The default in a ``field(default=…)`` of a dataclass or a ``Field(…)`` of pydantic; else the value."""
    kind = python.dotted(value).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    if not isinstance(value, ast.Call) or kind not in ("field", "Field"):
        return value
    if any(word.arg in ("default_factory", "alias", "validation_alias", None) for word in value.keywords):
        return value
    given = [word.value for word in value.keywords if word.arg == "default"]
    return [*given, *(value.args[:1] if kind == "Field" else []), value][0]


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that a piece of syntax binds or deletes, with where; a string in a call for what it names."""
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        if not isinstance(node.ctx, ast.Load) or name_of(getattr(node, "value", node)) == "environ":
            yield name_of(node), node
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            told = isinstance(value, ast.Compare) or _passes_on(
                value, name_of(key)
            )  # or whether it is breached
            if key is not None and not told:
                yield name_of(key), key
    elif isinstance(node, ast.keyword):
        if node.arg and not _passes_on(node.value, node.arg):
            yield node.arg, node
    elif isinstance(node, ast.arguments):
        yield from ((argument.arg, argument) for argument, _ in python.defaults(node))
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            if isinstance(node, ast.Import) or alias.asname not in (None, alias.name):
                yield alias.asname or alias.name, node
    elif isinstance(node, ast.Call):
        called = name_of(node.func)
        environment = "environ" in (called, name_of(getattr(node.func, "value", node)))
        if called in _SETTERS or environment or len(node.args) > _GETTERS.get(called, len(node.args)):
            for inner in (inner for argument in node.args for inner in python.walk(argument)):
                if isinstance(inner, ast.Constant):
                    yield from ((word, inner) for word in _WORD.findall(name_of(inner)))
    elif not isinstance(node, ast.alias):  # functions, classes, caught exceptions, captures of patterns
        yield from ((getattr(node, field, None) or "", node) for field in ("name", "rest"))


def _imports(nodes: Sequence[ast.AST], path: str) -> dict[str, tuple[str, Sequence[str]]]:
    """Local name, or ``*`` → the full name of what is imported, and the files that it may come from."""
    found: dict[str, tuple[str, Sequence[str]]] = {}
    for node in nodes:
        for one in node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else ():
            source, inner = "", one.name
            if isinstance(node, ast.ImportFrom):
                source = "." * node.level + (node.module or "")
                inner = f"{source}{one.name}" if source.endswith(".") else f"{source}.{one.name}"
            files = [
                *python.module_files(inner, path),
                *(python.module_files(source, path) if source else ()),
            ]
            found[one.asname or one.name] = (inner, files)
    return found


def _taken(
    node: ast.AST, imports: dict[str, tuple[str, Sequence[str]]]
) -> Iterator[tuple[str, Sequence[str]]]:
    """Names whose values the node takes from another module, with the files that it may be."""
    if isinstance(node, ast.ImportFrom):
        yield from ((one.name, imports[one.asname or one.name][1]) for one in node.names)
    elif not isinstance(getattr(node, "ctx", None), ast.Load):
        return
    elif isinstance(node, ast.Name) and node.id not in imports and "*" in imports:
        yield node.id, imports["*"][1]
    elif isinstance(node, ast.Attribute) and python.dotted(node.value) in imports:
        yield node.attr, imports[python.dotted(node.value)][1]


def _number(node: ast.expr, text: str, decimal: frozenset[str]) -> str | None:
    """The exact number that a literal is, as written: ``0.1`` is one tenth, not the double next to it."""
    sign = ""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign, node = ("-" if isinstance(node.op, ast.USub) else ""), node.operand
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        written = name_of(node.args[0]).strip()
        if sign and written.startswith(("-", "+")):
            return None
        return exact(sign + written) if python.dotted(node.func) in decimal else None
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return None
    if isinstance(node.value, int):
        return plain(-node.value if sign else node.value)
    return exact(sign + (ast.get_source_segment(text, node) or "")) if isinstance(node.value, float) else None


def _passes_on(value: ast.expr, name: str) -> bool:
    """Whether a value is what has the same name elsewhere, other than in the environment."""
    if isinstance(value, ast.Subscript) and name_of(value.value) == "environ":
        return False
    return isinstance(value, (ast.Name, ast.Attribute, ast.Subscript)) and name_of(value) == name


def settled(found: Sequence[Definition]) -> list[Definition]:
    """All places but those that take a name from a file that is read and has a place for the name.

    One stays where its own file gives the name a value as well: which of the two holds, only running would
    tell.
    """
    own = {(one.name, one.path) for one in found if not one.origins}
    places = {(one.name, one.path) for one in found}
    return [
        one
        for one in found
        if not one.origins
        or (one.name, one.path) in own
        or not any((one.name, path) in places for path in one.origins if path != one.path)
    ]
