"""What the client program did against the simulated gateway: ``BROKER_CONFORMANCE.json`` and its logs.

The file keeps to ``contracts/files/broker_conformance.schema.json``.

The observation logs beside the file are the proof: where all of them are there and are those that the file
names, the figures are computed from them again, and what the file says otherwise is a disagreement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..base.canonical import canonical
from ..base.contracts import shorten, violations
from ..base.errors import EvidenceError, masked
from ..base.times import format_utc
from ..broker.conformance.figures import measure
from ..broker.conformance.log import CaseLog
from ..broker.conformance.suite import CASES, NAME, VERSION, Case
from ..collecting.interface import Observation, Problem, Scope
from ..collecting.interface import Options as BaseOptions
from ..reading.json_lines import UNSURE, RecordReader
from ..reading.workspace import View
from .shared.documents import moment
from .shared.named import Names, programs_not_there

_REMEDY = "run gate ibkr conformance -- COMMAND with your client program (`gate docs conformance`)"
_LISTS = (
    "cases",
    "disagreements",
    "programs_not_there",
    "orders",
    "order_types",
    "reactions",
    "reconnection",
    "over_a_disconnect",
)
_NULLS = (
    "file",
    "suite",
    "verified_at_s",
    "figures_from",
    "operations",
    "pacing",
    "outage",
    "shutdown",
    "live",
)
_MOST_DISAGREEMENTS = 50
_SECOND_US = 1_000_000
_AROUND_US = 5 * _SECOND_US
"""How much longer than the program the gateway may run."""
_MOST_RECORDS = 400_000
"""Records of one log: the suite ends a program after 20,000 messages, each with a few answers."""


@dataclass(frozen=True, slots=True)
class BrokerConformanceOptions(BaseOptions):
    """Options of the collector ``broker_conformance``."""

    path: str = field(
        default=NAME,
        metadata={"description": "The file, relative to the workspace; its logs lie in a folder beside it."},
    )


class BrokerConformanceCollector:
    """See the module."""

    id: ClassVar[str] = "broker_conformance"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[BaseOptions]] = BrokerConformanceOptions

    def __init__(self, options: BrokerConformanceOptions) -> None:
        self._path = options.path

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/broker_conformance.schema.json``."""
        path = self._path
        if not view.exists(path):
            nothing: dict[str, Any] = {
                **dict.fromkeys(_NULLS),
                **{name: [] for name in _LISTS},
                "latencies": [],
            }
            return Observation(nothing, (Problem("", f"{path} does not exist", _REMEDY),))
        document = view.read_json(path, "broker_conformance")
        if document["suite"] != VERSION:
            what = f"is of version {masked(document['suite'])!r} of the suite; this gate knows {VERSION!r}"
            raise EvidenceError(what, path=path, place="/suite", remedy=_REMEDY)
        stated: dict[str, dict[str, Any]] = {}
        for index, one in enumerate(document["cases"]):
            if one["name"] in stated:
                what, place = f"the case {one['name']} is there twice", f"/cases/{index}/name"
                raise EvidenceError(what, path=path, place=place, remedy=_REMEDY)
            stated[one["name"]] = one
        text, epoch = moment(document["finished_at"], path, "/finished_at")
        problems: list[Problem] = []
        logs: dict[str, CaseLog] = {}
        cases = [_case(view, path, case, stated.get(case.name), logs, problems) for case in CASES]
        claimed = document["figures"]
        proven = len(logs) == len(stated)
        computed = measure(CASES, logs) if proven else claimed
        differences = list(_differences(claimed, computed)) if proven else []
        differences += _times(document, stated, logs)
        facts = {
            "file": path,
            "suite": document["suite"],
            "verified_at_s": epoch,
            "cases": cases,
            "figures_from": "logs" if proven else "claims",
            "disagreements": differences[:_MOST_DISAGREEMENTS],
            "programs_not_there": programs_not_there(document["command"], Names(view.paths())),
            **computed,
        }
        problems += [Problem(name, *_why(name)) for name in _nulls(computed)]
        return Observation(
            facts,
            tuple(problems),
            text,
            tool=f"gate {document['gate']}",
            format=document["format"],
            scopes=(Scope("", len(cases), len(stated), "cases"),),
        )


def _nulls(figures: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of the figures that are null."""
    for name, value in figures.items():
        if value is None:
            yield prefix + name
        elif isinstance(value, dict):
            yield from _nulls(value, f"{prefix}{name}.")


def _why(name: str) -> tuple[str, str]:
    """Why a figure is null, and what to do."""
    if name == "pacing.pause_us":
        reason = "the program was not told that it sends too fast, or sent nothing afterwards"
        return reason, "let the program place the 60 orders of the task burst, and cancel them"
    if name in ("pacing.busiest_second", "pacing.case"):
        return "the program sent nothing", "let the program connect to GATE_IBKR_HOST and GATE_IBKR_PORT"
    return "the case that shows it was not run", "run the whole suite"


def _case(
    view: View,
    path: str,
    case: Case,
    stated: dict[str, Any] | None,
    logs: dict[str, CaseLog],
    problems: list[Problem],
) -> dict[str, Any]:
    """The facts of one case; its log goes into ``logs`` if it is the one that the file names."""
    if stated is None:
        return {"name": case.name, "ended": None, "exit_code": None, "elsewhere": [], "log": "not run"}
    name = f"{path.rpartition('/')[0]}/{stated['log']}".removeprefix("/")
    row = {key: stated[key] for key in ("name", "ended", "exit_code", "elsewhere")}
    row["elsewhere"] = [masked(address) for address in row["elsewhere"]]
    if stated["task"] != case.task or stated["scenario_sha256"] != case.scenario.digest:
        return row | {"log": "other"}
    if not view.exists(name):
        return row | {"log": "missing"}
    try:
        log, digest = _read(view, name)
    except EvidenceError as error:
        problems.append(Problem.rejected(error, "disagreements"))
        return row | {"log": "malformed"}
    session = log.session
    expected = {
        "scenario": case.name,
        "scenarioSha256": case.scenario.digest,
        "account": case.scenario.account,
    }
    if digest != stated["log_sha256"] or any(session.get(key) != value for key, value in expected.items()):
        return row | {"log": "other"}
    logs[case.name] = log
    return row | {"log": "agrees"}


def _read(view: View, path: str) -> tuple[CaseLog, str]:
    """The log and its SHA-256. Raises EvidenceError: it is no observation log."""
    reader, records = RecordReader(path, view.limits), []
    for number, line in view.lines(path):
        record = reader.quick(line)
        if record is UNSURE:
            record = reader.strict(line, number)
        if number > _MOST_RECORDS:
            what = f"has more than {_MOST_RECORDS} records"
            raise EvidenceError(what, path=path, remedy=_REMEDY)
        if found := violations("files", "ibkr_observation", record, 1, quote=False):
            pointer, what = found[0]
            raise EvidenceError(f"{pointer}: {what}", path=path, place=f"line {number}", remedy=_REMEDY)
        records.append(record)
    try:
        return CaseLog(records), next(one.sha256 for one in view.files if one.path == path)
    except ValueError as error:
        raise EvidenceError(str(error), path=path, remedy=_REMEDY) from error


def _times(
    document: dict[str, Any], stated: Mapping[str, dict[str, Any]], logs: Mapping[str, CaseLog]
) -> Iterator[dict[str, str]]:
    """Times of the file that are not those of the logs, which begin and end around the program."""
    ends = [(name, log.records[0]["at_us"], log.records[-1]["at_us"]) for name, log in logs.items()]
    for member, at_us, outside in (
        ("started_at", min((first for _, first, _ in ends), default=None), -1),
        ("finished_at", max((last for _, _, last in ends), default=None), 1),
    ):
        claimed, epoch = moment(document[member], NAME, f"/{member}")
        if at_us is not None and (at_us // _SECOND_US - epoch) * outside > 1:
            yield {"figure": f"../{member}", "claimed": claimed, "computed": format_utc(at_us // _SECOND_US)}
    for name, first, last in ends:
        duration = stated[name]["duration_us"]
        if not -_AROUND_US <= duration - (last - first) <= _SECOND_US:
            shown = {"claimed": f"{duration} us", "computed": f"{last - first} us"}
            yield {"figure": f"../{name}/duration_us", **shown}


def _differences(claimed: Any, computed: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Where two JSON-like values differ, in the order of the second one."""
    if isinstance(claimed, dict) and isinstance(computed, dict) and claimed.keys() == computed.keys():
        for key in computed:
            yield from _differences(claimed[key], computed[key], f"{pointer}/{key}")
    elif isinstance(claimed, list) and isinstance(computed, list) and len(claimed) == len(computed):
        for index, (one, other) in enumerate(zip(claimed, computed, strict=True)):
            yield from _differences(one, other, f"{pointer}/{index}")
    elif claimed != computed or isinstance(claimed, bool) != isinstance(computed, bool):
        shown = (masked(shorten(canonical(value).decode())) for value in (claimed, computed))
        yield dict(zip(("figure", "claimed", "computed"), (pointer, *shown), strict=True))
