"""A laboratory: one copy of ``examples/ready``, changed in place, judged, and put back.

Only the collectors that would be told something else about the workspace run again (the traces that the cache
of results relies on say which), and one policy engine answers all questions.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gate.engine import service
from gate.engine.collectors import make_collector, open_workspace
from gate.engine.config.settings import age_seconds
from gate.engine.context import Context, open_context
from gate.engine.decide.decide import decide
from gate.engine.decide.recorded import PEOPLE, Recorded, Time
from gate.engine.decision.document import CheckStatus, Decision, Trust
from gate.engine.policy import open_engine
from gate.evidence.collecting.interface import Evidence
from gate.evidence.collecting.outcomes import errors_of, outcome, unpacked
from gate.evidence.reading.workspace import FileRead, Workspace
from gate.evidence.reading.workspace.digests import Digests

READY = Path(__file__).resolve().parents[2] / "examples" / "ready"
STAGE = "stage8"

SIGNED = frozenset(
    {
        "stage1.governance_signed",
        "stage1.artifacts_signed",
        "stage2.architecture_approved",
        "stage4.review_approved",
        "stage8.governance_signed",
        "stage8.decisions_current",
    }
)
"""Rules about signatures over the evidence, and about what earlier decisions say of it: any other byte in it
may break them, and nothing is signed or decided anew. They count only where the change is about them."""


class Lab:
    """The workspace, what every collector says about it unchanged, and an engine.

    Attributes:
        root: the copy of the example.
        usual: the decision about it unchanged.
        signed: the rules that any other byte of evidence breaks.
        unread: files that no collector reads.
    """

    signed = SIGNED

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        self.context = open_context(root)
        config = self.context.config
        assert config.effective_time is not None
        self._time = Time(config.effective_time, "gate.yaml")
        self._engine = stack.enter_context(open_engine(config.engine, self.context.bundle, config.limits))
        stages = self.context.plan.closure((STAGE,))
        self._ids = sorted(PEOPLE.union(*(self.context.plan.stages[name].collectors for name in stages)))
        self._known: dict[str, tuple[object, Mapping[str, Any], Evidence]] = {}
        self._base = service.observe(self.context, (), STAGE, self._time)
        self.usual = self.judge(keep=True)
        files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        self.unread = files - {file.path for item in self.usual.evidence for file in item.files}

    @staticmethod
    def named(decision: Decision) -> set[str]:
        """See the function of this name."""
        return named(decision)

    def judge(self, keep: bool = False) -> Decision:
        """The decision about the workspace as it is now; ``keep`` what the collectors saw for later."""
        settings = self.root / "gate.yaml"
        context = self.context if self._pristine(settings) else open_context(self.root)
        workspace = open_workspace(self.root, context.authority)
        evidence = {name: self._evidence(name, context, workspace, keep) for name in self._ids}
        subject, odd = service.find_subject(workspace)
        around = replace(
            self._base.setup,
            subject=subject,
            odd_sources=odd,
            settings_digest=context.authority.settings_digest,
            trust=agreed(context),
            weakenings=context.weakenings,
            roles=tuple(context.config.roles),
            max_age_s={name: age_seconds(age) for name, age in context.config.freshness.items()},
            allowed_signers=context.config.allowed_signers,
        )
        recorded = Recorded(around, evidence)
        return self._decision(context, recorded)

    def _decision(self, context: Context, recorded: Recorded) -> Decision:
        outputs = service.ask(self._engine, context.plan, recorded, self._time)
        return decide(context.plan, context.bundle, recorded, outputs, self._time)

    def judge_elsewhere(self, root: Path) -> Decision:
        """The decision about all stages of another workspace, with whatever settings it has."""
        context = open_context(root)
        workspace = open_workspace(root, context.authority)
        evidence = {name: _collected(name, context, workspace) for name in self._ids}
        setup = replace(service.observe(context, (), "all", self._time).setup, trust=agreed(context))
        recorded = Recorded(setup, evidence)
        return self._decision(context, recorded)

    @staticmethod
    def _pristine(path: Path) -> bool:
        return path.is_file() and path.read_bytes() == (READY / path.name).read_bytes()

    def _evidence(self, name: str, context: Context, workspace: Workspace, keep: bool) -> Evidence:
        config = context.config
        options = (config.evidence.get(name), config.roles, config.allowed_signers)
        known = self._known.get(name)
        if known is not None and known[0] == options and _same(workspace, known[1]):
            return known[2]
        if keep:
            workspace = open_workspace(self.root, context.authority)
            workspace.memory = Digests([])
        traces: list[Mapping[str, Any] | None] = []
        evidence = _collected(name, context, workspace, traces)
        if keep:
            (trace,) = traces
            assert trace is not None
            self._known[name] = (options, trace, evidence)
        return evidence

    def allowed(self, row: Mapping[str, Any]) -> set[str]:
        """The rules that may fire as well; ``paper/`` stands for all that ask for facts of that collector."""
        asked = [
            (rule.code, {*rule.collectors, *(fact.partition(".")[0] for fact in rule.optional_facts)})
            for stage in self.context.plan.stages.values()
            for rule in stage.rules
        ]
        codes: set[str] = set()
        for item in row.get("also", ()):
            codes |= {code for code, of in asked if item[:-1] in of} if item[-1] == "/" else {item}
        return codes

    @contextmanager
    def changed(self, row: Mapping[str, Any]) -> Iterator[None]:
        """The workspace with a row's change, and those of other files under ``and``; as it was afterwards."""
        with ExitStack() as stack:
            for one in (row, *row.get("and", ())):
                stack.enter_context(self._one_changed(one))
            yield

    @contextmanager
    def _one_changed(self, row: Mapping[str, Any]) -> Iterator[None]:
        path = self.root / row["file"]
        target = self.root / row["move"] if "move" in row else path
        before = path.read_bytes() if path.is_file() else None
        others = {self.root / name: (self.root / name).read_bytes() for name in row.get("without", ())}
        made = [parent for parent in target.parents if not parent.exists()]
        after = edited(before, row)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if after is None or target != path:
                path.unlink()
            if after is not None:
                target.write_bytes(after)
            for other in others:
                other.unlink()
            yield
        finally:
            if target.is_symlink() or target.is_file():
                target.unlink()
            for parent in made:
                shutil.rmtree(parent, ignore_errors=True)
            for other, data in {**others, path: before}.items():
                if data is not None:
                    other.write_bytes(data)


def agreed(context: Context) -> Trust:
    """As if an operator said whatever the workspace says: these tests are about evidence."""
    trust = context.authority.trust
    return replace(trust, operator="0" * 64, settings=dict.fromkeys(trust.settings, "operator"))


def _collected(
    name: str, context: Context, workspace: Workspace, traces: list[Mapping[str, Any] | None] | None = None
) -> Evidence:
    """What a collector sees; an error that is not about evidence would end a run, so there must be none."""
    found = outcome(workspace, partial(make_collector, context.authority, name), None, name)
    (traces if traces is not None else []).append(found.pop("trace", None))
    assert not errors_of(found), errors_of(found)
    return unpacked(found)


def _same(workspace: Workspace, trace: Mapping[str, Any]) -> bool:
    """Whether a collector would be told the same about the workspace."""
    asked = all(
        workspace.answer(question, argument) == answer for question, argument, answer in trace["asked"]
    )
    return asked and workspace.holds(FileRead(*parts) for parts in trace["files"])


def edited(before: bytes | None, row: Mapping[str, Any]) -> bytes | None:
    """The bytes of a file after a row's change; None where the file goes away."""
    if "then" in row:
        first = edited(before, {name: value for name, value in row.items() if name != "then"})
        return edited(first, {**row["then"], "file": row["file"]})
    match row:
        case {"delete": True}:
            return None
        case {"repeat": [text, count]}:
            return "".join(text.format(number) for number in range(count)).encode()
        case {"write": text}:
            return str(text).encode()
        case {"hex": text}:
            return bytes.fromhex(text)
    assert before is not None, row["file"]
    match row:
        case {"append": text}:
            return before + str(text).encode()
        case {"prepend": text}:
            return str(text).encode() + before
        case {"prefix_hex": text}:
            return bytes.fromhex(text) + before
        case {"truncate": share}:
            return before[: int(len(before) * share)]
        case {"swap": [old, new]}:
            assert old in before.decode(), old
            return before.decode().replace(old, new, 1).encode()
        case {"every": [pattern, new]}:
            text, count = re.subn(pattern, new, before.decode(), flags=re.MULTILINE)
            assert count, pattern
            return text.encode()
        case {"first": [pattern, new, most]}:
            text, count = re.subn(pattern, new, before.decode(), count=most, flags=re.MULTILINE)
            assert count == most, pattern
            return text.encode()
        case {"encode": encoding}:
            return before.decode().encode(encoding)
        case {"move": _}:
            return before
        case {"json": layout}:
            return _laid_out(json.loads(before), layout)
        case _:
            return _json(before, row)


def _json(before: bytes, row: Mapping[str, Any]) -> bytes:
    document = json.loads(before)
    for pointer, value in row.get("set", {}).items():
        parent, name = _parent(document, pointer)
        if isinstance(parent, list) and name == "-":
            parent.append(value)
        else:
            parent[_key(parent, name)] = value
    for pointer in row.get("drop", ()):
        parent, name = _parent(document, pointer)
        del parent[_key(parent, name)]
    for pointer, change in row.get("keep", {}).items():  # only these items of a list
        parent, name = _parent(document, pointer)
        parent[_key(parent, name)] = parent[_key(parent, name)][slice(*change)]
    for pointer, name, value in row.get("each", ()):  # the same in every item of a list
        parent, last = _parent(document, pointer)
        for item in parent[_key(parent, last)]:
            item[name] = value
    assert {"set", "drop", "keep", "each"} & row.keys(), row
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _parent(document: Any, pointer: str) -> tuple[Any, str]:
    *parts, last = pointer.split("/")[1:]
    for part in parts:
        document = document[_key(document, part)]
    return document, last


def _key(value: Any, name: str) -> Any:
    return int(name) if isinstance(value, list) else name


def _laid_out(document: Any, layout: str) -> bytes:
    if layout == "sorted":
        return json.dumps(document, sort_keys=True, indent=4).encode()
    if layout == "reversed":
        return json.dumps(_reversed(document)).encode()
    assert layout == "compact"
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode()


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def named(decision: Decision) -> set[str]:
    """Codes of the rules that do not plainly hold, and of whatever else the decision holds against it.

    A rule that cannot be told, of which the policy data want only a warning, counts for neither.
    """
    plain = {CheckStatus.HOLDS, CheckStatus.UNKNOWN}
    codes = {check.code for check in decision.checks if check.status not in plain}
    return codes | {
        one.code for one in (*decision.violations, *decision.conditions) if ".dep" not in one.code
    }


def bound(row: Mapping[str, Any]) -> frozenset[str]:
    """Rules about signatures that any change of evidence breaks; none where people's statements change."""
    of_people = row["file"].split("/")[0] in ("signoffs", "trust")
    return frozenset() if of_people else SIGNED - {row.get("rule")}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The laboratory; every test leaves it as it was."""
    root = tmp_path_factory.mktemp("mutations") / "ready"
    shutil.copytree(READY, root, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
    with ExitStack() as stack:
        yield Lab(root, stack)


@pytest.fixture
def fired(lab: Lab) -> Callable[[Mapping[str, Any]], tuple[set[str], Decision]]:
    """What a row's change makes fire: the rules, without those that any change breaks, and the decision."""

    def fire(row: Mapping[str, Any]) -> tuple[set[str], Decision]:
        with lab.changed(row):
            decision = lab.judge()
        return named(decision) - bound(row), decision

    return fire
