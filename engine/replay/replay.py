"""Makes recorded decisions again and compares them, byte by byte, with what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ... import __version__
from ...evidence.base.canonical import canonical, sha256_hex
from ...evidence.base.errors import EngineError, InternalError, PolicyError, UsageError
from ...evidence.base.limits import Limits
from ...evidence.base.records import JsonRecord, from_json, to_json
from .. import service
from ..decide.recorded import Time
from ..decision.document import EngineId
from ..entries.statement import statement
from ..spread.interface import Spread
from ..spread.pace import Pace
from .stored import CHUNK, UNUSABLE, Archive, EngineChoice, Engines, Line, Place, Plans, reason, seen

NAMES = {"regorus": "embedded"}
"""What an engine calls itself in a decision → what settings call it, where that is not the same."""

_FIRST = ("checks", "violations", "conditions", "waived", "warnings", "stages", "verdict")
"""Where a difference is looked for first: rules before what follows from them."""

_ABSENT = object()


class Status(StrEnum):
    """What came of making a decision again."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    IMPOSSIBLE = "cannot be replayed"


class Divergence(JsonRecord, frozen=True):
    """The first difference: the rule it is about (None: no rule), the field as a JSON pointer, both values.

    ``recorded`` and ``replayed`` are JSON-like values; None also where there is no such field.
    """

    rule: str | None
    field: str
    recorded: Any
    replayed: Any


class Replayed(JsonRecord, frozen=True):
    """One recorded decision that was made again.

    Attributes:
        engine: name and version of the engine that answered; None where none did.
        reason: why it cannot be replayed.
    """

    index: int
    stage: str
    verdict: str
    status: Status
    engine: str | None = None
    difference: Divergence | None = None
    reason: str | None = None


class Lines(Struct, frozen=True):
    """Recorded decisions in chunks."""

    lines: Sequence[Line]

    def __call__(self) -> Iterator[Sequence[Line]]:
        """The chunks."""
        return (self.lines[at : at + CHUNK] for at in range(0, len(self.lines), CHUNK))


class Replaying(Struct, frozen=True):
    """The work of making decisions again.

    Attributes:
        same: ask the engines that answered then.
        samples: decisions by which machines find out whether they see the same evidence.
    """

    place: Place
    engine: EngineChoice
    same: bool
    samples: tuple[Line, ...] = ()

    @property
    def limits(self) -> Limits:
        """Those of the policy engine."""
        return self.engine.limits

    def sees(self) -> dict[str, str]:
        """Whose the ledger is."""
        return seen((self.place,), self.samples)

    @contextmanager
    def opened(self) -> Iterator[Callable[[Sequence[Line]], list[Any]]]:
        """Open ledger and engines for making decisions again."""
        with Archive((self.place,)) as archive, Engines(archive) as engines:
            yield lambda lines: [to_json(self._replay(archive, engines, line)) for line in lines]

    def _replay(self, archive: Archive, engines: Engines, line: Line) -> Replayed:
        found = Replayed(line.index, line.stage, line.verdict, Status.IMPOSSIBLE)
        made_by = None
        try:
            stored: dict[str, Any] = archive.document(line, line.decision)
            made_by = str(stored["gate_version"])
            recorded = archive.recorded(line)
            answered = from_json(EngineId, stored["engine"])
            choice = self.engine
            if self.same:
                choice = replace(choice, name=NAMES.get(answered.name, answered.name))
            bundle, engine = engines.of(line, choice, recorded.setup)
            plan = Plans(bundle).of(recorded.setup)
            time = Time(stored["effective_time"], stored["effective_time_source"])
            decision = service.replay(bundle, plan, recorded, time, engine)
        except (*UNUSABLE, PolicyError, EngineError, UsageError, InternalError) as error:
            return replace(found, reason=_other_version(made_by) or reason(error))
        used = f"{decision.engine.name} {decision.engine.version}"
        found = replace(found, engine=used)
        again = replace(decision, engine=answered)  # on whichever engine: what was decided is compared
        difference = first_difference(stored, again.to_json())
        if difference is None:
            signed = statement(again, sha256_hex(canonical(again.to_json())), line.bundle)
            if sha256_hex(signed) == line.statement:
                return replace(found, status=Status.IDENTICAL)
            digests = [f"sha256:{one}" for one in (line.statement, sha256_hex(signed))]
            difference = Divergence(None, "the ledger's line", *digests)
        if (other := _other_version(made_by)) is not None:
            return replace(found, reason=other)
        return replace(found, status=Status.DIFFERENT, difference=difference)


def replay(work: Replaying, lines: Sequence[Line], spread: Spread) -> Iterator[Replayed]:
    """Each decision made again, in their order. Raises ConfigError: there is no such engine."""
    pace = Pace("made again", len(lines))
    for result in chain.from_iterable(spread.run(work, Lines(lines))):
        pace.add()
        yield from_json(Replayed, result)


def _other_version(made_by: str | None) -> str | None:
    if made_by in (None, __version__):
        return None
    return f"it was made by gate {made_by}, and this is {__version__}: replay it with that version"


def first_difference(recorded: Mapping[str, Any], replayed: Mapping[str, Any]) -> Divergence | None:
    """Where two decision documents differ first, rules before all else; None where they do not."""
    names = [*_FIRST, *sorted({*recorded, *replayed} - {*_FIRST})]
    for name in names:
        old, new = recorded.get(name, _ABSENT), replayed.get(name, _ABSENT)
        if (found := _differing(old, new, f"/{name}")) is not None:
            pointer, was, now = found
            return Divergence(_rule(pointer, recorded, replayed), pointer, _shown(was), _shown(now))
    return None


def _differing(old: Any, new: Any, pointer: str) -> tuple[str, Any, Any] | None:
    """Pointer and both values of the first difference within two values."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [(str(key), old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in {**old, **new}]
    elif isinstance(old, list) and isinstance(new, list):
        most = max(len(old), len(new))
        padded = [[*items, *[_ABSENT] * (most - len(items))] for items in (old, new)]
        keys = [(str(place), *pair) for place, pair in enumerate(zip(*padded, strict=True))]
    else:
        return None if type(old) is type(new) and old == new else (pointer, old, new)
    for key, was, now in keys:
        if (found := _differing(was, now, f"{pointer}/{key}")) is not None:
            return found
    return None


def _rule(pointer: str, *documents: Mapping[str, Any]) -> str | None:
    """The code of the rule that a difference is about."""
    _, name, *rest = pointer.split("/")
    for document in documents:
        items = document.get(name)
        if isinstance(items, list) and rest:
            item = items[int(rest[0])] if int(rest[0]) < len(items) else None
            code = item.get("code") if isinstance(item, dict) else None
            return code if isinstance(code, str) else None
    return None


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
