"""What a SARIF 2.1.0 log says: runs of scanners, their findings, and whether scans were whole.

Standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html (section numbers below are of it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from ..shared.documents import seconds
from ..shared.json_fields import Fields, Place, pointer, shown
from .sarif_rules import LEVELS, SEVERITIES, Rule, Tool, security

_KINDS = ("fail", "open", "review", "pass", "informational", "notApplicable")
_UNDECIDED = ("open", "review")
_BASELINE = ("new", "unchanged", "updated", "absent")
_STATUS = ("accepted", "underReview", "rejected")
_SUPPRESSION = ("inSource", "external")
_BANDIT = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NOTIFICATIONS = ("toolExecutionNotifications", "toolConfigurationNotifications")
_BASES = 8
_LONGEST = 1000
"""Characters kept of text that is put together: a long part must not be copied into every result."""
REMEDY = "write the report again with the scanner, as SARIF 2.1.0"


@dataclass(frozen=True, slots=True)
class Finding:
    """A result that says something is wrong. Strings are as stated, not yet fit to be shown."""

    severity: str
    level: str
    rule: str
    file: str | None
    line: int | None
    message: str
    suppressed: str | None
    """Where an accepted suppression is (``inSource`` or ``external``); None when it is not suppressed."""

    @property
    def order(self) -> tuple[int, str, str, int, str]:
        """Sorts the heaviest first, then by file, line and rule."""
        return (
            SEVERITIES.index(self.severity),
            self.file or "",
            self.rule,
            self.line or 0,
            self.message[:400],
        )


@dataclass(slots=True)
class Run:
    """One run of one scanner.

    Attributes:
        scanned: whether the run has a list of results at all; a run without one is no scan (3.14.23).
        findings: results that count, suppressed ones included.
        undecided: results of kind ``open`` or ``review``.
        other: results of kind ``pass``, ``informational`` or ``notApplicable``.
        absent: results of the baseline that this scan did not find any more.
        trouble: why the scan was not whole; None when nothing says so.
        observed_s: latest time an invocation states, epoch seconds.
        revisions: revisions of the sources, as stated.
    """

    tool: str
    version: str | None
    scanned: bool = False
    findings: list[Finding] = field(default_factory=list)
    undecided: int = 0
    other: int = 0
    absent: int = 0
    trouble: str | None = None
    observed_s: int | None = None
    revisions: list[str] = field(default_factory=list)

    @property
    def commits(self) -> list[str]:
        """The revisions that are full ids of git commits."""
        return [revision for revision in self.revisions if _COMMIT.fullmatch(revision)]


def read_log(log: Any, path: str, root: str) -> list[Run]:
    """The runs of a SARIF log; none when it says that nothing was run.

    Args:
        log: the parsed document.
        path: the file, for messages.
        root: the workspace's directory, to make absolute locations below it relative.

    Raises:
        EvidenceError: not SARIF 2.1.0, a field of a wrong type, a reference to nothing, or results that
            are kept elsewhere.
    """
    read = Fields(path, REMEDY)
    whole = read.whole(log)
    if "version" not in whole or "runs" not in whole:
        read.fail("is no SARIF log: it has no 'version' and 'runs'", ())
    version = read.required(whole, "version", ())
    if version != "2.1.0":
        read.fail(f"is SARIF {shown(version, 20)}, only 2.1.0 is read", ("version",))
    _refuse_elsewhere(read, whole, "inlineExternalProperties", ())
    return [_RunReader(read, run, place, root).run for run, place in read.objects(whole, "runs", ())]


def _refuse_elsewhere(read: Fields, owner: dict[str, Any], key: str, place: Place) -> None:
    if owner.get(key):
        read.fail(f"keeps parts of the log outside the run ({key}), which is not read", (*place, key))


class _RunReader:
    def __init__(self, read: Fields, run: dict[str, Any], place: Place, root: str) -> None:
        self._read = read
        self._root = root
        _refuse_elsewhere(read, run, "externalPropertyFileReferences", place)
        tool = Tool(read, run, place)
        self._tool = tool
        self._artifacts = list(read.objects(run, "artifacts", place))
        bases = read.mapping(run, "originalUriBaseIds", place)
        self._at_bases = (*place, "originalUriBaseIds")
        self._bases = {name: read.mapping(bases, name, self._at_bases) for name in bases}
        self._overrides: list[dict[int, str]] = []
        self.run = Run(tool.name, tool.version)
        for source, at in read.objects(run, "versionControlProvenance", place):
            revision = read.text(source, "revisionId", at)
            self.run.revisions += [revision] if revision else []
        for invocation, at in read.objects(run, "invocations", place):
            self._invocation(invocation, at)
        self.run.scanned = run.get("results") is not None
        for result, at in read.objects(run, "results", place):
            self._result(result, at)

    def _invocation(self, invocation: dict[str, Any], place: Place) -> None:
        read, run = self._read, self.run
        if read.flag(invocation, "executionSuccessful", place) is not True:
            self._trouble("the scanner does not say that it ran to its end")
        for key in _NOTIFICATIONS:
            for notification, at in read.objects(invocation, key, place):
                level = read.choice(notification, "level", at, LEVELS)
                text = read.text(read.mapping(notification, "message", at), "text", (*at, "message"))
                descriptor = read.mapping(notification, "descriptor", at)
                found = self._tool.notifications(descriptor, (*at, "descriptor"))
                defaults = [rule.level for rule in found if rule.level is not None]
                if level == "error" or (level is None and "error" in defaults):
                    self._trouble(text or "the scanner reports an error of its own")
        for key in ("endTimeUtc", "startTimeUtc"):
            stated = read.text(invocation, key, place)
            if stated is None:
                continue
            epoch = seconds(stated, read.path, pointer((*place, key)))
            if epoch < 0:
                read.fail(f"the time {stated[:40]!r} lies before 1970", (*place, key))
            run.observed_s = max(epoch, run.observed_s or 0)
            break
        levels: dict[int, str] = {}
        for override, at in read.objects(invocation, "ruleConfigurationOverrides", place):
            chosen = read.mapping(override, "configuration", at)
            level = read.choice(chosen, "level", (*at, "configuration"), LEVELS)
            descriptor = read.mapping(override, "descriptor", at)
            for rule in self._tool.rules(descriptor, (*at, "descriptor")):
                if level is not None:
                    levels[id(rule)] = level
        self._overrides.append(levels)

    def _trouble(self, text: str) -> None:
        self.run.trouble = self.run.trouble or text

    def _result(self, result: dict[str, Any], place: Place) -> None:
        read, run = self._read, self.run
        state = read.choice(result, "baselineState", place, _BASELINE)
        kind = read.choice(result, "kind", place, _KINDS) or "fail"
        stated = read.choice(result, "level", place, LEVELS)
        reference = read.mapping(result, "rule", place)
        rule_id = read.text(result, "ruleId", place)
        if "ruleIndex" in result and reference.get("index") is None:
            reference = {**reference, "index": read.integer(result, "ruleIndex", place, least=-1)}
        at = (*place, "rule") if "rule" in result else place
        rules = self._tool.rules(reference, at, rule_id)
        name = rule_id or reference.get("id") or (rules[0].id if rules else "")
        finding = self._finding(result, place, rules, name, stated)
        if state == "absent":
            run.absent += 1
        elif kind != "fail" and stated in (None, "none"):
            run.undecided += kind in _UNDECIDED
            run.other += kind not in _UNDECIDED
        else:  # also a result that is called passed and yet has a level, which the standard forbids (3.27.10)
            run.findings.append(finding)

    def _finding(
        self, result: dict[str, Any], place: Place, rules: list[Rule], name: str, stated: str | None
    ) -> Finding:
        level = stated or self._level(result, place, rules)
        severity = security(self._read, result, place)
        severity = severity or min(
            (rule.severity for rule in rules if rule.severity), key=SEVERITIES.index, default=None
        )
        if severity is None and self._tool.bandit:
            properties = self._read.mapping(result, "properties", place)
            own = self._read.text(properties, "issue_severity", (*place, "properties"))
            severity = _BANDIT.get(own or "")
        file, line = self._location(result, place)
        return Finding(
            severity or LEVELS[level],
            level,
            name,
            file,
            line,
            self._message(result, place, rules),
            self._suppressed(result, place),
        )

    def _level(self, result: dict[str, Any], place: Place, rules: list[Rule]) -> str:
        """The level of a result that states none (3.27.10); the heaviest where several rules may be meant."""
        provenance = self._read.mapping(result, "provenance", place)
        number = self._read.integer(provenance, "invocationIndex", (*place, "provenance"), least=-1)
        overrides: dict[int, str] = {}
        if number is not None and number >= 0:
            if number >= len(self._overrides):
                self._read.fail(f"there is no invocation {number}", (*place, "provenance", "invocationIndex"))
            overrides = self._overrides[number]
        levels = [overrides.get(id(rule)) or rule.level or "warning" for rule in rules]
        return min(levels, key=list(LEVELS).index, default="warning")

    def _suppressed(self, result: dict[str, Any], place: Place) -> str | None:
        kinds = []
        accepted = True
        for suppression, at in self._read.objects(result, "suppressions", place):
            kind = self._read.choice(suppression, "kind", at, _SUPPRESSION)
            if kind is None:
                self._read.fail("there is no 'kind'", at)
            kinds.append(kind)
            accepted &= self._read.choice(suppression, "status", at, _STATUS) in (None, "accepted")
        return max(kinds) if kinds and accepted else None

    def _message(self, result: dict[str, Any], place: Place, rules: list[Rule]) -> str:
        message = self._read.mapping(result, "message", place)
        at = (*place, "message")
        text = self._read.text(message, "text", at) or self._read.text(message, "markdown", at)
        key = self._read.text(message, "id", at)
        arguments = self._read.texts(message, "arguments", at)
        if text is None and key is not None:
            text = next((rule.messages[key] for rule in rules if key in rule.messages), "")
        text = text or ""
        for number, argument in enumerate(arguments[:10]):
            text = text[:_LONGEST].replace(f"{{{number}}}", argument[:_LONGEST], 1)
        return text

    def _location(self, result: dict[str, Any], place: Place) -> tuple[str | None, int | None]:
        for location, at in self._read.objects(result, "locations", place):
            physical = self._read.mapping(location, "physicalLocation", at)
            at = (*at, "physicalLocation")
            region = self._read.mapping(physical, "region", at)
            line = self._read.integer(region, "startLine", (*at, "region"), least=1)
            artifact = self._read.mapping(physical, "artifactLocation", at)
            return self._file(artifact, (*at, "artifactLocation")), line
        return None, None

    def _file(self, artifact: dict[str, Any], place: Place) -> str | None:
        """The file a location names, relative to the workspace where it lies there; it is never opened."""
        read = self._read
        uri = read.text(artifact, "uri", place)
        index = read.integer(artifact, "index", place, least=-1)
        if uri is None and index is not None and index >= 0:
            if index >= len(self._artifacts):
                read.fail(f"there is no artifact {index}", (*place, "index"))
            entry, at = self._artifacts[index]
            artifact, place = read.mapping(entry, "location", at), (*at, "location")
            uri = read.text(artifact, "uri", place)
        if uri is None:
            return None
        base = read.text(artifact, "uriBaseId", place)
        for _ in range(_BASES):  # a base may have a base; going round in a circle ends here
            if base is None or base not in self._bases:
                break
            where = self._bases[base]
            at = (*self._at_bases, base)
            prefix = read.text(where, "uri", at)
            if prefix:
                uri = prefix[:_LONGEST].rstrip("/") + "/" + uri[:_LONGEST]
            base = read.text(where, "uriBaseId", at)
        path = unquote(uri[: 4 * _LONGEST])
        for scheme in ("file://localhost/", "file:///"):
            if path.lower().startswith(scheme):
                path = "/" + path[len(scheme) :]
        return path.removeprefix(f"{self._root}/")
