"""Which implementation serves a URL."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.engine.ledger import open_ledger, open_reader, verify_ledger
from gate.engine.store import open_store
from gate.evidence.base.errors import ConfigError, PluginError
from gate.evidence.signing.keys import LogKey

KEY = LogKey.from_seed(bytes(range(32)))
ATTEMPTS: list[Callable[[str], Any]] = [
    lambda url: open_ledger(url, KEY),
    open_reader,
    verify_ledger,
    open_store,
]


@pytest.mark.parametrize("prefix", ["", "file:", "FILE:", "file://"])
def test_files_are_named_by_path_or_url(tmp_path: Path, prefix: str) -> None:
    with open_ledger(f"{prefix}{tmp_path / 'ledger'}", KEY) as ledger:
        assert ledger.name == str(tmp_path / "ledger")
    assert (tmp_path / "ledger" / "trust" / "log.vkey").is_file()


def test_a_path_may_be_relative_and_have_a_colon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_ledger("file:one", KEY).close()
    open_ledger(Path("a:b"), KEY).close()
    assert sorted(os.listdir()) == ["a:b", "one"]  # noqa: PTH208 - names only


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_unknown_scheme_is_refused_with_those_that_are_known(
    attempt: Callable[[str], Any], memory_plugin: Any
) -> None:
    with pytest.raises(ConfigError) as caught:
        attempt("memroy:x")
    assert "at memroy: is not supported" in caught.value.what
    assert str(caught.value.remedy).startswith("did you mean memory:? known: ")
    assert "file:, memory:, " in str(caught.value.remedy)


@pytest.mark.parametrize("url", ["file:", "file://host/x", "file:a\0b"])
def test_a_file_url_that_names_no_directory_here_is_refused(url: str) -> None:
    for attempt in ATTEMPTS:
        with pytest.raises(ConfigError, match="names"):
            attempt(url)


def test_a_distribution_that_cannot_be_loaded_is_named(memory_plugin: Any) -> None:
    with pytest.raises(PluginError, match=r"'broken' \(gate-memory [0-9.]+\) cannot be loaded"):
        open_reader("broken:x")


def test_no_other_distribution_is_looked_for_when_gate_serves_the_scheme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking takes longer than recording a decision."""
    monkeypatch.setattr("importlib.metadata.entry_points", None)
    open_ledger(tmp_path / "ledger", KEY).close()
    open_store(tmp_path / "store").close()
