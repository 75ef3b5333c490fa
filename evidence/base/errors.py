"""Every error a user can meet, by whose fault it is.

::

    GateError
    ├── UsageError           the command line asks for something impossible
    ├── ConfigError          gate.yaml (or an environment variable) is wrong
    ├── EvidenceError        a file that is evidence is malformed, hostile or unreadable
    ├── PluginError          a plug-in does not keep to its interface, fails or hangs
    ├── PolicyError          the policy bundle is wrong
    ├── EngineError          the policy engine failed, or a policy ran away
    ├── LedgerError          the ledger is damaged, foreign or tampered with
    ├── EnvironmentProblem   the machine lacks something (disk, permission, program)
    └── InternalError        our own mistake

The text of an error is where it is raised; about a setting, in ``engine/config/errors.py``.

An error is not a verdict: one that reaches the command line ends it with exit code 2. An EvidenceError of a
collector does not reach it: its facts are rejected evidence, and the rest is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

CANNOT_DECIDE = 2

_ACCOUNT = re.compile(
    # each begins with its letter, which is searched for many times faster than what stands before it
    r"(DUSIM(?<![A-Za-z0-9]DUSIM)|D[UFI](?<![A-Za-z0-9]D.)"
    r"|U(?<![A-Za-z0-9]U)|F(?<![A-Za-z0-9]F)|I(?<![A-Za-z0-9]I))\d{3,}(\d{2})(?![A-Za-z0-9])"
)
"""Account ids of Interactive Brokers: U, F (advisor) or I, each with D before it for paper trading, and DUSIM
of the simulator. Today's have six to nine digits; IBKR's API samples have older ones of five (DU74649). With
four digits they would be rule ids of linters, such as Pylint's F0001."""

_DIGITS = re.compile(r"\d{5}")
"""What each of them has."""

_COLOURED = re.compile(
    r"((?:\x1b|\\u001b)\[[0-9;]{0,20}[A-Za-z](?:DUSIM|D[UFI]|[UFI]))\d{3,}(\d{2})(?![A-Za-z0-9])"
)
"""Those right after the escape sequence of a colour, which ends with a letter."""

_VERBS = frozenset({"cannot", "does", "has", "holds", "is", "names"})
"""What is wrong with a file may begin with one of these; the file's name goes before it."""


def masked(text: str) -> str:
    """The text with the middle of everything that looks like a broker account number hidden.

    Messages quote what a file contains, and no message may show an account number in full.
    """
    if _DIGITS.search(text) is None:  # most texts; far quicker to tell
        return text
    if "\x1b[" in text or "\\u001b[" in text:
        text = _COLOURED.sub(r"\1****\2", text)
    return _ACCOUNT.sub(r"\1****\2", text)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where none is similar."""
    from difflib import get_close_matches  # only errors need it

    return next(iter(get_close_matches(name, list(known), n=1)), None)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Advice about a mistyped name: the known one that was probably meant, and all of them."""
    names = list(known)
    meant = nearest(name, names)
    return f"{f'did you mean {meant!r}? ' if meant else ''}known: {', '.join(names)}"


class GateError(Exception):
    """Base of all errors shown to users: what is wrong and what to do about it, one sentence each.

    ``path`` is relative to the workspace where possible; ``place`` is ``line 3, column 7`` or a JSON pointer;
    ``excerpt`` has the line of the file and the sign below it that points to the place, where they are known.
    """

    exit_code = CANNOT_DECIDE
    title = "error"
    excerpt: tuple[str, ...] = ()

    def __init__(
        self, what: str, *, path: str | None = None, place: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.path = path
        self.place = place
        self.remedy = remedy

    @property
    def reason(self) -> str:
        """The error within a sentence: what is wrong, and where."""
        return f"{self.what} ({self._where})" if self._where else self.what

    @property
    def _where(self) -> str:
        return ", ".join(part for part in (self.path, self.place) if part)

    def diagnostics(self) -> str:
        """The error as a person reads it: what, where and what to do, a line each, and the excerpt."""
        what, where = self.what, self._where
        if self.path and what.partition(" ")[0] in _VERBS:
            what, where = f"{self.path} {what}", self.place or ""
        lines = [f"{self.title}: {what}"]
        if where:
            lines.append(f"  where: {where}")
        lines += (f"  {line}" for line in self.excerpt)
        if self.remedy is not None:
            lines.append(f"  to do: {self.remedy}")
        # a line break in a file's name or content must not look like a line of ours
        return masked("\n".join("\\n".join(line.splitlines()) for line in lines))


class UsageError(GateError):
    """The command line asks for something that does not exist or does not fit together."""

    title = "usage error"


class ConfigError(GateError):
    """``gate.yaml`` or a ``GATE_*`` variable is malformed or contradicts itself."""

    title = "configuration error"


class EvidenceError(GateError):
    """A file that is evidence is malformed, hostile, unreadable or changed while it was read."""

    title = "evidence error"


class PluginError(GateError):
    """A plug-in cannot be loaded, fails, hangs, or gives what its interface does not allow."""

    title = "plug-in error"


class PolicyError(GateError):
    """The policy bundle cannot be used: it does not parse, or breaks a rule every bundle must keep."""

    title = "policy error"


class EngineError(GateError):
    """The policy engine failed or was ended: a run-away policy, a crash, an unreachable server."""

    title = "policy engine error"


class LedgerError(GateError):
    """The ledger is damaged, belongs to another key, or was tampered with."""

    title = "ledger error"


class EnvironmentProblem(GateError):
    """The machine lacks something we need: space, a permission, a program."""

    title = "environment problem"


def not_installed(what: str, extra: str, error: ImportError) -> EnvironmentProblem:
    """The error that something needs a library of one of gate's extras; ``error`` names the library."""
    return EnvironmentProblem(
        f"{what} needs a library that is not installed: {error.name}",
        remedy=f'pip install "compliance-gate[{extra}]"',
    )


class InternalError(GateError):
    """A mistake of ours, never the user's."""

    title = "internal error"


class ManyErrors(GateError):
    """Several independent errors found in one step; at least two, in a stable order."""

    def __init__(self, errors: Sequence[GateError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)

    def diagnostics(self) -> str:
        """All of them, one after the other."""
        return "\n".join(error.diagnostics() for error in self.errors)


def raise_all(errors: Sequence[GateError]) -> None:
    """Raise the only error, or all of them as one; do nothing when there is none.

    The same problem met twice (two collectors reading one broken file) is reported once.
    """
    unique = list({error.diagnostics(): error for error in errors}.values())
    if len(unique) == 1:
        raise unique[0]
    if unique:
        raise ManyErrors(unique)
