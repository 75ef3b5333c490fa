"""Operations of the broker client are found in the syntax tree; a stub is no implementation."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError, EvidenceError
from gate.evidence.base.limits import Limits
from gate.evidence.collectors.artifacts.checks import Operation
from gate.evidence.collectors.shared import python_source as python
from gate.evidence.collectors.source import OPERATIONS

HANDLER = "algo_trade/core/execution/IBKR_handler.py"
CLIENT = "order_plane/broker/ibkr_exec_client.py"
EXAMPLES = Path(__file__).parents[3] / "examples"

GOOD = '''
class Handler:
    """A handler."""
    async def connect(self):
        self.up = True
    def disconnect(self): self.up = False
    def get_account_info(self): return self.account
    def get_positions(self): return list(self.held)
    def place_order(self, order): return self.send(order)
    def cancel_order(self, number): return self.stop(number)
    def get_order_status(self, number): return self.orders[number]
    if True:
        def subscribe_market_data(self, symbol): return self.feed(symbol)
    def health(self): return {"up": self.up}
'''


def example(name: str) -> dict[str, bytes]:
    return {path: (EXAMPLES / name / path).read_bytes() for path in (HANDLER, CLIENT)}


def test_the_audited_example_has_a_stub_client(watch: Any) -> None:
    facts = watch("source", example("algo-trade")).facts
    assert facts["operations"]["place_order"] == "stub"
    assert facts["operations"]["market_data"] == "absent"
    stubs = {stub["name"]: stub["reason"] for stub in facts["stubs"]}
    assert stubs["IBKRExecClient.place"] == "the body is only `...`"
    assert "constant" in stubs["IBKRExecClient.health"]


def test_the_ready_example_implements_everything(watch: Any) -> None:
    facts = watch("source", example("ready")).facts
    assert set(facts["operations"].values()) == {"implemented"}
    assert facts["stubs"] == []
    assert facts["files"] == 2


def test_a_stub_in_one_file_outweighs_the_other_file(watch: Any) -> None:
    stub = "class Client:\n    def place(self, intent):\n        pass\n"
    facts = watch("source", {HANDLER: GOOD, CLIENT: stub}).facts
    assert facts["operations"]["place_order"] == "stub"
    assert facts["operations"]["connect"] == "implemented"
    method = [method for method in facts["methods"] if method["name"] == "place"]
    assert method == [
        {
            "path": CLIENT,
            "line": 2,
            "class": "Client",
            "name": "place",
            "operation": "place_order",
            "state": "stub",
            "reason": "the body is only `pass`",
        }
    ]


def test_without_files_every_operation_is_missing(watch: Any) -> None:
    evidence = watch("source", {})
    assert set(evidence.facts["operations"].values()) == {None}
    assert HANDLER in evidence.problems[0].reason


@pytest.mark.parametrize(
    "body",
    [
        '"""Only words."""',
        "...",
        "pass",
        "return",
        "return None",
        "raise NotImplementedError",
        'raise NotImplementedError("later")',
        '"""Words."""; raise NotImplementedError',
        'print("called"); raise NotImplementedError',
        '"""Words."""; pass; ...',
    ],
)
def test_bodies_that_do_nothing_are_stubs(body: str) -> None:
    function = ast.parse(f"def connect(self): {body}").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert python.stub_reason(function)


@pytest.mark.parametrize(
    "source",
    [
        "def connect(self): return True",
        "def connect(self): self.x = 1",
        "def connect(self): raise ValueError",
        "def connect(self):\n  if self.up: return 1\n  raise NotImplementedError",
        "def connect(self):\n  raise\n",
        "def health(self): return {'up': self.up}",
        "def health(self):\n  self.ping()\n  return True",
    ],
)
def test_bodies_that_do_something_are_no_stubs(source: str) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert python.stub_reason(function) is None


@pytest.mark.parametrize("value", ["True", "'ok'", "{'status': 'ok', 'errors': []}", "-1", "(1, 2)"])
def test_a_constant_health_is_a_stub(watch: Any, value: str) -> None:
    text = f"class C:\n    def health(self):\n        '''Fine.'''\n        return {value}\n"
    facts = watch("source", {HANDLER: text}).facts
    assert [stub["name"] for stub in facts["stubs"]] == ["C.health"]


def test_declarations_are_neither_implemented_nor_stubs(watch: Any) -> None:
    text = """
from abc import abstractmethod
from typing import Protocol, overload
class Wire(Protocol[int]):
    def connect(self): ...
class Base:
    @abstractmethod
    def place_order(self): ...
    @overload
    def cancel_order(self, a: int): ...
    def cancel_order(self, a): return self.stop(a)
def connect(): ...
class Outer:
    class Inner:
        def positions(self):
            def helper(): pass
            return helper
"""
    facts = watch("source", {HANDLER: text}).facts
    assert facts["operations"]["connect"] == "absent"
    assert facts["operations"]["place_order"] == "absent"
    assert facts["operations"]["cancel_order"] == "implemented"
    assert facts["operations"]["positions"] == "implemented"
    assert [stub["name"] for stub in facts["stubs"]] == ["connect", "Outer.Inner.positions.helper"]
    assert {method["class"] for method in facts["methods"]} == {"Base", "Outer.Inner"}


def test_method_names_are_an_option_and_unknown_operations_are_refused(watch: Any) -> None:
    text = "class C:\n    def dial(self): return self.up\n    def connect(self): pass\n"
    facts = watch("source", {HANDLER: text}, names={"connect": ["dial"]}).facts
    assert facts["operations"]["connect"] == "implemented"
    with pytest.raises(ConfigError) as caught:
        watch("source", {}, names={"teleport": ["x"]})
    assert caught.value.what == "there is no operation 'teleport'"
    assert "place_order" in (caught.value.remedy or "")


def test_order_types_are_given_verbatim(watch: Any) -> None:
    text = """
class OrderType:
    MARKET = "Mkt"
    STOP: str = "STP"
def send(order, order_type="LMT", *, other=1, orderType=None): ...
def again(order_type, /, b="no"): ...
send(1, order_type="market")
order.orderType = "MKT" if fast else "LMT"
order["order_type"] = "REL"
order_type: str = "MIDPRICE"
payload = {"order_type": "MOC", "side": "BUY", **more}
if order.order_type == "compared": pass
order_type = name
a, b = "x", "y"
"""
    facts = watch("source", {HANDLER: text}).facts
    assert sorted(found["value"] for found in facts["order_types"]) == sorted(
        ["Mkt", "STP", "LMT", "market", "MKT", "LMT", "REL", "MIDPRICE", "MOC"]
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("order_type = f'MARKET'", ["MARKET"]),
        ("KIND = 'MARK'\nsend(order_type=f'{KIND}ET')", ["MARKET"]),
        ("send(order_type=f'{unknown}ET')", []),
        ("send(orderType='MAR' + 'KET')", ["MARKET"]),
        ("send(orderType='market'.upper())", ["MARKET"]),
        ("KIND = 'MARKET'\nsend(orderType=KIND)", ["MARKET"]),
        ("class Kind(Enum):\n    M = 'MARKET'\nsend(orderType=Kind.M.value)", ["MARKET"]),
        ("class C:\n    KIND = 'MARKET'\n    def f(self): self.o.orderType = self.KIND", ["MARKET"]),
        ("def f(o):\n    kind = 'MKT'\n    if o: kind = 'LIMIT'\n    o.orderType = kind", ["LIMIT", "MKT"]),
        ("KINDS = {1: 'MARKET', 2: 'LMT'}\no.orderType = KINDS[k]", ["LMT", "MARKET"]),
        ("KINDS = {1: 'MARKET', 2: 'LMT'}\no.orderType = KINDS[2]", ["LMT"]),
        ("KINDS = {1: 'MARKET'}\no.orderType = KINDS.get(k, 'LIMIT')", ["LIMIT", "MARKET"]),
        ("o.orderType = given or 'MARKET'", ["MARKET"]),
        ("setattr(o, 'orderType', 'MARKET')", ["MARKET"]),
        ("from ib_async import Order\nOrder(1, 2, 3, 'BUY', 100, 'MARKET')", ["MARKET"]),
        ("def send(symbol, order_type): ...\nsend('SPY', 'MARKET')", ["MARKET"]),
        ("class O:\n    def __init__(self, s, order_type): self.s = s\nO('SPY', 'MARKET')", ["MARKET"]),
        ("@dataclass\nclass O:\n    s: str\n    order_type: str\nO('SPY', 'MARKET')", ["MARKET"]),
        ("class IBOrderType(str, Enum):\n    A = 'MARKET'\n    B = 'LMT', 'note'", ["LMT", "MARKET"]),
        ("def f(order_type):\n    o.orderType = order_type\norder_type = 1", []),
        ("if o.orderType in ('MARKET', 'LIMIT'): raise ValueError", []),
        ("# order_type='MARKET'\n'''order_type='MARKET' '''", []),
    ],
)
def test_every_way_to_write_an_order_type_is_found(watch: Any, text: str, values: list[str]) -> None:
    facts = watch("source", {HANDLER: text + "\n"}).facts
    assert sorted(found["value"] for found in facts["order_types"]) == values
    assert facts["order_types_total"] == len(values)


def test_an_order_type_from_another_module_counts_where_it_is_used(watch: Any) -> None:
    kinds = "class Kind:\n    M = 'MARKET'\nLIMIT = 'LIMIT'\n"
    text = "from algo_trade import kinds\nfrom algo_trade.kinds import LIMIT as L, Kind\n"
    text += "o.orderType = kinds.LIMIT\no.orderType = L\no.orderType = Kind.M\nimport algo_trade.kinds\n"
    text += "o.orderType = algo_trade.kinds.LIMIT\n"
    facts = watch("source", {HANDLER: text, "algo_trade/kinds.py": kinds}).facts
    assert [(found["line"], found["value"]) for found in facts["order_types"]] == [
        (3, "LIMIT"),
        (4, "LIMIT"),
        (5, "MARKET"),
        (7, "LIMIT"),
    ]
    assert {found["path"] for found in facts["order_types"]} == {HANDLER}


def test_very_many_or_long_order_types_are_cut_without_losing_a_value(watch: Any) -> None:
    text = "o.orderType = 'MKT'\n" * 3000 + "o.orderType = 'MARKET'\n" + f"o.orderType = {'x' * 5000!r}\n"
    facts = watch("source", {HANDLER: text}).facts
    assert facts["order_types_total"] == 3002
    assert {"MKT", "MARKET"} <= {found["value"] for found in facts["order_types"]}
    assert max(len(found["value"]) for found in facts["order_types"]) < 200
    assert len(facts["order_types"]) == 1000


def test_syntax_errors_are_facts(watch: Any) -> None:
    facts = watch("source", {HANDLER: GOOD, CLIENT: "class C:\n  def connect(self:\n"}).facts
    assert facts["parse_errors"][0]["path"] == CLIENT
    assert facts["parse_errors"][0]["line"] == 2
    assert "not valid Python" in facts["parse_errors"][0]["text"]
    assert facts["operations"]["connect"] == "implemented"


def test_when_nothing_parses_nothing_is_absent_but_unknown(watch: Any) -> None:
    evidence = watch("source", {HANDLER: "def ("})
    assert set(evidence.facts["operations"].values()) == {None}
    assert HANDLER in evidence.problems[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5000 + ")" * 5000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "+".join(["1"] * 50_000),
        "".join(" " * depth + "if x:\n" for depth in range(150)),
        "x = " + "[" * 150 + "]" * 150 + "a" * 3,
    ],
    ids=["brackets", "minus", "sum", "blocks", "rest"],
)
def test_deep_source_is_a_finding_never_a_crash(watch: Any, text: str) -> None:
    facts = watch("source", {HANDLER: text}).facts
    for error in facts["parse_errors"]:
        assert error["text"].startswith(("is not valid Python", "nests too deeply"))


def test_the_compilers_warnings_stay_inside(watch: Any, capfd: pytest.CaptureFixture[str]) -> None:
    facts = watch("source", {HANDLER: "x = '\\d'\nclass C:\n    def connect(self): return 1 is 1\n"}).facts
    assert facts["parse_errors"] == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"x = '\xe9'\n", "not UTF-8"), (b"x = 1\x00\n", "NUL"), ("x = 1\n" * 20, "larger than 100 bytes")],
)
def test_unreadable_source_is_refused(watch: Any, content: bytes | str, said: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        watch("source", {HANDLER: content}, limits=Limits(text_bytes=100))
    assert said in caught.value.what
    assert caught.value.path == HANDLER


def test_a_linked_source_is_refused(watch: Any, tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text(GOOD)
    (tmp_path / "order_plane" / "broker").mkdir(parents=True)
    (tmp_path / CLIENT).symlink_to(tmp_path / "real.py")
    with pytest.raises(EvidenceError, match="symbolic link"):
        watch("source", {})


def test_one_list_of_operations() -> None:
    assert tuple(OPERATIONS) == get_args(Operation)


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["def", "class", "(", ")", ":", "\n", "...", "pass", "if", "x", "=", "'", "[", "]"])
    ).map(" ".join)
)
def test_any_text_parses_or_says_why(text: str) -> None:
    parsed = python.parse_text(text)
    assert (parsed.tree is None) == (parsed.problem is not None)


def test_a_nul_and_a_nameless_decorator_are_no_trouble() -> None:
    assert python.parse_text("x = 1\x00").problem is not None
    assert python.parse_text("x = '\ud800'").problem is not None
    assert python.dotted(ast.parse("(a or b).c", mode="eval").body) == ""
    assert python.dotted(ast.parse("a.b[1](2).c", mode="eval").body) == "a.b.c"


def test_the_cache_forgets(watch: Any) -> None:
    for number in range(70):
        watch("source", {HANDLER: f"x = {number}\n"})
    assert len(python._cache) <= 64
    assert sys.getrecursionlimit() >= 1000
