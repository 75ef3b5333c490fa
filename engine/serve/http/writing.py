"""The route that takes decisions, and what it has in common with the one that takes policy bundles."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ....evidence.base.errors import GateError
from ..served import Served, ServedLog
from ..writing.recorder import Recorder
from ..writing.submission import TYPE, Demands, Refused
from ..writing.tokens import Client, Issuers, NotKnown, NotPermitted
from .answers import json_answer, problem, refusal
from .guard import Rates

_LATER = {"retry-after": "1"}


def routes(served: Served, recorder: Recorder) -> list[BaseRoute]:
    """The route for posting a decision."""
    return [Route("/api/logs/{log}/decisions", _Posting(served, recorder).answer, methods=["POST"])]


def client_of(request: Request, issuers: Issuers) -> Client:
    """Who posts, by a bearer token or a client certificate. Raises NotKnown: nobody vouches for it."""
    stated = request.headers.getlist("authorization")
    if stated:
        kind, _, token = stated[0].partition(" ")
        if len(stated) > 1 or kind.lower() != "bearer":
            raise NotKnown("give one bearer token")
        return issuers.client(token.strip())
    names: frozenset[str] = request.scope.get("gate_certificate", frozenset())
    if not names:
        raise NotKnown("give a bearer token")
    return Client(f"certificate {min(names)}"[:300], None, {}, names)


def not_known(error: NotKnown) -> Response:
    """The answer to a client that nobody vouches for."""
    return problem(401, str(error), headers={"www-authenticate": "Bearer"})


def wrong_body(headers: Headers, kind: str, most: int) -> Response | None:
    """Why a body is not read, by the request's header alone; None to go on.

    Args:
        kind: the content type it must have.
        most: the most bytes it may have.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        return problem(415, f"the body must be {kind}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        return problem(415, "the body must not be compressed")
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal():
        return problem(411, "the length of the body must be stated")
    if len(length) > 12 or int(length) > most:
        return problem(413, f"the body is larger than {most} bytes")
    return None


async def body_of(request: Request, seconds: float) -> bytes:
    """The body of a request. Raises TimeoutError: it took longer than that."""
    data = bytearray()
    async with asyncio.timeout(seconds):
        async for piece in request.stream():
            data += piece
    return bytes(data)


def too_slow() -> Response:
    """The answer to a body that took too long."""
    return problem(408, "the body took too long", headers={"connection": "close"})


class _Posting:
    def __init__(self, served: Served, recorder: Recorder) -> None:
        self._served = served
        self._recorder = recorder
        self._limits = served.service.limits
        self._rates = Rates(self._limits.posts_per_second)
        self._waiting: Counter[str] = Counter()  # posts by writer, and what their bodies take
        self._bytes: Counter[str] = Counter()

    async def answer(self, request: Request) -> Response:
        """Who posts is known before anything of the body is read."""
        log = self._served.log(request.path_params["log"])
        noted = request.scope["gate"]
        outcome = "failed"
        try:
            client = await asyncio.to_thread(client_of, request, self._recorder.issuers)
            noted["writer"] = client.name
            demands = self._recorder.demands(log, client)
            refused = self._turned_away(request, client)
            if refused is not None:
                outcome = "refused"
                return refused
            recorded = await self._taken(request, log, client, demands)
            outcome = "recorded" if recorded["new"] else "known"
            noted |= {"log": log.name, "entry": recorded["entry"], "decision": recorded["decision"]}
            return json_answer(recorded, 201 if recorded["new"] else 200)
        except NotKnown as error:
            outcome, noted["refused"] = "unknown", str(error)
            return not_known(error)
        except NotPermitted as error:
            outcome, noted["refused"] = "forbidden", str(error)
            return problem(403, str(error))
        except Refused as error:
            outcome, noted["refused"] = "refused", str(error)
            return problem(422, "the decision is not recorded", str(error))
        except TimeoutError:
            return too_slow()
        except GateError as error:
            noted["refused"] = error.what
            return refusal(error, 503)
        finally:
            labels = (("log", log.name), ("outcome", outcome))
            self._served.counts["gate_service_posts_total", labels] += 1

    def _turned_away(self, request: Request, client: Client) -> Response | None:
        """Why the body is not read; None to go on."""
        wrong = wrong_body(request.headers, TYPE, self._limits.body_bytes)
        if wrong is not None:
            return wrong
        if not self._rates.allows(client.name):
            return problem(429, "too many decisions", headers=_LATER)
        length = int(request.headers["content-length"])
        name, most = client.name, self._limits
        full = self._bytes[name] + length > 2 * most.body_bytes
        if self._waiting[name] >= max(most.waiting // 2, 1) or full:
            return problem(429, "too many decisions of this client wait to be recorded", headers=_LATER)
        full = self._bytes.total() + length > 4 * most.body_bytes
        if self._waiting.total() >= most.waiting or full:
            return problem(503, "too many decisions wait to be recorded", headers=_LATER)
        return None

    async def _taken(
        self, request: Request, log: ServedLog, client: Client, demands: Demands
    ) -> dict[str, Any]:
        length = int(request.headers["content-length"])
        held = Counter({client.name: 1}), Counter({client.name: length})
        self._waiting += held[0]
        self._bytes += held[1]
        try:
            data = await body_of(request, self._limits.body_seconds)
            loop = asyncio.get_running_loop()
            accepted, future = await loop.run_in_executor(
                self._recorder.pool, self._recorder.record, log, data, demands
            )
            recorded = await asyncio.wrap_future(future)
        finally:
            self._waiting -= held[0]  # without those that have none left
            self._bytes -= held[1]
        return {
            "entry": recorded.entry.index,
            "leaf": recorded.entry.digest,
            "decision": accepted.digest,
            "verdict": accepted.verdict,
            "new": recorded.new,
            "sealed": recorded.size,
        }
