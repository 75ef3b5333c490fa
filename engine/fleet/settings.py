"""Reads the file that names the ledgers of a fleet. Paths in it are relative to its own directory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Struct

from ...evidence.base.errors import ConfigError, EvidenceError, UsageError
from ...evidence.base.limits import DEFAULT
from ...evidence.base.settings import Bounded, S, Settings, Text, setting
from ...evidence.reading.parse import decode_text
from ...evidence.reading.workspace.named import read_named
from ...evidence.reading.yaml_reader import parse_yaml
from ...evidence.signing.keys import VerifierKey
from ...evidence.signing.problems import SignatureError
from ..config.settings import read_settings
from ..ledger import LEDGERS
from ..ledger.keychain import Admins

SCHEMA: Final = "fleet"
"""The contract of the file, generated from the classes below."""
STAGE: Final = "stage8"
_EXISTING: Final = "name an existing file"
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")

Name = Annotated[str, Bounded(pattern=_NAME)]


@dataclass(frozen=True, slots=True)
class MemberSettings(Settings):
    """One ledger."""

    name: Name = setting("What to call it: letters, digits and . _ / - only.")
    ledger: Text = setting("Its directory or URL.")
    evidence: Text | None = setting("URL of the evidence store; it lies with the ledger if absent.", None)
    key: Text | None = setting("The log's verifier key; the ledger's own word is taken if absent.", None)
    key_admins: Text | None = setting(
        "File with the log's first key admins, in OpenSSH's allowed_signers format.", None
    )
    key_threshold: int | None = setting("How many of them must sign a key event.", None)
    owner: Text | None = setting("Who answers for it.", None)


@dataclass(frozen=True, slots=True)
class FleetSettings(Settings):
    """The whole of the file."""

    ledgers: list[MemberSettings] = setting("The ledgers, each with a name.")
    version: Literal[1] = setting("Version of this file's format.", 1)
    stage: Text = setting("The stage whose verdict says who may go live.", STAGE)


class Member(Struct, frozen=True):
    """A ledger of the fleet: its name, where it is, and whom to believe about its keys."""

    name: str
    url: str
    evidence: str | None = None
    key: VerifierKey | None = None
    admins: Admins | None = None
    owner: str | None = None


class Fleet(Struct, frozen=True):
    """The ledgers by name in their order, and the stage whose verdict says who may go live."""

    members: tuple[Member, ...]
    stage: str = STAGE


def open_fleet(file: Path | None, named: Sequence[str]) -> Fleet:
    """The fleet of a file, and ledgers named on the command line as ``NAME=URL``.

    Raises UsageError: there is none, or a name is malformed; ConfigError: the file is absent or malformed,
    two ledgers have one name, or nobody serves the scheme of a URL.
    """
    fleet = Fleet(()) if file is None else _load(file)
    members = [*fleet.members, *map(_named, named)]
    if not members:
        raise UsageError("no ledger is named", remedy="give a fleet file, or --ledger NAME=URL")
    seen = set[str]()
    for one in members:
        if one.name in seen:
            what = f"two ledgers are called {one.name}"
            remedy = "give each a name of its own"
            raise ConfigError(what, path=None if file is None else str(file), remedy=remedy)
        seen.add(one.name)
        LEDGERS.find(one.url)
    return Fleet(tuple(members), fleet.stage)


def _named(text: str) -> Member:
    name, _, url = text.partition("=")
    if not re.fullmatch(_NAME, name) or not url:
        remedy = "write NAME=URL; a name has letters, digits and . _ / - only"
        raise UsageError(f"--ledger {text[:80]!r} does not name a ledger", remedy=remedy)
    return Member(name, url)


def _load(path: Path) -> Fleet:
    stated = read_file(FleetSettings, path, SCHEMA)
    return Fleet(tuple(member(one, path) for one in stated.ledgers), stated.stage)


def read_file(kind: type[S], path: Path, name: str) -> S:
    """The settings in a file. Raises ConfigError: it is absent or malformed.

    Args:
        name: of the file's contract, and of the page about it.
    """
    value: Any = parse_yaml(
        read_named(path, ConfigError, _EXISTING), str(path), DEFAULT, error_type=ConfigError
    )
    try:
        return read_settings(kind, {} if value is None else value, (), str(path), name)
    except ConfigError as error:
        remedy = f"write it as `gate docs {name}` says"
        raise ConfigError(error.what, path=error.path, place=error.place, remedy=remedy) from error


def member(one: MemberSettings, path: Path) -> Member:
    """A ledger as a settings file states it.

    Args:
        path: of the file, to whose directory its paths are relative.

    Raises ConfigError: its key or key admins cannot be used.
    """

    def wrong(what: str, remedy: str) -> ConfigError:
        return ConfigError(what, path=str(path), place=f"ledger {one.name}", remedy=remedy)

    key = admins = None
    if one.key is not None:
        try:
            key = VerifierKey.parse(one.key)
        except SignatureError as error:
            raise wrong(f"key: {error.reason}", "give the line of trust/log.vkey") from error
    if (one.key_admins is None) != (one.key_threshold is None):
        raise wrong("key_admins and key_threshold belong together", "set both, or neither")
    if one.key_admins is not None and one.key_threshold is not None:
        named = path.parent / one.key_admins
        try:
            text = decode_text(read_named(named, ConfigError, _EXISTING), str(named))
            admins = Admins.parse(text, one.key_threshold, str(named))
        except EvidenceError as error:
            raise ConfigError(error.what, path=str(named), place=error.place, remedy=error.remedy) from error
    evidence = None if one.evidence is None else _beside(path, one.evidence)
    return Member(one.name, _beside(path, one.ledger), evidence, key, admins, one.owner)


def _beside(path: Path, url: str) -> str:
    """A URL, whose path is relative to the file's directory where it is a relative one."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return str(path.parent / url)
    rest = url[scheme.end() :]
    if scheme[1].lower() == "file" and rest and not rest.startswith("/"):
        return f"file:{path.parent / rest}"
    return url
