"""Fixtures of all tests: a clean environment, workspaces as factories, gate in this process and as a program.

``make test`` runs property tests with fixed seeds and few examples: it never fails by chance. ``make soak``
searches: GATE_EXAMPLES is the number of examples, and tests marked ``soak`` run only there.
"""

from __future__ import annotations

import copy
import functools
import gc
import hashlib
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from hypothesis import HealthCheck, settings

from gate.cli import main
from gate.engine import plans
from gate.engine.decide.model import Plan
from gate.engine.decide.plan import make_plan
from gate.engine.policy import bundle as bundles
from gate.engine.policy.engines.embedded import EmbeddedEngine
from gate.engine.policy.interface import Bundle
from gate.engine.trust import KEY_FILES, POWERS
from gate.evidence.base import plugins
from gate.evidence.base.limits import DEFAULT, Limits
from gate.evidence.collecting import facts
from gate.evidence.collecting.cache.store import KEY_FILE
from gate.evidence.collecting.registry import BUILTIN, load
from gate.evidence.process import children

from .opa_server import OpaServer

EXAMPLES_OF_A_SEARCH = int(os.environ.get("GATE_EXAMPLES", "0"))

# Time limits of examples would fail on a busy machine; fixtures that are factories are safe to use again.
settings.register_profile(
    "gate",
    deadline=None,
    max_examples=EXAMPLES_OF_A_SEARCH or 15,
    derandomize=not EXAMPLES_OF_A_SEARCH,
    database=None,
    print_blob=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
settings.load_profile("gate")

# With this library, jsonschema builds 38 grammars when it is imported (three seconds in every worker), for
# formats that no test looks at.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of a folder for each test; ``mktemp`` would list all earlier ones, twice in every test."""
    root = tmp_path_factory.mktemp("own")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, own_folders: Iterator[Path]) -> None:
    """No setting of the developer's reaches a test; keys go to a directory of the test's own."""
    for name in list(os.environ):
        if name.startswith(("GATE_", "GIT_")) and name not in ("GATE_TEST_ALL_PARTS", "GATE_UPDATE_PICTURES"):
            monkeypatch.delenv(name)
    own = next(own_folders)
    own.mkdir()
    monkeypatch.setenv("GATE_CONFIG_DIR", str(own / "config"))
    monkeypatch.setenv("GATE_CACHE_DIR", str(own / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session", autouse=True)
def import_collectors_once() -> None:
    """What every forked collector process would import anew is there already."""
    import coverage
    import markdown_it

    assert coverage and markdown_it
    for name in BUILTIN:
        load(name)


@pytest.fixture(scope="session", autouse=True)
def load_the_shipped_bundle_once() -> Iterator[None]:
    """The shipped policies, which no test changes, are read and checked once, and not by every evaluation.

    A test of that imports ``load_bundle`` or ``make_plan`` itself, which is the real one.
    """
    load_bundle = bundles.load_bundle
    shipped = load_bundle(bundles.SHIPPED)
    before = copy.deepcopy(shipped)

    plan = make_plan(shipped)

    def load_once(directory: Path, limits: Limits = DEFAULT) -> Bundle:
        return shipped if directory == bundles.SHIPPED else load_bundle(directory, limits)

    def plan_once(bundle: Bundle, depends_on: dict[str, tuple[str, ...]] | None = None) -> Plan:
        return plan if bundle is shipped and not depends_on else make_plan(bundle, depends_on)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundles, "load_bundle", load_once)
        patch.setattr(plans, "make_plan", plan_once)
        yield
    assert (shipped, plan) == (before, make_plan(before))


@pytest.fixture(scope="session", autouse=True)
def start_the_shipped_engine_once(load_the_shipped_bundle_once: None) -> Iterator[None]:
    """The process of the policy engine over the shipped policies answers evaluation after evaluation.

    No answer depends on an earlier question. Tests of its start and its end have policies of their own.
    """
    shipped = bundles.load_bundle(bundles.SHIPPED)
    start, end = EmbeddedEngine._start, EmbeddedEngine.__exit__
    idle: list[subprocess.Popen[bytes]] = []

    def usual(engine: EmbeddedEngine) -> bool:
        return engine._bundle is shipped and engine._limits == DEFAULT

    def resume(engine: EmbeddedEngine) -> subprocess.Popen[bytes]:
        if not usual(engine) or not idle:
            return start(engine)
        engine._process, engine._loaded = idle.pop(), True
        return engine._process

    def pause(engine: EmbeddedEngine, *raised: object) -> None:
        if usual(engine) and engine._process and engine._loaded and not idle and raised[:1] == (None,):
            idle.append(engine._process)
            engine._process = None
        end(engine, *raised)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddedEngine, "_start", resume)
        patch.setattr(EmbeddedEngine, "__exit__", pause)
        yield
    for process in idle:
        with process:
            process.kill()


@pytest.fixture(autouse=True)
def fork_as_the_program_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collect in a forked process, as the program does, whose process has one thread.

    The thread of pytest-xdist, which only waits for messages, would make every run start a new interpreter.
    Where that is what is tested, in tests/evidence/process and tests/evidence/collecting, nothing is changed.
    """
    monkeypatch.setattr(children, "can_fork", lambda: sys.platform == "linux")


@pytest.fixture
def make_workspace(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """A factory of workspaces from path → content."""

    def make(files: dict[str, str | bytes], name: str = "workspace") -> Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture(scope="session")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where copies of the examples are made, and what was found in them is remembered."""
    return tmp_path_factory.mktemp("workspaces")


@pytest.fixture
def copy_example(workspaces: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A factory of copies of an example workspace, outside of any repository.

    A copy lies where those of earlier tests lay, and what was found there is known: of the collectors only
    those run again that are told something else about it. In CI, and where a test sets a GATE_CACHE_DIR of
    its own, all of them run.
    """
    if not os.environ.get("GATE_TEST_ALL_PARTS"):
        config = Path(os.environ["GATE_CONFIG_DIR"])
        config.mkdir(mode=0o700)
        (config / KEY_FILE).write_bytes(bytes(range(32)))
        (config / KEY_FILE).chmod(0o600)
        monkeypatch.setenv("GATE_CACHE_DIR", str(workspaces / "cache"))
    made: list[Path] = []

    def copy(name: str, to: str | None = None) -> Path:
        target = workspaces / (to or name)
        made.append(target)
        shutil.copytree(EXAMPLES / name, target, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
        return target

    yield copy
    for target in made:
        shutil.rmtree(target, ignore_errors=True)
        if target.exists():  # what this user may not remove must not be in the next test's way
            target.rename(Path(tempfile.mkdtemp(dir=workspaces)) / target.name)


@pytest.fixture(scope="session")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What :func:`recorded` recorded: by example and stages, a ledger and its owner's directory."""
    return tmp_path_factory.mktemp("ledgers")


@pytest.fixture
def recorded(
    gate: Callable[..., Finished], copy_example: Callable[..., Path], ledgers: Path
) -> Callable[..., Path]:
    """A factory of copies of an example with decisions in their ledger, which are judged once for all tests.

    This user's directory has the key that signed them, and the receipts.
    """

    def make(example: str, *stages: str) -> Path:
        root, own = copy_example(example), Path(os.environ["GATE_CONFIG_DIR"])
        kept = ledgers / "-".join((example, *stages))
        pairs = ((root / "ledger", kept / "ledger"), (own, kept / "own"))
        if not kept.exists():
            for stage in stages:
                assert gate("evaluate", stage, "-w", root, "--quiet").code in (0, 1)
            for made, copy in pairs:
                shutil.copytree(made, copy)
        else:
            for made, copy in pairs:
                shutil.copytree(copy, made, dirs_exist_ok=True)
        return root

    return make


@pytest.fixture
def operator() -> Callable[[Path], Path]:
    """A factory of operators' files, beside a workspace, that say what its ``gate.yaml`` and signers say now.

    They permit everything. What an operator changes is tested in ``test_operator.py``.
    """

    def agree(root: Path) -> Path:
        folder = root.parent / f"operator-of-{root.name}"
        folder.mkdir(exist_ok=True)
        stated = yaml.safe_load((root / "gate.yaml").read_text()) if (root / "gate.yaml").exists() else {}
        settings = {name: value for name, value in (stated or {}).items() if name in POWERS}
        settings.setdefault("allowed_signers", "trust/allowed_signers")
        for name in KEY_FILES:
            if settings.get(name) is not None:
                file = root / settings[name]
                settings[name] = name
                (folder / name).write_bytes(file.read_bytes() if file.is_file() else b"")
        bundle = settings.get("policy", {}).get("bundle")
        if bundle is not None:
            shutil.copytree(root / bundle, folder / bundle, dirs_exist_ok=True)
        settings["execute"] = ["commands", "plugins", "stage_tests"]
        file = folder / "operator.yaml"
        file.write_text(yaml.safe_dump(settings))
        return file

    return agree


@dataclass(frozen=True)
class Finished:
    """How a run of the program ended."""

    code: int
    out: str
    err: str


def run_here(arguments: Iterable[str | Path], cwd: Path, env: Mapping[str, str]) -> Finished:
    """Run gate's main function in this process, from its arguments to its exit code."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["gate", *map(str, arguments)])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        for name, value in env.items():
            patch.setenv(name, value)
        patch.setenv("PYDANTIC_DISABLE_PLUGINS", "__all__")
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return Finished(code, *texts)


@pytest.fixture(scope="session")
def run_gate() -> Callable[[Iterable[str | Path], Path, Mapping[str, str]], Finished]:
    """Run gate's main function in this process, for fixtures of a module: arguments, directory, variables."""
    return run_here


@pytest.fixture
def gate(tmp_path: Path) -> Callable[..., Finished]:
    """Run gate's main function in this process.

    What a process adds (its start, its streams, signals) is tested with ``program``; this is much faster.
    """

    def run(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Finished:
        return run_here(arguments, cwd or tmp_path, env or {})

    return run


@pytest.fixture
def here(gate: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Finished]]:
    """Run gate in this process, with collectors in ``PYTHONPATH`` that it finds as the program does."""

    def run(*arguments: str | Path, env: dict[str, str]) -> Finished:
        for folder in env["PYTHONPATH"].split(os.pathsep):
            monkeypatch.syspath_prepend(folder)
        forget()
        return gate(*arguments)

    def forget() -> None:
        plugins._entries.cache_clear()
        facts.contract_has.cache_clear()
        # other tests, too, name the modules of their plug-ins so
        for name in [one for one in sys.modules if one.startswith("gate_")]:
            del sys.modules[name]

    yield run
    forget()


@pytest.fixture(scope="session")
def evaluated(workspaces: Path) -> Callable[[str, str], Finished]:
    """A factory of recorded runs of ``gate evaluate STAGE -o json`` in copies of an example; each once."""

    @functools.cache
    def evaluate(example: str, stage: str, anchored: bool = True) -> Finished:
        root = workspaces / f"{example} for {stage}{'' if anchored else ' alone'}"
        shutil.copytree(EXAMPLES / example, root, ignore=shutil.ignore_patterns("ledger", "__pycache__"))
        trust = ("--operator", EXAMPLES / "operator.yaml") if anchored else ()
        return run_here(("evaluate", stage, "-w", root, *trust, "-o", "json"), workspaces, {})

    return evaluate


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Finished]:
    """Run the ``gate`` program as a user does, in a process of its own."""

    def run(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "gate", *map(str, arguments)],
            cwd=cwd or tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


PEOPLE = {
    "risk_officer": "dana.levi@example.com",
    "cto": "omar.haddad@example.com",
    "lead_trader": "mei.tanaka@example.com",
    "qa_lead": "ines.duarte@example.com",
}
NEEDED = [
    ("stage1", "risk_officer"),
    ("stage1", "cto"),
    ("stage2", "cto"),
    ("stage4", "cto"),
    ("stage8", "risk_officer"),
    ("stage8", "cto"),
    ("stage8", "lead_trader"),
]


class Office:
    """A copy of the ready example whose people have keys of these tests."""

    people = PEOPLE
    needed = NEEDED
    signed: ClassVar[dict[str, dict[str, bytes]]] = {}
    """By digest of all else in the workspace, the sign-offs that were made for it."""

    def __init__(
        self, root: Path, keys: Path, gate: Callable[..., Finished], operator: Callable[[Path], Path]
    ) -> None:
        self.root = root
        self.operator = operator
        self.keys = keys
        self.gate = gate
        lines = []
        for role, principal in PEOPLE.items():
            public = " ".join((keys / f"{role}.pub").read_text().split()[:2])
            spaces = 'namespaces="signoff@gate,waiver@gate,file"'
            lines.append(f'{principal} {spaces},valid-after="20250101Z",valid-before="20300101Z" {public}\n')
        (root / "trust" / "allowed_signers").write_text("".join(lines))
        config = json.dumps({role: [principal] for role, principal in PEOPLE.items()})
        text = (root / "gate.yaml").read_text()
        before, _, rest = text.partition("\nroles:\n")
        tail = [line for line in rest.splitlines() if line and not line.startswith((" ", "#"))]
        kept = rest[rest.index(tail[0]) :] if tail else ""
        (root / "gate.yaml").write_text(f"{before}\nroles: {config}\n{kept}")
        shutil.rmtree(root / "signoffs")
        (root / "signoffs").mkdir()
        self.sign_file("signatures/artifacts.sha256", "qa_lead", "file")

    def sign_file(self, path: str, role: str, namespace: str) -> None:
        """Sign a file of the workspace as stock ssh-keygen does."""
        target = self.root / path
        target.with_name(target.name + ".sig").unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.keys / role), "-n", namespace, str(target)],
            check=True,
            capture_output=True,
        )

    def sign_off(self, stage: str, role: str, *more: str, key: str | None = None, name: str = "x") -> Path:
        """`gate signoff request` and `ssh-keygen -Y sign`, as docs/sign-offs.md says."""
        prepared = self.gate(
            "signoff", "request", stage, "--role", role, "--name", name, *more, "-w", self.root
        )
        assert prepared.code == 0, prepared.err
        path = f"signoffs/{stage}-{role}-{name}.json"
        (self.root / path).write_text(prepared.out)
        self.sign_file(path, key or role, "signoff@gate")
        return self.root / path

    def sign_everything(self) -> None:
        """All sign-offs that the shipped policies need.

        They bind the same sources and evidence for everyone who signs a stage, so one is prepared for each.
        What was signed once is there again in every test whose workspace is the same.
        """
        folder = self.root / "signoffs"
        assert not list(folder.iterdir())
        files = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        content = b"".join(hashlib.sha256(bytes(path) + b"\0" + path.read_bytes()).digest() for path in files)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.signed:
            self._sign_everything()
            self.signed[digest] = {path.name: path.read_bytes() for path in folder.iterdir()}
        for name, data in self.signed[digest].items():
            (folder / name).write_bytes(data)

    def _sign_everything(self) -> None:
        prepared: dict[str, str] = {}
        for stage, role in NEEDED:
            if stage not in prepared:
                prepared[stage] = self.sign_off(stage, role).read_text()
                continue
            document = json.loads(prepared[stage]) | {"role": role}
            path = f"signoffs/{stage}-{role}-x.json"
            (self.root / path).write_text(json.dumps(document))
            self.sign_file(path, role, "signoff@gate")

    def judge(self, stage: str = "stage8") -> dict[str, Any]:
        """The decision, not recorded."""
        trust = ("--operator", self.operator(self.root))
        run = self.gate("evaluate", stage, "-w", self.root, *trust, "-o", "json", "--no-record")
        assert run.code in (0, 1, 3), run.err
        loaded: dict[str, Any] = json.loads(run.out)
        assert run.code == {"PASS": 0, "FAIL": 1, "CONDITIONAL": 3}[loaded["verdict"]]
        return loaded


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each person's key, as ssh-keygen makes it."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    folder = tmp_path_factory.mktemp("keys")
    for role in PEOPLE:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", role, "-f", str(folder / role)]
        subprocess.run(command, check=True)
    return folder


@pytest.fixture
def office(
    gate: Callable[..., Finished],
    copy_example: Callable[[str], Path],
    keys: Path,
    operator: Callable[[Path], Path],
    tmp_path: Path,
) -> Office:
    """The ready example before anybody signed, and people with keys that the test may change."""
    own = shutil.copytree(keys, tmp_path / "keys")
    return Office(copy_example("ready"), own, gate, operator)


@pytest.fixture(scope="session")
def opa() -> str:
    """Path of the OPA program."""
    found = shutil.which("opa")
    if found is None:
        pytest.skip("the opa program is not on PATH")
    return found


@pytest.fixture(scope="session")
def opa_server(opa: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpaServer]:
    """A server without policies, for everybody."""
    server = OpaServer(opa, tmp_path_factory.mktemp("opa"))
    yield server
    server.stop()


@pytest.fixture
def start_opa(opa: str, tmp_path: Path) -> Iterator[Callable[..., OpaServer]]:
    """A factory of servers with these arguments."""
    started: list[OpaServer] = []

    def start(*arguments: str, scheme: str = "http") -> OpaServer:
        started.append(OpaServer(opa, tmp_path, *arguments, scheme=scheme))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark property tests, which their decorator shows; leave out tests marked ``soak`` unless searching."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")
    if not EXAMPLES_OF_A_SEARCH:
        soak = {item for item in items if item.get_closest_marker("soak") is not None}
        config.hook.pytest_deselected(items=list(soak))
        items[:] = [item for item in items if item not in soak]
    # what is there by now stays to the end: looking for garbage in it would take time in every test, and make
    # every forked process copy it
    gc.collect()
    gc.freeze()


_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember skipped tests."""
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _skipped.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where all parts are expected (CI), a skipped test is a failure."""
    if os.environ.get("GATE_TEST_ALL_PARTS") and _skipped and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> Iterator[None] | None:
    """Name the skipped tests that made the run fail."""
    if os.environ.get("GATE_TEST_ALL_PARTS") and _skipped:
        terminalreporter.section("skipped although all parts are expected", red=True)
        for line in _skipped:
            terminalreporter.line(line)
