"""What kind of test a case of a JUnit report is: unit, property, integration and so on, and of which stage.

JUnit XML has no place for pytest's markers. A run may write them as properties (``docs/collectors/tests.md``
has the hook), else the directories that tests are sorted into tell, else the suite they were run in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

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


def kinds_of(case: Element, suite: str, suite_markers: frozenset[str]) -> frozenset[str]:
    """The kinds of a test case: at most one of `KINDS` and any of `STAGES` unless markers state more.

    For either group the first of these that says something counts: the case's own markers; the components of
    its class and file name, of which the outermost decides the kind; what its suite says of all its cases.

    Args:
        case: the ``testcase`` element.
        suite: the suite's name.
        suite_markers: markers among the properties of the suite and those around it.
    """
    markers = markers_of(case)
    file = _SUFFIX.sub("", case.get("file", ""))
    places = [*case.get("classname", "").split("."), *re.split(r"[/\\]", file)]
    found: set[str] = set()
    for group, matches in _GROUPS:
        stated = markers & group
        if not stated:
            placed = [match[1].lower() for place in places if (match := matches(place))]
            stated = frozenset(placed if group >= frozenset(STAGES) else placed[:1])
        if not stated:
            named = matches(suite)
            stated = suite_markers & group or frozenset([named[1].lower()] if named else [])
        found |= stated
    return frozenset(found)


def markers_of(element: Element) -> frozenset[str]:
    """Markers that an element's own properties state: one in each ``marker``, or a list in ``markers``."""
    return frozenset(
        marker
        for node in element.iterfind("properties/property")
        if node.get("name") in _PROPERTIES
        for marker in re.split(r"[\s,]+", node.get("value", "").lower())
        if marker
    )
