"""Strings that an expression made of literals gives: sums, formats, joins, slices and the like."""

from __future__ import annotations

import ast
import re

_DEPTH = 6
_LONGEST = 1000
_MOST = 10_000
"""Characters that a step may give: steps inside each other would multiply theirs."""
_LARGEST = 10**20
_PLAIN = frozenset({"upper", "lower", "strip", "decode", "encode"})
FOLDED = frozenset({"format", "join", "replace", *_PLAIN})
"""Methods of strings that are carried out."""
_FIELD = re.compile(r"\{\d?\}|%[sd]")


def folded(node: ast.expr, depth: int = _DEPTH) -> str | None:
    """The text of an expression of literals; None where it depends on anything else. Nothing is executed."""
    parts: list[str] = []
    pending: list[ast.expr] = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.JoinedStr):
            pending += reversed(item.values)
        elif isinstance(item, ast.BinOp) and isinstance(item.op, ast.Add):
            pending += [item.right, item.left]
        elif isinstance(item, ast.FormattedValue) and item.conversion == -1 and item.format_spec is None:
            parts.append(_shown(item.value, depth) or "")
            if not parts[-1]:
                return None
        elif isinstance(item, ast.Constant) and isinstance(item.value, (str, bytes)):
            value = item.value
            parts.append(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
        else:
            text = _worked_out(item, depth - 1) if depth else None
            if text is None or len(text) > _MOST:
                return None
            parts.append(text)
    return "".join(parts)


def _shown(node: ast.expr, depth: int) -> str | None:
    """What a literal looks like in a text: also an integer."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return str(node.value) if abs(node.value) < _LARGEST else None
    return folded(node, depth)


def _worked_out(node: ast.expr, depth: int) -> str | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(folded(node.left, depth), given, depth)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        whole = folded(node.value, depth)
        ends = [
            None if one is None else _index(one)
            for one in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return whole[ends[0] : ends[1] : ends[2] or None] if whole is not None else None
    if not isinstance(node, ast.Call) or node.keywords:
        return None
    if isinstance(node.func, ast.Name) and node.func.id == "str" and len(node.args) == 1:
        return _shown(node.args[0], depth)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    base = folded(node.func.value, depth) if isinstance(node.func, ast.Attribute) and name in FOLDED else None
    if base is None or len(base) > _LONGEST:
        return None
    if name == "format":
        return _filled(base, node.args, depth)
    if name == "join" and len(node.args) == 1 and isinstance(node.args[0], (ast.List, ast.Tuple)):
        texts = [folded(one, depth) for one in node.args[0].elts[:_LONGEST]]
        return None if None in texts else base.join(one for one in texts if one is not None)
    if name == "replace" and len(node.args) == 2:
        old, new = (folded(one, depth) for one in node.args)
        return None if old is None or new is None or len(new) > _LONGEST else base.replace(old, new)
    if name in ("upper", "lower", "strip") and not node.args:
        return str(getattr(base, name)())
    return base if name in ("encode", "decode") else None


def _filled(template: str | None, given: list[ast.expr], depth: int) -> str | None:
    """A template of plain fields with what is given, in this order."""
    texts = [_shown(one, depth) for one in given[:_LONGEST]]
    if template is None or len(template) > _LONGEST or None in texts:
        return None
    if len(_FIELD.findall(template)) != len(texts):
        return None
    left = iter(texts)
    return _FIELD.sub(lambda _: next(left) or "", template)


def _index(node: ast.expr) -> int | None:
    sign = -1 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    known = isinstance(inner, ast.Constant) and type(inner.value) is int and abs(inner.value) < _LARGEST
    return sign * inner.value if known else None  # type: ignore[attr-defined]
