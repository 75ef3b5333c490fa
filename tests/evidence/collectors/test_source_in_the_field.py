"""What published programs look like, which the collector ``source`` once got wrong."""

from __future__ import annotations

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
