"""Takes policy bundles that are pushed, and has recorded decisions judged again under them.

One at a time, in a process of its own with limits on time and memory; what it finds is a file in the folder
of results, which the pages show. Nothing is recorded, and no archive is extracted to disk.
"""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ....evidence.base.atomic import write_file
from ....evidence.base.canonical import sha256_hex
from ....evidence.base.errors import GateError, PolicyError
from ....evidence.base.limits import DEFAULT
from ....evidence.process.children import Child, Ended
from ...policy import EngineOptions
from ...policy.archive import MAX_ARCHIVE, unpack
from ...policy.bundle import load_bundle
from ...replay.impact import ENTRY, Everything, Judging, impact
from ...replay.reports.impact import RENDERERS
from ...replay.stored import EngineChoice, Place, lines
from ...spread.processes import Processes
from ...terminal.lines import Screen
from ..http.answers import json_answer, problem
from ..http.guard import Rates
from ..http.logs import notice
from ..http.writing import body_of, client_of, not_known, too_slow, wrong_body
from ..served import Served, ServedLog
from ..writing.tokens import Client, Issuers, NotKnown, may_push
from .html import prefix_of
from .impacts import FAILURE, WAITING

TYPE: Final = "application/gzip"
MOST: Final = 1000
"""Decisions that are judged again, the latest ones."""
SECONDS: Final = 900.0
"""Time for one bundle."""
_READ_MOST: Final = 4 * MAX_ARCHIVE
"""Bytes of the bodies that are read at a time, together."""
WAITING_MOST: Final = 8
"""Bundles that wait at a time; others get 503."""


class Pushing:
    """The route that takes bundles, and the thread that has them judged; it starts with the first one.

    Raises ConfigError: an issuer's keys cannot be used.
    """

    def __init__(self, served: Served, folder: Path) -> None:
        self._served = served
        self._folder = folder
        self._issuers = Issuers(served.service, notice)
        self._rates = Rates(served.service.limits.posts_per_second)
        self._bytes = 0  # of bodies that are being read
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[ServedLog, bytes, str, dict[str, str]]] = queue.Queue(WAITING_MOST)
        self._thread: threading.Thread | None = None

    def route(self) -> Route:
        """The route for pushing a policy bundle."""
        return Route("/api/logs/{log}/impact", self._answer, methods=["POST"])

    async def _answer(self, request: Request) -> Response:
        log = self._served.log(request.path_params["log"])
        try:
            client = await asyncio.to_thread(client_of, request, self._issuers)
        except NotKnown as error:
            return not_known(error)
        request.scope["gate"]["writer"] = client.name
        if not may_push(log.log, client):
            return problem(403, "this client may not push bundles for this log")
        wrong = wrong_body(request.headers, TYPE, MAX_ARCHIVE)
        if wrong is not None:
            return wrong
        if not self._rates.allows(client.name):
            return problem(429, "too many bundles", headers={"retry-after": "1"})
        length = int(request.headers["content-length"])
        if self._bytes + length > _READ_MOST:
            return problem(503, "too many bundles are being read", headers={"retry-after": "1"})
        self._bytes += length
        try:
            data = await body_of(request, self._served.service.limits.body_seconds)
        except TimeoutError:
            return too_slow()
        finally:
            self._bytes -= length
        prefix = prefix_of(request.scope.get("root_path", ""), self._served.service.stated.url)
        return await asyncio.to_thread(self._taken, log, data, client, prefix)

    def _taken(self, log: ServedLog, data: bytes, client: Client, prefix: str) -> Response:
        digest = sha256_hex(data)
        name = f"{log.name}-{digest[:16]}.json"
        pushed = {"log": log.name, "by": client.name, "archive": digest}
        with self._lock:
            if self._queue.full():
                return problem(503, "too many bundles wait to be judged", headers={"retry-after": "60"})
            try:
                self._write(name, {"type": WAITING, "pushed": pushed})
            except OSError:
                return problem(503, "results cannot be written")
            self._queue.put_nowait((log, data, name, pushed))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="gate-impact", daemon=True)
                self._thread.start()
        page = f"{prefix}/impact/{name}"
        return json_answer({"result": page}, 202, {"location": page})

    def _run(self) -> None:
        while True:
            log, data, name, pushed = self._queue.get()
            try:
                self._write(name, {**_again(log, data), "pushed": pushed})
            except Exception as error:  # noqa: BLE001 - the thread lives on; what waits stays so
                notice(f"the result {name} cannot be written: {type(error).__name__}")

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        self._folder.mkdir(exist_ok=True)
        write_file(
            self._folder / name,
            json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n",
        )


def _again(log: ServedLog, data: bytes) -> dict[str, Any]:
    """What a bundle changes, or why that is not known, as a document."""
    member = log.member
    place = Place(member.url, member.evidence, DEFAULT, member.admins)
    try:
        with Child(partial(_judged, data, place, log.config_dir), DEFAULT.collector_memory_bytes) as child:
            found: dict[str, Any] = child.receive(SECONDS)
    except TimeoutError:
        return {"type": FAILURE, "what": f"judging again took longer than {SECONDS:.0f} s"}
    except (Ended, OSError) as error:
        memory = isinstance(error, Ended) and error.memory
        return {"type": FAILURE, "what": "judging again needed too much memory" if memory else "it ended"}
    return found


def _judged(data: bytes, place: Place, config_dir: Path) -> Iterator[dict[str, Any]]:
    """What the process sends: one document."""
    try:
        bundle = load_bundle(unpack(data, "the pushed bundle"))
        found = lines(place, 0, config_dir)
        base = "what was decided then" + (f", the latest {MOST} decisions" if len(found) > MOST else "")
        engine = EngineChoice("embedded", DEFAULT, EngineOptions())
        work = Everything(found[-MOST:], (), (), DEFAULT)
        made = impact([ENTRY], work, Judging((place,), bundle, None, engine), base, Processes(1))
    except GateError as error:
        # of a bundle, where in it; of anything else it would be a path of this machine
        where = ", ".join(filter(None, (error.path, error.place))) if isinstance(error, PolicyError) else ""
        yield {"type": FAILURE, "what": f"{error.what} ({where})" if where else error.what}
    else:
        yield json.loads(RENDERERS["json"](made, Screen()))
