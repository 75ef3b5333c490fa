"""How a connection to an OPA server is made, as ``gate.yaml`` and the operator's file say under ``opa``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from .....evidence.base.settings import Bounded, Settings, Text, setting

_FILE = "an absolute path, or in the operator's file one relative to it."


@dataclass(frozen=True, slots=True)
class OpaSettings(Settings):
    """How to reach an OPA server, and what to show it."""

    ca: Text | None = setting(
        f"PEM file of the authorities that the server's certificate must be from: {_FILE}", None
    )
    certificate: Text | None = setting(f"PEM file of the client certificate to show: {_FILE}", None)
    key: Text | None = setting(f"PEM file of its key, unless the certificate's file has it: {_FILE}", None)
    token_file: Text | None = setting(f"File with the bearer token to send: {_FILE}", None)
    token_variable: Annotated[str, Bounded(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = setting(
        "Environment variable with the bearer token, in place of token_file.", None
    )
    retries: int = setting("How often a lost or refused connection is tried again, with growing pauses.", 4)

    FILES: ClassVar = ("ca", "certificate", "key", "token_file")

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= 20:
            raise ValueError("retries must be from 0 to 20")
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs a certificate")
        if self.token_file is not None and self.token_variable is not None:
            raise ValueError("token_file and token_variable exclude each other")
