"""Puts bundles into OCI registries and gets them from there, as OPA does, through the client ``oras``.

Source of the formats: https://github.com/opencontainers/distribution-spec and image-spec, and
https://www.openpolicyagent.org/docs/management-bundles (OCI registry). OPA takes the first layer of the media
type below, and nothing else. Credentials are those of docker's configuration, credential helpers included.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from inspect import unwrap
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ....evidence.base.errors import EnvironmentProblem, EvidenceError, PolicyError, UsageError
from ....evidence.base.limits import DEFAULT, MIB
from ....evidence.reading.parse import parse_json
from ...store.urls import is_loopback
from .archive import MAX_ARCHIVE

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
_LAYERS: Final = (LAYER, "application/vnd.openpolicyagent.layer.v1.tar+gzip")
_MAX_MANIFEST: Final = MIB
_CONNECT_SECONDS, _READ_SECONDS = 10, 60
TALK_SECONDS = 900.0
"""How long pushing or pulling a bundle may take, however slowly a registry answers."""
_REFERENCE: Final = re.compile(
    r"(?:oci://)?(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in a registry; ``digest`` is that of the manifest, in hexadecimal."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        end = f":{self.tag}" if self.digest is None else f"@sha256:{self.digest}"
        return f"{self.host}/{self.repository}{end}"

    @property
    def url(self) -> str:
        """Where the registry answers about the repository."""
        scheme = "http" if is_loopback(urlsplit(f"//{self.host}").hostname) else "https"
        return f"{scheme}://{self.host}/v2/{self.repository}"


def parse_reference(text: str) -> Reference:
    """The place that ``HOST/REPOSITORY:TAG`` or ``HOST/REPOSITORY@sha256:DIGEST`` names.

    Raises UsageError: it names none.
    """
    found = _REFERENCE.fullmatch(text) if len(text) <= 512 else None
    if found is None or not (found["tag"] or found["digest"]):
        raise UsageError(
            f"{text[:200]!a} names no bundle in a registry",
            remedy="write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST, such as "
            "registry.example.com/policies/acme:1.0.0",
        )
    return Reference(found["host"], found["repository"], found["tag"], found["digest"])


def open_registry(reference: Reference) -> Registry:
    """The registry of the reference. Raises EnvironmentProblem: the client is not installed."""
    try:
        import oras.provider  # noqa: F401 - the extra may be missing
    except ImportError as error:
        raise EnvironmentProblem(
            "the client of OCI registries is not installed",
            remedy="install compliance-gate[oci]",
        ) from error
    return Registry(reference)


class Registry:
    """A registry, spoken to about one reference."""

    def __init__(self, reference: Reference) -> None:
        from oras.container import Container

        self._at = reference
        self._container = Container(f"{reference.host}/{reference.repository}")
        self._container.registry = reference.host
        self._container.namespace, self._container.repository = None, reference.repository
        self._client = _client(reference)

    def push(self, data: bytes, annotations: Mapping[str, str], *, replace: bool) -> str:
        """Put an archive there: its reference by digest.

        Args:
            annotations: what the manifest says about it.
            replace: whether the tag may be moved from another content.

        Raises UsageError: the reference has no tag or a digest, or the tag has another content;
        EnvironmentProblem: the registry cannot be reached or refuses it.
        """
        if self._at.tag is None or self._at.digest is not None:
            raise UsageError("a bundle is pushed to a tag", remedy="write HOST/REPOSITORY:TAG")
        blobs = {CONFIG: b"{}", LAYER: data}
        config, layer = (_descriptor(kind, blob) for kind, blob in blobs.items())
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config,
                "layers": [layer],
                "annotations": dict(annotations),
            },
            separators=(",", ":"),
        ).encode()
        pinned = _pinned(self._at, manifest)
        with self._talking():
            self._log_in()
            there = self._manifest(self._at.tag)
            if there is not None and there != manifest and not replace:
                raise UsageError(
                    f"{self._at} is there already, as sha256:{hashlib.sha256(there).hexdigest()}",
                    remedy="raise the version and push to a new tag, or give --replace to move this one",
                )
            with tempfile.TemporaryDirectory() as folder:
                for blob, descriptor in zip(blobs.values(), (config, layer), strict=True):
                    path = Path(folder) / "blob"
                    path.write_bytes(blob)
                    self._accepted(self._client.upload_blob(str(path), self._container, descriptor))
            headers = {"Content-Type": MANIFEST}
            url = f"{self._at.url}/manifests/{self._at.tag}"
            self._accepted(self._client.do_request(url, "PUT", data=manifest, headers=headers))
        return str(pinned)

    def pull(self) -> tuple[str, bytes]:
        """The reference by digest, and the archive, whose digests have been checked.

        Raises UsageError: there is nothing of that name; PolicyError: it is no bundle, too large, or not of
        the digest that was asked for; EnvironmentProblem: the registry cannot be reached.
        """
        at = self._at
        with self._talking():
            self._log_in()
            raw = self._manifest(f"sha256:{at.digest}" if at.digest else at.tag or "")
            if raw is None:
                raise UsageError(f"there is no {at}", remedy="check the name, and that you may read it")
            pinned = _pinned(at, raw)
            if at.digest not in (None, pinned.digest):
                raise self._refused("the registry sent a manifest of another digest")
            digest, size = self._layer(raw)
            response = self._client.get_blob(self._container, digest, stream=True)
            self._accepted(response)
            data = _read(response, size)
        if len(data) != size or f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise self._refused("the registry sent a layer of another digest")
        return str(pinned), data

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
            raise EnvironmentProblem(
                "the registry asks for credentials, and docker's configuration has none for it",
                path=str(self._at),
                remedy=f"log in: docker login {self._at.host}",
            )

    def _layer(self, raw: bytes) -> tuple[str, int]:
        """Digest and size of the layer that is the bundle."""
        try:
            layers = parse_json(raw, str(self._at), DEFAULT)["layers"]
            digest, size = next((x["digest"], x["size"]) for x in layers if x["mediaType"] in _LAYERS)
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or not 0 <= int(size) <= MAX_ARCHIVE:
                raise ValueError
        except (EvidenceError, LookupError, TypeError, ValueError, StopIteration) as error:
            raise self._refused("is no policy bundle, or too large a one") from error
        return digest, int(size)

    def _manifest(self, name: str) -> bytes | None:
        url = f"{self._at.url}/manifests/{name}"
        response = self._client.do_request(url, "GET", headers={"Accept": MANIFEST}, stream=True)
        if response.status_code == 404:
            return None
        self._accepted(response)
        return _read(response, _MAX_MANIFEST)

    def _accepted(self, response: Any) -> None:
        if response.status_code not in (200, 201, 202):
            raise EnvironmentProblem(
                f"the registry answered {response.status_code}",
                path=str(self._at),
                remedy="log in with docker login or oras login" if response.status_code in (401, 403)
                else "check the name, and the registry",
            )  # fmt: skip

    def _refused(self, what: str) -> PolicyError:
        return PolicyError(what, path=str(self._at), remedy="check the reference, and who runs the registry")

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Make what the client raises an error of ours."""
        from oras.auth import AuthenticationException
        from requests import RequestException

        try:
            with _within(TALK_SECONDS):
                yield
        except AuthenticationException as error:
            raise EnvironmentProblem(
                "the registry refused the credentials", path=str(self._at), remedy="log in with docker login"
            ) from error
        except (RequestException, TimeoutError) as error:
            raise EnvironmentProblem(
                f"the registry cannot be reached ({type(error).__name__})",
                path=str(self._at),
                remedy="check its name and the network",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = _short(error) if isinstance(error, ValueError) else "it does not answer as registries do"
            raise EnvironmentProblem(
                f"the registry cannot be used: {what}",
                path=str(self._at),
                remedy="check its name, and docker login",
            ) from error


def _configurations() -> list[str]:
    """Docker's configuration where ``DOCKER_CONFIG`` says that it is; the client knows the usual place."""
    folder = os.environ.get("DOCKER_CONFIG")
    return [str(Path(folder) / "config.json")] if folder else []


def _short(error: Exception) -> str:
    """The error in a few words, without the addresses in memory and the query that a URL may have."""
    text = re.sub(r" at 0x[0-9a-f]+|\?\S*", "", str(error))
    return text if len(text) <= 200 else f"{text[:199]}…"


def _client(reference: Reference) -> Any:
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
            response.raw = _Capped(response.raw)
            return response

    logging.getLogger("oras").setLevel(logging.CRITICAL)
    client = Once(hostname=reference.host, insecure=reference.url.startswith("http:"))
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, Careful())
    return client


class _Capped:
    """An answer as it comes in, of which no more is read than any that is asked for has."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[bytes]:
        """Its pieces. Raises ValueError: they are too many."""
        size = 0
        for piece in self._raw.stream(*arguments, **options):
            size += len(piece)
            if size > MAX_ARCHIVE:
                raise ValueError("the answer is too large")
            yield piece


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after so long; time limits of sockets begin anew with every byte."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _read(response: Any, most: int) -> bytes:
    """The body of a streamed response. Raises ValueError: it is larger than ``most`` bytes."""
    data = bytearray()
    for piece in response.iter_content(64 * 1024):
        data += piece
        if len(data) > most:
            response.close()
            raise ValueError("the answer is too large")
    return bytes(data)


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _pinned(reference: Reference, manifest: bytes) -> Reference:
    return replace(reference, digest=hashlib.sha256(manifest).hexdigest())
