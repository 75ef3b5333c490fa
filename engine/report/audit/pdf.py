"""The report as PDF, made from the HTML by WeasyPrint; nothing is fetched while it is made."""

from __future__ import annotations

import logging
from typing import Any, Final

from ....evidence.base import records
from ....evidence.base.errors import EnvironmentProblem
from ...decision.document import Decision
from ...ledger.interface import Entry
from ...terminal.figures import shorten
from ..interface import Screen
from .html import document

MOST_CHARS: Final = 2_000
"""Of a text on paper: WeasyPrint takes minutes to break a word of ten thousand. HTML has it in full."""


class PdfReport:
    """The audit report as PDF/UA-1; needs the optional extra ``pdf``.

    Raises EnvironmentProblem: WeasyPrint, or a library that it loads, is absent; before anything is judged.
    """

    def __init__(self) -> None:
        try:
            import weasyprint
        except (ImportError, OSError) as error:  # OSError: a library that it loads is absent
            reason = str(error).partition("\n")[0][:200]
            what = f"the PDF report needs WeasyPrint, which cannot be loaded: {reason}"
            remedy = "install the extra (pip install 'compliance-gate[pdf]') and Pango (libpango-1.0-0)"
            raise EnvironmentProblem(what, remedy=remedy) from error
        self._weasyprint = weasyprint

    def render(self, decision: Decision, entry: Entry | None, screen: Screen) -> bytes:
        """See :class:`~gate.engine.report.interface.Report`."""
        logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # it warns of style rules for browsers

        def refuse(url: str, *_: object, **__: object) -> dict[str, object]:
            raise ValueError(f"nothing is fetched: {url}")

        html = document(_on_paper(decision), entry, screen, printed=True)
        page = self._weasyprint.HTML(string=html, url_fetcher=refuse)
        data: bytes = page.write_pdf(
            pdf_variant="pdf/ua-1", pdf_identifier=decision.input_digest.encode(), presentational_hints=True
        )
        return data


def _on_paper(decision: Decision) -> Decision:
    """The decision with its texts cut; names that are alike stay so."""
    cut: Decision = records.from_json(Decision, _cut(records.to_json(decision)))
    return cut


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return shorten(value, MOST_CHARS)
    if isinstance(value, dict):
        return {_cut(key): _cut(item) for key, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, (list, tuple)) else value
