"""``gate evaluate``, ``explain``, ``collect`` and ``status``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os.path import normpath
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from ...evidence.base.errors import UsageError, nearest
from ...evidence.base.times import format_utc
from ...evidence.collecting.interface import ProblemKind
from .. import recording, service
from ..collectors import available
from ..context import Context
from ..decide.model import Plan
from ..decide.recorded import ALL, Time
from ..decision.document import Decision, Verdict
from ..ledger.interface import Entry
from ..report import registry
from ..report.audit.words import check_language
from ..report.interface import Report
from ..terminal.console import progress, write_error
from ..terminal.lines import Screen
from ..terminal.outputs import Output, parse_outputs, write
from ..workspace_ledger import check_people, check_recording
from .options import (
    HERE_ALONE,
    AllowPast,
    Commands,
    CrossCheck,
    EffectiveTime,
    Engine,
    Language,
    NoCache,
    NoColor,
    Outputs,
    Policy,
    Quiet,
    Where,
    argument,
    config_dir,
    effective_time,
    now,
    option,
    output_option,
    refuse_unheeded,
    screen,
    show_all,
    unique,
    write_all,
)

Reports = Annotated[
    list[str] | None,
    output_option(
        f"table (default), {', '.join(name for name in registry.BUILTIN if name != 'table')} or a plug-in's "
        "format"
    ),
]
ShowSuccesses = Annotated[
    bool, option("--show-successes", "Show the rules that hold, too, and what they cover.")
]
_TREE = ("table", "explain")
_HEEDED_BY = {"show_successes": _TREE, "rule": _TREE, "language": ("markdown", "go-live", "pdf", "html")}
"""Option → the formats of gate's own that it changes; a plug-in's may heed all."""
EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.CONDITIONAL: 3}

app = Commands()


@app.command()
def evaluate(
    call: typer.Context,
    stage: Annotated[str, argument("A stage, such as stage1, or all.", "STAGE")],
    where: Where = HERE_ALONE,
    output: Reports = None,
    time: EffectiveTime = None,
    allow_past_effective_time: AllowPast = False,
    accept_conditional: Annotated[
        bool, option("--accept-conditional", "Exit 0 when the verdict is CONDITIONAL.")
    ] = False,
    no_record: Annotated[bool, option("--no-record", "Do not append to the ledger.")] = False,
    record_to: Annotated[
        str | None,
        option(
            "--record-to",
            "Have a service (`gate serve`) record the decision: the URL of a log there.",
            "URL",
            envvar="GATE_RECORD_TO",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        option("--token-file", "File with the bearer token for --record-to; GATE_TOKEN if absent.", "FILE"),
    ] = None,
    client_certificate: Annotated[
        Path | None,
        option(
            "--client-certificate",
            "PEM file with certificate and key for --record-to, where the service demands it.",
            "FILE",
            envvar="GATE_CLIENT_CERTIFICATE",
        ),
    ] = None,
    watch: Annotated[
        bool,
        option("--watch", "Judge again when a file changes, and show what differs; nothing is recorded."),
    ] = False,
    no_cache: NoCache = False,
    policy: Policy = None,
    engine: Engine = None,
    cross_check: CrossCheck = False,
    show_successes: ShowSuccesses = False,
    language: Language = "en",
    no_color: NoColor = False,
    quiet: Quiet = False,
) -> None:
    """Judge a stage and everything it depends on, and record the decision."""
    outputs = parse_outputs(output, registry.names(output or ()))
    reports = [registry.load(item.format) for item in outputs]
    check_language(language)
    _refuse_unheeded(call, outputs, quiet=quiet, watch=watch, no_record=no_record)

    def opened() -> tuple[Context, Time]:
        context = where.open(policy, no_cache=no_cache, engine=engine, cross_check=cross_check)
        return context, effective_time(context, time, allow_past=allow_past_effective_time)

    shown: dict[str, Any] = {"successes": show_successes, "arguments": where.arguments(policy)}
    shown["language"] = language
    if watch:
        page = replace(screen(no_color=no_color, workspace=where.workspace), **shown)
        if quiet or [(item.format, item.path) for item in outputs] != [("table", None)]:
            remedy = "leave out --quiet and --output (and GATE_OUTPUT)"
            raise UsageError("--watch prints the table and nothing else", remedy=remedy)
        _watch(stage, opened, policy, page)
        return
    elsewhere = None
    if record_to is not None and not no_record:
        from ..serve.client import Elsewhere

        elsewhere = Elsewhere.named(record_to, token_file, client_certificate)
    context, moment = opened()
    context.check_stage(stage)
    # what would keep it from being recorded is said before the work
    if no_record:
        check_people(context, config_dir())
    elif elsewhere is None:
        check_recording(context, config_dir())
    with progress(wanted=not quiet):
        judged = service.evaluate(context, stage, moment)
    entry, notices = None, list[str]()
    if elsewhere is not None:
        entry, notices = elsewhere.record(judged)
    elif not no_record:
        entry, notices = recording.record(judged, config_dir(), format_utc(now()))
    for notice in () if quiet else notices:
        write_error(notice)
    wanted = [(item, one) for item, one in zip(outputs, reports, strict=True) if item.path or not quiet]
    write_reports(wanted, judged.decision, entry, where, no_color=no_color, **shown)
    verdict = judged.decision.verdict
    accepted = accept_conditional and verdict is Verdict.CONDITIONAL
    raise typer.Exit(0 if accepted else EXIT_CODES[verdict])


def write_reports(
    outputs: Iterable[tuple[Output, Report]],
    decision: Decision,
    entry: Entry | None,
    where: Where,
    *,
    no_color: bool,
    **shown: Any,
) -> None:
    """Write a decision in each format, for screens with these attributes."""
    for item, report in outputs:
        page = screen(no_color=no_color, to_file=item.path is not None, workspace=where.workspace)
        write(item, report.render(decision, entry, replace(page, **shown)))


def _refuse_unheeded(
    call: typer.Context, outputs: list[Output], *, quiet: bool, watch: bool, no_record: bool
) -> None:
    """Refuse options of ``gate evaluate`` that others leave without an effect. Raises UsageError."""
    refuse_for_formats(call, outputs)
    service = ("token_file", "client_certificate")
    if watch or no_record:
        why = f"{'--watch' if watch else '--no-record'} records nothing"
        refuse_unheeded(call, why, "record_to", *service)
    if call.params["record_to"] is None:
        refuse_unheeded(call, "it is for --record-to", *service, remedy="add --record-to URL")
    if watch:
        refuse_unheeded(call, "--watch ends without a verdict", "accept_conditional")
    elif quiet and any(item.path is None for item in outputs):
        remedy = "leave out --quiet, or write FORMAT=PATH"
        refuse_unheeded(call, "--quiet prints nothing", "output", remedy=remedy)


def refuse_for_formats(call: typer.Context, outputs: list[Output]) -> None:
    """Refuse options that change none of the formats asked for. Raises UsageError."""
    for name, formats in _HEEDED_BY.items():
        if all(item.format in registry.BUILTIN and item.format not in formats for item in outputs):
            remedy = f"add -o {formats[-1]}, or leave out {{option}}"
            refuse_unheeded(call, f"it is for the formats {', '.join(formats)}", name, remedy=remedy)


def _watch(stage: str, opened: Callable[[], tuple[Context, Time]], policy: str | None, page: Screen) -> None:
    from ..terminal.watch import stamps, watch

    context, _ = opened()  # what is wrong before the first run ends the command
    context.check_stage(stage)
    ledger, limits = context.config.ledger.directory, context.config.limits
    report = registry.load("table")

    def judge() -> Decision:
        context, moment = opened()
        with progress():
            return service.evaluate(context, stage, moment).decision

    def look() -> object:
        ignored = [] if ledger is None else [normpath(ledger)]
        bundle = Path(policy) if policy and Path(policy).is_dir() else None  # a commit does not change
        return stamps(context.root, ignored, limits), bundle and stamps(bundle)

    watch(judge, look, lambda decision: report.render(decision, None, page).decode(), page)


@app.command()
def explain(
    call: typer.Context,
    target: Annotated[
        str,
        argument(
            "A stage or one of its rules, judged now and not recorded; or a recorded decision: latest, a "
            "ledger index or a digest.",
            "STAGE|RULE|DECISION",
        ),
    ],
    where: Where = HERE_ALONE,
    rule: Annotated[
        list[str] | None, option("--rule", "Show this rule, whether it holds or not. Repeatable.", "CODE")
    ] = None,
    show_successes: ShowSuccesses = False,
    output: Reports = None,
    time: EffectiveTime = None,
    allow_past_effective_time: AllowPast = False,
    policy: Policy = None,
    engine: Engine = None,
    cross_check: CrossCheck = False,
    no_cache: NoCache = False,
    language: Language = "en",
    no_color: NoColor = False,
) -> None:
    """Show why a stage has its verdict, down to the evidence, and what would change it."""
    outputs = parse_outputs(output, registry.names(output or ()))
    reports = [registry.load("explain" if item.format == "table" else item.format) for item in outputs]
    check_language(language)
    refuse_for_formats(call, outputs)
    context = where.open(policy, no_cache=no_cache, engine=engine, cross_check=cross_check)
    if code := _code(context.plan, target):
        target, rule = code.partition(".")[0], [code, *(rule or ())]
    if target in context.plan.stages or target == ALL:
        moment = effective_time(context, time, allow_past=allow_past_effective_time)
        with progress():
            decision, entry = service.evaluate(context, target, moment).decision, None
    else:
        judging = ("time", "allow_past_effective_time", "policy", "engine", "cross_check", "no_cache")
        refuse_unheeded(call, "a recorded decision is not judged again", *judging)
        decision, entry = recording.find(context, target, config_dir())
    rules = tuple(code for name in rule or () for code in _rules(decision, name))
    shown: dict[str, Any] = {"successes": show_successes, "rules": rules, "language": language}
    shown["arguments"] = where.arguments(policy)
    pairs = zip(outputs, reports, strict=True)
    write_reports(pairs, decision, entry, where, no_color=no_color, **shown)


def _code(plan: Plan, name: str) -> str | None:
    """The rule's code where that is what is named: in full, or as screens print it where one stage is judged.

    Raises UsageError: several stages have a rule of that name.
    """
    if name.partition(".")[0] in plan.stages:
        return name if "." in name else None
    codes = [rule.code for stage in plan.stages.values() for rule in stage.rules]
    found = [code for code in codes if code.rpartition(".")[2] == name]
    if len(found) > 1:
        raise UsageError(f"several rules are called {name}", remedy=f"name one: {', '.join(found)}")
    return found[0] if found else None


def _rules(decision: Decision, name: str) -> list[str]:
    """Codes of the judged rules of that code or short name."""
    codes = [check.code for check in decision.checks]
    found = [code for code in codes if name in (code, code.rpartition(".")[2])]
    if found:
        return found
    near = nearest(name, [*codes, *(code.rpartition(".")[2] for code in codes)])
    remedy = f"did you mean {near!r}?" if near else "`gate explain STAGE --show-successes` shows all rules"
    raise UsageError(f"no rule {name!r} was judged", remedy=remedy)


@app.command()
def collect(
    collector: Annotated[
        list[str] | None, argument("Collectors to run; all if none.", "[COLLECTOR]…")
    ] = None,
    where: Where = HERE_ALONE,
    output: Outputs = None,
    no_cache: NoCache = False,
) -> None:
    """Print the facts that collectors find, without judging them; exit 1 when evidence was rejected."""
    from ..report.facts import RENDERERS

    outputs = parse_outputs(output, tuple(RENDERERS))
    context = where.open(no_cache=no_cache)
    ids = unique(collector) or tuple(available(context.config))
    with progress():
        evidence = service.collect(context, ids)
    write_all(outputs, RENDERERS, evidence)
    problems = [problem for item in evidence.values() for problem in item.problems]
    raise typer.Exit(1 if any(problem.kind is ProblemKind.REJECTED for problem in problems) else 0)


@app.command()
def status(
    where: Where = HERE_ALONE,
    output: Annotated[list[str] | None, output_option("table (default), json or markdown")] = None,
    no_color: NoColor = False,
) -> None:
    """Show each stage's latest recorded verdict, since when, for which commit, and whether it is current."""
    from ..report.status import RENDERERS

    outputs = parse_outputs(output, tuple(RENDERERS))
    rows = recording.status(where.open(), config_dir())
    show_all(outputs, RENDERERS, no_color, rows)
    raise typer.Exit(1 if any(row.problem is not None for row in rows) else 0)
