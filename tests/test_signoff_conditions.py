"""Conditions that a person signed never vanish: an approval that carries some is conditional."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gate = Callable[..., Any]
Copy = Callable[..., Path]
Sign = Callable[..., None]
Operator = Callable[[Path], Path]

CONDITION = {"text": "Rotate the API key", "owner": "devops_lead", "due": "2025-12-12"}
OPTION = "Rotate the API key|devops_lead|2025-12-12"


@pytest.fixture
def ready(copy_example: Copy) -> Path:
    """A copy of the ready example."""
    return copy_example("ready")


@pytest.fixture
def sign(ready: Path, tmp_path: Path) -> Sign:
    """Sign a changed copy of a sign-off of the ready example, with another key of the same person."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = " ".join(Path(f"{key}.pub").read_text().split()[:2])
    principal = "amir.cohen@example.com"
    with (ready / "trust" / "allowed_signers").open("a") as signers:
        signers.write(f'{principal} namespaces="signoff@gate" {public}\n')

    def change(path: str, to: str | None = None, **changes: Any) -> None:
        statement = {**json.loads((ready / path).read_text()), **changes}
        target = ready / (to or path)
        target.write_text(json.dumps(statement))
        Path(f"{target}.sig").unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "signoff@gate", str(target)],
            check=True,
            capture_output=True,
        )

    return change


def judged(gate: Gate, operator: Operator, root: Path, stage: str) -> tuple[int, dict[str, Any]]:
    """Exit code and decision."""
    run = gate("evaluate", stage, "-w", root, "--operator", operator(root), "-o", "json", "--no-record")
    assert run.code != 2, run.err
    return run.code, json.loads(run.out)


@pytest.mark.parametrize("verdict", [(), ("--verdict", "approve"), ("--verdict", "reject")])
def test_a_condition_needs_a_conditional_verdict(gate: Gate, ready: Path, verdict: tuple[str, ...]) -> None:
    """`gate signoff --condition` without `--verdict conditional` writes nothing and says what to add."""
    options = ("--role", "cto", "--name", "Amir Cohen", *verdict, "--condition", OPTION)
    run = gate("signoff", "request", "stage1", *options, "-w", ready)
    assert (run.code, run.out) == (2, "")
    assert "--verdict conditional" in run.err
    assert "usage error" in run.err


def test_a_conditional_verdict_needs_a_condition(gate: Gate, ready: Path) -> None:
    """`gate signoff --verdict conditional` alone writes nothing either."""
    options = ("--role", "cto", "--name", "Amir Cohen", "--verdict", "conditional")
    run = gate("signoff", "request", "stage1", *options, "-w", ready)
    assert (run.code, run.out) == (2, "")
    assert "--condition TEXT|OWNER|DUE" in run.err


@pytest.mark.soak
@pytest.mark.parametrize("verdict", ["approve", "conditional"])
@pytest.mark.parametrize("stage", ["stage1", "stage8"])
def test_an_approval_with_conditions_is_conditional(
    gate: Gate, operator: Operator, ready: Path, sign: Sign, stage: str, verdict: str
) -> None:
    """Signed as "approve" or "conditional": the verdict is CONDITIONAL, with what is to be done."""
    sign(f"signoffs/{stage}-cto.json", verdict=verdict, conditions=[CONDITION])
    code, decision = judged(gate, operator, ready, stage)
    assert (code, decision["verdict"]) == (3, "CONDITIONAL")
    stated = [item for item in decision["conditions"] if item["msg"] == "Rotate the API key"]
    assert [(item["owner"], item["due"]) for item in stated] == [("devops_lead", "2025-12-12")]
    signed = {item["role"]: item["key"] for item in decision["signatures"]}
    assert signed["cto"] is None, "nobody approved without conditions as cto"
    assert signed["risk_officer"] is not None


def test_an_approval_without_conditions_stays_an_approval(
    gate: Gate, operator: Operator, ready: Path, sign: Sign
) -> None:
    """Signed anew without conditions, or with an empty list of them: PASS."""
    sign("signoffs/stage1-cto.json", conditions=[])
    code, decision = judged(gate, operator, ready, "stage1")
    assert (code, decision["verdict"], decision["conditions"]) == (0, "PASS", [])


@pytest.mark.soak
def test_the_author_of_the_change_may_set_a_condition(
    gate: Gate, operator: Operator, ready: Path, sign: Sign
) -> None:
    """The author's approval does not count, but what they ask for does, as their rejection would."""
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        identity = ["-c", "user.name=Amir", "-c", "user.email=amir.cohen@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=ready, check=True)
    _, decision = judged(gate, operator, ready, "stage6")
    assert (decision["subject"]["author"], decision["conditions"]) == ("amir.cohen@example.com", [])
    bound = {"stage": "stage6", "evidence": decision["stages"]["stage6"]["evidence_digest"]}
    sign(
        "signoffs/stage1-cto.json",
        to="signoffs/stage6-cto.json",
        **bound,
        verdict="conditional",
        conditions=[CONDITION],
    )
    _, decision = judged(gate, operator, ready, "stage6")
    assert CONDITION["text"] in [condition["msg"] for condition in decision["conditions"]]


def test_a_condition_is_due_on_a_day_of_the_calendar(gate: Gate, ready: Path) -> None:
    """A day that does not exist is refused when the sign-off is written, not when it is judged."""
    options = ("--role", "cto", "--name", "Amir Cohen", "--verdict", "conditional")
    run = gate("signoff", "request", "stage1", *options, "--condition", "a|b|2025-02-30", "-w", ready)
    assert (run.code, run.out) == (2, "")
    assert "is due on no day of the calendar" in run.err
