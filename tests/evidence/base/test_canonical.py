"""Canonical bytes against the RFC 8785 library, and the manifest against sha256sum."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.canonical import MAX_SAFE_INTEGER, canonical, manifest_bytes, sha256_hex
from gate.evidence.base.errors import InternalError

KEYS = st.text(st.characters(codec="ascii"), max_size=8)
PROFILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


@given(PROFILE)
def test_canonical_is_rfc_8785(value: Any) -> None:
    """On the profile the bytes are those of the reference library, and parse back to the value."""
    data = canonical(value)
    assert data == rfc8785.dumps(value)
    assert data == orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    assert json.loads(data) == value


@given(st.dictionaries(KEYS, st.integers(0, 9), max_size=6), st.randoms())
def test_canonical_ignores_the_order_of_keys(value: dict[str, int], random: Any) -> None:
    """Key order in memory does not matter."""
    items = list(value.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(value)


def test_tuples_are_lists() -> None:
    """A tuple is written as an array."""
    assert canonical((1, (2,))) == b"[1,[2]]"


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**53,
        -(2**53),
        {"é": 1},
        {1: 2},
        b"x",
        {"a": {1, 2}},
        "\ud800",
        object(),
        [[[0.0]]],
    ],
)
def test_outside_of_the_profile_is_our_mistake(value: Any) -> None:
    """Floats, large integers, other keys, bytes, sets and lone surrogates are internal errors."""
    with pytest.raises(InternalError):
        canonical(value)


def test_bottomless_values_are_our_mistake() -> None:
    """Nesting that the writer cannot follow is an internal error, no crash."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InternalError):
        canonical(value)
    while value:  # taken apart by hand: the interpreter would recurse
        value = value[0]


@given(st.binary(max_size=100))
def test_sha256_hex(data: bytes) -> None:
    """The digest is SHA-256 in lower-case hexadecimal."""
    assert sha256_hex(data) == hashlib.sha256(data).hexdigest()


def test_manifest_is_what_sha256sum_prints(make_workspace: Callable[..., Path]) -> None:
    """The manifest of files with spaces, quotes and several scripts is sha256sum's output in byte order."""
    files = {
        name: name for name in ("b", "a b", "Z", "é", "שלום", "*star", "'q'", "😀", "\uff5e", "a/b", "a-b")
    }
    root = make_workspace(files)
    names = sorted(files, key=str.encode)
    real = subprocess.run(["sha256sum", "--", *names], cwd=root, capture_output=True, check=True).stdout
    assert manifest_bytes({name: sha256_hex(name.encode()) for name in files}) == real
