"""A mail server for a test, in a process of its own: prints its port, runs until its standard input ends.

Arguments: a folder with cert.pem and key.pem, where it leaves each mail as JSON; ``tls`` or ``starttls``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import warnings
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult


class Box:
    """Keeps what it gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name
        """Keep a mail."""
        got = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "text": envelope.content.decode()}
        (self.folder / "mail.json").write_text(json.dumps(got))
        return "250 OK"


def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Whether the password is right."""
    return AuthResult(success=data.password == b"correct horse", handled=False)


async def serve(folder: Path, security: str) -> None:
    """Serve one mail client after another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    more: dict[str, Any] = {"auth_require_tls": False}  # all of the connection is encrypted
    if security == "starttls":
        more = {"tls_context": context, "require_starttls": True}

    def client() -> SMTP:
        return SMTP(Box(folder), hostname="mail", authenticator=check, auth_required=True, **more)

    loop, whole = asyncio.get_running_loop(), context if security == "tls" else None
    server = await loop.create_server(client, "127.0.0.1", 0, ssl=whole)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
