"""What must not be written into a file: secrets, broker account ids, ports of live trading.

Python files are read as syntax trees, all others (and Python that does not parse) line by line. A file is
looked at closely only if a cheap search says that there may be something. Nothing found is quoted.
"""

from __future__ import annotations

import ast
import codecs
import heapq
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeGuard

from msgspec import Struct, field

from ....base.errors import EvidenceError, masked
from ....broker.account_id import mask
from ....collecting.interface import Problem, Scope
from ....reading.files import printable
from ....reading.workspace import View
from ...shared import python_source as python
from ...shared.python_source import name_of
from ..program.folding import FOLDED, folded
from ..program.given import given
from ..program.model import LOOKUPS, Module, Program, called_name, place_of, unknown
from ..program.model import text as text_of
from . import secrets as rules
from .ports import LIVE_PORTS, PORT_NAME, PORTS_NAME, REFUSED_NAME, addresses, find_ports

SUFFIXES = (
    *(".py", ".yaml", ".yml", ".toml", ".json", ".ini", ".cfg", ".conf", ".properties", ".env"),
    *(".sh", ".pem", ".key", ".ipynb", ".xml", ".tf", ".tfvars", ".pyi", ".sql"),
)
"""Kinds of files that are looked through."""
NAMES = (".env.", "Dockerfile", "Makefile", "Procfile", "requirements", ".pypirc")
"""What the names of further such files begin with."""

_ACCOUNT = re.compile(r"(?<![A-Za-z0-9_])(?!(?<=#)F\d{5}\b)(?:DUSIM|D?[UFI])(?!0+\b)\d{5,}(?![A-Za-z0-9_])")
"""An account's id; ``#F08080`` is a colour, and nobody has an id of zeros alone, which only holds a place."""
_COLOUR = re.compile(r"#?[0-9A-Fa-f]{6}")
_ACCOUNT_BYTES = re.compile(rb"""[UFIM]\d{5}|(?<!\w)(?:[ufi]\d{5}|(?:DUSIM|D?[UFI])\d{0,7}["'{%])""")
_PORT_BYTES = re.compile(rb"7_?49[67]|4_?00[12]|(?<![A-Za-z])[Pp]orts?\b|PORTS?\b")
_URL_BYTES = re.compile(rb"://[^\s:/@]{0,80}+:[^\s/@]{3,80}@")
_ENTRY = re.compile(r"""(?<![\w.-])([A-Za-z_][\w.-]{0,79}+)["']?[ \t]{0,20}+(?::=|[:=])[ \t]{0,20}+""")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*+)"|\'((?:[^\'\\\n]|\\.)*+)\'')
_BARE = re.compile(r"[^\s#;,}\]]+")
_BLOCK = re.compile(r"[|>][+-]?\d?[ \t]{0,20}(?:#[^\n]{0,200})?\r?\n[ \t]{1,40}([^\s][^\n]{0,1000})")
"""A value of YAML that begins on the next line, and (below) one of TOML."""
_TRIPLE = re.compile(r'"""\s{0,20}([^"]{1,2000})"""|\'{3}\s{0,20}([^\']{1,2000})\'{3}')
_PAIR = re.compile(
    r"""(?<![\w.-])(?:name|key)["']?[ \t]{0,20}[:=][ \t]{0,20}["']?([A-Za-z_][\w.-]{0,79}+)["']?,?\s{1,40}"""
    r"""["']?value["']?[ \t]{0,20}[:=][ \t]{0,20}"""
)
"""``name: X`` and then ``value: Y``, as in lists of environment variables."""
_LISTED = re.compile(
    r"[ \t]{0,20}(?:\[[^\]]{0,2000}|\{[^}]{0,2000}|"
    r"(?:#[^\n]{0,200})?\r?\n(?:[ \t]{1,40}[^\n]{0,200}\n?){1,50})"
)
"""What follows the name of several ports: a list or a table, also over several lines."""
_NUMBER = re.compile(r"(?<![\w.:/#-])(?:0[xX][0-9a-fA-F]{4}|\d_?\d{3})(?![\w.])")
_BASE64 = re.compile(rb'"[A-Za-z0-9+/=]{200,}+(?:\\n)?"')
_ELEMENT = re.compile(
    r"<(?!tokens?\b)([A-Za-z_][\w.-]{0,79}+)(?:[ \t][^<>\n]{0,200})?>([^<>\n\"]{1,1000})</\1>"
)
"""An image in a notebook; an element of XML with a text on its line (grammars have a ``token``, too)."""
_SETTING = re.compile(r"(?<![\w?&-])(?:password|passwd|pwd)=([^\s;,&\"'{}%$<>()*?]{6,80})", re.IGNORECASE)
"""A password among the settings that a string has: ``host=db password=…``."""
_LONGEST_BARE = 1000
_UNQUOTABLE = frozenset("&*!|>@`([{$<%")
_YAML_NOTHING = frozenset({"true", "false", "yes", "no", "on", "off", "null", "~"})


_LOGINS = frozenset({"login", "authenticate", "HTTPBasicAuth", "BasicAuth", "HTTPDigestAuth"})
_DECODING = frozenset({"SecretStr", "SecretBytes", "str", "bytes", "b64decode", "unhexlify", "fromhex"})
"""Functions that take a user's name and a password, and those that give what they are given."""


class Findings(Struct):
    """What was found in one file, as facts without the path, in no order."""

    secrets: list[dict[str, Any]] = field(default_factory=list)
    account_ids: list[dict[str, Any]] = field(default_factory=list)
    live_ports: list[dict[str, Any]] = field(default_factory=list)
    ports_unknown: list[int] = field(default_factory=list)


def scan(
    view: View, paths: Sequence[str], program: Program | None
) -> tuple[dict[str, Any], list[Problem], list[Scope]]:
    """What is in the files, as facts; a total is null where there is no file at all."""
    found: dict[str, list[dict[str, Any]]] = {"secrets": [], "account_ids": [], "live_ports": []}
    unscanned: list[dict[str, Any]] = []
    problems: list[Problem] = []
    most = view.limits.problems
    for path in paths:
        try:
            data = _plain(path, _as_utf8(view.read(path)))
            if not may_hold(data):
                continue
            if len(data) > view.limits.text_bytes:
                limit = f"{view.limits.text_bytes} bytes (limits.text_bytes)"
                raise EvidenceError(f"is larger than {limit}, and may hold a secret, an account or a port")
        except EvidenceError as error:
            unscanned.append({"path": printable(path), "reason": error.what})
            continue
        literals = find_literals(path, data, program)
        for kind, items in found.items():
            items += [{"path": path, **item} for item in getattr(literals, kind)]
        what = "the ports that are let through cannot be told"
        for line in literals.ports_unknown[:most]:
            problems.append(unknown("live_ports", what, "write them as numbers", path, line))
    found["secrets"].sort(key=lambda item: (*place_of(item), item["kind"], item["name"] or ""))
    found["account_ids"].sort(key=lambda item: (item["paper"], *place_of(item), item["account"]))
    found["live_ports"].sort(key=lambda item: (*place_of(item), item["port"]))
    found["unscanned"] = unscanned
    totals: dict[str, int | None] = {f"{kind}_total": len(items) for kind, items in found.items()}
    totals["live_account_ids_total"] = sum(not item["paper"] for item in found["account_ids"])
    if not paths:
        reason = "there is no file to look through"
        remedy = "name the folders of the source in evidence.source.secret_paths"
        problems += [Problem(name, reason, remedy) for name in totals]
        totals = dict.fromkeys(totals)
    understood = len(paths) - len(unscanned)
    scopes = [Scope(name, len(paths), understood, "files") for name in (*found, *totals)]
    shown = {kind: items[:most] for kind, items in found.items()}
    return {**shown, "scanned": len(paths), **totals}, problems, scopes


def is_scanned(path: str) -> bool:
    """Whether files of this name are looked through."""
    name = path.rpartition("/")[2]
    return name.endswith(SUFFIXES) or name == ".env" or name.startswith(NAMES)


def _as_utf8(data: bytes) -> bytes:
    """The bytes; of a file that begins with the mark of UTF-16, its text in UTF-8."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    return data.decode("utf-16", "replace").encode("utf-8", "replace")


def _plain(path: str, data: bytes) -> bytes:
    """A notebook without its images, its quotes unescaped; elements of XML as ``name="text"``."""
    if path.endswith(".ipynb"):
        return _BASE64.sub(b'""', data).replace(b'\\"', b"'")
    if path.endswith(".xml"):
        return _ELEMENT.sub(r' \1="\2" ', data.decode("utf-8", "replace")).encode()
    return data


def may_hold(data: bytes) -> bool:
    """Whether there is any need to look closely."""
    if any(one.search(data) for one in (_ACCOUNT_BYTES, _PORT_BYTES, _URL_BYTES)):
        return True
    lower = data.lower()
    return any(hint.encode() in lower for hint in rules.HINTS)


def find_literals(path: str, data: bytes, program: Program | None = None) -> Findings:
    """Everything in one file that should not be written there.

    Constants that modules of ``program`` import from each other are known.
    """
    text = data.decode("utf-8", "replace")
    if path.endswith((".py", ".pyi")):
        if program is None or path not in program.modules:
            parsed = python.parse_bytes(data)
            if parsed.tree is None:
                return _in_text(text, quoted_only=True)
            program = Program({path: Module(path, parsed.tree)}, {})
        with suppress(EvidenceError):
            text = python.decode_source(data, path)
        return _in_python(program, program.modules[path], text)
    return _in_text(text, quoted_only=path.endswith((".ipynb", ".sql", ".txt")))


def _lines(text: str) -> Callable[[int], int]:
    """Gives the line number of an offset in the text."""
    return partial(bisect_right, [0, *(match.end() for match in re.finditer("\n", text))])


def _secret(line: int, kind: str, name: str | None, length: int) -> dict[str, Any]:
    return {"line": line, "kind": kind, "name": masked(name) if name is not None else None, "length": length}


def _account(line: int, found: str) -> dict[str, Any]:
    return {"line": line, "account": mask(found), "paper": found.startswith("D")}


def _shapes(text: str, covered: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Well-known tokens that were not found under a name already: ``covered`` has their kinds and lines."""
    lines = _lines(text)
    for kind, start, end in rules.shapes(text):
        line = lines(start)
        if (kind, line) not in covered:
            length = rules.key_length(text, start) if kind == "private_key" else end - start
            yield _secret(line, kind, None, length)


def _in_python(program: Program, module: Module, text: str) -> Findings:
    found = Findings()
    comments = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}  # or documentation
    covered: set[tuple[str, int]] = set()
    seen: set[tuple[int, int]] = set()
    quiet = comments | {id(part) for node in module.nodes for part in _colours(node)}
    summed: set[int] = set()
    for node, _ in program.walk(module):
        for name, value in _named_values(node):
            is_secret = rules.is_about_secret(name)
            for first, content, last, column in _literal_parts(value) if is_secret else ():
                kind = rules.kind_of(name, content)
                if kind is not None and (first, column) not in seen:
                    seen.add((first, column))
                    found.secrets.append(_secret(first, kind, name, len(content)))
                    covered.update((kind, line) for line in range(first, last + 1))
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and id(node) not in quiet:
            written = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            found.account_ids += [
                _account(node.lineno, match.group()) for match in _ACCOUNT.finditer(written)
            ]
            for match in _SETTING.finditer(written[:_LONGEST_BARE]):
                if (kind := rules.kind_of("password", match[1])) is not None:
                    found.secrets.append(_secret(node.lineno, kind, "password", len(match[1])))
        if _is_put_together(node) and id(node) not in summed:
            part = node
            while isinstance(part, ast.BinOp):  # of a long sum only the whole, not each of its beginnings
                part = part.left
                summed.add(id(part))
            found.account_ids += [_account(node.lineno, one) for one in _joined_accounts(node)]
    found.secrets += _shapes(text, covered)
    ports, unknown = find_ports(program, module) if _PORT_BYTES.search(text.encode()) else (set(), set())
    found.live_ports += [{"line": line, "port": port} for line, port in sorted(ports)]
    found.ports_unknown += sorted(unknown)
    return found


def _colours(node: ast.AST) -> list[ast.expr]:
    """The members of a list of colours such as ``["F08080", "4682B4"]``, one of which is no account."""
    parts = node.values if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    texts = [text_of(part) for part in parts]
    is_all = bool(texts) and all(map(_COLOUR.fullmatch, texts))
    return parts if is_all and not all(map(_ACCOUNT.fullmatch, texts)) else []


def _is_put_together(node: ast.AST) -> TypeGuard[ast.expr]:
    """Whether the node may be a string that is made of others."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in FOLDED
    slices = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
    return slices or isinstance(node, (ast.BinOp, ast.JoinedStr))


def _joined_accounts(node: ast.expr) -> Iterator[str]:
    """Account ids in a text that is put together from literals, but those that one of them has as a whole."""
    found = [match.group() for match in _ACCOUNT.finditer(folded(node) or "")]
    if found:
        known = {
            one.group()
            for part in ast.walk(node)
            for one in _ACCOUNT.finditer(text_of(part) if isinstance(part, ast.expr) else "")
        }
        yield from (one for one in found if one not in known)


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and what they are given, compared with, or replaced by where there is nothing of that name."""
    yield from given(node)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if isinstance(other, ast.Constant) and isinstance(other.value, (str, bytes)):
                yield name_of(one), other
    elif isinstance(node, ast.Call) and called_name(node) in LOOKUPS and len(node.args) > 1:
        yield text_of(node.args[0]), node.args[1]
    elif isinstance(node, ast.Call) and called_name(node) in _LOGINS and len(node.args) > 1:
        yield "password", node.args[1]
    for name, value in given(node):
        if name.lower() == "auth" and isinstance(value, ast.Tuple) and len(value.elts) == 2:
            yield "password", value.elts[1]


def _literal_parts(node: ast.expr) -> Iterator[tuple[int, str, int, int]]:
    """Literals that a value may be: first line, text, last line, column."""
    pending = [node]
    while pending:
        item = pending.pop()
        if (content := folded(item)) is not None:
            yield item.lineno, content, item.end_lineno or item.lineno, item.col_offset
        elif isinstance(item, ast.IfExp):
            pending += [item.body, item.orelse]
        elif isinstance(item, ast.BoolOp):
            pending += item.values
        elif isinstance(item, ast.NamedExpr) or (
            isinstance(item, ast.Subscript) and isinstance(item.slice, ast.Slice)
        ):
            pending.append(item.value)
        elif isinstance(item, ast.Call):
            if called_name(item) in ("encode", "decode", "strip") and isinstance(item.func, ast.Attribute):
                pending.append(item.func.value)
            elif called_name(item) in _DECODING:
                pending += item.args[:1]
            elif called_name(item) in ("getenv", "get"):
                pending += item.args[1:2]


def _in_text(text: str, *, quoted_only: bool) -> Findings:
    """Line by line: ``name: value`` and ``name = value``, values quoted or (unless it is code) bare."""
    found = Findings()
    lines = _lines(text)
    covered: set[tuple[str, int]] = set()
    position = listed_to = 0
    for name, start in _entries(text, quoted_only):
        plain = rules.snake(name)
        is_port = PORT_NAME.fullmatch(plain) is not None
        if is_port or (PORTS_NAME.fullmatch(plain) and not REFUSED_NAME.fullmatch(plain)):
            inside = quoted_only or start < listed_to  # of a list that was looked through as a whole
            if not inside and (listed := _LISTED.match(text, start)):
                listed_to = listed.end()
                for number in _NUMBER.finditer(listed.group()):
                    found.live_ports += _live(lines(start + number.start()), number.group())
        if start < position or not (is_port or rules.is_about_secret(name)):
            continue
        value = _text_value(text, start, quoted_only=quoted_only)
        if not value:
            continue
        line = lines(start)
        found.live_ports += _live(line, value) if is_port else []
        kind = rules.kind_of(name, value)
        if kind is not None:
            found.secrets.append(_secret(line, kind, name, len(value)))
            covered.add((kind, line))
            position = start + len(value)  # what looks like an entry in there is part of the secret
    found.secrets += _shapes(text, covered)
    found.account_ids += [_account(lines(match.start()), match.group()) for match in _ACCOUNT.finditer(text)]
    found.live_ports += [
        {"line": lines(start), "port": port} for start, port in addresses("" if quoted_only else text)
    ]
    return found


def _entries(text: str, quoted_only: bool) -> Iterator[tuple[str, int]]:
    """Names, and where what they are given begins, in the order of the text."""
    matches = [_ENTRY.finditer(text), *([] if quoted_only else [_PAIR.finditer(text)])]
    for match in heapq.merge(*matches, key=re.Match.end):
        yield match.group(1), match.end()


def _live(line: int, number: str) -> list[dict[str, Any]]:
    """The live port that a number in a file of settings is."""
    with suppress(ValueError):
        port = LIVE_PORTS.get(int(number, 0))
        return [] if port is None else [{"line": line, "port": port}]
    return []


def _text_value(text: str, start: int, *, quoted_only: bool) -> str | None:
    block = None if quoted_only else _TRIPLE.match(text, start) or _BLOCK.match(text, start)
    if block is not None:
        return next(part for part in block.groups() if part is not None).strip()
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        return quoted.group(1) if quoted.group(1) is not None else quoted.group(2)
    if quoted_only:
        return None
    bare = _BARE.match(text, start, start + _LONGEST_BARE)
    if bare is None or bare.group()[0] in _UNQUOTABLE or bare.group().lower() in _YAML_NOTHING:
        return None
    return bare.group()
