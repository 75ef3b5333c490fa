"""Errors of another process, as JSON-like values on their way back."""

from __future__ import annotations

from typing import Any

from ...evidence.base import errors
from ...evidence.base.errors import EnvironmentProblem, GateError, InternalError, ManyErrors


def sent(error: GateError) -> dict[str, Any]:
    """What a process sends of an error; the class is the nearest that is not a special case."""
    named = {name: getattr(error, name) for name in ("path", "place", "remedy")}
    kind = next(one for one in type(error).__mro__ if getattr(errors, one.__name__, None) is one)
    kind = EnvironmentProblem if kind is ManyErrors else kind
    return {"kind": kind.__name__, "what": error.what, **named}


def received(message: dict[str, Any]) -> GateError:
    """The error that a process sent."""
    kind = getattr(errors, str(message["kind"]), None)
    if not (isinstance(kind, type) and issubclass(kind, GateError)):
        kind = InternalError
    error: GateError = kind(message["what"], **{name: message[name] for name in ("path", "place", "remedy")})
    return error
