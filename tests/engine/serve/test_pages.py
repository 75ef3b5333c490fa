"""The pages of `gate serve`, asked for over a socket."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
import re
import shlex
import urllib.request
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

pytest.importorskip("starlette", reason="the extra `serve` is not installed")

from gate.engine.decision.document import Decision
from gate.engine.ledger.interface import Entry
from gate.engine.serve.pages import views
from gate.engine.serve.pages.html import prefix_of
from gate.engine.serve.pages.rows import Asked, Shelf, newest_first
from gate.engine.serve.served import Row
from gate.evidence.base.times import parse_rfc3339

from ..report.small import small
from .site import EVIL, Site, make, running

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "engine" / "serve" / "pages"
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service over ledgers of every kind."""
    with running(make(tmp_path_factory.mktemp("site"))) as found:
        yield found


def listed(text: str) -> list[str]:
    """Log and entry of the decisions that a page lists, in its order."""
    return re.findall(r'href="/logs/(\w+/decisions/\d+)(?:\?[^"]*)?"', text)


def test_decisions_are_listed_latest_first(site: Site) -> None:
    """Fifty of them on a page, and links to the others."""
    first, second = site.get("/"), site.get("/?page=2")
    assert (first.status, len(listed(first.text)), len(listed(second.text))) == (200, 50, 11)
    assert listed(first.text)[:3] == ["maker/decisions/59", "maker/decisions/58", "maker/decisions/57"]
    assert "61 decisions, the latest first" in first.text and "Page 1" in first.text
    assert 'rel="next" href="/?page=2"' in first.text and 'rel="prev" href="/?page=1"' in second.text
    assert "There are no more decisions." in site.get("/?page=99").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("verdict=PASS&since=2025-12-20", ["maker/58", "maker/55", "maker/52", "maker/49"]),
        ("until=2025-11-02", ["maker/1", "maker/0"]),
        ("since=2025-12-05&until=2025-12-05", ["hostile/0", "maker/34"]),
        ("log=hostile", ["hostile/0"]),
        ("text=ORDER+plane", ["maker/59"]),
        ("text=003a", ["maker/58"]),
        ("text=order+nobody", []),
        ("stage=stage2&text=order", ["maker/59"]),
        ("stage=stage7", []),
        ("log=%3Cscript%3E", []),
    ],
)
def test_the_form_finds_decisions(site: Site, query: str, found: list[str]) -> None:
    """Every field narrows what is listed, and stays filled in."""
    answer = site.get(f"/?{query}")
    assert [one.replace("/decisions", "") for one in listed(answer.text)] == found
    assert answer.status == 200 and (found or "None of 61 decisions is like that" in answer.text)


def test_a_field_that_is_not_understood(site: Site) -> None:
    """It is named and not applied; the others are."""
    answer = site.get("/?since=yesterday&verdict=MAYBE&page=0&log=hostile")
    assert answer.status == 400 and listed(answer.text) == ["hostile/decisions/0"]
    assert "not applied: <bdi>verdict, since, page</bdi>" in answer.text
    assert 'value="yesterday" aria-invalid="true"' in answer.text


class Elements(HTMLParser):
    """The elements of a page with their attributes, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, dict(attrs)))


def test_every_page_is_safe_and_every_link_leads_to_a_page(site: Site) -> None:
    """All pages, found by following the links: no script, nothing from elsewhere, a style sheet that the
    policy allows, and nothing hostile that is not escaped.
    """
    waiting, seen = ["/"], set[str]()
    while waiting:
        path = waiting.pop()
        answer = site.get(path)
        assert answer.status == (503 if "damaged" in path else 200), path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert policy.startswith(
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action"
        )
        assert "unsafe" not in policy and "http" not in policy
        assert EVIL not in answer.text and "\u202e" not in answer.text and "DU1234567" not in answer.text
        elements = Elements(answer.text).found
        assert not {tag for tag, _ in elements} & {
            "script",
            "img",
            "iframe",
            "object",
            "link",
            "base",
            "embed",
        }
        names = {name for _, attributes in elements for name in attributes}
        assert not {name for name in names if name.startswith("on") or name in ("style", "src")}
        for href in [attributes["href"] or "" for tag, attributes in elements if tag == "a"]:
            target = urlsplit(urljoin(f"{site.url}{path}", href))
            assert f"{target.scheme}://{target.netloc}" == site.url, href
            link = target.path + (f"?{target.query}" if target.query else "")
            # the reports of one log are alike, and so is a page in another language
            known = re.sub(r"maker/decisions/\d+|.language=..", "", link)
            if known not in seen:
                seen.add(known)
                waiting.append(link)
    assert {"/due", "/verification", "/impact", "/logs/hostile", "/logs/maker?workspace=order+plane"} <= seen


def test_a_log_has_status_trend_and_history(site: Site) -> None:
    """Of the workspace of its latest decision, or of another one that is asked for."""
    latest, other = site.get("/logs/maker").text, site.get("/logs/maker?workspace=algo-trade").text
    assert listed(latest).count("maker/decisions/59") == 3  # two stages, and the history
    assert "maker/decisions/58" not in latest and 'aria-current="true"' in latest
    assert len(listed(other)) == 12 and "All 60 decisions of this log" in other
    assert other.count("2025-12-29 12:00 UTC") == 6  # since when and what, of both stages; figures; history
    assert re.findall(r">(2025-\d\d)</time>", other) == ["2025-11", "2025-12"]
    assert '<polyline class="line"' not in latest and "Always the same" in other
    assert "stage1.coverage" in other and "in 20 decisions" in other


def test_a_report_has_links_around_it(site: Site) -> None:
    """The audit report in two languages, with the decisions before and after; digests lead to it, too."""
    answer = site.get("/logs/maker/decisions/5")
    assert "Audit report" in answer.text and 'entry <bdi dir="ltr">5</bdi> of the ledger' in answer.text
    assert 'rel="prev" href="/logs/maker/decisions/4"' in answer.text
    assert 'rel="next" href="/logs/maker/decisions/6"' in answer.text
    assert 'lang="he" dir="rtl"' in site.get("/logs/maker/decisions/5?language=he").text
    assert "Earlier decision" not in site.get("/logs/maker/decisions/0").text
    [leaf] = set(re.findall(r"leaf <bdi[^>]*>([0-9a-f]{64})", answer.text))
    moved = site.get(f"/logs/maker/decisions/{leaf[:16]}")
    assert (moved.status, moved.headers["location"]) == (302, "/logs/maker/decisions/5")


def test_what_is_due_comes_first(site: Site) -> None:
    """Waivers and conditions of the latest decision about each stage, by their end."""
    text = site.get("/due").text
    ends = re.findall(r'<span class="badge (\w+)">.*?</span> <span class="nowrap"><time[^>]*>([^<]*)', text)
    assert ends[0] == ("bad", "2001-01-01") and ends[-1] == ("none", "2999-01-01")
    assert [end for _, end in ends] == sorted(end for _, end in ends) and len(ends) == 6
    assert "Waiver <bdi>W-1</bdi>" in text
    shown = views.due(
        views.Site(parse_rfc3339("2025-12-19T12:00:00Z")), views.dues_of("maker", *latest()), []
    )
    assert re.findall(r'<span class="badge (\w+)">(.*?)</span>', shown) == [
        ("warn", "tomorrow"), ("none", "in 42 days"), ("none", "in 42 days"),
    ]  # fmt: skip


def test_a_verdict_that_has_lapsed_is_not_shown_as_one_that_holds() -> None:
    """Where what it rests on has ended since, overview and log say so, of the stages that rest on it."""
    row, found = latest()
    row = dataclasses.replace(
        row, stages={"stage1": "CONDITIONAL", "stage2": "CONDITIONAL", "stage3": "PASS"}
    )
    for day, count in (("2025-12-20", 0), ("2026-02-01", 2)):
        site = views.Site(parse_rfc3339(f"{day}T12:00:00Z"))
        gone = views.lapsed(site, views.dues_of("maker", row, found))
        shelf = Shelf().read([row])
        for page in (
            views.logs(site, {"maker": shelf}, gone, []),
            views.log(site, "maker", shelf, "algo-trade", [], gone, []),
        ):
            assert page.count(">lapsed</a>") == count


def latest() -> tuple[Row, Decision]:
    """The small decision, and its row."""
    found = small()
    entry = Entry(7, "ab" * 32)
    summary = ("cd" * 32, found.effective_time, "stage2", "FAIL", {"stage1": "FAIL", "stage2": "FAIL"})
    return Row(entry, *summary, "algo-trade", None, "gate-prelive:1.1.0", "ee" * 32, (), (), 2, ()), found


def test_the_state_of_verification(site: Site) -> None:
    """What was found of each ledger, and commands by which anybody finds it again."""
    text = site.get("/verification").text
    states = re.findall(r'<h2 id="log-(\w+)">.*?<span class="badge (\w+)">', text, re.DOTALL)
    assert states == [("maker", "good"), ("hostile", "good"), ("fresh", "none"), ("damaged", "bad")]
    assert "60 entries" in text and "sealed" in text and str(site.root) not in text
    assert f"{site.url}/tlog/maker/checkpoint" in text
    assert "gate ledger verify --full --key test/maker+" in text
    assert f"{site.url}/api/logs/maker/decisions/59/record" in text
    assert site.get("/tlog/maker/checkpoint").text.startswith("test/maker\n60\n")
    assert site.get("/api/logs/maker/decisions/59/record").status != 404


def test_a_copied_line_says_nothing_new() -> None:
    """Whoever can write the log can copy an older line; the stage still stands where it stood."""
    old, _ = latest()
    new = dataclasses.replace(
        old, entry=Entry(8, "cc" * 32), time="2025-12-09T12:00:00Z", verdict="PASS", stages={"stage1": "PASS"}
    )
    shelf, rows = Shelf(), [old, new]
    assert shelf.read(rows).abouts["algo-trade"].stages["stage1"].latest is new
    rows.append(dataclasses.replace(old, entry=Entry(9, old.entry.digest)))
    found = shelf.read(rows).abouts["algo-trade"].stages["stage1"]
    assert (found.verdict, found.since, found.counts) == ("PASS", new.time, {"FAIL": 1, "PASS": 1})
    assert [line.row for line in newest_first({"maker": shelf})] == [new, rows[2], old]


def test_a_signed_entry_that_is_odd() -> None:
    """It hides no other, and is named."""
    row, _ = latest()
    odd: Any = ["stage1"]
    shelf = Shelf().read([row, dataclasses.replace(row, entry=Entry(8, "cc" * 32), stages=odd), row])
    assert shelf.odd == [8] and shelf.abouts["algo-trade"].stages["stage1"].latest is row
    assert "8" in views.decisions(views.Site(0), {"maker": shelf}, Asked(text="stage1"), [])


def test_links_below_a_proxy() -> None:
    """Every link begins with the path under which a proxy serves the pages: that of the service's URL."""
    assert prefix_of("", "https://gate.example/gate/") == prefix_of("/gate", None) == "/gate"
    assert prefix_of("", "https://gate.example") == prefix_of("", None) == ""
    page = views.logs(views.Site(0, prefix="/gate"), {"maker": Shelf().read([latest()[0]])}, set(), [])
    links = re.findall(r'href="([^"]*)"', page)
    assert all(one.startswith(("/gate/", "#main")) for one in links) and "/gate/logs/maker" in links


def test_what_cannot_be_read_hides_nothing(site: Site) -> None:
    """A damaged ledger is named on every list, and its page says what to do; no ledger yet is no error."""
    for path in ("/", "/logs", "/due"):
        answer = site.get(path)
        assert answer.status == 200 and "What could not be read" in answer.text, path
        assert "<bdi>damaged</bdi>: <bdi>an entry of the ledger does not hold" in answer.text
        assert str(site.root) not in answer.text
    own = site.get("/logs/damaged")
    assert own.status == 503 and "gate ledger verify" in own.text and str(site.root) not in own.text
    assert "No decision was recorded in this log yet." in site.get("/logs/fresh").text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/logs/nobody", "no log is called"),
        ("/logs/maker/decisions/4711", "the ledger has no decision"),
        ("/logs/maker/decisions/%3Cscript%3E", "no recorded decision"),
        ("/impact/..%2f..%2fserve.yaml", "there is no page"),
        ("/nothing/here", "there is no page"),
        ("//elsewhere.example/", "there is no page"),
    ],
)
def test_what_is_not_here(site: Site, path: str, said: str) -> None:
    """A page says so and leads back; a program gets no page."""
    answer = site.get(path)
    assert answer.status == 404 and said in answer.text and 'href="/logs"' in answer.text
    assert "<script>" not in answer.text and 'href="//' not in answer.text
    assert site.get("/nothing/here", accept="*/*").headers["content-type"] == "application/problem+json"
    assert site.get("/due", method="POST").status == 405


def test_pages_in_hebrew(site: Site) -> None:
    """What the browser prefers decides; a language that was chosen stays in every link and in the form."""
    asked = site.get("/", accept_language="fr-FR, he-IL;q=0.8").text
    assert '<html lang="he" dir="rtl">' in asked and "language=he" not in asked
    chosen = site.get("/due?language=he", accept_language="en").text
    links = re.findall(r'href="(/[^"]*)"', chosen)
    assert links and all("language=" in one for one in links)
    assert '<input type="hidden" name="language" value="he">' in site.get("/?language=he").text
    assert '<html lang="en" dir="ltr">' in site.get("/?language=xx").text


def test_results_of_policy_impact(site: Site, tmp_path: Path) -> None:
    """Those in the folder, the latest first, each with what flips; what is no result is named; links are not
    followed.
    """
    assert "There is no result yet." in site.get("/impact").text
    folder = site.root / "impact"
    folder.mkdir()
    operand = {
        "name": "line_coverage",
        "op": "≥",
        "actual": 1,
        "expected": 2,
        "unit": "ppm",
        "holds": True,
        "terms": [],
    }
    flip = {
        "code": f"stage1.{EVIL}", "title": EVIL, "severity": "HIGH", "before": "FAIL", "after": "PASS",
        "status_before": "violated", "status_after": "holds", "operands": [operand], "operands_before": [],
    }  # fmt: skip
    judged = {
        "source": "entry", "index": 3, "name": EVIL, "failure": None, "lacking": [],
        "difference": {"before": "FAIL", "after": "PASS", "stages": {}, "rules": [flip]},
    }  # fmt: skip
    document = {
        "type": "gate.impact/v1", "loosened": True, "base": EVIL, "recorded": 12, "logged": 0, "sets": 0,
        "policy": {"name": "gate-prelive", "version": "1.2.0", "digest": "ab" * 32}, "distinct": 3,
        "changed": [judged] * 12, "failed": [], "lacking": {"paper": 2},
    }  # fmt: skip
    (folder / "pr-7.json").write_text(json.dumps(document))
    (folder / "same.json").write_text(json.dumps({**document, "changed": [], "loosened": False}))
    (folder / "odd.json").write_text('{"type": "gate.impact/v1", "changed": 3}')
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "notes.txt").write_text("not a result")
    (tmp_path / "secret.json").write_text(json.dumps(document))
    (folder / "linked.json").symlink_to(tmp_path / "secret.json")
    page = site.get("/impact")
    assert page.status == 200 and {*re.findall(r'href="/impact/([^"]+)"', page.text)} == {
        "pr-7.json", "same.json", "odd.json", "deep.json",
    }  # fmt: skip
    assert "some demand less" in page.text and "nothing flips" in page.text and "<script>" not in page.text
    one = site.get("/impact/pr-7.json").text
    assert "in 12 decisions" in one and "2 more rows are left out." in one and "demands less" in one
    assert "2 decisions have no evidence of" in one and EVIL not in one
    assert site.get("/impact/linked.json").status == 503 and site.get("/impact/odd.json").status == 503
    assert site.get("/impact/nothing.json").status == 404


def test_the_catalogue_is_complete() -> None:
    """Every sentence has a translation with the same placeholders, and no translation is left over."""
    english, hebrew = (json.loads((PAGES / f"{name}.json").read_text()) for name in ("en", "he"))
    source = "".join(path.read_text() for path in (*PAGES.glob("*.j2"), *PAGES.glob("*.py")))
    used = {*re.findall(r'(?:\b_|\bsay|\bcell)\("([^"]+)"', source)}
    used |= {
        name for names in re.findall(r"head\((\[.+?\])\)", source) for name in re.findall(r'"([^"]+)"', names)
    }
    assert used - hebrew.keys() == set() and english.keys() - hebrew.keys() == set()
    assert [one for one in hebrew if f'"{one.removesuffix("|1")}"' not in source] == []
    for text, translated in hebrew.items():
        places = sorted(re.findall(r"\{\w+\}", english.get(text, text)))
        assert sorted(re.findall(r"\{\w+\}", translated)) == places, text


@pytest.mark.soak
def test_the_commands_of_the_page_verify(
    evaluated: Callable[..., Any], gate: Callable[..., Any], workspaces: Path, tmp_path: Path
) -> None:
    """What the page of verification proposes finds the ledger and a decision to hold, word for word."""
    assert evaluated("algo-trade", "stage1").code == 1
    workspace = workspaces / "algo-trade for stage1"
    service = tmp_path / "serve.yaml"
    service.write_text(f"logs: [{{name: own, ledger: {json.dumps(str(workspace / 'ledger'))}}}]")
    with running(service) as site:
        text = site.get("/verification").text
        commands = [
            shlex.split(html.unescape(one)) for one in re.findall(r'<code class="line">(.*?)</code>', text)
        ]
        assert [command[0] for command in commands] == ["curl", "gate", "curl", "gate"]
        for command in commands:
            if command[0] == "curl":
                with urllib.request.urlopen(command[-1]) as answer:  # noqa: S310 - the service of the test
                    (tmp_path / command[command.index("-o") + 1]).write_bytes(answer.read())
                    trust = answer.headers["Gate-Trust"]
            else:
                where = (
                    ("-w", workspace, "--operator", EXAMPLES / "operator.yaml") if "ledger" in command else ()
                )
                done = gate(*[one.replace("sha256:DIGEST", str(trust)) for one in command[1:]], *where)
                assert done.code == 0 and "verified:" in done.out, done
