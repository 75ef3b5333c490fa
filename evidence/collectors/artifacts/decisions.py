"""What the recorded decisions say: the verification log and the decision document, and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ...reading.markdown import Text, find_sections, parse, within
from ...reading.markdown_text import has_template_mark
from ...reading.workspace import View
from ..shared.documents import moment, seconds
from . import figures

CONTRACT = "prelive_verification_log"
SECTION = "decision"
"""The section of a row by which a document is known to state a decision."""
SIGN_OFFS = "sign_offs"
"""The section whose table lists who has to sign, by role."""
_ROLE = re.compile(r"\W*(?:roles?|תפקיד)\W*", re.IGNORECASE)
_WORDS = (
    r"(?:(?P<FAIL>FAIL(?:ED)?|(?:NOT?|NEVER)[- ](?:GO|PASS(?:ED)?|APPROVED)|REJECTED|ROLLBACK_AND_INVESTIGATE"
    r"|REMEDIATE_AND_REVALIDATE|נכשל)|(?P<CONDITIONAL>CONDITIONAL|COMPLETE_REQUIREMENTS_THEN_DEPLOY|מותנה)|(?P<PENDING>PENDING)"
    r"|(?P<PASS>PASS(?:ED)?|GO|APPROVED|GO_LIVE_APPROVED|עבר))(?![\w-])"
)
_UNMET = re.compile(r"\W*(?:not met|missed|violated)\W*", re.IGNORECASE)
_UNSIGNED = re.compile(
    r"\W*(?:(?:not|un)[ -]?signed|missing|open|pending|declined|rejected|revoked|withdrawn)\W*", re.IGNORECASE
)
_VERDICT = re.compile(rf"(?<![\w-]){_WORDS}")
_FIRST = re.compile(rf"\W*{_WORDS}(?=\W*\Z|\s*[.:;,(]|\s+[-–—])", re.IGNORECASE)
_OR = r"\s*(?:[/|,]|\bor\b)\s*(?:fail|pass|conditional|pending|go|no[- ]go|approved|rejected)\b"
_LABELLED = re.compile(
    rf"\W*+(?:[\w-]+ )?(?:decision|verdict|outcome|החלטה)\W{{1,6}}{_WORDS}(?!{_OR})", re.IGNORECASE
)
_CHOICE = re.compile(rf"\W*{_WORDS}{_OR}", re.IGNORECASE)
_UNTICKED = re.compile(r"(?:[☐□]|\[ \])[^☐□☑☒✓✔✅\[\n]*")
_ACTION = re.compile(
    r"(?P<FAIL>ROLLBACK_AND_INVESTIGATE|REMEDIATE_AND_REVALIDATE"
    r"|\b(?i:do|should|must) not (?:go live|proceed|deploy)(?![^.]{0,200}\b(?:before|until|unless)\b)"
    r"|\b(?i:postpone|defer|delay|abort)\b(?:\s+\w+)?\s+(?:go[- ]?live|deployment|launch)\b)"
    r"|(?P<CONDITIONAL>COMPLETE_REQUIREMENTS_THEN_DEPLOY)|(?P<PASS>GO_LIVE_APPROVED)"
)
_WORST = ("FAIL", "CONDITIONAL", "PASS")
_LAST = "stage8"
_BEFORE_LAST = {f"stage{number}" for number in range(1, 8)}
_AS_OF = re.compile(r"Generated from the decision as of (?P<time>[0-9T:.-]{19,30}Z);")
_SOURCES = re.compile(r"\W*Sources: [0-9]+ files?, sha256:(?P<digest>[0-9a-f]{64})\W*")
"""Lines that gate itself writes into the decision document."""
_SIGNER = re.compile(r"SHA256:[A-Za-z0-9+/]{43}|[^\s@]{1,100}@[^\s@]{1,100}")
_STAGE = re.compile(r"\W*(?:stage|gate|שלב)[\s_-]*(?P<number>[1-8])(?![0-9])", re.IGNORECASE)


class Stated(Struct, frozen=True):
    """A file's decision (None for none) and its stages' statuses: FAIL, CONDITIONAL, PENDING or PASS.

    ``signers`` are the roles that signed by its table of sign-offs or its signatures, None where it has none;
    ``keys`` the fingerprints or principals that it has for them. ``at_s`` is when it was decided, ``sources``
    the digest of what was judged, None where it does not say; ``figures`` are those of its stages.
    """

    path: str
    decision: str | None
    stages: Mapping[str, str]
    signers: tuple[str, ...] | None = None
    keys: Mapping[str, str] = {}
    at_s: int | None = None
    sources: str | None = None
    figures: Sequence[Mapping[str, Any]] = ()

    def to_json(self, others: Sequence[Stated]) -> dict[str, Any]:
        """The fact, with what contradicts it here or in the files before it."""
        return {
            "path": self.path,
            "decision": self.decision,
            "signers": None if self.signers is None else list(self.signers),
            "keys": [{"role": role, "key": key} for role, key in sorted(self.keys.items())],
            "at_s": self.at_s,
            "sources": self.sources,
            "figures": list(self.figures),
            "contradictions": [*self._inside(), *(text for other in others for text in self._beside(other))],
        }

    def _inside(self) -> list[str]:
        """Whether the decision follows from the stages: the worst of them, and one not judged is no pass."""
        states = set(self.stages.values())
        if not states or self.decision is None:
            return []
        without = sorted(_BEFORE_LAST - self.stages.keys()) if _LAST in self.stages else []
        if without:
            return [f"{_LAST} rests on all others, and {', '.join(without)} has no status"]
        worst = next((state for state in ("FAIL", "PENDING", "CONDITIONAL") if state in states), "PASS")
        if self.decision == {"PENDING": "FAIL"}.get(worst, worst):
            return []
        named = ", ".join(name for name, state in sorted(self.stages.items()) if state == worst)
        return [f"the decision is {self.decision}, and {worst} is the status of {named}"]

    def _beside(self, other: Stated) -> list[str]:
        found = []
        if None not in {self.decision, other.decision} and self.decision != other.decision:
            found.append(f"the decision is {self.decision}, in {other.path} it is {other.decision}")
        found += [
            f"{name} is {state}, in {other.path} it is {other.stages[name]}"
            for name, state in sorted(self.stages.items())
            if name in other.stages and other.stages[name] != state
        ]
        return found


def from_log(view: View, path: str) -> Stated:
    """The decision of a ``PRELIVE_VERIFICATION_LOG.json``.

    Raises:
        EvidenceError: it is malformed, breaks its contract, or states a time that does not exist.
    """
    log = view.read_json(path, CONTRACT)
    _, at_s = moment(log["timestamp"], path, "/timestamp")
    signed = {role: text for role, text in log["signatures"].items() if text and not has_template_mark(text)}
    stages = {name: gate["status"] for name, gate in log["gates"].items()}
    return Stated(
        path,
        log["decision"],
        stages,
        tuple(sorted(signed)),
        {role: text for role, text in signed.items() if _SIGNER.fullmatch(text)},
        at_s,
        figures=figures.of_log(log["gates"]),
    )


def from_document(view: View, path: str, sections: Mapping[str, Sequence[str]]) -> Stated:
    """The decision that the section ``decision`` or lines with that label state, unless the advice is worse.

    Of several the worst counts; a choice that nobody made states none. Tables whose rows begin with a stage
    have the stages' statuses, and a stage with a figure that is not met has failed.

    Raises:
        EvidenceError: it cannot be read.
    """
    text = view.read_text(path)
    document = parse(text, path)
    texts = [Text(line.line, _UNTICKED.sub("", line.plain)) for line in document.texts]
    stated = [_LABELLED.match(line.raw) for line in texts]
    for place in find_sections(text, sections[SECTION], path):
        lines = [line.raw for line in within(place, texts) if not _CHOICE.match(line.raw)]
        found = (match for line in lines if (match := _FIRST.match(line) or _VERDICT.search(line)))
        stated.append(next(found, None))
    decisions = {match.lastgroup for match in stated if match}
    for place in find_sections(text, sections.get("recommendation", ()), path):
        advised = {match.lastgroup for line in within(place, texts) for match in _ACTION.finditer(line.raw)}
        decisions |= advised - {"PASS"} if len(advised) == 1 else set()  # else it explains what each means
    stages: dict[str, str] = {}
    unmet: set[str] = set()
    for table in document.tables:
        for row in table.rows:
            stage = _STAGE.match(row.cells[0])
            status = next((match for cell in row.cells[1:] if (match := _FIRST.match(cell))), None)
            if stage and status and status.lastgroup:
                stages.setdefault(f"stage{stage['number']}", status.lastgroup)
            elif stage and any(map(_UNMET.fullmatch, row.cells[1:])):
                unmet.add(f"stage{stage['number']}")
    stages |= {name: "FAIL" for name in unmet if stages.get(name) == "PASS"}
    tables = [
        table
        for place in find_sections(text, sections.get(SIGN_OFFS, ()), path)
        for table in within(place, document.tables)
        if _ROLE.fullmatch(table.header[0])
    ]
    signed = {
        "_".join(re.findall(r"\w+", row.cells[0].lower())): next(filter(_SIGNER.fullmatch, row.cells), None)
        for table in tables
        for row in table.rows
        if not any(map(_UNSIGNED.fullmatch, row.cells[1:]))
    }
    written = [
        match for text in texts for match in (_AS_OF.match(text.plain), _SOURCES.fullmatch(text.plain))
    ]
    own = {name: said for match in written if match for name, said in match.groupdict().items()}
    return Stated(
        path,
        next((word for word in _WORST if word in decisions), None),
        stages,
        tuple(sorted(signed)) if tables else None,
        {role: key for role, key in signed.items() if key},
        seconds(own["time"], path, "as of") if "time" in own else None,
        own.get("digest"),
        figures.of_tables(document.tables, _STAGE),
    )
