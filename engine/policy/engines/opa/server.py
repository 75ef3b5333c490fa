"""Asks an OPA server that somebody runs: about policies that are in it, or that are put there for the time.

Where the server has packages of the bundle's, they must be the bundle's: loaded as a bundle of the same
revision, with the same modules and data. Every answer must then rest on that revision; one that another
replica gives carries its own. Otherwise the bundle is uploaded (see :mod:`.upload`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Self

from .....evidence.base.activity import Log
from .....evidence.base.errors import EngineError, GateError
from .....evidence.base.limits import DEFAULT, Limits
from ...interface import Bundle, check_defined
from .client import Answer, Client
from .upload import Upload, packages_of

_log = Log(__name__)
_NOWHERE = "gate_run/nothing"


class ServerEngine:
    """A :class:`~gate.engine.policy.interface.PolicyEngine` over a server that somebody runs."""

    name = "opa"

    def __init__(self, bundle: Bundle, client: Client, limits: Limits = DEFAULT) -> None:
        self._bundle = bundle
        self._limits = limits
        self._client = client
        self._version: str | None = None
        self._owner: str | None = None
        self._upload: Upload | None = None

    @property
    def version(self) -> str:
        """The version that the server states. Raises EngineError: it does not answer."""
        if self._version is None:
            deadline = time.monotonic() + self._limits.policy_seconds
            self._version = self._client.ask(_NOWHERE, {}, deadline).version
        return self._version

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._remove()
        finally:
            self._client.close()

    def evaluate(self, packages: Sequence[str], document: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """See :meth:`gate.engine.policy.interface.PolicyEngine.evaluate`."""
        began = time.monotonic()
        deadline = began + self._limits.policy_seconds
        if self._owner is None and self._upload is None:
            self._place(deadline)
        values = {}
        for package in packages:
            path = package.replace(".", "/") if self._upload is None else self._upload.path(package)
            answer = self._client.ask(path, document, deadline)
            self._check(answer)
            values[package] = answer.value
        _log.info("asked %s: %.0f ms", ", ".join(packages), 1000 * (time.monotonic() - began))
        if self._upload is not None and None in values.values():
            self._check_uploaded(deadline)
        return check_defined(packages, values)

    def _place(self, deadline: float) -> None:
        """Find the bundle in the server, or put it there."""
        wanted = packages_of(self._bundle)
        found = {}
        for module in self._client.policies(deadline):
            package = _package(module)
            if package in wanted:
                found[str(module.get("id"))] = str(module.get("raw"))
        if not found:
            upload = Upload(self._bundle, self._client)
            try:
                upload.put(deadline)
            except GateError:
                with suppress(GateError):
                    upload.remove(time.monotonic() + self._limits.policy_seconds)
                raise
            self._upload = upload
            return
        owner, revision = self._find_owner(deadline)
        if revision != self._bundle.version:
            raise self._other(f"has revision {revision[:80]} of it")
        if sorted(found.values()) != sorted(self._bundle.modules.values()):
            raise self._other("has other modules in its packages")
        self._check_data(deadline)
        self._owner = owner

    def _find_owner(self, deadline: float) -> tuple[str, str]:
        """Name and revision of the server's bundle that the packages are from."""
        bundles = self._client.ask("system/bundles", {}, deadline).value
        for name, entry in (bundles or {}).items() if isinstance(bundles, dict) else ():
            manifest = entry.get("manifest") if isinstance(entry, dict) else None
            if isinstance(manifest, dict):
                roots = [str(root).strip("/").replace("/", ".") for root in manifest.get("roots") or [""]]
                if all(any(_below(package, root) for root in roots) for package in packages_of(self._bundle)):
                    return str(name), str(manifest.get("revision", ""))
        what = "has the packages, but not from one bundle, so that they could change unnoticed"
        remedy = "start it with `opa run --server --bundle`, or remove them and gate uploads its own"
        raise self._client.problem(what, remedy)

    def _check_data(self, deadline: float) -> None:
        """Compare the data below the bundle's own top-level names with what the server has."""
        packages = packages_of(self._bundle)
        for top in sorted({package.partition(".")[0] for package in packages} | self._bundle.data.keys()):
            there = self._client.ask(top, {}, deadline).value
            if not _same(self._bundle.data.get(top, {}), {} if there is None else there, (top,), packages):
                raise self._other(f"has other data below {top}")

    def _other(self, what: str) -> EngineError:
        name = f"{self._bundle.name} {self._bundle.version} ({self._bundle.digest[:12]}…)"
        return self._client.problem(
            f"does not have the bundle {name}: it {what}",
            "load exactly this bundle into it, without test modules, or judge by the one it has (--policy)",
        )

    def _check(self, answer: Answer) -> None:
        """Refuse an answer of another revision, or of a server of another version than the answers before."""
        if self._owner is not None and answer.revisions.get(self._owner) != self._bundle.version:
            place = answer.revisions.get(self._owner, "none")
            self._owner = None
            raise self._other(f"answered with revision {place[:80]}")
        if self._version not in (None, answer.version):
            before, self._version = self._version, None
            what = f"answered as version {before}, then as {answer.version}"
            raise self._client.problem(what, "try again once all replicas have one version")
        self._version = answer.version

    def _check_uploaded(self, deadline: float) -> None:
        """Tell a server that lost the upload from a package that is undefined."""
        assert self._upload is not None  # noqa: S101 - asked by the only caller
        if self._client.ask(self._upload.path(), {}, deadline).value is not True:
            self._upload = None
            raise self._client.problem(
                "no longer has the policies that were uploaded",
                "try again if it was restarted; replicas behind one address must load the bundle themselves",
            )

    def _remove(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            try:
                upload.remove(time.monotonic() + self._limits.policy_seconds)
            except GateError as error:
                _log.info("the upload %s was not removed: %s", upload.namespace, error.what)


def _package(module: dict[str, Any]) -> str:
    try:
        return ".".join(str(term["value"]) for term in module["ast"]["package"]["path"][1:])
    except (KeyError, TypeError, IndexError):
        return ""


def _below(package: str, root: str) -> bool:
    return not root or package == root or package.startswith(f"{root}.")


def _same(ours: Any, there: Any, path: tuple[str, ...], packages: frozenset[str]) -> bool:
    """Whether the data is the same, apart from what the packages themselves define."""
    name = ".".join(path)
    if name in packages:
        return True
    if not any(package.startswith(f"{name}.") for package in packages):
        return bool(ours == there)
    if not isinstance(ours, dict) or not isinstance(there, dict):
        return False
    return all(
        _same(ours.get(key, {}), there.get(key, {}), (*path, key), packages)
        for key in ours.keys() | there.keys()
    )
