"""Small packages of accepted constructs, made at random: the embedded engine and OPA agree on them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import Phase, given, note, reject, settings
from hypothesis import strategies as st

from gate.engine.policy.annotations import read_annotations
from gate.engine.policy.engines.cross_check import first_difference
from gate.engine.policy.engines.embedded import EmbeddedEngine
from gate.engine.policy.engines.opa.address import parse_address
from gate.engine.policy.engines.opa.client import Client, Credentials
from gate.engine.policy.interface import Bundle
from gate.engine.policy.lint import check_module
from gate.evidence.base.errors import GateError, PolicyError
from gate.evidence.base.limits import DEFAULT

TEXTS = ["", "a", "ab,b", "é", "İx", "א", "😀", " a ", "A-1", "10", 'q"\\', "%v", "\u00a0"]
PATTERNS = ["^[a-z]+$", "a|b", "^[^,]*,", "(?i)^A", "[0-9]{1,3}", "^\\\\.$", "é+"]

texts = st.sampled_from(TEXTS)
numbers = st.integers(-20, 20) | st.sampled_from([2**31, -(2**40), 2**53 - 1])
literal = st.one_of(texts, numbers, st.booleans(), st.none()).map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
text_literal = texts.map(lambda value: json.dumps(value, ensure_ascii=False))
number_literal = st.integers(-20, 20).map(str)


def form(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The template with each ``@`` replaced by a part."""

    def fill(values: tuple[str, ...]) -> str:
        pieces = template.split("@")
        return "".join(piece + value for piece, value in zip(pieces, [*values, ""], strict=True))

    return st.tuples(*parts).map(fill)


def expressions(depth: int, local: str = "") -> dict[str, st.SearchStrategy[str]]:
    """Expressions by what they give; ``local`` is a variable of any kind that is bound around them."""
    base = {
        "number": st.sampled_from(["input.n", "input.m", "input.o.n", "data.gate.limits.most"])
        | number_literal,
        "text": st.sampled_from(["input.s", "input.t", "input.o.s"]) | text_literal,
        "numbers": st.sampled_from(["input.l", "input.o.l", "[3, 1, 2]", "[]"]),
        "texts": st.sampled_from(["input.w", '["b", "a"]']),
    }
    found = base if depth == 0 else _deeper(depth, base)
    if local:
        found = {
            kind: one | st.just(local) if kind in ("number", "text") else one for kind, one in found.items()
        }
    found["any"] = st.one_of(*found.values(), literal, st.sampled_from(["input.o", "input", "input.rows"]))
    return found


def _deeper(depth: int, base: dict[str, st.SearchStrategy[str]]) -> dict[str, st.SearchStrategy[str]]:
    inner = expressions(depth - 1)
    number, text, many, words = inner["number"], inner["text"], inner["numbers"], inner["texts"]
    # the embedded engine refuses a variable of an inner comprehension that has the name of an outer one
    x, y = f"x{depth}", f"y{depth}"
    each, test = expressions(0, x), conditions(0, x)
    return {
        "number": st.one_of(
            base["number"], form("count(@)", many | words), form("abs(@)", number), form("sum(@)", many),
            form("max(@)", many), form("(@ + @)", number, number), form("(@ - @)", number, number),
            form("(@ % 7)", number), form("(@ * 3)", number), form("twice(@)", number),
            form("indexof(@, @)", text, st.sampled_from(['"a"', '"é"'])),
            form("@[@]", many, st.sampled_from("012")),
            form("object.get(input, @, @)", text, number),
        ),
        "text": st.one_of(
            base["text"], form('concat("-", @)', words), form('replace(@, "a", @)', text, text),
            form("trim_space(@)", text), form("trim(@, @)", text, text), form("substring(@, 1, 2)", text),
            form('sprintf("%v|%v", [@, @])', number, text), form("format_int(@, 16)", number),
            form("strings.reverse(@)", text), form("trim_prefix(@, @)", text, text),
            form("type_name(@)", inner["any"]),
        ),
        "numbers": st.one_of(
            base["numbers"], form("array.concat(@, @)", many, many), form("array.slice(@, 0, 2)", many),
            form("sort(@)", many), form(f"[{y} | some {x} in @; @; {y} := @]", many, test, each["number"]),
            form("numbers.range(@, 3)", number_literal), form("[@, @]", number, number),
            form("array.reverse(@)", many),
        ),
        "texts": st.one_of(
            base["texts"], form("split(@, @)", text, st.sampled_from(['","', '""'])), form("sort(@)", words),
            form(f"[{y} | some {x} in @; @; {y} := @]", words, test, each["text"]), form("[@]", text),
        ),
    }  # fmt: skip


def conditions(depth: int, local: str = "") -> st.SearchStrategy[str]:
    """One expression of a rule's body."""
    of = expressions(depth, local)
    return st.one_of(
        form("@ @ @", of["number"], st.sampled_from(["<", ">=", "==", "!="]), of["number"]),
        form("@ @ @", of["text"], st.sampled_from(["<", "==", "!="]), of["text"]),
        form("@ in @", of["any"], of["numbers"] | of["texts"]),
        form("startswith(@, @)", of["text"], of["text"]),
        form("contains(@, @)", of["text"], of["text"]),
        form('regex.match("@", @)', st.sampled_from(PATTERNS), of["text"]),
        form("is_string(@)", of["any"]),
        form("every z in @ { z > @ }", of["numbers"], number_literal),
        form("not input.@", st.sampled_from(["flag", "o.n", "nothing", "o.nothing.more"])),
        form("not r@", st.sampled_from("0123")),
        form("input.@", st.sampled_from(["flag", "o.n", "s"])),
        form("@ == @", of["any"], of["any"]),
    )


def rules(number: int) -> st.SearchStrategy[str]:
    """A rule, or several of one name, by one of the forms that policies use."""
    of, test = expressions(2), conditions(1)
    name = f"r{number}"
    row = conditions(0, "row.k")
    return st.one_of(
        form(f"{name} := @", of["any"]),
        form(f"{name} := @ if @", of["any"], test),
        form(
            f"default {name} := @\n\n{name} := @ if {{\n\t@\n\t@\n}} else := @ if @",
            literal,
            of["any"],
            test,
            test,
            of["any"],
            test,
        ),
        form(f"{name} if @\n\n{name} if @", test, test),
        form(f"{name} := @ if @\n\n{name} := @ if @", of["number"], test, of["number"], test),
        form(f"{name} contains @ if @\n\n{name} contains @ if @", of["text"], test, of["text"], test),
        form(
            f"{name} contains x if {{\n\tsome x in @\n\t@\n}}",
            of["numbers"] | of["texts"],
            conditions(0, "x"),
        ),
        form(f'{name} contains {{"k": row.k, "v": row.v}} if {{\n\tsome row in input.rows\n\t@\n}}', row),
        form(f"{name}[x] := i if {{\n\tsome i, x in @\n\t@\n}}", of["texts"], conditions(0, "x")),
        form(f"{name} := {{x: y | some x, y in input.o; @}}", conditions(0, "y")),
        form(
            f"{name} := {{x | some x in @}} @ {{x | some x in @}}",
            of["numbers"],
            st.sampled_from("&|-"),
            of["numbers"],
        ),
        form(
            f"{name} := {{x | some x in @}} @ {{x | some x in @}}",
            of["texts"],
            st.sampled_from("&|-"),
            of["texts"],
        ),
    )


packages = st.tuples(*(rules(number) for number in range(4)), expressions(1, "a")["number"]).map(
    lambda made: "\n\n".join(["package gate.g", *made[:4], f"twice(a) := {made[4]}"]) + "\n"
)

row = st.fixed_dictionaries({"k": texts | numbers, "v": st.none() | st.booleans() | numbers})
inner = st.fixed_dictionaries({}, optional={"n": numbers, "s": texts, "l": st.lists(numbers, max_size=3)})
documents = st.fixed_dictionaries(
    {},
    optional={
        "n": numbers | st.none(), "m": numbers, "s": texts | st.none(), "t": texts, "flag": st.booleans(),
        "l": st.lists(numbers, max_size=4), "w": st.lists(texts, max_size=4), "o": inner,
        "rows": st.lists(row, max_size=3, unique_by=lambda one: json.dumps(one)),
    },
)  # fmt: skip
LIMITS = "package gate.limits\n\nmost := 5\n"


@pytest.fixture
def server(opa_server: Any) -> Iterator[Client]:
    """An OPA into which every package is put in turn."""
    client = Client(parse_address(f"opa={opa_server.address}"), Credentials(), 0, DEFAULT.file_bytes)
    deadline = time.monotonic() + DEFAULT.policy_seconds
    client.put("generated/limits.rego", LIMITS, deadline)
    yield client
    for path in ("generated/g.rego", "generated/limits.rego"):
        with suppress(GateError):  # the last package may not have been accepted
            client.delete(path, time.monotonic() + DEFAULT.policy_seconds)
    client.close()


@settings(phases=[Phase.explicit, Phase.generate])  # to make a package smaller takes minutes
@given(packages, st.lists(documents, min_size=2, max_size=4))
def test_both_engines_agree_on_generated_packages(
    server: Client, source: str, made: list[dict[str, Any]]
) -> None:
    """Where both give a value, every rule's is the same.

    A wrong type is an error in one engine and may be undefined in the other, which looks at expressions in
    another order. An error decides nothing, so no verdict differs by it.
    """
    note(source)
    modules = {"limits.rego": LIMITS, "g.rego": source}
    _, _, heads = read_annotations("g.rego", source, DEFAULT)
    check_module("g.rego", source, heads)
    deadline = time.monotonic() + DEFAULT.policy_seconds
    with EmbeddedEngine(Bundle("generated", "1", "0" * 64, modules, {}, {}, (), ())) as embedded:
        try:
            server.put("generated/g.rego", source, deadline)
        except PolicyError:
            reject()  # OPA checks types when it loads; what it does not accept says nothing
        for document in made:
            note(json.dumps(document, ensure_ascii=False))
            ours = reference = None
            try:
                ours = embedded.evaluate(["gate.g"], document)["gate.g"]
            except GateError as error:
                note(error.diagnostics())
            try:
                reference = server.ask("gate/g", document, deadline).value
            except GateError as error:
                note(error.diagnostics())
            if ours is not None and reference is not None:
                different = first_difference(ours, reference)
                assert different is None, (different, ours.get(str(different)), reference.get(str(different)))
                answered.append(source)


@pytest.mark.usefixtures("server")  # without OPA both are skipped
def test_most_packages_have_a_value() -> None:
    """The test above would say nothing if every package were an error."""
    assert len(answered) > 10


answered: list[str] = []
"""Packages for which both engines gave a value."""
