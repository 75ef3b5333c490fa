"""Reads the file of attesters: whose attestations count, for what, and which ones there must be.

Format: ``contracts/files/attesters.schema.json``, as YAML. The setting ``attesters`` names the file, so that
an operator or a trust ref decides about it as about ``allowed_signers``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field

from ...base.contracts import check_file
from ...base.errors import ConfigError, EvidenceError
from ...reading.paths import check_relative, glob_regex
from ...reading.workspace import View
from .public_keys import PublicKey

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

T = TypeVar("T")

COMMIT = "commit"
"""The subject that is the commit checked out; all others are globs of files."""


class Attester(Struct, frozen=True):
    """Somebody whose attestations count: a key, or an identity that an authority certifies.

    Attributes:
        key: the key itself; None where certificates are accepted.
        authorities: certificates that are trusted to issue certificates.
        identity: what a certificate must say whose it is; ``*`` stands for anything but a slash.
        issuer: who must have established that identity; None for certificates that do not say it.
        log_key: key of the transparency log whose promise tells the time of a signature.
        timestamp_authorities: certificates of RFC 3161 authorities that tell it.
        predicate_types: what it may attest.
        subjects: ``commit`` and globs of files that it may attest; None for everything.
    """

    name: str
    predicate_types: frozenset[str]
    key: PublicKey | None = None
    authorities: tuple[Certificate, ...] = ()
    identity: str = ""
    issuer: str | None = None
    log_key: PublicKey | None = None
    timestamp_authorities: tuple[Certificate, ...] = ()
    subjects: tuple[str, ...] | None = None

    def may_attest(self, target: str) -> bool:
        """Whether it may attest ``commit``, or the file at this path."""
        if self.subjects is None:
            return True
        return any(covers(pattern, target) for pattern in self.subjects)


def covers(pattern: str, target: str) -> bool:
    """Whether the pattern of a subject covers ``commit`` or the file at a path."""
    if COMMIT in (pattern, target):
        return pattern == target
    return glob_regex(pattern).fullmatch(target) is not None


class Requirement(Struct, frozen=True):
    """An attestation that there must be, by one of the named attesters, or by any that may."""

    predicate_type: str
    subject: str
    attesters: tuple[str, ...] = ()


class Attesters(Struct, frozen=True):
    """The whole file; ``Attesters()`` accepts nobody and requires nothing."""

    known: tuple[Attester, ...] = ()
    required: tuple[Requirement, ...] = field(default=())


def read_attesters(view: View, path: str) -> Attesters:
    """The attesters in the file.

    Raises EvidenceError: it is absent, breaks its contract, or a key, certificate or name in it cannot be
    used; with the JSON pointer of the place.
    """
    value = view.read_yaml(path)
    check_file("attesters", value, path)
    known = tuple(_attester(path, name, stated) for name, stated in value["attesters"].items())
    required = []
    for index, stated in enumerate(value.get("required", [])):
        place = f"/required/{index}"
        _check_subjects(path, f"{place}/subject", [stated["subject"]])
        names = tuple(stated.get("attesters", ()))
        for name in names or value["attesters"]:
            if name not in value["attesters"]:
                raise _error(
                    path, f"{place}/attesters", f"there is no attester {name!r}", "name one of the file"
                )
        able = [one for one in known if one.name in (names or value["attesters"])]
        if not any(stated["predicate_type"] in one.predicate_types for one in able):
            what = "nobody who may attest this predicate type is listed for it"
            raise _error(path, f"{place}/predicate_type", what, "add it to an attester's predicate_types")
        required.append(Requirement(stated["predicate_type"], stated["subject"], names))
    return Attesters(known, tuple(required))


def _attester(path: str, name: str, stated: dict[str, Any]) -> Attester:
    place = f"/attesters/{name}"
    by_key, by_certificate = "key" in stated, "authorities" in stated
    if by_key == by_certificate or by_certificate != ("identity" in stated):
        what = "an attester has either a key, or authorities and an identity"
        raise _error(path, place, what, "state one of the two")
    odd = sorted({"issuer", "log_key", "timestamp_authorities"} & stated.keys()) if by_key else []
    if odd:
        raise _error(
            path, f"{place}/{odd[0]}", "is about certificates, and this attester has a key", "remove it"
        )
    _check_subjects(path, f"{place}/subjects", stated.get("subjects", ()))

    def read(option: str, of: Callable[[str], T]) -> T | None:
        if option not in stated:
            return None
        try:
            return of(stated[option])
        except ValueError as error:
            remedy = "write it as PEM, such as openssl does"
            raise _error(path, f"{place}/{option}", str(error), remedy) from error

    return Attester(
        name,
        frozenset(stated["predicate_types"]),
        read("key", PublicKey.from_pem),
        read("authorities", _certificates) or (),
        stated.get("identity", ""),
        stated.get("issuer"),
        read("log_key", PublicKey.from_pem),
        read("timestamp_authorities", _certificates) or (),
        tuple(stated["subjects"]) if "subjects" in stated else None,
    )


def _certificates(text: str) -> tuple[Certificate, ...]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return tuple(load_pem_x509_certificates(text.encode()))
    except ValueError as error:
        raise ValueError("is no list of PEM certificates") from error


def _check_subjects(path: str, place: str, patterns: Any) -> None:
    for pattern in patterns:
        try:
            check_relative(pattern)
        except ConfigError as error:
            raise _error(path, place, error.what, error.remedy or "correct it") from error


def _error(path: str, place: str, what: str, remedy: str) -> EvidenceError:
    return EvidenceError(what, path=path, place=place, remedy=remedy)
