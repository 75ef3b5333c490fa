"""The service's log: a JSON object a line on standard error, with nothing of a header, a query or a body."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from ....evidence.base.times import format_utc
from ...terminal.figures import printable

LOGGER: Final = logging.getLogger("gate.serve")
_LONGEST: Final = 300


def to_stderr() -> None:
    """Write what the service and the server say to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    for logger, level in ((LOGGER, logging.INFO), (logging.getLogger("uvicorn.error"), logging.ERROR)):
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def tell(event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Write an event with its fields to the service's log."""
    LOGGER.log(level, event, extra={"fields": fields})


def notice(text: str) -> None:
    """Log a warning that is written for people."""
    tell("notice", logging.WARNING, text=text)


class _Lines(logging.Formatter):
    """Each record as one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        found: dict[str, Any] = {
            "time": format_utc(int(record.created)),
            "level": record.levelname.lower(),
            "event": _shown(record.getMessage()),
        }
        for name, value in getattr(record, "fields", {}).items():
            found[name] = _shown(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1] is not None:
            found |= of_error(record.exc_info[1])
        return orjson.dumps(found).decode()


def of_error(error: BaseException) -> dict[str, str]:
    """What is logged about an exception: its kind, its text, and where it was raised."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    at = "" if last is None else f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
    return {"error": type(error).__name__, "text": _shown(str(error)), "at": at}


def _shown(text: str) -> str:
    """In one line for every reader of lines, and harmless on a terminal."""
    return printable(text[:_LONGEST].encode("utf-8", "backslashreplace").decode())
