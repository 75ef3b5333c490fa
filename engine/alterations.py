"""Lists what a change alters in settings, signers, roles and policies, compared with the trust ref."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..evidence.base.canonical import sha256_hex
from ..evidence.base.errors import ConfigError, EvidenceError, masked
from ..evidence.base.limits import DEFAULT
from ..evidence.base.times import format_utc
from ..evidence.reading.workspace import Workspace
from ..evidence.reading.yaml_reader import parse_yaml
from ..evidence.signing.allowed_signers import AllowedSigner, AllowedSigners
from .config.settings import FILE, parse_config
from .decision.document import Alteration
from .trust import Authority, commit_file, commit_files

MOST = 200
"""At most so many alterations are listed, and one more that counts the rest."""


def alterations(root: Path, authority: Authority) -> tuple[Alteration, ...]:
    """What the workspace alters in settings, signers, roles, policies and approved copies.

    Nothing without a trust ref, as there is nothing to compare with.
    """
    if authority.trust.ref is None:
        return ()
    found = list(_Comparison(root, authority).all())
    if len(found) > MOST:
        found[MOST:] = [Alteration("more", f"{len(found) - MOST} more alterations, not listed")]
    return tuple(Alteration(masked(one.name), masked(one.text)) for one in found)


class _Comparison:
    def __init__(self, root: Path, authority: Authority) -> None:
        assert authority.trust.ref is not None  # noqa: S101 - for the type checker: asked by the only caller
        self._commit = authority.trust.ref.commit
        self._workspace = Workspace(root)
        self._root = self._workspace.root

    def all(self) -> Iterator[Alteration]:
        raw = commit_file(self._root, self._commit, FILE)
        before, base = _mapping(raw), parse_config(raw, self._root)[0]
        after = self._settings()
        if isinstance(after, Alteration):
            yield after
            after = before
        yield from _settings("", before, after)
        # what the base's own settings name, also where an operator's are in force: the next change may be
        # judged by these
        yield from self._signers(base.allowed_signers, after)
        for path in (base.revoked_keys, base.attesters):
            if path is not None:
                yield from self._changed(path)
        for path in (base.policy.signer, base.policy.bundle):
            if path is not None and commit_file(self._root, self._commit, path) is not None:
                yield from self._changed(path)
        folders = [base.policy.bundle] if base.policy.bundle else []
        copies = (options.get("approved_copy") for options in base.evidence.values())
        for folder in dict.fromkeys([*folders, *(copy for copy in copies if isinstance(copy, str))]):
            yield from self._files(folder.rstrip("/"))

    def _settings(self) -> Mapping[str, Any] | Alteration:
        try:
            return _mapping(self._read(FILE))
        except (ConfigError, EvidenceError) as error:
            return Alteration(FILE, f"{FILE} cannot be read: {error.what}")

    def _read(self, path: str) -> bytes | None:
        if not self._workspace.is_file(path):
            return None
        return self._workspace.read(path, DEFAULT.text_bytes)[0]

    def _signers(self, path: str, settings: Mapping[str, Any]) -> Iterator[Alteration]:
        try:
            after = self._read(path)
        except EvidenceError as error:
            yield Alteration(path, f"{path} cannot be read: {error.what}")
            return
        before = commit_file(self._root, self._commit, path)
        if before == after:
            return
        try:
            old, new = (_lines(data, path) for data in (before, after))
        except EvidenceError as error:
            yield Alteration(path, f"{path} differs and cannot be read: {error.what}")
            return
        roles = settings.get("roles")
        for word, lines, signers in (
            ("added", new.keys() - old.keys(), new),
            ("removed", old.keys() - new.keys(), old),
        ):
            for line in sorted(lines):
                yield Alteration(path, f"{word} signer {line}{_for(signers[line].principals, roles)}")

    def _changed(self, path: str) -> Iterator[Alteration]:
        try:
            same = self._read(path) == commit_file(self._root, self._commit, path)
        except EvidenceError as error:
            yield Alteration(path, f"{path} cannot be read: {error.what}")
        else:
            if not same:
                yield Alteration(path, f"changed {path}")

    def _files(self, folder: str) -> Iterator[Alteration]:
        before = {p: sha256_hex(data) for p, data in commit_files(self._root, self._commit, folder).items()}
        inside = [path for path in self._workspace.inventory() if path.startswith(f"{folder}/")]
        after = {path.removeprefix(f"{folder}/"): self._workspace.file_digest(path) for path in inside}
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                word = "added" if path not in before else "removed" if path not in after else "changed"
                yield Alteration(f"{folder}/{path}", f"{word} {folder}/{path}")


def _mapping(raw: bytes | None) -> Mapping[str, Any]:
    value = {} if raw is None else parse_yaml(raw, FILE, DEFAULT, error_type=ConfigError)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError("is not a mapping of settings", path=FILE, remedy="write it as name: value lines")
    return value


def _settings(place: str, before: Any, after: Any) -> Iterator[Alteration]:
    """One alteration for each setting that differs; mappings are compared key by key."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            inner = f"{place}.{key}" if place else str(key)
            yield from _settings(inner, before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif before != after:
        if before is _ABSENT:
            text = f"added setting {place}: {_short(after)}"
        elif after is _ABSENT:
            text = f"removed setting {place}, was {_short(before)}"
        else:
            text = f"changed setting {place} from {_short(before)} to {_short(after)}"
        yield Alteration(f"gate.yaml {place}", text)


_ABSENT = object()


def _short(value: Any) -> str:
    """The value in a few words; of a mapping only its keys, since variables of commands may hold secrets."""
    text = ", ".join(map(str, value)) if isinstance(value, (list, Mapping)) else str(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _lines(data: bytes | None, path: str) -> dict[str, AllowedSigner]:
    text = (data or b"").decode("utf-8", "replace")
    return {_described(one): one for one in AllowedSigners.parse(text, path).signers}


def _described(signer: AllowedSigner) -> str:
    limits = [] if signer.namespaces is None else [f"namespaces {', '.join(signer.namespaces)}"]
    if (signer.valid_from_s, signer.valid_until_s) != (None, None):
        ends = (signer.valid_from_s, signer.valid_until_s)
        limits.append(f"valid {' – '.join('' if one is None else format_utc(one) for one in ends)}".strip())
    return " ".join([signer.key.fingerprint, f"({', '.join(signer.principals)})", *limits])


def _for(principals: Sequence[str], roles: Any) -> str:
    """The roles that some of the principals have."""
    named = roles if isinstance(roles, Mapping) else {}
    found = [
        str(role)
        for role, people in named.items()
        if isinstance(people, list) and set(principals) & set(map(str, people))
    ]
    return f" for {', '.join(found)}" if found else ""
