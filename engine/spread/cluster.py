"""Work on a Dask cluster, with the extra ``dask``.

Dask keeps track of who works on what: it gives chunks of a worker that is lost to others. Whoever can speak
to the scheduler can run programs on all its machines and on this one (messages are pickled), so only an
operator names a cluster, and beyond this machine it is spoken to over TLS, unless Dask's own configuration
says otherwise.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import hashlib
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from ...evidence.base.activity import Log, step
from ...evidence.base.errors import ConfigError, EnvironmentProblem, UsageError, not_installed
from ..store.urls import is_loopback
from . import worker
from .interface import Chunks, Job, Result, received

if TYPE_CHECKING:
    from distributed import Future

_log = Log(__name__)
_FORM: Final = "write dask://HOST:PORT or tls://HOST:PORT"
_ENCRYPTION: Final = "distributed.comm.require-encryption"
_CONNECT_SECONDS: Final = 10
_LOST_SECONDS: Final = 30
"""How long there may be no scheduler or no worker: a worker that ended is started again within seconds."""
_LOOK_SECONDS: Final = 1
_TIDY_SECONDS: Final = 5
_TOGETHER: Final = 4
"""Chunks of one task: a task takes all machines a few milliseconds."""
_AHEAD: Final = 3
"""Tasks for each thread of a worker that are under way, or done and not fetched."""


class Cluster:
    """A Dask cluster; connected as a context manager.

    Made, it raises UsageError: the address is none, or would be spoken to without TLS; EnvironmentProblem:
    Dask is not installed. Entering raises EnvironmentProblem: nobody answers there, or there is no worker.
    """

    def __init__(self, address: str) -> None:
        self._name, self._address = address, _address(address)
        self._threads, self._looked = 0, float("-inf")

    def __enter__(self) -> Self:
        from distributed import Client

        with warnings.catch_warnings(), self._errors():
            warnings.simplefilter("ignore")  # other versions of libraries: what matters is compared
            self._client = Client(self._address, timeout=_CONNECT_SECONDS, name="gate", set_as_default=False)
        try:
            step(f"waiting for workers of {self._name}")
            with self._errors():
                self._client.wait_for_workers(1, timeout=_LOST_SECONDS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._client.close(timeout=_LOOK_SECONDS)

    def run(self, job: Job, chunks: Chunks) -> Iterator[Result]:
        """See `Spread`."""
        data = worker.packed(job)
        pending: deque[Future[bytes]] = deque()
        digest = hashlib.sha256(data).hexdigest()
        client = self._client
        try:
            with self._errors():
                # a task, and no data of the client: Dask makes it again when its worker is lost
                brought = client.submit(bytes, data, key=f"gate-job-{digest}", pure=False)
                rest = chunks()
                for number in count():
                    some = list(islice(rest, _TOGETHER))
                    if not some:
                        break
                    if len(pending) >= self._room():
                        for results in self._next(pending):
                            yield from _read(results)
                    key = f"gate-{digest[:16]}-{number}"
                    pending.append(client.submit(worker.work, brought, some, key=key, pure=False))
                while pending:
                    for results in self._next(pending):
                        yield from _read(results)
        finally:
            # in a thread: whoever has been waited for long enough is not waited for in the end
            tidying = threading.Thread(target=self._tidy, args=(list(pending), digest), daemon=True)
            tidying.start()
            tidying.join(_TIDY_SECONDS)

    def _tidy(self, pending: list[Future[bytes]], digest: str) -> None:
        """Leave nothing of a job on the workers."""
        with suppress(Exception):
            self._client.cancel(pending)
            self._client.run(worker.forget, digest, on_error="ignore")

    def _room(self) -> int:
        """How many tasks may be under way."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._threads = sum(int(one["nthreads"]) for one in self._workers().values())
            self._looked = time.monotonic()
        return _AHEAD * max(1, self._threads)

    def _workers(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        return found

    def _next(self, pending: deque[Future[bytes]]) -> list[bytes]:
        """The results that come next, at least one, taken from what is pending."""
        from distributed import wait

        there = time.monotonic()
        while not pending[0].done():
            with suppress(TimeoutError), self._client.as_current():
                wait([pending[0]], timeout=_LOOK_SECONDS)
                break
            if self._client.status == "running" and self._workers():
                there = time.monotonic()
            elif time.monotonic() - there > _LOST_SECONDS:
                raise self._lost("it has no workers any more")
        ready = [pending.popleft()]
        while pending and pending[0].done():
            ready.append(pending.popleft())
        found: list[bytes] = self._client.gather(ready)
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what Dask raises into errors that a user can act on."""
        from distributed import KilledWorker

        try:
            yield
        except ImportError as error:
            what = f"{error.name or 'a module'} cannot be imported on the cluster at {self._name}"
            remedy = "install gate, of the same version and with its extra dask, on scheduler and workers"
            raise EnvironmentProblem(what, remedy=remedy) from error
        except KilledWorker as error:
            raise EnvironmentProblem(
                f"several workers of the cluster at {self._name} ended over the same part of the work",
                path=f"worker at {error.last_worker.address}",
                remedy="look into the workers' logs; give them more memory (`dask worker --memory-limit`)",
            ) from error
        except TypeError as error:
            if "ssl_context" not in str(error):
                raise
            remedy = "set ca-file, client.cert and client.key of distributed.comm.tls for Dask"
            raise ConfigError(f"there is no certificate for TLS to {self._name}", remedy=remedy) from error
        except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            raise self._lost(str(error) or type(error).__name__) from error

    def _lost(self, reason: str) -> EnvironmentProblem:
        gone = "lost the connection" in reason  # Dask says so in many lines
        return EnvironmentProblem(
            f"the cluster at {self._name} "
            + ("was lost while it worked" if gone else f"cannot be reached: {reason[:200]}"),
            remedy="check scheduler and workers, or leave out --cluster to use this machine",
        )


def _read(results: bytes) -> list[Result]:
    import orjson

    values: Any = orjson.loads(results)
    if isinstance(values, dict):
        raise received(values)
    found: list[Result] = values
    return found


def _address(url: str) -> str:
    """Dask's address for a URL. Raises UsageError; EnvironmentProblem: Dask is not installed."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in ("dask", "tls") or parts.netloc != url.partition("://")[2]:
        raise UsageError(f"{url[:80]!r} is no address of a cluster", remedy=_FORM)
    if parts.username is not None or parts.password is not None:
        raise UsageError("the address of the cluster names a user, and Dask knows none", remedy=_FORM)
    try:
        import dask
        import distributed  # noqa: F401 - reads its configuration
    except ImportError as error:
        raise not_installed("a cluster", "dask", error) from None
    _silence()
    demanded = dask.config.get(_ENCRYPTION, None)
    tls = parts.scheme == "tls" or bool(demanded)
    if not tls and demanded is None and not is_loopback(host):
        raise UsageError(
            f"{url[:80]} would be spoken to without TLS, and whoever can speak to it can run programs",
            remedy=f"write tls://, with certificates in Dask's configuration; or set {_ENCRYPTION} to false "
            "there, if the network keeps everybody else out",
        )
    return f"{'tls' if tls else 'tcp'}://{parts.netloc}"


def _silence() -> None:
    """Keep Dask's own log off standard error: what matters becomes an error or a line of progress."""
    import logging

    for name in ("distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
