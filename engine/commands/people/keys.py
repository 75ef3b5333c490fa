"""``gate keys``: the keys that sign the ledger, changed by key admins; and all keys in a list."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from ....evidence.base.errors import UsageError
from ....evidence.base.times import format_utc
from ...ledger.keychain import NAMESPACE
from ...people import key_events, sshsign
from ...report.people import FORMATS, render
from ...terminal.console import write_error, write_line
from ...terminal.outputs import parse_outputs, write_new
from ..options import HERE_ALONE, Outputs, Where, argument, command_group, config_dir, now, option, show_pages
from .signoff import Key, Yes, confirm

app = command_group("keys", "Change and list the keys that sign the ledger, as its key admins decide.")


Reason = Annotated[str, option("--reason", "Why.", "TEXT")]
Request = Annotated[Path, option("--output -o", "A new file for the request.", "PATH")]
Since = Annotated[
    str | None,
    option(
        "--from",
        "First entry of the key that counts no more, or a time. Default: what comes after the event.",
        "ENTRY|TIME",
    ),
]
PublicFile = Annotated[Path, argument("The key's .pub file (Ed25519).", "KEY.pub")]
File = Annotated[Path, argument("The request.", "FILE")]
DEFAULT_REQUEST = Path("key-event.json")


@app.command("init")
def init(where: Where = HERE_ALONE) -> None:
    """Make the log key, begin the ledger, and show what to pin; nothing is ever overwritten."""
    for line in key_events.begin(where.open(), config_dir()):
        write_line(line)


@app.command("rotate")
def rotate(
    reason: Reason,
    new: Annotated[
        Path | None,
        argument(
            "The new key's .pub file (Ed25519). Default: one is made beside the log key.",
            "[KEY.pub]",
            show_default=False,
        ),
    ] = None,
    old: Annotated[
        str | None, option("--old", "The key to replace, if there are several.", "SHA256:…")
    ] = None,
    since: Since = None,
    output: Request = DEFAULT_REQUEST,
    where: Where = HERE_ALONE,
) -> None:
    """Request that another key takes the place of a log or CI key."""
    _check_new(output)
    successor = key_events.own_next_key(config_dir()) if new is None else key_events.read_public(new)
    fields = {"successor": successor, "key": old, "since": since}
    _request("rotate", reason, output, where, fields)


@app.command("revoke")
def revoke(
    key: Annotated[str, argument("The key's fingerprint.", "SHA256:…")],
    reason: Reason,
    since: Since = None,
    output: Request = DEFAULT_REQUEST,
    where: Where = HERE_ALONE,
) -> None:
    """Request that a log or CI key signs nothing more."""
    _request("revoke", reason, output, where, {"key": key, "since": since})


@app.command("add")
def add(
    new: PublicFile,
    reason: Reason,
    purpose: Annotated[
        Literal["ci", "log"], option("--purpose", "ci signs decisions only, log every kind of entry.")
    ] = "ci",
    output: Request = DEFAULT_REQUEST,
    where: Where = HERE_ALONE,
) -> None:
    """Request that a further key may sign the ledger."""
    fields = {"successor": key_events.read_public(new), "purpose": purpose}
    _request("add", reason, output, where, fields)


@app.command("admins")
def admins(
    file: Annotated[Path, argument("All key admins, in OpenSSH's allowed_signers format.", "FILE")],
    threshold: Annotated[int, option("--threshold", "How many of them must sign a key event.", "K", min=1)],
    reason: Reason,
    output: Request = DEFAULT_REQUEST,
    where: Where = HERE_ALONE,
) -> None:
    """Request that others are key admins."""
    fields = {"admins": key_events.read_text(file), "threshold": threshold}
    _request("admins", reason, output, where, fields)


@app.command("sign")
def sign(file: File, key: Key = None, yes: Yes = False) -> None:
    """Show a request, ask, and sign it with your SSH key as a key admin; the ledger need not be here."""
    data = key_events.read_request(file)
    write_error(data.decode())
    for line in key_events.about(data):
        write_error(line)
    confirm("Sign this key event?", yes)
    armored = sshsign.sign(Path.cwd(), data, NAMESPACE, sshsign.find_key(key))
    path = key_events.name_of_signature(file, armored)
    write_new(path, [armored])
    write_line(f"wrote {path}")


@app.command("apply")
def apply(file: File, where: Where = HERE_ALONE) -> None:
    """Put a request that enough key admins signed into the ledger; from then on it holds."""
    context = where.open()
    for line in key_events.apply(context, config_dir(), file, format_utc(now())):
        write_line(line)


@app.command("list")
def list_(output: Outputs = None, where: Where = HERE_ALONE) -> None:
    """List the keys of the ledger, key admins and people: since when, until when, and whether in force."""
    outputs = parse_outputs(output, FORMATS)
    found = key_events.list_keys(where.open(), config_dir())
    show_pages(outputs, False, partial(render, found, "keys"))


def _check_new(path: Path) -> None:
    """Refuse a request's file that is there, before a key is made for it. Raises UsageError: it is."""
    if path.exists():
        remedy = "name another file with -o, or remove it"
        what = "there is such a file already, and it is never replaced"
        raise UsageError(what, path=str(path), remedy=remedy)


def _request(action: str, reason: str, output: Path, where: Where, fields: dict[str, Any]) -> None:
    _check_new(output)
    given = {name: value for name, value in fields.items() if value is not None}
    data = key_events.request(where.open(), config_dir(), action, reason, **given)
    write_new(output, [data])
    write_line(
        f"wrote {output}; next: `gate keys sign {output}` by the key admins, then "
        f"`gate keys apply {output}{where.arguments()}`"
    )
