"""Signing with an Ed25519 key that an ssh-agent holds.

Protocol: draft-ietf-sshm-ssh-agent, of which two requests are used: the list of identities, and a signature.
For an Ed25519 key that signature is plain Ed25519 over the bytes as they are, so what an agent signs looks
like what a key file signs. Replies are limited in size and time, and every signature is checked.
"""

from __future__ import annotations

import socket
import time
from typing import Final

from ..base.errors import EnvironmentProblem
from . import ed25519
from .keys import LogKey
from .problems import SignatureError
from .sshsig import PublicKey, Reader, ed25519_blob, key_fingerprint, string

AGENT_SECONDS: Final = 60.0
"""How long an agent may take for one request; a person may have to confirm it."""
MAX_REPLY_BYTES: Final = 262_144
"""As in OpenSSH."""
_LIST, _LISTED, _SIGN, _SIGNED = 11, 12, 13, 14
_REMEDY: Final = "start ssh-agent, set SSH_AUTH_SOCK, and add the log's Ed25519 key with ssh-add"


class AgentKey(LogKey):
    """A log key whose private half stays in an ssh-agent."""

    __slots__ = ("_path",)

    def __init__(self, public: bytes, path: str) -> None:
        self._path = path
        self.public = public
        self.fingerprint = key_fingerprint(ed25519_blob(public))

    def sign(self, message: bytes) -> bytes:
        """The agent's signature. Raises EnvironmentProblem: it does not answer, refuses, or signs falsely."""
        request = bytes([_SIGN]) + string(ed25519_blob(self.public)) + string(message) + bytes(4)
        reader = _ask(self._path, request, _SIGNED)
        try:
            inner = Reader(reader.string(), "agent's signature")
            kind, signature = inner.string(), inner.string()
            if kind != b"ssh-ed25519":
                raise _problem("signed with another algorithm")
            ed25519.verify_trusted(self.public, signature, message)
        except SignatureError as error:
            raise _problem(f"gave a signature that does not hold: {error.reason}") from None
        return signature


def agent_key(fingerprint: str, path: str | None) -> AgentKey:
    """The Ed25519 key of that fingerprint in the agent at a socket.

    Raises EnvironmentProblem: there is no agent, it does not answer, or does not have the key.
    """
    if not path:
        raise _problem("is not there: SSH_AUTH_SOCK is not set")
    reader = _ask(path, bytes([_LIST]), _LISTED)
    try:
        for _ in range(reader.uint32()):
            blob, _comment = reader.string(), reader.string()
            if key_fingerprint(blob) == fingerprint:
                key = PublicKey.parse(blob)
                if key.kind != "ssh-ed25519":
                    raise _problem(f"has {fingerprint}, which is no plain Ed25519 key ({key.kind})")
                return AgentKey(key.point, path)
    except SignatureError as error:
        raise _problem(f"gave a malformed list of keys: {error.reason}") from None
    raise _problem(f"does not have the key {fingerprint}")


def _ask(path: str, request: bytes, expected: int) -> Reader:
    """What the agent answers, after the byte that says which kind of answer it is."""
    deadline = time.monotonic() + AGENT_SECONDS
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(AGENT_SECONDS)
            stream.connect(path)
            stream.sendall(string(request))
            size = int.from_bytes(_receive(stream, 4, deadline), "big")
            if not 1 <= size <= MAX_REPLY_BYTES:
                raise _problem(f"announced an answer of {size} bytes")
            answer = _receive(stream, size, deadline)
    except TimeoutError:
        raise _problem(f"did not answer within {AGENT_SECONDS:g} s") from None
    except (OSError, ValueError) as error:
        raise _problem(f"cannot be asked: {getattr(error, 'strerror', None) or error}") from None
    if answer[0] != expected:
        raise _problem("refused")
    return Reader(answer[1:], "agent's answer")


def _receive(stream: socket.socket, count: int, deadline: float) -> bytes:
    data = b""
    while len(data) < count:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        stream.settimeout(left)
        part = stream.recv(count - len(data))
        if not part:
            raise _problem("closed the connection")
        data += part
    return data


def _problem(what: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"the ssh-agent {what}", place="SSH_AUTH_SOCK", remedy=_REMEDY)
