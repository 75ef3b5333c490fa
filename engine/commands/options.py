"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import shutil
import sys
import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar, cast, get_type_hints

import typer
from typer.core import TyperGroup

from ...evidence.base.errors import UsageError
from ...evidence.base.times import format_utc, parse_rfc3339
from .. import trust
from ..collectors import Places
from ..context import Context, open_context
from ..decide.recorded import Time
from ..terminal.console import log_to_stderr
from ..terminal.lines import Screen
from ..terminal.outputs import Output, write

if TYPE_CHECKING:
    from typer._click import Context as Invocation
    from typer._click import HelpFormatter

Function = TypeVar("Function", bound=Callable[..., Any])


class Commands(typer.Typer):
    """A typer application whose commands have the options of `with_shared_options`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(rich_markup_mode=None, add_completion=False, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:
        """Register a function as the command of that name."""
        register = super().command(name, **settings)
        return lambda function: register(with_shared_options(function))


class Group(TyperGroup):
    """A group that lists the whole line about each of its commands."""

    def format_commands(self, ctx: Invocation, formatter: HelpFormatter) -> None:
        """List the commands, without shortening what is said about them."""
        with formatter.section("Commands"):
            lines = [(name, (one.help or "").partition("\n")[0]) for name, one in self.commands.items()]
            formatter.write_dl(lines)


def command_group(name: str, about: str, kind: type[Group] = Group) -> Commands:
    """A group of commands, such as ``gate ledger``, that shows its help when no command is named."""
    names = {"help_option_names": ["-h", "--help"]}
    return Commands(name=name, cls=kind, help=about, no_args_is_help=True, context_settings=names)


class _Command:
    """See `with_shared_options`; what the options are is found out when somebody asks for the signature."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    @functools.cached_property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self._function, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for one in signature.parameters.values():
            parameters += _parameters(Where) if one.annotation is Where else [one]
        return signature.replace(parameters=[*parameters, *_parameters(_talk)])

    def __call__(self, **given: Any) -> Any:
        names = inspect.signature(self._function).parameters
        if "where" in names:
            given["where"] = Where(*(given.pop(name) for name in Where._fields))
        return self._function(**{name: given[name] for name in names})


def with_shared_options(function: Function) -> Function:
    """The function of a command, with ``--verbose`` and ``--debug``.

    For a parameter ``where`` of the class `Where`, there are the three options that it has.
    """
    return cast(Function, _Command(function))


@functools.cache
def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    hints = get_type_hints(function, include_extras=True)
    found = inspect.signature(function).parameters.values()
    return [one.replace(annotation=hints[one.name]) for one in found]


def option(names: str, about: str, metavar: str | None = None, **settings: Any) -> Any:
    """The option of these names, separated by blanks, and what ``--help`` says about it."""
    return typer.Option(*names.split(), help=about, metavar=metavar, **settings)


def argument(about: str, metavar: str | None = None, **settings: Any) -> Any:
    """An argument, and what ``--help`` says about it."""
    return typer.Argument(help=about, metavar=metavar, **settings)


def _verbose(wanted: bool) -> bool:
    if wanted:
        log_to_stderr()
    return wanted


Workspace = Annotated[
    Path, option("--workspace -w", "Directory that is judged.", "DIR", envvar="GATE_WORKSPACE")
]
Debug = Annotated[bool, option("--debug", "Show a traceback when something goes wrong.")]
Verbose = Annotated[
    bool, option("--verbose -v", "Log what is read and run.", callback=_verbose, is_eager=True)
]
Quiet = Annotated[bool, option("--quiet -q", "Print nothing but errors.")]
Language = Annotated[
    str,
    option(
        "--language",
        "Language of the audit report's words: en or he; data stay in their own.",
        "LANG",
        envvar="GATE_LANGUAGE",
    ),
]
NoColor = Annotated[bool, option("--no-color", "No colours (as the NO_COLOR variable).")]
Policy = Annotated[
    str | None,
    option(
        "--policy -p",
        "Judge with this policy bundle: a directory or archive, REF:DIR of a commit, or shipped[:NAME].",
        "BUNDLE",
        envvar="GATE_POLICY",
    ),
]
Engine = Annotated[
    str | None,
    option(
        "--engine",
        "Judge with this policy engine: embedded, opa (starts a server), opa=URL, or a plug-in's.",
        "NAME",
        envvar="GATE_ENGINE",
    ),
]
CrossCheck = Annotated[
    bool,
    option(
        "--cross-check",
        "Judge with the embedded engine and OPA; refuse a verdict on which they differ.",
        envvar="GATE_CROSS_CHECK",
    ),
]
EffectiveTime = Annotated[
    str | None,
    option(
        "--effective-time", "Judge as of this time: now, or RFC 3339.", "TIME", envvar="GATE_EFFECTIVE_TIME"
    ),
]
AllowPast = Annotated[
    bool, option("--allow-past-effective-time", "Accept an effective time in the past; it is recorded.")
]
NoCache = Annotated[
    bool,
    option("--no-cache", "Read all evidence again and store nothing in the cache.", envvar="GATE_NO_CACHE"),
]
Operator = Annotated[
    Path | None,
    option(
        "--operator",
        "Judge by the settings in this operator's file, or in operator.yaml of this directory.",
        "FILE|DIR",
        envvar="GATE_OPERATOR",
    ),
]
TrustRef = Annotated[
    str | None,
    option(
        "--trust-ref",
        "Judge by the settings, policies and signers of this branch, tag or commit.",
        "REF",
        envvar="GATE_TRUST_REF",
    ),
]


def output_option(formats: str, variable: str | None = "GATE_OUTPUT") -> Any:
    """The option ``--output``, whose help names the formats; without a table, no variable sets it."""
    return option(
        "--output -o",
        f"How to print: {formats}; =PATH writes a file. Repeatable.",
        "FORMAT[=PATH]",
        envvar=variable,
    )


Outputs = Annotated[list[str] | None, output_option("table (default) or json")]
Jobs = Annotated[
    int | None,
    option(
        "--jobs -j",
        "Processes of this machine that do the work; by default one for each core.",
        "N",
        min=1,
        max=64,
    ),
]
Cluster = Annotated[
    str | None,
    option(
        "--cluster",
        "Have the workers of this Dask cluster do the work: dask://HOST:PORT or tls://HOST:PORT.",
        "URL",
    ),
]
DECISION = "latest, a stage (the latest decision that judged it), a ledger index or a digest"
"""How commands have recorded decisions named, for ``--help``; `recording.located` finds them."""
HERE = Path()
_TIME_SOURCES = {trust.JUDGED: "gate.yaml", trust.OPERATOR: "operator", trust.TRUST_REF: "trust ref"}


class Where(NamedTuple):
    """The options that say which workspace is judged, and by whose settings."""

    workspace: Workspace = HERE
    operator: Operator = None
    trust_ref: TrustRef = None

    def open(
        self,
        policy: str | None = None,
        *,
        no_cache: bool = True,
        engine: str | None = None,
        cross_check: bool = False,
    ) -> Context:
        """The workspace ready to be judged, with results of earlier runs unless ``no_cache``.

        Args:
            policy: a bundle's name, see :func:`~gate.engine.workbench.bundles.find_bundle`.
        """
        bundle = None
        if policy is not None:
            from ..workbench.bundles import find_bundle

            bundle = find_bundle(policy, HERE)
        places = None if no_cache else Places(_directory("GATE_CACHE_DIR", "user_cache_path"), config_dir())
        return open_context(
            self.workspace, bundle, places, self.operator, self.trust_ref, engine, cross_check
        )

    def arguments(self, policy: str | None = None) -> str:
        """The options that another command needs to judge the same by the same."""
        options = {
            "--workspace": None if self.workspace == HERE else str(self.workspace),
            "--operator": None if self.operator is None else str(self.operator),
            "--trust-ref": self.trust_ref,
            "--policy": policy,
        }
        given = {name: value for name, value in options.items() if value is not None}
        return "".join(f" {name} {shlex.quote(value)}" for name, value in given.items())


HERE_ALONE = Where()


def _talk(verbose: Verbose = False, debug: Debug = False) -> None:
    """Nothing: the options that every command has."""


def config_dir() -> Path:
    """The user's configuration directory."""
    return _directory("GATE_CONFIG_DIR", "user_config_path")


def _directory(variable: str, usual: str) -> Path:
    """What the environment variable names, or else what ``platformdirs`` calls the usual place."""
    if given := os.environ.get(variable):
        return Path(given)
    import platformdirs

    found: Path = getattr(platformdirs, usual)("gate", appauthor=False)
    return found


def now() -> int:
    """The time, epoch seconds."""
    return int(clock.time())


def write_all(outputs: Sequence[Output], renderers: Mapping[str, Callable[..., bytes]], *found: Any) -> None:
    """Write what was found in each of the formats asked for, by the renderers of these formats."""
    for item in outputs:
        write(item, renderers[item.format](*found))


def show_all(
    outputs: Sequence[Output], renderers: Mapping[str, Callable[..., bytes]], no_color: bool, *found: Any
) -> None:
    """As `write_all`, for renderers whose last argument is the screen that they write for."""
    show_pages(outputs, no_color, lambda form, page: renderers[form](*found, page))


def show_pages(outputs: Sequence[Output], no_color: bool, render: Callable[[str, Screen], bytes]) -> None:
    """Write what a function makes of each format asked for, and of the screen that is written for."""
    for item in outputs:
        write(item, render(item.format, screen(no_color=no_color, to_file=item.path is not None)))


def screen(*, no_color: bool, to_file: bool = False, workspace: Path = HERE) -> Screen:
    """The terminal that a report is written for; a file is as wide as usual and has no colours."""
    terminal = not to_file and sys.stdout is not None and sys.stdout.isatty()
    color = terminal and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size((100, 40)).columns
    here, path = HERE.resolve(), workspace.resolve()
    folder = path.relative_to(here).as_posix() if path != here and path.is_relative_to(here) else ""
    return Screen(width=max(60, min(width, 200)), color=color, folder=folder)


def workers(context: Context, jobs: int | None, cluster: str | None) -> tuple[int | None, str | None]:
    """Who does the work: so many processes of this machine, or the cluster of the flag or the operator."""
    return jobs, context.authority.cluster if jobs is None and cluster is None else cluster


def effective_time(context: Context, text: str | None, *, allow_past: bool) -> Time:
    """The effective time: of the flag, else of the settings, else of the clock.

    Raises UsageError: it is no time, or in the past without being allowed to.
    """
    pinned = context.config.effective_time
    if text is None and pinned is not None:
        source = context.authority.trust.settings["effective_time"]
        return Time(format_utc(parse_rfc3339(pinned)), _TIME_SOURCES[source])
    if text is None or text == "now":
        return Time(format_utc(now()), "clock")
    try:
        moment = parse_rfc3339(text)
    except ValueError as error:
        raise UsageError(str(error), remedy="give --effective-time now, or a time with its zone") from error
    if moment < now() and not allow_past:
        remedy = "add --allow-past-effective-time if that is meant; the decision will say so"
        raise UsageError(f"the effective time {format_utc(moment)} is in the past", remedy=remedy)
    return Time(format_utc(moment), "flag")


def refuse_unheeded(call: typer.Context, why: str, *names: str, remedy: str = "leave out {option}") -> None:
    """Refuse options of the command line that would have no effect, and say why they would not.

    What environment variables set is left alone: they are set once for many commands.

    Args:
        names: of the command's parameters.

    Raises UsageError: one of them is given.
    """
    for one in call.command.params:
        source = call.get_parameter_source(one.name or "")
        if one.name in names and source is not None and source.name == "COMMANDLINE":
            option = max(one.opts, key=len)
            raise UsageError(f"{option} has no effect: {why}", remedy=remedy.format(option=option))


def unique(names: Iterable[str] | None) -> tuple[str, ...]:
    """The names without repetitions, in their order."""
    return tuple(dict.fromkeys(names or ()))
