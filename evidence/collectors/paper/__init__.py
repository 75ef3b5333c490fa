"""The paper-trading session: every figure recomputed from its log, the metrics file held against it.

Read: the log, the metrics file (claims), the mock baseline, the back-test, the P&L series, and the id in the
account's record. Each may be missing or rejected without the others. Formulas and roundings are in ``pnl.py``
and ``claims.py``; what makes a log contradict itself is in ``log.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar

from ...base.errors import EvidenceError
from ...base.numbers import PPM, percentile_nearest_rank, ratio_ppm
from ...base.times import format_utc
from ...collecting.interface import Observation, Problem, ProblemKind, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.workspace import View
from ..shared.account_id import read_json
from ..shared.documents import MAX_INTEGER, absent, moment, scaled
from .claims import Claim, disagreements, read_claims
from .log import NS_PER_MS, SECOND_US, Session, busiest_second, read_session, unrecovered
from .pnl import PNL_FACTS, annual, measure, moments, read_series

_PERCENTS = (50, 95, 99)
_SESSION_FACTS = (
    "file", "session_id", "trades", "filled", "fill_rate_ppm", "duration_s", "busiest_second",
    "pacing_violations", "disconnects", "unrecovered_disconnects", "rejects", "symbols",
    "contradictions_total", "observed_at_s", "account_prefix", "same_account", "simulated", "labelled_sample",
)  # fmt: skip
_SHARPE = ("sharpe_paper_micro", "sharpe_source", "sharpe_ratio_ppm")
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class PaperOptions(BaseOptions):
    """Options of the collector ``paper``; paths are relative to the workspace."""

    log: str = field(default="PAPER_TRADING_LOG.json", metadata={"description": "The session's log."})
    metrics: str = field(
        default="PAPER_TRADING_METRICS.csv", metadata={"description": "The figures that are claimed."}
    )
    mock: str = field(
        default="MOCK_BASELINE.json", metadata={"description": "Latencies against the mock broker."}
    )
    backtest: str = field(
        default="BACKTEST_METRICS.json", metadata={"description": "Result of the back-test."}
    )
    account: str = field(
        default="ACCOUNT_CONFIG.json",
        metadata={"description": "The account's record, whose account the log has to name."},
    )
    pnl: str = field(
        default="PNL_SERIES.csv",
        metadata={"description": "The account's value after the P&L of every period (time,equity)."},
    )
    pnl_periods_per_year: int = field(
        default=252, metadata={"ge": 1, "description": "Periods of the P&L series in a year."}
    )
    psr_benchmark_micro: int = field(
        default=0,
        metadata={
            "ge": -MAX_INTEGER,
            "le": MAX_INTEGER,
            "description": "Sharpe ratio per period × 10^6 that the probabilistic one is to exceed.",
        },
    )


@dataclass(slots=True)
class _Facts:
    """The facts while they are filled in, the figures that claims are held against, and the problems."""

    values: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)
    exact: dict[str, Fraction] = field(default_factory=dict)
    samples: list[bool] = field(default_factory=list)

    def lack(self, names: tuple[str, ...], reason: str, remedy: str) -> None:
        """Say why these facts are null."""
        self.problems.extend(absent(names, reason, remedy))

    def read(
        self, view: View, path: str, names: tuple[str, ...], remedy: str, use: Callable[[View, str], None]
    ) -> None:
        """Use a file if it is there; otherwise, or when it is rejected, say so of the facts named."""
        try:
            if view.exists(path):
                use(view, path)
            else:
                self.lack(names, f"{path} does not exist", remedy)
        except EvidenceError as error:
            self.problems.extend(Problem.rejected(error, name) for name in names)


class PaperCollector:
    """Reads a paper-trading session; see the module's description."""

    id: ClassVar[str] = "paper"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[BaseOptions]] = PaperOptions

    def __init__(self, options: PaperOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/paper.schema.json``; a rejected file takes only its own facts away."""
        options = self._options
        facts = _Facts(
            {
                **dict.fromkeys(_SESSION_FACTS),
                "contradictions": [],
                "order_types": [],
                "latency": {f"p{percent}_us": None for percent in _PERCENTS},
                "mock": {"p50_us": None, "p95_us": None},
                **dict.fromkeys(("latency_delta_ppm", "sharpe_paper_micro", "sharpe_backtest_micro")),
                **dict.fromkeys(("sharpe_ratio_ppm", "sharpe_source")),
                "pnl": {
                    **dict.fromkeys(PNL_FACTS),
                    "periods_per_year": options.pnl_periods_per_year,
                    "psr_benchmark_micro": options.psr_benchmark_micro,
                },
                "metrics_file": None,
                "claimed_metrics": [],
                "claimed_statuses": [],
                "disagreements": [],
                "percentile_method": "nearest-rank",
                "accounts_masked": [],
            }
        )
        sessions: list[Session] = []
        claims: dict[str, Claim] = {}

        def use_log(view: View, path: str) -> None:
            session = read_session(view, path)
            self._session(facts, session, view.limits.problems)
            self._latency(facts, session)
            sessions.append(session)

        def use_metrics(view: View, path: str) -> None:
            claims.update(read_claims(view, path))
            facts.values.update(
                metrics_file=path,
                claimed_metrics=sorted(claims),
                claimed_statuses=[{"metric": one.metric, "status": one.status} for one in claims.values()],
            )

        shape = "(contracts/files/{}.schema.json shows the shape)"
        remedy = f"run a paper session that writes {options.log} {shape.format('paper_trading_log')}"
        facts.read(view, options.log, ("",), remedy, use_log)
        remedy = f"write the session's figures into {options.metrics} (metric,value,unit,status)"
        facts.read(view, options.metrics, ("metrics_file",), remedy, use_metrics)
        remedy = f"measure the mock broker on the same host and record it in {options.mock}"
        mock = ("mock", "latency_delta_ppm")
        facts.read(
            view, options.mock, mock, f"{remedy} {shape.format('mock_baseline')}", partial(self._mock, facts)
        )
        remedy = f"record the back-test in {options.backtest} {shape.format('backtest_metrics')}"
        backtest = ("sharpe_backtest_micro",)
        facts.read(view, options.backtest, backtest, remedy, partial(self._backtest, facts))
        if sessions:
            session = sessions[0]
            self._account(facts, session, view)
            self._sharpe(facts, session, claims)
        remedy = f"write the account's value after every period into {options.pnl} (time,equity)"
        facts.read(view, options.pnl, ("pnl",), remedy, partial(self._pnl, facts))
        if sessions:
            facts.values["labelled_sample"] = any([sessions[0].sample, *facts.samples])
        facts.values["disagreements"] = disagreements(claims, facts.exact)
        end = facts.values["observed_at_s"]
        observed = None if end is None else format_utc(end)
        return Observation(
            facts.values, tuple(facts.problems), observed, scopes=_scopes(sessions, claims, facts)
        )

    def _session(self, facts: _Facts, session: Session, most: int) -> None:
        trades = session.trades
        count = len(trades)
        filled = sum(trade.status == "FILLED" for trade in trades)
        pacing = session.events.count("pacing_violation")
        disconnects = session.events.count("disconnect")
        length = max(session.end_us - session.start_us, 0)
        facts.values.update(
            file=self._options.log,
            session_id=session.session_id,
            trades=count,
            filled=filled,
            duration_s=length // SECOND_US,
            busiest_second=busiest_second([trade.submitted_us for trade in trades]),
            pacing_violations=pacing,
            disconnects=disconnects,
            unrecovered_disconnects=unrecovered(session.events),
            rejects=sum(trade.status == "REJECTED" for trade in trades),
            symbols=len({trade.symbol for trade in trades}),
            order_types=sorted({trade.order_type for trade in trades}),
            contradictions=[{"place": place, "text": text} for place, text in session.contradictions[:most]],
            contradictions_total=len(session.contradictions),
            observed_at_s=session.end_us // SECOND_US,
        )
        facts.exact.update(
            duration=Fraction(length, SECOND_US),
            total_trades=Fraction(count),
            pacing_violations=Fraction(pacing),
            disconnects=Fraction(disconnects),
        )
        if count:
            facts.values["fill_rate_ppm"] = ratio_ppm(filled, count)
            facts.exact["fill_rate"] = Fraction(filled, count)
        else:
            facts.lack(("fill_rate_ppm",), f"{self._options.log} has no trades", "run a session that trades")

    def _account(self, facts: _Facts, session: Session, view: View) -> None:
        """Whether the log is of the account that was recorded; the id itself stays here."""
        path = self._options.account
        if session.account is None:
            facts.lack(
                ("account_prefix", "simulated", "same_account"),
                f"{self._options.log} does not name the account",
                "log `account_id`; it is shown only masked",
            )
            return
        facts.values["accounts_masked"] = [session.account_masked]
        facts.values["account_prefix"] = session.account_prefix
        facts.values["simulated"] = session.account_prefix == "DUSIM"

        def use(view: View, path: str) -> None:
            record = read_json(view, path, "account_config")
            facts.values["same_account"] = record["account_id"] == session.account

        remedy = f"record the account in {path} with a read-only probe, or set evidence.paper.account"
        facts.read(view, path, ("same_account",), remedy, use)

    def _latency(self, facts: _Facts, session: Session) -> None:
        measured = [trade.total_ns for trade in session.trades if trade.total_ns is not None]
        unknown = sum(t.status == "FILLED" and t.total_ns is None for t in session.trades)
        if unknown or not measured:
            reason = f"{unknown} filled orders have no total latency" if unknown else "no order has a latency"
            remedy = "log `latency_ms` of every order that is filled"
            facts.lack(("latency",), f"{reason} in {self._options.log}", remedy)
            return
        for percent in _PERCENTS:
            nanoseconds = percentile_nearest_rank(measured, percent)
            facts.values["latency"][f"p{percent}_us"] = -(-nanoseconds // 1000)
            facts.exact[f"p{percent}_latency"] = Fraction(nanoseconds, NS_PER_MS)

    def _pnl(self, facts: _Facts, view: View, path: str) -> None:
        """What the P&L series comes to; the metrics file's claims are held against it, too."""
        options = self._options
        measured = measure(
            read_series(view, path), path, options.pnl_periods_per_year, options.psr_benchmark_micro
        )
        facts.values["pnl"].update(measured.facts)
        for name, reason in measured.lacking.items():
            facts.lack((f"pnl.{name}",), f"{path} {reason}", "record more periods of trading")
        for name, figure in measured.exact.items():
            facts.exact.setdefault(name, figure)  # where the log gives it, the log counts

    def _mock(self, facts: _Facts, view: View, path: str) -> None:
        """The mock's percentiles and the delta to them."""
        baseline = view.read_json(path, "mock_baseline")
        moment(baseline["timestamp"], path, "/timestamp")
        latency = baseline["latency_ms"]
        for name in ("p50", "p95"):
            facts.values["mock"][f"{name}_us"] = scaled(latency[name], 1000, path, f"/latency_ms/{name}")
        facts.samples.append(baseline.get("sample", False))
        paper = facts.exact.get("p50_latency")
        if paper is None:
            remedy = "log `latency_ms` of every order"
            facts.lack(("latency_delta_ppm",), "the paper session has no latency", remedy)
        else:
            delta = (paper - Fraction(latency["p50"])) / Fraction(latency["p50"])
            facts.values["latency_delta_ppm"] = scaled(delta, PPM, path, "/latency_ms/p50", up=True)
            facts.exact["latency_delta_vs_mock"] = delta

    def _backtest(self, facts: _Facts, view: View, path: str) -> None:
        """The back-test's Sharpe ratio."""
        metrics = view.read_json(path, "backtest_metrics")
        moment(metrics["timestamp"], path, "/timestamp")
        facts.samples.append(metrics.get("sample", False))
        if metrics["sharpe"] is None:
            facts.lack(("sharpe_backtest_micro",), f"{path} has null for it", "compute it and record it")
            return
        exact = Fraction(metrics["sharpe"])
        facts.values["sharpe_backtest_micro"] = scaled(exact, MICRO, path, "/sharpe")
        facts.exact["sharpe_backtest"] = exact

    def _sharpe(self, facts: _Facts, session: Session, claims: dict[str, Claim]) -> None:
        """The Sharpe ratio on paper: recomputed, or claimed where the log has no equity at all."""
        log = self._options.log
        if session.samples:
            problem = session.sampling_problem()
            found = None if problem else moments([nav for _, nav in session.samples])
            if problem is not None or found is None or session.periods_per_year is None:
                place, reason = problem or ("/equity", "no two returns of its equity differ")
                remedy = (
                    "log `equity` at equal intervals from the session's start to its end, and how many of"
                    " them make a year (`equity_periods_per_year`, `equity_year`)"
                )
                facts.problems.extend(
                    Problem(name, reason, remedy, ProblemKind.UNKNOWN, log, place) for name in _SHARPE
                )
                return
            paper = Fraction(annual(found.sharpe, session.periods_per_year))
            facts.values["sharpe_source"], path, place = "recomputed", log, "/equity"
            facts.exact["sharpe_paper"] = paper
            if "sharpe_backtest" in facts.exact:
                facts.exact["sharpe_delta"] = paper - facts.exact["sharpe_backtest"]
        elif "sharpe_paper" in claims:
            paper = claims["sharpe_paper"].value
            facts.values["sharpe_source"], path, place = "claimed", self._options.metrics, "sharpe_paper"
        else:
            remedy = f"log `equity` at equal intervals and `equity_periods_per_year` in {log}"
            facts.lack(_SHARPE, f"{log} has no samples of equity", remedy)
            return
        facts.values["sharpe_paper_micro"] = scaled(paper, MICRO, path, place)
        backtest = facts.exact.get("sharpe_backtest")
        if backtest is not None and backtest > 0:
            facts.values["sharpe_ratio_ppm"] = scaled(paper / backtest, PPM, path, place)
        else:
            reason = (
                "there is no Sharpe ratio of the back-test"
                if backtest is None
                else "the back-test's is not positive"
            )
            remedy = f"record a back-test that earns in {self._options.backtest}"
            facts.lack(("sharpe_ratio_ppm",), reason, remedy)


def _scopes(sessions: list[Session], claims: dict[str, Claim], facts: _Facts) -> tuple[Scope, ...]:
    """How much the lists of the facts were taken from."""
    entries = sum(len(one.trades) + len(one.events) + len(one.samples) for one in sessions)
    recomputed = len(claims.keys() & facts.exact.keys())
    return (
        Scope("contradictions", entries, entries, "entries of the log"),
        Scope("order_types", entries, entries, "entries of the log"),
        Scope("claimed_metrics", len(claims), len(claims), "claims"),
        Scope("claimed_statuses", len(claims), len(claims), "claims"),
        Scope("disagreements", len(claims), recomputed, "claims"),
    )
