"""From a workspace and what the command line names to the work that is to be done."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ...evidence.base.errors import ConfigError, LedgerError, UsageError
from ...evidence.base.limits import DEFAULT
from ...evidence.reading.git.history import History
from ...evidence.reading.workspace.named import read_named
from ...evidence.reading.yaml_reader import parse_yaml
from .. import service
from ..context import Context
from ..decide.recorded import ALL, Time, wanted_stages
from ..plans import as_recorded
from ..policy.bundle import MANIFEST, SHIPPED_BUNDLES, USUAL, from_document, load_bundle
from ..policy.interface import Bundle
from ..spread.interface import Spread
from ..workbench.bundles import find_bundle
from .impact import ENTRY, Everything, FactSet, Impact, Judging, impact
from .logs import open_log
from .replacing import FACT, Replacement
from .stored import Archive, EngineChoice, Line, Place, at_least, find_line, lines, own_place, reason
from .whatif import Case

_FACT_SETS = "write it as `gate docs impact` shows"
_LOG_ENDINGS = (".jsonl", ".ndjson", ".json", ".log")


def ask_impact(
    context: Context,
    config_dir: Path,
    base: str | None,
    since_s: int | None,
    against: tuple[str, ...],
    facts: Path | None,
    spread: Spread,
) -> Impact:
    """What the context's bundle changes about what is recorded.

    Args:
        base: a bundle's name, or a commit of the workspace; None for the bundles that were recorded.
        since_s: leave out decisions of an earlier effective time.
        against: ledgers, and files of decision logs, in place of the workspace's ledger.
        facts: a file with named fact sets.

    Raises UsageError: something of that is not there; LedgerError: a line of a ledger does not hold; and
    what judging raises.
    """
    logs = [Path(name) for name in against if name.lower().endswith(_LOG_ENDINGS)]
    for path in logs:
        open_log(path, context.config.limits)
    own = own_place(context)
    named = [name for name in against if not name.lower().endswith(_LOG_ENDINGS)]
    places = (
        tuple(
            Place(name if ":" in name else Path(name).absolute(), None, own.limits, own.admins)
            for name in named
        )
        if against
        else (own,)
    )
    found = [
        line for number, place in enumerate(places) for line in lines(place, number, config_dir, since_s)
    ]
    compared = None if base is None else load_base(context, base)
    sets = () if facts is None else read_fact_sets(facts, [line for line in found if line.ledger == 0])
    choice = EngineChoice.of(context)
    firsts = {line.ledger: line for line in reversed(found)}
    judging = Judging(places, context.loaded, compared, choice, tuple(firsts.values()))
    work = Everything(found, sets, logs, choice.limits)
    words = "what was decided then"
    if compared is not None:
        words = f"{base}: {compared.name} {compared.version} ({compared.digest[:8]})"
    names = [f"{name} {ENTRY}" for name in named] if against else [ENTRY]
    made = impact(names, work, judging, words, spread)
    folder = _folder(context)
    prefix = "" if folder in (None, ".") else f"{folder}/"
    return replace(made, places={code: (prefix + path, line) for code, (path, line) in made.places.items()})


def read_fact_sets(file: Path, known: list[Line]) -> tuple[FactSet, ...]:
    """The fact sets of a file: by name, ``decision`` (a ledger index) and ``set`` (fact → value).

    Raises UsageError: the file is not such a one.
    """
    data = read_named(file, UsageError, _FACT_SETS)
    value: Any = parse_yaml(data, str(file), DEFAULT, error_type=UsageError)
    if not isinstance(value, dict) or not value:
        raise _wrong(file, "is no mapping of names to fact sets", None)
    by_index = {line.index: line for line in known}
    made = []
    for name, one in value.items():
        if not isinstance(one, dict) or set(one) != {"decision", "set"} or not isinstance(one["set"], dict):
            raise _wrong(file, "a fact set has 'decision' and 'set', and nothing else", str(name))
        line = by_index.get(one["decision"]) if type(one["decision"]) is int else None
        if line is None:
            raise _wrong(file, f"there is no recorded decision {one['decision']!r}", str(name))
        facts = tuple(Replacement(FACT, str(fact), given) for fact, given in one["set"].items())
        made.append(FactSet(str(name), line, facts))
    return tuple(made)


def _wrong(file: Path, what: str, place: str | None) -> UsageError:
    return UsageError(what, path=str(file), place=place, remedy=_FACT_SETS)


def load_base(context: Context, name: str) -> Bundle:
    """The bundle of that name (see `find_bundle`); of a commit alone, the one where the edited one lies.

    Raises UsageError: there is none; PolicyError: the bundle is wrong.
    """
    if not (Path(name) / MANIFEST).is_file() and _is_commit(context, name):
        folder = _folder(context)
        if folder is None:
            what = "--base names a commit, and the edited policies are not in this workspace"
            raise UsageError(what, remedy=f"name the directory in it, too: {name[:80]}:DIR")
        return load_bundle(find_bundle(f"{name}:{folder}", context.root), context.config.limits)
    return load_bundle(find_bundle(name, Path()), context.config.limits)


def _is_commit(context: Context, name: str) -> bool:
    try:
        return History(context.root).resolve(name) is not None
    except ConfigError:
        return False


def _folder(context: Context) -> str | None:
    """Where in the workspace the edited bundle lies; None where it lies elsewhere."""
    given = context.authority.bundle
    found = SHIPPED_BUNDLES[context.config.policy.shipped or USUAL] if given is None else given
    if not isinstance(found, Path) or not found.resolve().is_relative_to(context.root):
        return None
    return found.resolve().relative_to(context.root).as_posix()


def case_of(
    context: Context, stage: str, decision: str | None, time: Time, config_dir: Path, *, given: bool
) -> Case:
    """What is to be judged with something replaced: the workspace now, or a recorded decision.

    Args:
        decision: a ledger index or digest; None for the workspace.
        time: as of when the workspace is judged.
        given: whether the context's bundle judges a recorded decision, too, and not the one of then.

    Raises UsageError: there is no such stage, or the decision did not judge it; LedgerError: its documents
    are gone or changed.
    """
    choice = EngineChoice.of(context)
    if decision is None:
        context.check_stage(stage)
        plan = context.plan
        ids = service.collectors(plan, stage)
        return Case(service.observe(context, ids, stage, time), context.loaded, choice)
    line = find_line(context, decision, config_dir)
    with Archive((own_place(context),)) as archive:
        try:
            recorded = archive.recorded(line)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            what, remedy = reason(error), "restore the evidence from a copy"
            raise LedgerError(what, path=f"entry {line.index}", remedy=remedy) from error
        stored = archive.data(line, line.bundle)
    bundle = context.loaded if given else from_document(stored, at_least(choice.limits))
    plan = as_recorded(bundle, recorded.setup)[1]
    judged = plan.closure(wanted_stages(plan, recorded.setup.stage))
    if stage != recorded.setup.stage and (stage == ALL or stage not in judged):
        raise UsageError(f"that decision is not about {stage!r}", remedy=f"it judged {', '.join(judged)}")
    setup = replace(recorded.setup, stage=stage)
    return Case(dataclasses.replace(recorded, setup=setup), bundle, choice)
