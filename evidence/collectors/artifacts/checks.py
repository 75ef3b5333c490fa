"""Whether a row's files keep to the requirements of their kind, and how much of them is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from ...base.contracts import CONTRACTS
from ...base.errors import EvidenceError
from ...base.numbers import PPM, ratio_ppm
from ...reading.workspace import View
from ..shared import python_source as python

Operation = Literal[
    "connect", "disconnect", "account_info", "positions", "place_order", "cancel_order", "order_status",
    "market_data",
]  # fmt: skip


class Defect(NamedTuple):
    """One finding: file, line from 1 where it has one, and what is wrong."""

    path: str
    line: int | None
    text: str


class Requirements(NamedTuple):
    """What a row asks of its files, as far as its kind asks anything."""

    sections: Mapping[str, Sequence[str]]
    operations: Sequence[str]
    contract: str | None
    header: Sequence[str]


class Result(NamedTuple):
    """How much of what the row requires is there, in parts per million, and what is wrong."""

    coverage_ppm: int
    problems: tuple[Defect, ...]


def check_requirements(row: str, sections: Mapping[str, Sequence[str]], contract: str | None) -> None:
    """Refuse a row that could never be checked.

    Raises:
        ValueError: a pattern is no regular expression, or the contract is not shipped.
    """
    for name, patterns in sections.items():
        if not patterns:
            raise ValueError(f"row {row!r}: section {name!r} has no pattern")
        for pattern in patterns:
            try:
                re.compile(pattern, re.IGNORECASE)
            except re.error as error:
                what = f"row {row!r}: {pattern[:80]!r} is not a regular expression: {error}"
                raise ValueError(what) from error
    if contract is not None:
        known = sorted(file.name.removesuffix(".schema.json") for file in (CONTRACTS / "files").iterdir())
        if contract not in known:
            raise ValueError(f"row {row!r}: there is no contract {contract!r}; known: {', '.join(known)}")


def defect(error: EvidenceError, path: str) -> Defect:
    """Why a file was rejected, as a finding about it."""
    line = re.match(r"line ([0-9]{1,9})", error.place or "")
    where = f"{error.place}: " if error.place and not line else ""
    return Defect(path, int(line[1]) if line else None, f"{where}{error.what}")


def check(
    view: View, kind: str, paths: Sequence[str], required: Requirements, unreadable: Mapping[str, Defect]
) -> Result:
    """Inspect the files of a row, of which there is at least one; a rejected file has a finding for that.

    The share of a row without countable requirements is all or nothing.
    """
    parts: list[Result] = [Result(0, (unreadable[path],)) for path in paths if path in unreadable]
    readable = [path for path in paths if path not in unreadable]
    together = kind in _TOGETHER
    for group in [readable] if together and readable else [[path] for path in readable]:
        try:
            parts.append(_CHECKS[kind](view, group, required))
        except EvidenceError as error:
            parts.append(Result(0, (defect(error, error.path or group[0]),)))
    found = sorted(
        (one for part in parts for one in part.problems), key=lambda one: (one.path, one.line or 0, one.text)
    )
    share = sum(part.coverage_ppm for part in parts) // len(parts)
    if kind not in _COUNTED or (kind == "markdown" and not required.sections):
        share = 0 if found else PPM
    return Result(share, tuple(found[: view.limits.problems]))


def _all_or_nothing(problems: Sequence[Defect]) -> Result:
    return Result(0 if problems else PPM, tuple(problems))


def _markdown(view: View, paths: Sequence[str], required: Requirements) -> Result:
    """Each file must have every section, filled in, and no template mark anywhere."""
    from ...reading.markdown import find_sections, parse
    from ...reading.parse import refuse_garbled

    (path,) = paths
    text = view.read_text(path)
    refuse_garbled(text, path)
    document = parse(text, path)
    filled = 0
    problems: list[Defect] = []
    lacking: dict[int, str] = {}
    for name, patterns in required.sections.items():
        found = find_sections(text, patterns, path)
        if not found:
            problems.append(Defect(path, None, f"section {name!r} is not there"))
        elif all(section.filled for section in found):
            filled += 1
        for section in found:
            if not section.filled:
                lacking[section.line] = f"section {name!r} ({section.title[:80]})"
    if not required.sections:
        if not text.strip():
            problems.append(Defect(path, None, "is empty"))
        lacking = {one.line: f"section {one.title[:80]!r}" for one in document.sections if not one.filled}
    problems += [Defect(path, line, f"{section} is not filled in") for line, section in lacking.items()]
    marks = set(document.marks)
    for section in document.sections:
        if section.line in lacking:
            _, *more = [line for line in document.marks if section.line <= line < section.end] or [0]
            marks -= set(more)  # the first one stands for all of them
    what = "still has a mark of a template, or says that it is not in force"
    problems += [Defect(path, line, what) for line in sorted(marks)]
    share = ratio_ppm(filled, len(required.sections)) if required.sections else 0
    return Result(share, tuple(problems))


def _json(view: View, paths: Sequence[str], required: Requirements) -> Result:
    for path in paths:
        view.read_json(path, required.contract)
    return _all_or_nothing(())


def _csv(view: View, paths: Sequence[str], required: Requirements) -> Result:
    problems = [
        Defect(path, None, "has no row") for path in paths if not view.read_csv(path, required.header)
    ]
    return _all_or_nothing(problems)


def _python(view: View, paths: Sequence[str], required: Requirements) -> Result:
    """Each file must parse; all files together must implement the operations, without a stub.

    What is no test implements an operation only if it leads to the broker's interface.
    """
    from ...reading.workspace.sources import is_test
    from ..source.client import Method, find_methods, followed, is_client, method_names, operation_states
    from ..source.program.loading import load_program

    problems: list[Defect] = []
    methods: list[Method] = []
    parses = True
    for path in paths:
        parsed = python.parse_file(view, path)
        if parsed.tree is None:
            problems.append(Defect(path, parsed.line, parsed.problem or ""))
            parses = False
            continue
        if not python.statements(parsed.tree.body):
            problems.append(Defect(path, None, "holds no code"))
        methods += find_methods(parsed.tree, method_names({}), path)
    if not required.operations:
        return _all_or_nothing(problems)
    if live := [method for method in methods if not is_test(method.path)]:
        sources = [path for path in view.judged().files if path.endswith(".py") and not is_test(path)]
        clients = {method.path for method in live}
        for path in sources:  # one file of the client may leave the work to another that it does not import
            with suppress(EvidenceError):
                clients |= {path} if is_client(path, view.read(path, view.limits.text_bytes)) else set()
        program = load_program(view, sorted(clients), sources)
        methods = [*(m for m in methods if is_test(m.path)), *followed(program, live)]
    for method in methods:
        if method.state == "stub" and method.operation in required.operations:
            text = f"{method.name} is a stub: {method.reason}"
            problems.append(Defect(method.path, method.line, text))
    states = operation_states(methods)
    implemented = [name for name in required.operations if states[name] == "implemented"]
    if parses:
        absent = [name for name in required.operations if states[name] == "absent"]
        problems += [Defect(paths[0], None, f"operation {name!r} is not implemented") for name in absent]
    return Result(ratio_ppm(len(implemented), len(required.operations)), tuple(problems))


def _json_schema(view: View, paths: Sequence[str], _required: Requirements) -> Result:
    from ..shared.schemas.workspace_schema import CheckedSchemas

    found = CheckedSchemas(view, list(paths)).problems
    told = [(path, pointer, text) for path in paths for pointer, text in found[path]]
    return _all_or_nothing(
        [Defect(path, None, f"{pointer}: {text}" if pointer else text) for path, pointer, text in told]
    )


def _tests(view: View, paths: Sequence[str], _required: Requirements) -> Result:
    from ..stage_tests import inspect_tests

    return _all_or_nothing([Defect(**found) for path in paths for found in inspect_tests(view, path)])


_CHECKS: dict[str, Callable[[View, Sequence[str], Requirements], Result]] = {
    "markdown": _markdown,
    "json": _json,
    "csv": _csv,
    "python": _python,
    "json_schema": _json_schema,
    "tests": _tests,
}
_COUNTED = {"markdown", "python"}
"""Kinds of which a part can be there."""
_TOGETHER = {"python", "json_schema"}
"""Kinds whose files are looked at together: what is asked for may be spread over them."""
