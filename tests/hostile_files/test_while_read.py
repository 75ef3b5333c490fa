"""What happens to a file while it is read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from .files import Gate, collect, collectors, expect

MEDDLE = """\
import os

real, name, how = os.read, os.environ["MEDDLE_WITH"], os.environ["MEDDLE_HOW"]
opened = os.open


def read(fd, count):
    data = real(fd, count)
    path = os.readlink(f"/proc/self/fd/{fd}")
    if path.endswith("/" + name) and data:
        if how == "truncate":
            os.truncate(path, 1)
        elif how == "append":
            with open(path, "ab") as file:
                file.write(b" ")
        elif how == "replace":
            with open(path + ".new", "wb") as file:
                file.write(b"something else")
            os.replace(path + ".new", path)
    return data


def open_(path, *arguments, **more):
    if how == "refuse" and os.fsdecode(path).endswith(os.path.basename(name)):
        raise PermissionError(13, "Permission denied", path)
    return opened(path, *arguments, **more)


os.read, os.open = read, open_
"""
"""Runs in the program's own process and does what another process might do at the worst moment."""


CHANGED, REFUSED = "changed while it was read", "cannot be opened: Permission denied"


@pytest.mark.parametrize(
    ("path", "how", "said"),
    [
        ("ACCOUNT_CONFIG.json", "truncate", CHANGED),
        pytest.param("ACCOUNT_CONFIG.json", "append", CHANGED, marks=pytest.mark.soak),
        ("ACCOUNT_CONFIG.json", "refuse", REFUSED),
        ("junit.xml", "truncate", CHANGED),
        ("messages/order_intents.jsonl", "truncate", CHANGED),
        *(
            pytest.param(path, how, said, marks=pytest.mark.soak)
            for path in ("junit.xml", "messages/order_intents.jsonl")
            for how, said in (("append", CHANGED), ("refuse", REFUSED))
        ),
    ],
)
def test_a_file_that_does_not_hold_still_is_refused(
    program: Gate, workspace: Path, tmp_path: Path, path: str, how: str, said: str
) -> None:
    """Cut off, appended to or replaced between two reads; or not readable at all, which root never meets."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(MEDDLE)
    env = {"PYTHONPATH": str(tmp_path / "site"), "MEDDLE_WITH": path, "MEDDLE_HOW": how}
    expect(collect(program, workspace, *collectors([path]), env=env), [path], said)


def test_the_digest_is_that_of_the_bytes_that_were_parsed(
    program: Gate, workspace: Path, tmp_path: Path
) -> None:
    """A file that another one takes the place of is evidence as it was read, digest and all."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(MEDDLE)
    path = "ACCOUNT_CONFIG.json"
    env = {"PYTHONPATH": str(tmp_path / "site"), "MEDDLE_WITH": path, "MEDDLE_HOW": "replace"}
    digest = hashlib.sha256((workspace / path).read_bytes()).hexdigest()
    run = program("collect", "account", "-w", workspace, "-o", "json", "--no-cache", env=env)
    assert (run.code, run.err) == (0, "")
    assert [file["sha256"] for file in json.loads(run.out)["account"]["files"]] == [digest]
    assert (workspace / path).read_bytes() == b"something else"
