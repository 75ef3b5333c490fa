"""What a repository has that settings should name: sources, seeds, documents and evidence, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from msgspec import Struct, field

from ....evidence.base.errors import GateError
from ....evidence.collecting.registry import load
from ....evidence.collectors.artifacts import Row
from ....evidence.reading.formats import format_of, read_document
from ....evidence.reading.workspace import View

_BESIDE = ("contracts", "fixtures", "tests", "test")
"""Directories that are judged with the code, whatever they hold."""
_NO_PRODUCT = {"build", "dist", "doc", "docs", "env", "example", "examples", "htmlcov", "ledger", "samples"}
_CODE = re.compile(
    r".*\.(?:py|pyi|pyx|js|jsx|ts|tsx|java|kt|scala|go|rs|c|cc|cpp|h|hpp|cs|rb|r|jl|sql|sh)", re.DOTALL
)
_FOREIGN = re.compile(r"(?:.*/)?(?:node_modules|site-packages|\.[^/]+|ledger|signoffs)/.*", re.DOTALL)
_DOCUMENTS = {
    "checklist": re.compile(r"check[-_ ]?list", re.IGNORECASE),
    "interface_map": re.compile(r"interface[-_ ]?map", re.IGNORECASE),
    "integration_flow": re.compile(r"integration[-_ ]?flow", re.IGNORECASE),
    "rollback": re.compile(r"roll[-_ ]?back", re.IGNORECASE),
    "scale_up": re.compile(r"scale[-_ ]?up", re.IGNORECASE),
}
_SEEDS = re.compile(r"(?:.*/)?[^/]*seeds?[^/]*\.(?:ya?ml|json|toml)", re.IGNORECASE)
_SEED_NAMES = ("global", "property", "metamorphic", "chaos", "integration")
_HEAD = 4096
"""Bytes at the beginning of an XML or text file that show what it is."""
_JSON_BYTES = 4 * 2**20
_MOST = 300
"""Files of one kind that are looked into, those nearest to the top first."""

Place = tuple[str, str]
"""A collector and the option that names its file."""


class Found(Struct, dict=True):
    """What a repository has.

    Attributes:
        sources: source paths that exist, as globs where settings cannot have the name; empty without code.
        seeds, unstated: the file with the seeds, if there is one, and seeds that it does not state.
        evidence: options by collector that differ from their defaults.
        recognised: every piece of evidence that was recognised, as (collector, path).
        ledger: a directory for the ledger where its usual one is taken, else None.
        rows, missing: number of rows of the artifact matrix, and those without a file.
    """

    sources: list[str] = field(default_factory=list)
    python_files: int = 0
    seeds: str | None = None
    unstated: list[str] = field(default_factory=list)
    evidence: dict[str, dict[str, Any]] = field(default_factory=dict)
    recognised: list[tuple[str, str]] = field(default_factory=list)
    ledger: str | None = None
    rows: int = 0
    missing: tuple[Row, ...] = ()


def discover(view: View, rows: Iterable[Row], options: Mapping[str, Mapping[str, Any]]) -> Found:
    """Look at the files of a workspace, with these options by collector; what cannot be read is passed over.

    Raises EvidenceError: a directory of the workspace cannot be listed, or there are too many files.
    """
    paths = [path for path in view.paths() if nameable(path) and not _FOREIGN.fullmatch(path)]
    paths.sort(key=lambda path: (path.count("/"), path))
    expected = tuple(rows)
    found = Found(
        _sources(view.paths()),
        sum(path.endswith(".py") for path in paths),
        rows=len(expected),
        missing=tuple(row for row in expected if not _matches(view, row.pattern)),
    )
    places: dict[Place, list[str]] = {}
    for kind in (_of_json, _of_head, _of_name):
        for path, place in kind(view, paths):
            places.setdefault(place, []).append(path)
    for (collector, option), files in sorted(places.items()):
        _propose(view, found, (collector, option), files, options.get(collector, {}))
    _seeds(view, paths, found, options.get("fixtures", {}))
    _checklist(view, found, options.get("checklist", {}))
    return found


def nameable(path: str) -> bool:
    """Whether settings can name the path as such: printable, without wildcards or backslashes."""
    return path.isprintable() and not set("*?\\") & set(path)


def _matches(view: View, pattern: str) -> bool:
    try:
        return bool(view.glob(pattern))
    except GateError:  # a link, for one: the name is taken
        return True


def _sources(paths: Iterable[str]) -> list[str]:
    """Top-level directories and files with code, and those beside it; nothing where there is no code."""
    code: set[str] = set()
    beside: set[str] = set()
    for path in paths:
        top, inside, _ = path.partition("/")
        name = (
            top if nameable(top) else "".join(c if nameable(c) else "?" for c in top) + "/**" * bool(inside)
        )
        if top.startswith(".") or top in _NO_PRODUCT:
            continue
        if top in _BESIDE:
            if inside:
                beside.add(name)
        elif _CODE.fullmatch(path) and (inside or path.endswith(".py")):
            code.add(name)
    chosen = [*sorted(code), *sorted(beside)]
    return chosen if code and len(chosen) <= _MOST else []


def _of_json(view: View, paths: list[str]) -> Iterable[tuple[str, Place]]:
    for path in [path for path in paths if path.lower().endswith((".json", ".sarif"))][:_MOST]:
        try:
            view.read(path, _JSON_BYTES)
            value = view.read_json(path)
        except GateError:
            continue
        keys = set(value) if isinstance(value, dict) else set()
        if {"account_id", "buying_power"} <= keys:
            yield path, ("account", "path")
        elif {"session_id", "trades"} <= keys:
            yield path, ("paper", "log")
        elif "bomFormat" in keys or "spdxVersion" in keys:
            yield path, ("components", "documents")
        elif "runs" in keys and (path.endswith(".sarif") or "sarif" in str(value.get("$schema"))):
            yield path, ("scans", "sarif")
        elif {"dependencies", "fixes"} <= keys:
            yield path, ("scans", "pip_audit")
        elif {"meta", "files", "totals"} <= keys:
            yield path, ("coverage", "json")


def _of_head(view: View, paths: list[str]) -> Iterable[tuple[str, Place]]:
    heads: dict[Place, tuple[tuple[str, ...], re.Pattern[bytes]]] = {
        ("tests", "junit"): ((".xml",), re.compile(rb"<testsuites?[\s>/]")),
        ("coverage", "xml"): ((".xml",), re.compile(rb"<coverage\s")),
        ("coverage", "lcov"): (("lcov.info", ".lcov"), re.compile(rb"(?m)^SF:")),
        ("paper", "metrics"): ((".csv",), re.compile(rb"\A(?:\xef\xbb\xbf)?metric,value,unit,status\s")),
    }
    for place, (ending, mark) in heads.items():
        for path in [path for path in paths if path.endswith(ending)][:_MOST]:
            try:
                head = view.read(path)[:_HEAD]
            except GateError:
                continue
            if mark.search(head):
                yield path, place


def _of_name(view: View, paths: list[str]) -> Iterable[tuple[str, Place]]:
    for path in paths:
        name = path.rpartition("/")[2]
        if name == ".coverage":
            yield path, ("coverage", "data")
        for collector, words in _DOCUMENTS.items():
            if name.endswith(".md") and words.search(name):
                yield path, (collector, "path")


def _propose(view: View, found: Found, place: Place, files: list[str], given: Mapping[str, Any]) -> None:
    """Name files where the collector would not look; where it finds one by itself, nothing is set."""
    collector, option = place
    kind = load(collector).Options
    attribute = next(f.name for f in fields(kind) if option in (f.name, f.metadata.get("alias")))
    usual = getattr(kind(), attribute)
    if usual is None:  # coverage has four places, of which it takes the first that exists
        usual = (".coverage", "coverage.json", "coverage.xml", "coverage.lcov")
    patterns = (usual,) if isinstance(usual, str) else usual
    there = [path for pattern in patterns if _matches(view, pattern) for path in _glob(view, pattern)]
    chosen = found.evidence.get(collector, {})
    known = there or option in given or (chosen if collector == "coverage" else option in chosen)
    if not known:
        several = not isinstance(getattr(kind(), attribute), str) and collector != "coverage"
        found.evidence.setdefault(collector, {})[option] = files[:20] if several else files[0]
    first = (collector, (there or files)[0])
    if first not in found.recognised:
        found.recognised.append(first)


def _glob(view: View, pattern: str) -> tuple[str, ...]:
    try:
        return view.glob(pattern)
    except GateError:
        return ()


def _seeds(view: View, paths: list[str], found: Found, given: Mapping[str, Any]) -> None:
    """Find the file with the seeds, and under which keys they stand."""
    kind = load("fixtures")
    usual = str(given.get("seeds") or kind.Options().seeds)  # type: ignore[attr-defined]
    candidates = [path for path in paths if path == usual or _SEEDS.fullmatch(path)]
    for path in sorted(candidates, key=lambda path: path != usual)[:20]:
        try:
            keys = _seed_keys(read_document(view, path, format_of(path) or "yaml"))
        except GateError:
            continue
        if not keys:
            continue
        found.seeds = path
        found.unstated = [name for name in _SEED_NAMES if name not in keys]
        settings: dict[str, Any] = {} if path == usual else {"seeds": path}
        elsewhere = {name: key for name, key in keys.items() if name != key}
        if elsewhere and any(f.name == "seed_keys" for f in fields(kind.Options)):
            settings["seed_keys"] = elsewhere
        found.evidence.setdefault("fixtures", {}).update(
            {name: value for name, value in settings.items() if name not in given}
        )
        break
    if not found.evidence.get("fixtures"):
        found.evidence.pop("fixtures", None)


def _seed_keys(document: Any) -> dict[str, str]:
    """Seed → where an integer of that name stands: its own name, a dotted path, or a JSON pointer."""
    found: dict[str, str] = {}
    pending: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while pending:
        parts, value = pending.pop(0)
        if isinstance(value, dict):
            pending += [((*parts, str(key)), item) for key, item in value.items()]
        elif type(value) is int and parts and all(part.isprintable() for part in parts):
            words = re.split(r"[^a-z]+", parts[-1].lower())
            for name in _SEED_NAMES:
                if name in words or (name in parts and "seed" in words):
                    found.setdefault(name, _key(parts))
    return found


def _key(parts: tuple[str, ...]) -> str:
    if all(re.fullmatch(r"[\w-]+", part) for part in parts):
        return ".".join(parts)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _checklist(view: View, found: Found, given: Mapping[str, Any]) -> None:
    """Say which headings are categories where the usual level, or any, does not show them."""
    kind = load("checklist")
    settings = {**found.evidence.get("checklist", {}), **given}

    def categories(**more: Any) -> int:
        try:
            return len(kind(kind.Options(**settings, **more)).collect(view).facts["categories"])
        except (GateError, TypeError):
            return 0

    if "heading_level" in given or categories():
        return
    level = max(range(1, 7), key=lambda level: (categories(heading_level=level), -level))
    if categories(heading_level=level):
        found.evidence.setdefault("checklist", {})["heading_level"] = level
