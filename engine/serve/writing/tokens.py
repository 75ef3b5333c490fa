"""Who posts: a bearer token that a configured issuer signed, or a client certificate, and what it permits.

Tokens are JSON Web Tokens (RFC 7519) as CI systems issue them after OpenID Connect. Nothing is fetched:
the issuer's keys are a file. Which algorithm signs is the service file's word, never the token's.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from msgspec import Struct

from ....evidence.base.errors import ConfigError
from ....evidence.reading.files import read_regular
from ..settings import IssuerSettings, Log, Service, WriterSettings

LEEWAY_S: Final = 30
"""How far clocks of issuer and service may differ."""
LONGEST: Final = 16_384
"""The longest token, in characters."""
_MOST_KEYS: Final = 1 << 20


class NotKnown(Exception):
    """Nobody that is configured vouches for the client (401); the text says why, and nothing of the token."""


class NotPermitted(Exception):
    """The client is known and may not post here (403)."""


class Client(Struct, frozen=True):
    """Who posts: what a token or a client certificate says about it.

    Attributes:
        name: for logs and limits: issuer and subject, or the certificate's name.
        claims: of the token; empty for a certificate.
        certificates: names in the client certificate, `DNS:…` and `URI:…`.
    """

    name: str
    issuer: str | None
    claims: Mapping[str, Any]
    certificates: frozenset[str] = frozenset()


class Issuers:
    """The issuers whose tokens are accepted, with their keys as the files have them now.

    Args:
        told: is called with notices, such as that a file was replaced by one that cannot be used.

    Raises ConfigError: a file is absent, or has no key that can be used.
    """

    def __init__(self, service: Service, told: Callable[[str], Any]) -> None:
        self._known = {one.issuer: _Keys(one, service.directory, told) for one in service.stated.issuers}

    def client(self, token: str) -> Client:
        """Who sent a token. Raises NotKnown: it does not hold."""
        if not token or len(token) > LONGEST or not token.isascii():
            raise NotKnown("the token is none")
        try:
            stated = jwt.decode(token, options={"verify_signature": False, "verify_exp": False}).get("iss")
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise NotKnown("the token is malformed") from error
        issuer = self._known.get(stated) if isinstance(stated, str) else None
        if issuer is None:
            raise NotKnown("no such issuer is accepted")
        claims = issuer.verified(token, header)
        subject = str(claims.get("sub", ""))[:200].encode("utf-8", "backslashreplace").decode()
        return Client(f"{stated} {subject}", stated, claims)


class _Keys:
    """One issuer's keys; read again when their file was changed.

    A file that is gone or damaged may be one that is being replaced, so the keys that were read stay; those
    of a set that has none do not.
    """

    def __init__(self, issuer: IssuerSettings, directory: Path, told: Callable[[str], Any]) -> None:
        self._issuer = issuer
        self._told = told
        self._path = directory / issuer.jwks
        self._lock = threading.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._stamp = self._stamped()
        self._read()

    def verified(self, token: str, header: Mapping[str, Any]) -> dict[str, Any]:
        issuer = self._issuer
        algorithm, wanted = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise NotKnown("the token is signed with an algorithm that is not accepted")
        keys = [
            one
            for one in self._current()
            if one.algorithm_name == algorithm and (wanted is None or one.key_id in (wanted, None))
        ]
        for key in keys:
            try:
                found: dict[str, Any] = jwt.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    audience=issuer.audience,
                    issuer=issuer.issuer,
                    leeway=LEEWAY_S,
                    options={"require": ["exp", "iat", "iss", "aud"]},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                raise NotKnown("the token has expired") from None
            except jwt.InvalidAudienceError:
                raise NotKnown("the token is for another audience") from None
            except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
                raise NotKnown("the token does not hold") from None
            return found
        raise NotKnown("no key of the issuer signed the token")

    def _current(self) -> list[jwt.PyJWK]:
        with self._lock:
            stamp = self._stamped()
            if self._stamp != stamp:
                self._stamp = stamp
                try:
                    self._read()
                except ConfigError as error:
                    stay = "those that were read stay" if self._keys else "nobody has one"
                    self._told(f"{error.what} (issuer {self._issuer.issuer}); {stay}")
            return self._keys

    def _stamped(self) -> object:
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino

    def _read(self) -> None:
        try:
            text = read_regular(self._path, _MOST_KEYS).decode()
            stated = json.loads(text)
            keys = jwt.PyJWKSet.from_dict(stated).keys if stated.get("keys") != [] else []
        except (OSError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise self._wrong(why or type(error).__name__) from error
        known, uses = self._issuer.algorithms, (None, "sig")
        usable = [one for one in keys if one.algorithm_name in known and one.public_key_use in uses]
        self._keys = [one for one in usable if one.key_type != "oct"]
        if not self._keys:
            raise self._wrong(f"it has no public key for {', '.join(known)}")

    def _wrong(self, why: str) -> ConfigError:
        what, place = f"the issuer's keys cannot be used: {why[:200]}", f"issuer {self._issuer.issuer}"
        remedy = "save the JWK set that the issuer publishes"
        return ConfigError(what, path=str(self._path), place=place, remedy=remedy)


def permitted(log: Log, client: Client) -> str | None:
    """The commit that the client may post a decision about; None for any.

    Raises NotPermitted: it may not post to this log.
    """
    for writer in log.stated.writers:
        if _is(writer, client):
            if writer.commit is None:
                return None
            commit = client.claims.get(writer.commit)
            if isinstance(commit, str):
                return commit.encode("utf-8", "backslashreplace").decode()
    raise NotPermitted("this client may not post to this log")


def may_push(log: Log, client: Client) -> bool:
    """Whether the client may push policy bundles, to see what they change about this log."""
    return any(_is(writer, client) for writer in log.stated.bundles)


def _is(writer: WriterSettings, client: Client) -> bool:
    if writer.certificate is not None:
        return writer.certificate in client.certificates
    return writer.issuer == client.issuer and all(
        client.claims.get(name) == value for name, value in writer.claims.items()
    )
