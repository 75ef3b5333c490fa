"""XML evidence read element by element: no tree, no entities, no document type of its own, bounded depth."""

from __future__ import annotations

import re
from typing import NoReturn

from ..base.errors import EvidenceError
from ..base.limits import Limits

_REFERENCE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")


class XmlReader:
    """Base of the readers of one XML format: override :meth:`start` and :meth:`end`, then call :meth:`parse`.

    Args:
        path: the file, for messages.
        limits: depth (``xml_depth``) and number (``json_items``) of elements.
        remedy: what to do if the file is refused.
        doctype: name of the root whose external document type may be named; it is never loaded.

    Attributes:
        tags: names of the open elements, from the root to the one that starts or ends. A name in a namespace
            is ``URI}name``.
    """

    def __init__(self, path: str, limits: Limits, remedy: str, doctype: str | None = None) -> None:
        from xml.parsers import expat

        self.path = path
        self.limits = limits
        self.tags: list[str] = []
        self._remedy = remedy
        self._doctype = doctype
        self._has_doctype = False
        self._elements = 0
        self.parser = expat.ParserCreate(None, "}")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._declared

    def parse(self, data: bytes) -> None:
        """Read the document.

        Raises:
            EvidenceError: malformed, of an unknown encoding, with entities or a document type, or too deep.
        """
        from xml.parsers.expat import ExpatError

        try:
            self.parser.Parse(data.lstrip(b" \t\r\n"), True)  # a console prints a line before it
        except ExpatError as error:
            raise EvidenceError(
                f"malformed XML: {str(error).split(':')[0]}",
                path=self.path,
                place=f"line {error.lineno}, column {error.offset + 1}",
                remedy=self._remedy,
            ) from error
        except (LookupError, ValueError) as error:
            raise EvidenceError(
                "is not text in the encoding that the XML declares",
                path=self.path,
                place="line 1",
                remedy="save it as UTF-8",
            ) from error
        finally:
            # the parser and this object refer to each other
            self.parser.StartElementHandler = self.parser.EndElementHandler = None
            self.parser.StartDoctypeDeclHandler = None
        if self._has_doctype and (odd := _REFERENCE.search(data)):
            # where a document type is named, the parser drops such a reference silently
            self.fail("refers to an entity, which evidence may not", data.count(b"\n", 0, odd.start()) + 1)

    def fail(self, what: str, line: int | None = None, remedy: str | None = None) -> NoReturn:
        """Refuse the document.

        Raises:
            EvidenceError: always; at the current line, unless another is given.
        """
        place = f"line {line or self.parser.CurrentLineNumber}"
        raise EvidenceError(what, path=self.path, place=place, remedy=remedy or self._remedy)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; it is the last of `tags`."""

    def end(self, name: str) -> None:
        """An element ends; it is the last of `tags`."""

    def _declared(self, name: str, _system: str | None, public: str | None, internal: bool) -> None:
        if internal or public is not None or name != self._doctype:
            self.fail("the XML declares a document type or entities, which evidence may not")
        self._has_doctype = True

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self.limits.json_items:
            self.fail(f"has more than {self.limits.json_items} elements", remedy="split the report")
        if len(self.tags) >= self.limits.xml_depth:
            self.fail(f"the XML nests deeper than {self.limits.xml_depth} levels")
        self.tags.append(name)
        self.start(name, attributes)

    def _end(self, name: str) -> None:
        self.end(name)
        self.tags.pop()
