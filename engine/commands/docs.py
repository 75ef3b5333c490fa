"""``gate docs``: the documentation that is installed with the program, page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ...evidence.base.errors import UsageError, nearest
from ..terminal.console import write_text
from .options import Commands, argument

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONTRACTS = DOCS.with_name("contracts")

app = Commands()


@app.command()
def docs(
    page: Annotated[
        str | None, argument("Print this page, such as policies, or this JSON Schema.", "[PAGE]")
    ] = None,
) -> None:
    """List the pages of the documentation, or print one."""
    if page is not None:
        write_text(find_page(page).read_text(encoding="utf-8"))
        return
    known = pages()
    width = max(map(len, known))
    write_text("".join(f"{name:<{width}}  {title(path)}\n" for name, path in known.items()))


def pages() -> dict[str, Path]:
    """Every page by its name: the path below ``docs`` without ``.md``, such as ``collectors/coverage``."""
    return {
        path.relative_to(DOCS).as_posix().removesuffix(".md"): path for path in sorted(DOCS.rglob("*.md"))
    }


def title(path: Path) -> str:
    """The page's first heading."""
    with path.open(encoding="utf-8") as lines:
        return next((line.strip("# \n") for line in lines if line.startswith("# ")), path.stem)


def find_page(name: str) -> Path:
    """The page of that name; ``docs/limits.md#units``, ``limits`` and the last part of a path name one, too.

    A contract is found by its file name, such as ``gate_config.schema.json``.
    Raises UsageError: there is no such page, or there are several.
    """
    if name.endswith(".schema.json"):
        return _find_contract(name)
    known = pages()
    plain = name.partition("#")[0].strip("/").removeprefix("docs/").removesuffix(".md")
    for page in (plain, f"{plain}/README"):
        if page in known:
            return known[page]
    ends = [page for page in known if page.endswith(f"/{plain}")] if plain else []
    if len(ends) == 1:
        return known[ends[0]]
    if ends:
        raise UsageError(f"several pages are called {plain!r}", remedy="name one: " + ", ".join(ends))
    short = {page.rpartition("/")[2]: page for page in known}
    meant = nearest(plain, [*known, *short])
    advice = f"did you mean {short.get(meant, meant)!r}? " if meant else ""
    raise UsageError(f"there is no page {name[:80]!r}", remedy=f"{advice}`gate docs` lists the pages")


def _find_contract(name: str) -> Path:
    known = {path.relative_to(CONTRACTS).as_posix(): path for path in CONTRACTS.rglob("*.schema.json")}
    plain = name.removeprefix("contracts/")
    found = [key for key in known if key == plain or key.endswith(f"/{plain}")]
    if len(found) > 1:
        named = ", ".join(sorted(found))
        raise UsageError(f"several contracts are called {plain!r}", remedy=f"name one: {named}")
    if not found:
        meant = nearest(plain, known)
        advice = f"did you mean {meant!r}? " if meant else ""
        remedy = f"{advice}`gate docs configuration` names that of gate.yaml"
        raise UsageError(f"there is no contract {name[:80]!r}", remedy=remedy)
    return known[found[0]]
