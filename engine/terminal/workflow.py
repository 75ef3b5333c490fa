"""Commands to GitHub's workflow runner, with every escape that its grammar has.

Grammar: https://docs.github.com/actions/reference/workflow-commands-for-github-actions. A command is one
line, ``::name key=value,key=value::data``. The runner undoes ``%0A``, ``%0D`` and ``%25`` in data, and
``%3A`` and ``%2C``, too, in values.
"""

from __future__ import annotations

from collections.abc import Mapping

from .figures import printable


def command(name: str, values: Mapping[str, str | int | None], data: str) -> str:
    """One line that tells the runner something, such as an annotation.

    Args:
        name: ``error``, ``warning`` or ``notice``.
        values: what is about it: ``file``, ``line``, ``col``, ``title``; those that are None are left out.
        data: the message, of any number of lines; nothing in it is a command, and no account number is in it.
    """
    given = ",".join(f"{key}={_value(value)}" for key, value in values.items() if value is not None)
    return f"::{name} {given}::{_data(data)}\n" if given else f"::{name}::{_data(data)}\n"


def _data(text: str) -> str:
    return "%0A".join(printable(line).replace("%", "%25") for line in text.split("\n"))


def _value(value: str | int) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
