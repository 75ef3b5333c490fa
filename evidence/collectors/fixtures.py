"""Collector ``fixtures``: the random seeds of the tests and the fixture files that carry their own digest.

The digest is the SHA-256 over the canonical JSON (RFC 8785) of a fixture's ``data``; it shows that the data
were not edited by hand, not who made them. That the same seeds give the same results is shown by the result
files of two runs. See ``docs/collectors/fixtures.md``.
"""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal, get_args

from ..base.canonical import MAX_SAFE_INTEGER, sha256_hex
from ..base.errors import ConfigError, EvidenceError
from ..base.settings import Settings, Text
from ..collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ..reading.formats import format_of, read_document
from ..reading.parse import decode_text
from ..reading.workspace import View, check_relative
from .shared.documents import matching
from .shared.pointer import Absent, NoIndex, format_pointer, parse_pointer, resolve

Seed = Literal["global", "property", "metamorphic", "chaos", "integration"]
SEEDS: tuple[Seed, ...] = get_args(Seed)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_UNKNOWN = dict.fromkeys(("first_sha256", "second_sha256", "equal", "equal_content"))


@dataclass(frozen=True, slots=True)
class Pair(Settings):
    """The result files of two runs with the same seeds.

    Attributes:
        first: the one.
        second: the other.
    """

    first: Text
    second: Text


@dataclass(frozen=True, slots=True)
class FixturesOptions(Options):
    """Options of ``evidence.fixtures``.

    Attributes:
        seeds: the file with the seeds: YAML, JSON or TOML.
        seed_keys: where in that file a seed stands, if not under its own name: a dotted path such as
            ``seeds.chaos``, or a JSON pointer.
        signed: globs of the fixture files.
        reproducibility: result files that should be equal.
    """

    seeds: Text = "fixtures/seeds.yaml"
    seed_keys: dict[Seed, Text] = field(default_factory=dict)
    signed: tuple[str, ...] = field(default=("fixtures/**/*.json",))
    reproducibility: tuple[Pair, ...] = field(default=())

    def __post_init__(self) -> None:
        for key in self.seed_keys.values():
            _parts(key)


class FixturesCollector:
    """See the module."""

    id: ClassVar[str] = "fixtures"
    version: ClassVar[str] = "3"
    Options: ClassVar[type[Options]] = FixturesOptions

    def __init__(self, options: FixturesOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Read the seeds, recompute every fixture's digest, compare the result files.

        Raises:
            ConfigError: a pair names one file twice, or one outside of the workspace.
        """
        problems: list[Problem] = []
        seeds = self._seeds(view, problems)
        paths = matching(view, self._options.signed, "files", problems)
        files = []
        for path in paths:
            try:
                files.append(_inspect(view, path))
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "files"))
                what = ": ".join(part for part in (error.place, error.what) if part)
                files.append(_file(path, None, None, what))
        pairs = []
        for pair in self._options.reproducibility:
            try:
                pairs.append(_compare(view, pair))
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "reproducibility"))
                pairs.append({"first": pair.first, "second": pair.second, **_UNKNOWN, "problem": error.what})
        if not pairs:
            problems.append(
                Problem(
                    "reproducibility",
                    "no result files of two runs are named",
                    "run twice with the same seeds, keep both result files, and name them in "
                    "evidence.fixtures.reproducibility",
                )
            )
        signed = sum(entry["valid"] for entry in files)
        rejected = sum(problem.fact == "files" and problem.path in paths for problem in problems)
        return Observation(
            {
                "seeds": seeds,
                "files": files,
                "signed_files": signed,
                "invalid_files": len(files) - signed,
                "reproducibility": pairs or None,
            },
            tuple(problems),
            scopes=tuple(
                Scope(fact, len(files), len(files) - rejected, "fixture files")
                for fact in ("files", "signed_files", "invalid_files")
            ),
        )

    def _seeds(self, view: View, problems: list[Problem]) -> dict[str, int | str | None]:
        """The seeds by name; why one is null goes into ``problems``."""
        path, keys = self._options.seeds, self._options.seed_keys
        nothing: dict[str, int | str | None] = dict.fromkeys(SEEDS)
        try:
            if not view.exists(path):
                remedy = (
                    f"write {path}, or set evidence.fixtures.seeds in gate.yaml to the file with the seeds"
                )
                problems.append(Problem("seeds", f"{path} does not exist", remedy))
                return nothing
            document = read_document(view, path, format_of(path) or "yaml")
        except EvidenceError as error:
            problems.append(Problem.rejected(error, "seeds"))
            return nothing
        likely = _likely(document)
        for name in SEEDS:
            key = keys.get(name, name)
            try:
                value = (
                    document[key] if isinstance(document, dict) and key in document else _at(document, key)
                )
            except (Absent, NoIndex):
                setting = f"evidence.fixtures.seed_keys.{name} in gate.yaml to where the seed stands"
                example = f", such as {likely[name]}" if name in likely else ""
                problems.append(
                    Problem(
                        f"seeds.{name}",
                        f"{path} states no seed {key[:80]!r}",
                        f"state it there, or set {setting}{example}",
                        path=path,
                    )
                )
                continue
            if type(value) is int:
                nothing[name] = value if abs(value) <= MAX_SAFE_INTEGER else str(value)
                continue
            problems.append(
                Problem(
                    f"seeds.{name}",
                    f"the seed {key[:80]!r} is no integer",
                    f"write the seed as an integer, or set evidence.fixtures.seed_keys.{name} in gate.yaml",
                    ProblemKind.REJECTED,
                    path,
                    format_pointer(_parts(key)),
                )
            )
        return nothing


def _parts(key: str) -> tuple[str, ...]:
    return parse_pointer(key) if key.startswith("/") else tuple(key.split("."))


def _at(document: Any, key: str) -> Any:
    return resolve(document, _parts(key))


def _likely(document: Any) -> dict[str, str]:
    """For each seed, the key of an integer whose name has the seed's name in it: ``global_seed``."""
    found: dict[str, str] = {}
    pending = [("", document)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            inner = [(f"{key}.{name}" if key else name, item) for name, item in value.items()]
            pending += reversed([(name, item) for name, item in inner if _PLAIN_KEY.fullmatch(name)])
        elif type(value) is int:
            for name in SEEDS:
                if name in re.split(r"[._-]", key.lower()):
                    found.setdefault(name, key)
    return found


def _file(path: str, version: str | None, algorithm: str | None, problem: str | None) -> dict[str, Any]:
    return {
        "path": path,
        "valid": problem is None,
        "version": version,
        "algorithm": algorithm,
        "problem": problem,
    }


def _inspect(view: View, path: str) -> dict[str, Any]:
    content = view.read_json(path, "fixture")
    metadata = content["metadata"]
    problem = _problem(content["data"], metadata["algorithm"], metadata["signature"])
    return _file(path, metadata["version"], metadata["algorithm"], problem)


def _problem(data: Any, algorithm: str, signature: str) -> str | None:
    import rfc8785

    if algorithm != "sha256":
        return f"the digest algorithm is {algorithm[:40]!r}, only 'sha256' is known"
    try:
        digest = sha256_hex(rfc8785.dumps(_as_double(data)))
    except rfc8785.CanonicalizationError as error:
        return f"`data` has no canonical form: {error}"
    if signature.lower() != digest:
        return f"the digest of `data` is {digest}, but the file states {signature[:64]}"
    return None


def _as_double(value: Any) -> Any:
    """The value with decimals as IEEE doubles, which is what RFC 8785 is defined on (depth is capped)."""
    if isinstance(value, dict):
        return {key: _as_double(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_double(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _compare(view: View, pair: Pair) -> dict[str, Any]:
    """One pair: equal byte for byte, and equal in content where the format has one."""
    names = (check_relative(pair.first), check_relative(pair.second))
    if names[0] == names[1]:
        raise ConfigError(
            f"a pair of result files names {names[0][:200]!r} twice",
            path="gate.yaml",
            place="evidence.fixtures.reproducibility",
            remedy="name the result files of two separate runs",
        )
    there = [view.exists(name) for name in names]
    digests = [view.digest(name) if known else None for name, known in zip(names, there, strict=True)]
    if all(there):
        _refuse_one_file(view, names)
    absent = [name for name, known in zip(names, there, strict=True) if not known]
    equal = None if absent else digests[0] == digests[1]
    return {
        "first": names[0],
        "second": names[1],
        "first_sha256": digests[0],
        "second_sha256": digests[1],
        "equal": equal,
        "equal_content": equal or (None if absent else _same_content(view, names)),
        "problem": f"{', '.join(absent)} does not exist" if absent else None,
    }


def _refuse_one_file(view: View, names: tuple[str, str]) -> None:
    """A file compared with itself shows nothing, and neither does one under two names."""
    try:
        first, second = (os.lstat(view.root / name) for name in names)
    except OSError as error:
        raise EvidenceError(
            "was removed while it was read", path=names[1], remedy="run again when nothing writes to it"
        ) from error
    if (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino):
        raise EvidenceError(
            f"is the very file {names[0]} (a hard link), so their being equal shows nothing",
            path=names[1],
            remedy="keep the result files of two separate runs",
        )


def _same_content(view: View, names: tuple[str, str]) -> bool:
    """Whether two files that differ byte for byte say the same; only JSON and CSV have a reading."""
    endings = {name.rpartition(".")[2].lower() for name in names}
    if endings == {"json"}:
        first, second = (_key(view.read_json(name)) for name in names)
        return bool(first == second)
    if endings == {"csv"}:
        return _rows(view, names[0]) == _rows(view, names[1])
    return False


def _key(value: Any) -> Any:
    """Equal for equal JSON: numbers by value (``1.0`` is ``1``), true and false apart from them."""
    if isinstance(value, dict):
        return {name: _key(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_key(item) for item in value]
    return (value, "boolean") if isinstance(value, bool) else value


def _rows(view: View, path: str) -> list[list[str]]:
    """Header and cells of a CSV file; how cells are quoted and lines end does not count."""
    reader = csv.reader(io.StringIO(decode_text(view.read(path), path), newline=""), strict=True)
    rows: list[list[str]] = []
    try:
        for cells in reader:
            if len(rows) > view.limits.csv_rows:
                raise csv.Error(f"more than {view.limits.csv_rows} rows")
            if cells:
                rows.append(cells)
    except csv.Error as error:
        raise EvidenceError(
            f"malformed CSV: {error}",
            path=path,
            place=f"line {reader.line_num}",
            remedy="correct the CSV file",
        ) from error
    return rows
