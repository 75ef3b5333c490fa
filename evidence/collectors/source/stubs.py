"""Functions that stand in for something: stubs, checks that always say yes, health that is a constant."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from ..shared import python_source as python
from .literals.secrets import snake
from .outlines import overriding

_HEALTH = re.compile(r"_?(?:health|healthy|health_?check|(?:is_)?(?:healthy|connected|alive)|ping|heartbeat)")
_UP = re.compile(r"connected|healthy|alive|ok|up")
_CHECK = re.compile(
    r"_?(?:is_|are_|pass(?:es)?_)?(?:check|validate|verify|allow(?:ed)?|valid|within|can|may|approve|risk"
    r"|pre_?trade|enforce)(?:_\w+)?|_?(?:checks?|validates?|approves?|risks?)[A-Z]\w*"
)
_VETO = re.compile(
    r"_?(?:is_|has_|should_|must_)?(?:exceeds?|breach(?:es|ed)?|violat(?:es?|ed|ions?)|halt(?:ed)?|trip(?:ped)?"
    r"|block(?:ed)?|reject(?:ed)?|kill(?:ed)?)(?:_\w+)?"
)
"""Names of what lets an order through by saying yes, and of what does so by saying no."""
_DUTY = re.compile(
    r"_?(?:place|submit|send|cancel|modify|replace|execute)_(?:an?_)?(?:all_)?(?:order|intent|trade)s?|"
    r"place|submit|send|cancel|execute|_?(?:flatten|liquidate|halt|close)(?:_(?:all|positions?|everything))*|"
    r"_?kill(?:_switch)?|_?(?:re|dis)?connect|"
    r"_?(?:un)?subscribe(?:_\w+)?|_?reconcile(?:_\w+)?"
)
"""Names of what the order path must really do: a function of this name that touches nothing is a stub."""

_HARMLESS = frozenset(
    {
        *("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log", "sleep"),
        *("time", "time_ns", "monotonic", "perf_counter", "now", "utcnow", "today", "isoformat", "timestamp"),
        *("uuid1", "uuid4", "random", "randint", "uniform", "choice", "token_hex", "next", "count"),
        *("str", "int", "float", "bool", "dict", "list", "tuple", "set", "round", "len", "format"),
        *("getLogger", "strip", "upper", "lower", "items", "keys", "values", "max", "min", "sum", "abs"),
    }
)
"""What can be called without reaching anything beyond the program."""

_OBJECT = re.compile(r"(?:self|cls|_\w+)\.")
"""How a call of a method begins, not one of a module's class: ``self._api.PlaceOrder``."""
_BINDING = ("staticmethod", "classmethod")
"""Decorators that call a function from nowhere else."""
_CHECKS_NAME = re.compile(r"(_(?:check|validate|verify|enforce)\w*)(?:%s|\{.*\})?")
_TIME = re.compile(r"_?(?:sleep|clock|(?:\w{1,20}_)?(?:now|time|timestamp))")
_ANYTHING = ("isinstance", "object")
_YES = "always returns True"
_UNFINISHED = re.compile(r"\w*(?:NotImplemented|NotSupported|Unsupported|ToDo|TODO)\w*")


def find_stubs(
    tree: ast.Module, used: Collection[str] | None = None, overridden: Collection[tuple[str, str]] = ()
) -> Iterator[dict[str, Any]]:
    """Stubs of a module: line, name and reason. What only declares, or is there to be overridden, is none.

    ``used`` has the names that any module looks at, where that is known: a check of its own that nobody calls
    checks nothing. ``overridden`` has classes and methods that other modules override.
    """
    functions = [*python.all_functions(tree), *_lambdas(tree)]
    defined = {*overriding(python.nodes(tree)), *overridden}
    for name, owner, function in functions:
        called = owner is not None and function.name == "__call__"
        if (function.name.startswith("__") and not called) or python.is_declaration(owner, function):
            continue
        reason = stub_reason(function, snake(owner.name) if owner and called else function.name)
        own = re.fullmatch(r"(_(?:check|validate|verify|enforce|reconcile))(?:_\w+)?", function.name)
        plain = all(python.dotted(one) in _BINDING for one in function.decorator_list)
        if used is not None and own and plain and not (function.name in used or f"{own[1]}_" in used):
            reason = reason or "is never called"
        if reason is not None and (owner is None or (owner.name, function.name) not in defined):
            yield {"line": function.lineno, "name": name, "reason": reason}


def names_used(tree: ast.Module) -> Iterator[str]:
    """Every name, attribute and imported name that the module looks at where it can be reached.

    Also names of checks that are strings, or the beginning of them where a string is put together.
    """
    for node in _live(tree.body):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            written = _CHECKS_NAME.fullmatch(node.value[:100])
            yield written[1] if written else ""
        yield (
            getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")) or "")
            if isinstance(node, (ast.Name, ast.Attribute, ast.alias))
            else ""
        )


def stub_reason(function: python.Function, name: str | None = None) -> str | None:
    """Why the function is a stub, by what it is called; None when it does something, or may do so."""
    called = name or function.name
    body = python.statements(function.body)
    rest = [node for node in body if not _does_nothing(node)]
    if not rest:
        return f"the body is only {_shown(body[0])}" if body else "the body is only a docstring"
    if all(isinstance(node, ast.Raise) or is_talk(node) for node in rest):
        raised = next((node for node in rest if isinstance(node, ast.Raise)), None)
        name = "" if raised is None or raised.exc is None else python.dotted(raised.exc).rpartition(".")[2]
        if _UNFINISHED.fullmatch(name) or (_DUTY.fullmatch(function.name) and name):
            return f"only raises {name}"
    if (agrees := bool(_CHECK.fullmatch(called))) or _VETO.fullmatch(called):
        if (how := _always(function, agrees)) is not None:
            return how
        if _fails_open(function, agrees):
            return f"returns {agrees} where it fails"
        if _is_switched_off(function, agrees):
            return "the environment can switch it off"
    if _HEALTH.fullmatch(function.name) and touches_nothing(function, constant=True):
        return "returns a constant whatever the state of the connection"
    if _HEALTH.fullmatch(function.name) and (
        _is_always_up(function) or (len(rest) == 1 and _always(function, True) == _YES)
    ):
        return "says that it is connected whatever the state of the connection"
    if _DUTY.fullmatch(function.name) and touches_nothing(function):
        return "only prints, waits or makes up an answer"
    return None


def touches_nothing(function: python.Function, *, constant: bool = False) -> bool:
    """Whether nothing in the function reaches beyond it: no call but harmless ones, no state.

    With ``constant``, it must not look at its parameters either.
    """
    nodes = _live(python.statements(function.body))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    if not all(map(is_harmless, calls)):
        return False
    spared = {id(node) for call in calls if not _reads(call) for node in python.walk(call.func)}
    spared |= {id(call.func) for call in calls}
    given = {node.arg for node in python.walk(function.args) if isinstance(node, ast.arg)} - {"self", "cls"}
    return not any(
        isinstance(node, (ast.Raise, ast.Assert, ast.Yield, ast.YieldFrom))
        or (isinstance(node, ast.Attribute) and id(node) not in spared)
        or (constant and isinstance(node, ast.Name) and node.id in given)
        for node in nodes
    )


def _reads(call: ast.Call) -> bool:
    """Whether the call looks into what it is a method of."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("items", "keys", "values")


def _is_always_up(function: python.Function) -> bool:
    """Whether a health, without any condition, has a record that says so by a constant."""
    nodes = _live(python.statements(function.body))
    return not any(isinstance(node, (ast.If, ast.IfExp, ast.Match, ast.Try)) for node in nodes) and any(
        _UP.fullmatch(python.name_of(key)) and isinstance(value, ast.Constant) and value.value is True
        for node in nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
    )


def is_harmless(call: ast.Call) -> bool:
    """Whether a call reaches nothing beyond the program: it prints, waits or makes a record."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    of_object = isinstance(call.func, ast.Attribute) and _OBJECT.match(python.dotted(call.func))
    return name in _HARMLESS or _TIME.fullmatch(name) is not None or (name[:1].isupper() and not of_object)


def _always(function: python.Function, agrees: bool) -> str | None:
    """How a check lets everything through: every ``return`` says so, or it looks at nothing.

    None where it may refuse something; what looks at nothing and refuses everything is safe.
    """
    nodes = _live(python.statements(function.body))
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    if any(isinstance(node, (ast.Raise, ast.Assert, ast.Yield, ast.YieldFrom)) for node in nodes):
        return None
    variables: dict[str, list[ast.expr]] = {}
    bare = {id(node.target) for node in nodes if isinstance(node, ast.AnnAssign) and node.value is None}
    bound = Counter(
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in bare
    )
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if isinstance(value, ast.expr):
            for target in targets:
                variables.setdefault(python.name_of(target), []).append(value)
    asked = {node.arg for node in python.walk(function.args) if isinstance(node, ast.arg)} - {"self", "cls"}
    for name, values in variables.items():  # what comes from a caller, a loop or a tuple can be anything
        if bound[name] > len(values) or (name in asked and not is_replaced(function, name)):
            values.append(ast.Name(name, ast.Load()))

    known: dict[str, bool | None] = {}

    def truth(node: ast.expr | None) -> bool | None:
        if isinstance(node, ast.Name) and node.id in variables:
            if node.id not in known:
                known[node.id] = None  # of a variable that is made from itself, nobody can tell
                values = {truth(value) for value in variables[node.id]}
                known[node.id] = values.pop() if len(values) == 1 else None
            return known[node.id]
        if isinstance(node, ast.Tuple) and node.elts:  # (True, "reason")
            return truth(node.elts[0])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return None if (inner := truth(node.operand)) is None else not inner
        if isinstance(node, ast.BoolOp):
            wins = isinstance(node.op, ast.Or)
            values = {truth(value) for value in node.values}
            return wins if wins in values else values.pop() if len(values) == 1 else None
        if isinstance(node, ast.IfExp):
            either = {truth(node.body), truth(node.orelse)}
            return either.pop() if len(either) == 1 else None
        if isinstance(node, (ast.Compare, ast.Call)):
            return known_answer(node)
        one = isinstance(node, ast.Constant) and node.value in (0, 1) and isinstance(node.value, int)
        return bool(node.value) if one and isinstance(node, ast.Constant) else None

    try:
        given = [truth(value) for value in returned]
    except RecursionError:  # variables made from each other, hundreds of them
        return None
    if any(
        isinstance(node, ast.Try)
        and any(isinstance(one, ast.Return) and truth(one.value) is agrees for one in node.finalbody)
        for node in nodes
    ):
        return f"always returns {agrees}"
    if not given or (agrees and all(value is None for value in returned)):
        return None
    if set(given) == {agrees}:
        return f"always returns {agrees}"
    lenient = any(
        (isinstance(node, ast.Constant) and node.value in (0, 1) and bool(node.value) is agrees)
        or isinstance(node, ast.Compare)
        or (isinstance(node, (ast.List, ast.Dict, ast.Tuple)) and not python.children(node))
        for value in returned
        if value is not None
        for node in python.walk(value)
    )
    same = asked and (not agrees) not in given and lenient and touches_nothing(function, constant=True)
    return "gives the same answer whatever it is asked" if same else None


def known_answer(node: ast.Compare | ast.Call) -> bool | None:
    """The answer of what is asked in vain: ``x < inf``, ``x <= x``, ``len(x) >= 0``, ``all([])``."""
    if isinstance(node, ast.Call):
        name, last = python.dotted(node.func), node.args[-1] if node.args else None
        members = last.elts if isinstance(last, (ast.List, ast.Tuple)) else None
        if name == "any" and any(python.constant_truth(one) for one in members or ()):
            return True
        return (
            True if (name == "all" and members == []) or (name, python.name_of(last)) == _ANYTHING else None
        )
    (op, right), left = (node.ops[0], node.comparators[0]), node.left
    if len(node.ops) > 1 or not isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return None
    if isinstance(op, (ast.Gt, ast.GtE)):
        left, right = right, left
    endless = isinstance(right, ast.Call) and python.dotted(right.func) == "float" and right.args
    what = (python.name_of(right.args[0] if endless and isinstance(right, ast.Call) else right)).lower()
    counted = isinstance(right, ast.Call) and python.dotted(right.func) == "len"
    or_same = isinstance(op, (ast.LtE, ast.GtE))
    in_vain = counted and or_same and isinstance(left, ast.Constant) and left.value == 0
    in_vain = in_vain or (or_same and written(left) == written(right))
    return True if what in ("inf", "infinity", "+inf") or in_vain else None


def written(node: ast.expr) -> tuple[object, ...]:
    """The same for nodes that are written in the same way; for what ``ast.dump`` cannot go through, too."""
    return tuple(
        (type(part), python.name_of(part), part.value if isinstance(part, ast.Constant) else None)
        for part in python.walk(node)
    )


def is_replaced(function: python.Function, name: str) -> bool:
    """Whether the function gives its parameter another value in any case, before it looks at it."""
    looks = [
        n.lineno
        for n in python.walk(function)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id == name
    ]
    return any(
        python.name_of(target) == name and node.lineno < min(looks, default=0)
        for node in function.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    )


def _fails_open(function: python.Function, agrees: bool) -> bool:
    """Whether an error in a check lets through what was to be checked."""
    return any(
        isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value is agrees
        for handler in _live(function.body)
        if isinstance(handler, ast.ExceptHandler)
        for node in _live(handler.body)
    )


def _is_switched_off(function: python.Function, agrees: bool) -> bool:
    """Whether a check returns without refusing where the environment says so."""
    return any(
        isinstance(node, ast.If)
        and isinstance(last := node.body[-1], ast.Return)
        and (last.value is None or isinstance(last.value, (ast.Constant, ast.List, ast.Tuple, ast.Dict)))
        and not (
            isinstance(last.value, ast.Constant)
            and last.value.value is not agrees
            and last.value.value is not None
        )
        and any(python.name_of(part) in ("environ", "getenv") for part in python.walk(node.test))
        for node in _live(function.body)
    )


def _lambdas(tree: ast.Module) -> Iterator[tuple[str, None, python.Function]]:
    """Functions that are an expression with a name."""
    for node in python.nodes(tree):
        value = getattr(node, "value", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Lambda):
            name = python.name_of(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            body: list[ast.stmt] = [ast.Return(value.body)]
            made = ast.FunctionDef(name, value.args, body, [], lineno=node.lineno)
            yield name, None, made


def _live(body: list[ast.stmt]) -> list[ast.AST]:
    """Everything in a body but what is never reached."""
    return list(python.running(ast.Module(body, [])))[1:]


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


def is_talk(node: ast.stmt) -> bool:
    """Whether a statement only reports something, or waits."""
    value = node.value if isinstance(node, ast.Expr) else None
    value = value.value if isinstance(value, ast.Await) else value
    return isinstance(value, ast.Call) and is_harmless(value)
