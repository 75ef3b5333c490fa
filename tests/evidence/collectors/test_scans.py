"""Scanner reports give the figures that scanners print themselves; a scan that broke is not clean."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.evidence.collecting.interface import ProblemKind
from gate.evidence.collecting.registry import load
from gate.evidence.collecting.runner import observe
from gate.evidence.reading.workspace import Workspace


def sarif(*runs: Any, **more: Any) -> dict[str, Any]:
    return {"version": "2.1.0", "runs": list(runs), **more}


def run(*results: Any, rules: Any = (), driver: Any = None, **more: Any) -> dict[str, Any]:
    named = {"name": "Scan", "version": "1.2", "rules": list(rules), **(driver or {})}
    return {"tool": {"driver": named}, "results": list(results), **more}


def result(rule_id: str = "R1", /, **more: Any) -> dict[str, Any]:
    return {"ruleId": rule_id, "message": {"text": "it is wrong"}, **more}


def only(facts: dict[str, Any], group: str = "by_severity") -> dict[str, int]:
    return {severity: count for severity, count in facts[group].items() if count}


# the tools themselves


RULE = {"id": "R1", "defaultConfiguration": {"level": "error"}, "properties": {"security-severity": "9.0"}}


@pytest.mark.parametrize(
    ("stated", "rule", "expected"),
    [
        ({}, None, "medium"),
        ({"level": "error"}, None, "high"),
        ({"level": "note"}, None, "low"),
        ({"level": "none"}, None, "none"),
        ({}, {"defaultConfiguration": {"level": "note"}}, "low"),
        ({"level": "error"}, {"defaultConfiguration": {"level": "note"}}, "high"),
        ({"level": "note"}, {"properties": {"security-severity": "9.0"}}, "critical"),
        ({"level": "note"}, {"properties": {"security-severity": "8.9"}}, "high"),
        ({}, {"properties": {"security-severity": 7}}, "high"),
        ({}, {"properties": {"security-severity": 6.9}}, "medium"),
        ({}, {"properties": {"security-severity": "0.1"}}, "low"),
        ({"level": "error"}, {"properties": {"security-severity": "0.0"}}, "high"),
        ({"level": "note"}, {"properties": {"security-severity": "11"}}, "critical"),
        ({"level": "note"}, {"properties": {"security-severity": " 7.5 "}}, "high"),
        ({"level": "note"}, {"properties": {"security-severity": "CRITICAL"}}, "critical"),
        ({"level": "note", "properties": {"severity": "High"}}, {}, "high"),
        ({"level": "note", "properties": {"issue_severity": "moderate"}}, {}, "medium"),
        ({"level": "error", "properties": {"severity": "low"}}, {}, "high"),
        ({"level": "note", "properties": {"severity": "style"}}, {}, "low"),
        ({"properties": {"security-severity": "2"}}, {"properties": {"security-severity": "9"}}, "low"),
        ({"properties": {"issue_severity": "HIGH"}}, None, "high"),
    ],
)
def test_severity(watch: Any, stated: Any, rule: Any, expected: str) -> None:
    rules = [] if rule is None else [{"id": "R1", **rule}]
    facts = watch("scans", {"a.sarif": sarif(run(result(**stated), rules=rules))}).facts
    assert only(facts) == {expected: 1}
    assert facts["findings"][0]["severity"] == expected


@pytest.mark.parametrize(
    "reference",
    [
        {"ruleId": "R1"},
        {"ruleId": "R1/part/deeper"},
        {"ruleIndex": 1},
        {"ruleId": "R1/part", "ruleIndex": 1},
        {"rule": {"id": "R1"}},
        {"rule": {"index": 1}},
        {"ruleId": "E1", "rule": {"toolComponent": {"index": 0}, "index": 0}},
        {"rule": {"toolComponent": {"name": "Ext"}, "id": "E1"}},
        {"rule": {"toolComponent": {"guid": "00000000-0000-4000-8000-000000000001"}, "id": "E1"}},
        {"ruleId": "E1"},
    ],
)
def test_a_rule_is_found_however_it_is_named(watch: Any, reference: Any) -> None:
    one = run({"message": {"text": "x"}, **reference}, rules=[{"id": "R0"}, RULE])
    extension = {
        "name": "Ext",
        "guid": "00000000-0000-4000-8000-000000000001",
        "rules": [RULE | {"id": "E1"}],
    }
    one["tool"]["extensions"] = [extension]
    assert only(watch("scans", {"a.sarif": sarif(one)}).facts) == {"critical": 1}


def test_a_level_that_an_invocation_may_have_changed_is_unknown(watch: Any) -> None:
    override = {"descriptor": {"id": "R1"}, "configuration": {"level": "error"}}
    invocation = {"executionSuccessful": True, "ruleConfigurationOverrides": [override]}
    rules = [{"id": "R1", "defaultConfiguration": {"level": "note"}}]
    log = run(result(), result(level="warning"), rules=rules, invocations=[invocation])
    evidence = watch("scans", {"a.sarif": sarif(log)})
    assert only(evidence.facts) == {"low": 1, "medium": 1}
    (unknown,) = [problem for problem in evidence.problems if problem.kind == "unknown"]
    assert (unknown.fact, unknown.place) == ("by_severity", "/runs/0/results/0")
    assert "an invocation sets" in unknown.reason


def test_an_override_without_a_level_changes_nothing(watch: Any) -> None:
    override = {"descriptor": {"id": "R1"}, "configuration": {"enabled": True}}
    invocation = {"executionSuccessful": True, "ruleConfigurationOverrides": [override]}
    log = run(result(provenance={"invocationIndex": 0}), rules=[RULE], invocations=[invocation])
    assert watch("scans", {"a.sarif": sarif(log)}).facts["findings"][0]["level"] == "error"


def test_of_rules_with_one_id_the_heaviest_counts(watch: Any) -> None:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "note"}}, RULE]
    facts = watch("scans", {"a.sarif": sarif(run(result(), rules=rules))}).facts
    assert (facts["findings"][0]["severity"], facts["findings"][0]["level"]) == ("critical", "error")


# what counts


def test_nothing_is_dropped_silently(watch: Any) -> None:
    accepted = {"kind": "external", "status": "accepted"}
    log = run(
        result(level="error"),
        result(level="error", suppressions=[]),
        result(level="error", suppressions=[{"kind": "inSource"}]),
        result(level="note", suppressions=[accepted]),
        result(level="note", suppressions=[accepted, {"kind": "inSource"}]),
        result(level="warning", suppressions=[accepted, {"kind": "external", "status": "rejected"}]),
        result(level="warning", suppressions=[{"kind": "external", "status": "underReview"}]),
        result(kind="pass"),
        result(kind="notApplicable", level="none"),
        result(kind="informational"),
        result(kind="open"),
        result(kind="review"),
        result(kind="pass", level="error"),  # a contradiction does not hide it
        result(level="error", baselineState="absent"),
        result(level="error", baselineState="new"),
        result(level="error", baselineState="unchanged"),
    )
    facts = watch("scans", {"a.sarif": sarif(log)}).facts
    assert (facts["results"], only(facts)) == (7, {"high": 5, "medium": 2})
    assert (facts["suppressed"], only(facts, "suppressed_by_severity")) == (3, {"high": 1, "low": 2})
    assert facts["suppressed_in_source"] == 2
    assert (facts["undecided"], facts["reports"][0]["other"], facts["absent"]) == (2, 3, 1)


def test_without_a_report_nothing_is_zero(watch: Any) -> None:
    evidence = watch("scans", {})
    facts = evidence.facts
    assert facts["results"] is facts["by_severity"]["critical"] is facts["pip_audit"]["skipped"] is None
    assert "*.sarif" in evidence.problems[0].reason
    assert evidence.observed_at is None


@pytest.mark.parametrize(
    "empty",
    [
        sarif(),
        {"version": "2.1.0", "runs": None},
        sarif({"tool": {"driver": {"name": "Scan"}}}),
        sarif({"tool": {"driver": {"name": "Scan"}}, "results": None}),
    ],
)
def test_a_log_without_a_scan_is_not_a_clean_scan(watch: Any, empty: Any) -> None:
    evidence = watch("scans", {"a.sarif": empty})
    assert evidence.facts["results"] is None
    rejected = [one for one in evidence.problems if one.kind is ProblemKind.REJECTED]
    assert {(one.path, one.reason) for one in rejected} == {
        ("a.sarif", "holds no scan: it has no run with results")
    }
    evidence = watch("scans", {"b.sarif": sarif(run(result()))})
    assert (evidence.facts["results"], evidence.facts["reports"][-1]["results"]) == (1, 1)
    assert "results" in {one.fact for one in evidence.problems if one.kind is ProblemKind.REJECTED}


def test_a_scan_without_results_is_clean(watch: Any) -> None:
    facts = watch("scans", {"a.sarif": sarif(run())}).facts
    assert facts["results"] == facts["incomplete"] == 0


def test_findings_that_comments_hide_and_nothing_lists_are_counted(watch: Any) -> None:
    """Bandit counts the comments, and leaves what they hide out of its log."""
    metrics = {"_totals": {"loc": 39, "nosec": 2, "skipped_tests": 1}}
    facts = watch("scans", {"a.sarif": sarif(run(properties={"metrics": metrics}))}).facts
    assert (facts["suppressed"], facts["suppressed_unlisted"]) == (0, 3)


@pytest.mark.parametrize(
    ("invocation", "said"),
    [
        ({"executionSuccessful": False}, "ran to its end"),
        ({}, "ran to its end"),
        ({"exitCode": 2}, "ran to its end"),
        ({"exitCode": 0}, None),
        ({"executionSuccessful": True, "exitCode": 1}, None),  # as it ends when there are findings
        (
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "error", "message": {"text": "out of\nmemory"}}],
            },
            "out of memory",
        ),
        (
            {"executionSuccessful": True, "toolConfigurationNotifications": [{"descriptor": {"id": "N1"}}]},
            "an error of its own",
        ),
        ({"executionSuccessful": True, "toolExecutionNotifications": [{"level": "warning"}]}, None),
        ({"executionSuccessful": True, "toolExecutionNotifications": [{}]}, None),
        ({"executionSuccessful": True, "exitSignalName": "SIGKILL"}, "was ended: SIGKILL"),
    ],
)
def test_a_scan_that_broke_is_incomplete(watch: Any, invocation: Any, said: str | None) -> None:
    driver = {"notifications": [{"id": "N1", "defaultConfiguration": {"level": "error"}}]}
    facts = watch("scans", {"a.sarif": sarif(run(driver=driver, invocations=[invocation]))}).facts
    assert facts["incomplete"] == (said is not None)
    because = facts["reports"][0]["incomplete_because"]
    assert because is None if said is None else said in because


def test_time_and_commit_are_those_the_report_states(watch: Any, tmp_path: Path) -> None:
    commit = "0123456789abcdef" * 2 + "01234567"

    def at(**times: str) -> list[dict[str, Any]]:
        return [{"executionSuccessful": True, **times}]

    files = {
        "a.sarif": sarif(
            run(
                invocations=at(
                    endTimeUtc="2025-11-07T12:00:00.1234567Z", startTimeUtc="2025-11-07T10:00:00Z"
                ),
                versionControlProvenance=[{"repositoryUri": "https://x.example/r", "revisionId": commit}],
            )
        ),
        "b.sarif": sarif(run(invocations=at(startTimeUtc="2025-11-07T11:00:00Z"))),
    }
    evidence = watch("scans", files)
    assert evidence.observed_at == "2025-11-07T11:00:00Z"
    assert [report["commit"] for report in evidence.facts["reports"]] == [commit, None]
    kind = load("scans")
    seen = kind(kind.Options()).collect(Workspace(tmp_path).view())
    assert [origin.commit for origin in seen.origins] == [commit]
    assert (seen.tool, seen.format) == ("Scan 1.2", "sarif 2.1.0")
    # where one report states no time, the oldest is not known
    evidence = watch("scans", {"c.sarif": sarif(run())})
    assert evidence.observed_at is None
    [undated] = [one for one in evidence.problems if one.fact == "observed_at_s"]
    assert (undated.path, undated.reason) == ("c.sarif", "states no time of its run")


def test_where_a_finding_is(watch: Any, tmp_path: Path) -> None:
    def located(line: int | None = 3, **artifact: Any) -> dict[str, Any]:
        region = {} if line is None else {"startLine": line}
        return result(locations=[{"physicalLocation": {"artifactLocation": artifact, "region": region}}])

    log = run(
        located(uri="a%20b.py"),
        located(uri=f"{tmp_path.as_uri()}/c.py"),
        located(uri="d.py", uriBaseId="ROOT"),
        located(uri="e.py", uriBaseId="LOOP"),
        located(uri="f.py", uriBaseId="%SRCROOT%", line=None),
        located(index=0),
        located(uri="../../etc/passwd"),
        located(),
        result(),
        artifacts=[{"location": {"uri": "g.py"}}],
        originalUriBaseIds={
            "ROOT": {"uri": "src/", "uriBaseId": "TOP"},
            "TOP": {"uri": tmp_path.as_uri() + "/"},
            "LOOP": {"uriBaseId": "LOOP"},
        },
    )
    facts = watch("scans", {"x.sarif": sarif(log)}).facts
    assert {(finding["path"], finding["line"]) for finding in facts["findings"]} == {
        ("a b.py", 3),
        ("c.py", 3),
        ("src/d.py", 3),
        ("e.py", 3),
        ("f.py", None),
        ("g.py", 3),
        ("../../etc/passwd", 3),
        (None, 3),
        (None, None),
    }


def test_messages_are_found_and_made_harmless(watch: Any) -> None:
    rules = [{"id": "R1", "messageStrings": {"default": {"text": "use {1}, not {0}"}}}]
    hostile = "\x1b[31mred\u202e\u2066 \u0007 account DU1234567\r\nnext"
    log = run(
        result(message={"id": "default", "arguments": ["A", "B"]}),
        result(message={"text": hostile}, level="error"),
        result(message={"text": "x" * 1_000_000}, level="note"),
        rules=rules,
        driver={"name": "Sc\x1b]0;an\u202e", "version": "1\n2"},
    )
    facts = watch("scans", {"a.sarif": sarif(log)}).facts
    messages = [finding["message"] for finding in facts["findings"]]
    assert messages[0] == "\\u001b[31mred\\u202e\\u2066 \\u0007 account DU****67 next"
    assert messages[1] == "use B, not A"
    assert (len(messages[2]), messages[2][-1]) == (200, "…")
    assert facts["tools"] == [{"name": "Sc\\u001b]0;an\\u202e", "version": "1 2"}]


def test_many_results_are_counted_and_the_heaviest_listed(watch: Any) -> None:
    many = [result(level="note", message={"text": str(number)}) for number in range(5_000)]
    facts = watch("scans", {"a.sarif": sarif(run(*many, result("LAST", level="error")))}).facts
    assert (facts["results"], only(facts)) == (5_001, {"high": 1, "low": 5_000})
    assert len(facts["findings"]) == 50
    assert facts["findings"][0]["rule"] == "LAST"


@pytest.mark.soak
def test_long_parts_are_not_copied_into_every_result(watch: Any) -> None:
    import tracemalloc

    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py", "uriBaseId": "B"}}}
    message = {"id": "m", "arguments": ["x"]}
    many = [result("R1" + "/" * 5000, message=message, locations=[place]) for _ in range(2000)]
    rules = [{"id": "R1", "messageStrings": {"m": {"text": "{0}" + "y" * 1_000_000}}}]
    many += [result("R1/x", message=message, locations=[place]) for _ in range(2000)]
    log = run(*many, rules=rules, originalUriBaseIds={"B": {"uri": "b" * 1_000_000}})
    tracemalloc.start()
    try:
        facts = watch("scans", {"a.sarif": sarif(log)}).facts
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()
    assert facts["results"] == 4000


# what is refused


@pytest.mark.parametrize(
    ("log", "said", "place"),
    [
        ("[]", "the document is not an object", "/"),
        ("{}", "is no SARIF log", "/"),
        ({"version": "2.0.0", "runs": []}, "is SARIF 2.0.0, only 2.1.0", "/version"),
        ({"version": 2.1, "runs": []}, "not a string", "/version"),
        ({"version": "2.1.0", "runs": {}}, "not an array", "/runs"),
        (sarif("x"), "not an object", "/runs/0"),
        (sarif({"results": []}), "there is no 'name'", "/runs/0/tool/driver"),
        (sarif(run("x")), "not an object", "/runs/0/results/0"),
        (sarif(run() | {"results": {}}), "not an array", "/runs/0/results"),
        (
            sarif(run(externalPropertyFileReferences={"results": [{"location": {"uri": "r.json"}}]})),
            "in other files",
            "/runs/0/externalPropertyFileReferences",
        ),
        (sarif(inlineExternalProperties=[{"results": []}]), "outside of it", "/inlineExternalProperties"),
        ('{"version": "2.1.0", "runs": [], "runs": []}', "'runs' twice", "line 1"),
        ('{"version": "2.1.0", "runs": [NaN]}', "NaN is not a JSON number", "line 1"),
        ('{"version": "2.1.0", "runs": [' + "9" * 41 + "]}", "more than 40 digits", "line 1"),
        ('{"version": "2.1.0", "runs": ' + "[" * 70 + "]" * 70 + "}", "nests deeper than 64", "line 1"),
        ("<sarif/>", "malformed JSON", "line 1"),
    ],
)
def test_bad_logs_are_rejected(watch: Any, log: Any, said: str, place: str) -> None:
    good = sarif(run(result()))
    evidence = watch("scans", {"a.sarif": log, "b.sarif": good})
    rejected = [one for one in evidence.problems if one.kind is ProblemKind.REJECTED]
    assert {"results", "by_severity", "incomplete"} <= {one.fact for one in rejected}
    for one in rejected:
        assert said in one.reason
        assert one.path == "a.sarif"
        assert (one.place or "").startswith(place)
        assert one.remedy
    assert evidence.facts["results"] == 1
    assert ("results", 2, 1) in [(one.fact, one.looked_at, one.understood) for one in evidence.scopes]


@pytest.mark.parametrize(
    ("more", "rules", "said", "severity"),
    [
        ({"level": "fatal"}, [], "the level 'fatal' is not known", "medium"),
        ({"level": 1}, [RULE], "the level '1' is not known", "critical"),
        ({"level": "Error"}, [], None, "high"),
        ({"kind": 1}, [], "the kind '1' is not known", "medium"),
        ({"ruleIndex": 7}, [], "a rule which the report does not have", "medium"),
        ({"ruleIndex": 7, "level": "error"}, [], None, "high"),
        ({"ruleIndex": 7}, [RULE], None, "critical"),  # it also has the rule's id
        ({"ruleIndex": 2**55}, [], None, "medium"),
        ({"ruleIndex": 1}, [{"id": "R0"}, RULE], None, "critical"),
        ({"ruleIndex": 0}, [{"id": "R0"}, RULE], None, "critical"),
        ({"rule": {"toolComponent": {"index": 3}}}, [], "a rule which the report does not have", "medium"),
        ({"rule": {"toolComponent": {"name": "nobody"}}}, [], "a rule which the report", "medium"),
        ({"properties": {"security-severity": "severe"}}, [RULE], None, "critical"),
        ({"properties": {"security-severity": "HIGH"}, "level": "error"}, [], None, "high"),
        ({"properties": [], "locations": {}, "message": "x"}, [], None, "medium"),
    ],
)
def test_what_cannot_be_interpreted_is_unknown_and_its_result_counts(
    watch: Any, more: Any, rules: Any, said: str | None, severity: str
) -> None:
    evidence = watch("scans", {"a.sarif": sarif(run(result(**more), rules=rules))})
    assert only(evidence.facts) == {severity: 1}
    unknown = [one for one in evidence.problems if one.kind is ProblemKind.UNKNOWN]
    assert [one.place for one in unknown] == ([] if said is None else ["/runs/0/results/0"])
    assert all(said in one.reason and one.fact == "by_severity" for one in unknown)


def test_suppressions_of_no_kind_and_odd_ones(watch: Any) -> None:
    log = run(
        result(suppressions=[{"status": "accepted"}]),
        result(suppressions=[{"kind": "inSource", "status": "maybe"}]),
        result(suppressions="yes"),
        result(suppressions=[None]),
    )
    facts = watch("scans", {"a.sarif": sarif(log)}).facts
    assert (facts["results"], facts["suppressed"], facts["suppressed_in_source"]) == (3, 1, 0)


def test_oddities_of_writers_are_no_problem(watch: Any) -> None:
    """A byte order mark, only taxonomies in other files, times that say nothing, a release candidate."""
    log = sarif(
        run(
            result(level="error", locations=[{"physicalLocation": {"artifactLocation": {"index": 5}}}]),
            externalPropertyFileReferences={"taxonomies": [{"location": {"uri": "cwe.sarif"}}]},
            invocations=[{"executionSuccessful": True, "endTimeUtc": "yesterday"}],
        ),
        inlineExternalProperties=[{"taxonomies": []}],
    )
    text = json.dumps(log | {"version": "2.1.0-rtm.6"})
    evidence = watch("scans", {"a.sarif": b"\xef\xbb\xbf" + text.encode()})
    assert (evidence.facts["results"], evidence.facts["incomplete"]) == (1, 0)
    assert {one.fact for one in evidence.problems} == {"observed_at_s", "pip_audit"}


# pip-audit: its database cannot be reached here, so these follow its documented format

VULN = {
    "id": "PYSEC-2023-1",
    "fix_versions": ["2.0"],
    "aliases": ["CVE-2023-9", "GHSA-a"],
    "description": "x",
}
AUDIT = {
    "dependencies": [
        {"name": "Flask", "version": "0.5", "vulns": [VULN]},
        {"name": "requests", "version": "2.31.0", "vulns": []},
        {"name": "private", "skip_reason": "Dependency not found on PyPI"},
    ],
    "fixes": [],
}


def test_pip_audit_counts(watch: Any) -> None:
    again = {"id": "GHSA-a", "fix_versions": ["1.9"], "aliases": ["CVE-2023-9"]}
    other = {"id": "GHSA-b", "fix_versions": []}
    old = [{"name": "flask", "version": "0.5", "vulns": [again, other]}]
    files = {"pip-audit.json": AUDIT, "reports/pip-audit-dev.json": old}
    evidence = watch("scans", files)
    audit = evidence.facts["pip_audit"]
    assert (audit["dependencies"], audit["audited"], audit["skipped"]) == (3, 2, 1)
    assert (audit["vulnerable"], audit["vulnerabilities"], audit["unrated"], audit["unfixed"]) == (1, 2, 2, 1)
    assert audit["files"] == ["pip-audit.json", "reports/pip-audit-dev.json"]
    assert audit["findings"][0] == {
        "name": "flask",
        "version": "0.5",
        "id": "GHSA-a",
        "aliases": ["CVE-2023-9", "PYSEC-2023-1"],
        "fixed_in": ["1.9", "2.0"],
    }
    assert audit["skipped_because"][0]["reason"] == "Dependency not found on PyPI"
    assert audit["packages"] == ["flask==0.5", "requests==2.31.0"]
    assert evidence.facts["results"] is None  # there is no SARIF report


def test_a_chain_of_aliases_is_one_vulnerability(watch: Any) -> None:
    vulns = [{"id": f"A-{n}", "aliases": [f"A-{n + 1}"], "fix_versions": []} for n in range(4_000)]
    report = {"dependencies": [{"name": "a", "version": "1", "vulns": [*vulns[::2], *vulns[1::2]]}]}
    assert watch("scans", {"pip-audit.json": report}).facts["pip_audit"]["vulnerabilities"] == 1


@pytest.mark.parametrize(
    ("report", "said", "place"),
    [
        ({}, "no report of pip-audit", "/"),
        ("7", "the document is not an object", "/"),
        ([{"version": "1", "vulns": []}], "there is no 'name'", "/0"),
        ({"dependencies": [{"name": "a", "version": "1"}]}, "neither 'vulns' nor", "/dependencies/0"),
        ({"dependencies": [{"name": "a", "vulns": []}]}, "there is no 'version'", "/dependencies/0"),
        (
            {"dependencies": [{"name": "a", "skip_reason": "x", "vulns": [VULN]}]},
            "called skipped",
            "/dependencies/0",
        ),
        (
            {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "x", "aliases": [1]}]}]},
            "not a string",
            "/dependencies/0/vulns/0/aliases/0",
        ),
    ],
)
def test_bad_audits_are_rejected(watch: Any, report: Any, said: str, place: str) -> None:
    evidence = watch("scans", {"pip-audit.json": report, "pip-audit-b.json": AUDIT})
    [rejected] = [one for one in evidence.problems if one.kind is ProblemKind.REJECTED]
    assert said in rejected.reason
    assert (rejected.fact, rejected.place) == ("pip_audit", place)
    assert evidence.facts["pip_audit"]["vulnerabilities"] == 1


# whatever is changed in a report, it is read or refused

VALID = sarif(
    run(
        result(
            rule={"index": 0, "toolComponent": {"index": 0}},
            level="error",
            kind="fail",
            baselineState="new",
            suppressions=[{"kind": "external", "status": "accepted"}],
            provenance={"invocationIndex": 0},
            properties={"security-severity": "5"},
            locations=[
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "a.py", "uriBaseId": "R", "index": 0},
                        "region": {"startLine": 1},
                    }
                }
            ],
            message={"id": "m", "arguments": ["a"]},
        ),
        rules=[RULE],
        invocations=[
            {
                "executionSuccessful": True,
                "endTimeUtc": "2025-11-07T12:00:00Z",
                "toolExecutionNotifications": [{"level": "note", "descriptor": {"id": "N"}}],
                "ruleConfigurationOverrides": [
                    {"descriptor": {"id": "R1"}, "configuration": {"level": "note"}}
                ],
            }
        ],
        artifacts=[{"location": {"uri": "b.py"}}],
        originalUriBaseIds={"R": {"uri": "src/"}},
        versionControlProvenance=[{"revisionId": "0" * 40}],
    )
)
VALID["runs"][0]["tool"]["extensions"] = [
    {"name": "E", "rules": [{"id": "R1", "messageStrings": {"m": {"text": "t"}}}]}
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["error", "pass", "absent", "2.1.0", "R1", "GHSA-a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def mutate(document: Any, data: st.DataObject) -> Any:
    """The document with one to three of its values replaced or removed, anywhere."""
    changed = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        owner, key = None, None
        value = changed
        while isinstance(value, (dict, list)) and value and (owner is None or data.draw(st.integers(0, 5))):
            owner = value
            key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
            value = value[key]
        if owner is None:
            return changed
        if data.draw(st.booleans()):
            owner[key] = data.draw(JSON)
        else:
            del owner[key]
    return changed


@given(data=st.data())
def test_any_change_is_read_or_rejected(tmp_path: Path, data: st.DataObject) -> None:
    name, document = data.draw(st.sampled_from([("a.sarif", VALID), ("pip-audit.json", AUDIT)]))
    changed = mutate(document, data)
    for old in tmp_path.iterdir():
        old.unlink()
    (tmp_path / name).write_text(json.dumps(changed))
    kind = load("scans")
    evidence = observe(Workspace(tmp_path), kind(kind.Options()))
    facts = evidence.facts
    if any(problem.kind is ProblemKind.REJECTED for problem in evidence.problems):
        return
    if facts["results"] is not None:
        assert sum(facts["by_severity"].values()) == facts["results"]
        counted = facts["results"] + facts["suppressed"] + facts["undecided"] + facts["absent"]
        counted += sum(report["other"] for report in facts["reports"])
        assert counted == sum(len(one.get("results") or []) for one in changed.get("runs") or [])


def test_the_mutated_documents_are_good_to_begin_with(watch: Any) -> None:
    facts = watch("scans", {"a.sarif": VALID, "pip-audit.json": AUDIT}).facts
    assert (facts["suppressed"], facts["pip_audit"]["vulnerabilities"]) == (1, 1)
