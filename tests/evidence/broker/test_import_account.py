"""``gate ibkr import-account``: what a dump states is recorded, what it does not is unknown."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gate.engine.commands.docs import find_page
from gate.evidence.base.contracts import load_schema, violations

Gate = Callable[..., Any]
ID, OTHER = "DU1234567", "DU7654321"
SETTINGS = f"subject: {{sources: [src]}}\nevidence: {{account: {{pinned_account: {ID}}}}}\n"
STATED = {
    "Cushion": ("0.983912", ""),
    "NetLiquidation": ("1000030.23", "USD"),
    "TotalCashValue": ("-8545.2", "USD"),
    "BuyingPower": ("3935918.64", "USD"),
    "MaintMarginReq": ("16050.57", "USD"),
    "EquityWithLoanValue": ("1000030.23", "USD"),
    "ExcessLiquidity": ("983979.66", "USD"),
    "AccountType": ("INDIVIDUAL", ""),
}
FIGURES = {
    "currency": "USD",
    "nav": 1000030.23,
    "cash": -8545.2,
    "buying_power": 3935918.64,
    "maintenance_margin": 16050.57,
    "equity_with_loan": 1000030.23,
    "margin_cushion": 0.983912,
}
UNKNOWN = {
    "timestamp": None,
    "account_type": "UNKNOWN",
    "permissions": {"stocks": None, "options": None, "futures": None},
    "assets": None,
    "limits": {"max_order_size": None, "max_position_value": None},
    "positions": None,
}


class AccountValue(NamedTuple):
    """As ib_async and ib_insync define it."""

    account: str
    tag: str
    value: str
    currency: str
    modelCode: str = ""  # noqa: N815 - the libraries' name


def rows(account: str = ID, **changed: tuple[str, str] | None) -> list[AccountValue]:
    """The values of an account; a tag that is None is left out."""
    stated = STATED | changed
    return [AccountValue(account, tag, *value) for tag, value in stated.items() if value is not None]


def as_csv(values: list[AccountValue]) -> str:
    """As ``ib_async.util.df(values).to_csv()`` writes it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["", *AccountValue._fields])
    writer.writerows([number, *row] for number, row in enumerate(values))
    return text.getvalue()


FORMS = {
    "objects": lambda values: json.dumps([row._asdict() for row in values]),
    "arrays": json.dumps,
    "list": repr,
    "lines": lambda values: "\n".join(map(str, values)) + "\n",
    "csv": as_csv,
}


@pytest.fixture
def imported(gate: Gate, make_workspace: Any) -> Callable[..., Any]:
    """A factory of imports of a dump: how the command ended, and the record."""
    root = make_workspace({"gate.yaml": SETTINGS, "src/a.py": ""})

    def run(dump: str | list[AccountValue], *more: str | Path) -> tuple[Any, Any]:
        text = dump if isinstance(dump, str) else json.dumps(dump)
        (root.parent / "dump").write_text(text)
        (root / "ACCOUNT_CONFIG.json").unlink(missing_ok=True)
        done = gate("ibkr", "import-account", "dump", "-w", root, *more)
        record = root / "ACCOUNT_CONFIG.json"
        if not record.exists():
            return done, None
        value = json.loads(record.read_text())
        assert violations("files", "account_config", value) == []
        return done, value

    run.root = root  # type: ignore[attr-defined]
    return run


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_dump_is_read(imported: Any, form: str) -> None:
    """JSON of objects or arrays, the printed list or its rows, CSV of pandas: all come to the same record."""
    done, record = imported(FORMS[form](rows()))
    assert done.code == 0, done.err
    note = record.pop("note")
    assert record == FIGURES | UNKNOWN | {"account_id": ID}
    assert note == "Imported from a dump of account values (dump)."
    assert ID not in done.out + done.err
    assert "nav                 1,000,030.23" in done.out
    assert "limits              max_order_size UNKNOWN, max_position_value UNKNOWN" in done.out
    assert (imported.root / "ACCOUNT_CONFIG.json.provenance.json").exists()


SILENT = [
    ({"NetLiquidation": None}, {"nav": None}),
    ({"BuyingPower": ("", "USD")}, {"buying_power": None}),
    ({"BuyingPower": ("1.7976931348623157E308", "USD")}, {"buying_power": None}),
    ({"BuyingPower": ("nan", "USD")}, {"buying_power": None}),
    ({"BuyingPower": ("1" * 40, "USD")}, {"buying_power": None}),
    ({"BuyingPower": ("5", "EUR")}, {"buying_power": None}),
    ({"NetLiquidation": ("-1", "USD")}, {"nav": None}),
    ({"NetLiquidation": ("1e999999999", "USD")}, {"nav": None}),
    ({"Cushion": None}, {"margin_cushion": 0.983949}),
    ({"Cushion": None, "ExcessLiquidity": None}, {"margin_cushion": None}),
    ({"Cushion": ("0.98391234567890123", "")}, {"margin_cushion": 0.983912}),
    ({"Cushion": ("1E+200", "")}, {"margin_cushion": None}),
    ({"Cushion": ("-0.1", "")}, {"margin_cushion": None}),
    ({"Cushion": ("1.5", "")}, {"margin_cushion": None}),
]


@pytest.mark.parametrize(("changed", "record"), SILENT)
def test_what_is_not_stated_is_unknown(imported: Any, changed: Any, record: dict[str, Any]) -> None:
    """Never zero, and never another figure; the command says why."""
    done, found = imported(rows(**changed))
    assert done.code == 0, done.err
    assert found | record == found
    for name, value in record.items():
        assert (f"unknown             {name}: " in done.out) is (value is None)


def test_an_account_without_a_currency_has_no_amounts(imported: Any) -> None:
    """Amounts whose currency is not stated cannot be compared with anything."""
    _, found = imported(rows(**{tag: (value, "") for tag, (value, _) in STATED.items()}))
    assert "currency" not in found
    assert [found[name] for name in FIGURES if name not in ("currency", "margin_cushion")] == [None] * 5


def test_the_account_is_chosen(imported: Any) -> None:
    """The one named, else the pinned one; another one alone is recorded, too, and judged by a policy.

    A dump with several accounts is not that of a login for paper trading alone, so the record says so.
    """
    everything = AccountValue("All", "NetLiquidation", "6", "USD")
    both = [*rows(), *rows(OTHER, NetLiquidation=("5", "USD")), everything]
    _, record = imported(both)
    assert (record["account_id"], record["nav"]) == (ID, 1000030.23)
    assert record["note"].endswith("The dump has values of 1 other account.")
    _, record = imported(both, "--account", OTHER)
    assert (record["account_id"], record["nav"]) == (OTHER, 5)
    _, record = imported(rows("U7654321"))
    assert (record["account_id"], record["account_type"]) == ("U7654321", "LIVE")
    done, record = imported(both, "--account", "DU9999999")
    assert (done.code, record) == (2, None)
    assert "no values of DU*****99, but of DU*****67, DU*****21" in done.err
    (imported.root / "gate.yaml").write_text("subject: {sources: [src]}\n")
    done, record = imported(both)
    assert (done.code, record) == (2, None)
    assert "several accounts: DU*****67, DU*****21" in done.err


BAD = [
    ("", "neither JSON, nor"),
    ("[]", "no values of an account"),
    ("{}", "no array of account values"),
    ('[{"account": "DU1234567"}]', "/0"),
    ('[["DU1234567", "NetLiquidation", 5, "USD"]]', "/0"),
    ('[["DU1234567", "NetLiquidation"]]', "/0"),
    ("[1]", "/0"),
    ("[" * 100_000, "nests"),
    ("[AccountValue(account='DU1234567', tag='NetLiquidation')]", "line 1, column 2"),
    ("[AccountValue(account=__import__('os').system('x'), tag='a', value='b', currency='c')]", "column 2"),
    ("AccountValue(account='DU1\\x41', tag='a', value='b', currency='c')", "column 1"),
    ("[AccountValue" * 50_000, "column 2"),
    ("account,tag,value\nDU1,a,b\n", "neither JSON, nor"),
    ("account,tag,value,currency\nDU1234567,a\n", "line 2"),
    ('account,tag,value,currency\n"DU1234567,a\n', "malformed CSV"),
    ("account,account,tag,value,currency\nDU1234567,x,a,b,c\n", "the column 'account' twice"),
    ("<html>", "neither JSON, nor"),
    ("a\0b", "NUL"),
    (json.dumps(rows("du1234567")), "/account_id"),
    (json.dumps(rows("DU1234567\n::error::")), "/account_id"),
    (json.dumps([*rows(), AccountValue(ID, "NetLiquidation", "5", "USD")]), "NetLiquidation is stated"),
]


@pytest.mark.parametrize(("dump", "said"), BAD, ids=range(len(BAD)))
def test_a_bad_dump_records_nothing(imported: Any, dump: str, said: str) -> None:
    """It is explained with its place; nothing in it is run or shown in full."""
    done, record = imported(dump)
    assert (done.code, record, done.out) == (2, None, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert "1234567" not in done.err.replace("du1234567", "1234567") and "\n::" not in done.err


def test_files_that_cannot_be_read_or_written(imported: Any, gate: Gate) -> None:
    """No dump, a link, a folder; a record that is there is replaced by explicit wish only."""
    root: Path = imported.root
    for name in ("missing", "link", "src", "big"):
        if name == "link":
            (root / name).symlink_to(root / "gate.yaml")
        if name == "big":
            with (root / name).open("wb") as stream:
                stream.truncate(2 << 20)
        done = gate("ibkr", "import-account", root / name, "-w", root)
        assert (done.code, name in done.err, "Traceback" in done.err) == (2, True, False)
    done, _ = imported(rows())
    before = (root / "ACCOUNT_CONFIG.json").read_bytes()
    again = ("ibkr", "import-account", "dump", "-w", root)
    kept = gate(*again)
    assert (kept.code, "--force" in kept.err) == (2, True)
    assert (root / "ACCOUNT_CONFIG.json").read_bytes() == before
    assert gate(*again, "--force", "--at", "2026-01-01T00:00:00Z").code == 0
    assert json.loads((root / "ACCOUNT_CONFIG.json").read_text())["timestamp"] == "2026-01-01T00:00:00Z"
    assert gate(*again, "--to", "other.json").code == 0
    (root / "ACCOUNT_CONFIG.json").unlink()
    (root / "ACCOUNT_CONFIG.json").symlink_to(root / "gate.yaml")
    for more in ((), ("--force",)):
        done = gate(*again, *more)
        assert (done.code, "no regular file" in done.err) == (2, True)
    (root / "ACCOUNT_CONFIG.json").unlink()
    for more, said in ((("--at", "yesterday"), "RFC 3339"), (("--at", "2999-01-01T00:00:00Z"), "future")):
        done = gate(*again, *more)
        assert (done.code, said in done.err) == (2, True)
    (root / "gate.yaml").write_text("evidence: {account: {path: out/ACCOUNT_CONFIG.json}}\n")
    (root / "out").symlink_to(root.parent)
    done = gate(*again)
    assert (done.code, "outside of the workspace" in done.err) == (2, True)


@pytest.fixture(scope="module")
def attested() -> dict[str, Any]:
    """The example of the contract."""
    example: dict[str, Any] = load_schema("files", "ibkr_attestation")["examples"][0]
    return example


def test_an_operator_attests_permissions_and_limits(imported: Any, attested: dict[str, Any]) -> None:
    """From outside of the workspace; the record says who vouches for what."""
    (imported.root.parent / "attested.yaml").write_text(json.dumps(attested))
    done, record = imported(rows(), "--attested", "attested.yaml")
    assert done.code == 0, done.err
    assert record["permissions"] == {"stocks": True, "options": False, "futures": False}
    assert record["limits"] == {"max_order_size": 500, "max_position_value": 50000}
    assert record["assets"] == ["STK"]
    assert record["attested"]["by"] == "operator"
    assert record["attested"]["fields"] == ["permissions", "assets", "limits"]
    partly = attested | {"limits": {"max_order_size": 5}, "permissions": {"stocks": True, "crypto": False}}
    (imported.root.parent / "attested.yaml").write_text(json.dumps(partly))
    _, record = imported(rows(), "--attested", "attested.yaml")
    assert record["permissions"] == {"stocks": True, "options": None, "futures": None, "crypto": False}
    assert record["limits"] == {"max_order_size": 5, "max_position_value": None}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"account": OTHER}, "is about DU*****21, not about DU*****67"),
        ({"permissions": {"stocks": None}}, "/permissions/stocks"),
        ({"limits": {"max_order_size": 0}}, "/limits/max_order_size"),
        ({"limits": {"max_position_value": "50000"}}, "/limits/max_position_value"),
        ({"attested_at": "2025-12-05"}, "/attested_at"),
        ({"attested_at": "2025-02-30T00:00:00Z"}, "/attested_at"),
        ({"attested_at": "2999-12-05T00:00:00Z"}, "in the future"),
        ({"limits": {"max_position_value": 1e60}}, "/limits/max_position_value"),
        ({"paper": True}, "paper"),
        ({"format": "other"}, "/format"),
    ],
)
def test_a_wrong_attestation_is_explained(imported: Any, attested: Any, changed: Any, said: str) -> None:
    """Nothing is recorded, rather than something else than what was meant."""
    (imported.root.parent / "attested.yaml").write_text(json.dumps(attested | changed))
    done, record = imported(rows(), "--attested", "attested.yaml")
    assert (done.code, record) == (2, None)
    assert said in done.err


def test_in_the_workspace_the_risk_officer_signs(imported: Any, attested: Any, keys: Path) -> None:
    """The judged change could write an attestation, but not the risk officer's signature."""
    root: Path = imported.root
    file = root / "attested.json"
    file.write_text(json.dumps(attested))
    done, record = imported(rows(), "--attested", file)
    assert (done.code, record) == (2, None)
    assert "ssh-keygen -Y sign" in done.err
    (root.parent / "link.json").symlink_to(file)
    done, record = imported(rows(), "--attested", root.parent / "link.json")
    assert (done.code, record) == (2, None)
    (root / "trust").mkdir()
    public = [" ".join((keys / f"{role}.pub").read_text().split()[:2]) for role in ("risk_officer", "cto")]
    signers = [f'{name}@example.com namespaces="file" {key}' for name, key in zip("rc", public, strict=True)]
    (root / "trust" / "allowed_signers").write_text("\n".join(signers) + "\n")
    roles = "roles: {risk_officer: [r@example.com], cto: [c@example.com]}\n"
    (root / "gate.yaml").write_text(SETTINGS + roles)
    for role, code in (("cto", 2), ("risk_officer", 0)):
        file.with_name("attested.json.sig").unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(keys / role), "-n", "file", str(file)]
        subprocess.run(command, check=True, capture_output=True)
        done, record = imported(rows(), "--attested", file)
        assert done.code == code, done.err
    assert record["attested"]["by"] == "r@example.com"
    file.write_text(json.dumps(attested | {"limits": {"max_order_size": 1000000}}))
    done, record = imported(rows(), "--attested", file)
    assert (done.code, "does not count" in done.err) == (2, True)


def test_an_imported_record_is_judged(imported: Any, gate: Gate) -> None:
    """The collector reads it, and finds everything that a policy then fails for unknown."""
    assert imported(rows())[0].code == 0
    done = gate("collect", "account", "-w", imported.root, "-o", "json")
    assert done.code == 0, done.err
    evidence = json.loads(done.out)["account"]
    facts = evidence["facts"]
    assert facts["nav_cents"] == 100003023
    assert facts["account_type"] == "UNKNOWN"
    assert facts["permissions"] == dict.fromkeys(("stocks", "options", "futures"), "unknown")
    unknown = ("connected", "port", "read_only", "observed_at", "observed_at_s", "positions")
    assert [facts[name] for name in unknown] == [None] * len(unknown)
    assert facts["limits"] == {"max_order_size": None, "max_position_value_cents": None}


def test_the_documented_example(imported: Any) -> None:
    """docs/account-probe.md shows what is printed."""
    page = find_page("account-probe")
    text = page.read_text()
    shown = text.partition("$ gate ibkr import-account dump.json --at 2025-12-05T08:30:00Z\n")[2]
    done, _ = imported(rows(TotalCashValue=("1008545.23", "USD")), "--at", "2025-12-05T08:30:00Z")
    assert done.out == shown.partition("```")[0]
    attested = text.rpartition("```yaml\n")[2].partition("```")[0]
    (imported.root.parent / "attested.yaml").write_text(attested)
    assert imported(rows(), "--attested", "attested.yaml")[0].code == 0
