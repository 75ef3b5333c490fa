"""The command line: arguments, exit codes and printing.

Logic lives in ``engine/``; heavy imports wait for the command that needs them.

Exit codes: 0 PASS (or success), 1 FAIL, 2 could not decide, 3 CONDITIONAL.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.exceptions import Abort, TyperException

from . import __version__
from .evidence.base.errors import EnvironmentProblem, GateError, InternalError, UsageError

if TYPE_CHECKING:
    from .engine.collecting import Places
    from .engine.run import Setting, Time

PASS, FAIL, CANNOT_DECIDE, CONDITIONAL = 0, 1, 2, 3

app = typer.Typer(
    name="gate",
    help="Judge whether a system may go live: evidence in, verdict out, every decision in a signed ledger.",
    epilog="Exit codes: 0 PASS, 1 FAIL, 2 could not decide, 3 CONDITIONAL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
ledger_app = typer.Typer(help="Read and verify the ledger of decisions.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")

Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace", "-w", envvar="GATE_WORKSPACE", help="Directory that is judged.", metavar="DIR"
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback when something goes wrong.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours (as the NO_COLOR variable).")]
Policy = Annotated[
    Path | None,
    typer.Option("--policy", "-p", envvar="GATE_POLICY", help="Judge with this bundle.", metavar="DIR"),
]
EffectiveTime = Annotated[
    str | None,
    typer.Option(
        "--effective-time",
        envvar="GATE_EFFECTIVE_TIME",
        help="Judge as of this time: now, or RFC 3339.",
        metavar="TIME",
    ),
]
AllowPast = Annotated[
    bool,
    typer.Option("--allow-past-effective-time", help="Accept an effective time in the past; it is recorded."),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache", envvar="GATE_NO_CACHE", help="Read all evidence anew and remember nothing of it."
    ),
]
HERE = Path()


class FactsFormat(StrEnum):
    """How ``gate collect`` prints."""

    TEXT = "text"
    JSON = "json"


class SignoffVerdict(StrEnum):
    """What a person decides in a sign-off."""

    APPROVE = "approve"
    REJECT = "reject"
    CONDITIONAL = "conditional"


def main() -> None:
    """Run the program and exit; every error becomes one explanation and exit code 2, never a verdict."""
    # a short process that mostly imports: collecting garbage as often as usual would cost a tenth of its time
    gc.set_threshold(50_000, 50, 100)
    # no code of other packages may look into the models' validation, and looking for such code takes time
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    try:
        code = app(prog_name="gate", standalone_mode=False)
    except (KeyboardInterrupt, Abort) as error:
        _fail(error, "interrupted; nothing was decided", CANNOT_DECIDE)
    except TyperException as error:
        _fail(error, _usage(error), CANNOT_DECIDE)
    except GateError as error:
        _fail(error, error.diagnostics(), error.exit_code)
    except OSError as error:
        said = f"the system refused something: {error.strerror or error}"
        trouble: GateError = EnvironmentProblem(
            said, path=error.filename, remedy="check the machine, then run again"
        )
        _fail(error, trouble.diagnostics(), CANNOT_DECIDE)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: exit code 1 would read as FAIL
        trouble = InternalError(
            f"{type(error).__name__}: {error}", remedy="run again with --debug and report the traceback"
        )
        _fail(error, trouble.diagnostics(), CANNOT_DECIDE)
    sys.exit(code if isinstance(code, int) else PASS)


def _usage(error: TyperException) -> str:
    """What typer prints about wrong usage."""
    shown = io.StringIO()
    show: Callable[[io.StringIO], None] | None = getattr(error, "show", None)
    if show is None:
        return str(error)
    show(shown)
    return shown.getvalue()


def _fail(error: BaseException, said: str, code: int) -> NoReturn:
    if "--debug" in sys.argv[1:]:
        import traceback

        said = "".join(traceback.format_exception(error)) + said
    _say(said)
    sys.exit(code)


def _say(text: str) -> None:
    from .engine.report.figures import clean, for_people

    shown = for_people("".join(clean(line) + "\n" for line in text.splitlines()))
    # where nobody listens, the exit code still has to be right
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.buffer.write(shown.encode("utf-8", "backslashreplace"))
        sys.stderr.buffer.flush()


def _write(data: bytes) -> None:
    from .engine.outputs import write_stdout

    write_stdout(data)


def _print(text: str) -> None:
    from .engine.report.figures import for_people

    _write(for_people(text).encode("utf-8", "backslashreplace"))


def _print_written(path: Path | str) -> None:
    from .engine.report.figures import clean, for_people

    _print(for_people(clean(f"wrote {path}")) + "\n")


def _on_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _version(wanted: bool) -> None:
    if wanted:
        _print(f"gate {__version__}\n")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Judge whether a system may go live."""


def _load_recording() -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: F401 - what the ledger signs with

    from .engine import book  # noqa: F401


def _screen(*, no_color: bool) -> Any:
    import shutil

    from .engine.report.interface import Screen

    terminal = _on_terminal()
    color = terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size((110, 40)).columns
    return Screen(width=max(60, min(width, 160)), color=color)


def _now() -> int:
    import time

    return int(time.time())


def _effective_time(setting: Setting, text: str | None, *, allow_past: bool) -> Time:
    from .engine.run import Time
    from .evidence.base.times import format_utc, parse_rfc3339

    now = _now()
    if text is None and setting.config.effective_time is not None:
        return Time(format_utc(parse_rfc3339(setting.config.effective_time)), "gate.yaml")
    if text is None or text == "now":
        return Time(format_utc(now), "clock")
    try:
        moment = parse_rfc3339(text)
    except ValueError as error:
        raise UsageError(str(error), remedy="give --effective-time now, or a time with its zone") from error
    if moment < now and not allow_past:
        raise UsageError(
            f"the effective time {format_utc(moment)} is in the past",
            remedy="add --allow-past-effective-time if that is meant; the decision will say so",
        )
    return Time(format_utc(moment), "flag")


def _check_stage(setting: Setting, stage: str) -> None:
    from .engine.run import ALL

    if stage != ALL and stage not in setting.plan.stages:
        raise UsageError(
            f"there is no stage {stage!r}", remedy="known: " + ", ".join([*setting.plan.stages, ALL])
        )


def _config_dir() -> Path:
    given = os.environ.get("GATE_CONFIG_DIR")
    if given:
        return Path(given)
    from .evidence.signing.keys import default_config_dir

    return default_config_dir()


def _places(*, no_cache: bool) -> Places | None:
    if no_cache:
        return None
    from .engine.collecting import Places

    given = os.environ.get("GATE_CACHE_DIR")
    if given:
        return Places(Path(given), _config_dir())
    from platformdirs import user_cache_path

    return Places(user_cache_path("gate", appauthor=False), _config_dir())


@app.command()
def evaluate(
    stage: Annotated[str, typer.Argument(help="stage1 … stage8, or all.", metavar="STAGE")],
    workspace: Workspace = HERE,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            envvar="GATE_OUTPUT",
            help="table, json or prelive, with =PATH to write a file. Repeatable. "
            "Default: table on a terminal, json otherwise.",
            metavar="FORMAT[=PATH]",
        ),
    ] = None,
    effective_time: EffectiveTime = None,
    allow_past_effective_time: AllowPast = False,
    accept_conditional: Annotated[
        bool, typer.Option("--accept-conditional", help="Exit 0 when the verdict is CONDITIONAL.")
    ] = False,
    no_record: Annotated[bool, typer.Option("--no-record", help="Do not append to the ledger.")] = False,
    no_cache: NoCache = False,
    policy: Policy = None,
    no_color: NoColor = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Judge a stage and everything it depends on, and record the decision."""
    from .engine import outputs
    from .engine.collecting import collecting
    from .engine.config.settings import load_config
    from .engine.report.interface import Format

    wanted = outputs.parse_outputs(output or [], Format.TABLE if _on_terminal() else Format.JSON)
    config = load_config(workspace)
    # the collectors' processes start before the rest is even imported: there is something to do for two cores
    places = _places(no_cache=no_cache)
    with collecting(workspace, config, None, places) as running:
        from .engine import run

        setting = run.prepare(workspace, policy, config)
        _check_stage(setting, stage)
        outputs.keep_out(wanted, setting.ledger)
        time = _effective_time(setting, effective_time, allow_past=allow_past_effective_time)
        judged = run.evaluate(setting, stage, time, running, None if no_record else _load_recording)
    from .engine.report import render

    place = None
    if not no_record:
        from .engine import book
        from .evidence.base.times import format_utc

        place, notice = book.record(judged, _config_dir(), format_utc(_now()))
        if notice and not quiet:
            _say(notice)
    document = {**judged.decision, "ledger": place}
    for item in wanted:
        if not (quiet and item.path is None):
            screen = _screen(no_color=no_color or item.path is not None)
            outputs.write(item, render(item.format, document, screen))
    verdict = document["verdict"]
    if verdict == "CONDITIONAL":
        raise typer.Exit(PASS if accept_conditional else CONDITIONAL)
    raise typer.Exit(PASS if verdict == "PASS" else FAIL)


@app.command()
def collect(
    collector: Annotated[
        list[str] | None,
        typer.Argument(help="Collectors to run; all if none.", metavar="[COLLECTOR]…"),
    ] = None,
    workspace: Workspace = HERE,
    format_: Annotated[FactsFormat, typer.Option("--format", help="How to print.")] = FactsFormat.TEXT,
    no_cache: NoCache = False,
    debug: Debug = False,
) -> None:
    """Print the facts that collectors find, without judging them."""
    from .engine import run
    from .engine.collecting import available
    from .engine.report.facts import facts_json, facts_text

    setting = run.prepare(workspace, places=_places(no_cache=no_cache))
    ids = tuple(dict.fromkeys(collector)) if collector else tuple(available(setting.config))
    evidence = run.collect(setting, ids)
    if format_ is FactsFormat.JSON:
        _write(facts_json(evidence))
    else:
        _print(facts_text(evidence))


@app.command()
def explain(
    target: Annotated[
        str,
        typer.Argument(
            help="A stage (judged now, not recorded), or a recorded decision: its ledger index or a digest.",
            metavar="STAGE|DECISION",
        ),
    ],
    workspace: Workspace = HERE,
    effective_time: EffectiveTime = None,
    allow_past_effective_time: AllowPast = False,
    policy: Policy = None,
    no_cache: NoCache = False,
    debug: Debug = False,
) -> None:
    """Show the tree verdict → rule → operands → fact → evidence file, and what would make a rule hold."""
    from .engine import run
    from .engine.report.explain import render_explanation

    setting = run.prepare(workspace, policy, places=_places(no_cache=no_cache))
    if target in setting.plan.stages or target == run.ALL:
        time = _effective_time(setting, effective_time, allow_past=allow_past_effective_time)
        _print(render_explanation({**run.evaluate(setting, target, time).decision, "ledger": None}))
    else:
        from .engine import book

        _print(render_explanation(book.find(setting, target)))


@app.command()
def status(
    workspace: Workspace = HERE,
    output: Annotated[FactsFormat, typer.Option("--format", help="How to print.")] = FactsFormat.TEXT,
    debug: Debug = False,
) -> None:
    """Show the latest recorded verdict of each stage; PENDING where no decision has judged it."""
    from .engine import book, run
    from .engine.report.status import status_json, status_text

    rows = book.status(run.prepare(workspace))
    if output is FactsFormat.JSON:
        _write(status_json(rows))
    else:
        _print(status_text(rows))


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="The workspace.", metavar="[DIR]")] = HERE,
    debug: Debug = False,
) -> None:
    """Write a commented gate.yaml."""
    from .engine.config.scaffold import write_config

    _print_written(write_config(directory))


@app.command()
def signoff(
    stage: Annotated[str, typer.Argument(help="The stage that is signed.", metavar="STAGE")],
    role: Annotated[str, typer.Option("--role", help="Your role, as in gate.yaml.")],
    name: Annotated[str, typer.Option("--name", help="Your name.")],
    verdict: Annotated[
        SignoffVerdict, typer.Option("--verdict", help="What you decide.")
    ] = SignoffVerdict.APPROVE,
    condition: Annotated[
        list[str] | None,
        typer.Option("--condition", help="TEXT|OWNER|DUE, with --verdict conditional. Repeatable."),
    ] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="A remark.")] = None,
    signed_at: Annotated[
        str | None,
        typer.Option(
            "--at", help="When you sign: now, or RFC 3339. Default: the effective time.", metavar="TIME"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a file instead of printing.", metavar="PATH")
    ] = None,
    workspace: Workspace = HERE,
    debug: Debug = False,
) -> None:
    """Print the sign-off of a stage, for you to sign with ssh-keygen."""
    from .engine import outputs, run
    from .engine.report.interface import Format
    from .engine.signoff import prepare_signoff

    setting = run.prepare(workspace)
    if stage not in setting.plan.stages:
        raise UsageError(f"there is no stage {stage!r}", remedy="known: " + ", ".join(setting.plan.stages))
    time = _effective_time(setting, None, allow_past=True)
    moment = _effective_time(setting, signed_at or time.text, allow_past=True)
    bound = run.binding(setting, stage)
    text = prepare_signoff(
        *(setting, bound, stage, role, name, verdict.value, moment.text),
        comment=comment,
        conditions=condition or [],
    )
    if signed_at is None and time.source != "clock":
        _say(f"note: signed_at is {moment.text}, the effective time set in gate.yaml; --at gives another")
    if output is None:
        _write(text)
    else:
        target = outputs.parse_outputs([f"json={output}"], Format.JSON)[0]
        outputs.write(target, text)


@app.command()
def provenance(
    files: Annotated[list[str], typer.Argument(help="Evidence files of the workspace.", metavar="FILE…")],
    command: Annotated[
        str | None, typer.Option("--command", help="What made them, for people.", metavar="TEXT")
    ] = None,
    finished_at: Annotated[
        str | None,
        typer.Option("--at", help="When they were finished: now (default), or RFC 3339.", metavar="TIME"),
    ] = None,
    workspace: Workspace = HERE,
    debug: Debug = False,
) -> None:
    """State beside evidence files which sources and commit they were made from."""
    from .engine import run
    from .engine.stating import check_finished, state_provenance
    from .evidence.base.times import format_utc, parse_rfc3339

    now = _now()
    try:
        moment = now if finished_at in (None, "now") else parse_rfc3339(str(finished_at))
    except ValueError as error:
        raise UsageError(str(error), remedy="give --at now, or a time with its zone") from error
    check_finished(moment, now)
    for path in state_provenance(run.prepare(workspace), files, format_utc(moment), command):
        _print_written(path)


@ledger_app.command("show")
def ledger_show(
    index: Annotated[
        int | None, typer.Argument(help="Print this entry's statement.", min=0, metavar="[INDEX]")
    ] = None,
    last: Annotated[int, typer.Option("--last", help="How many entries to list.", min=1)] = 20,
    workspace: Workspace = HERE,
    debug: Debug = False,
) -> None:
    """List recorded decisions, or print one entry's statement."""
    from .engine import book, run

    text = book.show(run.prepare(workspace), index, last)
    if index is None:
        _print(text)
    else:
        _write(text.encode())


@ledger_app.command("verify")
def ledger_verify(
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="The log's verifier key, obtained elsewhere than from the ledger.", metavar="VKEY"
        ),
    ] = None,
    workspace: Workspace = HERE,
    debug: Debug = False,
) -> None:
    """Check every line, signature, checkpoint and stored document; exit 1 when something does not fit."""
    from .engine import book, run

    sound, text = book.verify(run.prepare(workspace), key, _config_dir())
    _print(text)
    raise typer.Exit(PASS if sound else FAIL)
