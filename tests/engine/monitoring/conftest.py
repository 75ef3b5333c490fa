"""A ledger whose decisions the tests choose: variations of one real evaluation, recorded as it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from gate.engine import recording, service
from gate.engine.context import open_context
from gate.engine.decide.conditions import of_rule, overdue
from gate.engine.decide.recorded import Time
from gate.engine.decision.document import Condition, Verdict, Waived
from gate.engine.service import Judged

STAGE = "stage1"


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A failed stage of a workspace with nothing in it, judged once for all tests."""
    root = tmp_path_factory.mktemp("monitored") / "desk"
    root.mkdir()
    (root / "gate.yaml").write_text("version: 1\nname: desk\nledger: {location: ledger}\n")
    return service.evaluate(open_context(root), STAGE, Time("2026-01-01T00:00:00Z", "flag"))


class Desk:
    """A workspace with a ledger, an operator's file beside it, and a directory for the user's own files."""

    def __init__(self, judged: Judged, home: Path, gate: Callable[..., Any]) -> None:
        self.judged, self.root, self.home, self.gate = judged, judged.context.root, home, gate
        self.file = home / "operator.yaml"
        self.config = home / "config"

    def settings(self, **notify: Any) -> None:
        """Write the operator's file with these notifications."""
        ledger = {"location": str(self.root / "ledger")}
        self.file.write_text(yaml.safe_dump({"version": 1, "ledger": ledger, "notify": notify}))

    def record(self, verdict: str, time: str = "2026-01-01T00:00:00Z", **parts: Any) -> None:
        """Record a decision with this verdict at that time, and other parts."""
        decision = self.judged.decision
        stages = {STAGE: replace(decision.stages[STAGE], verdict=Verdict(verdict))}
        changed = replace(decision, stages=stages, verdict=Verdict(verdict), effective_time=time, **parts)
        recording.record(replace(self.judged, decision=changed), self.config, "2026-02-01T00:00:00Z")

    def waived(self, name: str, until: str) -> tuple[Waived, ...]:
        """The first violation under a waiver."""
        first = self.judged.decision.violations[0]
        fields = {one: getattr(first, one) for one in first.__struct_fields__}
        return (
            Waived(**fields, waiver=name, reason="r", reference="T-1", approver="a", effective_until=until),
        )

    def condition(self, name: str, due: str) -> Condition:
        """A condition of the first rule."""
        rule = self.judged.context.plan.stages[STAGE].rules[0]
        return of_rule(rule, {"msg": "finish it", "id": name}, due)

    def overdue(self, condition: Condition) -> Any:
        """The violation that it becomes."""
        return overdue(condition, self.judged.context.plan.stages[STAGE].rules[0])

    def notify(self, *more: str, env: dict[str, str] | None = None, config: Path | None = None) -> Any:
        """Run gate notify."""
        variables = {"GATE_CONFIG_DIR": str(config or self.config), **(env or {})}
        return self.gate("notify", "-w", self.root, "--operator", self.file, *more, env=variables)

    def metrics(self, *more: str) -> Any:
        """Run gate metrics."""
        return self.gate("metrics", "-w", self.root, *more, env={"GATE_CONFIG_DIR": str(self.config)})


@pytest.fixture
def desk(judged: Judged, tmp_path: Path, gate: Callable[..., Any]) -> Iterator[Desk]:
    """A desk without recorded decisions."""
    yield Desk(judged, tmp_path, gate)
    shutil.rmtree(judged.context.root / "ledger", ignore_errors=True)
