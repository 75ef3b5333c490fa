"""METADATA blocks and rule heads read from Rego source."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.engine.policy.annotations import read_annotations, without_strings
from gate.engine.policy.bundle import SHIPPED
from gate.evidence.base.errors import PolicyError


def refused(source: str) -> PolicyError:
    """The error about a module, with file, line and remedy."""
    with pytest.raises(PolicyError) as caught:
        read_annotations("p.rego", source)
    assert caught.value.path == "p.rego"
    assert caught.value.place is not None
    assert caught.value.remedy
    return caught.value


MODULE = """\
# A comment
# METADATA
# title: The package
package gate.stage1 # what it is for

import rego.v1

# METADATA
# title: "A rule: with a colon"
# custom:
#   facts: [a.b, c.d]
#
#   note: שלום
deny_one contains result if {
	result := "# METADATA"
}

default two := false

two if {
	true
} else := false if {
	false
}

helper(x) := x + 1

deny contains "x"

raw := `
deny_hidden if true
# METADATA
# not: one
`

quote := "`"

obj.part := 1
"""


def test_a_whole_module() -> None:
    """The package, its annotations with their lines, and every kind of head are found."""
    package, annotations, heads = read_annotations("p.rego", MODULE)
    assert package == "gate.stage1"
    assert [(a.line, a.rule, a.kind, a.package) for a in annotations] == [
        (2, None, "package", "gate.stage1"),
        (8, "deny_one", "contains", "gate.stage1"),
    ]
    assert annotations[0].values == {"title": "The package"}
    assert annotations[1].values == {
        "title": "A rule: with a colon",
        "custom": {"facts": ["a.b", "c.d"], "note": "שלום"},
    }
    assert [(h.name, h.kind, h.line) for h in heads] == [
        ("deny_one", "contains", 14),
        ("two", ":=", 18),
        ("two", "if", 20),
        ("helper", "function", 26),
        ("deny", "contains", 28),
        ("raw", ":=", 30),
        ("quote", ":=", 36),
        ("obj", ".", 38),
    ]


@pytest.mark.parametrize(
    ("source", "what", "place"),
    [
        ("", "the module has no package", "line 1"),
        ("x := 1\n", "the module has no package", "line 1"),
        ("package p\n# METADATA\n# title: x\n\nrule := 1\n", "not directly above", "line 2"),
        ("package p\n# METADATA\n# title: x\n", "not directly above", "line 2"),
        ("package p\n# METADATA\n# title: x", "not directly above", "line 2"),
        ("package p\n# METADATA\n# title: x\nimport rego.v1\n", "not directly above", "line 2"),
        ("package p\n# METADATA\n# a: 1\n# METADATA\n# b: 1\nx := 1\n", "not directly above", "line 2"),
        ("package p\nx if {\n# METADATA\n# a: 1\n\ty\n}\n", "not directly above", "line 3"),
        ("package p\n# METADATA\n# - a list\nx := 1\n", "is not a YAML mapping", "line 2"),
        ("package p\n# METADATA\nx := 1\n", "is not a YAML mapping", "line 2"),
        ("package p\n# METADATA\n# a: 1\n# a: 2\nx := 1\n", "has the key 'a' twice", "line 4, column 1"),
        ("package p\n# METADATA\n# a: *b\nx := 1\n", "anchors and aliases", "line 3, column 4"),
        ("package p\n# METADATA\n# a: [\nx := 1\n", "malformed YAML", "line 4, column 1"),
    ],
)
def test_bad_modules(source: str, what: str, place: str) -> None:
    """Each mistake is named with its line in the module."""
    error = refused(source)
    assert what in error.what
    assert error.place == place


def test_windows_line_ends() -> None:
    """A module saved with CRLF reads the same."""
    _, annotations, heads = read_annotations("p.rego", MODULE.replace("\n", "\r\n"))
    assert [a.rule for a in annotations] == [None, "deny_one"]
    assert len(heads) == 8


def test_the_shipped_modules_read_as_opa_reads_them(opa: str) -> None:
    """For every shipped module, OPA's own inspection finds the same annotations."""
    for path in sorted(SHIPPED.rglob("*.rego")):
        if path.name.endswith("_test.rego"):
            continue
        done = subprocess.run(
            [opa, "inspect", "-a", "-f", "json", str(path)], capture_output=True, check=True
        )
        theirs = {
            (item["annotations"].get("title"), item["location"]["row"])
            for item in json.loads(done.stdout).get("annotations", [])
        }
        _, ours, _ = read_annotations(path.name, Path(path).read_text())
        titles = {(a.values.get("title"), a.line) for a in ours}
        assert {title for title, _ in titles} == {title for title, _ in theirs}, path


# --- strings and comments --------------------------------------------------------------------------------


@given(st.text('"`#\\\nab ', max_size=30))
def test_lines_stay_where_they_are(source: str) -> None:
    """Emptying strings and comments never changes the number of lines."""
    for comments in (True, False):
        assert without_strings(source, comments=comments).count("\n") == source.count("\n")


def test_strings_and_comments_do_not_confuse_each_other() -> None:
    """Comment signs in strings, quotes in comments, escapes and raw strings."""
    source = 'a := "#" # it\'s "quoted\nb := `x "\n# y` # z\nc := "\\"#" + d'
    blanked = 'a := " "{}\nb := "   \n   "{}\nc := "   " + d'
    assert without_strings(source, comments=False) == blanked.format(" ", " ")
    assert without_strings(source, comments=True) == blanked.format(" # it's \"quoted", " # z")
