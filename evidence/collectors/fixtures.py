"""Collector ``fixtures``: the random seeds of the tests and the fixture files that carry their own digest.

The digest is the SHA-256 over the canonical JSON (RFC 8785) of a fixture's ``data``; it shows that the data
were not edited by hand, not who made them. See ``docs/collectors/fixtures.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from ..canonical import sha256_hex
from ..interface import Missing, Observation, Options
from ..workspace import View

SEEDS = ("global", "property", "metamorphic", "chaos", "integration")


@dataclass(frozen=True, slots=True)
class FixturesOptions(Options):
    """Options of ``evidence.fixtures``.

    Attributes:
        seeds: YAML file with one seed per kind of test.
        signed: globs of the fixture files.
    """

    seeds: str = "fixtures/seeds.yaml"
    signed: tuple[str, ...] = field(default=("fixtures/**/*.json",))


class FixturesCollector:
    """See the module."""

    id: ClassVar[str] = "fixtures"
    version: ClassVar[str] = "1"
    Options: ClassVar[type[Options]] = FixturesOptions

    def __init__(self, options: FixturesOptions) -> None:
        self._options = options

    def collect(self, view: View) -> Observation:
        """Read the seeds and recompute every fixture's digest.

        Raises:
            EvidenceError: the seeds or a fixture file are malformed or break their contract.
        """
        path = self._options.seeds
        stated: dict[str, Any] = {}
        file: str | None = None
        missing: list[Missing] = []
        if view.exists(path):
            file = path
            stated = view.read_yaml(path, "seeds")
        else:
            missing.append(Missing("seeds_file", f"{path} does not exist", f"write {path}"))
        seeds = {kind: stated.get(kind) for kind in SEEDS}
        for kind, seed in seeds.items():
            if seed is None:
                reason = f"{path} " + ("does not exist" if file is None else f"states no seed {kind!r}")
                missing.append(Missing(f"seeds.{kind}", reason, f"state the seed {kind!r} in {path}"))
        paths = sorted({path for pattern in self._options.signed for path in view.glob(pattern)})
        files = [_inspect(view, path) for path in paths]
        return Observation(
            {
                "seeds": seeds,
                "seeds_file": file,
                "files": files,
                "signed_files": sum(entry["valid"] for entry in files),
                "invalid_files": sum(not entry["valid"] for entry in files),
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
