"""The paper-trading session: every figure recomputed from its log, the metrics file held against it.

Read: the log, the metrics file (claims), the mock baseline, the back-test, the P&L series, and the id in the
account's record. Each may be missing or rejected without the others. Formulas and roundings are in ``pnl.py``
and ``claims.py``; what makes a log contradict itself is in ``log.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, ClassVar

from ...base.errors import EvidenceError
from ...base.numbers import PPM, percentile_nearest_rank, ratio_ppm
from ...base.times import format_utc
from ...broker.account_id import mask, prefix, read_json
from ...collecting.interface import Observation, Problem, ProblemKind, Scope
from ...collecting.interface import Options as BaseOptions
from ...reading.workspace import View
from ..shared.documents import MAX_INTEGER, absent, check_filled, moment, scaled
from ..shared.named import Names, programs_not_there
from .claims import UNITS, Claim, disagreements, read_claims
from .limits import FACTS, beyond_contract, measured
from .log import NS_PER_MS, SECOND_US, Session, busiest, read_session, unrecovered
from .pnl import PNL_FACTS, annual, drawdown, measure, moments, read_series

_PERCENTS = (50, 95, 99)
_SESSION_FACTS = (
    "file", "session_id", "trades", "filled", "fill_rate_ppm", "duration_s",
    "busiest_second", "pacing_violations", "disconnects", "unrecovered_disconnects", "rejects", "symbols",
    "contradictions_total", "observed_at_s", "account_prefix", "same_account", "simulated", "labelled_sample",
)  # fmt: skip
_LISTS = (
    "contradictions", "order_types", "claimed_metrics", "claimed_statuses", "disagreements",
    "accounts_masked", "equity",
)  # fmt: skip
_SHARPE = ("sharpe_paper_micro", "sharpe_source", "sharpe_ratio_ppm")
MICRO = 1_000_000
_SAMPLES = 400
"""Samples of equity that become facts."""


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
    contract: str = field(
        default="contracts/order_intent.schema.json",
        metadata={"description": "The contract of order intents, to which every order has to keep."},
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


class PaperCollector:
    """Reads a paper-trading session; see the module's description."""

    id: ClassVar[str] = "paper"
    version: ClassVar[str] = "8"
    Options: ClassVar[type[BaseOptions]] = PaperOptions

    def __init__(self, options: PaperOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Facts of ``contracts/facts/paper.schema.json``; a rejected file takes only its own facts away."""
        return _Run(view, self._options).observation()


def recompute(view: View, options: PaperOptions) -> dict[str, Fraction]:
    """The figures that a session's metrics file may claim, exactly, in the claims' own units and order.

    Those that the log, the baseline and the back-test give; what is missing or rejected gives none.
    """
    found = _Run(view, options).figures()
    return {metric: found[metric] for metric in UNITS if metric in found}


class _Run:
    """One reading of a session: the facts while they are filled in, and what else is known by then.

    Attributes:
        values: the facts.
        problems: why some are null.
        exact: the figures that claims are held against, in the claims' own units.
        claims: the metrics file's, by metric.
        session: the log; None without one.
        samples: whether each further file says that it is sample data.
    """

    def __init__(self, view: View, options: PaperOptions) -> None:
        self.view = view
        self.options = options
        self.problems: list[Problem] = []
        self.exact: dict[str, Fraction] = {}
        self.claims: dict[str, Claim] = {}
        self.session: Session | None = None
        self.samples: list[bool] = []
        self.values: dict[str, Any] = {
            **dict.fromkeys((*_SESSION_FACTS, *FACTS, *_SHARPE)),
            **dict.fromkeys(("latency_delta_ppm", "sharpe_backtest_micro")),
            **{name: [] for name in _LISTS},
            "latency": {f"p{percent}_us": None for percent in _PERCENTS},
            "mock": {"p50_us": None, "p95_us": None, "observed_at_s": None, "programs_not_there": []},
            "backtest_at_s": None,
            "pnl": {
                **dict.fromkeys(PNL_FACTS),
                "periods_per_year": options.pnl_periods_per_year,
                "psr_benchmark_micro": options.psr_benchmark_micro,
            },
            "metrics_file": None,
            "percentile_method": "nearest-rank",
        }

    def observation(self) -> Observation:
        """Everything that the files say."""
        options, shape = self.options, "(`gate docs files/{}.schema.json` shows the shape)"
        remedy = f"run a paper session that writes {options.log} {shape.format('paper_trading_log')}"
        self._read(options.log, ("",), remedy, self._log)
        remedy = f"write the session's figures into {options.metrics} (metric,value,unit,status)"
        self._read(options.metrics, ("metrics_file",), remedy, self._metrics)
        remedy = f"measure the mock broker on the same host and record it in {options.mock}"
        remedy = f"{remedy} {shape.format('mock_baseline')}"
        self._read(options.mock, ("mock", "latency_delta_ppm"), remedy, self._mock)
        remedy = f"record the back-test in {options.backtest} {shape.format('backtest_metrics')}"
        self._read(options.backtest, ("sharpe_backtest_micro", "backtest_at_s"), remedy, self._backtest)
        if self.session is not None:
            self._account(self.session)
            self._sharpe(self.session)
        remedy = f"write the account's value after every period into {options.pnl} (time,equity)"
        self._read(options.pnl, ("pnl",), remedy, self._pnl)
        entries, observed = 0, None
        if session := self.session:
            if (navs := [nav for _, nav in session.samples]) and min(navs) > 0:
                self.exact.setdefault("max_drawdown", drawdown(navs).depth)  # unless a series gives it
            self.values["labelled_sample"] = any([session.sample, *self.samples])
            entries = len(session.trades) + len(session.events) + len(session.samples)
            observed = format_utc(self.values["observed_at_s"])
        self.values["disagreements"] = disagreements(self.claims, self.exact)
        measured_mock = int(self.values["mock"]["observed_at_s"] is not None)
        claims, recomputed = len(self.claims), len(self.claims.keys() & self.exact.keys())
        scopes = (
            *(
                Scope(name, entries, entries, "entries of the log")
                for name in ("contradictions", "order_types")
            ),
            *(Scope(name, claims, claims, "claims") for name in ("claimed_metrics", "claimed_statuses")),
            Scope("disagreements", claims, recomputed, "claims"),
            Scope("mock.programs_not_there", measured_mock, measured_mock, "baselines"),
        )
        return Observation(self.values, tuple(self.problems), observed, scopes=scopes)

    def figures(self) -> dict[str, Fraction]:
        """The exact figures, without those of the P&L series, which is not of the session."""
        options = self.options
        for path, use in (
            (options.log, self._log), (options.mock, self._mock), (options.backtest, self._backtest)
        ):  # fmt: skip
            self._read(path, ("",), "", use)
        if self.session is not None:
            self._sharpe(self.session)
        return self.exact

    def _lack(self, names: Iterable[str], reason: str, remedy: str) -> None:
        """Say why these facts are null."""
        self.problems += absent(names, reason, remedy)

    def _read(self, path: str, names: Iterable[str], remedy: str, use: Callable[[str], None]) -> None:
        """Use a file if it is there; otherwise, or when it is rejected, say so of the facts named."""
        try:
            if self.view.exists(path):
                use(path)
            else:
                self._lack(names, f"{path} does not exist", remedy)
        except EvidenceError as error:
            self.problems += [Problem.rejected(error, name) for name in names]

    def _log(self, path: str) -> None:
        session = read_session(self.view, path)
        trades, most = session.trades, self.view.limits.problems
        contradictions = [*session.contradictions, *beyond_contract(self.view, self.options.contract, trades)]
        count, filled = len(trades), sum(trade.status == "FILLED" for trade in trades)
        pacing, disconnects = (session.events.count(kind) for kind in ("pacing_violation", "disconnect"))
        length = max(session.end_us - session.start_us, 0)
        self.values.update(
            file=path,
            session_id=session.session_id,
            trades=count,
            filled=filled,
            duration_s=length // SECOND_US,
            busiest_second=busiest([trade.submitted_us for trade in trades]),
            pacing_violations=pacing,
            disconnects=disconnects,
            unrecovered_disconnects=unrecovered(session.events),
            rejects=sum(trade.status == "REJECTED" for trade in trades),
            symbols=len({trade.symbol.strip().upper() for trade in trades}),
            order_types=sorted({trade.order_type for trade in trades}),
            equity=_equity(session.samples),
            contradictions=[{"place": place, "text": text} for place, text in contradictions[:most]],
            contradictions_total=len(contradictions),
            observed_at_s=session.end_us // SECOND_US,
            **measured(session, path),
        )
        lacking = [name for name in FACTS if self.values[name] is None]
        self._lack(lacking, f"{path} states no figures for it", "log orders with prices, and the equity")
        self.exact.update(
            duration=Fraction(length, SECOND_US),
            total_trades=Fraction(count),
            pacing_violations=Fraction(pacing),
            disconnects=Fraction(disconnects),
        )
        if count:
            self.values["fill_rate_ppm"] = ratio_ppm(filled, count)
            self.exact["fill_rate"] = Fraction(filled, count)
        else:
            self._lack(("fill_rate_ppm",), f"{path} has no trades", "run a session that trades")
        self._latency(session, path)
        self.session = session

    def _latency(self, session: Session, path: str) -> None:
        measured = [trade.total_ns for trade in session.trades if trade.total_ns is not None]
        unknown = sum(t.status == "FILLED" and t.total_ns is None for t in session.trades)
        if unknown or not measured:
            reason = f"{unknown} filled orders have no total latency" if unknown else "no order has a latency"
            remedy = "log `latency_ms` of every order that is filled"
            self._lack(("latency",), f"{reason} in {path}", remedy)
            return
        for percent in _PERCENTS:
            nanoseconds = percentile_nearest_rank(measured, percent)
            self.values["latency"][f"p{percent}_us"] = -(-nanoseconds // 1000)
            self.exact[f"p{percent}_latency"] = Fraction(nanoseconds, NS_PER_MS)

    def _metrics(self, path: str) -> None:
        self.claims = read_claims(self.view, path)
        self.values.update(
            metrics_file=path,
            claimed_metrics=sorted(self.claims),
            claimed_statuses=[{"metric": one.metric, "status": one.status} for one in self.claims.values()],
        )

    def _mock(self, path: str) -> None:
        """The mock's percentiles and the delta to them."""
        baseline = self.view.read_json(path, "mock_baseline")
        _, measured = moment(baseline["timestamp"], path, "/timestamp")
        latency = baseline["latency_ms"]
        if not latency["p50"] <= latency["p95"] <= latency.get("p99", latency["p95"]):
            raise EvidenceError("the percentiles do not rise", path=path, place="/latency_ms")
        for name in ("p50", "p95"):
            self.values["mock"][f"{name}_us"] = scaled(latency[name], 1000, path, f"/latency_ms/{name}")
        self.values["mock"]["observed_at_s"] = measured
        check_filled(baseline, path, "client")
        if absent_ones := programs_not_there(baseline.get("client", ""), Names(self.view.paths())):
            self.values["mock"]["programs_not_there"] = absent_ones
        self.samples.append(baseline.get("sample", False))
        paper = self.exact.get("p50_latency")
        if paper is None:
            remedy = "log `latency_ms` of every order"
            self._lack(("latency_delta_ppm",), "the paper session has no latency", remedy)
        else:
            delta = (paper - Fraction(latency["p50"])) / Fraction(latency["p50"])
            self.values["latency_delta_ppm"] = scaled(delta, PPM, path, "/latency_ms/p50", up=True)
            self.exact["latency_delta_vs_mock"] = delta

    def _backtest(self, path: str) -> None:
        """The back-test's Sharpe ratio."""
        metrics = self.view.read_json(path, "backtest_metrics")
        made, epoch = moment(metrics["timestamp"], path, "/timestamp")
        check_filled(metrics, path, "strategy_id")
        period = metrics.get("period", {})
        try:
            days = [date.fromisoformat(period[name]) for name in ("start", "end") if name in period]
        except ValueError:  # a day that does not exist
            days = [date.max]
        if days != sorted(set(days)) or days[-1:] > [date.fromisoformat(made[:10])]:
            what = "the period has no length, or is not before the time of the back-test"
            raise EvidenceError(what, path=path, place="/period")
        if metrics.get("trades") == 0:
            raise EvidenceError("the back-test has no trades", path=path, place="/trades")
        self.values["backtest_at_s"] = epoch
        self.samples.append(metrics.get("sample", False))
        if metrics["sharpe"] is None:
            self._lack(("sharpe_backtest_micro",), f"{path} has null for it", "compute it and record it")
            return
        self.exact["sharpe_backtest"] = exact = Fraction(metrics["sharpe"])
        self.values["sharpe_backtest_micro"] = scaled(exact, MICRO, path, "/sharpe")

    def _pnl(self, path: str) -> None:
        """What the P&L series comes to; the metrics file's claims are held against it, too."""
        periods, benchmark = self.options.pnl_periods_per_year, self.options.psr_benchmark_micro
        measured = measure(read_series(self.view, path), path, periods, benchmark)
        self.values["pnl"].update(measured.facts)
        for name, reason in measured.lacking.items():
            self._lack((f"pnl.{name}",), f"{path} {reason}", "record more periods of trading")
        self.exact = {**measured.exact, **self.exact}  # where the log gives a figure, the log counts

    def _account(self, session: Session) -> None:
        """Whether the log is of the account that was recorded; the id itself stays here."""
        if session.account is None:
            self._lack(
                ("account_prefix", "simulated", "same_account"),
                f"{self.options.log} does not name the account",
                "log `account_id`; it is shown only masked",
            )
            return
        kind = prefix(session.account)
        self.values.update(
            accounts_masked=[mask(session.account)], account_prefix=kind, simulated=kind == "DUSIM"
        )

        def compare(path: str) -> None:
            record = read_json(self.view, path, "account_config")
            self.values["same_account"] = record["account_id"] == session.account

        path = self.options.account
        remedy = f"record the account in {path} with a read-only probe, or set evidence.paper.account"
        self._read(path, ("same_account",), remedy, compare)

    def _sharpe(self, session: Session) -> None:
        """The Sharpe ratio on paper: recomputed, or claimed where the log has no equity at all."""
        log, values, backtest = self.options.log, self.values, self.exact.get("sharpe_backtest")
        if session.samples:
            problem = session.sampling_problem()
            found = None if problem else moments([nav for _, nav in session.samples])
            if problem is not None or found is None or session.periods_per_year is None:
                place, reason = problem or ("/equity", "no two returns of its equity differ")
                remedy = (
                    "log `equity` at equal intervals from the session's start to its end, and how many of"
                    " them make a year (`equity_periods_per_year`, `equity_year`)"
                )
                unknown = ProblemKind.UNKNOWN
                self.problems += [Problem(name, reason, remedy, unknown, log, place) for name in _SHARPE]
                return
            paper = Fraction(annual(found.sharpe, session.periods_per_year))
            values["sharpe_source"], path, place = "recomputed", log, "/equity"
            self.exact["sharpe_paper"] = paper
            if backtest is not None:
                self.exact["sharpe_delta"] = paper - backtest
        elif "sharpe_paper" in self.claims:
            paper = self.claims["sharpe_paper"].value
            values["sharpe_source"], path, place = "claimed", self.options.metrics, "sharpe_paper"
        else:
            remedy = f"log `equity` at equal intervals and `equity_periods_per_year` in {log}"
            self._lack(_SHARPE, f"{log} has no samples of equity", remedy)
            return
        values["sharpe_paper_micro"] = scaled(paper, MICRO, path, place)
        if backtest is not None and backtest > 0:
            values["sharpe_ratio_ppm"] = scaled(paper / backtest, PPM, path, place)
            return
        reason = "there is no Sharpe ratio of the back-test"
        reason = reason if backtest is None else "the back-test's is not positive"
        self._lack(("sharpe_ratio_ppm",), reason, f"record a back-test that earns in {self.options.backtest}")


def _equity(samples: Sequence[tuple[int, Decimal | int]]) -> list[dict[str, int]]:
    """At most as many samples as become facts, evenly chosen, with the first and the last.

    None where one is too large to be exact: they are for a chart, and reject nothing.
    """
    most, count = min(len(samples), _SAMPLES), len(samples)
    if most < 2:
        return []
    chosen = [samples[step * (count - 1) // (most - 1)] for step in range(most)]
    found = [{"at_s": time // SECOND_US, "nav_cents": floor(Fraction(nav) * 100)} for time, nav in chosen]
    return found if all(abs(one["nav_cents"]) <= MAX_INTEGER for one in found) else []
