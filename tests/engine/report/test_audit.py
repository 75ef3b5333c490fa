"""The audit report says what was decided, in any language, and nothing in a decision is markup in it."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from gate.engine.decision.document import Decision, Severity, Verdict
from gate.engine.decision.exhibit import Exhibit
from gate.engine.ledger.interface import Entry
from gate.engine.report import registry
from gate.engine.report.audit import words
from gate.engine.report.audit.build import build
from gate.engine.report.audit.markdown import code, escaped
from gate.engine.report.interface import Screen
from gate.evidence.base.errors import EnvironmentProblem, UsageError

AUDIT = Path(words.__file__).parent
HEBREW = Screen(language="he")
EVIL = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '"><svg onload=alert(1)>', "</style><b>",
    "{{ 7*7 }}{% raw %}", "[x](javascript:alert(1))", "![x](http://evil.example/x.png)", "`</code><i>`",
    "https://evil.example/ www.evil.example", "| a | b |", "# not a heading", "1. not a list", "- - -",
    "+ plus",
    "&lt;&#106;", "\u202eevil\u2066", "\x1b[31mred\x1b[0m", "::error::x", "$x^2$ ~~s~~ **b** __u__",
    "@everyone",
    "שלום \"עולם\"", "{reason}", "a\nb\r\n# c",
)  # fmt: skip
FREE = {
    "msg", "title", "question", "solution", "owner", "term", "name", "path", "workspace", "reason", "author",
    "remedy", "tool", "provider", "terms", "rows", "role", "place", "action", "principal", "key",
}  # fmt: skip


class Page(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.styles: list[str] = []
        self.open: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.pieces.append(" " if tag in ("td", "th", "li", "p", "dd", "small", "h2") else "")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        (self.styles if self.open[-1:] == ["style"] else self.pieces).append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def html(decision: Decision, screen: Screen = Screen(), entry: Entry | None = None) -> Page:  # noqa: B008
    return Page(registry.load("html").render(decision, entry, screen))


def text(name: str, decision: Decision, screen: Screen = Screen()) -> str:  # noqa: B008
    return registry.load(name).render(decision, None, screen).decode()


def evil(value: Any, name: str = "") -> Any:
    """A decision's JSON with hostile text in every string that a file or a bundle may have written."""
    if isinstance(value, dict):
        return {key: evil(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [evil(item, name) for item in value]
    if not isinstance(value, str) or name not in FREE:
        return value
    return f"{value} {EVIL[len(value) % len(EVIL)]} {EVIL[(len(value) + 7) % len(EVIL)]}"


@pytest.fixture(scope="module")
def hostile(judged: dict[str, Decision]) -> Decision:
    """The audit's state, with hostile text wherever it can stand."""
    document = evil(judged["full"].to_json())
    document["checks"][0]["operands"][0]["actual"] = [*EVIL]
    return Decision.from_json(document)


@pytest.mark.soak
def test_the_verdict_what_blocks_it_and_the_proof(full: Decision) -> None:
    """The first screen has the verdict in words and the heaviest findings; each rule opens to its proof."""
    page = html(full, entry=Entry(7, "ab" * 32))
    assert re.search(
        r"✘ FAIL .*It must not proceed: \d+ of \d+ rules hold; \d+ findings, \d+ of them critical", page.text
    )
    before, _, after = page.text.partition("What blocks it")
    assert "ROLLBACK" not in before and "Too few of the expected artifacts exist" in after[:300]
    assert "artifact coverage (35.7 %) ≥ 80 % → FALSE" in page.text
    assert "artifacts.found_ppm = 357142" in page.text
    [pre_live] = {f.sha256 for e in full.evidence for f in e.files if f.path == "PRE_LIVE_CHECKLIST.md"}
    assert f"PRE_LIVE_CHECKLIST.md sha256:{pre_live}" in page.text
    assert len([one for one in page.all("details") if (one.get("id") or "").startswith("r-")]) == len(
        full.checks
    )
    assert "gate replay 7" in page.text and "gate ledger verify" in page.text


def test_the_figures_are_those_of_the_decision(passed: Decision, full: Decision) -> None:
    """Coverage, latency, equity and checklist are drawn where they were measured, else the reason stands."""
    page = html(passed)
    assert "From 1,000,000.00 to 1,000,030.26; deepest drawdown -0.0315 %; 79 samples." in page.text
    assert "p95, paper session 105.886 ms ✔ within the limit" in page.text
    assert "data_plane 100 % · 50 of 50 statements" in page.text
    assert "Documentation 4 of 5 · 50 points" in page.text
    assert len(page.all("polyline")) == 2
    other = html(full)
    assert "Nothing to draw: PAPER_TRADING_LOG.json does not exist." in other.text
    assert "Nothing to draw: no coverage report found" in other.text and not other.all("polyline")
    bare = replace(full, stages={name: replace(one, exhibits={}) for name, one in full.stages.items()})
    assert "Nothing to draw: the decision carries no artifacts.rows." in html(bare).text
    without = replace(bare, evidence=tuple(one for one in bare.evidence if one.id != "paper"))
    assert "Equity and drawdown" not in html(without).text and "Latency of the" not in html(without).text


def test_every_section_of_the_audit_is_in_every_form(full: Decision) -> None:
    """The executive table, inventory, matrix, anomalies, logic, plan, sign-offs and next review."""
    for name in ("html", "markdown"):
        shown = text(name, full)
        for heading in (
            "Executive table", "Artifact inventory", "Compliance matrix", "Anomalies and risks", "Risk",
            "Consequence", "Resolution", "Formal logic and proof", "Remediation plan", "Sign-offs",
            "Next review", "How to verify",
        ):  # fmt: skip
            assert heading in shown, (name, heading)
    audit = build(full, None, Screen())
    assert len(audit.artifacts) == 14 and sum(one.status.tone == "good" for one in audit.artifacts) == 3
    found = [one.severity.rank for one in audit.anomalies]
    assert found == sorted(found) and len(found) > 20
    first = audit.anomalies[0]
    assert isinstance(first.consequence, words.Said) and first.consequence.values["after"] == ", ".join(
        f"stage{n}" for n in range(2, 9)
    )


def test_conditions_and_waivers_are_shown(kinds: dict[str, Decision]) -> None:
    """A conditional decision says until when what has to be done, and by whom."""
    decision = kinds["CONDITIONAL, waived"]
    for name in ("html", "markdown"):
        shown = " ".join(Page(text(name, decision).encode()).text.split())
        assert "It may proceed only once what is open is done: 3 conditions." in shown
        assert "W-1" in shown and "2025-12-31" in shown and "Watch the first day" in shown
    assert "the waiver W-1 ends" in text("go-live", decision)


def test_how_each_role_signs(full: Decision) -> None:
    """The exact commands, with the options by which this decision was judged."""
    page = html(full, Screen(arguments=" --workspace 'my app'"))
    last = "stage8"
    assert f"gate signoff {last} --role risk_officer --workspace 'my app'" in page.text
    assert f"ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n signoff@gate {last}-cto.json" in page.text


def test_nothing_acts_in_the_html(hostile: Decision) -> None:
    """No element, attribute, link or style comes from the decision; the policy allows one style sheet."""
    ours = {*re.findall(r"<([a-z0-9]+)", (AUDIT / "report.html.j2").read_text()), "bdi", "span"}
    for language in words.LANGUAGES:
        page = html(hostile, Screen(language=language, arguments=EVIL[0]))
        assert {tag for tag, _ in page.tags} <= ours
        assert not {"script", "img", "iframe", "object", "form", "base", "link", "i"} & ours
        assert not [a for _, a in page.tags if any(name.startswith("on") or name == "style" for name in a)]
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids))
        assert {(link["href"] or "")[1:] for link in page.all("a")} <= set(ids)
        assert all((link["href"] or "").startswith("#") for link in page.all("a"))
        [policy] = [one["content"] for one in page.all("meta") if one.get("http-equiv")]
        [style] = page.styles
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert (
            policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert (
            "<script>alert(1)</script>" in page.text
            and "\\u202e" in page.text
            and "49" not in page.text.split("{{")[1][:9]
        )


def test_nothing_acts_in_the_markdown(hostile: Decision) -> None:
    """Rendered with GitHub's extensions there is no HTML, no link and no picture, and no row is torn."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for name in ("markdown", "go-live"):
        shown = text(name, hostile)
        tokens = reader.parse(shown)
        flat = [child for token in tokens for child in (token, *(token.children or ()))]
        assert not {"html_block", "html_inline", "link_open", "image", "s_open"} & {
            token.type for token in flat
        }
        widths = [
            len(re.findall(r"(?<!\\)\|", line)) for line in shown.splitlines() if line.startswith("| ---")
        ]
        assert widths
        plain = " ".join(one.content for one in flat if one.type == "text")
        assert "https" in plain and not re.search(r"(?<!\w)@everyone", plain)


@pytest.mark.parametrize("evil_text", EVIL)
def test_data_render_as_the_characters_they_are(evil_text: str) -> None:
    """As text and as code, also in a table's cell."""
    from gate.engine.terminal.figures import printable

    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for made in (escaped(evil_text), code(evil_text)):
        tokens = reader.parse(f"| h |\n| --- |\n| {made} |\n")
        [_, cell] = [token for token in tokens if token.type == "inline"]
        shown = "".join(child.content for child in cell.children or ()).replace("\u200b", "")
        wanted = printable(evil_text)
        assert shown in (wanted, wanted.replace("`", "")), made
        assert {child.type for child in cell.children or ()} <= {"text", "code_inline", "text_special"}


def test_the_hebrew_report_is_from_right_to_left(full: Decision, passed: Decision) -> None:
    """Its words are Hebrew, data keep their own language, and a number keeps its sign in front."""
    page = html(passed, HEBREW)
    [root] = page.all("html")
    assert root == {"lang": "he", "dir": "rtl"}
    assert (
        "דוח ביקורת" in page.text
        and "Artifact validation" in page.text
        and "Executive table" not in page.text
    )
    assert {one.get("dir") for one in page.all("bdi")} == {None, "ltr"}
    shown = text("markdown", full, HEBREW)
    assert shown.startswith('<div dir="rtl">\n\n# דוח ביקורת') and shown.endswith("</div>\n")


def _used() -> Iterator[str]:
    """Words of the report in the modules and the templates."""
    for file in AUDIT.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("say", "words"):
                yield from (one.value for one in ast.walk(node.args[0])
                            if isinstance(one, ast.Constant) and isinstance(one.value, str))  # fmt: skip
    for template in (file.read_text() for file in AUDIT.glob("*.j2")):
        yield from re.findall(r'(?:\b_|\bsay|\bsaid|\bchart)\("([^"]+)"', template)
        yield from re.findall(r'bars\("\w+", "([^"]+)"', template)
        for names in re.findall(r"head\((?:\[|audit\.\w+, |one\.\w+, )(.+?)\]?\)", template):
            yield from re.findall(r'"([^"]+)"', names)


def test_the_catalogue_is_complete() -> None:
    """Every sentence has a translation with the same placeholders, and no translation is left over."""
    found, singulars = words.catalogue("he"), words.catalogue("en")
    used = set(_used())
    assert used - found.keys() == set()
    assert singulars.keys() == {one for one in found if one.endswith("|1")}
    sources = "".join(path.read_text() for path in (*AUDIT.glob("*.py"), *AUDIT.glob("*.j2")))
    values = {*Severity, "warning", "error", "missing", "rejected", "unknown"}
    plain = (one.removesuffix("|1") for one in found)
    left = [one for one in plain if one not in used and one not in values and f'"{one}"' not in sources]
    assert left == []
    for name, hebrew in found.items():
        english = singulars.get(name, name)
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", hebrew)), english


def test_a_language_that_there_is_not() -> None:
    """The error names those that there are."""
    with pytest.raises(UsageError, match="no report in the language 'hebrew'"):
        words.check_language("hebrew")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install for a PDF; HTML comes with every installation."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(EnvironmentProblem) as caught:
        registry.load("pdf")
    assert "compliance-gate[pdf]" in (caught.value.remedy or "")
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert any(one.startswith("Jinja2") for one in project["dependencies"])


def test_a_pass_says_how_many_rules_cannot_be_told(passed: Decision) -> None:
    count = sum(check.status == "cannot be told" for check in passed.checks)
    assert count > 0 and f"none is broken; {count} cannot be told." in text("markdown", passed)


def test_the_go_live_document_is_read_back(full: Decision, passed: Decision, watch_decisions: Any) -> None:
    """The collector of artifacts finds in it what was decided, and each section, in each language."""
    for decision in (full, passed):
        for language in words.LANGUAGES:
            stated, empty = watch_decisions(text("go-live", decision, Screen(language=language)))
            assert stated.decision == decision.verdict.value
            assert stated.stages == {name: one.verdict.value for name, one in decision.stages.items()}
            assert empty == []
    named = replace(full, stages={n: replace(one, title="PASS") for n, one in full.stages.items()})
    stated, _ = watch_decisions(text("go-live", named))
    assert set(stated.stages.values()) == {"FAIL"}


@pytest.fixture
def watch_decisions(tmp_path: Path) -> Any:
    """What the collector reads in a go-live document: its decision, and sections missing or not filled in."""
    from gate.evidence.base.limits import DEFAULT
    from gate.evidence.collectors.artifacts.decisions import from_document
    from gate.evidence.reading.markdown import find_sections
    from gate.evidence.reading.workspace import Workspace

    matrix = json.loads(
        (Path(words.__file__).parents[3] / "evidence/collectors/artifacts/artifact_matrix.json").read_text()
    )
    [row] = [row for row in matrix["rows"] if row["id"] == "go_live_decision_gate"]

    def read(document: str) -> Any:
        (tmp_path / "GO_LIVE_DECISION_GATE.md").write_text(document)
        view = Workspace(tmp_path, DEFAULT).view()
        stated = from_document(view, "GO_LIVE_DECISION_GATE.md", row["sections"])
        found = {name: find_sections(document, headings, "x") for name, headings in row["sections"].items()}
        empty = [
            name for name, places in found.items() if not places or not all(one.filled for one in places)
        ]
        return stated, empty

    return read


def test_an_exhibit_of_another_bundle(full: Decision) -> None:
    """Whatever columns and cells the table has, what it does not state is not made up."""
    table = Exhibit(
        ("pattern", "paths", "valid", "found"), (["x.py", "a.py", "maybe", None], [None, 7, None, 1])
    )
    stage = replace(full.stages["stage1"], exhibits={"artifacts.rows": table, "paper.equity": table})
    [one, other] = build(replace(full, stages={"stage1": stage}), None, Screen()).artifacts
    assert (one.found.word.text, one.valid.word.text, one.status.word.text) == ("not stated",) * 3
    assert (one.places, other.places) == ((), ())


@pytest.mark.soak
def test_two_thousand_artifacts(full: Decision) -> None:
    """The report stays below two megabytes."""
    table = full.stages["stage1"].exhibits["artifacts.rows"]
    rows = tuple(
        [
            f"services/region{n % 7}/component_{n}/message_{n}.json",
            f"Category {n % 12}",
            *table.rows[n % 14][2:],
        ]
        for n in range(2000)
    )
    stage = replace(full.stages["stage1"], exhibits={"artifacts.rows": Exhibit(table.columns, rows, 3)})
    page = registry.load("html").render(
        replace(full, stages={**full.stages, "stage1": stage}), None, Screen()
    )
    assert len(page) < 2_000_000 and b"3</bdi> more rows are left out" in page and b"component_1999/" in page


@pytest.mark.soak
def test_pdf(passed: Decision) -> None:
    """Tagged, the same bytes each time, with nothing fetched; needs WeasyPrint and Pango."""
    pytest.importorskip(
        "weasyprint", reason="WeasyPrint or Pango is not here", exc_type=(ImportError, OSError)
    )
    decision = replace(passed, checks=passed.checks[:9])
    made = [registry.load("pdf").render(decision, None, screen) for screen in (Screen(), Screen(), HEBREW)]
    assert made[0] == made[1] != made[2]
    assert all(one.startswith(b"%PDF-") and len(one) > 50_000 for one in made)


@pytest.mark.soak
def test_hostile_text_on_paper(passed: Decision, tmp_path: Path) -> None:
    """A word of a million letters takes no hours, and files that a text names do not get into the PDF."""
    pytest.importorskip(
        "weasyprint", reason="WeasyPrint or Pango is not here", exc_type=(ImportError, OSError)
    )
    (tmp_path / "secret").write_text("T0KEN" * 1000)
    links = f'<link rel=attachment href="file://{tmp_path}/secret"><img src="file://{tmp_path}/secret">'
    decision = replace(passed, checks=passed.checks[:2], workspace=links + "x" * 1_000_000)
    made = registry.load("pdf").render(decision, None, Screen())
    assert made.startswith(b"%PDF-") and b"/EmbeddedFile" not in made and len(made) < 1_000_000


def test_no_verdict_is_shown_for_another(kinds: dict[str, Decision]) -> None:
    """Each verdict has its own words, whatever else is in the decision."""
    for kind in ("FAIL", "PASS", "CONDITIONAL, waived"):
        decision = kinds[kind]
        first = html(decision).text.partition("Judged as of")[0]
        assert (
            f"✔ {Verdict.PASS}" in first,
            f"! {Verdict.CONDITIONAL}" in first,
            f"✘ {Verdict.FAIL}" in first,
        ) == tuple(decision.verdict is one for one in (Verdict.PASS, Verdict.CONDITIONAL, Verdict.FAIL))
