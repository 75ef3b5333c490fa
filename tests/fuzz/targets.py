"""The fuzz targets: each takes the bytes of one input and raises where something does not hold.

A target demands what `oracle.accepted` demands, and, where somebody else can read the same format, that we
agree with them. `TARGETS` names them all; the corpus of each is in ``corpus/<name>/``.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import targets_attested as attested
import targets_signed as signed
import yaml
from oracle import LONGEST, Collecting, Folder, accepted, check

from gate.engine.config import settings as gate_yaml
from gate.evidence.base.canonical import MAX_SAFE_INTEGER, canonical
from gate.evidence.base.limits import DEFAULT
from gate.evidence.base.settings import adapter
from gate.evidence.reading import markdown, parse
from gate.evidence.reading.json_lines import UNSURE, RecordReader
from gate.evidence.reading.toml_reader import parse_toml
from gate.evidence.reading.yaml_reader import parse_yaml

CORPUS = Path(__file__).resolve().parent / "corpus"
BETWEEN = b"\n=====\n"
"""Between the parts of an input that becomes several files."""
SOURCE = "def answer(x):\n    if x:\n        return 1\n    return 2\n"
SOURCES = {"algo_trade/a.py": SOURCE, "order_plane/b.py": SOURCE}
HEADER = ("metric", "value", "unit", "status")


@dataclass(frozen=True)
class Target:
    """A target.

    Attributes:
        run: takes one input.
        grammar: what the inputs are written in, for mutations that keep to it.
        longest: bytes of the longest input that the fuzzer makes up.
    """

    run: Callable[[bytes], object]
    grammar: Literal["json", "xml", "sqlite"] | None = None
    longest: int = 8192


# --- the formats, beside readers of other people ---------------------------------------------------------


def json_document(data: bytes) -> None:
    """What we accept, the ``json`` module reads alike; what we call malformed, it refuses, too."""
    value, error = accepted(lambda: parse.parse_json(data, "f.json", DEFAULT))
    if error is None:
        text = data.decode("utf-8-sig")
        check(value == json.loads(text, parse_float=Decimal), "the json module reads it otherwise")
        again = json.dumps(value, default=_digits, ensure_ascii=False).encode()
        # the writer knows floats only, so a number of more digits is read back as the nearest float
        nearest = json.loads(text, parse_float=lambda digits: Decimal(repr(float(digits))))
        check(parse.parse_json(again, "f.json", DEFAULT) == nearest, "written and read again, it is another")
        _check_canonical(value)
    elif str(error).startswith("malformed JSON"):
        try:
            json.loads(data.decode("utf-8-sig"))
        except ValueError:
            return
        check(False, "the json module reads what we call malformed")


def _digits(value: Any) -> Any:
    check(isinstance(value, Decimal), f"a {type(value).__name__} came out of JSON")
    return float(value)


def _check_canonical(value: Any) -> None:
    if _is_plain(value):
        written = canonical(value)
        check(parse.parse_json(written, "f.json", DEFAULT) == value, "the canonical form is another value")
        check(canonical(parse.parse_json(written, "f.json", DEFAULT)) == written, "there are two forms")


def _is_plain(value: Any) -> bool:
    """Whether the value is within the profile of canonical JSON."""
    if isinstance(value, dict):
        return all(key.isascii() for key in value) and all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, int):
        return abs(value) <= MAX_SAFE_INTEGER
    return value is None or isinstance(value, (str, bool))


def yaml_document(data: bytes) -> None:
    """What we accept has the structure and the strings that PyYAML finds, and no two readings of a word."""
    value, error = accepted(lambda: parse_yaml(data, "f.yaml", DEFAULT))
    if error is None:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        _alike(value, yaml.load(data.decode("utf-8-sig"), Loader=loader))  # noqa: S506 - strings only


def _alike(value: Any, texts: Any) -> None:
    if isinstance(texts, dict):
        check(isinstance(value, dict) and len(value) == len(texts), "PyYAML finds another mapping")
        for ours, theirs in zip(value.values(), texts.values(), strict=True):
            _alike(ours, theirs)
    elif isinstance(texts, list):
        check(isinstance(value, list) and len(value) == len(texts), "PyYAML finds another list")
        for ours, theirs in zip(value, texts, strict=True):
            _alike(ours, theirs)
    elif isinstance(value, str):
        check(value == texts, "PyYAML finds another text")
    else:
        check(value is None or isinstance(value, (bool, int, Decimal)), "no kind of value we know")
        words = {None: ("", "~", "null"), True: ("true",), False: ("false",)}
        if value is None or isinstance(value, bool):
            check(texts is None or texts.lower() in words[value], f"{texts!r} is not {value}")


def toml_document(data: bytes) -> None:
    """What we accept, ``tomllib`` reads alike; what we call malformed, it refuses, too."""
    value, error = accepted(lambda: parse_toml(data, "f.toml", DEFAULT))
    if error is None:
        theirs = tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
        check(_without_times(value) == _without_times(theirs), "tomllib reads it otherwise")
    elif str(error).startswith("malformed TOML"):
        try:
            tomllib.loads(data.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return
        check(False, "tomllib reads what we call malformed")


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(_without_times, value))
    return value if isinstance(value, (bool, int, Decimal)) else "text"


def csv_rows(data: bytes) -> None:
    """Rows are what they are when a spreadsheet writes them again; none begins a formula."""
    rows, _ = accepted(lambda: parse.parse_csv(data, "f.csv", HEADER, DEFAULT))
    if rows is not None:
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerows([HEADER, *(list(row.cells.values()) for row in rows)])
        again = parse.parse_csv(out.getvalue().encode(), "f.csv", HEADER, DEFAULT)
        check([row.cells for row in again] == [row.cells for row in rows], "written again, it is another")
        lines = [row.line for row in rows]
        check(lines == sorted(lines), "the lines are not in order")


def json_lines(data: bytes) -> None:
    """What is read the quick way is what the strict parser reads."""
    reader = RecordReader("f.jsonl", DEFAULT)
    for number, line in enumerate(data.split(b"\n")[:200], 1):
        quick = reader.quick(line)
        strict, error = accepted(functools.partial(reader.strict, line, number))
        if quick is not UNSURE:
            check(error is None, f"the quick reader accepts what the strict one refuses: {error}")
            check(_exact(quick) == strict, "the quick reader reads another value")
            kinds = json.dumps(quick), json.dumps(strict, default=float)
            check(kinds[0] == kinds[1] or _exact(quick) == strict, "the kinds of values differ")


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(_exact, value))
    return Decimal(repr(value)) if isinstance(value, float) else value


def markdown_document(data: bytes) -> None:
    """Sections nest, and everything has a line of the document."""

    def read() -> markdown.Document:
        return markdown.parse(parse.decode_text(data, "f.md"), "f.md")

    document, _ = accepted(read)
    if document is not None:
        most = data.count(b"\n") + data.count(b"\r") + 1
        things = (*document.sections, *document.tables, *document.items, *document.texts)
        check(all(1 <= thing.line <= most for thing in things), "a line is outside of the document")
        for section in document.sections:
            check(section.line < section.end <= most + 1, "a section ends before it begins")


def settings_file(data: bytes) -> None:
    """``gate.yaml`` is read as pydantic reads it."""
    root = _settings_folder().root
    (root / gate_yaml.FILE).write_bytes(data)
    found, _ = accepted(lambda: gate_yaml.load_config(root))
    if found is not None:
        value = parse_yaml(data, gate_yaml.FILE, DEFAULT)
        text = json.dumps({} if value is None else value, default=float)
        check(_pydantic().validate_json(text) == found, "pydantic reads the settings otherwise")


@functools.cache
def _settings_folder() -> Folder:
    return Folder({"a.py": SOURCE})


@functools.cache
def _pydantic() -> Any:
    return adapter(gate_yaml.GateConfig)


# --- evidence, through the collectors --------------------------------------------------------------------


def collector(name: str, *files: str, **settings: Any) -> Callable[[bytes], None]:
    """A target that makes the input the content of a collector's files, and demands evidence or refusal."""

    @functools.cache
    def made() -> Collecting:
        return Collecting(name, *files, **settings)

    def run(data: bytes) -> None:
        parts = data.split(BETWEEN, len(files) - 1)
        made()(*parts, *[b""] * (len(files) - len(parts)))

    return run


def values(data: bytes) -> None:
    """The first line has format, type and pointer, the rest is the file."""
    line, _, document = data.partition(b"\n")
    kind, _, rest = line.decode("utf-8", "replace").partition(" ")
    wanted, _, pointer = rest.partition(" ")
    read = {"file": f"f.{kind}", "pointer": pointer, **({"type": wanted} if wanted != "any" else {})}
    try:
        collecting = Collecting("values", f"f.{kind}", read={"x": read})
    except (ValueError, OSError):  # such settings are refused when gate.yaml is read
        return
    collecting(document)


def configs(data: bytes) -> None:
    """The first line is the format, the rest the file."""
    kind, _, document = data.partition(b"\n")
    if kind in (b"json", b"yaml", b"toml"):
        name = f"f.{kind.decode()}"
        Collecting("configs", name, paths=[name])(document)


def schemas(data: bytes) -> None:
    """Two versions of a schema; a schema beside itself breaks nothing."""
    old, _, new = data.partition(BETWEEN)
    _compare()(new or old, old)
    same = _compare()(old, old)
    if same is not None and same.facts["compatibility"] is not None:
        comparison = same.facts["compatibility"]
        check(
            not any(value for key, value in comparison.items() if key.startswith("breaks_")), "breaks itself"
        )


@functools.cache
def _compare() -> Collecting:
    return Collecting(
        "contracts", "contracts/a.schema.json", "approved/contracts/a.schema.json", approved_copy="approved"
    )


def _paper(changing: str) -> Callable[[bytes], None]:
    files = {
        "PAPER_TRADING_LOG.json": CORPUS / "paper_log" / "seed-short",
        "PAPER_TRADING_METRICS.csv": CORPUS / "paper_metrics" / "seed-example",
        "MOCK_BASELINE.json": CORPUS / "paper_mock" / "seed-example",
        "BACKTEST_METRICS.json": CORPUS / "paper_backtest" / "seed-example",
    }
    fixed = {name: path.read_bytes() for name, path in files.items() if name != changing and path.exists()}
    return collector("paper", changing, files=fixed)


_CONTRACT = CORPUS / "schema" / "seed-order-intent"
_SPLIT_JUNIT = '<testsuite tests="1"><testcase classname="a" name="b"/></testsuite>'

TARGETS: dict[str, Target] = {
    "json": Target(json_document, "json", LONGEST),
    "yaml": Target(yaml_document),
    "toml": Target(toml_document),
    "csv": Target(csv_rows),
    "json_lines": Target(json_lines, "json"),
    "markdown": Target(markdown_document),
    "settings": Target(settings_file),
    "checklist": Target(collector("checklist", "PRE_LIVE_CHECKLIST.md")),
    "interface_map": Target(collector("interface_map", "IBKR_INTERFACE_MAP.md")),
    "integration_flow": Target(collector("integration_flow", "INTEGRATION_FLOW.md")),
    "rollback": Target(collector("rollback", "ROLLBACK_PROCEDURE.md")),
    "rollback_drill": Target(collector("rollback", "ROLLBACK_DRILL.json"), "json"),
    "scale_up": Target(collector("scale_up", "SCALE_UP_PLAN.md")),
    "account": Target(collector("account", "ACCOUNT_CONFIG.json"), "json"),
    "conformance": Target(collector("broker_conformance", "BROKER_CONFORMANCE.json"), "json"),
    "kill_switch": Target(collector("kill_switch", "KILL_SWITCH_VERIFICATION.json"), "json"),
    "paper_log": Target(_paper("PAPER_TRADING_LOG.json"), "json"),
    "paper_metrics": Target(_paper("PAPER_TRADING_METRICS.csv")),
    "paper_mock": Target(_paper("MOCK_BASELINE.json"), "json"),
    "paper_backtest": Target(_paper("BACKTEST_METRICS.json"), "json"),
    "seeds": Target(collector("fixtures", "fixtures/seeds.yaml")),
    "fixture": Target(collector("fixtures", "fixtures/a.json"), "json"),
    "coverage_data": Target(collector("coverage", ".coverage", files=SOURCES), "sqlite", 65_536),
    "coverage_json": Target(collector("coverage", "coverage.json", files=SOURCES), "json"),
    "coverage_xml": Target(collector("coverage", "coverage.xml", files=SOURCES), "xml"),
    "coverage_lcov": Target(collector("coverage", "coverage.lcov", files=SOURCES)),
    "junit": Target(collector("tests", "junit.xml"), "xml"),
    "sarif": Target(collector("scans", "a.sarif"), "json"),
    "pip_audit": Target(collector("scans", "pip-audit.json"), "json"),
    "cyclonedx": Target(collector("components", "bom.json", documents=["bom.json"]), "json"),
    "spdx": Target(collector("components", "sbom.spdx.json", documents=["sbom.spdx.json"]), "json"),
    "python_source": Target(collector("source", "order_plane/broker/client.py")),
    "stage_tests": Target(collector("stage_tests", "tests/stage6_a.py", "tests/conftest.py")),
    "risk_python": Target(collector("risk_parameters", "algo_trade/a.py", paths=["algo_trade/*"])),
    "risk_yaml": Target(collector("risk_parameters", "algo_trade/a.yaml", paths=["algo_trade/*"])),
    "risk_toml": Target(collector("risk_parameters", "algo_trade/a.toml", paths=["algo_trade/*"])),
    "schema": Target(collector("contracts", "contracts/a.schema.json"), "json"),
    "schemas": Target(schemas, "json"),
    "messages": Target(
        collector(
            "messages",
            "messages/order_intents.jsonl",
            files={"contracts/order_intent.schema.json": _CONTRACT.read_bytes()},
        ),
        "json",
    ),
    "message_contract": Target(
        collector("messages", "contracts/order_intent.schema.json", "messages/order_intents.jsonl"), "json"
    ),
    "values": Target(values),
    "configs": Target(configs),
    "provenance": Target(
        collector("tests", "junit.xml.provenance.json", files={"junit.xml": _SPLIT_JUNIT}), "json"
    ),
    "signoff": Target(collector("signoffs", "signoffs/a.json"), "json"),
    "waiver": Target(collector("waivers", "waivers/a.json"), "json"),
    "allowed_signers": Target(signed.allowed_signers),
    "sshsig": Target(signed.sshsig),
    "attestation": Target(attested.attestation, "json"),
    "attesters": Target(attested.attesters),
    "dsse": Target(signed.dsse),
    "statement": Target(signed.statement, "json"),
    "note": Target(signed.note),
    "key_event": Target(signed.key_event, "json"),
    "verifier_key": Target(signed.verifier_key),
    "ledger_log": Target(signed.ledger_log),
    "ledger_checkpoint": Target(signed.ledger_checkpoint),
    "record": Target(signed.record),
}
