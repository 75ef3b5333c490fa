"""Where the log key comes from: the variable GATE_LOG_KEY, an ssh-agent, or the user's key file.

GATE_LOG_KEY is the private key itself, as PEM (PKCS #8) or OpenSSH text, for secrets of a CI system; or, to
have an ssh-agent sign, the public key or its fingerprint.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ..base.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from .keys import LogKey

VARIABLE: Final = "GATE_LOG_KEY"
_MOST: Final = 16_384
_taken: str | None = None


def take_variable() -> None:
    """Take the variable out of the environment, so that no program which gate starts gets it."""
    global _taken
    _taken = os.environ.pop(VARIABLE, None)


def find_log_key(config_dir: Path) -> tuple[LogKey, bool]:
    """The log key, made in ``config_dir`` where there is none: (key, whether it is new).

    Raises ConfigError: GATE_LOG_KEY is no Ed25519 key; EnvironmentProblem: the agent does not have it; as
    `keys.load_or_create_log_key`.
    """
    from .keys import load_or_create_log_key

    given = given_log_key()
    return load_or_create_log_key(config_dir) if given is None else (given, False)


def given_log_key() -> LogKey | None:
    """The log key that GATE_LOG_KEY is or names; None without it. Raises as `find_log_key`."""
    text = (_taken or "").strip()
    if not text:
        return None
    if len(text) > _MOST:
        raise _wrong("is too large for a key")
    if text.startswith("-----BEGIN "):
        return _private(text)
    from .agent import agent_key

    return agent_key(_fingerprint(text), os.environ.get("SSH_AUTH_SOCK"))


def _fingerprint(text: str) -> str:
    """The fingerprint of a public key, which the text is or states."""
    import base64
    import binascii

    from .sshsig import key_fingerprint

    words = text.split()
    if len(words) == 1 and text.startswith("SHA256:"):
        return text
    try:
        if words[0] != "ssh-ed25519":
            raise ValueError
        return key_fingerprint(base64.b64decode(words[1], validate=True))
    except (ValueError, IndexError, binascii.Error):
        raise _wrong("is neither a private key in PEM or OpenSSH form, nor a public Ed25519 key") from None


def _private(text: str) -> LogKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    from .keys import LogKey

    load = load_ssh_private_key if text.startswith("-----BEGIN OPENSSH") else load_pem_private_key
    try:
        key = load((text + "\n").encode(), None)
    except TypeError:
        raise _wrong("is an encrypted key") from None
    except (ValueError, UnsupportedAlgorithm):  # their texts may quote the key
        raise _wrong("cannot be read as a private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _wrong("is no Ed25519 key")
    return LogKey(key)


def _wrong(what: str) -> ConfigError:
    return ConfigError(
        f"the environment variable {VARIABLE} {what}",
        place=VARIABLE,
        remedy="set it to an unencrypted Ed25519 key as `ssh-keygen -t ed25519` or `openssl genpkey` writes "
        "it, to the public key of one in your ssh-agent, or unset it",
    )
