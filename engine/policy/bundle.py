"""Reads an OPA bundle: ``.manifest``, Rego modules, nested ``data.yaml`` and ``data.json`` files.

The same safe reading as for evidence applies: no links, size caps, strict parsers. Test modules
(``*_test.rego``) take no part in a decision and so are neither loaded nor part of the digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...evidence.base.canonical import canonical, manifest_bytes, sha256_hex
from ...evidence.base.errors import ConfigError, EvidenceError, PolicyError
from ...evidence.base.limits import DEFAULT, Limits
from ...evidence.base.records import nested
from ...evidence.reading.files import FileRead, too_large
from ...evidence.reading.parse import decode_text, parse_json
from ...evidence.reading.workspace import View, Workspace, check_relative
from ...evidence.reading.yaml_reader import parse_yaml
from . import conftest
from .annotations import read_annotations
from .archive import SUFFIX, is_archive, read_archive
from .excerpts import quoted
from .interface import Annotation, Bundle, Reporter, RuleHead, refuse, reporting
from .lint import check_module

_POLICIES = Path(__file__).resolve().parents[2] / "policies"
SHIPPED_BUNDLES = {name: _POLICIES / name for name in ("prelive", "release")}
"""The bundles that come with gate, by their names in settings."""
USUAL = "prelive"
SHIPPED = SHIPPED_BUNDLES[USUAL]
"""The bundle that judges where nobody names another."""

MANIFEST = ".manifest"
DOCUMENT = "gate.bundle/v1"
Source = Path | Mapping[str, bytes]
"""Where a bundle is read from: a directory, or its files by path."""
TEST = "_test.rego"
"""How the names of test modules end."""


def load_bundle(source: Source, limits: Limits = DEFAULT) -> Bundle:
    """Read and check the bundle in a directory or an archive, or that of these files, within the limits.

    Raises PolicyError: neither of them, no manifest, a file that does not parse, a module that the lint
    refuses, or data at a rule's path. Paths in messages are relative to the bundle.
    """
    return examine_bundle(source, limits, refuse)


def load_shipped(name: str = USUAL) -> Bundle:
    """The bundle of that name that comes with gate.

    It is part of the program, not input: no tight limit on evidence refuses it, and its modules, which the
    tests lint, are not linted at each start.
    """
    view, where = _view(SHIPPED_BUNDLES[name], DEFAULT)
    return _load(view, where, refuse, lint=False)


def examine_bundle(source: Source, limits: Limits, report: Reporter) -> Bundle:
    """As :func:`load_bundle`, but report what is wrong: the bundle is what could be read of it.

    Raises PolicyError: nothing can be read; what ``report`` raises.
    """
    view, where = _view(source, limits)
    return _load(view, where, report)


def read_tests(source: Source, limits: Limits = DEFAULT) -> dict[str, str]:
    """Path → source of the bundle's test modules. Raises PolicyError: one cannot be read as text."""
    return read_modules(source, TEST, limits)


def read_modules(source: Source, ending: str = ".rego", limits: Limits = DEFAULT) -> dict[str, str]:
    """Path → source of the modules whose names end so. Raises PolicyError: one cannot be read as text."""
    view, where = _view(source, limits)
    with _checked(where):
        paths = [check_relative(path) for path in view.paths() if path.endswith(ending)]
        return {path: decode_text(view.read(path, view.limits.text_bytes), path) for path in paths}


def read_all(source: Source) -> dict[str, bytes]:
    """Path → content of everything in a bundle. Raises PolicyError: a file cannot be read."""
    view, where = _view(source, DEFAULT)
    with _checked(where):
        return {check_relative(path): view.read(path, view.limits.text_bytes) for path in view.paths()}


def _view(source: Source, limits: Limits) -> tuple[View | _Files, str]:
    if not isinstance(source, Path):
        return _Files(source, limits), "the policy bundle"
    if is_archive(source):
        return _Files(read_archive(source), limits), str(source)
    if not source.is_dir():
        remedy = f"name the directory of a bundle, or its archive (*{SUFFIX})"
        raise PolicyError("the policy bundle is not a directory", path=str(source), remedy=remedy)
    with _checked(str(source)):
        return _opened(Workspace(source, limits)), str(source)


def to_document(bundle: Bundle) -> bytes:
    """The bundle as one document, canonical JSON, which the evidence store keeps beside every decision."""
    files = [{"path": path, "text": data.decode()} for path, data in sorted(bundle.files.items())]
    return canonical({"type": DOCUMENT, "files": files})


def from_document(data: bytes, limits: Limits = DEFAULT) -> Bundle:
    """The bundle that ``to_document`` gave, checked as one that is loaded. Raises PolicyError: it is none."""
    where = "the recorded policy bundle"
    try:
        value = parse_json(data, where, limits)
        if value["type"] != DOCUMENT:
            raise KeyError("type")
        files = {item["path"]: item["text"].encode() for item in value["files"]}
    except (EvidenceError, LookupError, TypeError, AttributeError, UnicodeEncodeError) as error:
        remedy = "restore the evidence from a copy you trust, or name the bundle's directory"
        raise PolicyError("the stored document is no policy bundle", path=where, remedy=remedy) from error
    return load_bundle(files, limits)


@contextmanager
def _checked(where: str) -> Iterator[None]:
    """Make what reading a file raises an error about the bundle."""
    try:
        yield
    except ConfigError as error:  # a name that no path of ours may have
        raise PolicyError(error.what, path=where, remedy="rename the file") from error
    except EvidenceError as error:
        remedy = error.remedy or "correct the policy bundle"
        raise PolicyError(error.what, path=error.path, place=error.place, remedy=remedy) from error


class _Files:
    """A bundle's files in memory, read as those of a directory are."""

    def __init__(self, files: Mapping[str, bytes], limits: Limits) -> None:
        self._files = files
        self._read: dict[str, FileRead] = {}
        self.limits = limits

    @property
    def files(self) -> tuple[FileRead, ...]:
        return tuple(self._read.values())

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self._files))

    def read(self, path: str, cap: int | None = None) -> bytes:
        data = self._files[path]
        if len(data) > min(cap or self.limits.file_bytes, self.limits.file_bytes):
            raise too_large(path, min(cap or self.limits.file_bytes, self.limits.file_bytes))
        self._read[path] = FileRead(path, sha256_hex(data), len(data))
        return data


def _opened(workspace: Workspace) -> View:
    """The directory to be read; nothing in it may be hidden or a link."""
    for error in workspace.refused():
        raise error
    for link in sorted(workspace.links()):
        remedy = "replace it with the file itself"
        raise PolicyError("is a symbolic link, which a bundle may not have", path=link, remedy=remedy)
    return workspace.view()


def _load(view: View | _Files, where: str, report: Reporter, *, lint: bool = True) -> Bundle:
    bare = MANIFEST not in view.paths()
    if bare and not any(path.endswith(".rego") for path in view.paths()):
        raise _no_manifest(where)  # and not what is wrong with any other file of a directory
    modules: dict[str, str] = {}
    annotations: list[Annotation] = []
    heads: list[RuleHead] = []
    packages: set[str] = set()
    data: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    name, version, metadata = conftest.NAME, conftest.VERSION, dict[str, Any]()

    def tell(check: str, error: PolicyError) -> None:
        report(check, quoted(error, modules))

    def module(path: str, raw: bytes) -> None:
        source = modules[path] = decode_text(raw, path)
        with reporting("metadata", tell):
            try:
                package, found, defined = _sound(path, source, view.limits, lint)
            except PolicyError:  # now all that is wrong with it, as it is to be reported
                package, found, defined = read_annotations(path, source, view.limits)
                check_module(path, source, defined, tell)
            packages.add(package)
            annotations.extend(found)
            heads.extend(defined)

    if not bare:
        with reporting("manifest", tell), _checked(where):
            files[MANIFEST] = view.read(MANIFEST)
            name, version, metadata = _manifest(parse_json(files[MANIFEST], MANIFEST, view.limits))
    for path in view.paths():
        with reporting("file", tell), _checked(where):
            _check_name(path)
            if path.endswith(".rego") and not path.endswith(TEST):
                files[path] = view.read(path, view.limits.text_bytes)
                module(path, files[path])
            elif path.rpartition("/")[2] in ("data.yaml", "data.yml", "data.json") or (
                bare and path.endswith(conftest.DATA)
            ):
                files[path] = view.read(path, view.limits.text_bytes)
                parse = parse_json if path.endswith(".json") else parse_yaml
                _mount(data, path, parse(files[path], path, view.limits))
    if bare and not conftest.is_conftest(heads):
        raise _no_manifest(where)
    if not modules:
        raise PolicyError("the policy bundle has no Rego module", path=where, remedy="add rules")
    for package in sorted(packages):
        with reporting("file", tell):
            _refuse_data_below(package, data)
    digest, rest = files_digest(files), (tuple(annotations), tuple(heads), files, bare)
    return Bundle(name, version, digest, modules, data, metadata, *rest)


@lru_cache(maxsize=256)
def _sound(
    path: str, source: str, limits: Limits, lint: bool
) -> tuple[str, list[Annotation], list[RuleHead]]:
    """What `read_annotations` gives of a module that the lint accepts; bundles share most modules."""
    found = read_annotations(path, source, limits)
    if lint:
        check_module(path, source, found[2])
    return found


def files_digest(files: Mapping[str, bytes]) -> str:
    """The digest of a bundle of these files."""
    return sha256_hex(manifest_bytes({path: sha256_hex(data) for path, data in files.items()}))


def _no_manifest(where: str) -> PolicyError:
    return PolicyError(
        "the policy bundle has no .manifest",
        path=where,
        remedy="a bundle is a directory with a .manifest file, or with policies for Conftest; "
        "see `gate docs policy-bundles`",
    )


def _check_name(path: str) -> None:
    """Refuse a file's name that not every engine, archive and message can have."""
    check_relative(path)
    if any(character < " " or character == "\x7f" for character in path):
        what = "the name of a file has control characters"
        raise PolicyError(what, path=repr(path)[1:-1], remedy="rename the file")


def _manifest(value: Any) -> tuple[str, str, dict[str, Any]]:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    version = value.get("revision") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(name, str) or not isinstance(version, str):
        what = "the manifest needs 'revision' and 'metadata.name' as strings"
        raise PolicyError(what, path=MANIFEST, remedy="see `gate docs policy-bundles`")
    return name, version, metadata


def _mount(data: dict[str, Any], path: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise PolicyError("a data file must hold a mapping", path=path, remedy="write 'name: value' lines")
    for item in nested(value):
        if isinstance(item, Decimal):
            what = f"the number {item} has a decimal point, which engines compare differently"
            remedy = "write a scaled integer with its unit, such as 800000 with unit ppm"
            raise PolicyError(what, path=path, remedy=remedy)
        if isinstance(item, int) and abs(item) >= 2**63:
            what = f"the number {str(item)[:40]} has more than 64 bits, which engines compute differently"
            raise PolicyError(what, path=path, remedy="write a smaller one in a larger unit")
    target = data
    for part in path.split("/")[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            what = f"the data key {part!r} has a value in another file"
            raise PolicyError(what, path=path, remedy="keep one of them")
    for key, item in value.items():
        if key in target:
            what = f"another file defines the data key {key!r} as well"
            raise PolicyError(what, path=path, remedy="keep one of them")
        target[key] = item


def _refuse_data_below(package: str, data: dict[str, Any]) -> None:
    value: Any = data
    for part in package.split("."):
        if not isinstance(value, dict):
            break
        if part not in value:
            return
        value = value[part]
    what = f"data is mounted at the path of package {package}, where it could override rules"
    remedy = "put it below gate/params"
    raise PolicyError(what, path="/".join(package.split(".")) + "/data.yaml", remedy=remedy)
