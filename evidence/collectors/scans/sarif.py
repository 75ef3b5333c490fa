"""What a SARIF 2.1.0 log says: runs of scanners, their findings, and whether scans were whole.

Standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html (section numbers below are of it).
``security-severity`` is GitHub's addition, with the bands of its page "SARIF support for code scanning":
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning

Only what results and runs are counted by has to keep to the standard. An optional field of another type
counts as absent; a level, kind or reference that cannot be interpreted is noted as unknown, and its result
counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from msgspec import Struct, field

from ..shared.json_fields import Fields, Place, epoch, pointer, shown

SEVERITIES = ("critical", "high", "medium", "low", "none")
"""From the heaviest to the lightest."""
LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "none"}
"""Levels from the heaviest to the lightest, and the severity of each where nothing else states one."""
REMEDY = "write the report again with the scanner, as SARIF 2.1.0"

_BANDS = ((Decimal(9), "critical"), (Decimal(7), "high"), (Decimal(4), "medium"), (Decimal(0), "low"))
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_KINDS = ("fail", "open", "review", "pass", "informational", "notApplicable")
_UNDECIDED = ("open", "review")
_STATED = ("security-severity", "severity", "issue_severity")
_WORDS = {
    **dict.fromkeys(("critical", "blocker"), "critical"),
    **dict.fromkeys(("high", "important"), "high"),
    **dict.fromkeys(("medium", "moderate"), "medium"),
}
"""Severity by the word for it, in lower case; what is lighter never outweighs a level."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NOTIFICATIONS = ("toolExecutionNotifications", "toolConfigurationNotifications")
_NEEDED = frozenset({"driver", "extensions", "invocations", "results"})
"""Parts of a run that must not be kept in other files; others, such as taxonomies, are not read."""
_BASES = 8
_LONGEST = 1000
"""Characters kept of text that is put together: a long part must not be copied into every result."""


class Finding(Struct, frozen=True):
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
        place = SEVERITIES.index(self.severity)
        return (place, self.file or "", self.rule, self.line or 0, self.message[:400])


class Run(Struct):
    """One run of one scanner.

    Attributes:
        scanned: whether the run has a list of results at all; a run without one is no scan (3.14.23).
        findings: results that count, suppressed ones included.
        undecided: results of kind ``open`` or ``review``.
        other: results of kind ``pass``, ``informational`` or ``notApplicable``.
        absent: results of the baseline that this scan did not find any more.
        trouble: why the scan was not whole; None when nothing says so.
        observed_s: latest time an invocation states, epoch seconds.
        commits: revisions of the sources that are full ids of git commits.
        unknown: what could not be interpreted, with its place.
        unlisted: comments that hide findings which the log does not list, as Bandit counts them.
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
    commits: list[str] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    unlisted: int = 0


class _Rule(Struct, frozen=True):
    """A descriptor of a rule or a notification: its default level, its band and its texts by key.

    ``severity`` is its ``security-severity``, ``word`` what it calls its severity.
    """

    id: str
    level: str | None
    severity: str | None
    word: str | None
    messages: dict[str, Any]


class _Component:
    """Descriptors of the driver or of an extension, by position and by id."""

    def __init__(self, component: dict[str, Any], key: str) -> None:
        self.rules: list[_Rule] = []
        self.by_id: dict[str, list[_Rule]] = {}
        for entry in _maps(component, key):
            level = _level(_map(entry, "defaultConfiguration"))
            name, texts = _text(entry, "id") or "", _map(entry, "messageStrings")
            rule = _Rule(name, level, _security(entry), _word(entry), texts)
            self.rules.append(rule)
            self.by_id.setdefault(rule.id, []).append(rule)


def read_log(log: Any, path: str, root: str) -> list[Run]:
    """The runs of a SARIF log; none when it says that nothing was run.

    Raises:
        EvidenceError: not SARIF 2.1.0, results that are no objects, or parts that are kept elsewhere.
    """
    read = Fields(path, REMEDY)
    whole = read.whole(log)
    if "version" not in whole or "runs" not in whole:
        read.fail("is no SARIF log: it has no 'version' and 'runs'", ())
    version = read.required(whole, "version", ())
    if not version.startswith("2.1.0"):
        read.fail(f"is SARIF {shown(version, 20)}, only 2.1.0 is read", ("version",))
    if any(_NEEDED & part.keys() for part in _maps(whole, "inlineExternalProperties")):
        read.fail("keeps parts of a run outside of it, which is not read", ("inlineExternalProperties",))
    return [_RunReader(read, run, place, root).run for run, place in read.objects(whole, "runs", ())]


class _RunReader:
    def __init__(self, read: Fields, run: dict[str, Any], place: Place, root: str) -> None:
        self._root = root
        elsewhere = _map(run, "externalPropertyFileReferences")
        if any(elsewhere.get(part) for part in _NEEDED):
            at = (*place, "externalPropertyFileReferences")
            read.fail("keeps parts of the run in other files, which are not read", at)
        tool = read.mapping(run, "tool", place)
        driver = read.mapping(tool, "driver", (*place, "tool"))
        name = read.required(driver, "name", (*place, "tool", "driver"))
        self._parts = [driver, *_maps(tool, "extensions")]
        self._rules = [_Component(part, "rules") for part in self._parts]
        self._notices = [_Component(part, "notifications") for part in self._parts]
        self._artifacts = [_map(entry, "location") for entry in _maps(run, "artifacts")]
        self._bases = _map(run, "originalUriBaseIds")
        self._overridden = False
        self._place = place
        self.run = Run(name, _text(driver, "version") or _text(driver, "semanticVersion"))
        for source in _maps(run, "versionControlProvenance"):
            revision = _text(source, "revisionId") or ""
            self.run.commits += [revision] if _COMMIT.fullmatch(revision) else []
        for invocation in _maps(run, "invocations"):
            self._invocation(invocation)
        self.run.scanned = run.get("results") is not None
        totals = _map(_map(_map(run, "properties"), "metrics"), "_totals")
        counts = (totals.get(key) for key in ("nosec", "skipped_tests"))
        self.run.unlisted = sum(count for count in counts if isinstance(count, int))
        for result, self._place in read.objects(run, "results", place):
            self._result(result)

    def _unknown(self, what: str) -> None:
        self.run.unknown.append((what, pointer(self._place)))

    def _invocation(self, invocation: dict[str, Any]) -> None:
        run = self.run
        success = invocation.get("executionSuccessful")
        if success is not True and (success is not None or invocation.get("exitCode") != 0):
            run.trouble = run.trouble or "the scanner does not say that it ran to its end"
        for key in ("exitSignalName", "processStartFailureMessage"):
            if text := _text(invocation, key):
                run.trouble = run.trouble or f"the scanner was ended: {text}"
        for notice in (notice for key in _NOTIFICATIONS for notice in _maps(invocation, key)):
            level = _level(notice)
            found = self._find(self._notices, _map(notice, "descriptor"), None)
            if level == "error" or (level is None and any(rule.level == "error" for rule in found or ())):
                text = _text(_map(notice, "message"), "text")
                run.trouble = run.trouble or text or "the scanner reports an error of its own"
        times = (epoch(invocation.get(key)) for key in ("endTimeUtc", "startTimeUtc"))
        ended = next((time for time in times if time is not None), None)
        if ended is not None:
            run.observed_s = max(ended, run.observed_s or 0)
        overrides = _maps(invocation, "ruleConfigurationOverrides")
        self._overridden |= any(_level(_map(override, "configuration")) for override in overrides)

    def _result(self, result: dict[str, Any]) -> None:
        run = self.run
        reference = _map(result, "rule")
        rule_id = _text(result, "ruleId")
        if "ruleIndex" in result and "index" not in reference:
            reference = {**reference, "index": result["ruleIndex"]}
        rules = self._find(self._rules, reference, rule_id)
        name = rule_id or _text(reference, "id") or (rules[0].id if rules else "")
        stated = _level(result)
        if result.get("level") is not None and stated is None:
            self._unknown(f"the level {shown(str(result['level']), 40)!r} is not known")
        elif stated is None and (rules is None or self._overridden):
            what = "is that of a rule which the report does not have"
            self._unknown(f"the level {what if rules is None else 'may be one that an invocation sets'}")
        kind = result.get("kind") or "fail"
        if kind not in _KINDS:
            self._unknown(f"the kind {shown(str(kind), 40)!r} is not known")
            kind = "fail"
        finding = self._finding(result, rules or [], name, stated)
        if result.get("baselineState") == "absent":
            run.absent += 1
        elif kind != "fail" and stated in (None, "none"):
            run.undecided += kind in _UNDECIDED
            run.other += kind not in _UNDECIDED
        else:  # also a result that is called passed and yet has a level, which the standard forbids (3.27.10)
            run.findings.append(finding)

    def _finding(self, result: dict[str, Any], rules: list[_Rule], name: str, stated: str | None) -> Finding:
        # of a result that states none the level is the rule's (3.27.10), the heaviest of several
        defaults = [rule.level or "warning" for rule in rules]
        level = stated or min(defaults, key=list(LEVELS).index, default="warning")
        bands = [rule.severity for rule in rules if rule.severity]
        severity = _security(result) or min(bands, key=SEVERITIES.index, default=None)
        if severity is None:
            words = [_word(result), *(rule.word for rule in rules)]
            called = [word for word in (LEVELS[level], *words) if word is not None]
            severity = min(called, key=SEVERITIES.index)
        file, line = self._location(result)
        message = self._message(result, rules)
        return Finding(severity, level, name, file, line, message, _suppressed(result))

    def _find(
        self, components: list[_Component], reference: dict[str, Any], named: str | None
    ) -> list[_Rule] | None:
        """The rules a reference (3.52) may mean, several when ids are not unique; None if they are not there.

        An empty list where nothing is referred to, or only a name in a report without any rule.
        """
        name = _text(reference, "id") or named
        index = _index(reference, "index")
        part = self._part(_map(reference, "toolComponent"))
        if part is None:
            return None
        if index is not None and index < len(components[part].rules):
            found = components[part].rules[index]
            if name is None or name == found.id or name.startswith(f"{found.id}/"):
                return [found]
        if name is None:
            return [] if index is None else None
        # a reference that does not say where means the driver, yet many writers keep rules in extensions
        order = components[part : part + 1] if part else components
        # a hierarchical id, or what it is below: A/B, then A (3.27.5)
        parts = name.split("/", 16)
        keys = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
        matches = (each.by_id[key] for key in keys for each in order if key in each.by_id)
        return next(matches, [] if index is None else None)

    def _part(self, reference: dict[str, Any]) -> int | None:
        """Which component a reference (3.54) means: 0 is the driver, which it is by default."""
        index = _index(reference, "index")
        if index is not None:
            return index + 1 if index + 1 < len(self._parts) else None
        for key in ("guid", "name"):
            stated = _text(reference, key)
            if stated is not None:
                parts = enumerate(self._parts)
                return next((number for number, part in parts if part.get(key) == stated), None)
        return 0

    def _message(self, result: dict[str, Any], rules: list[_Rule]) -> str:
        message = _map(result, "message")
        text = _text(message, "text") or _text(message, "markdown")
        key = _text(message, "id") or ""
        stated = (_text(_map(rule.messages, key), "text") for rule in rules if key in rule.messages)
        text = text or next(stated, None) or ""
        arguments = message.get("arguments")
        for number, argument in enumerate(arguments[:10] if isinstance(arguments, list) else ()):
            text = text[:_LONGEST].replace(f"{{{number}}}", str(argument)[:_LONGEST], 1)
        return text

    def _location(self, result: dict[str, Any]) -> tuple[str | None, int | None]:
        for location in _maps(result, "locations"):
            physical = _map(location, "physicalLocation")
            line = _index(_map(physical, "region"), "startLine") or None
            return self._file(_map(physical, "artifactLocation")), line
        return None, None

    def _file(self, artifact: dict[str, Any]) -> str | None:
        """The file a location names, relative to the workspace where it lies there; it is never opened."""
        index = _index(artifact, "index")
        if _text(artifact, "uri") is None and index is not None and index < len(self._artifacts):
            artifact = self._artifacts[index]
        uri = _text(artifact, "uri")
        if uri is None:
            return None
        base = _text(artifact, "uriBaseId")
        for _ in range(_BASES):  # a base may have a base; going round in a circle ends here
            where = _map(self._bases, base or "")
            prefix = _text(where, "uri")
            if prefix:
                uri = prefix[:_LONGEST].rstrip("/") + "/" + uri[:_LONGEST]
            base = _text(where, "uriBaseId")
        path = unquote(uri[: 4 * _LONGEST])
        for scheme in ("file://localhost/", "file:///"):
            if path.lower().startswith(scheme):
                path = "/" + path[len(scheme) :]
        return path.removeprefix(f"{self._root}/")


def _suppressed(result: dict[str, Any]) -> str | None:
    """Where every suppression is accepted, of which kind they are; anything else does not hide a result."""
    found = result.get("suppressions")
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and one.get("status") in (None, "accepted") for one in found
    ):
        return None
    kinds = ["inSource" if one.get("kind") == "inSource" else "external" for one in found]
    return max(kinds, default=None)


def _security(owner: dict[str, Any]) -> str | None:
    """The band of ``security-severity``; None where it is no number, or 0 (as GitHub takes it)."""
    stated = _map(owner, "properties").get("security-severity")
    if isinstance(stated, str) and _NUMBER.fullmatch(stated.strip()):
        stated = Decimal(stated.strip())
    if not isinstance(stated, (int, Decimal)) or isinstance(stated, bool) or stated <= 0:
        return None
    return next(name for least, name in _BANDS if stated >= least)


def _word(owner: dict[str, Any]) -> str | None:
    """The heaviest severity that properties state as a word; None where they state none."""
    properties = _map(owner, "properties")
    stated = (_WORDS.get((_text(properties, key) or "").strip().lower()) for key in _STATED)
    return min(filter(None, stated), key=SEVERITIES.index, default=None)


def _map(owner: dict[str, Any], key: str) -> dict[str, Any]:
    value = owner.get(key)
    return value if isinstance(value, dict) else {}


def _maps(owner: dict[str, Any], key: str) -> Iterable[dict[str, Any]]:
    """The objects of an array; one that is none stands for an empty one, so that positions stay."""
    value = owner.get(key)
    return [one if isinstance(one, dict) else {} for one in value] if isinstance(value, list) else []


def _text(owner: dict[str, Any], key: str) -> str | None:
    value = owner.get(key)
    return value if isinstance(value, str) else None


def _index(owner: dict[str, Any], key: str) -> int | None:
    """A position; None where there is none, which may be written as -1."""
    value = owner.get(key)
    return value if type(value) is int and 0 <= value < 2**53 else None


def _level(owner: dict[str, Any]) -> str | None:
    level = (_text(owner, "level") or "").lower()
    return level if level in LEVELS else None
