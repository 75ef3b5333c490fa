"""What published programs look like, which the collector ``source`` once got wrong."""
# ruff: noqa: E501 (a source under test reads best on one line)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

BROKER = "app/broker_client.py"


def stubs(evidence: Any) -> dict[str, str]:
    return {stub["name"]: stub["reason"] for stub in evidence.facts["stubs"]}


def test_a_check_whose_answer_is_made_from_itself_is_inspected(watch: Any) -> None:
    text = """
def is_valid(rows):
    ok = True
    for row in rows:
        ok = ok and row.fits()
    return ok
def is_allowed(order):
    return first
"""
    chain = (
        "def is_fine(x):\n" + "".join(f"    a{n} = not a{n + 1}\n" for n in range(2000)) + "    return a0\n"
    )
    found = watch("source", {"app/a.py": text, "app/b.py": chain})
    assert stubs(found) == {} and found.facts["inspected"] == 2


def test_a_flag_that_a_caller_a_loop_or_a_tuple_sets_may_be_false(watch: Any) -> None:
    text = """
def validate_cache(force, path):
    if not path:
        return force
    force = True
    return force
def validate_rows(rows):
    ok = True
    for ok in map(bool, rows):
        pass
    return ok
def validate_order(order):
    ok = True
    if order:
        ok, why = order.fits()
    return ok
def validate_all(ok):
    ok = True
    return ok
def validate_none(order):
    ok: bool
    ok = True
    return ok
"""
    always = dict.fromkeys(("validate_all", "validate_none"), "always returns True")
    assert stubs(watch("source", {"app/a.py": text})) == always


def test_what_is_declared_for_type_checkers_is_no_stub_and_no_operation(watch: Any) -> None:
    text = """
import typing
from typing import TYPE_CHECKING
class Mixin:
    if TYPE_CHECKING:
        def place_order(self, order) -> int: ...
    if typing.TYPE_CHECKING:
        def fill(self) -> int: ...
    else:
        def fill(self): pass
"""
    found = watch("source", {BROKER: text})
    assert stubs(found) == {"Mixin.fill": "the body is only `pass`"}
    assert found.facts["operations"]["place_order"] == "absent"


BASE = "class Base:\n    def hook(self): pass\n    def other(self): pass\n"


@pytest.mark.parametrize(
    "written",
    [
        "from .base import Base\nclass Sub(Base):\n    def hook(self): return 1\n",
        "from app.base import Base as B\nclass Sub(B):\n    def hook(self): return 1\n",
        "import app.base\nclass Sub(app.base.Base):\n    def hook(self): return 1\n",
        "from . import base\nclass Sub(base.Base):\n    def hook(self): return 1\n",
    ],
)
def test_a_hook_that_another_file_overrides_is_no_stub(watch: Any, written: str) -> None:
    files = {"app/__init__.py": "", "app/base.py": BASE, "app/sub.py": written}
    assert list(stubs(watch("source", files))) == ["Base.other"]


@pytest.mark.parametrize(
    "files",
    [
        {"app/sub.py": "from library import Base\nclass Sub(Base):\n    def hook(self): return 1\n"},
        {"app/sub.py": "class Sub(Base):\n    def hook(self): return 1\n"},
        {
            "app/two.py": "class Base:\n    pass\n",
            "app/sub.py": "from .two import Base\nclass Sub(Base):\n    def hook(self): return 1\n",
        },
    ],
)
def test_a_class_that_only_has_the_same_name_overrides_nothing(watch: Any, files: dict[str, str]) -> None:
    found = stubs(watch("source", {"app/__init__.py": "", "app/base.py": BASE, **files}))
    assert list(found) == ["Base.hook", "Base.other"]


def test_positions_that_came_in_before_cannot_be_told_from_none(watch: Any) -> None:
    text = """
class Client:
    def positions(self, account):
        return list(self.wrapper.positions[account].values())
    def place_order(self, order):
        return self.ib.placeOrder(order)
"""
    found = watch("source", {BROKER: text})
    assert found.facts["operations"]["positions"] == "implemented"
    assert [problem.kind for problem in found.problems if problem.fact == "operations.positions"] == [
        "unknown"
    ]


LIMITER = """
import time
class Client:
    def place_order(self, order):
        self.count += 1
        {limit}
        return self.ib.placeOrder(order)
"""


def test_a_counter_beside_a_timeout_is_no_limiter(watch: Any) -> None:
    begun = "begun = time.monotonic()\n        "
    streak = begun + "if self.count > 3 and time.monotonic() - begun > 9: raise TimeoutError"
    state = watch("source", {BROKER: LIMITER.format(limit=streak)}).facts["safeguards"]["pacing_limiter"]
    assert state["state"] == "absent"


def test_a_counter_within_a_window_that_is_kept_is_a_limiter(watch: Any) -> None:
    window = "if time.monotonic() - self.begun < 1 and self.count > 40: time.sleep(1)"
    state = watch("source", {BROKER: LIMITER.format(limit=window)}).facts["safeguards"]["pacing_limiter"]
    assert state["state"] == "present"


def test_an_account_of_zeros_and_a_key_for_demonstrations_hold_a_place(watch: Any) -> None:
    text = 'ACCOUNT = "DU0000000"; CORAL = "#F08080"\n'
    text += 'if api_key != "demo" and csrf_token == "NOTPROVIDED":\n    pass\n'
    found = watch(
        "source", {"app/a.py": text + 'OTHER = "DU0000001 #F0808012"\npassword = "demo-7Hq2"\n'}
    ).facts
    assert [(one["line"], one["paper"]) for one in found["account_ids"]] == [(4, False), (4, True)]
    assert [one["line"] for one in found["secrets"]] == [5]


def test_a_check_that_is_called_by_a_name_put_together_is_called(watch: Any) -> None:
    text = """
class Task:
    def run(self, name):
        getattr(self, "_validate_%s" % name)()
        getattr(self, f"_check_{name}")()
        getattr(self, "_verify_all")()
    def _validate_when(self): self.when.parse()
    def _check_loop(self): self.loop.parse()
    def _verify_all(self): self.all.parse()
    def _verify_some(self): self.some.parse()
"""
    assert stubs(watch("source", {"app/a.py": text})) == {"Task._verify_some": "is never called"}


def test_when_to_update_a_password_is_no_password(watch: Any) -> None:
    text = 'if self.update_password == "always":\n    pass\nupdate_password = "Xk29qq"\npassword = "always"\n'
    assert [one["line"] for one in watch("source", {"app/a.py": text}).facts["secrets"]] == [3, 4]


def test_a_method_with_a_capital_letter_reaches_the_broker(watch: Any) -> None:
    text = """
class Client:
    def place_order(self, order): self._api.PlaceOrder(order)
    def cancel_order(self, order): return messages.CancelOrder(order)
def close_all(handles):
    for handle in handles:
        _kernel32.CloseHandle(handle)
"""
    assert list(stubs(watch("source", {"app/a.py": text}))) == ["Client.cancel_order"]


def test_what_others_are_registered_with_is_no_stub(watch: Any) -> None:
    text = """
@click.group()
def cli(): pass
@functools.singledispatch
def order_shares(id, amount): raise NotImplementedError
@cli.command()
def run(): pass
"""
    assert list(stubs(watch("source", {"app/a.py": text}))) == ["run"]


def secrets_of(watch: Any, text: str) -> list[str]:
    return [one["name"] for one in watch("source", {"app/a.py": text}).facts["secrets"]]


def test_words_of_a_parser_and_names_of_fields_are_no_secrets(watch: Any) -> None:
    assert secrets_of(watch, 'if token == "is" or tok != "(":\n    pass\n') == []
    assert secrets_of(watch, 'FIELDS = {"api_key": "api_key_hash"}\n') == []
    assert secrets_of(watch, 'if token == "Hunter22":\n    pass\npassword = "password_42"\n') == [
        "token",
        "password",
    ]


def test_what_go_keeps_in_testdata_is_no_secret_of_the_product(watch: Any) -> None:
    secret = 'password = "Hunter2-Hunter2"\n'
    found = watch("source", {"app/a.py": "x = 1\n", "app/testdata/b.py": secret, "app/c.py": secret})
    assert [one["path"] for one in found.facts["secrets"]] == ["app/c.py"]


def test_a_colour_among_colours_is_no_account(watch: Any) -> None:
    found = watch("source", {"app/a.py": 'A = ["F08080", "4682B4"]\nB = ["F12345", "U12345"]\n'})
    assert [one["line"] for one in found.facts["account_ids"]] == [2, 2]


WHILE = """
import time
class Handler:
    def connect(self):
        {before}
        while {test}:
            try:
                return self.ib.connect("127.0.0.1", 4002)
            except OSError:
                time.sleep(1)
            {after}
"""


@pytest.mark.parametrize(
    ("before", "test", "after", "tries"),
    [
        ("attempt = 0", "attempt < 3", "attempt += 1", 3),
        ("attempt = 1", "attempt <= 3", "attempt += 1", 3),
        ("attempt = 0", "attempt < 3", "attempt += 0", None),
        ("attempt = 0", "attempt < 3", "attempt = 0", None),
        ("attempt = 0", "attempt < 3", "attempt += 1; attempt = 0", None),
        ("attempt = 0", "attempt < 3", "attempt += 1; attempt -= 1", None),
        ("attempt = 0", "attempt < 3", "", None),
        ("attempt = 0", "attempt < 3 or True", "attempt += 1", None),
    ],
)
def test_the_rounds_of_a_loop_with_a_counter_are_told(
    watch: Any, before: str, test: str, after: str, tries: int | None
) -> None:
    text = WHILE.format(before=before, test=test, after=after)
    (place,) = watch("source", {BROKER: text}).facts["safeguards"]["reconnection"]["evidence"]
    assert place["tries"] == tries


def test_a_throttle_may_be_set_by_name(watch: Any) -> None:
    text = 'class H:\n    def connect(self):\n        setattr(self.ib.client, "MaxRequests", {})\n'
    text += "        self.ib.connect()\n"
    states = [
        watch("source", {BROKER: text.format(n)}).facts["safeguards"]["pacing_limiter"]["state"]
        for n in (45, 0)
    ]
    assert states == ["present", "absent"]


ORDER = """
class H:
    def place_order(self, intent):
        order = Order()
        {}
        return self.ib.placeOrder(self.contract, order)
"""


@pytest.mark.parametrize(
    ("line", "values", "is_known"),
    [
        ('order.orderType = {"a": "mkt", "b": "lmt"}[intent.kind].upper()', ["LMT", "MKT"], True),
        ("order.orderType = intent.kind.upper()", [], False),
        ("setattr(order, intent.name, intent.value)", [], False),
        ('setattr(order, "tif", intent.value)', [], True),
    ],
)
def test_order_types_in_another_case_or_under_a_name_put_together(
    watch: Any, line: str, values: list[str], is_known: bool
) -> None:
    found = watch("source", {BROKER: ORDER.format(line)})
    assert [one["value"] for one in found.facts["order_types"]] == values
    assert is_known == all(problem.fact != "order_types" for problem in found.problems)


def test_operations_may_be_called_as_the_broker_calls_them(watch: Any) -> None:
    text = "from ib_async import IB\nclass H:\n" + "".join(
        f"    def {name}(self, *a): return self.ib.{name}(*a)\n"
        for name in ("placeOrder", "cancelOrder", "reqPositions", "reqAccountSummary", "reqMktData")
    )
    states = watch("source", {BROKER: text}).facts["operations"]
    done = {name for name, state in states.items() if state == "implemented"}
    assert done == {"place_order", "cancel_order", "positions", "account_info", "market_data"}


@pytest.mark.parametrize(
    "table",
    [
        "dict.fromkeys((200, 201), 'reject')",
        "{code: 'reject' for code in (200, 201)}",
        "{code: act for act, codes in {'reject': (200, 201)}.items() for code in codes}",
        "{200: 'reject', **dict.fromkeys((201,), 'reject')}",
        "dict.fromkeys((200,), 'reject') | {201: 'reject'}",
    ],
)
def test_codes_of_a_table_made_from_them_are_handled(watch: Any, table: str) -> None:
    text = f"""
ACTIONS = {table}
class H:
    def connect(self):
        self.ib.errorEvent += self.on_error
        self.ib.connect()
    def on_error(self, reqId, errorCode, message, contract):
        if errorCode in ACTIONS:
            self.reject(ACTIONS[errorCode])
        elif errorCode == 1100:
            self.again()
"""
    assert watch("source", {BROKER: text}).facts["safeguards"]["error_handling"]["codes_handled"] == [
        200,
        201,
        1100,
    ]


@pytest.mark.parametrize(
    ("pinned", "state"),
    [("frozenset({'DU1234567'})", "present"), ("{'DU7654321', 'U1234567'}", "absent")],
)
def test_accounts_compared_with_the_pinned_ones_are_checked(watch: Any, pinned: str, state: str) -> None:
    text = f"""
PINNED = {pinned}
class H:
    def connect(self):
        self.ib.connect()
        for account in self.ib.managedAccounts():
            if account not in PINNED:
                raise RuntimeError(account)
"""
    assert watch("source", {BROKER: text}).facts["safeguards"]["account_check"]["state"] == state


@pytest.mark.parametrize(
    "text",
    [
        'class Reason(StrEnum):\n    MANUAL_KILL_SWITCH = "manual_kill_switch"\n    KILL_SWITCH = 3\n',
        'KILL_SWITCH_FILE = "/tmp/stop"\n',
        "KILL_PNL = -0.05\nclass Switch:\n    limit: float = KILL_PNL\n    def trips(self, pnl): return pnl < self.limit\n",
        'KILL_PNL = -0.05\ndef limits(): return {"KILL_PNL": KILL_PNL}\ndef trips(pnl): return pnl < limits()["KILL_PNL"]\n',
        'def status(self): return {"pnl_kill_switch": self.on}\ndef stop(s): return s["pnl_kill_switch"]\n',
        "class State:\n    tripped: bool = False\n    @property\n    def halted(self): return self.tripped\ndef read(row): return State(**row)\n",
        "class State(BaseModel):\n    tripped: bool = False\n    @property\n    def halted(self): return self.tripped\n",
        "class Loop:\n    def on_bar(self, bar, halted): raise NotImplementedError\n    async def run(self):\n        try:\n            await self._check()\n        except Exception as error:\n            log.error(error)\n        await sleep(1)\n",
        "def send(order):\n    try:\n        check_order(order)\n        place(order)\n    except Refused:\n        pass\n    return order\n",
        "def send(order):\n    try:\n        check_order(order)\n    except Refused:\n        log.warning('refused')\n        return None\n    return place(order)\n",
        "def send(order):\n    try:\n        check_order(order)\n    except Refused:\n        pass\n    else:\n        place(order)\n    return order\n",
        "def check_order(order):\n    if order.size > 3: raise ValueError\n    return True\ndef send(order):\n    check_order(order)\n    return place(order)\n",
        'STATES = {"PreSubmitted": NEW, "Submitted": OPEN, "Filled": ALLTRADED, "Inactive": CANCELLED, "PendingCancel": CANCELLING}\n',
        "LEVELS = {100: WARNING, 201: ERROR, 202: INFO, 1100: CRITICAL, 2104: INFO, 504: NO_RETRY}\n",
        "def is_valid(x): return x == x\ndef check_size(x, most): return len(x) >= most\n",
    ],
)
def test_limits_and_checks_that_do_their_work_are_no_stubs(watch: Any, text: str) -> None:
    found = stubs(watch("source", {"app/a.py": text}))
    assert set(found.values()) <= {"only raises NotImplementedError"}


@pytest.mark.parametrize(
    "text",
    [
        "ACCOUNT = '%1000000000d' % 7654321\n",
        "ACCOUNT = '{:>1000000000}'.format('U7654321')\n",
        "ACCOUNT = ('U' * 10).join(['1'] * 10**9)\n",
        "ACCOUNT = 'U1234567'[::0]\n",
        "ACCOUNT = " + "('a' + " * 50 + "'b'" + ").upper()" * 50 + "\n",
        "ACCOUNT = '{}{}'.format('U')\nB = '%s' % ()\nC = str(" + "9" * 3000 + ")\n",
        "ACCOUNT = 'a'.replace('a', 'aa')" + ".replace('a', 'aa')" * 60 + "\n",
    ],
)
def test_strings_that_are_made_to_run_away_end_soon(watch: Any, text: str) -> None:
    assert watch("source", {"app/a.py": "X = 'U%'\n" + text}).facts["live_account_ids_total"] <= 1


def test_without_a_broker_client_every_rule_about_it_says_so(tmp_path: Path, gate: Any) -> None:
    """None of them speaks of a syntax error, or of an operation in a file that is not named."""
    (tmp_path / "algo_trade").mkdir()
    (tmp_path / "algo_trade" / "signal.py").write_text("def strength(x): return x + 1\n")
    done = gate("evaluate", "stage4", "--no-record", "--output", "json")
    found = [one for one in json.loads(done.out)["violations"] if one["evidence"] == ["source"]]
    rules = ["client_operations", "operations_implemented", "paper_only", "safeguards", "sources_parse"]
    assert {one["code"]: one["msg"] for one in found} == {
        f"stage4.{rule}": "No evidence: no file of a broker client was found" for rule in rules
    }
