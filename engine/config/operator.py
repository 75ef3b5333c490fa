"""Reads the operator's file: settings of whoever runs the gate, which no judged change can alter.

It has the settings of ``gate.yaml`` and a few more. Paths in it are relative to its own directory, and
neither the file nor what it names may lie in the workspace.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from ...evidence.base.canonical import sha256_hex
from ...evidence.base.errors import ConfigError, EvidenceError
from ...evidence.base.limits import DEFAULT
from ...evidence.base.settings import Text, setting
from ...evidence.reading.parse import decode_text
from ...evidence.reading.workspace.named import read_named
from ...evidence.reading.yaml_reader import parse_yaml
from .notify import NotifySettings
from .settings import GateConfig, check_config, check_ledger, read_settings

if TYPE_CHECKING:
    from ..ledger.keychain import Admins

FILE = "operator.yaml"
SCHEMA = "operator"
"""The contract of the file, generated from the class below."""

_MOST_LINKS = 40
"""As many as the system follows."""

Permission = Literal["commands", "plugins", "stage_tests"]


@dataclass(frozen=True, slots=True)
class OperatorConfig(GateConfig):
    """The whole of the operator's file."""

    execute: list[Permission] = setting(
        "What may run code of the workspace: `commands` that gate.yaml declares, "
        "`plugins` that it names, pytest's collection for `stage_tests`. Nothing may if absent.",
        list,
    )
    log_key: Text | None = setting("Verifier key of the only log that decisions may be added to.", None)
    key_admins: Text | None = setting(
        "File with the first key admins, in OpenSSH's allowed_signers format: who decides "
        "which keys sign the log.",
        None,
    )
    key_threshold: int | None = setting("How many of them must sign a key event.", None)
    cluster: Text | None = setting(
        "Dask cluster that judges recorded decisions again and verifies the ledger: "
        "dask://HOST:PORT or tls://HOST:PORT. All cores of this machine do it if absent.",
        None,
    )
    notify: NotifySettings | None = setting(
        "Who is told by `gate notify` what changed; nobody if absent.", None
    )


class Operator(Struct, frozen=True):
    """A loaded operator's file.

    Attributes:
        directory: where it lies; its paths are relative to that.
        config: its settings.
        stated: names of the settings that it has.
        digest: SHA-256 of the file.
    """

    directory: Path
    config: OperatorConfig
    stated: frozenset[str]
    digest: str

    def path(self, name: str, root: Path) -> Path:
        """The path that a setting names.

        Raises ConfigError: it lies in the workspace, so that the judged change could alter it.
        """
        return outside(self.directory / name, root, "what the operator names")

    def read(self, name: str, root: Path) -> bytes:
        """The content of a file that a setting names.

        Raises ConfigError: it is in the workspace, absent, no regular file or too large.
        """
        path = self.path(name, root)
        return read_named(path, ConfigError, "make the file, or correct its name in the operator's file")

    def admins(self, root: Path) -> Admins | None:
        """The first key admins of the log; None where the file names none.

        Raises ConfigError: as `read`; their file is malformed; or one of the two settings is missing.
        """
        name, threshold = self.config.key_admins, self.config.key_threshold
        if name is None and threshold is None:
            return None
        if name is None or threshold is None:
            what = f"{'key_admins' if name is None else 'key_threshold'} is missing"
            remedy = "set key_admins and key_threshold together, or neither"
            raise ConfigError(what, path=str(self.directory / FILE), remedy=remedy)
        from ..ledger.keychain import Admins

        try:
            return Admins.parse(decode_text(self.read(name, root), name), threshold, name)
        except EvidenceError as error:
            raise ConfigError(error.what, path=name, place=error.place, remedy=error.remedy) from error


def load_operator(path: Path, root: Path) -> Operator:
    """The operator's file, or ``operator.yaml`` of the operator's directory.

    Args:
        root: the workspace that is judged.

    Raises ConfigError: it is absent, lies in the workspace, or is malformed.
    """
    file = outside(path / FILE if path.is_dir() else path, root, "the operator's file")
    raw = read_named(file, ConfigError, "name the operator's file, or a directory with operator.yaml")
    value: Any = parse_yaml(raw, str(path), DEFAULT, error_type=ConfigError)
    config = read_settings(OperatorConfig, {} if value is None else value, (), str(path), SCHEMA)
    check_config(config, str(path))
    if not Path(config.ledger.location).is_absolute():
        check_ledger(root, config.ledger, str(path))
    return Operator(file.parent, config, frozenset(value or ()), sha256_hex(raw))


def outside(path: Path, root: Path, what: str) -> Path:
    """The resolved path of something that must not lie in the workspace.

    Raises ConfigError: it is in the workspace, or is reached through a link in there.
    """
    inside, here = root.resolve(), Path(os.path.abspath(path))  # noqa: PTH100 - links are followed one by one
    linked = False
    for _ in range(_MOST_LINKS):
        link = next((part for part in (*reversed(here.parents), here) if part.is_symlink()), None)
        if link is None:
            break
        linked = linked or link.is_relative_to(inside)
        here = Path(os.path.normpath(link.parent / link.readlink() / here.relative_to(link)))
    found = path.resolve()
    if linked or found.is_relative_to(inside):
        raise ConfigError(
            f"{what} lies in the workspace, where the judged change could alter it",
            path=str(path),
            remedy="keep it elsewhere; to judge by the settings of a protected branch, use --trust-ref",
        )
    return found
