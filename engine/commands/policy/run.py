"""``gate policy test`` and ``coverage``: the bundle's own tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ....evidence.base.errors import UsageError, suggestion
from ...terminal.outputs import Output, parse_outputs
from ..options import NoColor, option, output_option, refuse_unheeded, show_pages, unique
from .group import Bundle, app


@app.command("test")
def test(
    call: typer.Context,
    bundle: Bundle = None,
    run: Annotated[str | None, option("--run -r", "Only tests whose PACKAGE.NAME has this.", "REGEX")] = None,
    engine: Annotated[
        list[str] | None, option("--engine", "embedded (default) or opa. Repeatable.", "ENGINE")
    ] = None,
    watch: Annotated[bool, option("--watch", "Run again after every change.")] = False,
    output: Annotated[list[str] | None, output_option("table (default), json or junit")] = None,
    no_color: NoColor = False,
) -> None:
    """Run the tests of a bundle; exit 1 when one fails."""
    from ...workbench.bundles import find_bundle, open_bundle
    from ...workbench.pages import TEST_FORMATS, tests_page
    from ...workbench.testing import EMBEDDED, ENGINES, Case, Result, run_tests

    outputs = parse_outputs(output, TEST_FORMATS)
    engines = unique(engine) or (EMBEDDED,)
    for name in engines:
        if name not in ENGINES:
            raise UsageError(f"there is no test engine {name!r}", remedy=suggestion(name, ENGINES))
    try:
        pattern = re.compile(run or "")
    except re.error as error:
        remedy = "write one as Python's re reads it"
        raise UsageError(f"--run is no regular expression: {error}", remedy=remedy) from error
    source = find_bundle(bundle, Path())

    def wanted(case: Case) -> bool:
        return pattern.search(case.title) is not None

    def judge() -> list[Result]:
        tested = open_bundle(source)
        results = [one for name in engines for one in run_tests(tested, name, wanted)]
        if not results:
            raise UsageError(
                "there is no test to run" if run is None else f"no test has {run[:80]!r} in its name",
                remedy="write rules test_… in modules named …_test.rego"
                if run is None
                else "give another --run",
            )
        return results

    def show(results: list[Result]) -> None:
        show_pages(outputs, no_color, partial(tests_page, results))

    if watch:
        refuse_unheeded(call, "--watch shows the table", "output")
        outputs = [Output("table", None)]
        _watch(source, lambda: partial(show, judge()))
        return
    results = judge()
    show(results)
    if any(one.failed for one in results):
        raise typer.Exit(1)


def _watch(source: object, run: Callable[[], Callable[[], None]]) -> None:
    from ...terminal.watch import repeat, stamps

    if not isinstance(source, Path):
        raise UsageError("a commit does not change", remedy="watch a directory, or leave out --watch")
    repeat(run, lambda: stamps(source))


@app.command("coverage")
def coverage(
    bundle: Bundle = None,
    fail_under: Annotated[
        int, option("--fail-under", "Exit 1 below this share.", "PERCENT", min=0, max=100)
    ] = 0,
    output: Annotated[list[str] | None, output_option("table (default) or json")] = None,
    no_color: NoColor = False,
) -> None:
    """Show which lines of a bundle its tests evaluate; exit 1 when a test fails."""
    from ...workbench.bundles import find_bundle, open_bundle
    from ...workbench.pages import FORMATS, coverage_page
    from ...workbench.testing import measure

    outputs = parse_outputs(output, FORMATS)
    results, found = measure(open_bundle(find_bundle(bundle, Path())))
    show_pages(outputs, no_color, partial(coverage_page, results, found))
    covered, total = found.total
    share = 100 * covered // total if total else 0
    if any(one.failed for one in results) or share < fail_under:
        raise typer.Exit(1)
