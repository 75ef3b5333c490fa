"""Certificates of signers: who they say signed, by whose word, and whether they were valid then."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..shared.json_fields import shown
from .attesters import Attester
from .public_keys import PublicKey

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ISSUER, _OLD_ISSUER = "1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1"
"""Who established the identity: Fulcio's extensions, https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md."""


class Signer(Struct, frozen=True):
    """What a certificate says; times are epoch seconds, both within its validity."""

    key: PublicKey
    identity: str
    issuer: str | None
    valid_from_s: int
    valid_until_s: int
    certificate: Certificate

    @classmethod
    def parse(cls, der: bytes) -> Signer:
        """Read a certificate. Raises ValueError: it is none that may sign attestations; the text says why."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.x509 import load_der_x509_certificate

        try:
            certificate = load_der_x509_certificate(der)
            extensions = certificate.extensions
            key = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError("the certificate cannot be read") from error
        try:
            own = PublicKey.of(key)
        except ValueError as error:
            raise ValueError(f"the certificate's key {error}") from error
        _check_purpose(extensions)
        return cls(
            own,
            _identity(extensions),
            _issuer(extensions),
            int(certificate.not_valid_before_utc.timestamp()),
            int(certificate.not_valid_after_utc.timestamp()),
            certificate,
        )

    def valid_at(self, time_s: int) -> bool:
        """Whether the certificate was valid at that time."""
        return self.valid_from_s <= time_s <= self.valid_until_s

    def not_issued_by(self, authorities: tuple[Certificate, ...], time_s: int) -> str | None:
        """Why no certificates that were valid then lead from a trusted one to this one; None if some do."""
        from cryptography.x509 import ExtendedKeyUsage, UnsupportedGeneralNameType
        from cryptography.x509.verification import (
            Criticality,
            ExtensionPolicy,
            PolicyBuilder,
            Store,
            VerificationError,
        )

        # what a certificate is for was checked when it was read; the library would demand clients of TLS
        present = (ExtendedKeyUsage, Criticality.AGNOSTIC, None)
        verifier = (
            PolicyBuilder()
            .store(Store(list(authorities)))
            .time(datetime.fromtimestamp(time_s, UTC))
            .extension_policies(
                ca_policy=ExtensionPolicy.webpki_defaults_ca().may_be_present(*present),
                ee_policy=ExtensionPolicy.webpki_defaults_ee().may_be_present(*present),
            )
            .build_client_verifier()
        )
        try:
            verifier.verify(self.certificate, [])
        except (VerificationError, UnsupportedGeneralNameType, ValueError) as error:
            return shown(str(error).removeprefix("validation failed: ").partition(" (encountered")[0])
        return None

    def is_whom(self, attester: Attester) -> bool:
        """Whether this is the identity, established by the issuer, that the attester has."""
        pattern = "[^/]*".join(map(re.escape, attester.identity.split("*")))
        return attester.issuer == self.issuer and re.fullmatch(pattern, self.identity) is not None


def _check_purpose(extensions: Any) -> None:
    from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, KeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID

    found = {type(one.value): one.value for one in extensions}
    purposes = found.get(ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        raise ValueError("the certificate is not for signing code (extended key usage)")
    usage, basic = found.get(KeyUsage), found.get(BasicConstraints)
    if usage is None or not usage.digital_signature:
        raise ValueError("the certificate is not for digital signatures (key usage)")
    if basic is not None and basic.ca:
        raise ValueError("the certificate is that of an authority, not of a signer")


def _identity(extensions: Any) -> str:
    from cryptography.x509 import (
        ExtensionNotFound,
        RFC822Name,
        SubjectAlternativeName,
        UniformResourceIdentifier,
    )

    try:
        found = list(extensions.get_extension_for_class(SubjectAlternativeName).value)
    except ExtensionNotFound:
        found = []
    if len(found) != 1 or not isinstance(found[0], (RFC822Name, UniformResourceIdentifier)):
        raise ValueError("the certificate does not have exactly one URI or e-mail address as its subject")
    return str(found[0].value)


def _issuer(extensions: Any) -> str | None:
    """The issuer of the identity; None where the certificate states none."""
    raw = {one.oid.dotted_string: one.value.value for one in extensions if hasattr(one.value, "value")}
    if _ISSUER in raw:
        der = raw[_ISSUER]
        # a DER string of UTF-8: tag, length, text
        if len(der) < 2 or der[0] != 0x0C or der[1] >= 0x80 or der[1] != len(der) - 2:
            raise ValueError("the certificate's issuer extension cannot be read")
        text = der[2:]
    elif _OLD_ISSUER in raw:
        text = raw[_OLD_ISSUER]
    else:
        return None
    try:
        return str(text.decode())
    except UnicodeDecodeError as error:
        raise ValueError("the certificate's issuer extension cannot be read") from error


def described(signer: Signer) -> str:
    """The identity as messages name it."""
    by = "" if signer.issuer is None else f" (by {shown(signer.issuer, 100)})"
    return f"{shown(signer.identity)}{by}"
