"""People who sign: an officer with the SSH key they already have, and everything that must not count."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")

PEOPLE = {
    "risk_officer": "dana.levi@example.com",
    "cto": "omar.haddad@example.com",
    "lead_trader": "mei.tanaka@example.com",
    "qa_lead": "ines.duarte@example.com",
}
NEEDED = [
    ("stage1", "risk_officer"),
    ("stage1", "cto"),
    ("stage2", "cto"),
    ("stage4", "cto"),
    ("stage8", "risk_officer"),
    ("stage8", "cto"),
    ("stage8", "lead_trader"),
]


class Office:
    """A copy of the ready example whose people have keys of these tests."""

    signed: ClassVar[dict[str, dict[str, bytes]]] = {}
    """By digest of all else in the workspace, the sign-offs that were made for it."""

    def __init__(self, root: Path, keys: Path, gate: Gate) -> None:
        self.root = root
        self.keys = keys
        self.gate = gate
        lines = []
        for role, principal in PEOPLE.items():
            public = " ".join((keys / f"{role}.pub").read_text().split()[:2])
            spaces = 'namespaces="signoff@gate,waiver@gate,file"'
            lines.append(f'{principal} {spaces},valid-after="20250101Z",valid-before="20300101Z" {public}\n')
        (root / "trust" / "allowed_signers").write_text("".join(lines))
        config = json.dumps({role: [principal] for role, principal in PEOPLE.items()})
        text = (root / "gate.yaml").read_text()
        before, _, rest = text.partition("\nroles:\n")
        tail = [line for line in rest.splitlines() if line and not line.startswith((" ", "#"))]
        kept = rest[rest.index(tail[0]) :] if tail else ""
        (root / "gate.yaml").write_text(f"{before}\nroles: {config}\n{kept}")
        shutil.rmtree(root / "signoffs")
        (root / "signoffs").mkdir()
        self.sign_file("signatures/artifacts.sha256", "qa_lead", "file")

    def sign_file(self, path: str, role: str, namespace: str) -> None:
        """Sign a file of the workspace as stock ssh-keygen does."""
        target = self.root / path
        target.with_name(target.name + ".sig").unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.keys / role), "-n", namespace, str(target)],
            check=True,
            capture_output=True,
        )

    def sign_off(self, stage: str, role: str, *more: str, key: str | None = None, name: str = "x") -> Path:
        """`gate signoff` and `ssh-keygen -Y sign`, as docs/sign-offs.md says."""
        prepared = self.gate("signoff", stage, "--role", role, "--name", name, *more, "-w", self.root)
        assert prepared.code == 0, prepared.err
        path = f"signoffs/{stage}-{role}-{name}.json"
        (self.root / path).write_text(prepared.out)
        self.sign_file(path, key or role, "signoff@gate")
        return self.root / path

    def sign_everything(self) -> None:
        """All sign-offs that the shipped policies need.

        They bind the same sources and evidence for everyone who signs a stage, so one is prepared for each.
        What was signed once is there again in every test whose workspace is the same.
        """
        folder = self.root / "signoffs"
        assert not list(folder.iterdir())
        files = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        content = b"".join(hashlib.sha256(bytes(path) + b"\0" + path.read_bytes()).digest() for path in files)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.signed:
            self._sign_everything()
            self.signed[digest] = {path.name: path.read_bytes() for path in folder.iterdir()}
        for name, data in self.signed[digest].items():
            (folder / name).write_bytes(data)

    def _sign_everything(self) -> None:
        prepared: dict[str, str] = {}
        for stage, role in NEEDED:
            if stage not in prepared:
                prepared[stage] = self.sign_off(stage, role).read_text()
                continue
            document = json.loads(prepared[stage]) | {"role": role}
            path = f"signoffs/{stage}-{role}-x.json"
            (self.root / path).write_text(json.dumps(document))
            self.sign_file(path, role, "signoff@gate")

    def judge(self, stage: str = "stage8") -> dict[str, Any]:
        """The decision, not recorded."""
        run = self.gate("evaluate", stage, "-w", self.root, "-o", "json", "--no-record")
        assert run.code in (0, 1, 3), run.err
        loaded: dict[str, Any] = json.loads(run.out)
        assert run.code == {"PASS": 0, "FAIL": 1, "CONDITIONAL": 3}[loaded["verdict"]]
        return loaded


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each person's key, as ssh-keygen makes it."""
    folder = tmp_path_factory.mktemp("keys")
    for role in PEOPLE:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", role, "-f", str(folder / role)]
        subprocess.run(command, check=True)
    return folder


@pytest.fixture
def office(gate: Gate, copy_example: Copy, keys: Path) -> Office:
    """The ready example before anybody signed."""
    return Office(copy_example("ready"), keys, gate)


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
            *("-I", PEOPLE["cto"], "-n", "signoff@gate"),
            *("-s", str(office.root / "signoffs" / "stage8-cto-x.json.sig")),
        ],
        input=(office.root / "signoffs" / "stage8-cto-x.json").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


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
    assert office.gate("signoff", "stage2", "--role", "king", *common).code == 2
    assert not path.exists()
    (office.root / "signoffs" / "broken.json").write_text("")
    written = office.gate("signoff", "stage2", "--role", "cto", *common)
    assert written.code == 0, written.err
    assert "signed_at is 2025-12-05T12:00:00Z" in written.err
    assert json.loads(path.read_text())["role"] == "cto"


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


def test_one_person_cannot_fill_two_roles(office: Office) -> None:
    """Even when gate.yaml lists one person in two roles, two required roles need two people."""
    config = office.root / "gate.yaml"
    config.write_text(
        config.read_text().replace(
            f'"cto": ["{PEOPLE["cto"]}"]', f'"cto": ["{PEOPLE["cto"]}", "{PEOPLE["risk_officer"]}"]'
        )
    )
    for stage, role in NEEDED:
        office.sign_off(stage, role, key="risk_officer" if (stage, role) == ("stage1", "cto") else role)
    assert "stage1.governance_signed" in codes(office.judge("stage1"))


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
    assert approve(author=PEOPLE["risk_officer"])["waived"] == []
