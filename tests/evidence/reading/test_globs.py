"""Patterns over paths: which files they choose."""

from __future__ import annotations

import itertools
import os
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.base.errors import ConfigError
from gate.evidence.reading.workspace import Workspace, check_relative, glob_regex


def naive_match(pattern: list[str], path: list[str]) -> bool:
    """Globs component by component, without regular expressions."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(naive_match(pattern[1:], path[count:]) for count in range(len(path)))
    return bool(path) and naive_part(pattern[0], path[0]) and naive_match(pattern[1:], path[1:])


def naive_part(pattern: str, text: str) -> bool:
    """One component: ``*`` any run, ``?`` any character."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive_part(pattern[1:], text[count:]) for count in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive_part(pattern[1:], text[1:])


PARTS = st.text("ab.*?[+\n", min_size=1, max_size=3).filter(lambda part: "**" not in part)
NAMES = st.text("ab.[+\n", min_size=1, max_size=3)


@given(st.lists(PARTS | st.just("**"), min_size=1, max_size=4), st.lists(NAMES, min_size=1, max_size=4))
def test_globs_match_as_a_naive_matcher(pattern: list[str], path: list[str]) -> None:
    """``*`` and ``?`` stay within a component, ``**/`` spans any number, everything else is literal."""
    pattern = [
        part for part, following in itertools.pairwise([*pattern, ""]) if (part, following) != ("**", "**")
    ]
    if pattern[-1] == "**":
        pattern = [*pattern, "*"]
    found = glob_regex("/".join(pattern)).fullmatch("/".join(path)) is not None
    assert found == naive_match(pattern, path)


@given(st.text("ab/*?", max_size=9), st.lists(st.text("ab", min_size=1, max_size=3), max_size=5))
def test_many_wildcards_mean_what_few_do(pattern: str, names: list[str]) -> None:
    """However a glob is followed, it chooses the same paths."""
    wild = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.findall(r"\*\*/|\*\*|.", pattern)
    plain = re.compile("".join(wild.get(part) or re.escape(part) for part in parts))
    path = "/".join(names)
    assert bool(glob_regex(pattern).fullmatch(path)) == (plain.fullmatch(path) is not None)


@pytest.mark.parametrize("pattern", ["**/**/**/**/**/b", "**a**a**b", "*a*a*a*a*a*b*", "**/a*/**/a*/**/b"])
@pytest.mark.parametrize("path", ["a/" * 2000 + "c", "a" * 4000])
def test_no_pattern_of_the_change_holds_the_run_up(pattern: str, path: str) -> None:
    """Settings of the judged change may name patterns, and its files may have names that are hard to tell."""
    begin = time.process_time()
    assert not glob_regex(pattern).fullmatch(path)
    assert time.process_time() - begin < 3


def test_a_trailing_double_star_means_everything_below() -> None:
    """``docs/**`` matches at any depth below, and nothing beside."""
    matches = glob_regex("docs/**").fullmatch
    assert matches("docs/a")
    assert matches("docs/a/b.md")
    assert not matches("docs2/a")
    assert not matches("docs")


@given(
    st.lists(st.text("ab/.", min_size=1, max_size=5), max_size=12),
    st.text("ab/.*?", min_size=1, max_size=5),
)
def test_patterns_choose_the_same_with_and_without_their_fixed_beginning(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], pattern: str
) -> None:
    root = tmp_path_factory.mktemp("globs")
    for name in names:
        path = root / name
        if os.path.normpath(name) == name and not name.startswith(("/", "..")) and name not in (".", ".."):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")
            except OSError:
                continue
    workspace = Workspace(root)
    try:
        check_relative(pattern)
    except ConfigError:
        with pytest.raises(ConfigError):
            workspace.matching(pattern)
        return
    matches = glob_regex(pattern).fullmatch
    assert workspace.matching(pattern) == tuple(path for path in workspace.inventory() if matches(path))
