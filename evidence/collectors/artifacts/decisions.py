"""What the recorded decisions say: the verification log and the decision document, and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from msgspec import Struct, field

from ...base.errors import EvidenceError
from ...reading.markdown import Document, Row, Table, Text, find_sections, parse, within
from ...reading.markdown_text import has_template_mark, says_something
from ...reading.workspace import View
from ..shared.documents import moment, seconds
from . import figures

CONTRACT = "prelive_verification_log"
SECTION = "decision"
"""The section of a row by which a document is known to state a decision."""
SIGN_OFFS = "sign_offs"
"""The section whose table lists who has to sign, by role."""
_ROLE = re.compile(r"\W*(?:roles?|תפקיד)\W*", re.IGNORECASE)
_PERSON = re.compile(r"\W*(?:names?|person|signer|שם)\W*", re.IGNORECASE)
_SIGNATURE = re.compile(r"\W*(?:signatures?|חתימה)\W*", re.IGNORECASE)
_SAYS_SIGNED = re.compile(r"\b(?:signed|approved|yes|ok|pass(?:ed)?|true|done)\b|[✓✔✅]", re.IGNORECASE)
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_TIME = re.compile(r"(?<![\w-])[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_TARGET = re.compile(r"\W*(?:targets?|limits?|thresholds?|required|יעד)\W*", re.IGNORECASE)
_CURRENT = re.compile(r"\W*(?:current|actual|measured|observed|results?|values?|נוכחי)\W*", re.IGNORECASE)
_AMOUNT = (
    r"(?P<{0}>-?(?:[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,4}}|[0-9]{{1,15}})(?:\.[0-9]{{1,15}})?)\s*"
    r"(?P<{0}_unit>[%a-zµμ]*)"
)
_BOUND = re.compile(
    rf"(?:(?P<least>≥|>=?|at least|above)|≤|<=?|at most|below)\s*{_AMOUNT.format('bound')}", re.I
)
_FIGURE = re.compile(_AMOUNT.format("figure"), re.IGNORECASE)
_QUALIFIED = re.compile(
    r"\W{1,4}(?:partial|provisional|preliminary|tentative|waived)|[^.\n]{0,60}?(?:\b(?:with|under|on)\s+(?!all\b|no\b)(?:\w+\s+){0,3}?"
    r"(?:exceptions?|conditions?|reservations?|waivers?|caveats?)|\b(?:subject to|provided that)\b)",
    re.IGNORECASE,
)
"""What makes a PASS one under conditions."""
_WORDS = (
    r"(?:(?P<FAIL>FAIL(?:ED)?|(?:NOT?|NEVER)[- ](?:GO|PASS(?:ED)?|APPROVED)|REJECTED|ROLLBACK_AND_INVESTIGATE"
    r"|REMEDIATE_AND_REVALIDATE|נכשל)|(?P<CONDITIONAL>CONDITIONAL|COMPLETE_REQUIREMENTS_THEN_DEPLOY|מותנה)|(?P<PENDING>PENDING)"
    r"|(?P<PASS>PASS(?:ED)?|GO|APPROVED|GO_LIVE_APPROVED|עבר))(?![\w-])"
)
_UNMET = re.compile(r"\W*(?:not met|missed|violated)\W*", re.IGNORECASE)
_UNSIGNED = re.compile(
    r"\W*(?:(?:not|un)[ -]?(?:yet )?signed|not yet|missing|open|pending|awaiting|declined|rejected|revoked"
    r"|withdrawn)(?: (?:approval|review|signature))?\W*|\W*[❌✗✘✖]\W*",
    re.IGNORECASE,
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
    r"|\b(?i:do|should|must) not (?:go live|proceed|deploy)(?![^.]{0,200}\b(?:before|until|unless|without)\b)"
    r"|\b(?i:postpone|defer|delay|abort)\b(?:\s+\w+)?\s+(?:go[- ]?live|deployment|launch)\b)"
    r"|(?P<CONDITIONAL>COMPLETE_REQUIREMENTS_THEN_DEPLOY)|(?P<PASS>GO_LIVE_APPROVED)"
)
_WORST = ("FAIL", "CONDITIONAL", "PASS")
_ORDER = ("FAIL", "PENDING", "CONDITIONAL", "PASS")
_LAST = "stage8"
_BEFORE_LAST = {f"stage{number}" for number in range(1, 8)}
_AS_OF = re.compile(r"Generated from the decision as of (?P<time>[0-9T:.-]{19,30}Z);")
_SOURCES = re.compile(r"\W*Sources: [0-9]+ files?, sha256:(?P<digest>[0-9a-f]{64})\W*")
"""Lines that gate itself writes into the decision document."""
_STAGE = re.compile(r"\W*(?:stage|gate|שלב)[\s_-]*(?P<number>[1-8])(?![0-9])", re.IGNORECASE)


class Stated(Struct, frozen=True):
    """A file's decision (None for none) and its stages' statuses: FAIL, CONDITIONAL, PENDING or PASS.

    Attributes:
        signers: the roles that signed by its table of sign-offs or its signatures, None where it has none.
        people: the name and the key of each signer, as far as they are stated.
        missed: figures that are not what they have to be, by the document itself.
        stated_s: when it was decided, epoch seconds; None where it does not say.
        latest_s: the latest time that it states, epoch seconds.
        sources: the digest of what was judged; None where it does not say.
        figures: those of its stages.
    """

    path: str
    decision: str | None
    stages: Mapping[str, str]
    signers: tuple[str, ...] | None = None
    people: Mapping[str, frozenset[str]] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    stated_s: int | None = None
    latest_s: int | None = None
    sources: str | None = None
    figures: Sequence[Mapping[str, Any]] = ()

    def to_json(self, others: Sequence[Stated]) -> dict[str, Any]:
        """The fact, with what contradicts it here or in the files before it."""
        shared: dict[str, set[str]] = {}
        for role, names in self.people.items():
            for name in names:
                shared.setdefault(name, set()).add(role)
        return {
            "path": self.path,
            "decision": self.decision,
            "signers": None if self.signers is None else list(self.signers),
            "same_person": sorted({tuple(sorted(roles)) for roles in shared.values() if len(roles) > 1}),
            "stated_at_s": self.stated_s,
            "latest_at_s": self.latest_s,
            "sources": self.sources,
            "figures": list(self.figures),
            "contradictions": [*self._inside(), *(text for other in others for text in self._beside(other))],
        }

    def _inside(self) -> list[str]:
        """Whether the decision follows from the stages: the worst of them, and one not judged is no pass."""
        states = set(self.stages.values())
        missed = list(self.missed) if self.decision == "PASS" else []
        if not states or self.decision is None:
            return missed
        without = sorted(_BEFORE_LAST - self.stages.keys()) if _LAST in self.stages else []
        if without:
            return [f"{_LAST} rests on all others, and {', '.join(without)} has no status", *missed]
        worst = next((state for state in _ORDER if state in states), "PASS")
        if self.decision == {"PENDING": "FAIL"}.get(worst, worst):
            return missed
        named = ", ".join(name for name, state in sorted(self.stages.items()) if state == worst)
        return [f"the decision is {self.decision}, and {worst} is the status of {named}", *missed]

    def _beside(self, other: Stated) -> list[str]:
        found = []
        if None not in {self.decision, other.decision} and self.decision != other.decision:
            found.append(f"the decision is {self.decision}, in {other.path} it is {other.decision}")
        found += [
            f"{name} is {state}, in {other.path} it is {other.stages[name]}"
            for name, state in sorted(self.stages.items())
            if name in other.stages and other.stages[name] != state
        ]
        for role, names in sorted(self.people.items()):
            keys, known = (set(filter(_KEY.fullmatch, each)) for each in (names, other.people.get(role, ())))
            if keys and known and keys != known:
                found.append(f"{role} signed with another key than in {other.path}")
        return found


def from_log(view: View, path: str) -> Stated:
    """The decision of a ``PRELIVE_VERIFICATION_LOG.json``.

    Raises:
        EvidenceError: it is malformed, breaks its contract, or states a time that does not exist.
    """
    log = view.read_json(path, CONTRACT)
    _, made = moment(log["timestamp"], path, "/timestamp")
    signed = {
        role: text
        for role, text in log["signatures"].items()
        if text and says_something(text) and not has_template_mark(text) and not _UNSIGNED.fullmatch(text)
    }
    return Stated(
        path,
        log["decision"],
        {name: gate["status"] for name, gate in log["gates"].items()},
        tuple(sorted(signed)),
        {
            role: frozenset(
                _KEY.findall(text) or ({text.casefold()} if not _SAYS_SIGNED.search(text) else ())
            )
            for role, text in signed.items()
        },
        stated_s=made,
        latest_s=made,
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
    decisions = {_word(match) for match in stated if match}
    for name in ("recommendation", "risk_assessment"):
        for place in find_sections(text, sections.get(name, ()), path):
            lines = [line.raw for line in within(place, texts)]
            advised = {match.lastgroup or "" for line in lines for match in _ACTION.finditer(line)}
            if len(advised) == 1:  # otherwise it explains what each means
                decisions |= advised - {"PASS"}
    places = find_sections(text, sections.get(SIGN_OFFS, ()), path)
    signing = [table for place in places for table in within(place, document.tables)]
    tables = [table for table in signing if _ROLE.fullmatch(table.header[0])]
    nobody = bool(places) and not any(within(place, texts) for place in places)  # a comment, or code
    people = _people(tables)
    stages, missed = _stages(document)
    written = [
        match for line in texts for match in (_AS_OF.match(line.plain), _SOURCES.fullmatch(line.plain))
    ]
    own = {name: said for match in written if match for name, said in match.groupdict().items()}
    made = seconds(own["time"], path, "as of") if "time" in own else None
    times = [made] if made is not None else []
    for table in tables:
        for stamp in (found for row in table.rows for cell in row.cells for found in _TIME.findall(cell)):
            with suppress(EvidenceError):  # a date that does not exist is none
                times.append(seconds(stamp, path, ""))
    return Stated(
        path,
        next((word for word in _WORST if word in decisions), None),
        stages,
        tuple(sorted(people)) if tables or nobody else None,
        people,
        missed,
        made,
        max(times, default=None),
        own.get("digest"),
        figures.of_tables(document.tables, _STAGE),
    )


def _role(row: Row) -> str:
    """The role in a row of sign-offs, as settings name it."""
    return "_".join(re.findall(r"\w+", row.cells[0].lower()))


def _word(match: re.Match[str]) -> str:
    """The verdict that a match names; a PASS under conditions is CONDITIONAL."""
    name = match.lastgroup or ""
    return "CONDITIONAL" if name == "PASS" and _QUALIFIED.match(match.string, match.end()) else name


def _stages(document: Document) -> tuple[dict[str, str], tuple[str, ...]]:
    """The stages' statuses, of several in one table the worst, and the figures that are not met."""
    stages: dict[str, str] = {}
    by_figure: dict[str, str] = {}
    unmet: set[str] = set()
    missed: list[str] = []
    for table in document.tables:
        target, current = (
            next((i for i, head in enumerate(table.header) if i and pattern.fullmatch(head)), None)
            for pattern in (_TARGET, _CURRENT)
        )
        here: dict[str, str] = {}
        for row in table.rows:
            stage = _STAGE.match(row.cells[0])
            cells = row.cells[1 if target is None else max(target, current or 0) + 1 :]
            status = next((match for cell in cells if (match := _FIRST.match(cell))), None)
            name = "" if stage is None else f"stage{stage['number']}"
            if target is not None and current is not None and _misses(row.cells[target], row.cells[current]):
                missed.append(f"{row.cells[current][:60]} in line {row.line} is not {row.cells[target][:60]}")
            elif target is not None and status and _word(status) == "FAIL":
                missed.append(f"a figure in line {row.line} is called a failure")
            elif stage and status:
                here[name] = min(here.get(name, "PASS"), _word(status), key=_ORDER.index)
            elif stage and any(map(_UNMET.fullmatch, row.cells[1:])):
                unmet.add(name)
        if target is None:
            stages = here | stages
        else:
            by_figure = here | by_figure  # what is said of figures counts where no table is about the stages
    stages = stages or by_figure
    return stages | {name: "FAIL" for name in unmet if stages.get(name) == "PASS"}, tuple(missed)


def _misses(target: str, current: str) -> bool:
    """Whether a figure is on the wrong side of its target; one that is rounded to it may be right."""
    bound, figure = _BOUND.fullmatch(target.strip()), _FIGURE.fullmatch(current.strip())
    if not bound or not figure or bound["bound_unit"] != figure["figure_unit"]:
        return False
    limit, value = (Fraction(text.replace(",", "")) for text in (bound["bound"], figure["figure"]))
    return value < limit if bound["least"] else value > limit


def _people(tables: Sequence[Table]) -> dict[str, frozenset[str]]:
    """The name and the key in each row of somebody who signed, by role; nobody where another row says no."""
    people: dict[str, frozenset[str]] = {}
    refused: set[str] = set()
    for table in tables:
        named = [i for i, head in enumerate(table.header) if _PERSON.fullmatch(head)]
        told = [*named, *(i for i, head in enumerate(table.header) if _SIGNATURE.fullmatch(head))]
        for row in table.rows:
            role = _role(row)
            if any(map(_UNSIGNED.fullmatch, row.cells[1:])) or not all(
                says_something(row.cells[i]) for i in told
            ):
                refused.add(role)
                continue
            found = {*(row.cells[i].casefold() for i in named), *_KEY.findall(" ".join(row.cells))}
            people[role] = people.get(role, frozenset()) | found
    return {role: found for role, found in people.items() if role not in refused}
