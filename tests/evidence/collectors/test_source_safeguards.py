"""A safeguard of the broker client counts when the code does it and something in use leads there."""
# ruff: noqa: E501 (a source under test reads best on one line)

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.collecting.interface import ProblemKind

HANDLER = "algo_trade/core/execution/IBKR_handler.py"
CLIENT = "order_plane/broker/ibkr_exec_client.py"
READY = Path(__file__).parents[3] / "examples" / "ready"
READY_FILES = (
    HANDLER,
    CLIENT,
    "algo_trade/core/execution/broker_codes.py",
    "order_plane/pacing.py",
)


def ready() -> dict[str, str]:
    return {path: (READY / path).read_text("utf-8") for path in READY_FILES}


def guards(watch: Any, text: str, **more: Any) -> dict[str, Any]:
    files = {HANDLER: textwrap.dedent(text), **more.pop("files", {})}
    facts: dict[str, Any] = watch("source", files, **more).facts["safeguards"]
    return facts


def test_the_ready_example_paces_and_handles_errors(watch: Any) -> None:
    facts = watch("source", ready()).facts["safeguards"]
    assert facts["pacing_limiter"]["state"] == "present"
    assert [place["path"] for place in facts["pacing_limiter"]["evidence"]] == [HANDLER]
    assert facts["error_handling"]["state"] == "present"
    required = {100, 103, 200, 201, 202, 321, 399, 434, 504, 1100, 2104, 2106}
    assert required <= set(facts["error_handling"]["codes_handled"])
    assert facts["reconnection"]["state"] == "present"
    assert [place["path"] for place in facts["reconnection"]["evidence"]] == [HANDLER]


CALLED = "        reports: list[dict[str, Any]] = []\n"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (CLIENT, CALLED, "        await self._handler.reconnect()\n" + CALLED),
        (
            HANDLER,
            "        self._lost = False\n        return self.config.pinned_account\n",
            "        self._client.disconnectedEvent += lambda: asyncio.create_task(self.reconnect())\n"
            "        return self.config.pinned_account\n",
        ),
        ("algo_trade/main.py", "", "async def run(handler):\n    await handler.reconnect()\n"),
    ],
    ids=["called by an operation", "attached to the event", "called by another file"],
)
def test_what_nothing_calls_is_unused_until_something_does(watch: Any, path: str, old: str, new: str) -> None:
    files = {
        **_without_calls_of_reconnect(ready()),
        "algo_trade/main.py": "# handler.reconnect()\nx = 'reconnect'\n",
    }
    assert watch("source", files).facts["safeguards"]["reconnection"]["state"] == "unused"
    assert old in files[path]
    files[path] = files[path].replace(old, new) if old else new
    assert watch("source", files).facts["safeguards"]["reconnection"]["state"] == "present"


def _without_calls_of_reconnect(files: dict[str, str]) -> dict[str, str]:
    return {
        path: re.sub(r"^( +)await .*\.reconnect\(\)$", r"\1pass", text, flags=re.M)
        for path, text in files.items()
    }


PACED = {
    "spacing": """
        class Handler:
            def place_order(self, order):
                self._pace()
                return self.ib.placeOrder(order)
            def _pace(self):
                wait = self._last + 0.025 - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                self._last = time.monotonic()
        """,
    "window": """
        class Handler:
            async def place_order(self, order):
                await self._slot()
                return self.ib.placeOrder(order)
            async def _slot(self):
                now = time.time()
                while self._sent and now - self._sent[0] > 1.0:
                    self._sent.popleft()
                if len(self._sent) >= 45:
                    await asyncio.sleep(0.02)
                self._sent.append(now)
        """,
    "tokens": """
        class Bucket:
            def take(self):
                now = time.monotonic()
                self.tokens = min(45, self.tokens + (now - self.at) * 45)
                self.at = now
                if self.tokens < 1:
                    return False
                self.tokens -= 1
                return True
        class Handler:
            def place_order(self, order):
                if not self.bucket.take():
                    raise Busy(order)
                return self.ib.placeOrder(order)
        """,
    "throttle": """
        class Handler:
            def connect(self):
                self.ib.client.MaxRequests = 40
                self.ib.client.RequestsInterval = 1
                self.ib.connect()
        """,
    "aiolimiter": """
        from aiolimiter import AsyncLimiter
        class Handler:
            def __init__(self):
                self.limiter = AsyncLimiter(40, 1)
            async def place_order(self, order):
                async with self.limiter:
                    return self.ib.placeOrder(order)
        """,
    "ratelimit": """
        import ratelimit
        class Handler:
            @ratelimit.sleep_and_retry
            @ratelimit.limits(calls=40, period=1)
            def place_order(self, order):
                return self.ib.placeOrder(order)
        """,
    "pyrate": """
        from pyrate_limiter import Limiter as L, Rate
        LIMITER = L(Rate(40, 1000))
        class Handler:
            def place_order(self, order):
                LIMITER.try_acquire("order")
                return self.ib.placeOrder(order)
        """,
}


@pytest.mark.parametrize("text", PACED.values(), ids=PACED)
def test_limiters_of_every_kind_are_found(watch: Any, text: str) -> None:
    found = guards(watch, text)["pacing_limiter"]
    assert found["state"] == "present", found
    assert found["evidence"]


NOT_PACED = {
    "a comment": "class H:\n    def place_order(self, o):\n        # the pacing limiter waits here\n        return self.send(o)\n",
    "a name": "class H:\n    def place_order(self, o):\n        pacing_limiter = 'acquire'\n        return self.send(o)\n",
    "a stub": """
        class Pacer:
            def acquire(self): ...
        class H:
            def place_order(self, o):
                self.pacer.acquire()
                return self.ib.placeOrder(o)
        """,
    "a semaphore": """
        class H:
            def __init__(self): self.gate = asyncio.Semaphore(40)
            async def place_order(self, o):
                async with self.gate:
                    return self.ib.placeOrder(o)
        """,
    "a throttle too fast": "class H:\n    def connect(self):\n        self.ib.client.MaxRequests = 50\n        self.ib.connect()\n",
    "a throttle in too short a time": "class H:\n    def connect(self):\n        self.ib.client.RequestsInterval = 0.5\n        self.ib.connect()\n",
    "a throttle switched off": "class H:\n    def connect(self):\n        self.ib.client.MaxRequests = 0\n        self.ib.connect()\n",
    "waiting for an answer": """
        class H:
            async def place_order(self, o):
                trade = self.ib.placeOrder(o)
                deadline = time.time() + 5
                while not trade.isDone():
                    if time.time() >= deadline:
                        return None
                    await asyncio.sleep(0.01)
                trade.seen_at = time.time()
                return trade
        """,
    "a pause": "class H:\n    def place_order(self, o):\n        time.sleep(1)\n        return self.ib.placeOrder(o)\n",
}


@pytest.mark.parametrize("text", NOT_PACED.values(), ids=NOT_PACED)
def test_what_only_looks_like_pacing_is_absent(watch: Any, text: str) -> None:
    assert guards(watch, text)["pacing_limiter"]["state"] == "absent"


def test_a_limiter_that_sending_does_not_pass_is_unused(watch: Any) -> None:
    text = PACED["spacing"].replace("self._pace()\n", "self.note()\n")
    assert guards(watch, text)["pacing_limiter"]["state"] == "unused"
    limiter = (
        "from aiolimiter import AsyncLimiter\nclass H:\n    def __init__(self): self.x = AsyncLimiter(40)\n"
    )
    text = limiter + "    def place_order(self, o): return self.ib.placeOrder(o)\n"
    assert guards(watch, text)["pacing_limiter"]["state"] == "unused"


def test_a_limiter_in_an_imported_module_counts_and_one_outside_the_source_does_not(
    watch: Any, tmp_path: Path
) -> None:
    main = "from ..pacing import Pacer\nclass H:\n    def place_order(self, o):\n        self.p.turn()\n        return self.ib.placeOrder(o)\n"
    pacer = (
        "import time\nclass Pacer:\n    def turn(self):\n        wait = self.next - time.time()\n"
        "        self.next = max(time.time(), self.next) + 0.025\n        time.sleep(wait)\n"
    )
    assert (
        guards(watch, main, files={"algo_trade/core/pacing.py": pacer})["pacing_limiter"]["state"]
        == "present"
    )
    (tmp_path / "algo_trade/core/pacing.py").unlink()
    narrow = guards(watch, main, files={"examples/pacing.py": pacer})
    assert narrow["pacing_limiter"]["state"] == "absent"


@pytest.mark.parametrize(
    ("loop", "tries"),
    [
        ("for delay in (1, 2, 4):\n  TRY\n  time.sleep(delay)", 3),
        ("for n, delay in enumerate(DELAYS):\n  TRY\n  time.sleep(delay)", 2),
        ("for n in range(10):\n  TRY\n  time.sleep(1)", 10),
        ("for n in range(MOST):\n  TRY\n  time.sleep(1)", 5),
        ("for n in range(1, 4):\n  TRY\n  time.sleep(n)", 3),
        ("for n in range(1, MOST + 1):\n  TRY\n  time.sleep(n)", 5),
        ("for n, delay in zip(range(3), self.delays):\n  TRY\n  time.sleep(delay)", 3),
        ("for n, delay in zip(range(3), DELAYS):\n  TRY\n  time.sleep(delay)", 2),
        ("for n in range(self.most):\n  TRY\n  time.sleep(1)", None),
        ("for delay in self.delays:\n  TRY\n  time.sleep(delay)", None),
        ("n = 0\nwhile n < 2 and not self.up:\n  n += 1\n  TRY\n  time.sleep(5)", None),
        ("while True:\n  TRY\n  time.sleep(random.random())", None),
        ("for n in range(10**30):\n  TRY\n  time.sleep(9 ** 9 ** 9 ** 9)", None),
    ],
)
def test_a_loop_that_connects_is_found_with_its_line_and_tries(
    watch: Any, loop: str, tries: int | None
) -> None:
    loop = loop.replace("TRY", "try:\n    return self.ib.connect()\n  except OSError:\n    pass")
    text = "import time\nMOST, DELAYS = 5, (1, 2)\nclass H:\n  def connect(self):\n" + textwrap.indent(
        loop, "    "
    )
    evidence = watch("source", {HANDLER: text})
    found = evidence.facts["safeguards"]["reconnection"]
    line = next(n for n, row in enumerate(text.split("\n"), 1) if row.strip().startswith(("for", "while")))
    what = "H.connect tries to connect repeatedly"
    assert found["state"] == "present"
    assert found["evidence"] == [{"path": HANDLER, "line": line, "what": what, "tries": tries}]
    unknown = [one for one in evidence.problems if one.fact == "safeguards.reconnection"]
    assert [(one.kind, one.path, one.place) for one in unknown] == (
        [] if tries is not None else [(ProblemKind.UNKNOWN, HANDLER, f"line {line}")]
    )


@pytest.mark.parametrize(
    "text",
    [
        "class H:\n def connect(self):\n  for n in range(3):\n   self.ib.connect()\n   time.sleep(1)\n",
        "class H:\n def connect(self):\n  for n in range(3):\n   try:\n    self.ib.connect()\n   except OSError:\n    raise\n   time.sleep(1)\n",
        "class H:\n def connect(self):\n  for n in range(3):\n   try:\n    self.ib.connect()\n   except OSError:\n    pass\n",
        "class H:\n def connect(self):\n  for n in range(3):\n   try:\n    self.ib.connect()\n   except OSError:\n    time.sleep(0)\n",
        "class H:\n def connect(self):\n  self.ib.disconnectedEvent += self._lost\n def _lost(self): print('lost')\n",
        "class H:\n def disconnected(self): self.ib.connect()\n",
        "class H:\n def connect(self):\n  '''for delay in (1, 2, 4): reconnect'''\n  self.ib.connect()\n",
    ],
    ids=["no try", "raises", "no wait", "waits for nothing", "only says so", "nobody calls it", "words"],
)
def test_what_does_not_reconnect_is_absent(watch: Any, text: str) -> None:
    assert guards(watch, text)["reconnection"]["state"] == "absent"


@pytest.mark.parametrize(
    ("text", "tries"),
    [
        (
            "class H:\n def connect(self):\n  self.ib.disconnectedEvent += self._lost\n def _lost(self): self.again()\n def again(self): self.ib.connect()\n",
            1,
        ),
        (
            "class H:\n def connect(self):\n  self.ib.disconnectedEvent.connect(lambda: self.ib.connectAsync())\n",
            1,
        ),
        (
            "from ibapi.wrapper import EWrapper\nclass H(EWrapper):\n def connectionClosed(self): self.connect('h', 1, 2)\n",
            1,
        ),
        (
            "from ib_async import Watchdog\nclass H:\n def connect(self):\n  Watchdog(self.gateway, self.ib).start()\n",
            None,
        ),
        (
            "import ib_async as ib\nclass H:\n def connect(self):\n  ib.Watchdog(self.gateway, self.ib).start()\n",
            None,
        ),
        (
            "import backoff\nclass H:\n @backoff.on_exception(backoff.expo, OSError)\n def connect(self): self.ib.connect()\n",
            None,
        ),
        (
            "from tenacity import retry, stop_after_attempt\nclass H:\n @retry(stop=stop_after_attempt(3))\n def connect(self): self.ib.connect()\n",
            3,
        ),
    ],
    ids=["event", "eventkit", "callback", "watchdog", "its module", "backoff", "tenacity"],
)
def test_other_ways_of_reconnecting_count(watch: Any, text: str, tries: int | None) -> None:
    evidence = watch("source", {HANDLER: text})
    found = evidence.facts["safeguards"]["reconnection"]
    assert (found["state"], [place["tries"] for place in found["evidence"]]) == ("present", [tries])
    assert any(one.fact == "safeguards.reconnection" for one in evidence.problems) is (tries is None)


CODES = {
    "comparisons": ("if code == 100: self.back_off()\n elif 1100 == code: self.lost()", {100, 1100}),
    "sets": ("if code in {200, 201} or code not in WARNINGS: self.reject()", {200, 201, 399, 2104}),
    "table": ("action = TABLE.get(code)\n if action: action()", {202, 434}),
    "match": ("match code:\n  case 100 | 103: self.back_off()\n  case _: self.log()", {100, 103}),
    "handed on": ("self.sort(reqId, errorCode=code)", {504, 321}),
    "ranges": ("if 2100 <= code < 2200: return\n self.stop()", set()),
}
ERROR_CLASS = """
WARNINGS = frozenset({399, 2104})
TABLE = {202: print, 434: print, "x": print}
class H:
 def connect(self):
  self.ib.errorEvent += self.on_error
 def sort(self, number, errorCode):
  if errorCode in (504, 321): self.lost()
"""


@pytest.mark.parametrize(("body", "codes"), CODES.values(), ids=CODES)
def test_codes_are_those_the_handler_tells_apart(watch: Any, body: str, codes: set[int]) -> None:
    text = (
        ERROR_CLASS
        + " def on_error(self, reqId, code, text, contract):\n"
        + "\n".join(
            "  " + line.removeprefix(" ") if line.startswith(" ") else "  " + line
            for line in body.split("\n")
        )
    )
    found = guards(watch, text)["error_handling"]
    assert found["state"] == "present"
    assert found["codes_handled"] == sorted(codes)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (ERROR_CLASS + " def on_error(self, reqId, code, text, contract): log(code, 100, text)\n", "absent"),
        (ERROR_CLASS + " def on_error(self, reqId, code, text, contract): ...\n", "absent"),
        (
            "class H:\n def setup(self): self.ib.errorEvent += on\ndef on(r, code, t):\n if code == 100: stop()\n",
            "unused",
        ),
        (
            "import ibapi\nclass H(ibapi.EWrapper):\n def error(self, a, b, c):\n  if b == 504: self.lost()\n",
            "present",
        ),
        ("class H:\n def error(self, a, b, c):\n  if b == 504: self.lost()\n", "absent"),
    ],
    ids=["only logs", "stub", "never attached", "callback", "no callback"],
)
def test_a_handler_must_branch_and_be_attached(watch: Any, text: str, state: str) -> None:
    assert guards(watch, text)["error_handling"]["state"] == state


def test_handlers_that_swallow_everything_are_listed(watch: Any) -> None:
    text = """
    class H:
        def connect(self):
            try: self.a()
            except Exception: pass
            try: self.b()
            except: self.log()
            try: self.c()
            except (OSError, BaseException): return None
            with contextlib.suppress(Exception): self.d()
            try: self.e()
            except Exception as error: self.log(error)
            try: self.f()
            except: raise
            try: self.g()
            except OSError: pass
    """
    found = guards(watch, text)["error_handling"]
    assert [place["line"] for place in found["swallowed"]] == [5, 7, 9, 10]


CHECKED = """
PAPER_PORTS = (7497, 4002)
class H:
    def __init__(self, port):
        self.port = port
    def connect(self):
        if self.port not in PAPER_PORTS: raise ValueError
        self.ib.connect("h", self.port)
        for account in self.ib.managedAccounts():
            if not account.startswith("DU"): raise ValueError
"""


@pytest.mark.parametrize(
    ("old", "new", "account", "port"),
    [
        ("", "", "present", "present"),
        ('if not account.startswith("DU")', "if not account", "absent", "present"),
        ('startswith("DU")', 'startswith("")', "absent", "present"),
        ('startswith("DU")', 'startswith("U")', "absent", "present"),
        ('not account.startswith("DU")', 'account[:2] != "DU"', "present", "present"),
        ('not account.startswith("DU")', 'not re.match(r"^DU[0-9]+$", account)', "present", "present"),
        ('not account.startswith("DU")', "not self._paper(account)", "present", "present"),
        (
            'not account.startswith("DU"): raise ValueError',
            'not account.startswith("DU"): print(account)',
            "absent",
            "present",
        ),
        ("if self.port not in PAPER_PORTS: raise ValueError", "pass", "present", "absent"),
        (
            "def connect(self):\n",
            "def connect(self):\n        self.ib.connect()\n    def unused(self):\n",
            "unused",
            "unused",
        ),
    ],
)
def test_connecting_refuses_what_is_not_paper(
    watch: Any, old: str, new: str, account: str, port: str
) -> None:
    text = CHECKED.replace(old, new) if old else CHECKED
    text += "    def _paper(self, a): return a.startswith('DU')\n"
    found = guards(watch, text)
    assert (found["account_check"]["state"], found["port_check"]["state"]) == (account, port)


PORT_CHECK = "if self.port not in PAPER_PORTS: raise ValueError"
ACCOUNT_CHECK = 'if not account.startswith("DU"): raise ValueError'
LATER = """
import enum
class Paper(enum.IntEnum):
    TWS = 7497
    GATEWAY = 4002
def is_paper(account): return account.startswith("DU")
def refuse(port):
    if port not in PAPER_PORTS: fail()
def fail(): raise ValueError
FORM = re.compile(r"^DU[0-9]+$")
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PORT_CHECK, "refuse(self.port)"),
        (PORT_CHECK, "if self.port not in frozenset(Paper): sys.exit(1)"),
        (PORT_CHECK, "if self.port not in {p.value for p in Paper}: return None"),
        (PORT_CHECK, "paper = self.port in PAPER_PORTS\n        if not paper: raise ValueError"),
        (PORT_CHECK, 'if {7497: "TWS", 4002: "Gateway"}.get(self.port) is None: raise ValueError'),
        (PORT_CHECK, "if self.ib.isConnected(): return\n        " + PORT_CHECK),
        (
            PORT_CHECK,
            "match self.port:\n            case 7497 | 4002: pass\n            case _: raise ValueError",
        ),
        (
            PORT_CHECK,
            "try: Paper(self.port)\n        except ValueError as error: raise OSError from error",
        ),
        (PORT_CHECK, "try: refuse(self.port)\n        except ValueError: raise"),
        (ACCOUNT_CHECK, "if not FORM.match(account): raise ValueError"),
        (ACCOUNT_CHECK, "if not fnmatch.fnmatch(account, 'DU*'): raise ValueError"),
        (ACCOUNT_CHECK, "if not all(map(is_paper, [account])): raise ValueError"),
        (ACCOUNT_CHECK, "if {one[:2] for one in [account]} != {f'DU'}: raise ValueError"),
        (
            ACCOUNT_CHECK,
            "match account[:2]:\n                case 'DU': continue\n                case _: raise OSError",
        ),
        (
            ACCOUNT_CHECK,
            "live = []\n            if not is_paper(account): live.append(account)\n"
            "            if live: raise OSError",
        ),
    ],
)
def test_what_refuses_live_trading_may_be_written_in_many_ways(watch: Any, old: str, new: str) -> None:
    assert old in CHECKED
    found = guards(watch, "import re\n" + CHECKED.replace(old, new) + LATER)
    assert (found["account_check"]["state"], found["port_check"]["state"]) == ("present", "present")


@pytest.mark.parametrize(
    ("old", "new", "states"),
    [
        (PORT_CHECK, "if self.port == 7496: raise ValueError", {"unused"}),
        (PORT_CHECK, "if self.port not in PAPER_PORTS: self.log(self.port)", {"unused"}),
        (PORT_CHECK, "try: refuse(self.port)\n        except Exception: self.log('live')", {"unused"}),
        (PORT_CHECK, "with contextlib.suppress(ValueError): refuse(self.port)", {"unused"}),
        (PORT_CHECK, "if self.port not in PAPER_PORTS and not self.allow_live: raise ValueError", {None}),
        (PORT_CHECK, "if self.paper: refuse(self.port)", {None}),
        (ACCOUNT_CHECK, "if not account.startswith('DU') and False: raise ValueError", {"absent"}),
        (ACCOUNT_CHECK, "if not re.match(r'D?U', account): raise ValueError", {"absent"}),
        (ACCOUNT_CHECK, "if not (is_paper(account) or self.allow_live): raise ValueError", {None}),
    ],
)
def test_what_lets_live_trading_through_is_no_check(
    watch: Any, old: str, new: str, states: set[str | None]
) -> None:
    """None: whether it refuses depends on something that cannot be told."""
    assert old in CHECKED
    evidence = watch("source", {CLIENT: CHECKED.replace(old, new) + LATER})
    kind = "port_check" if old is PORT_CHECK else "account_check"
    state = evidence.facts["safeguards"][kind]["state"]
    unknown = any(problem.fact == f"safeguards.{kind}" for problem in evidence.problems)
    assert state != "present"
    assert unknown if states == {None} else state in states


def test_a_check_of_the_settings_alone_does_not_look_at_the_session(watch: Any) -> None:
    """The ready example without the check of the accounts that the session manages."""
    files = ready()
    check = 'not accounts or any(not account.startswith("DU") for account in accounts)'
    assert check in files[HANDLER]
    files[HANDLER] = files[HANDLER].replace(check, "not accounts")
    assert watch("source", files).facts["safeguards"]["account_check"]["state"] == "unused"


def test_without_a_client_every_safeguard_is_missing(watch: Any) -> None:
    evidence = watch("source", {"algo_trade/x.py": "x = 1\n"})
    assert set(evidence.facts["safeguards"].values()) == {None}
    assert evidence.facts["secrets_total"] == 0


CONNECTING = """
class Client:
    def connect(self, host, port):
        {check}
        self.ib.connect(host, port)
    def place_order(self, contract, order):
        return self.ib.placeOrder(contract, order)
"""


@pytest.mark.parametrize(
    ("check", "state"),
    [
        ("if port not in (7497, 0x" + "f" * 5000 + "): raise ValueError", "present"),
        ("if port not in (7497, 4002) and " + " and ".join(f"a{n}" for n in range(300)) + ": raise ValueError", "absent"),
        ("if port in [p for p in (7496, 4001) if p not in LIVE_OK]: raise ValueError", "absent"),
        ("while True:\n            self.step()\n            break\n        if port not in (7497, 4002): raise ValueError", "present"),
        ("if port not in (7497, 4002): raise ValueError", "present"),
        ("if len() == 1 or accounts[0].startswith('DU'): pass\n        if port not in (7497, 4002): raise ValueError", "present"),
    ],
    ids=["a huge number", "a huge condition", "a filter", "after a loop", "plain", "beside a length of nothing"],
)  # fmt: skip
def test_the_port_check_is_told_whatever_stands_beside_it(watch: Any, check: str, state: str) -> None:
    assert guards(watch, CONNECTING.format(check=check))["port_check"]["state"] == state


def test_a_regular_expression_that_takes_long_is_not_tried(watch: Any) -> None:
    check = "if not account.startswith('DU') or not re.match('(?:(?:|x){60000}){60000}', account): raise ValueError"
    text = CONNECTING.format(check=f"for account in self.ib.managedAccounts():\n            {check}")
    assert guards(watch, text)["account_check"]["state"] == "present"  # for the prefix, which is tried


@pytest.mark.soak
@pytest.mark.parametrize(
    "text",
    [
        "def f(self):\n x = x or x or x or x or x\n self.order_type = x\n" * 300,
        "a0 = 'x'\n"
        + "".join(f"a{n} = f'{{a{n - 1}}}{{a{n - 1}}}{{a{n - 1}}}'\n" for n in range(1, 40))
        + "order_type = a39\n",
        "".join(f"a{n} = a{n + 1} if x else a{n + 1}\n" for n in range(40)) + "order_type = a0\n",
        "a = b\nb = a\norder_type = a\n",
        "from . import x\nfrom .x import *\nimport algo_trade.core.execution.IBKR_handler as me\norder_type = me.q\nq = me.q\n",
        "class H:\n" + "".join(f" def f{n}(self): self.f{n + 1}()\n" for n in range(3000)),
        "class H:\n def place(self, i):\n" + "  self.h.place_order(i)\n" * 2000 + "  self._check(i)\n",
        "class H:\n def f(self): self._lost = "
        + "x + " * 2000
        + "x\n def check_x(x): return x <= "
        + "x + " * 2000
        + "x\n",
        "from ...................... import y\n",
    ],
    ids=["self", "doubling", "branching", "circle", "itself", "chain", "orders", "sums", "dots"],
)
def test_source_made_to_run_away_ends_soon(watch: Any, text: str) -> None:
    facts = watch("source", {HANDLER: text}).facts
    assert facts["files"] == 1
