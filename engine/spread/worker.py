"""What runs on a worker of the cluster: the client's job, opened once for each thread, on chunk after chunk.

Dask brings the job as bytes and imports this module by its name, so the worker's own gate does the work.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ... import __version__
from ...evidence.base.errors import EnvironmentProblem, GateError
from .interface import Chunk, Job, Result, sent
from .processes import rarely_collecting

_CODE = ("cli.py", "engine/**/*.py", "engine/**/*.sql", "evidence/**/*.py", "contracts/**/*.json")
_KEPT = 2
"""Jobs that a thread keeps open: those of two clients may take turns."""

_open: dict[tuple[int, str], tuple[ExitStack, Callable[[Chunk], Result]]] = {}
"""By thread and job, the job that was opened last at the end."""
_lock = threading.Lock()


@cache
def software() -> dict[str, str]:
    """What must be the same on each machine for the same result."""
    root = Path(__file__).resolve().parents[2]
    code = hashlib.sha256()
    for path in sorted(found for pattern in _CODE for found in root.glob(pattern)):
        code.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return {
        "gate": __version__,
        "gate's code": code.hexdigest()[:16],
        "the embedded policy engine": version("gordon-to-regorus"),
    }


def packed(job: Job) -> bytes:
    """What `work` takes: the job, and what it sees here; different each time, as clients must not meet."""
    return pickle.dumps((os.urandom(16), software(), job.sees(), pickle.dumps(job)))


def work(data: bytes, chunks: list[Chunk]) -> bytes:
    """The results of chunks as a JSON array; an object for an error, see `sent`."""
    import orjson

    try:
        return orjson.dumps(list(map(_opened(data), chunks)))
    except GateError as error:
        return orjson.dumps(sent(error))


def forget(digest: str) -> None:
    """Close a job, by the SHA-256 of what `packed` gave, in all threads."""
    with _lock:
        stacks = [_open.pop(key)[0] for key in list(_open) if key[1] == digest]
    for stack in stacks:
        stack.close()


def _opened(data: bytes) -> Callable[[Chunk], Result]:
    key = (threading.get_ident(), hashlib.sha256(data).hexdigest())
    with _lock:
        known = _open.get(key)
        mine = [one for one in _open if one[0] == key[0]]
        old = [] if known or len(mine) < _KEPT else [_open.pop(mine[0])[0]]
    if known is not None:
        return known[1]
    for stack in old:
        stack.close()
    _, expected, seen, job = pickle.loads(data)  # noqa: S301 - as all that a worker is told, by whom it trusts
    _compare(expected, software(), "install the same gate on client, scheduler and workers")
    with ExitStack() as stack:
        opened: Job = pickle.loads(job)  # noqa: S301
        try:
            here = opened.sees()
        except GateError as error:
            where = f"{error.path} on {_name()}" if error.path else _name()
            raise EnvironmentProblem(error.what, path=where, remedy=_REACH) from error
        _compare(seen, here, _REACH)
        stack.enter_context(rarely_collecting())
        do = stack.enter_context(opened.opened())
        with _lock:
            _open[key] = (stack.pop_all(), do)
    return do


_REACH = "have each worker reach the ledger and its evidence at the address that the client uses"


def _compare(expected: dict[str, str], found: dict[str, str], remedy: str) -> None:
    """Raises EnvironmentProblem: something here is not as on the client."""
    for name in dict.fromkeys([*expected, *found]):
        there, here = expected.get(name, "absent"), found.get(name, "absent")
        if there != here:
            what = f"{name} is {here[:60]} on a worker and {there[:60]} on the client"
            raise EnvironmentProblem(what, path=_name(), remedy=remedy)


def _name() -> str:
    """Which worker this is."""
    from distributed import get_worker

    worker = get_worker()
    return f"worker {worker.name}" + ("" if worker.name == worker.address else f" at {worker.address}")
