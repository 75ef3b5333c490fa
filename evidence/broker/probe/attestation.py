"""What a person vouches for because no message of the broker states it (contract ``ibkr_attestation``)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from ...base.canonical import sha256_hex
from ...base.contracts import violations
from ...base.errors import ConfigError
from ...base.limits import DEFAULT
from ...base.times import parse_rfc3339
from ...reading.yaml_reader import parse_yaml
from ..account_id import mask
from ..safety import Refused

FIELDS = ("permissions", "assets", "limits")
USUAL = ("stocks", "options", "futures")
"""Product classes whose permission is stated as unknown where nobody vouches for it."""


class Attestation(Struct, frozen=True):
    """What is attested about an account; None for what is not.

    Attributes:
        by: who signed it, or ``operator``.
        at: RFC 3339 time of the attestation.
        sha256: of its file.
        read_only_api: whether the gateway's Read-Only API is said to be on.
    """

    by: str
    at: str
    sha256: str
    stated: dict[str, Any] = field(default_factory=dict)
    read_only_api: bool | None = None


def read_attestation(data: bytes, path: str, by: str, account: str) -> Attestation:
    """The attestation in a YAML or JSON file.

    Args:
        by: who signed it, or ``operator``.
        account: the account that it must be about.

    Raises ConfigError: it is malformed or breaks the contract; Refused: it is about another account.
    """
    value = parse_yaml(data, path, DEFAULT, error_type=ConfigError)
    broken = violations("files", "ibkr_attestation", value, most=1, quote=False)
    if broken:
        remedy = "`gate docs files/ibkr_attestation.schema.json` shows what it may say"
        raise ConfigError(broken[0][1], path=path, place=broken[0][0], remedy=remedy)
    try:
        parse_rfc3339(value["attested_at"])
    except ValueError as error:
        raise ConfigError(str(error), path=path, place="/attested_at", remedy="correct the time") from error
    if value["account"] != account:
        what = f"the attestation is about {mask(value['account'])}, not about {mask(account)}"
        raise Refused(what, path=path, remedy="name the attestation of this account")
    stated = {name: value[name] for name in FIELDS if name in value}
    return Attestation(by, value["attested_at"], sha256_hex(data), stated, value.get("read_only_api"))
