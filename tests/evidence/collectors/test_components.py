"""Component lists give the figures of the tools that wrote them; what is not stated is not zero."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.collecting.interface import ProblemKind, Scope
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace

PROGRAM = str(Path(sys.executable).parent / "cyclonedx-py")
REQUIREMENTS = """\
# the real thing
requests==2.31.0 --hash=sha256:58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f
flask>=2
numpy==1.26.4 ; python_version >= "3.9"
PyYAML
"""


def cyclonedx(*components: Any, **more: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components), **more}


def spdx(*packages: Any, **more: Any) -> dict[str, Any]:
    made = {"created": "2025-11-07T12:00:00Z", "creators": ["Person: A", "Tool: maker-1.0"]}
    return {
        "spdxVersion": "SPDX-2.3",
        "name": "doc",
        "creationInfo": made,
        "packages": list(packages),
        **more,
    }


# the tools themselves


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "version", [*(pytest.param(old, marks=pytest.mark.soak) for old in ("1.2", "1.4")), "1.6"]
)
def test_a_requirements_file_listed_by_cyclonedx(watch: Any, tmp_path: Path, version: str) -> None:
    source = tmp_path / "requirements.txt"
    source.write_text(REQUIREMENTS)
    target = tmp_path / "bom.cdx.json"
    command = [PROGRAM, "requirements", "--no-validate", "--sv", version, str(source), "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    evidence = watch("components", {})
    facts = evidence.facts
    reference = list(Bom.from_json(json.loads(target.read_bytes())).components)
    assert facts["components"] == facts["documents"][0]["components"] == len(reference) == 4
    assert {one["name"] for one in facts["list"]} == {one.name for one in reference}
    assert {one["purl"] for one in facts["list"]} == {str(one.purl) for one in reference}
    assert facts["unversioned"] == sum(not one.version for one in reference) == 2
    assert facts["unlicensed"] == 4
    assert facts["documents"][0]["version"] == version
    assert facts["documents"][0]["tool"].startswith("cyclonedx")
    assert facts["vulnerabilities"] is None
    assert (evidence.observed_at is None) == (facts["observed_at_s"] is None)


@pytest.mark.soak
def test_an_environment_listed_by_cyclonedx(watch: Any, tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    command = [PROGRAM, "environment", "--no-validate", sys.executable, "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    facts = watch("components", {}).facts
    reference = list(Bom.from_json(json.loads(target.read_bytes())).components)
    assert facts["components"] == len(facts["list"]) == len(reference) > 20
    assert facts["unlicensed"] == sum(not one.licenses for one in reference)
    assert facts["unhashed"] == sum(not one.hashes for one in reference)
    assert facts["duplicates"] == facts["unversioned"] == 0
    assert facts["licenses"][0]["components"] >= facts["licenses"][-1]["components"]


def test_a_list_in_xml_is_refused(watch: Any, tmp_path: Path) -> None:
    (tmp_path / "bom.xml").write_text(
        '<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>'
    )
    evidence = watch("components", {}, documents=["bom.*"])
    assert [one.reason for one in evidence.problems] == ["is XML, only JSON is read"]


# CycloneDX


def test_cyclonedx_in_full(watch: Any) -> None:
    nested = {"type": "library", "name": "inner", "version": "2", "hashes": [{"alg": "MD5", "content": "ab"}]}
    document = cyclonedx(
        {
            "type": "library",
            "bom-ref": "a",
            "group": "org",
            "name": "a",
            "version": "1",
            "purl": "pkg:x/a@1",
            "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own terms"}}],
            "components": [nested],
        },
        {"type": "library", "name": "b", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
        {"type": "library", "name": "c", "version": "", "licenses": [{"license": {"name": "NOASSERTION"}}]},
        metadata={
            "timestamp": "2025-11-07T12:00:00+01:00",
            "component": {"type": "application", "name": "shop", "version": "9", "components": [nested]},
            "tools": [{"vendor": "v", "name": "maker", "version": "3"}],
        },
    )
    evidence = watch("components", {"bom.json": document})
    facts = evidence.facts
    assert (facts["components"], facts["duplicates"]) == (4, 1)
    assert (facts["unversioned"], facts["unlicensed"], facts["unhashed"]) == (2, 2, 3)
    assert facts["documents"][0] == {
        "path": "bom.json",
        "format": "cyclonedx",
        "version": "1.6",
        "components": 5,
        "without_version": 2,
        "without_license": 3,
        "without_hash": 3,
        "vulnerabilities": None,
        "tool": "maker 3",
        "observed_at_s": 1762513200,
    }
    assert evidence.observed_at == "2025-11-07T11:00:00Z"
    assert facts["list"][-1] == {
        "name": "org/a",
        "version": "1",
        "purl": "pkg:x/a@1",
        "licenses": ["MIT", "Own terms"],
    }
    assert [one["license"] for one in facts["licenses"]] == ["MIT", "MIT OR Apache-2.0", "Own terms"]


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([], "unrated"),
        ([{"severity": "unknown"}], "unrated"),
        ([{"severity": "low"}, {"severity": "critical"}, {"severity": "unknown"}], "critical"),
        ([{"severity": "info"}], "info"),
        ([{"score": 9.8, "method": "CVSSv31"}], "critical"),
        ([{"score": 7, "method": "CVSSv4"}], "high"),
        ([{"score": 6.9, "method": "CVSSv2"}], "medium"),
        ([{"score": 0.1, "method": "CVSSv3", "severity": "unknown"}], "low"),
        ([{"score": 0, "method": "CVSSv3"}], "none"),
        ([{"score": 55, "method": "OWASP"}], "unrated"),
        ([{"score": 9.8}], "unrated"),
    ],
)
def test_severity_of_a_vulnerability(watch: Any, ratings: Any, expected: str) -> None:
    facts = watch(
        "components", {"bom.json": cyclonedx(vulnerabilities=[{"id": "X", "ratings": ratings}])}
    ).facts
    assert {name: count for name, count in facts["by_severity"].items() if count} == {expected: 1}


def test_dismissed_vulnerabilities_are_counted_apart(watch: Any) -> None:
    def one(name: str, state: str | None, **more: Any) -> dict[str, Any]:
        return {
            "id": name,
            "ratings": [{"severity": "high"}],
            **({"analysis": {"state": state}} if state else {}),
        } | more

    document = cyclonedx(
        {"type": "library", "name": "a", "bom-ref": "ref-a"},
        vulnerabilities=[
            one("A", None, affects=[{"ref": "ref-a"}, {"ref": "urn:elsewhere"}]),
            one("B", "exploitable"),
            one("C", "in_triage"),
            one("D", "not_affected"),
            one("E", "false_positive"),
            one("F", "resolved"),
        ],
    )
    facts = watch("components", {"bom.json": document, "x.spdx.json": spdx()}).facts
    assert (facts["vulnerabilities"], facts["dismissed"]) == (3, 3)
    assert [one["id"] for one in facts["vulnerable"]] == ["A", "B", "C"]
    assert facts["vulnerable"][0]["affects"] == ["a", "urn:elsewhere"]


def test_an_empty_list_of_vulnerabilities_is_zero_and_none_is_not(watch: Any) -> None:
    assert watch("components", {"bom.json": cyclonedx(vulnerabilities=[])}).facts["vulnerabilities"] == 0
    evidence = watch("components", {"bom.json": cyclonedx()})
    assert evidence.facts["vulnerabilities"] is None
    assert evidence.facts["components"] == 0
    assert "no document has a list" in evidence.problems[0].reason


def test_packages_of_pypi_are_listed_as_requirements_and_gaps_are_told(watch: Any) -> None:
    """In one spelling, whatever the document's; nothing else is, and nothing without a version."""
    components = [
        {"name": "Zope.Interface", "version": "6.0", "purl": "pkg:pypi/zope.interface@6.0?arch=any#src"},
        {"name": "torch", "version": "2.1.0+cpu", "purl": "pkg:pypi/torch@2.1.0%2Bcpu"},
        {"name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0"},
        {"name": "yarl", "purl": "pkg:pypi/yarl"},
    ]
    gaps = [{"aggregate": "complete"}, {"aggregate": "incomplete_first_party_only"}]
    facts = watch("components", {"bom.json": cyclonedx(*components, compositions=gaps)}).facts
    assert facts["pypi"] == ["torch==2.1.0+cpu", "zope-interface==6.0"]
    assert (facts["pypi_total"], facts["incomplete"]) == (2, 1)
    whole = watch("components", {"bom.json": cyclonedx(*components, compositions=gaps[:1])}).facts
    assert whole["incomplete"] == 0


# SPDX


def test_spdx_in_full(watch: Any) -> None:
    purl = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:x/a@1"}
    other = {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a"}
    document = spdx(
        {
            "name": "a",
            "SPDXID": "SPDXRef-a",
            "versionInfo": "1",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "MIT",
            "externalRefs": [other, purl],
            "checksums": [{"algorithm": "SHA256", "checksumValue": "ab"}],
        },
        {"name": "b", "licenseConcluded": "BSD-3-Clause", "licenseDeclared": "MIT"},
        {"name": "c", "versionInfo": "NOASSERTION", "licenseConcluded": "NONE"},
    )
    evidence = watch("components", {"app.spdx.json": document})
    facts = evidence.facts
    assert (facts["components"], facts["unversioned"], facts["unlicensed"], facts["unhashed"]) == (3, 2, 1, 2)
    assert facts["documents"][0]["tool"] == "maker-1.0"
    assert facts["list"][0]["purl"] == "pkg:x/a@1"
    assert {one["license"] for one in facts["licenses"]} == {"MIT", "BSD-3-Clause"}
    assert evidence.observed_at == "2025-11-07T12:00:00Z"


def test_a_component_in_two_documents_is_one(watch: Any, tmp_path: Path) -> None:
    purl = {"referenceType": "purl", "referenceLocator": "pkg:x/a@1"}
    files = {
        "bom.json": cyclonedx(
            {"name": "a", "version": "1", "purl": "pkg:x/a@1"}, {"name": "b", "version": "1"}
        ),
        "x.spdx.json": spdx(
            {"name": "a", "externalRefs": [purl], "licenseDeclared": "MIT"}, {"name": "b", "versionInfo": "2"}
        ),
    }
    evidence = watch("components", files)
    facts = evidence.facts
    assert (facts["components"], facts["duplicates"], facts["unversioned"]) == (3, 1, 0)
    assert facts["list"][0]["licenses"] == ["MIT"]
    assert evidence.observed_at is None  # the first one does not say
    undated = [one.path for one in evidence.problems if one.fact == "observed_at_s"]
    assert undated == ["bom.json"]
    kind = load("components")
    seen = kind(kind.Options()).collect(Workspace(tmp_path).view())
    assert (seen.tool, seen.format) == ("maker-1.0", "cyclonedx 1.6, spdx 2.3")


# what is missing, refused, hostile


def test_without_a_document_nothing_is_zero(watch: Any) -> None:
    evidence = watch("components", {})
    assert evidence.facts["components"] is evidence.facts["by_severity"]["critical"] is None
    assert "bom.json" in evidence.problems[0].reason


def test_names_are_made_harmless_and_long_lists_are_cut(watch: Any) -> None:
    hostile = {"name": "\x1b[2Jx\u202egnp", "version": "1" * 5000}
    many = [
        {"name": f"n{number:06}", "version": "1", "licenses": [{"license": {"name": f"L{number}"}}]}
        for number in range(10_100)
    ]
    facts = watch("components", {"bom.json": cyclonedx(hostile, *many)}).facts
    assert facts["components"] == 10_101
    assert (len(facts["list"]), len(facts["licenses"]), facts["license_count"]) == (10_000, 1_000, 10_100)
    assert facts["list"][0]["name"] == "\\u001b[2Jx\\u202egnp"
    assert len(facts["list"][0]["version"]) == 200


@pytest.mark.parametrize(
    ("document", "said", "place"),
    [
        ({}, "neither CycloneDX nor SPDX", None),
        ("[]", "the document is not an object", "/"),
        ("\ufeff <bom/>", "is XML", None),
        ("SPDXVersion: SPDX-2.3\n", "malformed JSON", "line 1"),
        (
            {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []},
            "neither CycloneDX nor SPDX 2",
            None,
        ),
        ({"bomFormat": "Other", "specVersion": "1.6"}, "known are CycloneDX", "/bomFormat"),
        ({"bomFormat": "CycloneDX"}, "there is no 'specVersion'", "/"),
        ({"bomFormat": "CycloneDX", "specVersion": "2.0"}, "specVersion is '2.0', known are", "/specVersion"),
        ({"spdxVersion": "SPDX-2.1"}, "spdxVersion is 'SPDX-2.1'", "/spdxVersion"),
        (cyclonedx({"version": "1"}), "there is no 'name'", "/components/0"),
        (cyclonedx({"name": "a", "components": [7]}), "not an object", "/components/0/components/0"),
        (cyclonedx({"name": "a", "version": 1}), "not a string", "/components/0/version"),
        (cyclonedx({"name": "a", "licenses": {"id": "MIT"}}), "not an array", "/components/0/licenses"),
        (cyclonedx({"name": "a", "hashes": [{"alg": "MD5"}]}), "no 'content'", "/components/0/hashes/0"),
        (cyclonedx(metadata={"tools": "x"}), "not an object", "/metadata/tools"),
        (spdx({"name": "a", "versionInfo": []}), "not a string", "/packages/0/versionInfo"),
        (spdx(creationInfo={"creators": [1]}), "not a string", "/creationInfo/creators/0"),
        ('{"bomFormat": "CycloneDX", "bomFormat": "CycloneDX"}', "twice", "line 1, column 28"),
        ('{"bomFormat": Infinity}', "not a JSON number", "line 1, column 15"),
        ('{"components": ' + "[" * 80 + "]" * 80 + "}", "nests deeper than 64", "line 1"),
        (b"\xff\xfe{\x00}\x00", "UTF-16", None),
    ],
)
def test_bad_documents_are_rejected_and_the_others_count(
    watch: Any, document: Any, said: str, place: str | None
) -> None:
    evidence = watch("components", {"bom.json": document, "sbom.json": cyclonedx({"name": "good"})})
    [rejected] = [one for one in evidence.problems if one.fact == ""]
    assert said in rejected.reason
    assert (rejected.kind, rejected.path) == (ProblemKind.REJECTED, "bom.json")
    assert place is None or (rejected.place or "").startswith(place)
    assert evidence.facts["components"] == 1
    assert evidence.scopes == (Scope("", 2, 1, "component lists"),)


@pytest.mark.parametrize(
    ("rating", "severity"),
    [
        ({"severity": "bad"}, "unrated"),
        ({"score": 11, "method": "CVSSv3"}, "unrated"),
        ({"score": "9", "method": "CVSSv3"}, "unrated"),
        ({"score": 9, "method": ["CVSSv3"]}, "unrated"),
        ({"score": 9, "method": "CVSSv31"}, "critical"),
    ],
)
def test_a_rating_that_says_nothing_is_unrated(watch: Any, rating: Any, severity: str) -> None:
    document = cyclonedx(vulnerabilities=[{"id": "X", "ratings": [rating]}])
    assert watch("components", {"bom.json": document}).facts["by_severity"][severity] == 1


@pytest.mark.parametrize("stated", ["today", "1960-01-01T00:00:00Z", 7, None])
def test_a_time_that_says_nothing_is_none(watch: Any, stated: Any) -> None:
    evidence = watch("components", {"bom.json": cyclonedx(metadata={"timestamp": stated})})
    assert (evidence.facts["components"], evidence.facts["observed_at_s"]) == (0, None)


VALID = cyclonedx(
    {
        "name": "a",
        "version": "1",
        "group": "g",
        "purl": "pkg:x/a@1",
        "bom-ref": "a",
        "licenses": [{"license": {"id": "MIT"}}, {"expression": "MIT"}],
        "hashes": [{"alg": "MD5", "content": "ab"}],
        "components": [{"name": "b"}],
    },
    metadata={
        "timestamp": "2025-11-07T12:00:00Z",
        "component": {"name": "s"},
        "tools": {"components": [{"name": "t"}]},
    },
    vulnerabilities=[
        {
            "id": "X",
            "ratings": [{"severity": "low", "score": 1.5, "method": "CVSSv3"}],
            "analysis": {"state": "exploitable"},
            "affects": [{"ref": "a"}],
        }
    ],
)
VALID_SPDX = spdx(
    {
        "name": "a",
        "versionInfo": "1",
        "licenseConcluded": "MIT",
        "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:x/a@1"}],
        "checksums": [{"checksumValue": "ab"}],
    }
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["1.4", "SPDX-2.2", "high", "CVSSv2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data())
def test_any_change_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    changed = copy.deepcopy(data.draw(st.sampled_from([VALID, VALID_SPDX])))
    for _ in range(data.draw(st.integers(1, 3))):
        value: Any = changed
        owner: Any = None
        key: Any = None
        while isinstance(value, (dict, list)) and value and (owner is None or data.draw(st.integers(0, 5))):
            owner = value
            key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
            value = value[key]
        if owner is not None and data.draw(st.booleans()):
            owner[key] = data.draw(VALUES)
        elif owner is not None:
            del owner[key]
    (tmp_path / "bom.json").write_text(json.dumps(changed))
    kind = load("components")
    facts = observe(Workspace(tmp_path), kind(kind.Options())).facts
    if facts["components"] is None:
        return
    assert facts["components"] + facts["duplicates"] == facts["documents"][0]["components"]
    if facts["vulnerabilities"] is not None:
        assert sum(facts["by_severity"].values()) == facts["vulnerabilities"]


def test_the_changed_documents_are_good_to_begin_with(watch: Any) -> None:
    facts = watch("components", {"bom.json": VALID, "a.spdx.json": VALID_SPDX}).facts
    assert (facts["components"], facts["vulnerabilities"]) == (2, 1)
