"""Changes to an input that keep it in its grammar: a JSON document, an XML document or a database stays one.

Bytes changed at random hardly ever get past a strict parser, and what comes after it would never be tried.
"""

from __future__ import annotations

import copy
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from xml.etree import ElementTree

ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2**53, 2**63, -(10**17), 0.5, -0.0, 1e-7, 1e20, "", " ", "0", "x" * 300,
    "\u05ea\u05d0", "\ud83d\ude00", "a\nb", "\x00", "NaN", "../x", "a/b", "#/x", "2025-12-05T12:00:00Z",
    "9999-12-31T23:59:59Z", "2025-02-30", [], {}, [[]], [{}], {"": ""}, "DU1234567", "\u202e", "1e999",
]  # fmt: skip
"""Values at the edges of what somebody might expect."""

Mutator = Callable[[bytes, random.Random], bytes]


def mutate_json(data: bytes, chance: random.Random) -> bytes:
    """The input with a few values of its JSON documents changed.

    An input may be several documents: one a line, or with a line of equals signs between them.
    """
    pieces = data.split(b"\n=====\n")
    between = b"\n=====\n"
    if (
        len(pieces) == 1
        and data.count(b"\n")
        and data.lstrip()[:1] == b"{"
        and _is_json(data.split(b"\n")[0])
    ):
        pieces, between = data.split(b"\n"), b"\n"
    at = chance.randrange(len(pieces))
    value = json.loads(pieces[at])
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        value = _change(value, value, chance)
    pieces[at] = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return between.join(pieces)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with every key in it."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        container = pending.pop()
        keys = container.keys() if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                pending.append(container[key])
    return found


def _change(value: Any, whole: Any, chance: random.Random) -> Any:
    places = _places(value) if isinstance(value, (dict, list)) else []
    if not places or chance.random() < 0.02:
        return copy.deepcopy(chance.choice(ODD))
    container, key = chance.choice(places)
    other, elsewhere = chance.choice(places)
    kind = chance.randrange(7)
    if kind == 0:
        del container[key]
    elif kind == 1:
        container[key] = copy.deepcopy(chance.choice(ODD))
    elif kind == 2:
        container[key] = copy.deepcopy(other[elsewhere])
    elif kind == 3 and isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    elif kind == 3:
        container[chance.choice(["", "x", "$ref", "a/b~c", key + "x"])] = container.pop(key)
    elif kind == 4 and isinstance(container[key], (int, float)):
        container[key] = container[key] * chance.choice((-1, 10, 1000, 0.1)) + chance.choice((0, 1, -1))
    elif kind == 5 and isinstance(container[key], str) and container[key]:
        at = chance.randrange(len(container[key]))
        middle = chance.choice(["", "\u05ea", "0", "/", "\n", " ", "~"])
        container[key] = container[key][:at] + middle + container[key][at + 1 :]
    else:
        container[key] = [container[key]] if chance.random() < 0.5 else {"x": container[key]}
    return value


def mutate_xml(data: bytes, chance: random.Random) -> bytes:
    """The input with a few elements and attributes changed."""
    root = ElementTree.fromstring(data)  # noqa: S314 - our own inputs, in the fuzzer's process
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        elements = list(root.iter())
        one, other = chance.choice(elements), chance.choice(elements)
        kind = chance.randrange(6)
        text = str(chance.choice([item for item in ODD if not isinstance(item, (list, dict))]))
        text = text.replace("\x00", "").encode("utf-8", "ignore").decode()
        if kind == 0 and len(one):
            one.remove(one[chance.randrange(len(one))])
        elif kind == 1 and len(elements) < 200:
            one.insert(0, ElementTree.fromstring(ElementTree.tostring(other)))  # noqa: S314
        elif kind == 2 and one.attrib:
            del one.attrib[chance.choice(list(one.attrib))]
        elif kind == 3 and one.attrib:
            one.set(chance.choice(list(one.attrib)), text)
        elif kind == 4 and other.attrib:
            name = chance.choice(list(other.attrib))
            one.set(name, other.attrib[name])
        elif kind == 5:
            one.text = text
        else:
            one.tag = other.tag
    return ElementTree.tostring(root)


def mutate_sqlite(data: bytes, chance: random.Random) -> bytes:
    """The input with a few cells, rows, columns or tables of its SQLite database changed."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(data)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            names = [
                row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            table = chance.choice(names)
            columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
            column = chance.choice(columns)
            odd = chance.choice([item for item in ODD if not isinstance(item, (list, dict))])
            odd = chance.choice([odd, chance.randbytes(chance.randrange(20)), b"\xff" * 300])
            row = f'rowid = (SELECT rowid FROM "{table}" ORDER BY random() LIMIT 1)'  # noqa: S608
            statement, values = chance.choice(
                [
                    (f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE {row}', (odd,)),  # noqa: S608
                    (f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE {row}', (odd,)),  # noqa: S608
                    (f'DELETE FROM "{table}" WHERE {row}', ()),  # noqa: S608
                    (f'INSERT OR IGNORE INTO "{table}" ("{column}") VALUES (?)', (odd,)),  # noqa: S608
                    (f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "x{column}"', ()),
                    (f'ALTER TABLE "{table}" RENAME TO "x{table}"', ()),
                    (f'DROP TABLE "{table}"', ()),
                    (f'CREATE TABLE "{chance.choice(names)}x" AS SELECT * FROM "{table}"', ()),  # noqa: S608
                ]
            )
            with suppress(sqlite3.Error):  # a column may not take such a value
                database.execute(statement, values)
        database.commit()
        return database.serialize()


MUTATORS: dict[str, Mutator] = {"json": mutate_json, "xml": mutate_xml, "sqlite": mutate_sqlite}
