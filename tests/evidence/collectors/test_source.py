"""Operations of the broker client are found in the syntax tree; a stub is no implementation."""
# ruff: noqa: E501 (a source under test reads best on one line)

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError
from gate.evidence.base.limits import Limits
from gate.evidence.collecting.interface import ProblemKind
from gate.evidence.collecting.runner import observe
from gate.evidence.collectors.artifacts.checks import Operation
from gate.evidence.collectors.shared import python_source as python
from gate.evidence.collectors.source import OPERATIONS, SourceCollector, SourceOptions
from gate.evidence.collectors.source.stubs import stub_reason
from gate.evidence.reading.workspace import Workspace

HANDLER = "algo_trade/core/execution/IBKR_handler.py"
CLIENT = "order_plane/broker/ibkr_exec_client.py"
EXAMPLES = Path(__file__).parents[3] / "examples"

GOOD = '''
class Handler:
    """A handler."""
    async def connect(self):
        await self.ib.connectAsync("127.0.0.1", 7497)
    def disconnect(self): self.ib.disconnect()
    def get_account_info(self): return self.ib.accountSummary()
    def get_positions(self): return self.ib.positions()
    def place_order(self, order): return self.send(order)
    def send(self, order): return self.ib.placeOrder(order.contract, order)
    def cancel_order(self, number): return self.ib.cancelOrder(number)
    def get_order_status(self, number): return self.orders[number].orderStatus.status
    if True:
        def subscribe_market_data(self, symbol): return self.ib.reqMktData(symbol)
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
    assert facts["stubs"] == [
        {"path": CLIENT, "line": 2, "name": "Client.place", "reason": "the body is only `pass`"}
    ]
    assert {client["path"]: client["operations"]["place_order"] for client in facts["clients"]} == {
        HANDLER: "implemented",
        CLIENT: "stub",
    }


def test_without_files_every_operation_is_missing(watch: Any) -> None:
    evidence = watch("source", {})
    assert set(evidence.facts["operations"].values()) == {None}
    assert {problem.fact for problem in evidence.problems} >= {"operations", "safeguards"}


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
        "raise ConnectionError",
        "raise BrokerError('not yet')",
        "log.info('up'); time.sleep(1)",
        "return {'connected': True}",
        "return True",
    ],
)
def test_bodies_that_do_nothing_are_stubs(body: str) -> None:
    function = ast.parse(f"def connect(self): {body}").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert stub_reason(function)


@pytest.mark.parametrize(
    "source",
    [
        "def name(self): return 'ib'",
        "def halt(self): self.halted = True",
        "def connect(self): self.ib.connect()",
        "def refuse(self): raise ValueError",
        "def check_size(self, order): return order.size < 5",
        "def check_size(self, order):\n  if order.size > 5: raise ValueError\n  return True",
        "def within(self, order):\n  ok = True\n  if order.size > 5: ok = False\n  return ok",
        "def risk_free_rate(self): return 0.03",
        "def log_fill(self, fill): logger.info(fill)",
        "def connect(self):\n  if self.up: return 1\n  raise NotImplementedError",
        "def connect(self):\n  raise\n",
        "def health(self): return {'up': self.up}",
        "def health(self):\n  self.ping()\n  return True",
    ],
)
def test_bodies_that_do_something_are_no_stubs(source: str) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert stub_reason(function) is None


@pytest.mark.parametrize("value", ["True", "'ok'", "{'status': 'ok', 'errors': []}", "-1", "(1, 2)"])
def test_a_constant_health_is_a_stub(watch: Any, value: str) -> None:
    text = f"class C:\n    def health(self):\n        '''Fine.'''\n        return {value}\n"
    facts = watch("source", {HANDLER: text}).facts
    assert [stub["name"] for stub in facts["stubs"]] == ["C.health"]


@pytest.mark.parametrize(
    ("body", "is_stub"),
    [
        ("return {'connected': True, 'open_orders': len(self.orders)}", True),
        ("return {'connected': self.ib.isConnected(), 'open_orders': len(self.orders)}", False),
        (
            "if not self.ib.isConnected(): return {'connected': False}\n        return {'connected': True}",
            False,
        ),
    ],
)
def test_a_health_that_is_always_up_is_a_stub(watch: Any, body: str, is_stub: bool) -> None:
    text = f"class C:\n    def health(self):\n        {body}\n    @property\n    def connected(self): return True\n"
    stubs = [stub["name"] for stub in watch("source", {HANDLER: text}).facts["stubs"]]
    assert stubs == [*(["C.health"] if is_stub else []), "C.connected"]


@pytest.mark.parametrize(
    "text",
    [
        "def validate(self, order): return True",
        "def within_box(self, order) -> bool:\n  # later\n  return True",
        "def check_limits(order):\n  ok = True\n  return ok",
        "def approve(self, order):\n  log.info('fine')\n  return True",
        "def can_trade(self):\n  if self.open: return True\n  return True",
        "def is_allowed(self, order): return (True, 'fine')",
        "def risk_check(self, order): return order.ok or True",
        "async def pre_trade_check(self, order): return True",
        "def validateOrder(self, order): return True",
    ],
)
def test_a_check_that_always_says_yes_is_a_stub(text: str) -> None:
    function = ast.parse(text).body[0]
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    assert stub_reason(function) == "always returns True" or text.startswith("def validateOrder")


def test_stubs_are_looked_for_in_every_judged_file_but_tests(watch: Any) -> None:
    evidence = watch(
        "source",
        {
            HANDLER: GOOD,
            "order_plane/risk.py": "class Risk:\n    def validate(self, order): return True\n",
            "data_plane/feed.py": "async def subscribe(x): ...\ndef health():\n    s = {'up': 1}\n    return s\n",
            "tests/test_x.py": "def helper(): ...\n",
            "data_plane/broken.py": "def (",
        },
    )
    assert [stub["name"] for stub in evidence.facts["stubs"]] == ["subscribe", "health", "Risk.validate"]
    scope = next(scope for scope in evidence.scopes if scope.fact == "stubs")
    assert (scope.looked_at, scope.understood, scope.unit) == (4, 3, "Python files")
    assert [error["path"] for error in evidence.facts["parse_errors"]] == ["data_plane/broken.py"]


def test_what_is_there_to_be_overridden_is_no_stub(watch: Any) -> None:
    text = "class Base:\n    def on_fill(self): ...\n    def other(self): ...\n"
    text += "class Real(Base):\n    def on_fill(self): self.n += 1\n    def __exit__(self, *a): ...\n"
    facts = watch("source", {HANDLER: text}).facts
    assert [stub["name"] for stub in facts["stubs"]] == ["Base.other"]


PLACING = "        return self.ib.placeOrder(order.contract, order)"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("return self.ib.placeOrder(order.contract, order)", "implemented"),
        ("return await self._handler.placeOrderAsync(order)", "implemented"),
        ("return getattr(self.ib, 'placeOrder')(order)", "implemented"),
        ("return self._deep(order)", "implemented"),
        ("print(order)", "stub"),
        ("time.sleep(1); log.info('sent')", "stub"),
        ("raise RuntimeError('off')", "stub"),
        ("return {'id': 1, 'status': 'Filled'}", "stub"),
        ("self.sent.append(order); return OrderRecord(1, order)", "stub"),
        ("record = Record(uuid4(), datetime.now()); return record", "stub"),
        ("self.placed = True", "stub"),
        ("return self._fake(order)", "stub"),
        ("def send(): return self.ib.placeOrder(order)\n        return Record(order)", "stub"),
        ("def send(): return self.ib.placeOrder(order)\n        return send()", "implemented"),
        ("return self.queue.enqueue(order)", "unknown"),
    ],
)
def test_placing_an_order_must_lead_to_the_broker(watch: Any, body: str, state: str) -> None:
    text = f"class C:\n    async def place_order(self, order):\n        {body}\n"
    text += "    def _deep(self, order): return self._deeper(order)\n"
    text += "    def _deeper(self, order): return self.ib.placeOrder(order)\n"
    text += "    def _fake(self, order): return Record(order)\n"
    evidence = watch("source", {HANDLER: text})
    unknown = [problem for problem in evidence.problems if problem.fact == "operations.place_order"]
    assert [(one.path, one.place) for one in unknown] == ([(HANDLER, "line 2")] if state == "unknown" else [])
    assert evidence.facts["operations"]["place_order"] == state.replace("unknown", "implemented")


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("def f(o, intent): o.orderType = intent.order_type", "intent.order_type"),
        ("def f(o, kind): o.orderType = kind", "kind"),
        ("def f(intent): return Order(orderType=intent.kind)", "intent.kind"),
        ("def f(i): return Order(1, 2, 3, 'BUY', 100, i.kind)", "i.kind"),
        ("def f(i): return Order(**i)", "Order(**i)"),
        ("def f(o, i): setattr(o, 'orderType', i['order_type'])", "i['order_type']"),
        ("def f(o, i): o.orderType = os.environ['TYPE']", "os.environ['TYPE']"),
        ("def f(o, i): o.orderType = i.kind or 'MKT'", "i.kind or 'MKT'"),
        ("T = {'a': 'MKT', **MORE}\ndef f(o, i): o.orderType = T[i]", "T[i]"),
        ("send(orderType='MAR' + 'KET')", "'MAR' + 'KET'"),
        ("KIND = 'MARK'\nsend(orderType=f'{KIND}ET')", "f'{KIND}ET'"),
        ("def f(o): o.orderType = 'market'.upper()", None),
        ("T = {'a': 'MKT', 'b': 'LMT'}\ndef f(o, i): o.orderType = T[i.kind]", None),
        ("from typing import Literal\ndef f(o, kind: Literal['MKT', 'LMT']): o.orderType = kind", None),
        ("class K(StrEnum):\n    A = 'MKT'\ndef f(o, k: K): o.orderType = k.value", None),
        (
            "class I:\n    kind: 'K'\nclass K(Enum):\n    A = 'MKT'\ndef f(o, i: I): o.orderType = i.kind.value",
            None,
        ),
        ("def f(o, i):\n    match i.kind:\n        case 'MARKET': o.orderType = 'MKT'", None),
        ("def f(o, i):\n    if i.t not in ('MKT', 'LMT'): raise ValueError\n    o.orderType = i.t", None),
        (
            "class C:\n    def _o(self, t): o.orderType = t\n    def f(self): self._o('MKT'); self._o('LMT')",
            None,
        ),
        ("class C:\n    def _o(self, t): o.orderType = t\n    def f(self, i): self._o(i.t)", "t"),
        ("def kind(i): return 'MKT' if i.now else 'LMT'\ndef f(o, i): o.orderType = kind(i)", None),
        ("def kind(i): return i.kind\ndef f(o, i): o.orderType = kind(i)", "kind(i)"),
        ("def f(o, i):\n    assert i.t in ('MKT', 'LMT')\n    o.orderType = i.t", None),
        (
            "common = {'action': 'BUY'}\ndef f(i):\n    more = {'tif': 'DAY'}\n    Order(orderType='MKT', **more)",
            None,
        ),
        ("def report(trade): return {'orderType': trade.order.orderType}", None),
    ],
)
def test_an_order_type_that_is_passed_through_cannot_be_told(
    watch: Any, text: str, unknown: str | None
) -> None:
    problems = [one for one in watch("source", {HANDLER: text + "\n"}).problems if one.fact == "order_types"]
    assert len(problems) == (unknown is not None)
    for problem in problems:
        assert problem.kind is ProblemKind.UNKNOWN
        assert (problem.path, unknown) == (HANDLER, unknown) and str(unknown) in problem.reason
        assert (
            problem.place
            == f"line {next(n for n, line in enumerate(text.splitlines(), 1) if 'rder' in line)}"
        )


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
    def cancel_order(self, a): return self.ib.cancelOrder(a)
def connect(): ...
class Outer:
    class Inner:
        def positions(self):
            def helper(): pass
            return self.ib.positions(helper)
"""
    facts = watch("source", {HANDLER: text}).facts
    assert facts["operations"]["connect"] == "absent"
    assert facts["operations"]["place_order"] == "absent"
    assert facts["operations"]["cancel_order"] == "implemented"
    assert facts["operations"]["positions"] == "implemented"
    assert [stub["name"] for stub in facts["stubs"]] == ["connect", "Outer.Inner.positions.helper"]


def test_method_names_are_an_option_and_unknown_operations_are_refused(watch: Any) -> None:
    text = "class C:\n    def dial(self): self.ib.connect()\n    def connect(self): pass\n"
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
        ("send(order_type=f'{unknown}ET')", []),
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
        ("class IBOrderType(str, Enum):\n    A = 'MARKET'\n    B = 'LMT', 'note'", ["LMT", "MARKET"]),
        ("def f(order_type):\n    o.orderType = order_type\norder_type = 1", []),
        ("if o.orderType in ('MARKET', 'LIMIT'): raise ValueError", []),
        ("# order_type='MARKET'\n'''order_type='MARKET' '''", []),
    ],
)
def test_every_way_to_write_an_order_type_is_found(watch: Any, text: str, values: list[str]) -> None:
    facts = watch("source", {HANDLER: text + "\n"}).facts
    assert sorted(found["value"] for found in facts["order_types"]) == values


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
    assert {"MKT", "MARKET"} <= {found["value"] for found in facts["order_types"]}
    assert max(len(found["value"]) for found in facts["order_types"]) < 200
    assert len(facts["order_types"]) <= 1000


def test_syntax_errors_are_facts(watch: Any) -> None:
    facts = watch("source", {HANDLER: GOOD, CLIENT: "class C:\n  def connect(self:\n"}).facts
    assert facts["parse_errors"][0]["path"] == CLIENT
    assert facts["parse_errors"][0]["line"] == 2
    assert "not valid Python" in facts["parse_errors"][0]["text"]
    assert facts["operations"]["connect"] == "implemented"


def test_when_nothing_parses_nothing_is_absent_but_unknown(watch: Any) -> None:
    evidence = watch("source", {HANDLER: "def ("})
    assert set(evidence.facts["operations"].values()) == {None}
    assert (evidence.problems[0].path, evidence.problems[0].place) == (HANDLER, "line 1")
    assert evidence.problems[0].kind is ProblemKind.REJECTED


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
def test_unreadable_source_is_a_finding_about_that_file(watch: Any, content: bytes | str, said: str) -> None:
    facts = watch("source", {HANDLER: content, CLIENT: GOOD[:90]}, limits=Limits(text_bytes=100)).facts
    assert [error["path"] for error in facts["parse_errors"]] == [HANDLER]
    assert said in facts["parse_errors"][0]["text"]


def test_a_linked_source_is_a_finding_and_is_not_followed(watch: Any, tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text(GOOD)
    (tmp_path / "order_plane" / "broker").mkdir(parents=True)
    (tmp_path / CLIENT).symlink_to("/etc/hostname")
    facts = watch("source", {}).facts
    assert [error["path"] for error in facts["parse_errors"]] == [CLIENT]
    assert "symbolic link" in facts["parse_errors"][0]["text"]


@pytest.mark.parametrize(
    ("link", "paths", "named"),
    [
        ("app/client.py", "app/*.py", "app/client.py"),
        ("app/client.py", "app", "app/client.py"),
        ("app/client.py", "app/client.py", "app/client.py"),
        ("app/broker", "app/**/*.py", "app/broker"),
        ("app/broker", "app/broker/*.py", "app/broker"),
        ("app/broker", "app/broker/client.py", "app/broker/client.py"),
        ("app", "app/broker/*.py", "app"),
    ],
)
def test_links_that_the_settings_name_are_not_passed_over(
    watch: Any, tmp_path: Path, link: str, paths: str, named: str
) -> None:
    (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / link).symlink_to("/etc")
    client = watch("source", {HANDLER: GOOD}, paths=[HANDLER, paths])
    assert [error["path"] for error in client.facts["parse_errors"]] == [named]
    assert client.facts["files"] == 2
    scope = next(one for one in client.scopes if one.fact == "operations")
    assert (scope.looked_at, scope.understood) == (2, 1)
    scanned = watch("source", {}, secret_paths=[HANDLER, paths])
    assert [file["path"] for file in scanned.facts["unscanned"]] == [named]


@pytest.mark.parametrize("link", ["config", "config/live.yaml", "config/more", "settings.toml", ".env"])
def test_linked_settings_are_not_looked_through(watch: Any, tmp_path: Path, link: str) -> None:
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to("/etc")
    (file,) = watch("source", {HANDLER: GOOD}).facts["unscanned"]
    assert file["path"] == link
    assert "symbolic link" in file["reason"]


@pytest.mark.parametrize(
    ("files", "left_out", "unlisted"),
    [
        ({"app/a.py": "", "tests/t.py": "", "test_b.py": ""}, [], []),
        ({"app/a.py": "", "docs/conf.py": "", ".github/x.py": ""}, [".github/x.py", "docs/conf.py"], []),
    ],
)
def test_every_python_file_is_judged_a_test_or_left_out(
    watch: Any, files: dict[str, str], left_out: list[str], unlisted: list[str]
) -> None:
    facts = watch("source", files).facts
    assert (facts["left_out"], facts["unlisted"]) == (left_out, unlisted)
    assert (facts["left_out_total"], facts["unlisted_total"]) == (len(left_out), len(unlisted))


def test_code_that_no_list_names_is_listed(tmp_path: Path) -> None:
    for name in ("app/a.py", "hidden/b.py", "tools/c.py", "app/gen/d.py", "tests/t.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    workspace = Workspace(tmp_path, sources=["app"], exclude=["app/gen/**"])
    facts = observe(workspace, SourceCollector(SourceOptions(left_out=("tools/**",)))).facts
    assert facts["left_out"] == ["app/gen/d.py", "hidden/b.py", "tools/c.py"]
    assert facts["unlisted"] == ["hidden/b.py"]


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
    for number in range(600):
        python.parse_bytes(f"x = {number}".encode())
    assert python.parse_bytes.cache_info().currsize <= 512
    assert sys.getrecursionlimit() >= 1000
