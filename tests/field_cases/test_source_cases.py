"""Small inputs, each with a kind of fault that real repositories have: what the sources say about them."""

from __future__ import annotations

from pathlib import Path

from gate.evidence.collecting.interface import Evidence, ProblemKind
from gate.evidence.collecting.runner import observe
from gate.evidence.collectors.risk_parameters import RiskParametersCollector, RiskParametersOptions
from gate.evidence.collectors.source import SourceCollector, SourceOptions
from gate.evidence.reading.workspace import Workspace

HERE = Path(__file__).parent


def look(root: Path) -> Evidence:
    """What the collector sees without any settings."""
    return observe(Workspace(root), SourceCollector(SourceOptions()))


def test_placeholders_with_a_providers_prefix_are_no_secrets() -> None:
    """All seven lines hold a place for a token."""
    facts = look(HERE / "placeholder-secrets").facts
    assert (facts["secrets"], facts["secrets_total"], facts["unscanned"]) == ([], 0, [])
    assert facts["scanned"] == 2


def test_a_risk_check_that_always_says_yes_and_a_client_of_stubs() -> None:
    """Both lie outside the broker client; the scope tells how much of the tree was looked at."""
    evidence = look(HERE / "stubs-outside-the-client")
    assert [
        (stub["path"].rpartition("/")[2], stub["line"], stub["name"]) for stub in evidence.facts["stubs"]
    ] == [
        ("market.py", 2, "MarketClient.connect"),
        ("market.py", 4, "MarketClient.subscribe"),
        ("market.py", 6, "MarketClient.health"),
        ("risk.py", 4, "PreTradeRisk.validate"),
        ("risk.py", 8, "PreTradeRisk.within_box"),
    ]
    scope = next(one for one in evidence.scopes if one.fact == "stubs")
    assert (scope.looked_at, scope.understood) == (3, 3)
    assert evidence.facts["files"] == 1


def test_an_order_type_of_the_intent_goes_to_the_broker_unseen(tmp_path: Path) -> None:
    """Whether the broker knows it, nobody can tell from here: the line is named."""
    (tmp_path / "order_plane").mkdir()
    (tmp_path / "order_plane/ib_client.py").write_text(
        "from ib_insync import IB, Order\nclass Client:\n    def __init__(self):\n        self.ib = IB()\n"
        "    def place(self, intent):\n        order = Order()\n        order.orderType = intent.order_type\n"
        "        return self.ib.placeOrder(intent.contract, order)\n"
    )
    (problem,) = (one for one in look(tmp_path).problems if one.fact == "order_types")
    assert (problem.kind, problem.path, problem.place) == (
        ProblemKind.UNKNOWN,
        "order_plane/ib_client.py",
        "line 7",
    )
    assert "intent.order_type" in problem.reason


def test_a_source_with_a_declared_encoding_is_read(tmp_path: Path) -> None:
    """Latin-1 and a byte order mark, as PEP 263 has them, are no reason to reject a file."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/a.py").write_bytes(b"# -*- coding: latin-1 -*-\nNAME = 'Z\xfcrich'\nKILL_PNL = -0.05\n")
    (tmp_path / "app/b.py").write_bytes(b"\xef\xbb\xbfBOX_LIM = 1\n\x0c\nNET_LIM = 2\n")
    assert look(tmp_path).facts["parse_errors"] == []
    facts = observe(Workspace(tmp_path), RiskParametersCollector(RiskParametersOptions())).facts
    assert {one["name"]: one["line"] for one in facts["parameters"]} == {
        "KILL_PNL": 3,
        "BOX_LIM": 1,
        "NET_LIM": 3,
    }


def test_an_empty_workspace_has_evidence_of_nothing(tmp_path: Path) -> None:
    """Nothing was looked at, and the scopes say so."""
    evidence = look(tmp_path)
    assert {one.looked_at for one in evidence.scopes} == {0}
    assert {problem.kind for problem in evidence.problems} == {ProblemKind.MISSING}
