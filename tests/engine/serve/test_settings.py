"""The service file: what is refused before anything listens, TLS, and the extra that the service needs."""

from __future__ import annotations

import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gate.engine.ledger import open_ledger
from gate.engine.serve.settings import load_service
from gate.evidence.signing.keys import LogKey

from .service import Change, Issuer, archive, running, settings

LOG = {"name": "algo", "ledger": "ledger"}
WRITER = {"issuer": "https://ci.example", "claims": {"repository": "a/b"}}
ISSUER = {"issuer": "https://ci.example", "audience": "gate", "jwks": "jwks.json"}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no log": ({"logs": []}, "no log is named"),
    "one name twice": ({"logs": [LOG, {**LOG}]}, "two logs have one name"),
    "a name with a slash": ({"logs": [LOG | {"name": "a/b"}]}, "no part of a URL"),
    "a scheme of nobody's": ({"logs": [LOG | {"ledger": "ftp://x"}]}, "is not supported"),
    "unknown setting": ({"logs": [LOG], "hosts": []}, "hosts"),
    "everybody may ask": ({"logs": [LOG], "listen": "0.0.0.0:8460"}, "without TLS"),
    "another machine's name": ({"logs": [LOG], "listen": "gate.example:8460"}, "without TLS"),
    "no port": ({"logs": [LOG], "listen": "127.0.0.1"}, "is no address"),
    "a limit of nothing": ({"logs": [LOG], "limits": {"body_bytes": 0}}, "out of range"),
    "nobody's writer": ({"logs": [LOG | {"writers": [{}]}]}, "either an issuer or a certificate"),
    "an unknown issuer": ({"logs": [LOG | {"writers": [WRITER]}]}, "no issuer https://ci.example"),
    "any job of an issuer": (
        {"logs": [LOG | {"writers": [WRITER | {"claims": {}}]}], "issuers": [ISSUER]},
        "has no claims",
    ),
    "no policies": ({"logs": [LOG | {"writers": [WRITER]}], "issuers": [ISSUER]}, "by no policies"),
    "no digest": (
        {"logs": [LOG | {"writers": [WRITER], "policies": ["main"]}], "issuers": [ISSUER]},
        "is no digest",
    ),
    "unchecked certificates": (
        {"logs": [LOG | {"writers": [{"certificate": "DNS:a"}], "policies": ["shipped"]}]},
        "nobody checks client certificates",
    ),
    "no keys": ({"logs": [LOG], "issuers": [ISSUER]}, "jwks.json"),
    "algorithm none": ({"logs": [LOG], "issuers": [ISSUER | {"algorithms": ["none"]}]}, "algorithms"),
    "shared secrets": ({"logs": [LOG], "issuers": [ISSUER | {"algorithms": ["HS256"]}]}, "algorithms"),
    "no certificate": ({"logs": [LOG], "tls": {"certificate": "a.pem", "key": "b.pem"}}, "TLS"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_one_error(gate: Callable[..., Any], tmp_path: Path, name: str) -> None:
    """It names the place, the exit code is 2, and nothing was made."""
    stated, error = WRONG[name]
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump({"listen": "127.0.0.1:0", **stated}))
    run = gate("serve", "serve.yaml")
    assert (run.code, error in run.err, "Traceback" in run.err) == (2, True, False), run.err
    assert [one.name for one in tmp_path.iterdir()] == ["serve.yaml"]


@pytest.mark.parametrize(
    "keys",
    [
        "{}",
        "[1]",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        '{"keys": [{"kty": "EC", "crv": "P-256"}]}',
        "\x00",
    ],
)
def test_keys_that_cannot_sign_tokens_are_refused(
    gate: Callable[..., Any], tmp_path: Path, keys: str
) -> None:
    """A shared secret, too: whoever verifies with it could sign."""
    (tmp_path / "jwks.json").write_text(keys)
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump({"logs": [LOG], "issuers": [ISSUER]}))
    run = gate("serve", "serve.yaml")
    assert (run.code, "the issuer's keys cannot be used" in run.err) == (2, True), run.err


def test_keys_of_an_issuer_change_without_a_restart(tmp_path: Path) -> None:
    """A new file counts at once, and the old key no longer; a broken one leaves the keys as they were."""
    from gate.engine.serve.writing.tokens import Issuers, NotKnown

    old, new = Issuer(), Issuer("two")
    issuers = Issuers(load_service(settings(tmp_path, old, "0" * 64)), print)
    assert issuers.client(old.token()).claims["repository"] == "acme/algo"
    (tmp_path / "jwks.json").write_text("{")
    assert issuers.client(old.token())
    (tmp_path / "jwks.json").write_text(new.jwks)
    assert issuers.client(new.token())
    with pytest.raises(NotKnown):
        issuers.client(old.token())


def test_a_ledger_of_another_key_takes_no_decisions(gate: Callable[..., Any], tmp_path: Path) -> None:
    """The service ends at once: no key is made for a ledger that another one signs."""
    open_ledger(tmp_path / "ledger", LogKey.from_seed(bytes(range(32)))).close()
    run = gate("serve", settings(tmp_path, Issuer(), "0" * 64))
    assert (run.code, "there is no log key" in run.err) == (2, True), run.err


def test_nothing_of_the_extra_is_imported_unless_asked() -> None:
    """Not by the program, nor by evaluating and posting."""
    code = (
        "import sys\n"
        "import gate.cli, gate.engine.commands.judge, gate.engine.commands.serve, gate.engine.serve.client\n"
        "import gate.engine.serve.settings, gate.engine.serve.served, gate.engine.serve.writing.submission\n"
        "print({'jwt', 'starlette', 'uvicorn', 'h11', 'anyio'} & sys.modules.keys())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


class Authority:
    """Signs certificates of the tests'."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.key = generate_private_key(SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.path = self._sign("authority", self.name, self.key.public_key(), [], authority=True)

    def issue(self, name: str, *alternatives: x509.GeneralName) -> Path:
        """A PEM file with a certificate and its key."""
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        path = self._sign(name, subject, key.public_key(), list(alternatives))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(path.read_bytes() + pem)
        return path

    def _sign(
        self,
        name: str,
        subject: x509.Name,
        key: Any,
        names: list[x509.GeneralName],
        *,
        authority: bool = False,
    ) -> Path:
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
        path = self.root / f"{name}.pem"
        path.write_bytes(built.sign(self.key, SHA256()).public_bytes(Encoding.PEM))
        return path


@pytest.mark.soak
def test_a_client_certificate_stands_for_a_token(tmp_path: Path, program: Any) -> None:
    """Each client needs one; its alternative name says where it may post."""
    authority, change = Authority(tmp_path), Change(tmp_path / "change")
    authority.issue("server", x509.DNSName("localhost"))
    right = authority.issue("right", x509.UniformResourceIdentifier("spiffe://ci/algo"))
    wrong = authority.issue("wrong", x509.UniformResourceIdentifier("spiffe://ci/other"))
    file = settings(tmp_path, Issuer(), change.policy)
    stated = yaml.safe_load(file.read_text())
    stated["logs"][0]["writers"] = [{"certificate": "URI:spiffe://ci/algo"}]
    stated["tls"] = {"certificate": "server.pem", "key": "server.pem", "clients": "authority.pem"}
    file.write_text(yaml.safe_dump(stated))
    [first] = [archive(one) for one in change.decisions(1)]

    def ask(certificate: Path | None, body: bytes | None = None) -> tuple[int, Any]:
        context = ssl.create_default_context(cafile=str(authority.path))
        if certificate is not None:
            context.load_cert_chain(certificate)
        url = f"https://localhost:{server.port}/api/logs/algo/decisions"
        asked = urllib.request.Request(url, body, {"Content-Type": "application/x-tar"})
        try:
            with urllib.request.urlopen(asked, context=context, timeout=30) as answer:  # noqa: S310 - as above
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.headers

    with running(file, tmp_path / "config") as server:
        assert ask(right, first)[0] == 201
        assert ask(wrong, first)[0] == 403
        status, headers = ask(wrong)
        assert (status, "max-age" in headers["strict-transport-security"]) == (200, True)
        with pytest.raises(OSError, match=r".+"):
            ask(None)
        here, url = tmp_path / "change", f"https://localhost:{server.port}/api/logs/algo"
        options = ("evaluate", "main", "-w", here, "-p", here / "policy", "--record-to", url)
        trusted = {"SSL_CERT_FILE": str(authority.path)}
        done = program(*options, "--client-certificate", right, env=trusted)
        assert (done.code, "recorded: entry 1 of" in done.out) == (1, True), done
        assert program(*options, "--client-certificate", wrong, env=trusted).code == 2
        for odd in (authority.path, tmp_path / "nothing.pem"):
            done = program(*options, "--client-certificate", odd, env=trusted)
            assert (done.code, "the client certificate cannot be used" in done.err) == (2, True), done
    posted = {line["writer"] for line in server.lines if "writer" in line}
    assert posted == {"certificate URI:spiffe://ci/algo", "certificate URI:spiffe://ci/other"}
