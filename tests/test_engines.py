"""Which engine judges, who may say so, and that both judge the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine import service
from gate.engine.context import open_context
from gate.engine.decide.recorded import Time
from gate.engine.policy import open_engine

OPERATOR = Path(__file__).resolve().parents[1] / "examples" / "operator.yaml"
SERVER = "opa=http://127.0.0.1:9"
REFUSED = "the judged change may not say which server judges it, nor what to show that server"


@pytest.mark.soak
def test_both_engines_give_the_same_decision(opa: str, copy_example: Callable[[str], Path]) -> None:
    """All of the ready example, decided on either engine: equal to the byte but for the engine's name."""
    context = open_context(copy_example("ready"), operator=OPERATOR)
    time = Time("2025-12-05T12:00:00Z", "operator")
    judged = service.evaluate(context, "stage8", time)
    decisions = []
    for name in ("embedded", "opa"):
        with open_engine(name, context.bundle, context.config.limits) as engine:
            again = service.replay(context.bundle, context.plan, judged.recorded, time, engine)
        assert again.engine.name == {"embedded": "regorus", "opa": "opa"}[name]
        decisions.append(replace(again, engine=judged.decision.engine))
    assert decisions[0] == decisions[1] == judged.decision
    assert decisions[0].to_json() == decisions[1].to_json()


def test_a_cross_check_is_in_the_decision(
    opa: str, gate: Callable[..., Any], copy_example: Callable[[str], Path]
) -> None:
    """Both engines' names and versions; the verdict is that of one alone."""
    run = gate("evaluate", "stage3", "-w", copy_example("ready"), "--operator", OPERATOR, "--no-record",
               "--cross-check", "-o", "json")  # fmt: skip
    assert run.code in (0, 1, 3), run.err
    decision = json.loads(run.out)
    assert decision["engine"]["name"] == "regorus+opa"
    assert len(decision["engine"]["version"].split("+")) == 2


@pytest.mark.parametrize(
    ("settings", "flags", "place"),
    [
        (f"engine: {SERVER}\n", (), "engine"),
        ("opa: {token_variable: AWS_SECRET_ACCESS_KEY}\n", ("--engine", SERVER), "opa"),
        (f"engine: {SERVER}\nopa: {{ca: /etc/ca.pem}}\n", ("--cross-check",), "engine"),
    ],
)
def test_the_judged_change_names_no_server(
    gate: Callable[..., Any],
    make_workspace: Callable[..., Path],
    settings: str,
    flags: tuple[str, ...],
    place: str,
) -> None:
    """Its server could give any verdict, and would get all facts and whatever token the change names."""
    root = make_workspace({"gate.yaml": settings})
    run = gate("evaluate", "stage1", "-w", root, "--no-record", *flags)
    assert run.code == 2
    assert REFUSED in run.err
    assert f"gate.yaml, {place}" in run.err
    assert "--engine or GATE_ENGINE" in run.err


def test_an_operator_s_engine_wins(
    gate: Callable[..., Any], make_workspace: Callable[..., Path], tmp_path: Path
) -> None:
    """What gate.yaml says about engines is ignored beside an operator's file, and that is listed."""
    root = make_workspace({"gate.yaml": f"engine: {SERVER}\nopa: {{token_variable: AWS_SECRET}}\n"})
    operator = tmp_path / "operator.yaml"
    operator.write_text("version: 1\n")
    context = open_context(root, operator=operator)
    assert (context.config.engine, context.config.opa.token_variable) == ("embedded", None)
    assert [one.msg for one in context.authority.notices if "engine, opa" in one.msg]
    operator.write_text("version: 1\nengine: opa=https://127.0.0.1:9\nopa: {ca: ca.pem, retries: 0}\n")
    run = gate("evaluate", "stage1", "-w", root, "--operator", operator, "--no-record")
    assert run.code == 2 and "opa.ca" in run.err and "there is no file" in run.err


def test_an_engine_that_the_change_chooses_is_a_weakening(make_workspace: Callable[..., Path]) -> None:
    """A managed OPA is the user's own program, so it may be chosen; the decision says by whom."""
    root = make_workspace({"gate.yaml": "engine: opa\n"})
    found = {one.code: one.msg for one in open_context(root).weakenings}
    assert found["engine_judged"] == "gate.yaml chooses the policy engine opa"
    assert "engine_judged" not in {one.code for one in open_context(root, engine="embedded").weakenings}


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--engine", "opa=http://me:s3cret@h"), "holds a user or password"),
        (("--engine", "opaa"), "did you mean 'opa'?"),
        (("--engine", SERVER), "the OPA server cannot be reached: Connection refused"),
        (("--engine", "opa=unix:/nowhere/opa.sock"), "cannot be reached: No such file or directory"),
    ],
)
def test_engines_that_cannot_judge_end_with_2(
    gate: Callable[..., Any], make_workspace: Callable[..., Path], arguments: tuple[str, ...], what: str
) -> None:
    """One error with the remedy, nothing recorded, no secret shown."""
    root = make_workspace({})
    run = gate("explain", "stage3", "-w", root, *arguments)
    assert run.code == 2
    assert what in run.err and "to do: " in run.err
    assert "s3cret" not in run.err + run.out and "Traceback" not in run.err
    assert not (root / "ledger").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("opa: {retries: 99}", "retries must be from 0 to 20"),
        ("opa: {key: /k.pem}", "a key needs a certificate"),
        ("opa: {token_file: /t, token_variable: T}", "exclude each other"),
        ("opa: {token: s3cret}", "opa"),
        ("opa: 5", "opa"),
    ],
)
def test_settings_of_the_server_are_checked(
    gate: Callable[..., Any], make_workspace: Callable[..., Path], text: str, what: str
) -> None:
    """When the settings are read, whichever engine is used."""
    run = gate("evaluate", "stage1", "-w", make_workspace({"gate.yaml": f"{text}\n"}), "--no-record")
    assert run.code == 2
    assert what in run.err and "s3cret" not in run.err
