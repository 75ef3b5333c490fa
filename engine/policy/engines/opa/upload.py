"""Puts a bundle into a shared OPA server under a namespace of its own, and removes it again.

OPA has namespaces for the ids of policies, not for packages and data, so the modules are rewritten: package
``gate.stage1`` becomes ``gate_run.<random>.gate.stage1``, and every reference to ``data`` likewise. What OPA
then understood is checked in its own syntax tree: a reference that leads out of the namespace is refused.
Modules of one package become one, without their comments; data becomes rules of one last module. That module
calls a function which was added to every other one, so it compiles only where all of them are, and all
questions go through it: a server, or one of several replicas, either has the whole bundle or does not answer
(ADR 19).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from msgspec import Struct

from .....evidence.base.errors import PolicyError
from ...annotations import map_code
from ...interface import Bundle
from .client import Client

ROOT = "gate_run"
_HERE = "gate_module_"
_ENTRY = "gate_entry.rego"
_PACKAGE = re.compile(r"^[ \t]*package[ \t]+([\w.]+)", re.MULTILINE)
_DATA = re.compile(r"(?<![\w.])data\.(?=[A-Za-z_])")
_IMPORT = re.compile(r"^[ \t]*import\b", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")


def packages_of(bundle: Bundle) -> frozenset[str]:
    """The names of the bundle's packages."""
    return frozenset(_package(path, source) for path, source in bundle.modules.items())


def _package(path: str, source: str) -> str:
    found: list[str] = []

    def look(code: str) -> str:
        found.extend(_PACKAGE.findall(code))
        return code

    map_code(source, look)
    if len(found) != 1:
        raise PolicyError("the package's name is not a plain one", path=path, remedy="write package gate.…")
    return found[0]


class _File(Struct):
    """Modules of one package as one; ``parts`` has the first line of each with its path.

    The function ``sentinel``, which is added to it, is nowhere else.
    """

    package: str
    sentinel: str
    text: str
    parts: list[tuple[int, str]]


def _merged(bundle: Bundle, namespace: str) -> dict[str, _File]:
    """The rewritten modules by path, those of one package together.

    The server compiles everything at every upload, so few files matter. Imports hold for one module only:
    where there are any, it stays alone.
    """
    files: dict[str, _File] = {}
    for path, source in bundle.modules.items():
        package = _package(path, source)
        code = map_code(source, lambda code: _DATA.sub(f"data.{namespace}.", _PACKAGE.sub("", code)))
        key = f"{path if _IMPORT.search(code) else package.replace('.', '/')}.rego"
        file = files.get(key)
        if file is None:
            sentinel = f"{_HERE}{len(files)}"
            file = files[key] = _File(package, sentinel, f"package {namespace}.{package}\n", [])
        file.parts.append((file.text.count("\n") + 1, path))
        file.text += code.rstrip("\n") + "\n"
    return files


class Upload:
    """One bundle in one server.

    Attributes:
        namespace: the package below which everything is.
    """

    def __init__(self, bundle: Bundle, client: Client) -> None:
        self.namespace = f"{ROOT}.r{secrets.token_hex(8)}"
        self._bundle = bundle
        self._client = client
        self._put: list[str] = []
        self._files = _merged(bundle, self.namespace)

    def path(self, package: str | None = None) -> str:
        """Where the value of a package is, or (without one) whether the upload is complete."""
        name = "complete" if package is None else f"answer/{_key(package)}"
        return f"{self.namespace.replace('.', '/')}/{name}"

    def put(self, deadline: float) -> None:
        """Give the server all modules.

        Raises PolicyError: one does not compile, or leads out of the namespace.
        """
        self._client.locate = self._locate
        waiting = {path: f"{file.text}\n{file.sentinel}(_) := true\n" for path, file in self._files.items()}
        while waiting:
            errors, before = [], len(waiting)
            for path in list(waiting):
                try:
                    self._put_one(path, waiting[path], deadline)
                except PolicyError as error:
                    # what it calls may not be there yet
                    if "undefined function" not in error.what:
                        raise
                    errors.append(error)
                else:
                    del waiting[path]
            if len(waiting) == before:
                raise errors[0]
        self._put_one(_ENTRY, self._entry(), deadline)

    def _put_one(self, path: str, source: str, deadline: float) -> None:
        name = quote(f"{self.namespace.replace('.', '/')}/{path}")
        self._client.put(name, source, deadline)
        self._put.append(name)
        tree = self._client.policy(name, deadline).get("ast")
        if not isinstance(tree, dict) or "package" not in tree:
            raise self._client.problem("does not show how it understood a module", "use OPA 1.0 or later")
        for inside in _outside(tree, self.namespace.split(".")):
            what = f"the reference {inside} cannot be moved to a namespace"
            remedy = "write full references such as data.gate.lib.…, or load the bundle into the server"
            raise PolicyError(what, path=path, remedy=remedy)

    def remove(self, deadline: float) -> None:
        """Remove what was put there, last first, since the server keeps what is still called."""
        while self._put:
            self._client.delete(self._put[-1], deadline)
            self._put.pop()

    def _locate(self, path: str, line: int) -> tuple[str, int]:
        """The place in the bundle's own module."""
        file = self._files.get(unquote(path).removeprefix(f"{self.namespace.replace('.', '/')}/"))
        if file is None:
            return path, line
        first, module = next(part for part in reversed(file.parts) if part[0] <= line)
        return module, line - first + 1

    def _entry(self) -> str:
        """The module that all questions go through."""
        packages = packages_of(self._bundle)
        lines = [f"package {self.namespace}\n"]
        lines += [
            f"answer[{json.dumps(_key(name))}] := data.{self.namespace}.{name}\n" for name in sorted(packages)
        ]
        lines += [
            f"{_reference(path)} := {json.dumps(value)}\n"
            for path, value in _mounts(self._bundle.data, packages)
        ]
        calls = [
            f"\tdata.{self.namespace}.{file.package}.{file.sentinel}(0)" for file in self._files.values()
        ]
        return "\n".join([*lines, "complete if {", *calls, "}", ""])


def _key(package: str) -> str:
    """The package's name as one part of a path in which the client makes every point a slash."""
    return package.replace(".", ":")


def _mounts(
    data: dict[str, Any], packages: frozenset[str], at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The parts of the data that no package lies below, with their paths."""
    for key, value in data.items():
        path = (*at, key)
        prefix = ".".join(path) + "."
        if isinstance(value, dict) and any(name.startswith(prefix) for name in packages):
            yield from _mounts(value, packages, path)
        else:
            yield path, value


def _reference(path: tuple[str, ...]) -> str:
    first, *rest = path
    if not _NAME.fullmatch(first):
        remedy = "begin it with a letter and use letters, digits and _, or load the bundle into the server"
        raise PolicyError(f"the data key {first[:80]!r} cannot be uploaded", path="data.yaml", remedy=remedy)
    return first + "".join(f"[{json.dumps(key)}]" for key in rest)


def _outside(tree: Any, namespace: list[str]) -> Iterator[str]:
    """References to data in OPA's syntax tree that do not begin with the namespace."""
    if isinstance(tree, list):
        if tree and _is_data(tree[0]):
            begin = [(term.get("type"), term.get("value")) for term in tree[1 : len(namespace) + 1]]
            if begin != [("string", name) for name in namespace]:
                yield ".".join(["data", *(str(value) for _, value in begin)])
            tree = tree[1:]
        for item in tree:
            yield from _outside(item, namespace)
    elif _is_data(tree):
        yield "data"
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _outside(item, namespace)


def _is_data(tree: Any) -> bool:
    return isinstance(tree, dict) and (tree.get("type"), tree.get("value")) == ("var", "data")
