"""Collector ``fixtures``: the random seeds of the tests and the fixture files that carry their own digest.

The digest is the SHA-256 over the canonical JSON (RFC 8785) of a fixture's ``data``; it shows that the data
were not edited by hand, not who made them. That the same seeds give the same results is shown by the result
files of two runs. See ``docs/collectors/fixtures.md``.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from ..base.canonical import sha256_hex
from ..base.errors import ConfigError, EvidenceError
from ..base.settings import Settings, Text
from ..collecting.interface import Observation, Options, Problem
from ..reading.parse import decode_text
from ..reading.workspace import View, check_relative

SEEDS = ("global", "property", "metamorphic", "chaos", "integration")


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
        seeds: YAML file with one seed per kind of test.
        signed: globs of the fixture files.
        reproducibility: result files that should be equal.
    """

    seeds: str = "fixtures/seeds.yaml"
    signed: tuple[str, ...] = field(default=("fixtures/**/*.json",))
    reproducibility: tuple[Pair, ...] = field(default=())


class FixturesCollector:
    """See the module."""

    id: ClassVar[str] = "fixtures"
    version: ClassVar[str] = "2"
    Options: ClassVar[type[Options]] = FixturesOptions

    def __init__(self, options: FixturesOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Read the seeds, recompute every fixture's digest, compare the result files.

        Raises:
            EvidenceError: the seeds or a fixture file are malformed or break their contract; a result file is
                malformed, or the two of a pair are one.
            ConfigError: a pair names one file twice, or one outside of the workspace.
        """
        path = self._options.seeds
        stated: dict[str, Any] = {}
        file: str | None = None
        missing: list[Problem] = []
        if view.exists(path):
            file = path
            stated = view.read_yaml(path, "seeds")
        else:
            missing.append(Problem("seeds_file", f"{path} does not exist", f"write {path}"))
        seeds = {kind: stated.get(kind) for kind in SEEDS}
        for kind, seed in seeds.items():
            if seed is None:
                reason = f"{path} " + ("does not exist" if file is None else f"states no seed {kind!r}")
                missing.append(Problem(f"seeds.{kind}", reason, f"state the seed {kind!r} in {path}"))
        paths = sorted({path for pattern in self._options.signed for path in view.glob(pattern)})
        files = [_inspect(view, path) for path in paths]
        pairs = [_compare(view, pair) for pair in self._options.reproducibility]
        if not pairs:
            missing += (
                Problem(
                    fact,
                    "no result files of two runs are named",
                    "run twice with the same seeds, keep both result files, and name them in "
                    "evidence.fixtures.reproducibility",
                )
                for fact in ("pairs", "reproducibility", "reproducible")
            )
        return Observation(
            {
                "seeds": seeds,
                "seeds_file": file,
                "files": files,
                "signed_files": sum(entry["valid"] for entry in files),
                "invalid_files": sum(not entry["valid"] for entry in files),
                "reproducibility": pairs or None,
                "pairs": len(pairs) or None,
                "reproducible": sum(pair["equal_content"] is True for pair in pairs) if pairs else None,
            },
            tuple(missing),
        )


def _inspect(view: View, path: str) -> dict[str, Any]:
    content = view.read_json(path, "fixture")
    metadata = content["metadata"]
    problem = _problem(content["data"], metadata["algorithm"], metadata["signature"])
    return {
        "path": path,
        "valid": problem is None,
        "version": metadata["version"],
        "algorithm": metadata["algorithm"],
        "problem": problem,
    }


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
