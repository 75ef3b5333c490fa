"""`gate waiver`: permissions that people sign with one command, see, and end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Office = Any
ARGUMENTS = ("--reason", "being rewritten", "--reference", "T-1", "--author", "lena@example.com")


@pytest.fixture
def waivable(office: Office) -> Office:
    """The ready example with a checklist whose total does not add up."""
    checklist = office.root / "PRE_LIVE_CHECKLIST.md"
    checklist.write_text(checklist.read_text().replace("760", "761"))
    return office


def waive(office: Office, *more: str, key: str = "risk_officer", code: str = "stage1.checklist_total") -> Any:
    """`gate waiver new RULE …`, signed with somebody's key."""
    given = more if "--until" in more else ("--until", "2026-06-01", *more)
    given = given if "--role" in given else ("--role", "risk_officer", *given)
    options = ("--key", office.keys / key, "--yes", "-w", office.root)
    return office.gate("waiver", "new", code, *ARGUMENTS, *given, *options)


def listed(office: Office) -> dict[str, tuple[str, str]]:
    """What `gate waiver list` says, by id."""
    run = office.gate("waiver", "list", "-w", office.root, "-o", "json")
    assert run.code == 0, run.err
    rows = json.loads(run.out)["waivers"]
    return {row.get("id", ""): (row["state"], row.get("text", "")) for row in rows}


def total(office: Office) -> set[str]:
    """Whether the total is open or waived."""
    found = office.judge("stage1")
    return {
        name
        for name in ("violations", "waived")
        if "stage1.checklist_total" in {one["code"] for one in found[name]}
    }


@pytest.mark.soak
def test_a_waiver_is_made_counts_and_is_ended(waivable: Office) -> None:
    """One command waives the violation; the list has it; another command ends it, visibly."""
    assert total(waivable) == {"violations"}
    run = waive(waivable, "--id", "W-1", "--term", "")
    assert run.code == 2, "an empty term breaks the contract"
    run = waive(waivable, "--id", "W-1")
    assert run.code == 0, run.err
    assert '"effective_until": "2026-06-01T00:00:00Z"' in run.err, "what is signed is shown"
    assert total(waivable) == {"waived"}
    assert listed(waivable) == {"W-1": ("active", "expires on 2026-06-01T00:00:00Z")}
    table = waivable.gate("waiver", "list", "-w", waivable.root).out
    assert "stage1.checklist_total" in table and "approved by dana.levi@example.com, T-1" in table
    end = ("waiver", "revoke", "W-1", "--role", "cto", "--reason", "it was fixed", "-w", waivable.root)
    assert waivable.gate(*end, "--key", waivable.keys / "cto").code == 2, "nobody answered"
    ended = waivable.gate(*end, "--key", waivable.keys / "cto", "--yes")
    assert ended.code == 0, ended.err
    state, text = listed(waivable)["W-1"]
    assert (state, "by omar.haddad@example.com: it was fixed" in text) == ("revoked", True)
    found = waivable.judge("stage1")
    assert total(waivable) == {"violations"}
    assert any("was revoked on" in one["msg"] for one in found["warnings"])


def test_each_state_is_listed(waivable: Office) -> None:
    """Pending, expiring within 30 days, expired, for other sources, void and malformed ones."""
    waive(waivable, "--id", "later", "--from", "2026-01-01")
    waive(waivable, "--id", "soon", "--until", "2025-12-20")
    waive(waivable, "--id", "over", "--from", "2025-01-01", "--until", "2025-02-01")
    waive(waivable, "--id", "other", "--this-content")
    waive(waivable, "--id", "edited")
    path = waivable.root / "waivers" / "edited.json"
    path.write_text(path.read_text().replace("T-1", "T-2"))
    (waivable.root / "waivers" / "broken.json").write_text("{}")
    with (waivable.root / "algo_trade" / "__init__.py").open("a") as source:
        source.write("# changed\n")
    states = {name: state for name, (state, _) in listed(waivable).items()}
    expected = {"later": "pending", "soon": "expiring", "over": "expired", "other": "other"}
    assert states == {**expected, "edited": "void", "": "void"}


def test_a_waiver_of_missing_evidence_is_said_to_have_no_effect(office: Office) -> None:
    """The listing, the decision, the first screen and the tree say so; so does `new`, to whoever signs."""
    code = "stage1.test_coverage"
    assert "no effect" not in waive(office, "--id", "W-1", code=code).err
    assert listed(office) == {"W-1": ("active", "expires on 2026-06-01T00:00:00Z")}
    (office.root / ".coverage").unlink()
    said = "no effect: missing evidence cannot be waived"
    assert listed(office) == {"W-1": ("no effect", f"expires on 2026-06-01T00:00:00Z; {said}")}
    assert office.gate("waiver", "list", "-w", office.root).out.startswith("no effect W-1: expires on")
    warned = [one for one in office.judge("stage1")["warnings"] if one["code"] == code]
    assert warned == [{"code": code, "level": "warning", "msg": f"waiver W-1 has {said}"}]
    for command in ("evaluate", "explain"):
        run = office.gate(command, "stage1", "-w", office.root)
        assert f"waiver W-1 has {said}" in " ".join(run.out.split()), run.out
    assert f"note: it would have no effect as things stand: {said[11:]}" in waive(office, code=code).err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"code": "stage1.checklist_totl"}, "did you mean 'stage1.checklist_total'"),
        ({"code": "stage8.dependency"}, "a dependency between stages cannot be waived"),
        ({"until": "2020-01-01"}, "before it begins"),
        ({"until": "soon"}, "YYYY-MM-DD"),
        ({"role": "lead_trader", "key": "lead_trader"}, "only these may: risk_officer, cto"),
        ({"role": "king"}, "no role 'king'"),
        ({"key": "cto"}, "may not sign as risk_officer"),
        ({"stage": "stage9"}, "there is no stage 'stage9'"),
        ({"author": "dana.levi@example.com"}, "cannot approve it"),
        ({"id": "../../x"}, "would not be valid"),
    ],
)
def test_what_would_not_count_is_not_written(office: Office, more: dict[str, str], message: str) -> None:
    """Each mistake is a usage error with advice, and leaves nothing behind."""
    key, code = more.pop("key", "risk_officer"), more.pop("code", "stage1.checklist_total")
    options = [word for name, value in more.items() for word in (f"--{name}", value)]
    run = waive(office, *options, key=key, code=code)
    assert (run.code, message in run.err) == (2, True), run.err
    assert "gate.waiver/v1" not in run.err, "what would not count is not shown as if it would"
    assert not list((office.root).glob("waivers/*"))


def test_nothing_signed_is_overwritten(office: Office) -> None:
    """A waiver of the same id is refused."""
    assert waive(office, "--id", "W-1").code == 0
    before = (office.root / "waivers" / "W-1.json").read_bytes()
    assert "is there already" in waive(office, "--id", "W-1", "--stage", "stage8").err
    assert (office.root / "waivers" / "W-1.json").read_bytes() == before


def test_a_revocation_by_somebody_who_may_not_ends_nothing(waivable: Office) -> None:
    """It is an error in the report, and the waiver goes on."""
    assert waive(waivable, "--id", "W-1").code == 0
    revoked: Path = waivable.root / "waivers" / "revoked"
    revoked.mkdir()
    statement = {"type": "gate.revocation/v1", "id": "W-1", "role": "lead_trader", "reason": "no"}
    (revoked / "W-1.json").write_text(json.dumps({**statement, "revoked_at": "2025-12-01T00:00:00Z"}))
    waivable.sign_file("waivers/revoked/W-1.json", "lead_trader", "waiver@gate")
    found = waivable.judge("stage1")
    errors = [one["msg"] for one in found["warnings"] if one["level"] == "error"]
    assert any("its signer may not end waivers as lead_trader" in message for message in errors)
    assert total(waivable) == {"waived"}
    options = ("--key", waivable.keys / "cto", "--yes", "-w", waivable.root)
    unknown = waivable.gate("waiver", "revoke", "W-2", "--role", "cto", "--reason", "x", *options)
    assert "did you mean 'W-1'" in unknown.err
