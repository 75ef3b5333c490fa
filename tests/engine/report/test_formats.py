"""The formats for other programs: official schemas, documented grammars, reviewed files, hostile text."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt
from msgspec import Struct
from msgspec.structs import fields, replace

from gate.engine.decision.document import Decision, Place, Verdict
from gate.engine.ledger.interface import Entry
from gate.engine.report import registry
from gate.engine.report.ci.sarif import PAGES, REFERENCE
from gate.engine.report.interface import Screen
from gate.evidence.base.canonical import canonical
from gate.evidence.collecting.interface import ProblemKind

from .small import small

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENTRY = Entry(7, "ab" * 32)
SCREEN = Screen(folder="sub")
SUFFIX = {"junit": "xml", "sarif": "json", "gitlab": "json", "oscal": "json", "oscal-poam": "json",
          "attestation": "json", "github-summary": "md", "tap": "tap", "github": "txt"}  # fmt: skip
KINDS = ("FAIL of all", "PASS", "unknown", "rejected", "CONDITIONAL, waived")


def render(name: str, decision: Decision, entry: Entry | None = ENTRY) -> str:
    """The decision in that format."""
    return registry.load(name).render(decision, entry, SCREEN).decode()


@pytest.mark.parametrize("name", SUFFIX)
def test_a_format_is_as_it_was_reviewed(name: str) -> None:
    """Byte by byte; WRITE_GOLDEN=1 writes the files anew, for a review of their difference."""
    path = HERE / "golden" / f"{name}.{SUFFIX[name]}"
    digest = sha256(canonical(small().to_json())).hexdigest()  # another one whenever decisions say more
    text = render(name, small()).replace(digest, "0" * 64)
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


_SCHEMAS = {
    "sarif": "sarif-2.1.0.json",
    "oscal": "oscal-1.1.3.json",
    "oscal-poam": "oscal-1.1.3.json",
}


@pytest.fixture(scope="module")
def official() -> dict[str, Any]:
    """Format → a validator made of its official schema: the document → what is wrong with it."""
    xsd = etree.XMLSchema(etree.parse(HERE / "official" / "junit-10.xsd"))

    def junit(text: str) -> list[Any]:
        xsd.validate(etree.fromstring(text.encode()))
        return list(xsd.error_log)

    made: dict[str, Any] = {"junit": junit}
    for name, file in _SCHEMAS.items():
        validator = jsonschema_rs.validator_for(json.loads((HERE / "official" / file).read_text()))
        made[name] = lambda text, validator=validator: list(validator.iter_errors(json.loads(text)))
    return made


@pytest.mark.parametrize("name", ["sarif", "junit", "oscal", "oscal-poam"])
def test_a_format_keeps_to_its_official_schema(
    official: dict[str, Any], kinds: dict[str, Decision], make: Any, name: str
) -> None:
    """Whatever was decided, recorded or not, and with hostile text."""
    for decision in [small(), *(kinds[kind] for kind in KINDS), make.poisoned(kinds["CONDITIONAL, waived"])]:
        for entry in (None, ENTRY):
            assert official[name](render(name, decision, entry)) == []


def test_sarif_has_a_result_for_each_place_and_a_page_for_each_rule(kinds: dict[str, Decision]) -> None:
    """What waits for other stages has none; each link leads to a heading of the policy reference."""
    [run] = json.loads(render("sarif", small()))["runs"]
    at = [
        (one["ruleId"], one["level"], place["artifactLocation"]["uri"], place["region"]["startLine"])
        for one in run["results"]
        for place in [one["locations"][0]["physicalLocation"]]
    ]
    assert at == [
        ("stage1.coverage", "error", "sub/coverage.json", 1),
        ("stage1.secrets", "error", "sub/src/a%20b.py", 12),
        ("stage1.secrets", "error", "sub/src/%C3%A9.py", 3),
        ("stage1.secrets", "error", "sub/config.yaml", 1),
        ("stage1.session", "error", "sub/gate.yaml", 1),
        ("stage1.points", "note", "sub/LIST.md", 4),
    ]
    assert [one["ruleId"] for one in run["results"] if "suppressions" in one] == ["stage1.points"]
    [judged] = json.loads(render("sarif", kinds["PASS"]))["runs"]
    text = (ROOT / "docs" / PAGES["gate-prelive"]).read_text()
    slugs = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall("^### (.*)$", text, re.MULTILINE)
    }
    for rule in judged["tool"]["driver"]["rules"]:
        page, _, anchor = rule["helpUri"].removeprefix(REFERENCE).partition("#")
        assert page == PAGES["gate-prelive"] and anchor in slugs
    other = replace(small(), policy=replace(small().policy, name="ours"))
    assert "helpUri" not in render("sarif", other)


@pytest.mark.soak
def test_microsofts_validator_finds_nothing_in_sarif(
    kinds: dict[str, Decision], make: Any, tmp_path: Path
) -> None:
    """The SDK's own rules and those of GitHub's code scanning: no error and no warning."""
    validator = shutil.which("sarif-multitool")
    if validator is None:
        pytest.skip("needs sarif-multitool: npm install @microsoft/sarif-multitool-linux@5.7.0")
    for number, decision in enumerate([small(), kinds["FAIL of all"], kinds["PASS"], make.poisoned(small())]):
        (tmp_path / f"{number}.sarif").write_text(render("sarif", decision))
    command = [validator, "validate", "*.sarif", "--rule-kind", "Sarif;Gh", "--level", "Error;Warning"]
    done = subprocess.run(
        [*command, "-o", "found.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "4 files scanned" in done.stdout, done.stdout + done.stderr
    assert re.findall(r"(?:error|warning) [A-Z]+\d+: .*", done.stdout) == []


def test_sources_that_cannot_be_judged_are_in_every_format(official: dict[str, Any]) -> None:
    """It is no rule of the bundle that finds them, and it is told all the same, at the file."""
    secret = small().violations[1]
    odd = replace(
        secret, code="stage1.subject", msg="Evidence was rejected: odd.py: is a pipe", term=None,
        operand=None, op=None, expected=None, actual=None, unit=None, problem=ProblemKind.REJECTED,
        places=(Place("odd.py"),), evidence=(),
    )  # fmt: skip
    decision = replace(small(), violations=(*small().violations, odd))
    for name in ("junit", "sarif", "github", "github-summary", "gitlab", "tap", "oscal", "oscal-poam"):
        text = render(name, decision)
        assert "odd.py" in text, name
        if name in official:
            assert official[name](text) == []


def test_a_fingerprint_stays_while_lines_move() -> None:
    """Also where a member of a list is named by its line."""
    made = []
    for line in (3, 40):
        one = replace(small().violations[1], term=f"a.py:{line} f", places=(Place("a.py", line),))
        issues = json.loads(render("gitlab", replace(small(), violations=(one,), waived=())))
        made.append([issue["fingerprint"] for issue in issues])
    assert made[0] == made[1]


def test_oscal_names_what_it_refers_to() -> None:
    """Every UUID that is referred to is there; the same decision gives the same document."""
    for name in ("oscal", "oscal-poam"):
        text = render(name, small())
        assert text == render(name, small())
        made = set(re.findall(r'"uuid": "([^"]+)"', text))
        named = set(re.findall(r'"(?:[a-z]+-uuid)": "([^"]+)"', text))
        assert named and named <= made
    [item] = json.loads(render("oscal-poam", replace(small(), violations=(), waived=(), conditions=())))[
        "plan-of-action-and-milestones"
    ]["poam-items"]
    assert item["title"] == "Nothing is open"


def test_the_attestation_is_the_ledgers_but_for_the_stored_bundle(evaluated: Any, workspaces: Path) -> None:
    """The statement that is signed when the decision is recorded."""
    document = json.loads(evaluated("ready", "stage8").out)
    document.pop("ledger")
    made = json.loads(render("attestation", Decision.from_json(document)))
    [line] = (workspaces / "ready for stage8" / "ledger" / "log.intoto.jsonl").read_text().splitlines()
    import base64

    signed = json.loads(base64.b64decode(json.loads(line)["payload"]))
    assert signed["predicate"]["urn:gate:decision:v1"].pop("bundle")
    assert made == signed


# --- the grammars, read as their consumers read them -------------------------------------------------------


def commands(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Workflow commands as GitHub's runner reads them: name, properties, data."""
    for line in text.splitlines():
        found = re.fullmatch(r"::([^\s:]+)(?: ([^\n]*?))?::(.*)", line)
        assert found is not None, line
        name, listed, data = found[1], found[2] or "", found[3]
        values = dict(pair.split("=", 1) for pair in listed.split(",") if pair)
        for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            values = {key: value.replace(escape, char) for key, value in values.items()}
        for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            data = data.replace(escape, char)
        yield name, values, data


def check_github(text: str) -> None:
    """The verdict, then an annotation for each finding, then the waived."""
    found = list(commands(text))
    assert [name for name, *_ in found] == ["notice", "error", "error", "error", "notice"]
    for name, values, data in found:
        assert values.keys() <= {"file", "line", "title"} and set(data.splitlines()[0]) and name
        assert values.get("line", "1").isdigit()


def check_tap(text: str) -> None:
    """Version, plan, and so many points; blocks are YAML; only ours are skipped or to do."""
    lines = text.splitlines()
    assert lines[:2] == ["TAP version 14", "1..10"]
    points = [line for line in lines if re.match(r"(not )?ok ", line)]
    assert [re.sub(" - .*", "", line) for line in points] == [
        f"{'not ok' if number in (1, 3, 4, 5, 10) else 'ok'} {number}" for number in range(1, 11)
    ]
    directives = [re.findall(r"(?<!\\)(?:\\\\)*# (\w+)", line) for line in points]
    assert [found for found in directives if found] == [["TODO"], ["SKIP"], ["SKIP"], ["SKIP"]]
    blocks = re.findall(r"^  ---\n(.*?)^  \.\.\.$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4 and all(yaml.safe_load(block)["message"] for block in blocks)
    assert len(lines) == 3 + len(points) + sum(2 + block.count("\n") for block in blocks)


def check_gitlab(text: str) -> None:
    """The fields that GitLab needs, a fingerprint for each issue."""
    issues = json.loads(text)
    assert len({one["fingerprint"] for one in issues}) == len(issues) == 6
    for one in issues:
        assert one["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert one["location"]["path"] and one["location"]["lines"]["begin"] >= 1
        assert one["description"] and one["check_name"]


def check_markdown(text: str) -> None:
    """Two tables, a list, and no link, picture, code block or HTML but line breaks."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in [*tokens, *inner]}
    assert not kinds & {"link_open", "image", "html_block", "fence", "code_block", "blockquote_open", "hr"}
    assert {child.content for child in inner if child.type == "html_inline"} <= {"<br>"}
    assert sum(token.type == "table_open" for token in tokens) == 2
    assert sum(token.type == "tr_open" for token in tokens) == 2 + 2 + 3
    assert sum(token.type == "heading_open" for token in tokens) == 2
    assert sum(token.type == "list_item_open" for token in tokens) == 5
    assert not re.search(r"(?<!&)#\d|@\w|://|www\.", text)


CHECKS = {"github": check_github, "tap": check_tap, "gitlab": check_gitlab, "github-summary": check_markdown}


@pytest.mark.parametrize("name", CHECKS)
def test_a_format_is_read_as_it_is_meant(name: str) -> None:
    """By a reader made after the format's documentation."""
    CHECKS[name](render(name, small()))


HOSTILE = [
    "::error::x", "\n::set-output name=a::b", "##[error]x", "%0A::error::x", "%", ",file=/etc/passwd", "]]>",
    "<script>alert(1)</script>", "<!--", "-->", "&lt;", "'\"", "[a](javascript:x)", "![x](http://x)", "| x |",
    "`", "```", "# x", "# TODO", "# SKIP", "@someone", "#1", "http://x.example", "www.x.example", "\\", "...",
    "---", "- x", "* x", "=x", "+x", "-x", "@x", "\t=x", "\x1b[2J", "\x1b]8;;http://x\x07", "\x00", "\x85",
    "\ufffe", "\uffff", "\ud800", "\udfff", "\u202e", "\u2066", "\u2028", "\u200b", "\ufeff", "Bail out!",
    "not ok 1", "1..99", "ok 1", " DU1234567 ", "é", "שלום", "😀", " ", "", "<br>", "*x*", "~~x~~", "<b>",
    "a" * 500,
]  # fmt: skip
_CODED = {"code", "stage", "id", "type", "depends_on", "effective_time", "verdict", "operand", "op", "unit",
          "due", "effective_until", "effective_on", "observed_at", "level", "collector", "sha256", "digest",
          "commit", "evidence_digest", "input_digest", "settings_digest", "gate_version"}  # fmt: skip
hostile_text = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), min_size=1, max_size=3).map("".join)


def poison(value: Any, text: str, name: str = "") -> Any:
    """The decision with the text in all free text, also such that no JSON could hold."""
    if isinstance(value, Enum) or name in _CODED:
        return value
    if isinstance(value, Struct):
        return replace(value, **{f.name: poison(getattr(value, f.name), text, f.name) for f in fields(value)})
    if isinstance(value, dict):
        return {key: poison(item, text, name) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(poison(item, text, name) for item in value)
    return text + value if isinstance(value, str) else value


ACTIVE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]")


@given(hostile_text)
def test_hostile_text_is_inert_in_every_format(official: dict[str, Any], text: str) -> None:
    """It acts on no terminal, CI system, viewer or parser, and the format keeps its structure."""
    decision: Decision = poison(small(), text)
    for name in SUFFIX:
        if name == "attestation":  # what cannot be written canonically cannot be recorded
            continue
        made = render(name, decision)
        assert not ACTIVE.search(made)
        assert "##[" not in made and "DU1234567" not in made
        if name != "github":
            assert not any(line.lstrip().startswith("::") for line in made.splitlines())
        if name in official:
            assert official[name](made) == []
        if name in CHECKS:
            CHECKS[name](made)


def test_a_place_is_below_the_folder_of_the_workspace(gate: Any, copy_example: Any) -> None:
    """Paths begin where the command runs, as CI systems expect them."""
    root = copy_example("algo-trade")
    path = "order_plane/broker/ibkr_exec_client.py"
    done = gate("evaluate", "stage4", "-w", root, "--no-record", "-o", "github", cwd=root.parent)
    assert (done.code, f"file={root.name}/{path}," in done.out) == (1, True)


def test_a_decision_without_anything_to_tell() -> None:
    """PASS: an empty list for GitLab, one line for GitHub, no finding in the summary."""
    found = replace(small(), verdict=Verdict.PASS, violations=(), waived=(), conditions=(), warnings=())
    assert json.loads(render("gitlab", found)) == []
    assert len(render("github", found).splitlines()) == 1
    assert "finding" not in render("github-summary", found)


def test_many_places_and_findings_stay_within_what_github_takes() -> None:
    """Of many places a few are named; a summary has at most fifty findings."""
    one = small().violations[1]
    places = tuple(Place(f"src/{number}.py", number) for number in range(1, 100))
    text = render("github", replace(small(), violations=(replace(one, places=places),)))
    assert "%0Aalso in: sub/src/2.py:2, sub/src/3.py:3, " in text and ":6, +93%0A" in text
    many = tuple(replace(one, code=f"stage1.x{number}") for number in range(99))
    checks = tuple(replace(small().checks[0], code=f"stage1.x{number}") for number in range(99))
    text = render("github-summary", replace(small(), checks=checks, violations=many, waived=()))
    assert "and 49 more; " in text and len(text) < 1 << 20
