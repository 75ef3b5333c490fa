"""All limits on hostile or oversized input, in one place, with units."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .settings import Settings

MIB = 1024 * 1024


_HIGHEST = {"integer_digits": 40, "decimal_exponent": 1000, "json_depth": 200, "xml_depth": 200}
"""What no operator may widen further: beyond this, engines and parsers are no longer exact or safe."""


@dataclass(frozen=True, slots=True)
class Limits(Settings):
    """How much of anything is read before it is refused. Sizes in bytes, times in seconds.

    Times are wall-clock times, and generous: a busy machine must not change what is found. The operator may
    set any of them in ``gate.yaml``; a decision records those that are wider than here.

    Raises ValueError: one is not above zero, or higher than can be handled.
    """

    file_bytes: int = 64 * MIB
    """One evidence or source file."""
    text_bytes: int = MIB
    """One file that is parsed as Markdown, YAML or Python source."""
    signature_bytes: int = 64 * 1024
    """One detached signature."""
    stream_bytes: int = 1024 * MIB
    """One file that is read record by record and never held as a whole (JSON Lines)."""
    record_bytes: int = MIB
    """One record of such a file."""
    records: int = 10_000_000
    """Records of such a file."""
    inventory_entries: int = 1_000_000
    """Files and directories seen in the one walk through the workspace."""
    json_depth: int = 64
    """Nesting of arrays and objects in JSON and YAML."""
    json_items: int = 5_000_000
    """Values in one JSON or YAML document."""
    integer_digits: int = 40
    """Digits of an integer: enough for 128 bits. Facts carry integers beyond 2^53 as strings."""
    decimal_exponent: int = 64
    """Largest absolute decimal exponent of a number."""
    csv_rows: int = 1_000_000
    """Rows of one CSV file."""
    csv_cell_chars: int = 32_768
    """Characters in one CSV cell."""
    xml_depth: int = 64
    """Nesting of XML elements."""
    problems: int = 50
    """Findings of one kind reported per file; the rest is counted."""
    policy_seconds: float = 60.0
    """Time one question to the policy engine may take, the first one including loading the bundle."""
    policy_memory_bytes: int = 1024 * MIB
    """Address space of the policy engine's process."""
    git_seconds: float = 60.0
    """Time one git command may take."""
    collector_seconds: float = 120.0
    """Time one collector may take in all."""
    collector_memory_bytes: int = 2048 * MIB
    """Memory of the process that collects: address space on Linux, resident memory elsewhere."""
    command_seconds: float = 60.0
    """Time a command declared in ``gate.yaml``, or a collection of tests by pytest, may take."""
    command_bytes: int = 8 * MIB
    """What such a command may print."""

    def __post_init__(self) -> None:
        for name, value in self.items():
            if value <= 0:
                raise ValueError(f"{name} must be above zero")
            if value > _HIGHEST.get(name, value):
                raise ValueError(f"{name} can be at most {_HIGHEST[name]}")

    def items(self) -> list[tuple[str, float]]:
        """Every limit with its name."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]

    def widened(self) -> list[tuple[str, float, float]]:
        """Name, usual value and value of the limits that are wider than usual."""
        usual = dict(Limits().items())
        return [(name, usual[name], value) for name, value in self.items() if value > usual[name]]


DEFAULT = Limits()
