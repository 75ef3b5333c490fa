"""Every kind of evidence file, made hostile in every way, through the program: rejected, by name, and alone.

One run reports every broken file, so many files are broken at a time: in a round, one of each collector's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from gate.evidence.collecting.interface import Origin
from gate.evidence.collecting.provenance import statement

Gate = Callable[..., Any]

SEEDS = Path(__file__).resolve().parent / "fuzz" / "corpus"
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "ready"

BY_COLLECTOR: dict[str, list[str]] = {
    "account": ["ACCOUNT_CONFIG.json"],
    "artifacts": ["signatures/artifacts.sha256"],
    "broker_conformance": ["BROKER_CONFORMANCE.json", "broker_conformance/live.jsonl"],
    "checklist": ["PRE_LIVE_CHECKLIST.md"],
    "components": ["bom.json", "sbom.spdx.json"],
    "contracts": ["contracts/bar_event.schema.json"],
    "coverage": [".coverage", "coverage.json", "coverage.xml", "coverage.lcov"],
    "fixtures": ["fixtures/seeds.yaml", "fixtures/ticks_spy.json"],
    "integration_flow": ["INTEGRATION_FLOW.md"],
    "interface_map": ["IBKR_INTERFACE_MAP.md"],
    "kill_switch": ["KILL_SWITCH_VERIFICATION.json"],
    "messages": ["messages/order_intents.jsonl", "contracts/order_intent.schema.json"],
    "paper": [
        "PAPER_TRADING_LOG.json",
        "PAPER_TRADING_METRICS.csv",
        "MOCK_BASELINE.json",
        "BACKTEST_METRICS.json",
    ],
    "risk_parameters": ["risk/a.py", "risk/b.yaml", "risk/c.toml", "risk/d.json"],
    "rollback": ["ROLLBACK_PROCEDURE.md", "ROLLBACK_DRILL.json"],
    "scale_up": ["SCALE_UP_PLAN.md"],
    "scans": ["a.sarif", "pip-audit.json"],
    "signoffs": ["signoffs/stage1-cto.json", "trust/allowed_signers"],
    "stage_tests": ["tests/stage6_account_probe.py", "tests/conftest.py"],
    "tests": ["junit.xml", "junit.xml.provenance.json"],
    "values": ["values/a.json", "values/b.yaml", "values/c.toml", "values/d.csv"],
    "waivers": ["waivers/a.json"],
}
FILES = [path for paths in BY_COLLECTOR.values() for path in paths]
SHARED = frozenset(BY_COLLECTOR["artifacts"])
"""Read by a collector that reads much of the rest, too, and reports the first that is broken."""
ROUNDS = [
    *(
        [path for path in paths if path and path not in SHARED]
        for paths in zip_longest(*BY_COLLECTOR.values())
    ),
    *([path] for path in sorted(SHARED)),
]
COVERAGE = BY_COLLECTOR["coverage"]
"""Each is read where those before it are absent."""
ADDED = {
    "bom.json": "cyclonedx/seed-tool",
    "sbom.spdx.json": "spdx/seed-packages",
    "coverage.json": "coverage_json/seed-branch",
    "coverage.xml": "coverage_xml/seed-branch",
    "coverage.lcov": "coverage_lcov/seed-branch",
    "messages/order_intents.jsonl": "messages/seed-intents",
    "risk/a.py": "risk_python/seed-config",
    "risk/b.yaml": "risk_yaml/seed-forms",
    "risk/c.toml": "risk_toml/seed-forms",
    "a.sarif": "sarif/seed-bandit",
    "pip-audit.json": "pip_audit/seed-report",
    "waivers/a.json": "waiver/seed-planned",
}
SETTINGS = """\
evidence:
  components: {documents: [bom.json, sbom.spdx.json]}
  risk_parameters: {paths: [risk/*]}
  values:
    read:
      a: {file: values/a.json}
      b: {file: values/b.yaml}
      c: {file: values/c.toml}
      d: {file: values/d.csv}
"""


def kind(path: str) -> str:
    """What a file is: ``json``, ``md``, …; ``text`` for what has no name of its own."""
    known = {".coverage": "sqlite", "allowed_signers": "text", "artifacts.sha256": "text"}
    ending = path.rpartition(".")[2]
    return known.get(path.rpartition("/")[2]) or {"sarif": "json", "spdx": "json"}.get(ending, ending)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The good example with a file of every kind that gate reads."""
    root = tmp_path / "w"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("ledger", "__pycache__", ".ruff_cache"))
    for path, seed in ADDED.items():
        (root / path).parent.mkdir(exist_ok=True)
        shutil.copy(SEEDS / seed, root / path)
    (root / "risk/d.json").write_text('{"KILL_PNL": -0.05}')
    (root / "values").mkdir()
    for path, text in (
        ("a.json", '{"a": 1}'),
        ("b.yaml", "a: 1"),
        ("c.toml", "a = 1"),
        ("d.csv", "a,b\n1,2\n"),
    ):
        (root / "values" / path).write_text(text)
    (root / "gate.yaml").write_text(SETTINGS)
    digest = hashlib.sha256((root / "junit.xml").read_bytes()).hexdigest()
    stated = statement("junit.xml", digest, Origin(digest="0" * 64), "2025-12-05T09:00:00Z", "urn:test")
    (root / "junit.xml.provenance.json").write_bytes(stated)
    return root


def rejections(evidence: dict[str, Any]) -> dict[str, list[str]]:
    """By file, why it was rejected, and the place; every one says what to do."""
    found: dict[str, list[str]] = {}
    for record in evidence.values():
        for problem in record["problems"]:
            if problem["kind"] == "rejected":
                assert len(problem["remedy"]) > 5 and problem["path"], problem
                said = f"{problem['reason']} @ {problem['place'] or ''}"
                assert "Traceback" not in said and "internal error" not in said
                found.setdefault(problem["path"], []).append(said)
    return found


def tree(root: Path) -> set[str]:
    """Everything that is there."""
    return {f"{folder}/{name}" for folder, *names in os.walk(root) for name in names[0] + names[1]}


def collect(gate: Gate, root: Path, *collectors: str, **more: Any) -> dict[str, list[str]]:
    """What a run rejected; it prints nothing else, exits 1 and writes nothing."""
    before = tree(root)
    run = gate("collect", *collectors, "-w", root, "-o", "json", "--no-cache", **more)
    assert (run.code, run.err) == (1, ""), (run.code, run.out[:300], run.err)
    assert tree(root) == before
    return rejections(json.loads(run.out))


def test_the_workspace_is_good_before_it_is_made_hostile(gate: Gate, workspace: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    for path in COVERAGE:
        names = BY_COLLECTOR if path == COVERAGE[0] else ["coverage"]
        run = gate("collect", *names, "-w", workspace, "-o", "json")
        assert (run.code, run.err) == (0, "")
        (workspace / path).unlink()


# --- what is in the file's place --------------------------------------------------------------------------


def outside(path: Path, elsewhere: Path) -> None:
    """A link to the very same content, outside of the workspace."""
    target = elsewhere / str(len(list(elsewhere.iterdir())))
    path.rename(target)
    path.symlink_to(target)


def loop(path: Path, elsewhere: Path) -> None:
    """A link to itself."""
    path.unlink()
    path.symlink_to(path.name)


def device_link(path: Path, elsewhere: Path) -> None:
    """A link to a device without end."""
    path.unlink()
    path.symlink_to("/dev/zero")


def pipe(path: Path, elsewhere: Path) -> None:
    """A named pipe that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def device(path: Path, elsewhere: Path) -> None:
    """The device without end itself, where one may be made; a pipe elsewhere."""
    path.unlink()
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        os.mkfifo(path)


def unix_socket(path: Path, elsewhere: Path) -> None:
    """A socket that nobody listens at."""
    path.unlink()
    folder = os.open(path.parent, os.O_RDONLY)  # socket names are short, test directories are not
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def giant(path: Path, elsewhere: Path) -> None:
    """A hundred megabytes."""
    os.truncate(path, 100 * 1024 * 1024)


LINK = "is a symbolic link, which evidence may not be"
IRREGULAR = "is not a regular file"
IN_PLACE = {
    "outside": (outside, LINK),
    "loop": (loop, LINK),
    "device link": (device_link, LINK),
    "pipe": (pipe, IRREGULAR),
    "device": (device, IRREGULAR),
    "socket": (unix_socket, IRREGULAR),
    "giant": (giant, r"is larger than \d+ bytes|a line is longer than \d+ bytes"),
}


def collectors(paths: list[str]) -> list[str]:
    """Those that read one of the files."""
    return [name for name, files in BY_COLLECTOR.items() if set(files) & set(paths)]


def spoil(root: Path, paths: list[str], change: Callable[[Path], None]) -> None:
    """Change the files, and take away what would be read in place of one of them."""
    for path in COVERAGE[: next((COVERAGE.index(path) for path in paths if path in COVERAGE), 0)]:
        (root / path).unlink()
    for path in paths:
        change(root / path)


def expect(found: dict[str, list[str]], paths: list[str], said: str) -> None:
    """Each file is named with what is wrong with it, and no other file is."""
    wrong = {
        path: found.get(path, "nothing")
        for path in paths
        if not any(re.search(said, reason) for reason in found.get(path, []))
    }
    assert not wrong, wrong
    # a statement about a file of other content is rejected with it
    assert found.keys() <= {*paths, *(f"{path}.provenance.json" for path in paths)}, found


EVERY_FILE = {"outside"}
"""Ways that ``make test`` tries on every file; the others are tried on the first file of each collector."""


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(
            name,
            number,
            id=f"{name}-{number}",
            marks=[pytest.mark.soak] * (number and name not in EVERY_FILE),
        )
        for name in IN_PLACE
        for number in range(len(ROUNDS))
    ],
)
def test_what_is_no_file_is_refused(
    gate: Gate, workspace: Path, tmp_path: Path, name: str, number: int
) -> None:
    """Links, pipes, sockets, devices and giants are refused at once wherever evidence is expected."""
    spoiler, said = IN_PLACE[name]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    paths = ROUNDS[number]
    spoil(workspace, paths, lambda path: spoiler(path, elsewhere))
    expect(collect(gate, workspace, *collectors(paths)), paths, said)


# --- what is in the file ----------------------------------------------------------------------------------

TEXTS = {"json", "md", "yaml", "toml", "csv", "py", "text", "jsonl", "lcov"}
DATA = {"json", "jsonl", "yaml", "toml"}
DEPTH = 100_000
MEANT: dict[str, tuple[str, dict[str, bytes]]] = {
    "empty": (
        "malformed|is not a coverage|is empty|is no |no SQLite|has no header",
        {"json": b"", "xml": b"", "csv": b"", "sqlite": b""},
    ),
    "garbage": (
        "not UTF-8|UTF-16|malformed|is not a coverage|is no ",
        dict.fromkeys([*TEXTS, "xml", "sqlite"], b"KILL_PNL \x00\xff\xfe garbage \x80\x81" * 20),
    ),
    "deep": (
        "nests deeper|deeper than|too deep",
        {
            "json": b'{"KILL_PNL": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
            "jsonl": b'{"KILL_PNL": ' + b"[" * DEPTH + b"]" * DEPTH + b"}",
            "yaml": b"KILL_PNL: " + b"[" * DEPTH + b"]" * DEPTH,
            "toml": b"KILL_PNL = " + b"[" * DEPTH + b"]" * DEPTH,
            "xml": b"<coverage>" * DEPTH + b"</coverage>" * DEPTH,
            "md": b"> " * 500 + b"x",
        },
    ),
    "twice": (
        "twice|Cannot overwrite",
        {
            "json": b'{"KILL_PNL": 1,\n"KILL_PNL": 2}',
            "jsonl": b'{"a": 1, "a": 2}',
            "yaml": b"KILL_PNL: 1\nKILL_PNL: 2",
            "toml": b"KILL_PNL = 1\nKILL_PNL = 2",
        },
    ),
    "not a number": (
        "is not a (JSON )?number",
        {
            "json": b'{"KILL_PNL": NaN}',
            "jsonl": b'{"KILL_PNL": -Infinity}',
            "yaml": b"KILL_PNL: .nan",
            "toml": b"KILL_PNL = nan",
        },
    ),
    "huge number": (
        "outside the supported range|more than 40 digits",
        {
            "json": b'{"KILL_PNL": 1e400}',
            "jsonl": b'{"KILL_PNL": ' + b"9" * 400 + b"}",
            "yaml": b"KILL_PNL: 1e400",
            "toml": b"KILL_PNL = 1e400",
        },
    ),
    "lone surrogate": (
        "surrogate|invalid Unicode|not a Unicode scalar",
        {
            "json": b'{"KILL_PNL": "\\ud800"}',
            "jsonl": b'{"KILL_PNL": "\\udc00"}',
            "yaml": b'KILL_PNL: "\\ud800"',
            "toml": b'KILL_PNL = "\\ud800"',
        },
    ),
    "anchors": (
        "anchors and aliases",
        {"yaml": b"KILL_PNL: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"},
    ),
    "expansion": (
        "declares a document type",
        {
            "xml": b"<!DOCTYPE a [<!ENTITY a 'ha'>"
            + b"".join(b"<!ENTITY a%d '&a%d;&a%d;'>" % (n + 1, n, n) for n in range(30))
            + b"]><a>&a30;</a>"
        },
    ),
    "external entity": (
        "declares a document type",
        {"xml": b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"},
    ),
    "formula": ("spreadsheet formula", {"csv": b"metric,value,unit,status\na,=1+1,ms,PASS\n"}),
    "columns": ("columns", {"csv": b"metric,value,unit,status\na,1,ms,PASS,more\n"}),
}
APPENDED = {
    "nul": ("NUL|is blank|is no LCOV|unknown entry", b"\n\0"),
    "latin-1": ("not UTF-8|is blank", b"\n# caf\xe9\n"),
}
WITHOUT = {"latin-1": {"lcov"}}
"""Where another test has it, since a line that is added says something else there."""


def applicable(paths: list[str], kinds: Any) -> list[str]:
    """Those of the files whose format there is hostile content for."""
    return [path for path in paths if kind(path) in kinds]


SEARCHED = ("risk/c.toml", "risk/d.json")
"""Only searched for names, never parsed."""


def contents() -> Iterator[Any]:
    """What to put in which files; what only repeats a format and is not a collector's first file is soak."""
    for name, (_, by_kind) in MEANT.items():
        seen: set[str] = set()
        for number, whole in enumerate(ROUNDS):
            paths = [path for path in applicable(whole, by_kind) if path not in SEARCHED]
            formats = {kind(path) for path in paths}
            if paths:
                marks = [pytest.mark.soak] if formats <= seen else []
                yield pytest.param(name, paths, id=f"{name}-{number}", marks=marks)
            seen |= formats


@pytest.mark.parametrize(("name", "paths"), list(contents()))
def test_hostile_content_is_refused(gate: Gate, workspace: Path, name: str, paths: list[str]) -> None:
    """Bombs, ambiguous documents and figures that are none are refused by name in every file."""
    said, by_kind = MEANT[name]
    spoil(workspace, paths, lambda path: _fill(path, by_kind[kind(path.name)]))
    expect(collect(gate, workspace, *collectors(paths)), paths, said)


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param(name, number, marks=[pytest.mark.soak] * (number > 0 and name == "latin-1"))
        for name in APPENDED
        for number in range(len(ROUNDS))
    ],
)
def test_text_that_is_none_is_refused(gate: Gate, workspace: Path, name: str, number: int) -> None:
    """NUL and another encoding are named as that in every text file, however little it is."""
    said, tail = APPENDED[name]
    paths = applicable(ROUNDS[number], TEXTS - WITHOUT.get(name, set()))
    spoil(workspace, paths, lambda path: _fill(path, path.read_bytes() + tail))
    expect(collect(gate, workspace, *collectors(paths)), paths, said)


def test_text_within_a_record_is_text_too(gate: Gate, workspace: Path) -> None:
    """In JSON Lines it is inside of a value."""
    path = "messages/order_intents.jsonl"
    data = (workspace / path).read_bytes()
    assert b"mean-variance" in data
    (workspace / path).write_bytes(data.replace(b"mean-variance", b"caf\xe9", 1))
    expect(collect(gate, workspace, *collectors([path])), [path], "not UTF-8")


def test_a_byte_order_mark_changes_nothing(gate: Gate, workspace: Path) -> None:
    """Text with one says the same as without."""
    paths = [path for path in FILES if kind(path) in {"md", "json", "yaml", "toml", "csv", "py"}]
    names = ["account", "checklist", "components", "kill_switch", "paper", "scans", "values"]
    plain = gate("collect", *names, "-w", workspace, "-o", "json").out
    for path in paths:
        _fill(workspace / path, b"\xef\xbb\xbf" + (workspace / path).read_bytes())
    marked = gate("collect", *names, "-w", workspace, "-o", "json").out
    facts = [{name: one["facts"] for name, one in json.loads(said).items()} for said in (plain, marked)]
    assert facts[0] == facts[1]


# --- names and paths --------------------------------------------------------------------------------------


@pytest.mark.soak
def test_a_name_in_another_encoding_is_refused(gate: Gate, workspace: Path) -> None:
    """Evidence whose name no manifest can hold is rejected, and shown with the name's bytes."""
    name = os.fsdecode(b"caf\xe9.json")
    (workspace / "contracts" / name).write_text("{}")
    expect(collect(gate, workspace, "contracts"), ["contracts/caf\\udce9.json"], "name is not UTF-8")
    (workspace / "algo_trade" / name).write_text("{}")
    (workspace / "tests" / os.fsdecode(b"test_caf\xe9.py")).write_text("def test_a(): assert 1\n")
    run = gate("evaluate", "all", "-w", workspace, "-o", "json")
    assert run.code == 1, run.err
    assert "algo_trade/caf\\\\udce9.json: the file's name is not UTF-8" in run.out
    assert gate("ledger", "verify", "-w", workspace).code == 0


def test_a_name_in_another_encoding_among_discovered_sources(gate: Gate, tmp_path: Path) -> None:
    """With no settings the decision lists the sources that were found, whatever they are called."""
    (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    run = gate("evaluate", "all", "-w", tmp_path, "-o", "json")
    assert run.code == 1, run.err
    assert "caf\\\\udce9.py" in run.out


def test_a_name_with_a_line_break_is_one_line_of_a_message(gate: Gate, workspace: Path) -> None:
    """A name cannot forge a line of ours."""
    name = "contracts/a\nevidence error: b.json"
    (workspace / name).write_text("{")
    expect(collect(gate, workspace, "contracts"), [name], "malformed JSON")
    for command in (("collect", "contracts"), ("explain", "stage2")):
        run = gate(*command, "-w", workspace)
        assert "error: b.json" in run.out
        assert not re.search("^ *evidence error: b", run.out, re.MULTILINE), run.out


@pytest.mark.soak
@pytest.mark.parametrize(
    "settings",
    [
        "account: {path: ../x.json}",
        "account: {path: /etc/passwd}",
        "checklist: {path: a/../../x.md}",
        "components: {documents: [../bom.json]}",
        "stage_tests: {patterns: {stage6: ../tests/a.py}}",
        "contracts: {approved_copy: ../approved}",
        "contracts: {paths: ['../**/*.json']}",
        "risk_parameters: {paths: ['../*.py']}",
        "fixtures: {signed: ['a/../../*.json']}",
        "coverage: {data: ../.coverage}",
        "coverage: {sources: [../src]}",
        "coverage: {xml: ../coverage.xml, data: absent}",
        "fixtures: {seeds: ../seeds.yaml}",
        "integration_flow: {path: ../x.md}",
        "interface_map: {path: ../x.md}",
        "kill_switch: {path: ../x.json}",
        "messages: {sets: {a: {paths: [../x.jsonl], contract: contracts/a.json}}}",
        "paper: {log: ../x.json}",
        "paper: {backtest: ../x.json}",
        "rollback: {path: ../x.md}",
        "rollback: {drill: ../x.json}",
        "scale_up: {path: ../x.md}",
        "scans: {sarif: [../a.sarif]}",
        "signoffs: {directory: ../signoffs}",
        "source: {paths: [../x.py]}",
        "tests: {junit: [../junit.xml]}",
        "values: {read: {a: {file: ../x.json}}}",
        "waivers: {directory: ../waivers}",
    ],
)
def test_no_setting_leads_out_of_the_workspace(gate: Gate, workspace: Path, settings: str) -> None:
    """Every path in the configuration stays inside; the error names the path and the file it stands in."""
    (workspace / "gate.yaml").write_text(f"evidence:\n  {settings}\n")
    run = gate("collect", settings.partition(":")[0], "-w", workspace, "-o", "json", "--no-cache")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("configuration error: ") and run.err.count("\n") == 3, run.err
    assert "  where: gate.yaml" in run.err and "  to do: " in run.err


def test_words_that_some_take_for_booleans_are_words(gate: Gate, workspace: Path) -> None:
    """Norway is no ``false``: YAML 1.2 knows only true and false."""
    for word in ("no", "yes", "on", "off", "Y", "n"):
        (workspace / "values/b.yaml").write_text(f"a: {word}\n")
        run = gate("collect", "values", "-w", workspace, "-o", "json")
        assert (run.code, run.err) == (0, "")
        facts = json.loads(run.out)["values"]["facts"]
        assert facts["b"]["value"] == {"a": word}


# --- what happens while a file is read ------------------------------------------------------------------

MEDDLE = """\
import os

real, name, how = os.read, os.environ["MEDDLE_WITH"], os.environ["MEDDLE_HOW"]
opened = os.open


def read(fd, count):
    data = real(fd, count)
    path = os.readlink(f"/proc/self/fd/{fd}")
    if path.endswith("/" + name) and data:
        if how == "truncate":
            os.truncate(path, 1)
        elif how == "append":
            with open(path, "ab") as file:
                file.write(b" ")
        elif how == "replace":
            with open(path + ".new", "wb") as file:
                file.write(b"something else")
            os.replace(path + ".new", path)
    return data


def open_(path, *arguments, **more):
    if how == "refuse" and os.fsdecode(path).endswith(os.path.basename(name)):
        raise PermissionError(13, "Permission denied", path)
    return opened(path, *arguments, **more)


os.read, os.open = read, open_
"""
"""Runs in the program's own process and does what another process might do at the worst moment."""


CHANGED, REFUSED = "changed while it was read", "cannot be opened: Permission denied"


@pytest.mark.parametrize(
    ("path", "how", "said"),
    [
        ("ACCOUNT_CONFIG.json", "truncate", CHANGED),
        pytest.param("ACCOUNT_CONFIG.json", "append", CHANGED, marks=pytest.mark.soak),
        ("ACCOUNT_CONFIG.json", "refuse", REFUSED),
        ("junit.xml", "truncate", CHANGED),
        ("messages/order_intents.jsonl", "truncate", CHANGED),
        *(
            pytest.param(path, how, said, marks=pytest.mark.soak)
            for path in ("junit.xml", "messages/order_intents.jsonl")
            for how, said in (("append", CHANGED), ("refuse", REFUSED))
        ),
    ],
)
def test_a_file_that_does_not_hold_still_is_refused(
    program: Gate, workspace: Path, tmp_path: Path, path: str, how: str, said: str
) -> None:
    """Cut off, appended to or replaced between two reads; or not readable at all, which root never meets."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(MEDDLE)
    env = {"PYTHONPATH": str(tmp_path / "site"), "MEDDLE_WITH": path, "MEDDLE_HOW": how}
    expect(collect(program, workspace, *collectors([path]), env=env), [path], said)


def test_the_digest_is_that_of_the_bytes_that_were_parsed(
    program: Gate, workspace: Path, tmp_path: Path
) -> None:
    """A file that another one takes the place of is evidence as it was read, digest and all."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(MEDDLE)
    path = "ACCOUNT_CONFIG.json"
    env = {"PYTHONPATH": str(tmp_path / "site"), "MEDDLE_WITH": path, "MEDDLE_HOW": "replace"}
    digest = hashlib.sha256((workspace / path).read_bytes()).hexdigest()
    run = program("collect", "account", "-w", workspace, "-o", "json", "--no-cache", env=env)
    assert (run.code, run.err) == (0, "")
    assert [file["sha256"] for file in json.loads(run.out)["account"]["files"]] == [digest]
    assert (workspace / path).read_bytes() == b"something else"
