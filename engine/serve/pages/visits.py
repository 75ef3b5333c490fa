"""From a request to the page that answers it. What cannot be read is named there and hides nothing else."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ....evidence.base.errors import EvidenceError, GateError, LedgerError, UsageError
from ...fleet.reading import Problem
from ...ledger.interface import NoLedger
from ...report.audit import html as report
from ...report.audit.words import LANGUAGES
from ..served import Row, Served, ServedLog, at_length
from . import impacts, views
from .html import Site, language_of, policy, prefix_of
from .pushing import Pushing
from .rows import Asked, Shelf

_KEPT: Final = 4096
"""Decisions whose waivers and conditions are remembered."""
_AGAIN_S: Final = 5.0
"""After what time a log that could not be read is asked again: it may take long to fail."""

Answer = Callable[[Request, Site], Response]


class Visits:
    """The pages over what is served."""

    def __init__(self, served: Served, clock: Callable[[], float] = time.time) -> None:
        self._served = served
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves = {name: Shelf() for name in served.logs}
        self._dues: dict[tuple[str, str], list[views.Due]] = {}
        self._failed: dict[str, tuple[float, Problem | None]] = {}

    def routes(self) -> list[BaseRoute]:
        """All of them; the last one answers about what is not here."""
        folder = self._folder()
        pushed = any(one.log.stated.bundles for one in self._served.logs.values())
        pushing = [Pushing(self._served, folder).route()] if folder and pushed else []
        return [
            *pushing,
            Route("/", self._page(self._decisions)),
            Route("/logs", self._page(self._logs)),
            Route("/logs/{log}", self._page(self._log)),
            Route("/logs/{log}/decisions/{target}", self._page(self._decision)),
            Route("/due", self._page(self._due)),
            Route("/verification", self._page(self._verification)),
            Route("/impact", self._page(self._impact)),
            Route("/impact/{name}", self._page(self._impact_result)),
            Route("/{path:path}", self._page(_nothing)),
        ]

    def _page(self, answer: Answer) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            """Answer in a thread: it reads files."""
            site = self._site(request)
            try:
                return answer(request, site)
            except UsageError as error:
                return _answer(views.problem(site, error), 404)
            except GateError as error:
                request.scope.setdefault("gate", {})["refused"] = error.what  # for the service's log
                return _answer(views.problem(site, error, unreadable=True), 503)

        return respond

    def _site(self, request: Request) -> Site:
        chosen = request.query_params.get("language", "")
        language = chosen if chosen in LANGUAGES else language_of(request.headers.get("accept-language", ""))
        root = request.scope.get("root_path", "")
        prefix = prefix_of(root, self._served.service.stated.url)
        path = "/" + request.url.path.removeprefix(root).lstrip("/")  # two slashes would lead elsewhere
        fields = tuple(request.query_params.items())
        return Site(int(self._clock()), language, chosen in LANGUAGES, prefix, path, fields)

    def _rows(self) -> tuple[dict[str, Sequence[Row]], list[Problem]]:
        """The decisions of all logs that can be read, and why others cannot; these are asked again later."""
        found: dict[str, Sequence[Row]] = {}
        problems = []
        for name, one in self._served.logs.items():
            until, problem = self._failed.get(name, (0.0, None))
            if problem is None or time.monotonic() >= until:
                try:
                    found[name], problem = one.rows(), None
                except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
                    problem = Problem(name, _reason(error))
                self._failed[name] = (time.monotonic() + _AGAIN_S, problem)
            if problem is not None:
                problems.append(problem)
        return found, problems

    def _decisions(self, request: Request, site: Site) -> Response:
        asked = Asked.of(request.query_params)
        rows, problems = self._rows()
        with self._lock:
            page = views.decisions(site, self._shelved(rows, problems), asked, problems)
        return _answer(page, 400 if asked.wrong else 200)

    def _logs(self, request: Request, site: Site) -> Response:
        rows, problems = self._rows()
        gone = views.lapsed(site, self._dues_of(rows, problems))
        with self._lock:
            return _answer(views.logs(site, self._shelved(rows, problems), gone, problems))

    def _shelved(self, rows: Mapping[str, Sequence[Row]], problems: list[Problem]) -> dict[str, Shelf]:
        """The logs with these decisions; what of them is odd goes to the problems."""
        found = {name: self._shelves[name].read(own) for name, own in rows.items()}
        for name, shelf in found.items():
            if shelf.odd:
                problems.append(Problem(name, f"entry {shelf.odd[0]} is not what gate records"))
        return found

    def _log(self, request: Request, site: Site) -> Response:
        log = self._served.log(request.path_params["log"])
        rows = log.rows()
        with self._lock:
            shelf = self._shelves[log.name].read(rows)
            workspace = request.query_params.get("workspace")
            if workspace not in shelf.abouts:
                workspace = shelf.latest[0] if shelf.latest else ""
            last = shelf.abouts[workspace].rows[-views.CHARTED :] if workspace in shelf.abouts else []
        charted, problems = [], []
        for row in last:
            try:
                charted.append((row, log.decision(row)))
            except LedgerError as error:
                problems.append(Problem(log.name, f"entry {row.entry.index}: {error.what}"))
        gone = views.lapsed(site, self._dues_of({log.name: rows}, problems))
        with self._lock:
            return _answer(views.log(site, log.name, shelf, workspace, charted, gone, problems))

    def _decision(self, request: Request, site: Site) -> Response:
        log, target = self._served.log(request.path_params["log"]), request.path_params["target"]
        row = log.row(target)
        if target != str(row.entry.index):
            return RedirectResponse(site.decision_url(log.name, row.entry.index), 302)
        found, rows = log.decision(row), log.rows()
        at = bisect_left(rows, row.entry.index, key=lambda one: one.entry.index)
        beside = [rows[one].entry.index if 0 <= one < len(rows) else None for one in (at - 1, at + 1)]
        with at_length():
            page = views.decision(site, found, row.entry, log.name, beside[0], beside[1])
        return _answer(page, sheet=report.style())

    def _due(self, request: Request, site: Site) -> Response:
        rows, problems = self._rows()
        return _answer(views.due(site, self._dues_of(rows, problems), problems))

    def _dues_of(self, rows: Mapping[str, Sequence[Row]], problems: list[Problem]) -> list[views.Due]:
        """What the latest decisions about each stage rest on; what cannot be read goes to the problems."""
        resting: dict[tuple[str, int], tuple[Row, set[str]]] = {}
        with self._lock:
            for name, shelf in self._shelved(rows, []).items():
                for about in shelf.abouts.values():
                    for stage, one in about.stages.items():
                        key = name, one.latest.entry.index
                        resting.setdefault(key, (one.latest, set()))[1].add(stage)
        dues: list[views.Due] = []
        for (name, index), (row, stages) in resting.items():
            try:
                found = self._rested_on(self._served.logs[name], row)
            except GateError as error:
                problems.append(Problem(name, f"entry {index}: {error.what}"))
            else:
                own = [replace(one, resting=one.resting & stages) for one in found]
                dues += [one for one in own if one.resting]
        return dues

    def _rested_on(self, log: ServedLog, row: Row) -> list[views.Due]:
        key = (log.name, row.entry.digest)
        known = self._dues.get(key)
        if known is None:
            known = views.dues_of(log.name, row, log.decision(row))
            with self._lock:
                if len(self._dues) >= _KEPT:
                    self._dues.clear()
                self._dues[key] = known
        return known

    def _verification(self, request: Request, site: Site) -> Response:
        states = [_state(one) for one in self._served.logs.values()]
        return _answer(views.verification(site, states, self._base(request)))

    def _base(self, request: Request) -> str:
        return self._served.service.stated.url or str(request.base_url)

    def _folder(self) -> Path | None:
        named = self._served.service.stated.impact
        return None if named is None else self._served.service.directory / named

    def _impact(self, request: Request, site: Site) -> Response:
        folder, found, wrong = self._folder(), list[impacts.Listed](), ""
        try:
            found = [] if folder is None else impacts.results(folder)
        except OSError as error:
            wrong = error.strerror or "unreadable"
        return self._listed(request, site, found, 503 if wrong else 200, wrong)

    def _listed(
        self, request: Request, site: Site, found: list[impacts.Listed], status: int, wrong: str = ""
    ) -> Response:
        pushable = [name for name, one in self._served.logs.items() if one.log.stated.bundles]
        return _answer(views.impact(site, found, pushable, self._base(request), wrong=wrong), status)

    def _impact_result(self, request: Request, site: Site) -> Response:
        folder, name = self._folder(), request.path_params["name"]
        try:
            if folder is None:
                raise EvidenceError("the service file names no folder for results", path=name)
            found = impacts.read(folder, name)
        except EvidenceError as error:
            raise UsageError(error.what, remedy="choose one of the results of policy impact") from error
        if found.impact is None:
            status = 200 if found.readable else 503
            return self._listed(request, site, [impacts.Listed.of(found)], status)
        return _answer(views.impact_result(site, found, found.impact))


def _reason(error: Exception) -> str:
    """Why a ledger cannot be read, without paths of this machine."""
    if isinstance(error, GateError):
        return error.what
    return f"it is not what a ledger is: {type(error).__name__}"


def _state(log: ServedLog) -> views.State:
    """What is known of a log's verification, and of what it is about as far as that can be read now."""
    verified = log.verified
    report, unknown = (None, None) if verified is None else (verified.report, verified.problem)
    # where something is, only as a line of the log: a path may be one of this machine
    findings = [
        one.text if one.line is None else f"line {one.line}: {one.text}"
        for one in (() if report is None else report.problems)
    ]
    rows: Sequence[Row] = ()
    sealed = key = None
    try:
        with suppress(NoLedger), log.reading() as ledger:
            key = ledger.verifier
        rows, found = log.rows(), log.checkpoint()
        sealed = found[0] if found else None
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        unknown = unknown or _reason(error)
    return views.State(
        name=log.name,
        checked=None if verified is None else verified.time,
        size=None if report is None else report.size,
        findings=tuple(findings),
        unknown=unknown,
        key=key,
        pinned=log.member.key is not None,
        sealed=sealed,
        latest=rows[-1].entry.index if rows else None,
    )


def _nothing(request: Request, site: Site) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    raise UsageError(f"there is no page {request.path_params['path'][:80]!r}")


def _answer(page: str, status: int = 200, sheet: str | None = None) -> Response:
    data = page.encode("utf-8", "backslashreplace")
    return HTMLResponse(data, status, {"content-security-policy": policy(sheet), "vary": "accept-language"})
