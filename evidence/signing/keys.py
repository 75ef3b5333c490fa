"""The log's private key, and how its public half is written down.

The private key is an unencrypted PKCS #8 PEM file (`openssl pkey -in log-key.pem -pubout` reads it) in the
user's configuration directory, never in a workspace. It is refused when anybody else could read or replace
it. POSIX only: owner and permission bits are what protects it.

Key material never appears in errors, `repr` or logs; a key is named by its SSH fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ..base.atomic import write_at
from ..base.errors import EnvironmentProblem
from . import ed25519
from .problems import Flaw
from .sshsig import ed25519_blob, key_fingerprint

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE: Final = "log-key.pem"
NEXT_FILE: Final = "log-key.next.pem"
"""A new key that waits for the key admins to put it in the place of the other."""
_MAX_KEY_BYTES: Final = 4096
_ALGORITHM: Final = b"\x01"  # C2SP signed-note: plain Ed25519
# RFC 8410 section 7: everything of a PKCS #8 Ed25519 key before its 32 secret bytes. Reading this one shape
# ourselves spares the recording path the import of the whole serialization module.
_PKCS8: Final = bytes.fromhex("302e020100300506032b657004220420")
_NAME: Final = re.compile(r"[!-*,-~]+")


class VerifierKey(Struct, frozen=True):
    """A log's public key with the log's name, as C2SP signed-note writes it.

    Attributes:
        name: the log's origin: printable ASCII without blanks and `+`.
        public: the raw 32-byte Ed25519 key.
        algorithm: what it signs, one byte: 1 for notes, 4 for cosignatures of a witness.
    """

    name: str
    public: bytes
    algorithm: bytes = _ALGORITHM

    def __post_init__(self) -> None:
        """Raises SignatureError for a name that a note cannot carry, or a weak key."""
        if not _NAME.fullmatch(self.name):
            raise Flaw.MALFORMED("a log's name is printable ASCII without blanks and +")
        ed25519.check_public_key(self.public)

    @classmethod
    def parse(cls, text: str, algorithm: bytes = _ALGORITHM) -> VerifierKey:
        """Read `name+hash+base64`. Raises SignatureError: MALFORMED, UNSUPPORTED or WEAK_KEY."""
        name, _, rest = text.strip().partition("+")
        _, _, encoded = rest.partition("+")
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            data = b""
        if len(data) < 2:
            raise Flaw.MALFORMED("this is not a verifier key of the form name+hash+base64")
        if data[:1] != algorithm:
            raise Flaw.UNSUPPORTED(f"verifier key algorithm {data[0]} is not accepted")
        key = cls(name, data[1:], algorithm)
        if str(key) != text.strip():
            raise Flaw.MALFORMED(f"the verifier key's hash is not {key.hash.hex()}")
        return key

    @property
    def identity(self) -> bytes:
        """SHA-256 over name, line feed, algorithm and key: which log and which key, in 32 bytes."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.algorithm + self.public).digest()

    @property
    def hash(self) -> bytes:
        """The first four bytes of `identity`, which stand before every note signature."""
        return self.identity[:4]

    @property
    def fingerprint(self) -> str:
        """`SHA256:…` over the SSH form of the key, as ssh-keygen prints it."""
        return key_fingerprint(ed25519_blob(self.public))

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(self.algorithm + self.public).decode()}"


class LogKey:
    """The private Ed25519 key that signs ledger lines and checkpoints. Shows only its fingerprint."""

    __slots__ = ("_private", "fingerprint", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        """The raw 32-byte public key."""
        self.fingerprint = key_fingerprint(ed25519_blob(self.public))
        """`SHA256:…`, as ssh-keygen prints it."""

    @classmethod
    def generate(cls) -> LogKey:
        """A new key from the system's random source."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> LogKey:
        """The key of a 32-byte secret. Raises ValueError for another length."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of `message`; the same for the same message."""
        return self._private.sign(message)

    def verifier(self, name: str) -> VerifierKey:
        """The public half under a log's name."""
        return VerifierKey(name, self.public)

    def _pem(self) -> bytes:
        encoded = base64.b64encode(_PKCS8 + self._private.private_bytes_raw())
        return b"-----BEGIN PRIVATE KEY-----\n" + encoded + b"\n-----END PRIVATE KEY-----\n"

    def __repr__(self) -> str:
        return f"<LogKey {self.fingerprint}>"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not to be copied or stored")


def load_or_create_log_key(config_dir: Path, name: str = KEY_FILE) -> tuple[LogKey, bool]:
    """The log key of `config_dir`, made there when there is none: (key, whether it is new).

    Two processes that both find none end up with the same key. Raises EnvironmentProblem when the key or its
    directory is not safe, cannot be read or cannot be written.
    """
    with _problems(config_dir):
        config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _directory(config_dir) as directory:
            if directory is not None:
                if (key := _read(config_dir, directory, name)) is not None:
                    return key, False
                made = LogKey.generate()
                with suppress(FileExistsError):  # another process was faster
                    write_at(directory, name, made._pem(), mode=0o600, replace=False)
                    return made, True
                if (key := _read(config_dir, directory, name)) is not None:
                    return key, False
            raise _problem(config_dir / name, "was removed while it was used", "try again")


def load_log_key(config_dir: Path, name: str = KEY_FILE) -> LogKey | None:
    """The log key of `config_dir`; None when there is none. Raises as `load_or_create_log_key`."""
    with _problems(config_dir), _directory(config_dir) as directory:
        return None if directory is None else _read(config_dir, directory, name)


def put_next_in_place(config_dir: Path) -> str | None:
    """Make the next key the log key; the name that the old one keeps, None where there was none.

    Raises as `load_or_create_log_key`.
    """
    old = load_log_key(config_dir)
    kept = None if old is None else f"log-key.{hashlib.sha256(old.public).hexdigest()[:16]}.pem"
    with _problems(config_dir), _directory(config_dir) as directory:
        if directory is None:
            raise _problem(config_dir, "was removed while it was used", "try again")
        if kept is not None:
            with suppress(FileExistsError):  # a name of its own for each key: it is the same one
                os.link(KEY_FILE, kept, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False)
        os.rename(NEXT_FILE, KEY_FILE, src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)
    return kept


def _read(config_dir: Path, directory: int, name: str) -> LogKey | None:
    path = config_dir / name
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as stream:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise _problem(path, "is not a regular file", "move it away, then run again to get a new key")
        if state.st_uid != os.geteuid():
            raise _problem(path, "belongs to another user", "use a configuration directory of your own")
        if state.st_mode & 0o077:
            raise _problem(path, "can be read by other users", f"chmod 600 {path}, or begin with a new key")
        text = stream.read(_MAX_KEY_BYTES + 1)
    lines = text.split(b"\n")
    try:
        der = base64.b64decode(b"".join(lines[1:-2]), validate=True)
    except binascii.Error:
        der = b""
    framed = lines[0] == b"-----BEGIN PRIVATE KEY-----" and lines[-2:] == [b"-----END PRIVATE KEY-----", b""]
    if not framed or len(der) != len(_PKCS8) + 32 or not der.startswith(_PKCS8):
        raise _problem(
            path, "is no unencrypted Ed25519 key in PKCS #8 PEM form", "restore it from your backup"
        )
    return LogKey.from_seed(der[len(_PKCS8) :])


@contextmanager
def _directory(config_dir: Path) -> Iterator[int | None]:
    try:
        handle = os.open(config_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        state = os.fstat(handle)
        if state.st_uid != os.geteuid():
            raise _problem(config_dir, "belongs to another user", "use a configuration directory of your own")
        if state.st_mode & 0o022:
            raise _problem(config_dir, "can be written by other users", f"chmod go-w {config_dir}")
        yield handle
    finally:
        os.close(handle)


def _problem(path: Path, what: str, remedy: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"the log key's {path.name} {what}", path=str(path), remedy=remedy)


@contextmanager
def _problems(config_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            f"the configuration directory or the log key in it cannot be used: {error.strerror}",
            path=str(config_dir),
            remedy="it must be a directory of yours, not a symbolic link, and so must be the key file; "
            "another place can be named by GATE_CONFIG_DIR",
        ) from None
