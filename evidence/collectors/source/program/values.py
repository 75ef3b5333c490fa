"""The literals that an expression may stand for: by conditions, constants, look-ups, annotations, imports.

Nothing is executed. What cannot be told from the inspected modules stands for nothing. A search takes a
bounded number of steps, whatever the source looks like.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ...shared import python_source as python
from ...shared.python_source import name_of
from .model import Module, Program, Routine, called_name, text

_DEPTH = 8
_STEPS = 400
_MOST_MEMBERS = 300
_SAME_NAME = 4
_SAME = frozenset(
    {"str", "frozenset", "tuple", "list", "set", "enumerate", "int", "float", "sorted", "dict", "compile"}
    | {"fromkeys", "MappingProxyType"}
)
"""Functions that give what they are given, as far as its members count; ``compile`` is that of ``re``."""
_CASES = frozenset({"upper", "lower", "strip"})
"""Methods of strings that are carried out."""
_VIEWS = frozenset({"keys", "values"})
Literal = ast.Constant | ast.Dict | ast.Tuple | ast.List | ast.Set


class Place(Struct, frozen=True):
    """Where an expression stands: its file, the function around it, and the line it counts for."""

    path: str
    routine: Routine | None = None
    line: int | None = None

    def at(self, line: int) -> Place:
        """The same place, counting for this line unless it counts for another one already."""
        return self if self.line is not None else Place(self.path, self.routine, line)


class Value(Struct, frozen=True):
    """A literal: its node, where it stands, and the line of the literal or of the name used for it."""

    node: Literal
    line: int
    place: Place


def resolve(
    program: Program, node: ast.expr | None, path: str, routine: Routine | None = None
) -> list[Value]:
    """The literals that an expression in a file and function may stand for; none where nobody can tell."""
    return list(_Search(program).values(node, Place(path, routine), _DEPTH))


def named(program: Program, node: ast.Name | ast.Attribute, place: Place) -> list[tuple[ast.expr, Place]]:
    """What a name is given in its function, or as a constant of a module or class, with the place of that."""
    return list(_Search(program).named(node, place))


def strings(
    program: Program, node: ast.expr, path: str, routine: Routine | None
) -> tuple[list[tuple[int, str]], bool]:
    """The strings among the literals, with their lines, and whether it can stand for no other literal."""
    search = _Search(program)
    found = list(search.values(node, Place(path, routine), _DEPTH))
    return [(one.line, content) for one in found if (content := text(one.node))], bool(
        found
    ) and search.complete


Members = list[tuple[int, object]]
"""Values of constants, each with its line."""


def members(
    program: Program,
    node: ast.expr,
    path: str,
    routine: Routine | None,
    depth: int = 6,
    *,
    keys: bool = False,
) -> tuple[Members, bool]:
    """The constants that an expression, or its members, may stand for, and whether there may be others.

    Members are the elements of a collection, and keys and (unless ``keys`` is set) values of a dictionary.
    """
    parts: list[tuple[ast.expr, str, Routine | None]] = []
    if isinstance(node, (ast.Set, ast.Tuple, ast.List)):
        parts = [(item, path, routine) for item in node.elts]
    elif isinstance(node, ast.Dict):
        spread = (value for key, value in zip(node.keys, node.values, strict=True) if key is None)
        items = [*node.keys, *(spread if keys else node.values)]
        parts = [(item, path, routine) for item in items if item is not None]
    elif isinstance(node, ast.Starred):
        parts = [(node.value, path, routine)]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        parts = [(node.left, path, routine), (node.right, path, routine)]
    else:
        found: Members = []
        literals = resolve(program, node, path, routine)[:100]
        for value in literals:
            if isinstance(value.node, ast.Constant):
                found.append((value.line, value.node.value))
            else:
                parts.append((value.node, value.place.path, value.place.routine))
        if not parts:
            return found, not literals
    if depth == 0:
        return [], True
    inner = [members(program, *part, depth - 1, keys=keys) for part in parts[:_MOST_MEMBERS]]
    is_open = len(parts) > _MOST_MEMBERS or any(is_open for _, is_open in inner)
    return [value for values, _ in inner for value in values], is_open


class _Search:
    """Looks for the literals; ``complete`` tells whether all that an expression may stand for were found."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._left = _STEPS
        self.complete = True

    def values(self, node: ast.expr | None, place: Place, depth: int) -> Iterator[Value]:
        found = False
        for value in self._values(node, place, depth):
            found = True
            yield value
        if not found:
            self.complete = False

    def _values(self, node: ast.expr | None, place: Place, depth: int) -> Iterator[Value]:
        self._left -= 1
        if node is None or depth == 0 or self._left < 0:
            return
        guarded = _guard(node, place.routine)
        if guarded is not None:
            node = guarded
        deeper = depth - 1
        if isinstance(node, (ast.Constant, ast.Dict, ast.Tuple, ast.List, ast.Set)):
            yield Value(node, place.line or node.lineno, place)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            for side in (node.left, node.right):
                yield from self.values(side, place, deeper)
        elif isinstance(node, ast.JoinedStr) and all(map(text, node.values)):
            whole = ast.Constant("".join(map(text, node.values)))
            yield Value(whole, place.line or node.lineno, place)
        elif isinstance(node, (ast.IfExp, ast.BoolOp)):
            for choice in [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values:
                yield from self.values(choice, place, deeper)
        elif isinstance(node, (ast.NamedExpr, ast.Await)):
            yield from self.values(node.value, place, deeper)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            for value, home in self.named(node, place.at(node.lineno)):
                yield from self.values(value, home, deeper)
            yield from self._annotated(node, place.at(node.lineno), deeper)
            yield from self._enumerated(node, place.at(node.lineno), deeper)
        elif isinstance(node, (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)):
            yield from self._comprehended(node, place, deeper)
        elif isinstance(node, ast.Subscript):
            known = self.complete
            keys = [key.node for key in self.values(node.slice, place, deeper)]
            wanted = [key.value for key in keys if isinstance(key, ast.Constant)]
            self.complete = known  # without the key, it is one of the entries
            for table in self.values(node.value, place, deeper):
                yield from self._entries(table, wanted, deeper)
        elif isinstance(node, ast.Call):
            yield from self._call(node, place, deeper)

    def _annotated(self, node: ast.Name | ast.Attribute, place: Place, depth: int) -> Iterator[Value]:
        """The values that an annotation allows: a ``Literal``, or the members of an enumeration."""
        annotation, home = self._annotation(node, place)
        if isinstance(annotation, ast.Subscript) and python.dotted(annotation).endswith("Literal"):
            inner = annotation.slice
            for item in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from self.values(item, home, depth)
        else:
            yield from self._enumerated(annotation, home, depth)

    def _enumerated(self, node: ast.expr | None, place: Place, depth: int) -> Iterator[Value]:
        """The values of the members of the enumeration that a name or an annotation means."""
        module, owner = self._class(node, place) or (None, None)
        if module is None or owner is None:
            return
        if any(python.dotted(base).endswith("Enum") for base in owner.bases):
            for name, value in module.constants.items():
                if name.rpartition(".")[0] == owner.name:
                    yield from self.values(value, Place(module.path, None, place.line), depth)

    def _comprehended(
        self, node: ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp, place: Place, depth: int
    ) -> Iterator[Value]:
        """What a comprehension goes through, where it gives just that: ``{int(port) for port in PORTS}``."""
        item: ast.AST = node.key if isinstance(node, ast.DictComp) else node.elt
        while isinstance(item, ast.Attribute) or (
            isinstance(item, ast.Call) and called_name(item) in _SAME and len(item.args) == 1
        ):
            item = item.value if isinstance(item, ast.Attribute) else item.args[0]
        first, last = node.generators[0], node.generators[-1]
        if len(node.generators) > 2 or first.ifs or last.ifs:
            return
        if not isinstance(item, ast.Name) or item.id != name_of(last.target):
            return
        if first is last:
            yield from self.values(last.iter, place, depth)
        elif isinstance(last.iter, ast.Name) and last.iter.id in {
            name_of(part) for part in python.walk(first.target)
        }:
            # for action, codes in TABLE.items() for code in codes
            table = first.iter
            if isinstance(table, ast.Call) and isinstance(table.func, ast.Attribute):  # its items or values
                table = table.func.value
            for value in self.values(table, place, depth):
                parts = value.node.values if isinstance(value.node, ast.Dict) else []
                for part in parts:
                    yield from self.values(part, value.place, depth)

    def _annotation(self, node: ast.expr, place: Place) -> tuple[ast.expr | None, Place]:
        """The annotation of a parameter, or of a field of what is annotated with a class of the program."""
        routine = place.routine
        if isinstance(node, ast.Name) and routine is not None:
            for argument in python.walk(routine.node.args):
                if isinstance(argument, ast.arg) and argument.arg == node.id:
                    return argument.annotation, place
        elif isinstance(node, ast.Attribute):
            if node.attr == "value":
                return self._annotation(node.value, place)
            annotation, home = self._annotation(node.value, place)
            found = self._class(annotation, home)
            for field in found[1].body if found is not None else ():
                if isinstance(field, ast.AnnAssign) and getattr(field.target, "id", "") == node.attr:
                    return field.annotation, Place(found[0].path if found else "", None, place.line)
        return None, place

    def _class(self, node: ast.expr | None, place: Place) -> tuple[Module, ast.ClassDef] | None:
        """The class of the program that an annotation names, and its module."""
        path, name = place.path, text(node) or ("" if node is None else python.dotted(node))
        for _ in range(_DEPTH):
            module = self._program.modules.get(path)
            if module is None or not name:
                return None
            if name in module.classes:
                return module, module.classes[name]
            origin = self._imported(module, name)
            if origin is None:
                return None
            path, name = origin
        return None

    def named(self, node: ast.Name | ast.Attribute, place: Place) -> Iterator[tuple[ast.expr, Place]]:
        routine = place.routine
        if routine is not None and isinstance(node, ast.Name) and node.id in routine.variables:
            yield from ((value, place) for value in routine.variables[node.id])
            return
        if routine is not None and isinstance(node, ast.Name) and node.id in routine.given:
            yield from self._handed_in(node.id, routine)
            return
        name = python.dotted(node).removesuffix(".value")
        first, _, rest = name.partition(".")
        if first in ("self", "cls") and routine is not None and routine.owner is not None:
            name = f"{routine.owner.name}.{rest}"
        path = place.path
        for _ in range(_DEPTH):
            module = self._program.modules.get(path)
            if module is None or not name:
                return
            if name in module.constants:
                yield module.constants[name], Place(path, None, place.line)
                return
            origin = self._imported(module, name)
            if origin is None:  # of an object with all its defaults, one of these
                held, _, field = name.rpartition(".")
                made = module.constants.get(held)
                if not isinstance(made, ast.Call) or made.args or made.keywords:
                    return
                found = self._class(made.func, Place(path))
                if found is None or any(python.dotted(one).endswith("Settings") for one in found[1].bases):
                    return
                origin = found[0].path, f"{found[1].name}.{field}"
            path, name = origin

    def _handed_in(self, name: str, routine: Routine) -> Iterator[tuple[ast.expr, Place]]:
        """What callers give for a parameter of a private function, which nobody else calls."""
        if not routine.node.name.startswith("_") or routine.node.name.startswith("__"):
            return
        for call, path, around in self._program.calls.get(routine.node.name, ()):
            given = {word.arg: word.value for word in call.keywords}
            given.update(zip(routine.parameters, call.args, strict=False))
            yield given.get(name, call.func), Place(path, around)

    def _imported(self, module: Module, name: str) -> tuple[str, str] | None:
        """Path, and name there, of something that the module has by importing."""
        links = self._program.links.get(module.path, {})
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            head, rest = ".".join(parts[:count]), ".".join(parts[count:])
            if head not in module.imports:
                continue
            source, inner = module.imports[head]
            if inner:
                submodule = links.get(f"{source}{inner}" if source.endswith(".") else f"{source}.{inner}")
                if submodule is not None:
                    return (submodule, rest) if rest else None
                rest = f"{inner}.{rest}" if rest else inner
            target = links.get(source)
            return (target, rest) if target is not None and rest else None
        return None

    def _entries(self, table: Value, wanted: Sequence[object], depth: int) -> Iterator[Value]:
        """The values of a mapping: those under the wanted keys, or all of them where that cannot be told."""
        if not isinstance(table.node, ast.Dict):
            return
        pairs = list(zip(table.node.keys, table.node.values, strict=True))
        exact = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in wanted]
        if any(key is None for key, _ in pairs):
            self.complete = False
        for value in exact or [value for _, value in pairs]:
            yield from self.values(value, table.place, depth)

    def _call(self, node: ast.Call, place: Place, depth: int) -> Iterator[Value]:
        name = called_name(node)
        if name in _CASES and not node.args and isinstance(node.func, ast.Attribute):
            for one in self.values(node.func.value, place, depth):
                if content := text(one.node):
                    changed = ast.Constant(getattr(content, name)())
                    yield Value(ast.copy_location(changed, one.node), one.line, one.place)
                else:
                    self.complete = False
        elif name in _SAME and node.args:
            yield from self.values(node.args[0], place, depth)
        elif name == "get" and node.args and isinstance(node.func, ast.Attribute):
            for table in self.values(node.func.value, place, depth):
                yield from self._entries(table, (), depth)
            for default in node.args[1:2]:
                yield from self.values(default, place, depth)
        elif name in _VIEWS and not node.args and isinstance(node.func, ast.Attribute):
            yield from self.values(node.func.value, place, depth)
        else:
            for routine in self._program.by_name.get(name, ())[:_SAME_NAME]:
                line = place.at(node.lineno).line
                for part in routine.nodes:
                    if isinstance(part, ast.Return) and part.value is not None:
                        yield from self.values(part.value, Place(routine.path, routine, line), depth)


def _guard(node: ast.expr, routine: Routine | None) -> ast.expr | None:
    """What the expression must be one of: where anything else was refused before in the same function."""
    if routine is None or not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        return None
    same = ast.dump(node) if routine.conditions else ""
    for check in routine.conditions:
        test = check.test
        refuses = isinstance(check, ast.If) and isinstance(check.body[-1], (ast.Raise, ast.Return))
        if (
            (refuses or isinstance(check, ast.Assert))
            and check.lineno < node.lineno
            and isinstance(test, ast.Compare)
            and isinstance(test.ops[0], ast.NotIn if refuses else ast.In)
            and ast.dump(test.left) == same
        ):
            allowed = test.comparators[0]
            choices = allowed.elts if isinstance(allowed, (ast.Tuple, ast.List, ast.Set)) else []
            if choices and not any(isinstance(choice, ast.Starred) for choice in choices):
                return ast.copy_location(ast.BoolOp(ast.Or(), list(choices)), node)
    return None
