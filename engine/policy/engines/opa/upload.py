"""Puts a bundle into a shared OPA server under a namespace of its own, and removes it again.

OPA has namespaces for the ids of policies, not for packages and data, so the modules are rewritten: package
``gate.stage1`` becomes ``gate_run.<random>.gate.stage1``, and every reference to ``data`` likewise. What OPA
then understood is checked in its own syntax tree: a reference that leads out of the namespace is refused.
Data becomes rules of one last module. That module calls a function which was added to every other one, so it
compiles only where all of them are, and all questions go through it: a server, or one of several replicas,
either has the whole bundle or does not answer (ADR 16).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from .....evidence.base.errors import PolicyError
from ...annotations import map_code
from ...interface import Bundle
from .client import Client

ROOT = "gate_run"
_HERE = "gate_module_"
_ENTRY = "gate_entry.rego"
_PACKAGE = re.compile(r"^[ \t]*package[ \t]+([\w.]+)", re.MULTILINE)
_CODE = re.compile(r"(?<![\w.\"\]])(package[ \t]+|data\.)(?=[A-Za-z_])")
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

    def path(self, package: str | None = None) -> str:
        """Where the value of a package is, or (without one) whether the upload is complete."""
        name = "complete" if package is None else f"answer/{_key(package)}"
        return f"{self.namespace.replace('.', '/')}/{name}"

    def put(self, deadline: float) -> None:
        """Give the server all modules.

        Raises PolicyError: one does not compile, or leads out of the namespace.
        """
        waiting = {
            path: f"{self._rewritten(source)}\n\n{_HERE}{number}(_) := true\n"
            for number, (path, source) in enumerate(self._bundle.modules.items())
        }
        while waiting:
            errors = []
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
            if len(errors) == len(waiting) and errors:
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
            raise PolicyError(
                f"the reference {inside} cannot be moved to a namespace",
                path=path,
                remedy="write full references such as data.gate.lib.…, or load the bundle into the server",
            )

    def remove(self, deadline: float) -> None:
        """Remove what was put there, last first, since the server keeps what is still called."""
        while self._put:
            self._client.delete(self._put[-1], deadline)
            self._put.pop()

    def _rewritten(self, source: str) -> str:
        return map_code(source, lambda code: _CODE.sub(rf"\g<1>{self.namespace}.", code))

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
            f"\tdata.{self.namespace}.{_package(path, source)}.{_HERE}{number}(0)"
            for number, (path, source) in enumerate(self._bundle.modules.items())
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
        raise PolicyError(
            f"the data key {first[:80]!r} cannot be uploaded",
            path="data.yaml",
            remedy="begin it with a letter and use letters, digits and _, or load the bundle into the server",
        )
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
