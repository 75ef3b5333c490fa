"""The program: global options, exit codes, and the one place where errors end.

Commands are modules of ``engine/commands``, imported when they are asked for.

Exit codes: 0 PASS (or success), 1 FAIL, 2 could not decide, 3 CONDITIONAL.
"""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException

from . import __version__
from .evidence.base.errors import EnvironmentProblem, GateError, InternalError
from .evidence.signing.key_sources import take_variable

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

PASS, CANNOT_DECIDE = 0, 2

COMMANDS = {
    "evaluate": ("judge", "Judge a stage and everything it depends on, and record the decision."),
    "explain": ("judge", "Show why a stage has its verdict, down to the evidence, and what would change it."),
    "collect": (
        "judge",
        "Print the facts that collectors find, without judging them; exit 1 when evidence was rejected.",
    ),
    "status": ("judge", "Show each stage's latest recorded verdict, and whether it is current."),
    "history": (
        "report.history",
        "List recorded decisions: when, which commit and policies, verdict, key figures, who signed.",
    ),
    "report": (
        "report.show",
        "Print a recorded decision in any format, figures over time, and what a change changes.",
    ),
    "fleet": (
        "report.fleet",
        "Look at many ledgers together: who may go live, what blocks, what expires, how verdicts develop.",
    ),
    "init": ("setup", "Look at a repository and write a commented gate.yaml for it."),
    "docs": ("docs", "List the pages of the documentation, or print one."),
    "signoff": ("people.signoff", "Sign off a stage with your SSH key, and list which sign-offs count."),
    "waiver": (
        "people.waiver",
        "Write, revoke and list waivers, which permit one rule to be broken for a time.",
    ),
    "notify": (
        "monitoring.tell",
        "Tell the receivers in the operator's file what changed in the ledger, each change once.",
    ),
    "metrics": ("monitoring.tell", "Print the ledger's figures for Prometheus or OpenTelemetry."),
    "provenance": ("provenance", "State beside evidence files which sources and commit they were made from."),
    "fixture": ("fixture", "Write JSON files with the digest of their data."),
    "keys": ("people.keys", "Change and list the keys that sign the ledger, as its key admins decide."),
    "policy": ("policy", "Edit, check, test and compare policy bundles."),
    "replay": ("replay", "Make recorded decisions again; exit 1 when one comes out differently."),
    "ibkr": (
        "ibkr",
        "Simulate Interactive Brokers' gateway, test clients against it, and record broker evidence.",
    ),
    "ledger": ("ledger", "Read, prove, export and verify the ledger of decisions."),
    "serve": ("serve", "Serve ledgers over HTTP to people, machines and CI jobs."),
    "record": (
        "record",
        "Export, extend and verify compliance records, which prove one decision to anybody.",
    ),
}
"""Command → its module in ``engine/commands``, and the line about it in the list of commands."""


class _Commands(TyperGroup):
    """The commands, each imported when it is asked for and not before."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Command]", dict.fromkeys(COMMANDS))

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """The command of that name."""
        return _command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@functools.cache
def _command(name: str) -> Command:
    """The command of that name; to prepare its options takes longer than many commands take."""
    module = import_module(f".engine.commands.{COMMANDS[name][0]}", __package__)
    found = typer.main.get_command(_alone(module.app, name))
    command: Command = getattr(found, "commands", {}).get(name, found)
    return command


def _alone(app: typer.Typer, name: str) -> typer.Typer:
    """The command of that name without its neighbours in the module, whose options take time to prepare."""
    found = [one for one in app.registered_commands if one.callback and one.callback.__name__ == name]
    if not found:
        return app
    alone = typer.Typer(rich_markup_mode=None, add_completion=False)
    alone.registered_commands = found
    return alone


_INTERRUPTED = 130
"""What typer makes of a KeyboardInterrupt in a command."""

app = typer.Typer(
    name="gate",
    cls=_Commands,
    help="Judge whether a system may go live: evidence in, verdict out, every decision in a signed ledger.",
    epilog="Exit codes: 0 PASS, 1 FAIL, 2 could not decide, 3 CONDITIONAL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the program and exit; every error becomes one explanation and exit code 2, never a verdict."""
    # no code of other packages may look into the models' validation, and looking for such code takes time
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    take_variable()
    try:
        code = app(prog_name="gate", standalone_mode=False)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
    except (KeyboardInterrupt, Abort) as error:
        _fail(error, "interrupted; nothing was decided", CANNOT_DECIDE)
    except TyperException as error:
        _fail(error, _usage(error), CANNOT_DECIDE)
    except GateError as error:
        _fail(error, error.diagnostics(), error.exit_code)
    except OSError as error:
        what = f"the system refused something: {error.strerror or error}"
        problem: GateError = EnvironmentProblem(
            what, path=error.filename, remedy="check the machine, then run again"
        )
        _fail(error, problem.diagnostics(), CANNOT_DECIDE)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: exit code 1 would read as FAIL
        problem = InternalError(
            f"{type(error).__name__}: {error}", remedy="run again with --debug and report the traceback"
        )
        _fail(error, problem.diagnostics(), CANNOT_DECIDE)
    sys.exit(code if isinstance(code, int) else PASS)


def _usage(error: TyperException) -> str:
    """What typer prints about wrong usage."""
    shown = io.StringIO()
    show: Callable[[io.StringIO], None] | None = getattr(error, "show", None)
    if show is None:
        return str(error)
    show(shown)
    return shown.getvalue()


def _fail(error: BaseException, message: str, code: int) -> NoReturn:
    if "--debug" in sys.argv[1:]:
        import traceback

        message = "".join(traceback.format_exception(error)) + message
    from .engine.terminal.console import write_error

    write_error(message)
    sys.exit(code)


def _version(context: typer.Context, wanted: bool) -> None:
    if not wanted:
        return
    from .engine.terminal.console import write_line, write_text

    if context.params.get("verbose"):
        from .engine.terminal.versions import report

        write_text(report())
    else:
        write_line(f"gate {__version__}")
    raise typer.Exit


@app.callback()
def top(
    context: typer.Context,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            is_eager=True,
            help="Log what is read and run, as after a command; with --version, what a bug report needs.",
        ),
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Judge whether a system may go live."""
    if verbose:
        from .engine.terminal.console import log_to_stderr

        log_to_stderr()
