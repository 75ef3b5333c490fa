"""Speaks to OCI registries through the client ``oras``, within limits of time and size.

Source of the protocol and formats: https://github.com/opencontainers/distribution-spec and image-spec.
Credentials are those of docker's configuration, credential helpers included.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import unwrap
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from ...evidence.base.errors import EnvironmentProblem, not_installed
from ...evidence.base.limits import MIB
from .urls import is_loopback

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_MAX_MANIFEST: Final = MIB
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
TALK_SECONDS = 900.0
"""How long one talk may take, however slowly a registry answers."""
MAX_ANSWER: Final = 16 * MIB
"""The most that any answer of a registry has, but for the blobs of an evidence store."""
_PAGE: Final = 1000


class Reference(Struct, frozen=True):
    """A place in a registry; ``digest`` is that of the manifest, in hexadecimal."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        end = tag if self.digest is None else f"@sha256:{self.digest}"
        return f"{self.host}/{self.repository}{end}"

    @property
    def url(self) -> str:
        """Where the registry answers about the repository."""
        scheme = "http" if is_loopback(urlsplit(f"//{self.host}").hostname) else "https"
        return f"{scheme}://{self.host}/v2/{self.repository}"


def open_registry(reference: Reference, most: int = MAX_ANSWER) -> Registry:
    """The registry of the reference, of whose answers none may have more than ``most`` bytes.

    Raises EnvironmentProblem: the client is not installed.
    """
    try:
        import oras.provider  # noqa: F401 - the extra may be missing
    except ImportError as error:
        raise not_installed("an OCI registry", "oci", error) from error
    return Registry(reference, most)


class Registry:
    """A registry, spoken to about one reference, in blocks of `talking`."""

    def __init__(self, reference: Reference, most: int = MAX_ANSWER) -> None:
        from oras.container import Container

        self._at = reference
        self._container = Container(f"{reference.host}/{reference.repository}")
        self._container.registry = reference.host
        self._container.namespace, self._container.repository = None, reference.repository
        self._client = _client(reference, most)

    def manifest(self, name: str) -> bytes | None:
        """The manifest under a tag or digest; None when there is none."""
        url = f"{self._at.url}/manifests/{name}"
        response = self._client.do_request(url, "GET", headers={"Accept": MANIFEST}, stream=True)
        if response.status_code == 404:
            return None
        self._accepted(response)
        return read(response, _MAX_MANIFEST)

    def put_manifest(self, tag: str, manifest: bytes) -> None:
        """Put a manifest under a tag."""
        headers = {"Content-Type": MANIFEST}
        url = f"{self._at.url}/manifests/{tag}"
        self._accepted(self._client.do_request(url, "PUT", data=manifest, headers=headers))

    def blob(self, digest: str) -> Any:
        """The response that streams the blob of a digest ``sha256:…``; None when there is none."""
        response = self._client.get_blob(self._container, digest, stream=True)
        if response.status_code == 404:
            return None
        self._accepted(response)
        return response

    def put_blob(self, data: bytes) -> None:
        """Upload a blob."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "blob"
            path.write_bytes(data)
            self._accepted(self._client.upload_blob(str(path), self._container, describe("", data)))

    def tags(self) -> Iterator[str]:
        """All tags of the repository, page by page."""
        last = ""
        while True:
            url = f"{self._at.url}/tags/list?n={_PAGE}" + (f"&last={last}" if last else "")
            response = self._client.do_request(url, "GET", stream=True)
            if response.status_code == 404:
                return
            self._accepted(response)
            page = json.loads(read(response, MAX_ANSWER)).get("tags") or []
            if not page or page[-1] == last:
                return
            yield from page
            last = page[-1]

    def _log_in(self) -> None:
        """Take the credentials for the registry, in the way that it asks for."""
        from oras.auth import get_auth_backend

        client = self._client
        with client.session.get(f"{client.prefix}://{self._at.host}/v2/", stream=True) as answer:
            basic = answer.headers.get("WWW-Authenticate", "").lower().startswith("basic")
        if basic:
            client.auth = get_auth_backend("basic", client.session, insecure=client.prefix == "http")
        try:
            client.auth.load_configs(self._container, _configurations())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EnvironmentProblem(
                "docker's configuration cannot be understood",
                path=(_configurations() or ["~/.docker/config.json"])[0],
                remedy="correct it, or log in again: docker login",
            ) from error
        if basic and not getattr(client.auth, "_basic_auth", None):
            what = "the registry asks for credentials, and docker's configuration has none for it"
            raise EnvironmentProblem(what, path=str(self._at), remedy=f"log in: docker login {self._at.host}")

    def _accepted(self, response: Any) -> None:
        if response.status_code not in (200, 201, 202):
            raise EnvironmentProblem(
                f"the registry answered {response.status_code}",
                path=str(self._at),
                remedy="log in with docker login or oras login" if response.status_code in (401, 403)
                else "check the name, and the registry",
            )  # fmt: skip

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Log in, and make what the client raises in the block an error of ours."""
        with self.errors(), _within(TALK_SECONDS):
            self._log_in()
            yield

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Make what the client raises in the block an error of ours."""
        from oras.auth import AuthenticationException
        from requests import RequestException

        try:
            yield
        except AuthenticationException as error:
            what = "the registry refused the credentials"
            raise EnvironmentProblem(what, path=str(self._at), remedy="log in with docker login") from error
        except (RequestException, TimeoutError) as error:
            what = f"the registry cannot be reached ({type(error).__name__})"
            remedy = "check its name and the network"
            raise EnvironmentProblem(what, path=str(self._at), remedy=remedy) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = _short(error) if isinstance(error, ValueError) else "it does not answer as registries do"
            what = f"the registry cannot be used: {what}"
            remedy = "check its name, and docker login"
            raise EnvironmentProblem(what, path=str(self._at), remedy=remedy) from error


def _configurations() -> list[str]:
    """Docker's configuration where ``DOCKER_CONFIG`` says that it is; the client knows the usual place."""
    folder = os.environ.get("DOCKER_CONFIG")
    return [str(Path(folder) / "config.json")] if folder else []


def _short(error: Exception) -> str:
    """The error in a few words, without the addresses in memory and the query that a URL may have."""
    text = re.sub(r" at 0x[0-9a-f]+|\?\S*", "", str(error))
    return text if len(text) <= 200 else f"{text[:199]}…"


def _client(reference: Reference, most: int) -> Any:
    """The client: no retries, which take minutes; time limits; TLS for all but the loopback."""
    import logging

    from oras.provider import Registry as Client
    from requests.adapters import HTTPAdapter

    class Once(Client):  # type: ignore[misc] # the package has no types
        do_request = unwrap(Client.do_request)

    class Careful(HTTPAdapter):
        def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
            url = urlsplit(request.url)
            if url.scheme != "https" and not is_loopback(url.hostname):
                raise ValueError(f"{url.hostname} is named without TLS")
            options["timeout"] = (_CONNECT_SECONDS, _READ_SECONDS)
            response = super().send(request, *arguments, **options)
            # the client reads some answers whole, such as those of redirects and to its requests for tokens
            response.raw = _Capped(response.raw, most)
            return response

    logging.getLogger("oras").setLevel(logging.CRITICAL)
    client = Once(hostname=reference.host, insecure=reference.url.startswith("http:"))
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, Careful())
    return client


class _Capped:
    """An answer as it comes in, of which no more is read than any that is asked for has."""

    def __init__(self, raw: Any, most: int) -> None:
        self._raw, self._most = raw, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[bytes]:
        """Its pieces. Raises ValueError: they are too many."""
        size = 0
        for piece in self._raw.stream(*arguments, **options):
            size += len(piece)
            if size > self._most:
                raise ValueError("the answer is too large")
            yield piece


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so long; time limits of sockets begin anew with every byte."""

    if threading.current_thread() is not threading.main_thread():
        yield  # a service has its own limits for its requests
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read(response: Any, most: int) -> bytes:
    """The body of a streamed response. Raises ValueError: it is larger than ``most`` bytes."""
    data = bytearray()
    for piece in response.iter_content(64 * 1024):
        data += piece
        if len(data) > most:
            response.close()
            raise ValueError("the answer is too large")
    return bytes(data)


def describe(media_type: str, data: bytes) -> dict[str, Any]:
    """The descriptor of a blob, for a manifest."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"mediaType": media_type, "digest": digest, "size": len(data)}
