"""People who sign: an officer with the SSH key they already have, and everything that must not count."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

Office = Any


def codes(found: dict[str, Any]) -> set[str]:
    """Codes of the open violations."""
    return {item["code"] for item in found["violations"]}


def test_signing_everything_turns_fail_into_pass(office: Office) -> None:
    """Unsigned it fails for governance; signed by the right people with ssh-keygen it passes."""
    assert "stage1.governance_signed" in codes(office.judge())
    office.sign_everything()
    found = office.judge()
    assert found["verdict"] == "PASS", found["violations"]
    checked = subprocess.run(
        [
            *("ssh-keygen", "-Y", "verify", "-f", str(office.root / "trust" / "allowed_signers")),
            *("-I", office.people["cto"], "-n", "signoff@gate"),
            *("-s", str(office.root / "signoffs" / "stage8-cto-x.json.sig")),
        ],
        input=(office.root / "signoffs" / "stage8-cto-x.json").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.soak
def test_changed_sources_and_changed_evidence_end_an_approval(office: Office) -> None:
    """An approval is of one exact content: touching the code or the evidence makes it void."""
    office.sign_everything()
    source = office.root / "algo_trade" / "__init__.py"
    original = source.read_bytes()
    source.write_bytes(original + b"# changed\n")
    assert "stage1.governance_signed" in codes(office.judge("stage1"))
    source.write_bytes(original)
    assert office.judge("stage1")["verdict"] == "PASS"
    checklist = office.root / "PRE_LIVE_CHECKLIST.md"
    checklist.write_text(checklist.read_text() + "\nOne more line.\n")
    assert "stage1.governance_signed" in codes(office.judge("stage1"))


def test_a_new_colleague_voids_nobodys_approval(office: Office) -> None:
    """Who may sign is checked when something is judged; a line more in the file changes no evidence."""
    office.sign_everything()
    signers = office.root / "trust" / "allowed_signers"
    signers.write_text(signers.read_text() + "# a colleague will follow\n")
    assert office.judge()["verdict"] == "PASS"
    settings = office.root / "gate.yaml"
    settings.write_text(settings.read_text() + "# changed\n")
    assert "stage1.governance_signed" in codes(office.judge("stage1"))


def test_gate_writes_the_file_to_sign_only_when_it_can(office: Office) -> None:
    """--output leaves nothing behind when the sign-off is refused, and works beside a broken sign-off."""
    path = office.root / "signoffs" / "new.json"
    common = ("--name", "x", "--output", path, "-w", office.root)
    assert office.gate("signoff", "request", "stage2", "--role", "king", *common).code == 2
    assert not path.exists()
    (office.root / "signoffs" / "broken.json").write_text("")
    written = office.gate("signoff", "request", "stage2", "--role", "cto", *common)
    assert written.code == 0, written.err
    assert "signed_at is 2025-12-05T12:00:00Z" in written.err
    assert json.loads(path.read_text())["role"] == "cto"


@pytest.mark.soak
def test_a_signature_by_somebody_else_does_not_count(office: Office) -> None:
    """The trader's key under the CTO's sign-off, an edited file, another namespace: none counts."""
    office.sign_everything()
    office.sign_off("stage2", "cto", key="lead_trader")
    assert "stage2.architecture_approved" in codes(office.judge("stage2"))
    path = office.sign_off("stage2", "cto")
    assert office.judge("stage2")["verdict"] == "PASS"
    path.write_text(path.read_text().replace('"name": "x"', '"name": "y"'))
    assert "stage2.architecture_approved" in codes(office.judge("stage2"))
    office.sign_off("stage2", "cto")
    office.sign_file("signoffs/stage2-cto-x.json", "cto", "file")
    assert "stage2.architecture_approved" in codes(office.judge("stage2"))


def test_a_rejection_stops_the_stage(office: Office) -> None:
    """A valid rejection by a required role fails the stage although approvals are there."""
    office.sign_everything()
    office.sign_off("stage8", "lead_trader", "--verdict", "reject", name="no")
    found = office.judge()
    assert found["verdict"] == "FAIL"
    assert "stage8.governance_signed" in codes(found)


@pytest.mark.soak
def test_one_person_cannot_fill_two_roles(office: Office) -> None:
    """Even when gate.yaml lists one person in two roles, two required roles need two people."""
    config = office.root / "gate.yaml"
    cto = f'"cto": ["{office.people["cto"]}"'
    both = f'{cto}, "{office.people["risk_officer"]}"'
    config.write_text(config.read_text().replace(cto, both))
    for stage, role in office.needed:
        office.sign_off(stage, role, key="risk_officer" if (stage, role) == ("stage1", "cto") else role)
    assert "stage1.governance_signed" in codes(office.judge("stage1"))


@pytest.mark.soak
def test_a_waiver_makes_a_violation_conditional_and_stays_visible(office: Office) -> None:
    """A signed waiver in force gives CONDITIONAL and stays visible; expired or self-approved it is void."""
    checklist = office.root / "PRE_LIVE_CHECKLIST.md"
    text = checklist.read_text()
    assert "760" in text
    checklist.write_text(text.replace("760", "761"))
    office.sign_everything()
    plain = office.judge("stage1")
    assert "stage1.checklist_total" in codes(plain)
    waiver = {
        "type": "gate.waiver/v1",
        "id": "W-1",
        "code": "stage1.checklist_total",
        "stages": ["stage1"],
        "reason": "The total is being corrected.",
        "reference": "TICKET-1",
        "author": "lena@example.com",
        "approver_role": "risk_officer",
        "effective_on": "2025-01-01T00:00:00Z",
        "effective_until": "2027-01-01T00:00:00Z",
    }
    path = office.root / "waivers" / "w1.json"
    path.parent.mkdir()

    def approve(**changes: str) -> dict[str, Any]:
        path.write_text(json.dumps({**waiver, **changes}))
        office.sign_file("waivers/w1.json", "risk_officer", "waiver@gate")
        return office.judge("stage1")

    waived = approve()
    assert waived["verdict"] == "CONDITIONAL"
    assert [item["code"] for item in waived["waived"]] == ["stage1.checklist_total"]
    due = {item["code"]: item["due"] for item in waived["conditions"]}
    assert due["stage1.checklist_total"] == "2027-01-01T00:00:00Z"
    run = office.gate(*("evaluate", "stage1", "-w", office.root, "--no-record", "--accept-conditional"))
    assert run.code == 0
    table = office.gate(*("evaluate", "stage1", "-w", office.root, "--no-record", "-o", "table"))
    shown = " ".join(table.out.split())
    assert "checklist_total until 2027-01-01 by dana.levi@example.com (W-1)" in shown
    expired = approve(effective_until="2025-02-01T00:00:00Z")
    assert expired["waived"] == []
    assert "expired" in " ".join(item["msg"] for item in expired["warnings"])
    for file in (office.root / "signoffs").iterdir():
        file.unlink()
    table = office.gate(*("evaluate", "stage1", "-w", office.root, "--no-record", "-o", "table"))
    assert table.out.startswith("FAIL")
    assert "expired on 2025-02-01T00:00:00Z" in " ".join(table.out.split())
    assert approve(author=office.people["risk_officer"])["waived"] == []


def test_an_approval_under_another_policy_does_not_count(office: Office, tmp_path: Path) -> None:
    """A bundle that was changed after people signed needs new signatures, and the reason names both."""
    from gate.engine.policy.bundle import SHIPPED

    office.sign_off("stage2", "cto")
    edited = tmp_path / "edited"
    shutil.copytree(SHIPPED, edited)
    manifest = edited / ".manifest"
    manifest.write_text(manifest.read_text().replace('"revision": "1.1.0"', '"revision": "9.9.9"'))
    run = office.gate("evaluate", "stage2", "-w", office.root, "-o", "json", "--no-record", "-p", edited)
    messages = [one["msg"] for one in json.loads(run.out)["violations"]]
    assert any("it was signed under policy 1.1.0 (" in msg and "…), now 9.9.9 (" in msg for msg in messages)


# --- gate signoff: show, ask, sign, place ----------------------------------------------------------------


def sign(office: Office, stage: str, role: str, *more: str | Path, key: str | None = None) -> Any:
    """`gate signoff STAGE --role ROLE --key FILE --yes`."""
    options = ("--key", office.keys / (key or role), "--yes", "-w", office.root)
    return office.gate("signoff", stage, "--role", role, *options, *more)


def listed(office: Office) -> dict[str, tuple[bool, list[str]]]:
    """What `gate signoff list` says, by role and stage."""
    run = office.gate("signoff", "list", "-w", office.root, "-o", "json")
    assert run.code == 0, run.err
    rows = json.loads(run.out)["signoffs"]
    return {f"{row.get('stage')} {row.get('role')}": (row["counts"], row["reasons"]) for row in rows}


def test_an_officer_signs_with_one_command(office: Office) -> None:
    """It shows the verdict, what is open and the policy, signs, and the sign-off counts."""
    run = sign(office, "stage2", "cto")
    assert run.code == 0, run.err
    assert "stage2 of algo-trade: FAIL" in run.err
    assert "stage2.architecture_approved" in run.err
    assert "policy    gate-prelive 1.1.0" in run.err
    assert "nobody has approved stage2 as cto before" in run.err
    path = office.root / run.out.split()[1]
    assert json.loads(path.read_text())["name"] == office.people["cto"]
    assert "stage2.architecture_approved" not in codes(office.judge("stage2"))
    assert listed(office) == {"stage2 cto": (True, [])}
    signed = json.loads(path.read_text())
    for digest in (signed["subject"], signed["evidence"]):
        listing = office.root / "signoffs" / "listings" / f"{digest}.sha256"
        assert hashlib.sha256(listing.read_bytes()).hexdigest() == digest


def test_the_list_of_no_sign_offs_says_so(office: Office) -> None:
    run = office.gate("signoff", "list", "-w", office.root)
    assert (run.code, run.out) == (0, "there are no sign-offs\n")


@pytest.mark.soak
def test_the_second_time_it_shows_what_changed(office: Office) -> None:
    """Changed evidence, sources and settings are named since the last approval of that stage and role."""
    assert sign(office, "stage1", "cto").code == 0
    for path in ("PRE_LIVE_CHECKLIST.md", "gate.yaml", "algo_trade/__init__.py"):
        with (office.root / path).open("a") as file:
            file.write("\n# changed\n")
    run = sign(office, "stage1", "cto")
    assert run.code == 0, run.err
    shown = run.err.partition("since the last approval:")[2]
    assert office.people["cto"] in shown
    assert "settings: gate.yaml was changed" in shown
    assert "evidence: changed: PRE_LIVE_CHECKLIST.md" in shown
    assert "sources: changed: algo_trade/__init__.py" in shown
    assert len(list((office.root / "signoffs").glob("*.json"))) == 2
    for listing in (office.root / "signoffs" / "listings").iterdir():
        listing.write_text("0" * 64 + "  PRE_LIVE_CHECKLIST.md\n")
    shown = sign(office, "stage1", "cto").err
    assert "the listing of what was approved is not kept" in shown or "nothing has changed since" in shown


def test_nothing_signed_is_overwritten(office: Office) -> None:
    """A second signature of the same is refused, and both files stay as they were."""
    assert sign(office, "stage2", "cto").code == 0
    files = {path: path.read_bytes() for path in (office.root / "signoffs").iterdir() if path.is_file()}
    run = sign(office, "stage2", "cto", "--comment", "again")
    assert run.code == 2
    assert "rename or remove it" in run.err
    assert files == {
        path: path.read_bytes() for path in (office.root / "signoffs").iterdir() if path.is_file()
    }


def test_without_a_terminal_it_asks_for_yes(office: Office) -> None:
    """Nobody can answer: a usage error after all is shown, and nothing is written."""
    options = ("--key", office.keys / "cto", "-w", office.root)
    run = office.gate("signoff", "stage2", "--role", "cto", *options)
    assert run.code == 2
    assert "add --yes" in run.err
    assert "stage2 of algo-trade" in run.err
    assert list((office.root / "signoffs").iterdir()) == []


def test_a_key_that_may_not_sign_is_refused_before_anything_is_judged(office: Office) -> None:
    """Another person's key, an unlisted key, no key: each is a usage error that says what to do."""
    other = sign(office, "stage2", "cto", key="lead_trader")
    assert (other.code, office.people["lead_trader"] in other.err) == (2, True)
    assert "may not sign as cto" in other.err
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(office.keys / "new")], check=True
    )
    assert "does not list it" in sign(office, "stage2", "cto", key="new").err
    assert "there is no SSH key" in sign(office, "stage2", "cto", key="none").err
    (office.keys / "lead_trader.pub").unlink()
    late = sign(office, "stage2", "cto", "--name", "Omar", key="lead_trader")
    assert (late.code, "may not sign as cto" in late.err) == (2, True)
    assert list((office.root / "signoffs").iterdir()) == []


def test_the_key_may_be_in_an_agent(office: Office) -> None:
    """With the public key file alone, ssh-keygen asks the agent."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed")
    socket = office.keys / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(500):
            if socket.exists():
                break
            time.sleep(0.01)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", str(office.keys / "cto")], check=True, env=environment)
        (office.keys / "cto").unlink()
        options = ("--key", office.keys / "cto.pub", "--yes", "-w", office.root)
        run = office.gate("signoff", "stage2", "--role", "cto", *options, env={"SSH_AUTH_SOCK": str(socket)})
    finally:
        agent.kill()
        agent.wait()
    assert run.code == 0, run.err
    assert listed(office) == {"stage2 cto": (True, [])}


@pytest.mark.soak
def test_signing_elsewhere(office: Office, tmp_path: Path) -> None:
    """Request, sign with plain ssh-keygen, import: the same sign-off; a changed or stale one is refused."""
    file, signature = tmp_path / "please.json", tmp_path / "please.json.sig"
    asked = ("signoff", "request", "stage2", "--role", "cto", "--name", "Omar", "-o", file, "-w", office.root)
    run = office.gate(*asked)
    assert (run.code, run.out) == (0, "")
    assert f"next: ssh-keygen -Y sign -f KEY -n signoff@gate {file}\n" in run.err
    assert f"then: gate signoff import {file} {signature} --workspace {office.root}\n" in run.err
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "signoff@gate", "-f", str(office.keys / "cto")]
    subprocess.run([*command, str(file)], check=True)
    bring = ("signoff", "import", file, signature, "-w", office.root)
    original = file.read_bytes()
    file.write_bytes(original.replace(b"Omar", b"Amor"))
    assert "the signature does not count" in office.gate(*bring).err
    file.write_bytes(original)
    run = office.gate(*bring)
    assert run.code == 0, run.err
    assert (office.root / run.out.split()[1]).read_bytes() == original
    assert listed(office) == {"stage2 cto": (True, [])}
    assert office.gate(*bring).code == 2
    with (office.root / "algo_trade" / "__init__.py").open("a") as source:
        source.write("# changed\n")
    assert "the sources changed since it was requested" in office.gate(*bring).err


@pytest.mark.soak
def test_the_list_says_why_others_do_not_count(office: Office) -> None:
    """Unsigned, of other sources, and no sign-off at all: each with its reason."""
    (office.root / "signoffs" / "broken.json").write_text("{}")
    path = office.sign_off("stage2", "cto")
    path.with_name(path.name + ".sig").unlink()
    office.sign_off("stage8", "lead_trader", "--verdict", "reject")
    found = listed(office)
    assert found["stage2 cto"] == (
        False,
        [
            "there is no signoffs/stage2-cto-x.json.sig",
            "it is not signed",
        ],
    )
    assert found["stage8 lead_trader"] == (True, [])
    assert found["None None"][0] is False
    table = office.gate("signoff", "list", "-w", office.root)
    assert "void      stage2 cto: approve by x" in table.out


def test_a_link_in_place_of_the_folder_is_not_followed(office: Office, tmp_path: Path) -> None:
    """Nothing is written outside of the workspace."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (office.root / "signoffs").rmdir()
    (office.root / "signoffs").symlink_to(outside)
    run = sign(office, "stage2", "cto")
    assert run.code == 2, run.out
    assert list(outside.iterdir()) == []


# --- revoked keys ----------------------------------------------------------------------------------------


def revoke(office: Office, *roles: str) -> Path:
    """Put people's keys on an OpenSSH revocation list that gate.yaml names."""
    config = office.root / "gate.yaml"
    path: Path = office.root / "trust" / "revoked_keys"
    if "revoked_keys" not in config.read_text():
        config.write_text(config.read_text() + "\nrevoked_keys: trust/revoked_keys\n")
    keys = [str(office.keys / f"{role}.pub") for role in roles]
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(path), *keys], check=True)
    return path


@pytest.mark.soak
def test_what_a_revoked_key_signed_does_not_count(office: Office) -> None:
    """A stolen key: its sign-offs are void, the reason is said, it signs nothing new; others stay valid."""
    path = revoke(office)
    office.sign_off("stage1", "risk_officer")
    office.sign_off("stage2", "cto")
    assert listed(office) == {"stage1 risk_officer": (True, []), "stage2 cto": (True, [])}
    revoke(office, "cto")
    found = listed(office)
    assert found["stage1 risk_officer"] == (True, [])
    counts, reasons = found["stage2 cto"]
    assert not counts
    assert reasons[0].startswith("the key SHA256:") and reasons[0].endswith("revoked in trust/revoked_keys")
    assert "the key is revoked" in reasons
    assert "is revoked" in sign(office, "stage2", "cto").err
    path.unlink()
    assert [one for one in listed(office).values() if one[0]] == [], "without the list nobody is known"
    path.write_bytes(b"SSHKRL\n\x00\x00\x00\x00\x02")
    assert [one for one in listed(office).values() if one[0]] == []


def test_what_a_revoked_key_signed_protects_no_artifact(office: Office) -> None:
    """The manifest of the artifacts is signed by a key, too."""
    revoke(office)
    assert "stage1.artifacts_signed" not in codes(office.judge("stage1"))
    revoke(office, "qa_lead")
    assert "stage1.artifacts_signed" in codes(office.judge("stage1"))


@pytest.mark.soak
@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("", 2), ("y", 0)])
def test_it_asks_on_a_terminal(office: Office, answer: str, code: int) -> None:
    """Only y signs; the default is no."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gate", "signoff", "stage2", "--role", "cto"]
    options = ["--key", str(office.keys / "cto"), "-w", str(office.root)]
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [*command, *options], stdin=theirs, capture_output=True, text=True, cwd=office.keys, check=False
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "Sign approve of stage2 as cto, omar.haddad@example.com? [y/N]" in done.stderr
    assert len(list((office.root / "signoffs").glob("*.sig"))) == (code == 0)


def test_no_ssh_keygen_of_the_checkout_is_started(office: Office, tmp_path: Path) -> None:
    """Also where an absolute entry of PATH leads into it, as that of an activated environment does."""
    marker, folder = tmp_path / "executed", office.root / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "ssh-keygen").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (folder / "ssh-keygen").chmod(0o755)
    done = office.gate(
        *("signoff", "stage1", "--role", "cto", "--key", office.keys / "cto", "--yes", "-w", office.root),
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.code == 0, done.err
    assert not marker.exists()


def test_a_pipe_in_place_of_a_sign_off_stops_nothing(gate: Gate, tmp_path: Path) -> None:
    """Nor one in place of the authority's certificates: one error that names it, at once."""
    os.mkfifo(tmp_path / "pipe")
    done = gate("signoff", "import", "pipe", "pipe")
    assert (done.code, "it is no regular file" in done.err) == (2, True), done.err
    done = gate("ledger", "verify", "--timestamp-anchor", "pipe")
    assert (done.code, "it is no regular file" in done.err) == (2, True), done.err
