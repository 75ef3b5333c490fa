"""Evidence in S3-compatible object storage: `<prefix>/sha256/<first two digits>/<digest>`.

An object is created only where there is none, so a bucket with Object Lock or versioning keeps one version of
each. Needs the extra ``s3``. Credentials are those of the environment (``AWS_…`` or the machine's role); they
never stand in a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import parse_qsl, urlsplit

from ...evidence.base.errors import ConfigError, EnvironmentProblem, LedgerError, not_installed
from .interface import in_parts
from .urls import is_loopback

if TYPE_CHECKING:
    from obstore.store import S3Store

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._=-]+(?:/[A-Za-z0-9._=-]+)*")
_NAME: Final = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_FORM: Final = "write s3://BUCKET/PREFIX, and ?endpoint=https://HOST for another service than Amazon's"
_SETTINGS: Final = frozenset({"endpoint", "region"})
_CONNECT_SECONDS, _REQUEST_SECONDS, _RETRY_SECONDS, _RETRIES = 10, 60, 30, 4


def connect(url: str) -> ObjectBlobs:
    """The blobs below the prefix that an ``s3:`` URL names.

    Raises ConfigError: the URL is wrong; EnvironmentProblem: the client is not installed.
    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        wrong = bool(parts.username or parts.password or parts.port or parts.fragment)
    except ValueError:
        raise ConfigError("the URL of the evidence store cannot be read", remedy=_FORM) from None
    bucket, prefix, settings = parts.netloc, parts.path.strip("/"), dict(pairs)
    unknown = sorted(settings.keys() - _SETTINGS)
    if wrong or unknown or len(settings) < len(pairs) or not _BUCKET.fullmatch(bucket):
        raise ConfigError("the URL names no bucket, or more than that", remedy=_FORM)
    if prefix and (not _PREFIX.fullmatch(prefix) or not {".", ".."}.isdisjoint(prefix.split("/"))):
        raise ConfigError(f"{prefix[:80]!r} cannot be a prefix in a bucket", remedy=_FORM)
    endpoint = settings.get("endpoint")
    if endpoint is not None:
        host = urlsplit(endpoint)
        if host.scheme != "https" and not (host.scheme == "http" and is_loopback(host.hostname)):
            raise ConfigError("an endpoint is spoken to over TLS", remedy="write endpoint=https://HOST")
        if host.username or host.password or host.query:
            raise ConfigError("an endpoint is a scheme and a host", remedy=_FORM)
    return ObjectBlobs(_store(bucket, prefix, endpoint, settings.get("region")), f"s3://{bucket}/{prefix}")


def _store(bucket: str, prefix: str, endpoint: str | None, region: str | None) -> S3Store:
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise not_installed("evidence in object storage", "s3", error) from None
    return S3Store(
        bucket,
        prefix=prefix or None,
        config={
            **({"endpoint": endpoint} if endpoint else {}),
            **({"region": region} if region else {}),
            "checksum_algorithm": "SHA256",
            "conditional_put": "etag",
        },
        client_options={
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "timeout": timedelta(seconds=_REQUEST_SECONDS),
            "allow_http": endpoint is not None and endpoint.startswith("http:"),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
    )


class ObjectBlobs:
    """Blobs as objects of a bucket."""

    def __init__(self, store: S3Store, name: str) -> None:
        self.name = f"{name.rstrip('/')}/sha256"
        self._store = store

    def write(self, digest: str, data: bytes) -> None:
        """Create the object, unless it is there."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        there = (AlreadyExistsError, PreconditionError, FileExistsError)
        # what is there already is checked by whoever reads it
        with self._errors("storing evidence"), suppress(*there):
            self._store.put(_path(digest), data, mode="create", use_multipart=False)

    def open(self, digest: str) -> BinaryIO | None:
        """The object as a stream; None when there is none."""
        path = _path(digest)
        with self._errors("reading evidence"):
            try:
                size = self._store.head(path)["size"]
            except FileNotFoundError:
                return None

        def fetch(start: int, length: int) -> bytes:
            end = min(start + length, size)
            if start >= end:
                return b""
            with self._errors("reading evidence"):
                return bytes(self._store.get_range(path, start=start, end=end))

        return in_parts(fetch)

    def digests(self) -> Iterator[str]:
        """The names of all objects, sorted. Raises LedgerError at anything else below the prefix."""
        found: list[str] = []
        with self._errors("listing evidence"):
            for page in self._store.list("sha256/"):
                found += (one["path"] for one in page)
        for path in sorted(found):
            match = _NAME.fullmatch(path)
            if match is None:
                what = "this does not belong in the evidence store"
                place = f"{self.name.removesuffix('/sha256')}/{path}"
                raise LedgerError(what, path=place, remedy="move it away")
            yield match[2]

    def close(self) -> None:
        """Connections end with the process."""

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Turn the client's errors into one that a user can act on."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError):
            remedy = "check the credentials (AWS_ACCESS_KEY_ID, …) and the bucket's policy"
            raise EnvironmentProblem(f"{what} is not allowed", path=self.name, remedy=remedy) from None
        except (BaseError, OSError) as error:
            raise EnvironmentProblem(
                f"{what} failed: {_words(error)}",
                path=self.name,
                remedy="check the bucket, the endpoint, network and credentials (AWS_ACCESS_KEY_ID, …), then "
                "run again",
            ) from None


def _path(digest: str) -> str:
    return f"sha256/{digest[:2]}/{digest}"


def _words(error: Exception) -> str:
    """The error in one line: the client adds its cause and debugging information below."""
    text = str(error).partition("\n")[0]
    return text if len(text) <= 300 else f"{text[:299]}…"
