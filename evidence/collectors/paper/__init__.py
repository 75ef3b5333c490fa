"""The paper-trading session: every figure recomputed from its log, the metrics file held against it.

Read: the log, the metrics file (claims), the mock baseline, the back-test and the P&L series. Formulas and
roundings are in ``_paper_metrics.py``, ``_paper_pnl.py`` and ``_paper_claims.py``; what makes a log
inconsistent is in ``_paper_log.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from ...base.numbers import PPM, percentile_nearest_rank, ratio_ppm
from ...base.times import format_utc
from ...collecting.interface import Observation, Problem
from ...collecting.interface import Options as BaseOptions
from ...reading.workspace import View
from ..shared.documents import MAX_INTEGER, absent, moment, scaled
from .claims import Claim, disagreements, read_claims
from .log import NS_PER_MS, Session, read_session
from .metrics import SECOND_US, pacing_violations, sharpe_ratio, unrecovered
from .pnl import PNL_FACTS, measure, read_series

_PERCENTS = (50, 95, 99)
_SESSION_FACTS = (
    "file", "session_id", "trades", "filled", "fill_rate_ppm", "duration_s", "pacing_violations",
    "disconnects", "unrecovered_disconnects", "rejects", "symbols", "observed_at_s", "account_prefix",
    "simulated", "labelled_sample",
)  # fmt: skip
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
    messages_per_second: int = field(
        default=50,
        metadata={
            "ge": 1,
            "description": "Submissions in one second beyond which a second counts as a violation.",
        },
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
    """The facts while they are filled in, with a reason for whatever stays null."""

    values: dict[str, Any]
    missing: list[Problem] = field(default_factory=list)
    exact: dict[str, Fraction] = field(default_factory=dict)

    def lack(self, names: tuple[str, ...], reason: str, remedy: str) -> None:
        """Say why these facts are null."""
        self.missing.extend(absent(names, reason, remedy))


class PaperCollector:
    """Reads a paper-trading session; see the module's description."""

    id: ClassVar[str] = "paper"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[BaseOptions]] = PaperOptions

    def __init__(self, options: PaperOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/paper.schema.json``.

        Raises:
            EvidenceError: one of the five files is malformed, breaks its contract or contradicts itself.
        """
        options = self._options
        session = read_session(view, options.log) if view.exists(options.log) else None
        claims = read_claims(view, options.metrics) if view.exists(options.metrics) else {}
        facts = _Facts(
            {
                **dict.fromkeys(_SESSION_FACTS),
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
                "claimed_metrics": sorted(claims),
                "disagreements": [],
                "percentile_method": "nearest-rank",
                "accounts_masked": [],
            }
        )
        samples = [False if session is None else session.sample]
        if session is None:
            remedy = (
                f"run a paper session that writes {options.log}"
                " (contracts/files/paper_trading_log.schema.json shows the shape)"
            )
            names = (*_SESSION_FACTS, *(f"latency.p{percent}_us" for percent in _PERCENTS))
            facts.lack(names, f"{options.log} does not exist", remedy)
        else:
            self._session(facts, session)
            self._latency(facts, session)
        if view.exists(options.metrics):
            facts.values["metrics_file"] = options.metrics
        else:
            facts.lack(
                ("metrics_file",),
                f"{options.metrics} does not exist",
                f"write the session's figures into {options.metrics} (metric,value,unit,status)",
            )
        samples.append(self._mock(facts, view))
        backtest, backtest_is_sample = self._backtest(facts, view)
        samples.append(backtest_is_sample)
        self._sharpe(facts, session, claims, backtest)
        self._pnl(facts, view)
        if session is not None:
            facts.values["labelled_sample"] = any(samples)
        if session is not None or facts.values["pnl"]["file"] is not None:
            facts.values["disagreements"] = disagreements(claims, facts.exact)
        end = facts.values["observed_at_s"]
        return Observation(facts.values, tuple(facts.missing), None if end is None else format_utc(end))

    def _session(self, facts: _Facts, session: Session) -> None:
        trades = session.trades
        count = len(trades)
        filled = sum(trade.status == "FILLED" for trade in trades)
        reported = session.events.count("pacing_violation")
        counted = pacing_violations([t.submitted_us for t in trades], self._options.messages_per_second)
        pacing = max(reported, counted)
        disconnects = session.events.count("disconnect")
        facts.values.update(
            file=self._options.log,
            session_id=session.session_id,
            trades=count,
            filled=filled,
            duration_s=(session.end_us - session.start_us) // SECOND_US,
            pacing_violations=pacing,
            disconnects=disconnects,
            unrecovered_disconnects=unrecovered(session.events),
            rejects=sum(trade.status == "REJECTED" for trade in trades),
            symbols=len({trade.symbol for trade in trades}),
            order_types=sorted({trade.order_type for trade in trades}),
            observed_at_s=session.end_us // SECOND_US,
        )
        facts.exact.update(
            duration=Fraction(session.end_us - session.start_us, SECOND_US),
            total_trades=Fraction(count),
            pacing_violations=Fraction(pacing),
            disconnects=Fraction(disconnects),
        )
        if count:
            facts.values["fill_rate_ppm"] = ratio_ppm(filled, count)
            facts.exact["fill_rate"] = Fraction(filled, count)
        else:
            facts.lack(("fill_rate_ppm",), f"{self._options.log} has no trades", "run a session that trades")
        if session.account_masked is None:
            facts.lack(
                ("account_prefix", "simulated"),
                f"{self._options.log} does not name the account",
                "log `account_id`; it is shown only masked",
            )
        else:
            facts.values["accounts_masked"] = [session.account_masked]
            facts.values["account_prefix"] = session.account_prefix
            facts.values["simulated"] = session.account_prefix == "DUSIM"

    def _latency(self, facts: _Facts, session: Session) -> None:
        measured = [trade.total_ns for trade in session.trades if trade.total_ns is not None]
        unknown = sum(t.status == "FILLED" and t.total_ns is None for t in session.trades)
        if unknown or not measured:
            reason = f"{unknown} filled orders have no total latency" if unknown else "no order has a latency"
            facts.lack(
                tuple(f"latency.p{percent}_us" for percent in _PERCENTS),
                f"{reason} in {self._options.log}",
                "log `latency_ms` of every order that is filled",
            )
            return
        for percent in _PERCENTS:
            nanoseconds = percentile_nearest_rank(measured, percent)
            facts.values["latency"][f"p{percent}_us"] = -(-nanoseconds // 1000)
            facts.exact[f"p{percent}_latency"] = Fraction(nanoseconds, NS_PER_MS)

    def _pnl(self, facts: _Facts, view: View) -> None:
        """What the P&L series comes to; the metrics file's claims are held against it, too."""
        path, options = self._options.pnl, self._options
        if not view.exists(path):
            remedy = f"write the account's value after every period into {path} (time,equity)"
            facts.lack(tuple(f"pnl.{name}" for name in PNL_FACTS), f"{path} does not exist", remedy)
            return
        measured = measure(
            read_series(view, path), path, options.pnl_periods_per_year, options.psr_benchmark_micro
        )
        facts.values["pnl"].update(measured.facts)
        for name, reason in measured.lacking.items():
            facts.lack((f"pnl.{name}",), f"{path} {reason}", "record more periods of trading")
        for name, figure in measured.exact.items():
            facts.exact.setdefault(name, figure)  # where the log gives it, the log counts

    def _mock(self, facts: _Facts, view: View) -> bool:
        """The mock's percentiles and the delta to them; whether the baseline is sample data."""
        path = self._options.mock
        if not view.exists(path):
            facts.lack(
                ("mock.p50_us", "mock.p95_us", "latency_delta_ppm"),
                f"{path} does not exist",
                f"measure the mock broker on the same host and record it in {path}"
                " (contracts/files/mock_baseline.schema.json)",
            )
            return False
        baseline = view.read_json(path, "mock_baseline")
        moment(baseline["timestamp"], path, "/timestamp")
        latency = baseline["latency_ms"]
        for name in ("p50", "p95"):
            facts.values["mock"][f"{name}_us"] = scaled(latency[name], 1000, path, f"/latency_ms/{name}")
        paper = facts.exact.get("p50_latency")
        if paper is None:
            facts.lack(
                ("latency_delta_ppm",), "the paper session has no latency", "log `latency_ms` of every order"
            )
        else:
            delta = (paper - Fraction(latency["p50"])) / Fraction(latency["p50"])
            facts.values["latency_delta_ppm"] = scaled(delta, PPM, path, "/latency_ms/p50", up=True)
            facts.exact["latency_delta_vs_mock"] = delta
        return bool(baseline.get("sample", False))

    def _backtest(self, facts: _Facts, view: View) -> tuple[Fraction | None, bool]:
        """The back-test's Sharpe ratio, and whether it is sample data."""
        path = self._options.backtest
        if not view.exists(path):
            remedy = f"record the back-test in {path} (contracts/files/backtest_metrics.schema.json)"
            facts.lack(("sharpe_backtest_micro",), f"{path} does not exist", remedy)
            return None, False
        metrics = view.read_json(path, "backtest_metrics")
        moment(metrics["timestamp"], path, "/timestamp")
        sample = bool(metrics.get("sample", False))
        if metrics["sharpe"] is None:
            facts.lack(("sharpe_backtest_micro",), f"{path} has null for it", "compute it and record it")
            return None, sample
        exact = Fraction(metrics["sharpe"])
        facts.values["sharpe_backtest_micro"] = scaled(exact, MICRO, path, "/sharpe")
        facts.exact["sharpe_backtest"] = exact
        return exact, sample

    def _sharpe(
        self, facts: _Facts, session: Session | None, claims: dict[str, Claim], backtest: Fraction | None
    ) -> None:
        log = self._options.log
        recomputed: Decimal | None = None
        if session is not None:
            recomputed = sharpe_ratio(session.equity, session.periods_per_year)
        paper: Fraction | None = None
        if recomputed is not None:
            paper = Fraction(recomputed)
            facts.values["sharpe_source"] = "recomputed"
            facts.exact["sharpe_paper"] = paper
            if backtest is not None:
                facts.exact["sharpe_delta"] = paper - backtest
        elif "sharpe_paper" in claims:
            paper = claims["sharpe_paper"].value
            facts.values["sharpe_source"] = "claimed"
        if paper is None:
            facts.lack(
                ("sharpe_paper_micro", "sharpe_source", "sharpe_ratio_ppm"),
                f"{log} has no three samples of equity with differing returns",
                f"log `equity` at equal intervals and `equity_periods_per_year` in {log}",
            )
            return
        place = "/equity" if recomputed is not None else "sharpe_paper"
        path = log if recomputed is not None else self._options.metrics
        facts.values["sharpe_paper_micro"] = scaled(paper, MICRO, path, place)
        if backtest is not None and backtest > 0:
            facts.values["sharpe_ratio_ppm"] = scaled(paper / backtest, PPM, path, place)
        else:
            reason = (
                "there is no Sharpe ratio of the back-test"
                if backtest is None
                else "the back-test's is not positive"
            )
            facts.lack(
                ("sharpe_ratio_ppm",), reason, f"record a back-test that earns in {self._options.backtest}"
            )
