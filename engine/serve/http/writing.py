"""The route that takes decisions."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ....evidence.base.errors import GateError
from ..served import Served, ServedLog
from ..writing.recorder import Recorder
from ..writing.submission import TYPE, Demands, Refused
from ..writing.tokens import Client, Issuers, NotKnown, NotPermitted
from .answers import json_answer, problem, refusal
from .rates import Rates

_LATER = {"retry-after": "1"}


def routes(served: Served, recorder: Recorder) -> list[BaseRoute]:
    """The route."""
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
            return problem(401, str(error), headers={"www-authenticate": "Bearer"})
        except NotPermitted as error:
            outcome, noted["refused"] = "forbidden", str(error)
            return problem(403, str(error))
        except Refused as error:
            outcome, noted["refused"] = "refused", str(error)
            return problem(422, "the decision is not recorded", str(error))
        except TimeoutError:
            return problem(408, "the body took too long", headers={"connection": "close"})
        except GateError as error:
            noted["refused"] = error.what
            return refusal(error, 503)
        finally:
            counts: Counter[tuple[str, str]] = self._served.counts
            counts["gate_service_posts_total", f'log="{log.name}",outcome="{outcome}"'] += 1

    def _turned_away(self, request: Request, client: Client) -> Response | None:
        """Why the body is not read; None to go on."""
        headers = request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
            return problem(415, f"the body must be {TYPE}")
        if headers.get("content-encoding", "identity").lower() != "identity":
            return problem(415, "the body must not be compressed")
        length = headers.get("content-length", "")
        if not length.isascii() or not length.isdecimal():
            return problem(411, "the length of the body must be stated")
        if len(length) > 12 or int(length) > self._limits.body_bytes:
            return problem(413, f"the body is larger than {self._limits.body_bytes} bytes")
        if not self._rates.allows(client.name):
            return problem(429, "too many decisions", headers=_LATER)
        name, most = client.name, self._limits
        full = self._bytes[name] + int(length) > 2 * most.body_bytes
        if self._waiting[name] >= max(most.waiting // 2, 1) or full:
            return problem(429, "too many decisions of this client wait to be recorded", headers=_LATER)
        full = self._bytes.total() + int(length) > 4 * most.body_bytes
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
            data = bytearray()
            async with asyncio.timeout(self._limits.body_seconds):
                async for piece in request.stream():
                    data += piece
            loop = asyncio.get_running_loop()
            accepted, future = await loop.run_in_executor(
                self._recorder.pool, self._recorder.record, log, bytes(data), demands
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
