"""Collector ``fixtures``: the random seeds of the tests and the fixture files that carry their own digest.

The digest is the SHA-256 over the canonical JSON (RFC 8785) of a fixture's ``data``; it shows that the data
were not edited by hand, not who made them. That the same seeds give the same results is shown by the result
files of two runs. See ``docs/collectors/fixtures.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal, get_args

from ..base.canonical import MAX_SAFE_INTEGER, sha256_hex
from ..base.errors import ConfigError, EvidenceError
from ..base.settings import Settings, Text
from ..collecting.interface import Observation, Options, Problem, ProblemKind, Scope
from ..reading.formats import format_of, read_document
from ..reading.markdown_text import has_template_mark
from ..reading.workspace import View, check_relative
from .shared.documents import matching, seconds
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
    version: ClassVar[str] = "5"
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
                content = view.read_json(path, "fixture")
                metadata = content["metadata"]
                problem = _problem(content["data"], metadata["algorithm"], metadata["signature"])
                if problem is None and not _has_data(content["data"]):
                    problem = "`data` holds nothing"
                if problem is None and has_template_mark(metadata["version"]):
                    problem = "the version is still to be filled in"
                files.append(_file(path, metadata, problem))
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "files"))
                files.append(_file(path, {}, ": ".join(part for part in (error.place, error.what) if part)))
        pairs = []
        for pair in self._options.reproducibility:
            try:
                pairs.append(_compare(view, pair))
            except EvidenceError as error:
                problems.append(Problem.rejected(error, "reproducibility"))
                pairs.append({"first": pair.first, "second": pair.second, **_UNKNOWN, "problem": error.what})
        if not pairs:
            reason, remedy = (
                "no result files of two runs are named",
                (
                    "run twice with the same seeds, keep both result files, and name them in"
                    " evidence.fixtures.reproducibility"
                ),
            )
            problems.append(Problem("reproducibility", reason, remedy))
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
        seeds: dict[str, int | str | None] = dict.fromkeys(SEEDS)
        setting = "evidence.fixtures.seed_keys.{} in gate.yaml"
        try:
            if not view.exists(path):
                remedy = (
                    f"write {path}, or set evidence.fixtures.seeds in gate.yaml to the file with the seeds"
                )
                problems.append(Problem("seeds", f"{path} does not exist", remedy))
                return seeds
            document = read_document(view, path, format_of(path) or "yaml")
        except EvidenceError as error:
            problems.append(Problem.rejected(error, "seeds"))
            return seeds
        likely = _likely(document)
        for name in SEEDS:
            fact, key = f"seeds.{name}", keys.get(name, name)
            whole = isinstance(document, dict) and key in document
            try:
                value = document[key] if whole else resolve(document, _parts(key))
            except (Absent, NoIndex):
                example = f", such as {likely[name]}" if name in likely else ""
                remedy = f"state it there, or set {setting.format(name)} to where the seed stands{example}"
                problems.append(Problem(fact, f"{path} states no seed {key[:80]!r}", remedy, path=path))
                continue
            if type(value) is int:
                seeds[name] = value if abs(value) <= MAX_SAFE_INTEGER else str(value)
                continue
            reason = f"the seed {key[:80]!r} is no integer"
            remedy = "write the seed as an integer, or say in evidence.fixtures.seed_keys where it stands"
            place = format_pointer(_parts(key))
            problems.append(Problem(fact, reason, remedy, ProblemKind.REJECTED, path, place))
        return seeds


def _parts(key: str) -> tuple[str, ...]:
    return parse_pointer(key) if key.startswith("/") else tuple(key.split("."))


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


def _file(path: str, metadata: dict[str, Any], problem: str | None) -> dict[str, Any]:
    stated = {name: metadata.get(name) for name in ("version", "algorithm")}
    created = seconds(metadata["created_at"], path, "/metadata/created_at") if metadata else None
    return {"path": path, "valid": problem is None, **stated, "created_at_s": created, "problem": problem}


def _has_data(value: Any) -> bool:
    """Whether a figure or a text is anywhere in it."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_data, inside)) or not (value is None or value == "" or isinstance(value, dict | list))


def _problem(data: Any, algorithm: str, signature: str) -> str | None:
    import rfc8785

    if re.sub("[-_]", "", algorithm.lower()) != "sha256":
        return f"the digest algorithm is {algorithm[:40]!r}, only 'sha256' is known"
    try:
        digest = sha256_hex(rfc8785.dumps(_as_double(data)))
    except rfc8785.CanonicalizationError as error:
        return f"`data` has no canonical form: {error}"
    if signature.lower().removeprefix("sha256:") != digest:
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
    digests = [view.digest(name) if view.exists(name) else None for name in names]
    absent = [name for name, digest in zip(names, digests, strict=True) if digest is None]
    equal = None if absent else digests[0] == digests[1]
    return {
        "first": names[0],
        "second": names[1],
        "first_sha256": digests[0],
        "second_sha256": digests[1],
        "equal": equal,
        "equal_content": equal or (None if absent else _same_content(view, *names)),
        "problem": f"{', '.join(absent)} does not exist" if absent else None,
    }


def _same_content(view: View, first: str, second: str) -> bool:
    """Whether two files of one format that differ byte for byte say the same."""
    kind = format_of(first)
    if kind is None or kind != format_of(second):
        return False
    return bool(_key(read_document(view, first, kind)) == _key(read_document(view, second, kind)))


def _key(value: Any) -> Any:
    """Equal for equal documents: numbers by value (``1.0`` is ``1``), true and false apart from them."""
    if isinstance(value, dict):
        return {name: _key(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_key(item) for item in value]
    return (value, "boolean") if isinstance(value, bool) else value
