"""What kind of test a case of a JUnit report is: unit, property, integration and so on, and of which stage.

JUnit XML has no place for pytest's markers. A run may write them as properties (``docs/collectors/tests.md``
has the hook), else the directories that tests are sorted into tell, else the suite they were run in.
"""

from __future__ import annotations

import re

STAGES = ("stage6", "stage7", "stage8")
KINDS = ("unit", "property", "metamorphic", "integration", "e2e", "chaos", "performance")

_PROPERTIES = ("marker", "markers")
_GROUPS = (
    # a directory, a module or a package: unit, test_unit, unit_tests
    (frozenset(KINDS), re.compile(rf"(?:tests?_)?({'|'.join(KINDS)})(?:_tests?)?", re.IGNORECASE).fullmatch),
    # stage6_account, test_stage6
    (frozenset(STAGES), re.compile(r"(?:test_)?(stage[678])(?![0-9])", re.IGNORECASE).match),
)
_SUFFIX = re.compile(r"\.\w+\Z")


def kinds_of(markers: frozenset[str], classname: str, file: str) -> tuple[frozenset[str], tuple[bool, bool]]:
    """The kinds a test case says it is: at most one of `KINDS` and any of `STAGES` unless markers state more.

    For either group the first of these that says something counts: the case's own markers; the components of
    its class and file name, of which the outermost decides the kind; what its suite says of all its cases.

    Returns:
        what markers and names say, and of which of the two groups they say nothing (see `suite_kinds`).
    """
    places = [*classname.split("."), *re.split(r"[/\\]", _SUFFIX.sub("", file))]
    found: set[str] = set()
    silent = []
    for group, matches in _GROUPS:
        stated = markers & group
        if not stated:
            placed = [match[1].lower() for place in places if (match := matches(place))]
            stated = frozenset(placed if group >= frozenset(STAGES) else placed[:1])
        found |= stated
        silent.append(not stated)
    return frozenset(found), (silent[0], silent[1])


def suite_kinds(name: str, markers: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """What a suite says of all its cases that say nothing themselves, for each of the two groups."""
    found = []
    for group, matches in _GROUPS:
        named = matches(name)
        found.append(markers & group or frozenset([named[1].lower()] if named else []))
    return found[0], found[1]


def markers_in(name: str, value: str) -> frozenset[str]:
    """Markers that a property states: one in each ``marker``, or a list in ``markers``."""
    if name not in _PROPERTIES:
        return frozenset()
    return frozenset(marker for marker in re.split(r"[\s,]+", value.lower()) if marker)
