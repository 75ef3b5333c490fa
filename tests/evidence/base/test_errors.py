"""Errors as users read them."""

from __future__ import annotations

import pytest

from gate.evidence.base import errors
from gate.evidence.base.errors import (
    ConfigError,
    EvidenceError,
    GateError,
    InternalError,
    ManyErrors,
    raise_all,
)


def test_diagnostics_say_what_where_and_what_to_do() -> None:
    """File, place and remedy stand on lines of their own."""
    error = EvidenceError("is torn", path="a.json", place="line 3, column 7", remedy="mend it")
    assert (
        error.diagnostics() == "evidence error: a.json is torn\n  where: line 3, column 7\n  to do: mend it"
    )
    assert str(error) == "is torn"


@pytest.mark.parametrize(
    ("path", "place", "remedy", "expected"),
    [
        (None, None, None, "error: x"),
        ("f", None, None, "error: x\n  where: f"),
        (None, "/a", None, "error: x\n  where: /a"),
        (None, None, "r", "error: x\n  to do: r"),
    ],
)
def test_diagnostics_leave_out_what_is_unknown(
    path: str | None, place: str | None, remedy: str | None, expected: str
) -> None:
    """Only what is known is printed."""
    assert GateError("x", path=path, place=place, remedy=remedy).diagnostics() == expected


def test_a_hostile_file_name_cannot_forge_a_line() -> None:
    """Line breaks in names and contents stay visible inside their own line."""
    error = EvidenceError("a\nb", path="x\nevidence ok", place="p\u2028q", remedy="r\rs")
    assert error.diagnostics() == "evidence error: a\\nb\n  where: x\\nevidence ok, p\\nq\n  to do: r\\ns"


def test_every_error_ends_a_judging_command_with_two() -> None:
    """Whosever fault it is, it is never a verdict; and each kind says whose fault it is."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GateError)]
    assert {kind.exit_code for kind in kinds} == {2}
    titles = [kind.title for kind in kinds if kind not in (GateError, ManyErrors)]
    assert len(set(titles)) == len(titles) == 9


def test_raise_all() -> None:
    """Nothing is raised for no error, the error itself for one, all of them for several; no repetition."""
    raise_all([])
    one, other = ConfigError("one", path="a"), InternalError("two")
    with pytest.raises(ConfigError) as single:
        raise_all([one, ConfigError("one", path="a")])
    assert single.value in (one, single.value)
    with pytest.raises(ManyErrors) as many:
        raise_all([one, other])
    assert many.value.errors == (one, other)
    assert many.value.diagnostics() == "configuration error: one\n  where: a\ninternal error: two"
    assert str(many.value) == "2 errors"


@pytest.mark.parametrize(
    "account",
    ["DU1234567", "U7654321", "F123456", "DUSIM00042", "\x1b[31mDU1234567", "\\u001b[1;31mU7654321"],
)
def test_account_numbers_are_masked_in_every_message(account: str) -> None:
    """Whatever a message quotes, an account number never appears in full."""
    shown = EvidenceError(f"'{account}' was unexpected", path=f"{account}.json").diagnostics()
    assert account not in shown
    assert account[-2:] in shown
